"""Which monitors to add: greedy with its guarantee and a certificate of the case at hand, exact where it is small."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix, csr_matrix, hstack, identity

from bihuan.core import InputError
from bihuan.tracing.network.cover import Cover

Float = NDArray[np.float64]

EXACT_PLACES, EXACT_ROWS = 200, 20_000
"""Largest case that is solved exactly: candidate places, and different sets of places that rows can be covered from."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Monitors that were chosen, in their order.

    Attributes
    ----------
    monitors : tuple of int
    gains : tuple of float
        What each added to those before it. 0-1
    before, worth : float
        Of the network without and with them. 0-1
    bound : float
        No choice of as many monitors can be worth more. 0-1
    guaranteed : float
        Share of the best possible gain that greedy never misses: 1 - (1 - 1/n)^n, 63.2 % at least.
    certified : float
        Share of the best possible gain that this choice has at least, from `bound`.
    looked : int
        Gains that were computed; without laziness it would be places times monitors.
    exact : bool
        Whether it was proved that nothing is better.
    """

    monitors: tuple[int, ...]
    gains: tuple[float, ...]
    before: float
    worth: float
    bound: float
    guaranteed: float
    certified: float
    looked: int
    exact: bool = False


def choose(cover: Cover, present: Sequence[int], candidates: Sequence[int], count: int) -> Chosen:
    """Choose greedily, each time the monitor that adds most; gains are looked at again only where they may matter.

    Parameters
    ----------
    cover : Cover
    present : sequence of int
        Monitors that stand already.
    candidates : sequence of int
    count : int
        To be added; fewer are where nothing adds anything any more.

    Raises
    ------
    InputError
        If fewer than one is wanted or fewer candidates exist.

    References
    ----------
    Nemhauser, Wolsey and Fisher (1978), Math. Programming 14, 265-294: greedy reaches 1 - 1/e of the best for monotone
    submodular functions. Minoux (1978): lazy evaluation. Leskovec et al. (2007), Cost-effective outbreak detection in
    networks, KDD: the bound from the gains that are left, section 3.
    """
    _checked(count, candidates)
    covered = cover.covered(present)
    before = float(cover.weight[covered].sum())
    gains = {place: cover.gain(place, covered) for place in candidates}
    looked = len(gains)
    bound = before + _largest(gains.values(), count)
    heap = [(-gain, place, 0) for place, gain in gains.items()]
    heapq.heapify(heap)
    taken: list[int] = []
    steps: list[float] = []
    while heap and len(taken) < count:
        gain, place, seen = heapq.heappop(heap)
        if seen < len(taken):
            looked += 1
            heapq.heappush(heap, (-cover.gain(place, covered), place, len(taken)))
            continue
        if -gain <= 0:
            break
        taken.append(place)
        steps.append(-gain)
        covered[cover.rows[place]] = True
    worth = float(cover.weight[covered].sum())
    left = [cover.gain(place, covered) for place in candidates if place not in set(taken)]
    bound = max(min(bound, worth + _largest(left, count), 1.0), worth)
    best = bound - before
    return Chosen(
        monitors=tuple(taken),
        gains=tuple(steps),
        before=before,
        worth=worth,
        bound=bound,
        guaranteed=1.0 - (1.0 - 1.0 / count) ** count,
        certified=1.0 if best <= 0 else (worth - before) / best,
        looked=looked + len(left),
    )


def choose_exactly(
    cover: Cover, present: Sequence[int], candidates: Sequence[int], count: int, seconds: float = 60.0
) -> Chosen:
    """Choose what is worth most, as an integer programme; parameters as for `choose`.

    Raises
    ------
    InputError
        If the case is too large, or was not solved in `seconds`.

    Notes
    -----
    Rows that the same places can cover are one row of their common weight. A row counts (a continuous variable from 0
    to 1) no more than the chosen places that cover it. Church and ReVelle (1974), maximal covering location.
    """
    _checked(count, candidates)
    covered = cover.covered(present)
    before = float(cover.weight[covered].sum())
    sets, weight = _different(cover, candidates, covered)
    if len(candidates) > EXACT_PLACES or len(weight) > EXACT_ROWS:
        raise InputError(
            f"{len(candidates)} places and {len(weight):,} different rows are too many for an exact answer "
            f"({EXACT_PLACES} and {EXACT_ROWS:,} at most): take a wider mesh, or the greedy answer with its certificate"
        )
    places, rows = len(candidates), len(weight)
    cost = np.concatenate([np.zeros(places), -weight])
    within = LinearConstraint(hstack([-sets, identity(rows)]).tocsr(), -np.inf, 0.0)
    number = LinearConstraint(csr_matrix(np.concatenate([np.ones(places), np.zeros(rows)])), 0, count)
    whole = np.concatenate([np.ones(places), np.zeros(rows)])
    found = milp(
        cost, constraints=[within, number], integrality=whole, bounds=Bounds(0, 1), options={"time_limit": seconds}
    )
    if not found.success:
        raise InputError(f"no exact answer in {seconds:g} s: take a wider mesh, or the greedy answer")
    taken = [place for place, on in zip(candidates, found.x[:places], strict=True) if on > 0.5]
    order, gains = _ordered(cover, covered, taken)
    worth = cover.worth([*present, *taken])
    return Chosen(tuple(order), tuple(gains), before, worth, worth, 1.0, 1.0, 0, exact=True)


def spare(cover: Cover, present: Sequence[int]) -> Float:
    """Return what the network would lose without each of its monitors, shape (present,). 0-1"""
    times = np.zeros(len(cover.weight), np.int32)
    for monitor in present:
        times[cover.rows[monitor]] += 1
    alone = times == 1
    return np.array([cover.weight[rows[alone[rows]]].sum() for rows in (cover.rows[monitor] for monitor in present)])


def _checked(count: int, candidates: Sequence[int]) -> None:
    if not 1 <= count <= len(candidates):
        raise InputError(f"{count} monitors are to be placed on {len(candidates)} places: give 1 to {len(candidates)}")


def _largest(gains: object, count: int) -> float:
    return math.fsum(heapq.nlargest(count, gains))  # type: ignore[call-overload]


def _ordered(cover: Cover, covered: NDArray[np.bool_], taken: list[int]) -> tuple[list[int], list[float]]:
    """The chosen ones by what each adds to those before it."""
    now, left, order, gains = covered.copy(), list(taken), [], []
    while left:
        best = max(left, key=lambda place: (cover.gain(place, now), -place))
        order.append(best)
        gains.append(cover.gain(best, now))
        now[cover.rows[best]] = True
        left.remove(best)
    return order, gains


def _different(cover: Cover, candidates: Sequence[int], covered: NDArray[np.bool_]) -> tuple[csr_matrix, Float]:
    """Different sets of places that rows can be covered from, and the weight of the rows of each set."""
    columns = np.concatenate([np.full(len(cover.rows[place]), k) for k, place in enumerate(candidates)])
    rows = np.concatenate([cover.rows[place] for place in candidates]).astype(np.int64)
    open_rows = ~covered[rows]
    columns, rows = columns[open_rows], rows[open_rows]
    names, row = np.unique(rows, return_inverse=True)
    dense = np.zeros((len(names), len(candidates)), dtype=bool)
    dense[row, columns] = True
    packed, inverse = np.unique(np.packbits(dense, axis=1), axis=0, return_inverse=True)
    weight = np.bincount(inverse.ravel(), cover.weight[names], minlength=len(packed))
    sets = np.unpackbits(packed, axis=1, count=len(candidates))
    return coo_matrix(sets.astype(np.float64)).tocsr(), np.asarray(weight, np.float64)
