"""Amazon S3 and DynamoDB on this machine, as far as these tests go: objects, parts, pages, and every signature verified."""

from __future__ import annotations

import base64
import hmac
import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import frozen

from bedrock_auth.testing.verify import HttpRequest, authorization, signature
from scope.people import NAMES
from support.loopback import Loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bedrock_auth.credentials import Credentials


@frozen
class Seen:
    """One request that was served."""

    action: str
    """``GetObject``, ``ListTables`` and the like."""
    signer: str


class Storage(Loopback):
    """Three tables, one on each page, and objects by path; who signed what is in ``seen``."""

    def __init__(self, keys: Iterable[Credentials]) -> None:
        self.keys = {one.access_key_id: one for one in keys}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.statuses = ["CREATING", "ACTIVE"]
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        super().__init__(_handler(self))

    @property
    def signers(self) -> list[str]:
        """Who signed each request, in order."""
        return [seen.signer for seen in self.seen]

    def answer(self, request: HttpRequest) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        with self._lock:
            key_id = self._signer(request)
            if key_id is None:
                return 403, {}, b"<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>"
            action, answer = self._table(request) if "x-amz-target" in request.headers else self._object(request)
            self.seen.append(Seen(action, NAMES.get(key_id, key_id)))
            return answer

    def _signer(self, request: HttpRequest) -> str | None:
        claim = authorization(request)
        if claim is None:
            return self._presigner(request)
        keys = self.keys.get(claim.access_key_id)
        if keys is None or request.headers.get("x-amz-security-token") != keys.session_token:
            return None
        right = signature(request, claim, request.headers["x-amz-date"], keys.secret_access_key)
        return claim.access_key_id if hmac.compare_digest(right, claim.signature) else None

    def _presigner(self, request: HttpRequest) -> str | None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        keys = self.keys.get(query.get("X-Amz-Credential", "").partition("/")[0])
        return keys.access_key_id if keys and query.get("X-Amz-Security-Token") == keys.session_token else None

    def _table(self, request: HttpRequest) -> tuple[str, tuple[int, dict[str, str], bytes]]:
        action = request.headers["x-amz-target"].partition(".")[2]
        asked = json.loads(request.body)
        if action == "ListTables":
            number = int(asked.get("ExclusiveStartTableName", "table-0")[-1]) + 1
            answer: dict[str, Any] = {"TableNames": [f"table-{number}"]}
            if number < 3:
                answer["LastEvaluatedTableName"] = f"table-{number}"
        else:
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            answer = {"Table": {"TableName": asked["TableName"], "TableStatus": status}}
        return action, (200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answer).encode())

    def _object(self, request: HttpRequest) -> tuple[str, tuple[int, dict[str, str], bytes]]:
        parts = urlsplit(request.target)
        path, query = unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)
        if request.method in {"GET", "HEAD"}:
            return self._read(request, path, query)
        upload = query.get("uploadId", [""])[0]
        if request.method == "PUT" and upload:
            self.parts[upload][int(query["partNumber"][0])] = request.body
            return "UploadPart", (200, {"ETag": '"part"'}, b"")
        if request.method == "PUT":
            self.objects[path] = request.body
            return "PutObject", (200, {"ETag": '"whole"'}, b"")
        if request.method == "POST" and "uploads" in query:
            upload = uuid.uuid4().hex
            self.parts[upload] = {}
            return "CreateMultipartUpload", _xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
        if request.method == "POST":
            self.objects[path] = b"".join(part for _, part in sorted(self.parts.pop(upload).items()))
            return "CompleteMultipartUpload", _xml("CompleteMultipartUploadResult", '<ETag>"all"</ETag>')
        return "AbortMultipartUpload", (204, {}, b"")

    def _read(
        self, request: HttpRequest, path: str, query: dict[str, list[str]]
    ) -> tuple[str, tuple[int, dict[str, str], bytes]]:
        if path.count("/") == 1:
            return "ListObjects", self._listing(path, query)
        return ("HeadObject" if request.method == "HEAD" else "GetObject"), self._content(path, request.headers.get("range", ""))

    def _content(self, path: str, asked: str) -> tuple[int, dict[str, str], bytes]:
        if path not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"
        content, wanted = self.objects[path], re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if wanted is None:
            return 200, {"ETag": '"whole"'}, content
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        return 206, {"ETag": '"whole"', "Content-Range": f"bytes {first}-{last}/{len(content)}"}, content[first : last + 1]

    def _listing(self, bucket: str, query: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes]:
        """One key on each page."""
        after = query.get("marker", query.get("continuation-token", [""]))[0]
        names = sorted(name.removeprefix(f"{bucket}/") for name in self.objects if name.startswith(f"{bucket}/"))
        page = [name for name in names if name > after][:1]
        more = bool(page) and page[-1] != names[-1]
        entries = "".join(f"<Contents><Key>{name}</Key><Size>1</Size></Contents>" for name in page)
        token = f"<NextMarker>{page[-1]}</NextMarker><NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
        return _xml("ListBucketResult", f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}")


def _xml(root: str, inside: str) -> tuple[int, dict[str, str], bytes]:
    body = f'<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inside}</{root}>'
    return 200, {"Content-Type": "application/xml"}, body.encode()


def posted_by(fields: dict[str, str], keys: Credentials) -> bool:
    """Whether the form of a presigned POST is signed with these keys."""
    key_id, *credential_scope = fields["x-amz-credential"].split("/")
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (*credential_scope, fields["policy"]):
        key = hmac.digest(key, part.encode(), "sha256")
    policy = base64.b64decode(fields["policy"]).decode()
    right_token = fields["x-amz-security-token"] == keys.session_token and str(keys.session_token) in policy
    return right_token and key_id == keys.access_key_id and key.hex() == fields["x-amz-signature"]


def _handler(storage: Storage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answered, content = storage.answer(HttpRequest(self.command, self.path, headers, body))
            self.send_response(status)
            for name, value in {**answered, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the base class's names

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    return Handler
