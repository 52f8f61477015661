"""The adapter of video: ``{"url": ..., "title": ..., "time": ..., "snapshot": BASE64}`` to a `Picture`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, Decoded, Picture
from bihuan.devices.documents import instant_of, json_of, listed
from bihuan.devices.gathering import Gathering, Setup
from bihuan.devices.plausible import Kind
from bihuan.register import Device

SCHEMES = ("http", "https", "rtsp", "rtsps")
"""Addresses that a page may show; a script is none of them."""

_URL = re.compile(rf"(?:{'|'.join(SCHEMES)})://([^/?#\\\s]+)[^\s\\]*")

KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))
"""First bytes of a picture and what it is; WebP names itself further on."""


class VideoAdapter:
    """Reads links of one camera; implements `bihuan.core.Adapter`."""

    def __init__(self, device: Device, kind: Kind, zone: ZoneInfo = CHINA) -> None:
        self._setup = Setup(device, kind, zone)

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one link or a list of them."""
        gathering = Gathering(self._setup, received, frame)
        for number, row in enumerate(listed(json_of(data, gathering.complain)), 1):
            self._link(row, gathering, f"row {number}")
        return gathering.decoded()

    def _link(self, row: Mapping[str, Any], gathering: Gathering, where: str) -> None:
        url = str(row.get("url", "")).strip()
        if not _watchable(url):
            detail = f"address {url[:60]!r}: it begins with one of {', '.join(SCHEMES)}, without a password"
            gathering.say("url_refused", detail, where, "error")
            return
        given = row.get("time")
        seen = gathering.received if given is None else instant_of(given, self._setup.zone)
        when = gathering.when(seen, "rt", where, given)
        if when is None:
            return
        content = self._picture(row.get("snapshot"), gathering, where)
        media_type = picture_kind(content)
        gathering.see(Picture(when.start, url, str(row.get("title", ""))[:120], content, media_type))

    def _picture(self, given: Any, gathering: Gathering, where: str) -> bytes:
        if not isinstance(given, str) or not given:
            return b""
        text = given.partition("base64,")[2] if given.startswith("data:") else given
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if not picture_kind(content):
            gathering.say("picture_unreadable", "the snapshot is no JPEG, PNG or WebP in base64; left out", where)
            return b""
        return content


def picture_kind(content: bytes) -> str:
    """Return the media type of a picture by its first bytes, empty for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begins, kind in KINDS if content.startswith(begins)), "")


def _watchable(url: str) -> bool:
    """Whether people can be sent to an address; one that carries a password would show it to all of them."""
    found = _URL.fullmatch(url)
    return found is not None and "@" not in found[1] and len(url) <= 500
