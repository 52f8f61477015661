"""Does a value look like another unit? The table is `plausible.toml`; it is said, never changed."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

Kind = Literal["environment", "outlet"]
"""What a site is: the surroundings (station, section), or where something is put out."""


class Plausible(NamedTuple):
    """Bounds outside which the unit of a value is doubted, and the unit it then looks like."""

    low: float
    high: float
    larger: str
    smaller: str

    def doubt(self, value: float) -> str:
        """Return the unit the value looks like, empty when it is plausible. Zero is always plausible."""
        if value > self.high:
            return self.smaller
        return self.larger if 0 < value < self.low else ""


NEVER = Plausible(float("-inf"), float("inf"), "", "")


@cache
def plausible(kind: Kind, pollutant: str) -> Plausible:
    """Return the bounds of a pollutant, in the unit Bihuan keeps; `NEVER` doubts nothing."""
    row = _table()[kind].get(pollutant)
    return NEVER if row is None else Plausible(**row)


@cache
def _table() -> dict[str, dict[str, dict[str, Any]]]:
    text = resources.files("bihuan.devices").joinpath("plausible.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    return {kind: tables[kind] for kind in ("environment", "outlet")}
