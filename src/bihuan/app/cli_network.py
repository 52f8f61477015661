"""`bihuan network`: where monitors tell most, and what the present network is blind to (织密)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bihuan.app.cli_parts import JSON, LANGUAGE, run, target_of


@click.group()
def network() -> None:
    """The network of stations: coverage and design (织密)."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """Options of both commands."""
    for option in (
        JSON,
        LANGUAGE,
        click.option("--noise", multiple=True, help="pm10=12, several times: hourly scatter of a station [ug/m3]"),
        click.option(
            "--wind", type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="ERA5 file (NetCDF, classic form) instead of the stored winds",
        ),
        click.option("--spacing", type=click.FloatRange(100, 20_000), help="of the mesh of places, 1500 m without it"),
        click.option(
            "--pollutant", "pollutants", multiple=True,
            help="several times: what counts as seen; pm10 pm25 so2 no2 co without it",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@network.command("coverage")
@_common
def network_coverage(
    pollutants: tuple[str, ...], spacing: float | None, wind: Path | None, noise: tuple[str, ...], language: Any,
    as_json: bool,
) -> None:  # fmt: skip
    """Tell what the present network finds and tells apart, which sources it is blind to, and what could be spared."""
    run("network", _options(pollutants, spacing, wind, noise), language, as_json)


@network.command("design")
@click.option("--monitors", type=click.IntRange(1, 30), required=True, help="how many are to be placed")
@click.option(
    "--kind", type=click.Choice(["micro", "township", "dust", "city"]), default="micro", show_default=True,
    help="of new monitors",
)  # fmt: skip
@click.option("--cost", type=click.FloatRange(0), help="of one new monitor [CNY]; no cost is printed without it")
@click.option("--yearly", type=click.FloatRange(0), help="of running one for a year [CNY]")
@click.option("--exact", is_flag=True, help="prove that nothing is better; only with a wide mesh and few monitors")
@_common
def network_design(
    monitors: int, kind: str, cost: float | None, yearly: float | None, exact: bool, pollutants: tuple[str, ...],
    spacing: float | None, wind: Path | None, noise: tuple[str, ...], language: Any, as_json: bool,
) -> None:  # fmt: skip
    """Say where new monitors find most incidents and tell most sources apart, with what greedy may have missed."""
    asked = {"monitors": monitors, "kind": kind, "cost": cost, "yearly": yearly, "exact": exact}
    run("network", _options(pollutants, spacing, wind, noise) | asked, language, as_json)


def _options(
    pollutants: tuple[str, ...], spacing: float | None, wind: Path | None, noise: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "pollutants": list(pollutants),
        "spacing": spacing,
        "wind": str(wind.absolute()) if wind else None,
        "noise": dict(target_of(told) for told in noise),
    }
