"""Roses point where the wind and the dirt come from, and agree with openair hour by hour."""

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.tracing.sectors import WindHours, percentile_rose, pollution_rose, round_edges, wind_rose
from tests.tracing.sectors import openair
from tests.tracing.sectors.winds import apart, one_source, times


def test_a_rose_of_one_source_points_at_it() -> None:
    rose = pollution_rose(one_source(225.0))
    assert apart(float(rose.direction[np.nanargmax(rose.mean)]), 225.0) <= 15
    high = percentile_rose(one_source(225.0), (95.0,))[:, 0]
    assert apart(10.0 * (int(np.nanargmax(high)) + 1), 225.0) <= 10


def test_wind_from_the_north_is_one_sector_whichever_way_it_is_written() -> None:
    rose = wind_rose(WindHours.of(times(4), [3, 3, 3, 3], [0, 360, 355, 5], [1, 1, 1, 1]))
    assert rose.moving[-1] == 4
    assert rose.direction[-1] == 360


def test_every_hour_stands_in_one_place() -> None:
    speed = [0.0, 1.0, 2.0, 2.1, 9.0, np.nan, 3.0]
    rose = wind_rose(WindHours.of(times(7), speed, [90, 90, 90, 90, 90, 90, np.nan], np.ones(7)))
    assert (rose.hours, rose.still, rose.undirected) == (6, 1, 1)
    assert rose.count[2].tolist() == [2, 1, 0, 1]  # an upper edge belongs to its class
    assert rose.count.sum() + rose.still + rose.undirected == rose.hours


def test_a_negative_speed_and_a_direction_off_the_circle_are_no_wind() -> None:
    rose = wind_rose(WindHours.of(times(3), [-1, 4, 4], [90, 400, -3], [1, 1, 1]))
    assert (rose.hours, rose.undirected, rose.moving.sum()) == (2, 2, 0)


def test_edges_that_do_not_ascend_and_sectors_that_do_not_close_are_refused() -> None:
    with pytest.raises(InputError, match="do not ascend"):
        wind_rose(one_source(), (0, 4, 2))
    with pytest.raises(InputError, match="do not close the circle"):
        wind_rose(one_source(), width=50)


def test_round_edges_embrace_the_span() -> None:
    assert round_edges(0, 9.1) == (0, 2, 4, 6, 8, 10)
    assert round_edges(5, 5) == (5, 10)


@pytest.mark.reference
def test_the_wind_rose_is_openairs(shared: Path) -> None:
    rose, told = wind_rose(openair.hours(shared, "so2")), openair.table(shared, "windRose")
    sited = told.filter(told["wd"] > 0)
    shares = np.cumsum(rose.count, axis=1) / rose.hours * 100
    assert shares == pytest.approx(sited.select(f"Interval{i}" for i in range(1, 5)).to_numpy(), abs=1e-12)
    assert rose.moving.tolist() == sited["freqs"].to_list()
    # openair counts hours without a direction as calm
    assert round((rose.still + rose.undirected) / rose.hours * 100, 1) == told["calm"][0]


@pytest.mark.reference
def test_the_pollution_rose_is_openairs(shared: Path) -> None:
    rose, told = pollution_rose(openair.hours(shared, "so2")), openair.table(shared, "pollutionRose_so2")
    assert rose.edges[:-1].tolist() == [0, 2, 4, 6, 8, 10]
    columns = [f"Interval{i}" for i in range(1, 7)]
    shares = np.cumsum(rose.count, axis=1) / rose.hours * 100
    assert shares == pytest.approx(told.filter(told["wd"] > 0).select(columns).to_numpy(), abs=1e-12)
    calm = np.cumsum(rose.calm) / rose.hours * 100
    assert calm == pytest.approx(told.filter(told["wd"] < 0).select(columns).to_numpy()[0], abs=1e-12)
