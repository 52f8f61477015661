"""What a station shows against the rest of the network, and the network against its own past."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bihuan.alerts.facts import Facts, Matrix, Site
from bihuan.alerts.hold import Levels, Subject
from bihuan.alerts.rule import RuleRow
from bihuan.core import EARTH_RADIUS, HOUR, Place
from bihuan.observations import median_last

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]


LATE = 1
"""Periods by which data may come late and still be judged."""


def judged(rule: RuleRow, facts: Facts) -> Bool:
    """Say which sites a rule judges, shape (s,)."""
    wanted = [
        site.kind in rule.scope and (not rule.districts or site.district in rule.districts) for site in facts.sites
    ]
    mask = np.array(wanted, dtype=bool)
    return mask & ~facts.speaks(rule.only_without) if rule.only_without else mask


def of_kinds(sites: tuple[Site, ...], kinds: Any) -> Bool:
    """Say which sites are of some kinds, shape (s,)."""
    return np.array([site.kind in kinds for site in sites], dtype=bool)


def horizon(rule: RuleRow, now: datetime) -> datetime:
    """Return until when periods may be judged: `lag` before now."""
    return now - rule.lag


def first_looked_at(rule: RuleRow, facts: Facts, seen: datetime | None) -> datetime:
    """Return the start of the oldest period that still can vote, when all up to `seen` were judged.

    One period more than the hold needs, so that data may be late by a period.
    """
    first = horizon(rule, facts.now) - (rule.rise[1] + rule.fall) * rule.period
    return first if seen is None else max(first, seen - rule.rise[1] * rule.period - LATE * rule.period)


def recent(
    rule: RuleRow, facts: Facts, pollutant: str, seen: datetime | None, extra: timedelta = timedelta(0)
) -> Matrix:
    """Lay out the periods that a rule still has to look at, and `extra` before them."""
    first = first_looked_at(rule, facts, seen) - extra
    return facts.matrix(pollutant, rule.interval, rule.period, first, horizon(rule, facts.now))


def background_without(value: Float, member: Bool) -> tuple[Float, Int, Float]:
    """Return, for every site, the median of the OTHER member sites in the same period.

    Parameters
    ----------
    value : ndarray, shape (s, t)
    member : ndarray of bool, shape (s,)
        Sites that make the background.

    Returns
    -------
    median : ndarray, shape (s, t)
        NaN where no other member reported.
    count : ndarray of int64, shape (s, t)
        Other members that reported.
    spread : ndarray, shape (t,)
        1.4826 * MAD of the members, the robust standard deviation. All members share it: one of them
        changes a MAD of several by little.
    """
    pool = np.where(member[:, None], value, np.nan)
    ordered = np.sort(pool, axis=0)  # NaN last
    number = np.isfinite(pool).sum(axis=0)
    inside = member[:, None] & np.isfinite(value)
    others = number[None, :] - inside
    # rank of each own value in its column; ties may take any of the equal places
    rank = np.empty(pool.shape, dtype=np.int64)
    np.put_along_axis(rank, np.argsort(pool, axis=0, kind="stable"), np.arange(len(pool))[:, None], axis=0)
    rank = np.where(inside, rank, len(pool))

    def without(place: Int) -> Float:
        place = np.clip(place, 0, None)
        shifted = np.minimum(place + (place >= rank), len(pool) - 1)
        return np.take_along_axis(ordered, shifted, axis=0)

    middle = (without((others - 1) // 2) + without(others // 2)) / 2
    median = np.where(others > 0, middle, np.nan)
    centre = median_last(pool.T)[0]
    spread = 1.4826 * median_last(np.abs(pool - centre[None, :]).T)[0]
    return median, others.astype(np.int64), spread


def excess(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """A station well above what the rest of the network and its own habit let expect."""
    subjects: list[Subject] = []
    parts: list[tuple[Float, Float, Float, Bool]] = []
    ends: tuple[datetime, ...] = ()
    background, who = rule.table("background"), judged(rule, facts)
    member = of_kinds(facts.sites, background["kinds"])
    near = _neighbours(tuple(site.place for site in facts.sites), float(background["near"]))
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen)
        rows = np.flatnonzero(who & np.isfinite(matrix.value).any(axis=1))
        ends = matrix.ends
        if not len(rows):
            continue
        share, scatter = own_habit(rule, facts, pollutant, member)
        median, count, spread = background_without(matrix.value, member)
        expected = median * share[:, None]
        limit = rule.table("thresholds")[pollutant]
        needed = np.maximum(float(limit["absolute"]), float(limit["relative"]) * expected)
        needed = np.fmax(needed, float(background["spreads"]) * spread[None, :])
        needed = np.fmax(needed, float(background["own_spreads"]) * scatter[:, None])
        enough = count >= int(background["least"])
        value = np.where(enough, matrix.value, np.nan)[rows]
        subjects += [_subject(facts.sites[row], pollutant) for row in rows]
        first = _greatest_around(value - expected[rows], needed[rows], near[np.ix_(rows, rows)])
        parts.append((value, expected[rows], needed[rows], first))
    if not parts:
        return None
    value, expected, needed, greatest = (np.concatenate(group) for group in zip(*parts, strict=True))
    rise = value - expected
    with np.errstate(invalid="ignore"):
        over, under = (rise >= needed) & greatest, rise < rule.hysteresis * needed
    return Levels(tuple(subjects), ends, over, under, value, expected + needed)


@lru_cache(maxsize=16)
def _neighbours(places: tuple[Place | None, ...], near: float) -> Bool:
    """Say which sites lie within `near` [m] of each other, shape (s, s); cached, because sites do not move."""
    known = [place or Place(0.0, 0.0) for place in places]
    lon, lat = (np.radians([getattr(place, name) for place in known]) for name in ("lon", "lat"))
    north = np.subtract.outer(lat, lat)
    east = np.subtract.outer(lon, lon) * np.cos(np.add.outer(lat, lat) / 2)
    placed = np.array([place is not None for place in places])
    return np.asarray((np.hypot(north, east) * EARTH_RADIUS <= near) & placed[:, None] & placed[None, :])


def _greatest_around(rise: Float, needed: Float, near: Bool) -> Bool:
    """Say where no neighbour that is over its threshold as well rises more: one plume, one event; shape (s, t)."""
    with np.errstate(invalid="ignore"):
        seen = np.where(rise >= needed, rise, -np.inf)
    greatest = np.ones(rise.shape, dtype=bool)
    for column in np.flatnonzero(np.isfinite(seen).sum(axis=0) > 1):
        most = np.where(near, seen[None, :, column], -np.inf).max(axis=1)
        greatest[:, column] = ~(most > seen[:, column])
    return greatest


def own_habit(rule: RuleRow, facts: Facts, pollutant: str, member: Bool) -> tuple[Float, Float]:
    """Return each station's usual share of the background, and its usual scatter about it.

    Returns
    -------
    share : ndarray, shape (s,)
        Median ratio to the background in the hours before, within the bounds of the rule; 1 where unknown.
    scatter : ndarray, shape (s,)
        1.4826 * MAD about it, unit of the pollutant; NaN where unknown.
    """
    background: Mapping[str, Any] = rule.table("background")
    # whole hours before the oldest period that can vote, so that a rise does not become its own habit
    last = horizon(rule, facts.now) - max(int(background["own_skip"]) * HOUR, rule.rise[1] * rule.period)
    hours = facts.matrix(pollutant, "hour", HOUR, last - int(background["own_hours"]) * HOUR, last)
    median, count, _ = background_without(hours.value, member)
    usable = (count >= int(background["least"])) & (median > 0)
    ratio = np.where(usable, hours.value / np.where(usable, median, 1.0), np.nan)
    share, known = median_last(ratio)
    low, high = (float(bound) for bound in background["share"])
    enough = known >= int(background["own_least"])
    share = np.clip(np.where(enough, share, 1.0), low, high)
    residual = np.abs(np.where(usable, hours.value - share[:, None] * median, np.nan))
    scatter = 1.4826 * median_last(residual)[0]
    return share, np.where(enough, scatter, np.nan)


def regional(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Most stations well above their own recent past at the same time: the whole city, not one place."""
    background, who = rule.table("background"), judged(rule, facts)
    lines: list[tuple[Subject, Float, Float, Float]] = []
    ends: tuple[datetime, ...] = ()
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen)
        ends = matrix.ends
        if not ends:
            continue
        usual = own_past(rule, facts, pollutant, ends)
        limit = rule.table("thresholds")[pollutant]
        told = _together(matrix.value[who], usual[who], int(background["least"]), limit)
        lines.append((Subject(facts.city, pollutant), *told))
    if not lines:
        return None
    share, middle, line = (np.array([row[part] for row in lines]) for part in (1, 2, 3))
    wanted = float(background["share"])
    with np.errstate(invalid="ignore"):
        over, under = share >= wanted, share < rule.hysteresis * wanted
    middle = np.where(np.isfinite(share), middle, np.nan)
    return Levels(tuple(row[0] for row in lines), ends, over, under, middle, line)


