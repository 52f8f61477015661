"""The first start: what a home without a register is told to do, and how each step shows that it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office, create_app
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.core import CHINA, Place
from bihuan.register import Cell, Device, District, Fact, Person, Section, Station
from bihuan.store import open_store
from tests.app.api.onboard import MIDNIGHT, NOW, PASSWORD, logged_in, small_office
from tests.app.small import day_of_frames

KEEPERS = ("data_engineer", "security_admin", "system_admin")
PLACE = Place(113.6, 34.7)


@contextmanager
def fresh_office(home: Path, logins: tuple[str, ...] = KEEPERS) -> Iterator[Office]:
    """A home that holds nothing but the people who set it up."""
    with open_store(home, threads=1) as store:
        store.records.save_facts([Person(id=f"P-{role}", name=role, roles=(role,)) for role in logins])
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), NOW)
        office = Office(store, lambda: loop, CityClock(NOW), Settings())
        for role in logins:
            office.accounts.add(role, f"P-{role}", PASSWORD, NOW, admin=role if role.endswith("_admin") else "")
        yield office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with fresh_office(tmp_path / "home") as made:
        yield made


def register(office: Office, *facts: Fact) -> None:
    office.store.records.save_facts(facts)
    office.loop.renew_register()


def steps(client: TestClient) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in client.get("/api/start").json()["steps"]}


def test_a_home_without_a_register_says_so_to_everyone_and_nothing_is_done_yet(office: Office) -> None:
    client = logged_in(office, "data_engineer")
    assert TestClient(create_app(office)).get("/api/about").json()["empty"] is True
    told = client.get("/api/start").json()
    assert (told["empty"], told["done"]) == (True, 0)
    assert [step["name"] for step in told["steps"]] == ["areas", "people", "sites", "devices", "heard", "rules"]
    assert not [step for step in told["steps"] if step["done"] or step["count"] or step["more"]]
    assert told["demo"].startswith("bihuan demo")


def test_the_steps_are_for_whoever_may_import(office: Office) -> None:
    assert logged_in(office, "system_admin").get("/api/start").json()["code"] == "no_right"
    assert TestClient(create_app(office)).get("/api/start").status_code == 401


def test_a_step_is_done_once_the_register_holds_what_it_asks_for(office: Office) -> None:
    client = logged_in(office, "data_engineer")
    register(office, District(id="D1", name="一区"))
    assert steps(client)["areas"]["done"] is False, "a district without grid cells has nobody to answer for a place"
    register(office, Cell(id="4101", name="新市", level=1, district="", centre=PLACE))
    assert steps(client)["areas"] == {"name": "areas", "done": True, "count": 1, "more": 1}
    assert client.get("/api/about").json()["empty"] is False
    assert steps(client)["people"]["count"] == 0, "those who set it up are not those who work with it"
    register(office, Person(id="P1", name="值班一", roles=("duty_officer",)))
    assert (steps(client)["people"]["done"], steps(client)["people"]["count"]) == (True, 1)
    assert not steps(client)["rules"]["done"]
    register(office, Station(id="N1", name="国控一", kind="national", place=PLACE, district="D1"))
    assert (steps(client)["sites"]["count"], steps(client)["rules"]["done"]) == (1, True)
    register(office, Device(id="MN1", name="", site="station:N1", rhythm={"hour": 3600}))
    assert (steps(client)["devices"]["done"], steps(client)["heard"]["done"]) == (True, False)


def test_a_register_of_sections_alone_is_no_empty_home(office: Office) -> None:
    register(office, Section(id="X1", name="断面一", place=PLACE, district="D1", river="河", target_class="III"))
    assert TestClient(create_app(office)).get("/api/about").json()["empty"] is False


def test_frames_of_known_loggers_count_as_heard_and_of_strangers_as_to_be_claimed(tmp_path: Path) -> None:
    with small_office(tmp_path / "home", day_of_frames(MIDNIGHT, 1)) as office:
        found = steps(logged_in(office, "data_engineer"))
        assert (found["heard"]["done"], found["heard"]["count"], found["heard"]["more"]) == (True, 3, 1)
        assert found["rules"]["done"] is True


def test_before_the_first_account_the_login_page_learns_that_nobody_can_log_in(tmp_path: Path) -> None:
    with fresh_office(tmp_path / "home", ()) as office:
        client = TestClient(create_app(office))
        assert client.get("/api/about").json()["accounts"] is False
        office.accounts.add("keeper", "P", PASSWORD, NOW, admin="security_admin")
        assert client.get("/api/about").json()["accounts"] is True
