"""Servers of a lake as processes: one waits for a catalog that is away, others only take in or only listen."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.app.doctor import examine
from bihuan.app.hosts import role_of
from bihuan.app.settings import Settings
from bihuan.core import SettingError
from bihuan.store import JournalReader, LakeAddress, LakeStore
from tests.app.small import MNS, command, environment, minute_frame, read_json, run, settle
from tests.app.small import wait_until as wait_until_soon
from tests.store.conftest import postgresql  # noqa: F401  # a fixture
from tests.store.postgres import Server, free_port

pytestmark = pytest.mark.timeout(900)  # servers beside a database, on a machine that may be busy
BEGIN = datetime(2026, 3, 10, 16, tzinfo=UTC)


def wait_until(said: str, done: Any, seconds: float = 300.0) -> None:
    """Wait longer than elsewhere: a server starts beside a database that starts."""
    wait_until_soon(said, done, seconds)


@pytest.fixture
def catalog(postgresql: str) -> Iterator[Server]:  # noqa: F811  # makes PostgreSQL's user, or skips
    server = Server()
    yield server
    server.remove()


def lake(home: Path, server: Server, prefix: str = "g") -> None:
    """Let a home keep its observations in the lake of a server."""
    settle(home)
    words = {
        "series": "lake", "lake_catalog": server.address, "lake_data": str(home.parent / "shared"),
        "lake_schema": "city", "gateway_prefix": prefix, "loop_seconds": 1,
    }  # fmt: skip
    (home / "bihuan.toml").write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in words.items()))


def asked(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """What a probe gets; status 0 where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, json.loads(problem.read())
    except OSError:
        return 0, {}


