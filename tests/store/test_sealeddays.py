"""Sealed days change their order and nothing else."""

from datetime import timedelta

import pytest

from bihuan.store import SeriesStore, Written
from tests.store.rows import T0, many


def test_sorting_sealed_days_changes_their_order_only(embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(0, 3 * 1440, 480):
        embedded.append(many(30, minute))
    before = embedded.readings()
    monkeypatch.setattr("bihuan.store.sealeddays.PIECE", 100)
    assert embedded.resort(T0 + timedelta(days=1)) == 1 * 300 + 0
    assert embedded.readings().equals(before)
    day = embedded.query("SELECT device, spot FROM kept_readings WHERE start < ? ", [T0 + timedelta(hours=8)])
    assert day["spot"].is_sorted()
    assert day["device"].rle().len() == 30, "the rows of a logger lie together"
    assert embedded.resort(T0 + timedelta(days=1)) == 0
    assert embedded.append(many(30, 0)) == Written(unchanged=300)


def test_sorting_that_is_stopped_goes_on_the_next_time(embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(0, 1440, 360):
        embedded.append(many(30, minute))
    before = embedded.readings()
    monkeypatch.setattr("bihuan.store.sealeddays.PIECE", 100)
    asked = iter([False, False, False, False, True, True, True])
    stopped = embedded.resort(T0 + timedelta(days=2), stop=lambda: next(asked))
    assert 0 < stopped < 600
    assert embedded.readings().equals(before)
    assert embedded.resort(T0 + timedelta(days=2)) == 1200
    assert embedded.readings().equals(before)
