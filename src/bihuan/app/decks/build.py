"""From a deck to sources, rates and groups of a steady plume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.ground import drop_of, refuse_terrain, refused_drop
from bihuan.app.decks.plumes import Emitter
from bihuan.app.decks.refusals import Refusals, refuse_options, refused_source
from bihuan.app.decks.removals import PLAIN, removal_line, removal_of
from bihuan.core import InputError
from bihuan.formats import Deck, DeckSource
from bihuan.physics import (
    AreaSource,
    Axis,
    Building,
    PitSource,
    PointSource,
    RoadSource,
    SteadySource,
    VolumeSource,
    emission_factors,
)

Float = NDArray[np.float64]
Hours = NDArray[np.datetime64]

FACTOR_AXES: dict[str, tuple[Axis, ...]] = {
    "SEASON": ("season",),
    "MONTH": ("month",),
    "HROFDY": ("hour",),
    "WSPEED": ("wind",),
    "SEASHR": ("season", "hour"),
    "HRDOW": ("day_type", "hour"),
    "HRDOW7": ("weekday", "hour"),
    "SHRDOW": ("day_type", "season", "hour"),
    "SHRDOW7": ("weekday", "season", "hour"),
    "MHRDOW": ("day_type", "month", "hour"),
    "MHRDOW7": ("weekday", "month", "hour"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Emitters:
    """What of a deck is computed.

    Attributes
    ----------
    deck : tuple of DeckSource
    emitters : tuple of Emitter
        Each with what it loses on the way, and how high the receptors stand above its foot.
    sizes : ndarray, shape (sources,)
        By which a rate of the deck is multiplied: an area, the length of a road, or 1. [m2, m]
    groups : tuple of str
    members : ndarray, shape (groups, sources)
        1 where a source belongs to a group.
    left_out : tuple of str
        What was left out, each with its line.
    """

    deck: tuple[DeckSource, ...]
    emitters: tuple[Emitter, ...]
    sizes: Float
    groups: tuple[str, ...]
    members: Float
    left_out: tuple[str, ...]

    @property
    def sources(self) -> tuple[SteadySource, ...]:
        """The sources themselves."""
        return tuple(emitter.source for emitter in self.emitters)


def build(deck: Deck, *, skip: bool) -> Emitters:
    """Return the sources of a deck.

    Parameters
    ----------
    deck : Deck
    skip : bool
        Leave out what is not computed instead of refusing the deck.

    Raises
    ------
    FormatError
        If the deck asks for what is not computed; every line that does is named.
    InputError
        If a source cannot be, or nothing is left.
    """
    refusals = Refusals()
    refuse_options(deck, refusals)
    refuse_terrain(deck, refusals)
    cities = {city.name: place for place, city in enumerate(deck.cities, start=1)}
    tip = "NOSTD" not in deck.options
    kept: list[tuple[DeckSource, Emitter]] = []
    for source in deck.sources:
        made = BUILDERS.get(source.type)
        refused = refused_source(source)
        if made is None:
            refusals.add(source.line, f"type {source.type} of source {source.name} is not computed")
        elif refused is not None:
            refusals.add(*refused)
        else:
            steady = _built(source, made, cities, tip)
            emitter = _emitter(deck, source, steady, refusals)
            if emitter is not None:
                kept.append((source, emitter))
    if not skip:
        refusals.raise_if_any()
    names = {source.name for source, _ in kept}
    groups = [group for group in deck.groups if names & set(group.members) or group.background]
    refusals.found += [
        f"{group.line.where}: group {group.name} has no source left" for group in deck.groups if group not in groups
    ]
    if not groups or not kept:
        raise InputError(f"{deck.file}: nothing is left to compute\n" + "\n".join(refusals.found))
    return Emitters(
        tuple(source for source, _ in kept),
        tuple(emitter for _, emitter in kept),
        np.array([_size(source, emitter.source) for source, emitter in kept]),
        tuple(group.name for group in groups),
        np.array([[float(source.name in group.members) for source, _ in kept] for group in groups]),
        tuple(refusals.found),
    )


def _built(
    source: DeckSource, made: Callable[[DeckSource, int, bool], SteadySource], cities: Mapping[str, int], tip: bool
) -> SteadySource:
    try:
        return made(source, cities.get(source.city, 0), tip)
    except InputError as problem:
        raise source.parameters.line.refuse(str(problem)) from None


def _emitter(deck: Deck, source: DeckSource, steady: SteadySource, refusals: Refusals) -> Emitter | None:
    """The source with its losses; None, and a refusal, where it cannot be computed with them."""
    drop = refused_drop(deck, source)
    if drop is not None:
        refusals.add(source.line, drop)
        return None
    removal, fall = removal_of(deck, source), drop_of(deck, source)
    if removal is None:
        return Emitter(steady, None, fall)
    what = "decay" if removal.what is None else "deposition"
    kind = ""
    if source.type not in PLAIN:
        kind = f"of type {source.type} "
    elif getattr(steady, "building", None) is not None:
        kind = "beside a building "
    elif fall and removal.what is not None:
        kind = "above or below the receptors "
    if not kind:
        return Emitter(steady, removal, fall)
    refusals.add(removal_line(source), f"{what} of source {source.name} {kind}is not computed")
    # a source without its decay is still worth having; without its deposition it would say that nothing comes down
    return Emitter(steady, None, fall) if removal.what is None else None


def _stack(source: DeckSource, city: int, tip: bool) -> PointSource:
    _, height, temperature, velocity, diameter = source.parameters.values[:5]
    kind = {"POINTCAP": "capped", "POINTHOR": "horizontal"}.get(source.type, "upright")
    return PointSource(
        source.name, source.place[0], source.place[1], height, diameter, max(velocity, 0.0), temperature,
        kind, tip, city, _building(source),  # type: ignore[arg-type]
    )  # fmt: skip


BUILDING = ("BUILDHGT", "BUILDWID", "BUILDLEN", "XBADJ", "YBADJ")


def _building(source: DeckSource) -> Building | None:
    """The building beside a stack; None where no height is above 0."""
    height = source.given.get("BUILDHGT")
    if height is None or not any(height.values):
        return None
    for keyword in BUILDING:
        if keyword not in source.given:
            raise height.line.refuse(f"source {source.name} has a building without {keyword}: give all of {BUILDING}")
    return Building(*(source.given[keyword].values for keyword in BUILDING))


def _volume(source: DeckSource, city: int, tip: bool) -> VolumeSource:
    _, height, sigma_y, sigma_z = source.parameters.values[:4]
    return VolumeSource(source.name, source.place[0], source.place[1], height, sigma_y, sigma_z, city)


def _or(values: tuple[float, ...], place: int, default: float) -> float:
    return values[place] if len(values) > place else default


def _rectangle(source: DeckSource, city: int, tip: bool) -> AreaSource:
    values = source.parameters.values
    return AreaSource.rectangle(
        source.name, source.place[0], source.place[1], values[2], _or(values, 3, values[2]),
        angle=_or(values, 4, 0.0), height=values[1], sigma_z=_or(values, 5, 0.0), city=city,
    )  # fmt: skip


def _circle(source: DeckSource, city: int, tip: bool) -> AreaSource:
    values = source.parameters.values
    return AreaSource.circle(
        source.name, source.place[0], source.place[1], values[2], corners=int(_or(values, 3, 20.0)), height=values[1],
        sigma_z=_or(values, 4, 0.0), city=city,
    )  # fmt: skip


def _polygon(source: DeckSource, city: int, tip: bool) -> AreaSource:
    corners, values = source.given["AREAVERT"].values, source.parameters.values
    ring = tuple(zip(corners[::2], corners[1::2], strict=True))
    return AreaSource(source.name, ring, values[1], _or(values, 3, 0.0), city)


def _line(source: DeckSource, city: int, tip: bool) -> AreaSource:
    values, (x1, y1, x2, y2) = source.parameters.values, source.place
    return AreaSource.line(
        source.name, (x1, y1), (x2, y2), values[2], height=values[1], sigma_z=_or(values, 3, 0.0), city=city
    )


def _pit(source: DeckSource, city: int, tip: bool) -> PitSource:
    values = source.parameters.values
    return PitSource(
        source.name, source.place[0], source.place[1], values[2], values[3], values[4], _or(values, 5, 0.0),
        values[1], (), city,
    )  # fmt: skip


def _road(source: DeckSource, city: int, tip: bool) -> RoadSource:
    values, (x1, y1, x2, y2) = source.parameters.values, source.place
    return RoadSource(source.name, (x1, y1), (x2, y2), values[2], values[1], _or(values, 3, 0.0), city)


def _road_by_length(source: DeckSource, city: int, tip: bool) -> RoadSource:
    """RLINEXT: heights of its ends with their places, and a shift of its axis."""
    _, aside, width, sigma_z = source.parameters.values[:4]
    x1, y1, z1, x2, y2, z2 = source.place
    if aside != 0.0:
        raise InputError(f"source {source.name} is shifted {aside:g} m from its axis: give the axis itself and DCL 0")
    if z1 != z2:
        raise InputError(f"source {source.name} rises from {z1:g} to {z2:g} m: only level roads are computed")
    return RoadSource(source.name, (x1, y1), (x2, y2), width, z1, sigma_z, city)


def _size(source: DeckSource, steady: SteadySource) -> float:
    """What a deck's rate is per: m2 of areas, pits and RLINE, m of RLINEXT, else the whole source."""
    if isinstance(steady, RoadSource) and source.type == "RLINEXT":
        return steady.length
    return steady.area if isinstance(steady, AreaSource | PitSource | RoadSource) else 1.0


