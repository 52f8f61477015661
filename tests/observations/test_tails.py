"""What the tails hand to `flag` gives the answers that the whole history gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from bihuan.core import KEY_COLUMNS, READINGS_SCHEMA
from bihuan.observations import Tails, flag

T0 = datetime(2026, 11, 1, tzinfo=UTC)
CODES = ("pm25", "co", "o3", "humidity")
WINDOW = timedelta(minutes=50)


def batch(chance: np.random.Generator, step: int) -> pl.DataFrame:
    """Minutes of some loggers: mostly the next ones, some late, some sent again, some missing, with spikes and runs."""
    rows = []
    for logger in range(6):
        for minute in range(5):
            if chance.random() < 0.1:
                continue
            at = step * 5 + minute - (int(chance.integers(0, 40)) if chance.random() < 0.04 else 0)
            for code in CODES:
                stuck = (logger + step // 12) % 3 == 0
                value = 20.0 if stuck else 20.0 + float(chance.integers(0, 4)) / 10
                if chance.random() < 0.03:
                    value += float(chance.choice([400.0, 900.0, 300.0, -600.0]))
                rows.append((f"L{logger}", code, at, None if chance.random() < 0.03 else value))
    start = [T0 + timedelta(minutes=max(0, row[2])) for row in rows]
    frame = pl.DataFrame(
        {
            "device": [row[0] for row in rows],
            "pollutant": [row[1] for row in rows],
            "start": pl.Series(start, dtype=pl.Datetime("us", "UTC")),
            "end": pl.Series([at + timedelta(minutes=1) for at in start], dtype=pl.Datetime("us", "UTC")),
            "value": pl.Series([row[3] for row in rows], dtype=pl.Float64),
        }
    )
    fixed = {"stat": "avg", "interval": "minute", "mark": "", "origin": "live", "quality": "good", "reason": ""}
    fixed |= {"level": "realtime", "frame": ""}
    return (
        frame.with_columns(*(pl.lit(text).alias(name) for name, text in fixed.items()))
        .select(READINGS_SCHEMA.names)
        .unique(list(KEY_COLUMNS), keep="last", maintain_order=True)
        .sort(list(KEY_COLUMNS))
    )


@pytest.mark.parametrize("seed", range(4))
def test_flags_from_tails_are_those_from_the_whole_window_whatever_comes_late(seed: int) -> None:
    chance = np.random.default_rng(seed)
    window = batch(chance, 0).clear()
    tails = Tails(window)
    reasons: set[str] = set()
    for step in range(40):
        since = T0 + timedelta(minutes=5 * step + 5) - WINDOW
        window = window.filter(pl.col("start") >= since)
        fresh = batch(chance, step)

        def whole(keys: pl.DataFrame) -> pl.DataFrame:
            return window.join(keys, on=keys.columns, how="semi")  # noqa: B023

        history = tails.history(fresh, since, whole)
        expected = flag(fresh, window)
        found = flag(fresh, history)
        assert found.equals(expected)
        reasons |= set(found["reason"])
        window = pl.concat([window.join(expected, on=list(KEY_COLUMNS), how="anti", maintain_order="left"), expected])
        tails.take(expected, since, whole)
        assert history.height < window.height or step < 12
    assert {"jump", "stuck", "no_value"} <= reasons
