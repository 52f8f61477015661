"""How well each source, rate and wind error explains the excess: one compiled loop.

It stands here and not in `physics` because it is a statement about errors, not about the air.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics import compiled

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FREEDOM = 4.0
"""Degrees of freedom of the errors: tails heavy enough that one wild value decides nothing."""
UNSEEN = 0.1
"""A computed concentration below this share of the noise says nothing either way."""


@compiled
def gains(
    excess: Float,
    noise: Float,
    response: Float,
    rates: Float,
    lags: Int,
    weights: Float,
    model_error: float,
    emission: tuple[float, float, float],
    first: Float,
    turning: Float,
) -> Float:
    """Return the log-likelihood of every source and rate against "background alone".

    Parameters
    ----------
    excess, noise : ndarray, shape (stations, blocks)
        NaN where missing.
    response : ndarray, shape (sources, directions, blocks, stations)
        Unit of excess per g/s.
    rates : ndarray, shape (sources, rates)
        [g/s]
    lags : ndarray of int, shape (sources, stations)
        Blocks that air needs from source to station.
    weights : ndarray, shape (stations,)
        How much one block of a station counts.
    model_error : float
        Share of the computed concentration that may be wrong.
    emission : tuple of float
        Chance that it runs at the first block, begins in any one block, ends in any one block.
    first : ndarray, shape (directions,)
        Chance of each wind error at the first block.
    turning : ndarray, shape (directions, directions)
        Chance of each wind error (column) a block after another (row).

    Returns
    -------
    ndarray, shape (sources, rates)
        Summed over every beginning and end of the emission and every course of the wind error.
    """
    sources, directions, blocks, stations = response.shape
    out = np.zeros((sources, rates.shape[1]))
    per_block = np.zeros((directions, blocks))
    quiet = UNSEEN * noise
    places = np.zeros((directions, blocks * stations), np.int64)
    count = np.zeros(directions, np.int64)
    for k in range(sources):
        most = rates[k].max()
        for d in range(directions):
            count[d] = _audible(response[k, d], most, quiet, places[d])
        if not count.any():
            continue
        for q in range(rates.shape[1]):
            per_block[:] = 0.0
            heard = False
            for d in range(directions):
                felt = places[d, : count[d]]
                if _hear(excess, noise, response[k, d], rates[k, q], lags[k], weights, model_error, felt, per_block[d]):
                    heard = True
            if heard:
                out[k, q] = _forward(per_block, emission, first, turning)
    return out


@compiled
def _audible(response: Float, most: float, quiet: Float, places: Int) -> int:
    """Note where a source at its largest rate would be heard, block by block: most are never asked at any rate."""
    found = 0
    blocks, stations = response.shape
    for t in range(blocks):
        for i in range(stations):
            if most * response[t, i] > quiet[i, t]:  # not where either is missing
                places[found] = t * stations + i
                found += 1
    return found


@compiled
def _hear(
    excess: Float,
    noise: Float,
    response: Float,
    rate: float,
    lags: Int,
    weights: Float,
    model_error: float,
    felt: Int,
    per_block: Float,
) -> bool:
    """Add what every station says, at the block of emission; False when nothing would reach any station."""
    stations = excess.shape[0]
    heard = False
    for at in felt:
        t, i = at // stations, at % stations
        computed, sd = rate * response[t, i], noise[i, t]
        if not computed > UNSEEN * sd:
            continue
        heard = True
        wide = math.sqrt(sd * sd + (model_error * computed) ** 2)
        miss, plain = (excess[i, t] - computed) / wide, excess[i, t] / sd
        tails = math.log((FREEDOM + miss * miss) / (FREEDOM + plain * plain))
        loss = 0.5 * (FREEDOM + 1.0) * tails + math.log(wide / sd)
        per_block[max(t - lags[i], 0)] -= weights[i] * loss
    return heard


@compiled
def _forward(per_block: Float, emission: tuple[float, float, float], first: Float, turning: Float) -> float:
    """Forward algorithm over off - on - over and the wind error; the error is looked at only while on."""
    already, begin, end = emission
    directions, blocks = per_block.shape
    off, on, over = (1.0 - already) * first, already * first, np.zeros(directions)
    scale = 0.0
    for t in range(blocks):
        if t > 0:
            off, on, over = off @ turning, on @ turning, over @ turning
            over += on * end
            on = on * (1.0 - end) + off * begin
            off = off * (1.0 - begin)
        top = max(per_block[:, t].max(), 0.0)
        on = on * np.exp(per_block[:, t] - top)
        off, over = off * math.exp(-top), over * math.exp(-top)
        total = off.sum() + on.sum() + over.sum()
        off, on, over = off / total, on / total, over / total
        scale += math.log(total) + top
    return scale
