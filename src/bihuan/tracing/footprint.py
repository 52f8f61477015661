"""Where the plume of a suspected source would be felt: contours of its mean footprint over the hours that speak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from contourpy import FillType, contour_generator
from numpy.typing import NDArray

from bihuan.core import ForwardModel, Plane, Source, Weather
from bihuan.tracing.settings import TraceSettings

Float = NDArray[np.float64]
Ring = tuple[tuple[float, float], ...]

LEVELS = (0.1, 0.3, 0.6)
"""Contours, as shares of the largest value that counts."""

NEAR = 400.0
"""Within this of the source the value does not count as the largest: inside the fence it rises without bound. [m]"""

LEAST, MOST = 2000.0, 15000.0
"""Reach of the mesh, at least and at most. [m]"""

ALONG, ACROSS = 110, 91
"""Points of the mesh down and across the mean wind."""

COARSER = 2
"""A patch takes a sum over itself for every point, and blurs what is finer than itself: a coarser mesh will do."""

PERIODS = 12
"""Periods that the mean is made of; of more, every second, third ... is taken."""

RAY = 30
"""Points along each axis where it is looked up how far a plume is felt."""


@dataclass(frozen=True, slots=True)
class Contour:
    """One contour.

    Attributes
    ----------
    share : float
        Of the largest value beyond `near`.
    value : float
        Concentration on it at 1 g/s. [ug/m3 per g/s]
    polygons : tuple of polygons of rings of (lon, lat)
        Outer ring first, then holes.
    """

    share: float
    value: float
    polygons: tuple[tuple[Ring, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """The mean footprint of one source.

    Attributes
    ----------
    contours : tuple of Contour
        Widest first; empty where no wind was known.
    bearing : float or None
        Direction in which the plume lies from the source, mean over the hours. [degrees]
    periods : int
        Periods of weather it is the mean of.
    """

    contours: tuple[Contour, ...]
    bearing: float | None
    periods: int


def footprint(
    model: ForwardModel,
    plane: Plane,
    source: Source,
    weather: Weather,
    reach: float = LEAST,
    near: float = NEAR,
    settings: TraceSettings | None = None,
) -> Footprint:
    """Return the contours of what a source would cause on the ground, mean over periods of weather.

    Parameters
    ----------
    model : ForwardModel
    plane : Plane
    source : Source
    weather : Weather
        The periods that speak for the source.
    reach : float
        How far from the source is looked at, at least; farther where the plume is felt farther, up to `MOST`. [m]
    near : float
        Within this of the source no value counts as the largest. [m]
    settings : TraceSettings, optional
        Its `direction_step` blurs each plume as the tracer does: half of it is what the neighbouring directions see.
    """
    settings = settings or TraceSettings()
    known = np.isfinite(weather.wind_speed) & np.isfinite(weather.wind_from)
    if not known.any():
        return Footprint((), None, 0)
    which = np.flatnonzero(known)
    weather = _picked(weather, which[:: -(-len(which) // PERIODS)])
    bearing, widest = _heading(weather)
    reach = max(reach, _felt(model, plane, source, weather, near, settings))
    reach = float(np.clip(reach, LEAST, MOST))
    along, across, east, north = _mesh(plane, source, bearing, widest, reach)
    mean = _mean_response(model, source, east, north, weather, settings.direction_step)
    mean = np.nan_to_num(mean).reshape(len(across), len(along))
    away = np.hypot(along[None, :], across[:, None])
    top = float(mean[away >= near].max())
    if not top > 0:
        return Footprint((), bearing, len(weather))
    lines = contour_generator(along, across, mean, fill_type=FillType.OuterOffset)
    contours = tuple(
        Contour(share, share * top, _polygons(lines.filled(share * top, np.inf), plane, source, bearing))
        for share in LEVELS
    )
    return Footprint(contours, bearing, len(weather))


def _felt(
    model: ForwardModel, plane: Plane, source: Source, weather: Weather, near: float, settings: TraceSettings
) -> float:
    """How far from the source the widest contour reaches, looked up along the axes of the plumes. [m]"""
    bearings = np.unique(np.round((weather.wind_from + 180) / 10) * 10)
    away = np.geomspace(max(near, 50.0), MOST, RAY)
    angle = np.radians(np.repeat(bearings, RAY))
    east, north = plane.forward([source.place.lon], [source.place.lat])
    far = np.tile(away, len(bearings))
    points = (east[0] + far * np.sin(angle), north[0] + far * np.cos(angle))
    mean = np.nan_to_num(_mean_response(model, source, *points, weather, settings.direction_step))
    felt = far[mean >= LEVELS[0] * mean.max()] if mean.max() > 0 else far[:0]
    return 1.15 * float(felt.max()) if len(felt) else LEAST


def _picked(weather: Weather, which: NDArray[np.int64]) -> Weather:
    names = ("start", "end", "wind_speed", "wind_from", "stability", "temperature", "mixing_height")
    return replace(weather, **{name: getattr(weather, name)[which] for name in names})


def _heading(weather: Weather) -> tuple[float, float]:
    """Mean direction of the plume and how far single periods turn from it. [degrees]"""
    to = np.radians(weather.wind_from + 180)
    mean = float(np.degrees(np.arctan2(np.sin(to).mean(), np.cos(to).mean())) % 360)
    apart = np.abs((weather.wind_from + 180 - mean + 180) % 360 - 180)
    return mean, float(apart.max())


def _mesh(
    plane: Plane, source: Source, bearing: float, widest: float, reach: float
) -> tuple[Float, Float, Float, Float]:
    """A mesh that lies along the plume: axes in metres from the source, and easting, northing of its points."""
    behind = reach if widest > 90 else 0.12 * reach
    side = reach * min(1.0, 0.35 + float(np.sin(np.radians(min(widest, 90.0)))))
    step = COARSER if source.shape == "area" else 1
    along, across = np.linspace(-behind, reach, ALONG // step), np.linspace(-side, side, ACROSS // step)
    forth, sidewards = np.meshgrid(along, across)
    east, north = _turned(plane, source, bearing, forth.ravel(), sidewards.ravel())
    return along, across, east, north


def _turned(plane: Plane, source: Source, bearing: float, forth: Float, sidewards: Float) -> tuple[Float, Float]:
    """Metres down and to the right of the plume's axis to easting and northing."""
    angle = np.radians(bearing)
    east, north = plane.forward([source.place.lon], [source.place.lat])
    return (
        east[0] + forth * np.sin(angle) + sidewards * np.cos(angle),
        north[0] + forth * np.cos(angle) - sidewards * np.sin(angle),
    )


def _mean_response(
    model: ForwardModel, source: Source, east: Float, north: Float, weather: Weather, step: float
) -> Float:
    total = np.zeros(len(east))
    for turn, weight in ((-step, 0.25), (0.0, 0.5), (step, 0.25)):
        turned = replace(weather, wind_from=(weather.wind_from + turn) % 360)
        total += weight * model.unit_response([source], east, north, turned)[:, :, 0].mean(axis=0)
    return total


def _polygons(filled: Any, plane: Plane, source: Source, bearing: float) -> tuple[tuple[Ring, ...], ...]:
    found = []
    for points, offsets in zip(*filled, strict=True):
        east, north = _turned(plane, source, bearing, points[:, 0], points[:, 1])
        lon, lat = plane.inverse(east, north)
        pairs = [(round(float(x), 5), round(float(y), 5)) for x, y in zip(lon, lat, strict=True)]
        found.append(tuple(tuple(pairs[a:b]) for a, b in pairwise(offsets)))
    return tuple(found)
