"""12345 work orders from a table: any column names the hotline uses, every bad row named, the good ones read."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from bihuan.cases.clocks import Calendar
from bihuan.cases.intake import PublicComplaint
from bihuan.cases.matters import matters
from bihuan.cases.settings import Limit
from bihuan.core import Complaint, FormatError, InputError, Place, RowError, parse_instant, texts, utc

_MOMENT = re.compile(r"(\d{4})\D+(\d{1,2})\D+(\d{1,2})(?:\D+(\d{1,2})\D+(\d{1,2})(?:\D+(\d{1,2}))?)?\D*")
_DAYS = re.compile(r"\D*(\d{1,3})\D*")


@dataclass(frozen=True, slots=True)
class ComplaintTable:
    """What a table held.

    Attributes
    ----------
    rows : tuple of PublicComplaint
        The good ones, in their order.
    complaints : tuple of Complaint
        ``where`` names the row (the header is row 1); ``error`` rows were left out.
    """

    rows: tuple[PublicComplaint, ...]
    complaints: tuple[Complaint, ...]


def read_complaints(data: bytes, calendar: Calendar, district_of: Mapping[str, str] | None = None) -> ComplaintTable:
    """Read a table of 12345 work orders.

    Parameters
    ----------
    data : bytes
        CSV, tab or semicolon separated, UTF-8 or GB18030, with a header.
    calendar : Calendar
        Local time of the city, and its working days where a time limit is a number of working days.
    district_of : mapping of str to str, optional
        Name of a district as the hotline writes it -> its code in the register.

    Raises
    ------
    FormatError
        If it is no such table, or lacks a column without which no row can be read.
    """
    header, lines = _lines(data)
    columns = _columns(header)
    rows: dict[str, PublicComplaint] = {}
    odd: list[Complaint] = []
    for at, cells in lines:
        values = {name: cells[index].strip() if index < len(cells) else "" for name, index in columns.items()}
        if not any(values.values()):
            continue
        try:
            row, notes = _row(values, calendar, district_of or {})
        except InputError as problem:
            odd.append(Complaint("row_bad", str(problem), f"row {at}", "error"))
            continue
        odd += [Complaint(reason, detail, f"row {at}", "note") for reason, detail in notes]
        if row.number in rows:
            odd.append(Complaint("row_repeated", f"number {row.number} stands above already", f"row {at}", "error"))
            continue
        rows[row.number] = row
    return ComplaintTable(tuple(rows.values()), tuple(odd))


def matter_of_words(category: str, content: str) -> str:
    """Return the matter that the category names or the words tell, ``other`` when neither does."""
    for language in ("zh", "en"):
        for code in matters():
            if category and category.casefold() in {code, texts(language)["matter"][code].casefold()}:
                return code
    for words in (category, content):
        for code, tells in _table()["words"].items():
            if any(tell in words for tell in tells):
                return str(code)
    return "other"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files("bihuan.cases").joinpath("complaints.toml").read_text("utf-8"))


def _lines(data: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            words = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise FormatError("the table of work orders is neither UTF-8 nor GB18030; save it as CSV UTF-8")
    first = words.lstrip().split("\n", 1)[0]
    mark = max(",\t;", key=first.count)
    try:
        reader = csv.reader(io.StringIO(words, newline=""), delimiter=mark)
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as problem:
        raise FormatError(f"the table of work orders cannot be read: {problem}; save it as CSV UTF-8") from None
    if not lines:
        raise FormatError("the table of work orders is empty; its first row must name the columns")
    return [cell.strip() for cell in lines[0][1]], lines[1:]


def _columns(header: list[str]) -> dict[str, int]:
    table = _table()["columns"]
    lower = [cell.casefold() for cell in header]
    found = {
        name: next(lower.index(alias) for alias in aliases if alias in lower)
        for name, aliases in table.items()
        if name != "required" and any(alias in lower for alias in aliases)
    }
    missing = [name for name in table["required"] if name not in found]
    if missing:
        allowed = "; ".join(f"{name}: {' / '.join(table[name])}" for name in missing)
        raise FormatError(f"the table of work orders has the columns {', '.join(header)} and lacks {allowed}")
    return found


def _row(
    values: Mapping[str, str], calendar: Calendar, district_of: Mapping[str, str]
) -> tuple[PublicComplaint, list[tuple[str, str]]]:
    notes: list[tuple[str, str]] = []
    if not values["number"]:
        raise RowError("the work order has no number; every row needs one, it is what the hotline asks for")
    received = _moment(values["received"], "received", calendar)
    matter = matter_of_words(values.get("category", ""), values["content"])
    if matter == "other":
        notes.append(("matter_unknown", f"no matter for {values.get('category', '')!r}; taken as other"))
    name = values.get("district", "")
    row = PublicComplaint(
        number=values["number"],
        received=received,
        matter=matter,
        content=values["content"],
        place=_place(values, notes),
        address=values.get("address", ""),
        district=district_of.get(name, name),
        reporter=values.get("reporter", ""),
        phone=values.get("phone", ""),
        due=_due(values.get("due", ""), received, calendar),
    )
    return row, notes


def _moment(words: str, column: str, calendar: Calendar) -> datetime:
    try:
        return parse_instant(words, calendar.settings.zone)
    except InputError:
        found = _MOMENT.fullmatch(words)
    if found:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        try:
            return utc(datetime(year, month, day, hour, minute, second), calendar.settings.zone)  # noqa: DTZ001
        except ValueError:
            pass
    raise RowError(f"{column} = {words!r} is no time; write 2026-01-05 08:30, local time of the city")


def _due(words: str, received: datetime, calendar: Calendar) -> datetime | None:
    """A time, or a number of working days from the time of receipt."""
    if not words:
        return None
    days = _DAYS.fullmatch(words)
    if days and int(days[1]):
        return calendar.due(received, Limit(0, int(days[1]), "office", "city"))
    due = _moment(words, "due", calendar)
    if due <= received:
        raise RowError(f"due = {words!r} is not after the work order was received; correct one of the two")
    return due


def _place(values: Mapping[str, str], notes: list[tuple[str, str]]) -> Place | None:
    lon, lat = values.get("lon", ""), values.get("lat", "")
    if not (lon or lat):
        return None
    try:
        place = Place(float(lon), float(lat))
    except (ValueError, InputError) as problem:
        notes.append(("place_bad", f"lon {lon!r} lat {lat!r} cannot be used ({problem}); taken without a place"))
        return None
    return place
