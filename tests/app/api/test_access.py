"""Who may come in, what each role may ask for, and what stands in the audit."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.access import ADMINISTRATORS, RIGHTS, enlist, masked
from bihuan.app.access.passwords import check
from bihuan.app.access.people import Wanted
from bihuan.app.api import Office, create_app
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.core import CHINA, InputError, RightRefused, from_json
from bihuan.register import Person
from bihuan.store import open_store
from tests.app.api.handmade import TestClient
from tests.app.api.routes import every_route
from tests.app.small import facts

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
PASSWORD = "Hand-made-2026"
ROLES = tuple(sorted({role for roles in RIGHTS.values() for role in roles}))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A small home where every role has a login, on clocks that are moved by hand."""
    with open_store(tmp_path, threads=1) as store:
        store.records.save_facts([*facts(), *(Person(id=f"P-{role}", name=role, roles=(role,)) for role in ROLES)])
        loop = Loop(store, CHINA, Notifications((), tmp_path / "notices.jsonl"), NOW)
        found = Office(store, lambda: loop, CityClock(NOW), Settings(), wall=CityClock(NOW))
        for role in ROLES:
            found.accounts.add(role, f"P-{role}", PASSWORD, NOW, admin=role if role in ADMINISTRATORS else "")
        yield found


def entered(office: Office, login: str = "duty_officer", password: str = PASSWORD) -> TestClient:
    client = TestClient(create_app(office), headers={"Accept-Language": "en"})
    told = client.post("/api/session", json={"login": login, "password": password})
    assert told.status_code == 200, told.text
    client.headers["X-CSRF-Token"] = told.json()["csrf"]
    return client


def later(office: Office, span: timedelta) -> None:
    assert isinstance(office.wall, CityClock)
    office.wall.advance_to(office.wall.now() + span)


# ---- the table: role x route ----

