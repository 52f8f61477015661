"""The real files of feeds, read in full, with the counts that their provenance states."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from bihuan.core import CHINA
from bihuan.devices.csv import Feed, read_feed

pytestmark = pytest.mark.reference

CITIES = "data/china_cities_hourly"


def share_missing(feed: Feed, pollutant: str) -> float:
    """Share of cells without a value. [%]"""
    rows = pl.from_arrow(feed.rows)
    assert isinstance(rows, pl.DataFrame)
    column = rows.filter(pl.col("pollutant") == pollutant)["value"]
    return 100 * column.null_count() / len(column)


@pytest.mark.parametrize(
    ("name", "rows", "cities", "pm10_missing"),
    [
        ("henan17_hourly_2018-12_2019-06.parquet", 83_035, 17, 1.9),
        ("regional_neighbours_hourly_2018-12_2019-06.parquet", 214_907, 44, 1.0),
        ("zhengzhou_hourly_2018-12_2019-06.csv.gz", 4_886, 1, 0.12),
    ],
)
def test_city_hours_are_read_in_full(shared: Path, name: str, rows: int, cities: int, pm10_missing: float) -> None:
    feed = read_feed(shared / CITIES / name)
    assert feed.layout.name == "national_city_hour"
    assert (feed.read, feed.kept, feed.rows.num_rows, len(feed.sites)) == (rows, rows, rows * 6, cities)
    assert not feed.complaints
    assert share_missing(feed, "pm10") == pytest.approx(pm10_missing, abs=0.05)
    first = min(feed.rows["end"].to_pylist()[:rows])
    assert first == datetime(2018, 11, 30, 16, tzinfo=UTC)  # 2018-12-01 00:00 in China


def test_the_two_copies_of_zhengzhou_agree_to_the_last_digit(shared: Path) -> None:
    """One is text, the other float32 Parquet: the shortest decimal of the one is the text of the other."""
    text = pl.from_arrow(read_feed(shared / CITIES / "zhengzhou_hourly_2018-12_2019-06.csv.gz").rows)
    narrow = pl.from_arrow(read_feed(shared / CITIES / "henan17_hourly_2018-12_2019-06.parquet").rows)
    assert isinstance(text, pl.DataFrame) and isinstance(narrow, pl.DataFrame)
    key = ["pollutant", "start"]
    assert text.sort(key).equals(narrow.filter(pl.col("site") == "city:郑州").sort(key))


def test_the_worst_hour_of_the_haze_of_2019_is_the_sixth_of_february(shared: Path) -> None:
    rows = pl.from_arrow(read_feed(shared / CITIES / "zhengzhou_hourly_2018-12_2019-06.csv.gz").rows)
    assert isinstance(rows, pl.DataFrame)
    worst = rows.filter(pl.col("pollutant") == "pm25").sort("value").row(-1, named=True)
    assert worst["value"] == 432
    assert worst["end"].astimezone(CHINA).date() == date(2019, 2, 6)


def test_the_beijing_stations_are_read_in_full(shared: Path) -> None:
    feed = read_feed(shared / "data/uci_beijing_multisite/prsa_8stations_2013-03_2016-02.parquet")
    assert feed.layout.name == "uci_beijing"
    assert (feed.read, feed.kept, feed.rows.num_rows, len(feed.sites)) == (210_432, 210_432, 210_432 * 12, 8)
    assert not feed.complaints
    stated = {"pm25": 2.10, "pm10": 1.44, "so2": 2.25, "no2": 3.28, "co": 6.10, "o3": 3.44, "wind_from": 0.27}
    for pollutant, percent in stated.items():
        assert share_missing(feed, pollutant) == pytest.approx(percent, abs=0.006), pollutant
    co = pl.from_arrow(feed.rows).filter(pl.col("pollutant") == "co")["value"]  # type: ignore[union-attr]
    assert (co.min(), co.max(), co.median()) == (0.1, 10.0, 0.9)  # 100, 10,000 and 900 ug/m3


def test_the_station_snapshot_is_read_and_its_swapped_columns_said(shared: Path) -> None:
    feed = read_feed(shared / "data/cnemc_station_snapshot/zhengzhou_8stations_2022-01-05T00.csv")
    assert feed.layout.name == "national_station_hour"
    assert (feed.read, feed.rows.num_rows, feed.published.num_rows) == (8, 48, 8)
    assert [complaint.reason for complaint in feed.complaints] == ["columns_swapped"]
    assert {site.site: site.name for site in feed.sites}["station:1324A"] == "岗李水库(对照点)"
    assert all(site.place for site in feed.sites)
