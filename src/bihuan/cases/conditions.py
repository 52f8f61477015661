"""The conditions that a row of the machine may ask for; each returns why it does not hold, or nothing.

Three kinds: RIGHTS look at who acts, READY at how the case stands, ASKED at what the action says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import get_args

from bihuan.cases.actions import RESULTS, SATISFACTIONS, Action, Actor
from bihuan.cases.declaring import CAUSES, EXPLAINED, FINDINGS, MARKS, OFFENCE, marked_at
from bihuan.cases.model import Case
from bihuan.cases.settings import CaseSettings
from bihuan.core import EffectVerdict, InputError, parse_instant

DESK = {"system", "duty_officer", "duty_leader", "dispatcher"}

CLEARED = frozenset({"untrue", "not_found"})
"""Results that say a suspected source was not it."""

RULED_OUT = CLEARED | {"no_access"}
"""Results after which the search goes on elsewhere."""


def _own_area(case: Case, actor: Actor, role: str, settings: CaseSettings) -> str:
    if actor.district and case.district and actor.district != case.district:
        return f"it belongs to district {case.district}, yours is {actor.district}"
    return ""


def _addressed(case: Case, actor: Actor, role: str, settings: CaseSettings) -> str:
    units = (case.lead, *case.support)
    if role in DESK or actor.person == case.officer or (actor.unit and actor.unit in units):
        return ""
    return f"it was given to {case.officer or 'no person'} and to the units {', '.join(filter(None, units)) or 'none'}"


def _not_handler(case: Case, actor: Actor, role: str, settings: CaseSettings) -> str:
    if actor.person in case.handlers:
        return "whoever handled it may not check it, settle it, revisit it or approve its extension"
    return ""


def _named_enterprise(case: Case, actor: Actor, role: str, settings: CaseSettings) -> str:
    if actor.unit and actor.unit in {case.opening.enterprise, case.lead, *case.support}:
        return ""
    return f"it concerns the enterprise {case.opening.enterprise or 'none'}"


def _superior_decides(case: Case, actor: Actor, role: str, settings: CaseSettings) -> str:
    if case.returns >= settings.max_returns and role != "duty_leader":
        return f"it was returned {case.returns} times, so the duty leader decides who handles it"
    return ""


def _addressed_or_named(case: Case, actor: Actor, role: str, settings: CaseSettings) -> str:
    """The enterprise that has to rectify need not be the unit that was sent there."""
    if role == "enterprise_manager":
        return _named_enterprise(case, actor, role, settings)
    return _addressed(case, actor, role, settings)


Right = Callable[[Case, Actor, str, CaseSettings], str]
RIGHTS: dict[str, Right] = {
    "own_area": _own_area,
    "addressed": _addressed,
    "not_handler": _not_handler,
    "named_enterprise": _named_enterprise,
    "addressed_or_named": _addressed_or_named,
    "superior_decides": _superior_decides,
}


def _returns_left(case: Case, role: str, settings: CaseSettings) -> str:
    if case.returns >= settings.max_returns:
        return f"it was returned {case.returns} times already and the duty leader decided"
    return ""


def _nothing_asked(case: Case, role: str, settings: CaseSettings) -> str:
    return "an extension is asked for already" if case.asked else ""


def _extension_asked(case: Case, role: str, settings: CaseSettings) -> str:
    return "" if case.asked else "nobody asked for an extension"


def _public_complaint(case: Case, role: str, settings: CaseSettings) -> str:
    return "" if case.kind == "complaint" else "only a public complaint has a reporter to ask"


def _revisited(case: Case, role: str, settings: CaseSettings) -> str:
    if case.kind != "complaint":
        return ""
    if case.revisit is None:
        return "a public complaint ends only after its reporter was asked (revisit)"
    if case.revisit.value == "dissatisfied" and role != "duty_leader":
        return "its reporter is dissatisfied, so only the duty leader may end it; others may reopen it"
    return ""


def _nothing_merged(case: Case, role: str, settings: CaseSettings) -> str:
    return f"it answers for the cases {', '.join(case.merged)}" if case.merged else ""


def _ruled_out(case: Case, role: str, settings: CaseSettings) -> str:
    if case.result in RULED_OUT:
        return ""
    return f"the visit found {case.result or 'nothing yet'}, not that the suspected source was not it"


def _found(case: Case, wanted: Collection[str]) -> str:
    if case.finding in wanted:
        return ""
    return f"it was found {case.finding or 'nothing yet'}; this step is for {', '.join(sorted(wanted))}"


def _found_over(case: Case, role: str, settings: CaseSettings) -> str:
    return _found(case, {"over"})


def _found_offence(case: Case, role: str, settings: CaseSettings) -> str:
    return _found(case, OFFENCE)


def _found_explained(case: Case, role: str, settings: CaseSettings) -> str:
    return _found(case, EXPLAINED)


Ready = Callable[[Case, str, CaseSettings], str]
READY: dict[str, Ready] = {
    "returns_left": _returns_left,
    "nothing_asked": _nothing_asked,
    "extension_asked": _extension_asked,
    "public_complaint": _public_complaint,
    "revisited": _revisited,
    "nothing_merged": _nothing_merged,
    "ruled_out": _ruled_out,
    "found_over": _found_over,
    "found_offence": _found_offence,
    "found_explained": _found_explained,
}


def _known_result(case: Case, action: Action) -> str:
    allowed = [result for result in RESULTS if result != "transferred" or case.result == "transferred"]
    if action.get("result") and action.get("result") not in allowed:
        return f"result {action.get('result')!r} must be one of {', '.join(allowed)}; for an offence use transfer"
    return ""


def _known_satisfaction(case: Case, action: Action) -> str:
    if action.get("satisfaction") not in SATISFACTIONS:
        return f"satisfaction {action.get('satisfaction')!r} must be one of {', '.join(SATISFACTIONS)}"
    return ""


def _reason_if_dissatisfied(case: Case, action: Action) -> str:
    if case.revisit is not None and case.revisit.value == "dissatisfied" and not action.get("reason").strip():
        return "its reporter is dissatisfied, so ending it needs a reason"
    return ""


def _known_effect(case: Case, action: Action) -> str:
    if action.get("verdict") not in get_args(EffectVerdict):
        return f"verdict {action.get('verdict')!r} must be one of {', '.join(get_args(EffectVerdict))}"
    return "" if ":" in action.get("effect") else f"effect {action.get('effect')!r} must be a reference, effect:<id>"


def _positive_hours(case: Case, action: Action) -> str:
    try:
        good = 0 < float(action.get("hours")) <= 24 * 365
    except ValueError:
        good = False
    return "" if good else f"hours {action.get('hours')!r} must be a number above 0 and at most a year"


def instant_of(action: Action, name: str) -> datetime | None:
    """Return a field as an instant, or None when it is no time."""
    try:
        return parse_instant(action.get(name))
    except InputError:
        return None


def _later_until(case: Case, action: Action) -> str:
    until = instant_of(action, "until")
    if until is None or until <= action.at:
        return f"until {action.get('until')!r} must be a time after {action.at.isoformat()}"
    return ""


def _another_case(case: Case, action: Action) -> str:
    return "a case cannot be merged with itself" if action.get("case") == case.id else ""


def _another_suspect(case: Case, action: Action) -> str:
    seen = {str(visit.suspect) for visit in case.visits}
    if ":" not in action.get("suspect"):
        return f"suspect {action.get('suspect')!r} must be a reference, for instance outlet:<id>"
    return f"{action.get('suspect')} was visited already" if action.get("suspect") in seen else ""


def _chosen_suspect(case: Case, action: Action) -> str:
    """A suspect may be named along with the unit; one that a visit of this round cleared is not visited again."""
    named = action.get("suspect")
    if named and not all(named.partition(":")):
        return f"suspect {named!r} must be a reference, for instance outlet:<id>"
    began = next((past.at for past in reversed(case.steps) if past.action.kind == "reopen"), case.opened)
    cleared = {str(visit.suspect) for visit in case.visits if visit.result in CLEARED and visit.at >= began}
    return f"{named} was visited already and it was not it" if named in cleared else ""


def _its_answering_case(case: Case, action: Action) -> str:
    return "" if action.get("case") == case.merged_into else f"case {case.merged_into} answers for it"


def _told_so(case: Case, action: Action) -> str:
    mine = {f"person:{action.by.person}", f"unit:{action.by.unit}"}
    if any(told.notice == action.get("notice") and str(told.to) in mine for told in case.told):
        return ""
    return f"notice {action.get('notice')!r} did not go to {action.by.person}"


def _one_of(action: Action, name: str, known: Collection[str]) -> str:
    if action.get(name) in known:
        return ""
    return f"{name} {action.get(name)!r} must be one of {', '.join(known)}"


def _known_cause(case: Case, action: Action) -> str:
    return _one_of(action, "cause", CAUSES)


def _known_mark(case: Case, action: Action) -> str:
    if action.get("marked_at") and marked_at(action) is None:
        return f"marked_at {action.get('marked_at')!r} is no time; write 2026-03-01T08:30:00+08:00"
    return _one_of(action, "mark", MARKS) if action.get("mark") else ""


def _known_finding(case: Case, action: Action) -> str:
    return _one_of(action, "finding", FINDINGS)


def _told_from_afar(case: Case, action: Action) -> str:
    """From a desk only what explains an alarm can be told, or what the enterprise itself admits."""
    admitted = any(one.cause == "over" for one in case.declarations)
    if action.get("finding") in EXPLAINED or (action.get("finding") == "over" and admitted):
        return ""
    return f"{action.get('finding')!r} cannot be told from a desk: dispatch somebody, or wait until it is admitted"


Asked = Callable[[Case, Action], str]
ASKED: dict[str, Asked] = {
    "known_result": _known_result,
    "known_satisfaction": _known_satisfaction,
    "known_effect": _known_effect,
    "reason_if_dissatisfied": _reason_if_dissatisfied,
    "positive_hours": _positive_hours,
    "later_until": _later_until,
    "another_case": _another_case,
    "another_suspect": _another_suspect,
    "chosen_suspect": _chosen_suspect,
    "its_answering_case": _its_answering_case,
    "told_so": _told_so,
    "known_cause": _known_cause,
    "known_mark": _known_mark,
    "known_finding": _known_finding,
    "told_from_afar": _told_from_afar,
}
