"""How many parts make a mean valid, from the standards in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from bihuan.standards import lookup

AIR = "GB 3095"


@dataclass(frozen=True, slots=True)
class Needed:
    """Counts that make a mean valid.

    Attributes
    ----------
    minutes : float
        Of an hour.
    hours : mapping of str to int
        Of a day, by pollutant; the key ``""`` stands for all others.
    source : str
        Standard and clauses they come from.
    """

    minutes: float
    hours: Mapping[str, int]
    source: str


def needed(on: date, place: str = "") -> Needed:
    """Return the counts in force on a day: 45 minutes an hour and 20 hours a day, 24 for TSP.

    Raises
    ------
    NotCovered
        If no edition is in force at the place.

    Notes
    -----
    GB 3095 table 4. What it does not name (outlets, sections) takes the same counts: HJ 76 annex B and HJ 212-2017
    annex D, which say 45 minutes and 20 hours as well, are younger than series that people import.
    """
    air = lookup(AIR, on=on, place=place)
    hour = air.row("validity", "gases", averaging="hour")
    basic = air.row("validity", "basic", averaging="day")
    hours = {"": int(basic["at_least"])}
    for row in air.table("validity"):
        if row.fields.get("averaging") == "day":
            hours |= {pollutant: int(row["at_least"]) for pollutant in row["pollutants"]}
    source = f"{air.number} {hour.clause}, {basic.clause}"
    return Needed(float(hour["at_least"]), MappingProxyType(hours), source)
