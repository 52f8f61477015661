"""One host of a lake judges the city: it holds a lease in the catalog, which ends by itself when that host dies.

A second host with ``role = "all"`` is refused with who holds it. A holder that could not say for a while that it is
there stops judging before another may begin; its gateways go on, and what they hear waits in the journal.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bihuan.app.clock import Clock
from bihuan.core import CatalogAway, StoreLocked, content_id, iso
from bihuan.store import LakeHosts, LakeStore, Store

log = logging.getLogger("bihuan.serve")

LEASE = 60.0
"""A holder that was not heard for so long has lost the judging. [s]"""

RENEWED = 10.0
"""How often a holder says that it is there. [s]"""

SURE = 45.0
"""A holder that was last heard longer ago asks before it goes on. [s]"""

HOME = "lake/home"
"""Name in `Records.state` of what tells this home from every other."""

JUDGED_ELSEWHERE = "judged_elsewhere"
"""The word for it, in `/readyz`, `status.json` and the doctor."""


class Judging:
    """The lease of one process.

    Parameters
    ----------
    hosts : LakeHosts
    home : str
        Tells the home from every other.
    name : str
        Host and folder, for people.
    clock : Clock
    """

    def __init__(self, hosts: LakeHosts, home: str, name: str, clock: Clock) -> None:
        self._hosts, self._home, self._name, self._clock = hosts, home, name, clock
        self._token = secrets.token_hex(16)
        self._mutex = threading.Lock()
        self._heard: tuple[float, float] | None = None  # monotonic and wall: one of them stands while a machine sleeps
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def claim(self) -> None:
        """Take the judging of the city, and go on saying that we are there until `end`.

        Raises
        ------
        StoreLocked
            If another host judges.
        CatalogAway
        """
        self._claim()
        if self._thread is None:
            self._thread = threading.Thread(target=self._renew, name="bihuan-judging", daemon=True)
            self._thread.start()

    def hold(self) -> None:
        """Return where the city is ours to judge now.

        Raises
        ------
        StoreLocked
            If another host judges by now; when that one ends, it is ours again.
        CatalogAway
            If it cannot be known any more.
        """
        if self._age() > SURE:
            self._claim()

    def end(self) -> None:
        """Give it back."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(15)
        try:
            if self._heard is not None:
                self._hosts.release(self._token)
        except CatalogAway as problem:
            log.error("the judging of the city is not given back; it ends by itself: %s", problem)
        self._hosts.close()

    def _claim(self) -> None:
        begun = self._now()
        other = self._hosts.claim(self._token, self._home, self._name, LEASE)
        with self._mutex:
            self._heard = begun if other is None else None
        if other is not None:
            raise StoreLocked(
                f"the city is judged by {other.name} since {iso(other.since)}, last heard {other.age:.0f} s ago: one "
                "host of a lake has role = 'all'. Give this one role = 'ingest' (takes in) or 'gateway' (listens "
                f"only), or stop that one; if it is dead, this one may begin {LEASE:.0f} s after it was last heard"
            )

    def _renew(self) -> None:
        away = False
        while not self._ended.wait(RENEWED):
            if self._heard is None:
                continue  # `hold` asks for it anew
            begun = self._now()
            try:
                ours = self._hosts.renew(self._token)
            except CatalogAway as problem:
                if not away:
                    log.error("the judging of the city is not renewed: %s", problem)
                away = True
                continue
            away = False
            with self._mutex:
                self._heard = begun if ours else None

    def _age(self) -> float:
        heard, now = self._heard, self._now()
        return float("inf") if heard is None else max(now[0] - heard[0], now[1] - heard[1])

    def _now(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.now().timestamp()


def judging_of(store: Store, clock: Clock) -> Judging | None:
    """Return the lease of a home whose observations lie in a lake; None where one process owns them anyway."""
    series = store.series
    if not isinstance(series, LakeStore):
        return None
    known = store.records.state(HOME)
    if known is None:
        known = secrets.token_hex(16).encode()
        store.records.set_state(HOME, known)
    machine, folder = socket.gethostname(), store.home.path
    home = content_id("home", known.decode(), machine, str(folder))
    name = f"{machine} ({folder}, gateways {series.address.host or 'g'}*)"
    return Judging(LakeHosts(series.address), home, name, clock)


@contextmanager
def judged_here(
    store: Store, clock: Clock, patiently: Callable[[Callable[[], None]], None]
) -> Iterator[Judging | None]:
    """Judge the city of a store until the block ends.

    Parameters
    ----------
    store : Store
    clock : Clock
    patiently : callable
        Calls a function again for as long as the catalog is away.

    Raises
    ------
    StoreLocked
        If another host judges.
    """
    judging = judging_of(store, clock)
    if judging is None:
        yield None
        return
    try:
        patiently(judging.claim)
        yield judging
    finally:
        judging.end()
