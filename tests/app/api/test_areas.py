"""Role x route x area: what lies in one's own area answers, what lies in another does not, on every route."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.app.access import ADMINISTRATORS, RIGHTS
from bihuan.app.api import Office, create_app
from bihuan.app.api.photos import Kept
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.app.signing import KeptSign
from bihuan.cases import Actor, Case, Order, Photo
from bihuan.core import CHINA, Event, Period, Place, Ref, to_json
from bihuan.observations import Sign
from bihuan.register import Cell, Device, District, Duty, Enterprise, Fact, Outlet, Person, Section, Station, Unit
from bihuan.store import Row, open_store
from tests.app.api.busy import picture
from tests.app.api.handmade import TestClient
from tests.app.api.routes import Route, every_route, filled

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
PASSWORD = "Hand-made-2026"
SIDES = ("1", "2", "3")
"""Own district and cell; own district, another cell; another district: everything of the city ends with one of them."""

PEOPLE = {
    "duty_officer": ("U9", "", ()),
    "duty_leader": ("U9", "", ()),
    "signatory": ("U9", "D1", ()),
    "dispatcher": ("U9", "D1", ()),
    "verifier": ("U9", "D1", ()),
    "grid_officer": ("U9", "D1", ("S1",)),
    "handler": ("U1", "", ()),
    "enterprise_manager": ("E1", "", ()),
    "maintainer": ("M1", "", ()),
    "data_engineer": ("", "D1", ()),
    "system_admin": ("", "", ()),
    "security_admin": ("", "", ()),
    "audit_admin": ("", "", ()),
}
"""Role -> unit, district and cells of its login."""

CITY, DISTRICT, OWN, NONE = set("123"), set("12"), set("1"), set()
SEEN: dict[str, dict[str, set[str]]] = {
    "case": {
        "duty_officer": CITY, "duty_leader": CITY, "signatory": DISTRICT, "dispatcher": DISTRICT, "verifier": DISTRICT,
        "grid_officer": OWN, "handler": OWN, "enterprise_manager": OWN, "maintainer": OWN,
    },
    "station": {
        "duty_officer": CITY, "duty_leader": CITY, "signatory": DISTRICT, "dispatcher": DISTRICT, "verifier": DISTRICT,
        "grid_officer": DISTRICT, "handler": CITY, "enterprise_manager": NONE, "maintainer": OWN,
        "data_engineer": DISTRICT,
    },
    "outlet": {
        "duty_officer": CITY, "duty_leader": CITY, "signatory": DISTRICT, "dispatcher": DISTRICT, "verifier": DISTRICT,
        "grid_officer": DISTRICT, "handler": OWN | {"2"}, "enterprise_manager": OWN, "maintainer": NONE,
        "data_engineer": DISTRICT,
    },
    "device": {"duty_officer": CITY, "duty_leader": CITY, "maintainer": OWN, "data_engineer": DISTRICT},
}  # fmt: skip
"""The table: kind of thing -> role -> what of it is seen. A handler's unit answers for the industry of district 1."""

BOUND = {
    "/api/cases/{ident}": "case",
    "/api/cases/{ident}/personal": "case",
    "/api/cases/{ident}/actions": "case",
    "/api/photos/{digest}": "photo",
    "/api/events/{ident}": "event",
    "/api/events/{ident}/marks": "event",
    "/api/events/{ident}/series": "event",
    "/api/events/{ident}/trace": "event",
    "/api/events/{ident}/trace/search": "event",
    "/api/events/{ident}/trace/report.html": "event",
    "/api/events/{ident}/trace/report.docx": "event",
    "/api/events/{ident}/dispatch": "event",
    "/api/devices/{mn}/frames": "device",
    "/api/devices/{mn}/watch": "device",
    "/api/devices/{mn}/journal": "device",
    "/api/devices/{mn}/recall": "device",
    "/api/devices/{mn}/orders": "device",
    "/api/devices/{mn}/controls": "device",
    "/api/devices/{mn}/line": "device",
    "/api/devices/{mn}/collocations": "device",
    "/api/devices/{mn}/collocations/{ident}": "device",
    "/api/devices/{mn}/collocations/{ident}/accept": "device",
    "/api/devices/{mn}/collocations/{ident}/refuse": "device",
    "/api/sites/{ref}": "site",
    "/api/sites/{ref}/series": "site",
    "/api/sites/{ref}/series.csv": "site",
    "/api/sites/{ref}/wind": "site",
    "/api/sites/{ref}/calendar": "site",
    "/api/sites/{ref}/why": "site",
    "/api/sites/{ref}/verdicts": "site",
    "/api/sites/{ref}/doors": "site",
    "/api/sites/{ref}/passages": "site",
    "/api/sites/{ref}/track": "site",
    "/api/sites/{ref}/pictures/{ident}": "site",
    "/api/signs/{ident}": "sign",
    "/api/signs/{ident}/dismiss": "sign",
    "/api/signs/{ident}/check": "sign",
    "/api/explain/{ref:path}": "explained",
}
"""Routes that name one thing of an area."""

