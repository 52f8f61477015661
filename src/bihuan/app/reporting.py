"""`bihuan report daily`: the bulletin of a stored day as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bihuan.app.clock import Clock, WallClock
from bihuan.app.gathering import gather
from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import NATIONAL_SIX, InputError, Language, from_json
from bihuan.reports import Cover, compose, docx, html
from bihuan.store import write_whole


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes
    ----------
    html, docx : str
        Paths.
    city : str
    day : date
    sections, empty : int
        How many sections there are, and how many print 暂无数据.
    """

    html: str
    docx: str
    city: str
    day: date
    sections: int
    empty: int


def report_daily(
    home: Path,
    day: date,
    out: Path,
    *,
    site: str | None = None,
    language: Language = "zh",
    targets: Mapping[str, float] | None = None,
    clock: Clock | None = None,
) -> Written:
    """Write ``bihuan-daily-<day>.html`` and ``.docx``: a draft without number, nothing is stored.

    Raises
    ------
    InputError
        If a target is no pollutant of the six, or the city is not clear.
    StoreLocked
        If a server owns the store.
    """
    for item in targets or {}:
        if item not in NATIONAL_SIX:
            raise InputError(f"a target for {item!r} cannot be judged; choose one of {', '.join(NATIONAL_SIX)}")
    settings = read_settings(home)
    now = (clock or WallClock()).now()
    with opened(home) as store:
        town = Town(store.records.register(), day)
        cases = tuple(from_json(row.body, Case) for row in store.records.find("case"))
        given = gather(store, town, settings, day, now, cases, site=site, targets=targets or None)
    content = compose(given, language)
    cover = Cover(issuer=settings.text("issuing_unit"), copies=settings.text("copies_to"))
    out.mkdir(parents=True, exist_ok=True)
    paths = {form: out / f"bihuan-daily-{day}.{form}" for form in ("html", "docx")}
    write_whole(paths["html"], html(content, cover, zone=settings.zone))
    write_whole(paths["docx"], docx(content, cover, zone=settings.zone))
    return Written(
        html=str(paths["html"]),
        docx=str(paths["docx"]),
        city=content.city,
        day=day,
        sections=len(content.sections),
        empty=sum(section.empty for section in content.sections),
    )
