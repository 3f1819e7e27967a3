"""Any way of getting AWS credentials as an ordinary boto3 session, and typed Amazon Bedrock calls on top of it.

The public names are resolved on first use (PEP 562), so that ``import bedrock_auth`` costs next to nothing and loads
neither attrs nor boto3 nor botocore.
"""

from __future__ import annotations

from bedrock_auth._exports import exports

TYPE_CHECKING = False  # importing typing would double the cost of this import; type checkers take the name as true

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bedrock_auth.api_key import ApiKey as ApiKey, BearerToken as BearerToken
    from bedrock_auth.audit import (
        Event as Event,
        Invalidated as Invalidated,
        Listener as Listener,
        LogListener as LogListener,
        RefreshFailed as RefreshFailed,
        Retrieved as Retrieved,
        ServedStale as ServedStale,
        Skipped as Skipped,
    )
    from bedrock_auth.bearer import bearer_token as bearer_token
    from bedrock_auth.caller import Caller as Caller
    from bedrock_auth.caller_settings import (
        CallerAnswer as CallerAnswer,
        CallerSettings as CallerSettings,
        CallerSettingsError as CallerSettingsError,
        answer_for as answer_for,
    )
    from bedrock_auth.contracts import (
        CredentialProvider as CredentialProvider,
        CredentialSource as CredentialSource,
        Stability as Stability,
    )
    from bedrock_auth.credentials import Credentials as Credentials
    from bedrock_auth.disk_cache import DiskCache as DiskCache
    from bedrock_auth.errors import (
        BedrockAuthError as BedrockAuthError,
        ChainError as ChainError,
        ConfigurationError as ConfigurationError,
        CredentialError as CredentialError,
        CredentialsExpiredError as CredentialsExpiredError,
        DeniedError as DeniedError,
        LoginRequiredError as LoginRequiredError,
        MissingIdentityError as MissingIdentityError,
        NotConfiguredError as NotConfiguredError,
        RetrievalError as RetrievalError,
    )
    from bedrock_auth.host import Host as Host
    from bedrock_auth.policy import RefreshPolicy as RefreshPolicy
    from bedrock_auth.providers.assume_role import AssumeRole as AssumeRole
    from bedrock_auth.providers.chain import Chain as Chain
    from bedrock_auth.providers.cognito import CognitoGuest as CognitoGuest, CognitoIdentity as CognitoIdentity
    from bedrock_auth.providers.container import Container as Container
    from bedrock_auth.providers.default import Default as Default
    from bedrock_auth.providers.environment import Environment as Environment
    from bedrock_auth.providers.from_callable import FromCallable as FromCallable
    from bedrock_auth.providers.from_session import FromSession as FromSession
    from bedrock_auth.providers.http_vending import HttpVending as HttpVending
    from bedrock_auth.providers.instance_metadata import InstanceMetadata as InstanceMetadata
    from bedrock_auth.providers.process import Process as Process
    from bedrock_auth.providers.profile import Profile as Profile
    from bedrock_auth.providers.sso import SsoSession as SsoSession
    from bedrock_auth.providers.static import Static as Static
    from bedrock_auth.providers.web_identity import WebIdentity as WebIdentity
    from bedrock_auth.redaction import RedactingFilter as RedactingFilter, redact as redact
    from bedrock_auth.refresh import Refresher as Refresher
    from bedrock_auth.scope import RequestScope as RequestScope
    from bedrock_auth.session import Identity as Identity, create_session as create_session, whoami as whoami
    from bedrock_auth.settings import Settings as Settings

_HOMES = {
    "api_key": "ApiKey BearerToken",
    "audit": "Event Invalidated Listener LogListener RefreshFailed Retrieved ServedStale Skipped",
    "bearer": "bearer_token",
    "caller": "Caller",
    "caller_settings": "CallerAnswer CallerSettings CallerSettingsError answer_for",
    "contracts": "CredentialProvider CredentialSource Stability",
    "credentials": "Credentials",
    "disk_cache": "DiskCache",
    "errors": "BedrockAuthError ChainError ConfigurationError CredentialError CredentialsExpiredError DeniedError "
    "LoginRequiredError MissingIdentityError NotConfiguredError RetrievalError",
    "host": "Host",
    "policy": "RefreshPolicy",
    "providers.assume_role": "AssumeRole",
    "providers.chain": "Chain",
    "providers.cognito": "CognitoGuest CognitoIdentity",
    "providers.container": "Container",
    "providers.default": "Default",
    "providers.environment": "Environment",
    "providers.from_callable": "FromCallable",
    "providers.from_session": "FromSession",
    "providers.http_vending": "HttpVending",
    "providers.instance_metadata": "InstanceMetadata",
    "providers.process": "Process",
    "providers.profile": "Profile",
    "providers.sso": "SsoSession",
    "providers.static": "Static",
    "providers.web_identity": "WebIdentity",
    "redaction": "RedactingFilter redact",
    "refresh": "Refresher",
    "scope": "RequestScope",
    "session": "Identity create_session whoami",
    "settings": "Settings",
}
__all__, __getattr__, __dir__ = exports(globals(), _HOMES)
__all__ += ["__version__"]
