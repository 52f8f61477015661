"""Telephones, e-mails, passwords of devices, reporters, positions: no route gives them to whom they do not concern."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from bihuan.app.access import RIGHTS, is_clear
from bihuan.app.api import Office
from bihuan.cases import Action, Case
from bihuan.core import Place, from_json, to_json
from bihuan.register import Device, Person
from bihuan.store import backup
from tests.app.api.busy import actor, busy, person, shown
from tests.app.api.people import at_screen
from tests.app.api.routes import Route, every_route, filled
from tests.app.api.stand import LOGINS, standing
from tests.app.api.test_imports import upload
from tests.app.api.test_signs import planted
from tests.app.lived import Lived

PEOPLE = """人员编号,姓名,角色,电话,邮箱
W1,甲,网格员,13700000001,w1@mail.example,13700000002
W2,乙,,13700000003,w2@mail.example
"""
DEVICES = "设备编码MN,监测对象类别,监测对象,访问密码\nM1,点位,1,1.23457E+08\n"


@dataclass
class Secrets:
    """A city that holds something to hide of each kind, and where its things stand."""

    office: Office
    phones: dict[str, str]
    passwords: list[str]
    reporter: str
    place: Place
    at: dict[str, str]

    def hidden(self, role: str) -> dict[str, list[str]]:
        """What no answer may hold for a role, by kind; one's own is no secret."""
        mine = person(self.office, role).id
        found = {"device.password": [*self.passwords, "PW=123456", "1.23457E+08"], "text": ["137000000"]}
        found["person.phone"] = [phone for who, phone in self.phones.items() if who != mine]
        found["person.email"] = [f"{who}@city.example" for who in self.phones if who != mine] + ["@mail.example"]
        found["case.reporter"] = [self.reporter, "13800001234"]
        if role != "grid_officer":  # whose own step it is
            found["step.place"] = [repr(self.place.lon), repr(self.place.lat)]
        return found


@pytest.fixture(scope="module")
def city(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secrets]:
    home = tmp_path_factory.mktemp("masks") / "home"
    backup(lived.run.store, home, lived.outcomes[-1].now)
    with standing(home) as office:
        people = office.register.all(Person, office.today)
        phones = {one.id: f"139{number:08d}" for number, one in enumerate(people, 1)}
        facts: list[Person | Device] = [
            replace(one, phone=phones[one.id], email=f"{one.id}@city.example") for one in people
        ]
        devices = office.register.all(Device, office.today)
        facts += [replace(one, password=f"Secret{number:03d}x") for number, one in enumerate(devices)]
        office.store.records.save_facts(facts)
        office.loop.renew_register()
        cases = busy(office)
        stood = _arrived(office, cases["signed"])
        yield Secrets(office, phones, [f"Secret{number:03d}x" for number in range(len(devices))],
                      cases["complaint"].opening.reporter, stood, _things(office, cases, devices[0].id))  # fmt: skip


def _arrived(office: Office, case: Case) -> Place:
    assert case.place is not None
    place = Place(case.place.lon + 0.000123457, case.place.lat + 0.000123457)
    officer = actor(person(office, "grid_officer"))
    at, fields = office.now - timedelta(minutes=1), {"result": "true", "note": "ask 13700000004, boss@mail.example"}
    office.desk.act(case.id, Action("arrive", officer, at, {}, place=place))
    photos = (shown(office, "gate", officer.person, at, place, "after"),)
    office.desk.act(case.id, Action("handle", officer, at, fields, photos))
    return place


def _things(office: Office, cases: dict[str, Case], mn: str) -> dict[str, str]:
    """An address for every place in a path; a route with a new one fails until it has a row here."""
    job = upload(at_screen(office, "data_engineer"), "people.csv", PEOPLE)
    assert len(job["files"][0]["faults"]) >= 2
    assert upload(at_screen(office, "data_engineer"), "devices.csv", DEVICES)["files"][0]["faults"]
    duty = at_screen(office, "duty_officer")
    made = duty.post("/api/bulletins", json={"day": str(office.today - timedelta(days=1))})
    events = [event["id"] for event in duty.get("/api/events").json()["events"]]
    traced = next((event for event in events if duty.get(f"/api/events/{event}/trace").json()["method"]), events[0])
    reported = duty.post("/api/trace-reports", json={"event": traced})
    return {
        "trace-reports/{ident}": reported.json().get("id", "none"),
        "cases/{ident}": cases["signed"].id,
        "collocations/{ident}": "none",
        "photos/{digest}": cases["on_site"].photos[0].digest,
        "events/{ident}": traced,
        "warnings/{ident}": "none",
        "shifts/{ident}": "none",
        "signs/{ident}": planted(office, "masked").id,
        "targets/{ident}": "none",
        "pictures/{ident}": "none",
        "{path:path}": "Things",
        "bulletins/{ident}": made.json().get("id", "none"),
        "jobs/{ident}": job["id"],
        "standards/{ident}": "gb_3095_2012",
        "sectors/{kind}": "rose",
        "{kind}": "csv",
        "{name}": "profiles.csv",
        "{mn}": mn,
        "{ref:path}": f"case:{cases['signed'].id}",
        "{ref}": str(office.town.sites[0].ref),
    }


