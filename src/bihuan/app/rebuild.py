"""`bihuan rebuild`: the series made anew from the journal, into a fresh file that takes the place of the old one.

Needed after loggers were claimed whose frames had waited (待认领), and after a series file was lost. What never came
through the journal (hours of imported files, the indices made of them, the list of files) is taken over as it stands.
The frames are read tick by tick as the loop read them, so that the checks that look at what came before say the same.
Verdicts, events and cases stay: they were concluded from what was known then.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.ingest import CONCLUDED, COUNTS, Counts, Ingest
from bihuan.app.judge import DAY_GRACE
from bihuan.app.loop import TICK
from bihuan.app.opened import lake_of, open_alone
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.core import InputError, Language, Period, floor_to, from_json, local_date, local_day, text, to_json
from bihuan.observations import days_from_hours, needed
from bihuan.store import REAL_FILES, START, Position, Record, SeriesStore, Store

JOURNALLED = ("device", "minutes", "hours")
"""Bases of rows that are made from frames."""

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
    """

    frames: int
    before: dict[str, int]
    after: dict[str, int]
    unclaimed: dict[str, int]

    def words(self, language: Language = "zh") -> str:
        """Return what a person reads."""
        rows = ", ".join(f"{name} {self.before[name]} -> {self.after[name]}" for name in self.after)
        said = text("cli.rebuilt", language, frames=self.frames, rows=rows)
        if self.unclaimed:
            said += "\n" + text("cli.unclaimed", language, loggers=", ".join(sorted(self.unclaimed)))
        return said


def rebuild_series(home: Path) -> Rebuilt:
    """Make the series of a home anew.

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
    if lake_of(settings) is not None:
        raise InputError("a lake is not rebuilt in place: bihuan store move --to embedded, rebuild, and move back")
    with open_alone(home, create=False) as store:
        fresh_path = store.home.series.with_name("series.rebuilt.duckdb")
        _clear(fresh_path)
        fresh = SeriesStore(fresh_path)
        try:
            with store.records.transaction():  # the counts begin again, unless the rebuild fails
                store.records.set_state(COUNTS, to_json(Counts()))
                before = store.series.counts()
                _take_over(store, fresh)
                counts = _replay(replace(store, series=fresh), zone)
                after = fresh.counts()
                fresh.checkpoint()
                fresh.close()
                store.series.close()
                REAL_FILES.rename(fresh_path, store.home.series)
                REAL_FILES.sync_folder(store.home.path)
        finally:
            fresh.close()
            _clear(fresh_path)
    return Rebuilt(counts.frames, before, after, counts.unclaimed)


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


def _replay(store: Store, zone: ZoneInfo) -> Counts:
    """Read every frame, tick by tick of the time it came.

    What the loop has not concluded from yet it will read and count once more: it is stored, and left out of the counts
    that are kept.
    """
    register = store.records.register()
    ends = {gateway: store.journal.end(gateway) for gateway in store.journal.gateways()}
    known = store.records.state(CONCLUDED)
    concluded = from_json(known, dict[str, Position]) if known else {}
    ingest, town, now = Ingest(store, zone), None, None
    for done in (True, False):
        streams = [_part(store, gateway, concluded.get(gateway, START), done) for gateway in ends]
        for now, records in by_tick(streams):
            on = local_date(now, zone)
            if town is None or town.on != on:
                town = Town(register, on)
            ingest.feed(town, records, {}, now)
        if done:
            store.records.set_state(COUNTS, to_json(ingest.counts))
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
