"""Signed calls to Lambda function URLs whose auth type is ``AWS_IAM``, whole or streamed.

A function URL is called by whoever may, not by whoever knows it: each request carries an AWS signature. `FunctionUrlClient` signs
with the current keys of a session or a source, sends exactly what it has signed, follows no redirect, and reads answers as they
arrive. An answer that is cut before its end is an error and never looks complete. A request that may have reached the function
is never sent a second time.

For httpx, its asynchronous client among others, there is `bedrock_auth.integrations.httpx`.
"""

from bedrock_auth.function_url.client import FunctionUrlClient
from bedrock_auth.function_url.errors import (
    FunctionFailedError,
    FunctionUrlConnectionError,
    FunctionUrlDeniedError,
    FunctionUrlError,
    FunctionUrlSignatureError,
    FunctionUrlThrottledError,
)
from bedrock_auth.function_url.refusals import refusal
from bedrock_auth.function_url.response import FunctionUrlResponse, FunctionUrlStream
from bedrock_auth.function_url.text import ServerSentEvent

__all__ = [
    "FunctionFailedError",
    "FunctionUrlClient",
    "FunctionUrlConnectionError",
    "FunctionUrlDeniedError",
    "FunctionUrlError",
    "FunctionUrlResponse",
    "FunctionUrlSignatureError",
    "FunctionUrlStream",
    "FunctionUrlThrottledError",
    "ServerSentEvent",
    "refusal",
]
