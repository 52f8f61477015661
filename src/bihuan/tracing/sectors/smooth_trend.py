"""A smooth trend of monthly means with its band: a penalised spline whose smoothness the data choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from bihuan.core import InputError
from bihuan.tracing.sectors.averages import means
from bihuan.tracing.sectors.hours import Float, Instants, WindHours
from bihuan.tracing.sectors.trend import LEAST_MONTHS, without_season

TERMS = 10
"""Of the spline, constant and line among them; as many as mgcv takes by default."""
PLACES = 100
"""At which the curve is told."""
LEVEL = 0.95
AMOUNTS = np.linspace(-6.0, 12.0, 19)
"""Penalties tried first, as powers of 10 of what balances data and penalty."""


@dataclass(frozen=True, slots=True)
class SmoothTrend:
    """A curve through monthly means.

    Attributes
    ----------
    month : array of datetime64[D], (n,)
        First day of each month.
    value, measured : array, (n,)
        Monthly mean with its season taken out where that was asked for, and as measured; NaN where too little is known.
    day : array of datetime64[D], (100,)
        Even steps from the first month to the last.
    curve, lower, upper : array, (100,)
        With the 95 % band of the curve (not of single months).
    freedom : float
        Effective degrees of freedom: 1 is a level, 2 a straight line.
    score : float
        Generalised cross-validation at its minimum.
    months : int
        With a value.
    deseasonalised : bool
    """

    month: Instants
    value: Float
    measured: Float
    day: Instants
    curve: Float
    lower: Float
    upper: Float
    freedom: float
    score: float
    months: int
    deseasonalised: bool

    @property
    def conclusive(self) -> bool:
        """Whether no level line fits into the band: something changed."""
        return bool(self.lower.max() > self.upper.min())


class _Fit(NamedTuple):
    coefficient: Float
    covariance: Float
    freedom: float
    score: float


def smooth_trend(hours: WindHours, *, deseasonalise: bool = False, need: float = 0.0) -> SmoothTrend:
    """Return the smooth trend of the monthly means.

    Parameters
    ----------
    hours : WindHours
        In the calendar's own time.
    deseasonalise : bool
        Take a slowly changing season out first; needs more than two years, otherwise nothing is taken out.
    need : float
        Share of a month's hours that must be there. [1]

    Returns
    -------
    SmoothTrend

    Raises
    ------
    InputError
        If fewer than `LEAST_MONTHS` months have a value.

    Notes
    -----
    A thin-plate regression spline in time (Wood 2003) with a penalty on its bending and one on its slope, so that a
    series without a trend becomes a level (Marra and Wood 2011, doi:10.1016/j.csda.2011.02.004); both weights by least
    GCV; the band is that of the posterior given the smoothness (Wood 2006). It takes months for independent: where they
    are not it is too narrow, and the page says so.
    """
    monthly = means(hours, "month", need)
    known = np.flatnonzero(np.isfinite(monthly.value))
    if len(known) < LEAST_MONTHS:
        raise InputError(f"{len(known)} months have a mean: a trend needs {LEAST_MONTHS}; take a longer time")
    inside = slice(known[0], known[-1] + 1)
    month, measured = monthly.start[inside].astype("datetime64[D]"), monthly.value[inside]
    value, seasonal = without_season(measured, deseasonalise)
    use = np.isfinite(value)
    days = (month - month[0]) / np.timedelta64(1, "D")
    basis = _Basis.of(days[use])
    fit = _fitted(basis.at(days[use]), basis.bending, value[use])
    places = np.linspace(0.0, float(days[-1]), PLACES)
    rows = basis.at(places)
    curve = rows @ fit.coefficient
    wide = float(ndtri(0.5 + LEVEL / 2)) * np.sqrt(np.einsum("ij,jk,ik->i", rows, fit.covariance, rows))
    return SmoothTrend(
        month=month,
        value=value,
        measured=measured,
        day=month[0] + np.round(places).astype(np.int64) * np.timedelta64(1, "D"),
        curve=curve,
        lower=curve - wide,
        upper=curve + wide,
        freedom=fit.freedom,
        score=fit.score,
        months=int(use.sum()),
        deseasonalised=seasonal,
    )


class _Basis(NamedTuple):
    """The cut basis of cubic radial functions: bending terms, one, and time about its middle."""

    knots: Float
    middle: float
    scale: float
    weights: Float  # of each radial function in each bending term
    bending: Float

    @classmethod
    def of(cls, days: Float) -> _Basis:
        middle, scale = float(days.mean()), float(np.ptp(days))
        knots = (days - middle) / scale
        radial = np.abs(np.subtract.outer(knots, knots)) ** 3 / 12
        strength, vectors = np.linalg.eigh(radial)
        leading = np.argsort(-np.abs(strength), kind="stable")[: min(TERMS, len(days))]
        strength, vectors = strength[leading], vectors[:, leading]
        line = np.column_stack([np.ones(len(knots)), knots])
        turned, _ = np.linalg.qr(vectors.T @ line, mode="complete")
        free = turned[:, 2:]
        return cls(knots, middle, scale, vectors @ free, free.T @ (strength[:, None] * free))

    def at(self, days: Float) -> Float:
        """The terms at some days, shape (days, terms)."""
        place = (days - self.middle) / self.scale
        near = np.abs(np.subtract.outer(place, self.knots)) ** 3 / 12
        return np.hstack([near @ self.weights, np.ones((len(place), 1)), place[:, None]])


def _fitted(design: Float, bending: Float, value: Float) -> _Fit:
    """The curve whose two penalties have the least GCV."""
    terms = design.shape[1]
    bend, slope = np.zeros((terms, terms)), np.zeros((terms, terms))
    bend[: terms - 2, : terms - 2], slope[-1, -1] = bending, 1.0
    cross, right = design.T @ design, design.T @ value
    unit = [np.trace(cross) / max(np.trace(one), 1e-300) for one in (bend, slope)]
    total, count = float(value @ value), len(value)

    def solved(amount: Float) -> tuple[Float, Float, float, float]:
        held = cross + 10 ** amount[0] * unit[0] * bend + 10 ** amount[1] * unit[1] * slope
        inverse = np.linalg.pinv((held + held.T) / 2, hermitian=True)
        coefficient = inverse @ right
        freedom = float(np.trace(inverse @ cross))
        rest = max(total - 2 * float(coefficient @ right) + float(coefficient @ cross @ coefficient), 0.0)
        return coefficient, inverse, freedom, rest

    def score(amount: Float) -> float:
        _, _, freedom, rest = solved(np.clip(amount, AMOUNTS[0], AMOUNTS[-1]))
        return count * rest / max(count - freedom, 1e-9) ** 2

    tried = [(score(np.array([one, other])), one, other) for one in AMOUNTS[::2] for other in AMOUNTS[::2]]
    _, *start = min(tried)
    found = minimize(score, np.array(start), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-12})
    coefficient, inverse, freedom, rest = solved(np.clip(found.x, AMOUNTS[0], AMOUNTS[-1]))
    return _Fit(coefficient, inverse * rest / max(count - freedom, 1.0), freedom, float(found.fun))
