"""`bihuan receptor`: sources told from what their mixture is made of, from V and U files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bihuan.app.cli_parts import JSON, LANGUAGE, home_path, say

if TYPE_CHECKING:
    from bihuan.app.receptor import Reading
    from bihuan.tracing.receptor import Match

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def receptor() -> None:
    """Receptor model: which sources a mixture is made of (PMF)."""


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """Lay the arguments and options that say how V and U are read on a command."""
    parts = [
        click.argument("concentration", type=FILE),
        click.argument("uncertainty", type=FILE),
        click.option("--weak", multiple=True, help="species whose uncertainty is tripled, several times"),
        click.option("--bad", multiple=True, help="species that is left out, several times"),
        click.option(
            "--by-signal", is_flag=True, help="take the categories that signal to noise suggests (limits unconfirmed)"
        ),
        click.option(
            "--missing",
            type=click.Choice(["ignore", "drop", "median"]),
            default="ignore",
            show_default=True,
            help="a missing cell has no weight; its sample is left out; the median stands for it",
        ),
        click.option("--total", help="species that is the sum of the others: left out, and apportioned after the fit"),
        click.option("--limits", type=FILE, help="CSV species,limit: what is below detection is replaced"),
        click.option(
            "--extra", type=click.FloatRange(0, 100), default=0.0, help="extra modelling uncertainty, percent"
        ),
    ]
    for part in reversed(parts):
        command = part(command)
    return command


def _one_thread() -> None:
    """Let the matrix library use one thread: the products are small, and threads would only wait for each other."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _as_reading(given: dict[str, Any]) -> Reading:
    from bihuan.app.receptor import Reading
    from bihuan.app.settings import read_settings

    names = ("concentration", "uncertainty", "weak", "bad", "by_signal", "missing", "total", "limits", "extra")
    return Reading(zone=read_settings(home_path()).zone, **{name: given[name] for name in names})


@receptor.command("run")
@_reading
@click.option("--factors", type=click.IntRange(1, 30), required=True, help="how many sources")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=20, show_default=True, help="random starts")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="the first of them")
@click.option("--robust", is_flag=True, help="what lies beyond four uncertainties counts linearly")
@click.option("--floor", is_flag=True, help="contributions may go down to -0.2 of a factor's mean")
@click.option("--bootstrap", type=click.IntRange(0, 10_000), default=0, help="resamples of blocks")
@click.option("--block", type=click.IntRange(1), help="samples in a block")
@click.option("--displace", is_flag=True, help="intervals by displacement (DISP)")
@click.option("--bs-displace", multiple=True, help="key species to displace in resamples too (BS-DISP), several times")
@click.option("--constraints", type=FILE, help="TOML of exact values, pulls, ratios, anchors")
@click.option("--push", type=float, default=0.0, help="push profiles (above 0) or contributions (below 0) apart")
@click.option("--library", type=FILE, help="CSV of source profiles of your own: profile,kind,species,share,source")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="folder of the files")
@LANGUAGE
@JSON
def receptor_run(language: Any, as_json: bool, out: Path, **given: Any) -> None:
    """Factorise concentrations (V) with their uncertainties (U); tables, summaries and pictures go to --out."""
    _one_thread()
    from bihuan.app.receptor import Wanted, run_receptor
    from bihuan.app.receptor_files import summarise, words, write_outcome

    reading = _as_reading(given)
    wanted = Wanted(
        displace_resamples=given["bs_displace"],
        **{
            name: given[name]
            for name in (
                "factors",
                "seeds",
                "seed",
                "robust",
                "floor",
                "bootstrap",
                "block",
                "displace",
                "constraints",
                "push",
                "library",
            )
        },
    )
    found = run_receptor(reading, wanted)
    files = write_outcome(found, out, reading.zone)
    if as_json:
        say(summarise(found) | {"files": [str(file) for file in files]}, as_json)
        return
    for note in found.notes:
        click.echo(f"bihuan: {note}", err=True)
    for line in words(found, language):
        click.echo(line)
    for file in files:
        click.echo(file)


