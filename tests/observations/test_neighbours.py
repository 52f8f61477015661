"""Neighbours found by the tree are those of a comparison of every site with every other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bihuan.core import EARTH_RADIUS
from bihuan.observations import neighbours

Float = NDArray[np.float64]


def dense(lon: Float, lat: Float, radius: float, most: int) -> list[list[int]]:
    """Every pair, written out: nearest first, of equally far ones the first by number."""
    rad = np.pi / 180
    found = []
    for site in range(len(lon)):
        north = (lat[site] - lat) * rad
        east = (lon[site] - lon) * rad * np.cos((lat[site] + lat) / 2 * rad)
        away = np.hypot(north, east) * EARTH_RADIUS
        near = sorted((float(away[other]), other) for other in range(len(lon)) if other != site)
        row = [other for distance, other in near if distance <= radius][:most]
        found.append(row + [-1] * (most - len(row)))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 60),
    st.sampled_from([-75.0, -20.0, 0.0, 34.75, 60.0, 78.0]),
    st.sampled_from([0.0, 0.005, 0.05, 1.0]),
    st.sampled_from([0.0, 500.0, 5_000.0, 50_000.0]),
    st.integers(1, 8),
    st.booleans(),
)
def test_the_tree_names_the_neighbours_of_the_dense_comparison(
    seed: int, sites: int, middle: float, spread: float, radius: float, most: int, on_a_grid: bool
) -> None:
    """Scattered, on a grid with many equal distances, or several sites at one place; far from the equator as well."""
    chance = np.random.default_rng(seed)
    steps = chance.integers(-4, 5, (2, sites)) / 4 if on_a_grid else chance.uniform(-1, 1, (2, sites))
    lon, lat = 113.65 + spread * steps[0], middle + spread * steps[1]
    wanted = dense(lon, lat, radius, most)
    assert neighbours._by_tree(lon, lat, radius, most).tolist() == wanted
    assert neighbours._among_all(lon, lat, np.arange(sites), radius, most).tolist() == wanted


@pytest.mark.parametrize("most", [1, 6])
def test_a_network_too_large_for_comparing_all_goes_through_the_tree_and_ends_the_same(most: int) -> None:
    chance = np.random.default_rng(7)
    sites = neighbours.FEW + 150
    lon, lat = 113.65 + chance.integers(0, 30, sites) / 100, 34.75 + chance.integers(0, 30, sites) / 100
    assert neighbours.nearest(lon, lat, 5_000.0, most).tolist() == dense(lon, lat, 5_000.0, most)
