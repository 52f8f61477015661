"""A low-cost sensor made comparable with a reference instrument that stood beside it, and how far it can be trusted.

Four forms are tried, from the plainest on. ``linear``: a + b s. ``humidity``: a + b s + c RH. ``weather``:
a + b s + c RH + d T. ``growth``: a + b s / g(RH), where g is what water adds to the mass of particles by the
kappa-Koehler theory, g = 1 + (kappa / rho) aw / (1 - aw) with aw = RH / 100 (Petters and Kreidenweis 2007, Atmos.
Chem. Phys. 7, 1961, equation 2 for volumes, turned into mass with the density rho of the dry particle relative to
water; the same form with rho = 1.65 is the one of Crilley et al. 2018, Atmos. Meas. Tech. 11, 709, recalled and not
read again).

What counts is the error on days that the fit has not seen: the time is cut into blocks that follow each other, each is
predicted from all the others. Hours drawn at random would leave the neighbour of every hidden hour in the fit and
show an error that no later week keeps. The interval of a calibrated value comes from those same unseen errors, not
from the scatter of the fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from tomllib import loads
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, Period

Float = NDArray[np.float64]
Form = Literal["linear", "humidity", "weather", "growth"]
FORMS: tuple[Form, ...] = get_args(Form)


@cache
def calibration_table() -> Mapping[str, Any]:
    """Return the numbers of this file and of `collocation`: `calibration.toml`."""
    return loads(resources.files("bihuan.observations").joinpath("calibration.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Score:
    """Error of one form on blocks that its fit had not seen.

    Attributes
    ----------
    form : Form
    rmse, bias : float
        Of predicted minus reference. [unit of the pollutant]
    r2 : float
        Share of the reference's variance that is told; negative where its mean would have told more.
    within : float
        Half width that holds the share of `coverage` of the unseen errors. [unit of the pollutant]
    blocks : tuple of float
        RMSE of each block, in order of time.
    """

    form: Form
    rmse: float
    bias: float
    r2: float
    within: float
    blocks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a sensor's reading becomes a value, with the error to expect.

    Attributes
    ----------
    form : Form
    coefficients : tuple of float
        As in the head of this file: a, b, and what else the form has.
    kappa : float
        0 for all forms but ``growth``.
    uncertainty : float
        Half width of the interval that held `coverage` of the unseen errors. [unit of the pollutant]
    pairs : int
    period : Period
        Of the pairs.
    low, high : float
        Range of the raw readings; beyond it the form is stretched over what nobody has compared.
    scores : tuple of Score
        Of every form that was tried.
    """

    form: Form
    coefficients: tuple[float, ...]
    kappa: float
    uncertainty: float
    pairs: int
    period: Period
    low: float
    high: float
    scores: tuple[Score, ...]

    def __call__(self, raw: Float, humidity: Float | None = None, temperature: Float | None = None) -> Float:
        """Return calibrated values; NaN where an input that the form needs is missing."""
        columns = _columns(self.form, raw, humidity, temperature, self.kappa)
        return np.asarray(columns @ np.asarray(self.coefficients), dtype=np.float64)


def growth(humidity: Float, kappa: float) -> Float:
    """Return what water adds to the mass of particles, as a factor of the dry mass.

    Parameters
    ----------
    humidity : ndarray
        [%]; above the greatest one of `calibration.toml` it is read as that: the factor has a pole at 100 %.
    kappa : float
        Hygroscopicity.
    """
    table = calibration_table()["growth"]
    activity = np.clip(humidity, 0.0, float(table["most_humidity"])) / 100
    return np.asarray(1 + kappa / float(table["density"]) * activity / (1 - activity))


