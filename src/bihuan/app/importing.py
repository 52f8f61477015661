"""`bihuan import`: registers, feeds and work orders into the store, each file recognised by what it holds.

A file that cannot be read leaves everything as it was; one with some bad rows is imported without them, and they are
listed. The same file again changes nothing. Every file of a feed and of the register is kept as a blob by its digest,
so that a figure can be walked back to the row it came from; a table of work orders is not, because the names and
telephones in it must not be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from bihuan.app.access import risen
from bihuan.app.clock import Clock, WallClock
from bihuan.app.desk import Desk
from bihuan.app.documents import is_document, take_document
from bihuan.app.indexing import Touched, follow, merged, published_indices
from bihuan.app.notify import Notifications
from bihuan.app.opened import opened
from bihuan.app.receipts import Fault, Report, fault_of, faults_of_feed, roles_refused
from bihuan.app.settings import read_settings
from bihuan.cases import Calendar, read_complaints
from bihuan.core import BihuanError, FormatError, InputError, Period, StoreError, digest, local_date
from bihuan.devices.csv import Feed, layouts, load_layout, read_feed
from bihuan.devices.csv import recognise as recognise_feed
from bihuan.formats import Imported, read_register, recognise
from bihuan.register import Change, District, Person, Register, Station, check
from bihuan.store import FILES_SCHEMA, Store, Written

REGISTER, COMPLAINTS = "register", "complaints"
"""Names that ``--format`` takes besides those of the layouts of feeds and of mapping files."""

_LARGE = 3_000_000
"""Hourly values after which what follows is computed before more is read. [values]"""


PIECE = 200_000
"""Values stored at once beside a loop, which waits meanwhile. [values]"""

Progress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The loop that goes on in the same process while something is imported.

    Attributes
    ----------
    desk : callable
        Returns its desk, so that work orders become cases that it knows of.
    renew : callable
        Tells it and the gateways of the register as it is now; called with `Store.step` held.
    """

    desk: Callable[[], Desk]
    renew: Callable[[Register], None]


def import_files(
    home: Path,
    files: Sequence[Path],
    layout: str | None = None,
    *,
    clock: Clock | None = None,
    beside: Beside | None = None,
    tell: Progress | None = None,
    roles: bool = True,
    device: str = "",
) -> list[Report]:
    """Import files, each for itself, and compute what follows from them.

    Parameters
    ----------
    home : Path
        ``BIHUAN_HOME``; a store is made there when there is none.
    files : sequence of Path
        Register tables (XLSX, CSV, GeoJSON), feeds (CSV, also gzip, Parquet), 12345 work orders (CSV).
    layout : str or None
        Name of a layout, path of a mapping file, ``register``, ``complaints`` or a protocol of devices; None recognises
        each file.
    clock : Clock or None
        Of the entry of work orders and imports; the machine's by default.
    beside : Beside or None
        The loop of this process, where one runs over a store that is lent (`bihuan.app.opened`).
    tell : callable or None
    roles : bool
        Whether persons may get other roles by it, as whoever operates the machine may let them; without it the rows of
        such persons are left out.
    device : str
        Of files of devices: whose they are, where they do not say it themselves.

    Returns
    -------
    list of Report
        One a file, in their order. A file that could not be read has `Report.failed` set and changed nothing; the
        others stand.

    Raises
    ------
    StoreLocked
        If a server, or another import, owns the store.
    SettingError
        If the mapping file is wrong.
    """
    now = (clock or WallClock()).now()
    zone = read_settings(home).zone
    if layout is not None and layout not in (REGISTER, COMPLAINTS, *layouts()) and not is_document(layout):
        load_layout(Path(layout))  # a wrong mapping is said before anything is opened
    with opened(home, create=True) as store:
        work = _Import(store, zone, now, beside, roles, device)
        reports = []
        for number, file in enumerate(files):
            work.tell = _within(tell, number / (len(files) + 1), 1 / (len(files) + 1))
            reports.append(work.take(Path(file), layout))
            work.tell(1.0)
        work.settle()
        _within(tell, 0.0, 1.0)(1.0)
    return reports


def _within(tell: Progress | None, first: float, width: float) -> Progress:
    """Return what tells the share of a part as a share of the whole."""
    return lambda share: tell(first + width * share) if tell is not None else None


