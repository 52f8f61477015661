"""GCJ-02: exact there and back, and against boundaries drawn in both datums."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from bihuan.core import Place
from bihuan.formats import CONVERTED, gcj02_to_wgs84, read_register, wgs84_to_gcj02
from bihuan.register import Station

LON, LAT = st.floats(73, 135), st.floats(4, 53.5)


@given(LON, LAT)
def test_there_and_back_is_the_same_place_within_a_millimetre(lon: float, lat: float) -> None:
    there = wgs84_to_gcj02(lon, lat)
    back = gcj02_to_wgs84(*there)
    assert Place(float(back[0]), float(back[1])).distance(Place(lon, lat)) < 1e-3


def test_the_shift_is_some_hundred_metres_in_the_country() -> None:
    lon, lat = (part.ravel() for part in np.meshgrid(np.arange(74, 135, 0.7), np.arange(5, 53, 0.7)))
    x, y = wgs84_to_gcj02(lon, lat)
    shift = [
        Place(*one).distance(Place(*two))
        for one, two in zip(zip(lon, lat, strict=True), zip(x, y, strict=True), strict=True)
    ]
    assert 400 < np.median(shift) < 700
    assert max(shift) < 1500


@given(st.floats(-179, 70), st.floats(-60, 60))
def test_outside_the_country_both_are_one(lon: float, lat: float) -> None:
    assert tuple(map(float, wgs84_to_gcj02(lon, lat))) == (lon, lat)
    assert tuple(map(float, gcj02_to_wgs84(lon, lat))) == (lon, lat)


def test_arrays_are_shifted_point_by_point() -> None:
    lon, lat = np.array([113.6, 116.4, 2.35]), np.array([34.7, 39.9, 48.85])
    x, y = wgs84_to_gcj02(lon, lat)
    for index in range(3):
        assert (x[index], y[index]) == pytest.approx(tuple(map(float, wgs84_to_gcj02(lon[index], lat[index]))))


@pytest.mark.parametrize(("crs", "column"), [("GCJ02", ""), ("CGCS2000", "GCJ-02")])
def test_a_converted_place_is_marked_in_its_source(crs: str, column: str) -> None:
    shifted = [f"{float(part):.7f}" for part in wgs84_to_gcj02(113.65724, 34.77134)]
    text = (
        f"点位编码,点位名称,点位类别,所属区县,经度,纬度,坐标系\n1317A,郑纺机,国控,410102,{','.join(shifted)},{column}\n"
    )
    (station,) = read_register(text.encode(), "高德.csv", crs=crs).facts  # type: ignore[arg-type]
    assert isinstance(station, Station)
    assert station.place.distance(Place(113.65724, 34.77134)) < 0.05
    assert station.source == f"高德.csv ({CONVERTED})"


def test_a_row_that_names_its_datum_is_believed() -> None:
    text = (
        "点位编码,点位名称,点位类别,所属区县,经度,纬度,坐标系\n1317A,郑纺机,国控,410102,113.65724,34.77134,CGCS2000\n"
    )
    (station,) = read_register(text.encode(), "点位.csv", crs="GCJ02").facts
    assert isinstance(station, Station)
    assert (station.place, station.source) == (Place(113.65724, 34.77134), "点位.csv")


def corners(path: Path, code: str) -> dict[str, np.ndarray]:
    """Outer corners by district."""
    found = {}
    for feature in json.loads(path.read_text("utf-8"))["features"]:
        geometry = feature["geometry"]
        parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        found[str(feature["properties"][code])] = np.vstack([np.array(part[0]) for part in parts])
    return found


@pytest.mark.reference
def test_boundaries_drawn_in_both_datums_fall_on_each_other(shared: Path) -> None:
    """Two open packages carry the same districts of Zhengzhou, one in GCJ-02 and one shifted back by its authors.

    Their editions differ in places, so the control points are the corners that both have: those which land within
    two metres of a corner of the other. Before the conversion there is next to none.
    """
    folder = shared / "data" / "zhengzhou_boundaries"
    gcj = corners(folder / "zhengzhou_cnmaps_amap.geojson", "adcode")
    wgs = corners(folder / "zhengzhou_districts_amap_wgs84.geojson", "district_adcode")
    metres = np.array([91_300.0, 110_900.0])  # of a degree at 34.7 N
    near, far, raw = [], 0, 0
    for code, points in wgs.items():
        converted = np.column_stack(gcj02_to_wgs84(gcj[code][:, 0], gcj[code][:, 1]))
        distance, _ = cKDTree(converted * metres).query(points * metres)
        unconverted, _ = cKDTree(gcj[code] * metres).query(points * metres)
        near.append(distance[distance < 2])
        far += int((distance >= 2).sum())
        raw += int((unconverted < 2).sum())
    control = np.concatenate(near)
    assert len(control) > 3500
    assert len(control) > 2 * far
    assert raw < 0.02 * len(control)
    assert control.max() < 1
    assert np.quantile(control, 0.95) < 0.25  # the files carry six decimals, 0.1 m
