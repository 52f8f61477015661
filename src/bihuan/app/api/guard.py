"""Who is asking, and may they: the one place where every route finds its session and its right."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request

from bihuan.app.access import ADMINISTRATORS, RIGHTS, Account, Right, Session, cells_of
from bihuan.app.api.errors import Refused
from bihuan.app.api.office import Office
from bihuan.core import Language
from bihuan.register import Person

COOKIE = "bihuan_session"
AUTOMATIC = "x-automatic"
"""Header of what a page asks for while nobody touches it."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BEFORE_RENEWAL = frozenset({"/api/session", "/api/session/password"})
"""All that may be asked for before a temporary password was changed."""


def office_of(request: Request) -> Office:
    """Return the office of the running server."""
    office: Office = request.app.state.office
    return office


def language_of(request: Request) -> Language:
    """Return the language the page asks for; Chinese when it does not say."""
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"


TheOffice = Annotated[Office, Depends(office_of)]
TheLanguage = Annotated[Language, Depends(language_of)]


def session_of(request: Request, office: TheOffice) -> Session:
    """Return the session of the request; what a page reads of its own accord does not count as use.

    Raises
    ------
    Refused
        As `found_session`.
    """
    return found_session(request, office, active=AUTOMATIC not in request.headers)


def found_session(request: Request, office: Office, active: bool) -> Session:
    """Return the session of a request: of its cookie, or of its token (``Authorization: Bearer``).

    Parameters
    ----------
    request : Request
    office : Office
    active : bool
        Whether a person, or their program, acts: only that keeps a login from ending idle.

    Raises
    ------
    Refused
        401 without a session, 403 when a write does not carry the session's CSRF token, when the person is no longer
        in the register, or when a temporary password has to be changed first.
    """
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    now = office.wall.now()
    if bearer:
        kept = office.sessions.get("token", bearer, now, active)
    else:
        kept = office.sessions.get("session", request.cookies.get(COOKIE, ""), now, active)
    account = office.accounts.get(kept.login) if kept else None
    if kept is None or account is None or not account.enabled:
        raise Refused(401, "not_logged_in", "nobody is logged in: log in and repeat")
    given = request.headers.get("x-csrf-token", "")
    if (
        not bearer
        and request.method not in SAFE_METHODS
        and not hmac.compare_digest(given.encode(), kept.csrf.encode())
    ):
        raise Refused(403, "csrf", "the page is out of date: reload it and repeat; what you typed is kept")
    person = office.register.get(Person, account.person, office.today)
    if person is None:
        raise Refused(403, "no_person", f"person {account.person} is not in the register today: ask who keeps it")
    if account.renew and request.url.path not in BEFORE_RENEWAL:
        raise Refused(403, "renew_password", "the password is a temporary one: choose your own first")
    roles, cells = roles_of(account, person), cells_of(person, office.town)
    return Session(kept=kept, person=replace(person, roles=roles), cells=cells)


def roles_of(account: Account, person: Person) -> tuple[str, ...]:
    """Roles of the register, but for administrators: that role comes with the account, and is then the only one."""
    if account.admin:
        return (account.admin,)
    return tuple(role for role in person.roles if role not in ADMINISTRATORS)


TheSession = Annotated[Session, Depends(session_of)]


def needs(right: Right) -> Any:
    """Return a dependency that asks for a right and gives the session: ``session: Annotated[Session, needs(...)]``."""
    roles = RIGHTS[right]

    def check(session: TheSession, office: TheOffice) -> Session:
        if not session.may(right):
            mine = ", ".join(session.roles) or "none"
            office.audit(session, "refused", body={"right": right})
            raise Refused(403, "no_right", f"{right} needs a role of {', '.join(sorted(roles))}, yours: {mine}")
        return session

    asks: Callable[..., Session] = check
    asks.right = right  # type: ignore[attr-defined]  # read by the test of the access table
    return Depends(asks)
