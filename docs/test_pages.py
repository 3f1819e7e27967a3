"""What the pages promise about the code is looked up in the code."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
from botocore.config import Config

import bedrock_auth
from bedrock_auth import Credentials, Static, bedrock, cli, create_session, errors, function_url, iam, testing
from bedrock_auth.bedrock import BedrockError, BedrockRuntime
from bedrock_auth.bedrock.failures.reasons import reason_of
from bedrock_auth.cli.dispatch import COMMANDS
from bedrock_auth.cli.options import add_provider_options
from bedrock_auth.testing import faults as all_faults
from test_architecture import MAY, THIRD_PARTY

DOCS = Path(__file__).parent


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    table = re.search(rf"^#+ {re.escape(heading)}\n(?:(?!\|).*\n)*((?:\|.*\n)+)", text, re.MULTILINE)
    assert table, f"no table under {heading!r}"
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table[1].splitlines()[2:]]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", cell))


def test_the_table_of_who_may_import_whom_is_the_one_that_is_checked():
    table = rows(page("architecture.md"), "Who may import whom")
    modules = {layer: names(cell) for layer, cell, _ in table}
    may = {layer: set[str]().union(*(modules[other] for other in allowed.split(", "))) for layer, _, allowed in table}
    assert {module: may[layer] for layer in may for module in modules[layer]} == MAY


def test_the_table_of_packages_is_the_one_that_is_checked():
    table = rows(page("architecture.md"), "Which packages are loaded")
    assert {module: names(packages) for cell, packages in table for module in names(cell)} == THIRD_PARTY


def test_the_house_shows_every_module_that_is_public_or_at_the_top():
    house = page("architecture.md")
    top = [path.name for path in Path(bedrock_auth.__file__).parent.glob("*.py")]
    public = [f"{home.rpartition('.')[2]}.py" for home in homes()]
    assert [name for name in {*top, *public} if name not in house] == []


def homes() -> set[str]:
    """The modules in which the public names live."""
    return {getattr(bedrock_auth, name).__module__ for name in set(bedrock_auth.__all__) - {"__version__", "Event"}}


def test_every_source_has_a_page():
    sources = {home.rpartition(".")[2].replace("_", "-") for home in homes() if ".providers." in home}
    assert sources == {path.stem for path in (DOCS / "sources").glob("*.md")} - {"index"}
    assert sources <= set(re.findall(r"\(([\w-]+)\.md\)", page("sources/index.md")))


@pytest.mark.parametrize("module", [errors, bedrock.errors], ids=["credentials", "calls"])
def test_every_error_class_has_an_entry(module):
    classes = {
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, errors.BedrockAuthError) and value is not errors.BedrockAuthError
    }
    entries = set(re.findall(r"^### (\w+)$", page("troubleshooting.md"), re.MULTILINE))
    assert classes <= entries


def test_every_code_that_a_class_documents_has_an_entry():
    documented = {
        code
        for error in vars(bedrock.errors).values()
        if isinstance(error, type) and issubclass(error, BedrockError) and error is not bedrock.ServiceError
        for code in re.findall(r"``([A-Z]\w+)``", (error.__doc__ or "").partition("code is")[2])
    }
    assert len(documented) >= 11
    assert documented - {"InvalidToolInput"} <= names(page("troubleshooting.md"))


def test_the_symptoms_of_refusals_lead_to_the_classes_that_the_page_names():
    refusals = {cell: classes for cell, classes, _ in rows(page("errors.md"), "By symptom") if is_refusal(classes)}
    assert len(refusals) >= 14
    for symptom, classes in refusals.items():
        for code in names(symptom) - {"ValidationException"}:
            assert {reason_of(code).error.__name__} == names(classes), code
        for text in re.findall(r'"([^"…]+)"', symptom):
            assert names(classes) <= {reason_of(code, text).error.__name__ for code in CODES}, text


CODES = (
    "AccessDeniedException",
    "InvalidSignatureException",
    "ResourceNotFoundException",
    "ThrottlingException",
    "ValidationException",
)


def is_refusal(cell: str) -> bool:
    return any(issubclass(getattr(bedrock.errors, name, object), bedrock.ServiceError) for name in names(cell))


def test_every_public_name_is_in_the_reference():
    listed = dict(re.findall(r"automodule:: (\S+)\n +:members:(.*)", page("reference.md")))
    for package in (bedrock_auth, bedrock, iam, function_url, testing):
        for name in set(package.__all__) - {"__version__"}:
            home = getattr(getattr(package, name), "__module__", "")
            if home.startswith("bedrock_auth"):  # a union of types has no home
                assert home in listed, name
                assert not listed[home] or name in re.findall(r"\w+", listed[home]), name


def test_every_command_and_provider_option_is_on_the_page_of_commands():
    index = page("commands/index.md")
    commands = [re.search(r"`([\w-]+)`\]\(([\w#.-]+)\)", cell) for cell, _ in rows(index, "The command line")]
    assert {found[1] for found in commands if found} == set(COMMANDS)
    assert [found[2] for found in commands if found and not (DOCS / "commands" / found[2].partition("#")[0]).exists()] == []
    parser = argparse.ArgumentParser(add_help=False)
    add_provider_options(parser)
    options = {names(cell).pop().split()[0] for cell, _ in rows(index, "Provider options")}
    assert options == set(re.findall(r"--[\w-]+", parser.format_help()))


def test_the_exit_statuses_are_those_that_the_command_line_states():
    stated = re.findall(r"^(\d+) {2,}(.+)$", str(cli.__doc__), re.MULTILINE)
    assert [tuple(row) for row in rows(page("commands/index.md"), "Exit status")] == stated


def test_every_fault_breaks_a_stream_as_the_table_says():
    table = {row[0]: row[2] for row in rows(page("testing.md"), "How it fails")}
    faults = {name for name, value in vars(all_faults).items() if hasattr(value, "apply")} - {"Fault"}
    assert {names(cell).pop().partition("(")[0] for cell in table} == faults
    with testing.LocalBedrock() as local:
        client = quick_client(local)
        for cell, outcome in table.items():
            name, _, arguments = names(cell).pop().partition("(")
            local.fault(fault(name, arguments))
            assert raised(client) == re.findall(r"`(\w+)`", outcome), name


def quick_client(local: testing.LocalBedrock):
    keys: Credentials = local.credentials
    session = create_session(Static(keys.access_key_id, keys.secret_access_key), region_name="us-east-1")
    config = Config(retries={"total_max_attempts": 1}, read_timeout=1)
    return session.client("bedrock-runtime", endpoint_url=local.endpoint_url, config=config)


def fault(name: str, arguments: str):
    values = {"code": "ConflictException", "status": 409, "seconds": 0.01, "type": "throttlingException", "message": "m"}
    return getattr(testing, name)(*(values[word] for word in re.findall(r"\w+", arguments)))


def raised(client) -> list[str]:
    """Class of what a stream raises, and its code where the class has several."""
    try:
        _ = BedrockRuntime(client=client).converse_stream("any.model", "Hello").response
    except bedrock.IncompleteStreamError as error:
        return [type(error).__name__]
    except bedrock.ServiceError as error:
        return [type(error).__name__]
    except BedrockError as error:
        return [type(error).__name__, error.code]
    return []
