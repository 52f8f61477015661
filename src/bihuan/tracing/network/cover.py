"""Which monitor sees which hour of which source, and which pairs of sources it tells apart: a table of rows and sets.

Rows are hours of sources and of pairs, each with a weight; a monitor is the set of rows it covers. What a network is
worth is the weight of the rows that at least one of its monitors covers: monotone and submodular, by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import ForwardModel, InputError, Plane, Source, Weather
from bihuan.tracing.network.climate import SECTOR, Climate
from bihuan.tracing.network.settings import MonitorKind, NetworkSettings

Float = NDArray[np.float64]
Int = NDArray[np.int64]

TURNS = (-0.25, 0.25)
"""A class of directions is computed at so many places of its width, and the mean taken."""

ONE_GATE = 200.0
"""Sources nearer to each other than this count as one place to visit. [m]"""

STATES_AT_ONCE = 24
"""Classes of weather in one piece of the computation."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Rows and the monitors that cover them.

    Attributes
    ----------
    weight : ndarray, shape (rows,)
        They sum to 1.
    rows : tuple of ndarray of int32
        Of each monitor.
    sources, unlisted, pairs : int
        How many of each stand in the rows, in this order, each with every class of weather.
    states : int
        Classes of weather: the row of source k in class i is ``i * sources + k``, and so on in each part.
    pair : ndarray of int64, shape (pairs, 2)
        Sources of each.
    """

    weight: Float
    rows: tuple[NDArray[np.int32], ...]
    sources: int
    unlisted: int
    pairs: int
    states: int
    pair: Int

    @property
    def parts(self) -> tuple[slice, slice, slice]:
        """Rows of listed sources, of unlisted ones, and of pairs."""
        a = self.states * self.sources
        b = a + self.states * self.unlisted
        return slice(0, a), slice(a, b), slice(b, b + self.states * self.pairs)

    def covered(self, monitors: Sequence[int]) -> NDArray[np.bool_]:
        """Return which rows at least one of the monitors covers."""
        found = np.zeros(len(self.weight), dtype=bool)
        for monitor in monitors:
            found[self.rows[monitor]] = True
        return found

    def worth(self, monitors: Sequence[int]) -> float:
        """Return the weight of the rows that the monitors cover. 0-1"""
        return float(self.weight[self.covered(monitors)].sum())

    def gain(self, monitor: int, covered: NDArray[np.bool_]) -> float:
        """Return what one monitor would add to what is covered."""
        mine = self.rows[monitor]
        return float(self.weight[mine[~covered[mine]]].sum())


def cover(
    model: ForwardModel,
    plane: Plane,
    listed: Sequence[Source],
    unlisted: Sequence[Source],
    climate: Climate,
    east: Float,
    north: Float,
    kinds: Sequence[MonitorKind],
    settings: NetworkSettings,
) -> Cover:
    """Compute what each monitor would see.

    Parameters
    ----------
    model : ForwardModel
    plane : Plane
    listed : sequence of Source
        With their reported rates; `unlisted` with the rate of an incident divided by `settings.surplus`.
    unlisted : sequence of Source
        Places where somebody in no list could be.
    climate : Climate
    east, north : ndarray, shape (monitors,)
        [m]
    kinds : sequence of MonitorKind
        Of each monitor.
    settings : NetworkSettings

    Raises
    ------
    InputError
        If no source reports a pollutant that any of the kinds measures.
    """
    everyone = (*listed, *unlisted)
    strength = strengths(everyone, kinds, settings)
    if not listed or not strength[: len(listed)].any():
        raise InputError(
            "no source of the register reports a rate of a pollutant that the monitors measure: import rates of "
            "outlets and sites first, or choose other pollutants"
        )
    pair = rivals(listed, plane, settings.rivals, strength[: len(listed)].max(axis=1) > 0)
    found: list[list[NDArray[np.int64]]] = [[] for _ in east]
    states, n = len(climate.states), len(listed)
    starts = np.cumsum([0, states * n, states * len(unlisted)])
    for first in range(0, states, STATES_AT_ONCE):
        piece = _some(climate.states, first, min(first + STATES_AT_ONCE, states))
        rise = _responses(model, everyone, east, north, piece) * strength.T[None]
        seen = rise >= settings.clear
        for start, width, part in zip(starts, (n, len(unlisted)), (seen[:, :, :n], seen[:, :, n:]), strict=False):
            state, monitor, column = np.nonzero(part)
            _sorted_in(found, monitor, start + (first + state) * width + column)
        monitor, row = _told_apart(rise, seen, pair, n, settings.apart)
        _sorted_in(found, monitor, starts[2] + first * len(pair) + row)
    rows = tuple(np.sort(np.concatenate(mine)).astype(np.int32) for mine in found)
    weight = _weights(listed, len(unlisted), pair, climate, strength[:n].max(axis=1) > 0, settings)
    return Cover(weight, rows, n, len(unlisted), len(pair), states, pair)


def strengths(sources: Sequence[Source], kinds: Sequence[MonitorKind], settings: NetworkSettings) -> Float:
    """Return how strong each source's incident is to each monitor, in its noise, shape (sources, monitors).

    The pollutant counts in which it is clearest. [1/(ug/m3 per g/s)]
    """
    by_kind = {}
    for kind in {id(kind): kind for kind in kinds}.values():
        clearest = np.zeros(len(sources))
        for code, noise in kind.noise.items():
            # CO is told in mg/m3, plumes in ug/m3
            factor = 1e-3 if code == "co" else 1.0
            rate = np.array([source.rates.get(code, 0.0) for source in sources])
            clearest = np.maximum(clearest, settings.surplus * factor * rate / noise)
        by_kind[id(kind)] = clearest
    return np.column_stack([by_kind[id(kind)] for kind in kinds]) if len(kinds) else np.zeros((len(sources), 0))


def rivals(sources: Sequence[Source], plane: Plane, count: int, active: NDArray[np.bool_]) -> Int:
    """Return pairs of each source that reports something with the nearest others that do, shape (pairs, 2).

    Those within `ONE_GATE` of each other are visited by one knock and need not be told apart.
    """
    which = np.flatnonzero(active)
    if len(which) < 2:
        return np.zeros((0, 2), np.int64)
    places = [sources[int(k)].place for k in which]
    east, north = plane.forward([place.lon for place in places], [place.lat for place in places])
    away = np.hypot(east[:, None] - east, north[:, None] - north)
    away[away < ONE_GATE] = np.inf
    near = np.argsort(away, axis=1, kind="stable")[:, : min(count, len(which) - 1)]
    pairs = np.column_stack([np.repeat(which, near.shape[1]), which[near.ravel()]])
    pairs = pairs[np.isfinite(np.take_along_axis(away, near, axis=1)).ravel()]
    return np.asarray(np.unique(np.sort(pairs, axis=1), axis=0), dtype=np.int64)


def _sorted_in(found: list[list[NDArray[np.int64]]], monitor: Int, row: Int) -> None:
    """Give every monitor its rows."""
    order = np.argsort(monitor, kind="stable")
    cuts = np.searchsorted(monitor[order], np.arange(1, len(found)))
    for mine, rows in zip(found, np.split(row[order], cuts), strict=True):
        mine.append(rows)


def _told_apart(rise: Float, seen: NDArray[np.bool_], pair: Int, listed: int, apart: float) -> tuple[Int, Int]:
    """Monitors and rows (class x pairs + pair) of pairs of which one is clear and the other far less.

    Looked at only from where something is clear: few of all hours, monitors and pairs.
    """
    state, monitor, source = np.nonzero(seen[:, :, :listed])
    monitors, rows = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for mine, theirs in ((0, 1), (1, 0)):
        order = np.argsort(pair[:, mine], kind="stable")
        begin, end = (np.searchsorted(pair[order, mine], source, side=side) for side in ("left", "right"))
        count = end - begin
        which = np.repeat(np.arange(len(source)), count)
        of = order[np.repeat(begin - np.cumsum(count) + count, count) + np.arange(count.sum())]
        at = state[which], monitor[which]
        told = rise[(*at, pair[of, theirs])] * apart <= rise[(*at, source[which])]
        monitors.append(monitor[which[told]])
        rows.append(state[which[told]] * len(pair) + of[told])
    return np.concatenate(monitors), np.concatenate(rows)


def _responses(model: ForwardModel, sources: Sequence[Source], east: Float, north: Float, states: Weather) -> Float:
    total = np.zeros((len(states), len(east), len(sources)))
    for turn in TURNS:
        turned = replace(states, wind_from=(states.wind_from + SECTOR * turn) % 360.0)
        total += model.unit_response(sources, east, north, turned)
    total /= len(TURNS)
    total[np.isnan(total)] = 0.0
    return total


def _some(states: Weather, first: int, last: int) -> Weather:
    names = ("start", "end", "wind_speed", "wind_from", "stability", "temperature", "mixing_height")
    return replace(states, **{name: getattr(states, name)[first:last] for name in names})


def _weights(
    listed: Sequence[Source],
    unlisted: int,
    pair: Int,
    climate: Climate,
    active: NDArray[np.bool_],
    settings: NetworkSettings,
) -> Float:
    """Found and told apart each sum to 1 over sources and hours, then take their weight in the objective."""
    hours = climate.hours / climate.total
    total = np.array([sum(source.rates.values()) for source in listed])
    source = np.where(active, np.maximum(total, 1e-9) ** settings.emission_exponent, 0.0)
    source /= source.sum()
    unlisted_share = settings.unlisted if unlisted else 0.0
    apart = settings.told_apart if len(pair) else 0.0
    both = source[pair].sum(axis=1) if len(pair) else np.zeros(0)
    parts = (
        (1 - apart) * (1 - unlisted_share) * source,
        np.full(unlisted, (1 - apart) * unlisted_share / max(unlisted, 1)),
        apart * both / both.sum() if len(pair) else both,
    )
    return np.concatenate([(hours[:, None] * part[None, :]).ravel() for part in parts])
