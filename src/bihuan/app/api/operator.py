"""Who operates the machine: whoever may read the token in `server.json`, or an administrator who sits at it."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from bihuan.app.access import Right
from bihuan.app.api.errors import Refused
from bihuan.app.api.guard import TheOffice, session_of
from bihuan.app.api.office import Office


@dataclass(frozen=True, slots=True)
class Operator:
    """Who asks.

    Attributes
    ----------
    actor : str
        For the ledger: the id of a person, or ``operator``.
    by_token : bool
        Whether by the token of `server.json`: a user of this machine who could read the store's files as well.
    """

    actor: str
    by_token: bool


def here(request: Request) -> bool:
    """Say whether a request comes from this machine itself, and not through a proxy on it."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers or request.client is None:
        return False
    try:
        loopback = ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        loopback = False
    own = request.scope.get("server") or ("",)
    return loopback or request.client.host == own[0]


def has_token(request: Request, office: Office) -> bool:
    """Say whether a request carries the operator's token."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), office.operator.encode())


def operates(right: Right) -> object:
    """Return a dependency: this machine only, and the operator's token or a session with the right."""

    def check(request: Request, office: TheOffice) -> Operator:
        if not here(request):
            raise Refused(403, "not_here", "commands are taken from this machine only: run bihuan on the server")
        if has_token(request, office):
            return Operator("operator", by_token=True)
        session = session_of(request, office)
        if not session.may(right):
            raise Refused(403, "no_right", f"{right} is needed, your roles are {', '.join(session.roles) or 'none'}")
        return Operator(session.person.id, by_token=False)

    check.right = right  # type: ignore[attr-defined]  # read by the test of the access table
    return Depends(check)


TheOperator = Annotated[Operator, operates("command.run")]
