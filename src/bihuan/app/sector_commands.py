"""The command `bihuan sector` over the store and over a file: answers, words, and the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bihuan.app.opened import opened
from bihuan.app.sector_answers import Wanted, answer
from bihuan.app.sectors import KINDS, SectorHours, hours_of_file, stored_hours
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.core import InputError, Language, Period, Ref, local_date, parse_instant, text

Told = tuple[dict[str, Any], str]


def sector_stored(home: Path, options: Mapping[str, Any], now: datetime, language: Language) -> Iterator[Told]:
    """Answer over the hours of the store.

    Parameters
    ----------
    home : Path
    options : mapping
        ``kind station pollutant start end percentile statistic clusters raw out``.
    now : datetime
        The register is read as of this day.
    language : Language

    Raises
    ------
    InputError, NotCovered, StoreLocked
    """
    zone = read_settings(home).zone
    station = str(options.get("station") or "")
    if not station:
        raise InputError("option station is missing: write station:1001A")
    ref = Ref.parse(station if ":" in station else f"station:{station}")
    with opened(home) as store:
        town = Town(store.records.register(), local_date(now, zone))
        asked = stored_hours(store, town, ref, str(options.get("pollutant") or "pm25"), _period(options))
    yield from _told(asked, options, zone, language)


def sector_of_file(file: Path, options: Mapping[str, Any], zone: ZoneInfo, language: Language) -> Iterator[Told]:
    """Answer over the hours of a CSV file.

    Raises
    ------
    InputError, FormatError
    """
    asked = hours_of_file(file, str(options.get("pollutant") or "pm25"), zone, _period(options))
    yield from _told(asked, options, zone, language)


def _told(asked: SectorHours, options: Mapping[str, Any], zone: ZoneInfo, language: Language) -> Iterator[Told]:
    kind = options.get("kind")
    if kind not in KINDS:
        raise InputError(f"kind {kind!r} is unknown: write {', '.join(KINDS)}")
    wanted = Wanted(
        percentile=float(options.get("percentile") or 90.0),
        statistic=str(options.get("statistic") or "mean"),
        clusters=int(options.get("clusters") or 0),
        deseasonalise=not options.get("raw"),
    )
    found = answer(kind, asked, zone, language, wanted)
    lines = [_head(found, language), found["conclusion"], *(one["words"] for one in found["doubts"]), found["limits"]]
    out = options.get("out")
    if out:
        lines.append(_drawn(found, Path(out), language))
    yield found, "\n".join(lines)


def _head(found: dict[str, Any], language: Language) -> str:
    told = {name: found[name] or "-" for name in ("site", "pollutant", "start", "end", "usable", "hours")}
    return text("sectors.cli_site", language, **told)


def _drawn(found: dict[str, Any], out: Path, language: Language) -> str:
    from bihuan.app.sector_pictures import picture  # noqa: PLC0415  # draws: no other answer shall wait for it

    form = out.suffix.removeprefix(".")
    if form not in ("png", "svg"):
        raise InputError(f"{out} has no form we write: end it with .png or .svg")
    made = picture(found, form, language)  # type: ignore[arg-type]
    if made is None:
        return text("sectors.cli_no_picture", language)
    out.write_bytes(made)
    return text("sectors.cli_file", language, file=out)


def _period(options: Mapping[str, Any]) -> Period | None:
    start, end = (_instant(options.get(name)) for name in ("start", "end"))
    return None if start is None or end is None else Period(start, end)


def _instant(value: Any) -> datetime | None:
    return parse_instant(value) if isinstance(value, str) else value
