"""Everything that is run on this project, by name: ``python3 -m nox -s demo tests lint types docs contract e2e bench``."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
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
shares_dev = nox.session(venv_backend="none", requires=["dev"])  # no environment of its own: run_dev() runs what it needs


def dev_folder(session: nox.Session) -> Path:
    """The environment that the session ``dev`` fills."""
    return session.cache_dir.parent.resolve() / "dev"


def run_dev(session: nox.Session, program: str, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run a program of that environment, with the others in its ``PATH``."""
    programs = dev_folder(session) / "bin"
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    session.run(os.fspath(programs / program), *arguments, env={**(env or {}), "PATH": path})


def wheel_in(folder: Path) -> str:
    """Path of the one wheel there."""
    (wheel,) = folder.resolve().glob("*.whl")
    return os.fspath(wheel)


def build_wheel(session: nox.Session) -> str:
    """Path of the wheel, built anew."""
    folder = Path(session.create_tmp()) / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".", env=QUIET)
    return wheel_in(folder)


def install_wheel(session: nox.Session, extras: str = "", *options: str) -> None:
    """Build the wheel and install that, so that what is tested is what is shipped."""
    wheel = build_wheel(session)
    session.install("--force-reinstall" if not extras else "--upgrade", *options, f"{wheel}{extras}", env=QUIET)


def make_peer(session: nox.Session, folder: Path, *installs: tuple[str, ...]) -> str:
    """The interpreter of an environment of its own, into which these were installed one after the other."""
    python = os.fspath(folder / "bin" / "python")
    run_dev(session, "python", "-m", "venv", "--clear", str(folder), env=QUIET)
    for options in installs:
        session.run(python, "-m", "pip", "install", "--quiet", *options, external=True, env=QUIET)
    return python


def make_node_peers(session: nox.Session, folder: Path) -> str:
    """The scripts in JavaScript in a folder, with the packages that they need; the way to it."""
    if shutil.which("npm") is None:
        session.error("npm is missing: install Node.js 20 or newer, with npm; the AWS SDK for JavaScript is one of the peers")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("e2e/peers/js", folder, ignore=shutil.ignore_patterns("node_modules"))
    quietly = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    session.run("npm", "ci", "--prefix", str(folder), *quietly, external=True)
    return os.fspath(folder)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job, with the package's ``demo`` extra and nothing else."""
    install_wheel(session, "[demo]")
    session.run("bedrock-auth", "demo", *session.posargs)


@nox.session(reuse_venv=True)
def dev(session: nox.Session) -> None:
    """The environment that most sessions share: the pinned packages of development, and the wheel, built anew."""
    session.install(*DEV, env=QUIET)
    install_wheel(session, "", "--no-deps")


@shares_dev
def tests(session: nox.Session) -> None:
    """The tests against the built wheel, on all cores and with branch coverage; with arguments, those tests in one process."""
    chosen = session.posargs or (*PARALLEL, "--cov", "--cov-fail-under", "90")
    run_dev(session, "pytest", *chosen, env={"BEDROCK_AUTH_WHEEL": "1"})


@shares_dev
def lint(session: nox.Session) -> None:
    """Style: ruff's rules and formatter, changelog fragments, package hosts."""
    run_dev(session, "ruff", "check", ".")
    run_dev(session, "ruff", "format", "--check", ".")


@shares_dev
def types(session: nox.Session) -> None:
    """Mypy, strict, over the package, its public interface as users see it, the examples and this file."""
    run_dev(session, "mypy", "src", env={"MYPYPATH": "src"})
    run_dev(session, "mypy", "tests/typing", "examples", "noxfile.py", env={"MYPYPATH": "src"})


@shares_dev
def docs(session: nox.Session) -> None:
    """Sphinx with every warning an error; then README and docs as a user would type them."""
    run_dev(session, "sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html", "docs", "docs/_build/html")
    run_dev(session, "pytest", "-p", "no:cacheprovider", "README.md", "docs", "src/bedrock_auth", *session.posargs)


@nox.session
@nox.parametrize("python, sdk", [("3.11", "lowest"), ("3.12", "newest"), ("3.13", "newest")])
def contract(session: nox.Session, sdk: str) -> None:
    """The quick tests on the lowest and newest supported boto3, on each Python; newest on 3.11 is what tests runs.

    Python 3.12 lies between two that run them all: there each runs with one of its parameter sets.
    """
    session.install(*(LOWEST if sdk == "lowest" else DEV), env=QUIET)
    install_wheel(session, "", "--no-deps")
    some = ("--one-of-each",) if session.python == "3.12" else ()
    session.run("pytest", "-q", "-m", "not slow", *some, *(session.posargs or PARALLEL), env={"BEDROCK_AUTH_WHEEL": "1"})


@shares_dev
def e2e(session: nox.Session) -> None:
    """End to end with strangers, each kind in an environment of its own: local stacks, frameworks, AWS's tools; then the demo."""
    folder = Path(session.create_tmp()).resolve()
    wheel = wheel_in(dev_folder(session) / "tmp" / "wheel")
    with ThreadPoolExecutor() as at_once:
        peers = {
            "MINISTACK_PYTHON": at_once.submit(make_peer, session, folder / "ministack", MINISTACK),
            "FRAMEWORKS_PYTHON": at_once.submit(make_peer, session, folder / "frameworks", FRAMEWORKS, ("--no-deps", wheel)),
            "AWSCLI_PYTHON": at_once.submit(make_peer, session, folder / "awscli", AWSCLI),
            "NODE_PEERS": at_once.submit(make_node_peers, session, folder / "js"),
        }
    found = {name: peer.result() for name, peer in peers.items()}
    run_dev(session, "pytest", "-q", *(session.posargs or ("-n", "2", "--dist", "loadfile")), "e2e", env=found)
    session.notify("demo")


@shares_dev
def mutants(session: nox.Session) -> None:
    """Break the refresh engine and the request scope in dozens of ways and see that their tests notice each."""
    run_dev(session, "python", "tests/break_the_engine.py")


@shares_dev
def load(session: nox.Session) -> None:
    """Two hundred thousand requests of five hundred callers, each judged where it arrives; prints mix-ups and the rate."""
    run_dev(session, "python", "tests/scope/load.py", *session.posargs)


@shares_dev
def bench(session: nox.Session) -> None:
    """Print the figures: ratios against botocore in the same run."""
    for script in sorted(Path("benchmarks").glob("bench_*.py")):
        run_dev(session, "python", str(script))


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
