"""`bihuan trajectory share` and `arrival`: tables of places and hours read, the answer told."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bihuan.app.cli_parts import home_path
from bihuan.app.settings import read_settings
from bihuan.core import BihuanError, FormatError, InputError, Language, Place, Plane, parse_instant, text
from bihuan.tracing import Arrival, TransportShare, arrival_order, transport_share

Float = NDArray[np.float64]
HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Hours of several columns on one even clock; NaN where a row or a value is missing.

    Attributes
    ----------
    time : ndarray of datetime64[s]
        UTC.
    columns : dict of str to ndarray
    """

    time: NDArray[np.datetime64]
    columns: dict[str, Float]

    def between(self, start: datetime | None, end: datetime | None) -> Table:
        """Return the hours from `start` up to `end`."""
        low = self.time[0] if start is None else _utc(start)
        high = self.time[-1] + HOUR if end is None else _utc(end)
        inside = (self.time >= low) & (self.time < high)
        if not inside.any():
            raise InputError(
                f"no hour lies between {low} and {high} UTC: the file has {self.time[0]} to {self.time[-1]}"
            )
        return Table(self.time[inside], {name: values[inside] for name, values in self.columns.items()})


@dataclass(frozen=True, slots=True)
class ShareTold:
    """The share of transport of an episode, with what it was asked of."""

    found: TransportShare
    city: str
    places: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"city": self.city, "places": self.places, **asdict(self.found)}

    def words(self, language: Language) -> str:
        """Return one sentence, and what cannot be told."""
        found = self.found
        if found.regional is None or found.low is None or found.high is None or found.local_rise is None:
            told = {"hours": found.hours, "used": found.used}
            return text(f"trajectory.share_{found.cannot_tell}", language, **told)
        shares = {"regional": found.regional, "low": found.low, "high": found.high}
        return text(
            "trajectory.share", language, city=self.city, used=found.used, hours=found.hours,
            rise=f"{found.local_rise:.1f}", **{name: f"{100 * value:.0f}" for name, value in shares.items()},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArrivalTold:
    """The order of arrival over named places."""

    found: Arrival
    names: tuple[str, ...]
    start: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; ``hours`` by name."""
        return {
            "start": self.start,
            **asdict(self.found),
            "hours": dict(zip(self.names, self.found.hours, strict=True)),
        }

    def words(self, language: Language) -> str:
        """Return the finding and the places in the order of their arrival."""
        found = self.found
        if found.cannot_tell or found.came_from is None or found.speed is None:
            lines = [text(f"trajectory.arrival_{found.cannot_tell}", language)]
        else:
            told = {
                "came_from": found.came_from, "low": found.low, "high": found.high, "speed": found.speed,
                "order": found.order, "chance": found.chance,
            }  # fmt: skip
            lines = [text("trajectory.arrival", language, **{name: f"{value:.3g}" for name, value in told.items()})]
        if found.along_wind is not None and found.off_wind is not None:
            agree = {"along": f"{found.along_wind:.2f}", "off": f"{found.off_wind:.0f}"}
            lines.append(text("trajectory.arrival_wind", language, **agree))
        arrived = sorted((hour, name) for hour, name in zip(found.hours, self.names, strict=True) if hour is not None)
        lines += [text("trajectory.arrived", language, name=name, hour=f"{hour:.1f}") for hour, name in arrived]
        return "\n".join(lines)


def share_of(series: Path, places: Path, wind: Path, city: str, start: datetime, end: datetime) -> ShareTold:
    """Say how much of an episode came in with the air.

    Parameters
    ----------
    series : Path
        CSV with ``time`` and a column for the city and each place.
    places : Path
        CSV with ``name,lon,lat``; the city among them.
    wind : Path
        CSV with ``time,ws,wd``.
    city : str
    start, end : datetime
        Of the episode.

    Raises
    ------
    InputError, FormatError
    """
    zone = read_settings(home_path()).zone
    table, where, blown = read_table(series, zone), read_places(places), read_table(wind, zone)
    if city not in where or city not in table.columns:
        raise InputError(f"city {city!r} must be a name of {places.name} and a column of {series.name}")
    missing = [name for name in ("ws", "wd") if name not in blown.columns]
    if missing:
        raise FormatError(f"{wind.name} has no column {missing[0]}: needed are time, ws and wd")
    around = [name for name in where if name != city and name in table.columns]
    if not around:
        raise InputError(f"{series.name} has no column of a place of {places.name} besides {city}")
    hours = np.flatnonzero((table.time >= _utc(start)) & (table.time < _utc(end)))
    if not len(hours):
        raise InputError(f"no hour of {series.name} lies between {start} and {end}")
    speed, origin = (_on(blown, table.time, name) for name in ("ws", "wd"))
    here = where[city]
    found = transport_share(
        table.columns[city],
        np.stack([table.columns[name] for name in around], axis=1),
        np.array([here.bearing(where[name]) for name in around]),
        np.array([here.distance(where[name]) for name in around]),
        speed, origin, int(hours[0]), int(hours[-1]),
    )  # fmt: skip
    return ShareTold(found, city, len(around))


def arrival_of(
    series: Path, places: Path, start: datetime | None, end: datetime | None, falling: bool, wind_from: float | None
) -> ArrivalTold:
    """Say in which order something came over the places of a file.

    Raises
    ------
    InputError, FormatError
        As for `share_of`.
    """
    zone = read_settings(home_path()).zone
    table, where = read_table(series, zone).between(start, end), read_places(places)
    names = tuple(name for name in where if name in table.columns)
    if not names:
        raise InputError(f"{series.name} has no column of a place of {places.name}")
    spots = [where[name] for name in names]
    plane = Plane(Place(float(np.mean([one.lon for one in spots])), float(np.mean([one.lat for one in spots]))))
    east, north = plane.forward([one.lon for one in spots], [one.lat for one in spots])
    step = float((table.time[1] - table.time[0]) / HOUR) if len(table.time) > 1 else 1.0
    values = np.stack([table.columns[name] for name in names], axis=1)
    found = arrival_order(values, east, north, falling=falling, wind_from=wind_from, step=step)
    return ArrivalTold(found, names, f"{table.time[0]}Z")


def read_places(path: Path) -> dict[str, Place]:
    """Return the places of a CSV with ``name,lon,lat``.

    Raises
    ------
    FormatError, InputError
    """
    found: dict[str, Place] = {}
    for number, row in _rows(path, ("name", "lon", "lat")):
        found[row["name"]] = Place(*(_value(path, number, row[name]) for name in ("lon", "lat")))
    return found


def read_table(path: Path, zone: ZoneInfo) -> Table:
    """Return the columns of a CSV with ``time`` on an even clock; times without an offset are local.

    Raises
    ------
    FormatError
        If it has no time, an hour stands twice, or a value is no number.
    """
    rows = list(_rows(path, ("time",)))
    times = []
    for number, row in rows:
        try:
            times.append(_utc(parse_instant(row["time"].strip(), zone)))
        except BihuanError as problem:
            raise FormatError(f"{path.name} line {number}: {problem}") from None
    at = np.array(times, dtype="datetime64[s]")
    order = np.argsort(at, kind="stable")
    gaps = np.diff(at[order])
    if len(gaps) and gaps.min() <= np.timedelta64(0, "s"):
        twice = int(np.flatnonzero(gaps <= np.timedelta64(0, "s"))[0])
        raise FormatError(f"{path.name} has {at[order][twice]} UTC twice: give each time once")
    step = gaps.min() if len(gaps) else HOUR
    clock = np.arange(at.min(), at.max() + step, step)
    where = ((at - clock[0]) / step).astype(np.int64)
    columns = {}
    for name in rows[0][1]:
        if name != "time":
            columns[name] = np.full(len(clock), np.nan)
            columns[name][where] = [_value(path, number, row[name] or "") for number, row in rows]
    return Table(clock, columns)


def _rows(path: Path, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            read = csv.DictReader(lines)
            if not set(needed) <= set(read.fieldnames or ()):
                raise FormatError(f"{path.name} has columns {read.fieldnames}: needed are {', '.join(needed)}")
            found = [(number, row) for number, row in enumerate(read, 2)]
    except UnicodeDecodeError:
        raise FormatError(f"{path.name} is no text in UTF-8: save it as CSV (UTF-8)") from None
    if not found:
        raise FormatError(f"{path.name} holds no row")
    return found


def _value(path: Path, number: int, words: str) -> float:
    try:
        return float(words) if words.strip() else float("nan")
    except ValueError:
        raise FormatError(f"{path.name} line {number}: {words!r} is no number; leave a missing one empty") from None


def _on(table: Table, clock: NDArray[np.datetime64], name: str) -> Float:
    """A column at the times of another clock; NaN where it has none."""
    at = np.searchsorted(table.time, clock)
    inside = (at < len(table.time)) & (table.time[np.minimum(at, len(table.time) - 1)] == clock)
    return np.where(inside, table.columns[name][np.minimum(at, len(table.time) - 1)], np.nan)


def _utc(instant: datetime) -> np.datetime64:
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "s")
