"""Exact numbers: GB/T 8170 (half to even) and the array form that must agree with it."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import exact, round_half_even, round_up, scaled_half_even

finite = st.floats(allow_nan=False, allow_infinity=False)
readable = st.floats(min_value=0, max_value=1e6)
printed = st.decimals(min_value=0, max_value=9999, places=3).map(float)


@pytest.mark.parametrize(
    ("value", "decimals", "rounded"),
    [
        # GB/T 8170-2008, 3.2: worked examples of the clause (12.1498 to one place, 10.502 to a whole number ...)
        ("12.1498", 1, "12.1"),
        ("10.502", 0, "11"),
        ("1.050", 1, "1.0"),
        ("0.35", 1, "0.4"),
        ("-0.365", 2, "-0.36"),
        # the cases that decide a day: 60.5 is still 60, 61.5 is 62
        (60.5, 0, "60"),
        (61.5, 0, "62"),
        (2.25, 1, "2.2"),
        (1.005, 2, "1.00"),
        (2.675, 2, "2.68"),
    ],
)
def test_a_tie_goes_to_the_even_digit(value: float | str, decimals: int, rounded: str) -> None:
    assert round_half_even(value, decimals) == Decimal(rounded)


@given(finite)
def test_exact_reads_back_to_the_same_double(value: float) -> None:
    assert float(exact(value)) == value
    assert exact(np.float64(value)) == exact(value)


def test_a_single_precision_value_keeps_the_width_of_its_source() -> None:
    assert exact(np.float32(0.1)) == Decimal("0.1")
    assert exact(float(np.float32(0.1))) != Decimal("0.1")  # once widened the printed decimal is lost


@given(finite, st.integers(0, 6))
def test_rounding_is_the_nearest_decimal_for_every_double(value: float, decimals: int) -> None:
    unit = Fraction(1, 10**decimals)
    off = abs(Fraction(exact(value)) - Fraction(round_half_even(value, decimals)))
    assert off <= unit / 2
    if off == unit / 2:
        assert int(round_half_even(value, decimals).scaleb(decimals)) % 2 == 0 or abs(value) > 1e20


@given(st.decimals(min_value=-1000, max_value=1000, places=3))
def test_rounding_up_is_the_least_whole_number_not_below(value: Decimal) -> None:
    assert round_up(value) - 1 < value <= round_up(value)


@given(
    st.lists(readable | st.decimals(min_value=0, max_value=9999, places=3).map(float), min_size=1), st.integers(0, 3)
)
def test_arrays_round_exactly_as_one_value_does(values: list[float], decimals: int) -> None:
    expected = [int(round_half_even(value, decimals).scaleb(decimals)) for value in values]
    assert scaled_half_even(np.array(values), decimals).tolist() == expected


def test_arrays_of_any_shape_keep_it_and_missing_is_minus_one() -> None:
    assert scaled_half_even(np.array(2.5)).shape == ()
    assert scaled_half_even(np.array([[0.5, np.nan], [np.inf, 3.5]])).tolist() == [[0, -1], [-1, 4]]
    assert scaled_half_even(np.empty((0, 3))).shape == (0, 3)


def test_nonsense_of_a_device_saturates_instead_of_turning_negative() -> None:
    assert scaled_half_even(np.array([1e30, 1e308]), 3).tolist() == [2**62, 2**62]
