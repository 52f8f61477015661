"""The forwarding process, ``python -m bihuan.app.gateway.forwarder``: from the journals to other platforms."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from bihuan.app.clock import Clock, WallClock
from bihuan.app.gateway.forward_plan import PlanFile, plan_path
from bihuan.app.gateway.forward_target import TargetTask
from bihuan.app.logs import start_logging
from bihuan.core import BihuanError, StoreError, iso, to_json
from bihuan.store import REAL_FILES, Home, write_whole

logger = logging.getLogger("bihuan.forward")

TICK = 1.0
"""How often the plan is looked at and the status written. [s]"""


class Forwarder:
    """Every target of a home, each in a task of its own.

    Parameters
    ----------
    home : Path
    clock : Clock
    tick : float
        [s]
    """

    def __init__(self, home: Path, clock: Clock, tick: float = TICK) -> None:
        self._home, self._clock, self._tick = home, clock, tick
        self._plan = PlanFile(plan_path(home))
        self._tasks: dict[str, tuple[TargetTask, asyncio.Task[None]]] = {}

    async def run(self, ended: asyncio.Event) -> None:
        """Run until `ended`."""
        await self._settle()
        try:
            while not ended.is_set():
                self._write_status(os.getpid())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._tick):
                        await ended.wait()
                if self._plan.refresh():
                    await self._settle()
        finally:
            ended_as = [work for work, _ in self._tasks.values()]
            for ident in list(self._tasks):
                await self._stop(ident)
            self._write_status(0, ended_as)

    async def _settle(self) -> None:
        """Begin, change and end targets as the plan has them; those that did not change are left alone."""
        zone = ZoneInfo(self._plan.plan.zone)
        wanted = {target.id: target for target in self._plan.plan.targets}
        for ident, (task, _) in list(self._tasks.items()):
            if wanted.get(ident) != task.target:
                await self._stop(ident)
        for ident, target in wanted.items():
            if ident not in self._tasks:
                folder = self._home / "forward" / ident
                work = TargetTask(target, self._home / "journal", folder, zone, self._clock)
                self._tasks[ident] = (work, asyncio.get_running_loop().create_task(work.run()))

    async def _stop(self, ident: str) -> None:
        _, running = self._tasks.pop(ident)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def _write_status(self, pid: int, ended: list[TargetTask] | None = None) -> None:
        works = [work for work, _ in self._tasks.values()] if ended is None else ended
        targets = {work.target.id: work.status() for work in works}
        body = to_json({"pid": pid, "at": iso(self._clock.now()), "targets": targets})
        path = status_path(self._home)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, body, durable=False)
        except (StoreError, OSError) as problem:
            logger.error("the status of forwarding was not written: %s", problem)


def status_path(home: Path) -> Path:
    """Return where the process tells how its targets stand."""
    return home / "forward" / "status.json"


def read_forward_status(home: Path) -> dict[str, Any]:
    """Return what the process told last, running or not; nothing if it never did."""
    try:
        found = json.loads(status_path(home).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


async def _run(home: Path, while_stdin: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if while_stdin:
        loop.add_reader(sys.stdin, ended.set)
    await Forwarder(home, WallClock()).run(ended)
    if while_stdin:
        loop.remove_reader(sys.stdin)


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=Path("bihuan-data"), envvar="BIHUAN_HOME")
@click.option("--while-stdin", is_flag=True, help="Stop when standard input ends, as when the parent dies.")
@click.option("--log-level", default="INFO")
def main(home: Path, while_stdin: bool, log_level: str) -> None:
    """Bring the frames of the journal to the targets of the plan."""
    start_logging(log_level)
    place = Home(home).path
    try:
        REAL_FILES.make_folder(place / "forward")
        lock = REAL_FILES.lock(place / "forward" / "lock", "forwarding")
        try:
            asyncio.run(_run(place, while_stdin))
        finally:
            lock.release()
    except (BihuanError, OSError) as problem:
        click.echo(f"forward: {problem}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
