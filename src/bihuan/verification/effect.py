"""Did the measurement move? The third of the three verdicts on a case: 见效, 未见效, 无法评估."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bihuan.core import Effect, EffectVerdict, Period, Place, Ref, Series, Weather, content_id
from bihuan.core import pollutant as pollutants_entry
from bihuan.physics import block_means
from bihuan.verification.compare import Change, compare, matched
from bihuan.verification.downwind import LASTING, DownwindHours, Scale, downwind_hours

METHOD = "downwind-excess/1"
OUTLET_METHOD = "outlet-hours/1"
WORTH = 0.5
"""An effect counts as excluded when even this share of the excess cannot have gone."""
OUTLET_HOURS = 12
"""Valid hours of an outlet needed on each side: half a day of work."""
OVER_SHARE = 0.05
"""An outlet over its limit in more than this share of its hours after is not cured."""


def unit_of_effect(found: Effect) -> str:
    """Return the unit of an effect's figures: of an outlet's own hours, or of the air around.

    Raises
    ------
    NotCovered
        If its pollutant is not in the list.
    """
    about = pollutants_entry(found.pollutant)
    return about.outlet_unit if found.method == OUTLET_METHOD else about.unit


def effect(
    case: Ref,
    pollutant: str,
    observations: Sequence[Series],
    source_place: Place | None,
    weather: Weather,
    before: Period,
    after: Period,
    scale: Scale = LASTING,
) -> Effect:
    """Compare what stations had downwind of a source before and after it was dealt with.

    Parameters
    ----------
    case : Ref
    pollutant : str
    observations : sequence of Series
        Of the neighbourhood, minutes or hours, covering both periods.
    source_place : Place or None
    weather : Weather
        Covering both periods.
    before, after : Period
        Best of equal length and of days. `before` should reach beyond the alarm that opened the case: a period
        chosen for its peak falls by itself.
    scale : Scale
        `LASTING` for days, `ACUTE` for an incident of hours.

    Returns
    -------
    Effect
        `before` and `after` are mean excesses over the upwind background within equal weather, `low` and `high`
        the 90 % interval of the change. ``effective``: the whole interval lies below 0. ``not_effective``: a
        halving of the excess is excluded. Otherwise ``cannot_tell`` with a key of ``texts`` under ``[effect]``.
    """
    used = sorted((s for s in observations if s.pollutant == pollutant and s.place is not None), key=lambda s: s.site)
    inputs = tuple(Ref.parse(series.site) for series in used)
    ident = content_id("effect", case, pollutant, before, after, METHOD, scale.step)
    one, two, reason = _hours(used, source_place, weather, (before, after), scale)
    if reason:
        return _untold(ident, case, pollutant, reason, inputs, METHOD)
    found = compare(one, two, int(ident[:12], 16))
    verdict, reason = _verdict(found)
    return _told(ident, case, pollutant, found, verdict, reason, inputs, METHOD)


def effect_at_outlet(
    case: Ref, series: Series, limit: float, before: Period, after: Period, scale: Scale = LASTING
) -> Effect:
    """Compare the hours of an outlet that measures itself.

    Parameters
    ----------
    case : Ref
    series : Series
        Concentration folded to reference O2; hours with marks of standstill or calibration not usable.
    limit : float
        Permitted hourly mean, same unit.
    before, after : Period
    scale : Scale
        `LASTING` compares hours, `ACUTE` ten-minute readings.

    Returns
    -------
    Effect
        ``effective``: the mean fell for certain and at most 5 % of the hours after exceed the limit.
        ``not_effective``: more of them do. `before` and `after` are mean concentrations.
    """
    ident = content_id("effect", case, series.site, series.pollutant, limit, before, after, OUTLET_METHOD, scale.step)
    inputs = (Ref.parse(series.site),)
    one, two = _outlet_hours(series, before, scale), _outlet_hours(series, after, scale)
    least = OUTLET_HOURS if scale is LASTING else scale.least
    reason = ""
    if len(one) < least:
        reason = "few_hours_before"
    elif len(two) < least:
        reason = "few_hours_after"
    elif not (one.excess > limit).any():
        reason = "not_over_before"
    if reason:
        return _untold(ident, case, series.pollutant, reason, inputs, OUTLET_METHOD)
    found = compare(one, two, int(ident[:12], 16))
    verdict: EffectVerdict
    if np.mean(two.excess > limit) > OVER_SHARE:
        verdict = "not_effective"
    elif found.high < 0:
        verdict = "effective"
    else:
        verdict, reason = "cannot_tell", "too_uncertain"
    return _told(ident, case, series.pollutant, found, verdict, reason, inputs, OUTLET_METHOD)


def _hours(
    used: Sequence[Series], place: Place | None, weather: Weather, periods: tuple[Period, Period], scale: Scale
) -> tuple[DownwindHours, DownwindHours, str]:
    """The matched hours of both sides, and why they do not suffice."""
    none = DownwindHours(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))
    if place is None:
        return none, none, "no_place"
    if len(used) < 3:
        return none, none, "no_stations"
    one, two = downwind_hours(used, place, weather, periods, scale)
    for hours, reason in ((one, "few_before"), (two, "few_after")):
        if not _enough(hours, scale):
            return one, two, reason
    one, two = matched(one, two)
    return one, two, "" if _enough(one, scale) and _enough(two, scale) else "weather_differs"


def _enough(hours: DownwindHours, scale: Scale) -> bool:
    return len(hours) >= scale.least and len(np.unique(hours.block)) >= scale.blocks


def _outlet_hours(series: Series, period: Period, scale: Scale) -> DownwindHours:
    """Valid hours of an outlet; the weather does not matter to a stack's own gas."""
    first = np.datetime64(period.start.replace(tzinfo=None), "us")
    values = block_means(series, first, scale.step, int(period.length.total_seconds() // scale.step))
    valid = np.flatnonzero(np.isfinite(values))
    return DownwindHours(values[valid], np.zeros(len(valid), np.int64), (valid // scale.block).astype(np.int64))


def _verdict(found: Change) -> tuple[EffectVerdict, str]:
    if found.before_low <= 0:
        return "cannot_tell", "no_rise_before"
    if found.high < 0:
        return "effective", ""
    if found.low > -WORTH * found.before:
        return "not_effective", ""
    return "cannot_tell", "too_uncertain"


def _told(
    ident: str,
    case: Ref,
    pollutant: str,
    found: Change,
    verdict: EffectVerdict,
    reason: str,
    inputs: tuple[Ref, ...],
    method: str,
) -> Effect:
    return Effect(
        ident,
        case,
        pollutant,
        found.before,
        found.after,
        found.change,
        found.low,
        found.high,
        verdict,
        reason,
        inputs,
        method,
    )


def _untold(ident: str, case: Ref, pollutant: str, reason: str, inputs: tuple[Ref, ...], method: str) -> Effect:
    return Effect(ident, case, pollutant, None, None, None, None, None, "cannot_tell", reason, inputs, method)
