"""`bihuan user`: accounts from the command line; the first administrator is made here."""

from __future__ import annotations

import sys
from typing import Any

import click

from bihuan.app.cli_parts import run


@click.group()
def user() -> None:
    """Accounts: who may log in."""


def _run(name: str, options: dict[str, Any], as_json: bool = False, secret: dict[str, str] | None = None) -> None:
    run(f"user.{name}", options, "zh", as_json, secret)


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
    secret: dict[str, str] = {}
    if password_stdin:
        secret["password"] = sys.stdin.readline().rstrip("\n")
    elif not temporary:
        secret["password"] = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    options = {
        "login": login,
        "roles": list(roles),
        "person": person,
        "name": name,
        "unit": unit,
        "district": district,
    }
    _run("add", options, secret=secret)


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def list_accounts(as_json: bool) -> None:
    """List every account."""
    _run("list", {}, as_json)


@user.command("disable")
@click.argument("login")
def disable(login: str) -> None:
    """Switch an account off; its sessions end."""
    _run("disable", {"login": login})


@user.command("enable")
@click.argument("login")
def enable(login: str) -> None:
    """Switch an account on again."""
    _run("enable", {"login": login})


@user.command("unlock")
@click.argument("login")
def unlock(login: str) -> None:
    """Let a locked account log in again."""
    _run("unlock", {"login": login})


@user.command("password")
@click.argument("login")
def reset(login: str) -> None:
    """Print a temporary password, to be changed at the next login; its sessions end."""
    _run("password", {"login": login})
