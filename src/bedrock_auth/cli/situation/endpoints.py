"""Which addresses of AWS are replaced by others, and by what: variables, the profile, its ``[services]`` section.

The order in which botocore reads them: ``AWS_ENDPOINT_URL_<SERVICE>``, ``AWS_ENDPOINT_URL``, the section that the profile's
``services`` names, the profile's ``endpoint_url``. Source: "Service-specific endpoints", AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from bedrock_auth.cli.output import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bedrock_auth.cli.situation.config import AmbientConfig
    from bedrock_auth.providers._profile_steps import SharedConfig

_VARIABLE = "AWS_ENDPOINT_URL"
_IGNORED = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")


@frozen
class Override:
    """One setting that sends calls elsewhere."""

    service: str | None
    """As the setting spells it, in lower case, such as ``bedrock_runtime``; ``None`` for every service."""
    url: str
    """Without user info and query."""
    origin: str
    """The variable, or the place in the config file."""

    def __str__(self) -> str:
        return f"{self.service or 'every service'} goes to {self.url} ({self.origin})"


def overrides(environ: Mapping[str, str], config: AmbientConfig) -> tuple[Override, ...]:
    """Everything that replaces an address of AWS in this environment, the strongest first; nothing where it is to be ignored."""
    profile = config.shared.section(config.applying) or {}
    if str(environ.get(_IGNORED[0], profile.get(_IGNORED[1], ""))).strip().lower() == "true":
        return ()
    return (*_in_environment(environ), *_in_profile(config.applying, profile, config.shared))


def _in_environment(environ: Mapping[str, str]) -> Iterator[Override]:
    for name in sorted(environ, key=lambda name: (name == _VARIABLE, name)):
        if environ[name] and (name == _VARIABLE or name.startswith(f"{_VARIABLE}_")):
            yield Override(name[len(_VARIABLE) + 1 :].lower() or None, shown_url(environ[name]), name)


def _in_profile(name: str, profile: Mapping[str, object], config: SharedConfig) -> Iterator[Override]:
    section = profile.get("services")
    services = config.services.get(section, {}) if isinstance(section, str) else {}
    for service, settings in services.items():
        url = settings.get("endpoint_url") if isinstance(settings, dict) else None
        if isinstance(url, str) and url:
            yield Override(service, shown_url(url), f"[services {section}] of profile {name}")
    url = profile.get("endpoint_url")
    if isinstance(url, str) and url:
        yield Override(None, shown_url(url), f"endpoint_url of profile {name}")
