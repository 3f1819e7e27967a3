"""The words for errors that no service sent: lost connections, broken streams, credentials, settings, botocore's own.

`cause_of` finds the row by class and code. Sources: `bedrock_auth.errors` and `bedrock_auth.bedrock.errors` for the classes,
"Exceptions" in botocore's documentation for its own.
"""

from __future__ import annotations

from attrs import frozen

from bedrock_auth import errors as credential
from bedrock_auth.bedrock import errors as call


@frozen
class Cause:
    """One row; ``{error.command}`` and the like in ``fix`` stand for details of the error."""

    error: type[credential.BedrockAuthError]
    codes: tuple[str, ...]
    """Empty for any code."""
    why: str
    fix: str


_CALLS = (
    Cause(
        call.ConnectionLostError,
        ("ReadTimeout",),
        "The service sent nothing for as long as the client waits; a slow model does that.",
        "Set a longer one, config=Config(read_timeout=…), or stream the answer. One that never came may be charged for.",
    ),
    Cause(
        call.ConnectionLostError,
        ("ConnectTimeout", "ConnectionFailed"),
        "There is no way to the service: network, name resolution, proxy, VPC endpoint, or a region without it.",
        "Check the region, HTTPS_PROXY, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_BEDROCK_RUNTIME; then the network's rules.",
    ),
    Cause(
        call.ConnectionLostError,
        ("SSLError",),
        "The certificate of whoever answers is not trusted: most often a proxy's that opens TLS.",
        "Give the proxy's CA in AWS_CA_BUNDLE. Never turn the verification off.",
    ),
    Cause(
        call.ConnectionLostError,
        (),
        "The connection broke before the answer was whole.",
        "Send the request again, unless a model may still be at work on it (.retryable is False then): it would be paid for "
        "twice. If it goes on, look for proxies and load balancers with short idle timeouts.",
    ),
    Cause(
        call.IncompleteStreamError,
        ("StreamClosed",),
        "This program closed the stream, and then asked for the whole answer.",
        "Read the stream to its end inside its with block, or use .partial.",
    ),
    Cause(
        call.IncompleteStreamError,
        ("NoAnswer",),
        "The agent stopped without text and without returning control; a collaborator or an action of its may have failed.",
        "Ask with enable_trace=True and look at .partial.traces. It may have acted, so think before you ask again.",
    ),
    Cause(
        call.IncompleteStreamError,
        (),
        "The stream ended before messageStop: the service, a proxy or a load balancer broke it off.",
        "Send the request again; what had come is in .partial. A stream that ended early is not a short answer.",
    ),
    Cause(
        call.DecodeError,
        ("ChecksumMismatch",),
        "The data was damaged on its way.",
        "Send the request again.",
    ),
    Cause(
        call.DecodeError,
        ("NotAnEventStream",),
        "Something else than Amazon Bedrock answered, such as a captive portal, a proxy or a wrong endpoint.",
        "Check HTTPS_PROXY, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_BEDROCK_RUNTIME.",
    ),
    Cause(
        call.DecodeError,
        (),
        "The answer was cut, or the endpoint is not Amazon Bedrock.",
        "Check HTTPS_PROXY, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_BEDROCK_RUNTIME; send it again.",
    ),
    Cause(
        call.ToolInputError,
        (),
        "The model wrote a tool's input that is no JSON, or max_tokens cut it.",
        "Raise max_tokens, or ask again; .input_text is what it wrote, and .partial the rest of the answer.",
    ),
)

