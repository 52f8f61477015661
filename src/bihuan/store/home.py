"""BIHUAN_HOME: one folder that holds everything an installation remembers, and the one process that owns it."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from bihuan import __version__
from bihuan.core import CatalogAway, NotCovered, StoreError, StoreVersionError
from bihuan.store.blobs import Blobs
from bihuan.store.city import CitySettings
from bihuan.store.digests import Algorithm
from bihuan.store.files import REAL_FILES, Lock, write_whole
from bihuan.store.journal import Journal
from bihuan.store.lake import LakeStore
from bihuan.store.lakeaddress import LakeAddress
from bihuan.store.ledger import Ledger
from bihuan.store.records import Records
from bihuan.store.series import SeriesStore
from bihuan.store.tail import JournalReader

CORE = "core"
"""Gateway under which the owner of the store journals what came by its own doors: files, folders, the interface."""

FORMAT = 1
"""Version of the layout below BIHUAN_HOME. Records and series migrate themselves; this counts changes across parts."""


class Home:
    """Where everything lies below BIHUAN_HOME.

    Parameters
    ----------
    path : Path
        Need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    @property
    def journal(self) -> Path:
        """Folder of the raw frames, one folder a gateway."""
        return self.path / "journal"

    @property
    def series(self) -> Path:
        """DuckDB file of readings, hours and days."""
        return self.path / "series.duckdb"

    @property
    def records(self) -> Path:
        """SQLite file of register, verdicts, cases and the rest."""
        return self.path / "records.sqlite"

    @property
    def blobs(self) -> Path:
        """Folder of photos and documents by digest."""
        return self.path / "blobs"

    @property
    def uploads(self) -> Path:
        """Folder of files that came through the pages and are being read; nothing in it outlives the server."""
        return self.path / "uploads"

    @property
    def devices(self) -> Path:
        """Known loggers, written by the core process for the gateways."""
        return self.path / "devices.json"

    @property
    def orders(self) -> Path:
        """Folder of orders to devices, one folder a gateway: they go out and come back as small files."""
        return self.path / "orders"

    @property
    def forward(self) -> Path:
        """Folder of the forwarding process: its plan, and how far each target has come."""
        return self.path / "forward"

    @property
    def server(self) -> Path:
        """Address of the running server, for commands."""
        return self.path / "server.json"

    @property
    def marker(self) -> Path:
        """File that makes the folder a store and names its format."""
        return self.path / "store.toml"

    @property
    def lock(self) -> Path:
        """Held by the one process that owns series and records."""
        return self.path / "lock"

    def exists(self) -> bool:
        """Say whether there is a store."""
        return self.marker.exists()

    def format(self) -> int:
        """Return the format the store was written in.

        Raises
        ------
        NotCovered
            If there is no store.
        StoreError
            If the marker cannot be read.
        """
        try:
            marker: dict[str, Any] = tomllib.loads(self.marker.read_text("utf-8"))
            return int(marker["format"])
        except FileNotFoundError:
            raise NotCovered(f"{self.path} holds no store: start one with bihuan serve or bihuan import") from None
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError):
            raise StoreError(f"{self.marker} cannot be read: it must say format = {FORMAT}") from None


@dataclass
class Store:
    """An open store; `close` it, or use it in a ``with``.

    Attributes
    ----------
    home : Home
    series : SeriesStore
    records : Records
    blobs : Blobs
    ledger : Ledger
    settings : CitySettings
    journal : JournalReader
    step : RLock
        Held by the loop during one step, so that a backup never falls into the middle of it.
    """

    home: Home
    series: SeriesStore
    records: Records
    blobs: Blobs
    ledger: Ledger
    settings: CitySettings
    journal: JournalReader
    lock: Lock
    step: threading.RLock = field(default_factory=threading.RLock)
    _own: Journal | None = field(default=None, init=False, repr=False)
    _own_mutex: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def own_journal(self) -> Journal:
        """Return the journal that this process writes itself (gateway `CORE`), opened when it is first asked for.

        Raises
        ------
        StoreLocked, JournalError
        """
        with self._own_mutex:  # not `step`: whoever posts a value does not wait for the loop
            if self._own is None:
                self._own = Journal(self.home.journal, CORE)
            return self._own

    def close(self) -> None:
        """Give everything back."""
        if self._own is not None:
            self._own.close()
            self._own = None
        self.journal.close()
        self.records.close()
        self.series.close()
        self.lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


UPGRADES: dict[int, Callable[[Home], None]] = {}
"""Format -> what brings a store of this format to the next. A step may be repeated after a crash."""


def open_store(
    home: Home | Path,
    *,
    threads: int = 2,
    records: str = "",
    algorithm: Algorithm = "sha256",
    create: bool = True,
    series: LakeAddress | None = None,
    waiting: Callable[[CatalogAway], None] | None = None,
) -> Store:
    """Open the store of a home as its one owner, making or upgrading it first where needed.

    Parameters
    ----------
    home : Home or Path
    threads : int
        Of DuckDB; one for a small city, as many as there are cores for imports.
    records : str
        Address of PostgreSQL; empty for the SQLite file of the home.
    algorithm : str
        Of new digests: ``sha256`` or ``sm3``.
    create : bool
        False refuses a home without a store.
    series : LakeAddress or None
        The lake of the series; None for the DuckDB file of the home.
    waiting : callable, optional
        Called when the lake's catalog is away: waits and returns, then it is tried again, with the store owned all
        the while. Without it the error is raised.

    Raises
    ------
    StoreLocked
        If another process owns it; names the process.
    StoreVersionError
        If a newer Bihuan wrote it.
    NotCovered
        If there is none and `create` is False.
    CatalogAway
        If the lake's catalog does not answer and nobody waits for it.
    """
    home = home if isinstance(home, Home) else Home(home)
    if not home.exists() and not create:
        home.format()
    REAL_FILES.make_folder(home.path)
    lock = REAL_FILES.lock(home.lock, f"the store {home.path}")
    opened: list[Any] = []
    try:
        _settle_format(home)
        kept_series = _lake(series, threads, waiting) if series else SeriesStore(home.series, threads)
        opened.append(kept_series)
        kept_records = Records(records or home.records)
        opened.append(kept_records)
        return Store(
            home=home,
            series=kept_series,
            records=kept_records,
            blobs=Blobs(home.blobs, algorithm),
            ledger=Ledger(kept_records, algorithm),
            settings=CitySettings(kept_records),
            journal=JournalReader(home.journal, salvage=True),  # who runs a city goes on behind a damage
            lock=lock,
        )
    except BaseException:
        for part in opened:
            part.close()
        lock.release()
        raise


def _lake(address: LakeAddress, threads: int, waiting: Callable[[CatalogAway], None] | None) -> LakeStore:
    while True:
        try:
            return LakeStore(address, threads)
        except CatalogAway as problem:
            if waiting is None:
                raise
            waiting(problem)


def mark(home: Home, format_: int = FORMAT) -> None:
    """Write the marker that makes a folder a store."""
    write_whole(home.marker, f'format = {format_}\nwritten_with = "{__version__}"\n'.encode())


def _settle_format(home: Home) -> None:
    if not home.exists():
        mark(home)
        return
    found = home.format()
    if found > FORMAT:
        raise StoreVersionError(
            f"the store {home.path} has format {found}, this Bihuan knows up to {FORMAT}: "
            "open it with the newer Bihuan that wrote it"
        )
    while found < FORMAT:
        UPGRADES[found](home)
        found += 1
        mark(home, found)