LISTS = {
    "/api/cases": ("case",),
    "/api/cases/export": ("case",),
    "/api/events": ("event",),
    "/api/signs": ("sign",),
    "/api/sites": ("station", "outlet"),
    "/api/devices": ("device",),
    "/api/gaps": ("device",),
    "/api/transmission/devices": ("device",),
    "/api/overview": ("case", "event"),
    "/api/transmission": ("outlet",),
    "/api/transmission.csv": ("outlet",),
}
"""GET routes that list things: none of another area may stand in them."""

SHORT = {"/api/overview", "/api/transmission", "/api/transmission.csv", "/api/gaps", "/api/transmission/devices"}
"""Lists that tell some of what is seen, not all of it."""

FREE = {
    # oneself, the installation, its operation
    "/api/about", "/api/session", "/api/session/password", "/api/sessions", "/api/rights", "/api/tokens",
    "/api/tokens/{ident}", "/api/demo", "/healthz", "/readyz", "/metrics", "/api/health", "/api/commands/{name}",
    # accounts and audit are one administrator's, whole
    "/api/accounts", "/api/accounts/{login}/enabled", "/api/accounts/{login}/unlock", "/api/accounts/{login}/password",
    "/api/audit", "/api/audit.csv", "/api/audit/check",
    # imports are the engineer's, for the whole register
    "/api/imports", "/api/jobs", "/api/jobs/{ident}", "/api/jobs/{ident}/faults.csv", "/api/templates.xlsx",
    # switches of the city; keys that near their end only of the loggers one sees (test_linecare)
    "/api/line-care",
    "/api/devices/connect", "/api/devices/unknown", "/api/devices/claim", "/api/devices/try",
    # forwarding is the whole city's: who has one district may not change it (test_forward)
    "/api/forward/targets", "/api/forward/targets/{ident}", "/api/forward/targets/{ident}/pause",
    "/api/forward/targets/{ident}/resume", "/api/forward/targets/{ident}/aside",
    "/api/forward/targets/{ident}/remove",
    # the city's: warnings, bulletins, the shift of the desk, matters and districts by name, the map
    "/api/warnings", "/api/warnings/{ident}/sign", "/api/warnings/{ident}/cap.xml", "/api/shift", "/api/shift/remarks",
    "/api/shift/hand-over", "/api/shift/{ident}/sign", "/api/shifts", "/api/shifts/{ident}", "/api/matters",
    "/api/bulletins", "/api/bulletins/{ident}", "/api/bulletins/{ident}/document.html",
    "/api/bulletins/{ident}/document.docx", "/api/bulletins/{ident}/advice", "/api/bulletins/{ident}/check",
    "/api/bulletins/{ident}/sign", "/api/bulletins/{ident}/correct", "/api/event-areas", "/api/map",
    # signed reports name cases of the whole city: who sees part of it is refused (test_tracereports)
    "/api/trace-reports", "/api/trace-reports/{ident}", "/api/trace-reports/{ident}/document.html",
    "/api/trace-reports/{ident}/document.docx", "/api/trace-reports/{ident}/advice",
    "/api/trace-reports/{ident}/check", "/api/trace-reports/{ident}/sign", "/api/trace-reports/{ident}/correct",
    # files of one's own, the law, the first start
    "/api/assess", "/api/assess/jobs", "/api/assess/jobs/{ident}", "/api/assess/jobs/{ident}/refused.csv",
    "/api/assess/jobs/{ident}/verdicts.{kind}", "/api/assess/explain", "/api/assess/{medium}", "/api/standards",
    "/api/standards/{ident}", "/api/standard-switches", "/api/start",
    "/api/receptor", "/api/receptor/jobs", "/api/receptor/jobs/{ident}", "/api/receptor/jobs/{ident}/result",
    "/api/receptor/jobs/{ident}/tables/{name}",
    # figures of what is seen, without ids (`sees_case` counts them), and uploads of one's own
    "/api/cases/metrics", "/api/cases/metrics/export", "/api/photos",
    # names things in its own way: tested in test_sensorthings
    "/sta/v1.1", "/sta/v1.1/{path:path}", "/sta/v1.1/Observations", "/sta/v1.1/CreateObservations",
    "/sta/v1.1/Datastreams({key})/Observations",
    # the site is asked for, not in the path: tested in test_sectors; the network is the whole city's or nobody's
    "/api/sectors/{kind}", "/api/network",
    # tested in test_live, and below
    "/api/live", "/api/instructions",
}  # fmt: skip
"""Routes that name nothing of an area, and why."""


