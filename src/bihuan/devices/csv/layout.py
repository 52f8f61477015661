"""The layout of a feed's file: one small TOML file each, built in or written by a user, the same form for both.

A mapping says where the time stands and which end of the hour it names, what the site is, and for every
column of values the pollutant and the unit. ``docs/how-to/import-a-feed.md`` shows one line by line.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from bihuan.core import FormatError, Level, SettingError, Stat, Status, pollutants
from bihuan.devices.csv.columns import COMPASS
from bihuan.devices.plausible import Kind
from bihuan.devices.units import SAME, Conversion, conversion


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a mapping; a key it does not know is an error."""


class Recognise(_Part, frozen=True):
    """Columns that must all be in the header for a built-in layout to be chosen."""

    columns: tuple[str, ...]


class TimeColumns(_Part, frozen=True):
    """Where the time stands.

    Attributes
    ----------
    columns : tuple of str
        One column of time, or four of year, month, day and hour.
    stamp : {"start", "end"}
        Which end of its period the stamp names.
    zone : str
        Empty: the zone of the city.
    format : str
        As in strptime; empty: the usual ones are tried.
    hours : int
        Length of a period. [h]
    """

    columns: tuple[str, ...]
    stamp: Literal["start", "end"]
    zone: str = ""
    format: str = ""
    hours: int = 1


class SiteColumns(_Part, frozen=True):
    """What each row is about: `column` names it, or `fixed` for a file of one site."""

    kind: Literal["city", "station", "section", "outlet"]
    column: str = ""
    fixed: str = ""
    name: str = ""
    lon: str = ""
    lat: str = ""


class ValueColumn(_Part, frozen=True):
    """One column of values.

    Attributes
    ----------
    pollutant, unit : str
        The unit of the file; ``compass`` for a wind direction in letters.
    stat : Stat
    never_above : str
        Another column that is a maximum of this one; more than half of the rows above it means
        that the two are swapped.
    """

    pollutant: str
    unit: str
    stat: Stat = "avg"
    never_above: str = ""


class Missing(_Part, frozen=True):
    """What stands for no value besides an empty cell."""

    values: tuple[float, ...] = (-200.0, -999.0, -9999.0, 9999.0, 9999.99)
    texts: tuple[str, ...] = ("NA", "NaN", "nan", "null", "NULL", "-", "--", "---", "—", "N/A", "#N/A")


class Published(_Part, frozen=True):
    """Column of the index the feed computed itself."""

    column: str = ""


class Other(_Part, frozen=True):
    """Columns known and left out."""

    columns: tuple[str, ...] = ()


class Csv(_Part, frozen=True):
    """How the text of a CSV file is written; empty: found out."""

    separator: str = ""
    decimal: Literal[".", ","] = "."


class Layout(_Part, frozen=True):
    """One layout.

    Attributes
    ----------
    name : str
        Of its file.
    title, source, status
        What it is, who says so, and how sure.
    level : Level
        Data level of its values.
    """

    title: str
    time: TimeColumns
    site: SiteColumns
    columns: dict[str, ValueColumn]
    name: str = ""
    source: str = ""
    status: Status = "unconfirmed"
    level: Level = "realtime"
    recognise: Recognise | None = None
    missing: Missing = Missing()
    published: Published = Published()
    other: Other = Other()
    csv: Csv = Csv()

    @property
    def kind(self) -> Kind:
        """What its sites are, which decides the unit kept."""
        return "outlet" if self.site.kind == "outlet" else "environment"

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns without which nothing can be read."""
        site = (self.site.column,) if self.site.column else ()
        return (*self.time.columns, *site)

    def convert(self, column: str) -> Conversion:
        """Return how values of a column become values in the unit kept."""
        spec = self.columns[column]
        if spec.unit == COMPASS:
            return SAME
        found = pollutants()[spec.pollutant]
        return conversion(spec.unit, found.unit if self.kind == "environment" else found.outlet_unit)


@cache
def layouts() -> dict[str, Layout]:
    """Return every built-in layout by name."""
    folder = resources.files("bihuan.devices.csv").joinpath("layouts")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)
    return {
        name: read_layout(entry.read_text("utf-8"), name)
        for entry in files
        for name in (entry.name.removesuffix(".toml"),)
    }


def load_layout(path: Path) -> Layout:
    """Read a mapping file of a user.

    Raises
    ------
    SettingError
        If it cannot be read or a key, unit, pollutant or zone in it cannot be.
    """
    try:
        return read_layout(path.read_text("utf-8"), path.stem)
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(f"mapping {path} cannot be read: {problem}") from None


def read_layout(text: str, name: str) -> Layout:
    """Read a mapping from its text; raises as `load_layout`."""
    try:
        layout = msgspec.convert({"name": name} | tomllib.loads(text), Layout)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as problem:
        raise SettingError(f"mapping {name}: {problem}") from None
    try:
        _check(layout)
    except SettingError as problem:
        raise SettingError(f"mapping {name}: {problem}") from None
    return layout


def recognise_columns(columns: list[str], where: str) -> Layout:
    """Return the built-in layout that fits a header, the one with most columns if several do.

    Raises
    ------
    FormatError
        If none fits.
    """
    present = set(columns)
    fits = [
        layout for layout in layouts().values() if layout.recognise and present.issuperset(layout.recognise.columns)
    ]
    if not fits:
        known = "; ".join(
            f"{layout.name} ({', '.join(layout.recognise.columns)})"
            for layout in layouts().values()
            if layout.recognise
        )
        raise FormatError(
            f"{where}: columns {', '.join(columns[:12])} are no layout we know. "
            f"Known: {known}. Write a mapping file for others"
        )
    return max(fits, key=lambda layout: len(layout.recognise.columns) if layout.recognise else 0)


def _check(layout: Layout) -> None:
    if len(layout.time.columns) not in (1, 4):
        raise SettingError("time.columns is one column, or year, month, day and hour")
    if layout.time.hours < 1:
        raise SettingError(f"time.hours is {layout.time.hours}; it is 1 or more")
    if bool(layout.site.column) == bool(layout.site.fixed):
        raise SettingError("site has either column or fixed")
    if not layout.columns:
        raise SettingError("columns is empty; name at least one column of values")
    figures: dict[tuple[str, str], str] = {}
    for column, spec in layout.columns.items():
        other = figures.setdefault((spec.pollutant, spec.stat), column)
        if other != column:
            raise SettingError(f"columns {other} and {column} are both {spec.pollutant} {spec.stat}; keep one")
        if spec.pollutant not in pollutants():
            raise SettingError(f"column {column}: pollutant {spec.pollutant!r} is none of {', '.join(pollutants())}")
        if spec.unit == COMPASS and spec.pollutant != "wind_from":
            raise SettingError(f"column {column}: unit compass is for wind_from only")
        layout.convert(column)
    if layout.time.zone:
        try:
            ZoneInfo(layout.time.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise SettingError(f"time.zone {layout.time.zone!r} is no zone; for instance Asia/Shanghai") from None
