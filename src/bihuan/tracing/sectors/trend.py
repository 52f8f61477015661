"""Theil-Sen trend of monthly means, with a bootstrap interval and the season taken out when asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bihuan.core import InputError
from bihuan.tracing.sectors.averages import means
from bihuan.tracing.sectors.hours import Float, Instants, Whole, WindHours
from bihuan.tracing.sectors.seasons import MONTHS, filled_months, parts_of

YEAR = 365.0
"""Days of the year in which slopes are told, as openair tells them. [days]"""
LEAST_MONTHS = 6
DRAWS = 599
"""Bootstrap samples, Wilcox's number for a 95 % interval."""
PRESUMED = 0.05
"""Two-sided chance below which a trend is told as one."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight trend.

    Attributes
    ----------
    month : array of datetime64[D], (n,)
        First day of each month.
    value : array, (n,)
        Monthly mean, its season taken out where that was asked for; NaN where too little was measured.
    measured : array, (n,)
        Monthly mean as measured.
    slope, lower, upper : float
        Change a year with its 95 % interval. [unit a year]
    percent, percent_lower, percent_upper : float
        The same in percent of the line's value in the first month; NaN where that is not above 0. [% a year]
    level : float
        Value of the line in the first month.
    p : float
        Two-sided chance of such a slope without a trend, by the bootstrap.
    months, block : int
        Months with a value, and months drawn together.
    deseasonalised : bool
    """

    month: Instants
    value: Float
    measured: Float
    slope: float
    lower: float
    upper: float
    percent: float
    percent_lower: float
    percent_upper: float
    level: float
    p: float
    months: int
    block: int
    deseasonalised: bool

    @property
    def line(self) -> Float:
        """The line in each month."""
        days = (self.month - self.month[0]) / np.timedelta64(1, "D")
        made: Float = self.level + self.slope * days / YEAR
        return made

    @property
    def conclusive(self) -> bool:
        """Whether the slope is told from none."""
        return self.p < PRESUMED


def theil_sen(
    hours: WindHours,
    *,
    deseasonalise: bool = False,
    autocorrelated: bool = False,
    need: float = 0.0,
    seed: int = 1,
    draws: int = DRAWS,
) -> Trend:
    """Return the median of all slopes between two months.

    Parameters
    ----------
    hours : WindHours
        In the calendar's own time.
    deseasonalise : bool
        Take a slowly changing season out first; needs more than two years, otherwise nothing is taken out.
    autocorrelated : bool
        Draw blocks of months (the cube root of their number), because neighbouring months resemble each other; the
        interval is then wider and more honest.
    need : float
        Share of a month's hours that must be there. [1]
    seed : int
        Of the bootstrap; the same data and seed give the same interval.
    draws : int

    Returns
    -------
    Trend

    Raises
    ------
    InputError
        If fewer than `LEAST_MONTHS` months have a value.

    Notes
    -----
    Sen (1968); the bootstrap follows Wilcox's percentile interval, as openair's TheilSen does. Its draws are our own,
    so intervals agree to the noise of the bootstrap and slopes exactly.
    """
    monthly = means(hours, "month", need)
    known = np.flatnonzero(np.isfinite(monthly.value))
    if len(known) < LEAST_MONTHS:
        raise InputError(f"{len(known)} months have a mean: a trend needs {LEAST_MONTHS}; take a longer time")
    inside = slice(known[0], known[-1] + 1)
    month, measured = monthly.start[inside], monthly.value[inside]
    value, seasonal = without_season(measured, deseasonalise)
    use = np.isfinite(value)
    days = (month - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    block = max(1, round(int(use.sum()) ** (1 / 3))) if autocorrelated else 1
    slope, level = _line(days[use], value[use])
    slopes, levels = _drawn(days[use], value[use], block, draws, seed)
    low, high = _interval(slopes)
    low_level, high_level = _interval(levels)
    first = float(days[0])
    below = float(np.mean(slopes < 0) + 0.5 * np.mean(slopes == 0))
    return Trend(
        month=month,
        value=value,
        measured=measured,
        slope=YEAR * slope,
        lower=YEAR * low,
        upper=YEAR * high,
        percent=_percent(slope, level, first),
        percent_lower=_percent(low, high_level, first),
        percent_upper=_percent(high, low_level, first),
        level=level + slope * first,
        p=2 * min(below, 1 - below),
        months=int(use.sum()),
        block=block,
        deseasonalised=seasonal,
    )


def without_season(measured: Float, wanted: bool) -> tuple[Float, bool]:
    """Return monthly means without their season, and whether it was taken out: only where there are over two years."""
    if not wanted or len(measured) <= 2 * MONTHS:
        return measured, False
    return measured - parts_of(filled_months(measured)).season, True


def _line(x: Float, y: Float) -> tuple[float, float]:
    slope = float(np.median(_slopes(x, y)))
    return slope, float(np.median(y) - slope * np.median(x))


def _slopes(x: Float, y: Float) -> Float:
    one, other = np.triu_indices(len(x), 1)
    gap = x[other] - x[one]
    apart = gap != 0
    made: Float = (y[other] - y[one])[apart] / gap[apart]
    return made


def _drawn(x: Float, y: Float, block: int, draws: int, seed: int) -> tuple[Float, Float]:
    """Slopes and intercepts of bootstrap samples; of a sample that is one month again and again nothing is told."""
    n = len(x)
    chosen = _samples(n, block, draws, np.random.default_rng(seed))
    apart = x[None, :] - x[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope_of = np.where(apart != 0, (y[None, :] - y[:, None]) / apart, np.nan)
    one, other = np.triu_indices(n, 1)
    slopes, levels = np.empty(draws), np.empty(draws)
    for at, sample in enumerate(chosen):
        found = slope_of[sample[one], sample[other]]
        found = found[np.isfinite(found)]
        slopes[at] = np.median(found) if len(found) else 0.0
        levels[at] = np.median(y[sample]) - slopes[at] * np.median(x[sample])
    return slopes, levels


def _samples(n: int, block: int, draws: int, random: np.random.Generator) -> Whole:
    """Draw months, or blocks of neighbouring ones, with replacement."""
    if block <= 1:
        return random.integers(0, n, (draws, n))
    blocks = -(-n // block)
    starts = random.integers(0, n - block + 1, (draws, blocks))
    made: Whole = (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :n]
    return made


def _interval(drawn: Float) -> tuple[float, float]:
    ordered = np.sort(drawn)
    low = round(0.025 * len(ordered))
    return float(ordered[low]), float(ordered[len(ordered) - low - 1])


def _percent(slope: float, level: float, first: float) -> float:
    base = level + slope * first
    return 100 * YEAR * slope / base if base > 0 else float("nan")
