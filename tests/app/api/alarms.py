"""What the tests of alarms share: clients by role, and alarms of their own that nobody has seen yet."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from fastapi.testclient import TestClient

from bihuan.alerts import Proposal, Warning, draft, scheme_named
from bihuan.app.api import Office, create_app
from bihuan.core import Event, Period, Ref, Suspect, Suspects, content_id, from_json, to_json
from bihuan.store import Row
from tests.app.api.stand import PASSWORD


def client(office: Office, login: str = "duty_officer", language: str = "en") -> TestClient:
    """Somebody who is logged in."""
    found = TestClient(create_app(office), headers={"accept-language": language})
    answer = found.post("/api/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    found.headers["x-csrf-token"] = answer.json()["csrf"]
    return found


def rises(office: Office) -> list[Event]:
    """Every rise that was traced."""
    rows = office.store.records.find("event")
    found = [from_json(row.body, Event) for row in rows]
    return [event for event in found if event.method.startswith("alerts/excess/") and office.loop.ranking(event.id)]


def fresh_alarm(office: Office, name: str) -> tuple[Event, tuple[Suspect, ...]]:
    """An alarm without case or mark, with three suspects that no case is about."""
    pattern = rises(office)[0]
    event = dataclasses.replace(pattern, id=content_id("test", name), open=False)
    visited = {case.suspect for case in office.desk.cases}
    taken = [from_json(row.body, Suspects) for row in office.store.records.find("suspects", state="test")]
    used = visited | {one.source for found in taken for one in found.ranked}
    free = [source for source in office.town.sources if source.ref not in used and source.ref.kind == "outlet"][:3]
    ranked = tuple(
        Suspect(source.ref, source.name, source.place, chance, 3.0, 1.0, 9.0, (event.period,), 1500.0, 200.0)
        for source, chance in zip(free, (0.6, 0.25, 0.05), strict=True)
    )
    found = Suspects(
        content_id("test", name), event.ref, event.pollutant, event.period, ranked, 0.07, 0.03, method="plume-tracer/1"
    )
    period = event.period
    office.store.records.save(
        "event", [Row(event.id, to_json(event), str(event.subject), "closed", start=period.start, end=period.end)]
    )
    office.store.records.save(
        "suspects", [Row(found.id, to_json(found), str(event.ref), "test", start=period.start, end=period.end)]
    )
    return event, ranked


def audited(office: Office, action: str, subject: Ref) -> list[str]:
    """Who is in the ledger for an act."""
    found = office.store.ledger.entries()
    return [entry.actor for entry in found if entry.action == action and entry.subject == str(subject)]


def drafted(office: Office, name: str = "a", grade: str = "yellow") -> Warning:
    """A draft of the ladder over the hours that the city has lived."""
    scheme = scheme_named("zhengzhou-2023")
    period = Period(office.now - timedelta(hours=6), office.now + timedelta(hours=18))
    proposal = Proposal(
        id=content_id("proposal", name),
        action="issue",
        scheme=scheme.id,
        number=scheme.number,
        clause=scheme.clause,
        status=scheme.status,
        grade=grade,
        response=scheme.grade(grade).response,
        before="",
        period=period,
        speaks=(),
        ordered=(),
        made=office.now,
    )
    warning = draft(proposal, office.town.ref)
    row = Row(warning.ref.id, to_json(warning), str(warning.area), warning.state, start=period.start)
    office.store.records.save("warning", [row])
    return warning
