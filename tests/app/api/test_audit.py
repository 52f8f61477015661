"""The audit in pages: bounded reading, filters on the server, and a check that goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bihuan.app.api import Office, create_app
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.core import CHINA, LedgerError
from bihuan.register import Person
from bihuan.store import Entry, LedgerHead, open_store
from tests.app.api.handmade import TestClient
from tests.app.small import facts

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
PASSWORD = "Hand-made-2026"
ROWS = 40


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(tmp_path, threads=1) as store:
        store.records.save_facts([*facts(), Person(id="A", name="auditor", roles=("audit_admin",))])
        loop = Loop(store, CHINA, Notifications((), tmp_path / "notices.jsonl"), NOW)
        found = Office(store, lambda: loop, CityClock(NOW), Settings(), wall=CityClock(NOW))
        found.accounts.add("auditor", "A", PASSWORD, NOW, admin="audit_admin")
        for number in range(1, ROWS + 1):
            at = NOW - timedelta(minutes=ROWS - number)
            store.ledger.add(Entry(at, f"P{number % 4}", "act" if number % 2 else "other", f"case:{number}"))
        yield found


@pytest.fixture
def client(office: Office) -> TestClient:
    found = TestClient(create_app(office))
    found.headers["X-CSRF-Token"] = found.post("/api/session", json={"login": "auditor", "password": PASSWORD}).json()[
        "csrf"
    ]
    return found


def change(office: Office, row: int) -> None:
    """Change a row behind the back of the ledger, as who owns the files can."""
    with office.store.records.connection(writes=True) as connection:
        connection.execute(text("UPDATE audit SET actor = 'somebody' WHERE seq = :row"), {"row": row})


def test_pages_go_back_row_by_row_and_hold_each_act_once(client: TestClient) -> None:
    rows, before = [], None
    while True:
        page = client.get("/api/audit", params={"size": 7} | ({"before": before} if before else {})).json()
        rows += [line["row"] for line in page["lines"]]
        before = page["next"]
        if before is None:
            break
    assert rows == list(range(ROWS + 1, 0, -1)), "the log-in of the auditor is the last"


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ({"person": "P1", "action": "act"}, [37, 33, 29, 25, 21, 17, 13, 9, 5, 1]),
        ({"subject": "case:4", "action": "other"}, [40, 4]),
        ({"since": "2026-03-10T00:58:00Z", "until": "2026-03-10T01:00:00Z"}, [39, 38]),
        ({"person": "%"}, []),
        ({"person": "_1"}, []),
    ],
)
def test_filters_are_asked_of_the_store_and_take_no_wild_cards(
    client: TestClient, asked: dict[str, str], rows: list[int]
) -> None:
    page = client.get("/api/audit", params=asked).json()
    assert [line["row"] for line in page["lines"]] == rows
    table = client.get("/api/audit.csv", params=asked).text.splitlines()
    assert [int(line.partition(",")[0]) for line in table[1:]] == rows


def test_one_request_looks_at_a_bounded_part_and_says_where_to_go_on(office: Office) -> None:
    found, following = office.store.ledger.before(None, subject="case:2", most=1, within=10)
    assert (found, following) == ([], ROWS - 9)
    found, following = office.store.ledger.before(following, subject="case:2", most=9, within=10)
    assert ([row for row, _ in found], following) == ([29, 28, 27, 26, 25, 24, 23, 22, 21], 21)
    assert office.store.ledger.before(2, within=10)[1] is None


def test_the_check_goes_on_where_it_was_and_a_change_of_what_follows_is_found(
    office: Office, client: TestClient
) -> None:
    assert client.get("/api/audit").json()["chain"]["rows"] == ROWS + 1
    office.store.ledger.add(Entry(NOW, "x", "new"))
    change(office, ROWS + 2)
    told = client.get("/api/audit").json()["chain"]
    assert told["rows"] == ROWS + 1 and f"row {ROWS + 2}" in told["broken"]


def test_an_old_row_is_found_by_a_check_of_the_whole_and_by_that_alone(office: Office, client: TestClient) -> None:
    client.get("/api/audit")
    change(office, 3)
    assert client.get("/api/audit").json()["chain"]["broken"] == ""
    assert client.post("/api/audit/check").status_code == 202
    deadline = time.monotonic() + 30
    while not (chain := client.get("/api/audit").json()["chain"])["whole"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "row 3" in chain["broken"] and chain["share"] is None


def test_the_checked_row_itself_may_not_change_nor_go(office: Office) -> None:
    head = office.store.ledger.check()
    assert office.store.ledger.go_on(head) == head
    with pytest.raises(LedgerError, match=f"row {ROWS} as it was checked"):
        office.store.ledger.go_on(LedgerHead(ROWS, "sha256:else"))
    with office.store.records.connection(writes=True) as connection:
        connection.execute(text("DELETE FROM audit WHERE seq = :row"), {"row": ROWS})
    with pytest.raises(LedgerError, match="no longer holds"):
        office.store.ledger.go_on(head)
