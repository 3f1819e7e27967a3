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

PUBLIC = [
    "AssumeRole",
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
    "create_session",
    "redact",
    "whoami",
]


def test_the_public_names_are_these():
    assert sorted(bedrock_auth.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(bedrock_auth, name) is not None
    assert set(PUBLIC) <= set(dir(bedrock_auth))


def test_type_checkers_see_the_same_names():
    text = Path(bedrock_auth.__file__).read_text(encoding="utf-8")
    assert sorted(re.findall(r"\b(\w+) as \1\b", text)) == sorted(set(PUBLIC) - {"__version__"})


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
