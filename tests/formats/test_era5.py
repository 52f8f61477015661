"""NetCDF in ERA5's layout: the cell of a place, its wind, and the hour a value stands for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import FormatError, NotCovered
from bihuan.formats import Variable, read_era5, write_netcdf

SHAPE = ("time", "latitude", "longitude")


def write(path: Path, **other: Variable) -> Path:
    """Two hours of a grid of 2 x 3 cells; the cell north of the place and east of it has a wind of its own."""
    grid = np.zeros((2, 2, 3))

    def field(value: float, here: float) -> Variable:
        values = grid + value
        values[:, 0, 1] = here
        return Variable(SHAPE, values)

    variables = {
        "time": Variable(("time",), np.array([0, 1], dtype=np.int32), {"units": "hours since 2026-01-01 00:00:00.0"}),
        "latitude": Variable(("latitude",), np.array([34.75, 34.5])),
        "longitude": Variable(("longitude",), np.array([113.25, 113.5, 113.75])),
        "u10": field(1.0, -3.0),
        "v10": field(1.0, 0.0),
        "t2m": field(280.0, 290.0),
        "tcc": field(0.0, 0.5),
        "sp": field(1e5, 1e5),
        "ssrd": field(0.0, 3.6e6),
    } | other
    write_netcdf(path, variables, {})
    return path


def test_the_cell_of_a_place_is_read_in_local_hours(tmp_path: Path) -> None:
    found = read_era5(write(tmp_path / "a.nc"), 113.55, 34.7, 8.0)
    assert [str(hour) for hour in found.start] == ["2026-01-01T07", "2026-01-01T08"]  # 00 UTC ends the hour 07-08
    assert list(found.wind_speed) == [3.0, 3.0]
    assert list(found.wind_from) == [90.0, 90.0]  # towards the west: from the east
    assert (found.temperature[0], found.cloud_cover[0]) == (290.0, 5.0)
    assert found.pressure is not None
    assert found.radiation is not None
    assert (found.pressure[0], found.radiation[0]) == (1000.0, 1000.0)
    assert found.convective_height is None


def test_a_place_outside_and_a_file_of_other_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotCovered, match=r"outside its grid, 113\.25 to 113\.75"):
        read_era5(write(tmp_path / "a.nc"), 116.4, 34.7, 8.0)
    with pytest.raises(FormatError, match="dimensions"):
        read_era5(write(tmp_path / "b.nc", u10=Variable(("time",), np.zeros(2))), 113.55, 34.7, 8.0)
    with pytest.raises(FormatError, match="no time"):
        read_era5(write(tmp_path / "c.nc", time=Variable(("time",), np.arange(2))), 113.55, 34.7, 8.0)
    write_netcdf(tmp_path / "d.nc", {"x": Variable(("a",), np.zeros(2))}, {})
    with pytest.raises(FormatError, match="has no u10"):
        read_era5(tmp_path / "d.nc", 113.55, 34.7, 8.0)
