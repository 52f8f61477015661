"""What a deck says of NO2, of ozone, of the air that comes along (background) and of decay."""

from __future__ import annotations

import re

from bihuan.formats.decks.draft import Draft, fewest, named
from bihuan.formats.decks.lines import DeckLine, number, numbers
from bihuan.formats.decks.meteorology import base_name
from bihuan.formats.decks.processes import DeckDecay, DeckNitrogen, DeckSeries
from bihuan.formats.decks.sources import FACTORS

O3_PPB, CO_PPB = 1.960, 1.144
"""ug/m3 of a ppb of ozone; mg/m3 of a ppm of CO. (EPA-454/B-24-007, keywords OZONUNIT and BACKUNIT)"""
NO2_PPB, SO2_PPB = 0.5319, 0.3823
"""ppb of a ug/m3. (the same)"""

HALF = 0.693
"""Logarithm of 2 by which a half-life becomes a rate. (as in the source)"""


def settled_decay(draft: Draft) -> DeckDecay | None:
    """Return the decay of HALFLIFE [s] or DCAYCOEF [1/s]; None without.

    Raises
    ------
    FormatError
        If both are given, or one is not above 0.
    """
    lines = [*draft.kept.get("HALFLIFE", ()), *draft.kept.get("DCAYCOEF", ())]
    if not lines:
        return None
    if len(lines) > 1:
        raise lines[1].refuse(f"decay is given already, {lines[0].where}: HALFLIFE or DCAYCOEF, once")
    value = _one(lines[0], "a half-life [s] or a rate [1/s]")
    if not value > 0.0:
        raise lines[0].refuse(f"{value:g} must be above 0")
    return DeckDecay(lines[0], HALF / value if lines[0].keyword == "HALFLIFE" else value)


def settled_nitrogen(draft: Draft) -> DeckNitrogen:
    """Return what the deck says of NO2.

    Raises
    ------
    FormatError
        If it asks for two methods at once, or a number is out of its range.
    """
    methods = [word for word in ("ARM2", "OLM") if word in draft.options]
    if len(methods) > 1:
        raise draft.options["OLM"].refuse("ARM2 and OLM exclude each other: one of them")
    if methods and draft.pollutant != "NO2":
        raise draft.options[methods[0]].refuse(f"{methods[0]} makes NO2 of NOx: CO POLLUTID must be NO2")
    least, most = _ratios(draft)
    return DeckNitrogen(
        methods[0] if methods else "",
        least,
        most,
        _share(draft, "NO2EQUIL", 0.9, 0.1) or 0.9,
        _share(draft, "NO2STACK", None, 0.0),
        _merged(draft),
        _ozone(draft),
    )


def _ratios(draft: Draft) -> tuple[float, float]:
    lines = draft.kept.get("ARMRATIO", ())
    if not lines:
        return 0.5, 0.9
    fewest(lines[0], 2, "the least and the largest share")
    least, most = number(lines[0].words[0], lines[0]), number(lines[0].words[1], lines[0])
    if not 0.0 < least <= most <= 1.0:
        raise lines[0].refuse(f"shares {least:g} and {most:g}: both above 0 and up to 1, the least first")
    return least, most


def _share(draft: Draft, keyword: str, default: float | None, low: float) -> float | None:
    lines = draft.kept.get(keyword, ())
    if not lines:
        return default
    value = _one(lines[0], "a share")
    if not low <= value <= 1.0:
        raise lines[0].refuse(f"share {value:g}: it must be in {low:g}-1")
    return value


def _merged(draft: Draft) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    for line in draft.kept.get("OLMGROUP", ()):
        fewest(line, 1, "a group")
        group, words = line.words[0].upper(), list(line.words[1:])
        if group == "ALL" and not words:
            words = ["ALL"]
        members = groups.setdefault(group, [])
        for word in words:
            for name in named(word, draft.sources, line):
                if owner.setdefault(name, group) != group:
                    raise line.refuse(f"source {name} is in OLMGROUP {owner[name]} already: one group each")
                if name not in members:
                    members.append(name)
    return tuple(tuple(members) for members in groups.values())


def _ozone(draft: Draft) -> DeckSeries | None:
    constant = draft.kept.get("OZONEVAL", ())
    table, file = draft.kept.get("O3VALUES", ()), draft.kept.get("OZONEFIL", ())
    lines = (*file, *table, *constant)
    if not lines:
        return None
    kind, values = _table(list(table), _ozone_factor(_unit(draft, "OZONUNIT", "PPB"), lines[0]))
    level = None
    if constant:
        fewest(constant[0], 1, "a concentration of ozone")
        unit = constant[0].words[1].upper() if len(constant[0].words) > 1 else "UG/M3"
        level = number(constant[0].words[0], constant[0]) * _ozone_factor(unit, constant[0])
    name, factor = "", 1.0
    form: tuple[tuple[int, int], ...] = ()
    if file:
        fewest(file[0], 1, "a file")
        name = base_name(file[0].words[0])
        factor = _ozone_factor(file[0].words[1].upper() if len(file[0].words) > 1 else "UG/M3", file[0])
        form = _form(file[0], 2)
    return DeckSeries(lines[0], kind, values, level, name, factor, form)


