"""What the gateway has seen, for `bihuan doctor` and the overview: counters in a small file, written each second."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bihuan.core import iso, to_json
from bihuan.store import FrameStatus, Position, Record, write_whole

_STEPS = 4
"""Classes of the histogram per doubling: a quantile read from it is at most 19 % too high."""

UNKNOWN_KEPT = 1000
"""Unknown loggers listed by name; more are only counted."""


class Latency:
    """How long acknowledgements took, from the bytes' arrival to the answer's leaving, in logarithmic classes."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()

    def add(self, seconds: float, count: int = 1) -> None:
        """Count `count` acknowledgements."""
        micros = max(1.0, seconds * 1e6)
        self._classes[math.ceil(math.log2(micros) * _STEPS)] += count

    def quantile(self, share: float) -> float | None:
        """Return the upper end of the class that holds a quantile [s], or None when nothing was counted."""
        left = share * self._classes.total()
        for number in sorted(self._classes):
            left -= self._classes[number]
            if left <= 0:
                return float(2 ** (number / _STEPS) / 1e6)
        return None

    def classes(self) -> dict[str, int]:
        """Return counts by the upper end of their class [ms]."""
        return {f"{2 ** (number / _STEPS) / 1e3:.3f}": count for number, count in sorted(self._classes.items())}


@dataclass(slots=True)
class Unclaimed:
    """A logger that nobody has registered yet (待认领)."""

    frames: int
    peer: str
    last: datetime


@dataclass(slots=True)
class Counters:
    """Sums since the store was made; they go on over restarts.

    Attributes
    ----------
    frames_received : int
        Journalled, of whatever status.
    frames_acknowledged : int
    frames_quarantined : int
        Of unknown loggers.
    complaints : Counter
        By reason. Complaints about the inside of a frame are counted where it is decoded, not here.
    connections, connections_opened : int
        Now, and ever.
    latency : Latency
        Of this process.
    unclaimed : dict of str to Unclaimed
        Unknown loggers by MN, of this process.
    """

    frames_received: int = 0
    frames_acknowledged: int = 0
    frames_quarantined: int = 0
    complaints: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    connections_opened: int = 0
    latency: Latency = field(default_factory=Latency)
    unclaimed: dict[str, Unclaimed] = field(default_factory=dict)

    def journalled(self, statuses: Iterable[FrameStatus]) -> None:
        """Count frames that are durable now."""
        counted = Counter(statuses)
        self.frames_received += counted.total()
        self.frames_quarantined += counted["unknown"]

    def note_unknown(self, mn: str, peer: str, now: datetime) -> None:
        """Remember an unknown logger, so that someone can claim it."""
        seen = self.unclaimed.get(mn)
        if seen is not None:
            seen.frames += 1
            seen.peer, seen.last = peer, now
        elif len(self.unclaimed) < UNKNOWN_KEPT:
            self.unclaimed[mn] = Unclaimed(1, peer, now)

    def take_over(self, status: dict[str, Any], missed: Iterable[Record]) -> None:
        """Go on from the file of an earlier process and count what it had journalled after writing it."""
        self.frames_received = int(status.get("frames_received", 0))
        self.frames_acknowledged = int(status.get("frames_acknowledged", 0))
        self.frames_quarantined = int(status.get("frames_quarantined", 0))
        self.connections_opened = int(status.get("connections_opened", 0))
        self.complaints = Counter({str(key): int(value) for key, value in status.get("complaints", {}).items()})
        self.journalled(record.status for record in missed)

    def as_status(self, gateway: str, pid: int, port: int, now: datetime, end: Position) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "gateway": gateway,
            "pid": pid,
            "port": port,
            "at": iso(now),
            "journal": list(end),
            "frames_received": self.frames_received,
            "frames_acknowledged": self.frames_acknowledged,
            "frames_quarantined": self.frames_quarantined,
            "complaints": dict(self.complaints),
            "connections": self.connections,
            "connections_opened": self.connections_opened,
            "acknowledged_seconds": {"p50": self.latency.quantile(0.5), "p99": self.latency.quantile(0.99)},
            "acknowledged_ms_classes": self.latency.classes(),
            "unclaimed": {
                mn: {"frames": seen.frames, "peer": seen.peer, "last": iso(seen.last)}
                for mn, seen in self.unclaimed.items()
            },
        }


def status_path(journal: Path, gateway: str) -> Path:
    """Return where a gateway writes its counters."""
    return journal / gateway / "status.json"


def write_status(journal: Path, status: dict[str, Any]) -> None:
    """Write the counters as a whole; they may be lost with the power, so they are not synced."""
    write_whole(status_path(journal, status["gateway"]), to_json(status), durable=False)


def read_status(journal: Path, gateway: str) -> dict[str, Any]:
    """Return the counters that a gateway wrote last, running or not; nothing if it never did."""
    try:
        found = json.loads(status_path(journal, gateway).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
