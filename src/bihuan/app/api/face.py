"""The built pages (``web/``): files from ``dist/``, compressed beforehand; every other address gives the one page."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

DIST = Path(__file__).parent / "dist"
"""Made by ``make web``; part of the wheel, never committed."""

ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".js")  # some machines say otherwise, and no worker starts then

FOREVER = "public, max-age=31536000, immutable"


def install(app: FastAPI) -> None:
    """Serve the pages."""

    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str, request: Request) -> Response:
        if path.startswith("api/"):
            return PlainTextResponse("not found", 404)
        found = (DIST / path).resolve()
        if not path or not found.is_relative_to(DIST) or not found.is_file():
            if path.startswith("assets/"):
                return PlainTextResponse("not found: the page is out of date, reload it", 404)
            found = DIST / "index.html"
        if not found.is_file():
            return PlainTextResponse("the pages are not built: run make web", 503)
        return _file(found, request)


def _file(found: Path, request: Request) -> Response:
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": FOREVER if found.parent.name == "assets" else "no-cache", "Vary": "Accept-Encoding"}
    accepted = request.headers.get("accept-encoding", "")
    for name, ending in ENCODINGS:
        packed = found.with_name(found.name + ending)
        if name in accepted and packed.is_file():
            return FileResponse(packed, media_type=kind, headers=headers | {"Content-Encoding": name})
    return FileResponse(found, media_type=kind, headers=headers)
