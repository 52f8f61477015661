"""Series that deserve a look at the instrument: stuck, diverging, too smooth, copied, hugging a limit.

None of this is a verdict. Each asks for a maintenance look, says why, and never touches a value. Official stations are
looked at like all others.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bihuan.alerts.facts import Facts, Matrix, Site
from bihuan.alerts.hold import Levels, Subject
from bihuan.alerts.metrics_air import background_without, first_looked_at, horizon, judged, recent
from bihuan.alerts.rule import RuleRow
from bihuan.core import HOUR
from bihuan.observations import median_last

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


def flagged(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Hours that the checks of `observations` marked with one of some reasons."""
    reasons = frozenset(rule.table("flagged")["reasons"])
    span = (first_looked_at(rule, facts, seen), horizon(rule, facts.now))
    collected = Collected(rule, facts)
    wanted = rule.pollutants or facts.pollutants()
    for pollutant in wanted:
        if pollutant in facts.pollutants():
            whole, marked = facts.flagged(reasons, pollutant, rule.interval, rule.period, span)
            nothing = np.full(whole.value.shape, np.nan)
            collected.add(pollutant, whole, whole.ends, (marked, ~marked, whole.value, nothing))
    return collected.levels()


def divergence(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """A station that used to go with the network and now stands far below it for hours."""
    setting = rule.table("series")
    back, usual = int(setting["hours"]), int(setting["usual_hours"])
    collected = Collected(rule, facts)
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen, (back + usual) * HOUR)
        median, count, spread = background_without(matrix.value, judged(rule, facts))
        with np.errstate(invalid="ignore"):
            high = (count >= 4) & (median >= float(rule.table("levels")[pollutant]))
            high &= spread[None, :] <= float(setting["agree"]) * median
        ratio = np.where(high, matrix.value / np.where(high, median, 1.0), np.nan)
        columns = range(back + usual, ratio.shape[1])
        over, under, value, line = empty(len(ratio), len(columns))
        for place, column in enumerate(columns):
            now, known = median_last(ratio[:, column - back + 1 : column + 1])
            before, _ = median_last(ratio[:, column - back - usual + 1 : column - back + 1])
            judge = (known >= int(setting["least"])) & np.isfinite(matrix.value[:, column])
            with np.errstate(invalid="ignore"):
                over[:, place] = judge & (now < float(setting["low"])) & (before >= float(setting["usual"]))
                under[:, place] = ~(now < float(setting["low_fall"]))
            value[:, place] = matrix.value[:, column]
            line[:, place] = float(setting["low"]) * median[:, column]
        collected.add(pollutant, matrix, matrix.ends[columns.start :], (over, under, value, line))
    return collected.levels()


def smooth(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """A station that hardly moves from hour to hour while the network does."""
    setting = rule.table("series")
    back = int(setting["hours"])
    collected = Collected(rule, facts)
    who = judged(rule, facts)
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen, back * HOUR)
        steps = np.abs(np.diff(matrix.value, axis=1, prepend=np.nan))
        columns = range(back, steps.shape[1])
        over, under, value, line = empty(len(steps), len(columns))
        for place, column in enumerate(columns):
            own, known = median_last(steps[:, column - back + 1 : column + 1])
            speaks = who & (known >= int(setting["least"]))
            usual = float(np.median(own[speaks])) if speaks.sum() >= 4 else 0.0
            judge = speaks & (usual >= float(rule.table("levels")[pollutant])) & np.isfinite(matrix.value[:, column])
            with np.errstate(invalid="ignore"):
                over[:, place] = judge & (own < float(setting["low"]) * usual)
                under[:, place] = ~(own < float(setting["low_fall"]) * usual)
            value[:, place] = matrix.value[:, column]
        collected.add(pollutant, matrix, matrix.ends[columns.start :], (over, under, value, line))
    return collected.levels()


