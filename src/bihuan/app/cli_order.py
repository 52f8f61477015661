"""`bihuan order`: ask something of a device (反控) through the live server."""

from __future__ import annotations

from typing import Any

import click

from bihuan.app.cli_parts import JSON, LANGUAGE, run


@click.command()
@click.argument("device")
@click.argument("command")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--reason", required=True, help="why; it stands in the ledger")
@LANGUAGE
@JSON
def order(device: str, command: str, arguments: tuple[str, ...], reason: str, language: Any, as_json: bool) -> None:
    """Ask something of a device, by MN: bihuan order MN recall_hour begin=2026-11-03T02:00 end=2026-11-03T04:00.

    Times without a zone are local. A password or key is asked for, not given here. An unknown COMMAND lists them all.
    """
    given = {}
    for one in arguments:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.UsageError(f"argument {one!r} cannot be read: write NAME=VALUE")
        given[name] = value
    secret = {}
    for name, needed in (("password", "set_password"), ("key", "set_key")):
        if name in given:
            raise click.UsageError(f"a {name} on the command line is seen by everyone on this machine: leave it out")
        if command == needed:
            secret[name] = click.prompt(f"New {name}", hide_input=True, confirmation_prompt=True)
    options = {"device": device, "command": command, "arguments": given, "reason": reason}
    run("order", options, language, as_json, secret)
