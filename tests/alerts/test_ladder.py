"""The ladder against worked examples and the real winter of 2019."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.alerts import grade_history, scheme_named, scheme_on
from bihuan.alerts.ladder import Hours, above, hour_orders, runs, window_means
from bihuan.core import InputError, NotCovered, text

MIDNIGHT = datetime(2024, 1, 9, 16, tzinfo=UTC)  # 10 January in Shanghai
HOUR = timedelta(hours=1)


def series(daily: list[float], shift: int = 0) -> pl.DataFrame:
    """Each value for 24 hours; `shift` hours later than midnight."""
    values = [v for v in daily for _ in range(24)]
    starts = [MIDNIGHT + (shift + k) * HOUR for k in range(len(values))]
    return pl.DataFrame({"start": starts, "aqi": values}).with_columns(pl.col("start").cast(pl.Datetime("us", "UTC")))


def days(daily: list[float], name: str = "zhengzhou-2023", **more: object) -> list[str]:
    found = grade_history(series([60, 60, *daily, 60, 60, 60]), name, **more)  # type: ignore[arg-type]
    return [day.grade for day in found][2:-3]


def test_a_window_needs_twenty_hours() -> None:
    aqi = np.full(30, 210.0)
    aqi[:5] = np.nan
    means = window_means(aqi)
    assert np.isnan(means[23])
    assert means[24] == 210.0


def test_hours_above_are_all_hours_of_a_window_above() -> None:
    means = window_means(np.concatenate([np.full(24, 100.0), np.full(24, 300.0), np.full(24, 100.0)]))
    assert runs(above(means, 250)) == [(19, 53)]  # from 18 hours of 300 on: 6 of 100


@pytest.mark.parametrize(
    ("daily", "grades"),
    [
        ([201], ["yellow"]),
        ([200], [""]),
        ([151, 151], ["yellow", "yellow"]),
        ([151], [""]),
        ([201, 201], ["orange", "orange"]),
        ([151, 151, 151], ["orange"] * 3),
        ([201, 201, 201], ["orange"] * 3),
        ([201, 301, 201], ["red"] * 3),
        ([301, 301], ["orange"] * 2),
    ],
)
def test_the_plan_of_zhengzhou_2023_day_by_day(daily: list[float], grades: list[str]) -> None:
    assert days(daily) == grades


@pytest.mark.parametrize(
    ("daily", "grades"),
    [
        ([250], [""]),
        ([201, 201], ["yellow"] * 2),
        ([201] * 3, ["orange"] * 3),
        ([201] * 4, ["orange"] * 4),
        ([201, 301, 301, 201], ["red"] * 4),
        ([201, 301, 201, 201], ["orange"] * 4),
        ([151] * 5, [""] * 5),
        ([500, 500], ["red"] * 2),
    ],
)
def test_the_plan_of_2018_day_by_day(daily: list[float], grades: list[str]) -> None:
    assert days(daily, "national-2018", allow_unconfirmed=True) == grades


def test_blue_is_a_grade_of_2016_only() -> None:
    assert days([250], "bth-2016") == ["blue"]
    with pytest.raises(NotCovered, match="blue"):
        scheme_named("zhengzhou-2023").grade("blue")


def noon_to_noon(count: int) -> pl.DataFrame:
    """Clean days with `count` times 24 hours of 210 from a noon on."""
    table = series([60.0] * 7)
    dirty = (pl.col("start") >= MIDNIGHT + 60 * HOUR) & (pl.col("start") < MIDNIGHT + (60 + 24 * count) * HOUR)
    return table.with_columns(aqi=pl.when(dirty).then(210.0).otherwise("aqi"))


def test_24_hours_across_midnight_are_24_hours() -> None:
    found = {day.day: day.grade for day in grade_history(noon_to_noon(1), "zhengzhou-2023")}
    assert [found[date(2024, 1, d)] for d in (11, 12, 13, 14)] == ["", "yellow", "", ""]


def test_48_hours_across_midnight_are_two_windows_but_one_whole_day() -> None:
    by_days = scheme_named("zhengzhou-2023")
    by_windows = replace(by_days, counting="windows")
    found = [
        {day.day: day.grade for day in grade_history(noon_to_noon(2), scheme)}[date(2024, 1, 13)]
        for scheme in (by_days, by_windows)
    ]
    assert found == ["yellow", "orange"]


def test_two_episodes_with_a_short_gap_are_one_with_the_stricter_grade() -> None:
    split = [220, 60, 201, 301, 201]
    assert days(split) == ["red"] * 5
    assert days([220, 60, 60, 201, 301, 201]) == ["yellow", "", "", "red", "red", "red"]


def test_days_of_sand_and_dust_are_left_out_when_told() -> None:
    dusty = frozenset({date(2024, 1, 12)})
    assert days([450]) == ["yellow"]
    assert days([450], dust_days=dusty) == [""]


def test_unconfirmed_grades_decide_nothing_unless_switched_on() -> None:
    with pytest.raises(NotCovered, match="unconfirmed"):
        scheme_named("national-2018")
    with pytest.raises(NotCovered, match="national_2018"):
        scheme_on(date(2019, 2, 6), "410100")
    assert scheme_on(date(2019, 2, 6), "410100", frozenset({"national_2018"})).id == "national-2018"
    assert scheme_on(date(2024, 1, 1), "410100").id == "zhengzhou-2023"
    with pytest.raises(NotCovered, match="zhengzhou-2023"):
        scheme_named("zhengzhou-2032")


def test_an_hour_named_twice_or_none_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        Hours.of(pl.concat([series([60]), series([60])]))
    with pytest.raises(InputError, match="no row"):
        Hours.of(series([]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(20, 480), min_size=3, max_size=8), st.integers(0, 300))
def test_worse_air_never_gets_a_lower_strictest_grade(daily: list[int], more: int) -> None:
    scheme = scheme_named("zhengzhou-2023")
    low = Hours.of(series([float(v) for v in daily]))
    high = Hours(low.first, low.aqi + more)
    # hour by hour it need not hold: episodes apart are joined under the stricter grade, one that never paused is not
    assert hour_orders(high, scheme).max() >= hour_orders(low, scheme).max()


def test_a_replay_is_stamped() -> None:
    assert text("warning.replay_stamp", "zh") == "按实况反演,非实际发布"


def zhengzhou(shared: Path) -> pl.DataFrame:
    """Hourly AQI of Zhengzhou; stamps of the feed are ends of hours in local time."""
    path = shared / "data" / "china_cities_hourly" / "zhengzhou_hourly_2018-12_2019-06.csv.gz"
    rows = pl.read_csv(path, try_parse_dates=True)
    end = pl.col("time").cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    return rows.select(start=end.dt.offset_by("-1h"), aqi="AQI").filter(
        pl.col("start") < datetime(2019, 3, 2, tzinfo=UTC)
    )


def spans(table: pl.DataFrame, name: str) -> dict[str, list[str]]:
    """Days of each grade between 8 January and 1 March, as month-day."""
    found: dict[str, list[str]] = {}
    for day in grade_history(table, name, allow_unconfirmed=True):
        if day.grade and date(2019, 1, 8) <= day.day <= date(2019, 3, 1):
            found.setdefault(day.grade, []).append(f"{day.day:%m-%d}")
    return found


@pytest.mark.reference
def test_the_winter_of_2019_in_zhengzhou_under_the_plan_of_2018(shared: Path) -> None:
    """Equal, day by day, to an independent calculation.

    Windows above 200 cover 52 hours around 6 February, but only one whole natural day; "2 days" are not reached.
    """
    assert spans(zhengzhou(shared), "national-2018") == {
        "orange": [f"01-{d:02d}" for d in range(11, 15)] + [f"02-{d:02d}" for d in range(20, 27)],
        "yellow": ["01-29", "01-30"],
    }


@pytest.mark.reference
def test_the_same_winter_as_a_what_if_under_the_plan_of_2023(shared: Path) -> None:
    """6 February is yellow and 20-26 February red, as in the independent calculation.

    The summary of that calculation names no other days; each of ours follows from a rule. More than 150 for 48 h:
    yellow on 5 February beside the 6th. More than 150 for 72 h: orange on 10-15 and 28-30 January and on 19 and 27
    February, the flanks of the red days. More than 200 in one window: yellow on 19 and 24 January and 12 February. 8
    and 9 January are orange by merging: the episodes of 6-9 and 9-16 January lie 19 h apart, less than the 36 h that
    would lift the first.
    """
    assert spans(zhengzhou(shared), "zhengzhou-2023") == {
        "red": [f"02-{d}" for d in range(20, 27)],
        "orange": [f"01-{d:02d}" for d in (*range(8, 16), 28, 29, 30)] + ["02-19", "02-27"],
        "yellow": ["01-19", "01-24", "02-05", "02-06", "02-12"],
    }


@pytest.mark.reference
def test_windows_back_to_back_change_6_february_only_among_the_days_known(shared: Path) -> None:
    """The stricter reading: two windows from 5 February 03:00 on, both above 200, are 48 h without filling two days."""
    table, day = zhengzhou(shared), date(2019, 2, 6)
    grades = {
        name: {d.day: d.grade for d in grade_history(table, replace(scheme_named(name, True), counting="windows"))}[day]
        for name in ("national-2018", "zhengzhou-2023")
    }
    assert grades == {"national-2018": "yellow", "zhengzhou-2023": "orange"}
