"""GeoJSON by RFC 7946, ours and other people's."""

import json
from pathlib import Path
from typing import Any

import pytest

from bihuan.core import Place
from bihuan.formats import read_register, recognise, write_register
from bihuan.formats.geojson import written
from bihuan.register import Cell, District, Register, Station, WorkSite, check

SQUARE = [[[113.0, 34.0], [114.0, 34.0], [114.0, 35.0], [113.0, 35.0], [113.0, 34.0]]]
FAR = [[[115.0, 34.0], [115.0, 35.0], [116.0, 35.0], [115.0, 34.0]]]


def collection(properties: Any, geometry: Any, **more: Any) -> bytes:
    features = [{"type": "Feature", "properties": properties, "geometry": geometry}]
    return json.dumps({"type": "FeatureCollection", "features": features} | more).encode()


def test_a_station_is_a_point_with_the_columns_as_properties() -> None:
    station = Station(id="1317A", name="郑纺机", kind="national", place=Place(113.65724, 34.77134), district="410102")
    (feature,) = json.loads(written([station]))["features"]
    assert feature["id"] == "station:1317A"
    assert feature["geometry"] == {"type": "Point", "coordinates": [113.65724, 34.77134]}
    assert feature["properties"]["fact"] == "station"
    assert feature["properties"]["kind"] == "国控"
    assert "lon" not in feature["properties"]


def test_outer_rings_run_counter_clockwise_and_parts_are_polygons() -> None:
    part = tuple(map(tuple, FAR[0]))
    outer = tuple(map(tuple, SQUARE[0]))
    hole = ((113.2, 34.2), (113.4, 34.2), (113.4, 34.4), (113.2, 34.2))
    cell = Cell(id="1", name="格", level=4, district="", boundary=(outer[::-1], hole, part))
    (feature,) = json.loads(written([cell]))["features"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    first, second = feature["geometry"]["coordinates"]
    assert first[0] == SQUARE[0]
    assert first[1] == [list(point) for point in hole[::-1]]
    assert second == [[list(point) for point in part[::-1]]]


def test_other_peoples_districts_are_read_by_the_names_of_their_properties() -> None:
    data = collection(
        {"district_adcode": 410108, "district_name": "惠济区", "lon": 113.6, "lat": 34.9, "city_name": "郑州市"},
        {"type": "MultiPolygon", "coordinates": [SQUARE, FAR]},
        crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
    )
    imported = read_register(data, "区县.geojson", kind="district")
    assert imported.errors == ()
    (district,) = imported.facts
    assert isinstance(district, District)
    assert (district.id, district.name, district.centre) == ("410108", "惠济区", Place(113.6, 34.9))
    register = Register(imported.facts)
    assert register.district_at(Place(113.5, 34.5), district.valid_from) == district
    assert register.district_at(Place(115.2, 34.8), district.valid_from) == district
    assert register.district_at(Place(114.5, 34.5), district.valid_from) is None


def test_a_site_drawn_as_an_area_stands_at_a_point_inside_it() -> None:
    data = collection({"id": "G1", "name": "某项目", "district": "D"}, {"type": "Polygon", "coordinates": SQUARE})
    (site,) = read_register(data, "工地.geojson", kind="worksite").facts
    assert isinstance(site, WorkSite)
    assert 113 < site.place.lon < 114
    assert 34 < site.place.lat < 35


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "LineString", "coordinates": SQUARE[0]},
        {"type": "Polygon", "coordinates": [[[113, 34]]]},
        {"type": "Polygon", "coordinates": "x"},
        {"type": "Point"},
        {"type": "Point", "coordinates": ["a", "b"]},
        "Point",
        [],
    ],
)
def test_a_geometry_that_cannot_be_read_is_a_fault_of_its_feature(geometry: Any) -> None:
    imported = read_register(collection({"id": "1", "name": "区"}, geometry), "区.json", kind="district")
    assert imported.facts == ()
    assert [(fault.row, fault.reason) for fault in imported.errors] == [(1, "geometry")]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"id": {"a": 1}, "name": "x"}, "nested"),
        ({"id": "1", "name": ["x"]}, "nested"),
        ({"id": "1"}, "required"),
        ({"id": "1", "name": "x", "valid_from": "soon"}, "date"),
        ([], "required"),
    ],
)
def test_wrong_properties_are_named(properties: Any, reason: str) -> None:
    imported = read_register(collection(properties, None), "区.json", kind="district")
    assert imported.facts == ()
    assert reason in {fault.reason for fault in imported.errors}


def test_a_feature_of_no_known_kind_is_named() -> None:
    imported = read_register(collection({"fact": ["x"]}, None), "a.json")
    assert [fault.reason for fault in imported.errors] == ["unknown_kind"]
    assert recognise(collection({"colour": 1}, None), "a.json") is None


def test_lists_may_be_lists() -> None:
    data = collection({"fact": "person", "id": "p", "name": "某岗", "roles": ["网格员"], "cells": ["1", "2"]}, None)
    (person,) = read_register(data, "人员.json").facts
    assert person.cells == ("1", "2")  # type: ignore[attr-defined]


@pytest.mark.reference
def test_the_districts_of_zhengzhou_are_read_and_answer_for_its_stations(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "zhengzhou_boundaries"
    snapshot = shared / "data" / "cnemc_station_snapshot" / "zhengzhou_8stations_2022-01-05T00.csv"
    rows = [line.split(",") for line in snapshot.read_text("utf-8").splitlines()[1:]]
    for name in ("zhengzhou_districts_amap_wgs84.geojson", "zhengzhou_districts_tianditu_wgs84.geojson"):
        imported = read_register(folder / name, kind="district")
        assert imported.errors == ()
        assert len(imported.facts) == 12
        register = Register(imported.facts)
        day = imported.facts[0].valid_from
        homes = [register.district_at(Place(float(row[2]), float(row[3])), day) for row in rows]
        assert all(homes)
        stations = [
            Station(
                id=row[1], name=row[5], kind="national", place=Place(float(row[2]), float(row[3])), district=home.id
            )
            for row, home in zip(rows, homes, strict=True)
            if home
        ]
        assert check(Register([*imported.facts, *stations]), day) == ()
        write_register(register, tmp_path / "again.geojson")
        again = read_register(tmp_path / "again.geojson")
        assert register.merge(again.facts, told=again.told)[1] == ()
