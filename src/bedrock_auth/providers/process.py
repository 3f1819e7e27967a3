"""`Process`: keys from a program that prints them, AWS's ``credential_process``.

The program runs without a shell, with the host's environment, without standard input, in a session of its own. It must print
one JSON object with ``Version`` 1, ``AccessKeyId``, ``SecretAccessKey`` and optionally ``SessionToken``, ``Expiration`` and
``AccountId`` to its standard output, and exit with 0.

When its time is up, or it prints more than any credentials could be, it is ended together with everything that it started
(on Windows only the program itself). A child that it leaves behind on purpose, with the pipe still open, holds nobody up.

Of what it prints, standard output is never shown. Standard error is, up to its last 2 KiB, when it fails: with the secrets
that can be known masked, which is best effort.

Source of the format: "Sourcing credentials with an external process" in the AWS SDKs and Tools Reference Guide.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import field, frozen

from bedrock_auth.credentials import MAX_ANSWER_BYTES, Credentials
from bedrock_auth.errors import CredentialError, RetrievalError
from bedrock_auth.host import Host
from bedrock_auth.providers import _child
from bedrock_auth.providers._settings import seconds, wrong
from bedrock_auth.redaction import redact

if TYPE_CHECKING:
    from datetime import timedelta

_KIND = "process"
_SHOWN_OF_STDERR = 2048
_CANNOT_RUN = {
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.ENOEXEC,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.E2BIG,
}
_TELLING_NAME = re.compile(r"secret|token|passw|credential|api[_-]?key", re.IGNORECASE)
_PRINTED_SECRET = re.compile(rb'"(?:SecretAccessKey|SessionToken|Token)"\s*:\s*"([^"]+)"')
_SHORTEST_SECRET = 6


def _argv(value: str | Sequence[str | os.PathLike[str]]) -> tuple[str, ...]:
    if isinstance(value, str):
        argv = _split(value)
    elif isinstance(value, Sequence) and all(isinstance(part, str | os.PathLike) for part in value):
        argv = tuple(os.fspath(part) for part in value)
    else:
        raise wrong(_KIND, "command", "must be text or a sequence of arguments")
    if not argv or not argv[0].strip() or any("\0" in part for part in argv):
        raise wrong(_KIND, "command", "must name a program, in arguments without NUL characters")
    return argv


def _split(text: str) -> tuple[str, ...]:
    from botocore.compat import compat_shell_split  # noqa: PLC0415 - knows Windows's quoting too; only text needs it

    try:
        return tuple(compat_shell_split(text))
    except ValueError:
        raise wrong(_KIND, "command", "has a quote that is not closed; or give a sequence of arguments") from None


def _shown(argv: tuple[str, ...]) -> str:
    return f"<{argv[0]!r} and {len(argv) - 1} arguments>"


def _timeout(value: float | timedelta) -> float:
    return seconds(_KIND, "timeout", value)


@frozen
class Process:
    """Each fetch runs the program once.

    Args:
        command: the program and its arguments, or both as text, which is split as a shell would split it but never run by one:
            ``~``, ``$VARIABLE`` and pipes mean nothing. Arguments are never shown: they may hold secrets.
        timeout: seconds (or ``timedelta``) that the program may take.

    Raises:
        ConfigurationError: ``command`` or ``timeout`` is not usable.
    """

    command: tuple[str, ...] = field(converter=_argv, repr=_shown)
    timeout: float = field(default=60.0, kw_only=True, converter=_timeout)
    host: Host = field(factory=Host.system, kw_only=True, repr=False)

    @property
    def name(self) -> str:
        """``process`` and the program, without its folder and arguments."""
        return f"{_KIND} {os.path.basename(self.command[0])}"  # noqa: PTH119 - text in, text out

    def retrieve(self) -> Credentials:
        """Run the program and read the keys that it prints.

        Raises:
            ConfigurationError: it cannot be run at all.
            RetrievalError: it failed, took too long, or printed something else.
            CredentialsExpiredError: the keys that it printed have expired.
        """
        ended = self._run()
        if ended.status != 0:
            raise self._failed(f"ended with {_how(ended.status)}{self._complaint(ended)}", "ExitStatus")
        answer = self._decoded(ended.stdout)
        return Credentials.from_answer(answer, source=self.name).unexpired(self.host.clock())

    def _run(self) -> _child.Ended:
        try:
            return _child.run(self.command, dict(self.host.environ), self.timeout, MAX_ANSWER_BYTES)
        except _child.TimedOut as late:
            problem = f"did not finish within {self.timeout:g} seconds and was ended{self._complaint(late.ended)}"
            raise self._failed(problem, "Timeout") from None
        except _child.TooLong:
            problem = f"printed more than {MAX_ANSWER_BYTES} bytes, so no credentials, and was ended"
            raise self._failed(problem, "OversizedAnswer") from None
        except ValueError:
            raise wrong(self.name, "command", "cannot be run: an argument or environment variable is not valid text") from None
        except (OSError, RuntimeError) as error:
            raise self._did_not_start(error) from error

    def _did_not_start(self, error: OSError | RuntimeError) -> CredentialError:
        if not isinstance(error, OSError) or error.errno not in _CANNOT_RUN:
            return self._failed(f"could not be started: {error}", "NotStarted")
        help_ = f"is {self.command[0]!r} installed, on the PATH and executable? No shell expands ~ or $"
        return wrong(self.name, "command", f"cannot be run ({error.strerror}): {help_}")

    def _decoded(self, stdout: bytes) -> Mapping[str, object]:
        try:
            answer = json.loads(stdout.decode())
        except (ValueError, RecursionError):
            problem = "printed something that is not JSON" if stdout.strip() else "printed nothing"
            raise self._failed(problem, "MalformedAnswer") from None
        if not isinstance(answer, Mapping) or "Version" not in answer:
            raise self._failed('printed no JSON object with "Version": 1', "MalformedAnswer")
        return answer

    def _failed(self, problem: str, code: str) -> CredentialError:
        return RetrievalError(f"{self.name}: it {problem}", provider=self.name, code=code)

    def _complaint(self, ended: _child.Ended) -> str:
        """What it wrote to standard error, as far as it may be shown."""
        secrets = _known_secrets(self.command, self.host.environ, ended.stdout)
        text = redact(ended.stderr.decode(errors="replace"), secrets).strip()
        last = text.encode(errors="replace")[-_SHOWN_OF_STDERR:].decode(errors="ignore")
        shown = "".join(c if c.isprintable() or c == "\n" else "�" for c in last)
        return f"; it says: {shown}" if shown else ""


def _how(status: int) -> str:
    return f"exit status {status}" if status > 0 else f"signal {-status}"


def _known_secrets(argv: tuple[str, ...], environ: Mapping[str, str], stdout: bytes) -> list[str]:
    """What the program may know and should not tell: options and variables with telling names, and keys that it printed."""
    options = [pair for pair in pairwise(argv) if pair[0].startswith("-")]
    options += [(name, value) for name, found, value in (part.partition("=") for part in argv) if found]
    told = [value for name, value in [*environ.items(), *options] if _TELLING_NAME.search(name)]
    printed = [value.decode(errors="replace") for value in _PRINTED_SECRET.findall(stdout)]
    return [secret for secret in [*told, *printed] if len(secret) >= _SHORTEST_SECRET]