@dataclass
class City:
    """Three of everything, and who looks."""

    office: Office
    cases: dict[str, Case]
    photos: dict[str, str]

    def address(self, kind: str, side: str) -> dict[str, str]:
        """What goes into a path for a thing of a side."""
        return {
            "cases/{ident}": self.cases[side].id,
            "photos/{digest}": self.photos[side],
            "pictures/{ident}": "none",
            "collocations/{ident}": "none",
            "events/{ident}": f"{'eo' if kind == 'outlet' else 'es'}{side}",
            "signs/{ident}": f"{'go' if kind == 'outlet' else 'gs'}{side}",
            "{mn}": f"MN{side}",
            "{ref:path}": f"case:{self.cases[side].id}" if kind == "case" else f"event:e{kind[0]}{side}",
            "{ref}": f"{kind}:{'O' if kind == 'outlet' else 'N'}{side}",
        }


def facts() -> list[Fact]:
    place = [Place(102.05 + 0.05 * number, 39.8) for number in range(4)]
    found: list[Fact] = [Cell(id="4100", name="city", level=1, district="", centre=place[0])]
    found += [District(id=one, name=one) for one in ("D1", "D2")]
    found += [Unit(id=one, name=one) for one in ("U1", "U2", "U9")]
    found += [Unit(id=f"M{side}", name=f"M{side}", kind="maintainer") for side in SIDES]
    found += [Cell(id=f"S{side}", name=f"S{side}", level=3, district=where(side)) for side in SIDES]
    found += [Cell(id=f"C{side}", name=f"C{side}", level=4, district=where(side), parent=f"S{side}") for side in SIDES]
    found += [Duty(id="d1", name="d1", matter="industry", lead="U1", district="D1")]
    found += [Duty(id="d2", name="d2", matter="industry", lead="U2", district="D2")]
    for number, side in enumerate(SIDES, 1):
        near: dict[str, Any] = {"place": place[number], "district": where(side)}
        found += [
            Enterprise(id=f"E{side}", name=f"E{side}", **near),
            Station(id=f"N{side}", name=f"N{side}", kind="national", **near),
            Section(id=f"X{side}", name=f"X{side}", river="r", **near),
            Outlet(id=f"O{side}", name=f"O{side}", enterprise=f"E{side}", medium="air", **near),
            Device(id=f"MN{side}", name="", site=f"station:N{side}", maintainer=f"M{side}", rhythm={"hour": 3600}),
        ]
    found += [
        Person(id=f"P-{role}", name=role, roles=(role,), unit=unit, district=district, cells=cells)
        for role, (unit, district, cells) in PEOPLE.items()
    ]
    return found


def where(side: str) -> str:
    return "D2" if side == "3" else "D1"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    home: Path = tmp_path_factory.mktemp("areas")
    with open_store(home, threads=1) as store:
        store.records.save_facts(facts())
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), NOW)
        office = Office(store, lambda: loop, CityClock(NOW), Settings(), wall=CityClock(NOW))
        for role in PEOPLE:
            office.accounts.add(role, f"P-{role}", PASSWORD, NOW, admin=role if role in ADMINISTRATORS else "")
        for side in SIDES:
            for kind, subject in (("es", f"station:N{side}"), ("eo", f"outlet:O{side}")):
                _event(office, f"{kind}{side}", Ref.parse(subject))
                _sign(office, f"g{kind[1]}{side}", Ref.parse(subject))
        photos = {side: _photo(office, side) for side in SIDES}
        yield City(office, {side: _case(office, side, photos[side]) for side in SIDES}, photos)


