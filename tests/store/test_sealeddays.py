"""Sealed days change their order and nothing else."""

from datetime import timedelta

import pytest

from bihuan.core import StoreError
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


def test_hours_of_the_open_day_are_ordered_when_much_has_come_and_nothing_else_changes(
    embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six hours of 300 rows: two hours make enough, the last waits for the next, the day is sealed as ever."""
    monkeypatch.setattr("bihuan.store.sealeddays.GATHERED", 600)
    monkeypatch.setattr("bihuan.store.sealeddays.HOURS_PIECE", 250)
    for minute in range(0, 300, 20):
        embedded.append(many(10, minute))
    before, latest = embedded.readings(), embedded.latest()
    assert embedded.order_hours(T0 + timedelta(minutes=59)) == 0
    assert embedded.order_hours(T0 + timedelta(hours=5, minutes=10)) == 1200
    assert embedded.order_hours(T0 + timedelta(hours=5, minutes=30)) == 0, "one hour is not enough"
    assert embedded.readings().equals(before)
    assert embedded.latest().equals(latest)
    for first in (0, 2):
        within = [T0 + timedelta(hours=first), T0 + timedelta(hours=first + 2)]
        assert embedded.query("SELECT spot FROM kept_readings WHERE start >= ? AND start < ?", within)[
            "spot"
        ].is_sorted()
    assert embedded.append(many(10, 20)) == Written(unchanged=100)
    assert embedded.append(many(10, 320)) == Written(new=100)
    assert embedded.order_hours(T0 + timedelta(hours=6)) == 0
    assert embedded.append(many(11, 340)) == Written(new=110)
    everything = embedded.readings()
    assert embedded.resort(T0 + timedelta(days=1)) == 1710
    assert embedded.readings().equals(everything)
    assert embedded.order_hours(T0 + timedelta(days=1)) == 0, "the day is sealed"


def test_ordering_hours_that_is_stopped_goes_on_the_next_time(
    embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.store.sealeddays.GATHERED", 600)
    monkeypatch.setattr("bihuan.store.sealeddays.HOURS_PIECE", 250)
    for minute in range(0, 120, 20):
        embedded.append(many(10, minute))
    before = embedded.readings()
    asked = iter([False, False, True, True])
    assert 0 < embedded.order_hours(T0 + timedelta(hours=2), stop=lambda: next(asked)) < 600
    assert embedded.readings().equals(before)
    assert embedded.order_hours(T0 + timedelta(hours=2)) == 600
    assert embedded.order_hours(T0 + timedelta(hours=2)) == 0


def test_a_piece_that_fails_leaves_rows_and_settings_as_they_were(
    embedded: SeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.append(many(10, 0))
    before = embedded.readings()

    def fails(_: object) -> int:
        raise StoreError("no room")

    with monkeypatch.context() as patch:
        patch.setattr("bihuan.store.sealeddays.count_of", fails)
        with pytest.raises(StoreError, match="no room"):
            embedded.resort(T0 + timedelta(days=1))
    assert embedded.query("SELECT current_setting('preserve_insertion_order')").item() is False
    assert embedded.readings().equals(before)
    assert embedded.resort(T0 + timedelta(days=1)) == 100
