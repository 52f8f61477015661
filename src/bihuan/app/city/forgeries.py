"""Forged series of the city, beside its incidents: planted only where asked for, with draws of their own.

A city without forgeries is byte for byte the city it was: the incidents, which are scored, know nothing of them. What
was forged stays within the city until `City.reveal_forgeries`, and nothing here knows how signs are looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import numpy as np

from bihuan.app.city.draws import Float, between, draws
from bihuan.app.city.forward import air_stations
from bihuan.app.city.plan import CityPlan
from bihuan.app.city.signals import Report, decimals
from bihuan.core import DAY, Period, Ref, local_date
from bihuan.register import OFFICIAL, Outlet

ForgeryKind = Literal[
    "copied_site",
    "copied_earlier",
    "clipped_limit",
    "noise_low",
    "noise_regular",
    "digits",
    "repetition",
    "o2_dilution",
    "divergence",
    "parameter_change",
    "scaled_site",
    "shifted_site",
    "scaled_earlier",
    "shifted_earlier",
]
FORGERY_KINDS: tuple[ForgeryKind, ...] = get_args(ForgeryKind)

OF_STACKS = frozenset({"clipped_limit", "o2_dilution"})
LASTS = timedelta(days=7)
"""A forger keeps it up for the last week of the city."""

COPIES = ("copied_site", "copied_earlier", "scaled_site", "shifted_site", "scaled_earlier", "shifted_earlier")
SHORTER = {
    **dict.fromkeys(COPIES[:2], timedelta(hours=36)),
    **dict.fromkeys(COPIES[2:], timedelta(hours=60)),
    "divergence": 4 * DAY,
}
CARRIED = ("pm10", "pm25", "no2", "so2", "o3")


@dataclass(frozen=True, slots=True)
class Forgery:
    """One forged series.

    Attributes
    ----------
    kind : ForgeryKind
    subject : Ref
    pollutant : str
        Of a stack without the folded value's mark.
    period : Period
    other : Ref or None
        Whose values were copied.
    strength : float
        What it means is the kind's: a share, a slope, per cent of oxygen.
    limit : float
        NaN where there is none.
    """

    kind: ForgeryKind
    subject: Ref
    pollutant: str
    period: Period
    other: Ref | None = None
    strength: float = 0.0
    limit: float = float("nan")


def draw_forgeries(plan: CityPlan) -> tuple[Forgery, ...]:
    """Return one forgery of each kind, each at a site of its own."""
    rng = draws(plan.seed, "forgeries")
    stations = [Ref("station", one.id) for one in air_stations(plan) if one.kind in OFFICIAL | {"city"}]
    stacks = [
        one
        for one in plan.register.all(Outlet, local_date(plan.start))
        if one.medium == "air" and one.o2_reference is not None and one.limits
    ]
    places = [stations[int(k)] for k in rng.permutation(len(stations))]
    outlets = [stacks[int(k)] for k in rng.permutation(len(stacks))]
    found = []
    for number, kind in enumerate(FORGERY_KINDS):
        lasts = min(SHORTER.get(kind, LASTS), (plan.end - plan.start) / 4)
        period = Period(plan.end - lasts, plan.end)
        if kind in OF_STACKS:
            outlet = outlets.pop()
            limit = outlet.limits[0]
            ref = Ref("outlet", outlet.id)
            strength = between(rng, (3.0, 6.0)) if kind == "o2_dilution" else between(rng, (0.4, 0.6))
            found.append(Forgery(kind, ref, limit.pollutant, period, None, strength, limit.limit))
        else:
            ref, other = places[number % len(places)], places[-1]  # nobody forges the last one, where there are enough
            code = "pm10" if kind == "divergence" else str(rng.choice(CARRIED[:3]))
            found.append(Forgery(kind, ref, code, period, other, between(rng, (0.35, 0.55))))
    return tuple(found)


def forged(reports: Mapping[Ref, Report], forgeries: Iterable[Forgery], start: datetime) -> dict[Ref, Report]:
    """Return the short reports of all loggers with the forgeries in them.

    Parameters
    ----------
    reports : mapping of Ref to Report
        Honest ones; they stay as they are.
    forgeries : iterable of Forgery
    start : datetime
        Of the city.
    """
    out = dict(reports)
    for forgery in forgeries:
        told = out.get(forgery.subject)
        if told is None:
            continue
        values = told.values.copy()
        first = int((forgery.period.start - start).total_seconds()) // told.rhythm
        columns = [k for k, (name, _) in enumerate(told.columns) if name == forgery.pollutant]
        rng = np.random.default_rng([first, len(values), FORGERY_KINDS.index(forgery.kind)])
        _FORGERS[forgery.kind](values, told, first, columns, forgery, reports, rng)
        for k, (name, _) in enumerate(told.columns):
            values[:, k] = np.where(told.marks[:, k] == "N", np.round(values[:, k], decimals(name)), told.values[:, k])
        out[forgery.subject] = Report(told.columns, values, told.marks, told.rhythm)
    return out


_Forger = Callable[[Float, Report, int, list[int], Forgery, Mapping[Ref, Report], np.random.Generator], None]


def _copied_site(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    assert forgery.other is not None
    other = reports[forgery.other]
    for k in columns:
        if told.columns[k] in other.columns:
            values[first:, k] = other.values[first:, other.columns.index(told.columns[k])]


def _copied_earlier(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    back = min(3 * 86_400 // told.rhythm, first)
    values[first:, columns] = told.values[first - back : len(values) - back, columns]


def _scaled_site(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Another site's values, each less by a share and more by a constant."""
    _copied_site(values, told, first, columns, forgery, reports, rng)
    usual = np.nanmedian(told.values[:, columns], axis=0)
    values[first:, columns] = values[first:, columns] * (1 - forgery.strength / 2) + 0.05 * usual


