"""Spreads against the published Pasquill-Gifford curves."""

import numpy as np
import pytest

from bihuan.physics import kernels, sigma_y, sigma_z
from bihuan.physics.dispersion import curves

# Turner 1970, Workbook of Atmospheric Dispersion Estimates (AP-26), figures 3-2 and 3-3 in the fits of
# EPA-454/B-95-003b, tables 1-1 and 1-2, at 1 km, classes A .. F. Briggs drew his curves from the same
# experiments for small emissions and agrees where both were measured: sigma_y throughout, sigma_z for B .. F.
TURNER_Y_1KM = [209.6, 154.7, 103.5, 68.3, 50.5, 33.9]
TURNER_Z_1KM = [453.9, 109.3, 61.1, 32.1, 21.6, 14.0]


@pytest.mark.parametrize("stability", range(6))
def test_lateral_spread_at_1_km_agrees_with_turner_within_a_fifth(stability: int) -> None:
    assert sigma_y(np.array([1000.0]), stability)[0] == pytest.approx(TURNER_Y_1KM[stability], rel=0.2)


@pytest.mark.parametrize("stability", range(1, 6))
def test_vertical_spread_at_1_km_agrees_with_turner_within_a_quarter(stability: int) -> None:
    assert sigma_z(np.array([1000.0]), stability)[0] == pytest.approx(TURNER_Z_1KM[stability], rel=0.25)


def test_spreads_are_the_printed_formulas_of_briggs() -> None:
    """Hanna, Briggs and Hosker 1982, table 4.5, class D open country and urban at 2 km, worked by hand."""
    x = np.array([2000.0])
    assert sigma_y(x, 3)[0] == pytest.approx(160 / 1.2**0.5)
    assert sigma_z(x, 3)[0] == pytest.approx(120 / 4**0.5)
    assert sigma_y(x, 3, "urban")[0] == pytest.approx(320 / 1.8**0.5)
    assert sigma_z(x, 3, "urban")[0] == pytest.approx(280 / 1.6**0.5)


@pytest.mark.parametrize("terrain", ["rural", "urban"])
@pytest.mark.parametrize("stability", range(6))
def test_the_virtual_distance_gives_the_spread_back(terrain: str, stability: int) -> None:
    curve = curves(terrain).sigma[stability]  # type: ignore[arg-type]
    for x in (1.0, 30.0, 700.0, 9000.0):
        assert kernels.distance_of_sigma_y(curve, kernels.sigma_y(curve, x)) == pytest.approx(x, rel=1e-9)
        assert kernels.distance_of_sigma_z(curve, kernels.sigma_z(curve, x)) == pytest.approx(x, rel=1e-6)


def test_a_spread_the_class_never_reaches_lies_very_far_away() -> None:
    curve = curves("rural").sigma[5]
    assert kernels.distance_of_sigma_z(curve, 54.0) == 1e6
