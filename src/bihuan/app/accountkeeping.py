"""`bihuan user`: accounts from the command line, in the store of a home or in the live server that owns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bihuan.app.access import Account, Accounts, Sessions, enlist
from bihuan.app.access.people import Wanted
from bihuan.app.clock import Clock, WallClock
from bihuan.app.importing import Beside
from bihuan.app.opened import opened
from bihuan.app.settings import read_settings
from bihuan.core import InputError, iso, local_date
from bihuan.register import Person
from bihuan.store import Entry, Store

BY = "command line"
"""Who acts, as the ledger has it: whoever may read the files of the store."""


@dataclass(frozen=True, slots=True)
class Book:
    """The accounts of a home, open for one command."""

    store: Store
    accounts: Accounts
    sessions: Sessions
    now: datetime
    on: date


@contextmanager
def _open_book(home: Path, clock: Clock) -> Iterator[Book]:
    settings = read_settings(home)
    with opened(home, create=True) as store:
        now = clock.now()
        accounts, sessions = Accounts.set_up(store.records, settings), Sessions.set_up(store.records, settings)
        yield Book(store, accounts, sessions, now, local_date(now, settings.zone))


def add_account(home: Path, wanted: Wanted, clock: Clock, beside: Beside | None = None) -> tuple[Account, str]:
    """Make an account, and return it with its temporary password, empty where one was given.

    Raises
    ------
    InputError
        As `bihuan.app.access.enlist`.
    """
    with _open_book(home, clock) as book:
        made = enlist(book.store, book.accounts, wanted, BY, book.now, book.on)
        if beside is not None:  # the person may be new
            with book.store.step:
                beside.renew(book.store.records.register())
        return made


def list_accounts(home: Path, clock: Clock) -> list[dict[str, Any]]:
    """Return every account as plain values; no hash is among them."""
    wall = WallClock().now()
    with _open_book(home, clock) as book:
        register = book.store.records.register()
        found = [(account, register.get(Person, account.person, book.on)) for account in book.accounts.all()]
    return [
        {
            "login": account.login,
            "person": account.person,
            "roles": [account.admin] if account.admin else list(person.roles) if person else [],
            "enabled": account.enabled,
            "locked": account.locked_until is not None and account.locked_until > wall,
            "last_login": iso(account.last_login) if account.last_login else None,
        }
        for account, person in found
    ]


def _switch_on(book: Book, account: Account) -> str:
    book.accounts.switch(account, True)
    return ""


def _switch_off(book: Book, account: Account) -> str:
    book.accounts.switch(account, False)
    book.sessions.end_all(account.login)
    return ""


def _unlock(book: Book, account: Account) -> str:
    book.accounts.unlock(account)
    return ""


def _reset(book: Book, account: Account) -> str:
    password = book.accounts.reset(account)
    book.sessions.end_all(account.login)
    return password


ACTS: Mapping[str, tuple[str, Callable[[Book, Account], str]]] = {
    "disable": ("account.off", _switch_off),
    "enable": ("account.on", _switch_on),
    "password": ("account.reset_password", _reset),
    "unlock": ("account.unlock", _unlock),
}
"""Word of the command line -> action of the ledger, and what does it and returns a temporary password or nothing."""


def change_account(home: Path, login: str, act: str, clock: Clock) -> str:
    """Do one of `ACTS` to an account, and return its temporary password where it got one.

    Raises
    ------
    InputError
        If login or act is unknown.
    """
    if act not in ACTS:
        raise InputError(f"act {act!r} is unknown: choose one of {', '.join(ACTS)}")
    action, change = ACTS[act]
    with _open_book(home, clock) as book, book.store.records.transaction():
        done = change(book, book.accounts.need(login))
        book.store.ledger.add(Entry(book.now, BY, action, f"account:{login}"))
    return done
