"""What was measured: one `Reading`, a batch of them as an Arrow table, one `Series` as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bihuan.core.periods import Interval, Period
from bihuan.core.places import Place
from bihuan.core.quality import Level, Origin, Quality

Stat = Literal["avg", "min", "max", "cou", "zs_avg", "zs_min", "zs_max", "rtd", "zs_rtd"]
"""Which figure of the period: mean, extremes, total (累计), ``zs_`` folded to reference O2 (折算)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one pollutant over one period, in the unit of `bihuan.core.pollutants`.

    Attributes
    ----------
    device : str
        Who sent it: MN of a logger, or the code of a station in a feed.
    pollutant : str
        Code of `bihuan.core.pollutants`.
    stat : Stat
    interval : Interval
    start, end : datetime
        Both ends in UTC, end exclusive; an instant has end = start + its rhythm.
    value : float or None
        None is missing.
    mark : str
        The device's own data flag (HJ 212 ``N F M S D C T B``), empty where none was sent.
    origin : Origin
    quality : Quality
    reason : str
        Why it is not good, empty when good.
    level : Level
        实时未审核 / 已审核 / 扣除沙尘.
    frame : str
        Id of the journalled frame or imported file row it came from; ``Ref("frame", ...)``.
    """

    device: str
    pollutant: str
    stat: Stat
    interval: Interval
    start: datetime
    end: datetime
    value: float | None
    mark: str = ""
    origin: Origin = "live"
    quality: Quality = "good"
    reason: str = ""
    level: Level = "realtime"
    frame: str = ""

    @property
    def period(self) -> Period:
        """Both ends as one."""
        return Period(self.start, self.end)

    @property
    def key(self) -> tuple[str, str, str, str, datetime]:
        """What makes it the same reading when it is sent again."""
        return (self.device, self.pollutant, self.stat, self.interval, self.start)


KEY_COLUMNS = ("device", "pollutant", "stat", "interval", "start")
"""A later row with the same key replaces the earlier one and raises its revision."""

_INSTANT = pa.timestamp("us", tz="UTC")

READINGS_SCHEMA = pa.schema(
    [
        pa.field("device", pa.string(), nullable=False),
        pa.field("pollutant", pa.string(), nullable=False),
        pa.field("stat", pa.string(), nullable=False),
        pa.field("interval", pa.string(), nullable=False),
        pa.field("start", _INSTANT, nullable=False),
        pa.field("end", _INSTANT, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("mark", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("quality", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("level", pa.string(), nullable=False),
        pa.field("frame", pa.string(), nullable=False),
    ]
)
"""A batch of readings on its way to the store; `store/series` adds ``revision``."""

ROLLUP_KEY = ("site", "pollutant", "stat", "basis", "start")
"""Key of an hourly or daily row; the bases of one hour stand beside each other."""

BASES = ("device", "file", "minutes", "hours")
"""Where a roll-up came from, the hour of record first: the device's own 2061 / 2031, a feed's file, our own mean of
minutes, our own mean of hours."""

ROLLUP_SCHEMA = pa.schema(
    [
        pa.field("site", pa.string(), nullable=False),  # Ref as text: station:..., outlet:..., section:..., city:...
        pa.field("pollutant", pa.string(), nullable=False),
        pa.field("stat", pa.string(), nullable=False),
        pa.field("basis", pa.string(), nullable=False),
        pa.field("start", _INSTANT, nullable=False),
        pa.field("end", _INSTANT, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("count", pa.int32(), nullable=False),  # valid parts it was made of; 0 where the source gave it whole
        pa.field("mark", pa.string(), nullable=False),
        pa.field("quality", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("level", pa.string(), nullable=False),
    ]
)
"""Hourly or daily values of a site; `store/series` keeps one table of hours and one of days."""


def readings_table(readings: Iterable[Reading]) -> pa.Table:
    """Pack readings into one Arrow table of `READINGS_SCHEMA`, in the order given."""
    rows = list(readings)
    columns = [[getattr(row, name) for row in rows] for name in READINGS_SCHEMA.names]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, READINGS_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=READINGS_SCHEMA)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One pollutant at one site as arrays, ready for computing.

    Attributes
    ----------
    site : str
        The station, outlet, section or city as text of its `Ref`: ``station:1001A``.
    pollutant : str
    interval : Interval
    start, end : ndarray of datetime64[us], shape (n,)
        UTC, ascending, without repeats; gaps are simply absent.
    value : ndarray of float64, shape (n,)
        NaN where missing.
    usable : ndarray of bool, shape (n,)
        False where the quality is bad or missing.
    place : Place or None
        Where it was measured; None for a city or district mean.
    """

    site: str
    pollutant: str
    interval: Interval
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    value: NDArray[np.float64]
    usable: NDArray[np.bool_]
    place: Place | None = None

    def __len__(self) -> int:
        return len(self.start)
