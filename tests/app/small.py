"""A city of two stations and a stack, and what its loggers send: for the tests of commands and of the server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bihuan.core import CHINA, Place
from bihuan.devices.hj212 import encode
from bihuan.register import Cell, Device, District, Fact, Outlet, PermitLimit, Station
from bihuan.store import Journal, encode_entry, open_store

MNS = ("MN0001", "MN0002", "MN0003")
STRANGER = "MN0009"


def facts() -> list[Fact]:
    place = Place(113.6, 34.7)
    return [
        Cell(id="4101", name="合成市", level=1, district="410100", centre=place),
        District(id="410102", name="合成区"),
        Station(id="1", name="一号", kind="national", place=place, district="410102"),
        Station(id="2", name="二号", kind="city", place=Place(113.7, 34.8), district="410102"),
        Outlet(
            id="DA001",
            name="一号排口",
            enterprise="E1",
            place=place,
            district="410102",
            medium="air",
            limits=(PermitLimit("so2", 50.0, "hour"),),
        ),
        Device(id=MNS[0], name="", site="station:1", rhythm={"minute": 300}),
        Device(id=MNS[1], name="", site="station:2", rhythm={"minute": 300}),
        Device(id=MNS[2], name="", site="outlet:DA001", rhythm={"minute": 600}),
    ]


def settle(home: Path) -> None:
    """Make a store with that register."""
    with open_store(home, threads=1) as store:
        store.records.save_facts(facts())


def stamp(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def minute_frame(mn: str, start: datetime, value: float, number: int, pw: str = "123456") -> bytes:
    """A minute mean of PM2.5, or of SO2 at the stack."""
    code = "a21026" if mn == MNS[2] else "a34004"
    groups = [[("DataTime", stamp(start))], [(f"{code}-Avg", f"{value}"), (f"{code}-Flag", "N")]]
    return encode("2051", mn, groups, qn=f"{stamp(start)}{number % 1000:03d}", st="22", pw=pw)


def hour_frame(mn: str, start: datetime, value: float) -> bytes:
    code = "a21026" if mn == MNS[2] else "a34004"
    groups = [[("DataTime", stamp(start))], [(f"{code}-Avg", f"{value}"), (f"{code}-Flag", "N")]]
    return encode("2061", mn, groups, qn=f"{stamp(start)}999", st="22")


def journal(home: Path, frames: list[tuple[bytes, datetime, str]], gateway: str = "g1") -> list[str]:
    """Write frames with the time they came and their status, as a gateway does."""
    writer = Journal(home / "journal", gateway)
    try:
        return writer.append([encode_entry(raw, came, "10.0.0.1:4001", status) for raw, came, status in frames])  # type: ignore[arg-type]
    finally:
        writer.close()


def day_of_frames(start: datetime, hours: int) -> list[tuple[bytes, datetime, str]]:
    """Minutes each five minutes and the hours of three known loggers and one stranger."""
    frames: list[tuple[bytes, datetime, str]] = []
    for number in range(hours * 12):
        at = start + timedelta(minutes=5 * number)
        came = at + timedelta(minutes=5, seconds=3)
        value = 35 + number % 7
        frames += [(minute_frame(mn, at, value, number), came, "known") for mn in MNS]
        frames.append((minute_frame(STRANGER, at, value, number), came, "unknown"))
        if number % 12 == 11:
            hour = at - timedelta(minutes=55)
            frames += [(hour_frame(mn, hour, 38.0), came + timedelta(seconds=20), "known") for mn in MNS]
    return frames


def run(home: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    done = subprocess.run(command(*words), env=environment(home), capture_output=True, text=True, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from bihuan.app.cli import main; main()", *words]


def environment(home: Path) -> dict[str, str]:
    return os.environ | {
        "BIHUAN_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "BIHUAN_LOOP_SECONDS": "1",
        "PYTHONFAULTHANDLER": "1",
    }


@contextmanager
def serving(home: Path, *words: str, kill: bool = False) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server of its own and its port, once devices may come; stopped by SIGTERM, or killed, at the end."""
    said = (home / "server.log").open("a") if home.is_dir() else subprocess.DEVNULL
    process = subprocess.Popen(
        command("serve", "--port", "0", "--hj212-port", "0", *words), env=environment(home), stderr=said, text=True
    )
    try:
        yield process, wait_for_port(home, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        process.wait(30)
        if said is not subprocess.DEVNULL:
            said.close()  # type: ignore[union-attr]


def wait_for_port(home: Path, process: subprocess.Popen[str]) -> int:
    deadline = time.monotonic() + 600  # a machine may be busy
    while time.monotonic() < deadline:
        address = read_json(home / "server.json")
        if address.get("pid") == process.pid:
            return int(address["hj212_port"])
        assert process.poll() is None, (home / "server.log").read_text()
        time.sleep(0.05)
    process.send_signal(signal.SIGABRT)  # its log then ends with where it stood
    process.wait(30)
    raise AssertionError((home / "server.log").read_text())


def wait_until(said: str, done: Any, seconds: float = 120.0) -> None:
    """Look again and again whether something has come about."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


def read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    assert isinstance(found, dict)
    return found
