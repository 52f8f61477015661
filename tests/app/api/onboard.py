"""A small home with logins and frames of a stranger, for the tests of devices, health and imports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from bihuan.app.api import Office, create_app
from bihuan.app.clock import CityClock
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.settings import Settings
from bihuan.core import CHINA
from bihuan.register import Fact, Person, Unit
from bihuan.store import open_store
from tests.app.small import facts, journal

MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(hours=3)
PASSWORD = "a-small-home-2026"


def people() -> list[Fact]:
    roles = ("data_engineer", "duty_officer", "maintainer", "grid_officer", "system_admin")
    return [Unit(id="U1", name="一号运维", kind="maintainer")] + [
        Person(id=f"P-{role}", name=role, roles=(role,), unit="U1") for role in roles
    ]


@contextmanager
def small_office(
    home: Path, frames: list[tuple[bytes, datetime, str]], extra: list[Fact] | None = None, now: datetime = NOW
) -> Iterator[Office]:
    """An office over a small home whose loop has taken in what came."""
    if frames:
        journal(home, sorted(frames, key=lambda frame: frame[1]))
    with open_store(home, threads=1) as store:
        store.records.save_facts([*facts(), *people(), *(extra or [])])
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), now - timedelta(hours=1))
        office = Office(store, lambda: loop, CityClock(now), Settings())
        for role in ("data_engineer", "duty_officer", "maintainer", "grid_officer", "system_admin"):
            office.accounts.add(role, f"P-{role}", PASSWORD, now, admin=role if role == "system_admin" else "")
        loop.step(now, until=now)
        yield office


def logged_in(office: Office, role: str, language: str = "en") -> TestClient:
    """A browser of a person with that role."""
    client = TestClient(create_app(office), headers={"Accept-Language": language})
    told = client.post("/api/session", json={"login": role, "password": PASSWORD})
    assert told.status_code == 200, told.text
    client.headers["X-CSRF-Token"] = told.json()["csrf"]
    return client
