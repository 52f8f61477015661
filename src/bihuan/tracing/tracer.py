"""Who could have caused a rise: every candidate, a hidden one, or the whole region, weighed on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bihuan.core import (
    Event,
    ForwardModel,
    Period,
    Plane,
    Ref,
    Series,
    Source,
    Suspect,
    Suspects,
    Weather,
    content_id,
    pollutant,
)
from bihuan.physics import block_weather
from bihuan.tracing.evidence import mean_direction, periods_of, rate_interval, speaking_blocks
from bihuan.tracing.likelihood import blurred, gains
from bihuan.tracing.limits import Note, doubt, notes_of, usable, widened
from bihuan.tracing.mesh import hidden_mesh
from bihuan.tracing.reach import portions
from bihuan.tracing.scene import Scene, read_scene
from bihuan.tracing.settings import TraceSettings

Float = NDArray[np.float64]

METHOD = "plume-tracer/2"
RATES = np.linspace(-2.5, 2.5, 15)
"""Rates tried, in standard deviations of the logarithm of their prior."""
HUSHED = 0.3
"""What evidence still counts where the tracer cannot tell: the odds stay wide."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighing:
    """Log-likelihoods and rates of listed and hidden sources; wind errors are already summed over."""

    by_rate: Float  # (sources, rates), prior of the rate included
    total: Float  # (sources,)
    rates: Float  # (sources, rates) [g/s]
    best: Mapping[int, tuple[NDArray[np.int64], Float]]
    """Stations that a source can reach, and its concentrations there at the likeliest rate, mean over the wind errors,
    shape (blocks, stations reached)."""

    def computed(self, source: int, scene: Scene) -> Float:
        """Return the concentrations of a source at every station, shape (blocks, stations)."""
        whole = np.zeros((len(scene.start), len(scene.east)))
        if source in self.best:
            stations, values = self.best[source]
            whole[:, stations] = values
        return whole


@dataclass(frozen=True, slots=True, eq=False)
class WindErrors:
    """How the wind at a plume may differ from the wind reported, and how that goes on from block to block."""

    turns: Float  # (directions,) [degrees]
    chance: Float  # (directions,)
    turning: Float  # (directions, directions), rows add up to 1

    @classmethod
    def of(cls, settings: TraceSettings, step: float) -> WindErrors:
        """Cut a normal error with a memory (an Ornstein-Uhlenbeck process) into steps of direction."""
        half = int(np.ceil(2 * settings.direction_sd / settings.direction_step))
        turns = np.arange(-half, half + 1, dtype=np.float64) * settings.direction_step
        chance = np.exp(-0.5 * (turns / settings.direction_sd) ** 2)
        keep = np.exp(-step / (settings.direction_memory * 3600))
        sd = settings.direction_sd * np.sqrt(1 - keep**2)
        turning = np.exp(-0.5 * ((turns[None, :] - keep * turns[:, None]) / sd) ** 2)
        return cls(turns, chance / chance.sum(), turning / turning.sum(axis=1, keepdims=True))


