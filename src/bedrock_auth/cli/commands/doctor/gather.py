"""Finding out what the checks judge: reads variables and files, fetches credentials, and asks AWS. Every wait is bounded."""

from __future__ import annotations

import os
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from bedrock_auth.cli.commands.doctor.facts import Caller, Facts, Outcome, Regions
from bedrock_auth.cli.options import settings_from
from bedrock_auth.cli.situation.config import AmbientConfig, ambient_config
from bedrock_auth.cli.situation.endpoints import overrides
from bedrock_auth.cli.situation.files import look_at_files
from bedrock_auth.cli.situation.plain_boto3 import plain_boto3
from bedrock_auth.session import client_config, client_of

if TYPE_CHECKING:
    import argparse

    import boto3
    from botocore.regions import EndpointResolver

    from bedrock_auth.contracts import CredentialSource
    from bedrock_auth.credentials import Credentials
    from bedrock_auth.host import Host
    from bedrock_auth.settings import Settings

MODEL_TIMEOUT = 60
"""Seconds for each of two attempts."""
_MAX_TOKENS = 16
_ANY_REGION = "us-east-1"
"""Where STS is asked if no region is set."""


def gather(options: argparse.Namespace, host: Host) -> Facts:
    """Ask everything that can be asked; what depends on something that failed is not."""
    settings = Outcome.of(lambda: settings_from(options, host))
    source, credentials = _fetched(settings)
    config = ambient_config(host)
    session = _session(source, settings, credentials)
    region = _region(session, settings, config, host)
    caller, clock_ahead = _asked_sts(session, region, host)
    models, answer = _asked_bedrock(session, region, caller, options.model_id)
    return Facts(
        environ=host.environ,
        now=host.clock(),
        settings=settings,
        credentials=credentials,
        caller=caller,
        clock_ahead=clock_ahead,
        region_name=region,
        regions=_regions(region),
        files=look_at_files(host),
        config_problem=config.problem,
        endpoints=overrides(host.environ, config),
        missing_ca_bundle=_missing_ca_bundle(host),
        plain=plain_boto3(host.environ, config),
        sources=_names(settings),
        expected_account=options.expected_account,
        models=models,
        model_id=options.model_id,
        answer=answer,
    )


def _missing_ca_bundle(host: Host) -> str | None:
    variable = next((variable for variable in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if host.environ.get(variable)), None)
    return None if variable is None or os.path.exists(host.environ[variable]) else variable  # noqa: PTH110 - text in


def _fetched(settings: Outcome[Settings]) -> tuple[CredentialSource | None, Outcome[Credentials]]:
    if settings.value is None:
        return None, Outcome(skipped="the settings are wrong")
    from bedrock_auth import Refresher  # noqa: PLC0415 - --help does not pay for it

    source = Refresher(settings.value.provider)
    return source, Outcome.of(source.current)


def _names(settings: Outcome[Settings]) -> tuple[str, ...]:
    if settings.value is None:
        return ()
    provider: Any = settings.value.provider
    winner = getattr(provider, "winner", None)
    return (provider.name,) if winner is None else (provider.name, winner.name)


def _session(
    source: CredentialSource | None, settings: Outcome[Settings], credentials: Outcome[Credentials]
) -> Outcome[boto3.Session]:
    if source is None or settings.value is None or credentials.value is None:
        return Outcome(skipped="there are no credentials")
    from bedrock_auth import create_session  # noqa: PLC0415 - --help does not pay for boto3

    region_name = settings.value.region_name
    return Outcome.of(lambda: create_session(source, region_name=region_name))


def _region(session: Outcome[boto3.Session], settings: Outcome[Settings], config: AmbientConfig, host: Host) -> str | None:
    if session.value is not None:
        return session.value.region_name
    if settings.value is not None and settings.value.region_name:
        return settings.value.region_name
    return host.region() or config.region_name


def _asked_sts(session: Outcome[boto3.Session], region: str | None, host: Host) -> tuple[Outcome[Caller], float | None]:
    """Who signs; and the clock, which AWS's answer tells even where it is a refusal."""
    made = session.value
    if made is None:
        return Outcome(error=session.error, skipped=session.skipped), None
    answered = Outcome.of(lambda: client_of(made, "sts", region or _ANY_REGION).get_caller_identity())
    heard: Any = answered.value or getattr(answered.error, "response", None) or {}
    ahead = _ahead(heard.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"), host.clock())
    if answered.value is None:
        return Outcome(error=answered.error), ahead
    identity: Any = answered.value
    return Outcome.of(lambda: Caller(identity["Arn"], identity["Account"])), ahead


def _ahead(date: str | None, now: float) -> float | None:
    """Seconds by which this machine is ahead of the ``Date`` header (RFC 9110) of an answer that has just come."""
    try:
        return None if date is None else now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _asked_bedrock(
    session: Outcome[boto3.Session], region: str | None, caller: Outcome[Caller], model_id: str | None
) -> tuple[Outcome[tuple[Any, ...]], Outcome[str]]:
    made = session.value
    if made is None or region is None:
        problem = "no region is set" if made is not None else session.skipped or "no session could be made"
        return Outcome(skipped=problem), Outcome(skipped=problem)
    if _is_refusal(caller.error):
        return Outcome(skipped=_REJECTED), Outcome(skipped=_REJECTED)
    answer: Outcome[str] = Outcome(skipped="no --model-id is given, so no model is called")
    return Outcome.of(lambda: _models(made)), answer if model_id is None else Outcome.of(lambda: _stop_reason(made, model_id))


_REJECTED = "AWS does not accept the credentials"


def _is_refusal(error: Exception | None) -> bool:
    """Whether STS answered, and said no for good; it may be out of reach, or busy, where Bedrock is not."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - --help does not pay for botocore

    from bedrock_auth.bedrock import explain  # noqa: PLC0415 - the same

    return isinstance(error, ClientError) and not explain(error).retryable


def _models(session: boto3.Session) -> tuple[Any, ...]:
    from bedrock_auth.bedrock import available_models  # noqa: PLC0415 - the same

    return available_models(session, config=client_config(), retries=2)


def _stop_reason(session: boto3.Session, model_id: str) -> str:
    from bedrock_auth.bedrock import BedrockRuntime  # noqa: PLC0415 - the same

    runtime = BedrockRuntime(session, config=client_config(MODEL_TIMEOUT), retries=1)
    return str(runtime.converse(model_id, "Answer with one word: hello", max_tokens=_MAX_TOKENS).stop_reason)


def _regions(region: str | None) -> Regions:
    """Read from botocore's own data, without a session, which a broken config file would keep from being made."""
    from botocore.loaders import create_loader  # noqa: PLC0415 - the same
    from botocore.regions import EndpointResolver  # noqa: PLC0415 - the same

    resolver = EndpointResolver(create_loader().load_data("endpoints"))
    partitions = resolver.get_available_partitions()

    def having(service: str) -> frozenset[str]:
        return frozenset(name for one in partitions for name in resolver.get_available_endpoints(service, one))

    return Regions(having("bedrock"), _partition(resolver, region))


def _partition(resolver: EndpointResolver, region: str | None) -> str | None:
    from botocore.exceptions import UnknownRegionError  # noqa: PLC0415 - the same

    try:
        return None if region is None else str(resolver.get_partition_for_region(region))
    except UnknownRegionError:
        return None