class _Import:
    """One run over some files."""

    def __init__(
        self,
        store: Store,
        zone: ZoneInfo,
        now: datetime,
        beside: Beside | None = None,
        roles: bool = True,
        device: str = "",
    ) -> None:
        self._store = store
        self._zone = zone
        self._now = now
        self._beside = beside
        self._roles = roles
        self._device = device
        self.tell: Progress = lambda share: None
        self._touched: list[Touched] = []
        self._values = 0

    def take(self, path: Path, layout: str | None) -> Report:
        """Import one file; what is wrong with the file as a whole goes into its report."""
        try:
            data = _bytes(path)
            if layout is not None and is_document(layout):
                alone = self._beside is None
                return take_document(self._store, path, data, layout, self._device, self._zone, self._now, alone)
            kind = layout or kind_of(path, data)
            if kind == REGISTER:
                return self._register(path, data)
            if kind == COMPLAINTS:
                return self._complaints(path, data)
            return self._feed(path, data, layout)
        except StoreError:
            raise
        except BihuanError as problem:
            return Report(file=str(path), kind="unknown", failed=str(problem))

    def settle(self) -> None:
        """Compute what follows from every hour that was stored."""
        official = {f"station:{s.id}" for s in self._on_file().all(Station, self._today) if s.official}
        for part in merged(self._touched):
            follow(self._store.series, part, self._zone, official)
        self._touched, self._values = [], 0

    @property
    def _today(self) -> date:
        return local_date(self._now, self._zone)

    def _on_file(self) -> Register:
        return self._store.records.register()

    # -- feeds -----------------------------------------------------------------------------------------------------

    def _feed(self, path: Path, data: bytes, layout: str | None) -> Report:
        feed = read_feed(path, layout=layout, zone=self._zone)
        faults = faults_of_feed(feed)
        if not feed.kept:
            return Report(str(path), "feed", feed.layout.name, read=feed.read, faults=faults)
        kept = self._store.blobs.put(data)
        spans = _spans(feed)
        built_in = layout is None or layout in layouts()
        mapping = feed.layout.name if built_in else self._store.blobs.put(Path(str(layout)).read_bytes())
        self.tell(0.4)
        written = Written()
        for rows, share in self._pieces(feed):
            whole = share >= 1.0  # the file stands in the list once all of its values are stored
            written += self._store.series.append(
                hours=rows,
                indices=published_indices(pl.DataFrame(pl.from_arrow(feed.published))) if whole else None,
                files=_file_rows(path, kept, mapping, feed, spans, self._now) if whole else None,
            )
            self.tell(0.4 + 0.5 * share)
        first = min(span.start for span in spans.values())
        last = max(span.end for span in spans.values())
        self._touched.append(Touched(frozenset(spans), Period(first, last)))
        self._values += feed.rows.num_rows
        if self._values >= _LARGE:
            self.settle()
        return Report(
            file=str(path),
            kind="feed",
            layout=feed.layout.name,
            read=feed.read,
            new=written.new,
            revised=written.revised,
            unchanged=written.unchanged,
            sites=tuple(sorted(spans)),
            period=Period(first, last),
            digest=kept,
            faults=faults,
        )

    def _pieces(self, feed: Feed) -> Iterator[tuple[pa.Table, float]]:
        """Yield the values whole, or beside a loop in pieces, with the share that they and those before make up."""
        size = PIECE if self._beside else max(1, feed.rows.num_rows)
        for begin in range(0, max(1, feed.rows.num_rows), size):
            end = min(begin + size, feed.rows.num_rows)
            yield feed.rows.slice(begin, end - begin), end / max(1, feed.rows.num_rows)

    # -- the register ----------------------------------------------------------------------------------------------

    def _register(self, path: Path, data: bytes) -> Report:
        imported = read_register(data, path.name, known=self._on_file())
        with self._store.step:  # between two steps of a loop, and nobody changes the register meanwhile
            merged_register, changes, refused = self._merged(imported)
            removed = [change.before for change in changes if change.after is None and change.before is not None]
            self._store.records.save_facts(
                [change.after for change in changes if change.after is not None], removed=removed
            )
            if self._beside and changes:
                self._beside.renew(merged_register)
        kept = self._store.blobs.put(data)
        self._store.series.append(files=_register_row(path, kept, self._now))
        new = sum(change.action == "added" for change in changes)
        notes = tuple(fault_of(complaint) for complaint in check(merged_register, self._today))
        return Report(
            file=str(path),
            kind=REGISTER,
            read=len(imported.facts) + len({(fault.sheet, fault.row) for fault in imported.errors}),
            new=new,
            revised=len(changes) - new,
            unchanged=max(0, len(imported.facts) - len(changes) - len(refused)),
            digest=kept,
            faults=(*refused, *(Fault.of_register(one) for one in (*imported.errors, *imported.warnings)), *notes),
        )

    def _merged(self, imported: Imported) -> tuple[Register, tuple[Change, ...], list[Fault]]:
        """Merge what was read, without the persons who would get other roles where that may not be."""
        known = self._on_file()
        after, changes = known.merge(imported.facts, told=imported.told)
        refused = frozenset[str]() if self._roles else risen(known, changes, self._today)
        if not refused:
            return after, changes, []
        left = [fact for fact in imported.facts if not (isinstance(fact, Person) and fact.id in refused)]
        after, changes = known.merge(left, told=imported.told)
        return after, changes, roles_refused(imported, refused)

    # -- work orders -----------------------------------------------------------------------------------------------

    def _complaints(self, path: Path, data: bytes) -> Report:
        register, calendar = self._on_file(), Calendar()
        district_of = {fact.name: fact.id for fact in register.all(District, self._today)}
        table = read_complaints(data, calendar, district_of)
        outcomes = []
        with self._store.step, self._store.records.transaction():
            desk = self._beside.desk() if self._beside else self._own_desk(register, calendar)
            outcomes += [desk.from_complaint(row, self._now).outcome for row in table.rows]
        faults = tuple(fault_of(complaint) for complaint in table.complaints)
        return Report(
            file=str(path),
            kind=COMPLAINTS,
            read=len(table.rows) + sum(fault.severity == "error" for fault in faults),
            new=sum(outcome == "opened" for outcome in outcomes),
            revised=sum(outcome in ("merged", "reopened") for outcome in outcomes),
            unchanged=outcomes.count("known"),
            digest=digest(data),
            faults=faults,
        )

    def _own_desk(self, register: Register, calendar: Calendar) -> Desk:
        """A desk without a channel: notices of these cases go out when the server that owns the channels starts."""
        silent = Notifications((), self._store.home.path / "notices.jsonl")
        return Desk(self._store.records, lambda: register, calendar, silent)