BUILDERS: dict[str, Callable[[DeckSource, int, bool], SteadySource]] = {
    "POINT": _stack,
    "POINTCAP": _stack,
    "POINTHOR": _stack,
    "VOLUME": _volume,
    "AREA": _rectangle,
    "AREACIRC": _circle,
    "AREAPOLY": _polygon,
    "LINE": _line,
    "RLINE": _road,
    "RLINEXT": _road_by_length,
    "OPENPIT": _pit,
}
"""What makes a source of each type. A type without a row is refused: BUOYLINE, SWPOINT."""


def rates(emitters: Emitters, deck: Deck, start: Hours, wind_speed: Float) -> Float:
    """Return what each source emits in each hour, without hourly files, shape (hours, sources). [g/s]"""
    found: Float = np.empty((len(start), len(emitters.deck)))
    for place, (source, size) in enumerate(zip(emitters.deck, emitters.sizes, strict=True)):
        found[:, place] = source.parameters.values[0] * size
        given = source.given.get("EMISFACT")
        if given is not None:
            axes, classes = FACTOR_AXES[given.kind], deck.meteorology.wind_classes
            try:
                found[:, place] *= emission_factors(
                    axes, given.values, start, wind_speed=wind_speed, wind_classes=classes
                )
            except InputError as problem:
                raise given.line.refuse(f"source {source.name}: {problem}") from None
    return found


def with_gas(source: SteadySource, temperature: float, velocity: float) -> SteadySource:
    """Return a stack with another gas; other sources are returned as they are."""
    if not isinstance(source, PointSource):
        return source
    return replace(source, temperature=temperature or -1e-5, velocity=max(velocity, 0.0))
