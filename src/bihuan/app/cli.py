"""The command line. Exit codes: 0 done, 1 a finding (a check did not hold), 2 bad usage or input.

Each command imports what it needs when it runs, so that `bihuan --version` answers at once: even the ground floor
brings numpy, pyarrow and the map projections along.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bihuan import __version__
from bihuan.app.caches import settle_caches
from bihuan.app.cli_forward import forward
from bihuan.app.cli_journal import journal
from bihuan.app.cli_law import assess, standards
from bihuan.app.cli_network import network
from bihuan.app.cli_order import order
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
from bihuan.app.cli_plume import plume
from bihuan.app.cli_receptor import receptor
from bihuan.app.cli_sector import sector
from bihuan.app.cli_store import store
from bihuan.app.cli_trajectory import trajectory
from bihuan.app.cli_user import user


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
@click.option("--host", default="127.0.0.1", show_default=True, help="address of the pages")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="port of the pages")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="with --score: one JSON line a run")
def demo(
    score: bool,
    seed: int | None,
    hours: int,
    rough: bool,
    pace: float,
    host: str,
    port: int,
    language: Any,
    as_json: bool,
) -> None:
    """Run the synthetic city (合成城市) through the whole loop, with its pages."""
    if score:
        from bihuan.app.scoring import score_runs

        for line in score_runs(seed, hours, rough or None):
            say(line if as_json else _score_words(line), as_json)
        return
    from bihuan.app.demo import show

    city = 1 if seed is None else seed
    show(seed=city, hours=hours, rough=rough, pace=pace, language=language, host=host, port=port)


def _score_words(line: dict[str, Any]) -> str:
    return "  ".join(f"{key}={value}" for key, value in line.items())


@cli.command()
@click.option("--host", help="address to listen on (default 127.0.0.1)")
@click.option("--port", type=click.IntRange(0, 65535), help="port for pages and programs (default 8080)")
@click.option("--hj212-port", type=click.IntRange(0, 65535), help="port for devices (default 9212)")
@click.option("--gateways", type=click.IntRange(1, 64), help="gateway processes (default 1)")
@click.option("--role", type=click.Choice(["all", "ingest", "gateway"]), help="what this host does (default all)")
def serve(host: str | None, port: int | None, hj212_port: int | None, gateways: int | None, role: str | None) -> None:
    """Listen to devices, run the loop and serve the pages until Ctrl-C."""
    from bihuan.app.serve import run_server

    given = {"host": host, "port": port, "hj212_port": hj212_port, "gateways": gateways, "role": role}
    run_server(home_path(), {name: value for name, value in given.items() if value is not None})


@cli.command("import")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "layout", help="layout, mapping file or protocol of devices; recognised without it")
@click.option("--device", help="code of the device that a file of a protocol is of, where it does not say so itself")
@click.option(
    "--templates",
    type=click.Path(dir_okay=False, path_type=Path),
    help="write the empty workbook of the register (XLSX) and import nothing",
)
@LANGUAGE
@JSON
def import_command(
    files: tuple[Path, ...],
    layout: str | None,
    device: str | None,
    templates: Path | None,
    language: Any,
    as_json: bool,
) -> None:
    """Import registers (XLSX, CSV, GeoJSON), feeds (CSV, Parquet), 12345 work orders and files of devices."""
    if templates is not None:
        from bihuan.formats import write_templates

        write_templates(templates, language)
        click.echo(templates)
        return
    if not files:
        raise click.UsageError("name at least one file to import, or --templates FILE for the empty workbook")
    mapping = layout if layout is None or not Path(layout).is_file() else str(Path(layout).absolute())
    options = {"files": [str(file.absolute()) for file in files], "layout": mapping, "device": device or ""}
    run("import", options, language, as_json)


@cli.command()
@click.option("--from", "start", type=INSTANT, help="first hour, local time of the city; the first stored without it")
@click.option("--to", "end", type=INSTANT, help="end, not included; the last stored without it")
@click.option("--site", help="city:..., station:...; every one without it")
@click.option(
    "--what-if", multiple=True, help="a plan by name whatever the day, several times; zhengzhou-2023 without it"
)
@click.option("--index", type=click.Choice(["published", "own"]), default="published", show_default=True)
@click.option("--no-rules", is_flag=True, help="grade only, without the rules of the loop")
@LANGUAGE
@JSON
def replay(
    start: datetime | None,
    end: datetime | None,
    site: str | None,
    what_if: tuple[str, ...],
    index: Any,
    no_rules: bool,
    language: Any,
    as_json: bool,
) -> None:
    """Run the loop over stored data as if it arrived now (按实况反演,非实际发布)."""
    options = {
        "start": start,
        "end": end,
        "site": site,
        "what_if": list(what_if),
        "index": index,
        "rules": not no_rules,
    }
    run("replay", options, language, as_json)


@cli.command()
@click.option("--from", "start", type=INSTANT, required=True, help="begin, local time of the city; whole UTC days")
@click.option("--to", "end", type=INSTANT, required=True, help="end, not included")
@click.option("--site", help="station:..., outlet:...; every one without it")
@click.option("--dry-run", is_flag=True, help="print what would change and write nothing")
@click.option("--drift", is_flag=True, help="look for slow drift before the end as well; needs eight weeks of hours")
@LANGUAGE
@JSON
def flags(
    start: datetime, end: datetime, site: str | None, dry_run: bool, drift: bool, language: Any, as_json: bool
) -> None:
    """Run the quality checks again over stored readings; a person's corrections win."""
    options = {"start": start.isoformat(), "end": end.isoformat(), "site": site, "dry_run": dry_run, "drift": drift}
    run("flags", options, language, as_json)


