"""The machine of a case: `step` takes what ``machine.toml`` allows, `replay` rebuilds from the log."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from importlib import resources

from bihuan.cases.actions import Action, Actor, Step
from bihuan.cases.conditions import ASKED, READY, RIGHTS
from bihuan.cases.declaring import marked_late
from bihuan.cases.effects import changes_of
from bihuan.cases.evidence import NOTHING_SEEN, examine, strayed
from bihuan.cases.model import Case, Opening
from bihuan.cases.settings import CaseSettings, default_settings
from bihuan.core import CaseChanged, Complaint, Ref, RightRefused, StepRefused, iso


@dataclass(frozen=True, slots=True)
class Row:
    """One allowed step of ``machine.toml``; the attributes are its keys."""

    kind: str
    origin: tuple[str, ...]
    to: str
    roles: tuple[str, ...]
    needs: tuple[str, ...]
    when: tuple[str, ...]
    tells: tuple[str, ...]
    kinds: tuple[str, ...]
    but_not: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClockRow:
    """In which states a clock runs, what ends it and what begins it anew."""

    runs_in: tuple[str, ...]
    ends_with: tuple[str, ...]
    renewed_by: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """The whole of ``machine.toml``."""

    main: tuple[str, ...]
    side: tuple[str, ...]
    rows: tuple[Row, ...]
    clocks: Mapping[str, ClockRow]

    @property
    def states(self) -> tuple[str, ...]:
        """Every state, the main way first."""
        return self.main + self.side

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind of step, in the order of the table."""
        return tuple(dict.fromkeys(row.kind for row in self.rows))

    def row(self, kind: str, state: str, case_kind: str) -> Row | None:
        """Return the row for a step from a state; one for the kind of the case beats a general one."""
        rows = [row for row in self.rows if row.kind == kind and state in row.origin]
        special = [row for row in rows if case_kind in row.kinds]
        general = [row for row in rows if not row.kinds and case_kind not in row.but_not]
        return next(iter(special or general), None)


@cache
def machine() -> Machine:
    """Return the machine."""
    table = tomllib.loads(resources.files("bihuan.cases").joinpath("machine.toml").read_text("utf-8"))
    rows = tuple(
        Row(
            row["kind"],
            tuple(row["from"]),
            row.get("to", ""),
            *(tuple(row.get(name, ())) for name in ("roles", "needs", "when", "tells", "kinds", "but_not")),
        )
        for row in table["step"]
    )
    clocks = {
        name: ClockRow(*(tuple(row.get(key, ())) for key in ("runs_in", "ends_with", "renewed_by", "kinds")))
        for name, row in table["clock"].items()
    }
    return Machine(tuple(table["states"]["main"]), tuple(table["states"]["side"]), rows, clocks)


def open_case(opening: Opening) -> Case:
    """Return the case as it is registered (登记/受理): one step, state ``registered``."""
    action = Action("register", opening.by, opening.created, received=opening.opened)
    role = opening.by.roles[0] if opening.by.roles else "system"
    first = Step(action.id, action, role, "", "registered", opening.opened, opening.opened)
    return Case(
        opening=opening,
        state="registered",
        since=opening.opened,
        steps=(first,),
        matter=opening.matter,
        place=opening.place,
        cell=opening.cell,
        district=opening.district,
        lead=opening.lead,
        support=opening.support,
        officer=opening.officer,
        suspect=opening.suspect,
        sources=opening.sources,
        evidence=opening.evidence,
    )


def step(
    case: Case, action: Action, settings: CaseSettings | None = None, used: Mapping[str, Ref] = NOTHING_SEEN
) -> Case:
    """Take one action and return the case after it.

    Parameters
    ----------
    case : Case
    action : Action
    settings : CaseSettings, optional
        Of the city; the defaults if not given.
    used : mapping of str to Ref
        Digests of photos shown in other cases -> that case, to flag re-used ones.

    Returns
    -------
    Case
        The same object when this very action was taken before.

    Raises
    ------
    CaseChanged
        If someone moved the case since the revision that the actor was looking at.
    StepRefused
        If the state, a missing field or a condition does not allow it; the message names the steps that are.
    RightRefused
        If the role, the area or the address does not allow it.
    """
    settings = settings or default_settings()
    if any(past.id == action.id for past in case.steps):
        return case
    _hold_revision(case, action)
    row = machine().row(action.kind, case.state, case.kind)
    if row is None:
        raise StepRefused(_message(case, action, f"is not allowed while the case is {case.state}", settings))
    role = _right(case, action, row, settings)
    _ask(case, action, row, role, settings)
    return _take(case, action, row, role, _odd(case, action, settings, used))


def allowed(case: Case, actor: Actor | None = None, settings: CaseSettings | None = None) -> tuple[str, ...]:
    """Return the steps that a case allows now: to anyone, or to one actor."""
    settings = settings or default_settings()
    found = []
    for kind in machine().kinds:
        row = machine().row(kind, case.state, case.kind)
        roles = () if row is None else row.roles if actor is None else [r for r in actor.roles if r in row.roles]
        if row and any(_open_to(case, actor, role, row, settings) for role in roles):
            found.append(kind)
    return tuple(found)


