"""The V and U files of receptor modelling: concentrations and uncertainties, a sample a row, a species a column.

Both layouts in use are read: EPA PMF 5 (an optional row of units under the header, -999 for missing, an optional
column with the sample's id) and ESAT (header and figures alone), as CSV or tab-separated text in any usual encoding.
The times of a file are local; inside they are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bihuan.core import FormatError
from bihuan.formats.csv_table import decoded, read_rows, written

Floats = NDArray[np.float64]

MISSING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "-", "--", "—", "nd", "-999", "-999.0", "-999.00", "-99", "无", "缺测"}
)
"""Cells that hold no value, in small letters."""

LABELS = frozenset(
    {"id", "sample", "sample id", "sampleid", "sample_id", "site", "station", "样品", "样品编号", "点位"}
)
"""Headers of columns that name a sample and are no species."""

SHOWN = 5
"""Faults named in one message."""

_TIME = re.compile(
    r"^\s*(\d{1,4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,4})\s*日?"
    r"(?:[ T]+(\d{1,2})[:时](\d{1,2})?(?::(\d{1,2})(?:\.0*)?)?\s*分?\s*([AaPp][Mm])?)?\s*Z?\s*$"
)


@dataclass(frozen=True, slots=True)
class VuTable:
    """One file, or a pair of them.

    Attributes
    ----------
    times : tuple of datetime
        UTC.
    names, units : tuple of str
        Species; an unknown unit is empty.
    values : ndarray, shape (N, M)
        nan where missing.
    uncertainty : ndarray, shape (N, M)
        Of a pair; nan where missing.
    rows : tuple of int
        Row of each sample as a spreadsheet counts.
    notes : tuple of str
        What had to be decided while reading, in English.
    """

    times: tuple[datetime, ...]
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Floats
    uncertainty: Floats
    rows: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_vu(concentration: Path, uncertainty: Path, zone: ZoneInfo) -> VuTable:
    """Read a pair of files.

    Parameters
    ----------
    concentration, uncertainty : Path
    zone : ZoneInfo
        Of the times in the files.

    Raises
    ------
    FormatError
        If a file is no table, a cell is no number, or the two do not match; names file, row and column.
    """
    first = read_table(concentration.read_bytes(), concentration.name, zone)
    second = read_table(uncertainty.read_bytes(), uncertainty.name, zone)
    _same_species(first, second, concentration.name, uncertainty.name)
    _same_times(first, second, concentration.name, uncertainty.name)
    order = [second.names.index(name) for name in first.names]
    unsure = second.values[:, order]
    _positive(first, unsure, uncertainty.name)
    units = tuple(one or second.units[at] for one, at in zip(first.units, order, strict=True))
    return VuTable(first.times, first.names, units, first.values, unsure, first.rows, first.notes)


def read_table(data: bytes, name: str, zone: ZoneInfo) -> VuTable:
    """Read one file of concentrations or uncertainties.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file, for messages.
    zone : ZoneInfo

    Raises
    ------
    FormatError
        If it is no such table.
    """
    rows = [(at, row) for at, row in enumerate(read_rows(decoded(data, name)), start=1) if any(c.strip() for c in row)]
    if len(rows) < 2:
        raise FormatError(f"{name} holds {len(rows)} rows: give a header with the species and a row for each sample")
    header = [cell.strip() for cell in rows[0][1]]
    while header and not header[-1]:
        header.pop()
    labels = 1 + sum(1 for cell in header[:3] if cell.lower() in LABELS)
    time_at = next((at for at in range(labels) if _TIME.match(_cell(rows[-1][1], at))), 0)
    names = tuple(header[labels:])
    _header(name, header, names)
    body, units = rows[1:], tuple("" for _ in names)
    if body and _is_units(body[0][1], time_at, labels):
        units = tuple(_cell(body[0][1], labels + at) for at in range(len(names)))
        body = body[1:]
    if not body:
        raise FormatError(f"{name} holds no samples under its header: give a row for each")
    times, notes = _times(name, [(at, _cell(row, time_at)) for at, row in body], zone)
    values = _numbers(name, body, names, labels)
    return VuTable(times, names, units, values, np.full_like(values, np.nan), tuple(at for at, _ in body), notes)


def write_vu(table: VuTable, zone: ZoneInfo, uncertainty: bool = False) -> bytes:
    """Return the bytes of one of the two files, as PMF 5 and ESAT read it (-999 is missing).

    Parameters
    ----------
    table : VuTable
    zone : ZoneInfo
        Of the times to write.
    uncertainty : bool
        Write the uncertainties instead of the concentrations.
    """
    figures = table.uncertainty if uncertainty else table.values
    body: list[Sequence[object]] = []
    if any(table.units):
        body.append(["units", *table.units])
    for time, row in zip(table.times, figures, strict=True):
        local = time.astimezone(zone)
        cells = [float(value) if np.isfinite(value) else -999 for value in row]
        body.append([local.strftime("%m/%d/%Y %H:%M"), *cells])
    return written(["Date", *table.names], body)


def read_limits(data: bytes, name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Read detection limits: columns ``species``, ``limit`` and, if there, ``error_percent``.

    Returns
    -------
    dict
        Species -> limit. [unit of the species]
    dict
        Species -> relative uncertainty as a share.

    Raises
    ------
    FormatError
    """
    rows = [row for row in read_rows(decoded(data, name)) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "species" not in header or "limit" not in header:
        raise FormatError(f"{name} lacks the columns species and limit; it holds {', '.join(header) or 'nothing'}")
    limits: dict[str, float] = {}
    shares: dict[str, float] = {}
    for at, row in enumerate(rows[1:], start=2):
        species = _cell(row, header.index("species"))
        for column, into, scale in (("limit", limits, 1.0), ("error_percent", shares, 0.01)):
            cell = _cell(row, header.index(column)) if column in header else ""
            if cell:
                value = _number(cell)
                if value is None or value < 0:
                    raise FormatError(f"{name} row {at} column {column}: {cell!r} is no number of 0 or more")
                into[species] = value * scale
    return limits, shares


def _cell(row: Sequence[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _header(name: str, header: list[str], names: tuple[str, ...]) -> None:
    if not names:
        raise FormatError(f"{name} row 1 names no species: the first column is the time, each further one a species")
    for at, species in enumerate(names):
        if not species:
            column = len(header) - len(names) + at + 1
            raise FormatError(f"{name} row 1 column {column} has no name: name the species, or delete the column")
        if _number(species) is not None:
            raise FormatError(f"{name} row 1 holds the number {species}: the first row must name the species")
        if species in names[:at]:
            raise FormatError(f"{name} row 1 names {species!r} twice: give each species one column")


def _is_units(row: Sequence[str], time_at: int, labels: int) -> bool:
    cells = [_cell(row, at) for at in range(labels, len(row))]
    words = [cell for cell in cells if cell and _number(cell) is None and cell.lower() not in MISSING]
    return not _TIME.match(_cell(row, time_at)) and len(words) > len(cells) / 2


def _numbers(name: str, body: list[tuple[int, list[str]]], names: tuple[str, ...], labels: int) -> Floats:
    values = np.full((len(body), len(names)), np.nan)
    faults: list[str] = []
    for place, (at, row) in enumerate(body):
        extra = [cell for cell in row[labels + len(names) :] if cell.strip()]
        if extra:
            faults.append(f"row {at} has {len(extra)} cells more than the header")
        for column, species in enumerate(names):
            cell = _cell(row, labels + column)
            if cell.lower() in MISSING:
                continue
            value = _number(cell)
            if value is None:
                faults.append(f"row {at} column {species}: {cell!r} is no number")
            else:
                values[place, column] = value
    _refuse(name, faults, "write a number, or leave the cell empty (or -999) where nothing was measured")
    return values


def _refuse(name: str, faults: list[str], remedy: str) -> None:
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise FormatError(f"{name}: {'; '.join(faults[:SHOWN])}{more}; {remedy}")


def _times(name: str, cells: list[tuple[int, str]], zone: ZoneInfo) -> tuple[tuple[datetime, ...], tuple[str, ...]]:
    """Read all times; the order of day and month is decided from the whole column."""
    found = [(at, cell, _TIME.match(cell)) for at, cell in cells]
    faults = [f"row {at} column 1: {cell!r} is no time" for at, cell, match in found if match is None]
    remedy = "write 2026-11-03 08:00 or 11/03/2026 08:00"
    _refuse(name, faults, remedy)
    matches = [(at, cell, match) for at, cell, match in found if match is not None]
    short = [(int(m[1]), int(m[2])) for _, _, m in matches if len(m[1]) < 3]
    day_first = any(first > 12 for first, _ in short)
    month_first = any(second > 12 for _, second in short)
    if day_first and month_first:
        raise FormatError(f"{name} column 1 holds dates as day/month and as month/day: {remedy} throughout")
    notes = []
    if short and not day_first and not month_first:
        notes.append(f"{name}: dates such as {matches[0][1]!r} can be read in two ways; read as month/day/year")
    read = _reader(day_first, zone)
    times = []
    for at, cell, match in matches:
        try:
            times.append(read(match))
        except ValueError:
            faults.append(f"row {at} column 1: {cell!r} is no time")
    _refuse(name, faults, remedy)
    if len(set(times)) < len(times):
        notes.append(f"{name}: {len(times) - len(set(times))} times stand more than once")
    if any(after < before for before, after in pairwise(times)):
        notes.append(f"{name}: the samples are not in the order of time; blocks of the bootstrap follow the file")
    return tuple(times), tuple(notes)


def _reader(day_first: bool, zone: ZoneInfo) -> Callable[[re.Match[str]], datetime]:
    def read(match: re.Match[str]) -> datetime:
        first, second, third = int(match[1]), int(match[2]), int(match[3])
        if len(match[1]) > 2:
            year, month, day = first, second, third
        else:
            year, month, day = (third, second, first) if day_first else (third, first, second)
            year += 2000 if year < 70 else 1900 if year < 100 else 0
        hour, half = int(match[4] or 0), (match[7] or "").lower()
        if half:
            if not 1 <= hour <= 12:
                raise ValueError("hour of a half day")
            hour = hour % 12 + (12 if half == "pm" else 0)
        return datetime(year, month, day, hour, int(match[5] or 0), int(match[6] or 0), tzinfo=zone).astimezone(UTC)

    return read


def _same_species(first: VuTable, second: VuTable, one: str, other: str) -> None:
    lacking = [name for name in first.names if name not in second.names]
    strange = [name for name in second.names if name not in first.names]
    if lacking or strange:
        words = [f"{other} lacks {', '.join(lacking)}"] if lacking else []
        words += [f"{one} lacks {', '.join(strange)}"] if strange else []
        raise FormatError(f"the files do not hold the same species: {'; '.join(words)}; spell the headers alike")


def _same_times(first: VuTable, second: VuTable, one: str, other: str) -> None:
    if len(first.times) != len(second.times):
        raise FormatError(
            f"{one} holds {len(first.times)} samples and {other} {len(second.times)}: give both the same rows"
        )
    for at, (mine, yours) in enumerate(zip(first.times, second.times, strict=True)):
        if mine != yours:
            raise FormatError(
                f"row {first.rows[at]} of {one} and row {second.rows[at]} of {other} are of different times: "
                "give both files the same rows in the same order"
            )


def _positive(first: VuTable, unsure: Floats, name: str) -> None:
    faults = []
    for row, column in zip(*np.nonzero(np.isfinite(first.values) & ~(unsure > 0)), strict=True):
        found = "missing" if np.isnan(unsure[row, column]) else f"{unsure[row, column]:g}"
        faults.append(f"row {first.rows[row]} column {first.names[column]}: uncertainty is {found}")
    _refuse(name, faults, "an uncertainty must be above 0 where a concentration stands")
