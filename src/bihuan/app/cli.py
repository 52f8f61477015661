"""The command line. Exit codes: 0 done, 1 a finding (a check did not hold), 2 bad usage or input.

Each command imports what it needs when it runs, so that `bihuan --version` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from bihuan import __version__
from bihuan.core import BihuanError, parse_instant

FINDING = 1
BAD_INPUT = 2


def home_path() -> Path:
    """Where the data of this installation lie: ``BIHUAN_HOME``, by default ``./bihuan-data``."""
    return Path(os.environ.get("BIHUAN_HOME", "bihuan-data"))


class _Instant(click.ParamType[Any]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parse_instant(value)
        except BihuanError as problem:
            self.fail(str(problem), param, context)


INSTANT = _Instant()


def say(value: Any, as_json: bool) -> None:
    """Print one JSON line, or the value as text."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")) if as_json else str(value))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bihuan")
def cli() -> None:
    """Bihuan 闭环: a city's pollution control as one closed loop."""


@cli.command()
@click.option("--score", is_flag=True, help="no terminal show: run as fast as it can and print one line a run")
@click.option("--seed", type=click.IntRange(min=0), help="one city only; without it seeds 1-5 when scoring")
@click.option("--hours", type=click.IntRange(min=1), default=48, show_default=True, help="hours of the city's time")
@click.option("--rough", is_flag=True, help="the mode that counts: another forward model, wrong rates, varying wind")
@click.option("--pace", type=click.FloatRange(min=1), default=60.0, show_default=True, help="city seconds a second")
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="with --score: one JSON line a run")
def demo(score: bool, seed: int | None, hours: int, rough: bool, pace: float, language: str, as_json: bool) -> None:
    """Run the synthetic city (合成城市) through the whole loop."""
    if score:
        from bihuan.app.scoring import score_runs

        for line in score_runs(seed, hours, rough or None):
            say(line if as_json else _score_words(line), as_json)
        return
    from bihuan.app.demo import show

    show(seed=1 if seed is None else seed, hours=hours, rough=rough, pace=pace, language=language)


def _score_words(line: dict[str, Any]) -> str:
    return "  ".join(f"{key}={value}" for key, value in line.items())


@cli.command()
@click.option("--host", help="address to listen on (default 127.0.0.1)")
@click.option("--hj212-port", type=click.IntRange(0, 65535), help="port for devices (default 9212)")
@click.option("--gateways", type=click.IntRange(1, 64), help="gateway processes (default 1)")
def serve(host: str | None, hj212_port: int | None, gateways: int | None) -> None:
    """Listen to devices and run the loop until Ctrl-C."""
    from bihuan.app.serve import run_server

    given = {"host": host, "hj212_port": hj212_port, "gateways": gateways}
    run_server(home_path(), {name: value for name, value in given.items() if value is not None})


@cli.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "layout", help="layout or mapping file; recognised from the header without it")
@click.option("--json", "as_json", is_flag=True)
def import_command(files: tuple[Path, ...], layout: str | None, as_json: bool) -> None:
    """Import registers (XLSX, CSV, GeoJSON), feeds (CSV, Parquet) and 12345 work orders."""
    from bihuan.app.importing import import_files

    reports = import_files(home_path(), files, layout)
    for report in reports:
        say(report.as_dict() if as_json else report.words(), as_json)
    if any(report.errors for report in reports):
        sys.exit(FINDING)


@cli.command()
@click.option("--from", "start", type=INSTANT, help="first day, local time of the city")
@click.option("--to", "end", type=INSTANT, help="day after the last, local time of the city")
@click.option("--site", help="city:..., or station:...; all without it")
@click.option("--json", "as_json", is_flag=True)
def replay(start: Any, end: Any, site: str | None, as_json: bool) -> None:
    """Run the loop over stored data as if it arrived now (按实况反演,非实际发布)."""
    from bihuan.app.replay import replay_stored

    for line in replay_stored(home_path(), start, end, site):
        say(line.as_dict() if as_json else line.words(), as_json)


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "target", required=True, help="HOST:PORT")
@click.option("--window", type=click.IntRange(1, 1000), default=16, show_default=True, help="unanswered frames at once")
def send(file: Path, target: str, window: int) -> None:
    """Send the frames of a file like a logger would, and wait for the acknowledgements."""
    from bihuan.app.sending import send_file

    sent, acknowledged = send_file(file, target, window)
    click.echo(f"sent {sent}, acknowledged {acknowledged}")
    if acknowledged < sent:
        sys.exit(FINDING)


@cli.group()
def standards() -> None:
    """Look at the law as this version knows it."""


@standards.command("list")
@click.option("--json", "as_json", is_flag=True)
def standards_list(as_json: bool) -> None:
    """Every edition of every standard with its dates and status."""
    from bihuan.app.law import list_editions

    for line in list_editions():
        say(line, as_json)


@standards.command("show")
@click.argument("code")
@click.option("--on", type=INSTANT, help="the edition in force on this day (default: today)")
def standards_show(code: str, on: Any) -> None:
    """One standard: its clauses and rows with status and source."""
    from bihuan.app.law import show_edition

    click.echo(show_edition(code, on))


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


@cli.command()
@click.argument("ref")
@click.option("--json", "as_json", is_flag=True)
def explain(ref: str, as_json: bool) -> None:
    """Walk a verdict, event, suspects, case or effect back to its frames and forward to case and effect."""
    from bihuan.app.explain import explain_ref

    chain = explain_ref(home_path(), ref)
    say(chain.as_dict() if as_json else chain.words(), as_json)


@cli.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
def backup(target: Path) -> None:
    """Copy journal, observations, records and photos as one consistent cut."""
    from bihuan.store.home import backup as make_backup

    click.echo(make_backup(home_path(), target))


@cli.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(source: Path) -> None:
    """Bring a backup back into an empty BIHUAN_HOME."""
    from bihuan.store.home import restore as bring_back

    click.echo(bring_back(source, home_path()))


@cli.command()
def rebuild() -> None:
    """Make the observations anew from the journal."""
    from bihuan.app.rebuild import rebuild_series

    click.echo(rebuild_series(home_path()))


@cli.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """Tell versions, paths, the state of the store and its counts."""
    from bihuan.app.doctor import examine

    report = examine(home_path())
    say(report.as_dict() if as_json else report.words(), as_json)
    if not report.healthy:
        sys.exit(FINDING)


def main() -> None:
    """Run the command line; errors go to stderr, one line first."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        problem.show()
        sys.exit(BAD_INPUT)
    except BihuanError as problem:
        click.echo(f"bihuan: {problem}", err=True)
        sys.exit(BAD_INPUT)
