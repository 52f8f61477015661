"""One problem, one case: what is known already, what comes back, what repeats another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bihuan.cases.actions import SYSTEM, Action, Fields
from bihuan.cases.machine import machine, open_case, step
from bihuan.cases.matters import matter_of
from bihuan.cases.model import Case, Opening
from bihuan.cases.settings import CaseSettings
from bihuan.core import Place

IntakeOutcome = Literal["opened", "known", "merged", "reopened"]


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of something at a door.

    Attributes
    ----------
    case : Case
        The case that answers for it now.
    outcome : IntakeOutcome
        ``opened`` a new one, ``known`` it had entered before, ``merged`` another case answers for it,
        ``reopened`` 反弹重开 of an ended one.
    changed : tuple of Case
        Every case to be saved; empty when nothing changed.
    """

    case: Case
    outcome: IntakeOutcome
    changed: tuple[Case, ...]


def admit(opening: Opening, existing: Iterable[Case], now: datetime, settings: CaseSettings) -> Intake:
    """Let something in: attach it to the case it belongs to, or open one."""
    cases = sorted(existing, key=lambda case: (case.opened, case.id))
    known = _known(opening, cases)
    if known is not None:
        return _again(known, opening, now, settings)
    back = _rebound(opening, cases, now, settings)
    if back is not None:
        return _reopen(back, opening, now, settings)
    same = _duplicate(opening, cases, settings)
    fresh = open_case(opening)
    if same is None:
        return Intake(fresh, "opened", (fresh,))
    return _merge(fresh, same, now, settings)


def settle_followers(main: Case, others: Iterable[Case], now: datetime, settings: CaseSettings) -> tuple[Case, ...]:
    """Close the complaints that a closed case answers for, so that their reporters can be told (回访).

    Returns
    -------
    tuple of Case
        Those that changed.
    """
    if main.state not in {"closed", "archived"} or main.fixed is None:
        return ()
    waiting = [case for case in others if case.merged_into == main.id and case.state == "merged"]
    return tuple(
        step(case, Action("settle", SYSTEM, now, {"case": main.id, "note": main.result}), settings)
        for case in waiting
        if case.kind == "complaint"
    )


def merge_by_hand(case: Case, into: Case, action: Action, settings: CaseSettings | None = None) -> tuple[Case, Case]:
    """Merge a case into another one (并案) and return both, the first one merged.

    Raises
    ------
    StepRefused, RightRefused
        If either of the two does not allow it; then neither has changed.
    """
    linked = step(into, Action("link", action.by, action.at, {"case": case.id}, received=action.received), settings)
    fields: Fields = {**action.fields, "case": into.id}
    merged = step(case, Action("merge", action.by, action.at, fields, received=action.received), settings)
    return merged, linked


def _known(opening: Opening, cases: list[Case]) -> Case | None:
    events = {ref for ref in opening.sources if ref.kind == "event"}
    found = [case for case in cases if case.id == opening.id or events & set(case.sources)]
    return min(found, key=lambda case: case.state == "merged", default=None)


def _again(case: Case, opening: Opening, now: datetime, settings: CaseSettings) -> Intake:
    """The same thing once more: only what is new about it (later suspects, say) is attached."""
    fresh = tuple(str(ref) for ref in opening.sources if ref not in case.sources)
    evidence = tuple(item for item in opening.evidence if item.ref not in {old.ref for old in case.evidence})
    row = machine().row("attach", case.state, case.kind)
    if row is None or not (fresh or evidence):
        return Intake(case, "known", ())
    changed = step(case, Action("attach", SYSTEM, now, {"sources": fresh}, evidence=evidence), settings)
    return Intake(changed, "known", (changed,))


def _rebound(opening: Opening, cases: list[Case], now: datetime, settings: CaseSettings) -> Case | None:
    """The latest ended case of the same source, if it was closed within the days that make a rebound."""
    if opening.door != "alarm" or opening.subject is None:
        return None
    since = now - timedelta(days=settings.rebound_days)
    ended = [
        case
        for case in cases
        if case.state in {"closed", "archived"}
        and case.fixed is not None
        and case.fixed.at >= since
        and case.matter == opening.matter
        and _alike(case.kind, opening.kind)
        and _same_source(case, opening)
    ]
    return max(ended, key=lambda case: (case.since, case.id), default=None)


def _same_source(case: Case, opening: Opening) -> bool:
    if case.suspect is not None or opening.suspect is not None:
        return case.suspect == opening.suspect
    return case.opening.subject == opening.subject


def _reopen(case: Case, opening: Opening, now: datetime, settings: CaseSettings) -> Intake:
    fields: Fields = {"reason": "rebound", "sources": tuple(str(ref) for ref in opening.sources)}
    changed = step(case, Action("reopen", SYSTEM, now, fields, evidence=opening.evidence), settings)
    return Intake(changed, "reopened", (changed,))


def _duplicate(opening: Opening, cases: list[Case], settings: CaseSettings) -> Case | None:
    """An open case of the same matter near by in place and time; an order always stands alone."""
    if opening.kind == "order":
        return None
    citywide = matter_of(opening.matter).citywide
    for case in cases:
        if (
            machine().row("link", case.state, case.kind) is not None
            and _alike(case.kind, opening.kind)
            and case.matter == opening.matter
            and (citywide or _near(case.place, opening.place, settings))
            and abs(opening.created - case.opening.created) <= timedelta(hours=settings.duplicate_hours)
        ):
            return case
    return None


def _alike(one: str, other: str) -> bool:
    """A work order of a maintainer and an outlet's own alarm have ways of their own and answer for their like only."""
    return one == other or not {one, other} & {"maintenance", "outlet"}


def _near(one: Place | None, other: Place | None, settings: CaseSettings) -> bool:
    return one is not None and other is not None and one.distance(other) <= settings.duplicate_metres


def _merge(fresh: Case, main: Case, now: datetime, settings: CaseSettings) -> Intake:
    merged = step(fresh, Action("merge", SYSTEM, now, {"case": main.id, "reason": "duplicate"}), settings)
    sources = tuple(str(ref) for ref in fresh.sources)
    linked = step(
        main, Action("link", SYSTEM, now, {"case": fresh.id, "sources": sources}, evidence=fresh.evidence), settings
    )
    return Intake(linked, "merged", (linked, merged))
