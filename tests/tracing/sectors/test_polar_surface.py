"""The thin-plate surface finds what was put in, and is openair's where openair's settings are taken."""

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.tracing.sectors import WindHours, polar_clusters, polar_surface
from bihuan.tracing.sectors.thin_plate import basis_of, radial, ring_basis, smooth
from tests.tracing.sectors import openair
from tests.tracing.sectors.winds import apart, one_source, times


def peak_of(axis: np.ndarray, value: np.ndarray) -> float:
    row, column = np.unravel_index(np.nanargmax(value), value.shape)
    return float(np.degrees(np.arctan2(axis[column], axis[row])) % 360)


def test_the_surface_of_one_source_is_highest_towards_it() -> None:
    found = polar_surface(one_source(225.0), uncertainty=True)
    assert apart(peak_of(found.axis, found.value), 225.0) < 12
    assert found.lower is not None and found.upper is not None
    known = np.isfinite(found.value)
    assert (found.lower[known] <= found.value[known]).all() and (found.value[known] <= found.upper[known]).all()
    assert np.isnan(found.value[0, 0])  # nothing blew from there that fast


def test_a_plane_comes_back_as_it_is_and_noise_is_smoothed_away() -> None:
    random = np.random.default_rng(2)
    u, v = random.uniform(-5, 5, (2, 300))
    basis, where = basis_of(u, v, 60)
    plane = 3 + 0.5 * u - 0.2 * v
    fitted = smooth(basis, where, plane, np.ones(300))
    assert fitted.predict(np.array([1.0, -2.0]), np.array([2.0, 0.5])) == pytest.approx([3.1, 1.9])
    noisy = smooth(basis, where, plane + random.normal(0, 1, 300), np.ones(300))
    assert noisy.freedom < 12
    assert np.abs(noisy.predict(u, v) - plane).max() < 1.0


def test_the_band_holds_the_truth() -> None:
    random = np.random.default_rng(5)
    u, v = random.uniform(-3, 3, (2, 400))
    truth = np.sin(u) + np.cos(v)
    basis, where = basis_of(u, v, 80)
    fitted = smooth(basis, where, truth + random.normal(0, 0.3, 400), np.ones(400))
    inside = np.abs(fitted.predict(u, v) - truth) <= 2 * fitted.deviation(u, v)
    assert 0.88 <= inside.mean() <= 1.0


@pytest.mark.parametrize("radii", [np.linspace(0, 8, 9), np.linspace(1, 8, 8)])
def test_rings_have_the_eigenvectors_of_the_whole_matrix(radii: np.ndarray) -> None:
    basis, where = ring_basis(radii, 12, 40)
    points = basis.points[where].reshape(12, len(radii), 2)
    assert np.hypot(*points[2].T) == pytest.approx(radii)
    assert np.degrees(np.arctan2(points[2, -1, 0], points[2, -1, 1])) == pytest.approx(90.0)
    k = basis.design.shape[1]
    strongest = np.sort(np.abs(np.linalg.eigvalsh(radial(basis.points, basis.points))))[::-1][:k]
    truth, _ = basis_of(basis.points[:, 0], basis.points[:, 1], k)
    ours, theirs = (np.linalg.svd(one.bend, compute_uv=False) for one in (basis, truth))
    assert ours == pytest.approx(theirs, abs=1e-8)
    value = np.cos(basis.points[where][:, 0]) + basis.points[where][:, 1]
    fits = [smooth(basis, where, value, np.ones(len(value)))]
    other, place = basis_of(*basis.points[where].T, k)
    fits.append(smooth(other, place, value, np.ones(len(value))))
    at = np.array([0.3, -2.2]), np.array([1.1, 3.0])
    assert fits[0].predict(*at) == pytest.approx(fits[1].predict(*at), abs=1e-5)
    assert strongest[0] > 0


def test_too_few_cells_carry_no_surface_and_the_message_says_so() -> None:
    with pytest.raises(InputError, match=r"cells of wind direction and speed have hours: a surface needs 12"):
        polar_surface(WindHours.of(times(3), [1, 2, 3], [10, 20, 30], [1, 2, 3]))
    with pytest.raises(InputError, match="no hour has wind, direction and value together"):
        polar_surface(WindHours.of(times(2), [1, np.nan], [10, 20], [np.nan, 2]))


def test_clusters_find_the_part_of_the_source_and_stay_the_same() -> None:
    hours = one_source(225.0)
    surface = polar_surface(hours)
    found = polar_clusters(surface, hours, 4)
    assert apart(float(np.degrees(np.arctan2(*found.centre[0, :2])) % 360), 225.0) < 20
    assert found.mean[0] == np.nanmax(found.mean)
    assert found.share.sum() == pytest.approx(1, abs=0.05)
    assert np.array_equal(found.cluster, polar_clusters(surface, hours, 4).cluster)
    assert ((found.cluster == 0) == np.isnan(surface.value[::2, ::2])).all()


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "pollutant", "statistic"), [("polarPlot_nox", "nox", "mean"), ("polarPlot_so2_cpf90", "so2", "cpf")]
)
def test_the_surface_is_openairs(shared: Path, name: str, pollutant: str, statistic: str) -> None:
    told = openair.surface(shared, name)
    same = polar_surface(openair.hours(shared, pollutant, first_sector=True), statistic)  # type: ignore[arg-type]
    assert (np.isfinite(same.value) == np.isfinite(told)).all()
    correlation, rms = openair.agreement(same.value, told)
    assert correlation > 0.9999999 and rms < 1e-6
    ours = polar_surface(openair.hours(shared, pollutant), statistic)  # type: ignore[arg-type]
    correlation, rms = openair.agreement(ours.value, told)
    assert correlation > 0.9999 and rms < 0.003
