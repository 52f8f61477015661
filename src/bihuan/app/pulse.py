"""The pulse of a running server: acknowledgement, journal, loop, room on the disk, read where each is written."""

from __future__ import annotations

import json
import shutil
import socket
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bihuan.app.gateway import read_status
from bihuan.app.ingest import Counts
from bihuan.app.losses import Skipped, skipped_of
from bihuan.app.supervision import alive
from bihuan.core import parse_instant
from bihuan.store import START, Position, Store

Mark = Literal["ok", "look", "wrong"]

LOOP_LATE = 900.0
"""A loop so far behind is said, as `bihuan doctor` does. [s]"""

ROOM, LITTLE_ROOM = 1 << 30, 5 << 30
"""Free room on the disk below which it is wrong, and below which it is worth a look. [bytes]"""

TOLD_LATELY = timedelta(seconds=60)
"""A gateway of another machine that told nothing for so long does not run."""

FRAMES = ("frames_received", "frames_acknowledged", "frames_quarantined")


@dataclass(frozen=True, slots=True)
class GatewayPulse:
    """One gateway, as its status file tells.

    Attributes
    ----------
    p50, p99 : float or None
        From a frame's arrival to its answer's leaving, since the process began. [s]
    behind : int
        Bytes of its journal that the loop has not read yet; -1 where whole segments lie between.
    problem : str
        What of its journal it found damaged when it started; it went on in a new segment.
    """

    name: str
    running: bool
    told: datetime | None
    connections: int
    frames: dict[str, int]
    p50: float | None
    p99: float | None
    classes: dict[str, int]
    behind: int
    unread: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a server feels like at one moment; `began` is its start, None where no server told.

    `skipped` is what was left out of the journal because it is damaged; the loop goes on without it.
    """

    at: datetime
    watermark: datetime | None
    loop_lag: float | None
    trouble: str
    failures: int
    clock_jumps: int
    readings: int
    complaints: dict[str, int]
    unclaimed: int
    gateways: tuple[GatewayPulse, ...]
    free: int
    total: int
    viewers: int
    began: datetime | None = None
    skipped: tuple[Skipped, ...] = ()
    marks: dict[str, Mark] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether the loop keeps up and the disk has room, so that people may lean on the pages."""
        return "wrong" not in (self.marks.get("loop"), self.marks.get("disk"))


def feel(store: Store, counts: Counts, read_to: dict[str, Position], now: datetime, viewers: int = 0) -> Pulse:
    """Return the pulse.

    Parameters
    ----------
    store : Store
    counts : Counts
        Of the running ingest.
    read_to : dict
        How far the loop has read each journal.
    now : datetime
    viewers : int
        Pages that listen.
    """
    told = _status(store)
    gateways = tuple(_gateway(store, name, read_to, now) for name in _names(store))
    body = store.records.state("loop/watermark")
    watermark = parse_instant(json.loads(body)) if body else None
    disk = shutil.disk_usage(store.home.path)
    found = Pulse(
        at=now,
        watermark=watermark,
        loop_lag=max(0.0, (now - watermark).total_seconds()) if watermark else None,
        trouble=str(told.get("trouble", "")),
        failures=int(told.get("failures", 0)),
        clock_jumps=int(told.get("clock_jumps", 0)),
        readings=counts.readings,
        complaints=_complaints(store, counts),
        unclaimed=len(counts.unclaimed),
        gateways=gateways,
        free=disk.free,
        total=disk.total,
        viewers=viewers,
        began=parse_instant(told["began"]) if told.get("began") else None,
        skipped=tuple(skipped_of(store)),
    )
    found.marks.update(_marks(found))
    return found


def _marks(pulse: Pulse) -> dict[str, Mark]:
    late = pulse.loop_lag is None or pulse.loop_lag > LOOP_LATE
    gates: Mark = "ok" if pulse.gateways and all(gate.running for gate in pulse.gateways) else "wrong"
    if not pulse.gateways:
        gates = "look"
    return {
        "loop": "wrong" if pulse.trouble else "look" if pulse.loop_lag is None else "wrong" if late else "ok",
        "gateways": gates,
        "journal": "look" if pulse.skipped or any(gate.unread or gate.problem for gate in pulse.gateways) else "ok",
        "devices": "look" if pulse.unclaimed or pulse.complaints else "ok",
        "disk": "wrong" if pulse.free < ROOM else "look" if pulse.free < LITTLE_ROOM else "ok",
    }


def _names(store: Store) -> list[str]:
    """Every gateway that has written frames, or has only told that it runs: no device has come to it yet."""
    told = {path.parent.name for path in store.home.journal.glob("*/status.json")}
    return sorted(told.union(store.journal.gateways()))


def _running(told: dict[str, Any], now: datetime) -> bool:
    """Whether a gateway runs: by its process on this machine, by what it told last on another."""
    if told.get("machine", "") in ("", socket.gethostname()):
        return alive(int(told.get("pid", 0)))
    return bool(told.get("pid")) and bool(told.get("at")) and now - parse_instant(told["at"]) < TOLD_LATELY


def _gateway(store: Store, name: str, read_to: dict[str, Position], now: datetime) -> GatewayPulse:
    told = read_status(store.home.journal, name)
    end, at = store.journal.end(name), read_to.get(name, START)
    seconds = told.get("acknowledged_seconds") or {}
    return GatewayPulse(
        name=name,
        running=_running(told, now),
        told=parse_instant(told["at"]) if told.get("at") else None,
        connections=int(told.get("connections", 0)),
        frames={key: int(told.get(key, 0)) for key in FRAMES},
        p50=seconds.get("p50"),
        p99=seconds.get("p99"),
        classes={str(upper): int(count) for upper, count in (told.get("acknowledged_ms_classes") or {}).items()},
        behind=max(0, end.offset - at.offset) if end.segment == at.segment else -1,
        unread=at < end,
        problem=str(told.get("journal_problem") or ""),
    )


def _complaints(store: Store, counts: Counts) -> dict[str, int]:
    """Those about what frames say, and those about the line, which the gateways count."""
    found = Counter(
        {name: count for name, count in counts.complaints.items() if name not in ("garbage", "password_wrong")}
    )
    for gateway in store.journal.gateways():
        found.update(read_status(store.home.journal, gateway).get("complaints", {}))
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _status(store: Store) -> dict[str, Any]:
    try:
        found = json.loads((store.home.path / "status.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
