"""Who may import whom, read from the source; the table is DESIGN's, and docs/architecture.md shows it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bedrock_auth

SOURCE = Path(bedrock_auth.__file__).parent

VALUES = {"errors", "credentials", "policy", "contracts", "audit", "redaction", "cache_entry", "__init__", "_exports"}
WORLD = {"host", "aws", "signing", "http", "api_key", "cache_files", "cache_safety"}
SOURCES = {"providers"}
ENGINE = {"refresh", "snapshot", "flight"}
JOINERS = {"pool", "scope", "caller", "shared_clients", "disk_cache", "provider_identity", "provider_surroundings"}
KNOW_SOURCES = {"scope", "disk_cache", "provider_identity", "provider_surroundings"}
SEAM = {"bridge", "renewal", "bound_clients", "token_provider"}
FACTORY = {"session", "settings", "caller_settings", "bearer"}
PRODUCT = {"bedrock", "iam", "function_url"}
LEAVES = {"cli", "integrations", "testing"}

MAY = {
    **dict.fromkeys(VALUES, VALUES),
    **dict.fromkeys(WORLD, VALUES | WORLD),
    **dict.fromkeys(SOURCES, VALUES | WORLD | SOURCES),
    **dict.fromkeys(ENGINE, VALUES | WORLD | ENGINE),
    **dict.fromkeys(JOINERS, VALUES | WORLD | ENGINE | JOINERS),
    **dict.fromkeys(KNOW_SOURCES, VALUES | WORLD | SOURCES | ENGINE | JOINERS),
    **dict.fromkeys(SEAM, VALUES | WORLD | SEAM),
    **dict.fromkeys(FACTORY, VALUES | WORLD | SOURCES | ENGINE | JOINERS | SEAM | FACTORY),
    **dict.fromkeys(PRODUCT, VALUES | PRODUCT),
    "testing": VALUES | {"testing"},
    "function_url": VALUES | WORLD | {"function_url"},
    "integrations": VALUES | WORLD | {"function_url", "integrations"},
    "cli": VALUES | WORLD | SOURCES | ENGINE | {"disk_cache"} | FACTORY | PRODUCT | LEAVES,
}
THIRD_PARTY = {
    "errors": {"botocore.exceptions"},
    "credentials": {"attrs"}, "contracts": {"attrs"}, "policy": {"attrs"}, "audit": {"attrs"}, "snapshot": {"attrs"},
    "cache_entry": set(), "cache_files": set(), "cache_safety": set(), "bearer": set(),
    "api_key": {"attrs", "botocore"}, "token_provider": {"botocore"},
    "disk_cache": {"attrs", "filelock"}, "provider_identity": {"attrs"}, "provider_surroundings": set(),
    "iam": {"attrs", "botocore"}, "function_url": {"attrs", "botocore", "urllib3"}, "integrations": {"httpx", "botocore"},
    "flight": set(), "redaction": set(), "__init__": set(), "_exports": set(), "host": set(), "refresh": set(),
    "aws": {"botocore"}, "http": {"attrs"}, "signing": {"botocore"}, "bridge": {"botocore"}, "renewal": set(),
    "providers": {"attrs"}, "pool": {"cachetools"}, "scope": set(), "caller": {"attrs"}, "shared_clients": {"cachetools"},
    "bound_clients": set(), "session": {"attrs"}, "settings": {"attrs"}, "caller_settings": {"attrs"},
    "bedrock": {"attrs", "botocore", "urllib3"},
    "testing": {"attrs", "botocore", "moto", "pytest"}, "cli": {"attrs", "rich", "moto"},
}  # fmt: skip
STANDARD = set(__import__("sys").stdlib_module_names)
PARTS = sorted(path for path in SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    """The row of the table that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def typing_only(tree: ast.Module) -> set[int]:
    """Imports under ``if TYPE_CHECKING`` cost nothing and bind nobody."""
    return {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }


def imports(path: Path, *, inside_functions: bool) -> list[str]:
    """Full names of what a file imports when it runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = typing_only(tree)
    if not inside_functions:
        skipped |= {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
    found: list[str] = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", PARTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_each_part_imports_only_what_its_row_allows(path):
    row = room(path)
    for name in imports(path, inside_functions=True):
        if name.startswith("bedrock_auth."):
            target = name.split(".")[1]
            target = "__init__" if not (SOURCE / target).exists() and not (SOURCE / f"{target}.py").exists() else target
            assert target in MAY[row], f"{row} imports {name}"


@pytest.mark.parametrize("path", PARTS, ids=lambda path: str(path.relative_to(SOURCE)))
def test_each_part_loads_only_the_packages_of_its_row(path):
    row = room(path)
    for name in imports(path, inside_functions=False):
        top = name.split(".")[0]
        if top in STANDARD or top == "bedrock_auth":
            continue
        assert any(name.startswith(allowed) for allowed in THIRD_PARTY[row]), f"{row} loads {name}"


def test_every_row_of_the_table_exists():
    assert {room(path) for path in PARTS} == set(MAY) == set(THIRD_PARTY)


def test_the_bridge_is_the_only_subclass_of_a_botocore_credentials_class():
    heirs = [
        (path.relative_to(SOURCE).as_posix(), node.name)
        for path in PARTS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(getattr(base, "id", getattr(base, "attr", "")).endswith("Credentials") for base in node.bases)
    ]
    assert heirs == [("bridge.py", "SourceCredentials"), ("bridge.py", "ScopeCredentials")]
