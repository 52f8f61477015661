"""What a unit release would cause at each sensor when the wind is not known exactly.

A puff model answers for the wind as it was measured at one place. Two minutes of it, or five degrees, decide whether a
sensor a hundred metres away is hit, so the answer for one minute is nearly a draw of the lot. What is stable is the
answer by direction: the mean of response times speed over all minutes whose wind blew about the same way. It needs no
positions, for the responses of the minutes carry the geometry, and it can be turned when the vane is off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.tracing.record import SiteRecord

Float = NDArray[np.float64]
Int = NDArray[np.int64]

SECTORS = 72
"""Of the circle: five degrees each."""
CALM = 0.3
"""Slower winds count as this: a plume does not grow without end. [m/s]"""
TRAVEL = 2
"""Minutes of wind that carry a plume across the place, the present one with them."""
RENEWED = 60
"""Online, what is known by direction is renewed after so many minutes. [min]"""


class Response:
    """Unit responses of a record for winds that are a little off.

    Parameters
    ----------
    record : SiteRecord
        Without a wind, the responses of its minutes are all there is.
    spread : float
        Sd of the error of the wind from minute to minute. [degrees]
    turned : float
        Sd of the error that lasts over a stretch. [degrees]
    asked : float
        Share of the response of the minute itself; the rest comes from all minutes of its direction.
    fewest : float
        The response of the minute itself weighs as so many others where a direction was rare.
    online : bool
        Whether what is known by direction comes from the past alone.

    Attributes
    ----------
    turns : ndarray of int64, shape (turns,)
        Sectors by which the wind is turned.
    chance : ndarray, shape (turns,)
        Log of the chance of each.
    unit : ndarray, shape (turns, sources, minutes, sensors)
    """

    def __init__(
        self, record: SiteRecord, *, spread: float, turned: float, asked: float, fewest: float, online: bool
    ) -> None:
        self.turns: Int = np.zeros(1, dtype=np.int64)
        self.chance: Float = np.zeros(1)
        self.unit: Float = record.unit[None]
        if record.wind is None:
            return
        self.turns = np.arange(-2, 3)
        chance = np.exp(-0.5 * (self.turns * 360.0 / SECTORS / turned) ** 2)
        self.chance = np.log(chance / chance.sum())
        sector, speed = _carried(record.wind)
        known = np.flatnonzero(sector >= 0)
        near = _near(spread)
        found = np.repeat(record.unit[None], len(self.turns), axis=0)
        totals, counts, summed = np.zeros((len(record.sources), len(record.sensors), SECTORS)), np.zeros(SECTORS), 0
        for first in range(0, len(record), RENEWED if online else len(record)):
            last = min(first + RENEWED, len(record)) if online else len(record)
            learned = first if online else len(record)
            fresh = known[(known >= summed) & (known < learned)]
            np.add.at(
                totals.transpose(2, 0, 1), sector[fresh], (record.unit[:, fresh] * speed[fresh, None]).swapaxes(0, 1)
            )
            counts, summed = counts + np.bincount(sector[fresh], minlength=SECTORS), learned
            total, count = totals @ near, counts @ near
            here = known[(known >= first) & (known < last)]
            for n, turn in enumerate(self.turns):
                at = (sector[here] + turn) % SECTORS
                usual = total[:, :, at].transpose(0, 2, 1) / speed[here, None]
                own = record.unit[:, here]
                mixed = (usual + fewest * own) / (count[at] + fewest)[:, None]
                found[n][:, here] = asked * own + (1.0 - asked) * mixed
        self.unit = found


def _carried(wind: Float) -> tuple[Int, Float]:
    """Sector that the wind of the last minutes blows towards, -1 where it is not known, and its speed."""
    sums, counts = np.zeros_like(wind), np.zeros(len(wind))
    good: NDArray[np.bool_] = np.isfinite(wind[:, 0]) & np.isfinite(wind[:, 1])
    for late in range(TRAVEL):
        had = good[: len(wind) - late]
        sums[late:] += np.where(had[:, None], wind[: len(wind) - late], 0.0)
        counts[late:] += had
    mean = sums / np.maximum(counts, 1.0)[:, None]
    turn = np.arctan2(mean[:, 1], mean[:, 0]) % (2 * np.pi) / (2 * np.pi)
    sector = np.minimum((turn * SECTORS).astype(np.int64), SECTORS - 1)
    return np.where(counts > 0, sector, -1), np.maximum(np.hypot(mean[:, 0], mean[:, 1]), CALM)


def _near(spread: float) -> Float:
    """Weight of one sector (row) in the mean of another (column)."""
    steps = np.arange(SECTORS)
    apart = np.minimum(steps, SECTORS - steps) * 360.0 / SECTORS
    weight = np.exp(-0.5 * (apart / spread) ** 2)
    return np.array([np.roll(weight, k) for k in range(SECTORS)])