def kind_of(path: Path, data: bytes) -> str:
    """Say what a file is: the name of a feed's layout, ``register`` or ``complaints``.

    Raises
    ------
    FormatError
        If it is none of them; names the columns that each of them needs.
    """
    try:
        return recognise_feed(path).name
    except FormatError:
        if data[:4] == b"PAR1":
            raise
    if recognise(data, path.name) is not None:
        return REGISTER
    try:
        read_complaints(data, Calendar())
    except FormatError:
        raise FormatError(_strange(path, data)) from None
    return COMPLAINTS


def _strange(path: Path, data: bytes) -> str:
    """Say what was found and what is allowed, so that the next try can succeed."""
    first = next((line for line in data[:4096].decode("utf-8", "replace").splitlines() if line.strip()), "")
    found = "".join(letter for letter in first if letter.isprintable())[:80]
    feeds = "; ".join(
        f"{name} ({', '.join(layout.recognise.columns[:4])} ...)"
        for name, layout in layouts().items()
        if layout.recognise
    )
    return (
        f"{path} is no file we know; it begins with {found!r}. Known are the tables of the register (headers as in the "
        f"template of bihuan.formats.write_templates), feeds ({feeds}) and 12345 work orders (CSV with their number, "
        "time of receipt and content). For another table of values write a mapping file and give it with --format"
    )


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the files in it, XLSX, CSV, GeoJSON or Parquet")
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}; check its name and rights") from None
    if not data.strip():
        raise FormatError(f"{path} is empty: give a table with a header, XLSX, CSV, GeoJSON or Parquet")
    return data


def _spans(feed: Feed) -> dict[str, Period]:
    rows = pl.DataFrame(pl.from_arrow(feed.rows.select(["site", "start", "end"])))
    ends = rows.group_by("site").agg(pl.col("start").min(), pl.col("end").max()).sort("site")
    return {site: Period(start, end) for site, start, end in ends.iter_rows()}


def _file_rows(
    path: Path, kept: str, mapping: str, feed: Feed, spans: dict[str, Period], now: datetime
) -> pl.DataFrame:
    rows = [
        (
            kept,
            path.name,
            "feed",
            mapping,
            site.site,
            site.name,
            site.place.lon if site.place else None,
            site.place.lat if site.place else None,
            spans[site.site].start,
            spans[site.site].end,
            now,
        )
        for site in feed.sites
    ]
    return _files(rows)


def _register_row(path: Path, kept: str, now: datetime) -> pl.DataFrame:
    return _files([(kept, path.name, REGISTER, "", "", "", None, None, None, None, now)])


def _files(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=pl.DataFrame(pl.from_arrow(FILES_SCHEMA.empty_table())).schema, orient="row")
