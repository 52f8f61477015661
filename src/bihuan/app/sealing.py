"""Sealed days: in the night the readings of days that are over are put in order by logger, beside the loop.

The work is cut into transactions of some seconds (`SeriesStore.resort`), between which the loop stores what comes; the
gateways do not notice.
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
    """The one thread that puts sealed days in order.

    Attributes
    ----------
    series : SeriesStore
    """

    series: SeriesStore
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self, now: datetime) -> None:
        """Put every day that ended a day ago or earlier in order, unless that is going on already."""
        if self._thread is None or not self._thread.is_alive():
            before = floor_to(now, DAY) - DAY
            self._thread = threading.Thread(target=self._run, args=(before,), name="bihuan-sealing", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let the piece in hand end; the rest is done after the next start."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _run(self, before: datetime) -> None:
        try:
            rows = self.series.resort(before, self._ended.is_set)
            self.series.tidy(self._ended.is_set)
        except StoreError as problem:
            log.error("sealed days could not be put in order, they answer more slowly: %s", problem)
            return
        if rows:
            log.info("%d readings of sealed days were put in order", rows)
