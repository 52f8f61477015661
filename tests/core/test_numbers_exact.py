"""Arrays are rounded as the decimals that the source printed."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import round_half_even, scaled_half_even, widened


@given(st.integers(0, 10**9), st.integers(0, 6), st.integers(0, 3))
def test_an_array_rounds_like_the_decimal_text(digits: int, places: int, decimals: int) -> None:
    value = float(Decimal(digits).scaleb(-places))
    expected = int(round_half_even(value, decimals).scaleb(decimals))
    assert scaled_half_even(np.array([value]), decimals)[0] == expected


@given(st.integers(0, 10**6), st.integers(0, 2), st.sampled_from([-1, 0, 1]))
def test_the_neighbours_of_a_tie_are_no_ties(k: int, decimals: int, step: int) -> None:
    tie = (2 * k + 1) / (2 * 10**decimals)
    value = tie if step == 0 else float(np.nextafter(tie, np.inf * step))
    expected = {-1: k, 0: k + k % 2, 1: k + 1}[step]
    assert scaled_half_even(np.array([value]), decimals)[0] == expected


def test_missing_is_minus_one() -> None:
    assert scaled_half_even(np.array([np.nan, np.inf, 2.5, 3.5])).tolist() == [-1, -1, 2, 4]


@given(st.integers(0, 99999), st.integers(0, 4))
def test_single_precision_is_widened_to_what_was_printed(digits: int, places: int) -> None:
    value = float(Decimal(digits).scaleb(-places))
    assert widened(np.array([value], dtype=np.float32))[0] == value


def test_widening_keeps_missing_and_whole_numbers() -> None:
    wide = widened(np.array([np.nan, 7.0, 1.45, 1 / 3], dtype=np.float32))
    assert np.isnan(wide[0])
    assert wide[1:3].tolist() == [7.0, 1.45]
    assert np.float32(wide[3]) == np.float32(1 / 3)
