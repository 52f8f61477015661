"""The loggers (数采仪) of the city: one for every station, outlet and section, with its number and password."""

from __future__ import annotations

from collections.abc import Iterable

from bihuan.app.city.draws import draws, table
from bihuan.register import Device, Fact, Outlet, Section, Station


def draw_loggers(seed: int, facts: Iterable[Fact]) -> list[Device]:
    """Give every measured site a logger; some outlets still have one of HJ/T 212-2005."""
    settings = table("defaults")["devices"]
    loggers = []
    for fact in facts:
        if isinstance(fact, Station):
            rhythm = {"minute": settings["station_minute"], "hour": 3600}
            loggers.append(_logger(seed, fact, "station", "A1", rhythm, "maintainer_air"))
        elif isinstance(fact, Section):
            rhythm = {"hour": settings["section_hour"]}
            loggers.append(_logger(seed, fact, "section", "B1", rhythm, "maintainer_water"))
        elif isinstance(fact, Outlet):
            rhythm = {"minute": settings["outlet_minute"], "hour": 3600}
            kind = "C1" if fact.medium == "air" else "C2"
            loggers.append(_logger(seed, fact, "outlet", kind, rhythm, "maintainer_outlet"))
    return loggers


def _logger(seed: int, fact: Fact, kind: str, code: str, rhythm: dict[str, int], maintainer: str) -> Device:
    rng = draws(seed, "logger", kind, fact.id)
    names = table("names")
    old = kind == "outlet" and rng.random() < table("defaults")["devices"]["old_share"]
    serial = int(rng.integers(16**8))
    mn = f"9901{code}{serial:08d}"[:14] if old else f"990101{code}{fact_number(fact):06d}{serial:010X}"
    return Device(
        id=mn,
        name=f"{fact.name}数采仪",
        site=f"{kind}:{fact.id}",
        password=f"{int(rng.integers(1_000_000)):06d}",
        protocol="hj212-2005" if old else "hj212-2017",
        rhythm=rhythm,
        maintainer=maintainer,
        source=names["source"],
    )


def fact_number(fact: Fact) -> int:
    """The digits of an id as one number: makes the number of a logger tell its site."""
    return int("".join(letter for letter in fact.id if letter.isdigit()) or "0") % 1_000_000
