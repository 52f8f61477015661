"""What another part of the house watches for and hands over already judged: lines without treatment, two addresses.

The rule adds what every rule has: an id from the onset, hold times, words, and a fall.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from bihuan.alerts.facts import Facts, Noticed
from bihuan.alerts.hold import Levels, Subject
from bihuan.alerts.rule import RuleRow
from bihuan.core import Ref


def noticed(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """One row a site: over while what was noticed goes on, under once it is known to have ended.

    Of several of one site (two lines, two loggers) the one that began first stands for all.
    """
    chosen: dict[Ref, Noticed] = {}
    places = {site.ref: site for site in facts.sites}
    for one in facts.noticed:
        site = places.get(one.site)
        if one.metric != rule.metric or site is None or (rule.scope and site.kind not in rule.scope):
            continue
        if rule.districts and site.district not in rule.districts:
            continue
        before = chosen.get(one.site)
        if before is None or (not one.over, one.since) < (not before.over, before.since):
            chosen[one.site] = one
    if not chosen:
        return None
    found = [chosen[ref] for ref in sorted(chosen)]
    over = np.array([[one.over] for one in found])
    return Levels(
        subjects=tuple(Subject(one.site, one.pollutant, places[one.site].place) for one in found),
        ends=(facts.now,),
        over=over,
        under=~over,
        value=np.array([[one.value] for one in found]),
        threshold=np.array([[np.nan if one.threshold is None else one.threshold] for one in found]),
        inputs={(row, 0): one.inputs for row, one in enumerate(found)},
        onsets={row: one.since for row, one in enumerate(found)},
    )
