"""The last answers that took long to make, kept in memory by what they are about."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

KEPT = 64
"""Answers kept in memory, the last ones asked for."""

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class LastAnswers(Generic[Key, Answer]):
    """Answers by key, for several threads; two that ask at once may both make one, and the last one stays.

    An answer may be None, which is kept like any other.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._kept: OrderedDict[Key, Answer] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Answer]) -> Answer:
        """Return the answer of a key, made when it is not known; what `make` raises is raised and nothing is kept."""
        with self._mutex:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._mutex:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
