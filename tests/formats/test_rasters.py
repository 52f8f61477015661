"""GeoTIFF and classic NetCDF: what is written is what is read, by their own rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bihuan.core import FormatError, InputError
from bihuan.formats import Variable, read_netcdf, write_geotiff, write_netcdf


def test_a_geotiff_says_where_its_cells_are(tmp_path: Path) -> None:
    values = np.arange(6.0).reshape(2, 3)
    values[0, 1] = np.nan
    write_geotiff(tmp_path / "a.tif", values, 1000.0, 2000.0, (50.0, 25.0), epsg=4547, description="so2")
    with Image.open(tmp_path / "a.tif") as image:
        assert np.array_equal(np.asarray(image), values.astype(np.float32), equal_nan=True)
        tags = image.tag_v2  # type: ignore[attr-defined]
        assert tags[33550] == (50.0, 25.0, 0.0)
        assert tags[33922] == (0.0, 0.0, 0.0, 1000.0, 2000.0, 0.0)
        keys = np.array(tags[34735]).reshape(-1, 4)
        assert list(keys[0]) == [1, 1, 0, 4]
        assert {int(key): int(value) for key, _, _, value in keys[1:]} == {1024: 1, 1025: 1, 3072: 4547, 3076: 9001}
        assert tags[42113] == "nan"


def test_cells_without_a_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="above 0"):
        write_geotiff(tmp_path / "a.tif", np.zeros((2, 2)), 0.0, 0.0, (0.0, 1.0))
    with pytest.raises(InputError, match="EPSG"):
        write_geotiff(tmp_path / "a.tif", np.zeros((2, 2)), 0.0, 0.0, (1.0, 1.0), epsg=3)


def test_netcdf_comes_back_as_it_was_written(tmp_path: Path) -> None:
    values = np.arange(6.0).reshape(2, 3)
    told = {"x": Variable(("a", "b"), values, {"units": "m"}), "n": Variable(("a",), np.array([b"one", b"three"]))}
    write_netcdf(tmp_path / "a.nc", told, {"title": "a title"})
    back = read_netcdf(tmp_path / "a.nc", ["x"])
    assert np.array_equal(back["x"].values, values)
    assert back["x"].attributes == {"units": "m"}
    assert (tmp_path / "a.nc").read_bytes()[:4] == b"CDF\x02"


def test_packed_numbers_are_unpacked_and_missing_ones_are_nan(tmp_path: Path) -> None:
    packed = Variable(
        ("time",), np.array([0, 10, -32767], dtype=np.int16),
        {"scale_factor": 0.5, "add_offset": 270.0, "_FillValue": np.int16(-32767)},
    )  # fmt: skip
    write_netcdf(tmp_path / "a.nc", {"t2m": packed}, {})
    assert np.array_equal(read_netcdf(tmp_path / "a.nc")["t2m"].values, [270.0, 275.0, np.nan], equal_nan=True)


def test_what_is_not_classic_netcdf_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(FormatError, match="nccopy -k nc6"):
        read_netcdf(tmp_path / "a.nc")
    (tmp_path / "a.nc").write_bytes(b"hello")
    with pytest.raises(FormatError, match="no NetCDF"):
        read_netcdf(tmp_path / "a.nc")
    write_netcdf(tmp_path / "a.nc", {"x": Variable(("a",), np.zeros(2))}, {})
    with pytest.raises(FormatError, match="no variable y; it has x"):
        read_netcdf(tmp_path / "a.nc", ["y"])
