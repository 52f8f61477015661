"""`bihuan journal`: check every segment, say how long frames are kept, let go of old ones."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from bihuan.app.cli_parts import FINDING, INSTANT, JSON, LANGUAGE, home_path, run, say


@click.group()
def journal() -> None:
    """Look after the journal of raw frames."""


@journal.command()
@LANGUAGE
@JSON
def check(language: Any, as_json: bool) -> None:
    """Read every segment to its end and compare it with its seal; works beside a server."""
    from bihuan.app.clock import WallClock
    from bihuan.app.journalkeeping import check_home, segment_words
    from bihuan.core import plain
    from bihuan.store import Home

    home = Home(home_path())
    found = check_home(home.path, home.journal, WallClock().now())
    for one in found:
        say(plain(one) if as_json else segment_words(one, language), as_json)
    if not all(one.whole for one in found):
        sys.exit(FINDING)


@journal.command()
@click.option("--years", type=click.IntRange(1, 100), required=True, help="whole years, not below the legal floor")
@click.option("--reason", required=True, help="goes into the ledger")
@LANGUAGE
@JSON
def keep(years: int, reason: str, language: Any, as_json: bool) -> None:
    """Set for how long frames are kept, from today on."""
    run("journal.keep", {"years": years, "reason": reason}, language, as_json)


@journal.command()
@click.option("--before", type=INSTANT, help="keep more than the setting says; local time of the city")
@click.option("--dry-run", is_flag=True, help="say what would go")
@LANGUAGE
@JSON
def prune(before: datetime | None, dry_run: bool, language: Any, as_json: bool) -> None:
    """Let go of sealed segments that were read and are older than they have to be kept."""
    run("journal.prune", {"before": before, "dry_run": dry_run}, language, as_json)
