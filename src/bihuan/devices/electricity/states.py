"""Producing while the treatment stands still: what the power of two lines says, as a typed result for a rule."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

from bihuan.core import Reading
from bihuan.register import Device

Role = Literal["production", "control"]
Work = Literal["controlled", "idle", "treating", "uncontrolled", "unknown"]
"""``controlled`` both run, ``idle`` neither, ``treating`` only the treatment runs, ``uncontrolled`` only production
runs, ``unknown`` one of the two is not measured."""


class Line(NamedTuple):
    """What a meter measures: its role, and the name that joins production with its treatment."""

    role: Role
    name: str


@dataclass(frozen=True, slots=True)
class States:
    """When a line counts as running (`states.toml`, or a setting of the city).

    Attributes
    ----------
    on_above : float
        [kW]
    hold : timedelta
        For how long it has to last before it is said.
    status, source : str
    """

    on_above: float
    hold: timedelta
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class LineState:
    """How production and treatment of one line stood over a while.

    Attributes
    ----------
    site, line : str
    work : Work
    start, end : datetime
        Over which it was so without a break, UTC.
    production, control : float or None
        Mean power of it; None where it is not measured. [kW]
    held : bool
        Whether it lasted as long as `States.hold` asks for.
    status : str
        Of the thresholds: an ``unconfirmed`` one decides nothing by itself.
    frames : tuple of str
        Of the last readings of both.
    """

    site: str
    line: str
    work: Work
    start: datetime
    end: datetime
    production: float | None
    control: float | None
    held: bool
    status: str
    frames: tuple[str, ...] = ()


@cache
def states() -> States:
    """Return the thresholds of `states.toml`."""
    table = tomllib.loads(resources.files("bihuan.devices.electricity").joinpath("states.toml").read_text("utf-8"))
    return States(float(table["on_above"]), timedelta(seconds=table["hold"]), table["status"], table["source"])


def line_of(device: Device) -> Line | None:
    """Return what the meter of a register row measures, None for a device that is no meter of a line."""
    role, mark, name = device.line.partition(":")
    if not mark or not name:
        return None
    return Line("production", name) if role == "production" else Line("control", name) if role == "control" else None


Told = Callable[[str, datetime], bool | None]
"""Whether the treatment of a site was told to run at an instant (CN 2021, ``SBn-RS``); None where nobody told."""


def line_states(
    meters: Iterable[Device], readings: Iterable[Reading], known: States | None = None, told: Told | None = None
) -> list[LineState]:
    """Return how every line of production stood, spell after spell, oldest first.

    Parameters
    ----------
    meters : iterable of Device
        Those of one or more sites.
    readings : iterable of Reading
        Power of these meters [kW], of one interval; missing values are gaps, not zero.
    known : States, optional
    told : callable, optional
        Asked for a line whose treatment has no meter at all.

    Notes
    -----
    A line with several meters of one role runs when one of them does. Where a line has no meter of its treatment and
    no logger told its run state, or a meter is silent, the state is ``unknown``: it is never said that something stood
    still that nobody measured.
    """
    known = known or states()
    lines = {device.id: (device.site, line) for device in meters if (line := line_of(device)) is not None}
    slots: dict[tuple[str, str], dict[datetime, dict[Role, list[Reading]]]] = {}
    for one in readings:
        if one.device in lines and one.pollutant == "power" and one.value is not None and one.quality != "bad":
            site, line = lines[one.device]
            moment = slots.setdefault((site, line.name), {}).setdefault(one.start, {})
            moment.setdefault(line.role, []).append(one)
    found = []
    metered = {(site, line.name) for site, line in lines.values() if line.role == "control"}
    for (site, name), moments in sorted(slots.items()):
        asked = told if (site, name) not in metered else None
        found += _spells(site, name, moments, known, asked)
    return sorted(found, key=lambda state: (state.start, state.site, state.line))


def _spells(
    site: str, name: str, moments: Mapping[datetime, Mapping[Role, list[Reading]]], known: States, told: Told | None
) -> list[LineState]:
    spells: list[tuple[Work, list[Mapping[Role, list[Reading]]], datetime, datetime]] = []
    for start in sorted(moments):
        parts = moments[start]
        end = max(one.end for ones in parts.values() for one in ones)
        work = _work(parts, known.on_above, told(site, start) if told else None)
        if spells and spells[-1][0] == work and start <= spells[-1][3]:
            spells[-1][1].append(parts)
            spells[-1] = (work, spells[-1][1], spells[-1][2], end)
        else:
            spells.append((work, [parts], start, end))
    return [
        LineState(
            site=site,
            line=name,
            work=work,
            start=start,
            end=end,
            production=_mean(parts, "production"),
            control=_mean(parts, "control"),
            held=end - start >= known.hold,
            status=known.status,
            frames=tuple(sorted({one.frame for ones in parts[-1].values() for one in ones if one.frame})),
        )
        for work, parts, start, end in spells
    ]


def _work(parts: Mapping[Role, list[Reading]], on_above: float, told: bool | None) -> Work:
    if not parts.get("production") or (not parts.get("control") and told is None):
        return "unknown"
    produces = any((one.value or 0.0) > on_above for one in parts["production"])
    metered = parts.get("control")
    treats = any((one.value or 0.0) > on_above for one in metered) if metered else bool(told)
    if produces:
        return "controlled" if treats else "uncontrolled"
    return "treating" if treats else "idle"


def _mean(parts: list[Mapping[Role, list[Reading]]], role: Role) -> float | None:
    """Mean over time of the sum of the meters of a role."""
    sums = [sum(one.value or 0.0 for one in moment[role]) for moment in parts if moment.get(role)]
    return round(sum(sums) / len(sums), 3) if sums else None
