"""A city that has lived and now stands still at one instant, with everyone's login: to develop and to look at the face.

``python -m tests.app.api.stand --port 8080 [--hours 32] [--home FOLDER] [--furnish]`` lives the city once and keeps it;
``--furnish`` adds what one night does not bring: a quarter of a year, targets of forwarding, a collocation, signs.
"""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bihuan.app.access import ADMINISTRATORS
from bihuan.app.api import ApiServer, Office
from bihuan.app.city import City
from bihuan.app.clock import CityClock
from bihuan.app.loop import WATERMARK, Loop
from bihuan.app.notify import Notifications, OutboxNotifier
from bihuan.app.rig import CityRun
from bihuan.app.settings import Settings
from bihuan.core import CHINA, from_json, local_date, parse_instant
from bihuan.register import Person
from bihuan.store import open_store
from tests.app.api.furnish import furnish

PASSWORD = "synthetic-city-2026"
HOURS = 32
"""Eight o'clock of the second day: a whole night lies behind."""

LOGINS = (
    "duty_officer", "duty_leader", "signatory", "dispatcher", "grid_officer", "handler", "verifier",
    "enterprise_manager", "maintainer", "data_engineer", "system_admin", "security_admin", "audit_admin",
)  # fmt: skip
"""One login a role, named like the role."""


def live(home: Path, hours: float = HOURS, seed: int = 1) -> None:
    """Let the city live, and leave its home behind."""
    city = City(seed, int(hours) + 1)
    with CityRun(city, home) as run:
        for outcome in run.ticks():
            if (outcome.now - city.start).total_seconds() >= hours * 3600:
                return


@contextmanager
def standing(home: Path) -> Iterator[Office]:
    """The office of a home that has lived, its clock at the last step."""
    with open_store(home) as store:
        body = store.records.state(WATERMARK)
        assert body is not None
        now = parse_instant(from_json(body, str))
        notifications = Notifications([OutboxNotifier(home / "outbox")], home / "notices.jsonl")
        loop = Loop(store, CHINA, notifications, now)
        office = Office(store, lambda: loop, CityClock(now), Settings())
        enrol(office)
        yield office


def enrol(office: Office) -> None:
    """Give the first person of every role a login; the grid officer's and the handler's have an open case."""
    people = office.register.all(Person, local_date(office.now, CHINA))
    wanted = {case.officer for case in office.desk.open_cases}
    for role in LOGINS:
        having = [person for person in people if role in person.roles]
        person = next((one for one in having if one.id in wanted), having[0])
        if office.accounts.get(role) is None:
            office.accounts.add(role, person.id, PASSWORD, office.now, admin=role if role in ADMINISTRATORS else "")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("BIHUAN_STAND", "/tmp/bihuan-stand")))
    parser.add_argument("--furnish", action="store_true")
    asked = parser.parse_args()
    if not (asked.home / "store.toml").exists():
        live(asked.home, asked.hours)
    with standing(asked.home) as office:
        if asked.furnish:
            furnish(office)
        server = ApiServer(office, "127.0.0.1", asked.port)
        server.start()
        print(f"{server.address}  login: {', '.join(LOGINS)}  password: {PASSWORD}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
