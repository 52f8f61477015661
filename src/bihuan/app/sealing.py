"""Sealed days: in the night the readings of days that are over are put in order by logger, beside the loop.

Of a large city so are the hours of the day that is still open, as soon as enough have come. The work is cut into
transactions of some seconds (`SeriesStore.resort`, `SeriesStore.order_hours`), between which the loop stores what
comes; the gateways do not notice.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime

from bihuan.core import DAY, StoreError, floor_to
from bihuan.store import SeriesStore

log = logging.getLogger("bihuan.sealing")

PATIENCE = 30.0
"""How long the end of the server waits for the piece in hand. [s]"""


@dataclass(slots=True)
class Sealing:
    """The one thread that puts sealed days, and hours of the open one, in order.

    Attributes
    ----------
    series : SeriesStore
    """

    series: SeriesStore
    _ended: threading.Event = field(default_factory=threading.Event)
    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _begun: datetime | None = None
    _days: datetime | None = None
    _hours: datetime | None = None

    def begin(self, now: datetime) -> None:
        """Put every day that ended a day ago or earlier in order, unless that is going on already."""
        self._want(days=floor_to(now, DAY) - DAY)

    def begin_hours(self, now: datetime) -> None:
        """Put hours that are over in order, if many readings of them have come; days that are waiting come first."""
        self._want(hours=now)

    def stop(self) -> None:
        """Let the piece in hand end; the rest is done after the next start."""
        self._ended.set()
        thread = self._thread
        if thread is not None:
            thread.join(PATIENCE)

    def _want(self, days: datetime | None = None, hours: datetime | None = None) -> None:
        with self._mutex:
            if days is not None and days != self._begun:
                self._days = self._begun = days
            self._hours = hours or self._hours
            if self._thread is None and (self._days or self._hours):
                self._thread = threading.Thread(target=self._run, name="bihuan-sealing", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (wanted := self._taken()) is not None:
            try:
                self._order(*wanted)
            except StoreError as problem:
                log.error("sealed days could not be put in order, they answer more slowly: %s", problem)
            if self._ended.is_set():
                return

    def _taken(self) -> tuple[datetime | None, datetime | None] | None:
        """Return what is to be done; None, and no thread any more, when that is nothing."""
        with self._mutex:
            wanted = (self._days, self._hours)
            self._days = self._hours = None
            if wanted == (None, None):
                self._thread = None
                return None
            return wanted

    def _order(self, days: datetime | None, hours: datetime | None) -> None:
        if days is not None:
            rows = self.series.resort(days, self._ended.is_set)
            self.series.tidy(self._ended.is_set)
            if rows:
                log.info("%d readings of sealed days were put in order", rows)
        if hours is not None:
            self.series.order_hours(hours, self._ended.is_set)
