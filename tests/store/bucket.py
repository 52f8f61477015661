"""A bucket of a test: as much of S3 as a lake asks for, on the loopback, kept in memory.

It knows whole objects, ranges of them, lists by prefix and deletions, in parts too; it wants a signed request but does
not check the signature. The long form of the tests asks an S3 server that others wrote instead.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET = "test-key", "test-secret"


class Bucket(ThreadingHTTPServer):
    """Objects by name; `asked` counts the requests of each kind."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """As the setting `lake_s3_endpoint` takes it."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        name, words = self._split()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "partNumber" in words:
            self.server.parts[words["uploadId"], int(words["partNumber"])] = body
        else:
            self.server.objects[name] = body
        self._answer(200, etag='"1"')

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name, words = self._split()
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
            for key in re.findall(r"<Key>(.*?)</Key>", body):
                self.server.objects.pop(f"{bucket}/{unquote(key)}", None)
            self._answer(200, b"<DeleteResult/>")
        elif "uploads" in words:
            told = f"<InitiateMultipartUploadResult><UploadId>{len(self.server.asked)}</UploadId>"
            self._answer(200, f"{told}</InitiateMultipartUploadResult>".encode())
        else:
            mine = sorted(part for part in self.server.parts if part[0] == words["uploadId"])
            self.server.objects[name] = b"".join(self.server.parts.pop(part) for part in mine)
            self._answer(200, b"<CompleteMultipartUploadResult/>")

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._split()[0], None)
        self._answer(204)

    def _list(self, name: str, prefix: str) -> None:
        bucket = name.rstrip("/")
        found = {key.removeprefix(f"{bucket}/"): len(body) for key, body in sorted(self.server.objects.items())}
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-03-01T00:00:00.000Z</LastModified>"
            f'<ETag>"1"</ETag><Size>{size}</Size></Contents>'
            for key, size in found.items()
            if key.startswith(prefix)
        )
        self._answer(200, f"<ListBucketResult>{rows}<IsTruncated>false</IsTruncated></ListBucketResult>".encode())

    def _split(self) -> tuple[str, dict[str, str]]:
        """The object asked for and the words behind it; an unsigned request is a fault of whoever asks."""
        assert f"Credential={KEY}/" in self.headers.get("Authorization", ""), self.headers
        self.server.asked.append(self.command)
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