def _event(office: Office, ident: str, subject: Ref) -> None:
    period = Period(NOW - timedelta(hours=1), NOW)
    found = Event(id=ident, rule="r", kind="limit", subject=subject, place=None, period=period, pollutant="pm25",
                  grade="minor", value=99.0, threshold=75.0, inputs=(), method="t/1", open=True)  # fmt: skip
    office.store.records.save("event", [Row(ident, to_json(found), state="open", start=period.start)])


def _photo(office: Office, side: str) -> str:
    digest = office.store.blobs.put(picture(f"side {side}", (64, 48)))
    office.store.records.set_state(f"photo/{digest}", to_json(Kept("nobody", NOW, NOW, None)))
    return digest


def _case(office: Office, side: str, photo: str) -> Case:
    """A case of a side, given to its department, its enterprise and its maintainer."""
    by = Actor("P-duty_officer", ("duty_officer",), "U9", "")
    order = Order(number=side, issuer="x", title=f"T{side}", matter="industry", issued=NOW, by=by,
                  district=where(side), lead="U1" if side == "1" else "U2", due=NOW + timedelta(days=1))  # fmt: skip
    made = office.desk.from_order(order, NOW).case
    opening = replace(made.opening, enterprise=f"E{side}", photos=(Photo(photo, "scene", NOW, None),))
    made = replace(made, opening=opening, cell=f"C{side}", support=(f"M{side}",), officer="")
    office.desk._cases[made.id] = made
    return made


@pytest.fixture(scope="module")
def clients(city: City) -> dict[str, TestClient]:
    found = {}
    for role in PEOPLE:
        client = found[role] = TestClient(create_app(city.office), headers={"Accept-Language": "en"})
        told = client.post("/api/session", json={"login": role, "password": PASSWORD})
        client.headers["X-CSRF-Token"] = told.json()["csrf"]
    return found


def test_every_route_has_its_row() -> None:
    paths = {route.path for route in every_route()}
    rows = [*BOUND, *LISTS, *FREE]
    assert sorted(rows) == sorted(set(rows)), "one row each"
    assert paths - set(rows) == set(), "a new route needs a row: BOUND, LISTS or FREE"
    assert set(rows) - paths == set(), "a row for a route that is not there"


def _sign(office: Office, ident: str, subject: Ref) -> None:
    period = Period(NOW - timedelta(hours=12), NOW)
    sign = Sign(ident, "noise_low", subject, "pm25", period, 0.2, 1e-4, 9, "own", {"ratio": 0.2})
    row = Row(ident, to_json(KeptSign(sign, "open", NOW)), str(subject), "open", start=period.start, end=period.end)
    office.store.records.save("sign", [row])


BAD = {"wrong_area", "event_area", "not_your_area", "device_area"}
KINDS = {
    "explained": ("case", "station", "outlet"),
    "site": ("station", "outlet"),
    "event": ("station", "outlet"),
    "sign": ("station", "outlet"),
    "photo": ("case",),
}
WRITES: dict[str, dict[str, Any]] = {
    "/api/devices/{mn}/orders": {"command": "read_clock", "reason": "test"},
    "/api/devices/{mn}/controls": {"command": "clean", "arguments": {"analyser": "w01018"}, "reason": "test"},
    "/api/devices/{mn}/line": {"protocol": "hj212-2017", "reason": "test"},
    "/api/devices/{mn}/recall": {"on": False, "reason": "asked by hand"},
    "/api/devices/{mn}/collocations": {"pollutant": "none", "reference": "station:none"},
    "/api/devices/{mn}/collocations/{ident}/refuse": {"reason": "test"},
    "/api/cases/{ident}/actions": {"kind": "none", "at": NOW.isoformat()},
    "/api/signs/{ident}/dismiss": {"reason": "one instrument"},
    "/api/events/{ident}/marks": {"kind": "confirmed", "seen": "none"},
    "/api/events/{ident}/dispatch": {"suspect": "none"},
}
QUERY = {"series": "?pollutant=pm25", "series.csv": "?pollutant=pm25", "calendar": "?year=2026"}


def ask(city: City, client: TestClient, route: Route, kind: str, side: str) -> Any:
    url = filled(route.path, city.address(kind, side)) + QUERY.get(route.path.rpartition("/")[2], "")
    body = WRITES.get(route.path, {})
    return client.request(route.method, url, json=body if route.method != "GET" else None)


