"""Rules that read the verdicts of the assessment room: outlets over their limit, AQI, sections below their class."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import numpy as np

from bihuan.alerts.facts import Facts, Site
from bihuan.alerts.hold import Levels, Subject
from bihuan.alerts.metrics_air import first_looked_at
from bihuan.alerts.rule import RuleRow
from bihuan.assessment import CLASSES, class_number
from bihuan.core import Place, Ref, Verdict

LIMIT_ITEM = "limit"
"""Name under which an outlet's verdict carries the limit it was judged by."""


def verdict_levels(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Lay out the verdicts of some kinds by subject, pollutant and end of their period.

    A verdict of a subject that the scope leaves out is ignored. One without value, or with a label that says neither
    over nor within (data marked invalid are no evidence), is a hole.
    """
    setting = rule.table("verdict")
    sites = {site.ref: site for site in facts.sites}
    wanted = [verdict for verdict in facts.verdicts if verdict.kind in setting["kinds"]]
    wanted = [verdict for verdict in wanted if _in_scope(rule, verdict.subject, sites.get(verdict.subject), facts.city)]
    first, last = first_looked_at(rule, facts, seen), facts.now - rule.lag
    wanted = [verdict for verdict in wanted if first <= verdict.period.start and verdict.period.end <= last]
    ends = sorted({verdict.period.end for verdict in wanted})
    if not ends:
        return None
    by_subject: dict[Subject, dict[datetime, Verdict]] = defaultdict(dict)
    for verdict in sorted(wanted, key=lambda one: one.id):
        site = sites.get(verdict.subject)
        by_subject[Subject(verdict.subject, _pollutant(verdict), _place(site))][verdict.period.end] = verdict
    subjects = tuple(sorted(by_subject, key=lambda subject: subject.key))
    shape = (len(subjects), len(ends))
    over, known = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    value, threshold = np.full(shape, np.nan), np.full(shape, np.nan)
    inputs: dict[tuple[int, int], tuple[Ref, ...]] = {}
    for row, subject in enumerate(subjects):
        site = sites.get(subject.ref)
        for column, end in enumerate(ends):
            verdict_here = by_subject[subject].get(end)
            if verdict_here is None or (found := _value(verdict_here)) is None:
                continue
            says = _says(rule, verdict_here, found, site)
            if says is None:
                continue
            known[row, column], over[row, column] = True, says
            value[row, column] = found
            threshold[row, column] = _threshold(rule, verdict_here, site)
            inputs[row, column] = (verdict_here.ref,)
    return Levels(subjects, tuple(ends), over, known & ~over, value, threshold, inputs)


def _in_scope(rule: RuleRow, subject: Ref, site: Site | None, city: Ref) -> bool:
    if subject == city or subject.kind == "city":
        return "city" in rule.scope
    if site is None:
        return False
    return site.kind in rule.scope and (not rule.districts or site.district in rule.districts)


def _place(site: Site | None) -> Place | None:
    return None if site is None else site.place


def _pollutant(verdict: Verdict) -> str:
    """What an outlet is judged for, which its verdict names first; empty for an index or class of many."""
    return verdict.items[0][0] if verdict.kind.startswith("outlet") and verdict.items else ""


def _value(verdict: Verdict) -> float | None:
    """The value judged; a class of water is its number, 1 = I."""
    if verdict.value is None and verdict.label in CLASSES:
        return float(class_number(verdict.label))
    return verdict.value


def _threshold(rule: RuleRow, verdict: Verdict, site: Site | None) -> float:
    setting = rule.table("verdict")
    if "above" in setting:
        return float(setting["above"])
    if setting.get("worse_than_target"):
        return float(class_number(site.target)) if site is not None and site.target in CLASSES else float("nan")
    stated = (limit for name, limit, _ in verdict.items if name == LIMIT_ITEM and limit is not None)
    return next(stated, float("nan"))


def _says(rule: RuleRow, verdict: Verdict, found: float, site: Site | None) -> bool | None:
    """Over, within, or None for no evidence."""
    setting = rule.table("verdict")
    if "above" in setting:
        return found > float(setting["above"])
    if setting.get("worse_than_target"):
        if site is None or site.target not in CLASSES or verdict.label not in CLASSES:
            return None
        return class_number(verdict.label) > class_number(site.target)
    if verdict.label in setting["over"]:
        return True
    return False if verdict.label in setting["within"] else None
