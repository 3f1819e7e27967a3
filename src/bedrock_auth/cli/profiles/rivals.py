"""What in a profile says where keys come from, so that AWS's tools would not take them from a ``credential_process`` of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bedrock_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Container

_RIVALS = {
    **dict.fromkeys(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), "keys"),
    **dict.fromkeys(("role_arn", "source_profile", "credential_source", "web_identity_token_file"), "a role"),
    **dict.fromkeys(("sso_session", "sso_start_url", "sso_account_id", "sso_role_name"), "IAM Identity Center"),
    "login_session": "a login",
    "credential_process": "the keys of another program",
}
"""Entries, and what AWS's tools take where they are: before a ``credential_process``, or some do and some do not."""


def refuse_rivals(entries: Container[str], profile: str, file: str) -> None:
    """Let a profile pass in which nothing says yet where keys come from.

    Args:
        entries: what the profile has in this file, without what is ours.
        profile: its name.
        file: for the message.

    Raises:
        ConfigurationError: something does; the message names the entry and the file.
    """
    for entry, what in _RIVALS.items():
        if entry in entries:
            msg = f"the profile {profile} gets {what} from {entry} in {file}, which would win; remove it, or choose another name"
            raise ConfigurationError(msg, setting=entry)
