"""The hosts of a lake take turns, see each other's minutes, and one of them judges the city from all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bihuan.app.ingest import Ingest
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.others import FOLLOWED, others_of
from bihuan.app.presence import spells_of
from bihuan.app.town import Town
from bihuan.core import CHINA, local_date, to_json
from bihuan.devices.hj212 import encode
from bihuan.register import Device
from bihuan.store import LakeAddress, LakeStore, Store, open_store
from tests.app.small import MNS, journal, minute_frame, settle, stamp
from tests.app.test_several_hosts import catalog, lake, send, serving, wait_until  # noqa: F401  # a fixture
from tests.store.conftest import lake_address, postgresql  # noqa: F401  # fixtures
from tests.store.postgres import Server
from tests.store.rows import T0, hour, many

START = datetime(2026, 3, 1, 16, tzinfo=UTC)


class Host:
    """A home whose observations lie in the lake, and a clock of its own."""

    def __init__(self, home: Path, address: LakeAddress, judges: bool) -> None:
        settle(home)
        self.store = open_store(home, threads=1, series=address)
        self.store.records.save_facts([Device(id="MN0004", name="", site="station:1", rhythm={"minute": 300})])
        self.home, self.gateway, self.judges = home, f"{address.host}1", judges
        self.begin()

    def begin(self) -> None:
        """A process starts."""
        if self.judges:
            self.loop = Loop(self.store, CHINA, Notifications([], self.home / "notices.jsonl"), START)
        else:
            self.ingest = Ingest(self.store, CHINA, others=others_of(self.store, tells=True))

    def hear(self, mn: str, minutes: range, value: float) -> None:
        at = [START + timedelta(minutes=5 * number) for number in minutes]
        journal(self.home, [(minute_frame(mn, t, value, n), t, "known") for n, t in enumerate(at)], self.gateway)

    def go(self, now: datetime) -> Any:
        """Take in, or take a step."""
        if self.judges:
            return self.loop.step(now)
        town = Town(self.store.records.register(), local_date(now, CHINA))
        taken = self.ingest.take(town, now)
        self.ingest.keep()
        return taken


@pytest.fixture
def hosts(lake_address: LakeAddress, tmp_path: Path) -> Iterator[tuple[Host, Host]]:  # noqa: F811
    """One that judges and one that only takes in."""
    made = [Host(tmp_path / name, replace(lake_address, host=name), name == "ga") for name in ("ga", "gb")]
    yield made[0], made[1]
    for one in made:
        one.store.close()


def sites(store: Store) -> set[str]:
    return {str(row.subject) for row in store.records.find("verdict")}


def test_what_another_host_took_in_since_the_last_step_is_judged_by_the_one_that_judges(
    hosts: tuple[Host, Host],
) -> None:
    core, other = hosts
    core.hear(MNS[0], range(12), 30.0)
    core.go(START + timedelta(minutes=5))
    other.hear(MNS[1], range(12), 90.0)
    other.go(START + timedelta(minutes=61))
    brought = core.go(START + timedelta(minutes=65)).taken
    assert (set(brought.readings["device"]), brought.readings.height) == ({MNS[1]}, 12)
    assert set(brought.hours["site"]) >= {"station:2"}
    assert core.loop.ingest.recent is not None  # what the next checks of neighbours and of runs look at
    assert core.loop.ingest.recent.filter(pl.col("device") == MNS[1]).height == 12
    core.go(START + timedelta(minutes=75))
    assert {"station:1", "station:2"} <= sites(core.store)
    assert other.store.records.count("verdict") == 0
    assert core.go(START + timedelta(minutes=80)).taken.readings.is_empty()


def test_hours_that_another_host_averaged_while_none_judged_are_judged_after_the_start(
    hosts: tuple[Host, Host],
) -> None:
    core, other = hosts
    core.go(START + timedelta(minutes=5))
    other.hear(MNS[1], range(12), 90.0)
    other.go(START + timedelta(minutes=61))
    core.begin()
    brought = core.go(START + timedelta(minutes=75)).taken
    assert (brought.readings.height, set(brought.hours["site"])) == (0, {"station:2"})
    assert "station:2" in sites(core.store)


def test_whose_frames_another_host_heard_and_what_devices_said_there_is_known_where_the_city_is_judged(
    hosts: tuple[Host, Host],
) -> None:
    core, other = hosts
    core.go(START + timedelta(minutes=5))
    other.hear(MNS[1], range(12), 90.0)
    at = START + timedelta(minutes=60)
    started = encode(
        "2081", MNS[1], [[("DataTime", stamp(at))], [("RestartTime", stamp(at))]], qn=f"{stamp(at)}001", st="22"
    )
    journal(other.home, [(started, at, "known")], other.gateway)
    other.go(START + timedelta(minutes=61))
    brought = core.go(START + timedelta(minutes=65)).taken
    assert ({one.mn for one in brought.arrivals}, len(brought.arrivals)) == ({MNS[1]}, 13)
    assert [(mn, note.kind) for mn, note in brought.notes] == [(MNS[1], "start_up")]
    assert [(mn, note.kind) for mn, note in core.loop.ingest.told()] == [(MNS[1], "start_up")]
    (spell,) = spells_of(core.store.records, MNS[1])
    assert (spell.peer, spell.frames, spell.first, spell.last) == ("10.0.0.1", 13, START, at)
    core.begin()  # a new process knows it already
    assert not core.go(START + timedelta(minutes=70)).taken.arrivals
    (spell,) = spells_of(core.store.records, MNS[1])
    assert spell.frames == 13
    assert not spells_of(other.store.records, MNS[1])


def test_a_judge_that_died_before_its_step_ended_is_told_again(hosts: tuple[Host, Host]) -> None:
    core, other = hosts
    core.go(START + timedelta(minutes=5))
    other.hear(MNS[1], range(12), 90.0)
    other.go(START + timedelta(minutes=61))
    core.loop.take(START + timedelta(minutes=62))
    core.begin()
    assert len(core.go(START + timedelta(minutes=65)).taken.arrivals) == 12


def test_a_judge_that_was_away_is_given_what_others_stored_slice_by_slice(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    core, other = hosts
    core.go(START + timedelta(minutes=5))
    ends = []
    for hour_ in range(3):
        other.hear(MNS[1], range(12 * hour_, 12 * hour_ + 12), 90.0)
        other.go(START + timedelta(minutes=61 + 60 * hour_))
        ends.append(datetime.now(UTC))
    core.begin()
    seen = []
    for number, until in enumerate(ends):
        taken = core.loop.take(START + timedelta(minutes=65 + 60 * number), until)
        seen.append((taken.readings.height, len(taken.arrivals)))
    assert seen == [(12, 12)] * 3
    assert core.loop.take(START + timedelta(hours=4), None).readings.is_empty()


def test_after_a_time_that_the_lake_no_longer_remembers_the_hours_of_a_day_are_judged(
    hosts: tuple[Host, Host],
) -> None:
    core, other = hosts
    other.hear(MNS[1], range(12), 90.0)
    other.go(START + timedelta(minutes=61))
    core.store.records.set_state(FOLLOWED, to_json(10_000))
    core.begin()
    core.go(START + timedelta(minutes=75))
    assert "station:2" in sites(core.store)


def test_a_site_whose_loggers_speak_to_two_hosts_has_one_hour_of_all_its_minutes(hosts: tuple[Host, Host]) -> None:
    core, other = hosts
    core.hear(MNS[0], range(6), 30.0)
    other.hear("MN0004", range(6, 12), 60.0)  # the second logger of station 1
    core.go(START + timedelta(minutes=30))
    other.go(START + timedelta(minutes=60, seconds=20))
    core.go(START + timedelta(minutes=65))
    hours = core.store.series.hours(["station:1"]).filter(pl.col("basis") == "minutes")
    assert (hours["value"].to_list(), hours["count"].to_list()) == ([45.0], [12])


def test_only_what_others_stored_is_told_once_also_after_the_files_were_merged(
    lake_address: LakeAddress,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bihuan.store.lake.INLINED", 50)
    mine, theirs = (LakeStore(replace(lake_address, host=name)) for name in ("a", "b"))

    def added(since: int | None) -> Any:
        with mine.exclusive():
            return mine.added(since)

    before = added(None).upto
    mine.append(many(9, 0))
    theirs.append(many(9, 1), hours=hour())
    theirs.append(many(2, 2))  # into the catalog itself
    theirs.append(many(9, 1).head(7).with_columns(value=pl.lit(0.5)))
    mine.append(many(9, 3))
    found = added(before)
    assert found.whole and found.hours["site"].to_list() == ["station:1"]
    assert found.readings.height == 90 + 20
    assert found.readings.filter(pl.col("value") == 0.5).height == 7
    mine.resort(T0 + timedelta(days=1))
    mine.tidy()
    again = added(before)
    assert again.readings.equals(found.readings) and again.hours.equals(found.hours)
    assert added(again.upto).readings.is_empty()
    theirs.flag(theirs.readings().head(3).with_columns(quality=pl.lit("suspect"), reason=pl.lit("jump")))
    assert added(again.upto).readings["quality"].to_list() == ["suspect"] * 3
    mine.close()
    theirs.close()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_server_judges_what_a_separate_host_takes_in_while_both_run(
    catalog: Server,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Real processes; the hour before this one is sent to the host that only takes in, after the core has begun."""
    catalog.start()
    core, other = tmp_path / "a", tmp_path / "b"
    lake(core, catalog, "ga")
    lake(other, catalog, "gb")
    with serving(core), serving(other, "--role", "ingest") as (_, _, devices):
        ready = [home / f"journal/{name}1/status.json" for home, name in ((core, "ga"), (other, "gb"))]
        wait_until("gateways", lambda: all(path.exists() for path in ready))
        send(other, devices, range(12), MNS[:2])
        told = Path(core, "status.json")
        wait_until("judged", lambda: _verdicts(told) > 0, 700.0)
    assert _verdicts(Path(other, "status.json")) == 0


def _verdicts(status: Path) -> int:
    try:
        return int(json.loads(status.read_bytes())["store"]["records"]["verdict"])
    except (OSError, ValueError, KeyError):
        return 0
