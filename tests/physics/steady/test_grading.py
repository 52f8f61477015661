"""Graded tables: where they bend, how near they are to the formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bihuan.physics.steady import PointSource
from bihuan.physics.steady.axis_kernels import (
    AXIS_COLUMNS,
    DIRECT,
    DIRECT_NARROW,
    PART_BEGIN,
    PART_COLUMNS,
    PART_END,
    PART_FIRST,
    PART_NODES,
    fill_axis,
)
from bihuan.physics.steady.boundary import LEVELS
from bihuan.physics.steady.field_kernels import cubic, looked_up
from bihuan.physics.steady.grading_kernels import FEWEST, GRADED_PARTS, grade_axis, next_run
from bihuan.physics.steady.state_kernels import STATE_COLUMNS, fill_state
from tests.physics.steady.hours import STABLE, layer

Float = NDArray[np.float64]
STACK = PointSource("stack", 0.0, 0.0, 50.0, 2.0, 15.0, 425.0)


def graded(
    hour: dict[str, object], z: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], int, tuple[object, ...]]:
    air = layer(**hour)
    state, row = np.empty(STATE_COLUMNS), np.array(STACK.row)
    fill_state(row, air.hours[0], LEVELS, air.profiles[0], state)
    axis, distances, parts = np.empty((400, AXIS_COLUMNS)), np.empty(400), np.empty((GRADED_PARTS, PART_COLUMNS))
    known = (row, state, air.hours[0], (LEVELS, air.profiles[0], air.sums[0]))
    count = grade_axis(z, 20.0, 20_000.0, 0.05, *known, distances, axis, parts)
    return axis, parts, count, known


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
@pytest.mark.parametrize("z", [0.0, 80.0])
def test_between_its_rows_a_graded_table_keeps_to_the_formulas(hour: dict[str, object], z: float) -> None:
    axis, parts, count, known = graded(hour, z)
    where = np.exp(np.linspace(np.log(20.1), np.log(19_900.0), 777))
    exact = np.empty((len(where), AXIS_COLUMNS))
    fill_axis(where, len(where), z, *known, exact)
    found = np.array(
        [
            [looked_up(axis, column, *cubic(np.log(x), parts, count)) for column in (DIRECT, DIRECT_NARROW)]
            for x in where
        ]
    )
    value = exact[:, DIRECT] + np.log(exact[:, DIRECT_NARROW])
    seen = value > np.maximum.accumulate(value[::-1])[::-1] - 7.0
    wrong = np.abs(found[seen, 0] - exact[seen, DIRECT])
    assert np.median(wrong) < 1e-4 and np.percentile(wrong, 99) < 0.01
    assert np.abs(found[:, 1] / exact[:, DIRECT_NARROW] - 1.0).max() < 0.005


@pytest.mark.parametrize("hour", [{}, STABLE], ids=["day", "night"])
def test_parts_follow_each_other_without_a_gap_and_hold_a_cubic(hour: dict[str, object]) -> None:
    _, parts, count, _ = graded(hour, 80.0)
    assert count > 1
    assert parts[1:count, PART_BEGIN] == pytest.approx(parts[: count - 1, PART_END], abs=1e-12)
    assert (parts[:count, PART_NODES] >= FEWEST + 1).all()
    rows = [set(range(int(part[PART_FIRST]), int(part[PART_FIRST] + part[PART_NODES]))) for part in parts[:count]]
    assert sum(map(len, rows)) <= len(set().union(*rows)) + count, "at most the ends are shared"


@pytest.mark.parametrize(
    ("bent", "done", "expected"),
    [
        ("..........", 0, (10, 10)),
        ("....###...", 0, (4, 7)),
        (".###......", 0, (0, 4)),
        ("....###..", 0, (4, 9)),
        ("...#..#...#.........", 0, (3, 7)),
        ("...#..#...#.........", 7, (10, 11)),
        ("#.........", 0, (0, 1)),
    ],
)
def test_a_run_of_bent_cells_leaves_none_or_enough_beside_it(bent: str, done: int, expected: tuple[int, int]) -> None:
    cells = np.array([cell == "#" for cell in bent])
    assert next_run(cells, done) == expected
