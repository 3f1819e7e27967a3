"""Which actions, kinds of resources and condition keys there are.

Actions come from botocore's service models, whose operations they share names with; what the models do not tell is from the
Service Authorization Reference, "Amazon Bedrock", and the IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader

from bedrock_auth.bedrock.model_ref import ModelRef
from bedrock_auth.errors import ConfigurationError

_SERVICES = (
    "bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime",
    "bedrock-data-automation", "bedrock-data-automation-runtime",
)  # fmt: skip
NO_PREFIXES = frozenset(_SERVICES[1:])
"""Endpoints whose actions have the prefix ``bedrock`` all the same."""
NO_ACTIONS = {
    "converse": "bedrock:InvokeModel",
    "conversestream": "bedrock:InvokeModelWithResponseStream",
    "retrieveandgeneratestream": "bedrock:RetrieveAndGenerate",
    "startasyncinvoke": "bedrock:InvokeModel",
}
"""Operations that are no actions, and the action that allows each."""
_NO_OPERATIONS = (
    "AllowVendedLogDeliveryForResource", "AssociateThirdPartyKnowledgeBase", "CallWithBearerToken", "CancelInvoke",
    "CreateDataSourceToken", "CreateModelEvaluationJob", "DeleteInvoke", "DeleteMarketplaceModelAgreement",
    "DetectGeneratedContent", "GetBlueprintRecommendation", "GetDataSourceAuthorizationUrl", "GetInvoke",
    "GetModelEvaluationJob", "InvokeAutomatedReasoningPolicy", "InvokeBlueprintRecommendationAsync", "InvokeBuilder",
    "InvokeTool", "ListModelEvaluationJobs", "PutFoundationModelEntitlement", "RenderPrompt",
)  # fmt: skip
"""Actions that no operation has the name of."""

_INVOKED = frozenset({
    "foundation-model", "inference-profile", "application-inference-profile", "provisioned-model", "custom-model-deployment",
    "imported-model", "prompt-router", "default-prompt-router", "marketplace", "async-invoke", "project", "system-tool",
})  # fmt: skip
_AGENT_ALIAS, _KNOWLEDGE_BASE, _GUARDRAIL = (frozenset({kind}) for kind in ("agent-alias", "knowledge-base", "guardrail"))
KINDS = {
    "InvokeModel": _INVOKED,
    "InvokeModelWithResponseStream": _INVOKED,
    "InvokeModelWithBidirectionalStream": _INVOKED,
    "CountTokens": frozenset({"foundation-model"}),
    "GetFoundationModel": frozenset({"foundation-model"}),
    "GetInferenceProfile": frozenset({"inference-profile", "application-inference-profile"}),
    "InvokeAgent": _AGENT_ALIAS,
    "GetAgentMemory": _AGENT_ALIAS,
    "DeleteAgentMemory": _AGENT_ALIAS,
    "Retrieve": _KNOWLEDGE_BASE,
    "GetKnowledgeBase": _KNOWLEDGE_BASE,
    "ApplyGuardrail": _GUARDRAIL | {"guardrail-profile"},
    "GetGuardrail": _GUARDRAIL,
    "InvokeFlow": frozenset({"flow"}),
    "RenderPrompt": frozenset({"prompt"}),
}
"""The kinds of resources that the actions of this library's calls take."""
WITHOUT_RESOURCES = frozenset({
    "CallWithBearerToken", "GenerateQuery", "GetFoundationModelAvailability", "InvokeGuardrailChecks", "InvokeInlineAgent",
    "ListCustomModels", "ListFoundationModels", "ListImportedModels", "ListInferenceProfiles", "ListKnowledgeBases", "ListAgents",
    "ListPromptRouters", "ListProvisionedModelThroughputs", "OptimizePrompt", "Rerank", "RetrieveAndGenerate",
})  # fmt: skip
"""Actions whose only resource is ``*``."""
ALL_KINDS = frozenset({
    "advanced-prompt-optimization-job", "agent", "agent-alias", "application-inference-profile", "async-invoke",
    "automated-reasoning-policy", "blueprint", "blueprint-optimization-invocation", "custom-model", "custom-model-deployment",
    "data-automation-invocation", "data-automation-library", "data-automation-library-ingestion-job", "data-automation-profile",
    "data-automation-project", "default-prompt-router", "evaluation-job", "flow", "foundation-model", "guardrail",
    "guardrail-profile", "imported-model", "inference-profile", "knowledge-base", "marketplace", "model-copy-job",
    "model-customization-job", "model-evaluation-job", "model-import-job", "model-invocation-job", "project", "prompt",
    "prompt-router", "provisioned-model", "retrieval-instruction", "session", "system-tool",
})  # fmt: skip
"""What may stand before the ``/`` of an ARN of Bedrock."""
OPERATORS = frozenset(
    f"{kind}{name}"
    for kind, names in {
        "String": ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
        "Numeric": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
        "Date": ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"),
        "Arn": ("Equals", "NotEquals", "Like", "NotLike"),
        "": ("Bool", "Null", "BinaryEquals", "IpAddress", "NotIpAddress"),
    }.items()
    for name in names
)
"""Without ``IfExists`` and the prefixes for sets."""
KEYS = {
    "aws": frozenset({
        "AssumedRoot", "CalledVia", "CalledViaAWSMCP", "CalledViaFirst", "CalledViaLast", "ChatbotSourceArn", "CurrentTime",
        "Ec2InstanceSourcePrivateIPv4", "Ec2InstanceSourceVpc", "EpochTime", "FederatedProvider",
        "IsMcpServiceAction", "MultiFactorAuthAge", "MultiFactorAuthPresent", "PrincipalAccount", "PrincipalArn",
        "PrincipalIsAWSService", "PrincipalOrgID", "PrincipalOrgPaths", "PrincipalServiceName", "PrincipalServiceNamesList",
        "PrincipalTag/", "PrincipalType", "Referer", "RequestTag/", "RequestedRegion", "ResourceAccount", "ResourceOrgID",
        "ResourceOrgPaths", "ResourceTag/", "SecureTransport", "SignInSessionArn", "SourceAccount", "SourceArn",
        "SourceIdentity", "SourceIp", "SourceOrgID", "SourceOrgPaths", "SourceVpc", "SourceVpcArn", "SourceVpce",
        "TagKeys", "TokenIssueTime", "UserAgent", "UserId", "Username", "ViaAWSMCPService", "ViaAWSService",
        "VpcSourceIp", "VpceAccount", "VpceOrgID", "VpceOrgPaths",
    }),
    "bedrock": frozenset({
        "BearerTokenType", "GuardrailIdentifier", "InferenceProfileArn", "InlineAgentName", "PromptRouterArn", "ServiceTier",
        "ThirdPartyKnowledgeBaseCredentialsSecretArn",
    }),
}  # fmt: skip
"""Condition keys by their prefix; one that ends in ``/`` goes on with a name."""
_GEOGRAPHIES = frozenset({"apac", "au", "ca", "eu", "global", "jp", "us", "us-gov"})
"""What ids of system-defined inference profiles begin with, and names of providers do not."""


def names_profile(name: str) -> bool:
    """Whether a name, perhaps with ``*`` at its end, is that of an inference profile and not of a foundation model."""
    geography, dot, _ = name.partition(".")
    if dot and geography in _GEOGRAPHIES:
        return True
    try:
        return ModelRef.parse(name.rstrip("*")).kind == "inference-profile"
    except ConfigurationError:
        return False


@cache
def actions() -> dict[str, str]:
    """The actions of Bedrock that are known, by their names in lower case."""
    loader = Loader()
    models = [loader.load_service_model(service, "service-2") for service in _SERVICES]
    names = {operation for model in models for operation in model["operations"]}.union(_NO_OPERATIONS, KINDS, WITHOUT_RESOURCES)
    return {name.lower(): name for name in sorted(names) if name.lower() not in NO_ACTIONS}