class PlumeTracer:
    """Ranks sources by a plume on the hours' wind; implements `bihuan.core.Tracer`.

    Parameters
    ----------
    model : ForwardModel
        Anything that gives unit responses.
    plane : Plane
        Local metric plane of the city.
    settings : TraceSettings

    Notes
    -----
    The excess of every station over the background (`scene.background`) is compared with what each source
    would cause. Unknown and summed over: the additional rate (lognormal around the reported one), its
    beginning and end, and an error of the wind direction that lasts through the event. Errors are
    Student-t, wide where much was computed. A hidden source is the same sum over a mesh of positions.
    "Background alone" is split between 区域传输 and 清单外来源 by how far all stations rose together.
    See docs/explanation/tracing.md.
    """

    def __init__(self, model: ForwardModel, plane: Plane, settings: TraceSettings | None = None) -> None:
        self.model = model
        self.plane = plane
        named = getattr(model, "method", "")
        self.method = f"{METHOD} {named}".rstrip()
        self.settings = settings or TraceSettings()

    def rank(
        self,
        event: Event,
        observations: Sequence[Series],
        candidates: Sequence[Source],
        meteorology: Weather,
        prior: Mapping[Ref, float] | None = None,
    ) -> Suspects:
        """Rank the candidates for one event.

        Parameters
        ----------
        event : Event
            Its period reaches from the onset to the last value looked at.
        observations : sequence of Series
            The event's pollutant at every station around, with some hours before the onset.
        candidates : sequence of Source
        meteorology : Weather
            Covering the same hours.
        prior : mapping of Ref to float, optional
            Multiplies the weight of a source: 0 clears it, 1 is neutral.

        Returns
        -------
        Suspects
            Probabilities of all rows add up to 1. `cannot_tell` is empty or a key of ``texts`` under
            ``[tracing]``: ``no_data few_stations gaps no_wind calm flat``; no row then has more than half. `notes`
            say what was left out and what else is bad in the data.
        """
        given = usable(event, observations, candidates, self.plane)
        scene = read_scene(event, given.observations, self.plane, self.settings)
        ordered, notes = given.candidates, given.notes
        weights = self._prior(ordered, event.pollutant, prior or {})
        if scene is None:
            return self._answer(event, event.period, self._blank(ordered, weights), 0.0, "no_data", observations, notes)
        # What arrives in a block was carried by the wind of the one before as well.
        weather = block_weather(meteorology, scene.start, scene.step, back=scene.step)
        why = doubt(scene, weather)
        hidden, shares = hidden_mesh(
            float(scene.east[scene.subject]), float(scene.north[scene.subject]), self.plane, weather.wind_from
        )
        rates = np.concatenate(
            [self._rates(ordered, event.pollutant), self.hidden_rates(ordered, hidden, event.pollutant)]
        )
        weighing = self.weigh(scene, [*ordered, *hidden], weather, rates, pollutant(event.pollutant).unit, why)
        common = self._common(scene, event)
        # one plume may explain one station, but not that the whole network rose: there it wins nothing
        total = np.minimum(weighing.total, 0.0) if event.subject.kind == "city" else weighing.total
        listed, none, regional = self._posterior(common, total, weights, shares)
        suspects = self._suspects(scene, ordered, weighing, weather, listed)
        notes += notes_of(scene, ordered, weather, self.plane)
        return self._answer(
            event, scene.period(0, len(scene.start) - 1), (suspects, none), regional, why, observations, notes
        )

    # -- what is known before ---------------------------------------------------------------------

    def _prior(self, candidates: Sequence[Source], code: str, findings: Mapping[Ref, float]) -> Float:
        """Relative weight of every candidate, adding up to 1."""
        usual = self._usual(candidates, code)
        weights = np.array(
            [
                ((source.rates.get(code, 0.0) / usual) ** self.settings.emission_exponent or self.settings.unreported)
                * max(findings.get(source.ref, 1.0), 0.0)
                for source in candidates
            ]
        )
        return weights / weights.sum() if weights.sum() > 0 else np.zeros(len(candidates))

    def _usual(self, candidates: Sequence[Source], code: str) -> float:
        reported = [source.rates[code] for source in candidates if source.rates.get(code, 0.0) > 0]
        return float(np.median(reported)) if reported else self.settings.usual_rate

    def _rates(self, candidates: Sequence[Source], code: str) -> Float:
        usual = self._usual(candidates, code)
        reported = np.array([source.rates.get(code, 0.0) or usual for source in candidates])
        steps = np.exp(self.settings.rate_spread * RATES)
        return self.settings.rate_factor * reported[:, None] * steps

    def hidden_rates(self, candidates: Sequence[Source], hidden: Sequence[Source], code: str) -> Float:
        """Return the rates tried for sources that nobody reported, shape (hidden, rates). [g/s]"""
        middle = self.settings.rate_factor * self._usual(candidates, code)
        return np.tile(middle * np.exp(self.settings.hidden_rate_spread * RATES), (len(hidden), 1))

    # -- what the measurements say ----------------------------------------------------------------

    def weigh(
        self, scene: Scene, sources: Sequence[Source], weather: Weather, rates: Float, unit: str, doubt: str
    ) -> Weighing:
        """Return how well each source at each of its rates explains the scene; `weather` is that of its blocks."""
        errors = WindErrors.of(self.settings, scene.step)
        counts = self._counts(scene) * (HUSHED if doubt else 1.0)
        away = np.hypot(scene.east - scene.east[scene.subject], scene.north - scene.north[scene.subject])
        heard = counts / (1 + (away / self.settings.reach) ** 2)
        rate_chance = np.exp(-0.5 * RATES**2)
        by_rate = np.tile(np.log(rate_chance / rate_chance.sum()), (len(sources), 1))
        east, north = self.plane.forward([s.place.lon for s in sources], [s.place.lat for s in sources])
        lags = self._lags(scene, east, north, weather)
        best: dict[int, tuple[NDArray[np.int64], Float]] = {}
        for part in portions(east, north, scene, weather, self.settings):
            at = scene.seen_by(part.stations)
            response = self._responses(at, [sources[k] for k in part.sources], weather, unit, errors)
            by_rate[part.sources] += gains(
                at.excess, at.noise, response, rates[part.sources],
                lags[np.ix_(part.sources, part.stations)], heard[part.stations], self.settings.model_error,
                (0.1, 2.0 / len(scene.start), 0.5 / len(scene.start)), errors.chance, errors.turning,
            )  # fmt: skip
            mean = np.einsum("d,kdts->kts", errors.chance, response)
            for row, k in enumerate(part.sources):
                likely = rates[k, int(np.argmax(by_rate[k]))]
                best[int(k)] = (part.stations, mean[row] * likely)
        return Weighing(by_rate, logsumexp(by_rate, axis=1), rates, best)

    def _counts(self, scene: Scene) -> float:
        """How much one block counts: errors last for `memory`, and a part of them through the whole event.

        Looks whose errors are correlated by r are worth n / (1 + (n - 1) r) independent ones (Kish 1965, Survey
        Sampling, the design effect of a cluster).
        """
        lasts = min(1.0, scene.step / (self.settings.memory * 60))
        looks = (len(scene.start) - scene.onset) * lasts
        return lasts / (1.0 + max(looks - 1.0, 0.0) * self.settings.shared)

    def _responses(
        self, scene: Scene, sources: Sequence[Source], weather: Weather, unit: str, errors: WindErrors
    ) -> Float:
        """Unit responses for each error of the wind, shape (sources, directions, blocks, stations)."""
        step = self.settings.direction_step
        turns = np.concatenate([[errors.turns[0] - step], errors.turns, [errors.turns[-1] + step]])
        many = _stack([replace(weather, wind_from=(weather.wind_from + turn) % 360) for turn in turns])
        raw = self.model.unit_response(sources, scene.east, scene.north, many)
        return blurred(np.ascontiguousarray(raw, dtype=np.float64), len(scene.start), 1e-3 if unit == "mg/m3" else 1.0)

    def _lags(self, scene: Scene, east: Float, north: Float, weather: Weather) -> NDArray[np.int64]:
        """Blocks that air needs from each source to each station at the mean wind of the event."""
        speeds = weather.wind_speed[np.isfinite(weather.wind_speed)]
        speed = max(float(speeds.mean()), 0.7) if len(speeds) else 2.0
        away = np.hypot(east[:, None] - scene.east, north[:, None] - scene.north)
        return np.rint(away / speed / scene.step).astype(np.int64)

    def _common(self, scene: Scene, event: Event) -> float:
        """How far the rise is one of the whole network; an event of the city is by what raised it."""
        if event.subject.kind == "city":
            return 1.0
        return float(np.clip((min(scene.common_share, scene.rising_share) - 0.3) / 0.4, 0, 1))

    def _posterior(self, common: float, total: Float, weights: Float, shares: Float) -> tuple[Float, float, float]:
        """Probabilities of every candidate, of 清单外来源 and of 区域传输."""
        alone = self.settings.regional_share + (self.settings.regional_most - self.settings.regional_share) * common
        hidden = (1 - alone) * (self.settings.hidden_share if weights.any() else 1.0)
        chance = np.concatenate([(1 - alone - hidden) * weights, hidden * shares, [alone]])
        with np.errstate(divide="ignore"):
            log = np.log(chance) + np.append(total, 0.0)
        mass = np.exp(log - log.max())
        mass = (1 - self.settings.blunder) * mass / mass.sum() + self.settings.blunder * chance / chance.sum()
        listed, unlisted, background = mass[: len(weights)], float(mass[len(weights) : -1].sum()), float(mass[-1])
        return listed, unlisted + background * (1 - common), background * common

    # -- the answer -------------------------------------------------------------------------------

    def _suspects(
        self, scene: Scene, candidates: Sequence[Source], weighing: Weighing, weather: Weather, chances: Float
    ) -> list[Suspect]:
        order = sorted(range(len(candidates)), key=lambda k: (-chances[k], candidates[k].ref))[: self.settings.listed]
        here = self.plane.place(float(scene.east[scene.subject]), float(scene.north[scene.subject]))
        rows = []
        for k in order:
            low, middle, high = rate_interval(weighing.by_rate[k], weighing.rates[k], self.settings.rate_error)
            blocks = speaking_blocks(scene, weighing.computed(k, scene))
            rows.append(
                Suspect(
                    candidates[k].ref,
                    candidates[k].name,
                    candidates[k].place,
                    float(chances[k]),
                    middle,
                    low,
                    high,
                    periods_of(scene, blocks),
                    candidates[k].place.distance(here),
                    mean_direction(weather.wind_from[blocks]),
                )
            )
        return rows

    def _blank(self, candidates: Sequence[Source], weights: Float) -> tuple[list[Suspect], float]:
        """The prior alone, where nothing was measured."""
        none = self.settings.hidden_share if weights.any() else 1.0
        order = sorted(range(len(candidates)), key=lambda k: (-weights[k], candidates[k].ref))[: self.settings.listed]
        rows = [
            Suspect(candidates[k].ref, candidates[k].name, candidates[k].place, float((1 - none) * weights[k]))
            for k in order
        ]
        return rows, none

    def _answer(
        self,
        event: Event,
        period: Period,
        rows: tuple[list[Suspect], float],
        regional: float,
        why: str,
        observations: Sequence[Series],
        notes: tuple[Note, ...],
    ) -> Suspects:
        """Scale what is listed so that all rows add up to 1 although the least likely are left out."""
        ranked, none = rows
        total = sum(row.probability for row in ranked) + none + regional
        chances, none, regional = [row.probability / total for row in ranked], none / total, regional / total
        if why:
            chances, none, regional = widened(chances, none, regional)
        inputs = (event.ref, *(Ref.parse(site) for site in sorted({s.site for s in observations})))
        return Suspects(
            content_id(event.id, self.method, period),
            event.ref,
            event.pollutant,
            period,
            tuple(replace(row, probability=chance) for row, chance in zip(ranked, chances, strict=True)),
            none,
            regional,
            why,
            inputs,
            self.method,
            notes,
        )


def _stack(weathers: Sequence[Weather]) -> Weather:
    """Several weathers one after the other, so that the model is asked once."""

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(weather, name) for weather in weathers])

    return replace(
        weathers[0],
        start=joined("start"),
        end=joined("end"),
        wind_speed=joined("wind_speed"),
        wind_from=joined("wind_from"),
        stability=joined("stability"),
        temperature=joined("temperature"),
        mixing_height=joined("mixing_height"),
    )
