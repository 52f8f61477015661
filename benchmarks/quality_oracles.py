"""A developers' check: our spike and stuck checks beside those of saqc and ioos_qc on the same labelled river series.

Neither is a dependency. Install them apart and name the folder::

    pip install --target /tmp/qc-oracles saqc ioos_qc
    QC_ORACLES=/tmp/qc-oracles python -m benchmarks.quality_oracles
"""

from __future__ import annotations

import os
import sys
import warnings
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from bihuan.observations import flag

SHARED = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared"))


def river() -> pl.DataFrame:
    """Return the labelled turbidity of Sandy Creek: start, value, label."""
    table = pl.read_parquet(SHARED / "data" / "oddwater_labelled_water" / "data_sandy_anom.parquet")
    at = pl.col("Timestamp").cast(pl.String).str.to_datetime("%d/%m/%Y %H:%M", time_unit="us", time_zone="UTC")
    return table.select(start=at, value=pl.col("Tur"), label=pl.col("type_Tur").cast(pl.String)).sort("start")


def ours(table: pl.DataFrame) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Return what our checks mark."""
    words = {"device": "S", "pollutant": "turbidity", "stat": "avg", "interval": "hour", "mark": "", "origin": "file"}
    words |= {"quality": "good", "reason": "", "level": "realtime", "frame": ""}
    rows = table.select(
        pl.lit(words["device"]).alias("device"),
        *(pl.lit(words[name]).alias(name) for name in ("pollutant", "stat", "interval")),
        "start",
        end=pl.col("start") + timedelta(minutes=90),
        value="value",
        **{name: pl.lit(words[name]) for name in ("mark", "origin", "quality", "reason", "level", "frame")},
    )
    where = pl.DataFrame({"device": ["S"], "site": ["section:S"], "kind": ["section"], "lon": [148.5], "lat": [-21.2]})
    reason = flag(rows, sites=where)["reason"]
    return {
        "spike": reason.is_in(["spike", "jump"]).to_numpy(),
        "noisy": (reason == "noisy").to_numpy(),
        "stuck": (reason == "stuck").to_numpy(),
    }


def of_ioos(table: pl.DataFrame) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Spike and flat line of ioos_qc (QARTOD), with the thresholds that stand in our table."""
    from ioos_qc import qartod  # type: ignore[import-not-found]  # noqa: PLC0415

    value, at = table["value"].to_numpy(), table["start"].dt.replace_time_zone(None).to_numpy()
    spike = qartod.spike_test(inp=value, suspect_threshold=20, fail_threshold=200)
    flat = qartod.flat_line_test(inp=value, tinp=at, suspect_threshold=86_400, fail_threshold=172_800, tolerance=0.001)
    return {"spike": np.isin(np.asarray(spike), [3, 4]), "stuck": np.isin(np.asarray(flat), [3, 4])}


def of_saqc(table: pl.DataFrame) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Outliers (UniLOF, its default) and constants of saqc."""
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415
    import saqc  # type: ignore[import-not-found]  # noqa: PLC0415

    at = pd.DatetimeIndex(table["start"].dt.replace_time_zone(None).to_numpy())
    series = pd.Series(table["value"].to_numpy(), index=at, name="tur")
    series = series[~series.index.duplicated()]
    judged = saqc.SaQC(series.to_frame()).flagUniLOF("tur")
    flat = saqc.SaQC(series.to_frame()).flagConstants("tur", thresh=0.001, window="1D")
    place = at.get_indexer(series.index)
    found = {}
    for name, one in (("spike", judged), ("stuck", flat)):
        marks = np.zeros(table.height, dtype=bool)
        marks[place] = one.flags["tur"].to_numpy() > 0
        found[name] = marks
    return found


def main() -> None:
    """Print agreement, and how each does on the labels."""
    sys.path.append(os.environ.get("QC_ORACLES", "/tmp/qc-oracles"))
    if not SHARED.is_dir():
        print(f"the labelled data are not here ({SHARED}): nothing to compare on")
        return
    table = river()
    mine, spikes, clean = ours(table), (table["label"] == "A").to_numpy(), (table["label"] == "0").to_numpy()
    print(f"{table.height:,} readings, {int(spikes.sum())} labelled spikes, {int(clean.sum()):,} clean")
    print(f"{'who':10} {'spikes found':>13} {'clean marked':>13} {'both':>6} {'only ours':>10} {'only theirs':>12}")
    print(f"{'ours':10} {int((mine['spike'] & spikes).sum()):>13} {int((mine['spike'] & clean).sum()):>13}")
    for name, oracle in (("ioos_qc", of_ioos), ("saqc", of_saqc)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = oracle(table)
        except ImportError as problem:
            print(f"{name:10} is not installed here ({problem}): see the head of this file; nothing was compared")
            continue
        for check in ("spike", "stuck"):
            a, b = mine[check], theirs[check]
            both, left, right = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
            labelled = f"{int((b & spikes).sum()):>13} {int((b & clean).sum()):>13}" if check == "spike" else " " * 27
            print(f"{name:10} {labelled} {both:>6} {left:>10} {right:>12}  ({check})")


if __name__ == "__main__":
    main()
