"""From the journal to the series: decode, flag, store, roll up. The consumed offset commits with the readings."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from bihuan.app.adapters import HeldAdapter
from bihuan.app.columns import Columns
from bihuan.app.heads import head_of
from bihuan.app.losses import Losses
from bihuan.app.ordering import VALID_RECALL, Recalls
from bihuan.app.others import Nobody, Others, beside
from bihuan.app.presence import Arrival
from bihuan.app.recent import Recent
from bihuan.app.rollups import SHORT, averaged, hours_of
from bihuan.app.sightings import Seen, keep_sightings
from bihuan.app.town import Town
from bihuan.core import HOUR, READINGS_SCHEMA, DeviceNote, Period, from_json, to_json
from bihuan.devices.hj212 import Envelope
from bihuan.observations import Tails, as_reported, context, flag, needed
from bihuan.store import START, Added, Position, Record, Store

BATCH = 20_000
"""Most frames that one step takes from a gateway; the rest waits for the next."""

PIECE = 2_000
"""Frames looked at together where only a part may be wanted."""

COUNTS = "ingest/counts"
"""Name of the counts in `Records.state`."""

CONCLUDED = "ingest/concluded"
"""How far each gateway's journal had been read at the end of the last complete step. The series may be ahead of it
when a step was cut short: its frames are then read once more, which changes nothing in the series."""

NOTES = 20_000
"""What devices said of themselves that waits to be asked for; of more, the oldest goes."""

ASKED = VALID_RECALL + timedelta(hours=1)
"""How long before its answer data may have been asked for."""

PLATES = "plates"
"""Setting of the city: ``mask`` keeps the ends of a plate of a gate's log, ``hash`` keeps a keyed digest of it."""


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
    arrivals : list of Arrival
        Which known logger's frames came when and from where.
    notes : tuple of (MN, DeviceNote)
        What devices said of themselves: run states, logs, parameters, answers.
    """

    frames: int
    readings: pl.DataFrame
    hours: pl.DataFrame
    full: bool = False
    arrivals: list[Arrival] = field(default_factory=list)
    notes: tuple[tuple[str, DeviceNote], ...] = ()


@dataclass(slots=True)
class _Decoded:
    columns: Columns = field(default_factory=Columns)
    complaints: Counter[str] = field(default_factory=Counter)
    unclaimed: Counter[str] = field(default_factory=Counter)
    arrivals: list[Arrival] = field(default_factory=list)
    notes: list[tuple[str, DeviceNote]] = field(default_factory=list)
    recalls: Recalls = field(default_factory=Recalls)
    frames: int = 0
    seen: Seen = field(default_factory=Seen)


class Ingest:
    """Tails the journal of every gateway.

    Parameters
    ----------
    store : Store
    zone : ZoneInfo
        Local time on the wire.
    since : datetime, optional
        Last complete step; hours that were not over then are still to be averaged.
    others : Others, optional
        Hosts whose minutes stand beside ours; nobody unless given.
    """

    def __init__(
        self, store: Store, zone: ZoneInfo, since: datetime | None = None, others: Others | None = None
    ) -> None:
        self._others: Others = others or Nobody()
        self._store = store
        self._zone = zone
        self._adapters: dict[str, HeldAdapter] = {}
        self._town: Town | None = None
        self._read = _concluded(store)
        self._kept = dict(self._read)
        self._since = since
        self._waiting: pl.DataFrame | None = None
        known = store.records.state(COUNTS)
        self.counts = from_json(known, Counts) if known else Counts()
        self._recent: Recent | None = None
        self._tails: Tails | None = None
        self.only: Period | None = None  # a rebuild of a part stores nothing else
        self._notes: deque[tuple[str, DeviceNote]] = deque(maxlen=NOTES)
        self.until: datetime | None = None  # of the last take: a loop that catches up is given no later rows
        self.losses = Losses(store)

    def take(self, town: Town, now: datetime, until: datetime | None = None, *, average: bool = True) -> Taken:
        """Take what is durable in the journal and store what it says.

        Parameters
        ----------
        town : Town
        now : datetime
        until : datetime, optional
            Leave what was received later for the next time: a loop that catches up sees what it would have seen.
        average : bool
            Whether hours that are over and were touched, by this take or one before it, are averaged now. A late hour
            is touched by every take while its logger sends what it had kept, and is averaged once when they are over.
        """
        self.until = None if isinstance(self._others, Nobody) else until
        taken: list[Record] = []
        ends, full = dict(self._read), False
        for gateway in self._store.journal.gateways():
            records, ends[gateway] = self._tail(gateway, ends.get(gateway, START), until)
            taken += records
            full = full or len(records) >= BATCH
        self.losses.note(now)
        found = self.feed(town, taken, ends, now, full, average=average)
        self._read = ends
        return found

    def feed(
        self,
        town: Town,
        records: Iterable[Record],
        ends: Mapping[str, Position],
        now: datetime,
        full: bool = False,
        *,
        average: bool = True,
    ) -> Taken:
        """Store what frames say, and with it how far each journal was read."""
        if town is not self._town:
            self._town, self._adapters = town, {}
        sent = sorted(((head_of(record), record) for record in records), key=_by_device_time)
        decoded = _Decoded(recalls=self._recalls(sent))
        for head, record in sent:
            self._decode(head, record, town, decoded)
        with self._others.turn():
            found = self._others.look(now, self.until)
            taken = self._store_all(town, decoded, dict(ends), now, full, found, average)
            self._others.seen(found)
        taken = beside(taken, found)
        self._notes.extend(taken.notes)
        return taken

    def told(self) -> list[tuple[str, DeviceNote]]:
        """Hand over what devices have said of themselves since the last call, with their MN."""
        found = list(self._notes)
        self._notes.clear()
        return found

    def _recalls(self, sent: list[tuple[Envelope, Record]]) -> Recalls:
        """What had been asked for when these frames came."""
        first = min((record.received for _, record in sent), default=None)
        return Recalls() if first is None else Recalls.of(self._store, first - ASKED)

    @property
    def read_to(self) -> dict[str, Position]:
        """How far each journal was read: frames before it of a logger that was unknown then have waited."""
        return dict(self._read)

    def feed_waiting(
        self, town: Town, mn: str, records: Iterable[Record], now: datetime, *, average: bool = True
    ) -> Taken:
        """Store what frames say that had waited until their logger was claimed; they were counted when they came."""
        taken = self.feed(town, records, {}, now, average=average)
        self.counts.frames -= taken.frames
        waiting = self.counts.unclaimed.pop(mn, 0) - taken.frames
        if waiting > 0:
            self.counts.unclaimed[mn] = waiting
        return taken

    def _tail(self, gateway: str, at: Position, until: datetime | None) -> tuple[list[Record], Position]:
        if until is None:
            return self._store.journal.tail(gateway, at, BATCH)
        found: list[Record] = []
        while len(found) < BATCH:
            records, at = self._store.journal.tail(gateway, at, PIECE)
            later = next((record for record in records if record.received > until), None)
            if later is not None:
                return found + records[: records.index(later)], later.position
            found += records
            if not records:
                break
        return found, at

    def keep(self) -> None:
        """Remember how far was read and counted; belongs into the transaction that holds what was concluded."""
        self._others.keep()
        self.losses.keep()
        if self._read != self._kept:
            self._kept = dict(self._read)
            self._store.records.set_state(CONCLUDED, to_json(self._kept))
            self._store.records.set_state(COUNTS, to_json(self.counts))

    def _decode(self, head: Envelope, record: Record, town: Town, into: _Decoded) -> None:
        into.frames += 1
        if record.status == "garbage":
            into.complaints["garbage"] += 1
            return
        adapter = self._adapter(head.mn, town)
        if adapter is None:
            into.unclaimed[head.mn] += 1
            return
        if record.status == "wrong_password" and head.pw != town.devices[head.mn].password:
            into.complaints["password_wrong"] += 1  # it was not acknowledged: nobody knows who sent it
            return
        into.arrivals.append(Arrival(head.mn, record.received, record.peer))
        report = adapter.report(record, head)
        if report is not None and not into.recalls.about(report.device, report.interval):
            into.columns.add(report, record.frame)
            return
        decoded = adapter.decode(record.raw, record.received, record.frame)
        readings = decoded.readings
        into.columns.extend(into.recalls.marked(readings, record.received) if into.recalls else readings)
        into.notes += [(head.mn, note) for note in decoded.notes]
        if decoded.sightings:
            into.seen.add(head.mn, town.devices[head.mn].site, record.frame, decoded.sightings)
        into.complaints.update(complaint.reason for complaint in decoded.complaints)

    def _adapter(self, mn: str, town: Town) -> HeldAdapter | None:
        if mn not in self._adapters:
            device = town.devices.get(mn)
            if device is None:
                return None
            self._adapters[mn] = HeldAdapter(device, self._zone, town.devices.get)
        return self._adapters[mn]

    def _store_all(
        self,
        town: Town,
        decoded: _Decoded,
        ends: dict[str, Position],
        now: datetime,
        full: bool,
        found: Added | None,
        average: bool,
    ) -> Taken:
        batch = decoded.columns.table()
        if self.only is not None:
            batch = batch.filter(pl.col("start").is_between(self.only.start, self.only.end, closed="left"))
        since = now - max(context("minute"), timedelta(hours=3))
        recent = self._window(since, now)
        short = pl.col("interval").is_in(SHORT)
        if found is not None:
            self._remember_others(recent, found.readings.filter(short), since)
        history = (
            recent.rows if self._tails is None else self._tails.history(batch.filter(short), since, recent.of_series)
        )
        batch = flag(batch, history, town.device_sites)
        self._remember(recent, batch.filter(short), since)
        hours, over = self._hours(town, batch, now, average)
        if decoded.seen.rows:  # before the offset moves: a step that is cut short reads and keeps them once more
            keep_sightings(self._store, decoded.seen, self._store.settings.get(PLATES, town.on, "mask"))
        with self._others.telling(decoded.arrivals, decoded.notes):
            self._store.series.append(batch, hours=hours, consumed=ends, rolled=over)
        self._count(decoded, batch.height)
        return Taken(decoded.frames, batch, hours, full, decoded.arrivals, tuple(decoded.notes))

    def _remember_others(self, recent: Recent, rows: pl.DataFrame, since: datetime) -> None:
        """Rows that another host has checked and stored."""
        if rows.height and self._tails is not None:
            self._tails.history(rows, since, recent.of_series)  # finds the series that do not simply go on
        self._remember(recent, rows, since)

    def _remember(self, recent: Recent, rows: pl.DataFrame, since: datetime) -> None:
        recent.take(rows)
        if self._tails is not None:
            self._tails.take(rows, since, recent.of_series)

    @property
    def recent(self) -> pl.DataFrame | None:
        """Readings of the last hours; None before the first step."""
        return None if self._recent is None else self._recent.rows

    @recent.setter
    def recent(self, rows: pl.DataFrame) -> None:
        self._recent, self._tails = Recent(rows), None  # it will be set anew at every step

    def _window(self, since: datetime, now: datetime) -> Recent:
        """Readings of the last hours, from memory or, after a start, from the store."""
        if self._recent is None:
            pieces = self._stored(since, now)
            self._recent = Recent(next(pieces))
            for rows in pieces:
                self._recent.take(rows)
            self._tails = Tails(self._recent.rows)
        self._recent.cut(since)
        return self._recent

    def _stored(self, since: datetime, now: datetime) -> Iterator[pl.DataFrame]:
        """Short readings from the store, hour by hour: all at once, a large city's would be held several times over."""
        last = self.until or now + timedelta(days=1)
        while since < last:
            end = min(since + HOUR, last) if since < now else last
            found = [self._store.series.readings(interval=each, period=Period(since, end)) for each in SHORT]
            yield pl.concat(found).select(READINGS_SCHEMA.names)
            since = end

    def _hours(
        self, town: Town, batch: pl.DataFrame, now: datetime, average: bool
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The devices' own hours and, if they are wanted now, our means; with the hours of loggers these are of."""
        assert self._recent is not None
        reported = as_reported(batch, town.site_of, "hour")
        own = self._touched(batch)
        if not average:
            self._waiting = own
            return reported, own.clear()
        self._waiting = own.filter(now < _END)  # their last minute may never come
        own = own.filter(now >= _END)
        left = self._store.series.touched(now - HOUR)  # by an import, or by a check that looked at history again
        left = left.join(own, on=["device", "start"], how="anti", maintain_order="left")
        if own.is_empty() and left.is_empty():
            return reported, own
        need = needed(town.on).minutes
        means, over = averaged(self._store.series, self._recent, own, left, town.site_of, need)
        return pl.concat([reported, means]), over

    def _touched(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Hours of loggers with new minutes that were not averaged yet."""
        assert self._recent is not None
        if self._waiting is None:
            before = hours_of(self._recent.rows)
            self._waiting = before if self._since is None else before.filter(self._since < _END)
        return pl.concat([self._waiting, hours_of(batch)]).unique(maintain_order=True)

    def _count(self, decoded: _Decoded, readings: int) -> None:
        self.counts.frames += decoded.frames
        self.counts.readings += readings
        for mine, more in ((self.counts.complaints, decoded.complaints), (self.counts.unclaimed, decoded.unclaimed)):
            for reason, number in more.items():
                mine[reason] = mine.get(reason, 0) + number


_END = pl.col("start").dt.offset_by("1h")


def _concluded(store: Store) -> dict[str, Position]:
    """Where to read on: never ahead of the series, and behind it where a step was cut short.

    A lake also knows the gateways of other hosts, which are not ours to say anything about.
    """
    own = set(store.journal.gateways())
    consumed = {gateway: end for gateway, end in store.series.consumed().items() if gateway in own}
    known = store.records.state(CONCLUDED)
    concluded = from_json(known, dict[str, Position]) if known else {}  # the very first step may be cut short as well
    return {gateway: min(end, concluded.get(gateway, START)) for gateway, end in consumed.items()}


def _by_device_time(frame: tuple[Envelope, Record]) -> tuple[str, str, bytes]:
    """Order by the devices' own clocks, so that neither arrival nor gateway says which of two reports is the later."""
    head, record = frame
    return (head.mn, head.qn, record.raw)
