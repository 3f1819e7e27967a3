"""The public names are a promise; so is what importing them costs."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bedrock_auth
from bedrock_auth import bedrock

PUBLIC = [
    "ApiKey",
    "AssumeRole",
    "BearerToken",
    "BedrockAuthError",
    "Caller",
    "CallerAnswer",
    "CallerSettings",
    "CallerSettingsError",
    "Chain",
    "ChainError",
    "CognitoGuest",
    "CognitoIdentity",
    "ConfigurationError",
    "Container",
    "CredentialError",
    "CredentialProvider",
    "CredentialSource",
    "Credentials",
    "CredentialsExpiredError",
    "Default",
    "DeniedError",
    "DiskCache",
    "Environment",
    "Event",
    "FromCallable",
    "FromSession",
    "Host",
    "HttpVending",
    "Identity",
    "InstanceMetadata",
    "Invalidated",
    "Listener",
    "LogListener",
    "LoginRequiredError",
    "MissingIdentityError",
    "NotConfiguredError",
    "Process",
    "Profile",
    "RedactingFilter",
    "RefreshFailed",
    "RefreshPolicy",
    "Refresher",
    "RequestScope",
    "RetrievalError",
    "Retrieved",
    "ServedStale",
    "Settings",
    "Skipped",
    "SsoSession",
    "Stability",
    "Static",
    "WebIdentity",
    "__version__",
    "answer_for",
    "bearer_token",
    "create_session",
    "redact",
    "whoami",
]

BEDROCK = [
    "AccessDeniedError",
    "AgentChunk",
    "AgentConversation",
    "AgentEvent",
    "AgentFiles",
    "AgentOptions",
    "AgentResponse",
    "AgentRun",
    "AgentRunEvent",
    "AgentRunOptions",
    "AgentStream",
    "AgentTrace",
    "AnyAgent",
    "AnyFilter",
    "AnyInvocation",
    "ApiInvocation",
    "AsyncAgentRun",
    "AsyncAgentStream",
    "AsyncConverseStream",
    "AsyncRagStream",
    "AsyncRetrieveAndGenerateStream",
    "AsyncStream",
    "AsyncToolRun",
    "AudioBlock",
    "AudioContent",
    "AvailableModel",
    "BedrockAgent",
    "BedrockError",
    "BedrockRuntime",
    "Block",
    "CacheDetail",
    "CachePoint",
    "Citation",
    "CitationDelta",
    "CitationEvent",
    "CitationsBlock",
    "ClientHistory",
    "Column",
    "Condition",
    "Confirm",
    "ConnectionLostError",
    "Content",
    "ContentBlockStart",
    "ContentBlockStop",
    "ContextWindowExceededError",
    "Conversation",
    "ConverseOptions",
    "ConverseResponse",
    "ConverseStream",
    "CredentialsRejectedError",
    "DecodeError",
    "DocumentBlock",
    "Event",
    "Explanation",
    "F",
    "Fence",
    "Fenced",
    "Field",
    "Filter",
    "FilterGroup",
    "FoundText",
    "FunctionInvocation",
    "GenerationEvent",
    "GenerationOptions",
    "GuardBlock",
    "Guardrail",
    "GuardrailCheck",
    "GuardrailEvent",
    "GuardrailIntervenedError",
    "GuardrailVerdict",
    "Handlers",
    "Hit",
    "HitCitation",
    "HitContent",
    "ImageBlock",
    "ImageContent",
    "ImageDelta",
    "ImageStart",
    "IncompleteStreamError",
    "InferenceProfile",
    "InferenceProfileRequiredError",
    "InlineAgent",
    "InputFile",
    "Invocation",
    "InvocationMetrics",
    "InvocationResult",
    "InvokeModelEvent",
    "InvokeModelStream",
    "JsonBlock",
    "KnowledgeBase",
    "KnowledgeBaseConversation",
    "Location",
    "Message",
    "MessageFold",
    "MessageStart",
    "MessageStop",
    "Metadata",
    "ModelAccessError",
    "ModelFailedError",
    "ModelNotReadyError",
    "ModelRef",
    "NotFoundError",
    "OutputEvent",
    "OutputFile",
    "Parameter",
    "ParameterError",
    "PayloadChunk",
    "QuotaExceededError",
    "RagChat",
    "RagEvent",
    "RagResponse",
    "RagSettings",
    "RagStream",
    "ReasoningBlock",
    "ReasoningDelta",
    "Reranking",
    "Retried",
    "RetrievalCitation",
    "RetrievalOptions",
    "RetrieveAndGenerateResponse",
    "RetrieveAndGenerateStream",
    "RetrieveResponse",
    "Retriever",
    "RetryListener",
    "ReturnControl",
    "ReturnControlResults",
    "RowContent",
    "RunOptions",
    "S3Location",
    "SearchResultBlock",
    "ServiceError",
    "SessionExpiredError",
    "SessionRestarted",
    "Span",
    "TextBlock",
    "TextContent",
    "TextDelta",
    "TextRules",
    "ThrottledError",
    "Tool",
    "ToolAdditionBlock",
    "ToolError",
    "ToolEvent",
    "ToolInputError",
    "ToolRemovalBlock",
    "ToolResultBlock",
    "ToolResultDelta",
    "ToolResultStart",
    "ToolRun",
    "ToolUseBlock",
    "ToolUseDelta",
    "ToolUseStart",
    "TranscriptSigner",
    "TurnLimitError",
    "UnavailableError",
    "UnknownBlock",
    "UnknownContent",
    "UnknownEvent",
    "UnknownFilter",
    "UnknownInvocation",
    "UnmatchedMarker",
    "UntrustedInputError",
    "Usage",
    "ValidationError",
    "VideoBlock",
    "VideoContent",
    "all_of",
    "any_of",
    "available_models",
    "decode",
    "escaped",
    "explain",
    "link_to_html",
    "to_html",
    "tool_config",
    "typed_stream",
    "unescaped",
    "without_placeholders",
]
PACKAGES = pytest.mark.parametrize(("package", "public"), [(bedrock_auth, PUBLIC), (bedrock, BEDROCK)], ids=["top", "bedrock"])


@PACKAGES
def test_the_public_names_are_these(package, public):
    assert sorted(package.__all__) == sorted(public)
    for name in public:
        assert getattr(package, name) is not None
    assert set(public) <= set(dir(package))


@PACKAGES
def test_type_checkers_see_the_same_names(package, public):
    text = Path(package.__file__).read_text(encoding="utf-8")
    assert sorted(re.findall(r"\b(\w+) as \1\b", text)) == sorted(set(public) - {"__version__"})


@PACKAGES
def test_no_public_name_is_that_of_a_module_which_would_take_its_place_once_imported(package, public):
    assert not {module.name for module in pkgutil.iter_modules(package.__path__)} & set(public)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'bedrock_auth' has no attribute 'CreateSession'"):
        _ = bedrock_auth.CreateSession


def loaded_after(statement: str) -> set[str]:
    """Top-level packages and botocore modules that a bare interpreter has loaded afterwards."""
    script = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    environ = {**os.environ, "PYTHONPATH": str(Path(bedrock_auth.__file__).parent.parent)}
    return set(
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environ).stdout.split()
    )


def test_importing_the_package_loads_neither_attrs_nor_boto3_nor_botocore():
    loaded = loaded_after("import bedrock_auth")
    assert not {name.split(".")[0] for name in loaded} & {
        "attr",
        "attrs",
        "boto3",
        "botocore",
        "cachetools",
        "asyncio",
        "logging",
    }


def test_naming_a_provider_loads_no_sdk():
    assert not loaded_after("from bedrock_auth import Static, AssumeRole, Process") & {
        "boto3",
        "botocore.session",
        "botocore.client",
    }


def test_the_product_does_not_load_boto3():
    assert "boto3" not in loaded_after("import bedrock_auth.bedrock")


@pytest.mark.parametrize("module", [module.name for module in pkgutil.walk_packages(bedrock_auth.__path__, "bedrock_auth.")])
def test_every_module_imports_and_says_what_it_is_for(module):
    if module.endswith("__main__"):
        pytest.skip("runs the program")
    assert importlib.import_module(module).__doc__


@pytest.mark.skipif("BEDROCK_AUTH_WHEEL" not in os.environ, reason="only where the wheel is installed")
def test_what_is_tested_is_the_wheel_and_it_is_typed():
    home = Path(bedrock_auth.__file__).parent
    assert home.parent.name == "site-packages"
    assert (home / "py.typed").exists()
    assert not [path for path in sys.path if path.endswith("/src")]
