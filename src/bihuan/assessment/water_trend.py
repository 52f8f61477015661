"""The trend of one item at a section: Theil-Sen slope with the Mann-Kendall test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

YEAR = np.timedelta64(31_556_925, "s")
"""A tropical year."""

FEWEST = 8
"""With fewer values the order says too little: a single value out of line takes the significance away."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of one item over a window.

    Attributes
    ----------
    slope, low, high : float or None
        Theil-Sen slope and its interval. [unit of the item / year]
    p : float or None
        Of the Mann-Kendall test, two-sided.
    direction : {"rising", "falling", "none", "cannot_tell"}
    count : int
        Values behind it.
    confidence : float
    """

    slope: float | None
    low: float | None
    high: float | None
    p: float | None
    direction: Literal["rising", "falling", "none", "cannot_tell"]
    count: int
    confidence: float


def trend(start: NDArray[np.datetime64], values: NDArray[np.float64], *, confidence: float = 0.95) -> Trend:
    """Return the Theil-Sen slope with the Mann-Kendall test (Mann 1945, Kendall 1975, Sen 1968).

    Parameters
    ----------
    start : ndarray of datetime64, shape (n,)
    values : ndarray of float64, shape (n,)
        NaN where missing. The test takes values as independent: give means at least some days apart, and the
        same seasons at both ends.
    confidence : float
        Of the interval and the direction.

    Returns
    -------
    Trend
        ``cannot_tell`` with fewer than 8 values.
    """
    present = np.isfinite(values)
    count = int(present.sum())
    if count < FEWEST:
        return Trend(None, None, None, None, "cannot_tell", count, confidence)
    years = (start[present] - start[present][0]) / YEAR
    found = values[present]
    if (found == found[0]).all():
        return Trend(0.0, 0.0, 0.0, 1.0, "none", count, confidence)
    slope, _, low, high = scipy.stats.theilslopes(found, years, confidence)
    p = float(scipy.stats.kendalltau(years, found).pvalue)
    direction: Literal["rising", "falling", "none"] = "none"
    if p < 1 - confidence and slope != 0:
        direction = "rising" if slope > 0 else "falling"
    return Trend(float(slope), float(low), float(high), p, direction, count, confidence)
