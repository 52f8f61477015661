"""`bihuan assess` and `bihuan standards`: what the law says of a table, of what is stored, and of itself."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bihuan.app.cli_parts import (
    BAD_INPUT,
    FINDING,
    INSTANT,
    JSON,
    LANGUAGE,
    complain,
    day_of,
    home_path,
    run,
    say,
    target_of,
)


@click.command()
@click.argument("medium", type=click.Choice(["air", "water", "soil", "outlet", "vehicle", "dust"]))
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--on", help="with FILE: judge every row by the law of this day, 2026-03-01; its own day's without it")
@click.option("--place", default="", help="with FILE: administrative code (410100) whose own rules come first")
@click.option("--allow", multiple=True, help="with FILE: an unconfirmed rule to let decide, by its id")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="with FILE: verdicts as Parquet")
@click.option("--risk", is_flag=True, help="with FILE of soil: risk to health by the model of HJ 25.3, no verdict")
@click.option("--draws", type=click.IntRange(0, 1_000_000), default=0, help="with --risk: draws of the parameters")
@click.option("--site", help="stored: city:..., station:..., section:..., outlet:...; every one without it")
@click.option("--from", "start", type=INSTANT, help="stored: first day, local time of the city; the first without it")
@click.option("--to", "end", type=INSTANT, help="stored: end, not included; the last stored without it")
@click.option(
    "--by", type=click.Choice(["month", "quarter", "year"]), default="month", show_default=True, help="stored"
)
@click.option("--target", "targets", multiple=True, help="stored: pm25=40, several times: mean of the year to reach")
@LANGUAGE
@JSON
def assess(
    medium: str,
    file: Path | None,
    on: str | None,
    place: str,
    allow: tuple[str, ...],
    out: Path | None,
    risk: bool,
    draws: int,
    site: str | None,
    start: datetime | None,
    end: datetime | None,
    by: Any,
    targets: tuple[str, ...],
    language: Any,
    as_json: bool,
) -> None:
    """Judge a table (CSV, Parquet), or without FILE what is stored, under the law of the day.

    Of stored data today's law stands beside it, and ranks are our own (自算,非官方). Nothing is stored.
    """
    if file is not None:
        if site or start or end or targets:
            raise click.UsageError("--site, --from, --to and --target are of stored data: leave FILE or them out")
        if draws and not risk:
            raise click.UsageError("--draws needs --risk")
        how = {"on": day_of(on, "--on"), "place": place, "allow": frozenset(allow), "risk": risk, "draws": draws}
        _assess_file(medium, file, how, out, language, as_json)
        return
    if on or place or allow or out or risk or draws:
        raise click.UsageError("--on, --place, --allow, --risk, --draws and --out need a FILE")
    if medium in ("soil", "vehicle", "dust"):
        raise click.UsageError(f"nothing of {medium} is stored: give a FILE to judge")
    from rich.console import Console

    options = {
        "medium": medium,
        "site": site,
        "start": start,
        "end": end,
        "by": by,
        "targets": dict(target_of(target) for target in targets),
        "width": Console().width,
    }
    run("assess", options, language, as_json)


def _assess_file(
    medium: str,
    file: Path,
    how: dict[str, Any],
    out: Path | None,
    language: Any,
    as_json: bool,
) -> None:
    """Judge a file and say what came of it; leaves with 1 when rows were refused, with 2 when nothing was judged."""
    from bihuan.app.filed import judge_file
    from bihuan.app.settings import read_settings
    from bihuan.core import text, to_json

    zone = read_settings(home_path()).zone
    found = judge_file(file, medium, zone=zone, **how)
    if out is not None:
        found.write(out)
    if as_json:
        click.echo(to_json(found.as_dict(language)).decode())
    else:
        from rich.console import Console

        console = Console()
        for table in found.tables(language, console.width):
            console.print(table)
        click.echo(text("assess.file_counts", language, **found.counts))
        if out is not None:
            click.echo(out)
    if found.code == BAD_INPUT:
        complain(f"{file}: no row could be judged; {found.counts['refused']} of {found.rows} were refused")
    if found.code:
        sys.exit(found.code)


@click.group()
def standards() -> None:
    """Look at the law as this version knows it."""


@standards.command("list")
@click.option("--medium", help="only those of air, water, soil, outlet, mobile or act")
@click.option("--on", help="only those in force on this day, 2026-03-01")
@LANGUAGE
@JSON
def standards_list(medium: str | None, on: str | None, language: Any, as_json: bool) -> None:
    """Every edition of every standard and act with its dates and status."""
    from bihuan.app.law import list_editions

    for line in list_editions(medium, day_of(on, "--on"), language):
        span = f"{line['from']} - {line['to'] or ''}"
        say(line if as_json else f"{line['id']}  {line['number']}  {span}  {line['status']}  {line['title']}", as_json)


@standards.command("show")
@click.argument("code")
@click.option("--on", help="only the edition in force on this day, and its rows that hold then")
@LANGUAGE
def standards_show(code: str, on: str | None, language: Any) -> None:
    """One standard, by its code (GB 3095), number or id: clauses, tables, worked examples, status and source."""
    from bihuan.app.law import show_edition

    click.echo(show_edition(code, day_of(on, "--on"), language))


@standards.command("check")
def standards_check() -> None:
    """Check order, gaps and overlaps of dates, units and clauses."""
    from bihuan.app.law import check_all

    findings = check_all()
    for finding in findings:
        click.echo(finding)
    if findings:
        sys.exit(FINDING)
    click.echo("ok")
