"""The newest readings and the touched hours follow what is stored, flagged and corrected."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.store import SeriesStore
from tests.store.rows import MINUTE, T0, hour, reading, table


def test_the_latest_reading_follows_late_and_corrected_ones(series: SeriesStore) -> None:
    def latest() -> list[tuple[object, ...]]:
        return series.latest().select("device", "start", "value").rows()

    assert latest() == []
    series.append(table(reading(minute=5, value=5.0), reading("MN2", minute=1, value=1.0)))
    assert latest() == [("MN1", T0 + 5 * MINUTE, 5.0), ("MN2", T0 + MINUTE, 1.0)]
    series.append(table(reading(minute=4, value=4.0)))
    assert latest()[0] == ("MN1", T0 + 5 * MINUTE, 5.0)
    series.append(table(reading(minute=5, value=5.5), reading("MN2", minute=9, value=9.0)))
    assert latest() == [("MN1", T0 + 5 * MINUTE, 5.5), ("MN2", T0 + 9 * MINUTE, 9.0)]
    assert series.latest(["MN2"]).height == 1


def test_the_latest_reading_survives_a_restart_before_it_was_asked_for(tmp_path: Path) -> None:
    store = SeriesStore(tmp_path / "s.duckdb")
    store.append(table(reading(minute=5, value=5.0)))
    store.close()
    store = SeriesStore(tmp_path / "s.duckdb")
    assert store.latest()["value"].to_list() == [5.0]
    store.close()


def test_the_latest_reading_survives_a_process_that_died_before_it_was_asked_for(tmp_path: Path) -> None:
    code = (
        "import sys, os, pathlib\nfrom bihuan.store import SeriesStore\n"
        "from tests.store.rows import reading, table\nstore = SeriesStore(pathlib.Path(sys.argv[1]))\n"
        "store.append(table(reading(minute=5, value=5.0)))\nstore.latest()\n"
        "store.append(table(reading(minute=7, value=7.0), reading('MN2', minute=-5000, value=2.0)))\nos._exit(1)"
    )
    path = tmp_path / "s.duckdb"
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}"}
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=root, env=environment)
    store = SeriesStore(path)
    assert store.latest().select("device", "value").rows() == [("MN1", 7.0), ("MN2", 2.0)]
    store.append(table(reading(minute=8, value=8.0)))
    assert store.latest()["value"].to_list() == [8.0, 2.0]
    store.close()


def test_the_latest_reading_follows_a_flag_and_the_level_that_stands(series: SeriesStore) -> None:
    series.append(table(reading(minute=0, value=1.0), reading(minute=1, value=2.0, level="reviewed")))
    series.append(table(reading(minute=1, value=9.0)))
    assert series.latest().equals(series.readings().tail(1))
    series.flag(series.readings().with_columns(quality=pl.lit("suspect"), reason=pl.lit("jump")))
    assert series.latest()["quality"].to_list() == ["suspect"]
    assert series.latest().equals(series.readings().tail(1))


def test_touched_hours_are_those_of_new_changed_and_flagged_readings_until_they_are_rolled(
    series: SeriesStore,
) -> None:
    later = T0 + timedelta(days=1)
    series.append(table(reading(minute=5), reading("MN2", minute=70), reading("MN3", interval="hour")))
    touched = series.touched(later)
    assert touched.rows() == [("MN1", T0), ("MN2", T0 + timedelta(hours=1))]
    assert series.touched(T0 + timedelta(hours=1)).rows() == [("MN1", T0)]
    series.append(hours=hour(), rolled=touched)
    assert series.touched(later).is_empty()
    series.append(table(reading(minute=5)))
    assert series.touched(later).is_empty(), "nothing new was said"
    series.append(table(reading(minute=5, value=7.0)))
    assert series.touched(later).rows() == [("MN1", T0)]
    series.append(rolled=touched)
    series.flag(series.readings(["MN2"]).with_columns(quality=pl.lit("bad"), reason=pl.lit("stuck")))
    assert series.touched(later).rows() == [("MN2", T0 + timedelta(hours=1))]


def test_the_latest_readings_are_right_however_often_what_is_gathered_was_thinned_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older and corrected rows among it; thinned in memory (few series), or brought into the table (many, or long)."""
    chance = np.random.default_rng(3)
    for most, unsettled in ((4, 10**9), (40, 10**9), (40, 60)):
        monkeypatch.setattr("bihuan.store.following.MANY", most)
        monkeypatch.setattr("bihuan.store.following.UNSETTLED", unsettled)
        store = SeriesStore(tmp_path / f"{most}-{unsettled}.duckdb")
        for _ in range(30):
            minutes = chance.integers(0, 40, 6)
            store.append(table(*(reading(f"MN{n % 3}", int(at), float(at + n)) for n, at in enumerate(minutes))))
        newest = store.readings().sort("start").unique(["device"], keep="last").sort("device")
        assert store.latest().equals(newest)
        store.close()