OPEN = {("GET", "/api/about"), ("POST", "/api/session"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
"""Routes that need no login; `/metrics` looks by itself whether it is asked from this machine."""

OWN = {
    ("GET", "/api/session"), ("DELETE", "/api/session"), ("PUT", "/api/session/password"), ("GET", "/api/sessions"),
    ("DELETE", "/api/sessions"), ("GET", "/api/rights"), ("GET", "/api/tokens"), ("POST", "/api/tokens"),
    ("DELETE", "/api/tokens/{ident}"), ("GET", "/api/live"), ("PUT", "/api/demo"),
}  # fmt: skip
"""Routes for everyone who is logged in: they touch nothing but one's own account and the demo's clock."""

OPERATOR = {("POST", "/api/commands/{name}")}
"""Routes of commands on this machine; they ask for the operator's token."""


def _routes() -> list[tuple[str, str, str]]:
    """Every route with its method and the right it asks for, empty when it asks for none."""
    return [(route.method, route.path, route.right) for route in every_route()]


def test_every_route_asks_for_a_right_or_stands_on_the_short_list() -> None:
    routes = _routes()
    assert len(routes) > 60, "the walk over the routes finds them"
    loose = {(method, path) for method, path, right in routes if not right}
    assert loose - OPEN - OWN - OPERATOR == set()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_let_in_where_the_table_says_so_and_nowhere_else(office: Office, role: str) -> None:
    client = entered(office, role)
    wrong = []
    for method, path, right in _routes():
        if not right or (method, path) in OPERATOR:
            continue
        url = re.sub(r"\{[^}]*\}", "none", path)
        answer = client.request(method, url, json={} if method in {"POST", "PUT"} else None)
        refused = answer.status_code == 403 and answer.json().get("code") == "no_right"
        if refused == (role in RIGHTS[right]) or answer.status_code >= 500:
            wrong.append((method, path, right, answer.status_code, answer.text[:120]))
    assert not wrong


def test_nobody_comes_in_without_a_login(office: Office) -> None:
    client = TestClient(create_app(office))
    for method, path, _ in _routes():
        if (method, path) in OPEN | OPERATOR:
            continue
        answer = client.request(method, re.sub(r"\{[^}]*\}", "none", path))
        assert answer.status_code == 401, (method, path, answer.status_code)


def test_an_administrator_sees_no_business_data_and_the_three_have_no_right_in_common() -> None:
    business = ("overview.", "site.", "event.", "case.", "warning.", "shift.", "bulletin.", "tracereport.")
    for right, roles in RIGHTS.items():
        if right.startswith(business):
            assert not roles & ADMINISTRATORS, right
    editing = {right: roles & ADMINISTRATORS for right, roles in RIGHTS.items() if not right.endswith(".read")}
    assert all(len(roles) <= 1 for roles in editing.values())
    assert RIGHTS["audit.read"] == {"audit_admin"}


def test_the_three_administrators_cannot_be_one_person(office: Office) -> None:
    wanted = Wanted(login="all", roles=("system_admin", "audit_admin"))
    with pytest.raises(InputError, match="three people"):
        enlist(office.store, office.accounts, wanted, "test", NOW, NOW.date())
    assert office.accounts.get("all") is None


def test_the_register_makes_nobody_an_administrator(office: Office) -> None:
    """Whoever imports the register could write any role into it."""
    client = entered(office, "data_engineer")
    risen = Person(id="P-data_engineer", name="x", roles=("data_engineer", "security_admin", "audit_admin"))
    office.store.records.save_facts([risen])
    office.loop.renew_register()
    assert client.get("/api/accounts").json()["code"] == "no_right"
    assert client.get("/api/audit").json()["code"] == "no_right"


# ---- coming in ----


def test_a_write_without_the_token_of_the_page_is_refused(office: Office) -> None:
    client = entered(office)
    del client.headers["X-CSRF-Token"]
    answer = client.delete("/api/sessions")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(office: Office) -> None:
    client = TestClient(create_app(office))
    told = client.post("/api/session", json={"login": "duty_officer", "password": PASSWORD})
    cookie = told.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie


def test_after_five_wrong_passwords_the_account_is_locked_for_a_while(office: Office) -> None:
    client = TestClient(create_app(office))
    codes = [
        client.post("/api/session", json={"login": "handler", "password": f"wrong-{n}"}).json()["code"]
        for n in range(6)
    ]
    assert codes == ["wrong_password"] * 5 + ["locked"]
    right = {"login": "handler", "password": PASSWORD}
    assert client.post("/api/session", json=right).json()["code"] == "locked", "the right one neither"
    later(office, timedelta(minutes=16))
    assert client.post("/api/session", json=right).status_code == 200
    failed = [entry for entry in office.store.ledger.entries() if entry.action == "log_in_failed"]
    assert len(failed) == 7
    locked = [entry for entry in office.store.ledger.entries() if entry.action == "account.locked"]
    assert [(one.actor, one.subject) for one in locked] == [("bihuan", "account:handler")], "one row a lock"
    assert from_json(locked[0].body, dict) == {"failures": 5, "until": "2026-03-10T01:15:00Z"}


def test_wrong_passwords_grow_old_each_for_itself(office: Office) -> None:
    client = TestClient(create_app(office))

    def wrong(count: int) -> list[str]:
        asked = {"login": "handler", "password": "wrong"}
        return [client.post("/api/session", json=asked).json()["code"] for _ in range(count)]

    assert wrong(2) == ["wrong_password"] * 2
    later(office, timedelta(minutes=20))
    assert wrong(2) == ["wrong_password"] * 2
    later(office, timedelta(minutes=10))  # the first two no longer count
    assert wrong(3) == ["wrong_password"] * 3, "the third of them locks"
    assert wrong(1) == ["locked"]
    later(office, timedelta(minutes=15))
    assert wrong(4) == ["wrong_password"] * 4, "a lock that ran out has answered for what led to it"


def test_passwords_tried_at_once_are_all_counted(office: Office) -> None:
    def try_one(number: int) -> None:
        with contextlib.suppress(RightRefused):
            office.accounts.log_in("handler", f"wrong-{number}", NOW)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(try_one, range(8)))
    assert office.accounts.need("handler").failures == 5
    assert [entry.action for entry in office.store.ledger.entries()] == ["account.locked"]


def test_unlocking_is_a_row_of_the_ledger(office: Office) -> None:
    keeper, client = entered(office, "security_admin"), TestClient(create_app(office))
    for _ in range(5):
        client.post("/api/session", json={"login": "handler", "password": "wrong"})
    assert keeper.post("/api/accounts/handler/unlock").status_code == 204
    last = office.store.ledger.entries()[-1]
    assert (last.actor, last.action, last.subject) == ("P-security_admin", "account.unlock", "account:handler")
    assert client.post("/api/session", json={"login": "handler", "password": PASSWORD}).status_code == 200


def test_an_unknown_login_is_answered_like_a_wrong_password(office: Office) -> None:
    client = TestClient(create_app(office))
    unknown = client.post("/api/session", json={"login": "nobody", "password": "x"})
    wrong = client.post("/api/session", json={"login": "verifier", "password": "x"})
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())


def test_a_login_ends_when_it_is_not_used_and_at_the_latest_after_twelve_hours(office: Office) -> None:
    idle, busy = entered(office), entered(office, "dispatcher")
    for _ in range(25):
        later(office, timedelta(minutes=29))
        used = busy.get("/api/session").status_code
        if used != 200:
            break
    assert idle.get("/api/session").status_code == 401
    assert used == 401, "twelve hours are the longest, however busy"


def test_a_restart_logs_nobody_out(office: Office) -> None:
    client = entered(office)
    again = Office(office.store, office.loop_of, office.clock, office.settings, wall=office.wall)
    fresh = TestClient(create_app(again), cookies=dict(client.cookies))
    assert fresh.get("/api/session").status_code == 200


