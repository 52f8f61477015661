"""Which listed sources released, how much, and when: minutes of sensors against the responses of an engine.

Every minute and sensor is compared with what a source would cause at a rate, in a scale where a faint value counts as
it is and a strong one by its root (errors of a plume grow with it). The response is that of the usual plume by
direction of the wind (`response`), turned by an error that lasts over the stretch; rate, turn and width are summed
over. A level that the engine gets wrong looks like a rate: how wrong it may be says how far a rate is believed.
"None of the listed" is a mixture of quiet and of something that no listed source explains. Neighbouring minutes and
sensors err together: `ReleaseSettings.own` of the logarithm of each likelihood counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from bihuan.core import SettingError
from bihuan.tracing.record import SiteRecord, excess_of, smoothed, without_common
from bihuan.tracing.response import Response

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

SHARP = 1
"""Minutes to either side over which values and responses are smoothed."""
RATES, REACH = 11, 2.2
"""Rates tried, and how many spreads of the prior they reach to either side."""
BETWEEN = 20
"""Steps between two rates tried in which their evidence, a smooth curve, is read for a rate and its interval."""
PAIRED = 5
"""Sources of which two at once are tried: the likeliest alone."""
HOUR = 60
"""A longer stretch is taken in pieces of this: an error of the wind lasts no longer. [min]"""
NINE_TENTHS = 1.2816
"""90 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """What the inversion assumes; chosen on the first three days of the ADED week (see docs/tracing.md).

    Attributes
    ----------
    step : int
        The online course moves on by this. [min]
    own : float
        Share of the evidence of a value that is its own.
    soft : float
        Values far above this count by their root, far below as they are. [unit of values]
    noise : float
        Scatter in that scale while nothing happens. [root of unit of values]
    grows : float
        Scatter over the value, in that scale: error of the plume.
    freedom : float
        Degrees of freedom of both: how often a value is far off.
    unlisted, loud : float
        Share of "none of the listed" in which something else is there, and how far it scatters the values.
    spread, turned : float
        Sd of the error of the wind from minute to minute and over a stretch. [degrees]
    wider : float
        The plume may as well be as wide as if the first of these were so many times larger.
    asked, fewest : float
        Share of the response of the minute itself in that of its direction, and its weight where a direction was rare.
    most_at_once : int
        Sources that may release at the same time.
    visible : float
        A source whose response to the typical rate stays below this is out of sight. [unit of values]
    witness : float
        A source is named only if, with the wind as measured, some sensor should have got as much from it, and did.
        [unit of values]
    typical_rate, rate_spread : float
        Prior of a rate: lognormal about the typical one [unit of rate], sd of its logarithm.
    rate_error : float
        Error of the level of the responses over a stretch, which looks like a rate: sd of its logarithm.
    least_rate : float
        Less than this, whatever causes it, raises no alarm. [unit of rate]
    waits, lasts : float
        Mean time between releases and length of one. [h]
    running : float
        Prior that a source releases in a stretch that somebody asks about.
    together : float
        Weight of two given sources at once against one.
    blunder : float
        Chance that the computation is wrong in a way it does not know.
    tells : float
        A source is named from this probability on.
    """

    step: int = 5
    own: float = 0.2
    soft: float = 0.2
    noise: float = 0.17
    grows: float = 0.5
    freedom: float = 8.0
    unlisted: float = 0.3
    loud: float = 0.7
    spread: float = 5.0
    turned: float = 8.0
    wider: float = 2.0
    asked: float = 0.1
    fewest: float = 5.0
    most_at_once: int = 2
    visible: float = 0.05
    witness: float = 0.3
    typical_rate: float = 1.5
    rate_spread: float = 1.2
    rate_error: float = 0.55
    least_rate: float = 0.25
    waits: float = 16.0
    lasts: float = 6.0
    running: float = 0.5
    together: float = 0.02
    blunder: float = 0.04
    tells: float = 0.5

    def __post_init__(self) -> None:
        for name in ReleaseSettings.__slots__:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise SettingError(f"release setting {name}={getattr(self, name)}: it must be a number above 0")
        for name in ("own", "unlisted", "asked", "running", "together", "blunder", "tells"):
            if getattr(self, name) >= 1:
                raise SettingError(f"release setting {name}={getattr(self, name)}: a share lies between 0 and 1")
        if self.most_at_once > 2:
            raise SettingError(f"release setting most_at_once={self.most_at_once}: one or two at a time can be told")


@dataclass(frozen=True, slots=True, eq=False)
class Inversion:
    """What a stretch of minutes says.

    Attributes
    ----------
    sources : tuple of str
    probability : ndarray, shape (sources,)
        That a source released; several may.
    none : float
        That none of the listed did.
    combinations : tuple of (tuple of str, float)
        Likeliest first.
    rate, low, high : ndarray, shape (sources,)
        80 % interval, if it was the one. NaN where nothing could be seen. [unit of rate]
    cannot_tell : str
        Empty, or ``blind`` (what may release would not be seen), ``flat`` (it would, and nothing is) or ``undecided``.
    """

    sources: tuple[str, ...]
    probability: Float
    none: float
    combinations: tuple[tuple[tuple[str, ...], float], ...]
    rate: Float
    low: Float
    high: Float
    cannot_tell: str

    @property
    def first(self) -> int:
        """The likeliest source."""
        return int(np.argmax(self.probability))


