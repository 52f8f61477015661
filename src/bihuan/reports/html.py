"""A bulletin as one HTML file without any outside reference, laid out as an official document."""

from __future__ import annotations

import base64
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from bihuan.core import CHINA
from bihuan.reports.material import word
from bihuan.reports.model import Content, Cover
from bihuan.reports.words import frame, heading


@cache
def _template() -> Template:
    loader = PackageLoader("bihuan.reports", "")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("bulletin.html.j2")


def html(content: Content, cover: Cover, *, zone: ZoneInfo = CHINA) -> bytes:
    """Return the file in UTF-8; the same content gives the same bytes."""
    tongue = content.language

    def say(key: str, **values: object) -> str:
        return word(key, tongue, **values)

    return (
        _template()
        .render(
            content=content,
            cover=cover,
            frame=frame(content, cover, zone),
            say=say,
            heading=lambda place, title: heading(place, title, tongue),
            data=lambda png: base64.b64encode(png).decode(),
            lang="zh-CN" if tongue == "zh" else "en",
            advice=[line for line in cover.advice.splitlines() if line.strip()],
        )
        .encode()
    )
