"""`bihuan demo`: the synthetic city lives, the whole loop answers, and its pages stand open to every role."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bihuan.app.access import ADMINISTRATORS
from bihuan.app.api import ApiServer, Office, draft_bulletins
from bihuan.app.city import City, score
from bihuan.app.logs import start_logging
from bihuan.app.loop import TICK
from bihuan.app.outcome import Outcome
from bihuan.app.pacing import Pacing
from bihuan.app.rig import CityRun
from bihuan.app.screen import Screen
from bihuan.app.settings import Settings
from bihuan.cases import Case, case_settings
from bihuan.core import CHINA, InputError, Language, Suspects, from_json, local_date, text
from bihuan.register import Person
from bihuan.store import Home

EIGHT = timedelta(hours=8)
"""When the duty officer comes: the city lives through its first night as fast as the machine can."""

DECIDES_FIRST = {"dispatch": {"wait_minutes": 25}}
"""An alarm's case waits so long for the duty officer at the screen before the duty table sends it on."""

LOGINS = (
    "duty_officer", "duty_leader", "signatory", "dispatcher", "grid_officer", "handler", "verifier",
    "enterprise_manager", "maintainer", "data_engineer", "system_admin", "security_admin", "audit_admin",
)  # fmt: skip
"""A login a role, named like the role."""


def show(
    *, seed: int, hours: int, rough: bool, pace: float, language: Language, host: str = "127.0.0.1", port: int = 0
) -> None:
    """Run the city until its end or Ctrl-C, then hold what the loop said against the truth.

    Parameters
    ----------
    seed : int
    hours : int
        Of the city's time.
    rough : bool
    pace : float
        City seconds a second.
    language : Language
    host : str
    port : int
        Of the pages; 0 for a free one.

    Raises
    ------
    InputError
        If ``BIHUAN_HOME`` names a folder that holds a store.
    """
    console = Console()
    home = Path(os.environ["BIHUAN_HOME"]) if "BIHUAN_HOME" in os.environ else None
    with tempfile.TemporaryDirectory(prefix="bihuan-demo-") as folder:
        place = home or Path(folder)
        _need_empty(place)
        place.mkdir(parents=True, exist_ok=True)
        with (place / "demo.log").open("a", encoding="utf-8") as stream:
            start_logging("INFO", stream)
            logging.getLogger("bihuan").info("the demo starts", extra={"seed": seed})
            console.print(text("demo.welcome", language, home=place))
            with console.status(text("demo.building", language)):
                city = City(seed, hours, rough)
                run = CityRun(city, place, language=language, case_settings=case_settings(DECIDES_FIRST))
            with run:
                Demo(run, console, language, Pacing(seed, rough, pace)).run(host, port)


def _need_empty(home: Path) -> None:
    """Keep the synthetic city out of a home that holds anything.

    Raises
    ------
    InputError
        If there is a store: invented people and sites must never mix with a city's own, whose ledger keeps every row.
    """
    if Home(home).exists():
        raise InputError(
            f"{home} holds a store already, and the synthetic city needs a folder of its own: "
            "unset BIHUAN_HOME, or let it name an empty folder"
        )


