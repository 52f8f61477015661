"""The gap table: which reports of which device are missing, kept up to date report by report.

A report is due for every step of a device's rhythm once `GRACE` has passed after the end of the step. Until then it
is awaited, afterwards it is missing; neighbouring missing steps are one gap. What comes later closes the gap or splits
what is left of it. The table holds no clock: `step` is told the instant, and the same reports at the same instants
give the same gaps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.core import Interval, content_id, iso

GapState = Literal["open", "recalled", "filled", "given_up"]
"""``open`` waits, ``recalled`` was asked for, ``filled`` has come after all, ``given_up`` is asked for no more."""

GRACE: Mapping[Interval, timedelta] = MappingProxyType(
    {
        "rt": timedelta(minutes=10),
        "minute": timedelta(minutes=30),
        "hour": timedelta(hours=2),
        "day": timedelta(hours=12),
    }
)
"""A report is missing this long after its end: from the same moment on the adapter calls it sent again."""

KEPT = timedelta(days=7)
"""A gap that was given up is looked at this long for late data without being read again."""

NEVER = -1
"""Begin of what was never heard."""

Ints = NDArray[np.int64]
Span = tuple[datetime, datetime]

REPORTS_SCHEMA = pl.Schema(
    {"device": pl.String(), "interval": pl.String(), "start": pl.Datetime("us", "UTC"), "origin": pl.String()}
)
"""What came: any pollutant is a report, one without a value too: the device spoke."""


class Asked(msgspec.Struct, frozen=True):
    """One recall of a part of a gap: the order, when it was placed, and what was asked for."""

    order: str
    at: datetime
    start: datetime
    end: datetime


class Gap(msgspec.Struct):
    """Reports of one device that did not come when they were due.

    Attributes
    ----------
    id : str
        From device, interval and start.
    device, site, interval : str
    seconds : int
        Step of the rhythm. [s]
    learnt : bool
        Whether nobody told the rhythm and it was read off the device's own reports.
    start, end : datetime
        UTC; what was missing at first, `end` exclusive.
    lost : int
        Reports that were missing at first.
    missing : int
        Of them those that are missing still.
    left : list of (start, end)
        Where these lie; late data splits it.
    state : GapState
    resent, recalled : int
        Reports that came late, by themselves and after a recall.
    asked : list of Asked
    next_try : datetime or None
        Not asked for before this.
    closed : datetime or None
        When the last missing report had come.
    """

    id: str
    device: str
    site: str
    interval: Interval
    seconds: int
    start: datetime
    end: datetime
    lost: int
    missing: int
    left: list[Span]
    state: GapState = "open"
    learnt: bool = False
    resent: int = 0
    recalled: int = 0
    asked: list[Asked] = []
    next_try: datetime | None = None
    closed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What one device owes: a report each `seconds` since `since`, at steps counted from `offset`. [s]"""

    device: str
    site: str
    interval: Interval
    seconds: int
    since: datetime
    offset: int = 0
    learnt: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Device and interval."""
        return (self.device, self.interval)


class GapTable:
    """Gaps of every device that owes reports.

    Parameters
    ----------
    judged : mapping of interval to datetime
        Up to where every step was judged in an earlier life; empty at the very first start.
    began : mapping of (device, interval) to int
        Start of the first step ever heard: nothing was due before it. [s since 1970]
    gaps : iterable of Gap
        Those that are not filled.
    """

    def __init__(
        self,
        judged: Mapping[Interval, datetime] | None = None,
        began: Mapping[tuple[str, str], int] | None = None,
        gaps: Iterable[Gap] = (),
    ) -> None:
        self._judged = {interval: _seconds(at) for interval, at in (judged or {}).items()}
        self._began = dict(began or {})
        self._gaps: dict[tuple[str, str], list[Gap]] = defaultdict(list)
        for gap in sorted(gaps, key=lambda gap: gap.start):
            self._gaps[gap.device, gap.interval].append(gap)
        self._owed: tuple[Owed, ...] = ()
        self._groups: list[_Group] = []
        self._rows = pl.DataFrame()
        self._pending: tuple[Ints, Ints] = (_ints(), _ints())
        self.new_devices = False

    @property
    def judged(self) -> dict[Interval, datetime]:
        """Up to where every step was judged, by interval."""
        return {interval: _instant(at) for interval, at in self._judged.items()}

    @property
    def began(self) -> dict[tuple[str, str], int]:
        """Start of the first step ever heard, by device and interval. [s since 1970]"""
        return self._began

    @property
    def gaps(self) -> Iterator[Gap]:
        """Gaps that are held: all that are not filled, those given up only while they are young."""
        return (gap for held in self._gaps.values() for gap in held)

    def hold(self, gaps: Iterable[Gap]) -> None:
        """Look at these gaps too: old ones of which late data came."""
        for gap in gaps:
            held = self._gaps[gap.device, gap.interval]
            if all(one.id != gap.id for one in held):
                held.append(gap)
                held.sort(key=lambda one: one.start)

    def wait_for(self, reports: pl.DataFrame) -> None:
        """Take what an earlier life had taken in of steps that are not judged yet; call it once, after `owe`."""
        self._await(self._known(reports))

    def owe(self, owed: Iterable[Owed]) -> None:
        """Take what is owed now; what was awaited of those that go on owing is awaited further."""
        before = [one.key for one in self._owed]
        self._owed = tuple(owed)
        place = {one.key: number for number, one in enumerate(self._owed)}
        moved = np.array([place.get(key, -1) for key in before] or [-1], np.int64)
        rows, steps = self._pending
        rows = moved[rows] if len(rows) else rows
        self._pending = rows[rows >= 0], steps[rows >= 0]
        members: dict[tuple[Interval, int, int], list[int]] = defaultdict(list)
        for number, one in enumerate(self._owed):
            members[one.interval, one.seconds, one.offset].append(number)
        self._groups = [_Group(*key, np.array(rows, np.int64)) for key, rows in sorted(members.items())]
        self._since = np.array([_seconds(one.since) for one in self._owed], np.int64)
        self._rows = pl.DataFrame(
            [(one.device, one.interval, number, one.seconds, one.offset) for number, one in enumerate(self._owed)],
            {"device": pl.String, "interval": pl.String, "row": pl.Int64, "seconds": pl.Int64, "offset": pl.Int64},
            orient="row",
        )
        self._begins = np.array([self._began.get(one.key, NEVER) for one in self._owed], np.int64)

    def step(self, reports: pl.DataFrame, now: datetime) -> list[Gap]:
        """Take what came, judge what is due, and return the gaps that are new or changed, by id.

        Parameters
        ----------
        reports : DataFrame of `REPORTS_SCHEMA`
            May hold a report more than once.
        now : datetime
        """
        changed: dict[str, Gap] = {}
        known = self._known(reports)
        self._begin(known)
        self._fill(known, now, changed)
        self._await(known)
        for group in self._groups:
            horizon = _seconds(now - GRACE[group.interval])
            self._judge(group, self._judged.get(group.interval, horizon), horizon, changed)
        for interval in {group.interval for group in self._groups}:
            horizon = _seconds(now - GRACE[interval])
            self._judged[interval] = max(horizon, self._judged.get(interval, horizon))
        self._drop_judged()
        self._forget(now)
        return sorted(changed.values(), key=lambda gap: gap.id)

    def _known(self, reports: pl.DataFrame) -> pl.DataFrame:
        """Reports that somebody owes, one a step: row, start of the step, start of the report, origin."""
        found = reports.join(self._rows, on=["device", "interval"], how="inner")
        at = pl.col("start").dt.timestamp("us") // 1_000_000
        step = (at - pl.col("offset")) // pl.col("seconds") * pl.col("seconds") + pl.col("offset")
        return found.select("row", "origin", "seconds", "interval", step=step, at=at)

    def _begin(self, known: pl.DataFrame) -> None:
        """Note the first step of whoever was never heard before."""
        rows = known["row"].to_numpy()
        fresh = self._begins[rows] == NEVER
        if not fresh.any():
            return
        first = known.filter(pl.Series(fresh)).group_by("row").agg(pl.col("step").min())
        for row, step in first.iter_rows():
            self._begins[row] = self._began[self._owed[row].key] = step
        self.new_devices = True

    def _fill(self, known: pl.DataFrame, now: datetime, changed: dict[str, Gap]) -> None:
        """Take late reports out of the gaps that they close."""
        held = np.array([bool(self._gaps.get(one.key)) for one in self._owed], bool)
        if not held.any() or not known.height:
            return
        late = known.filter(pl.Series(held[known["row"].to_numpy()]))
        for (row,), part in late.group_by("row"):
            times = np.sort(part["at"].to_numpy())
            recalled = np.sort(part.filter(pl.col("origin") == "recalled")["at"].to_numpy())
            for gap in self._gaps[self._owed[int(row)].key]:
                if _fill(gap, times, recalled, now):
                    changed[gap.id] = gap

    def _await(self, known: pl.DataFrame) -> None:
        """Keep what came of steps that are not judged yet."""
        edge = np.array([self._judged.get(one.interval, NEVER) for one in self._owed], np.int64)
        rows, steps = known["row"].to_numpy(), known["step"].to_numpy()
        ahead = steps + known["seconds"].to_numpy() > edge[rows] if len(rows) else np.zeros(0, bool)
        self._pending = (
            np.concatenate([self._pending[0], rows[ahead]]),
            np.concatenate([self._pending[1], steps[ahead]]),
        )

    def _judge(self, group: _Group, first: int, last: int, changed: dict[str, Gap]) -> None:
        """Find the steps that ended within ``(first, last]`` and of which nothing came."""
        seconds, offset = group.seconds, group.offset
        begin, end = (first - offset) // seconds, (last - offset) // seconds
        if end <= begin:
            return
        starts = np.arange(begin, end, dtype=np.int64) * seconds + offset
        came = np.zeros((len(group.rows), len(starts)), bool)
        place = np.full(len(self._owed), -1, np.int64)
        place[group.rows] = np.arange(len(group.rows))
        rows, steps = self._pending
        mine = (place[rows] >= 0) & (steps >= starts[0]) & (steps <= starts[-1])
        came[place[rows[mine]], (steps[mine] - starts[0]) // seconds] = True
        due = np.maximum(self._begins[group.rows], self._since[group.rows])
        owing = (self._begins[group.rows] != NEVER)[:, None] & (starts[None, :] >= due[:, None])
        lost = owing & ~came
        for member in np.flatnonzero(lost.any(axis=1)):
            owed = self._owed[group.rows[member]]
            for start, stop in _runs(lost[member]):
                gap = self._lose(owed, int(starts[start]), int(starts[stop - 1]) + seconds, stop - start)
                changed[gap.id] = gap

    def _lose(self, owed: Owed, start: int, end: int, count: int) -> Gap:
        """Go on with the last gap if it ends there, else begin one."""
        held = self._gaps[owed.key]
        begin, stop = _instant(start), _instant(end)
        last = held[-1] if held else None
        if last is not None and last.state != "filled" and (last.end, last.seconds) == (begin, owed.seconds):
            last.end, last.lost, last.missing = stop, last.lost + count, last.missing + count
            if last.left and last.left[-1][1] == begin:
                last.left = [*last.left[:-1], (last.left[-1][0], stop)]
            else:
                last.left = [*last.left, (begin, stop)]
            return last
        gap = Gap(
            id=content_id("gap", owed.device, owed.interval, iso(begin)),
            device=owed.device,
            site=owed.site,
            interval=owed.interval,
            seconds=owed.seconds,
            start=begin,
            end=stop,
            lost=count,
            missing=count,
            left=[(begin, stop)],
            learnt=owed.learnt,
        )
        held.append(gap)
        return gap

    def _drop_judged(self) -> None:
        rows, steps = self._pending
        if not len(rows):
            return
        edge = np.array([self._judged.get(one.interval, NEVER) for one in self._owed], np.int64)
        seconds = np.array([one.seconds for one in self._owed], np.int64)
        wait = steps + seconds[rows] > edge[rows]
        self._pending = rows[wait], steps[wait]

    def _forget(self, now: datetime) -> None:
        """Let go of gaps that are filled, and of old ones that nobody asks for any more."""
        for key in list(self._gaps):
            held = [
                gap
                for gap in self._gaps[key]
                if gap.state != "filled" and (gap.state != "given_up" or gap.end > now - KEPT)
            ]
            if held:
                self._gaps[key] = held
            else:
                del self._gaps[key]


class _Group:
    """Devices with the same interval, step and offset: judged together."""

    __slots__ = ("interval", "offset", "rows", "seconds")

    def __init__(self, interval: Interval, seconds: int, offset: int, rows: Ints) -> None:
        self.interval, self.seconds, self.offset, self.rows = interval, seconds, offset, rows


def _fill(gap: Gap, times: Ints, recalled: Ints, now: datetime) -> bool:
    """Take reports out of one gap; say whether any of them was missing there."""
    start, end = _seconds(gap.start), _seconds(gap.end)
    inside = times[(times >= start) & (times < end)]
    if not len(inside):
        return False
    missing = np.concatenate([np.arange(_seconds(a), _seconds(b), gap.seconds) for a, b in gap.left] or [_ints()])
    came = start + (inside - start) // gap.seconds * gap.seconds
    still = missing[~np.isin(missing, came)]
    filled = len(missing) - len(still)
    if not filled:
        return False
    asked = start + (recalled - start) // gap.seconds * gap.seconds
    by_recall = int(np.isin(missing, asked).sum())
    gap.recalled, gap.resent = gap.recalled + by_recall, gap.resent + filled - by_recall
    gap.missing, gap.left = len(still), _spans(still, gap.seconds)
    if not gap.missing:
        gap.state, gap.closed, gap.next_try = "filled", now, None
    return True


def _spans(starts: Ints, seconds: int) -> list[Span]:
    """Join neighbouring steps."""
    if not len(starts):
        return []
    parts = np.split(starts, np.flatnonzero(np.diff(starts) != seconds) + 1)
    return [(_instant(int(part[0])), _instant(int(part[-1]) + seconds)) for part in parts]


def _runs(lost: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Both ends of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _ints() -> Ints:
    return np.zeros(0, np.int64)


def _seconds(at: datetime) -> int:
    return int(at.timestamp() // 1)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
