"""The rows about who signs and what they may: keys, clocks, policies, access to models."""

from __future__ import annotations

from bedrock_auth.bedrock.errors import AccessDeniedError, CredentialsRejectedError, ModelAccessError
from bedrock_auth.bedrock.failures.reason import Reason
from bedrock_auth.bedrock.failures.wording import clock_offset, denied_resource

_CODES_PAGE = "Amazon Bedrock User Guide: Troubleshooting Amazon Bedrock API Error Codes"
_SIGNING_PAGE = "AWS IAM User Guide: Troubleshoot Signature Version 4 signing for AWS API requests"
_DENIED_PAGE = "AWS IAM User Guide: Troubleshoot access denied error messages"
_MODEL_PAGE = "Amazon Bedrock User Guide: Request access to models"
_API_KEY_PAGE = "Amazon Bedrock User Guide: Use an Amazon Bedrock API key"

_DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized", "AuthorizationError", "Forbidden")
_SIGNATURE = ("InvalidSignatureException", "SignatureDoesNotMatch", "InvalidSignature")
_PROFILES = (
    "With an inference profile the policy must allow the profile and the models behind it, in every region that it routes to."
)

_KEYS = (
    Reason(
        (*_SIGNATURE, "AuthFailure"),
        CredentialsRejectedError,
        says="signature expired|signature not yet current|must be within|too far in the",
        why="This machine's clock is wrong: the signature's time is more than five minutes off.",
        fix="Set the clock (NTP; a virtual machine that slept, a container's host), and send it again.",
        detail=clock_offset,
        page=_SIGNING_PAGE,
    ),
    Reason(
        ("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"),
        CredentialsRejectedError,
        why="This machine's clock is wrong, or the request was under way for longer than its signature is good for.",
        fix="Set the clock (NTP; a virtual machine that slept, a container's host), and send it again.",
        detail=clock_offset,
        page=_CODES_PAGE,
    ),
    Reason(
        ("ExpiredTokenException", "ExpiredToken", "TokenRefreshRequired"),
        CredentialsRejectedError,
        why="The credentials have expired, and the session could not get newer ones; a wrong clock looks the same.",
        fix="Renew them where they come from: log in again, or replace keys that were copied. The log of bedrock_auth says "
        "why a refresh failed. Keys that a role or a helper gives are renewed by sessions of create_session.",
        page="AWS IAM User Guide: Temporary security credentials in IAM",
    ),
    Reason(
        ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure", "InvalidToken"),
        CredentialsRejectedError,
        why="AWS does not know these keys: deleted or mistyped, of another partition than the region, or a session token that "
        "is missing, left over or of other keys.",
        fix="See who signs (whoami of the session). Give access key, secret key and session token of one set, and unset "
        "AWS_SESSION_TOKEN where the keys are long-term ones.",
        page=_CODES_PAGE,
    ),
    Reason(
        (*_SIGNATURE, "IncompleteSignature", "IncompleteSignatureException"),
        CredentialsRejectedError,
        why="The signature does not fit the request: the secret key is wrong, or something on the way changed the request.",
        fix="Give the secret key again, without blanks or line breaks; try without proxies that rewrite headers or paths.",
        page=_SIGNING_PAGE,
    ),
    Reason(
        ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
        CredentialsRejectedError,
        why="The request came unsigned, or to an address that does not exist: API Gateway answers both alike.",
        fix="Check the endpoint's URL and path, and that the client was not made with UNSIGNED.",
        page="AWS General Reference: Common errors",
    ),
    Reason(
        (*_DENIED, "UnauthorizedException", "ExpiredTokenException"),
        CredentialsRejectedError,
        says=r"(?:api key|bearer \S+|authorization header).*(?:valid|expired|format|prefix|malformed)|authentication failed",
        why="A Bedrock API key signs, not the credentials, and AWS does not accept it: expired, mistyped, or of another region.",
        fix="Unset AWS_BEARER_TOKEN_BEDROCK, which beats every other credential of plain boto3 clients, or set a current key of "
        "this region. Sessions of create_session do not read it.",
        page=_API_KEY_PAGE,
    ),
)