def replay(opening: Opening, steps: Iterable[Step]) -> Case:
    """Rebuild a case from what entered and what was logged.

    Raises
    ------
    StepRefused
        If the log holds a step that the machine does not know from the state before it.
    """
    case = open_case(opening)
    for logged in steps:
        if logged.action.kind == "register":
            continue
        row = machine().row(logged.action.kind, case.state, case.kind)
        if row is None:
            raise StepRefused(f"the log of case {case.id} holds {logged.action.kind!r} while it was {case.state}")
        case = _take(case, logged.action, row, logged.role, logged.complaints)
    return case


def _hold_revision(case: Case, action: Action) -> None:
    """Refuse what was decided on an older sight of the case; a remark or 催办 in between hinders nobody."""
    if action.revision is None:
        return
    since = [past for past in case.steps[action.revision :] if past.before != past.after or past.action.kind in MOVING]
    if since:
        changes = "; ".join(f"{past.action.by.person} did {past.action.kind} at {iso(past.at)}" for past in since)
        raise CaseChanged(
            f"case {case.id} changed since you looked (revision {action.revision}, now {case.revision}): {changes}; "
            f"it is {case.state} now: look again and repeat {action.kind!r} if it is still right"
        )


MOVING = {"reassign", "ask_extension", "grant_extension", "refuse_extension", "revisit"}
"""Steps that change what others may do although the state may stay."""


def _right(case: Case, action: Action, row: Row, settings: CaseSettings) -> str:
    roles = [role for role in action.by.roles if role in row.roles]
    if not roles:
        mine = ", ".join(action.by.roles) or "none"
        raise RightRefused(_message(case, action, f"needs a role of {', '.join(row.roles)}, yours: {mine}", settings))
    why = ""
    for role in roles:
        refused = (RIGHTS[name](case, action.by, role, settings) for name in row.when if name in RIGHTS)
        why = next(filter(None, refused), "")
        if not why:
            return role
    raise RightRefused(_message(case, action, f"is not yours: {why}", settings))


def _ask(case: Case, action: Action, row: Row, role: str, settings: CaseSettings) -> None:
    why = next(filter(None, (READY[name](case, role, settings) for name in row.when if name in READY)), "")
    missing = [need for need in row.needs if not _given(case, action, need)]
    if not why and missing:
        why = f"lacks {', '.join(missing)}"
    why = why or next(filter(None, (ASKED[name](case, action) for name in row.when if name in ASKED)), "")
    if why:
        raise StepRefused(_message(case, action, f"cannot be taken: {why}", settings))


def _given(case: Case, action: Action, need: str) -> bool:
    if need == "unit?":
        return bool(action.get("unit") or case.lead)
    if need == "result?":
        return bool(action.get("result") or case.result)
    given = {"photo": bool(action.photos), "place": action.place is not None, "evidence": bool(action.evidence)}
    return any(given[name] if name in given else bool(action.get(name).strip()) for name in need.split("/"))


def _open_to(case: Case, actor: Actor | None, role: str, row: Row, settings: CaseSettings) -> bool:
    rights = [] if actor is None else [RIGHTS[name](case, actor, role, settings) for name in row.when if name in RIGHTS]
    return not any(rights) and not any(READY[name](case, role, settings) for name in row.when if name in READY)


def _message(case: Case, action: Action, why: str, settings: CaseSettings) -> str:
    mine = allowed(case, action.by, settings)
    anyone = [kind for kind in allowed(case, None, settings) if kind not in mine]
    others = f"; to others: {', '.join(anyone)}" if anyone else ""
    return f"case {case.id}: step {action.kind!r} {why}; allowed to you now: {', '.join(mine) or 'nothing'}{others}"


def _odd(case: Case, action: Action, settings: CaseSettings, used: Mapping[str, Ref]) -> tuple[Complaint, ...]:
    own = {photo.digest: case.ref for photo in case.photos}
    received = action.received or action.at
    odd = examine(action.photos, case.place, action.at, settings, {**used, **own})
    odd += marked_late(case, action)
    if action.kind in {"arrive", "pass"}:
        odd += strayed(action.place, case.place, settings)
    if action.get("place_by") == "hand":
        odd += (
            Complaint("place_by_hand", f"the place was given by hand: {action.get('place_reason') or 'no reason'}"),
        )
    if action.at > received + timedelta(minutes=settings.clock_minutes):
        odd += (Complaint("time_ahead", f"said to be done {action.at - received} after it reached us"),)
    if action.at < case.since:
        odd += (Complaint("time_before", f"said to be done {case.since - action.at} before the case was {case.state}"),)
    if received < case.steps[-1].logged:
        odd += (Complaint("time_back", "our clock went back since the step before"),)
    return odd


def _take(case: Case, action: Action, row: Row, role: str, odd: tuple[Complaint, ...]) -> Case:
    logged = max(action.received or action.at, case.steps[-1].logged)
    at = max(min(action.at, logged), case.since)
    after = case.resume_to if row.to == "before" else row.to or case.state
    entry = Step(action.id, action, role, case.state, after, at, logged, odd)
    changes = changes_of(case, entry)
    since: datetime = at if after != case.state else case.since
    return replace(case, state=after, since=since, steps=(*case.steps, entry), **changes)
