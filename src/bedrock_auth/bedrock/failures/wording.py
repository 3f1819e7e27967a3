"""What can be read from the texts of AWS's errors. Pure; only facts of a known shape come out, never the text itself.

The texts are no contract, so nothing here raises: what cannot be read is left out. Sources: AWS IAM User Guide, "Troubleshoot
access denied error messages" (the words around actions and resources) and "Troubleshoot Signature Version 4 signing"
(the two times); the model's id stands in the text quoted in `bedrock_auth.bedrock.failures.reasons`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-"})
_ARN = re.compile(r"arn:[\w-]+:[\w-]*:(?P<region>[\w-]*):[\w-]*:(?P<resource>[\w-]+/[\w./:-]*\w)?")
_ACTION = re.compile(r"(?<![\w:/.-])[a-z][a-z0-9-]{1,31}:[A-Z][A-Za-z0-9]{2,63}(?![\w:/])")
_MODELS_RESOURCE = re.compile(r"(?:foundation-model|inference-profile|agent-alias|knowledge-base|guardrail|prompt-router)/")
_NO_ACTIONS = {
    "bedrock:Converse": "bedrock:InvokeModel",
    "bedrock:ConverseStream": "bedrock:InvokeModelWithResponseStream",
}
"""Stand-ins for AWS and people name the API operation, for which there is no action."""
_MODEL_ID = re.compile(r"model id ([a-z0-9][\w.:-]{2,120}[\w])", re.IGNORECASE)
_TIMES = re.compile(r"(\d{8}T\d{6}Z) is (?:now earlier|still later) than \d{8}T\d{6}Z \((\d{8}T\d{6}Z) [-+]")


def normalised(text: str) -> str:
    r"""The text with plain quotes, hyphens and single spaces: AWS writes ``isn’t`` with a curly apostrophe, and not always.

    >>> normalised("on-demand  throughput isn’t\nsupported")
    "on-demand throughput isn't supported"
    """
    return " ".join(text.translate(_QUOTES).split())


def iam_actions(text: str) -> tuple[str, ...]:
    """The IAM actions that an access denied text names, in order, each once.

    >>> iam_actions("User: arn:aws:iam::123456789012:user/Me is not authorized to perform: bedrock:InvokeModel on resource: *")
    ('bedrock:InvokeModel',)
    """
    found = _ACTION.findall(normalised(text))
    return tuple(dict.fromkeys(_NO_ACTIONS.get(action, action) for action in found))


def denied_resource(text: str) -> str:
    """A sentence that says which model, profile, agent or knowledge base was refused, without account; else nothing.

    >>> denied_resource("… on resource: arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0 because …")
    'The resource is foundation-model/amazon.nova-lite-v1:0 in us-east-1.'
    """
    match = _ARN.search(normalised(text).partition("on resource:")[2])
    if match is None or not _MODELS_RESOURCE.match(match["resource"] or ""):
        return ""
    return f"The resource is {match['resource']} in {match['region'] or 'every region'}."


def clock_offset(text: str) -> str:
    """A sentence that says how wrong this machine's clock is, where AWS tells both times; else nothing.

    >>> clock_offset("Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z (20260101T002000Z - 5 min.)")
    'Its clock is 20 minutes behind.'
    """
    match = _TIMES.search(normalised(text))
    if match is None:
        return ""
    try:
        signed, received = (datetime.strptime(time, "%Y%m%dT%H%M%S%z") for time in match.groups())
    except ValueError:
        return ""
    direction = "behind" if signed < received else "ahead"
    return f"Its clock is {abs(signed - received) // timedelta(minutes=1)} minutes {direction}."


def model_id(text: str) -> str:
    """The id of the model that a text names; empty where it names none.

    >>> model_id("Invocation of model ID amazon.nova-lite-v1:0 with on-demand throughput isn't supported.")
    'amazon.nova-lite-v1:0'
    """
    match = _MODEL_ID.search(normalised(text))
    return match[1] if match else ""
