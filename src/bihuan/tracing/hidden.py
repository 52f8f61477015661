"""Where a source that nobody listed might stand: a posterior map, the area to search, the place to measure next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Event, Series, Source, Weather, pollutant
from bihuan.physics import block_weather
from bihuan.tracing.limits import doubt, usable
from bihuan.tracing.mesh import unknown_source
from bihuan.tracing.scene import Scene, read_scene
from bihuan.tracing.tracer import PlumeTracer, WindErrors

Float = NDArray[np.float64]

REACH = 6000.0
"""Half side of the square that is searched, around the station of the event. [m]"""
COARSE = 1000.0
"""Side of the first cells. [m]"""
FINER = 3
"""How many times cells are halved where the probability lies."""
REFINED, HELD = 48, 0.95
"""Cells halved each time: the likeliest that hold this much, at most so many."""
LATEST = 4
"""Blocks whose wind the next measurement is planned for."""
HYPOTHESES, PLACES = 48, 121
"""Likeliest cells, and places to measure at, that are weighed for the next measurement."""
SCATTER = 0.7
"""Error of a measurement against the computed one, in the inverse hyperbolic sine of its ratio to the noise."""
LEVELS = np.linspace(-2.5, 8.5, 56)
"""Outcomes of a measurement, on that scale."""


@dataclass(frozen=True, slots=True)
class HiddenCell:
    """A square of the map.

    Attributes
    ----------
    lon, lat : float
        Of its centre.
    side : float
        [m]
    probability : float
        That the source stands in it, if it is none of the listed. Per cell.
    within : int
        50 or 90 if it belongs to the smallest area with that much, else 100.
    """

    lon: float
    lat: float
    side: float
    probability: float
    within: int


@dataclass(frozen=True, slots=True)
class HiddenMap:
    """Where a source outside the list would stand.

    Attributes
    ----------
    cells : tuple of HiddenCell
        Densest first.
    area50, area90 : float
        Smallest areas that hold half and nine tenths. [km2]
    monitor_lon, monitor_lat : float or None
        Where a mobile monitor would tell most next, under the latest wind.
    monitor_bits : float
        Information expected there. [bit]
    cannot_tell : str
        As of the ranking: the map is then wide.
    """

    cells: tuple[HiddenCell, ...]
    area50: float
    area90: float
    monitor_lon: float | None
    monitor_lat: float | None
    monitor_bits: float
    cannot_tell: str


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Squares: centre and side [m], log-likelihood and likeliest rate [g/s] of a source at the centre."""

    east: Float
    north: Float
    side: Float
    log: Float
    rate: Float

    def chosen(self, which: NDArray[np.bool_]) -> _Cells:
        return _Cells(*(getattr(self, name)[which] for name in ("east", "north", "side", "log", "rate")))

    def joined(self, other: _Cells) -> _Cells:
        names = ("east", "north", "side", "log", "rate")
        return _Cells(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def mass(self, blunder: float) -> Float:
        """Probability of each; `blunder` of it stays spread evenly."""
        area = self.side**2
        raw = area * np.exp(self.log - self.log.max())
        found: Float = (1.0 - blunder) * raw / raw.sum() + blunder * area / area.sum()
        return found


def search_hidden(
    tracer: PlumeTracer,
    event: Event,
    observations: Sequence[Series],
    candidates: Sequence[Source],
    meteorology: Weather,
) -> HiddenMap | None:
    """Return where a source that is none of the listed would stand.

    Parameters
    ----------
    tracer : PlumeTracer
        Whose physics, background and errors are used.
    event, observations, candidates, meteorology
        As for `PlumeTracer.rank`; of the candidates only the usual rate counts.

    Returns
    -------
    HiddenMap or None
        None where no station has a value or no wind is known.

    Notes
    -----
    The square is cut coarsely; cells that hold most of the probability are halved again and again. A cell stands for
    its centre. Prior: even over the square. The next measurement is the place with the largest mutual information
    between where the source stands and what would be measured there, the wind's error summed over.
    """
    tracer = PlumeTracer(
        tracer.model, tracer.plane, replace(tracer.settings, memory=tracer.settings.map_memory, shared=0.0)
    )
    given = usable(event, observations, candidates, tracer.plane)
    scene = read_scene(event, given.observations, tracer.plane, tracer.settings)
    if scene is None:
        return None
    weather = block_weather(meteorology, scene.start, scene.step, back=scene.step)
    if not np.isfinite(weather.wind_speed).any():
        return None
    why = doubt(scene, weather)
    east, north = float(scene.east[scene.subject]), float(scene.north[scene.subject])
    across = np.arange(-REACH + COARSE / 2, REACH, COARSE)
    mesh_east, mesh_north = (axis.ravel() for axis in np.meshgrid(east + across, north + across))

    def weighed(at_east: Float, at_north: Float, side: float) -> _Cells:
        hidden = _sources(tracer, at_east, at_north)
        rates = tracer.hidden_rates(given.candidates, hidden, event.pollutant)
        told = tracer.weigh(scene, hidden, weather, rates, pollutant(event.pollutant).unit, why)
        likely = rates[np.arange(len(hidden)), np.argmax(told.by_rate, axis=1)]
        return _Cells(at_east, at_north, np.full(len(hidden), side), told.total, likely)

    cells = weighed(mesh_east, mesh_north, COARSE)
    for _ in range(FINER):
        mass = cells.mass(tracer.settings.blunder)
        split = _dense(mass, cells.side, HELD)
        split[np.argsort(-mass / cells.side**2)[REFINED:]] = False
        split &= cells.side == cells.side.min()
        if not split.any():
            break
        parent, quarter = cells.chosen(split), cells.side.min() / 4
        shift = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)]) * quarter
        children = weighed(
            (parent.east[:, None] + shift[:, 0]).ravel(), (parent.north[:, None] + shift[:, 1]).ravel(), 2 * quarter
        )
        cells = cells.chosen(~split).joined(children)
    return _answer(tracer, scene, weather, cells, pollutant(event.pollutant).unit, why)


