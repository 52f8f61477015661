"""Which listed sources released, how much, and when: minutes of sensors against the responses of an engine.

The evidence of a stretch of minutes for a combination of sources is the Bayes factor of a linear regression with an
unknown level, unknown error variance and rates that are not negative, against the level alone (Zellner's g-prior with
unit information, as in Liang et al. 2008, J. Am. Stat. Assoc. 103, eq. 6). The error of the wind and of the engine is
part of the unknown variance, and evidence of neighbouring minutes and sensors is counted as `ReleaseSettings.counted`
independent values a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bihuan.core import SettingError
from bihuan.tracing.record import SiteRecord, excess_of, smoothed

Float = NDArray[np.float64]
Int = NDArray[np.int64]

Bool = NDArray[np.bool_]

FREEDOM = 4.0
"""Degrees of freedom of the logarithm of peaks."""
LOUDEST = 6.0
"""Peaks alone say no more than this, in logarithms of odds."""
SHARP, BROAD = 1, 2
"""Minutes to either side over which peaks are smoothed: as they are, and as roots, which weigh presence."""


FEWEST_QUIET = 4
"""Blocks needed to say what is quiet."""
EVEN = 7
"""Minutes to either side for a rate: a gust that is a minute late matters no more."""
NINE_TENTHS = 1.2816
"""90 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class ReleaseSettings:
    """What the inversion assumes; chosen on the first three days of the ADED week (see docs/tracing.md).

    Attributes
    ----------
    block : int
        Evidence is taken over stretches of this length. [min]
    step : int
        The online course moves on by this. [min]
    counted : float
        Independent values in a minute of all sensors together.
    repeated : float
        Share of the evidence of a block that is new at each step: blocks overlap, and errors of the wind last.
    most_at_once : int
        Sources that may release at the same time.
    visible : float
        A response to the typical rate above this share of the quiet scatter can be seen.
    typical_rate, rate_spread : float
        Prior of a rate: lognormal about the typical one [unit of rate], sd of its logarithm.
    rate_error : float
        Error of a rate that no measurement shows: sd of its logarithm.
    waits, lasts : float
        Mean time between releases and length of one. [h]
    loud, loud_spread : float
        Mean and sd of the logarithm of the peaks over quiet ones while a source that can be seen releases.
    quiet, quiet_spread : float
        The same while none does.
    running : float
        Prior that a source releases in a stretch that somebody asks about.
    together : float
        Weight of two given sources at once against one.
    blunder : float
        Chance that the computation is wrong in a way it does not know.
    tells : float
        A source is named from this probability on.
    """

    block: int = 15
    step: int = 5
    counted: float = 1.6
    repeated: float = 0.2
    most_at_once: int = 2
    visible: float = 0.1
    typical_rate: float = 1.5
    rate_spread: float = 1.2
    rate_error: float = 0.6
    waits: float = 8.0
    lasts: float = 4.0
    loud: float = 1.4
    loud_spread: float = 1.2
    quiet: float = 0.2
    quiet_spread: float = 0.35
    running: float = 0.5
    together: float = 0.02
    blunder: float = 0.04
    tells: float = 0.5

    def __post_init__(self) -> None:
        for name in ReleaseSettings.__slots__:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise SettingError(f"release setting {name}={getattr(self, name)}: it must be a number above 0")
        for name in ("repeated", "running", "together", "blunder", "tells"):
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
    """Evidence of every stretch of a record, ready to be added up.

    Parameters
    ----------
    record : SiteRecord
    settings : ReleaseSettings, optional
    online : bool
        Whether backgrounds come from the past alone.
    """

    def __init__(self, record: SiteRecord, settings: ReleaseSettings | None = None, *, online: bool = False) -> None:
        self.record, self.settings = record, settings or ReleaseSettings()
        self.online = online
        self.excess = excess_of(record.values, online=online)
        self.sets = subsets(len(record.sources), self.settings.most_at_once)
        self._loudness = self._louds(smoothed(self.excess, SHARP))

    def of(self, minutes: Int) -> tuple[Float, Bool, float]:
        """Return what a stretch of minutes says.

        Returns
        -------
        evidence : ndarray, shape (combinations,)
            Log of the chance of the values if these sources released, over that if none did.
        visible : ndarray of bool, shape (sources,)
            Which would be seen at the typical rate.
        loudness : float
            Log of the peaks over those of quiet hours.
        """
        counted = self.settings.counted * len(minutes)
        quiet, loudness = self._quiet(minutes), 0.0
        sharp = smoothed(self.excess[minutes], SHARP)
        peaks = _peak(sharp)
        if quiet > 0 and np.isfinite(peaks):
            loudness = math.log(max(peaks, 0.01 * quiet) / quiet)
        largest = self.settings.typical_rate * self.record.unit[:, minutes].max(axis=(1, 2))
        seen = largest > (self.settings.visible * quiet if quiet > 0 else 0.0)
        total = np.zeros(len(self.sets))
        root = np.sqrt(np.maximum(smoothed(self.excess[minutes], BROAD), 0.0))
        unit = self.record.unit[:, minutes]
        for values, response in ((sharp, smoothed(unit, SHARP)), (root, np.sqrt(smoothed(unit, BROAD)))):
            total += 0.5 * bayes_factors(values, response, self.sets, counted)
        told = np.array([seen[list(chosen)].all() for chosen in self.sets])
        some = np.array([seen[list(chosen)].any() for chosen in self.sets])
        loud = loudness_factor(loudness, self.settings) if np.isfinite(peaks) else 0.0
        return np.where(told, total, 0.0) + np.where(some, loud, 0.0), seen, loudness

    def roots(self, minutes: Int, source: int) -> tuple[Float, Float]:
        """Return roots of the smoothed excess over its usual offset, and the smoothed response: (minutes, sensors)."""
        usual = np.nanmedian(self.excess[: int(minutes[-1]) + 1])
        even = smoothed(self.excess[minutes] - usual, EVEN)
        return np.sqrt(np.maximum(even, 0.0)), smoothed(self.record.unit[source, minutes], EVEN)

    def _louds(self, sharp: Float) -> Float:
        """Peaks of each whole block."""
        block = self.settings.block
        count = max(len(sharp) // block, 1)
        return np.array([_peak(sharp[k * block : (k + 1) * block]) for k in range(count)])

    def _quiet(self, minutes: Int) -> float:
        """Peaks of the quieter blocks of the day before, or of the first hours: what is seen when nothing happens."""
        day = 1440 // self.settings.block
        last = max(int(minutes[0]) // self.settings.block, 0 if self.online else FEWEST_QUIET)
        known = self._loudness[max(last - day, 0) : last]
        known = known[np.isfinite(known)]
        return float(np.quantile(known, 0.25)) if len(known) >= FEWEST_QUIET else float("nan")


def loudness_factor(loudness: float, settings: ReleaseSettings) -> float:
    """Return the log of the chance of such peaks while a visible source releases over that while none does."""

    def log_chance(middle: float, spread: float) -> float:
        return -0.5 * (FREEDOM + 1.0) * math.log1p(((loudness - middle) / spread) ** 2 / FREEDOM) - math.log(spread)

    factor = log_chance(settings.loud, settings.loud_spread) - log_chance(settings.quiet, settings.quiet_spread)
    return min(max(factor, -LOUDEST), LOUDEST)


def _peak(values: Float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, 0.95)) if len(known) else float("nan")


def subsets(count: int, most: int) -> tuple[tuple[int, ...], ...]:
    """Return every combination of one up to `most` of `count` sources."""
    return tuple(chosen for size in range(1, most + 1) for chosen in combinations(range(count), size))


def bayes_factors(values: Float, unit: Float, sets: tuple[tuple[int, ...], ...], counted: float) -> Float:
    """Return the log Bayes factor of every combination of sources against a level alone.

    Parameters
    ----------
    values : ndarray, shape (minutes, sensors)
        NaN where missing.
    unit : ndarray, shape (sources, minutes, sensors)
    sets : tuple of tuple of int
        Combinations of one or two sources.
    counted : float
        Independent values among them.

    Returns
    -------
    ndarray, shape (combinations,)
        Lowest where only a negative rate would fit; 0 where nothing was measured.
    """
    known = np.isfinite(values)
    y = values[known]
    if len(y) < 4 or counted <= 3.0:
        return np.zeros(len(sets))
    x = unit[:, known]
    y, x = y - y.mean(), x - x.mean(axis=1, keepdims=True)
    gram, cross, size = x @ x.T, x @ y, float(y @ y)
    explained = np.array([_explained(gram, cross, chosen) for chosen in sets])
    share = np.clip(explained / size, 0.0, 1.0) if size > 0 else np.zeros(len(sets))
    many = np.array([len(chosen) for chosen in sets])
    left = np.log1p(counted * (1.0 - share))
    factor: Float = 0.5 * (counted - 1.0 - many) * math.log1p(counted) - 0.5 * (counted - 1.0) * left
    return factor


def _explained(gram: Float, cross: Float, chosen: tuple[int, ...]) -> float:
    """Sum of squares that rates of these sources explain, none of them negative."""
    if len(chosen) == 1:
        k = chosen[0]
        return float(cross[k] ** 2 / gram[k, k]) if gram[k, k] > 1e-12 and cross[k] > 0 else 0.0
    a, b = chosen
    both = gram[a, a] * gram[b, b] - gram[a, b] ** 2
    if both <= 1e-9 * gram[a, a] * gram[b, b]:
        return 0.0
    qa = (gram[b, b] * cross[a] - gram[a, b] * cross[b]) / both
    qb = (gram[a, a] * cross[b] - gram[a, b] * cross[a]) / both
    return float(qa * cross[a] + qb * cross[b]) if qa > 0 and qb > 0 else 0.0


def invert(evidence: Evidence, minutes: Int) -> Inversion:
    """Say which sources released in a stretch of minutes, and how much.

    Parameters
    ----------
    evidence : Evidence
    minutes : ndarray of int64
        Of its record, ascending; a longer stretch is the product of hours.

    Notes
    -----
    `running` is shared by the combinations, those of two weighing `together` of a single one. `blunder` of the odds
    stays with the prior whatever the data say.
    """
    settings, record = evidence.settings, evidence.record
    pieces = np.array_split(minutes, max(len(minutes) // 60, 1))
    parts = [evidence.of(piece) for piece in pieces]
    total = np.sum([part[0] for part in parts], axis=0)
    visible = np.any([part[1] for part in parts], axis=0)
    prior = np.array([settings.together ** (len(chosen) - 1) for chosen in evidence.sets])
    chance = np.append(settings.running * prior / prior.sum(), 1.0 - settings.running)
    log = np.append(total, 0.0) + np.log(chance)
    mass = np.exp(log - log.max())
    mass = (1.0 - settings.blunder) * mass / mass.sum() + settings.blunder * chance
    each = np.array([sum(m for m, s in zip(mass, evidence.sets, strict=False) if k in s) for k in range(len(visible))])
    order = np.argsort(-mass[:-1], kind="stable")
    named = tuple((tuple(record.sources[k] for k in evidence.sets[n]), float(mass[n])) for n in order)
    rates = np.array([rate_of(evidence, minutes, k) for k in range(len(record.sources))])
    told = "" if each.max() >= settings.tells else "undecided"
    if not visible.any():
        told = "blind"
    elif told and mass[-1] > settings.tells:
        told = "flat" if visible.all() else "blind"
    return Inversion(record.sources, each, float(mass[-1]), named, rates[:, 1], rates[:, 0], rates[:, 2], told)


def rate_of(evidence: Evidence, minutes: Int, source: int) -> tuple[float, float, float]:
    """Return the 10 %, 50 % and 90 % point of the rate of one source, if it alone released.

    The square roots of quarter-hour means are regressed through nothing: roots because errors grow with the value.
    The scatter of the stretch's parts, the error that none of them shows and the prior are put together as variances.
    """
    settings = evidence.settings
    root, unit = evidence.roots(minutes, source)
    pieces = np.array_split(np.arange(len(minutes)), max(len(minutes) // settings.block, 1))
    sums = np.array([_root_sums(root[piece], unit[piece]) for piece in pieces])
    both = sums.sum(axis=0)
    if not (both[1] > 0.0 and both[0] > 0.0):
        return math.nan, math.nan, math.nan
    own = 2.0 * math.log(both[0] / both[1])
    scatter = _jackknife(sums)
    variance = settings.rate_error**2 + scatter**2
    weight = settings.rate_spread**2 / (settings.rate_spread**2 + variance)
    middle = weight * own + (1.0 - weight) * math.log(settings.typical_rate)
    reach = NINE_TENTHS * math.sqrt(weight * variance)
    return math.exp(middle - reach), math.exp(middle), math.exp(middle + reach)


def _root_sums(root: Float, unit: Float) -> tuple[float, float]:
    known = np.isfinite(root)
    return float((root[known] * np.sqrt(unit[known])).sum()), float(unit[known].sum())


def _jackknife(sums: Float) -> float:
    """Standard error of the log of the rate, from leaving out one part after another."""
    if len(sums) < 2:
        return 0.5
    left = sums.sum(axis=0) - sums
    good = (left[:, 0] > 0) & (left[:, 1] > 0)
    if good.sum() < 2:
        return 2.0
    logs = 2.0 * np.log(left[good, 0] / left[good, 1])
    return float(np.sqrt((len(logs) - 1) * np.var(logs)))