@contextmanager
def serving(home: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """A server, its port for pages and probes, and that of devices."""
    home.mkdir(parents=True, exist_ok=True)
    port, devices = free_port(), free_port()
    with (home / "server.log").open("a") as said:
        process = subprocess.Popen(
            command("serve", "--port", str(port), "--hj212-port", str(devices), *words),
            env=environment(home), stderr=said, text=True,
        )  # fmt: skip
        try:
            yield process, port, devices
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert process.returncode == 0, (home / "server.log").read_text()


def send(home: Path, port: int, minutes: range, mns: tuple[str, ...] = MNS) -> int:
    """Send reports, and see every one acknowledged."""
    frames = [minute_frame(mn, BEGIN + timedelta(minutes=5 * n), 30.0 + n % 5, n) for n in minutes for mn in mns]
    file = home / "frames.txt"
    file.write_bytes(b"".join(frames))
    said = run(home, "send", str(file), "--to", f"127.0.0.1:{port}").stdout
    assert f"acknowledged {len(frames)}" in said, said
    return len(frames)


def stored(server: Server, home: Path) -> int:
    """Rows that a reader of the lake sees, each key once."""
    store = LakeStore(LakeAddress(server.address, str(home.parent / "shared"), "city"), threads=1)
    try:
        rows = store.readings()
        assert not rows.select("device", "pollutant", "stat", "interval", "start").is_duplicated().any()
        return rows.height
    finally:
        store.close()


def test_a_server_that_starts_while_the_catalog_is_away_waits_says_so_and_goes_on(
    catalog: Server, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    lake(home, catalog)
    with serving(home) as (process, port, devices):
        wait_until("the probe", lambda: asked(port, "/readyz")[0] == 503)
        assert asked(port, "/healthz") == (200, {"status": "ok"})
        told = asked(port, "/readyz")[1]
        assert (told["ready"], told["marks"]["catalog"]) == (False, "wrong")
        assert told["trouble"].startswith("catalog_away: the catalog of the lake city")
        assert asked(port, "/api/overview")[0] == 503
        wait_until("a gateway", lambda: read_json(home / "journal/g1/status.json").get("pid", 0) > 0)
        sent = send(home, devices, range(20))
        wait_until("status", lambda: read_json(home / "status.json").get("pid") == process.pid)
        assert any("catalog_away" in finding for finding in examine(home).findings)
        catalog.start()
        wait_until("the server", lambda: asked(port, "/readyz")[1].get("marks", {}).get("gateways") == "ok")
        sent += send(home, devices, range(20, 25))
        wait_until("taken in", lambda: stored(catalog, home) == sent)
        wait_until("ready", lambda: asked(port, "/readyz")[0] == 200)
    assert sum(1 for _ in JournalReader(home / "journal").follow("g1")) == sent


@pytest.mark.long
def test_a_server_that_waits_can_be_stopped(catalog: Server, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lake(home, catalog)
    with serving(home) as (_, port, devices):
        wait_until("the probe", lambda: asked(port, "/readyz")[0] == 503)
        wait_until("a gateway", lambda: read_json(home / "journal/g1/status.json").get("pid", 0) > 0)
        sent = send(home, devices, range(3))
    assert read_json(home / "journal/g1/status.json")["pid"] == 0
    assert sum(1 for _ in JournalReader(home / "journal").follow("g1")) == sent


@pytest.mark.long
def test_two_hosts_that_only_take_in_fill_one_lake_and_judge_nothing(catalog: Server, tmp_path: Path) -> None:
    catalog.start()
    homes = tmp_path / "a", tmp_path / "b"
    for home, prefix in zip(homes, ("ga", "gb"), strict=True):
        lake(home, catalog, prefix)
    with (
        serving(homes[0], "--role", "ingest") as (_, first, one),
        serving(homes[1], "--role", "ingest") as (_, second, other),
    ):
        for port in (first, second):
            wait_until("ready", lambda port=port: asked(port, "/readyz")[0] == 200)
        assert asked(first, "/readyz")[1]["role"] == "ingest" and asked(first, "/")[0] == 503
        for home in homes:
            wait_until(
                "gateways", lambda home=home: read_json(next(home.glob("journal/g?1/status.json"), home)).get("pid", 0)
            )
        send(homes[0], one, range(10), MNS[:2])
        send(homes[1], other, range(5, 15), MNS[1:])  # the logger in the middle speaks to both
        wait_until("taken in", lambda: stored(catalog, homes[0]) == 10 + 15 + 10 * (len(MNS) - 2))
        catalog.stop()
        wait_until("away", lambda: asked(first, "/readyz")[0] == 503)
        assert asked(first, "/readyz")[1]["trouble"].startswith("catalog_away")
        send(homes[0], one, range(20, 25), MNS[:1])
        catalog.start()
        wait_until("taken in", lambda: stored(catalog, homes[0]) == 10 + 15 + 10 * (len(MNS) - 2) + 5)
    for home in homes:
        state = read_json(home / "status.json")
        assert (state["role"], state["store"]["records"]["verdict"]) == ("ingest", 0)
        assert not (home / "server.json").exists()
    assert examine(homes[0]).facts["server"]["running"] is False


def test_a_host_that_only_listens_fills_the_journal_that_a_core_elsewhere_reads(tmp_path: Path) -> None:
    core, door = tmp_path / "core", tmp_path / "door"
    settle(core)
    door.mkdir()
    (core / "journal").mkdir(exist_ok=True)
    (door / "journal").symlink_to(core / "journal")  # a share, in life
    (core / "bihuan.toml").write_text("loop_seconds = 1\n")
    (door / "bihuan.toml").write_text(
        f'role = "gateway"\ngateway_prefix = "gx"\ndevices_file = {json.dumps(str(core / "devices.json"))}\n'
    )
    with serving(door) as (_, probe, devices):
        wait_until("ready", lambda: asked(probe, "/readyz")[0] == 200)
        early = send(door, devices, range(2))  # before any core has ever run: all wait to be claimed
        with serving(core) as (_, port, _):
            wait_until("the core", lambda: asked(port, "/readyz")[0] == 200)
            wait_until("the loggers", (door / "devices.json").exists)
            sent = early + send(door, devices, range(2, 10))
            wait_until(
                "taken in",
                lambda: read_json(core / "status.json").get("store", {}).get("ingest", {}).get("frames") == sent,
            )
            counts = examine(core).facts["counts"]
            assert (counts["frames_acknowledged"], counts["readings"]) == (sent, sent)
    assert not (door / "series.duckdb").exists() and not (door / "records.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "said"), [({"role": "core"}, "all, ingest, gateway"), ({"role": "ingest"}, "series = 'lake'")]
)
def test_a_role_that_cannot_be_is_refused_with_what_can(words: dict[str, str], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        role_of(Settings(words))
