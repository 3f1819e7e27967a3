"""Two sources of your own: a class, and a plain function.

    python own_provider.py /run/secrets/aws.json

The file is one that some other program writes and renews, in the form that `credential_process` helpers print:
{"Version": 1, "AccessKeyId": "...", "SecretAccessKey": "...", "SessionToken": "...", "Expiration": "2026-01-01T00:00:00Z"}
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bedrock_auth import Credentials, FromCallable, NotConfiguredError, RetrievalError, create_session, whoami


@dataclass(frozen=True)
class KeyFile:
    """The keys in a file. A frozen value: sessions from equal ones share one set of keys."""

    path: Path
    revalidate_after = 60
    """Seconds after which keys without an expiration are read again."""

    @property
    def name(self) -> str:
        """What messages and logs call it."""
        return f"key-file {self.path}"

    def retrieve(self) -> Credentials:
        """Read the file once. When to do that is not decided here."""
        try:
            answer = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            msg = f"{self.name}: there is no such file"
            raise NotConfiguredError(msg, provider=self.name) from None
        except ValueError:
            msg = f"{self.name}: it holds no JSON"
            raise RetrievalError(msg, provider=self.name) from None
        return Credentials.from_answer(answer, source=self.name)


def main() -> int:
    """Show who signs with either."""
    path = Path(sys.argv[1])

    def read() -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return answer

    for provider in (KeyFile(path), FromCallable(read, name="read()")):
        identity = whoami(create_session(provider))
        print(f"{identity.source}: {identity.arn}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
