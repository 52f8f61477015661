"""Averages by AERMOD's rule for calms, highest values, percentiles; factors of emission."""

from __future__ import annotations

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.physics import Averager, Axis, Highest, emission_factors, percentile, ranks_for

START = np.datetime64("2026-01-01T00", "h")  # a Thursday


def averages(length: int | str, values: list[float], usable: list[bool], parts: int = 1) -> list[float]:
    averager = Averager(length)
    table, known = np.array(values)[:, None], np.array(usable)
    hours = START + np.arange(len(values))
    found = [
        averager.add(table[part], known[part], hours[part])[1] for part in np.array_split(np.arange(len(values)), parts)
    ]
    return [float(value) for value in np.concatenate([*found, averager.finish()[1]])[:, 0]]


@pytest.mark.parametrize(
    ("length", "calm", "divisor"),
    # user's guide 3.2.2: no fewer than three quarters, rounded up: 3 of 3, 6 of 8, 18 of 24 hours
    [(3, 1, 3), (8, 1, 7), (8, 4, 6), (24, 3, 21), (24, 6, 18), (24, 20, 18)],
)
def test_calm_hours_count_as_nothing_and_three_quarters_must_remain(length: int, calm: int, divisor: int) -> None:
    usable = [False] * calm + [True] * (length - calm)
    values = [0.0 if not known else 10.0 for known in usable]
    assert averages(length, values, usable) == [pytest.approx(10.0 * (length - calm) / divisor)]


def test_a_mean_of_the_period_divides_by_the_hours_with_wind_alone() -> None:
    assert averages("PERIOD", [0.0] * 40 + [6.0, 2.0], [False] * 40 + [True] * 2) == [4.0]


def test_months_and_years_end_with_the_calendar() -> None:
    hours = 59 * 24  # January and February
    month = averages("MONTH", [1.0] * (31 * 24) + [2.0] * (28 * 24), [True] * hours)
    assert month == [1.0, 2.0]
    assert averages("YEAR", [3.0] * 8760 + [5.0] * 24, [True] * 8784) == [3.0, 5.0]


@pytest.mark.parametrize("length", [1, 3, 8, 24, "MONTH", "PERIOD"])
def test_it_does_not_matter_in_which_parts_hours_come(length: int | str) -> None:
    random = np.random.default_rng(1)
    values, usable = random.random(24 * 40).tolist(), (random.random(24 * 40) < 0.9).tolist()
    assert averages(length, values, usable, parts=7) == pytest.approx(averages(length, values, usable))


def test_the_highest_are_those_of_a_sort_with_their_hours() -> None:
    values = np.random.default_rng(2).random((200, 2, 3))
    highest = Highest(5, 2, 3)
    for part in np.array_split(np.arange(200), 6):
        highest.add(START + part, values[part])
    order = np.argsort(-values, axis=0)[:5]
    assert np.array_equal(highest.values, np.take_along_axis(values, order, axis=0))
    assert np.array_equal(highest.when, START + order)
    assert highest.seen == 200


@pytest.mark.parametrize(("percent", "count"), [(98, 365), (95, 365), (98, 8760), (90, 7), (50, 1)])
def test_a_percentile_of_the_highest_is_that_of_all(percent: float, count: int) -> None:
    values = np.sort(np.random.default_rng(3).random(count))[::-1]
    kept = values[: ranks_for(percent, count)]
    assert percentile(kept, percent, count) == pytest.approx(np.percentile(values, percent))
    with pytest.raises(InputError, match="highest"):
        percentile(kept[:-1], percent, count)


@pytest.mark.parametrize(
    ("axes", "hour", "place"),
    [
        (("hour",), "2026-01-01T05", 5),
        (("month",), "2026-12-01T00", 11),
        (("season",), "2026-12-01T00", 0),
        (("season",), "2026-03-01T00", 1),
        (("season",), "2026-11-30T00", 3),
        (("day_type", "hour"), "2026-01-02T23", 23),  # a Friday
        (("day_type", "hour"), "2026-01-03T00", 24),
        (("day_type", "hour"), "2026-01-04T01", 49),
        (("weekday", "season", "hour"), "2026-01-05T00", 0),  # a Monday
        (("weekday", "month", "hour"), "2026-01-04T02", 6 * 288 + 2),
    ],
)
def test_factors_are_numbered_as_decks_number_them(axes: tuple[Axis, ...], hour: str, place: int) -> None:
    sizes = {"hour": 24, "month": 12, "season": 4, "weekday": 7, "day_type": 3}
    values = np.arange(float(np.prod([sizes[axis] for axis in axes])))
    assert emission_factors(axes, values.tolist(), np.array([hour], dtype="datetime64[h]"))[0] == place


def test_classes_of_the_wind_end_at_their_upper_limit() -> None:
    start = START + np.arange(4)
    found = emission_factors(("wind",), [1, 2, 3, 4, 5, 6], start, wind_speed=np.array([1.54, 1.55, 10.8, 10.9]))
    assert list(found) == [1, 2, 5, 6]


def test_factors_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="there must be 24"):
        emission_factors(("hour",), [1.0], START + np.arange(1))
    with pytest.raises(InputError, match="below 0"):
        emission_factors(("season",), [1, -1, 1, 1], START + np.arange(1))
    with pytest.raises(InputError, match="need the wind"):
        emission_factors(("wind",), [1] * 6, START + np.arange(1))
    with pytest.raises(InputError, match="1 to 24 hours"):
        Averager(25)
