"""What the rules are shown at one moment, and how it is laid out for computing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import Interval, Place, Ref, Verdict
from bihuan.register import Outlet, Register, Section, Station

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

VALUES_COLUMNS = ("site", "pollutant", "interval", "start", "end", "value", "usable", "reason")
"""Columns of `Facts.values`; others are ignored. ``site`` is a Ref as text, instants are UTC."""

MOST_PERIODS = 1000
"""Periods before now that are laid out at most."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the rules see it.

    Attributes
    ----------
    ref : Ref
    kind : str
        Kind of station (``national`` ... ``dust``), ``outlet``, ``section`` or ``city``.
    place : Place or None
    district : str
    target : str
        Class a section must reach.
    limits : mapping of str to float
        Permit limits of the hour by pollutant (outlet), or site limits (dust).
    day_limits : mapping of str to float
        Permit limits of the day by pollutant (outlet).
    """

    ref: Ref
    kind: str
    place: Place | None = None
    district: str = ""
    target: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    day_limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """When a device was last heard.

    Attributes
    ----------
    site : Ref
    device, interval : str
    rhythm : float
        Expected time between its reports. [s]
    last : datetime or None
        End of the last period it reported, None if never.
    since : datetime
        From when it owes reports: start of the server or of the fact in the register.
    """

    site: Ref
    device: str
    interval: str
    rhythm: float
    last: datetime | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that another part of the house noticed at a site and hands over judged.

    Attributes
    ----------
    metric : str
        Metric of the rule that speaks of it: ``uncontrolled`` or ``double``.
    site : Ref
    since : datetime
        When it began.
    over : bool
        Whether it goes on now; False once it is known to have ended.
    value, threshold : float, float or None
        Shown: mean power of production [kW]; how often two addresses took turns.
    pollutant : str
        What `value` is of, empty for a count.
    inputs : tuple of Ref
        Records and readings it rests on.
    """

    metric: str
    site: Ref
    since: datetime
    over: bool
    value: float
    threshold: float | None = None
    pollutant: str = ""
    inputs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """One pollutant of all sites over equal periods.

    Attributes
    ----------
    start : ndarray of int64, shape (t,)
        Starts of the periods, ascending without holes. [microseconds since the epoch, UTC]
    step : int
        Length of a period. [microseconds]
    value : ndarray of float64, shape (s, t)
        NaN where missing or not usable; rows in the order of `Facts.sites`.
    """

    start: NDArray[np.int64]
    step: int
    value: Float

    @property
    def ends(self) -> tuple[datetime, ...]:
        """Ends of the periods, UTC."""
        return tuple(instant(int(at) + self.step) for at in self.start)


def micros(at: datetime) -> int:
    """Return microseconds since the epoch."""
    return (at - EPOCH) // timedelta(microseconds=1)


def instant(at: int) -> datetime:
    """Return the instant of microseconds since the epoch, UTC."""
    return EPOCH + timedelta(microseconds=at)