@receptor.command("choose")
@_reading
@click.option("--from", "least", type=click.IntRange(1, 30), default=2, show_default=True, help="fewest factors")
@click.option("--to", "most", type=click.IntRange(1, 30), default=8, show_default=True, help="most factors")
@click.option("--seeds", type=click.IntRange(1, 10_000), default=10, show_default=True, help="random starts")
@click.option(
    "--folds", type=click.IntRange(2, 50), default=5, show_default=True, help="parts of cells left out in turn"
)
@click.option("--robust", is_flag=True, help="what lies beyond four uncertainties counts linearly")
@LANGUAGE
@JSON
def receptor_choose(
    least: int, most: int, seeds: int, folds: int, robust: bool, language: Any, as_json: bool, **given: Any
) -> None:
    """Print how well each number of factors fits, agrees and foretells cells that were left out."""
    _one_thread()
    from bihuan.app.receptor import as_figures, choose_factors
    from bihuan.core import text
    from bihuan.tracing.receptor import advised

    if most < least:
        raise click.UsageError(f"--to {most} is below --from {least}")
    rows, material = choose_factors(_as_reading(given), range(least, most + 1), seeds, folds, robust)
    if as_json:
        for row in rows:
            say(as_figures(row), as_json)
        return
    keys = ("factors", "q_true", "q_robust", "q_expected", "ratio", "agreeing", "held_out", "least_explained")
    table = _table(f"receptor.column_{key}" for key in keys)(language)
    for row in rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(
            str(row.factors),
            f"{row.q_true:,.1f}",
            f"{row.q_robust:,.1f}",
            f"{row.q_expected:,.0f}",
            ratio,
            f"{100 * row.agreeing:.0f}%",
            f"{row.held_out:.3f} ± {row.held_out_error:.3f}",
            f"{row.least_explained:.2f}",
        )
    _print(table)
    click.echo(text("receptor.advised", language, factors=advised(rows)))
    for one in material.warned:
        click.echo(text(f"receptor.{one.code}", language, **one.values))


@receptor.command("match")
@click.argument("profiles", type=FILE)
@click.option("--library", type=FILE, help="CSV of source profiles of your own: profile,kind,species,share,source")
@click.option("--most", type=click.IntRange(1, 100), default=3, show_default=True, help="candidates for each factor")
@LANGUAGE
@JSON
def receptor_match(profiles: Path, library: Path | None, most: int, language: Any, as_json: bool) -> None:
    """Compare the factors of a profiles.csv with source profiles, most alike first."""
    from bihuan.app.receptor import as_figures, match_file
    from bihuan.core import text

    found = match_file(profiles, library, most)
    if as_json:
        for match in (one for row in found for one in row):
            say(as_figures(match) | {"factor": match.factor + 1}, as_json)
        return
    keys = ("factor", "profile", "kind", "common", "r", "pd", "sid")
    table = _table(f"receptor.column_{key}" for key in keys)(language)
    for row in found:
        for match in row:
            table.add_row(*_match_cells(match))
    _print(table)
    if library is None:
        click.echo(text("receptor.synthetic_library", language))
    click.echo(text("receptor.likeness", language))


def _match_cells(match: Match) -> list[str]:
    figures = (match.correlation, match.pearson_distance, match.identity_distance)
    shown = ["-" if figure != figure else f"{figure:.2f}" for figure in figures]  # noqa: PLR0124 - nan
    return [str(match.factor + 1), match.profile.name, match.profile.kind, str(match.common), *shown]


def _table(keys: Any) -> Callable[[Any], Any]:
    def make(language: Any) -> Any:
        from rich.markup import escape
        from rich.table import Table

        from bihuan.core import text

        table = Table()
        for key in keys:
            table.add_column(escape(text(key, language)), justify="right")
        return table

    return make


def _print(table: Any) -> None:
    from rich.console import Console

    Console().print(table)
