"""What stands behind a ranking, ready to be drawn: the rise at every station, the wind, each suspect's footprint.

It is computed anew from what is stored, with the tracer's own clock, background, weather and plume, and kept by the id
of the ranking: nobody waits twice for the same sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.app.lastanswers import LastAnswers
from bihuan.app.suspicion import LOOK_BACK, Suspicion, forward_model, model_of
from bihuan.app.town import Town
from bihuan.app.values import as_values
from bihuan.app.weather import WEATHER_POLLUTANTS
from bihuan.core import Event, ForwardModel, Period, Source, Suspect, Suspects, Weather, pollutant
from bihuan.physics import block_weather
from bihuan.store import Store
from bihuan.tracing import NEAR, Against, Footprint, Scene, TraceSettings, against, footprint, read_scene

SHOWN = 12
"""Suspects shown by name, at most."""

WORTH = 0.01
"""Below this probability a suspect is only counted, unless it is among the first `FIRST`."""

FIRST = 5
AROUND = 1.2
"""A footprint is looked at so much farther than the station it explains, at least."""


@dataclass(frozen=True, slots=True, eq=False)
class StationRise:
    """One station on the clock of the sheet.

    Attributes
    ----------
    site : str
    value, excess : tuple of float or None
        As measured, and above the background. Unit of the pollutant.
    rise : float or None
        Largest excess from the onset on.
    at : datetime or None
        When.
    stands_out : bool
        Whether it is above the background's own scatter there.
    """

    site: str
    value: tuple[float | None, ...]
    excess: tuple[float | None, ...]
    rise: float | None
    at: datetime | None
    stands_out: bool


@dataclass(frozen=True, slots=True, eq=False)
class SuspectSheet:
    """One suspect: its footprint, and what its plume adds at the stations in the hours that speak for it.

    Attributes
    ----------
    suspect : Suspect
    footprint : Footprint or None
        None where no hour speaks for it, or the register knows it no longer.
    added : dict of site to (computed, measured)
        Mean over those hours at the rate that explains the rise, and the measured excess. Unit of the pollutant.
    against : Against
        Hours that speak against it.
    """

    suspect: Suspect
    footprint: Footprint | None
    added: dict[str, tuple[float, float]]
    against: Against = field(default_factory=Against)


@dataclass(frozen=True, slots=True, eq=False)
class TraceSheet:
    """All of it.

    Attributes
    ----------
    start : tuple of datetime
        Of the blocks. UTC
    step : float
        Length of a block. [s]
    onset : int
        Block in which the event began.
    wind_speed, wind_from : tuple of float or None
        Of each block. [m/s], [degrees]
    stations : tuple of StationRise
        Largest rise first.
    suspects : tuple of SuspectSheet
    others : float
        Probability of all further listed sources together.
    others_count : int
    stability : tuple of int
        Pasquill class of each block, 0 = A .. 5 = F.
    """

    start: tuple[datetime, ...]
    step: float
    onset: int
    wind_speed: tuple[float | None, ...]
    wind_from: tuple[float | None, ...]
    stations: tuple[StationRise, ...]
    suspects: tuple[SuspectSheet, ...]
    others: float
    others_count: int
    stability: tuple[int, ...] = ()


class TraceSheets:
    """Makes sheets and keeps the last ones.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: LastAnswers[str, TraceSheet] = LastAnswers()

    def sheet(self, town: Town, event: Event, found: Suspects) -> TraceSheet:
        """Return the sheet of a ranking."""
        return self._kept.get(found.id, lambda: self._make(town, event, found))

    def _make(self, town: Town, event: Event, found: Suspects) -> TraceSheet:
        named = [s for n, s in enumerate(found.ranked) if n < FIRST or s.probability >= WORTH][:SHOWN]
        left = found.ranked[len(named) :]
        rest = sum(suspect.probability for suspect in left)
        if not found.method.startswith("plume-tracer/") or event.period.start >= found.period.end:
            return _plain(named, rest, len(left))
        suspicion = Suspicion(town)
        model = forward_model(model_of(found.method), town.plane)
        rows = readings_of(self._store, town, event, found, suspicion)
        # the event went on after it was traced; the tracer saw it up to the end of its own period
        seen = replace(event, period=Period(event.period.start, found.period.end))
        series = suspicion.series(rows, event.pollutant)
        scene = read_scene(seen, series, town.plane, TraceSettings())
        if scene is None:
            return _plain(named, rest, len(left))
        weather = block_weather(suspicion.weather(rows), scene.start, scene.step, back=scene.step)
        return TraceSheet(
            start=tuple(_instant(at) for at in scene.start),
            step=scene.step,
            onset=scene.onset,
            wind_speed=_numbers(weather.wind_speed),
            wind_from=_numbers(np.where(np.isfinite(weather.wind_speed), weather.wind_from, np.nan)),
            stations=_rises(scene),
            suspects=tuple(_drawn(suspect, town, model, scene, weather, event.pollutant) for suspect in named),
            others=rest,
            others_count=len(left),
            stability=tuple(int(one) for one in weather.stability),
        )


