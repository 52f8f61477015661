"""Sealed days are put in order beside the loop."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.app.sealing import Sealing
from bihuan.core import StoreError
from bihuan.store import SeriesStore
from tests.store.rows import T0, many


def test_days_that_are_over_are_put_in_order_once_while_others_write(tmp_path: Path) -> None:
    series = SeriesStore(tmp_path / "series.duckdb")
    for minute in range(0, 1440, 480):
        series.append(many(30, minute))
    before = series.readings()
    sealing = Sealing(series)
    sealing.begin(T0 + timedelta(days=3))
    series.append(many(30, 3 * 1440))
    sealing.stop()
    spots = series.query("SELECT spot FROM kept_readings WHERE start < ?", [T0 + timedelta(hours=8)])["spot"]
    assert spots.is_sorted()
    assert series.readings(period=None).head(before.height).height == before.height
    assert series.counts()["readings"] == before.height + 300
    series.close()


def test_a_store_that_fails_leaves_the_days_as_they_are(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def resort(self, before: object, stop: object) -> int:
            raise StoreError("no room")

    sealing = Sealing(Broken())  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        sealing.begin(T0)
        sealing.stop()
    assert "no room" in caplog.text


def test_a_day_in_hand_is_not_begun_twice() -> None:
    begun, go_on = [], threading.Event()

    class Slow:
        def resort(self, before: object, stop: object) -> int:
            begun.append(before)
            go_on.wait(5)
            return 0

        def tidy(self, stop: object) -> None:
            return None

    sealing = Sealing(Slow())  # type: ignore[arg-type]
    sealing.begin(T0)
    sealing.begin(T0)
    go_on.set()
    sealing.stop()
    assert len(begun) == 1


def test_hours_asked_for_while_days_are_in_hand_are_done_after_them() -> None:
    done, begun, go_on = [], threading.Event(), threading.Event()

    class Both:
        def resort(self, before: object, stop: object) -> int:
            begun.set()
            go_on.wait(5)
            done.append(("days", before))
            return 0

        def tidy(self, stop: object) -> None:
            return None

        def order_hours(self, before: object, stop: object) -> int:
            done.append(("hours", before))
            finished.set()
            return 0

    finished = threading.Event()
    sealing = Sealing(Both())  # type: ignore[arg-type]
    sealing.begin(T0 + timedelta(days=3))
    assert begun.wait(5)
    sealing.begin_hours(T0)
    sealing.begin_hours(T0 + timedelta(hours=1))
    go_on.set()
    assert finished.wait(5)
    sealing.stop()
    assert [what for what, _ in done] == ["days", "hours"]
    assert done[1][1] == T0 + timedelta(hours=1)
    finished.clear()
    Sealing(Both()).begin_hours(T0)  # type: ignore[arg-type]
    assert finished.wait(5), "hours alone"
