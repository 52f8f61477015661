"""No process calls an outside host unless a setting says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from bihuan.app.city import City
from bihuan.app.gateway import write_devices
from bihuan.app.rig import CityRun
from bihuan.register import Device, Register

SOURCE = Path(__file__).parents[2] / "src"
GUARD = """
import os, sys

def watch(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"):
        with open(os.environ["CALLS"], "a") as file:
            print(event, *(repr(arg) for arg in args[-2:] if not hasattr(arg, "fileno")), file=file)

sys.addaudithook(watch)
"""


def calls_of(folder: Path, command: list[str], until: str, seconds: float = 60.0) -> list[str]:
    """Run a process under an audit hook, end it with Ctrl-C once a word shows up, and return every call it made."""
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD, "utf-8")
    calls = folder / "calls"
    calls.touch()
    path = os.pathsep.join((str(folder / "guard"), str(SOURCE)))
    environment = {**os.environ, "PYTHONPATH": path, "CALLS": str(calls), "BIHUAN_HOME": str(folder)}
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(command, env=environment, cwd=folder, stdout=said, stderr=subprocess.STDOUT) as process,
    ):
        end = time.monotonic() + seconds
        while until not in calls.read_text("utf-8") and process.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    return calls.read_text("utf-8").splitlines()


def test_a_gateway_only_listens_and_only_on_this_machine(tmp_path: Path) -> None:
    write_devices(tmp_path / "devices.json", Register([Device(id="MN1", name="", site="station:1")]), date(2026, 1, 1))
    calls = calls_of(tmp_path, [sys.executable, "-m", "bihuan.app.gateway", "--port", "0"], "socket.bind")
    assert any(call.startswith("socket.bind") for call in calls), (tmp_path / "said").read_text("utf-8")
    assert {call for call in calls if "127.0.0.1" not in call} == set()
    assert not [call for call in calls if call.startswith(("socket.connect", "socket.sendto"))]


def test_the_guard_sees_a_call(tmp_path: Path) -> None:
    """A guard that could not fail would prove nothing."""
    program = "import socket; s = socket.socket(); s.settimeout(0.1); s.connect_ex(('192.0.2.1', 9))"
    calls = calls_of(tmp_path, [sys.executable, "-c", program], "socket.connect", seconds=10)
    assert any("192.0.2.1" in call for call in calls)


def test_a_city_that_goes_the_whole_way_calls_nobody(tmp_path: Path) -> None:
    """The guard of the test suite would fail this run; the city has smtp and webhook unset."""
    with CityRun(City(3, 1), tmp_path) as run:
        assert len(list(run.ticks())) == 12


@pytest.mark.parametrize("address", ["192.0.2.1", "example.org"])
def test_the_guard_of_the_suite_stops_a_call(address: str) -> None:
    import socket

    with pytest.raises(AssertionError, match="outside host"), socket.create_connection((address, 80), 0.1):
        pass