QUERY = {
    "series": "?pollutant=pm25",
    "series.csv": "?pollutant=pm25",
    "calendar": "?year=2026",
    "{kind}": "?site=city:990100",
}
OWN_FILE = {
    "/api/assess/jobs/{ident}",
    "/api/assess/jobs/{ident}/refused.csv",
    "/api/assess/jobs/{ident}/verdicts.{kind}",
    "/api/receptor/jobs/{ident}",
    "/api/receptor/jobs/{ident}/result",
    "/api/receptor/jobs/{ident}/tables/{name}",
}
"""Give back the file of whoever sent it, to them alone: a test of their own."""

LONG = {"/api/live"}
"""Never ends; what it tells is tested in `test_live`."""


def reading() -> list[Route]:
    return [route for route in every_route() if route.method == "GET" and route.path not in LONG]


def read(client: TestClient, city: Secrets, route: Route, **other: str) -> tuple[int, str]:
    if "cases/{ident}" in other:
        other["{ref:path}"] = f"case:{other['cases/{ident}']}"
    url = filled(route.path, city.at | other) + QUERY.get(route.path.rpartition("/")[2], "")
    answer = client.get(url)
    assert answer.status_code < 500, (url, answer.text)
    if answer.content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
            return answer.status_code, "".join(
                packed.read(name).decode("utf-8", "replace") for name in packed.namelist()
            )
    return answer.status_code, answer.text


def test_no_route_gives_anybody_what_their_role_may_not_read_and_each_clear_reading_is_in_the_ledger(
    city: Secrets,
) -> None:
    clients = {role: at_screen(city.office, role) for role in LOGINS}
    wrong, answered, clear = [], set(), []
    for route in reading():
        roles = RIGHTS.get(route.right, frozenset(LOGINS)) & set(LOGINS)
        cases = (
            [city.at["cases/{ident}"], _complaint(city)]
            if "cases/{ident}" in route.path or "explain" in route.path
            else [""]
        )
        for role in sorted(roles)[:1] if route.path.endswith(".docx") else sorted(roles):
            for ident in cases:
                status, body = read(clients[role], city, route, **({"cases/{ident}": ident} if ident else {}))
                answered |= {route.path} if status == 200 else set()
                for kind, secrets in city.hidden(role).items():
                    found = [secret for secret in secrets if secret in body]
                    if not found:
                        continue
                    if kind == "text" or not is_clear([role], *kind.split(".")) or not _noted(city, role, kind):
                        wrong.append((role, route.path, kind, found[:2]))
                    clear.append((role, kind))
    assert not wrong
    assert {("duty_officer", "person.phone"), ("duty_officer", "case.reporter"), ("verifier", "step.place")} <= set(
        clear
    )
    silent = {route.path for route in reading()} - answered
    vain = {"/api/warnings/{ident}/cap.xml", "/api/shifts/{ident}", "/api/photos/{digest}"}
    vain |= {"/api/forward/targets/{ident}/aside", "/api/sites/{ref}/pictures/{ident}", "/api/sites/{ref}/track"}
    # one role alone asks for a .docx, and its district has not the event: the .html tells the same to all
    vain |= {"/api/devices/{mn}/collocations/{ident}", "/api/events/{ident}/trace/report.docx"}
    vain |= {"/api/trace-reports/{ident}/document.docx"}
    assert silent <= vain | OWN_FILE, "asked in vain"


def _complaint(city: Secrets) -> str:
    return next(case.id for case in city.office.desk.cases if case.opening.reporter == city.reporter)


NOTED = {"person.phone": "phone", "person.email": "email", "case.reporter": "reporter", "step.place": "positions"}


def _noted(city: Secrets, role: str, kind: str) -> bool:
    """Say whether the last row of the ledger tells of this reading."""
    last = city.office.store.ledger.entries()[-1]
    told = (last.actor, last.action) == (person(city.office, role).id, "case.read_personal")
    return told and NOTED.get(kind) in from_json(last.body, dict)["clear"]


def test_who_may_not_read_a_telephone_sees_that_there_is_one(city: Secrets) -> None:
    path = f"/api/cases/{city.at['cases/{ident}']}/personal"
    officer = person(city.office, "grid_officer")
    phone = city.phones[officer.id]
    told = {
        role: at_screen(city.office, role).get(path).json() for role in ("verifier", "duty_officer", "grid_officer")
    }
    seen = {role: one["contacts"][0] for role, one in told.items()}
    assert seen["verifier"]["phone"] == f"{phone[:3]}****{phone[-4:]}" and seen["verifier"]["email"] == "***"
    assert seen["duty_officer"]["phone"] == seen["grid_officer"]["phone"] == phone
    assert told["grid_officer"]["positions"], "one's own"
    assert to_json(told["verifier"]["positions"]) == to_json(told["duty_officer"]["positions"])