@pytest.mark.parametrize("role", PEOPLE)
def test_a_role_reaches_what_lies_in_its_area_and_nothing_else(
    city: City, clients: dict[str, TestClient], role: str
) -> None:
    wrong, asked = [], 0
    for route in every_route():
        if route.path not in BOUND or role not in RIGHTS[route.right]:
            continue
        of = BOUND[route.path]
        for kind in KINDS.get(of, (of,)):
            for side in SIDES:
                answer = ask(city, clients[role], route, kind, side)
                told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
                outside = isinstance(told, dict) and told.get("code") in BAD
                asked += 1
                if outside == (side in SEEN[kind].get(role, NONE)) or answer.status_code >= 500:
                    wrong.append((route.method, route.path, kind, side, answer.status_code, answer.text[:160]))
    assert not wrong
    assert asked or role.endswith("_admin"), "the table is not empty for this role"


@pytest.mark.parametrize("role", PEOPLE)
def test_a_list_names_what_lies_in_the_area_of_a_role_and_nothing_else(
    city: City, clients: dict[str, TestClient], role: str
) -> None:
    wrong = []
    for route in every_route():
        if route.method != "GET" or route.path not in LISTS or role not in RIGHTS[route.right]:
            continue
        answer = clients[role].get(route.path, params={"size": 200} if route.path == "/api/cases" else {})
        assert answer.status_code == 200, answer.text
        for kind in LISTS[route.path]:
            for mark, of, side in _marks(city, kind):
                named = re.search(rf"(?<![0-9A-Za-z]){mark}(?![0-9A-Za-z])", answer.text) is not None
                if named and side not in SEEN[of].get(role, NONE):
                    wrong.append((route.path, mark, "is named"))
                if not named and side in SEEN[of].get(role, NONE) and route.path not in SHORT:
                    wrong.append((route.path, mark, "is missing"))
    assert not wrong


def _marks(city: City, kind: str) -> Iterator[tuple[str, str, str]]:
    """What names a thing in a list, what is seen like it, and its side."""
    for side in SIDES:
        if kind == "sign":
            yield from ((f"gs{side}", "station", side), (f"go{side}", "outlet", side))
        elif kind == "event":
            yield from ((f"es{side}", "station", side), (f"eo{side}", "outlet", side))
        elif kind == "case":
            yield city.cases[side].id, "case", side
        else:
            yield {"station": f"N{side}", "outlet": f"O{side}", "device": f"MN{side}"}[kind], kind, side


def test_an_instruction_is_written_on_what_one_sees_and_read_by_who_sees_its_case(
    city: City, clients: dict[str, TestClient]
) -> None:
    due = (NOW + timedelta(days=1)).isoformat()
    codes = {}
    for side in SIDES:
        for about in (f"case:{city.cases[side].id}", f"event:es{side}"):
            asked = {
                "about": about,
                "title": "x",
                "unit": "U2",
                "due": due,
                "at": NOW.isoformat(),
                "number": about[:20],
            }
            told = clients["signatory"].post("/api/instructions", json=asked)
            codes[side, about.partition(":")[0]] = told.json().get("code", "given")
    assert codes == {("1", "case"): "given", ("2", "case"): "given", ("3", "case"): "about_missing",
                     ("1", "event"): "given", ("2", "event"): "given", ("3", "event"): "event_area"}  # fmt: skip
    read = {
        role: {one["about"] for one in clients[role].get("/api/instructions").json()}
        for role in ("dispatcher", "handler")
    }
    assert f"case:{city.cases['1'].id}" in read["dispatcher"] and read["handler"] == set()


def test_a_case_that_is_given_to_a_grid_officer_is_seen_wherever_it_lies(
    city: City, clients: dict[str, TestClient]
) -> None:
    case = city.cases["3"]
    city.office.desk._cases[case.id] = replace(case, officer="P-grid_officer")
    try:
        assert clients["grid_officer"].get(f"/api/cases/{case.id}").status_code == 200
    finally:
        city.office.desk._cases[case.id] = case
    assert clients["grid_officer"].get(f"/api/cases/{case.id}").json()["code"] == "wrong_area"


def test_an_alarm_names_its_case_only_to_who_sees_the_case(city: City, clients: dict[str, TestClient]) -> None:
    case = city.cases["2"]
    city.office.desk._cases[case.id] = replace(case, sources=(Ref("event", "es2"),))
    try:
        seen = {
            role: clients[role].get("/api/events/es2").json()["event"]["case"]
            for role in ("dispatcher", "grid_officer")
        }
        assert seen["dispatcher"]["id"] == case.id and seen["grid_officer"] is None
    finally:
        city.office.desk._cases[case.id] = case
