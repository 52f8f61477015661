"""The compiled sums against sums written out by hand."""

import math
from itertools import product

import numpy as np
import pytest

from bihuan.tracing.likelihood import FREEDOM, UNSEEN, _forward, _waiting, blurred, gains

FIRST = np.array([0.25, 0.5, 0.25])
TURNING = np.array([[0.7, 0.3, 0.0], [0.2, 0.6, 0.2], [0.0, 0.3, 0.7]])
EMISSION = (0.2, 0.3, 0.1)


def written_out(per_block: np.ndarray) -> float:
    """Sum over every course of off - on - over and of the wind error."""
    already, begin, end = EMISSION
    starts = {"off": 1 - already, "on": already, "over": 0.0}
    moves = {
        ("off", "off"): 1 - begin,
        ("off", "on"): begin,
        ("on", "on"): 1 - end,
        ("on", "over"): end,
        ("over", "over"): 1.0,
    }
    directions, blocks = per_block.shape
    total = 0.0
    for states in product(starts, repeat=blocks):
        for errors in product(range(directions), repeat=blocks):
            chance = starts[states[0]] * FIRST[errors[0]]
            gain = 0.0
            for t in range(blocks):
                if t:
                    chance *= moves.get((states[t - 1], states[t]), 0.0) * TURNING[errors[t - 1], errors[t]]
                gain += per_block[errors[t], t] if states[t] == "on" else 0.0
            total += chance * np.exp(gain)
    return float(np.log(total))


def test_the_forward_sum_is_the_sum_over_all_courses() -> None:
    told = np.random.default_rng(2).normal(0, 2, (4, 3, 2))
    found = np.zeros(2)
    _forward(told, EMISSION, FIRST, _waiting(EMISSION, FIRST, TURNING, 4), TURNING, found)
    assert found == pytest.approx([written_out(told[:, :, q].T) for q in range(2)])


def plainly(
    excess: np.ndarray, noise: np.ndarray, response: np.ndarray, rates: np.ndarray, lags: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """The definition, one look after another and one rate after another, with the library's own logarithm."""
    out = np.zeros(rates.shape)
    already, begin, end = EMISSION
    sources, directions, blocks, stations = response.shape
    for k, q in product(range(sources), range(rates.shape[1])):
        told = np.zeros((directions, blocks))
        for d, t, i in product(range(directions), range(blocks), range(stations)):
            computed, sd = rates[k, q] * response[k, d, t, i], noise[i, t]
            if computed > UNSEEN * sd:
                wide = math.hypot(sd, 0.5 * computed)
                miss, plain = (excess[i, t] - computed) / wide, excess[i, t] / sd
                loss = (FREEDOM + 1) / 2 * math.log((FREEDOM + miss**2) / (FREEDOM + plain**2)) + math.log(wide / sd)
                told[d, max(t - lags[k, i], 0)] -= weight[i] * loss
        off, on, over, scale = (1 - already) * FIRST, already * FIRST, np.zeros(directions), 0.0
        for t in range(blocks):
            if t:
                off, on, over = off @ TURNING, on @ TURNING, over @ TURNING
                off, on, over = off * (1 - begin), on * (1 - end) + off * begin, over + on * end
            on = on * np.exp(told[:, t])
            total = float(off.sum() + on.sum() + over.sum())
            off, on, over, scale = off / total, on / total, over / total, scale + math.log(total)
        out[k, q] = scale
    return out


def test_the_fast_sums_are_those_of_the_definition() -> None:
    """Faint and loud, missing and unheard, rates from nothing to absurd: to 1e-11 of what is written out above."""
    rng = np.random.default_rng(8)
    excess, noise = rng.normal(0, 20, (6, 9)), rng.uniform(1, 9, (6, 9))
    excess[2, 3:6] = noise[2, 3:6] = np.nan
    excess[4, 1] = 4e4
    response = np.exp(rng.uniform(-12, 2, (7, 3, 9, 6)))
    response[1], response[2, 1], response[3, :, 4] = 0.0, 0.0, np.nan
    rates, lags = np.tile(np.exp(np.linspace(-6, 12, 7)), (7, 1)), rng.integers(0, 4, (7, 6))
    weight = rng.uniform(0.1, 1, 6)
    told = gains(excess, noise, response, rates, lags, weight, 0.5, EMISSION, FIRST, TURNING)
    assert told == pytest.approx(plainly(excess, noise, response, rates, lags, weight), rel=1e-11, abs=1e-11)
    assert np.ptp(told[0]) > 5 and not told[1].any()


def gain(excess: np.ndarray, response: np.ndarray, rates: np.ndarray, lags: np.ndarray | None = None) -> np.ndarray:
    stations = len(excess)
    lags = np.zeros((len(response), stations), np.int64) if lags is None else lags
    return gains(
        excess,
        np.where(np.isnan(excess), np.nan, 1.0),
        response,
        rates,
        lags,
        np.ones(stations),
        0.5,
        EMISSION,
        FIRST,
        TURNING,
    )


def test_a_source_that_reaches_no_station_says_nothing() -> None:
    excess = np.random.default_rng(3).normal(size=(4, 5))
    assert gain(excess, np.zeros((2, 3, 5, 4)), np.ones((2, 3))) == pytest.approx(0.0)


def test_the_true_source_and_rate_gain_most() -> None:
    rng = np.random.default_rng(4)
    response = rng.uniform(0, 1, (3, 1, 8, 5)).repeat(3, axis=1)
    excess = 20 * response[1, 1].T + rng.normal(size=(5, 8))
    got = gain(excess, response, np.tile([2.0, 20.0, 200.0], (3, 1)))
    assert np.unravel_index(np.argmax(got), got.shape) == (1, 1)


def test_missing_values_and_winds_are_left_out() -> None:
    response = np.ones((1, 3, 4, 2))
    excess = np.full((2, 4), 3.0)
    excess[1] = np.nan
    alone = gain(excess[:1], response[..., :1].copy(), np.array([[3.0]]))
    assert gain(excess, response, np.array([[3.0]])) == pytest.approx(alone)
    response[:, :, 2] = np.nan
    assert np.isfinite(gain(excess, response, np.array([[3.0]]))).all()


def test_a_lag_moves_what_a_far_station_says_to_the_block_of_emission() -> None:
    """Near station hit in blocks 1 and 2, far one in 3 and 4: one short emission explains both only with the lag."""
    excess = np.zeros((2, 6))
    excess[0, 1:3] = excess[1, 3:5] = 10.0
    response = np.ones((1, 3, 6, 2))
    rates = np.array([[10.0]])
    lagged = gain(excess, response, rates, np.array([[0, 2]]))
    assert lagged[0, 0] > gain(excess, response, rates)[0, 0] + 2


def test_a_direction_takes_in_half_of_what_its_neighbours_see() -> None:
    raw = np.random.default_rng(5).random((4 * 3, 5, 2))
    by_turn = raw.reshape(4, 3, 5, 2)
    told = blurred(raw, 3, 2.0)
    assert told.shape == (2, 2, 3, 5)
    for d, t in product(range(2), range(3)):
        expected = by_turn[d + 1, t] + 0.5 * (by_turn[d, t] + by_turn[d + 2, t])
        assert told[:, d, t] == pytest.approx(expected.T)
