"""One host of a lake judges the city: a second one is refused with a word, and takes over when the first one died."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bihuan.app.judging import JUDGED_ELSEWHERE, LEASE, SURE, Judging
from bihuan.app.serve import Server
from bihuan.app.settings import Settings
from bihuan.app.supervision import Gateways
from bihuan.core import CatalogAway, StoreLocked
from bihuan.store import LakeAddress, LakeHosts, open_store
from tests.app.small import command, environment, read_json, settle
from tests.app.test_serve import HandClock
from tests.app.test_several_hosts import asked, catalog, lake, serving, wait_until  # noqa: F401  # a fixture
from tests.store.conftest import lake_address, postgresql  # noqa: F401  # fixtures
from tests.store.postgres import Server as Catalog
from tests.store.postgres import free_port

NOW = datetime(2026, 3, 1, 16, 2, tzinfo=UTC)


@pytest.fixture
def board(lake_address: LakeAddress) -> Iterator[LakeHosts]:  # noqa: F811
    hosts = LakeHosts(lake_address)
    yield hosts
    hosts.close()


def test_the_second_home_is_refused_until_the_first_gives_it_back(board: LakeHosts) -> None:
    assert board.claim("a", "home-a", "host a", LEASE) is None
    other = board.claim("b", "home-b", "host b", LEASE)
    assert other is not None and other.name == "host a" and other.age < LEASE
    assert board.renew("a") and not board.renew("b")
    board.release("b")  # who does not have it takes it from nobody
    assert board.renew("a")
    board.release("a")
    assert board.claim("b", "home-b", "host b", LEASE) is None


def test_who_was_not_heard_for_longer_than_the_lease_has_lost_it_and_is_told_so(board: LakeHosts) -> None:
    assert board.claim("a", "home-a", "host a", LEASE) is None
    time.sleep(0.02)
    assert board.claim("b", "home-b", "host b", 0.01) is None
    assert not board.renew("a")
    held = board.holder()
    assert held is not None and held.name == "host b"


def test_a_process_that_begins_again_in_the_same_home_need_not_wait_for_the_one_that_was_killed(
    board: LakeHosts,
) -> None:
    assert board.claim("killed", "home-a", "host a", LEASE) is None
    assert board.claim("next", "home-a", "host a", LEASE) is None
    assert not board.renew("killed")


@pytest.fixture
def two(lake_address: LakeAddress) -> Iterator[Any]:  # noqa: F811
    """Two processes of two homes, each with a clock of its own."""
    clocks = HandClock(NOW), HandClock(NOW)
    made = [Judging(LakeHosts(lake_address), name, name, clock) for name, clock in zip(("a", "b"), clocks, strict=True)]
    yield SimpleNamespace(first=made[0], second=made[1], clocks=clocks)
    for one in made:
        one.end()


def test_the_refusal_says_who_judges_since_when_and_what_to_do(two: Any) -> None:
    two.first.claim()
    with pytest.raises(StoreLocked, match=r"judged by a since 20.*role = 'ingest'.*'gateway'.*60 s") as said:
        two.second.claim()
    assert "last heard 0 s ago" in str(said.value)


def test_a_holder_that_slept_asks_before_it_goes_on_and_stands_back_while_another_judges(two: Any) -> None:
    two.first.claim()
    two.first.hold()
    two.first._hosts.release(two.first._token)
    two.second.claim()
    two.first.hold()  # heard a moment ago: nobody else can have begun
    two.clocks[0].go(SURE + 1)
    with pytest.raises(StoreLocked, match="judged by b"):
        two.first.hold()
    two.second.end()
    two.first.hold()


def test_a_machine_whose_running_clock_stood_still_while_it_slept_asks_too(two: Any) -> None:
    two.first.claim()
    two.first._hosts.release(two.first._token)
    two.second.claim()
    two.clocks[0].go(0.0, jump=2 * LEASE)
    with pytest.raises(StoreLocked):
        two.first.hold()


def test_a_server_whose_city_is_judged_elsewhere_stores_nothing_says_so_and_goes_on_later(
    lake_address: LakeAddress,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Gateways, "start", lambda self: None)
    settle(tmp_path / "home")
    clock = HandClock(NOW)
    with open_store(tmp_path / "home", threads=1, series=lake_address) as store:
        problem: list[Exception] = [StoreLocked("judged by b")]

        def hold() -> None:
            if problem:
                raise problem[0]

        server = Server(store, Settings({"loop_seconds": 5}), clock, judging=SimpleNamespace(hold=hold))  # type: ignore[arg-type]
        told = []

        def wait(_: float) -> bool:
            told.append((server.troubles.now.partition(":")[0], store.records.count("verdict")))
            clock.go(6)
            if len(told) == 3:
                problem[:] = [CatalogAway("the catalog")]
            if len(told) == 4:
                problem.clear()
            return len(told) > 5

        server.run(SimpleNamespace(wait=wait, is_set=lambda: False))  # type: ignore[arg-type]
        assert [one[0] for one in told] == ["", JUDGED_ELSEWHERE, JUDGED_ELSEWHERE, "catalog_away", "", ""]
        assert server._loop.watermark is not None


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_second_whole_server_is_refused_and_takes_over_once_the_first_is_dead(
    catalog: Catalog,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Real processes; the first is killed, and the same home begins again at once where another has to wait."""
    catalog.start()
    first, second = tmp_path / "a", tmp_path / "b"
    lake(first, catalog, "ga")
    lake(second, catalog, "gb")

    def begin(home: Path) -> subprocess.Popen[str]:
        words = command("serve", "--port", str(free_port()), "--hj212-port", str(free_port()))
        said = (home / "server.log").open("w")
        return subprocess.Popen(words, env=environment(home), stderr=said, text=True)

    def serves(home: Path, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, (home / "server.log").read_text()
        return bool(read_json(home / "server.json").get("pid") == process.pid)

    running = begin(first)
    try:
        wait_until("the first", lambda: serves(first, running))
        refused = begin(second)
        assert refused.wait(300) == 2
        said = (second / "server.log").read_text()
        assert "the city is judged by" in said and str(first) in said and "role = 'ingest'" in said
        running.kill()
        running.wait()
        running = begin(first)
        wait_until("the same home", lambda: serves(first, running))
        running.kill()
        running.wait()
        died = time.monotonic()
        while True:
            heir = begin(second)
            wait_until("an end or a server", lambda h=heir: h.poll() is not None or serves(second, h))
            if heir.poll() is None:
                break
            assert time.monotonic() - died < 5 * LEASE, (second / "server.log").read_text()
        running, late = heir, begin(first)
        assert time.monotonic() - died > LEASE - 15
        assert late.wait(300) == 2
        assert str(second) in (first / "server.log").read_text()
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(60)
