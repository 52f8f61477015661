"""The series made anew from the journal are the series that were there; claimed loggers' frames become readings."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.app.ingest import COUNTS, Counts
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.rebuild import rebuild_part, rebuild_series
from bihuan.core import CHINA, JournalError, NotCovered, Period, from_json
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
            loop.step(T0 + TICK * number, until=T0 + TICK * number)
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


# ---- gaps, flags, parts, damages ----


def watched(home: Path) -> None:
    """An evening with silences, late data, a changed value and a spike, taken in tick by tick as a server does."""
    settle(home)
    frames: list[tuple[bytes, datetime, str]] = []
    for step in range(HOURS * 12):
        for number, mn in enumerate(MNS[:2]):
            at = T0 + TICK * step
            silent = step % 20 in range(5 * number, 5 * number + 4)
            value = 900.0 if step == 50 else 30.0 + step % 5
            came = at + (timedelta(hours=2) if silent and step < 30 else TICK) + timedelta(seconds=2)
            if not silent or step < 30:
                frames.append((minute_frame(mn, at, value, step), came, "known"))
    at = T0 + TICK * 46
    frames += [(minute_frame(MNS[0], at, value, 7), at + TICK * n, "known") for n, value in enumerate((61, 62, 63), 3)]
    frames.sort(key=lambda frame: frame[1])
    journal(home, frames)
    with open_store(home, threads=1) as store:
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), T0)
        for number in range(1, HOURS * 12 + 30):
            loop.step(T0 + TICK * number, until=T0 + TICK * number)
        loop.watch.keep()


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("evening") / "home"
    watched(home)
    return home


@pytest.fixture
def home(evening: Path, tmp_path: Path) -> Path:
    """A copy of the evening to work on: living it takes seconds, copying it does not."""
    return shutil.copytree(evening, tmp_path / "home")


def kept(store: Store) -> dict[str, list[tuple[str, bytes]]]:
    return {kind: sorted((row.id, row.body) for row in store.records.find(kind)) for kind in ("gap", "presence")}


def test_series_hours_days_gaps_flags_and_times_on_line_come_out_as_the_live_ones(home: Path) -> None:
    with open_store(home, create=False, threads=1) as store:
        before, watch = everything(store), kept(store)
        states = {row.state for row in store.records.find("gap")}
    assert {"filled", "recalled"} <= states and len(watch["gap"]) > 4 and len(watch["presence"]) >= 2
    assert set(before["readings"]["quality"]) > {"good"}, "there are flags to compare"
    rebuild_series(home)
    with open_store(home, create=False, threads=1) as store:
        after = everything(store)
        for name, table in before.items():
            assert after[name].equals(table), name
        again = kept(store)
        assert again["gap"] == watch["gap"]
        assert again["presence"] == watch["presence"]


def test_the_same_minute_sent_three_times_keeps_the_last_value_and_every_frame(home: Path) -> None:
    with open_store(home, create=False, threads=1) as store:
        rows = store.series.readings([MNS[0]], interval="minute")
        row = rows.filter(pl.col("start") == T0 + TICK * 46).row(0, named=True)
        assert (row["value"], row["revision"]) == (63.0, 4)
        stamp = (T0 + TICK * 46).astimezone(CHINA).strftime("DataTime=%Y%m%d%H%M%S").encode()
        sent = [one.raw for one in store.journal.follow("g1") if stamp in one.raw and MNS[0].encode() in one.raw]
        assert len(sent) == 4, "the journal keeps them all"


def test_a_part_is_made_anew_in_place_and_the_rest_is_not_touched(home: Path) -> None:
    begin, end = T0 + timedelta(hours=1), T0 + timedelta(hours=4)
    with open_store(home, create=False, threads=1) as store:
        before = everything(store)
        mine = store.series.readings([MNS[0]], period=Period(begin, end))
        wrong = mine.drop("revision").with_columns(value=pl.lit(1.0), quality=pl.lit("bad"), reason=pl.lit("range"))
        store.series.append(wrong)
        assert not everything(store)["readings"].drop("revision").equals(before["readings"].drop("revision"))
    made = rebuild_part(home, [MNS[0]], begin, end)
    assert made.after["readings"] == before["readings"].height
    with open_store(home, create=False, threads=1) as store:
        after = everything(store)
    for name, table in before.items():
        assert after[name].drop("revision").equals(table.drop("revision")), name
    others = pl.col("device") != MNS[0]
    assert after["readings"].filter(others).equals(before["readings"].filter(others))


def test_a_rebuild_over_a_damaged_journal_keeps_the_other_frames_and_names_the_loss(home: Path) -> None:
    with open_store(home, create=False, threads=1) as store:
        before = everything(store)["readings"]
    segment = home / "journal" / "g1" / "00000001.log"
    data = bytearray(segment.read_bytes())
    writer_groups = data.count(b"\xb1G")
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    assert writer_groups == 1, "the whole evening is one group here, and only the damaged frame of it is lost"
    made = rebuild_series(home, salvage=True)
    (loss,) = made.lost
    assert (loss.gateway, loss.segment) == ("g1", 1) and "00000001" in made.words("en")
    with open_store(home, create=False, threads=1) as store:
        after = everything(store)["readings"]
    assert before.height - 4 <= after.height < before.height


def test_a_gateway_clock_that_was_set_back_or_forward_loses_no_frame(tmp_path: Path) -> None:
    """The journal keeps the order of arrival; times of receipt that leap change only what they mark as late."""
    home = tmp_path / "home"
    settle(home)
    leap = {10: timedelta(hours=-3), 20: timedelta(hours=5)}
    offset, frames = timedelta(0), []
    for step in range(36):
        offset = leap.get(step, offset)
        frames.append((minute_frame(MNS[0], T0 + TICK * step, 30.0, step), T0 + TICK * (step + 1) + offset, "known"))
    journal(home, frames)
    with open_store(home, threads=1) as store:
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), T0)
        for number in range(1, 120):
            loop.step(T0 + TICK * number)
        rows = store.series.readings([MNS[0]], interval="minute")
    made = rebuild_series(home)
    assert made.frames == 36
    with open_store(home, create=False, threads=1) as store:
        again = store.series.readings([MNS[0]], interval="minute")
    assert again["start"].to_list() == rows["start"].to_list()
    assert rows.height >= 26, "only what lay five hours ahead of its own time is doubted"


def test_a_device_clock_that_was_wrong_marks_its_readings_and_leaves_the_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    came = T0 + TICK
    frames = [
        (minute_frame(MNS[0], T0 + timedelta(hours=3), 30.0, 1), came, "known"),
        (minute_frame(MNS[0], T0 + timedelta(days=3), 30.0, 2), came, "known"),
        (minute_frame(MNS[0], T0 - timedelta(days=2), 30.0, 3), came, "known"),
        (minute_frame(MNS[1], T0, 30.0, 4), came, "known"),
    ]
    journal(home, frames)
    with open_store(home, threads=1) as store:
        Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0).step(T0 + TICK)
        rows = store.series.readings(interval="minute")
        counts = from_json(store.records.state(COUNTS) or b"", Counts)
    found = {row["start"]: (row["origin"], row["reason"]) for row in rows.iter_rows(named=True)}
    assert found == {
        T0 + timedelta(hours=3): ("live", "clock"),
        T0 - timedelta(days=2): ("resent", ""),
        T0: ("live", ""),
    }
    assert counts.complaints["clock_impossible"] == 1
