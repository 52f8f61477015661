"""A bucket of a test: as much of S3 as a lake asks for, on the loopback, kept in memory.

It knows whole objects and such as are sent in parts, ranges of them, lists by prefix and deletions, and tells of each
when it was written; it wants a signed request but does not check the signature. The long form of the tests asks an S3
server that others wrote instead.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

KEY, SECRET = "test-key", "test-secret"


class Bucket(ThreadingHTTPServer):
    """Objects by name, and what was done to them.

    Attributes
    ----------
    objects : dict of str to bytes
    written : dict of str to datetime
        When each was written.
    parts : dict
        Of uploads that are under way: upload and number -> bytes, ETag its digest.
    asked : list of str
        Requests in their order: GET, HEAD, PUT, part, begin, complete, abort, delete.
    deleted : list of str
        Objects that were taken away.
    refuses : str
        Kind of request that is answered with 500, as by a bucket in trouble.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, datetime] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.asked: list[str] = []
        self.deleted: list[str] = []
        self.refuses = ""

    @property
    def address(self) -> str:
        """As the setting `lake_s3_endpoint` takes it."""
        return f"http://127.0.0.1:{self.server_port}"

    def keep(self, name: str, body: bytes) -> None:
        """Take an object in, whole."""
        self.objects[name], self.written[name] = body, datetime.now(UTC)

    def drop(self, name: str) -> None:
        """Let an object go; S3 says nothing where there is none."""
        if self.objects.pop(name, None) is not None:
            self.deleted.append(name)


def etag_of(body: bytes) -> str:
    """As S3 names a content: its MD5, in quotes."""
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        name, words = self._split()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._asked("part" if "partNumber" in words else "PUT"):
            return
        if "partNumber" in words:
            self.server.parts[words["uploadId"], int(words["partNumber"])] = body
        else:
            self.server.keep(name, body)
        self._answer(200, etag=etag_of(body))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name, words = self._split()
        if self._asked(self.command):
            return
        if words.get("list-type") == "2":
            self._list(name, words.get("prefix", ""))
            return
        body = self.server.objects.get(name)
        if body is None:
            self._answer(404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, body)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(body)), len(body) - 1)
        self._answer(206, body[first : last + 1], content_range=f"bytes {first}-{last}/{len(body)}")

    def do_POST(self) -> None:
        name, words = self._split()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        bucket = name.partition("/")[0]
        if "delete" in words:
            if self._asked("delete"):
                return
            for key in re.findall(r"<Key>(.*?)</Key>", body):
                self.server.drop(f"{bucket}/{unescape(unquote(key))}")
            self._answer(200, b"<DeleteResult/>")
        elif "uploads" in words:
            if self._asked("begin"):
                return
            told = f"<InitiateMultipartUploadResult><UploadId>{len(self.server.asked)}</UploadId>"
            self._answer(200, f"{told}</InitiateMultipartUploadResult>".encode())
        elif not self._asked("complete"):
            self._complete(name, words["uploadId"], body)

    def _complete(self, name: str, upload: str, body: str) -> None:
        """Make an object of the parts that are named, in the order they are named; what is not there is a fault."""
        found = b""
        for part in re.findall(r"<Part>(.*?)</Part>", body, re.DOTALL):
            number = int(re.findall(r"<PartNumber>(\d+)</PartNumber>", part)[0])
            content = self.server.parts.get((upload, number))
            if content is None or etag_of(content) != unescape(re.findall(r"<ETag>(.*?)</ETag>", part)[0]):
                self._answer(400, b"<Error><Code>InvalidPart</Code></Error>")
                return
            found += content
        self._forget(upload)
        self.server.keep(name, found)
        self._answer(200, b"<CompleteMultipartUploadResult/>")

    def _forget(self, upload: str) -> None:
        for key in [key for key in self.server.parts if key[0] == upload]:
            del self.server.parts[key]

    def do_DELETE(self) -> None:
        name, words = self._split()
        if self._asked("abort" if "uploadId" in words else "delete"):
            return
        if "uploadId" in words:
            self._forget(words["uploadId"])
        else:
            self.server.drop(name)
        self._answer(204)

    def _asked(self, kind: str) -> bool:
        """Note a request; True where it was refused."""
        self.server.asked.append(kind)
        if kind != self.server.refuses:
            return False
        self._answer(500, b"<Error><Code>InternalError</Code></Error>")
        return True

    def _list(self, name: str, prefix: str) -> None:
        bucket = name.rstrip("/")
        found = {key.removeprefix(f"{bucket}/"): len(body) for key, body in sorted(self.server.objects.items())}
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{self._written(bucket, key)}</LastModified>"
            f'<ETag>"1"</ETag><Size>{size}</Size></Contents>'
            for key, size in found.items()
            if key.startswith(prefix)
        )
        self._answer(200, f"<ListBucketResult>{rows}<IsTruncated>false</IsTruncated></ListBucketResult>".encode())

    def _written(self, bucket: str, key: str) -> str:
        return self.server.written[f"{bucket}/{key}"].strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def _split(self) -> tuple[str, dict[str, str]]:
        """The object asked for and the words behind it; an unsigned request is a fault of whoever asks."""
        assert f"Credential={KEY}/" in self.headers.get("Authorization", ""), self.headers
        parts = urlsplit(self.path)
        words = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).lstrip("/"), words

    def _answer(self, status: int, body: bytes = b"", etag: str = '"1"', content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", "Sun, 01 Mar 2026 00:00:00 GMT")
        self.send_header("Accept-Ranges", "bytes")
        if content_range:
            self.send_header("Content-Range", content_range)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(bucket: Bucket) -> Iterator[Bucket]:
    """Answer until the block ends."""
    thread = threading.Thread(target=bucket.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        bucket.shutdown()
        bucket.server_close()
        thread.join(10)
