"""The course of releases as time goes on: who releases now, told from the past alone, and when one began and ended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.tracing.releases import Evidence, ReleaseSettings

Float = NDArray[np.float64]

RAISED, CLEARED = 0.9, 0.3
"""An alarm is raised above one probability that something releases, and cleared below the other."""
LULL = 60
"""A release that is out of sight for less than this is the same. [min]"""
SWITCHED = 0.05
"""Share of ends at which another source begins at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Probabilities online.

    Attributes
    ----------
    seen : ndarray of int64, shape (steps,)
        Minutes of the record that were known.
    probability : ndarray, shape (steps, sources)
        That each source releases then.
    """

    seen: NDArray[np.int64]
    probability: Float

    @property
    def running(self) -> Float:
        """That any does."""
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
    """Return the course of a record: a forward filter over "none" and each source.

    Parameters
    ----------
    evidence : Evidence
        With ``online=True`` no value is used before it was measured.
    """
    settings, sources = evidence.settings, len(evidence.record.sources)
    turning = _turning(settings, sources)
    state = np.append(np.full(sources, 0.25 / sources), 0.75)
    seen = np.arange(settings.block, len(evidence.record) + 1, settings.step)
    found = np.empty((len(seen), sources))
    for n, count in enumerate(seen):
        told = evidence.of(np.arange(count - settings.block, count))[0][:sources]
        log = settings.repeated * np.append(told, 0.0)
        chance = np.exp(log - log.max())
        chance = (1.0 - settings.blunder) * chance + settings.blunder * chance.mean()
        state = (state @ turning) * chance
        state /= state.sum()
        found[n] = state[:sources]
    return Course(seen, found)


def _turning(settings: ReleaseSettings, sources: int) -> Float:
    """Chance of each state (column) a step after another (row); the last state is none."""
    hours = settings.step / 60.0
    begins, ends = 1.0 - math.exp(-hours / settings.waits), 1.0 - math.exp(-hours / settings.lasts)
    others = ends * SWITCHED / max(sources - 1, 1)
    turning = np.full((sources + 1, sources + 1), others)
    turning[:, sources] = ends * (1.0 - SWITCHED)
    turning[sources] = begins / sources
    np.fill_diagonal(turning, 0.0)
    np.fill_diagonal(turning, 1.0 - turning.sum(axis=1))
    return turning


def detect(course: Course) -> tuple[Detected, ...]:
    """Return the releases that were noticed; one that is out of sight for less than `LULL` goes on."""
    found: list[Detected] = []
    raised: int | None = None
    for count, chance in zip(course.seen.tolist(), course.running.tolist(), strict=True):
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
