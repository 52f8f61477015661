"""Who is asking, and may they: the one place where every route finds its session and its right."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from bihuan.app.access import RIGHTS, Right, Session
from bihuan.app.api.errors import Refused
from bihuan.app.api.office import Office
from bihuan.core import Language

COOKIE = "bihuan_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


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
    """Return the session of the request.

    Raises
    ------
    Refused
        401 without a session, 403 when a write does not carry the session's CSRF token.
    """
    session = office.sessions.get(request.cookies.get(COOKIE, ""), office.now)
    if session is None:
        raise Refused(401, "not_logged_in", "nobody is logged in: log in and repeat")
    given = request.headers.get("x-csrf-token", "")
    if request.method not in SAFE_METHODS and not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Refused(403, "csrf", "the page is out of date: reload it and repeat; what you typed is kept")
    return session


TheSession = Annotated[Session, Depends(session_of)]


def needs(right: Right) -> Callable[..., Session]:
    """Return a dependency that asks for a right and gives the session: ``session: Annotated[Session, needs(...)]``."""
    roles = RIGHTS[right]

    def check(session: TheSession) -> Session:
        if not session.may(right):
            mine = ", ".join(session.roles) or "none"
            raise Refused(403, "no_right", f"{right} needs a role of {', '.join(sorted(roles))}, yours: {mine}")
        return session

    check.right = right  # type: ignore[attr-defined]  # read by the test of the access table
    return Depends(check)  # type: ignore[no-any-return]
