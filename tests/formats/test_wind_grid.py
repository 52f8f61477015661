"""Winds on a grid from NetCDF and trajectories to files: layouts, packing, what cannot be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bihuan.app.cli import cli
from bihuan.core import FormatError, InputError, NotCovered
from bihuan.formats import Variable, read_netcdf, read_wind_grid, track_features, write_netcdf

SHAPE = ("valid_time", "pressure_level", "latitude", "longitude")


def write(path: Path, *, drop: str = "", flat: bool = False) -> Path:
    """Three days of a westerly of 10 m/s, packed as ERA5 packs: latitudes and levels descend."""
    lat, lon, level = np.arange(45.0, 25.0, -1.0), np.arange(100.0, 125.0), np.array([1000.0, 850.0, 700.0])
    shape = (25, len(lat), len(lon)) if flat else (25, 3, len(lat), len(lon))
    packed = Variable(
        SHAPE if not flat else (SHAPE[0], *SHAPE[2:]), np.full(shape, 1000, np.int16),
        {"scale_factor": 0.01, "add_offset": 0.0, "_FillValue": -32767.0},
    )  # fmt: skip
    nothing = Variable(packed.dimensions, np.zeros(shape, np.int16), packed.attributes)
    clock = {"units": "hours since 2026-01-01 00:00:00.0"}
    variables = {
        "valid_time": Variable(("valid_time",), np.arange(0, 75, 3, dtype=np.int32), clock),
        "latitude": Variable(("latitude",), lat),
        "longitude": Variable(("longitude",), lon),
        ("u10" if flat else "u"): packed,
        ("v10" if flat else "v"): nothing,
    }
    if not flat:
        variables |= {"pressure_level": Variable(("pressure_level",), level, {"units": "hPa"}), "w": nothing}
    write_netcdf(path, {name: one for name, one in variables.items() if name != drop}, {})
    return path


def test_packed_winds_on_levels_are_read_with_every_axis_ascending(tmp_path: Path) -> None:
    found = read_wind_grid(write(tmp_path / "wind.nc"))
    assert found.pressure is not None
    assert found.pressure.tolist() == [700.0, 850.0, 1000.0]
    assert found.lat[0] == 26.0
    assert found.omega is not None
    np.testing.assert_allclose(found.u, 10.0)
    assert str(found.time[-1]) == "2026-01-04T00:00:00"
    flat = read_wind_grid(write(tmp_path / "flat.nc", flat=True))
    assert flat.pressure is None
    assert flat.u.shape == (25, 1, 20, 25)


def test_a_file_without_winds_or_axes_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="has no wind: it holds"):
        read_wind_grid(write(tmp_path / "a.nc", drop="v"))
    with pytest.raises(FormatError, match="no axis latitude"):
        read_wind_grid(write(tmp_path / "b.nc", drop="latitude"))
    empty = tmp_path / "c.nc"
    empty.write_bytes(b"")
    with pytest.raises(FormatError, match="no NetCDF"):
        read_wind_grid(empty)


def test_a_path_across_180_degrees_is_cut() -> None:
    start = np.array(["2026-01-01T00:00:00"], "datetime64[s]")
    lon = np.array([[179.0, 179.9, -179.5, -178.0]])
    told = track_features(start, np.arange(4.0), lon, np.zeros((1, 4)), None, ["whole"])
    line = told["features"][0]["geometry"]
    assert line["type"] == "MultiLineString"
    assert [len(part) for part in line["coordinates"]] == [2, 2]


def test_the_commands_write_paths_and_fields(tmp_path: Path) -> None:
    wind = str(write(tmp_path / "wind.nc"))
    out = str(tmp_path / "out")
    runner, place = CliRunner(), ["--place", "113.6,34.75", "--pressure", "850", "--out", out, "--json"]
    made = runner.invoke(
        cli, ["trajectory", "back", "--wind", wind, *place, "--at", "2026-01-03T08:00", "--hours", "24"],
        catch_exceptions=False,
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    told = json.loads(made.output)
    assert told["ends"][0]["ended"] == "whole"
    assert told["ends"][0]["lon"] == pytest.approx(
        113.6 - np.degrees(864e3 / (6371008.8 * np.cos(np.radians(34.75)))), abs=0.01
    )
    kept = read_netcdf(tmp_path / "out" / "trajectories.nc")
    assert kept["longitude"].values.shape == (1, 25)
    assert kept["trajectory"].attributes["cf_role"] == "trajectory_id"
    series = tmp_path / "series.csv"
    with series.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["time", "value"])
        lines.writerows([[f"2026-01-03T{hour:02d}:00Z", hour or ""] for hour in range(24)])
        lines.writerow(["2027-01-01T00:00Z", 5])
    found = runner.invoke(
        cli,
        ["trajectory", "pscf", "--wind", wind, *place, "--series", str(series), "--hours", "24", "--clusters", "1"],
        catch_exceptions=False,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    told = json.loads(found.output)
    assert told["left_out"] == 1
    assert told["trajectories"] == 23, "a missing value is no clean hour"
    assert told["clusters"] == [1.0]
    assert (tmp_path / "out" / "pscf.nc").exists()


def test_bad_input_of_the_commands_is_one_sentence(tmp_path: Path) -> None:
    from bihuan.app.trajectories import field_of, place_of, read_series

    wind = write(tmp_path / "wind.nc")
    with pytest.raises(InputError, match="write LON,LAT"):
        place_of("Zhengzhou")
    with pytest.raises(InputError, match="swapped"):
        place_of("34.75,113.6")
    series = tmp_path / "series.csv"
    series.write_text("when,value\n1,2\n")
    with pytest.raises(FormatError, match="needed are time and value"):
        read_series(series)
    series.write_text("time,value\n2026-01-03T00:00Z,much\n")
    with pytest.raises(FormatError, match="line 2: value 'much'"):
        read_series(series)
    series.write_text("time,value\n2020-01-03T00:00Z,4\n")
    words = {"method": "pscf", "threshold": None, "cell": 0.5, "weighted": True, "clusters": None, "distance": "angle"}
    with pytest.raises(NotCovered, match=r"lies within wind\.nc"):
        field_of(wind, "113.6,34.75", series, 24, 850.0, tmp_path / "out", **words)  # type: ignore[arg-type]
