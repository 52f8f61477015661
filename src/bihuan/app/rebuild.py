"""`bihuan rebuild`: the series made anew from the journal, into a fresh file that takes the place of the old one.

Needed after loggers were claimed whose frames had waited (待认领), and after a series file was lost. What never came
through the journal (hours of imported files, the indices made of them, the list of files) is taken over as it stands.
The frames are read tick by tick as the loop read them, so that the checks that look at what came before say the same.
Gaps and times on line are made anew the same way; orders that had been placed for a gap stay with it. Verdicts, events
and cases stay: they were concluded from what was known then. Of frames that were let go (`bihuan journal prune`) the
rows stay as they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.clock import WallClock
from bihuan.app.heads import head_of
from bihuan.app.ingest import CONCLUDED, COUNTS, Counts, Ingest
from bihuan.app.judge import DAY_GRACE
from bihuan.app.loop import TICK, WATERMARK
from bihuan.app.losses import keep_lost
from bihuan.app.opened import open_alone
from bihuan.app.rollups import SHORT
from bihuan.app.settings import read_settings
from bihuan.app.watchreplay import WatchReplay
from bihuan.core import (
    Language,
    Period,
    floor_to,
    from_json,
    local_date,
    local_day,
    parse_instant,
    text,
    to_json,
)
from bihuan.observations import context, days_from_hours, needed
from bihuan.register import Device
from bihuan.store import (
    REAL_FILES,
    START,
    JournalReader,
    LakeStore,
    Loss,
    Position,
    Record,
    SeriesStore,
    Store,
    alone,
    beside,
    copy_consumed,
    of_others,
    segment_numbers,
    swap_in,
)

JOURNALLED = ("device", "minutes", "hours")
"""Bases of rows that are made from frames."""

EPOCH, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_HOURS_UNTIL = "SELECT * EXCLUDE revision FROM hours WHERE basis <> 'file' AND \"end\" <= ?"
_ORIGINS = "('file', 'manual', 'model')"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild made.

    Attributes
    ----------
    frames : int
        Read from the journal.
    before, after : dict of str to int
        Rows of each table.
    unclaimed : dict of str to int
        Frames of loggers that are still unknown, by MN.
    lost : tuple of Loss
        Parts of the journal that could not be read.
    """

    frames: int
    before: dict[str, int]
    after: dict[str, int]
    unclaimed: dict[str, int]
    lost: tuple[Loss, ...] = ()

    def words(self, language: Language = "zh") -> str:
        """Return what a person reads."""
        rows = ", ".join(f"{name} {self.before[name]} -> {self.after[name]}" for name in self.after)
        said = text("cli.rebuilt", language, frames=self.frames, rows=rows)
        if self.unclaimed:
            said += "\n" + text("cli.unclaimed", language, loggers=", ".join(sorted(self.unclaimed)))
        if self.lost:
            names = ", ".join(f"{one.gateway}/{one.segment:08d} {one.start}-{one.end}" for one in self.lost)
            said += "\n" + text("journal.lost_on_rebuild", language, count=len(self.lost), names=names)
        return said


def rebuild_series(home: Path, *, salvage: bool = False) -> Rebuilt:
    """Make the series of a home anew, and with them the gaps and times on line.

    Parameters
    ----------
    home : Path
    salvage : bool
        Whether to read on behind damages of the journal; what is lost is named.

    Raises
    ------
    NotCovered
        If there is no store.
    StoreLocked
        If a server owns it.
    JournalError
        If the journal is damaged; the old series stay as they are then.
    """
    settings = read_settings(home)
    zone = settings.zone
    with open_alone(home, create=False) as owned:
        reader = JournalReader(owned.home.journal, salvage=salvage)
        store = replace(owned, journal=reader)
        try:
            with store.records.transaction(), _replaced(store) as fresh:  # the counts begin again, unless it fails
                store.records.set_state(COUNTS, to_json(Counts()))
                before = store.series.counts()
                _take_over(store, fresh)
                counts = _replay(replace(store, series=fresh), zone)
                keep_lost(store.records, reader.lost, WallClock().now())
                after = fresh.counts()
                fresh.checkpoint()
        finally:
            reader.close()
    return Rebuilt(counts.frames, before, after, counts.unclaimed, tuple(reader.lost))


