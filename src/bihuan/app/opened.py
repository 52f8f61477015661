"""The store of a home for one piece of work: this process's own where it is lent, else opened for this work alone.

Commands call `opened`. Beside a running server the same command runs inside it, with the server's store lent to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from bihuan.core import StoreLocked
from bihuan.store import Home, Store, open_store

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
        return open_store(home, create=create)
    except StoreLocked as problem:
        raise StoreLocked(
            f"a running server owns the store, so this command cannot use it: {problem}. "
            "Stop the server (Ctrl-C), run this command, and start it again"
        ) from None
