"""`bihuan plume`: decks of AERMOD, run by the steady plume."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bihuan.app.cli_parts import FINDING, JSON, LANGUAGE, say

if TYPE_CHECKING:
    from bihuan.app.decks import DeckRun


@click.group()
def plume() -> None:
    """Plumes: what sources cause where, hour by hour."""


@plume.command("run")
@click.argument("deck", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="folder of the files")
@click.option(
    "--met",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="folder of meteorology that is not beside the deck, several times",
)
@click.option("--skip-unsupported", is_flag=True, help="leave out what is not computed, and end with 1")
@click.option(
    "--percentile",
    "percentiles",
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    multiple=True,
    help="98, several times: of every average of hours, in the NetCDF file and the summary",
)
@click.option("--epsg", type=int, help="4547: the plane of the deck's coordinates, for GeoTIFF and NetCDF")
@click.option("--threads", type=click.IntRange(1), help="at most; the cores of the machine without it")
@LANGUAGE
@JSON
def plume_run(
    deck: Path,
    out: Path,
    met: tuple[Path, ...],
    skip_unsupported: bool,
    percentiles: tuple[float, ...],
    epsg: int | None,
    threads: int | None,
    language: Any,
    as_json: bool,
) -> None:
    """Run a deck of AERMOD (.inp): its POSTFILEs and PLOTFILEs, NetCDF and GeoTIFF go to --out."""
    from bihuan.app.decks import run_deck

    found = run_deck(
        deck,
        out,
        met=met,
        skip=skip_unsupported,
        percentiles=percentiles,
        epsg=epsg,
        threads=threads,
        progress=_Progress(language),
    )
    for told in (*found.notes, *found.left_out):
        click.echo(f"bihuan: {told}", err=True)
    if as_json:
        say(_as_dict(found), as_json)
    else:
        _print(found, language)
    if found.left_out:
        sys.exit(FINDING)


class _Progress:
    """Says on stderr how far a run is, at most ten times."""

    def __init__(self, language: Any) -> None:
        self._language, self._tenth = language, 0

    def __call__(self, done: int, of: int) -> None:
        from bihuan.core import text

        if done * 10 // of > self._tenth:
            self._tenth = done * 10 // of
            click.echo(text("plume.progress", self._language, done=done, of=of), err=True)


def _as_dict(found: DeckRun) -> dict[str, Any]:
    return {
        "deck": found.deck,
        "hours": found.hours,
        "calm": found.calm,
        "missing": found.missing,
        "unit": found.unit,
        "highest": list(found.highest),
        "files": [str(file) for file in found.files],
        "left_out": list(found.left_out),
        "notes": list(found.notes),
    }


def _print(found: DeckRun, language: Any) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bihuan.core import text

    click.echo(
        text("plume.hours", language, deck=found.deck, hours=found.hours, calm=found.calm, missing=found.missing)
    )
    for quantity in dict.fromkeys(row["quantity"] for row in found.highest):
        rows = [row for row in found.highest if row["quantity"] == quantity]
        table = Table(title=text(f"plume.{quantity}", language), title_justify="left")
        for column in ("group", "average", "rank", "value", "x", "y", "ends"):
            table.add_column(escape(text(f"plume.{column}", language, unit=rows[0]["unit"])), justify="right")
        for row in rows:
            place = (f"{row['x']:.1f}", f"{row['y']:.1f}", row["ends"] or "")
            table.add_row(row["group"], row["average"], _rank(row["rank"], language), f"{row['value']:.5g}", *place)
        Console().print(table)
    for file in found.files:
        click.echo(file)
    if found.left_out:
        click.echo(text("plume.left_out", language, count=len(found.left_out)))


def _rank(rank: str, language: Any) -> str:
    from bihuan.core import text

    return text("plume.mean", language) if rank == "mean" else rank
