"""Everything that is run on this project, by name: ``python3 -m nox -s demo tests lint types docs contract e2e bench``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "virtualenv"

DEV = ("--require-hashes", "--no-deps", "-r", "requirements/dev.txt")
LOWEST = ("--require-hashes", "--no-deps", "-r", "requirements/lowest.txt")
MINISTACK = ("--require-hashes", "--no-deps", "-r", "requirements/ministack.txt")
AWSCLI = ("--require-hashes", "--no-deps", "-r", "requirements/awscli.txt")
FRAMEWORKS = ("--require-hashes", "--no-deps", "-r", "requirements/frameworks.txt")
PARALLEL = ("-n", str(2 * (os.cpu_count() or 1)), "--dist", "worksteal")  # tests wait as long as they compute
QUIET = {"PYTHONWARNDEFAULTENCODING": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def build_wheel(session: nox.Session) -> str:
    """Path of the wheel, built anew."""
    folder = Path(session.create_tmp()) / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".", env=QUIET)
    (wheel,) = folder.resolve().glob("*.whl")
    return os.fspath(wheel)


def install_wheel(session: nox.Session, extras: str = "", *options: str) -> None:
    """Build the wheel and install that, so that what is tested is what is shipped."""
    wheel = build_wheel(session)
    session.install("--force-reinstall" if not extras else "--upgrade", *options, f"{wheel}{extras}", env=QUIET)


def make_peer(session: nox.Session, name: str, *installs: tuple[str, ...]) -> str:
    """The interpreter of an environment of its own, into which these were installed one after the other."""
    folder = Path(session.create_tmp()).resolve() / name
    python = os.fspath(folder / "bin" / "python")
    session.run("python", "-m", "venv", "--clear", str(folder), env=QUIET)
    for options in installs:
        session.run(python, "-m", "pip", "install", "--quiet", *options, external=True, env=QUIET)
    return python


def make_node_peers(session: nox.Session) -> str:
    """A folder with the scripts in JavaScript and the packages that they need; the way to it."""
    if shutil.which("npm") is None:
        session.error("npm is missing: install Node.js 20 or newer, with npm; the AWS SDK for JavaScript is one of the peers")
    folder = Path(session.create_tmp()).resolve() / "js"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("e2e/peers/js", folder, ignore=shutil.ignore_patterns("node_modules"))
    with session.chdir(folder):
        session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", external=True)
    return os.fspath(folder)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job, with the package's ``demo`` extra and nothing else."""
    install_wheel(session, "[demo]")
    session.run("bedrock-auth", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests against the built wheel, on all cores and with branch coverage; with arguments, those tests in one process."""
    session.install(*DEV, env=QUIET)
    install_wheel(session, "", "--no-deps")
    chosen = session.posargs or (*PARALLEL, "--cov", "--cov-fail-under", "90")
    session.run("pytest", *chosen, env={"BEDROCK_AUTH_WHEEL": "1"})


@nox.session(reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Style: ruff's rules and formatter, changelog fragments, package hosts."""
    session.install(*DEV, env=QUIET)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(reuse_venv=True)
def types(session: nox.Session) -> None:
    """Mypy, strict, over the package, its public interface as users see it, the examples and this file."""
    session.install(*DEV, env=QUIET)
    session.run("mypy", "src", env={"MYPYPATH": "src"})
    session.run("mypy", "tests/typing", "examples", "noxfile.py", env={"MYPYPATH": "src"})


@nox.session(reuse_venv=True)
def docs(session: nox.Session) -> None:
    """Sphinx with every warning an error; then README and docs as a user would type them."""
    session.install(*DEV, env=QUIET)
    install_wheel(session, "", "--no-deps")
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html", "docs", "docs/_build/html")
    session.run("pytest", "-p", "no:cacheprovider", "README.md", "docs", "src/bedrock_auth", *session.posargs)


@nox.session
@nox.parametrize("python, sdk", [("3.11", "lowest"), ("3.12", "newest"), ("3.13", "newest")])
def contract(session: nox.Session, sdk: str) -> None:
    """The quick tests on the lowest and newest supported boto3, on each Python; newest on 3.11 is what tests runs."""
    session.install(*(LOWEST if sdk == "lowest" else DEV), env=QUIET)
    install_wheel(session, "", "--no-deps")
    session.run("pytest", "-q", "-m", "not slow", *(session.posargs or PARALLEL), env={"BEDROCK_AUTH_WHEEL": "1"})


@nox.session
def e2e(session: nox.Session) -> None:
    """End to end with strangers, each kind in an environment of its own: local stacks, frameworks, AWS's tools; then the demo."""
    session.install(*DEV, env=QUIET)
    install_wheel(session, "", "--no-deps")
    peers = {
        "MINISTACK_PYTHON": make_peer(session, "ministack", MINISTACK),
        "FRAMEWORKS_PYTHON": make_peer(session, "frameworks", FRAMEWORKS, ("--no-deps", build_wheel(session))),
        "AWSCLI_PYTHON": make_peer(session, "awscli", AWSCLI),
        "NODE_PEERS": make_node_peers(session),
    }
    session.run("pytest", "-q", "e2e", *session.posargs, env=peers)
    session.notify("demo")


@nox.session(reuse_venv=True)
def mutants(session: nox.Session) -> None:
    """Break the refresh engine and the request scope in dozens of ways and see that their tests notice each."""
    session.install(*DEV, env=QUIET)
    session.run("python", "tests/break_the_engine.py")


@nox.session(reuse_venv=True)
def load(session: nox.Session) -> None:
    """Two hundred thousand requests of five hundred callers, each judged where it arrives; prints mix-ups and the rate."""
    session.install(*DEV, env=QUIET)
    install_wheel(session, "", "--no-deps")
    session.run("python", "tests/scope/load.py", *session.posargs)


@nox.session(reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Print the figures: ratios against botocore in the same run."""
    session.install(*DEV, env=QUIET)
    install_wheel(session, "", "--no-deps")
    for script in sorted(Path("benchmarks").glob("bench_*.py")):
        session.run("python", str(script))


@nox.session
def lock(session: nox.Session) -> None:
    """Renew the pinned requirements; the only session that changes files."""
    session.install("uv")
    common = ("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header")
    session.run(*common, "--upgrade", "--all-extras", "--group", "dev", "pyproject.toml", "-o", "requirements/dev.txt")
    session.run(
        *common, "--resolution", "lowest-direct", "--all-extras", "--group", "test", "pyproject.toml",
        "-o", "requirements/lowest.txt",
    )  # fmt: skip
    for peer in ("ministack", "frameworks", "awscli"):
        session.run(*common, "--upgrade", f"requirements/{peer}.in", "-o", f"requirements/{peer}.txt")