def own_past(rule: RuleRow, facts: Facts, pollutant: str, ends: tuple[datetime, ...]) -> Float:
    """Return the median of each site's own hours before each period, all but the last ones, shape (s, t).

    NaN where too few of these hours are known. Hours serve whatever the length of the periods: what is usual needs
    hours of data, what rises may be told by the minutes.
    """
    background: Mapping[str, Any] = rule.table("background")
    before = rule.period + int(background["own_skip"]) * HOUR  # a rise is not to become its own past
    back, least = int(background["own_hours"]), int(background["own_least"])
    first = ends[0] - before - (back + 1) * HOUR
    hours = facts.matrix(pollutant, "hour", HOUR, first, ends[-1])
    usual = np.full((len(facts.sites), len(ends)), np.nan)
    at = [bisect_right(hours.ends, end - before) for end in ends]
    for last in sorted(set(at) - {0}):
        median, known = median_last(hours.value[:, max(last - back, 0) : last])
        here = np.array([place == last for place in at])
        usual[:, here] = np.where(known >= least, median, np.nan)[:, None]
    return usual


def _together(value: Float, usual: Float, least: int, limit: Mapping[str, Any]) -> tuple[Float, Float, Float]:
    """Share of stations that rose, median of the network, and median of what counts as risen; by column."""
    share, middle, line = (np.full(value.shape[1], np.nan) for _ in range(3))
    needed = usual + np.maximum(float(limit["absolute"]), float(limit["relative"]) * usual)
    speaks = np.isfinite(value) & np.isfinite(needed)
    for column in np.flatnonzero(speaks.sum(axis=0) >= least):
        known = speaks[:, column]
        now, wanted = value[known, column], needed[known, column]
        share[column] = float((now >= wanted).mean())
        middle[column], line[column] = float(np.median(now)), float(np.median(wanted))
    return share, middle, line


