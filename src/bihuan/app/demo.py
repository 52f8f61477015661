"""`bihuan demo`: the synthetic city lives in the terminal, and the whole loop answers."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bihuan.app.city import City, score
from bihuan.app.clock import CityClock
from bihuan.app.logs import start_logging
from bihuan.app.rig import CityRun
from bihuan.app.screen import Screen
from bihuan.core import CHINA, Language, Suspects, from_json, text


def show(*, seed: int, hours: int, rough: bool, pace: float, language: Language) -> None:
    """Run the city until its end or Ctrl-C, then hold what the loop said against the truth.

    Parameters
    ----------
    seed : int
    hours : int
        Of the city's time.
    rough : bool
    pace : float
        City seconds a second.
    language : Language
    """
    console = Console()
    home = Path(os.environ["BIHUAN_HOME"]) if "BIHUAN_HOME" in os.environ else None
    with tempfile.TemporaryDirectory(prefix="bihuan-demo-") as folder:
        place = home or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with (place / "demo.log").open("a", encoding="utf-8") as stream:
            start_logging("INFO", stream)
            logging.getLogger("bihuan").info("the demo starts", extra={"seed": seed})
            console.print(text("demo.welcome", language, home=place))
            with console.status(text("demo.building", language)):
                city = City(seed, hours, rough)
                run = CityRun(city, place, language=language)
            with run:
                _run(run, Screen(run, language, CHINA, pace), console, pace, language)


def _run(run: CityRun, screen: Screen, console: Console, pace: float, language: Language) -> None:
    try:
        _catch_up(run, screen, console, language)
        port = run.wire.gateway.port
        console.print(text("demo.up", language, port=port))
        _live(run, screen, console, pace)
    except KeyboardInterrupt:
        console.print()
    console.print(screen.summary())
    if run.city.now >= run.city.end:
        records = run.store.records
        suspects = [from_json(row.body, Suspects) for row in records.find("suspects")]
        result = score(run.city, run.raised.values(), suspects, run.loop.desk.cases)
        console.print(text("demo.score", language, found=result["found"], top3=result["top3"]))
    console.print(text("demo.bye", language))


def _catch_up(run: CityRun, screen: Screen, console: Console, language: Language) -> None:
    """Live through the quiet beginning as fast as the machine can, up to the first alert: nobody waits for it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(text("demo.catching_up", language, now=_local(run)), total=None)
        for outcome in run.ticks():
            screen.take(outcome)
            progress.update(task, description=text("demo.catching_up", language, now=_local(run)))
            if outcome.events:
                return


def _local(run: CityRun) -> str:
    return f"{run.city.now.astimezone(CHINA):%H:%M}"


def _live(run: CityRun, screen: Screen, console: Console, pace: float) -> None:
    """One tick each `TICK / pace` seconds; a terminal that cannot be redrawn gets a line for each event instead."""
    clock = CityClock(run.city.now, pace)
    if not console.is_terminal:
        for outcome in run.ticks():
            screen.take(outcome)
            _wait(clock, run.city.now)
            if outcome.events or outcome.suspects or outcome.cases:
                console.print(screen.summary())
        return
    with Live(screen.draw(), console=console, screen=True, refresh_per_second=4) as live:
        for outcome in run.ticks():
            screen.take(outcome)
            live.update(screen.draw())
            _wait(clock, run.city.now)


def _wait(clock: CityClock, until: datetime) -> None:
    asyncio.run(clock.wait_until(until))