@cli.command()
@click.argument("kind", type=click.Choice(["daily", "weekly", "monthly", "trace"]))
@click.option("--date", "day", help="daily: day of the city, 2019-02-06")
@click.option("--event", help="trace: a stored event with a ranking")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="folder of the files")
@click.option("--site", help="city:...; needed where several cities are stored and city_name is not set")
@click.option("--target", "targets", multiple=True, help="pm25=40, several times: mean of the year to reach")
@LANGUAGE
@JSON
def report(
    kind: str,
    day: str | None,
    event: str | None,
    out: Path,
    site: str | None,
    targets: tuple[str, ...],
    language: Any,
    as_json: bool,
) -> None:
    """Write the bulletin (日报) of a stored day, or the trace report (溯源专报) of an event: HTML and DOCX."""
    if kind == "trace":
        if not event or day or site or targets:
            raise click.UsageError("report trace takes --event ID, and neither --date, --site nor --target")
        run("report.trace", {"event": event, "out": str(out.absolute())}, language, as_json)
        return
    if day is None or event:
        raise click.UsageError(f"report {kind} takes --date, and no --event")
    if kind != "daily":
        raise click.UsageError(f"report {kind} is not made yet: only daily is; assess air --by month gives the figures")
    day_of(day, "date")  # said before a server is asked
    wanted = dict(target_of(target) for target in targets)
    run("report", {"day": day, "out": str(out.absolute()), "site": site, "targets": wanted}, language, as_json)


@cli.command()
@click.option("--event", help="a stored event: its last ranking")
@click.option("--from", "start", type=INSTANT, help="begin of a rise in stored readings, local time of the city")
@click.option("--to", "end", type=INSTANT, help="its end")
@click.option("--station", help="where it was seen")
@click.option("--pollutant", default="pm25", show_default=True, help="code of the pollutant that rose")
@LANGUAGE
@JSON
def trace(
    event: str | None,
    start: datetime | None,
    end: datetime | None,
    station: str | None,
    pollutant: str,
    language: Any,
    as_json: bool,
) -> None:
    """Rank the suspects (疑似污染源) of a stored event, or of a rise in stored readings."""
    named = event is not None and (start, end, station) == (None, None, None)
    if not named and (event is not None or start is None or end is None or station is None):
        raise click.UsageError("give --event ID, or --from, --to and --station together")
    options = {"event": event, "start": start, "end": end, "station": station, "pollutant": pollutant}
    run("trace", options, language, as_json)


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "target", required=True, help="HOST:PORT")
@click.option("--window", type=click.IntRange(1, 1000), default=16, show_default=True, help="unanswered frames at once")
@JSON
def send(file: Path, target: str, window: int, as_json: bool) -> None:
    """Send the frames of a file like a logger would, and wait for the acknowledgements."""
    from bihuan.app.sending import send_file

    report = send_file(file, target, window)
    told = {name: getattr(report, name) for name in ("sent", "acknowledged", "resent")}
    told["unanswered"] = len(report.unanswered)
    say(told if as_json else "  ".join(f"{name} {count}" for name, count in told.items()), as_json)
    if report.unanswered:
        sys.exit(FINDING)


