"""From the journal to the series: what is known, unknown, broken, late or said twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.core import Period
from bihuan.observations import context
from bihuan.register import Device, Fact, Station
from tests.app.hamlet import HOUR, MIDNIGHT, RHYTHM, Hamlet, Sent, at_km, facts

MINUTE = timedelta(minutes=5)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Hamlet]:
    with Hamlet(tmp_path) as made:
        yield made


def minutes(town: Hamlet, mn: str, **values: float) -> None:
    """A whole hour of equal minutes."""
    for part in range(12):
        town.report(mn, "minute", MIDNIGHT + part * MINUTE, dict(values))


def hours(town: Hamlet, site: str, pollutant: str) -> dict[str, tuple[float | None, int]]:
    rows = town.store.series.hours([site], [pollutant]).filter(pl.col("stat") == "avg")
    return {row["basis"]: (row["value"], row["count"]) for row in rows.iter_rows(named=True)}


def test_a_logger_nobody_registered_is_counted_as_unclaimed_until_it_is_registered(town: Hamlet) -> None:
    newcomer = Device(id="MN99", name="", site="station:s1", rhythm=RHYTHM)
    town.facts.append(newcomer)
    raw = town.frame("MN99", "minute", MIDNIGHT, {"so2": 12.0})
    town.hear([Sent(raw, MIDNIGHT + MINUTE, status="unknown")] * 2)
    taken = town.step().taken
    assert (taken.frames, taken.readings.height) == (2, 0)
    assert town.loop.ingest.counts.unclaimed == {"MN99": 2}
    town.store.records.save_facts([newcomer])
    town.loop.renew_register()
    town.report("MN99", "minute", MIDNIGHT + MINUTE, {"so2": 12.0})
    taken = town.step().taken
    assert (taken.frames, taken.readings.height) == (1, 1)
    assert town.loop.ingest.counts.unclaimed == {"MN99": 2}, "a rebuild reads the waiting frames again"


def test_garbage_and_every_complaint_is_counted_with_its_reason(town: Hamlet) -> None:
    good = town.frame("MN1", "minute", MIDNIGHT, {"so2": 12.0})
    broken = good[:-6] + b"0000\r\n"
    at = MIDNIGHT + MINUTE
    town.hear([Sent(good, at), Sent(broken, at), Sent(b"GET / HTTP/1.1\r\n\r\n", at, status="garbage")])
    outcome = town.step()
    counts = town.loop.ingest.counts
    assert counts.frames == outcome.taken.frames == 3
    assert counts.complaints["garbage"] == 1
    assert sum(number for reason, number in counts.complaints.items() if reason.startswith("crc")) == 1
    assert counts.readings == 1


def test_the_counts_outlive_the_process(town: Hamlet) -> None:
    minutes(town, "MN1", so2=12.0)
    town.step(MIDNIGHT + HOUR)
    before = town.loop.ingest.counts
    town.reopen()
    assert town.loop.ingest.counts == before
    assert before.frames == 12


def test_the_devices_own_hour_is_the_hour_of_record_and_ours_stands_beside_it(town: Hamlet) -> None:
    minutes(town, "MN1", so2=12.0)
    town.report("MN1", "hour", MIDNIGHT, {"so2": 13.0})
    town.step(MIDNIGHT + HOUR)
    assert hours(town, "station:s1", "so2") == {"device": (13.0, 0), "minutes": (12.0, 12)}
    record = town.store.series.hours(["station:s1"], ["so2"], of_record=True)
    assert record["value"].to_list() == [13.0]


def test_an_hour_whose_last_minutes_never_came_is_averaged_all_the_same(town: Hamlet) -> None:
    for part in range(10):
        town.report("MN1", "minute", MIDNIGHT + part * MINUTE, {"so2": 12.0})
        assert town.step(MIDNIGHT + (part + 1) * MINUTE).taken.hours.is_empty()
    assert town.step(MIDNIGHT + HOUR).taken.hours["count"].to_list() == [10]
    assert town.step(MIDNIGHT + HOUR + MINUTE).taken.hours.is_empty(), "once"


def test_an_hour_that_a_process_left_unfinished_is_averaged_by_the_next(town: Hamlet) -> None:
    for part in range(10):
        town.report("MN1", "minute", MIDNIGHT + part * MINUTE, {"so2": 12.0})
    town.step(MIDNIGHT + 10 * MINUTE)
    town.reopen()
    town.step(MIDNIGHT + HOUR)
    assert hours(town, "station:s1", "so2") == {"minutes": (12.0, 10)}


def test_late_data_recompute_the_hours_they_touch_and_no_others(town: Hamlet) -> None:
    for hour in range(6):
        for part in range(12):
            for mn in ("MN1", "MN2"):
                if (mn, hour, part) != ("MN1", 1, 3):
                    town.report(mn, "minute", MIDNIGHT + hour * HOUR + part * MINUTE, {"so2": 12.0})
        town.step(MIDNIGHT + (hour + 1) * HOUR)
    late = MIDNIGHT + HOUR + 3 * MINUTE
    town.report("MN1", "minute", late, {"so2": 24.0}, received=MIDNIGHT + 6 * HOUR)
    changed = town.step(MIDNIGHT + 6 * HOUR + MINUTE).taken.hours
    assert [(row["site"], row["start"], row["count"]) for row in changed.iter_rows(named=True)] == [
        ("station:s1", MIDNIGHT + HOUR, 12)
    ]
    assert changed["value"].item() == pytest.approx(13.0)
    rows = town.store.series.hours(["station:s1"], period=Period(MIDNIGHT, MIDNIGHT + 6 * HOUR))
    assert rows["count"].to_list() == [12] * 6


def test_an_hour_that_late_data_touch_in_many_takes_is_averaged_once_by_the_step_behind_them(tmp_path: Path) -> None:
    """Three late reports, taken in one by one or all at once: the same rows, and one more revision."""
    tables = []
    for number, often in enumerate((True, False)):
        with Hamlet(tmp_path / str(number)) as town:
            for part in range(9):
                town.report("MN1", "minute", MIDNIGHT + part * MINUTE, {"so2": 12.0})
            town.step(MIDNIGHT + HOUR)
            assert _hour(town) == (12.0, 9, 1)
            for part in (9, 10, 11):
                town.report("MN1", "minute", MIDNIGHT + part * MINUTE, {"so2": 24.0}, received=MIDNIGHT + 2 * HOUR)
                if often:
                    taken = town.loop.take(MIDNIGHT + 2 * HOUR)
                    assert (taken.readings.height, taken.hours.height) == (1, 0)
                    assert _hour(town) == (12.0, 9, 1), "nothing was written yet"
            outcome = town.step(MIDNIGHT + 2 * HOUR + MINUTE)
            assert outcome.taken.hours["value"].to_list() == [15.0]
            assert _hour(town) == (15.0, 12, 2)
            assert town.store.series.touched(MIDNIGHT + 3 * HOUR).is_empty()
            tables.append((town.store.series.hours(), town.store.series.readings().drop("frame")))
    assert all(first.equals(second) for first, second in zip(*tables, strict=True))


def _hour(town: Hamlet) -> tuple[float, int, int]:
    row = town.store.series.hours(["station:s1"], ["so2"], stat="avg").row(0, named=True)
    return row["value"], row["count"], row["revision"]


def test_one_late_minute_of_an_hour_that_memory_has_forgotten_joins_the_others_in_the_store(town: Hamlet) -> None:
    for part in range(1, 12):
        town.report("MN1", "minute", MIDNIGHT + part * MINUTE, {"so2": 12.0})
    town.step(MIDNIGHT + HOUR)
    assert _hour(town) == (12.0, 11, 1)
    later = MIDNIGHT + context("minute") + 30 * HOUR
    for at in (later, later + MINUTE):  # the second look finds the row forgotten again, and in the store
        town.report("MN1", "minute", MIDNIGHT, {"so2": 24.0}, received=at)
        town.loop.take(at)
    town.step(later + 2 * MINUTE)
    assert _hour(town) == (13.0, 12, 2)


def test_a_minute_that_comes_three_times_in_three_takes_ends_as_the_last_and_its_hour_follows_it_once(
    town: Hamlet,
) -> None:
    minutes(town, "MN1", so2=12.0)
    town.step(MIDNIGHT + HOUR)
    for value in (24.0, 36.0, 48.0):
        town.report("MN1", "minute", MIDNIGHT, {"so2": value}, received=MIDNIGHT + HOUR)
        town.loop.take(MIDNIGHT + HOUR)
    town.step(MIDNIGHT + HOUR + MINUTE)
    first = town.store.series.readings(["MN1"], ["so2"]).row(0, named=True)
    assert (first["value"], first["revision"]) == (48.0, 4)
    assert _hour(town) == (15.0, 12, 2)


def test_an_hour_that_was_taken_in_and_not_averaged_when_the_process_died_is_averaged_by_the_next(town: Hamlet) -> None:
    minutes(town, "MN1", so2=12.0)
    town.step(MIDNIGHT + HOUR)
    town.report("MN1", "minute", MIDNIGHT, {"so2": 24.0}, received=MIDNIGHT + HOUR)
    town.loop.take(MIDNIGHT + HOUR)
    town.reopen()
    assert town.step(MIDNIGHT + HOUR + MINUTE).taken.hours["value"].to_list() == [13.0]
    assert _hour(town) == (13.0, 12, 2)


def test_an_hour_whose_flags_changed_in_the_store_is_averaged_from_the_store_and_not_from_memory(town: Hamlet) -> None:
    for part in range(12):
        town.report("MN1", "minute", MIDNIGHT + part * MINUTE, {"so2": 24.0 if part == 3 else 12.0})
    town.step(MIDNIGHT + HOUR)
    assert _hour(town) == (13.0, 12, 1)
    wrong = town.store.series.readings(["MN1"], ["so2"]).filter(pl.col("value") == 24.0)
    town.store.series.flag(wrong.with_columns(quality=pl.lit("bad"), reason=pl.lit("spike")))
    town.step(MIDNIGHT + HOUR + MINUTE)
    assert _hour(town) == (12.0, 11, 2)


def test_of_two_reports_of_one_period_the_later_by_the_devices_clock_holds_whatever_came_first(tmp_path: Path) -> None:
    values = []
    for number, reverse in enumerate((False, True)):
        with Hamlet(tmp_path / str(number)) as town:
            first = town.frame("MN1", "minute", MIDNIGHT, {"so2": 90.0})
            second = town.frame("MN1", "minute", MIDNIGHT, {"so2": 12.0}).replace(
                b"QN=20260311000500", b"QN=20260311000530"
            )
            assert b"QN=20260311000530" in second
            frames = [Sent(_checked(raw), MIDNIGHT + MINUTE, f"g{1 + raw.count(b'530')}") for raw in (first, second)]
            town.hear(reversed(frames) if reverse else frames)
            town.step()
            values.append(town.store.series.readings(["MN1"])["value"].to_list())
    assert values == [[12.0], [12.0]]


def _checked(raw: bytes) -> bytes:
    """The frame with the checksum that its data now has."""
    from bihuan.devices.hj212 import checksum

    data = raw[6:-6]
    return raw[:6] + data + f"{checksum(data):04X}\r\n".encode()


def test_frames_of_several_gateways_are_one_city(town: Hamlet) -> None:
    for number, mn in enumerate(("MN1", "MN2", "MN3"), 1):
        raw = town.frame(mn, "minute", MIDNIGHT, {"so2": 12.0})
        town.hear([Sent(raw, MIDNIGHT + MINUTE, f"g{number}")])
    assert town.step().taken.readings["device"].to_list() == ["MN1", "MN2", "MN3"]
    assert sorted(town.store.series.consumed()) == ["g1", "g2", "g3"]
    assert town.step().taken.frames == 0


def _official() -> list[Fact]:
    return [
        replace(fact, kind="national" if fact.id == "s1" else fact.kind) if isinstance(fact, Station) else fact
        for fact in facts()
    ]


def test_our_flags_never_change_the_value_of_an_official_series(tmp_path: Path) -> None:
    """PM2.5 above PM10 for hours, at a 国控 station and at the city's own: flagged, judged by what was measured."""
    with Hamlet(tmp_path, facts=_official()) as town:
        for mn in ("MN1", "MN2"):
            town.report(mn, "hour", MIDNIGHT, {"pm25": 2000.0, "pm10": 40.0, "so2": 10.0})
        verdicts = town.step(MIDNIGHT + HOUR + timedelta(minutes=10)).verdicts
        rows = town.store.series.hours(["station:s1", "station:s2"], ["pm25"])
        assert rows["value"].to_list() == [2000.0, 2000.0], "what was measured stays"
        flagged = dict(rows.select("site", "quality").iter_rows())
        assert flagged["station:s1"] == flagged["station:s2"] != "good"
        used = {str(v.subject): {name: value for name, value, _ in v.items} for v in verdicts}
        assert used["station:s1"]["pm25"] == 2000.0


def test_more_frames_than_one_step_takes_wait_for_the_next(town: Hamlet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bihuan.app.ingest.BATCH", 5)
    minutes(town, "MN1", so2=12.0)
    steps = [town.step(MIDNIGHT + HOUR).taken for _ in range(4)]
    assert [(taken.frames, taken.full) for taken in steps] == [(5, True), (5, True), (2, False), (0, False)]
    assert hours(town, "station:s1", "so2") == {"minutes": (12.0, 12)}


def test_a_station_that_moved_is_read_by_its_new_place(town: Hamlet) -> None:
    moved = [
        replace(fact, place=at_km(4.0, 4.0)) if isinstance(fact, Station) and fact.id == "s1" else fact
        for fact in town.facts
    ]
    town.store.records.save_facts(moved)
    town.loop.renew_register()
    assert next(site.place for site in town.loop.town.sites if site.ref.id == "s1") == at_km(4.0, 4.0)
