"""`bihuan forward`: which other platforms get our data, and how they stand."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from bihuan.app.cli_parts import INSTANT, JSON, run


@click.group()
def forward() -> None:
    """Forwarding (转发): which platforms of province or ministry get our data."""


def _pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    from bihuan.app.forwarding import parse_pairs

    return parse_pairs(words, option)


@forward.command("add")
@click.argument("target")
@click.option("--host", required=True, help="address of the platform")
@click.option("--port", type=click.IntRange(1, 65535), required=True, help="its port")
@click.option("--name", default="", help="what people call it")
@click.option("--raw", is_flag=True, help="send the original bytes; nothing may be changed then")
@click.option("--protocol", default="hj212-2017", show_default=True, help="hj212-2005, hj212-2017 or hj212-2025")
@click.option("--device", "devices", multiple=True, help="MN or MN=ITS_MN_THERE, several times; all without it")
@click.option("--kind", "kinds", multiple=True, help="command, several times (2011, 2051, 2061, 2031)")
@click.option("--factor", "factors", multiple=True, help="pollutant, several times; all without it")
@click.option("--unit", "units", multiple=True, help="POLLUTANT=UNIT that it wants, several times")
@click.option("--since", type=INSTANT, help="begin with what was received then; now without it")
@click.option("--window", type=click.IntRange(1, 1024), default=32, show_default=True, help="frames under way at once")
@click.option("--timeout", type=click.FloatRange(1, 600), default=10.0, show_default=True, help="until a resend [s]")
@click.option("--tls", is_flag=True, help="encrypt the line")
@click.option("--tls-ca", default="", help="file of the authority (PEM); that of the system without it")
@click.option("--tls-name", default="", help="name in its certificate; the host without it")
@click.option(
    "--password-stdin", is_flag=True, help="read the PW there from standard input; else each frame keeps its own"
)
def add(
    target: str,
    devices: tuple[str, ...],
    units: tuple[str, ...],
    since: datetime | None,
    password_stdin: bool,
    **other: Any,
) -> None:
    """Add a target; it begins with what is received from now on."""
    secret = {"password": sys.stdin.readline().rstrip("\n")} if password_stdin else {}
    options = other | {
        "target": target,
        "devices": _pairs(devices, "--device"),
        "units": _pairs(units, "--unit"),
        "kinds": list(other["kinds"]),
        "factors": list(other["factors"]),
        "since": since.isoformat() if since else None,
    }
    run("forward.add", options, "zh", False, secret)


@forward.command("list")
@JSON
def list_targets(as_json: bool) -> None:
    """List every target; passwords are not told."""
    run("forward.list", {}, "zh", as_json)


@forward.command("pause")
@click.argument("target")
def pause(target: str) -> None:
    """Let a target rest; it keeps its place."""
    run("forward.pause", {"target": target}, "zh", False)


@forward.command("resume")
@click.argument("target")
def resume(target: str) -> None:
    """Let a target go on from its place."""
    run("forward.resume", {"target": target}, "zh", False)


@forward.command("status")
@JSON
def status(as_json: bool) -> None:
    """Tell how every target stands."""
    run("forward.status", {}, "zh", as_json)
