"""Pathway ME: files of meteorology and the hours to run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import PurePosixPath

from bihuan.core import FormatError
from bihuan.formats.decks.deck import WIND_CLASSES, DeckMeteorology
from bihuan.formats.decks.draft import Draft, fewest
from bihuan.formats.decks.lines import DeckLine, number, numbers

NO_EFFECT = frozenset({"STARTING", "FINISHED", "SURFDATA", "UAIRDATA", "SITEDATA", "NUMYEARS"})

TURBULENCE = frozenset({"NOTURB", "NOTURBST", "NOTURBCO", "NOSA", "NOSW", "NOSAST", "NOSWST", "NOSACO", "NOSWCO"})
"""Measured turbulence to leave unread: NOSA of the direction, NOSW of the vertical wind, NOTURB both; of stable hours
(ST), of convective ones (CO), of all."""

READ = frozenset({"SURFFILE", "PROFFILE", "PROFBASE", "STARTEND", "WDROTATE", "WINDCATS"}) | TURBULENCE

LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def take_met_line(draft: Draft, line: DeckLine) -> None:
    """Take a line of ME.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    if line.keyword in READ:
        draft.met[line.keyword] = line
    elif line.keyword == "DAYRANGE":
        draft.days.append(line)
    elif line.keyword not in NO_EFFECT:
        draft.others.append(line)


def base_name(word: str) -> str:
    """Return the name of a file without its folders, whichever slash parts them."""
    return PurePosixPath(word.replace("\\", "/")).name


def settled_meteorology(draft: Draft) -> DeckMeteorology:
    """Return what ME asks for once every line was taken.

    Raises
    ------
    FormatError
        If a file is not named, or a date is none.
    """
    files = {}
    for keyword in ("SURFFILE", "PROFFILE"):
        if keyword not in draft.met:
            raise FormatError(f"{draft.file}: ME {keyword} names no file of meteorology")
        fewest(draft.met[keyword], 1, "a file")
        files[keyword] = base_name(draft.met[keyword].words[0])
    days, julian = _days(draft.days)
    start, end = _span(draft.met.get("STARTEND"))
    return DeckMeteorology(
        surface=files["SURFFILE"],
        profile=files["PROFFILE"],
        line=draft.met["SURFFILE"],
        base=_base(draft.met.get("PROFBASE")),
        start=start,
        end=end,
        days=days,
        julian=julian,
        rotation=_first(draft.met.get("WDROTATE"), "degrees"),
        wind_classes=_classes(draft.met.get("WINDCATS")),
        ignored=frozenset(TURBULENCE & set(draft.met)),
    )


def _first(line: DeckLine | None, what: str) -> float:
    if line is None:
        return 0.0
    fewest(line, 1, what)
    return number(line.words[0], line, what)


def _base(line: DeckLine | None) -> float:
    value = _first(line, "an elevation")
    return value * 0.3048 if line is not None and len(line.words) > 1 and line.words[1].upper() == "FEET" else value


def _classes(line: DeckLine | None) -> tuple[float, ...]:
    if line is None:
        return WIND_CLASSES
    values = tuple(numbers(line.words, line))
    if len(values) != 5 or any(a >= b for a, b in pairwise(values)):
        raise line.refuse("takes five upper limits of the wind speed, each above the one before [m/s]")
    return values


def _span(
    line: DeckLine | None,
) -> tuple[tuple[int, int, int, int] | None, tuple[int, int, int, int] | None]:
    if line is None:
        return None, None
    values = [int(value) for value in numbers(line.words, line)]
    if len(values) == 6:
        values = [*values[:3], 1, *values[3:], 24]
    if len(values) != 8:
        raise line.refuse("takes year, month, day [hour] of the first and of the last hour")
    first, last = _stamp(values[:4], line), _stamp(values[4:], line)
    if first > last:
        raise line.refuse("begins after its end")
    return first, last


def _stamp(values: list[int], line: DeckLine) -> tuple[int, int, int, int]:
    year, month, day, hour = values
    if year < 100:
        year += 1900 if year >= 50 else 2000
    if not (1 <= month <= 12 and 1 <= day <= LENGTHS[month - 1] and 1 <= hour <= 24):
        raise line.refuse(f"{' '.join(map(str, values))} is no year, month, day, hour (1-24)")
    return year, month, day, hour


def _days(lines: list[DeckLine]) -> tuple[frozenset[tuple[int, int]] | None, frozenset[int]]:
    if not lines:
        return None, frozenset()
    days: set[tuple[int, int]] = set()
    julian: set[int] = set()
    for line in lines:
        for word in line.words:
            first, dash, last = word.partition("-")
            if "/" in first:
                begin = _day(first, line)
                end = _day(last, line) if dash else begin
                found = [(m, d) for m in range(1, 13) for d in range(1, LENGTHS[m - 1] + 1) if begin <= (m, d) <= end]
                days.update(found)
                empty = not found
            else:
                low = int(number(first, line, "a day of the year"))
                high = int(number(last, line, "a day of the year")) if dash else low
                julian.update(range(low, high + 1))
                empty = not 1 <= low <= high <= 366
            if empty:
                raise line.refuse(f"{word!r} is no range of days: 1/10-1/14, or 32-60 of the year")
    return frozenset(days), frozenset(julian)


def _day(word: str, line: DeckLine) -> tuple[int, int]:
    month, _, day = word.partition("/")
    if not (month.isdigit() and day.isdigit() and 1 <= int(month) <= 12 and 1 <= int(day) <= LENGTHS[int(month) - 1]):
        raise line.refuse(f"{word!r} is no month/day")
    return int(month), int(day)
