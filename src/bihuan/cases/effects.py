"""What each kind of step changes in a case, beside its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bihuan.cases.actions import Action, Outcome, Pause, Step, Told, Visit
from bihuan.cases.conditions import instant_of
from bihuan.cases.declaring import RESULT_OF, Declaration, marked_at, set_after_alarm
from bihuan.cases.model import Case
from bihuan.core import Ref, parse_instant

Changes = dict[str, Any]


def changes_of(case: Case, step: Step) -> Changes:
    """Return the fields of the case that a step sets."""
    found = EFFECTS.get(step.action.kind)
    changes = found(case, step) if found else {}
    if step.action.evidence:
        fresh = tuple(item for item in step.action.evidence if item not in case.evidence)
        changes["evidence"] = case.evidence + fresh
    return changes


def _listed(action: Action, name: str) -> tuple[str, ...]:
    value = action.fields.get(name, ())
    return (value,) if isinstance(value, str) else tuple(value)


def _outcome(step: Step, value: str, ref: Ref | None = None) -> Outcome:
    action = step.action
    return Outcome(value, step.at, action.by.person, ref, action.get("reason") or action.get("note"))


def _with_handler(case: Case, step: Step) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*case.handlers, step.action.by.person)))


def _given(case: Case, step: Step) -> Changes:
    """交办 and 改派: a new unit gets a new officer or none, a given one keeps what the duty table said."""
    action = step.action
    changes: Changes = {"asked": ""}
    unit = action.get("unit")
    if unit and unit != case.lead:
        changes |= {"lead": unit, "officer": "", "support": ()}
    if "officer" in action.fields:
        changes["officer"] = action.get("officer")
    if "support" in action.fields:
        changes["support"] = _listed(action, "support")
    changes |= {name: action.get(name) for name in ("matter", "district", "cell") if action.get(name)}
    return changes | (_chosen(case, step) if "suspect" in action.fields else {})


def _chosen(case: Case, step: Step) -> Changes:
    """Another suspect by choice, or none for a patrol; what was found at the one before stays in `visits`."""
    named = step.action.get("suspect")
    suspect = Ref.parse(named) if named else None
    place = step.action.place or case.place
    return {"suspect": suspect, "place": place, "result": case.result if suspect == case.suspect else ""}


def _touched(case: Case, step: Step) -> Changes:
    return {"handlers": _with_handler(case, step)}


def _arrived(case: Case, step: Step) -> Changes:
    return {"handlers": _with_handler(case, step), "place": case.place or step.action.place}


def _handled(case: Case, step: Step) -> Changes:
    changes: Changes = {"handlers": _with_handler(case, step), "result": step.action.get("result") or case.result}
    if step.action.get("result") and case.suspect is not None:
        visit = Visit(case.suspect, changes["result"], step.at, step.action.by.person)
        changes["visits"] = (*case.visits, visit)
    return changes


def _redirected(case: Case, step: Step) -> Changes:
    """On to the next suspect: the result of this visit stays in `visits`."""
    suspect = Ref.parse(step.action.get("suspect"))
    moved: Changes = {"suspect": suspect, "place": step.action.place, "result": ""}
    return _given(case, step) | _attached(case, step) | moved


def _reported(case: Case, step: Step) -> Changes:
    return _handled(case, step) | {"done": _outcome(step, "done"), "fixed": None, "asked": ""}


def _transferred(case: Case, step: Step) -> Changes:
    found: Changes = {"handlers": _with_handler(case, step), "result": "transferred"}
    if case.suspect is not None:
        visit = Visit(case.suspect, "transferred", step.at, step.action.by.person)
        found["visits"] = (*case.visits, visit)
    return found


def _declared(case: Case, step: Step) -> Changes:
    action = step.action
    said = Declaration(
        at=step.at,
        logged=step.logged,
        by=action.by.person,
        cause=action.get("cause"),
        mark=action.get("mark"),
        marked_at=marked_at(action),
        after_alarm=set_after_alarm(case, action),
        note=action.get("note"),
    )
    return {"declarations": (*case.declarations, said), "handlers": _with_handler(case, step)}


def _concluded(case: Case, step: Step) -> Changes:
    """What was found; a visit tells tracing whether the outlet was it."""
    finding = step.action.get("finding")
    changes: Changes = {"finding": finding, "result": RESULT_OF[finding], "handlers": _with_handler(case, step)}
    source = case.suspect or case.opening.subject
    if step.before == "on_site" and source is not None:
        changes["visits"] = (*case.visits, Visit(source, RESULT_OF[finding], step.at, step.action.by.person))
    return changes


def _returned(case: Case, step: Step) -> Changes:
    return {"returns": case.returns + 1, "lead": "", "support": (), "officer": ""}


def _asked(case: Case, step: Step) -> Changes:
    return {"asked": step.id, "handlers": _with_handler(case, step)}


def _granted(case: Case, step: Step) -> Changes:
    request = next(past.action for past in case.steps if past.id == case.asked)
    pause = Pause("extension", step.at, None, float(request.get("hours")), request.get("reason"))
    return {"asked": "", "pauses": (*case.pauses, pause)}


def _suspended(case: Case, step: Step) -> Changes:
    until = instant_of(step.action, "until")
    pause = Pause("suspended", step.at, until, 0.0, step.action.get("reason"))
    return {"resume_to": case.state, "pauses": (*case.pauses, pause)}


def _resumed(case: Case, step: Step) -> Changes:
    last = case.pauses[-1]
    end = step.at if last.end is None else min(step.at, last.end)
    return {"resume_to": "", "pauses": (*case.pauses[:-1], replace(last, end=end))}


def _passed(case: Case, step: Step) -> Changes:
    return {"fixed": _outcome(step, "fixed")}


def _reworked(case: Case, step: Step) -> Changes:
    again: Changes = {"fixed": _outcome(step, "not_fixed"), "done": None, "reworks": case.reworks + 1}
    return again | ({"finding": "", "result": ""} if case.kind == "outlet" else {})


def _revisited(case: Case, step: Step) -> Changes:
    return {"revisit": _outcome(step, step.action.get("satisfaction"))}


def _reopened(case: Case, step: Step) -> Changes:
    """A new round: verdicts, result and returns of the last one stay in the log only."""
    again: Changes = {"done": None, "fixed": None, "effective": None, "revisit": None, "result": "", "asked": ""}
    again |= {"rebounds": case.rebounds + 1, "returns": 0, "merged_into": "", "finding": ""}
    sources = tuple(Ref.parse(name) for name in _listed(step.action, "sources"))
    return again | {"sources": tuple(dict.fromkeys(case.sources + sources))}


def _merged(case: Case, step: Step) -> Changes:
    return {"merged_into": step.action.get("case")}


def _settled(case: Case, step: Step) -> Changes:
    return {"fixed": _outcome(step, "fixed", Ref("case", step.action.get("case")))}


def _linked(case: Case, step: Step) -> Changes:
    return {"merged": tuple(dict.fromkeys((*case.merged, step.action.get("case"))))} | _attached(case, step)


def _attached(case: Case, step: Step) -> Changes:
    sources = tuple(Ref.parse(name) for name in _listed(step.action, "sources"))
    return {"sources": tuple(dict.fromkeys(case.sources + sources))}


def _escalated(case: Case, step: Step) -> Changes:
    action = step.action
    started = parse_instant(action.get("started")) if action.get("started") else step.at
    notices = _listed(action, "notices")
    told = tuple(
        Told(action.kind, action.get("clock"), started, Ref.parse(to), notices[i] if i < len(notices) else "", step.at)
        for i, to in enumerate(_listed(action, "told"))
    )
    return {"told": case.told + told}


def _read(case: Case, step: Step) -> Changes:
    mine = {f"person:{step.action.by.person}", f"unit:{step.action.by.unit}"}
    return {
        "told": tuple(
            replace(told, read=step.at)
            if told.notice == step.action.get("notice") and str(told.to) in mine and told.read is None
            else told
            for told in case.told
        )
    }


def _assessed(case: Case, step: Step) -> Changes:
    return {"effective": _outcome(step, step.action.get("verdict"), Ref.parse(step.action.get("effect")))}


EFFECTS: Mapping[str, Callable[[Case, Step], Changes]] = {
    "dispatch": _given,
    "reassign": _given,
    "sign": _touched,
    "arrive": _arrived,
    "handle": _handled,
    "declare": _declared,
    "conclude": _concluded,
    "rectify": _touched,
    "redirect": _redirected,
    "report": _reported,
    "transfer": _transferred,
    "return": _returned,
    "ask_extension": _asked,
    "grant_extension": _granted,
    "refuse_extension": lambda case, step: {"asked": ""},
    "suspend": _suspended,
    "resume": _resumed,
    "pass": _passed,
    "rework": _reworked,
    "revisit": _revisited,
    "reopen": _reopened,
    "merge": _merged,
    "settle": _settled,
    "link": _linked,
    "attach": _attached,
    "urge": _escalated,
    "supervise": _escalated,
    "elevate": _escalated,
    "read": _read,
    "assess_effect": _assessed,
}
