"""A collocation in the store: every step in the ledger, judged on stored hours, applied when read."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bihuan.app.collocating import Collocations
from bihuan.core import NotCovered, Period, Ref
from bihuan.store import open_store
from tests.observations.tables import T0, hourly, rollups


def test_a_sensor_is_planned_judged_on_stored_hours_and_read_calibrated(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    truth = np.exp(3.6 + 0.5 * np.sin(np.arange(24 * 28) / 80) + 0.2 * rng.standard_normal(24 * 28))
    done = T0 + timedelta(days=28)
    with open_store(tmp_path, threads=1) as store:
        store.series.append(hours=rollups(list(truth), "station:1317A"))
        store.series.append(hours=rollups(list(2 * truth + rng.standard_normal(len(truth))), "station:M1"))
        held = Collocations(store)
        made = held.plan("MN9", "pm25", Ref("station", "1317A"), T0, "P1", T0)
        held.begin(made.id, "P1", T0)
        assert held.judge(made.id, "station:M1", "P2", done).state == "passed"
        later = hourly([80.0] * 2, device="MN9").with_columns(start=pl.col("start") + timedelta(days=30))
        store.series.append(later)
        read = held.read(later, Period(done, done + timedelta(days=5)))
        assert read["value"].to_list() == pytest.approx([40.0] * 2, abs=1.0)
        assert store.series.readings(["MN9"])["value"].to_list() == [80.0, 80.0]
        held.withdraw(made.id, "P2", done + timedelta(days=1), "inlet blocked")
        assert held.read(later, Period(done, done + timedelta(days=5)))["calibration"].to_list() == ["", ""]
        actions = [entry.action for entry in store.ledger.entries()]
        assert actions == [f"collocation.{state}" for state in ("planned", "running", "passed", "withdrawn")]
        with pytest.raises(NotCovered, match="plan it first"):
            held.get("nothing")
