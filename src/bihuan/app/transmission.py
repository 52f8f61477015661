"""How much of what a logger owes today has come: transmission (reports received of those due) times validity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bihuan.core import local_date, local_day
from bihuan.register import Device
from bihuan.store import SeriesStore

PREFERRED = ("minute", "hour", "rt", "day")
"""Rhythm that is counted, the first that a logger has; of one without any nothing can be said."""

_COUNT = """
SELECT device, "interval", count(DISTINCT start) AS received, count(*) AS values,
       count(*) FILTER (quality = 'good') AS good
FROM readings WHERE start >= ? AND "end" <= ? AND stat IN ('avg', 'rtd', 'cou') GROUP BY device, "interval"
"""


@dataclass(frozen=True, slots=True)
class Share:
    """Reports of one logger today.

    Attributes
    ----------
    interval : str
        What was counted.
    due, received : int
        Periods that are over, and those of which something came.
    values, good : int
        Values that came, and those of them that are good.
    """

    interval: str
    due: int
    received: int
    values: int
    good: int

    @property
    def efficiency(self) -> float | None:
        """Transmission times validity, 0 to 1; None while nothing is due."""
        if self.due == 0:
            return None
        return 0.0 if self.values == 0 else min(1.0, self.received / self.due) * self.good / self.values


def counted(device: Device) -> str:
    """Return the interval whose reports are counted, empty when the register names none."""
    return next((interval for interval in PREFERRED if interval in device.rhythm), "")


def shares(series: SeriesStore, devices: Iterable[Device], now: datetime, zone: ZoneInfo) -> dict[str, Share]:
    """Return today's share of each logger that owes reports, by MN."""
    begin = local_day(local_date(now, zone), zone).start
    rows = series.query(_COUNT, [begin, now]).iter_rows()
    found = {(mn, interval): (received, values, good) for mn, interval, received, values, good in rows}
    told = {}
    for device in devices:
        interval = counted(device)
        if interval:
            due = int((now - begin).total_seconds() // device.rhythm[interval])
            told[device.id] = Share(interval, due, *found.get((device.id, interval), (0, 0, 0)))
    return told
