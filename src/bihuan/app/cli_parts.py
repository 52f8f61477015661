"""What the commands of the command line share: the home, their common options, how they print and complain."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

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
        from bihuan.app.settings import read_settings
        from bihuan.core import BihuanError, parse_instant

        try:
            return parse_instant(value, read_settings(home_path()).zone)
        except BihuanError as problem:
            self.fail(str(problem), param, context)


INSTANT = _Instant()
LANGUAGE = click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
JSON = click.option("--json", "as_json", is_flag=True, help="one JSON object a line, for programs")


def say(value: Any, as_json: bool) -> None:
    """Print one JSON line, or the value as text."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")) if as_json else str(value))


def run(name: str, options: dict[str, Any], language: Any, as_json: bool, secret: dict[str, str] | None = None) -> None:
    """Run a command of `bihuan.app.commands`, through the live server where one owns the store, and print it."""
    from bihuan.app.remote import run_command

    code = 0
    for line in run_command(home_path(), name, options, language, secret):
        say(line.data if as_json else line.words, as_json)
        code = max(code, line.code)
    if code:
        sys.exit(code)


def complain(what: str) -> None:
    """Say what is wrong: a line first, details after."""
    click.echo(f"bihuan: {what}", err=True)


def day_of(text: str | None, option: str) -> date | None:
    """Return the day an option names."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option} {text!r} cannot be read: write 2019-02-06") from None


def target_of(text: str) -> tuple[str, float]:
    """Return pollutant and mean of a target, ``pm25=40``. [ug/m3, CO mg/m3]"""
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise click.UsageError(f"target {text!r} cannot be read: write pm25=40") from None
