"""The checks that the source of the credentials and AWS answer. Each is a pure function of the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from bedrock_auth.cli.commands.doctor.check import Check, explained, skipped

if TYPE_CHECKING:
    from bedrock_auth.cli.commands.doctor.facts import Facts

_SOON = 15 * 60
_CLOCK_REFUSED, _CLOCK_OFF = 300, 60
"""Seconds; from five minutes on AWS refuses signatures. Source: AWS IAM User Guide, "Signature Version 4"."""
_LIST_ACTIONS = ("bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles")


def check_credentials(facts: Facts) -> Check:
    """Whether the source delivers."""
    name, found = "credentials", facts.credentials
    if found.error is not None:
        return explained(name, found.error, region_name=facts.region_name)
    if found.value is None:
        return skipped(name, found.skipped)
    return Check(name, "ok", f"delivered by {found.value.source}")


def check_lifetime(facts: Facts) -> Check:
    """Whether the keys last long enough to be of use to others."""
    name, keys = "lifetime", facts.credentials.value
    if keys is None:
        return skipped(name, "there are no credentials")
    if keys.expiration is None:
        return Check(name, "ok", "they do not say that they expire")
    minutes = int(keys.remaining(facts.now) // 60)
    what = f"they expire at {keys.expiration:%Y-%m-%dT%H:%M:%SZ}, in {minutes} minutes"
    if keys.remaining(facts.now) > _SOON:
        return Check(name, "ok", what)
    why = "AWS's SDKs renew keys with less than 15 minutes left before each request, if they can"
    return Check(name, "warning", what, why, "make them last longer, or renew them where they come from")


def check_identity(facts: Facts) -> Check:
    """Who signs, as AWS sees it."""
    name, caller = "identity", facts.caller
    if caller.error is not None:
        return _unless_silent(explained(name, caller.error, region_name=facts.region_name))
    if caller.value is None:
        return skipped(name, caller.skipped)
    return Check(name, "ok", f"AWS knows them as {caller.value.arn}")


def _unless_silent(check: Check) -> Check:
    """The check; where nothing came over a connection, with what that means for calls that AWS answers at once."""
    if not check.what.endswith("with ReadTimeout."):
        return check
    why = "something took the connection, and no answer came over it; AWS answers this call at once"
    fix = "look for what is on the way: a proxy, a firewall, a VPC endpoint, an address that is set (see endpoints and network)"
    return evolve(check, why=why, fix=fix)


def check_account(facts: Facts) -> Check:
    """Whether it is the account that was expected."""
    name, caller, expected = "account", facts.caller.value, facts.expected_account
    if expected is None:
        return skipped(name, "no --expected-account is given")
    if caller is None:
        return skipped(name, "AWS did not say who signs")
    if caller.account == expected:
        return Check(name, "ok", f"it is {expected}, as expected")
    why = f"--expected-account is {expected}"
    return Check(name, "failed", f"the keys belong to account {caller.account}", why, "use credentials of the other account")


def check_keys(facts: Facts) -> Check:
    """Whether the keys are such as nobody should have: those of root, or without an end."""
    name, keys, caller = "keys", facts.credentials.value, facts.caller.value
    if keys is None:
        return skipped(name, "there are no credentials")
    if caller is not None and caller.is_root:
        why = "they may do everything in the account, and no policy limits them"
        return Check(name, "failed", "they are the root user's", why, "delete root's access keys, and use a role")
    if keys.session_token is None:
        why = "whoever gets hold of them may use them until somebody notices"
        fix = "prefer a role or IAM Identity Center; `bedrock-auth key-age` tells how old they are"
        return Check(name, "warning", "they are long-lived keys of a user", why, fix)
    return Check(name, "ok", "they are temporary")


def check_clock(facts: Facts) -> Check:
    """Whether this machine's clock is right enough for signatures."""
    name, ahead = "clock", facts.clock_ahead
    if ahead is None:
        return skipped(name, "AWS's answer would tell the time, and there is none")
    off = abs(ahead)
    if off <= _CLOCK_OFF:
        return Check(name, "ok", "this machine's clock is right to within a minute")
    what = f"this machine's clock is {off:.0f} seconds {'ahead of' if ahead > 0 else 'behind'} AWS's"
    why = "AWS refuses what is signed more than five minutes off, and takes keys for expired too late or too early"
    fix = "set the clock (NTP; a virtual machine that slept, a container's host)"
    return Check(name, "failed" if off > _CLOCK_REFUSED else "warning", what, why, fix)


def check_models(facts: Facts) -> Check:
    """Whether Amazon Bedrock answers in this region, and may be asked for its models."""
    from bedrock_auth.bedrock import AccessDeniedError  # noqa: PLC0415 - --help does not pay for botocore

    name, found = "models", facts.models
    if isinstance(found.error, AccessDeniedError):
        why = "listing models needs a permission of its own; calling one does not need it"
        return Check(name, "warning", "Amazon Bedrock answers, and may not be asked for its models", why, _ALLOW, _LIST_ACTIONS)
    if found.error is not None:
        return _unless_silent(explained(name, found.error, region_name=facts.region_name))
    if found.value is None:
        return skipped(name, found.skipped)
    if not found.value:
        fix = "use another region"
        return Check(name, "failed", f"{facts.region_name} lists no model", "there is nothing to call there", fix)
    return Check(name, "ok", f"{facts.region_name} lists {len(found.value)} models")


_ALLOW = f"allow {' and '.join(_LIST_ACTIONS)} on the resource * if they are to be listed"


def check_model(facts: Facts) -> Check:
    """Whether one model answers."""
    name, answer = "model", facts.answer
    if answer.error is not None:
        return explained(name, answer.error, region_name=facts.region_name)
    if answer.value is None:
        return skipped(name, answer.skipped)
    return Check(name, "ok", f"{facts.model_id} answered (stop reason {answer.value})")
