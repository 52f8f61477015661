"""The office: everything that a route may lean on, in one object."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bihuan.app.access import Account, Accounts, Session, Sessions
from bihuan.app.api.live import Live
from bihuan.app.clock import Clock, WallClock
from bihuan.app.desk import Desk
from bihuan.app.eventtransport import Transports
from bihuan.app.framebook import FrameBook
from bihuan.app.jobs import Jobs
from bihuan.app.ledgerwatch import LedgerWatch
from bihuan.app.linebook import LineBook
from bihuan.app.loop import Loop
from bihuan.app.pacing import Pacing
from bihuan.app.settings import Settings
from bihuan.app.town import Town
from bihuan.app.tracesearch import TraceSearches
from bihuan.app.tracesheet import TraceSheets
from bihuan.app.troubles import Troubles
from bihuan.cases import Case, title_of
from bihuan.core import Language, Ref, local_date, to_json
from bihuan.register import Register
from bihuan.store import Entry, Store

PROGRAM = "bihuan"
"""Who acts when nobody does, as the ledger has it."""


@dataclass(slots=True)
class Office:
    """What the routes share.

    Attributes
    ----------
    store : Store
        Owned by this process. Whoever changes cases or the register holds ``store.step`` while doing so.
    loop_of : callable
        Returns the loop in force; a server makes it anew after a failure, so nobody keeps it.
    clock : Clock
        The wall's, or the synthetic city's.
    settings : Settings
        Of the process.
    wall : Clock
        By which people sit at screens, whatever the city's time: logins end and locks open by it.
    demo : Pacing or None
        Of the synthetic city; None when real devices speak.
    troubles : Troubles
        Of the server that steps the loop.
    operator : str
        Token of this start for commands of this machine; stands in `server.json`, which its owner alone may read.
    """

    store: Store
    loop_of: Callable[[], Loop]
    clock: Clock
    settings: Settings
    demo: Pacing | None = None
    troubles: Troubles = field(default_factory=Troubles)
    operator: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    live: Live = field(default_factory=Live)
    wall: Clock = field(default_factory=WallClock)
    accounts: Accounts = field(init=False)
    sessions: Sessions = field(init=False)
    sheets: TraceSheets = field(init=False)
    searches: TraceSearches = field(init=False)
    transports: Transports = field(init=False)
    lines: LineBook = field(init=False)
    frames: FrameBook = field(init=False)
    jobs: Jobs = field(init=False)
    chain: LedgerWatch = field(init=False)

    def __post_init__(self) -> None:
        self.sheets = TraceSheets(self.store)
        self.searches = TraceSearches(self.store)
        self.transports = Transports(self.store)
        self.accounts = Accounts.set_up(self.store.records, self.settings)
        self.accounts.when_locked = self._note_lock
        self.sessions = Sessions.set_up(self.store.records, self.settings)
        self.sessions.when_ended = self.live.end
        self.chain = LedgerWatch(self.store.ledger)
        self.lines = LineBook(self.store.home.journal, self.settings.zone)
        self.frames = FrameBook(self.store.home.journal)
        # what a killed server was reading when it ended: its jobs ended with it
        shutil.rmtree(self.store.home.uploads, ignore_errors=True)
        self.jobs = Jobs(lambda ident: self.live.tell("job", id=ident))

    @property
    def loop(self) -> Loop:
        """The loop in force."""
        return self.loop_of()

    @property
    def desk(self) -> Desk:
        """The desk of cases."""
        return self.loop.desk

    @property
    def town(self) -> Town:
        """The register as the last step saw it."""
        return self.loop.town

    @property
    def register(self) -> Register:
        """The register."""
        return self.town.register

    @property
    def zone(self) -> ZoneInfo:
        """Local time of the city."""
        return self.settings.zone

    @property
    def now(self) -> datetime:
        """The present instant, UTC."""
        return self.clock.now()

    @property
    def today(self) -> date:
        """The present day of the city."""
        return local_date(self.now, self.zone)

    def audit(self, session: Session, action: str, subject: Ref | str = "", body: object = None) -> None:
        """Write an act into the ledger; within `Records.transaction` it commits with the act itself."""
        self.store.ledger.add(Entry(self.now, session.person.id, action, str(subject), to_json(body or {})))

    def _note_lock(self, account: Account) -> None:
        body = to_json({"failures": account.failures, "until": account.locked_until})
        self.store.ledger.add(Entry(self.now, PROGRAM, "account.locked", f"account:{account.login}", body))

    def name(self, ref: Ref, language: Language = "zh") -> str:
        """Return what a thing is called, its id where the register knows no name."""
        fact = self.town.cell if ref == self.town.ref else self.register.resolve(ref, self.town.on)
        return fact.name if fact and fact.name else ref.id

    def title(self, case: Case, language: Language = "zh") -> str:
        """Return the title of a case as it stands now."""
        return title_of(case, self.register, self.town.on, language)