def _sources(tracer: PlumeTracer, east: Float, north: Float) -> tuple[Source, ...]:
    return tuple(unknown_source(tracer.plane.place(float(x), float(y))) for x, y in zip(east, north, strict=True))


def _dense(mass: Float, side: Float, share: float) -> NDArray[np.bool_]:
    """The densest cells that hold a share of the probability: the smallest area with so much."""
    order = np.argsort(-mass / side**2, kind="stable")
    before = np.cumsum(mass[order]) - mass[order]
    found = np.zeros(len(mass), dtype=np.bool_)
    found[order[before < share]] = True
    return found


def _answer(tracer: PlumeTracer, scene: Scene, weather: Weather, cells: _Cells, unit: str, doubt: str) -> HiddenMap:
    mass = cells.mass(tracer.settings.blunder)
    half, most = _dense(mass, cells.side, 0.5), _dense(mass, cells.side, 0.9)
    square = cells.side**2 / 1e6
    rows = []
    for k in np.argsort(-mass / square, kind="stable"):
        place = tracer.plane.place(float(cells.east[k]), float(cells.north[k]))
        within = 50 if half[k] else 90 if most[k] else 100
        lon, lat = round(place.lon, 5), round(place.lat, 5)
        rows.append(HiddenCell(lon, lat, float(cells.side[k]), float(mass[k]), within))
    best, bits = _next_measurement(tracer, scene, weather, cells, mass, unit)
    return HiddenMap(
        tuple(rows), float(square[half].sum()), float(square[most].sum()),
        None if best is None else round(best[0], 5), None if best is None else round(best[1], 5), bits, doubt,
    )  # fmt: skip


def _next_measurement(
    tracer: PlumeTracer, scene: Scene, weather: Weather, cells: _Cells, mass: Float, unit: str
) -> tuple[tuple[float, float] | None, float]:
    """Place (lon, lat) and information [bit] of the measurement that would tell most where the source stands."""
    known = np.flatnonzero(np.isfinite(weather.wind_speed) & np.isfinite(weather.wind_from))[-LATEST:]
    if not len(known):
        return None, 0.0
    likely = np.argsort(-mass, kind="stable")[:HYPOTHESES]
    chance = mass[likely] / mass[likely].sum()
    east, north = _places(cells.east[likely], cells.north[likely], chance)
    errors = WindErrors.of(tracer.settings, scene.step)
    sources = _sources(tracer, cells.east[likely], cells.north[likely])
    expected = np.zeros((len(errors.turns), len(east), len(likely)))
    latest = _picked(weather, known)
    for d, turn in enumerate(errors.turns):
        turned = replace(latest, wind_from=(latest.wind_from + turn) % 360)
        expected[d] = np.nan_to_num(tracer.model.unit_response(sources, east, north, turned)).mean(axis=0)
    expected *= cells.rate[likely] * (1e-3 if unit == "mg/m3" else 1.0)
    noise = float(np.nanmedian(scene.noise))
    information = _information(np.arcsinh(expected / noise), errors.chance, chance)
    best = int(np.argmax(information))
    place = tracer.plane.place(float(east[best]), float(north[best]))
    return (place.lon, place.lat), float(information[best])


def _places(east: Float, north: Float, chance: Float) -> tuple[Float, Float]:
    """A square lattice around where the source is likely to stand and a little beyond."""
    middle = float(chance @ east), float(chance @ north)
    spread = float(np.sqrt(chance @ ((east - middle[0]) ** 2 + (north - middle[1]) ** 2)))
    side = round(PLACES**0.5)
    across = np.linspace(-1, 1, side) * max(2 * spread, 1500.0)
    mesh = np.meshgrid(middle[0] + across, middle[1] + across)
    return mesh[0].ravel(), mesh[1].ravel()


def _information(expected: Float, wind_chance: Float, chance: Float) -> Float:
    """Mutual information of hypothesis and outcome at each place. [bit]

    Parameters
    ----------
    expected : ndarray, shape (directions, places, hypotheses)
    wind_chance, chance : ndarray, shape (directions,), (hypotheses,)
    """
    outcome = np.zeros((*expected.shape[1:], len(LEVELS)))
    for d in range(len(expected)):
        shape = np.exp(-0.5 * ((LEVELS - expected[d][..., None]) / SCATTER) ** 2)
        outcome += wind_chance[d] * shape / shape.sum(axis=-1, keepdims=True)
    marginal = np.einsum("h,phv->pv", chance, outcome)
    ratio = np.log2(np.maximum(outcome, 1e-300) / np.maximum(marginal[:, None], 1e-300))
    found: Float = np.maximum(np.einsum("h,phv,phv->p", chance, outcome, ratio), 0.0)
    return found


def _picked(weather: Weather, which: NDArray[np.int64]) -> Weather:
    names = ("start", "end", "wind_speed", "wind_from", "stability", "temperature", "mixing_height")
    return replace(weather, **{name: getattr(weather, name)[which] for name in names})
