"""kill -9 at any moment: what was acknowledged is in the journal, and comes into the series once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.app.gateway import read_status, send_frames, serve
from bihuan.devices.hj212 import encode, envelope
from bihuan.store import START, Journal, encode_entry, open_store
from tests.app.gateways import frame, journalled
from tests.app.killed import core_process, doomed, gateway_process, register_devices, take

ROUNDS = [3, pytest.param(50, marks=pytest.mark.long)]
T0 = datetime(2026, 1, 31, 16, tzinfo=UTC)


async def load_until_killed(port: int, first: int, after: float, kill: Callable[[], None]) -> set[tuple[str, str]]:
    """Send over eight lines, kill the gateway in the middle of it, return MN and QN of every answer that came."""
    answered: set[tuple[str, str]] = set()

    async def line(mn: str, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(b"".join(frame(number + n, mn) for n in range(5)))
                number += 5
                for _ in range(5):
                    head = envelope(await reader.readuntil(b"\r\n"))
                    answered.add((head.mn, head.qn))
        finally:
            writer.close()

    lines = [asyncio.create_task(line(f"MN{n:04d}", first + n * 100_000)) for n in range(8)]
    await asyncio.sleep(after)
    kill()
    ends = await asyncio.gather(*lines, return_exceptions=True)
    assert all(isinstance(end, (OSError, asyncio.IncompleteReadError)) for end in ends)
    return answered


@pytest.mark.parametrize("rounds", ROUNDS)
def test_what_a_killed_gateway_had_acknowledged_is_in_its_journal(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    register_devices(tmp_path)
    answered: set[tuple[str, str]] = set()
    for round_ in range(rounds):
        with doomed(gateway_process, tmp_path) as (port, kill):
            work = load_until_killed(port, round_ * 1_000_000, chance.uniform(0.1, 0.4), kill)
            answered |= asyncio.run(work)
    Journal(tmp_path / "journal", "g1").close()
    recovered = {(head.mn, head.qn) for head in (envelope(record.raw) for record in journalled(tmp_path))}
    assert len(answered) > 50 * rounds
    assert answered <= recovered
    assert len(list((tmp_path / "journal" / "g1").glob("*.log*"))) > 1


def minute_frame(number: int) -> bytes:
    """A minute mean whose value tells its number."""
    stamp = (T0 + timedelta(hours=8, minutes=number)).strftime("%Y%m%d%H%M%S")
    groups = [[("DataTime", stamp)], [("a34004-Avg", f"{number % 500}.25"), ("a34004-Flag", "N")]]
    return encode("2051", "MN0001", groups, qn=f"20260201{number:09d}", st="22")


class Writing(threading.Thread):
    """Writes frames as a gateway does, every seventh sent twice, about a thousand a second, until told to stop."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.written = 0
        self.ended = threading.Event()
        self._home = home

    def run(self) -> None:
        journal = Journal(self._home / "journal", "g1", segment_bytes=30_000)
        while not self.ended.wait(0.01):
            first = self.written
            raws = [minute_frame(number) for number in range(first, first + 10)]
            again = [minute_frame(number) for number in range(max(0, first - 7), first + 10, 7)]
            journal.append([encode_entry(raw, T0 + timedelta(days=99), "10.0.0.1:1", "known") for raw in raws + again])
            self.written += 10
            if first % 500 == 0:
                journal.seal()
        journal.close()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_killed_core_brings_every_journalled_frame_into_the_series_once(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    writing = Writing(tmp_path)
    writing.start()
    seen = [START]
    try:
        for _ in range(rounds):
            with doomed(core_process, tmp_path) as (_, kill):
                time.sleep(chance.uniform(0.0, 0.15))
                kill()
            with open_store(tmp_path, threads=1) as store:
                seen.append(store.series.consumed()["g1"])
    finally:
        writing.ended.set()
        writing.join()
    count = writing.written
    assert seen == sorted(set(seen))
    with open_store(tmp_path, threads=1) as store:
        at = seen[-1]
        while (end := take(store, at, 5000)) != at:
            at = end
        assert at == store.journal.end("g1")
        rows = store.series.readings(interval="minute")
    assert rows["start"].to_list() == [T0 + timedelta(minutes=number) for number in range(count)]
    assert rows["value"].to_list() == [number % 500 + 0.25 for number in range(count)]
    assert rows.select(pl.col("revision").unique())["revision"].to_list() == [1]


def test_the_gateway_command_serves_and_stops_cleanly_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bihuan.app.gateway", "--home", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    port = int(process.stdout.readline().rsplit(":", 1)[1])
    report = asyncio.run(send_frames("127.0.0.1", port, [frame(number) for number in range(50)]))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    process.stdout.close()
    assert report.acknowledged == 50
    status = read_status(tmp_path / "journal", "g1")
    assert (status["frames_received"], status["frames_quarantined"], status["pid"]) == (50, 50, 0)
    assert len(journalled(tmp_path)) == 50


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--gateway", "No Good"], 2, "gateway name 'No Good' cannot be used"),
        (["--idle", "0"], 2, "limit idle of the gateway is 0"),
        (["--clock", "sundial"], 2, "clock 'sundial' is unknown"),
    ],
)
def test_the_gateway_command_names_a_setting_it_cannot_use(
    tmp_path: Path,
    arguments: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serve, "start_logging", lambda level: None)
    with pytest.raises(SystemExit) as ended:
        serve.main(["--home", str(tmp_path), "--port", "0", *arguments])
    assert ended.value.code == code
    assert said in capsys.readouterr().err