def by_a_person(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Raise nothing: events of this rule are made where a person has a sign of falsification checked."""
    return None


def copied(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """A series equal, value by value, to another station's or to its own of a day before."""
    setting = rule.table("series")
    back, lags = int(setting["hours"]), tuple(int(lag) for lag in setting["lags"])
    collected = Collected(rule, facts)
    who = judged(rule, facts)
    for pollutant in sorted(set(rule.pollutants) & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen, (back + max(lags)) * HOUR)
        value = np.where(who[:, None], matrix.value, np.nan)
        columns = range(back + max(lags), value.shape[1])
        over, under, shown, line = empty(len(value), len(columns))
        for place, column in enumerate(columns):
            window = value[:, column - back + 1 : column + 1]
            same = np.zeros(len(value), dtype=bool)
            for lag in lags:
                same |= _equal_run(window, value[:, column - lag - back + 1 : column - lag + 1], lag == 0)
            same &= distinct(window) >= int(setting["distinct"])
            over[:, place], under[:, place] = same, ~same
            shown[:, place] = matrix.value[:, column]
        collected.add(pollutant, matrix, matrix.ends[columns.start :], (over, under, shown, line))
    return collected.levels()


def _equal_run(window: Float, other: Float, across: bool) -> Bool:
    """Say which rows equal, all through, any other row (`across`) or the same row of `other`."""
    if not across:
        return np.asarray((window == other).all(axis=1))
    whole = np.isfinite(window).all(axis=1)
    rows = np.flatnonzero(whole)
    _, group, size = np.unique(window[rows], axis=0, return_inverse=True, return_counts=True)
    same = np.zeros(len(window), dtype=bool)
    same[rows] = size[group.ravel()] > 1
    return same


def distinct(window: Float) -> NDArray[np.int64]:
    """Count the different values of each row."""
    ordered = np.sort(window, axis=1)
    with np.errstate(invalid="ignore"):
        changes = (np.diff(ordered, axis=1) > 0).sum(axis=1)
    return np.asarray(changes + 1, dtype=np.int64)


def clipped(rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
    """Most hours just under the limit and none above it: a series that may be held down."""
    setting = rule.table("series")
    back = int(setting["hours"])
    collected = Collected(rule, facts)
    for pollutant in sorted({code for site in facts.sites for code in site.limits} & set(facts.pollutants())):
        matrix = recent(rule, facts, pollutant, seen, back * HOUR)
        limit = np.array([site.limits.get(pollutant, np.nan) for site in facts.sites])[:, None]
        with np.errstate(invalid="ignore"):
            above = matrix.value > limit
            near = (matrix.value >= (1 - float(setting["band"])) * limit) & ~above
        known = np.isfinite(matrix.value) & np.isfinite(limit)
        columns = range(back, matrix.value.shape[1])
        over, under, value, line = empty(len(limit), len(columns))
        for place, column in enumerate(columns):
            window = slice(column - back + 1, column + 1)
            number = known[:, window].sum(axis=1)
            share = near[:, window].sum(axis=1) / np.maximum(number, 1)
            alive = distinct(matrix.value[:, window]) >= int(setting["distinct"])
            judge = (number >= int(setting["least"])) & alive & ~above[:, window].any(axis=1) & known[:, column]
            over[:, place] = judge & (share >= float(setting["share"]))
            under[:, place] = above[:, window].any(axis=1) | (share < float(setting["share_fall"]))
            value[:, place] = np.where(known[:, column], matrix.value[:, column], np.nan)
            line[:, place] = limit[:, 0]
        collected.add(pollutant, matrix, matrix.ends[columns.start :], (over, under, value, line))
    return collected.levels()


def empty(rows: int, columns: int) -> tuple[Bool, Bool, Float, Float]:
    """Return over, under, value and threshold to be filled."""
    shape = (rows, max(columns, 0))
    return np.zeros(shape, bool), np.zeros(shape, bool), np.full(shape, np.nan), np.full(shape, np.nan)


class Collected:
    """Levels of several pollutants put under each other; sites that never reported are left out."""

    def __init__(self, rule: RuleRow, facts: Facts) -> None:
        self.sites: tuple[Site, ...] = facts.sites
        self.who = judged(rule, facts)
        self.ends: tuple[datetime, ...] = ()
        self.subjects: list[Subject] = []
        self.parts: list[tuple[Bool, Bool, Float, Float]] = []

    def add(
        self, pollutant: str, matrix: Matrix, ends: tuple[datetime, ...], parts: tuple[Bool, Bool, Float, Float]
    ) -> None:
        """Put one pollutant under the others; parts are over, under, value, threshold, shape (s, ends)."""
        rows = np.flatnonzero(self.who & np.isfinite(matrix.value).any(axis=1))
        self.ends = ends
        self.subjects += [Subject(self.sites[row].ref, pollutant, self.sites[row].place) for row in rows]
        over, under, value, line = parts
        self.parts.append((over[rows], under[rows] & np.isfinite(value[rows]), value[rows], line[rows]))

    def add_columns(self, pollutant: str, matrix: Matrix, found: list[tuple[Bool, Bool, Float, Float]]) -> None:
        """Put one pollutant under the others, given period by period."""
        over, under, value, line = empty(len(self.sites), len(found))
        for place, column in enumerate(found):
            over[:, place], under[:, place], value[:, place], line[:, place] = column
        self.add(pollutant, matrix, matrix.ends, (over, under, value, line))

    def levels(self) -> Levels | None:
        """Return what was collected, None if that is nothing."""
        if not self.parts or not self.ends:
            return None
        over, under, value, line = (np.concatenate(group) for group in zip(*self.parts, strict=True))
        return Levels(tuple(self.subjects), self.ends, over, under, value, line)
