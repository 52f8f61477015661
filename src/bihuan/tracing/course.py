"""The course of releases as time goes on: who releases now, told from the past alone, and when one began and ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError
from bihuan.tracing.releases import Evidence, ReleaseSettings

Float = NDArray[np.float64]

RAISED, CLEARED = 0.9, 0.3
"""An alarm is raised above one probability that something releases, and cleared below the other."""
LULL = 60
"""A release that is out of sight for less than this is the same. [min]"""
SWITCHED = 0.05
"""Share of ends at which another source begins at once."""
WANDERS = 0.1
"""Share of a rate that moves to the neighbouring ones in a step."""
ELSE_WAITS, ELSE_LASTS, ELSE_AFTER = 12.0, 1.6, 0.2
"""Something that is not listed: mean time between and length [h], and its share where no listed source releases."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Probabilities online.

    Attributes
    ----------
    seen : ndarray of int64, shape (steps,)
        Minutes of the record that were known.
    probability : ndarray, shape (steps, sources)
        That each source releases then.
    counted : ndarray, shape (steps,)
        That any does, with at least `ReleaseSettings.least_rate`: what alarms go by.
    """

    seen: NDArray[np.int64]
    probability: Float
    counted: Float

    @property
    def running(self) -> Float:
        """That any does, at whatever rate."""
        total: Float = self.probability.sum(axis=1)
        return total

    def at(self, count: int) -> Float:
        """Return the probabilities known after `count` minutes of the record."""
        place = int(np.searchsorted(self.seen, count, side="right")) - 1
        found: Float = self.probability[max(place, 0)]
        return found


@dataclass(frozen=True, slots=True)
class Detected:
    """One release that was noticed.

    Attributes
    ----------
    raised, cleared : int
        Minutes of the record known when the alarm was raised and when it was cleared.
    """

    raised: int
    cleared: int


def follow(evidence: Evidence) -> Course:
    """Return the course of a record: a forward filter over quiet, something unlisted, and each source at each rate.

    Parameters
    ----------
    evidence : Evidence
        With ``online=True`` no value is used before it was measured.

    Raises
    ------
    InputError
        If the record is shorter than a step.
    """
    if len(evidence.record) < evidence.settings.step:
        raise InputError(
            f"a record of {len(evidence.record)} minutes has no course: give at least {evidence.settings.step}"
        )
    settings, sources = evidence.settings, len(evidence.record.sources)
    turning = _turning(settings, sources, np.exp(evidence.chance))
    begin = np.tile(np.exp(evidence.chance), sources) * 0.25 / sources
    state = np.concatenate([begin, 0.75 * np.array([1.0 - ELSE_AFTER, ELSE_AFTER])])
    seen = np.arange(settings.step, len(evidence.record) + 1, settings.step)
    found, counted = np.empty((len(seen), sources)), np.empty(len(seen))
    enough = evidence.rates >= math.log(settings.least_rate)
    for n, count in enumerate(seen):
        told, unlisted = evidence.of(np.arange(count - settings.step, count))
        log = np.concatenate([told.ravel(), [0.0, unlisted]])
        before = state @ turning
        after = before * np.exp(log - log.max())
        state = (1.0 - settings.blunder) * after / after.sum() + settings.blunder * before
        by_rate = state[:-2].reshape(sources, -1)
        found[n], counted[n] = by_rate.sum(axis=1), by_rate[:, enough].sum()
    return Course(seen, found, counted)


def _turning(settings: ReleaseSettings, sources: int, rates: Float) -> Float:
    """Chance of each state (column) a step after another (row): sources by rates, then quiet, then something else."""
    hours, many = settings.step / 60.0, len(rates)
    begins, ends = 1.0 - math.exp(-hours / settings.waits), 1.0 - math.exp(-hours / settings.lasts)
    else_begins, else_ends = 1.0 - math.exp(-hours / ELSE_WAITS), 1.0 - math.exp(-hours / ELSE_LASTS)
    whose = np.repeat(np.arange(sources), many)
    turning = np.zeros((sources * many + 2, sources * many + 2))
    switched = ends * SWITCHED / max(sources - 1, 1) if sources > 1 else 0.0
    turning[:-2, :-2] = np.where(whose[:, None] != whose, switched * np.tile(rates, sources), 0.0)
    for at in range(sources * many):
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(whose) and whose[beside] == whose[at]:
                turning[at, beside] = 0.5 * WANDERS
    turning[:-2, -2:] = (ends - switched * (sources - 1)) * np.array([1.0 - ELSE_AFTER, ELSE_AFTER])
    turning[-2:, :-2] = begins * np.tile(rates, sources) / sources
    turning[-2, -1], turning[-1, -2] = else_begins, else_ends
    np.fill_diagonal(turning, 1.0 - turning.sum(axis=1))
    return turning


def detect(course: Course) -> tuple[Detected, ...]:
    """Return the releases that were noticed; one that is out of sight for less than `LULL` goes on."""
    found: list[Detected] = []
    raised: int | None = None
    for count, chance in zip(course.seen.tolist(), course.counted.tolist(), strict=True):
        if raised is None and chance > RAISED:
            raised = count
        elif raised is not None and chance < CLEARED:
            found.append(Detected(raised, count))
            raised = None
    if raised is not None:
        found.append(Detected(raised, int(course.seen[-1])))
    joined: list[Detected] = []
    for one in found:
        goes_on = bool(joined) and one.raised - joined[-1].cleared < LULL
        joined.append(Detected(joined.pop().raised, one.cleared) if goes_on else one)
    return tuple(joined)
