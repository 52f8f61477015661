"""A data engineer begins a collocation, follows it, accepts or refuses it; everybody else only looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bihuan.app.api import Office, create_app
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.core import CHINA, Place
from bihuan.register import Device, Person, Station
from bihuan.store import open_store
from tests.app.api.handmade import TestClient
from tests.app.small import facts
from tests.observations.tables import T0, rollups

PASSWORD = "Hand-made-2026"
HOURS = 24 * 28
MN = "LOW1"
DOOR = f"/api/devices/{MN}/collocations"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A sensor that reads twice what the national station beside it does."""
    rng = np.random.default_rng(1)
    truth = np.exp(3.6 + 0.5 * np.sin(np.arange(HOURS) / 80) + 0.2 * rng.standard_normal(HOURS))
    with open_store(tmp_path, threads=1) as store:
        known = [
            *facts(),
            Station(id="m1", name="微站", kind="micro", place=Place(113.6, 34.7), district="410102"),
            Device(id=MN, name="", site="station:m1"),
            Person(id="P1", name="e", roles=("data_engineer",)),
            Person(id="P2", name="o", roles=("duty_officer",)),
        ]
        store.records.save_facts(known)
        store.series.append(hours=rollups(list(truth), "station:1"))
        store.series.append(hours=rollups(list(2 * truth + rng.standard_normal(HOURS)), "station:m1"))
        loop = Loop(store, CHINA, Notifications((), tmp_path / "notices.jsonl"), T0)
        found = Office(store, lambda: loop, CityClock(T0), Settings(), wall=CityClock(datetime(2026, 1, 1, tzinfo=UTC)))
        for number in (1, 2):
            found.accounts.add(f"u{number}", f"P{number}", PASSWORD, found.now)
        yield found


def entered(office: Office, login: str = "u1") -> TestClient:
    client = TestClient(create_app(office), headers={"Accept-Language": "en"})
    told = client.post("/api/session", json={"login": login, "password": PASSWORD})
    client.headers["X-CSRF-Token"] = told.json()["csrf"]
    return client


def begun(client: TestClient) -> str:
    made = client.post(DOOR, json={"pollutant": "pm25", "reference": "station:1"})
    assert made.status_code == 201, made.text
    (line,) = made.json()["collocations"]
    assert (line["state"], [step["state"] for step in line["steps"]]) == ("running", ["planned", "running"])
    return str(line["id"])


def test_a_collocation_is_begun_followed_and_accepted(office: Office) -> None:
    client = entered(office)
    listed = client.get(DOOR).json()
    assert [one["code"] for one in listed["references"]] == ["station:1"], "only official stations are references"
    ident = begun(client)
    assert client.post(DOOR, json={"pollutant": "pm25", "reference": "station:1"}).json()["code"] == "collocation_runs"
    early = client.get(f"{DOOR}/{ident}").json()
    assert (early["pairs"], early["verdict"], early["verdict_words"]) == (0, "failed", "too few hours in pairs")
    office.clock.advance_to(T0 + timedelta(hours=HOURS))  # type: ignore[attr-defined]
    course = client.get(f"{DOOR}/{ident}").json()
    assert course["collocation"]["state"] == "running", "looking decides nothing"
    assert (course["pairs"], course["verdict"]) == (HOURS, "passed")
    assert {one["form"] for one in course["forms"] if one["chosen"]} == {"linear"}
    assert max(abs(one["residual"]) for one in course["shown"]) < 5
    accepted = client.post(f"{DOOR}/{ident}/accept").json()["collocations"][0]
    assert accepted["state"] == "passed" and accepted["uncertainty"] > 0 and accepted["valid_until"]
    ended = client.post(f"{DOOR}/{ident}/refuse", json={"reason": "inlet blocked"}).json()["collocations"][0]
    assert (ended["state"], ended["steps"][-1]["reason"]) == ("withdrawn", "inlet blocked")
    actions = [one.action for one in office.store.ledger.entries() if one.action.startswith("collocation.")]
    assert actions == [f"collocation.{state}" for state in ("planned", "running", "passed", "withdrawn")]


def test_who_is_no_engineer_looks_and_decides_nothing(office: Office) -> None:
    ident = begun(entered(office))
    officer = entered(office, "u2")
    assert officer.get(DOOR).json()["may_judge"] is False
    for path, body in (
        (DOOR, {"pollutant": "pm25", "reference": "station:1"}),
        (f"{DOOR}/{ident}/accept", {}),
        (f"{DOOR}/{ident}/refuse", {"reason": "why not"}),
    ):
        assert officer.post(path, json=body).json()["code"] == "no_right"


def test_what_cannot_be_compared_is_refused_with_a_word(office: Office) -> None:
    client = entered(office)
    for body in (
        {"pollutant": "humidity", "reference": "station:1"},
        {"pollutant": "pm25", "reference": "station:m1"},
        {"pollutant": "pm25", "reference": "station:none"},
    ):
        assert client.post(DOOR, json=body).status_code == 422
    assert client.get(f"{DOOR}/none").json()["code"] == "no_collocation"
    assert client.get("/api/devices/NONE/collocations").status_code in (403, 404)
