"""The real server: devices in, readings and status out, a clean stop, and kill -9 at random moments."""

import asyncio
import json
import os
import random
import signal
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bihuan.app.doctor import examine
from bihuan.app.explain import explain_ref
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.serve import Server
from bihuan.app.settings import Settings
from bihuan.app.supervision import Gateways, alive, settled_port
from bihuan.core import CHINA, DiskFull, SettingError, StoreLocked, floor_to, iso, parse_instant
from bihuan.devices.hj212 import envelope
from bihuan.store import Home, Journal, JournalReader, open_store
from tests.app.small import (
    MNS,
    STRANGER,
    day_of_frames,
    journal,
    minute_frame,
    read_json,
    run,
    serving,
    settle,
    wait_until,
)

ROUNDS = [3, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]


def recent_frames(count: int = 20) -> list[bytes]:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    return [
        minute_frame(mn, now - timedelta(minutes=5 * number), 30.0 + number % 5, number)
        for number in range(1, count + 1)
        for mn in (*MNS, STRANGER)
    ]


def test_a_server_takes_frames_tells_its_state_and_stops_cleanly(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settle(home)
    with serving(home, "--gateways", "2") as (process, port):
        file = tmp_path / "frames.txt"
        file.write_bytes(b"".join(recent_frames()))
        assert run(home, "send", str(file), "--to", f"127.0.0.1:{port}").stdout.startswith("sent 80  acknowledged 80")
        wait_until(
            "taken in", lambda: read_json(home / "status.json").get("store", {}).get("ingest", {}).get("frames") == 80
        )
        wait_until("counted", lambda: examine(home).facts["counts"]["frames_received"] == 80)
        told = json.loads(run(home, "doctor", "--json").stdout)
        assert told["healthy"], told["findings"]
        assert (told["server"]["pid"], told["server"]["hj212_port"]) == (process.pid, port)
        assert told["store"]["told_by"] == "server"
        counts = told["counts"]
        assert [counts[f"frames_{name}"] for name in ("received", "acknowledged", "quarantined")] == [80, 80, 20]
        assert (counts["readings"], told["unclaimed"], told["lag"]) == (60, {STRANGER: 20}, {"frames": 0})
        with pytest.raises(StoreLocked, match=f"a running server owns the store.*{process.pid}"):
            explain_ref(home, "case:1")
        one = told["server"]["gateways"]["g1"]["pid"]
        os.kill(one, signal.SIGKILL)  # a gateway that dies comes back
        wait_until("a new gateway", lambda: read_json(home / "journal/g1/status.json").get("pid", one) not in (one, 0))
    assert process.returncode == 0
    assert not (home / "server.json").exists()
    told = examine(home).as_dict()
    assert (told["healthy"], told["server"]["running"], told["counts"]["readings"]) == (True, False, 60)
    assert told["unclaimed"] == {STRANGER: 20}
    assert not any(alive(read_json(home / f"journal/{name}/status.json")["pid"]) for name in ("g1", "g2"))
    lines = [json.loads(line) for line in (home / "server.log").read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert lines[-1]["message"] == "stopped"


async def load(port: int, first: int, answered: set[tuple[str, str]], ended: threading.Event) -> None:
    """Send old minutes over three lines until the server is gone; note every answer."""
    start = datetime(2026, 1, 1, tzinfo=UTC)

    async def line(mn: str) -> None:
        number, writer = first, None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while not ended.is_set():
                frames = [
                    minute_frame(mn, start + timedelta(minutes=n), n % 500 / 4, n) for n in range(number, number + 5)
                ]
                writer.write(b"".join(frames + frames[:1]))  # one of five comes twice
                number += 5
                waiting = 6
                while waiting:
                    head = envelope(await reader.readuntil(b"\r\n"))
                    if head.cn == "9014":  # the core may also ask for what is missing: that is no answer
                        answered.add((head.mn, head.qn))
                        waiting -= 1
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            if writer is not None:
                writer.close()

    await asyncio.gather(*(line(mn) for mn in MNS))


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_killed_core_loses_nothing_and_doubles_nothing(tmp_path: Path, rounds: int) -> None:
    home = tmp_path / "home"
    settle(home)
    chance = random.Random(rounds)
    answered: set[tuple[str, str]] = set()
    for round_ in range(rounds):
        ended = threading.Event()
        with serving(home, kill=True) as (process, port):
            work = threading.Thread(target=asyncio.run, args=(load(port, round_ * 10_000, answered, ended),))
            work.start()
            time.sleep(chance.uniform(0.3, 2.5))
            process.kill()
            time.sleep(0.2)
            ended.set()
            work.join()
    assert len(answered) > 20 * rounds
    wait_until("the last gateway ends", lambda: not alive(read_json(home / "journal/g1/status.json")["pid"]))
    Journal(home / "journal", "g1").close()
    recovered = [envelope(record.raw) for record in JournalReader(home / "journal").follow("g1")]
    assert answered <= {(head.mn, head.qn) for head in recovered}
    with open_store(home, create=False, threads=1) as store:
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), datetime.now(UTC))
        while loop.take(datetime.now(UTC)).frames:
            pass
        assert store.series.consumed()["g1"] == store.journal.end("g1")
        rows = store.series.readings()
        assert not rows.select("device", "pollutant", "stat", "interval", "start").is_duplicated().any()
        assert rows.height == len({(head.mn, head.qn) for head in recovered})
        assert rows["revision"].unique().to_list() == [1]
        assert not store.series.hours().select("site", "pollutant", "stat", "basis", "start").is_duplicated().any()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingError, match=f"cannot listen for devices on 127.0.0.1:{port}"):
            settled_port("127.0.0.1", port)
        said = run(tmp_path / "home", "serve", "--hj212-port", str(port), code=2).stderr
    assert any(line.startswith("bihuan: cannot listen for devices") for line in said.splitlines())
    assert settled_port("127.0.0.1", 0) > 0