class Evidence:
    """Evidence of every stretch of a record.

    Parameters
    ----------
    record : SiteRecord
    settings : ReleaseSettings, optional
    online : bool
        Whether backgrounds and what is known by direction come from the past alone.

    Attributes
    ----------
    unit, way : ndarray, shape (ways, sources, minutes, sensors) and (ways,)
        Unit responses for every turn and width of the plume, and the log of the chance of each.
    rates : ndarray, shape (rates,)
        Logarithms of the rates tried: a true one times the error of the level of the responses.
    chance : ndarray, shape (rates,)
        Log of their prior.
    """

    def __init__(self, record: SiteRecord, settings: ReleaseSettings | None = None, *, online: bool = False) -> None:
        self.record, self.settings = record, settings or ReleaseSettings()
        s = self.settings
        self.excess = without_common(excess_of(record.values, online=online), online=online)
        widths = [s.spread, s.spread * s.wider] if record.wind is not None else [s.spread]
        known = [
            Response(record, spread=width, turned=s.turned, asked=s.asked, fewest=s.fewest, online=online)
            for width in widths
        ]
        self.unit: Float = np.concatenate([one.unit for one in known])
        self.way: Float = np.concatenate([one.chance for one in known]) - math.log(len(known))
        reach = np.linspace(-REACH, REACH, RATES)
        self.rates: Float = math.log(s.typical_rate) + reach * math.hypot(s.rate_spread, s.rate_error)
        self.chance: Float = -0.5 * reach**2 - np.logaddexp.reduce(-0.5 * reach**2)

    def of(self, minutes: Int) -> tuple[Float, float]:
        """Return what a stretch of minutes says.

        Returns
        -------
        evidence : ndarray, shape (sources, rates)
            Log of the chance of the values if this source alone released, over that if all was quiet.
        unlisted : float
            The same if something is there that no listed source explains.
        """
        values, known, unit = self._stretch(minutes)
        rates = np.exp(self.rates)[:, None, None]
        listed = self._likelihood(values, known, rates * unit[:, :, None])
        quiet = self._likelihood(values, known, np.zeros((1, 1)))
        wide = self._likelihood(values, known, np.zeros((1, 1)), self.settings.loud)
        return self._over_ways(listed) - quiet, float(wide - quiet)

    def of_two(self, minutes: Int, first: int, second: int) -> Float:
        """Return the same for two sources at once, at every second rate: (rates, rates)."""
        values, known, unit = self._stretch(minutes)
        rates = np.exp(self.rates[::2])[:, None, None]
        both = (rates * unit[:, first, None])[:, :, None] + (rates * unit[:, second, None])[:, None]
        quiet = self._likelihood(values, known, np.zeros((1, 1)))
        return self._over_ways(self._likelihood(values, known, both)) - quiet

    def witnessed(self, minutes: Int) -> tuple[Float, Float]:
        """Return, with the wind as measured and the typical rate, the most a source causes, and of that is there.

        Returns
        -------
        most, there : ndarray, shape (sources,)
            Unit of values.
        """
        unit = self.settings.typical_rate * smoothed(self.record.unit[:, minutes], SHARP)
        values = np.nan_to_num(smoothed(self.excess[minutes], SHARP))
        return unit.max(axis=(1, 2)), np.minimum(unit, values).max(axis=(1, 2))

    def _stretch(self, minutes: Int) -> tuple[Float, Bool, Float]:
        """Smoothed values in the scale, which of them are known, and smoothed responses; nothing from outside."""
        values = smoothed(self.excess[minutes], SHARP)
        known = np.isfinite(values)
        return self._scaled(np.where(known, values, 0.0)), known, smoothed(self.unit[:, :, minutes], SHARP)

    def _scaled(self, values: Float) -> Float:
        soft = self.settings.soft
        scaled: Float = np.sqrt(np.maximum(values, -soft) + soft) - math.sqrt(soft)
        return scaled

    def _likelihood(self, values: Float, known: Bool, caused: Float, wide: float = 0.0) -> Float:
        """Log of the chance of values, given what is caused: summed over the last two axes, minutes and sensors."""
        s = self.settings
        middle = self._scaled(caused)
        variance = s.noise**2 + (s.grows * middle) ** 2 + wide**2
        off = (values - middle) ** 2 / variance
        log = -0.5 * (s.freedom + 1.0) * np.log1p(off / s.freedom) - 0.5 * np.log(variance)
        total: Float = s.own * np.where(known, log, 0.0).sum(axis=(-1, -2))
        return total

    def _over_ways(self, log: Float) -> Float:
        way = self.way.reshape(-1, *[1] * (log.ndim - 1))
        summed: Float = np.logaddexp.reduce(log + way, axis=0)
        return summed


