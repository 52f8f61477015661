"""A matrix on disk gives back what was put in, says what is missing, and refuses another one's folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError, MatrixPlan, StoreError
from bihuan.store import MatrixFolder

PLAN = MatrixPlan(
    "by-hand/1", ("a", "b", "c", "d", "e"), np.array([0.0, 10.0, 20.0]), np.zeros(3), np.zeros(3), ("winter", "summer"),
    (100, 90), "sha256:0", floor=0.0, together=2,
)  # fmt: skip
VALUES = np.arange(1.0, 31.0).reshape(5, 2, 3)


def filled(folder: Path, plan: MatrixPlan = PLAN, values: np.ndarray = VALUES) -> MatrixFolder:
    matrix = MatrixFolder(folder, plan)
    for number in range(plan.parts):
        matrix.write(number, values[plan.part(number)])
    return matrix


def test_changed_emissions_are_one_multiplication(tmp_path: Path) -> None:
    filled(tmp_path)
    matrix = MatrixFolder(tmp_path)  # opened anew, by what the folder says
    rates = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    assert matrix.concentrations(rates) == pytest.approx(np.einsum("s,spr->pr", rates, VALUES))
    each = np.array([rates, rates[::-1]])
    assert matrix.concentrations(each) == pytest.approx(np.einsum("ps,spr->pr", each, VALUES))


def test_a_receptor_is_asked_who_causes_how_much(tmp_path: Path) -> None:
    matrix = filled(tmp_path)
    assert matrix.contributions(1) == pytest.approx(VALUES[:, :, 1].T)
    rates = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
    assert matrix.contributions(1, rates) == pytest.approx(VALUES[:, :, 1].T * rates)
    with pytest.raises(InputError, match="receptor 3: the matrix has receptors 0 to 2"):
        matrix.contributions(3)


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(tmp_path: Path) -> None:
    matrix = MatrixFolder(tmp_path, PLAN)
    assert matrix.missing() == [0, 1, 2]
    matrix.write(1, VALUES[2:4])
    assert MatrixFolder(tmp_path, PLAN).missing() == [0, 2]
    with pytest.raises(StoreError, match="2 of 3 parts are not computed yet"):
        matrix.concentrations(np.ones(5))


def test_what_lies_below_the_floor_is_left_out_and_counted(tmp_path: Path) -> None:
    values = np.array([1.0, 0.5, 0.009]) * np.ones((5, 2, 1))
    matrix = filled(tmp_path, replace(PLAN, floor=0.01), values)
    assert matrix.contributions(2) == pytest.approx(0.0)
    assert matrix.contributions(1) == pytest.approx(0.5)
    assert matrix.left_out() == pytest.approx(0.009 / 1.509)


def test_a_period_without_a_valid_hour_has_no_value(tmp_path: Path) -> None:
    values = VALUES.copy()
    values[:, 1] = np.nan
    matrix = filled(tmp_path, replace(PLAN, hours=(100, 0)), values)
    found = matrix.concentrations(np.ones(5))
    assert found[0] == pytest.approx(VALUES[:, 0].sum(axis=0))
    assert np.isnan(found[1]).all()
    assert np.isnan(matrix.contributions(0)[1]).all()


def test_another_matrix_does_not_take_the_folder(tmp_path: Path) -> None:
    filled(tmp_path)
    with pytest.raises(StoreError, match="holds a matrix of other inputs, sources"):
        MatrixFolder(tmp_path, replace(PLAN, sources=("a", "b", "c", "d", "x"), inputs="sha256:1"))
    with pytest.raises(StoreError, match="holds no source-receptor matrix"):
        MatrixFolder(tmp_path / "elsewhere")


def test_a_part_of_another_shape_or_one_that_broke_is_named(tmp_path: Path) -> None:
    matrix = filled(tmp_path)
    with pytest.raises(InputError, match=r"part 2 .* has shape \(1, 2, 3\), not \(2, 2, 3\)"):
        matrix.write(2, VALUES[:2])
    (tmp_path / "part-00001.parquet").write_bytes(b"not a table")
    with pytest.raises(StoreError, match=r"part-00001\.parquet cannot be read"):
        matrix.concentrations(np.ones(5))


def test_a_plan_needs_axes_and_names_that_differ() -> None:
    with pytest.raises(InputError, match="sources a stand twice"):
        replace(PLAN, sources=("a", "a", "c", "d", "e"))
    with pytest.raises(InputError, match="needs a source, a receptor and a period"):
        replace(PLAN, periods=())
