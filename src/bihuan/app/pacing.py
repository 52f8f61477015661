"""How fast the synthetic city's time goes by: set by whoever looks at it, heeded by the thread that lets it live."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from bihuan.app.clock import WallClock
from bihuan.core import InputError

SLICE = 0.05
"""How soon another pace is heeded. [s]"""

FASTEST = 3600.0


class Pacing:
    """The pace of a demo.

    Parameters
    ----------
    seed : int
    rough : bool
    pace : float or None
        City seconds a second; None stands still.

    Attributes
    ----------
    pace : float or None
    catching_up : bool
        While the city lives through its beginning as fast as the machine can.
    """

    def __init__(self, seed: int, rough: bool, pace: float | None) -> None:
        self.seed, self.rough = seed, rough
        self.catching_up = False
        self._pace = pace
        self._changed = threading.Event()
        self._wall = WallClock()

    @property
    def pace(self) -> float | None:
        """City seconds a second, None while it stands still."""
        return self._pace

    def change(self, pace: float | None) -> None:
        """Let time go by at another pace, or stand still.

        Raises
        ------
        InputError
            If it is not above 0 and at most `FASTEST`.
        """
        if pace is not None and not 0 < pace <= FASTEST:
            raise InputError(
                f"pace {pace:g} is not allowed: more than 0 and at most {FASTEST:g}, or none to stand still"
            )
        self._pace = pace
        self._changed.set()

    def pass_by(self, span: timedelta) -> None:
        """Return once a span of the city's time has gone by at whatever pace is set meanwhile."""
        left, last = span.total_seconds(), self._wall.monotonic()
        while left > 0:
            pace = self._pace
            self._changed.wait(min(SLICE, left / pace) if pace else SLICE)
            self._changed.clear()
            now = self._wall.monotonic()
            left -= (now - last) * (pace or 0.0)
            last = now

    def describe(self) -> dict[str, Any]:
        """Return what the pages show."""
        return {"seed": self.seed, "rough": self.rough, "pace": self.pace, "catching_up": self.catching_up}
