"""Slow drift against neighbours: found with an interval where it is, and not where the weather only wanders."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.observations import default_settings, drifts, spans_of
from bihuan.observations.drift import change_of

END = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 56
PLACES = pl.DataFrame(
    {"site": [f"station:{k}" for k in range(6)], "lon": [113.6 + 0.02 * k for k in range(6)], "lat": [34.75] * 6}
)


def network(seed: int, change: float = 0.0) -> pl.DataFrame:
    """Six sites under one sky with weather that lasts for days; the first one drifts by a share over the window."""
    rng = np.random.default_rng(seed)
    hours = DAYS * 24
    sky = np.zeros(hours)
    for k in range(1, hours):
        sky[k] = 0.98 * sky[k - 1] + 0.08 * rng.standard_normal()
    own = np.zeros((6, DAYS))
    for k in range(1, DAYS):
        own[:, k] = 0.6 * own[:, k - 1] + 0.05 * rng.standard_normal(6)
    logs = 4 + sky + np.repeat(own, 24, axis=1) + 0.1 * rng.standard_normal((6, hours))
    logs[0] += np.log1p(change) * np.arange(hours) / hours
    starts = [END - timedelta(hours=hours - k) for k in range(hours)]
    parts = [
        pl.DataFrame({"site": [name] * hours, "pollutant": ["pm25"] * hours, "start": starts, "value": np.exp(line)})
        for name, line in zip(PLACES["site"], logs, strict=True)
    ]
    return pl.concat(parts).with_columns(pl.col("start").dt.cast_time_unit("us"))


def test_a_site_that_creeps_up_by_half_is_found_with_an_interval_that_holds_the_half() -> None:
    row = drifts(network(1, 0.5), PLACES, END).row(0, named=True)
    assert row["drifting"]
    assert row["low"] < 0.5 < row["high"]
    assert row["neighbours"] == 5


def test_sites_under_changing_weather_do_not_drift() -> None:
    called = [int(drifts(network(seed), PLACES, END)["drifting"].sum()) for seed in range(8)]
    assert sum(called) <= 1, "of 48 sites"


def test_the_change_of_a_straight_line_is_its_slope_times_the_span() -> None:
    day = np.arange(40.0)
    change, low, high = change_of(day, 0.01 * day, 56, default_settings()["drift"])
    assert change == pytest.approx(0.56)
    assert (low, high) == pytest.approx((0.56, 0.56))


def test_too_few_days_or_neighbours_give_no_row() -> None:
    hours = network(2)
    assert drifts(hours.filter(pl.col("start") > END - timedelta(days=20)), PLACES, END).is_empty()
    alone = drifts(hours.filter(pl.col("site") == "station:0"), PLACES, END)
    assert alone.is_empty()


def test_only_the_last_days_of_a_drift_are_given_to_the_flags() -> None:
    spans = spans_of(drifts(network(1, 0.5), PLACES, END), timedelta(days=7))
    assert spans.row(0) == ("station:0", "pm25", END - timedelta(days=7), END)


@pytest.mark.reference
def test_beijing_stations_seldom_drift_and_a_planted_drift_is_found(shared: Path) -> None:
    folder = shared / "data" / "uci_beijing_multisite"
    table = pl.read_parquet(folder / "prsa_8stations_2013-03_2016-02.parquet")
    hours = table.select(
        site="station", pollutant=pl.lit("pm10"), start=pl.col("time").dt.replace_time_zone("UTC"), value="PM10"
    ).with_columns(pl.col("value").cast(pl.Float64))
    places = pl.read_csv(folder / "stations.csv").rename({"station": "site"}).select("site", "lon", "lat")
    ends = [datetime(2015, month, 1, tzinfo=UTC) for month in (3, 5, 7, 9, 11)]
    untouched = [drifts(hours, places, end) for end in ends]
    called = sum(int(found["drifting"].sum()) for found in untouched)
    assert called / sum(map(len, untouched)) < 0.2
    hit = 0
    for end in ends:
        begin = end - timedelta(days=DAYS)
        share = (pl.col("start") - begin).dt.total_hours() / (DAYS * 24)
        inside = (pl.col("site") == "Dongsi") & pl.col("start").is_between(begin, end)
        planted = hours.with_columns(value=pl.when(inside).then(pl.col("value") * (1 - 0.6 * share)).otherwise("value"))
        hit += int(drifts(planted, places, end).filter(pl.col("site") == "Dongsi")["drifting"].sum())
    assert hit >= 3, "a loss of 60 % over eight weeks, of five windows"