@dataclass(slots=True, eq=False)
class Facts:
    """Everything the rules may look at, at one moment.

    Attributes
    ----------
    now : datetime
    city : Ref
        Subject of what concerns the whole city.
    sites : tuple of Site
        Every site, sorted by ref (`sites_of`).
    values : DataFrame with `VALUES_COLUMNS`
        Recent readings and roll-ups of `sites`, hour of record only; at least the look-back that
        `RuleSet.lookback` names for each interval. Stat ``avg`` (``zs_avg`` for what an outlet is judged by).
        In any order; a row of a site that is not in `sites` is ignored.
    verdicts : tuple of Verdict
        Those of the same look-back.
    heard : tuple of Heard
        One for each device and interval that has a rhythm.
    place_code : str
        Administrative code of the city, to choose the standards in force.
    noticed : tuple of Noticed
        What others watch for, each as it stands now.
    """

    now: datetime
    city: Ref
    sites: tuple[Site, ...]
    values: pl.DataFrame
    verdicts: tuple[Verdict, ...] = ()
    heard: tuple[Heard, ...] = ()
    place_code: str = ""
    noticed: tuple[Noticed, ...] = ()
    _columns: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    _matrices: dict[tuple[str, str, int], Matrix] = field(default_factory=dict, repr=False)
    _codes: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.now = self.now.astimezone(UTC)

    def pollutants(self) -> tuple[str, ...]:
        """Return the pollutants that `values` hold, sorted."""
        self._load()
        return tuple(sorted(self._codes["pollutant"]))

    def matrix(self, pollutant: str, interval: Interval, step: timedelta, first: datetime, last: datetime) -> Matrix:
        """Lay out one pollutant from the period that holds `first` to the last one that ended by `last`.

        Readings are averaged, by their start, into periods of `step` counted from the epoch.
        """
        size = step // timedelta(microseconds=1)
        low, high = micros(first) // size, micros(last) // size
        key = (pollutant, interval, size)
        if key not in self._matrices:
            self._matrices[key] = self._laid(self._rows(pollutant, interval), size)
        return _cut(self._matrices[key], low, max(high - low, 0))

    def flagged(
        self,
        reasons: frozenset[str],
        pollutant: str,
        interval: Interval,
        step: timedelta,
        span: tuple[datetime, datetime],
    ) -> tuple[Matrix, Bool]:
        """Return the matrix and where its readings carry one of the reasons, shape (s, t)."""
        whole = self.matrix(pollutant, interval, step, *span)
        rows = self._rows(pollutant, interval)
        codes = self._codes["reason"]
        wanted = np.isin(self._columns["reason"][rows], [codes[name] for name in reasons if name in codes])
        marked = np.zeros(whole.value.shape, dtype=bool)
        rows = rows[wanted]
        column = self._columns["start"][rows] // whole.step - (whole.start[0] // whole.step if len(whole.start) else 0)
        inside = (column >= 0) & (column < len(whole.start))
        marked[self._columns["site"][rows[inside]], column[inside]] = True
        return whole, marked

    def speaks(self, interval: str) -> Bool:
        """Say which sites have any row of an interval, shape (s,)."""
        self._load()
        code = self._codes["interval"].get(interval, -1)
        heard = np.zeros(len(self.sites), dtype=bool)
        heard[self._columns["site"][self._columns["interval"] == code]] = True
        return heard

    def _rows(self, pollutant: str, interval: str) -> NDArray[np.int64]:
        self._load()
        columns, codes = self._columns, self._codes
        wanted = columns["pollutant"] == codes["pollutant"].get(pollutant, -1)
        wanted &= columns["interval"] == codes["interval"].get(interval, -1)
        return np.flatnonzero(wanted)

    def _laid(self, rows: NDArray[np.int64], size: int) -> Matrix:
        """Lay out all rows at once; every rule cuts its own span from that."""
        columns = self._columns
        place, value = columns["start"][rows] // size, columns["value"][rows]
        # a device whose clock jumped must not make the matrix reach from 1970 to 2099
        high = micros(self.now) // size + 1
        low = max(int(place.min(initial=high)), high - MOST_PERIODS)
        count = high - low
        fits = np.isfinite(value) & (place >= low) & (place < high)
        cell = columns["site"][rows[fits]].astype(np.int64) * count + place[fits] - low
        shape = (len(self.sites), count)
        length = shape[0] * shape[1]
        total = np.bincount(cell, weights=value[fits], minlength=length)
        number = np.bincount(cell, minlength=length)
        mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        # sums depend on the order of rows in the 14th digit; nine decimals do not
        start = (np.arange(count, dtype=np.int64) + low) * size
        return Matrix(start, size, np.round(mean, 9).astype(np.float64).reshape(shape))

    def _load(self) -> None:
        """Turn the table into arrays of small numbers, once."""
        if self._columns:
            return
        # Column by column and in few bytes: a large city shows 18 million minutes at a step, once a day a day of them.
        place = {str(site.ref): index for index, site in enumerate(self.sites)}
        sites = self.values["site"].unique()
        ours = sites.filter(sites.is_in(list(place)))
        table = self.values.lazy().select(VALUES_COLUMNS)
        values = (
            self.values if len(ours) == len(sites) else table.filter(pl.col("site").is_in(ours.implode())).collect()
        )
        for name in ("pollutant", "interval", "reason"):
            words = values[name].unique().sort()
            self._codes[name] = {word: index for index, word in enumerate(words)}
            self._columns[name] = _coded(values[name], self._codes[name], pl.Int16())
        self._columns["site"] = _coded(values["site"], {site: place[site] for site in ours}, pl.Int32())
        value = values.select(pl.when(pl.col("usable")).then("value").cast(pl.Float64).fill_null(float("nan")))
        self._columns["value"] = value.to_series().fill_null(float("nan")).to_numpy()
        self._columns["start"] = values["start"].dt.timestamp("us").to_numpy()


def _coded(words: pl.Series, codes: Mapping[str, int], kind: pl.DataType) -> NDArray[np.integer[Any]]:
    """Return the number of each word."""
    if words.is_empty():  # the type asked for is not given to what is empty
        return np.empty(0, dtype=np.int64)
    found: NDArray[np.integer[Any]] = words.replace_strict(
        pl.Series(list(codes), dtype=pl.String), pl.Series(list(codes.values()), dtype=kind), return_dtype=kind
    ).to_numpy()
    return found


def _cut(whole: Matrix, low: int, count: int) -> Matrix:
    """Return periods `low` to `low + count` of a matrix, empty where it has none."""
    first = int(whole.start[0]) // whole.step if len(whole.start) else 0
    value = np.full((len(whole.value), count), np.nan)
    begin, end = max(low, first), min(low + count, first + len(whole.start))
    if begin < end:
        value[:, begin - low : end - low] = whole.value[:, begin - first : end - first]
    return Matrix((np.arange(count, dtype=np.int64) + low) * whole.step, whole.step, value)


def sites_of(register: Register, on: date) -> tuple[Site, ...]:
    """Return every station, outlet and section of the register as the rules see them, sorted by ref."""
    sites = [
        Site(Ref("station", station.id), station.kind, station.place, station.district)
        for station in register.all(Station, on)
    ]
    for outlet in register.all(Outlet, on):
        hour, day = (
            {limit.pollutant: limit.limit for limit in outlet.limits if limit.averaging == averaging}
            for averaging in ("hour", "day")
        )
        ref = Ref("outlet", outlet.id)
        sites.append(Site(ref, "outlet", outlet.place, outlet.district, limits=hour, day_limits=day))
    for section in register.all(Section, on):
        sites.append(
            Site(Ref("section", section.id), "section", section.place, section.district, target=section.target_class)
        )
    return tuple(sorted(sites, key=lambda site: site.ref))