_BOTOCORE = (
    Cause(
        call.BedrockError,
        ("NoRegionError", "InvalidRegionError"),
        "No region is set, or what is set is the name of none.",
        "Pass region_name=, or set AWS_DEFAULT_REGION (botocore does not read AWS_REGION; create_session does).",
    ),
    Cause(
        call.BedrockError,
        ("ProfileNotFound",),
        "The config files have no profile of the name that AWS_PROFILE or the code gives.",
        "Correct the name, or run aws configure list-profiles to see which there are.",
    ),
    Cause(
        call.BedrockError,
        ("ConfigNotFound", "ConfigParseError"),
        "The AWS config file is missing or broken.",
        "Correct the file that AWS_CONFIG_FILE names, by default ~/.aws/config.",
    ),
    Cause(
        call.BedrockError,
        ("UnknownServiceError", "UnknownEndpointError", "DataNotFoundError", "ApiVersionNotFoundError"),
        "The installed botocore does not know the service.",
        "Install current versions of boto3 and botocore, and check how the service is spelt: bedrock-runtime.",
    ),
    Cause(
        call.BedrockError,
        ("MissingDependencyException",),
        "botocore needs its extra crt for this.",
        "python3 -m pip install 'botocore[crt]'",
    ),
    Cause(
        call.BedrockError,
        ("InvalidEndpointConfigurationError", "InvalidEndpointDiscoveryConfigurationError", "InvalidProxiesConfigError"),
        "An endpoint or proxy is configured in a way that botocore refuses, such as a bearer token over plain http.",
        "Check endpoint_url, AWS_ENDPOINT_URL and the proxy settings.",
    ),
    Cause(
        call.BedrockError,
        ("TurnLimit",),
        "The model, or the agent, asked for one more function in its last turn, and would not have read the result.",
        "Raise max_turns, or look at what it keeps asking for: a result that it cannot use, or a task without an end.",
    ),
    Cause(
        call.BedrockError,
        (),
        "botocore failed on this machine, in a way that is not known here; its text is not repeated.",
        "Read the message of the original error, and look its class up in botocore's documentation.",
    ),
)

_CREDENTIALS = (
    Cause(
        credential.ChainError,
        (),
        "No source of credentials is set up here.",
        "Find the source that should have been used, and go by its line.",
    ),
    Cause(
        credential.LoginRequiredError,
        (),
        "A person has to log in first; no program can do that.",
        "Run, as this user: {error.command}",
    ),
    Cause(
        credential.DeniedError,
        (),
        "The source of the credentials was asked and refused for good.",
        "Change what the message names, or ask whoever administers the source; asking again changes nothing.",
    ),
    Cause(
        credential.NotConfiguredError,
        (),
        "This source of credentials is not set up here.",
        "Set up what the message names in the environment of this very process, or use another source.",
    ),
    Cause(
        credential.ConfigurationError,
        (),
        "A setting or an argument cannot be right, so nothing was sent.",
        "Correct what the message names.",
    ),
    Cause(
        credential.CredentialsExpiredError,
        (),
        "The source gave credentials that have expired already, or this machine's clock is wrong.",
        "Renew them where they come from; check the clock.",
    ),
    Cause(
        credential.MissingIdentityError,
        ("NoAuthTokenError",),
        "A bearer token was to sign, and there is none.",
        'Have API keys made of credentials: create_session(provider, auth="bearer"). Sessions of boto3 take a current one of the '
        "region from AWS_BEARER_TOKEN_BEDROCK. Or let credentials sign: auth_scheme_preference=sigv4.",
    ),
    Cause(
        credential.MissingIdentityError,
        (),
        "There is nobody to sign as; nothing that lies around is ever used instead.",
        "Make the session with create_session(provider). Where callers share a session, call inside scope.use(…).",
    ),
    Cause(
        credential.RetrievalError,
        (
            "SSOError",
            "SSOTokenLoadError",
            "UnauthorizedSSOTokenError",
            "TokenRetrievalError",
            "LoginError",
            "LoginRefreshRequired",
            "LoginTokenLoadError",
        ),
        "Nobody is logged in, or the login is over.",
        "Run aws sso login, or aws login, with --profile where the profile is not the default one.",
    ),
    Cause(
        credential.RetrievalError,
        ("PartialCredentialsError",),
        "Half a key pair is set.",
        "Set access key id and secret access key together, in the same place.",
    ),
    Cause(
        credential.CredentialError,
        (),
        "The source of the credentials was asked and failed, in a way that may pass.",
        "Try again later. If it goes on: network, proxy, clock, and whatever the message names.",
    ),
    Cause(
        credential.BedrockAuthError,
        (),
        "This library refuses to go on.",
        "Go by the message.",
    ),
)

CAUSES: tuple[Cause, ...] = (*_CALLS, *_BOTOCORE, *_CREDENTIALS)
"""The first row that fits decides; the last one fits every error of this library."""


def cause_of(error: credential.BedrockAuthError) -> Cause:
    """The row for an error of this library that no service sent."""
    code = getattr(error, "code", "")
    return next(cause for cause in CAUSES if isinstance(error, cause.error) and (not cause.codes or code in cause.codes))
