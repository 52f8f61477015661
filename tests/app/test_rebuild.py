"""The series made anew from the journal are the series that were there; claimed loggers' frames become readings."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.app.ingest import COUNTS, Counts
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.rebuild import rebuild_series
from bihuan.core import CHINA, JournalError, NotCovered, from_json
from bihuan.register import Device
from bihuan.store import Store, open_store
from tests.app.small import MNS, STRANGER, day_of_frames, journal, minute_frame, settle

T0 = datetime(2026, 3, 1, 11, tzinfo=UTC)  # 19:00 of the city, so that a day ends meanwhile
HOURS = 7


def lived(home: Path) -> Path:
    """A home whose loop has lived an evening and a night, two gateways taking turns."""
    settle(home)
    frames = day_of_frames(T0, HOURS)
    later = T0 + timedelta(hours=3)
    journal(home, [frame for frame in frames if frame[1] < later], "g1")
    journal(home, [frame for frame in frames if frame[1] >= later], "g2")
    with open_store(home, threads=1) as store:
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), T0)
        for number in range(1, HOURS * 12 + 13):
            loop.take(T0 + TICK * number, until=T0 + TICK * number)
        loop.step(T0 + TICK * number)
    return home


def everything(store: Store) -> dict[str, pl.DataFrame]:
    keys = {"readings": ["device", "interval"], "hours": ["site", "basis"], "days": ["site", "basis"]}
    return {
        name: store.series.query(f"SELECT * FROM {name}").sort(*key, "pollutant", "stat", "start")
        for name, key in keys.items()
    }


def test_the_same_rows_come_out_and_a_claimed_logger_gets_its_past(tmp_path: Path) -> None:
    home = lived(tmp_path / "home")
    with open_store(home, create=False, threads=1) as store:
        before, counts, verdicts = everything(store), store.records.state(COUNTS), store.records.find("verdict")
        consumed = store.series.consumed()
        latest = store.series.latest()
    assert before["readings"].height == HOURS * 12 * 3 + HOURS * 3
    assert set(before["hours"]["basis"]) == {"device", "minutes"}
    assert before["days"].height >= 3

    made = rebuild_series(home)
    assert made.before == made.after == {name: table.height for name, table in before.items()}
    assert made.unclaimed == {STRANGER: HOURS * 12}
    with open_store(home, create=False, threads=1) as store:
        after = everything(store)
        for name, table in before.items():
            assert after[name].equals(table), name
        assert (store.records.state(COUNTS), store.series.consumed()) == (counts, consumed)
        assert store.series.latest().equals(latest)
        assert store.records.find("verdict") == verdicts
        store.records.save_facts([Device(id=STRANGER, name="", site="station:2")])

    claimed = rebuild_series(home)
    assert claimed.unclaimed == {}
    assert claimed.after["readings"] - made.after["readings"] == HOURS * 12
    assert "待认领" in made.words() and STRANGER in made.words("en") and STRANGER not in claimed.words()
    with open_store(home, create=False, threads=1) as store:
        assert store.series.readings([STRANGER]).height == HOURS * 12
        assert from_json(store.records.state(COUNTS) or b"", Counts).unclaimed == {}
    assert not list(home.glob("*rebuilt*"))


def test_what_never_came_by_a_frame_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    journal(home, day_of_frames(T0, 2))
    with open_store(home, threads=1) as store:
        Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0).step(T0 + timedelta(hours=3))
        hour = store.series.hours(["station:1"]).drop("revision").head(1)
        imported = hour.with_columns(site=pl.lit("city:4109"), basis=pl.lit("file"), value=pl.lit(77.0))
        store.series.append(hours=imported, days=imported.with_columns(basis=pl.lit("hours")))
    rebuild_series(home)
    with open_store(home, create=False, threads=1) as store:
        assert store.series.hours(["city:4109"]).drop("revision").equals(imported)
        assert store.series.days(["city:4109"])["value"].to_list() == [77.0]
        assert store.series.hours(["station:1"]).height


def test_a_damaged_journal_leaves_the_old_series_and_counts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    journal(home, day_of_frames(T0, 2))
    with open_store(home, threads=1) as store:
        Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0).step(T0 + timedelta(hours=3))
        before, counts = everything(store), store.records.state(COUNTS)
    segment = home / "journal" / "g1" / "00000001.log"
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    with pytest.raises(JournalError, match="damaged at byte"):
        rebuild_series(home)
    with open_store(home, create=False, threads=1) as store:
        assert all(everything(store)[name].equals(table) for name, table in before.items())
        assert store.records.state(COUNTS) == counts
    assert not list(home.glob("*rebuilt*"))


def test_a_home_without_a_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotCovered, match="holds no store"):
        rebuild_series(tmp_path / "none")


def test_a_frame_with_a_wrong_password_makes_no_reading_until_the_register_agrees(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    frames = [minute_frame(MNS[0], T0 + TICK * number, 30.0, number, pw="654321") for number in range(12)]
    journal(home, [(raw, T0 + timedelta(hours=1), "wrong_password") for raw in frames])
    with open_store(home, threads=1) as store:
        loop = Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0)
        assert loop.step(T0 + timedelta(hours=2)).taken.readings.is_empty()
        assert loop.ingest.counts.complaints == {"password_wrong": 12}
        store.records.save_facts([Device(id=MNS[0], name="", site="station:1", password="654321")])
    rebuild_series(home)
    with open_store(home, create=False, threads=1) as store:
        assert store.series.readings([MNS[0]]).height == 12