def _ozone_factor(unit: str, line: DeckLine) -> float:
    factors = {"UG/M3": 1.0, "PPB": O3_PPB, "PPM": 1e3 * O3_PPB}
    if unit not in factors:
        raise line.refuse(f"unit {unit!r}: PPB, PPM or UG/M3")
    return factors[unit]


def settled_background(draft: Draft) -> DeckSeries | None:
    """Return what the air brings along (BACKGRND); None without.

    Raises
    ------
    FormatError
        If it cannot be read; sectors of the wind are left to whoever runs the deck.
    """
    lines = draft.kept.get("BACKGRND", ())
    if not lines:
        return None
    gas = draft.pollutant in {"NO2", "SO2", "CO"}
    factor = _air_factor(draft, _unit(draft, "BACKUNIT", ("PPM" if draft.pollutant == "CO" else "PPB") if gas else ""))
    files = [line for line in lines if line.words and line.words[0].upper() == "HOURLY"]
    for line in files[:1]:
        fewest(line, 2, "HOURLY and a file")
    if len(files) > 1:
        raise files[1].refuse(f"a file is given already, {files[0].where}")
    kind, values = _table([line for line in lines if line not in files], factor)
    name, form = (base_name(files[0].words[1]), _form(files[0], 2)) if files else ("", ())
    return DeckSeries(lines[0], kind, values, None, name, factor, form)


def _air_factor(draft: Draft, unit: str) -> float:
    if unit in {"", "UG/M3"}:
        return 1.0
    by_gas = {"NO2": 1.0 / NO2_PPB, "SO2": 1.0 / SO2_PPB, "CO": CO_PPB}
    line = (*draft.kept.get("BACKUNIT", ()), *draft.kept["BACKGRND"])[0]
    if draft.pollutant not in by_gas or unit not in {"PPB", "PPM"}:
        raise line.refuse(f"unit {unit!r} of {draft.pollutant}: UG/M3, and of NO2, SO2 and CO also PPB or PPM")
    return by_gas[draft.pollutant] * (1e3 if unit == "PPM" else 1.0)


def _unit(draft: Draft, keyword: str, default: str) -> str:
    lines = draft.kept.get(keyword, ())
    if not lines:
        return default
    fewest(lines[0], 1, "a unit")
    return lines[0].words[0].upper()


def _table(lines: list[DeckLine], factor: float) -> tuple[str, tuple[float, ...]]:
    """Values by season, hour and so on, over as many lines as they take."""
    kind, found = "", []
    for line in lines:
        fewest(line, 2, "a kind (ANNUAL, SEASON, HROFDY ...) and values")
        word = line.words[0].upper()
        if word != "ANNUAL" and word not in FACTORS:
            raise line.refuse(f"{line.words[0]!r} is no kind of values: ANNUAL, HOURLY, {', '.join(FACTORS)}")
        if kind and word != kind:
            raise line.refuse(f"values are by {kind} already: one kind only")
        kind = word
        found += numbers(line.words[1:], line)
    wanted = FACTORS.get(kind, 1)
    if lines and len(found) != wanted:
        raise lines[0].refuse(f"{kind} takes {wanted} values, {len(found)} are given")
    if min(found, default=0.0) < 0.0:
        raise lines[0].refuse("no value may be below 0")
    return kind, tuple(value * factor for value in found)


FIELD = re.compile(r"(\d*)(?:([IFED])(\d+)(?:\.\d+)?|X)")
"""Of a Fortran format: how many, of which kind, how wide."""


def _form(line: DeckLine, after: int) -> tuple[tuple[int, int], ...]:
    """Columns of ``(I2,3I3,F9.3)``; none for FREE."""
    told = "".join(line.words[after:]).upper().strip("()")
    if told in {"", "FREE"}:
        return ()
    found: list[tuple[int, int]] = []
    column = 0
    for part in told.split(","):
        field = FIELD.fullmatch(part)
        if field is None:
            raise line.refuse(f"format {part!r} is not read: FREE, or fields like 4I2, 2X and F9.3")
        times, kind, wide = int(field[1] or 1), field[2], int(field[3] or 1)
        for _ in range(times):
            found += [(column, column + wide)] if kind else []
            column += wide
    if len(found) != 5:
        raise line.refuse(f"format ({told}) has {len(found)} fields: year, month, day, hour and value are five")
    return tuple(found)


def _one(line: DeckLine, what: str) -> float:
    fewest(line, 1, what)
    return number(line.words[0], line, what)
