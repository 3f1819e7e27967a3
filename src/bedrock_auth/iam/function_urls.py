"""Calling Lambda function URLs. Source: AWS Lambda Developer Guide, "Control access to Lambda function URLs"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.iam.arns import checked_arn
from bedrock_auth.iam.values import Policy, Statement, texts

if TYPE_CHECKING:
    from collections.abc import Iterable

_FUNCTION = r"function:[\w-]{1,64}(:[\w$-]+)?"
_ONLY_SIGNED = (("StringEquals", "lambda:FunctionUrlAuthType", ("AWS_IAM",)),)
_ONLY_BY_URL = (("Bool", "lambda:InvokedViaFunctionUrl", ("true",)),)


def invoke_function_url(function_arn: str, *, principals: str | Iterable[str] = ()) -> Policy:
    """Signed calls of a function's URL. URLs made since October 2025 take both statements.

    Args:
        function_arn: of the function, with ``:`` and an alias if the URL is the alias's.
        principals: ARNs of whom to allow it, for the function's own policy; without any it is an identity policy.

    Raises:
        ConfigurationError: it is no function's ARN.
    """
    checked_arn("function_arn", function_arn, "lambda", _FUNCTION)
    who = (("AWS", texts(principals)),) if principals else ()
    return Policy(
        (
            Statement("InvokeFunctionUrl", "lambda:InvokeFunctionUrl", function_arn, _ONLY_SIGNED, principals=who),
            Statement("InvokeFunctionByUrl", "lambda:InvokeFunction", function_arn, _ONLY_BY_URL, principals=who),
        )
    )
