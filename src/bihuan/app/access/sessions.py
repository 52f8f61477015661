"""Sessions: who is logged in, with what roles, since when."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from bihuan.app.access.rights import Right, may
from bihuan.cases import Actor
from bihuan.register import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One person at one screen.

    Attributes
    ----------
    token : str
        In the cookie; secret.
    csrf : str
        Sent back in the header ``X-CSRF-Token`` with every write.
    login : str
    person : Person
        As the register has it today.
    began : datetime
    """

    token: str
    csrf: str
    login: str
    person: Person
    began: datetime

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
        """Say whether this person has a right."""
        return may(self.roles, right)


class Sessions:
    """Everyone who is logged in."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def begin(self, login: str, person: Person, now: datetime) -> Session:
        """Log in."""
        session = Session(
            token=secrets.token_urlsafe(32), csrf=secrets.token_urlsafe(32), login=login, person=person, began=now
        )
        self._open[session.token] = session
        return session

    def get(self, token: str, now: datetime) -> Session | None:
        """Return the session of a cookie, or None."""
        return self._open.get(token)

    def end(self, token: str) -> None:
        """Log out."""
        self._open.pop(token, None)
