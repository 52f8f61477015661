"""`bihuan user`: accounts from the command line; the first administrator is made here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


@click.group()
def user() -> None:
    """Accounts: who may log in."""


@contextmanager
def _opened() -> Iterator[tuple[Any, Any, Any, Any]]:
    from bihuan.app.access import Accounts
    from bihuan.app.cli import home_path
    from bihuan.app.clock import WallClock
    from bihuan.app.opened import open_alone
    from bihuan.app.settings import read_settings
    from bihuan.core import local_date

    home: Path = home_path()
    now = WallClock().now()
    with open_alone(home) as store:
        yield store, Accounts(store.records), now, local_date(now, read_settings(home).zone)


@user.command("add")
@click.argument("login")
@click.option("--role", "roles", multiple=True, help="of a new person, several times; left out for one of the register")
@click.option("--person", default="", help="id in the register; the login without it")
@click.option("--name", default="", help="of a new person")
@click.option("--unit", default="", help="unit of a new person; the enterprise of an environmental manager")
@click.option("--district", default="", help="district of a new person")
@click.option("--password-stdin", is_flag=True, help="read the password from standard input")
@click.option("--random", "temporary", is_flag=True, help="print a temporary password to begin with")
def add(
    login: str,
    roles: tuple[str, ...],
    person: str,
    name: str,
    unit: str,
    district: str,
    password_stdin: bool,
    temporary: bool,
) -> None:
    """Make an account; the password is asked for, unless it is given or made."""
    from bihuan.app.access import enlist
    from bihuan.app.access.people import Wanted

    password = ""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif not temporary:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    wanted = Wanted(login=login, roles=roles, person=person, name=name, unit=unit, district=district, password=password)
    with _opened() as (store, accounts, now, on):
        account, made = enlist(store, accounts, wanted, "command line", now, on)
    click.echo(f"{account.login}  {account.person}" + (f"  {made}" if made else ""))


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def list_accounts(as_json: bool) -> None:
    """List every account."""
    from bihuan.app.cli import say
    from bihuan.core import iso
    from bihuan.register import Person

    with _opened() as (store, accounts, now, on):
        register = store.records.register()
        for account in accounts.all():
            person = register.get(Person, account.person, on)
            row = {
                "login": account.login,
                "person": account.person,
                "roles": list(person.roles) if person else [],
                "enabled": account.enabled,
                "locked": account.locked_until is not None and account.locked_until > now,
                "last_login": iso(account.last_login) if account.last_login else None,
            }
            say(row if as_json else "  ".join(str(value) for value in row.values()), as_json)


@user.command("disable")
@click.argument("login")
def disable(login: str) -> None:
    """Switch an account off."""
    _change(login, "account.off", lambda accounts, account: accounts.switch(account, False))


@user.command("enable")
@click.argument("login")
def enable(login: str) -> None:
    """Switch an account on again."""
    _change(login, "account.on", lambda accounts, account: accounts.switch(account, True))


@user.command("unlock")
@click.argument("login")
def unlock(login: str) -> None:
    """Let a locked account log in again."""
    _change(login, "account.unlock", lambda accounts, account: accounts.unlock(account))


@user.command("password")
@click.argument("login")
def reset(login: str) -> None:
    """Print a temporary password, to be changed at the next login."""
    click.echo(_change(login, "account.reset_password", lambda accounts, account: accounts.reset(account)))


def _change(login: str, action: str, change: Any) -> Any:
    from bihuan.store import Entry

    with _opened() as (store, accounts, now, _), store.records.transaction():
        done = change(accounts, accounts.need(login))
        store.ledger.add(Entry(now, "command line", action, f"account:{login}"))
    return done
