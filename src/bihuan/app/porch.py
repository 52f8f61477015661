"""Who answers at the address of the pages while no pages stand behind it: `/healthz` and `/readyz`, and why.

A server that waits for the catalog of its lake, one that only takes in, and one that only listens to devices are looked
after by the same probes as a whole one.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bihuan.app.settings import Settings
from bihuan.core import SettingError, to_json

Ready = Callable[[], dict[str, Any]]
"""What `/readyz` tells; ``ready`` decides between 200 and 503."""


class Porch:
    """Answers probes on a thread of its own.

    Parameters
    ----------
    settings : Settings
        ``host port tls_certificate tls_key``.
    ready : Ready

    Raises
    ------
    SettingError
        If the address cannot be listened on.
    """

    def __init__(self, settings: Settings, ready: Ready) -> None:
        host, port = settings.text("host"), settings.whole("port")

        class Answer(_Answer):
            told = staticmethod(ready)

        try:
            self._server = ThreadingHTTPServer((host, port), Answer)
        except OSError as problem:
            raise SettingError(
                f"cannot listen for pages on {host}:{port}: {problem.strerror}; choose another port, or stop who listens"
            ) from None
        self._server.daemon_threads = True
        if settings.text("tls_certificate"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings.text("tls_certificate"), settings.text("tls_key") or None)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="bihuan-porch", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Answer(BaseHTTPRequestHandler):
    told: Ready
    server_version, sys_version = "Bihuan", ""

    def do_GET(self) -> None:
        """Answer the two probes; whatever else is asked for is not there yet."""
        path = self.path.split("?")[0]
        if path == "/healthz":
            self._say(200, {"status": "ok"})
            return
        told = self.told()
        if path == "/readyz":
            self._say(200 if told["ready"] else 503, told)
            return
        self._say(503, {"code": "not_ready", "detail": str(told.get("trouble", "")), "status": 503})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        content = to_json(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        if status == 503:
            self.send_header("Retry-After", "5")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # the name is the library's
        """Say nothing: probes come every few seconds."""
