"""The store of a home for one piece of work: this process's own where it is lent, else opened for this work alone.

Commands call `opened`. Beside a running server the same command runs inside it, with the server's store lent to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from bihuan.app.settings import Settings, read_settings
from bihuan.core import SettingError, StoreLocked
from bihuan.store import Home, LakeAddress, Store, open_store

_LENT: ContextVar[Store | None] = ContextVar("lent store", default=None)


@contextmanager
def lent(store: Store) -> Iterator[None]:
    """Lend an open store to everything inside that asks for its home; nobody else sees it."""
    token = _LENT.set(store)
    try:
        yield
    finally:
        _LENT.reset(token)


@contextmanager
def opened(home: Path, *, create: bool = False) -> Iterator[Store]:
    """Give the store of a home: the one that is lent, else opened here and closed at the end.

    Parameters
    ----------
    home : Path
    create : bool
        Whether a home without a store gets one.

    Raises
    ------
    StoreLocked
        If a server of another process owns it.
    NotCovered
        If there is none and `create` is False.
    """
    store = _LENT.get()
    if store is not None and store.home.path == Home(home).path:
        yield store
        return
    with open_alone(home, create=create) as alone:
        yield alone


def open_alone(home: Path, *, create: bool = True) -> Store:
    """Open the store of a home that no server owns.

    Raises
    ------
    StoreLocked
        If one does.
    """
    try:
        return open_store(home, create=create, series=lake_of(read_settings(home)))
    except StoreLocked as problem:
        raise StoreLocked(
            f"a running server owns the store, so this command cannot use it: {problem}. "
            "Stop the server (Ctrl-C), run this command, and start it again"
        ) from None


def lake_of(settings: Settings) -> LakeAddress | None:
    """Return the lake that the settings name, None where the series are embedded.

    Raises
    ------
    SettingError
        If `series` is no word we know, or the lake's address cannot be used.
    """
    where = settings.text("series")
    if where == "embedded":
        return None
    if where != "lake":
        raise SettingError(f"setting series = {where!r} is unknown: embedded or lake")
    names = ("key", "secret", "endpoint", "region")
    s3 = {name: settings.text(f"lake_s3_{name}") for name in names if settings.text(f"lake_s3_{name}")}
    catalog, data = settings.text("lake_catalog"), settings.text("lake_data")
    return LakeAddress(catalog, data, settings.text("lake_schema"), settings.text("gateway_prefix"), s3)
