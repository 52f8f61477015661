"""The network over the interface and on the command line: who may see it, what it says, what it never proposes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.app.netdesign import AskedNetwork, answer_network, era5_weather, water_of
from bihuan.app.netlines import network_words
from bihuan.app.town import Town
from bihuan.core import InputError, NotCovered, Place, Plane, from_json, text, to_json
from bihuan.formats import Variable, write_netcdf
from bihuan.register import District, Fact, Station, WorkSite
from bihuan.store import Store, open_store

NOW = datetime(2026, 3, 10, tzinfo=UTC)
CENTRE = Place(102.0, 39.8)
PLANE = Plane(CENTRE)


def facts() -> list[Fact]:
    """A square city of 8 km with three dusty sites, an official station and two of the city's own."""
    corners = [(-4000, -4000), (4000, -4000), (4000, 4000), (-4000, 4000), (-4000, -4000)]
    ring = tuple((place.lon, place.lat) for place in (PLANE.place(*corner) for corner in corners))
    spots = {"A": (-2000, -2000), "B": (2000, -1500), "C": (500, 2500)}
    return [
        District(id="990101", name="district", boundary=(ring,)),
        *(
            WorkSite(id=name, name=f"site {name}", place=PLANE.place(*at), district="990101", rates={"pm10": 2.0})
            for name, at in spots.items()
        ),
        WorkSite(id="S", name="silent", place=PLANE.place(-3000, 3000), district="990101"),
        Station(id="GK1", name="official", kind="national", place=PLANE.place(0, 0), district="990101"),
        Station(id="WZ1", name="micro 1", kind="micro", place=PLANE.place(200, 100), district="990101"),
        Station(id="WZ2", name="micro 2", kind="micro", place=PLANE.place(1500, -800), district="990101"),
    ]


