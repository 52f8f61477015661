"""From the journal to the series: decode, flag, store, roll up. The consumed offset commits with the readings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from bihuan.app.town import Town
from bihuan.core import KEY_COLUMNS, Interval, Period, Reading, from_json, readings_table, to_json
from bihuan.devices.hj212 import Hj212Adapter, envelope
from bihuan.observations import as_reported, context, flag, hours_from_minutes, needed
from bihuan.store import Position, Record, Store

BATCH = 20_000
"""Most frames that one step takes from a gateway; the rest waits for the next."""

COUNTS = "ingest/counts"
"""Name of the counts in `Records.state`."""

SHORT: tuple[Interval, ...] = ("rt", "minute")


class Counts(msgspec.Struct):
    """What came in since the store was made; `bihuan doctor` prints it.

    Attributes
    ----------
    frames, readings : int
    complaints : dict
        By reason.
    unclaimed : dict
        Frames of loggers that the register does not know (待认领), by MN.
    """

    frames: int = 0
    readings: int = 0
    complaints: dict[str, int] = {}
    unclaimed: dict[str, int] = {}


@dataclass(slots=True)
class Taken:
    """What one step took in.

    Attributes
    ----------
    frames : int
    readings : DataFrame of `READINGS_SCHEMA`
        Flagged, sorted by key.
    hours : DataFrame of `ROLLUP_SCHEMA`
        The hours they changed, as far as these are over.
    full : bool
        Whether more frames were waiting.
    """

    frames: int
    readings: pl.DataFrame
    hours: pl.DataFrame
    full: bool = False


@dataclass(slots=True)
class _Decoded:
    readings: list[Reading] = field(default_factory=list)
    complaints: Counter[str] = field(default_factory=Counter)
    unclaimed: Counter[str] = field(default_factory=Counter)
    frames: int = 0


class Ingest:
    """Tails the journal of every gateway.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
        Local time on the wire.
    """

    def __init__(self, store: Store, zone: ZoneInfo) -> None:
        self._store = store
        self._zone = zone
        self._adapters: dict[str, Hj212Adapter] = {}
        self._town: Town | None = None
        known = store.records.state(COUNTS)
        self.counts = from_json(known, Counts) if known else Counts()
        self.recent: pl.DataFrame | None = None

    def take(self, town: Town, now: datetime) -> Taken:
        """Take what is durable in the journal and store what it says."""
        if town is not self._town:
            self._town, self._adapters = town, {}
        consumed = self._store.series.consumed()
        decoded, ends, full = _Decoded(), dict(consumed), False
        for gateway in self._store.journal.gateways():
            records, end = self._store.journal.tail(gateway, consumed.get(gateway, Position(0, 0)), BATCH)
            for record in records:
                self._decode(record, town, decoded)
            ends[gateway] = end
            full = full or len(records) >= BATCH
        return self._store_all(town, decoded, ends, now, full)

    def _decode(self, record: Record, town: Town, into: _Decoded) -> None:
        into.frames += 1
        if record.status == "garbage":
            into.complaints["garbage"] += 1
            return
        mn = envelope(record.raw).mn
        adapter = self._adapter(mn, town)
        if adapter is None:
            into.unclaimed[mn] += 1
            return
        decoded = adapter.decode(record.raw, record.received, record.frame)
        into.readings.extend(decoded.readings)
        into.complaints.update(complaint.reason for complaint in decoded.complaints)

    def _adapter(self, mn: str, town: Town) -> Hj212Adapter | None:
        if mn not in self._adapters:
            device = town.devices.get(mn)
            if device is None:
                return None
            outlet = device.site.startswith("outlet:")
            self._adapters[mn] = Hj212Adapter(device, "outlet" if outlet else "environment", self._zone)
        return self._adapters[mn]

    def _store_all(self, town: Town, decoded: _Decoded, ends: dict[str, Position], now: datetime, full: bool) -> Taken:
        batch = _sorted(decoded.readings)
        recent = self._window(town, now)
        batch = flag(batch, recent, town.device_sites)
        short = batch.filter(pl.col("interval").is_in(SHORT))
        # the batch holds each key once: dropping what it replaces costs a third of making the whole window unique
        self.recent = pl.concat([recent.join(short, on=list(KEY_COLUMNS), how="anti", maintain_order="left"), short])
        hours = self._hours(town, batch, now)
        self._store.series.append(batch, hours=hours, consumed=ends)
        self._count(decoded, batch.height)
        return Taken(decoded.frames, batch, hours, full)

    def _window(self, town: Town, now: datetime) -> pl.DataFrame:
        """Readings of the last hours, from memory or, after a start, from the store."""
        since = now - max(context("minute"), timedelta(hours=3))
        if self.recent is None:
            found = [
                self._store.series.readings(interval=interval, period=Period(since, now + timedelta(days=1)))
                for interval in SHORT
            ]
            self.recent = pl.concat(found).select(readings_table([]).schema.names)
        return self.recent.filter(pl.col("start") >= since)

    def _hours(self, town: Town, batch: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """The hours that the batch changed: our means of those that are over, and the devices' own."""
        need = needed(town.on).minutes
        starts = batch.filter(pl.col("interval").is_in(SHORT)).select("device", hour=pl.col("start").dt.truncate("1h"))
        starts = starts.filter(pl.col("hour").dt.offset_by("1h") <= now).unique()
        own = as_reported(batch, town.site_of, "hour")
        if starts.is_empty():
            return own
        minutes = self._minutes(starts)
        return pl.concat([own, hours_from_minutes(minutes, town.site_of, need)])

    def _minutes(self, starts: pl.DataFrame) -> pl.DataFrame:
        assert self.recent is not None
        first: datetime = starts["hour"].min()  # type: ignore[assignment]  # never empty here
        rows = self.recent
        if self._oldest() > first:  # late data of hours that memory no longer holds
            last: datetime = starts["hour"].max()  # type: ignore[assignment]
            span = Period(first, last + timedelta(hours=1))
            rows = self._store.series.readings(starts["device"].unique(), None, "minute", span).select(rows.columns)
            rows = pl.concat([rows, self.recent]).unique(list(KEY_COLUMNS), keep="last", maintain_order=True)
        wanted = starts.with_columns(pl.lit(True).alias("wanted"))
        return (
            rows.with_columns(hour=pl.col("start").dt.truncate("1h"))
            .join(wanted, on=["device", "hour"], how="semi")
            .drop("hour")
        )

    def _oldest(self) -> datetime:
        assert self.recent is not None
        oldest = self.recent["start"].min()
        return oldest if isinstance(oldest, datetime) else datetime.max.replace(tzinfo=self._zone)

    def _count(self, decoded: _Decoded, readings: int) -> None:
        if not decoded.frames:
            return
        self.counts.frames += decoded.frames
        self.counts.readings += readings
        for mine, more in ((self.counts.complaints, decoded.complaints), (self.counts.unclaimed, decoded.unclaimed)):
            for reason, number in more.items():
                mine[reason] = mine.get(reason, 0) + number
        self._store.records.set_state(COUNTS, to_json(self.counts))


def _sorted(readings: list[Reading]) -> pl.DataFrame:
    """One row a key, the last that came, in an order that does not depend on arrival."""
    table = pl.DataFrame(pl.from_arrow(readings_table(readings)))
    keys = list(KEY_COLUMNS)
    return table.unique(keys, keep="last", maintain_order=True).sort(keys)