def test_a_person_whose_time_in_the_register_is_over_is_out_at_once(office: Office) -> None:
    client = entered(office, "verifier")
    gone = Person(id="P-verifier", name="verifier", roles=("verifier",), valid_to=NOW.date())
    office.store.records.save_facts([gone])
    office.loop.renew_register()
    assert client.get("/api/cases").json()["code"] == "no_person"


def test_a_temporary_password_opens_nothing_but_its_own_change(office: Office) -> None:
    keeper = entered(office, "security_admin")
    made = keeper.post("/api/accounts", json={"login": "newcomer", "roles": ["duty_officer"], "name": "duty 2"})
    assert made.status_code == 201, made.text
    client = entered(office, "newcomer", made.json()["password"])
    assert client.get("/api/overview").json()["code"] == "renew_password"
    change = {"old": made.json()["password"], "new": "Another-own-2026"}
    assert client.put("/api/session/password", json=change).status_code == 204
    assert client.get("/api/overview").status_code == 200


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("Short-1", "10 to 128"),
        ("alllowercaseletters", "too simple"),
        ("x-Officer-2026", "holds the login"),
        ("Aa1-Aa1-Aa1-", "different"),
    ],
)
def test_a_weak_password_is_refused_with_what_is_allowed(password: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        check(password, "officer")


def test_a_password_does_not_come_again(office: Office) -> None:
    client = entered(office)
    change = {"old": PASSWORD, "new": "Another-own-2026"}
    assert client.put("/api/session/password", json=change).status_code == 204
    back = client.put("/api/session/password", json={"old": "Another-own-2026", "new": PASSWORD})
    assert back.status_code == 422 and "used before" in back.json()["detail"]


# ---- tokens ----


def test_a_token_has_at_most_its_makers_rights_and_ends(office: Office) -> None:
    client = entered(office)
    assert client.post("/api/tokens", json={"label": "x", "rights": ["audit.read"]}).json()["code"] == "token_rights"
    made = client.post("/api/tokens", json={"label": "wall", "days": 3, "rights": ["site.read"]}).json()
    program = TestClient(create_app(office), headers={"Authorization": f"Bearer {made['secret']}"})
    assert program.get("/api/sites").status_code == 200
    assert program.get("/api/overview").json()["code"] == "no_right"
    whole = client.post("/api/tokens", json={"label": "all", "days": 1}).json()["secret"]
    every = TestClient(create_app(office), headers={"Authorization": f"Bearer {whole}"})
    assert every.post("/api/tokens", json={"label": "more"}).status_code == 403, "a token does not renew itself"
    later(office, timedelta(days=3))
    assert program.get("/api/sites").status_code == 401
    kept = office.store.records.find("token")[0].body.decode()
    assert made["secret"] not in kept, "only its digest is kept"


# ---- audit ----


def test_the_audit_is_read_by_its_administrator_alone_and_no_route_takes_a_row_out(office: Office) -> None:
    entered(office, "system_admin").get("/api/audit")
    auditor = entered(office, "audit_admin")
    page = auditor.get("/api/audit").json()
    assert page["chain"]["broken"] == "" and page["rows"] == office.store.ledger.head().rows == page["chain"]["rows"]
    assert any(line["action"] == "refused" and line["actor"] == "P-system_admin" for line in page["lines"])
    writing = [(method, path) for method, path, _ in _routes() if "audit" in path and method != "GET"]
    assert writing == [("POST", "/api/audit/check")], "which only reads"


def test_a_cell_of_the_audit_is_never_a_formula(office: Office) -> None:
    client = TestClient(create_app(office))
    office.accounts.stand_in("=cmd", "=1+1", PASSWORD, NOW)
    client.post("/api/session", json={"login": "=cmd", "password": "wrong"})
    told = entered(office, "audit_admin").get("/api/audit.csv").text
    assert "'=1+1" in told and not re.search(r"(^|,)=", told, re.MULTILINE)


def test_sensitive_fields_are_masked_by_role() -> None:
    phone = {"phone": "13812345678", "name": "duty 1"}
    assert masked(("duty_officer",), "person", phone) == phone
    assert masked(("maintainer",), "person", phone) == {"phone": "138****5678", "name": "duty 1"}
    assert masked(("maintainer",), "step", {"place": object()})["place"] is None


def test_every_answer_forbids_foreign_content(office: Office) -> None:
    client = TestClient(create_app(office))
    for path in ("/api/about", "/api/nothing", "/"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/about").headers["cache-control"] == "no-store"


def test_a_server_on_loopback_answers_to_no_other_name(office: Office) -> None:
    client = TestClient(create_app(office, hosts=("localhost",)))
    assert client.get("/api/about", headers={"Host": "evil.example"}).status_code == 421
    assert client.get("/api/about", headers={"Host": "localhost:8080"}).status_code == 200


def test_a_request_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, office: Office) -> None:
    office.settings._values["body_megabytes"] = 1
    client = TestClient(create_app(office))
    answer = client.post("/api/session", content=b"x" * 1_500_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
