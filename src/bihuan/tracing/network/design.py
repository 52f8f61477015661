"""The design of a network: what the present one is blind to, where new monitors tell most, which could be spared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bihuan.core import ForwardModel, InputError, Place, Plane, Ref, Source
from bihuan.tracing.network.choose import Chosen, choose, choose_exactly, spare
from bihuan.tracing.network.climate import Climate
from bihuan.tracing.network.cover import Cover, cover
from bihuan.tracing.network.mesh import Mesh
from bihuan.tracing.network.settings import MonitorKind, NetworkSettings

Float = NDArray[np.float64]

UNLISTED_SIDE, UNLISTED_HEIGHT = 50.0, 2.0
"""Of a source that stands in no list: a patch near the ground. [m]"""

COARSER = 2.5
"""The mesh of unlisted sources in the objective is so much wider than that of places."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor that stands already.

    Attributes
    ----------
    ref : Ref
    name : str
    place : Place
    kind : MonitorKind
    fixed : bool
        国控 / 省控: neither moved nor spared, whoever asks.
    """

    ref: Ref
    name: str
    place: Place
    kind: MonitorKind
    fixed: bool


@dataclass(frozen=True, slots=True)
class Shares:
    """What a network finds and tells apart, as shares of hours of sources (weighted as the settings say). 0-1"""

    found: float
    unlisted: float
    told_apart: float
    worth: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """One new monitor.

    Attributes
    ----------
    place : Place
    gain : float
        What it adds to those before it. 0-1
    after : Shares
        Of the network with it and those before it.
    sources : tuple of Ref
        Listed sources whose hours it adds most to, at most three.
    """

    place: Place
    gain: float
    after: Shares
    sources: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """Share of hours in which an incident of a source would be found, at present and with the proposals. 0-1"""

    ref: Ref
    name: str
    kind: str
    place: Place
    reports: bool
    present: float
    proposed: float


@dataclass(frozen=True, slots=True, eq=False)
class NetworkDesign:
    """A design.

    Attributes
    ----------
    present : Shares
    proposals : tuple of Proposal
        In the order of their gain.
    chosen : Chosen
        With bound and certificate; of no monitor where none was asked for.
    spare : tuple of (Monitor, float)
        Monitors that are not fixed, with what the present network would lose without each; the smallest first.
    sources : tuple of SourceSeen
        The blindest first.
    cells : ndarray, shape (cells, 4)
        lon, lat, share of hours in which an incident of an unlisted source there would be found, and with the
        proposals.
    by_sector : ndarray, shape (16, 3)
        Hours, and the found share at present and with the proposals, by where the wind comes from (N, NNE, ...); NaN
        where no hour was like it.
    by_air : dict of str to (hours, present, proposed)
        The same by ``unstable neutral stable`` air.
    mesh : Mesh
    climate : Climate
    """

    present: Shares
    proposals: tuple[Proposal, ...]
    chosen: Chosen | None
    spare: tuple[tuple[Monitor, float], ...]
    sources: tuple[SourceSeen, ...]
    cells: Float
    by_sector: Float
    by_air: dict[str, tuple[float, float, float]]
    mesh: Mesh
    climate: Climate = field(repr=False)


def design_network(
    model: ForwardModel,
    plane: Plane,
    sources: Sequence[Source],
    monitors: Sequence[Monitor],
    mesh: Mesh,
    climate: Climate,
    kind: MonitorKind,
    count: int = 0,
    settings: NetworkSettings | None = None,
    exact: bool = False,
) -> NetworkDesign:
    """Say what a network sees, and where `count` monitors of a kind would add most.

    Parameters
    ----------
    model : ForwardModel
    plane : Plane
    sources : sequence of Source
        Listed ones, with reported rates.
    monitors : sequence of Monitor
        That stand already; none is moved.
    mesh : Mesh
        Places for new ones.
    climate : Climate
    kind : MonitorKind
        Of new ones.
    count : int
        To be placed; 0 only looks at what stands.
    settings : NetworkSettings, optional
    exact : bool
        Solve to proved optimality; only small cases can be.

    Raises
    ------
    InputError
        As `cover` and `choose`.
    """
    settings = settings or NetworkSettings()
    if not kind.noise:
        raise InputError(f"nothing says what a {kind.name} monitor measures: name pollutants with their noise")
    here = plane.forward([one.place.lon for one in monitors], [one.place.lat for one in monitors])
    east, north = (np.concatenate([a, b]) for a, b in zip(here, (mesh.east, mesh.north), strict=True))
    kinds = [one.kind for one in monitors] + [kind] * len(mesh.east)
    present = list(range(len(monitors)))
    candidates = list(range(len(monitors), len(kinds)))
    usual = _usual(sources)
    coarse = _unlisted(plane, *_thinned(mesh), usual)
    seen = cover(model, plane, sources, coarse, climate, east, north, kinds, settings)
    chosen = None
    if count:
        chosen = (choose_exactly if exact else choose)(seen, present, candidates, count)
    taken = list(chosen.monitors) if chosen else []
    both = [*present, *taken]
    fine = _unlisted(plane, mesh.cells_east, mesh.cells_north, usual)
    cells = _cells(
        model, plane, fine, climate, east[both], north[both], [kinds[k] for k in both], len(present), settings
    )
    loss = spare(seen, present)
    movable = sorted(
        ((one, float(loss[k])) for k, one in enumerate(monitors) if not one.fixed), key=lambda row: (row[1], row[0].ref)
    )
    before, after = seen.covered(present), seen.covered(both)
    return NetworkDesign(
        present=shares(seen, before),
        proposals=_proposals(seen, plane, sources, before, taken, east, north),
        chosen=chosen,
        spare=tuple(movable),
        sources=_sources(seen, sources, kinds, climate, before, after),
        cells=np.column_stack([*plane.inverse(mesh.cells_east, mesh.cells_north), cells]),
        by_sector=_by_sector(seen, climate, before, after),
        by_air=_by_air(seen, climate, before, after),
        mesh=mesh,
        climate=climate,
    )


def shares(seen: Cover, covered: NDArray[np.bool_]) -> Shares:
    """Return the shares of what is covered."""
    parts = []
    for part in seen.parts:
        total = float(seen.weight[part].sum())
        parts.append(float(seen.weight[part][covered[part]].sum()) / total if total > 0 else 0.0)
    return Shares(parts[0], parts[1], parts[2], float(seen.weight[covered].sum()))


def _usual(sources: Sequence[Source]) -> dict[str, float]:
    """The median reported rate of each pollutant over the sources that report it. [g/s]"""
    codes = sorted({code for source in sources for code in source.rates})
    rates = {code: [s.rates[code] for s in sources if s.rates.get(code, 0.0) > 0] for code in codes}
    return {code: float(np.median(values)) for code, values in rates.items() if values}


def _thinned(mesh: Mesh) -> tuple[Float, Float]:
    wide = COARSER * mesh.spacing
    x, y = (np.floor((part - part.min()) / wide) for part in (mesh.cells_east, mesh.cells_north))
    first = np.unique(np.column_stack([x, y]), axis=0, return_index=True)[1]
    middle = np.sort(first)
    return mesh.cells_east[middle], mesh.cells_north[middle]


def _unlisted(plane: Plane, east: Float, north: Float, rates: dict[str, float]) -> list[Source]:
    return [
        Source(
            Ref("unlisted", str(k)), "", plane.place(float(x), float(y)), "area", rates, UNLISTED_HEIGHT,
            side=UNLISTED_SIDE, kind="unlisted",
        )
        for k, (x, y) in enumerate(zip(east, north, strict=True))
    ]  # fmt: skip


def _cells(
    model: ForwardModel,
    plane: Plane,
    places: Sequence[Source],
    climate: Climate,
    east: Float,
    north: Float,
    kinds: Sequence[MonitorKind],
    present: int,
    settings: NetworkSettings,
) -> Float:
    """Share of hours in which each cell's unlisted source is found, at present and with all, shape (cells, 2)."""
    if not len(east) or not places or not any(places[0].rates.values()):
        return np.zeros((len(places), 2))
    seen = cover(model, plane, places, (), climate, east, north, kinds, _no_pairs(settings))
    hours = climate.hours / climate.total
    columns = []
    for some in (range(present), range(len(east))):
        found = seen.covered(list(some))[seen.parts[0]].reshape(seen.states, seen.sources)
        columns.append(hours @ found)
    return np.column_stack(columns)