class Demo:
    """One demo: the city, the terminal that shows it, and the server of its pages.

    Parameters
    ----------
    run : CityRun
    console : Console
    language : Language
    pacing : Pacing
    """

    def __init__(self, run: CityRun, console: Console, language: Language, pacing: Pacing) -> None:
        self._run, self._console, self._language, self._pacing = run, console, language, pacing
        self._screen = Screen(run, language, CHINA, pacing)
        self.office = Office(run.store, lambda: run.loop, run.clock, Settings(), demo=pacing)

    def run(self, host: str, port: int) -> None:
        """Live to the end of the city or Ctrl-C."""
        password = secrets.token_urlsafe(9)
        enrol(self.office, password)
        server = ApiServer(self.office, host, port)
        server.start()
        try:
            self._console.print(self._welcome(server.address, password))
            self._catch_up()
            enrol(self.office, password)
            self._live()
        except KeyboardInterrupt:
            self._console.print()
        finally:
            self._console.print(self._screen.summary())
            self._say_score()
            server.stop()

    def _welcome(self, address: str, password: str) -> Panel:
        """Where to look, and as whom."""
        port = self._run.wire.gateway.port
        logins = "  ".join(f"{text(f'role.{role}', self._language)} [b]{role}[/b]" for role in LOGINS)
        words = text("demo.up", self._language, address=address, password=password, logins=logins, port=port)
        return Panel(words, style="cyan")

    def _catch_up(self) -> None:
        """Live through the first night as fast as the machine can; what is found on the way is said."""
        until = self._run.city.start + EIGHT
        first_alert = until >= self._run.city.end
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._pacing.catching_up = True
        with Progress(*columns, console=self._console, transient=True) as progress:
            total = (min(until, self._run.city.end) - self._run.city.now) // TICK
            task = progress.add_task(text("demo.catching_up", self._language, now=self._now()), total=total)
            for outcome in self._run.ticks(None if first_alert else until):
                self._take(outcome)
                progress.update(task, advance=1, description=text("demo.catching_up", self._language, now=self._now()))
                for line in self._screen.lines(outcome):
                    progress.console.print(line)
                if first_alert and outcome.events:
                    break
        self._pacing.catching_up = False

    def _live(self) -> None:
        """One tick after the other at the pace that is set; without a terminal a line for each event instead."""
        if not self._console.is_terminal:
            for outcome in self._ticks():
                if outcome.events or outcome.suspects or outcome.cases:
                    self._console.print(self._screen.summary())
            return
        with Live(self._screen.draw(), console=self._console, screen=True, refresh_per_second=4) as live:
            for _ in self._ticks():
                live.update(self._screen.draw())
            self._pacing.change(None)
            while True:  # the city's time is over, its pages stay until Ctrl-C
                self._pacing.pass_by(TICK)

    def _ticks(self) -> Iterator[Outcome]:
        for outcome in self._run.ticks():
            self._take(outcome)
            yield outcome
            self._pacing.pass_by(TICK)

    def _take(self, outcome: Outcome) -> None:
        self._screen.take(outcome)
        self.office.live.tell_outcome(outcome, self._pacing.pace)
        draft_bulletins(self.office, outcome.now)

    def _say_score(self) -> None:
        run = self._run
        if run.city.now >= run.city.end:
            suspects = [from_json(row.body, Suspects) for row in run.store.records.find("suspects")]
            result = score(run.city, run.raised.values(), suspects, run.loop.desk.cases)
            self._console.print(text("demo.score", self._language, found=result["found"], top3=result["top3"]))
        self._console.print(text("demo.bye", self._language))

    def _now(self) -> str:
        return f"{self._run.city.now.astimezone(CHINA):%H:%M}"


def enrol(office: Office, password: str) -> None:
    """Give one person of every role a login; of officers and handlers one who has an open case, of verifiers one near.

    Called again later, the logins move to those who have something to do then.
    """
    on = local_date(office.now, office.zone)
    people = office.register.all(Person, on)
    busy = [case for case in office.desk.open_cases if case.state in {"registered", "dispatched", "signed"}]
    busy.sort(key=lambda case: (case.kind == "maintenance", case.opened))
    for role in LOGINS:
        having = [person for person in people if role in person.roles]
        chosen = min(having, key=lambda person: _nearness(person, busy))
        admin = role if role in ADMINISTRATORS else ""
        office.accounts.stand_in(role, chosen.id, password, office.now, admin)


def _nearness(person: Person, cases: Sequence[Case]) -> tuple[int, int]:
    """How far down the cases stands the first that is this person's own, their unit's or in their district.

    Whose own it is comes before a colleague of the unit or the district: only the officer who is sent may sign for it.
    """
    for number, case in enumerate(cases):
        near = (
            person.id == case.officer,
            person.unit == case.lead,
            bool(person.district) and person.district == case.district,
        )
        if any(near):
            return number, near.index(True)
    return len(cases), 0