_MODELS = (
    Reason(
        (*_DENIED, "ResourceNotFoundException", "ValidationException", "FTUFormNotFilled"),
        ModelAccessError,
        says="use[ -]case (?:details|form)",
        why="The account has not said what it wants the provider's models for.",
        fix="Fill in the provider's use case form, in the Bedrock console under model access; it counts some minutes later.",
        iam_actions=("bedrock:PutUseCaseForModelAccess",),
        page=_CODES_PAGE,
    ),
    Reason(
        ("FTUFormNotFilled",),
        ModelAccessError,
        why="The account has not said what it wants the provider's models for.",
        fix="Fill in the provider's use case form, in the Bedrock console under model access; it counts some minutes later.",
        iam_actions=("bedrock:PutUseCaseForModelAccess",),
        page=_CODES_PAGE,
    ),
    Reason(
        _DENIED,
        ModelAccessError,
        says="marketplace subscription for this model is still|mpagreementbeingcreated",
        why="The account's AWS Marketplace subscription for this model is still being made.",
        fix="Wait for some minutes, and send it again.",
        page=_CODES_PAGE,
    ),
    Reason(
        _DENIED,
        ModelAccessError,
        says="invalid_payment_instrument|payment (?:instrument|method)",
        why="The model is sold through AWS Marketplace, and the account has no valid way to pay there.",
        fix="Give the account, or the one that pays for it, a valid payment method in the billing console.",
        page=_MODEL_PAGE,
    ),
    Reason(
        _DENIED,
        ModelAccessError,
        says="aws[ -]marketplace",
        why="The model is sold through AWS Marketplace: the first call subscribes the account, which whoever signs may not do.",
        fix="Let somebody who may call the model once, or create its agreement; better than to leave these actions allowed.",
        iam_actions=("aws-marketplace:ViewSubscriptions", "aws-marketplace:Subscribe"),
        page=_MODEL_PAGE,
    ),
    Reason(
        (*_DENIED, "ValidationException"),
        ModelAccessError,
        says="unsupported countries|not allowed from",
        why="The model's provider does not serve the country that the account or the call is in.",
        fix="Use a model of another provider, or ask AWS Support.",
        page=_MODEL_PAGE,
    ),
    Reason(
        (*_DENIED, "ValidationException"),
        ModelAccessError,
        says="channel program account",
        why="The model's provider does not sell it to accounts that a reseller of AWS's channel program manages.",
        fix="Use a model of another provider, or ask the reseller or AWS Support.",
        page=_MODEL_PAGE,
    ),
    Reason(
        (*_DENIED, "BadCScoreException", "ValidationException"),
        ModelAccessError,
        says="don't have access to the model|account is not authorized|not authorized to access this model",
        why="The account has no access to this model in this region, whatever its policies say.",
        fix="Request access in the Bedrock console under model access, in the region of the call; else ask AWS Support.",
        page=_MODEL_PAGE,
    ),
    Reason(
        ("ValidationException",),
        ModelAccessError,
        says=r"^operation not allowed\.?$",
        why="The account may not call models yet; AWS holds back some new accounts.",
        fix="Ask AWS Support to enable Amazon Bedrock for the account.",
        page=_MODEL_PAGE,
    ),
    Reason(
        ("OptInRequired", "SubscriptionRequiredException", "BadCScoreException"),
        ModelAccessError,
        why="The account is not signed up for the service, or AWS holds it back.",
        fix="Finish the sign-up of the account (contact, payment, identity), or ask AWS Support.",
        page="AWS General Reference: Common errors",
    ),
)

_POLICIES = (
    Reason(
        _DENIED,
        AccessDeniedError,
        says="bedrock:callwithbearertoken",
        why="A Bedrock API key signs, and its principal may not use API keys.",
        fix="Unset AWS_BEARER_TOKEN_BEDROCK, or allow the action to whom the key belongs.",
        iam_actions=("bedrock:CallWithBearerToken",),
        page=_API_KEY_PAGE,
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        says=r"sts:assumerole|sts:tagsession|sts:setsourceidentity",
        why="The role's trust policy does not name the caller, or the caller's own policies do not allow the action on the role.",
        fix="Check both policies, the external id, and who the caller is (whoami of the session that assumes the role).",
        iam_actions=("sts:AssumeRole",),
        page="AWS IAM User Guide: Troubleshoot IAM roles",
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        says="explicit deny in an? (?:service|resource) control policy|no (?:service|resource) control policy",
        why="A policy of the organization forbids it, whatever the policies of the account say.",
        fix="Ask whoever administers the organization. An inference profile needs every region that it routes to; one of a "
        "nearer geography may be allowed.",
        detail=denied_resource,
        page=_DENIED_PAGE,
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        says="explicit deny",
        why="A policy forbids it expressly; allowing it elsewhere changes nothing.",
        fix="Find the Deny statement that fits, often one about regions, and change its conditions.",
        detail=denied_resource,
        page=_DENIED_PAGE,
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        says="no session policy",
        why="The session was made with a policy of its own that does not allow it: one passed to AssumeRole, or AWS's for "
        "guests of a Cognito identity pool in the enhanced flow, who cannot call Bedrock.",
        fix="Allow the actions in policy= or policy_arns= of the role; for guests use flow='classic', or a login.",
        detail=denied_resource,
        page="Amazon Cognito Developer Guide: Identity pools authentication flow",
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        says="no permissions boundary",
        why="The permissions boundary of whoever signs does not allow it.",
        fix="Allow the actions in the boundary as well as in a policy.",
        detail=denied_resource,
        page=_DENIED_PAGE,
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        says="no vpc endpoint policy|vpc endpoint polic",
        why="The policy of the VPC endpoint that the call went through does not allow it.",
        fix="Allow the actions in the endpoint's policy.",
        detail=denied_resource,
        page=_DENIED_PAGE,
    ),
    Reason(
        _DENIED,
        AccessDeniedError,
        why="No policy of whoever signs allows this action on this resource.",
        fix=f"See who signs (whoami of the session), and allow the actions to them. {_PROFILES}",
        detail=denied_resource,
        page=_DENIED_PAGE,
    ),
)

ACCESS = (*_KEYS, *_MODELS, *_POLICIES)
