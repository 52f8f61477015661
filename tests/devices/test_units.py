"""The one door for units."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bihuan.core import SettingError, pollutants
from bihuan.devices.plausible import plausible
from bihuan.devices.units import UNITS, conversion


@pytest.mark.parametrize(
    ("sent", "kept", "value", "expected"),
    [
        ("mg/m3", "ug/m3", 0.035, 35),
        ("ug/m3", "mg/m3", 900, 0.9),
        ("ng/m3", "ug/m3", 12345, 12.345),
        ("L/s", "m3/s", 16.4, 0.0164),
        ("m3/h", "m3/s", 3600, 1),
        ("hPa", "kPa", 1013.25, 101.325),
        ("K", "degC", 298.15, 25),
        ("degC", "K", 25, 298.15),
        ("ug/L", "mg/L", 0.1, 0.0001),
        ("km/h", "m/s", 36, 10),
        ("degC", "degF", 36.6, 97.88),
        ("mS/cm", "uS/cm", 0.3, 300),
    ],
)
def test_known_conversions_give_the_decimal_one_writes(sent: str, kept: str, value: float, expected: float) -> None:
    assert conversion(sent, kept)(value) == expected
    assert conversion(sent, kept).back(expected) == value


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.integers(-(10**6), 10**6))
@example("degC", "degF", 0)
@example("K", "degF", 0)
def test_there_and_back_is_where_it_began(sent: str, kept: str, thousandths: int) -> None:
    value = thousandths / 1000
    try:
        there = conversion(sent, kept)
    except SettingError as problem:
        assert sent in str(problem)
        return
    assert conversion(kept, sent)(there(value)) == pytest.approx(value, rel=1e-9, abs=1e-5)


def test_a_share_of_a_gas_is_refused() -> None:
    with pytest.raises(SettingError, match="ppb"):
        conversion("ppb", "ug/m3")


def test_every_unit_of_the_pollutant_list_is_known() -> None:
    for row in pollutants().values():
        assert {row.unit, row.outlet_unit} <= UNITS, row.code


def test_bounds_are_of_known_pollutants_and_units() -> None:
    assert plausible("environment", "co").doubt(51) == "ug/m3"
    assert plausible("environment", "co").doubt(0) == plausible("environment", "co").doubt(49) == ""
    assert plausible("environment", "pm25").doubt(0.035) == "mg/m3"
    assert plausible("outlet", "turbidity").doubt(1e9) == ""