@cli.command()
@click.argument("ref")
@LANGUAGE
@JSON
def explain(ref: str, language: Any, as_json: bool) -> None:
    """Walk a verdict, event, suspects, case, effect, reading or frame back to its frames and forward to its effect."""
    run("explain", {"ref": ref}, language, as_json)


@cli.command()
@click.option("--device", help="MN; every logger without it")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["open", "recalled", "filled", "given_up"]),
    help="several times; open and recalled without it",
)
@LANGUAGE
@JSON
def gaps(device: str | None, states: tuple[str, ...], language: Any, as_json: bool) -> None:
    """List reports that loggers owe and did not send (缺数)."""
    run("gaps", {"device": device, "states": list(states)}, language, as_json)


@cli.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@JSON
def backup(target: Path, as_json: bool) -> None:
    """Copy journal, observations, records and photos as one consistent cut."""
    run("backup", {"target": str(target.absolute())}, "zh", as_json)


@cli.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@JSON
def restore(source: Path, as_json: bool) -> None:
    """Bring a backup back into an empty BIHUAN_HOME."""
    from bihuan.app.commands import manifest_line
    from bihuan.store import restore as bring_back

    line = manifest_line(bring_back(source, home_path()), home_path())
    say(line.data if as_json else line.words, as_json)


@cli.command()
@click.option("--device", "devices", multiple=True, help="only this logger (MN), several times; every one without it")
@click.option("--from", "start", type=INSTANT, help="only frames received at or after it, local time of the city")
@click.option("--to", "end", type=INSTANT, help="and before it")
@click.option("--salvage", is_flag=True, help="read on behind damaged parts of the journal, and name what is lost")
@LANGUAGE
@JSON
def rebuild(
    devices: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    salvage: bool,
    language: Any,
    as_json: bool,
) -> None:
    """Make observations, gaps and times on line anew from the journal; a part of them with a device or a time."""
    from bihuan.app.rebuild import rebuild_part, rebuild_series
    from bihuan.core import plain

    if devices or start or end:
        made = rebuild_part(home_path(), devices, start, end, salvage=salvage)
    else:
        made = rebuild_series(home_path(), salvage=salvage)
    say(plain(made) if as_json else made.words(language), as_json)


@cli.command()
@LANGUAGE
@JSON
def doctor(language: Any, as_json: bool) -> None:
    """Tell versions, paths, the state of the store and its counts."""
    from bihuan.app.doctor import examine

    report = examine(home_path())
    say(report.as_dict() if as_json else report.words(language), as_json)
    if not report.healthy:
        sys.exit(FINDING)


for command in (
    assess,
    forward,
    journal,
    network,
    order,
    plume,
    receptor,
    sector,
    standards,
    store,
    trajectory,
    user,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; errors go to stderr, one line first."""
    settle_caches(home_path())
    try:
        code = cli.main(prog_name="bihuan", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        complain(problem.format_message())
        context = getattr(problem, "ctx", None)
        if context is not None:
            click.echo(f"{context.get_usage()}\nmore with {context.command_path} --help", err=True)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # who read us has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # until the interpreter ends
        sys.exit(0)
    except _foreseen() as problem:
        complain(str(problem))
        sys.exit(BAD_INPUT)
    sys.exit(code if isinstance(code, int) else 0)


def _foreseen() -> tuple[type[Exception], ...]:
    """Errors whose message is for the person; asked for only when something was raised."""
    from bihuan.core import BihuanError

    return BihuanError, OSError