def subsets(count: int, most: int) -> tuple[tuple[int, ...], ...]:
    """Return every combination of one up to `most` of `count` sources."""
    return tuple(chosen for size in range(1, most + 1) for chosen in combinations(range(count), size))


def invert(evidence: Evidence, minutes: Int) -> Inversion:
    """Say which sources released in a stretch of minutes, and how much.

    Parameters
    ----------
    evidence : Evidence
    minutes : ndarray of int64
        Of its record, ascending. A longer stretch is taken by hours, through which a rate stays and an error of the
        wind does not.

    Notes
    -----
    `running` is shared by the combinations, those of two weighing `together` of a single one. `blunder` of the odds
    stays with the prior whatever the data say.
    """
    settings, sources = evidence.settings, len(evidence.record.sources)
    pieces = np.array_split(minutes, max(len(minutes) // HOUR, 1))
    parts = [evidence.of(piece) for piece in pieces]
    by_rate = np.sum([part[0] for part in parts], axis=0) + evidence.chance
    alone: Float = np.logaddexp.reduce(by_rate, axis=1)
    quiet, wide = math.log1p(-settings.unlisted), math.log(settings.unlisted) + sum(part[1] for part in parts)
    sets = subsets(sources, settings.most_at_once)
    told = np.append(_combined(evidence, pieces, alone, sets), np.logaddexp(quiet, wide))
    prior = np.array([settings.together ** (len(chosen) - 1) for chosen in sets])
    chance = np.append(settings.running * prior / prior.sum(), 1.0 - settings.running)
    log = told + np.log(chance)
    mass = np.exp(log - log.max())
    mass = (1.0 - settings.blunder) * mass / mass.sum() + settings.blunder * chance
    each = np.array([sum(m for m, s in zip(mass, sets, strict=False) if k in s) for k in range(sources)])
    order = np.argsort(-mass[:-1], kind="stable")
    named = tuple((tuple(evidence.record.sources[k] for k in sets[n]), float(mass[n])) for n in order)
    rate, low, high = _rates(evidence, by_rate, minutes)
    why = _cannot_tell(evidence, minutes, each, float(mass[-1]))
    return Inversion(evidence.record.sources, each, float(mass[-1]), named, rate, low, high, why)


def _combined(evidence: Evidence, pieces: Sequence[Int], alone: Float, sets: tuple[tuple[int, ...], ...]) -> Float:
    """Log evidence of every combination; two that are not both among the likeliest get that of the better one."""
    likely = {int(k) for k in np.argsort(-alone, kind="stable")[:PAIRED]}
    coarse = evidence.chance[::2] - np.logaddexp.reduce(evidence.chance[::2])
    found = np.empty(len(sets))
    for n, chosen in enumerate(sets):
        if len(chosen) == 1 or not set(chosen) <= likely:
            found[n] = max(alone[k] for k in chosen)
            continue
        total = np.sum([evidence.of_two(piece, *chosen) for piece in pieces], axis=0)
        found[n] = np.logaddexp.reduce((total + coarse[:, None] + coarse).ravel())
    return found


def _rates(evidence: Evidence, by_rate: Float, minutes: Int) -> tuple[Float, Float, Float]:
    """50 %, 10 % and 90 % point of the rate of each source, if it alone released.

    What the values show is the rate times the error of the responses' level. Of its distance from the typical rate,
    the rate's own share is believed, as with any two normal errors of which only the sum is seen.
    """
    s = evidence.settings
    fine = np.linspace(evidence.rates[0], evidence.rates[-1], BETWEEN * (len(evidence.rates) - 1) + 1)
    by_fine = CubicSpline(evidence.rates, by_rate, axis=1)(fine)
    weight = np.exp(by_fine - np.logaddexp.reduce(by_fine, axis=1)[:, None])
    shown = weight @ fine
    variance = (weight * (fine - shown[:, None]) ** 2).sum(axis=1)
    share, typical = s.rate_spread**2 / (s.rate_spread**2 + s.rate_error**2), math.log(s.typical_rate)
    reach = NINE_TENTHS * np.sqrt(share**2 * variance + share * s.rate_error**2)
    seen = evidence.unit[:, :, minutes].max(axis=(0, 2, 3)) > 0.0
    known = seen & np.isfinite(evidence.excess[minutes]).any()
    middle = np.where(known, typical + share * (shown - typical), np.nan)
    return np.exp(middle), np.exp(middle - reach), np.exp(middle + reach)


def _cannot_tell(evidence: Evidence, minutes: Int, each: Float, none: float) -> str:
    settings, first = evidence.settings, int(np.argmax(each))
    most, there = evidence.witnessed(minutes)
    seen = most >= settings.visible
    if each[first] >= settings.tells and there[first] >= settings.witness:
        return ""
    if not seen.any() or each[first] >= settings.tells:
        return "blind"
    if none > settings.tells:
        return "flat" if seen.all() else "blind"
    return "undecided"
