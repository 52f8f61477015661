"""What the forwarding process is told: the targets with all they need, in one file that the core process writes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from bihuan.core import FormatError, from_json, to_json
from bihuan.devices.plausible import Kind
from bihuan.store import write_whole

logger = logging.getLogger("bihuan.forward")

Mode = Literal["raw", "rewritten"]
"""``raw`` sends the original bytes; ``rewritten`` puts MN, PW, version, factors and units as the target has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One of our loggers as a target knows it.

    Attributes
    ----------
    mn : str
        Its number there.
    password : str
        PW there; empty for the one the frame carries.
    units : dict of str to str
        Unit the logger really sends, by pollutant, where it differs from the protocol's.
    kind : {"environment", "outlet"}
        What its site is, which decides the unit of the protocol.
    """

    mn: str
    password: str = ""
    units: dict[str, str] = field(default_factory=dict)
    kind: Kind = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """One host of a province or ministry.

    Attributes
    ----------
    id, name : str
    host : str
    port : int
    devices : dict of str to Peer
        By our MN; frames of others are not for this target.
    since : datetime
        Frames received before are not for it.
    until : datetime or None
        Nor those received at or after this.
    mode : Mode
    protocol : str
        ``hj212-2005``, ``hj212-2017`` or ``hj212-2025``: version bits and codes of a rewritten frame.
    kinds : tuple of str
        Commands that are forwarded.
    factors : tuple of str
        Pollutants that a rewritten frame keeps; empty for all.
    units : dict of str to str
        Unit that the target wants, by pollutant; values of others go as the logger wrote them.
    window : int
        Frames under way at once, one a device at most.
    timeout : float
        Until a frame without an answer is sent again. [s]
    refusals : int
        After this many refusals a frame is set aside, kept and shown.
    tls : bool
    tls_ca : str
        File of the authority (PEM) that the target's certificate must come from; empty for those of the system.
    tls_name : str
        Name that the certificate must carry; empty for `host`.
    paused : bool
        Keeps its place and sends nothing.
    """

    id: str
    name: str
    host: str
    port: int
    devices: dict[str, Peer]
    since: datetime
    until: datetime | None = None
    mode: Mode = "rewritten"
    protocol: str = "hj212-2017"
    kinds: tuple[str, ...] = ("2011", "2051", "2061", "2031")
    factors: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    window: int = 32
    timeout: float = 10.0
    refusals: int = 10
    tls: bool = False
    tls_ca: str = ""
    tls_name: str = ""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ForwardPlan:
    """Everything the forwarding process is told.

    Attributes
    ----------
    zone : str
        Local time on the wire.
    targets : tuple of TargetPlan
    """

    zone: str
    targets: tuple[TargetPlan, ...]


def plan_path(home: Path) -> Path:
    """Return where the plan lies in a home."""
    return home / "forward" / "plan.json"


def write_plan(home: Path, zone: str, targets: Iterable[TargetPlan]) -> bool:
    """Write the plan where it changed, readable by its owner alone (it holds passwords); say whether it did."""
    path = plan_path(home)
    body = to_json(ForwardPlan(zone, tuple(targets)))
    try:
        if path.read_bytes() == body:
            return False
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, body, private=True)
    return True


class PlanFile:
    """The plan as `write_plan` left it; an absent file has no targets.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.plan = ForwardPlan("Asia/Shanghai", ())
        self._path = path
        self._seen: tuple[int, int] | None = None
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it changed and say whether it did; one that cannot be read changes nothing."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return False
            self._seen = seen
            self.plan = from_json(self._path.read_bytes(), ForwardPlan)
        except FileNotFoundError:
            return False
        except (OSError, FormatError) as problem:
            logger.error("the plan of forwarding cannot be read, the last one stays in force: %s", problem)
            return False
        return True
