"""The gateway as a process of its own: ``python -m bihuan.app.gateway``."""

from __future__ import annotations

import asyncio
import importlib
import signal
from collections.abc import Callable
from pathlib import Path

import click

from bihuan.app.clock import clock_of
from bihuan.app.gateway.limits import Limits
from bihuan.app.gateway.server import Gateway, GatewayConfig
from bihuan.app.logs import start_logging
from bihuan.core import BihuanError, InputError
from bihuan.store import Home


def run_gateway(config: GatewayConfig, ready: Callable[[int], None] | None = None) -> None:
    """Run a gateway until SIGTERM or SIGINT, then stop it cleanly.

    Parameters
    ----------
    config : GatewayConfig
    ready : callable, optional
        Told the port once it listens.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(config, ready))


async def _run(config: GatewayConfig, ready: Callable[[int], None] | None) -> None:
    gateway = Gateway(config, clock_of(config.clock))
    await gateway.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if ready is not None:
        ready(gateway.port)
    await ended.wait()
    await gateway.stop()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed (a third more packets), else None for Python's own."""
    try:
        return importlib.import_module("uvloop").new_event_loop  # type: ignore[no-any-return]  # an optional module
    except ImportError:
        return None


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=Path("bihuan-data"), envvar="BIHUAN_HOME")
@click.option("--gateway", default="g1", help="Name of this gateway; each has a journal of its own.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=9212, help="TCP port for devices; 0 takes a free one.")
@click.option("--share-port", is_flag=True, help="Let several gateways listen on the same port.")
@click.option("--idle", default=900.0, help="Close a connection that was silent for this long. [s]")
@click.option("--connections", default=10_000, help="Connections at once.")
@click.option("--connections-per-address", default=2_000, help="Connections at once of one address.")
@click.option("--frames-per-second", default=500.0, help="Sustained frames a second of one connection.")
@click.option("--frames-per-second-per-address", default=5_000.0, help="The same of one address.")
@click.option("--segment-mib", default=64.0, help="Size at which a journal segment is sealed. [MiB]")
@click.option("--clock", default="wall", help="wall, or the clock of a synthetic city.")
@click.option("--log-level", default="INFO")
def main(
    home: Path,
    gateway: str,
    host: str,
    port: int,
    share_port: bool,
    idle: float,
    connections: int,
    connections_per_address: int,
    frames_per_second: float,
    frames_per_second_per_address: float,
    segment_mib: float,
    clock: str,
    log_level: str,
) -> None:
    """Listen for HJ 212 devices, journal what they send, acknowledge it."""
    start_logging(log_level)
    place = Home(home)
    try:
        limits = Limits(
            connections=connections,
            connections_per_address=connections_per_address,
            frames_per_second=frames_per_second,
            frames_per_second_per_address=frames_per_second_per_address,
            idle=idle,
        )
        config = GatewayConfig(
            journal=place.journal,
            devices=place.devices,
            gateway=gateway,
            host=host,
            port=port,
            share_port=share_port,
            limits=limits,
            clock=clock,
            segment_bytes=int(segment_mib * 1024 * 1024),
        )
        run_gateway(config, ready=lambda taken: click.echo(f"{gateway} listens on {host}:{taken}"))
    except InputError as problem:
        raise SystemExit(_said(problem, 2)) from None
    except (BihuanError, OSError) as problem:
        raise SystemExit(_said(problem, 1)) from None


def _said(problem: Exception, code: int) -> int:
    click.echo(f"gateway: {problem}", err=True)
    return code
