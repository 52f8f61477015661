"""What openair 2.18 gave for the hours of London Marylebone Road, and those hours."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks._rdata import read_frame

from bihuan.tracing.sectors import WindHours


@cache
def frame(shared: Path) -> pl.DataFrame:
    found = read_frame(shared / "data" / "receptor" / "openair" / "mydata.rda")
    return found.rename({"date": "start", "ws": "wind_speed", "wd": "wind_from"})


def hours(shared: Path, pollutant: str, *, first_sector: bool = False) -> WindHours:
    """The hours; `first_sector` puts wind of exactly 0 degrees where openair's polarPlot leaves it: around 10."""
    found = frame(shared)
    if first_sector:
        north = pl.when(pl.col("wind_from") == 0).then(10.0).otherwise("wind_from")
        found = found.with_columns(north.alias("wind_from"))
    return WindHours.of_frame(found, pollutant)


def table(shared: Path, name: str) -> pl.DataFrame:
    path = shared / "data" / "receptor" / "openair_ref" / f"oa_{name}.csv.gz"
    return pl.read_csv(path, null_values="NA", infer_schema_length=None)


def surface(shared: Path, name: str) -> np.ndarray:
    """A 201 x 201 surface, rows along v."""
    return numbers(table(shared, name), "z").reshape(201, 201)


def numbers(found: pl.DataFrame, column: str) -> np.ndarray:
    return found[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def agreement(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Correlation, and root mean square difference over the range of theirs."""
    known = np.isfinite(theirs)
    rms = float(np.sqrt(np.mean((ours - theirs)[known] ** 2)))
    return float(np.corrcoef(ours[known], theirs[known])[0, 1]), rms / float(np.ptp(theirs[known]))
