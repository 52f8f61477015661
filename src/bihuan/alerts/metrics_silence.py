"""Sites that should have spoken: silence by the expected rhythm of their devices."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np

from bihuan.alerts.facts import Facts, Heard
from bihuan.alerts.hold import Levels, Subject
from bihuan.alerts.rule import RuleRow
from bihuan.core import Ref


def silence(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """One row a site, and one for the city: silent when any of its devices missed its reports.

    The value is how long the site has been silent and the threshold how long it may be. [h] When a large
    share of all sites is silent at once the fault is at our own door: the city rises and no site does.
    """
    setting = rule.table("silence")
    by_site: dict[Ref, list[Heard]] = defaultdict(list)
    for heard in facts.heard:
        by_site[heard.site].append(heard)
    sites = [site for site in facts.sites if site.kind in rule.scope and site.ref in by_site]
    sites = [site for site in sites if not rule.districts or site.district in rule.districts]
    if not sites:
        return None
    waits = [
        _longest(by_site[site.ref], facts.now, float(setting["missed"]), float(setting["grace"])) for site in sites
    ]
    late = np.array([wait > allowed for wait, allowed, _ in waits])
    many = late.sum() >= int(setting["together_least"]) and late.mean() >= float(setting["together"])
    subjects = (Subject(facts.city, ""), *(Subject(site.ref, "", site.place) for site in sites))
    over = np.array([many, *(late & (not many))])[:, None]
    under = np.array([not many, *~late])[:, None]
    onsets = {row + 1: onset for row, (_, _, onset) in enumerate(waits)}
    onsets[0] = _common_onset([onset for (_, _, onset), is_late in zip(waits, late, strict=True) if is_late], facts.now)
    hours = np.array([[wait, allowed] for wait, allowed, _ in waits]) / 3600
    city = np.array([[float(late.mean()), float(setting["together"])]])
    value, threshold = np.concatenate([city, hours]).T
    return Levels(subjects, (facts.now,), over, under, value[:, None], threshold[:, None], {}, onsets)


def _longest(devices: list[Heard], now: datetime, missed: float, grace: float) -> tuple[float, float, datetime]:
    """Wait and allowance [s] of the device that is furthest beyond its own, and since when it is silent."""
    waits = []
    for heard in sorted(devices, key=lambda one: (one.device, one.interval)):
        since = heard.since if heard.last is None else heard.last
        waits.append(((now - since) / timedelta(seconds=1), missed * heard.rhythm + grace, since))
    return max(waits, key=lambda one: one[0] - one[1])


def _common_onset(onsets: list[datetime], now: datetime) -> datetime:
    """Middle of the instants at which they went silent: when our own door shut."""
    return sorted(onsets)[len(onsets) // 2] if onsets else now