def _no_pairs(settings: NetworkSettings) -> NetworkSettings:
    return NetworkSettings(surplus=settings.surplus, clear=settings.clear, rivals=1, told_apart=0.0, unlisted=0.0)


def _proposals(
    seen: Cover,
    plane: Plane,
    sources: Sequence[Source],
    before: NDArray[np.bool_],
    taken: list[int],
    east: Float,
    north: Float,
) -> tuple[Proposal, ...]:
    covered, made = before.copy(), []
    for monitor in taken:
        fresh = seen.rows[monitor][~covered[seen.rows[monitor]]]
        listed = fresh[fresh < seen.parts[0].stop]
        by_source = np.bincount(listed % max(seen.sources, 1), seen.weight[listed], minlength=seen.sources)
        best = np.argsort(-by_source, kind="stable")[:3]
        covered[fresh] = True
        made.append(
            Proposal(
                place=plane.place(float(east[monitor]), float(north[monitor])),
                gain=float(seen.weight[fresh].sum()),
                after=shares(seen, covered),
                sources=tuple(sources[k].ref for k in best if by_source[k] > 0),
            )
        )
    return tuple(made)


def _found(seen: Cover, covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return covered[seen.parts[0]].reshape(seen.states, seen.sources)


def _sources(
    seen: Cover,
    sources: Sequence[Source],
    kinds: Sequence[MonitorKind],
    climate: Climate,
    before: NDArray[np.bool_],
    after: NDArray[np.bool_],
) -> tuple[SourceSeen, ...]:
    hours = climate.hours / climate.total
    measured = {code for kind in kinds for code in kind.noise}
    now, then = hours @ _found(seen, before), hours @ _found(seen, after)
    lines = [
        SourceSeen(
            source.ref, source.name, source.kind, source.place,
            any(source.rates.get(code, 0.0) > 0 for code in measured), float(now[k]), float(then[k]),
        )
        for k, source in enumerate(sources)
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (not line.reports, line.present, line.ref)))


def _by_sector(seen: Cover, climate: Climate, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Float:
    sector = np.floor((climate.states.wind_from + 11.25) % 360.0 / 22.5).astype(np.int64)
    return np.array([_of_states(seen, climate, sector == k, before, after) for k in range(16)])


def _by_air(
    seen: Cover, climate: Climate, before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> dict[str, tuple[float, float, float]]:
    stability = climate.states.stability
    groups = {"unstable": stability < 3, "neutral": stability == 3, "stable": stability > 3}
    return {name: _of_states(seen, climate, group, before, after) for name, group in groups.items()}


def _of_states(
    seen: Cover, climate: Climate, which: NDArray[np.bool_], before: NDArray[np.bool_], after: NDArray[np.bool_]
) -> tuple[float, float, float]:
    weight = seen.weight[seen.parts[0]].reshape(seen.states, seen.sources)[which]
    total = float(weight.sum())
    if not total > 0:
        return float(climate.hours[which].sum()), float("nan"), float("nan")
    now, then = (float(weight[_found(seen, some)[which]].sum()) / total for some in (before, after))
    return float(climate.hours[which].sum()), now, then
