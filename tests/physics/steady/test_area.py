"""Sums over areas: against fine sums of the same table, whatever the ring, and the ladder against its table."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from bihuan.physics.steady import AreaSource
from bihuan.physics.steady.area_kernels import (
    BEGIN,
    END,
    LEFT,
    LEFT_SLOPE,
    NEAREST,
    RIGHT,
    RIGHT_SLOPE,
    STRIP_COLUMNS,
    add_area,
    cut_ring,
)
from bihuan.physics.steady.axis_kernels import AXIS_COLUMNS, DIRECT, DIRECT_NARROW, PART_COLUMNS
from bihuan.physics.steady.boundary import LEVELS
from bihuan.physics.steady.field_kernels import cubic, looked_up
from bihuan.physics.steady.grading_kernels import GRADED_PARTS, grade_axis
from bihuan.physics.steady.ladder_kernels import DENSE, LADDER_COLUMNS, NARROW, climb, held_at, normal, rung_of
from bihuan.physics.steady.state_kernels import STATE_COLUMNS, fill_state
from tests.physics.steady.hours import STABLE, layer

Float = NDArray[np.float64]
Table = tuple[Float, Float, int]
YARD = AreaSource.rectangle("yard", -100.0, -60.0, 200.0, 120.0, angle=17.0, height=4.0, sigma_z=2.0)
HOOK = AreaSource("hook", ((0, 0), (0, 90), (30, 90), (30, 25), (120, 25), (120, 0)), 2.0)


def table(hour: dict[str, object], source: AreaSource) -> Table:
    air = layer(**hour)
    state, row = np.empty(STATE_COLUMNS), np.array(source.row)
    fill_state(row, air.hours[0], LEVELS, air.profiles[0], state)
    axis, distances, parts = np.empty((500, AXIS_COLUMNS)), np.empty(500), np.empty((GRADED_PARTS, PART_COLUMNS))
    column = (LEVELS, air.profiles[0], air.sums[0])
    count = grade_axis(0.0, 1.0, 9000.0, 0.05, row, state, air.hours[0], column, distances, axis, parts)
    return axis, parts, count


def read(made: Table, u: float) -> tuple[float, float]:
    """Return density and one over sigma-y at a distance, from the table itself."""
    axis, parts, count = made
    row = cubic(math.log(u), parts, count)
    return math.exp(looked_up(axis, DIRECT, *row)), float(looked_up(axis, DIRECT_NARROW, *row))


def summed(made: Table, along: Float, across: Float) -> float:
    """Return the integral over a ring as a receptor sees it, by many chords and the error function."""
    total, corners = 0.0, np.unique(np.maximum(along, NEAREST))
    for near, far in pairwise(corners):
        edges = np.geomspace(near, far, 121)
        for low, high in pairwise(edges):
            u = 0.5 * (low + high)
            dense, narrow = read(made, u)
            share = 0.0
            for k in range(len(along)):
                m = (k + 1) % len(along)
                if (along[k] > u) != (along[m] > u):
                    v = across[k] + (u - along[k]) * (across[m] - across[k]) / (along[m] - along[k])
                    share += math.copysign(0.5, along[m] - along[k]) * math.erf(v * narrow / math.sqrt(2.0))
            total += (high - low) * dense * abs(share)
    return total


def test_the_normal_distribution_is_that_of_the_error_function() -> None:
    z = np.linspace(-7.0, 7.0, 2801)
    wrong = [abs(normal(place) - 0.5 * math.erfc(-place / math.sqrt(2.0))) for place in z]
    assert max(wrong) < 4e-9


@pytest.mark.parametrize("u", [1.0, 1.01, 1.99999, 2.0, 3.3, 1000.0, 1024.0, 65535.9])
def test_a_distance_stands_between_its_rung_and_the_next(u: float) -> None:
    rung, share = rung_of(u)
    octave, step = divmod(rung, 32)
    assert 2.0**octave * (1.0 + (step + share) / 32.0) == u
    assert 0.0 <= share < 1.0


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_a_ladder_says_what_its_table_says(hour: dict[str, object]) -> None:
    made = table(hour, YARD)
    first, last = rung_of(1.3)[0], rung_of(8000.0)[0]
    ladder = np.empty((last - first + 1, LADDER_COLUMNS))
    climb(*made, first, ladder)
    wrong = []
    for u in np.geomspace(1.3, 8000.0, 1999):
        rung, share = rung_of(u)
        dense, narrow = read(made, u)
        found = held_at(ladder, DENSE, rung - first, share), held_at(ladder, NARROW, rung - first, share)
        wrong.append((abs(found[0] / dense - 1.0), abs(found[1] / narrow - 1.0)))
    assert np.percentile(wrong, 95, axis=0).max() < 1e-5
    assert np.max(wrong) < 1e-3


@pytest.mark.parametrize("turn", [0.0, 0.3, 1.1, 2.0, 4.4])
def test_the_strips_of_a_hook_have_its_area(turn: float) -> None:
    ring = np.array(HOOK.ring) @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    strips = np.empty((18, STRIP_COLUMNS))
    count = cut_ring(ring[:, 0].copy(), ring[:, 1].copy(), strips)
    total = 0.0
    for strip in strips[:count]:
        middle, long = 0.5 * (strip[BEGIN] + strip[END]), strip[END] - strip[BEGIN]
        wide = strip[RIGHT] - strip[LEFT] + middle * (strip[RIGHT_SLOPE] - strip[LEFT_SLOPE])
        assert wide > 0.0
        total += wide * long
    assert total == pytest.approx(HOOK.area, rel=1e-9)


@pytest.mark.parametrize("source", [YARD, HOOK], ids=lambda source: source.name)
@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_few_points_sum_an_area_as_many_do(hour: dict[str, object], source: AreaSource) -> None:
    made, ring = table(hour, source), np.array(source.ring, float)
    turn = 0.4
    sine, cosine = math.sin(turn), math.cos(turn)
    draw = np.random.default_rng(1)
    along, across = draw.uniform(-80.0, 900.0, 60), draw.uniform(-150.0, 150.0, 60)
    places = np.stack([-along * sine + across * cosine, -along * cosine - across * sine, 0.0 * along], axis=1)
    found = np.zeros(60)
    add_area(*made, sine, cosine, ring, 1.0, np.arange(60), places, found)
    fine = np.empty(60)
    for r, place in enumerate(places):
        dx, dy = place[0] - ring[:, 0], place[1] - ring[:, 1]
        fine[r] = summed(made, -(dx * sine + dy * cosine), dx * cosine - dy * sine)
    large = fine > 0.01 * fine.max()
    wrong = np.abs(found[large] / fine[large] - 1.0)
    assert large.sum() > 20
    assert np.percentile(wrong, 95) < 2e-4  # of which the many chords have their share
    assert wrong.max() < 2e-3
    assert (found[fine == 0.0] == 0.0).all()
