"""What every answer carries and every request must keep to: security headers, known hosts, a largest body."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing comes from another host; styles may be inline because the map and the charts set them."""

FIXED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guarded:
    """Wraps the application.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Names under which it may be asked for; empty for any. Keeps foreign pages from reaching a server on loopback.
    largest : int
        [bytes]
    tiles : str
        Origin of the raster tiles, empty for none.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), largest: int = 64_000_000, tiles: str = "") -> None:
        self._app, self._hosts, self._largest = app, frozenset(hosts), largest
        self._fixed = dict(FIXED)
        if tiles:
            policy = POLICY.replace("img-src 'self'", f"img-src 'self' {tiles}")
            self._fixed["Content-Security-Policy"] = policy.replace("connect-src 'self'", f"connect-src 'self' {tiles}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(Headers(scope=scope))
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._largest:
                raise _TooLarge
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._fixed.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":  # browsers come by TLS only from then on
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await (refused or self._app)(scope, limited, dressed)
        except _TooLarge:
            await self._too_large()(scope, receive, dressed)

    def _refusal(self, headers: Headers) -> ASGIApp | None:
        name = headers.get("host", "").rsplit(":", 1)[0].strip("[]").lower()
        if self._hosts and name not in self._hosts:
            told = f"this server is not asked for as {name!r}: name it in the setting hosts"
            return JSONResponse({"code": "host", "detail": told, "where": []}, 421)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._largest:
            return self._too_large()
        return None

    def _too_large(self) -> ASGIApp:
        told = f"the request is larger than {self._largest // 1_000_000} MB: send less, or raise body_megabytes"
        return JSONResponse({"code": "too_large", "detail": told, "where": []}, 413)


class _TooLarge(Exception):
    """More came than is read."""
