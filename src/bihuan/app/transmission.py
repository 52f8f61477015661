"""Transmission (传输率), validity (有效率) and their product (传输有效率) of loggers: today, and by month.

Nothing is due before a logger was heard for the first time; one that never spoke owes the whole day (the month counts
only who spoke).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.app.gapkeeping import began_of, gaps_of, judged_of, learner_of, owed_of
from bihuan.core import Period, local_date, local_day
from bihuan.observations import GRACE, Gap, Owed
from bihuan.register import Device
from bihuan.store import SeriesStore, Store

PREFERRED = ("minute", "hour", "rt", "day")
"""Rhythm that is counted, the first that a logger has; of one without any nothing can be said."""

_COUNT = """
SELECT device, "interval", count(DISTINCT start) AS received, count(*) AS values,
       count(*) FILTER (quality = 'good') AS good
FROM readings WHERE start >= ? AND "end" <= ? AND stat IN ('avg', 'rtd', 'cou') GROUP BY device, "interval"
"""

_HOURS = """
SELECT site, basis, count(*) AS values, count(*) FILTER (quality NOT IN ('bad', 'missing')) AS good
FROM hours WHERE stat = 'avg' AND value IS NOT NULL AND basis IN ('device', 'minutes') AND start >= ? AND start < ?
GROUP BY site, basis
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


@dataclass(slots=True)
class Sums:
    """What was due and came of one logger or a group of them in a month.

    Attributes
    ----------
    devices : int
    due, received : int
        Reports owed and judged, and those of them that have come by now, late ones too.
    late : int
        Of the received those that came after `GRACE`, by themselves or recalled.
    values, good : int
        Hourly values that there are, and those of them that are usable (neither bad nor missing).
    """

    devices: int = 0
    due: int = 0
    received: int = 0
    late: int = 0
    values: int = 0
    good: int = 0

    @property
    def transmission(self) -> float | None:
        """Received of due; None while nothing was due."""
        return self.received / self.due if self.due else None

    @property
    def validity(self) -> float | None:
        """Usable of present hourly values; None without any."""
        return self.good / self.values if self.values else None

    @property
    def efficiency(self) -> float | None:
        """The product; 0 where nothing came of what was due."""
        if not self.due:
            return None
        return (
            0.0
            if not self.received
            else None
            if not self.values
            else self.received / self.due * self.good / self.values
        )

    def add(self, other: Sums) -> None:
        """Add numerators and denominators, never shares."""
        for name in ("devices", "due", "received", "late", "values", "good"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class MonthOfDevice:
    """One logger in a month: what it owes, and its sums."""

    device: Device
    interval: str
    seconds: int
    learnt: bool
    sums: Sums = field(default_factory=Sums)


def counted(device: Device) -> str:
    """Return the interval whose reports are counted, empty when the register names none."""
    return next((interval for interval in PREFERRED if interval in device.rhythm), "")


def shares(
    series: SeriesStore,
    devices: Iterable[Device],
    now: datetime,
    zone: ZoneInfo,
    began: Mapping[str, datetime] | None = None,
) -> dict[str, Share]:
    """Return today's share of each logger that owes reports, by MN.

    Parameters
    ----------
    began : mapping of MN to datetime, optional
        When each was heard first, and owes from; who is not in it was never heard and owes the whole day.
    """
    begin = local_day(local_date(now, zone), zone).start
    rows = series.query(_COUNT, [begin, now]).iter_rows()
    found = {(mn, interval): (received, values, good) for mn, interval, received, values, good in rows}
    told = {}
    for device in devices:
        interval = counted(device)
        if not interval:
            continue
        since = begin if began is None else max(begin, began.get(device.id, begin))
        due = max(0, int((now - since).total_seconds() // device.rhythm[interval]))
        told[device.id] = Share(interval, due, *found.get((device.id, interval), (0, 0, 0)))
    return told


def month_of(
    store: Store, devices: Iterable[Device], month: Period, now: datetime, zone: ZoneInfo
) -> list[MonthOfDevice]:
    """Return what each logger owed and sent in a month, from the table of gaps and the stored hours.

    Parameters
    ----------
    store : Store
    devices : iterable of Device
    month : Period
    now : datetime
    zone : ZoneInfo
    """
    learner, judged, began = learner_of(store.records), judged_of(store.records), began_of(store.records)
    lost: dict[tuple[str, str], list[Gap]] = defaultdict(list)
    for gap in gaps_of(store.records, until=month.end, reaching=month.start):
        lost[gap.device, gap.interval].append(gap)
    hours = _hours(store.series, month)
    told = []
    for device in devices:
        owed = {one.interval: one for one in owed_of(device, zone, now, learner)}
        chosen = next((owed[name] for name in PREFERRED if name in owed), None)
        if chosen is None:
            told.append(MonthOfDevice(device, "", 0, False, Sums(devices=1)))
            continue
        until = min(month.end, judged.get(chosen.interval, month.start), now - GRACE[chosen.interval])
        sums = _sums(chosen, month.start, until, began.get(chosen.key), lost[chosen.key])
        sums.values, sums.good = hours.get(device.site, (0, 0))
        told.append(MonthOfDevice(device, chosen.interval, chosen.seconds, chosen.learnt, sums))
    return told


def _sums(owed: Owed, start: datetime, until: datetime, began: int | None, gaps: Iterable[Gap]) -> Sums:
    """Steps owed within a time, and how many of them are missing still."""
    if began is None:
        return Sums(devices=1)
    first = max(start, owed.since, datetime.fromtimestamp(began, start.tzinfo))
    begin = -((owed.offset - int(first.timestamp())) // owed.seconds)
    end = (int(until.timestamp()) - owed.offset) // owed.seconds
    due = max(0, end - begin)
    step = timedelta(seconds=owed.seconds)
    missing = late = 0
    for gap in gaps:
        missing += sum(max(timedelta(0), min(b, until) - max(a, first)) // step for a, b in gap.left)
        if first <= gap.start < until:
            late += gap.resent + gap.recalled
    return Sums(1, due, max(0, due - missing), min(late, due))


def _hours(series: SeriesStore, month: Period) -> dict[str, tuple[int, int]]:
    """Hourly values of each site and how many are usable: its device's own where it sends any, else ours."""
    found: dict[str, tuple[int, int]] = {}
    rows = series.query(_HOURS, [month.start, month.end]).sort("basis", descending=True)  # minutes first, device last
    for site, _, values, good in rows.iter_rows():
        found[site] = (values, good)
    return found