def calibrate(
    start: NDArray[np.datetime64],
    raw: Float,
    reference: Float,
    humidity: Float | None = None,
    temperature: Float | None = None,
    forms: Sequence[Form] = FORMS,
) -> Calibration:
    """Fit every form that the data allow and keep the plainest that is about as good as the best on unseen blocks.

    Parameters
    ----------
    start : ndarray of datetime64, shape (n,)
        Ascending, UTC.
    raw, reference : ndarray, shape (n,)
        Reading of the sensor and value of the reference over the same hour.
    humidity, temperature : ndarray, shape (n,), optional
        [%], [degrees Celsius]
    forms : sequence of Form

    Raises
    ------
    InputError
        If fewer complete pairs, or fewer days, are left than `calibration.toml` asks for.
    """
    table = calibration_table()["fit"]
    whole = np.isfinite(raw) & np.isfinite(reference)
    for extra in (humidity, temperature):
        whole &= np.isfinite(extra) if extra is not None else True
    days = len(np.unique(start[whole].astype("datetime64[D]")))
    if whole.sum() < int(table["least_pairs"]) or days < int(table["least_days"]):
        raise InputError(
            f"{int(whole.sum())} complete pairs on {days} days are too few to calibrate on: "
            f"{table['least_pairs']} pairs on {table['least_days']} days are needed; let the two stand together longer"
        )
    data = _Pairs(start[whole], raw[whole], reference[whole], _cut(humidity, whole), _cut(temperature, whole))
    tried = [form for form in forms if data.allows(form)]
    scores = tuple(_score(data, form, table) for form in tried)
    best = min(score.rmse for score in scores)
    chosen = next(score for score in scores if score.rmse <= best * (1 + float(table["worth"])))
    coefficients, kappa = _fit(data, chosen.form, np.ones(len(data.raw), dtype=bool))
    period = Period(_instant(data.start[0]), _instant(data.start[-1]))
    span = (float(data.raw.min()), float(data.raw.max()))
    return Calibration(
        chosen.form, tuple(map(float, coefficients)), kappa, chosen.within, len(data.raw), period, *span, scores
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    start: NDArray[np.datetime64]
    raw: Float
    reference: Float
    humidity: Float | None
    temperature: Float | None

    def allows(self, form: Form) -> bool:
        if form == "weather":
            return self.humidity is not None and self.temperature is not None
        return form == "linear" or self.humidity is not None

    def columns(self, form: Form, kappa: float) -> Float:
        return _columns(form, self.raw, self.humidity, self.temperature, kappa)


def _columns(form: Form, raw: Float, humidity: Float | None, temperature: Float | None, kappa: float) -> Float:
    ones = np.ones(len(raw))
    needs = {"linear": (), "humidity": (humidity,), "weather": (humidity, temperature), "growth": (humidity,)}[form]
    if any(one is None for one in needs):
        raise InputError(f"a calibration of form {form} needs humidity{' and temperature' * (form == 'weather')}")
    if form == "growth":
        assert humidity is not None
        return np.column_stack([ones, raw / growth(humidity, kappa)])
    return np.column_stack([ones, raw, *(one for one in needs if one is not None)])


def _fit(data: _Pairs, form: Form, chosen: NDArray[np.bool_]) -> tuple[Float, float]:
    """Least squares; kappa by trying the values of `calibration.toml`."""
    kappas = [float(k) for k in calibration_table()["growth"]["kappas"]] if form == "growth" else [0.0]
    found: list[tuple[float, Float, float]] = []
    for kappa in kappas:
        columns = data.columns(form, kappa)[chosen]
        answer = np.asarray(np.linalg.lstsq(columns, data.reference[chosen], rcond=None)[0], dtype=np.float64)
        found.append((float(((columns @ answer - data.reference[chosen]) ** 2).sum()), answer, kappa))
    _, coefficients, kappa = min(found, key=lambda one: one[0])
    return coefficients, kappa


def blocks_of(start: NDArray[np.datetime64], count: int) -> NDArray[np.int64]:
    """Return the block of each instant: equal spans of time that follow each other, shape (n,)."""
    since = (start - start[0]).astype("timedelta64[s]").astype(float)
    return np.asarray(np.minimum((since / max(float(since[-1]), 1.0) * count).astype(np.int64), count - 1))


def _score(data: _Pairs, form: Form, table: Mapping[str, Any]) -> Score:
    block = blocks_of(data.start, int(table["blocks"]))
    margin = np.timedelta64(int(table["margin_hours"]), "h")
    error = np.full(len(data.raw), np.nan)
    each = []
    for number in np.unique(block):
        hidden = block == number
        first, last = data.start[hidden][[0, -1]]
        seen = (data.start < first - margin) | (data.start > last + margin)
        coefficients, kappa = _fit(data, form, seen)
        error[hidden] = data.columns(form, kappa)[hidden] @ coefficients - data.reference[hidden]
        each.append(float(np.sqrt(np.mean(error[hidden] ** 2))))
    within = float(np.quantile(np.abs(error), float(table["coverage"])))
    r2 = 1 - float((error**2).sum() / ((data.reference - data.reference.mean()) ** 2).sum())
    return Score(form, float(np.sqrt(np.mean(error**2))), float(error.mean()), r2, within, tuple(each))


@dataclass(frozen=True, slots=True)
class Recheck:
    """Whether a calibration still holds on later pairs.

    Attributes
    ----------
    pairs : int
    bias, low, high : float
        Mean error with its interval by whole days redrawn. [unit of the pollutant]
    rmse : float
    covered : float
        Share of errors within the calibration's own interval; `coverage` was promised.
    holds : bool
        False where the bias is clearly not zero and large, or the interval holds far fewer than promised.
    """

    pairs: int
    bias: float
    low: float
    high: float
    rmse: float
    covered: float
    holds: bool


def recheck(
    calibration: Calibration,
    start: NDArray[np.datetime64],
    raw: Float,
    reference: Float,
    humidity: Float | None = None,
    temperature: Float | None = None,
) -> Recheck:
    """Hold a calibration against pairs that came after it; parameters as for `calibrate`.

    Raises
    ------
    InputError
        If no complete pair is left.
    """
    table = calibration_table()["recheck"]
    error = calibration(raw, humidity, temperature) - reference
    known = np.isfinite(error)
    if not known.any():
        raise InputError("no complete pair of sensor and reference to check the calibration against")
    error, day = error[known], start[known].astype("datetime64[D]")
    days, place = np.unique(day, return_inverse=True)
    sums, counts = np.bincount(place, error), np.bincount(place)
    rng = np.random.default_rng(len(days))
    drawn = rng.integers(0, len(days), (int(table["draws"]), len(days)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = (float(one) for one in np.quantile(means, [0.025, 0.975]))
    bias, covered = float(error.mean()), float((np.abs(error) <= calibration.uncertainty).mean())
    moved = low * high > 0 and abs(bias) > float(table["bias"]) * calibration.uncertainty
    holds = not moved and covered >= float(table["covered"])
    return Recheck(len(error), bias, low, high, float(np.sqrt(np.mean(error**2))), covered, holds)


def _cut(values: Float | None, whole: NDArray[np.bool_]) -> Float | None:
    return None if values is None else values[whole]


def _instant(at: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(at.astype("datetime64[s]").astype(np.int64)), UTC)