def readings_of(store: Store, town: Town, event: Event, found: Suspects, suspicion: Suspicion) -> pl.DataFrame:
    """Return what the tracer saw of an event: its pollutant and the weather, minute by minute."""
    sites = {f"station:{station.id}" for station in town.stations} | town.weather_sites
    period = Period(min(event.period.start - LOOK_BACK, found.period.start), found.period.end)
    readings = store.series.readings(
        devices=[mn for mn, site in town.site_of.items() if site in sites],
        pollutants=[event.pollutant, *WEATHER_POLLUTANTS],
        interval="minute",
        period=period,
    )
    return as_values(suspicion.with_sites(readings).filter(pl.col("end") <= found.period.end), "minute")


def _plain(named: Sequence[Suspect], rest: float, count: int) -> TraceSheet:
    """A ranking without a plume behind it: an outlet's own reading, or no data."""
    suspects = tuple(SuspectSheet(suspect, None, {}) for suspect in named)
    return TraceSheet((), 0.0, 0, (), (), (), suspects, rest, count)


def _rises(scene: Scene) -> tuple[StationRise, ...]:
    found = []
    for k, site in enumerate(scene.sites):
        late = np.where(np.isfinite(scene.excess[k, scene.onset :]), scene.excess[k, scene.onset :], -np.inf)
        at = int(np.argmax(late)) + scene.onset if len(late) else 0
        top = float(scene.excess[k, at]) if len(late) and np.isfinite(late.max()) else None
        out = top is not None and top > 2 * float(scene.noise[k, at])
        when = None if top is None else _instant(scene.start[at])
        found.append(StationRise(site, _numbers(scene.values[k]), _numbers(scene.excess[k]), top, when, out))
    return tuple(sorted(found, key=lambda one: (-(one.rise if one.rise is not None else -np.inf), one.site)))


def _drawn(
    suspect: Suspect, town: Town, model: ForwardModel, scene: Scene, weather: Weather, code: str
) -> SuspectSheet:
    source = next((one for one in town.sources if one.ref == suspect.source), None)
    which = _speaking(suspect, scene)
    if source is None:
        return SuspectSheet(suspect, None, {})
    odd = Against() if suspect.rate is None else against(scene, weather, model, source, suspect.rate * _scale(code))
    if not which.any():
        return SuspectSheet(suspect, None, {}, odd)
    part = _picked(weather, which)
    away = suspect.distance or 0.0
    near = min(NEAR, 0.6 * away) if away else NEAR
    drawn = footprint(model, town.plane, source, part, AROUND * away, near)
    return SuspectSheet(suspect, drawn, _added(suspect, source, model, scene, part, which, code), odd)


def _speaking(suspect: Suspect, scene: Scene) -> NDArray[np.bool_]:
    starts = [_instant(at) for at in scene.start]
    return np.array([any(hours.start <= at < hours.end for hours in suspect.hours) for at in starts], dtype=bool)


def _picked(weather: Weather, which: NDArray[np.bool_]) -> Weather:
    names = ("start", "end", "wind_speed", "wind_from", "stability", "temperature", "mixing_height")
    return replace(weather, **{name: getattr(weather, name)[which] for name in names})


def _added(
    suspect: Suspect,
    source: Source,
    model: ForwardModel,
    scene: Scene,
    weather: Weather,
    which: NDArray[np.bool_],
    code: str,
) -> dict[str, tuple[float, float]]:
    """What the plume adds at the stations it reaches, next to what was measured there."""
    if suspect.rate is None:
        return {}
    scale = suspect.rate * _scale(code)
    response = model.unit_response([source], scene.east, scene.north, weather)[:, :, 0]
    found = {}
    for k, site in enumerate(scene.sites):
        measured, computed = scene.excess[k, which], scale * response[:, k]
        both = np.isfinite(measured) & np.isfinite(computed)
        if both.any() and float(computed[both].mean()) > 0.1 * float(np.nanmean(scene.noise[k])):
            found[site] = (float(computed[both].mean()), float(measured[both].mean()))
    return found


def _scale(code: str) -> float:
    """From the plume's ug/m3 to the unit of the pollutant."""
    return 1e-3 if pollutant(code).unit == "mg/m3" else 1.0


def _numbers(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(round(float(value), 2) if np.isfinite(value) else None for value in values)


def _instant(at: np.datetime64) -> datetime:
    moment: datetime = at.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)