def value_over(rule: RuleRow, facts: Facts, seen: datetime | None, limits: Mapping[str, float]) -> Levels | None:
    """A concentration above a limit of a standard; compared after rounding as the standard prints it."""
    subjects: list[Subject] = []
    parts: list[tuple[Float, Float]] = []
    ends: tuple[datetime, ...] = ()
    who = judged(rule, facts)
    for pollutant in sorted(set(limits) & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen)
        ends = matrix.ends
        rows = np.flatnonzero(who & np.isfinite(matrix.value).any(axis=1))
        subjects += [_subject(facts.sites[row], pollutant) for row in rows]
        value = matrix.value[rows]
        parts.append((value, np.full(value.shape, limits[pollutant])))
    if not parts:
        return None
    value, limit = (np.concatenate(group) for group in zip(*parts, strict=True))
    with np.errstate(invalid="ignore"):
        over, under = value > limit, value <= rule.hysteresis * limit
    return Levels(tuple(subjects), ends, over, under, value, limit)


def day_limit(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """An hour so far above the limit of the day that the day can hardly stay within it."""
    subjects: list[Subject] = []
    parts: list[tuple[Float, Float]] = []
    ends: tuple[datetime, ...] = ()
    who, times = judged(rule, facts), float(rule.table("day_limit")["times"])
    for pollutant in sorted({code for site in facts.sites for code in site.day_limits} & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen)
        ends = matrix.ends
        limit = np.array([site.day_limits.get(pollutant, np.nan) for site in facts.sites])
        rows = np.flatnonzero(who & np.isfinite(limit) & np.isfinite(matrix.value).any(axis=1))
        subjects += [_subject(facts.sites[row], pollutant) for row in rows]
        value = matrix.value[rows]
        parts.append((value, np.broadcast_to(times * limit[rows][:, None], value.shape)))
    if not parts:
        return None
    value, line = (np.concatenate(group) for group in zip(*parts, strict=True))
    with np.errstate(invalid="ignore"):
        over, under = value > line, value <= rule.hysteresis * line
    return Levels(tuple(subjects), ends, over, under, value, line)


def _subject(site: Site, pollutant: str) -> Subject:
    return Subject(site.ref, pollutant, site.place)
