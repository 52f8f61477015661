"""What went wrong in a server since its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Troubles:
    """What went wrong since the start; `bihuan doctor`, the health page and the metrics tell it.

    Attributes
    ----------
    now : str
        What keeps the loop from going on at present, empty when nothing does.
    clock_jumps, failures : int
    """

    now: str = ""
    clock_jumps: int = 0
    failures: int = 0
