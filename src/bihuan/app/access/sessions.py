"""Sessions and tokens: who is logged in, with what roles, since when. Only digests of the secrets are kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bihuan.app.access.rights import Right, may
from bihuan.app.settings import Settings
from bihuan.cases import Actor
from bihuan.core import InputError, digest, from_json, to_json
from bihuan.register import Person
from bihuan.store import Records, Row

SEEN_EVERY = timedelta(minutes=1)
"""How often it is written down that a session is still used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A session or a token as it is kept.

    Attributes
    ----------
    digest : str
        Of the secret; the secret itself is with its holder only.
    csrf : str
        Sent back in the header ``X-CSRF-Token`` with every write; empty for a token, which no browser sends unasked.
    login, label : str
    began, seen, ends : datetime
    scope : tuple of str
        Rights of a token; empty for all of its holder's.
    """

    digest: str
    csrf: str
    login: str
    label: str
    began: datetime
    seen: datetime
    ends: datetime
    scope: tuple[Right, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One person at one screen, or a program of theirs.

    Attributes
    ----------
    kept : Pass
    person : Person
        As the register has it today.
    cells : frozenset of str
        Cells of the grid that the person answers for, with those below them.
    """

    kept: Pass
    person: Person
    cells: frozenset[str] = frozenset()

    @property
    def login(self) -> str:
        """Login of the account."""
        return self.kept.login

    @property
    def csrf(self) -> str:
        """What every write has to send back."""
        return self.kept.csrf

    @property
    def actor(self) -> Actor:
        """As cases know who acts."""
        person = self.person
        return Actor(person.id, person.roles, person.unit, person.district)

    @property
    def roles(self) -> tuple[str, ...]:
        """Codes of the roles."""
        return self.person.roles

    def may(self, right: Right) -> bool:
        """Say whether this person has a right, and the token, if it is one, was made for it."""
        return may(self.roles, right) and (not self.kept.scope or right in self.kept.scope)


class Sessions:
    """Everyone who is logged in, and every token; kept in the records, so that a restart logs nobody out.

    Parameters
    ----------
    records : Records
    idle : timedelta
        A session that was not used for so long has ended.
    longest : timedelta
        And so has one that began so long ago.

    Attributes
    ----------
    when_ended : callable
        Told the digest of each session or token that is ended.
    """

    def __init__(self, records: Records, idle: timedelta, longest: timedelta) -> None:
        self._records, self._idle, self._longest = records, idle, longest
        self.when_ended: Callable[[str], None] = lambda digest: None

    @classmethod
    def set_up(cls, records: Records, settings: Settings) -> Sessions:
        """Return the sessions as the settings of the process want them."""
        idle = timedelta(minutes=settings.whole("session_idle_minutes"))
        return cls(records, idle, timedelta(hours=settings.whole("session_hours")))

    def begin(self, login: str, now: datetime, label: str = "") -> tuple[str, Pass]:
        """Log in, and return the secret of the cookie with what is kept of it."""
        ends = now + self._longest
        return self._make("session", login, label, now, ends, secrets.token_urlsafe(32))

    def make_token(
        self, login: str, label: str, now: datetime, days: int, scope: tuple[Right, ...] = ()
    ) -> tuple[str, Pass]:
        """Make a token for a program, and return its secret with what is kept of it."""
        return self._make("token", login, label, now, now + timedelta(days=days), "", scope)

    def _make(
        self,
        kind: Literal["session", "token"],
        login: str,
        label: str,
        now: datetime,
        ends: datetime,
        csrf: str,
        scope: tuple[Right, ...] = (),
    ) -> tuple[str, Pass]:
        secret = secrets.token_urlsafe(32)
        made = Pass(
            digest=digest(secret.encode()),
            csrf=csrf,
            login=login,
            label=label,
            began=now,
            seen=now,
            ends=ends,
            scope=scope,
        )
        self._keep(kind, made)
        return secret, made

    def get(self, kind: Literal["session", "token"], secret: str, now: datetime, active: bool = True) -> Pass | None:
        """Return what is kept of a secret, or None where it is unknown, idle for too long or over.

        Only what is `active` counts as use.
        """
        row = self._records.get(kind, _key(digest(secret.encode()))) if secret else None
        if row is None or row.state != "open":
            return None
        kept = from_json(row.body, Pass)
        if now >= kept.ends or (kind == "session" and now - kept.seen >= self._idle):
            return None
        if active and now - kept.seen >= SEEN_EVERY:
            kept = replace(kept, seen=now)
            self._keep(kind, kept)
        return kept

    def of(self, kind: Literal["session", "token"], login: str, now: datetime) -> list[Pass]:
        """Return the open sessions or tokens of a login, the newest first."""
        rows = self._records.find(kind, subject=login, state="open", newest_first=True)
        found = [from_json(row.body, Pass) for row in rows]
        return [one for one in found if now < one.ends and (kind == "token" or now - one.seen < self._idle)]

    def end(self, kind: Literal["session", "token"], kept: Pass) -> None:
        """Log out, or withdraw a token."""
        self._keep(kind, kept, "ended")
        self.when_ended(kept.digest)

    def end_all(self, login: str, but: str = "") -> int:
        """End every session and token of a login except the one of a digest, and return how many."""
        ended = 0
        for kind in ("session", "token"):
            rows = self._records.find(kind, subject=login, state="open")
            for one in (from_json(row.body, Pass) for row in rows):
                if one.digest != but:
                    self._keep(kind, one, "ended")
                    self.when_ended(one.digest)
                    ended += 1
        return ended

    def token(self, login: str, ident: str) -> Pass:
        """Return a token of a login by its short id.

        Raises
        ------
        InputError
            If there is none.
        """
        row = self._records.get("token", ident)
        if row is None or row.subject != login:
            raise InputError(f"token {ident!r} is not one of yours: list them first")
        return from_json(row.body, Pass)

    def _keep(self, kind: str, kept: Pass, state: str = "open") -> None:
        row = Row(_key(kept.digest), to_json(kept), kept.login, state, start=kept.began, end=kept.ends)
        self._records.save(kind, [row])


def _key(found: str) -> str:
    """Short enough for the table; 48 hex digits of the digest tell any two apart."""
    return found.rpartition(":")[2][:48]


def ident_of(kept: Pass) -> str:
    """Return the short id by which a session or token is named on pages."""
    return _key(kept.digest)
