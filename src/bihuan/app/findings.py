"""What officers found feeds the next ranking: by source and by grid cell, fading, and always shown with its factor.

A finding counts from the instant it reached us. Of a source the last one counts; it multiplies the weight the source
has before anything is measured. What a patrol finds outside the list counts for the grid cell of the station whose
alarm sent it: there 清单外来源 begins with a larger share. Both fade with one half-life, so that nobody is believed
guilty, or innocent, for ever. Nothing here is stored: cases hold it all, and `learned` reads it back for any instant.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bihuan.cases import PATROL, Case
from bihuan.core import Ref
from bihuan.register import Register
from bihuan.tracing import PlumeTracer

FINDING_WEIGHT: Mapping[str, float] = {
    "true": 3.0,
    "partly_true": 2.0,
    "fixed_on_site": 3.0,
    "untrue": 0.1,
    "not_found": 0.3,
}
"""What a finding does to the weight of a source while it is fresh: a caught one is likelier to do it again, a cleared
one is not believed innocent for ever. A visit that could not look says nothing."""

HALF_LIFE = timedelta(days=7)
"""After so long the logarithm of a factor is half of what it was: 3.0 has become 1.7, 0.1 has become 0.3. Chosen, not
measured: no record of a city is long enough yet."""

SPENT = 1.05
"""A factor within this of 1 is over and counts no more."""

CAUGHT = frozenset({"true", "partly_true", "fixed_on_site", "transferred"})
"""Findings that somebody did it: at a listed source, or on patrol outside the list."""

FAITH = 4.0
"""So many findings in a cell weigh as much as the usual share of 清单外来源."""

LEAST, MOST = 0.5, 5.0
"""The share of 清单外来源 in a cell stays between these multiples of the usual one."""


@dataclass(frozen=True, slots=True)
class Learned:
    """One finding that still counts.

    Attributes
    ----------
    source : Ref or None
        None: a patrol found somebody outside the list.
    cell : str
        Grid cell of the station whose alarm sent the officer; empty where nobody knows.
    result : str
        One of `cases.RESULTS`.
    at, logged : datetime
        When it was found, and when it reached us.
    case : str
    role : str
        In which the officer acted.
    fresh, factor : float
        On the weight of the source, at first and at the instant asked for; 1 of what concerns the cell alone.
    share : float
        How much of it is left, 1 when fresh. 0-1
    until : datetime
        When it is over.
    """

    source: Ref | None
    cell: str
    result: str
    at: datetime
    logged: datetime
    case: str
    role: str
    fresh: float
    factor: float
    share: float
    until: datetime


@dataclass(frozen=True, slots=True)
class CellPrior:
    """What findings in one grid cell do to 清单外来源.

    Attributes
    ----------
    cell : str
    outside, listed : int
        Sources caught outside the list, and on it.
    usual, share : float
        Prior share of 清单外来源 without and with them. 0-1
    until : datetime
        When the last of them is over.
    """

    cell: str
    outside: int
    listed: int
    usual: float
    share: float
    until: datetime


@dataclass(frozen=True, slots=True)
class Prior:
    """All findings in force at an instant.

    Attributes
    ----------
    at : datetime
    findings : tuple of Learned
        Newest first; of each source the last alone weighs on it.
    """

    at: datetime
    findings: tuple[Learned, ...] = ()

    @property
    def of_source(self) -> dict[Ref, Learned]:
        """The last finding at each source, if it weighs."""
        found: dict[Ref, Learned] = {}
        seen: set[Ref] = set()
        for one in self.findings:
            if one.source is None or one.source in seen or one.result not in FINDING_WEIGHT:
                continue
            seen.add(one.source)
            if one.factor != 1.0:
                found[one.source] = one
        return found

    @property
    def weights(self) -> dict[Ref, float]:
        """What the tracer takes as `prior`."""
        return {source: one.factor for source, one in self.of_source.items()}

    def of_cell(self, cell: str, usual: float) -> CellPrior | None:
        """Return what was learned in a cell; None without any finding there."""
        here = [one for one in self.findings if cell and one.cell == cell and one.result in CAUGHT]
        if not here:
            return None
        outside = [one.share for one in here if one.source is None]
        listed = [one.share for one in here if one.source is not None]
        share = (FAITH * usual + sum(outside)) / (FAITH + sum(outside) + sum(listed))
        share = min(max(share, LEAST * usual), MOST * usual, 0.9)
        return CellPrior(cell, len(outside), len(listed), usual, share, max(one.until for one in here))

    def fitted(self, tracer: PlumeTracer, cell: str) -> PlumeTracer:
        """Return the tracer with the share of 清单外来源 that was learned in a cell; the same one without findings."""
        known = self.of_cell(cell, tracer.settings.hidden_share)
        if known is None:
            return tracer
        taught = copy.copy(tracer)
        room = 0.98 - tracer.settings.regional_share
        taught.settings = replace(tracer.settings, hidden_share=min(known.share, room))
        return taught


def learned(cases: Iterable[Case], at: datetime, register: Register | None = None) -> Prior:
    """Return the findings of officers that are in force at an instant.

    Parameters
    ----------
    cases : iterable of Case
    at : datetime
        What reached us later does not count, and what is over neither.
    register : Register, optional
        Tells the grid cell of a station; without it cells learn nothing.
    """
    found = [one for case in cases for one in _of_case(case, at, register)]
    return Prior(at, tuple(sorted(found, key=lambda one: (one.at, one.case, str(one.source)), reverse=True)))


def cell_of(subject: Ref | None, register: Register | None, at: datetime) -> str:
    """Return the grid cell in which the station of an alarm stands; empty where nobody knows."""
    if subject is None or register is None:
        return ""
    place = register.place_of(subject, at.date())
    cell = None if place is None else register.cell_at(place, at.date())
    return "" if cell is None else cell.id


def _of_case(case: Case, at: datetime, register: Register | None) -> Iterator[Learned]:
    """Findings of one case: at its suspects, and of a patrol that had none. A mended device caught nobody."""
    if case.kind == "maintenance":
        return
    logs = {(step.at, step.action.by.person): step for step in case.steps}
    for visit in case.visits:
        step = logs.get((visit.at, visit.by))
        source = None if visit.suspect.kind == "patrol" else visit.suspect
        role, logged = (step.role, step.logged) if step else ("", visit.at)
        yield from _in_force(case, source, visit.result, visit.at, logged, role, register, at)
    visited = {(visit.at, visit.by) for visit in case.visits}
    for step in case.steps:
        result = step.action.get("result")
        if case.matter != PATROL or result not in CAUGHT or (step.at, step.action.by.person) in visited:
            continue
        if step.action.kind in {"handle", "report", "transfer"}:
            yield from _in_force(case, None, result, step.at, step.logged, step.role, register, at)
            return  # what is said again when the case is reported was found once


def _in_force(
    case: Case,
    source: Ref | None,
    result: str,
    found: datetime,
    logged: datetime,
    role: str,
    register: Register | None,
    at: datetime,
) -> Iterator[Learned]:
    fresh = FINDING_WEIGHT.get(result, 1.0) if source is not None else 1.0
    if logged > at or (result not in FINDING_WEIGHT and result not in CAUGHT):
        return
    # a finding that concerns the cell alone lasts like the strongest one
    size = abs(math.log(fresh)) if fresh != 1.0 else math.log(max(FINDING_WEIGHT.values()))
    until = found + HALF_LIFE * math.log2(size / math.log(SPENT))
    if at >= until:
        return
    share = 0.5 ** (max(at - found, timedelta(0)) / HALF_LIFE)
    cell = cell_of(case.opening.subject, register, case.opened)
    yield Learned(source, cell, result, found, logged, case.id, role, fresh, fresh**share, share, until)