def winds(path: Path) -> Path:
    """Forty hours of wind once round the rose, in ERA5's layout."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    grid = np.ones((40, 2, 2))
    shape = ("time", "latitude", "longitude")
    clock = {"units": "hours since 2026-01-01 00:00:00.0"}
    write_netcdf(
        path,
        {
            "time": Variable(("time",), np.arange(40, dtype=np.int32), clock),
            "latitude": Variable(("latitude",), np.array([40.0, 39.75])),
            "longitude": Variable(("longitude",), np.array([102.0, 102.25])),
            "u10": Variable(shape, grid * (2.5 * np.sin(angle))[:, None, None]),
            "v10": Variable(shape, grid * (2.5 * np.cos(angle))[:, None, None]),
            "t2m": Variable(shape, grid * 280.0),
            "tcc": Variable(shape, grid * 0.5),
        },
        {},
    )
    return path


@pytest.fixture
def town(tmp_path: Path) -> tuple[Store, Town]:
    with open_store(tmp_path / "home", threads=1) as store:
        store.records.save_facts(facts())
        yield store, Town(store.records.register(), NOW.date())  # type: ignore[misc]


def test_a_design_says_what_it_rests_on_and_leaves_official_stations_alone(
    town: tuple[Store, Town], tmp_path: Path
) -> None:
    asked = AskedNetwork(3, pollutants=("pm10",), spacing=1000.0, wind=winds(tmp_path / "era5.nc"), cost=20_000.0)
    told = answer_network(*town, asked, NOW).as_dict()
    assert from_json(to_json(told), dict)["monitors"] == 3, "every value is plain"
    assert told["hours"] == 40
    assert not told["hours_enough"]
    assert told["noise"] == [{"pollutant": "pm10", "noise": 17.8, "basis": "table"}]
    assert [one["number"] for one in told["proposals"]] == [1, 2, 3]
    assert told["proposals"][0]["district"] == "district"
    assert {one["ref"] for one in told["spare"]} == {"station:WZ1", "station:WZ2"}
    assert [one["ref"] for one in told["stations"] if one["fixed"]] == ["station:GK1"]
    assert told["cost"] == {"each": 20_000.0, "yearly_each": None, "total": 60_000.0, "yearly": None}
    silent = next(one for one in told["sources"] if one["ref"] == "worksite:S")
    assert not silent["reports"]
    assert told["certificate"]["worth"] <= told["certificate"]["bound"]
    assert 0.6 < told["certificate"]["certified"] <= 1.0
    for language in ("zh", "en"):
        words = network_words(told, language)  # type: ignore[arg-type]
        assert text("network.few_hours", language, hours="40") in words  # type: ignore[arg-type]
        assert "60,000" in words
        assert "micro 1" in words


def test_told_noise_wins_and_a_louder_city_sees_less(town: tuple[Store, Town], tmp_path: Path) -> None:
    wind = winds(tmp_path / "era5.nc")

    def found(noise: float) -> float:
        asked = AskedNetwork(pollutants=("pm10",), spacing=1000.0, wind=wind, noise={"pm10": noise})
        told = answer_network(*town, asked, NOW).as_dict()
        assert told["noise"][0]["basis"] == "told"
        assert told["certificate"] is None
        return float(told["present"]["found"])

    assert found(1.0) > found(10.0) > 0


def test_what_is_missing_is_said(town: tuple[Store, Town], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no hour of a wind is stored"):
        answer_network(*town, AskedNetwork(1), NOW)
    with pytest.raises(InputError, match="cannot be placed by the city"):
        AskedNetwork(1, kind="national")
    with pytest.raises(InputError, match="1 to 30"):
        AskedNetwork(31)
    with pytest.raises(NotCovered, match="no source"):
        answer_network(town[0], Town(town[1].register, datetime(1899, 1, 1, tzinfo=UTC).date()), AskedNetwork(1), NOW)


def test_stored_winds_and_scatter_are_used_where_they_are(town: tuple[Store, Town]) -> None:
    store, city = town
    rng = np.random.default_rng(1)
    rows = []
    for hour in range(48):
        start = NOW - timedelta(hours=48 - hour)
        level = 50 + 20 * np.sin(hour / 7)
        for site, sd in (("GK1", 2.0), ("WZ1", 2.0), ("WZ2", 6.0)):
            rows.append((f"station:{site}", "pm10", start, float(level + sd * rng.normal())))
        rows.append(("station:GK1", "wind_speed", start, 2.5))
        rows.append(("station:GK1", "wind_from", start, float(hour * 7.5)))
    table = pl.DataFrame(rows, schema=["site", "pollutant", "start", "value"], orient="row").with_columns(
        pl.col("start").cast(pl.Datetime("us", "UTC"))
    )

    class Stored:
        """Answers as the series would: hours of record."""

        home = store.home

        class series:  # noqa: N801
            """Only what the design reads."""

            @staticmethod
            def hours(sites: object, pollutants: object, **_: object) -> pl.DataFrame:
                mine = table.filter(pl.col("site").is_in(list(sites)) & pl.col("pollutant").is_in(list(pollutants)))  # type: ignore[call-overload]
                return mine.with_columns(stat=pl.lit("avg"), quality=pl.lit("good"))

    told = answer_network(Stored(), city, AskedNetwork(1, pollutants=("pm10",), spacing=1000.0), NOW).as_dict()  # type: ignore[arg-type]
    assert told["winds"] == "stored"
    assert told["hours"] == 48
    assert told["noise"][0]["basis"] == "measured"
    assert 1.0 < told["noise"][0]["noise"] < 8.0


def test_winds_of_a_file_blow_from_where_they_say(tmp_path: Path) -> None:
    found = era5_weather(winds(tmp_path / "era5.nc"), CENTRE)
    assert len(found) == 40
    assert found.wind_from[10] == pytest.approx(270.0)
    np.testing.assert_allclose(found.wind_speed, 2.5)


def test_layers_of_water_are_read_and_torn_ones_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "map"
    folder.mkdir()
    line = '{"features":[{"geometry":{"type":"LineString","coordinates":[[102,39.8],[102.1,39.9]]}}]}'
    (folder / "rivers.geojson").write_text(line)
    (folder / "roads.geojson").write_text(line)
    (folder / "lakes.geojson").write_text("{")
    assert water_of(tmp_path) == [[(102.0, 39.8), (102.1, 39.9)]]
