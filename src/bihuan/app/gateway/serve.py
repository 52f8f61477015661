"""The gateway as a process of its own: ``python -m bihuan.app.gateway``."""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import click

from bihuan.app.clock import clock_of
from bihuan.app.gateway.limits import Limits
from bihuan.app.gateway.server import Gateway, GatewayConfig
from bihuan.app.logs import start_logging
from bihuan.core import BihuanError, InputError
from bihuan.store import Home

EventLoop = Literal["auto", "asyncio"]
"""``auto`` takes uvloop where it is installed, ``asyncio`` never does."""


def run_gateway(
    config: GatewayConfig,
    ready: Callable[[int], None] | None = None,
    loop: EventLoop = "auto",
    while_stdin: bool = False,
) -> None:
    """Run a gateway until SIGTERM or SIGINT, then stop it cleanly.

    Parameters
    ----------
    config : GatewayConfig
    ready : callable, optional
        Told the port once it listens.
    loop : EventLoop
    while_stdin : bool
        Stop as well when standard input ends: as it does when the process that holds its other end dies.
    """
    with asyncio.Runner(loop_factory=_loop_factory(loop)) as runner:
        runner.run(_run(config, ready, while_stdin))


async def _run(config: GatewayConfig, ready: Callable[[int], None] | None, while_stdin: bool) -> None:
    gateway = Gateway(config, clock_of(config.clock))
    await gateway.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if while_stdin:
        loop.add_reader(sys.stdin, ended.set)
    if ready is not None:
        ready(gateway.port)
    await ended.wait()
    if while_stdin:
        loop.remove_reader(sys.stdin)
    await gateway.stop()


def _loop_factory(loop: EventLoop) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is wanted and installed, else None for Python's own."""
    if loop == "asyncio":
        return None
    try:
        return importlib.import_module("uvloop").new_event_loop  # type: ignore[no-any-return]  # an optional module
    except ImportError:
        return None


LIMITS = ("idle", "connections", "connections_per_address", "frames_per_second", "frames_per_second_per_address")
"""Limits that the command offers; the others keep their defaults."""


def _limit(option: str, name: str, text: str) -> Callable[[Any], Any]:
    """Offer one limit as an option, with the default it has."""
    default = next(field.default for field in fields(Limits) if field.name == name)
    return click.option(option, default=default, show_default=True, help=text)


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=Path("bihuan-data"), envvar="BIHUAN_HOME")
@click.option("--gateway", default="g1", help="Name of this gateway; each has a journal of its own.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=9212, help="TCP port for devices; 0 takes a free one.")
@click.option("--share-port", is_flag=True, help="Let several gateways listen on the same port.")
@click.option("--segment-mib", default=64.0, help="Size at which a journal segment is sealed. [MiB]")
@click.option("--clock", default="wall", help="wall, or the clock of a synthetic city.")
@click.option("--loop", default="auto", type=click.Choice(["auto", "asyncio"]), help="Event loop.")
@click.option("--while-stdin", is_flag=True, help="Stop when standard input ends, as when the parent dies.")
@click.option("--log-level", default="INFO")
@_limit("--idle", "idle", "Close a connection that was silent for this long. [s]")
@_limit("--connections", "connections", "Connections at once.")
@_limit("--connections-per-address", "connections_per_address", "Connections at once of one address.")
@_limit("--frames-per-second", "frames_per_second", "Sustained frames a second of one connection.")
@_limit("--frames-per-second-per-address", "frames_per_second_per_address", "The same of one address.")
def main(home: Path, segment_mib: float, loop: EventLoop, while_stdin: bool, log_level: str, **rest: Any) -> None:
    """Listen for HJ 212 devices, journal what they send, acknowledge it."""
    start_logging(log_level)
    place = Home(home)
    try:
        limits = Limits(**{name: rest.pop(name) for name in LIMITS})
        config = GatewayConfig(
            place.journal,
            place.devices,
            limits=limits,
            segment_bytes=int(segment_mib * 1024 * 1024),
            orders=place.orders,
            **rest,
        )
        said = f"{config.gateway} listens on {config.host}"
        run_gateway(config, lambda port: click.echo(f"{said}:{port}"), loop, while_stdin)
    except InputError as problem:
        raise SystemExit(_said(problem, 2)) from None
    except (BihuanError, OSError) as problem:
        raise SystemExit(_said(problem, 1)) from None


def _said(problem: Exception, code: int) -> int:
    click.echo(f"gateway: {problem}", err=True)
    return code