@contextmanager
def _replaced(store: Store) -> Iterator[SeriesStore]:
    """Give fresh series that take the place of the store's at the end; after a failure the old ones stay."""
    if isinstance(store.series, LakeStore):
        with _replaced_lake(store.series) as lake:
            yield lake
        return
    path = store.home.series.with_name("series.rebuilt.duckdb")
    _clear(path)
    fresh = SeriesStore(path)
    try:
        yield fresh
        fresh.close()
        store.series.close()
        REAL_FILES.rename(path, store.home.series)
        REAL_FILES.sync_folder(store.home.path)
    finally:
        fresh.close()
        _clear(path)


@contextmanager
def _replaced_lake(old: LakeStore) -> Iterator[LakeStore]:
    """The same in a lake: a schema of its own in the catalog, a folder of its own; both are swapped in one commit."""
    with alone(old):
        place = beside(old.address)
        fresh = LakeStore(place)
        try:
            yield fresh
            copy_consumed(old, fresh)
        finally:
            fresh.close()
        old.disconnect()
        swap_in(place, old.address)


def rebuild_part(
    home: Path,
    devices: Collection[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    salvage: bool = False,
) -> Rebuilt:
    """Make a part of the readings anew, and the hours and days that follow from them; everything else stays.

    Parameters
    ----------
    home : Path
    devices : collection of str
        Loggers (MN); every one of the register when empty.
    start, end : datetime, optional
        Of the time the data is about. Frames that came later and bring data of it are read too.
    salvage : bool

    Raises
    ------
    As `rebuild_series`; the part may then be half made: run it again.
    """
    settings = read_settings(home)
    zone = settings.zone
    with open_alone(home, create=False) as owned:
        reader = JournalReader(owned.home.journal, salvage=salvage)
        store = replace(owned, journal=reader)
        try:
            before = store.series.counts()
            counts = _replay_part(store, zone, frozenset(devices), start or EPOCH, end or NEVER)
            keep_lost(store.records, reader.lost, WallClock().now())
            return Rebuilt(counts.frames, before, store.series.counts(), counts.unclaimed, tuple(reader.lost))
        finally:
            reader.close()


def _replay_part(store: Store, zone: ZoneInfo, devices: frozenset[str], start: datetime, end: datetime) -> Counts:
    register, body = store.records.register(), store.records.state(WATERMARK)
    until = parse_instant(from_json(body, str)) if body else None
    ends = store.series.consumed()
    wanted = devices or frozenset(store.series.query("SELECT DISTINCT device FROM readings")["device"])
    store.series.forget_readings(wanted, Period(start, end), store.journal.gateways())
    ingest = Ingest(store, zone)
    ingest.counts = Counts()
    ingest.only = Period(start, end)
    streams = [_of_devices(store, gateway, at, wanted, start) for gateway, at in ends.items()]
    watched, now = WatchReplay(store, register, zone, fresh=False), None
    for now, records in by_tick(streams):
        ingest.recent = _context(store.series, now)
        ingest.feed(watched.town(now), records, {}, now)
    if now is not None:
        _days(store.series, zone, until or now)
    return ingest.counts


def _of_devices(store: Store, gateway: str, end: Position, wanted: frozenset[str], since: datetime) -> Iterator[Record]:
    """Frames of some loggers that may hold data of a time: none that came before it."""
    for record in store.journal.follow(gateway):
        if record.position >= end:
            return
        if record.received >= since and head_of(record).mn in wanted:
            yield record


def _context(series: SeriesStore, now: datetime) -> pl.DataFrame:
    """What the checks look back on at an instant; what came later is not among it."""
    since = now - max(context("minute"), timedelta(hours=3))
    found = [series.readings(interval=interval, period=Period(since, now)) for interval in SHORT]
    return pl.concat(found).drop("revision")


def _clear(path: Path) -> None:
    for left in (path, path.with_name(path.name + ".wal")):
        left.unlink(missing_ok=True)


def _take_over(store: Store, fresh: SeriesStore) -> None:
    """Copy what never came through the journal; days too, those of frames are made anew over them."""
    old = store.series
    fresh.append(
        old.query(f"SELECT * EXCLUDE revision FROM readings WHERE origin IN {_ORIGINS}"),
        hours=old.query("SELECT * EXCLUDE revision FROM hours WHERE basis = 'file'"),
        days=old.query("SELECT * EXCLUDE revision FROM days"),
        indices=old.indices().drop("revision"),
        files=old.files().drop("revision"),
    )
    _take_over_pruned(store, fresh)
    if isinstance(fresh, LakeStore):
        _take_over_others(store, fresh)


def _take_over_others(store: Store, fresh: LakeStore) -> None:
    """Copy what other hosts brought into the lake: their journals are not here, only they could make it again."""
    devices: set[str] = set()
    for rows in of_others(store.series, store.journal.gateways()):
        fresh.append(rows)
        devices |= set(rows["device"])
    facts = store.records.register()
    sites = {fact.site for fact in facts if isinstance(fact, Device) and fact.id in devices}
    if sites:
        hours = store.series.query(
            "SELECT * EXCLUDE revision FROM hours WHERE basis <> 'file' AND site IN (SELECT unnest(?))", [sorted(sites)]
        )
        fresh.append(hours=hours)


def _take_over_pruned(store: Store, fresh: SeriesStore) -> None:
    """Copy what was made of frames that are no longer kept: nothing can make it again."""
    for gateway in store.journal.gateways():
        first = segment_numbers(REAL_FILES, store.journal.folder / gateway)[0]
        if first == 1:
            continue
        rows = store.series.query(
            "SELECT * EXCLUDE revision FROM readings WHERE starts_with(frame, ?) "
            "AND CAST(split_part(split_part(frame, '-', 2), '/', 1) AS BIGINT) < ?",
            [f"{gateway}-", first],
        )
        if not rows.height:
            continue
        until = rows["end"].max()
        hours = store.series.query(
            "SELECT * EXCLUDE revision FROM hours WHERE basis <> 'file' AND \"end\" <= ?", [until]
        )
        fresh.append(rows, hours=hours)


def _replay(store: Store, zone: ZoneInfo) -> Counts:
    """Read every frame, tick by tick of the time it came.

    What the loop has not concluded from yet it will read and count once more: it is stored, and left out of the counts
    and of the gaps that are kept.
    """
    register = store.records.register()
    ends = {gateway: store.journal.end(gateway) for gateway in store.journal.gateways()}
    known = store.records.state(CONCLUDED)
    concluded = from_json(known, dict[str, Position]) if known else {}
    ingest, now = Ingest(store, zone), None
    watched = WatchReplay(store, register, zone)
    for done in (True, False):
        streams = [_part(store, gateway, concluded.get(gateway, START), done) for gateway in ends]
        for now, records in by_tick(streams):
            taken = ingest.feed(watched.town(now), records, {}, now)
            if done:
                watched.step(taken, now)
        if done:
            store.records.set_state(COUNTS, to_json(ingest.counts))
            watched.finish()
    store.series.append(consumed=ends)
    if now is not None:
        _days(store.series, zone, now)
    return ingest.counts


def _part(store: Store, gateway: str, at: Position, done: bool) -> Iterator[Record]:
    """Frames of a gateway before a position, or those from there on."""
    if not done:
        return store.journal.follow(gateway, at)
    return takewhile(lambda record: record.position < at, store.journal.follow(gateway))


def by_tick(streams: Iterable[Iterator[Record]]) -> Iterator[tuple[datetime, list[Record]]]:
    """Yield each tick and what had come by then, over all gateways."""
    held: list[Record] = []
    now = None
    for record in heapq.merge(*streams, key=lambda record: record.received):
        tick = floor_to(record.received, TICK)
        due = tick if tick == record.received else tick + TICK
        if now is not None and due > now:
            yield now, held
            held = []
        now = due if now is None else max(now, due)
        held.append(record)
    if now is not None:
        yield now, held


def _days(series: SeriesStore, zone: ZoneInfo, now: datetime) -> None:
    """Make the days anew that are over by the last tick."""
    bases = ", ".join(f"'{basis}'" for basis in JOURNALLED)
    starts = series.query(f"SELECT DISTINCT start FROM hours WHERE basis IN ({bases})")["start"]
    for day in sorted({local_date(start, zone) for start in starts}):
        period: Period = local_day(day, zone)
        if period.end + DAY_GRACE > now:
            continue
        hours = series.hours(period=period)
        mine = hours.filter(pl.col("basis").is_in(JOURNALLED))["site"].unique()
        series.append(days=days_from_hours(hours.filter(pl.col("site").is_in(mine)), needed(day).hours, zone))
