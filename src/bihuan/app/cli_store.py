"""`bihuan store`: where the observations lie, and moving them."""

from __future__ import annotations

from typing import Any

import click

from bihuan.app.cli_parts import JSON, LANGUAGE, home_path, say


@click.group()
def store() -> None:
    """Move the observations between one file and a lake."""


@store.command()
@click.option("--to", "target", type=click.Choice(["lake", "embedded"]), required=True, help="where to")
@click.option("--catalog", help="postgresql://USER@HOST/DATABASE (setting lake_catalog)")
@click.option("--data", help="folder that every host sees, or s3://BUCKET/PREFIX (setting lake_data)")
@click.option("--schema", help="schema of the catalog, one a city (setting lake_schema)")
@LANGUAGE
@JSON
def move(target: str, catalog: str | None, data: str | None, schema: str | None, language: Any, as_json: bool) -> None:
    """Copy the observations, check each day, switch the setting at the end; the old ones stay."""
    from bihuan.app.moving import move_series
    from bihuan.core import plain

    def tell(table: str, part: int, parts: int) -> None:
        click.echo(f"\r{table} {part}/{parts}   ", nl=False, err=True)

    given = {"lake_catalog": catalog or "", "lake_data": data or "", "lake_schema": schema or ""}
    report = move_series(home_path(), target, given, None if as_json else tell)
    if not as_json:
        click.echo("", err=True)
    say(plain(report) if as_json else report.words(language), as_json)


@store.command()
@LANGUAGE
@JSON
def drop(language: Any, as_json: bool) -> None:
    """Remove the embedded file that a move has left."""
    from bihuan.app.moving import drop_left
    from bihuan.core import text

    gone = drop_left(home_path())
    say({"removed": gone} if as_json else text("moving.dropped", language, files=", ".join(gone)), as_json)
