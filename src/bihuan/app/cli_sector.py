"""`bihuan sector`: roses, polar plots, fingerprints and trends of one station or file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bihuan.app.cli_parts import INSTANT, JSON, LANGUAGE, home_path, run, say


@click.group()
def sector() -> None:
    """Wind and sources: what the wind says about where high values come from."""


def _options(function: Any) -> Any:
    for option in (
        click.option("--station", help="station:1001A, or its id; its own wind, else that of the nearest station"),
        click.option(
            "--file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="in place of a station: CSV with columns date, ws, wd and the pollutant",
        ),
        click.option("--pollutant", default="pm25", show_default=True, help="code, or the name of the file's column"),
        click.option("--from", "start", type=INSTANT, help="first hour, local time; without it all there is"),
        click.option("--to", "end", type=INSTANT, help="end"),
        click.option(
            "--percentile",
            type=click.FloatRange(0, 100, min_open=True, max_open=True),
            default=90.0,
            show_default=True,
            help="above which a value is a high one (cpf, polar)",
        ),
        click.option(
            "--statistic",
            type=click.Choice(["mean", "cpf"]),
            default="mean",
            show_default=True,
            help="what the polar surface shows",
        ),
        click.option("--clusters", type=click.IntRange(2, 12), help="parts to cut the polar surface into"),
        click.option("--raw", is_flag=True, help="trend of the months as they are, season and all"),
        click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="picture, .png or .svg"),
        LANGUAGE,
        JSON,
    ):
        function = option(function)
    return function


def _command(kind: str, words: str) -> None:
    @_options
    def made(**given: Any) -> None:
        _run(kind, **given)

    made.__doc__ = words
    sector.command(kind)(made)


def _run(
    kind: str,
    station: str | None,
    file: Path | None,
    start: datetime | None,
    end: datetime | None,
    out: Path | None,
    language: Any,
    as_json: bool,
    **rest: Any,
) -> None:
    if (station is None) == (file is None):
        raise click.UsageError("give --station REF or --file FILE, one of the two")
    if (start is None) != (end is None):
        raise click.UsageError("give --from and --to together, or neither for all there is")
    if out is not None and out.suffix not in (".png", ".svg"):
        raise click.UsageError(f"--out {out} has no form we write: end it with .png or .svg")
    options = {"kind": kind, "station": station, "start": start, "end": end, "out": None, **rest}
    options["out"] = str(out.absolute()) if out else None
    if file is None:
        run("sector", options, language, as_json)
        return
    from bihuan.app.sector_commands import sector_of_file
    from bihuan.app.settings import read_settings

    for data, told in sector_of_file(file, options, read_settings(home_path()).zone, language):
        say(data if as_json else told, as_json)


for _kind, _words in (
    ("rose", "Wind rose and pollution rose, with percentiles by direction."),
    ("cpf", "Conditional probability: in which direction high values are frequent, with 95 % intervals."),
    ("polar", "Bivariate polar plot: a smooth surface over wind direction and speed."),
    ("nwr", "Non-parametric wind regression: kernel means over wind direction and speed."),
    ("ratio", "Ratios of two pollutants and the kinds of source they would speak for."),
    ("fingerprint", "Means by hour of day, day of week and month, with 95 % intervals."),
    ("trend", "Theil-Sen trend of monthly means, its season taken out, with a bootstrap interval."),
    ("smooth", "Smooth trend of monthly means with its band, its season taken out."),
):
    _command(_kind, _words)
