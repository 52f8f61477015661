"""How often one address tried to log in lately: guessing over many accounts is slowed down too."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
MOST = 60
"""Log-ins of one address within the window; a bureau may sit behind one address."""

ADDRESSES = 10_000
"""Addresses remembered at most."""


class Attempts:
    """Remembers the log-ins of each address for `WINDOW`.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._mutex = threading.Lock()
        self._tried: dict[str, deque[datetime]] = {}

    def allow(self, address: str, now: datetime) -> bool:
        """Count a try, and say whether it may be made."""
        with self._mutex:
            if len(self._tried) > ADDRESSES:
                self._tried.clear()
            tried = self._tried.setdefault(address, deque())
            while tried and tried[0] <= now - WINDOW:
                tried.popleft()
            if len(tried) >= self._most:
                return False
            tried.append(now)
            return True
