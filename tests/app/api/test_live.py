"""The line to every page: what each session may hear of, and that it is cut when the session ends."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from bihuan.app.access import ADMINISTRATORS, Sessions
from bihuan.app.api import Office, create_app, live
from bihuan.app.api.guard import COOKIE
from bihuan.app.api.watching import Watch, watching
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.cases import Actor, Case, Order
from bihuan.core import CHINA, Event, Period, Ref, to_json
from bihuan.register import Device, Person
from bihuan.store import Row, open_store
from tests.app.api.handmade import TestClient
from tests.app.small import facts

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
PASSWORD = "Hand-made-2026"
NEAR, FAR = "410102", "410103"
PEOPLE = {
    "duty_officer": ("duty_officer", ""),
    "dispatcher": ("dispatcher", NEAR),
    "elsewhere": ("dispatcher", FAR),
    "data_engineer": ("data_engineer", ""),
    "maintainer": ("maintainer", ""),
    "system_admin": ("system_admin", ""),
    "audit_admin": ("audit_admin", ""),
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(tmp_path, threads=1) as store:
        people = [
            Person(id=f"P-{who}", name=who, roles=(role,), district=where) for who, (role, where) in PEOPLE.items()
        ]
        logger = Device(id="MN77", name="", site="station:1", maintainer="M1")
        store.records.save_facts([*facts(), *people, logger])
        loop = Loop(store, CHINA, Notifications((), tmp_path / "notices.jsonl"), NOW)
        found = Office(store, lambda: loop, CityClock(NOW), Settings(), wall=CityClock(NOW))
        for who, (role, _) in PEOPLE.items():
            found.accounts.add(who, f"P-{who}", PASSWORD, NOW, admin=role if role in ADMINISTRATORS else "")
        yield found


@pytest.fixture
def case(office: Office) -> Case:
    order = Order(
        number="1",
        issuer="x",
        title="x",
        matter="bare_soil",
        issued=NOW,
        by=Actor("P-duty_officer", ("duty_officer",), "", ""),
        district=NEAR,
        lead="U1",
        due=NOW + timedelta(days=1),
    )
    return office.desk.from_order(order, NOW).case


@pytest.fixture
def event(office: Office) -> Event:
    period = Period(NOW - timedelta(hours=1), NOW)
    found = Event(
        id="e1",
        rule="r",
        kind="limit",
        subject=Ref("station", "1"),
        place=None,
        period=period,
        pollutant="pm25",
        grade="minor",
        value=99.0,
        threshold=75.0,
        inputs=(),
        method="t/1",
        open=True,
    )
    office.store.records.save("event", [Row("e1", to_json(found), state="open", start=period.start)])
    return found


def entered(office: Office, login: str) -> TestClient:
    client = TestClient(create_app(office))
    told = client.post("/api/session", json={"login": login, "password": PASSWORD})
    assert told.status_code == 200, told.text
    client.headers["X-CSRF-Token"] = told.json()["csrf"]
    return client


def watch_of(office: Office, client: TestClient) -> Watch:
    """What the route makes of the cookie of a client."""
    headers = [(b"cookie", f"{COOKIE}={client.cookies[COOKIE]}".encode())]
    return watching(Request({"type": "http", "method": "GET", "path": "/api/live", "headers": headers}), office)


def read(message: bytes) -> tuple[str, dict[str, Any]]:
    found = re.fullmatch(rb"event: (\w+)\ndata: (.*)\n\n", message)
    assert found, message
    return found[1].decode(), json.loads(found[2])


def heard(office: Office, who: str, *told: tuple[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """What a login hears of some messages."""
    watch = watch_of(office, entered(office, who))

    async def listen() -> list[tuple[str, dict[str, Any]]]:
        stream = office.live.listen(watch.digest, watch.hears, watch.holds)
        await anext(stream)
        for kind, body in told:
            office.live.tell(kind, **body)
        office.live.tell("clock", last=True)
        found = []
        async for message in stream:
            found.append(read(message))
            if "last" in found[-1][1]:
                return found[:-1]
        return found

    return asyncio.run(listen())


def test_a_session_hears_only_of_kinds_it_may_read_and_ids_of_what_it_sees(
    office: Office, case: Case, event: Event
) -> None:
    job_id = office.jobs.start("import", "P-system_admin", "x", NOW, lambda tell: None).id
    told = [("clock", {"pace": 1}), ("case", {"id": case.id, "state": "new"}), ("event", {"id": event.id}),
            ("device", {"id": "MN77"}), ("job", {"id": job_id}), ("shift", {})]  # fmt: skip
    clock, whole, alarm, logger, job, shift = told
    assert heard(office, "duty_officer", *told) == [clock, whole, alarm, logger, shift]
    assert heard(office, "dispatcher", *told) == [clock, whole, alarm, shift]
    assert heard(office, "elsewhere", *told) == [clock, ("case", {}), ("event", {}), shift]
    assert heard(office, "maintainer", *told) == [clock, ("case", {}), ("event", {}), ("device", {})]
    assert heard(office, "data_engineer", *told) == [clock, logger, job]
    assert heard(office, "system_admin", *told) == [clock, job], "one's own"
    assert heard(office, "audit_admin", *told) == [clock]


def test_every_kind_that_is_told_has_a_right() -> None:
    told = set()
    for path in (Path(live.__file__).parents[1]).rglob("*.py"):
        told |= set(re.findall(r"\.tell\(\s*\"(\w+)\"", path.read_text("utf-8")))
    assert told == set(live.RIGHTS_OF)


def test_the_line_is_cut_by_log_out_by_switching_off_and_by_a_new_password(office: Office) -> None:
    async def cut(act: Any, client: TestClient) -> list[bytes]:
        watch = watch_of(office, client)
        stream = office.live.listen(watch.digest, watch.hears, watch.holds)
        await anext(stream)
        await asyncio.to_thread(act)
        office.live.tell("clock", pace=2)
        return [await asyncio.wait_for(anext(stream), 10)] + [rest async for rest in stream]

    client = entered(office, "dispatcher")
    assert asyncio.run(cut(lambda: client.delete("/api/session"), client)) == [live.ENDED]
    client, keeper = entered(office, "dispatcher"), office.accounts
    assert asyncio.run(cut(lambda: office.sessions.end_all("dispatcher"), client)) == [live.ENDED]
    assert keeper.get("dispatcher")
    assert office.live.listeners == 0


@pytest.mark.parametrize("why", ["idle", "disabled", "gone"])
def test_the_line_is_cut_at_the_next_beat_when_the_session_no_longer_holds(
    office: Office, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(live, "BEAT", 0.02)
    watch = watch_of(office, entered(office, "dispatcher"))

    async def listen() -> list[bytes]:
        stream = office.live.listen(watch.digest, watch.hears, watch.holds)
        first = [await anext(stream), await anext(stream)]
        await asyncio.to_thread(end)
        return first + [rest async for rest in stream]

    def end() -> None:
        if why == "idle":
            assert isinstance(office.wall, CityClock)
            office.wall.advance_to(NOW + timedelta(minutes=30))
        elif why == "disabled":
            office.accounts.switch(office.accounts.need("dispatcher"), False)
        else:
            office.store.records.save_facts(
                [Person(id="P-dispatcher", name="x", roles=("dispatcher",), valid_to=NOW.date())]
            )
            office.loop.renew_register()

    told = asyncio.run(asyncio.wait_for(listen(), 20))
    assert told[:2] == [b": hello\n\n", b": beat\n\n"] and told[-1] == live.ENDED


def test_the_line_alone_and_what_a_page_reads_by_itself_keep_no_login_alive(office: Office) -> None:
    automatic, person = entered(office, "dispatcher"), entered(office, "duty_officer")
    watch = watch_of(office, automatic)
    codes = []
    for _ in range(4):
        office.wall.advance_to(office.wall.now() + timedelta(minutes=10))  # type: ignore[attr-defined]
        holds = watch.holds()
        codes.append((holds, automatic.get("/api/cases", headers={"X-Automatic": "1"}).status_code))
        assert person.get("/api/cases").status_code == 200
    assert codes == [(True, 200), (True, 200), (False, 401), (False, 401)]


def test_a_page_that_does_not_read_is_told_to_read_anew_and_never_misses_the_end() -> None:
    async def overrun() -> list[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue(live.WAITING)
        for number in range(live.WAITING + 1):
            live._offer(queue, b"%d" % number)
        live._offer(queue, live.ENDED)
        for number in range(live.WAITING):
            live._offer(queue, b"%d" % number)
        return [queue.get_nowait() for _ in range(queue.qsize())]

    told = asyncio.run(overrun())
    assert live.ENDED in told


def test_a_session_that_is_ended_is_told_by_its_digest(office: Office) -> None:
    ended: list[str] = []
    sessions = Sessions(office.store.records, timedelta(minutes=5), timedelta(hours=1))
    sessions.when_ended = ended.append
    _, first = sessions.begin("x", NOW)
    _, second = sessions.make_token("x", "t", NOW, 1)
    sessions.end("session", first)
    assert sessions.end_all("x") == 1
    assert ended == [first.digest, second.digest]
