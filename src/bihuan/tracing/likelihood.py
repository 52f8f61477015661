"""How well each source, rate and wind error explains the excess: one compiled loop.

It stands here and not in `physics` because it is a statement about errors, not about the air.

What costs is one logarithm for every station, block, direction of the wind and rate. They are taken side by side: what
is audible of one direction is laid out in a row first, each rate runs down that row without a branch, and the logarithm
is written out so that the compiler works on as many at once as the processor has lanes. Of the course of an emission
only "on" has to carry the wind error from block to block: before it begins nothing measured touches it, and after it
ended only its sum counts.
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
FRACTION = 52
"""Bits of a double below its exponent."""
ROOT_HALF = 0x3FE6A09E667F3BCD
"""Bits of the root of a half: mantissas are taken between it and the root of two."""
LN2 = math.log(2.0)


@compiled
def blurred(raw: Float, blocks: int, scale: float) -> Float:
    """Blur responses over neighbouring directions, and lay them out as `gains` reads them.

    A plume of one block wanders: each direction takes in half of what its neighbours see.

    Parameters
    ----------
    raw : ndarray, shape ((directions + 2) x blocks, stations, sources)
        Direction by direction, all blocks of each.
    blocks : int
    scale : float
        Every value is multiplied by it.

    Returns
    -------
    ndarray, shape (sources, directions, blocks, stations)
    """
    directions, stations, sources = raw.shape[0] // blocks - 2, raw.shape[1], raw.shape[2]
    out = np.empty((sources, directions, blocks, stations))
    half, quarter = 0.5 * scale, 0.25 * scale
    for t in range(blocks):
        for d in range(directions):
            left, here, right = raw[d * blocks + t], raw[(d + 1) * blocks + t], raw[(d + 2) * blocks + t]
            for k in range(sources):
                for i in range(stations):
                    out[k, d, t, i] = half * here[i, k] + quarter * (left[i, k] + right[i, k])
    return out


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
        Rising along each row. [g/s]
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
    waiting = _waiting(emission, first, turning, blocks)
    told = np.zeros((blocks, directions, rates.shape[1]))
    look = np.empty((3, blocks, stations))  # what one station saw in one block, in units of its noise
    for t in range(blocks):
        for i in range(stations):
            plain = excess[i, t] / noise[i, t]
            look[0, t, i], look[1, t, i], look[2, t, i] = noise[i, t], plain, 1.0 / (FREEDOM + plain * plain)
    cells = blocks * stations
    row, slot, work = np.empty((4, 2 * cells)), np.empty(2 * cells, np.int64), np.empty((4, 2 * cells))
    for k in range(sources):
        heard = False
        told[:] = 0.0
        for d in range(directions):
            bounds = _lay_out(response[k, d], rates[k], look, lags[k], weights, row, slot)
            if bounds[0] < bounds[2]:
                _hear(rates[k], model_error, bounds, row, slot, work, told[:, d])
                heard = True
        if heard:
            _forward(told, emission, first, waiting, turning, out[k])
    return out


@compiled
def _lay_out(
    response: Float, rates: Float, look: Float, lags: Int, weights: Float, row: Float, slot: Int
) -> tuple[int, int, int]:
    """Put everything that is audible at the largest rate in a row, what is audible at a middle rate already behind.

    `row` becomes response over noise, excess over noise, the reciprocal of the background's term, half the weight;
    `slot` the block of emission. Returned are the ends of the row and the place where the louder half of the rates
    begins to be enough.
    """
    blocks, stations = response.shape
    most, middle = rates[-1], rates[(rates.size - 1) // 2]
    first = last = row.shape[1] // 2
    for t in range(blocks):
        for i in range(stations):
            quiet = UNSEEN * look[0, t, i]
            if not most * response[t, i] > quiet:  # not where either is missing
                continue
            if middle * response[t, i] > quiet:
                at = last
                last += 1
            else:
                first -= 1
                at = first
            row[0, at], row[1, at] = response[t, i] / look[0, t, i], look[1, t, i]
            row[2, at], row[3, at] = look[2, t, i], 0.5 * weights[i]
            slot[at] = max(t - lags[i], 0)
    return first, row.shape[1] // 2, last


@compiled
def _hear(
    rates: Float, model_error: float, bounds: tuple[int, int, int], row: Float, slot: Int, work: Float, told: Float
) -> None:
    """Add what every station says at each rate, at the block of emission; `told` has shape (blocks, rates)."""
    blocks = told.shape[0]
    for q in range(rates.size):
        a, b = bounds[1] if q <= (rates.size - 1) // 2 else bounds[0], bounds[2]
        loss, mantissa, power, sums = work[0, a:b], work[1, a:b], work[2, a:b], work[3, :blocks]
        _ratios(rates[q], model_error, row[0, a:b], row[1, a:b], row[2, a:b], loss)
        _split(loss.view(np.int64), mantissa.view(np.int64), power)
        _logarithms(rates[q], row[0, a:b], row[3, a:b], mantissa, power, loss)
        _gather(loss, slot[a:b], sums)
        for t in range(blocks):
            told[t, q] = sums[t]


@compiled
def _gather(loss: Float, slot: Int, out: Float) -> None:
    """Sums by block."""
    out[:] = 0.0
    for j in range(loss.size):
        out[slot[j]] -= loss[j]


@compiled
def _ratios(rate: float, model_error: float, unit: Float, plain: Float, alone: Float, out: Float) -> None:
    """Density of the background alone over that of the source, squared: Student-t to the power of `FREEDOM` + 1."""
    for j in range(out.size):
        computed = rate * unit[j]
        miss = plain[j] - computed
        wide = 1.0 + (model_error * computed) ** 2
        tails = (FREEDOM + miss * miss / wide) * alone[j]
        out[j] = tails**2 * tails**2 * tails * wide


@compiled
def _split(bits: Int, mantissa: Int, power: Float) -> None:
    """Cut positive doubles, given by their bits, into a mantissa around 1 and a power of two."""
    for j in range(bits.size):
        shift = (bits[j] - ROOT_HALF) >> FRACTION
        mantissa[j] = bits[j] - (shift << FRACTION)
        power[j] = shift


@compiled
def _logarithms(rate: float, unit: Float, weight: Float, mantissa: Float, power: Float, out: Float) -> None:
    """Weighed logarithms; none of what is too faint at this rate.

    With f = (m - 1) / (m + 1), ln m = 2 (f + f^3 / 3 + f^5 / 5 + ...); |f| < 0.172: what is left out is below 1e-16.
    """
    for j in range(out.size):
        f = (mantissa[j] - 1.0) / (mantissa[j] + 1.0)
        s = f * f
        series = 1.0 / 15.0 + s * (1.0 / 17.0 + s * (1.0 / 19.0))
        series = 1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s * (1.0 / 13.0 + s * series)))
        series = 1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * series))
        out[j] = (weight[j] if rate * unit[j] > UNSEEN else 0.0) * (power[j] * LN2 + 2.0 * f * series)


@compiled
def _waiting(emission: tuple[float, float, float], first: Float, turning: Float, blocks: int) -> Float:
    """Chance of each wind error before the emission began, block by block, before those that begin leave."""
    already, begin, _ = emission
    out = np.empty((blocks, first.size))
    out[0] = (1.0 - already) * first
    for t in range(1, blocks):
        out[t] = out[t - 1] @ turning * (1.0 if t == 1 else 1.0 - begin)
    return out


@compiled
def _forward(
    told: Float, emission: tuple[float, float, float], first: Float, waiting: Float, turning: Float, out: Float
) -> None:
    """Forward algorithm over off - on - over and the wind error, for all rates at once.

    `told` has shape (blocks, directions, rates); `out` becomes the logarithm of the sum at each rate.
    """
    already, begin, end = emission
    blocks, directions, many = told.shape
    on, moved = np.empty((directions, many)), np.empty((directions, many))
    off, over, top, total = np.ones(many), np.zeros(many), np.zeros(many), np.zeros(many)
    for d in range(directions):
        on[d] = already * first[d]
    out[:] = 0.0
    for t in range(blocks):
        left = waiting[t].sum()
        if t > 0:
            left *= 1.0 - begin
            _move(on, moved, off, over, waiting[t] * begin, end, turning)
            on, moved = moved, on
        top[:] = 0.0
        for d in range(directions):
            for q in range(many):
                top[q] = max(top[q], told[t, d, q])
        for q in range(many):
            quiet = math.exp(-top[q])
            off[q], over[q] = off[q] * quiet, over[q] * quiet
            total[q] = left * off[q] + over[q]
        for d in range(directions):
            for q in range(many):
                on[d, q] *= math.exp(told[t, d, q] - top[q])
                total[q] += on[d, q]
        for q in range(many):
            out[q] += math.log(total[q]) + top[q]
            total[q] = 1.0 / total[q]
            off[q], over[q] = off[q] * total[q], over[q] * total[q]
        for d in range(directions):
            for q in range(many):
                on[d, q] *= total[q]


@compiled
def _move(on: Float, moved: Float, off: Float, over: Float, begun: Float, end: float, turning: Float) -> None:
    """One block on: some begin, some end, the wind error turns; `off` and `over` are scales and sums by rate."""
    directions, many = on.shape
    for d in range(directions):
        for q in range(many):
            over[q] += end * on[d, q]
            moved[d, q] = begun[d] * off[q]
    for e in range(directions):
        for d in range(directions):
            share = (1.0 - end) * turning[e, d]
            for q in range(many):
                moved[d, q] += share * on[e, q]
