"""A server's certificate for 127.0.0.1 that clients trust through ``AWS_CA_BUNDLE``."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


def authority(folder: Path) -> tuple[ssl.SSLContext, str]:
    """The server's context, and the path of the bundle that its clients need."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    bundle = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    return context, str(bundle)