def _shifted_site(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Another site's values of some minutes to two hours before."""
    assert forgery.other is not None
    other, back = reports[forgery.other], int(rng.integers(600, 7200)) // told.rhythm
    for k in columns:
        if told.columns[k] in other.columns:
            source = other.values[:, other.columns.index(told.columns[k])]
            values[first:, k] = source[first - back : len(values) - back]


def _scaled_earlier(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """One's own values of four days before, less by a share."""
    back = min(4 * 86_400 // told.rhythm, first)
    values[first:, columns] = told.values[first - back : len(values) - back, columns] * (1 - forgery.strength / 2)


def _shifted_earlier(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """One's own values of five days before, some minutes to two hours off the clock."""
    back = min((5 * 86_400 - int(rng.integers(600, 7200))) // told.rhythm, first)
    values[first:, columns] = told.values[first - back : len(values) - back, columns]


def _clipped_limit(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Emissions well over the limit, and a logger that lets nothing above it out."""
    for k in columns:
        if told.columns[k][1] == "zs_avg":
            usual = float(np.nanmedian(told.values[:, k]))
            wander = 1 + 0.35 * np.sin(np.arange(len(values) - first) / (86_400 / told.rhythm) * 9)
            real = told.values[first:, k] / usual * forgery.limit * wander
            top = forgery.limit * (0.985 - 0.01 * rng.random(len(real)))
            values[first:, k] = np.minimum(real, top)


def _noise_low(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    width = 8 * 3600 // told.rhythm + 1
    for k in columns:
        known = np.flatnonzero(np.isfinite(told.values[:, k]))
        whole = np.interp(np.arange(len(values)), known, told.values[known, k])
        smooth = np.convolve(np.pad(whole, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
        values[first:, k] = smooth[first : len(values)]


def _noise_regular(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    pattern = 1 + 0.25 * rng.standard_normal(7)
    hours = (np.arange(len(values) - first) * told.rhythm // 3600) % len(pattern)
    for k in columns:
        values[first:, k] = float(np.nanmedian(told.values[first:, k])) * pattern[hours]


def _digits(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """A whole hour typed in one figure that ends as its writer likes it."""
    per_hour = 3600 // told.rhythm
    first -= first % per_hour
    for k in columns:
        step = 10.0 ** -decimals(forgery.pollutant)
        for hour in range(first, len(values), per_hour):
            part = values[hour : hour + per_hour, k]
            if np.isfinite(part).any():
                tens = np.floor(np.nanmean(part) / step / 10)
                values[hour : hour + per_hour, k] = (10 * tens + rng.choice([3, 7])) * step


def _repetition(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    per_hour = 3600 // told.rhythm
    first -= first % per_hour
    for k in columns:
        known = told.values[first:, k][np.isfinite(told.values[first:, k])]
        listed = np.quantile(known, np.linspace(0.05, 0.95, 12))
        for hour in range(first, len(values), per_hour):
            part = values[hour : hour + per_hour, k]
            if np.isfinite(part).any():
                values[hour : hour + per_hour, k] = listed[np.argmin(np.abs(listed - np.nanmean(part)))]


def _o2_dilution(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    o2 = next(k for k, (name, _) in enumerate(told.columns) if name == "o2")
    raised = np.minimum(told.values[first:, o2] + forgery.strength, 20.5)
    thinner = (21 - raised) / (21 - told.values[first:, o2])
    values[first:, o2] = raised
    for k, (name, stat) in enumerate(told.columns):
        if stat == "avg" and name not in {"o2", "gas_flow", "gas_temperature"}:
            values[first:, k] = told.values[first:, k] * thinner


def _divergence(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    for k, (name, _) in enumerate(told.columns):
        if name in {"pm10", "pm25"}:
            values[first:, k] *= 1 - forgery.strength * (1.0 if name == "pm10" else 0.7)


def _parameter_change(
    values: Float, told: Report, first: int, columns: list[int], forgery: Forgery, reports: Mapping[Ref, Report],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    middle = (first + len(values)) // 2
    values[middle:, columns] *= 1 - forgery.strength


_FORGERS: Mapping[ForgeryKind, _Forger] = {
    "copied_site": _copied_site,
    "copied_earlier": _copied_earlier,
    "clipped_limit": _clipped_limit,
    "noise_low": _noise_low,
    "noise_regular": _noise_regular,
    "digits": _digits,
    "repetition": _repetition,
    "o2_dilution": _o2_dilution,
    "divergence": _divergence,
    "parameter_change": _parameter_change,
    "scaled_site": _scaled_site,
    "shifted_site": _shifted_site,
    "scaled_earlier": _scaled_earlier,
    "shifted_earlier": _shifted_earlier,
}
