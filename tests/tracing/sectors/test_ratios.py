"""Ratios are told; a criterion that nobody confirmed decides nothing."""

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.standards import DECIDING
from bihuan.tracing.sectors import KindRow, kind_rows, ratios
from tests.tracing.sectors.winds import times

FINE, COARSE = np.array([20.0, 80.0, 60.0, np.nan]), np.array([100.0, 100.0, 0.0, 50.0])


def test_a_ratio_needs_both_and_a_divisor_that_is_something() -> None:
    found = ratios(times(4), {"pm25": FINE, "pm10": COARSE})
    assert [one.pair for one in found.series] == [("pm25", "pm10")]
    assert found.series[0].value == pytest.approx([0.2, 0.8, np.nan, np.nan], nan_ok=True)
    assert (found.series[0].hours, found.series[0].of_means) == (2, 0.5)


def test_unconfirmed_rows_count_hours_and_name_none() -> None:
    assert not [row.id for row in kind_rows() if row.status in DECIDING]
    found = ratios(times(4), {"pm25": FINE, "pm10": COARSE})
    dust = next(one for one in found.findings if one.row.id == "dust_fine_share")
    assert (dust.decides, dust.hours, dust.of) == (False, 1, 2)
    assert found.kind == ("", "", "", "")


def test_a_row_that_is_switched_on_names_its_hours() -> None:
    found = ratios(times(4), {"pm25": FINE, "pm10": COARSE}, allow=["dust_fine_share"])
    assert found.kind == ("dust", "", "", "")
    with pytest.raises(InputError, match="dust_fine_share"):
        ratios(times(4), {}, allow=["sand"])


def test_two_kinds_at_once_are_no_answer() -> None:
    rows = tuple(
        KindRow(kind, kind, ("pm25", "pm10"), 0.1, None, None, "confirmed", "", "made up")
        for kind in ("dust", "traffic")
    )
    assert ratios(times(4), {"pm25": FINE, "pm10": COARSE}, rows=rows).kind == ("", "", "", "")


def test_fireworks_ask_for_a_sudden_rise_too() -> None:
    n = 12
    fine = np.full(n, 30.0)
    fine[9:] = 200.0
    values = {"pm25": fine, "so2": np.full(n, 60.0), "no2": np.full(n, 40.0)}
    found = ratios(times(n), values, allow=["firework_sulfur"])
    assert [at for at, kind in enumerate(found.kind) if kind == "firework"] == [9, 10, 11]
    calm = ratios(times(n), values | {"pm25": np.full(n, 30.0)}, allow=["firework_sulfur"])
    assert set(calm.kind) == {""}
