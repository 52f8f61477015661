"""Rules that read the verdicts of the assessment room: outlets over their limit, AQI, sections below their class."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import numpy as np

from bihuan.alerts.facts import Facts, Site
from bihuan.alerts.hold import Levels, Subject
from bihuan.alerts.rule import RuleRow
from bihuan.core import Place, Ref, Verdict

WATER_CLASSES = ("I", "II", "III", "IV", "V", "worse_than_V")
"""Best first; the last is 劣V类."""


def verdict_levels(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Lay out the verdicts of some kinds by subject, pollutant and end of their period.

    A verdict of a subject that the scope leaves out is ignored; one without value is a hole.
    """
    setting = rule.table("verdict")
    sites = {site.ref: site for site in facts.sites}
    wanted = [verdict for verdict in facts.verdicts if verdict.kind in setting["kinds"]]
    wanted = [verdict for verdict in wanted if _in_scope(rule, verdict.subject, sites.get(verdict.subject), facts.city)]
    ends = sorted({verdict.period.end for verdict in wanted if verdict.period.end <= facts.now - rule.lag})
    if not ends:
        return None
    by_subject: dict[Subject, dict[datetime, Verdict]] = defaultdict(dict)
    for verdict in sorted(wanted, key=lambda one: one.id):
        site = sites.get(verdict.subject)
        for pollutant in _pollutants(verdict):
            by_subject[Subject(verdict.subject, pollutant, _place(site))][verdict.period.end] = verdict
    subjects = tuple(sorted(by_subject, key=lambda subject: subject.key))
    shape = (len(subjects), len(ends))
    over, known = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    value, threshold = np.full(shape, np.nan), np.full(shape, np.nan)
    inputs: dict[tuple[int, int], tuple[Ref, ...]] = {}
    for row, subject in enumerate(subjects):
        site = sites.get(subject.ref)
        for column, end in enumerate(ends):
            verdict_here = by_subject[subject].get(end)
            if verdict_here is None or (found := _value(verdict_here, subject.pollutant)) is None:
                continue
            known[row, column] = True
            value[row, column] = found
            threshold[row, column] = _threshold(rule, site, subject.pollutant)
            over[row, column] = _is_over(rule, verdict_here, found, site)
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


def _pollutants(verdict: Verdict) -> tuple[str, ...]:
    """One subject of the rule for each pollutant of an outlet; none for an index or class of many."""
    if verdict.kind.startswith("outlet"):
        return tuple(item[0] for item in verdict.items) or verdict.primary or ("",)
    return ("",)


def _value(verdict: Verdict, pollutant: str) -> float | None:
    """The concentration of the pollutant, or the value of the whole; a class without number is its place, 1 = I."""
    if pollutant:
        for code, found, _ in verdict.items:
            if code == pollutant and found is not None:
                return found
    if verdict.value is None and verdict.label in WATER_CLASSES:
        return float(WATER_CLASSES.index(verdict.label) + 1)
    return verdict.value


def _threshold(rule: RuleRow, site: Site | None, pollutant: str) -> float:
    setting = rule.table("verdict")
    if "above" in setting:
        return float(setting["above"])
    if site is None:
        return float("nan")
    if setting.get("worse_than_target"):
        return float(WATER_CLASSES.index(site.target) + 1) if site.target in WATER_CLASSES else float("nan")
    return float(site.limits.get(pollutant, float("nan")))


def _is_over(rule: RuleRow, verdict: Verdict, found: float, site: Site | None) -> bool:
    setting = rule.table("verdict")
    if "above" in setting:
        return found > float(setting["above"])
    if setting.get("worse_than_target"):
        if site is None or site.target not in WATER_CLASSES or verdict.label not in WATER_CLASSES:
            return False
        return WATER_CLASSES.index(verdict.label) > WATER_CLASSES.index(site.target)
    return verdict.label in setting["labels"]
