"""Accounts and tokens: kept by the security administrator, and by everyone their own tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bihuan.app.access import RIGHTS, Account, Pass, Session, enlist, ident_of, rights_of
from bihuan.app.access.people import Wanted
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheOffice, TheSession, needs
from bihuan.app.api.office import Office
from bihuan.register import Person

router = APIRouter(prefix="/api", tags=["accounts"], responses=PROBLEMS)  # type: ignore[arg-type]

Keeper = Annotated[Session, needs("account.edit")]
Reader = Annotated[Session, needs("account.read")]


class AccountLine(BaseModel):
    """One account as its keeper sees it; no hash ever leaves the records."""

    login: str
    person: str
    name: str
    roles: list[str]
    unit: str
    district: str
    enabled: bool
    locked_until: datetime | None
    renew: bool
    last_login: datetime | None
    sessions: int


class NewAccount(BaseModel):
    """Who is to get an account: a person of the register, or a new one with roles."""

    login: str = Field(min_length=1, max_length=64)
    person: str = Field("", max_length=64)
    name: str = Field("", max_length=64)
    roles: list[str] = Field([], max_length=8)
    unit: str = Field("", max_length=64)
    district: str = Field("", max_length=64)


class Given(BaseModel):
    """A temporary password, shown this once."""

    login: str
    password: str


class Switch(BaseModel):
    """On or off."""

    enabled: bool


class NewToken(BaseModel):
    """What a program is to be let in with."""

    label: str = Field(min_length=1, max_length=64)
    days: int = Field(30, ge=1, le=3650)
    rights: list[str] = Field([], max_length=64, description="empty for all that one has oneself")


class TokenLine(BaseModel):
    """A token; its secret is shown only when it is made."""

    id: str
    label: str
    began: datetime
    seen: datetime
    ends: datetime
    rights: list[str]


class MadeToken(BaseModel):
    """A token with its secret, shown this once."""

    secret: str
    token: TokenLine


@router.get("/accounts")
def accounts(session: Reader, office: TheOffice) -> list[AccountLine]:
    """List every account."""
    return [_line(account, office) for account in office.accounts.all()]


@router.post("/accounts", status_code=201)
def add_account(asked: NewAccount, session: Keeper, office: TheOffice) -> Given:
    """Make an account with a temporary password."""
    wanted = Wanted(
        login=asked.login,
        person=asked.person,
        name=asked.name,
        roles=tuple(asked.roles),
        unit=asked.unit,
        district=asked.district,
    )
    account, password = enlist(office.store, office.accounts, wanted, session.person.id, office.now, office.today)
    with office.store.step:
        office.loop.renew_register()
    return Given(login=account.login, password=password)


@router.put("/accounts/{login}/enabled", status_code=204)
def switch_account(login: str, asked: Switch, session: Keeper, office: TheOffice) -> None:
    """Switch an account on or off; off ends its sessions at once."""
    account = _other(login, session, office)
    with office.store.records.transaction():
        office.accounts.switch(account, asked.enabled)
        if not asked.enabled:
            office.sessions.end_all(login)
        office.audit(session, "account.on" if asked.enabled else "account.off", f"account:{login}")


@router.post("/accounts/{login}/unlock", status_code=204)
def unlock_account(login: str, session: Keeper, office: TheOffice) -> None:
    """Let a locked account log in again."""
    with office.store.records.transaction():
        office.accounts.unlock(_other(login, session, office))
        office.audit(session, "account.unlock", f"account:{login}")


@router.post("/accounts/{login}/password")
def reset_password(login: str, session: Keeper, office: TheOffice) -> Given:
    """Set a temporary password and end the sessions of the account."""
    account = _other(login, session, office)
    with office.store.records.transaction():
        password = office.accounts.reset(account)
        office.sessions.end_all(login)
        office.audit(session, "account.reset_password", f"account:{login}")
    return Given(login=login, password=password)


@router.get("/rights")
def rights(session: TheSession) -> dict[str, list[str]]:
    """Tell which roles have which right."""
    return {right: sorted(roles) for right, roles in RIGHTS.items()}


@router.get("/tokens")
def tokens(session: TheSession, office: TheOffice) -> list[TokenLine]:
    """List one's own tokens."""
    return [_token(kept) for kept in office.sessions.of("token", session.login, office.wall.now())]


@router.post("/tokens", status_code=201)
def make_token(asked: NewToken, session: TheSession, office: TheOffice) -> MadeToken:
    """Make a token for a program; it has at most one's own rights and ends."""
    longest = office.settings.whole("token_days")
    if asked.days > longest:
        raise Refused(422, "token_days", f"{asked.days} days are too long: at most {longest}", ["days"])
    mine = set(rights_of(session.roles))
    foreign = sorted(set(asked.rights) - mine)
    if foreign:
        raise Refused(
            422, "token_rights", f"you do not have {', '.join(foreign)}: choose of your own rights", ["rights"]
        )
    if not session.csrf:
        raise Refused(403, "no_right", "a token makes no tokens: log in")
    scope = tuple(sorted(asked.rights))
    with office.store.records.transaction():
        secret, kept = office.sessions.make_token(session.login, asked.label, office.wall.now(), asked.days, scope)
        office.audit(session, "token.make", f"account:{session.login}", {"id": ident_of(kept), "rights": scope})
    return MadeToken(secret=secret, token=_token(kept))


@router.delete("/tokens/{ident}", status_code=204)
def end_token(ident: str, session: TheSession, office: TheOffice) -> None:
    """Withdraw one of one's own tokens."""
    kept = office.sessions.token(session.login, ident)
    with office.store.records.transaction():
        office.sessions.end("token", kept)
        office.audit(session, "token.end", f"account:{session.login}", {"id": ident})


def _other(login: str, session: Session, office: Office) -> Account:
    """An account that is not one's own: nobody switches themselves off or resets their own password here."""
    account = office.accounts.get(login)
    if account is None:
        raise Refused(404, "no_account", f"login {login!r} does not exist: list them first")
    if login == session.login:
        raise Refused(409, "own_account", "this is your own account: another security administrator does this")
    return account


def _line(account: Account, office: Office) -> AccountLine:
    person = office.register.get(Person, account.person, office.today)
    now = office.wall.now()
    locked = account.locked_until if account.locked_until and account.locked_until > now else None
    return AccountLine(
        login=account.login,
        person=account.person,
        name=person.name if person else "",
        roles=list(person.roles) if person else [],
        unit=person.unit if person else "",
        district=person.district if person else "",
        enabled=account.enabled,
        locked_until=locked,
        renew=account.renew,
        last_login=account.last_login,
        sessions=len(office.sessions.of("session", account.login, now)),
    )


def _token(kept: Pass) -> TokenLine:
    return TokenLine(
        id=ident_of(kept),
        label=kept.label,
        began=kept.began,
        seen=kept.seen,
        ends=kept.ends,
        rights=list(kept.scope),
    )