# -- the core alone, by the hand of a clock --------------------------------------------------------------------------


class HandClock:
    """A clock that only this test moves."""

    def __init__(self, now: datetime) -> None:
        self.at, self.seconds = now, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def go(self, seconds: float, jump: float = 0.0) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds + jump)

    async def wait_until(self, instant: datetime) -> None:
        self.at = max(self.at, instant)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A core whose rounds are taken one by one, without gateways."""
    settle(tmp_path / "home")
    monkeypatch.setattr(Gateways, "start", lambda self: None)
    clock = HandClock(datetime(2026, 3, 1, 16, 2, tzinfo=UTC))
    with open_store(tmp_path / "home", threads=1) as store:
        server = Server(store, Settings({"loop_seconds": 5}), clock)
        steps: list[datetime] = []
        real = Loop.step

        def step(loop: Loop, now: datetime, until: datetime | None = None) -> Any:
            outcome = real(loop, now, until)
            steps.append(now)
            return outcome

        monkeypatch.setattr(Loop, "step", step)

        def rounds(count: int = 1) -> None:
            left = [count]

            def wait(_: float) -> bool:
                left[0] -= 1
                return left[0] < 0

            server.run(SimpleNamespace(wait=wait, is_set=lambda: False))  # type: ignore[arg-type]

        yield SimpleNamespace(
            server=server, clock=clock, store=store, steps=steps, rounds=rounds, home=tmp_path / "home"
        )


def test_the_loop_steps_on_whole_ticks_and_catches_up(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.rounds()
    assert lab.steps == [floor_to(lab.clock.at, TICK)]
    lab.clock.go(20 * 60)
    monkeypatch.setattr("bihuan.app.serve.CATCH_UP", timedelta(hours=1))
    lab.rounds()
    first = floor_to(lab.clock.at, TICK) - 3 * TICK
    assert lab.steps[1:] == [first + number * TICK for number in range(4)]
    lab.clock.go(60)
    lab.rounds()
    assert len(lab.steps) == 5
    lab.clock.go(3 * 86400)
    lab.rounds()
    assert lab.steps[5] == floor_to(lab.clock.at, TICK) - timedelta(hours=1)
    assert lab.steps[-1] == floor_to(lab.clock.at, TICK)


def test_a_loop_that_catches_up_sees_each_tick_as_it_was(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.rounds()
    frames = day_of_frames(lab.clock.at.replace(minute=0), 1)
    journal(lab.home, frames)
    seen = []
    real = Loop.take

    def take(loop: Loop, now: datetime, until: datetime | None = None) -> Any:
        taken = real(loop, now, until)
        seen.append((now, taken.frames))
        return taken

    monkeypatch.setattr(Loop, "take", take)
    lab.clock.go(60 * 60)
    lab.rounds()
    behind = {now: count for now, count in seen if count and now < floor_to(lab.clock.at, TICK)}
    assert set(behind.values()) == {4}
    assert sum(count for _, count in seen) == len([frame for frame in frames if frame[1] <= lab.clock.at])
    assert lab.store.series.readings().height > 0


def test_a_clock_that_jumps_is_noticed_and_never_steps_twice(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("bihuan.app.serve.log.warning", lambda text, *values: said.append(text % values))
    turns = iter([(10, 0), (10, -3600), (10, 0), (10, 3600 + 300)])

    def watch(_: Gateways) -> None:
        lab.clock.go(*next(turns))

    monkeypatch.setattr(Gateways, "watch", watch)
    lab.rounds(4)
    assert [line.partition(" s;")[0].removesuffix(" s") for line in said] == [
        "the clock of this machine was set by -3600.0",
        "the clock of this machine was set by +3900.0",
    ]
    assert "the loop waits until it is past" in said[0]
    assert lab.steps == sorted(set(lab.steps))
    assert len(lab.steps) == 2
    assert read_json(lab.home / "status.json")["clock_jumps"] == 2


def test_a_full_disk_stops_the_loop_not_the_server_and_it_goes_on_by_itself(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal(lab.home, day_of_frames(datetime(2026, 3, 1, 14, tzinfo=UTC), 1))
    real = type(lab.store.series).append
    troubles = []

    def full(*_: Any, **__: Any) -> Any:
        raise DiskFull("no room left on the disk")

    def watch(_: Gateways) -> None:
        troubles.append(lab.server.troubles.now)
        monkeypatch.setattr(type(lab.store.series), "append", full if len(troubles) < 4 else real)
        lab.clock.go(6)

    monkeypatch.setattr(Gateways, "watch", watch)
    lab.rounds(6)
    assert troubles == ["", "disk_full", "disk_full", "disk_full", "", ""]
    assert lab.store.series.readings().height == 3 * 13
    assert lab.steps


def test_a_fault_of_the_loop_is_told_and_tried_again(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = Loop.step

    def step(loop: Loop, now: datetime, until: datetime | None = None) -> Any:
        calls.append(now)
        if len(calls) == 1:
            raise ZeroDivisionError("a fault")
        return real(loop, now, until)

    monkeypatch.setattr(Loop, "step", step)
    monkeypatch.setattr(Gateways, "watch", lambda _: lab.clock.go(6))
    lab.rounds(3)
    assert len(set(calls)) == 1 and len(calls) == 2
    status = read_json(lab.home / "status.json")
    assert (status["failures"], status["trouble"], status["pid"]) == (1, "", 0)
    assert parse_instant(status["store"]["watermark"]) == calls[0]


def test_what_a_killed_core_had_stored_and_not_judged_is_judged_after_the_start(lab: Any) -> None:
    lab.rounds()
    journal(lab.home, day_of_frames(datetime(2026, 3, 1, 15, tzinfo=UTC), 1))
    lab.server._loop.take(lab.clock.at)  # stored, and then the process dies before its step
    lab.clock.go(15 * 60)
    assert lab.store.records.count("verdict") == 0
    lab.rounds()
    hours = {row.start for row in lab.store.records.find("verdict")}
    assert hours == {datetime(2026, 3, 1, 15, tzinfo=UTC)}


def test_an_hour_whose_logger_fell_silent_is_averaged_all_the_same(lab: Any) -> None:
    start = datetime(2026, 3, 1, 16, tzinfo=UTC)
    minutes = [minute_frame(MNS[0], start + timedelta(minutes=5 * number), 30.0, number) for number in range(10)]
    journal(lab.home, [(raw, start, "known") for raw in minutes])
    lab.rounds()
    assert lab.store.series.hours(["station:1"]).is_empty()
    lab.clock.go(65 * 60)
    lab.rounds()
    hours = lab.store.series.hours(["station:1"])
    assert (hours["start"].to_list(), hours["value"].to_list()) == ([start], [30.0])


def test_the_devices_file_follows_the_register(lab: Any) -> None:
    lab.rounds()
    assert set(read_json(Home(lab.home).devices)) == set(MNS)
    assert iso(lab.clock.at) >= read_json(lab.home / "status.json")["began"]
