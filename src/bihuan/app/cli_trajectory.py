"""`bihuan trajectory`: where air came from, on winds of a file; nothing is stored and no server is asked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bihuan.app.cli_parts import INSTANT, JSON, LANGUAGE, say

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WIND = click.option("--wind", type=FILE, required=True, help="NetCDF (classic form) with winds on a grid, ERA5 layout")
PLACE = click.option("--place", required=True, help="LON,LAT in degrees")
PRESSURE = click.option("--pressure", type=click.FloatRange(0, min_open=True), help="height at the start [hPa]")
HOURS = click.option("--hours", type=click.FloatRange(1, 720), default=72.0, show_default=True, help="length")
OUT = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="folder of the GeoJSON and NetCDF"
)


@click.group()
def trajectory() -> None:
    """Trajectories: where air came from or goes to."""


@trajectory.command("back")
@WIND
@PLACE
@click.option("--at", "instants", type=INSTANT, multiple=True, required=True, help="local time, several times")
@HOURS
@PRESSURE
@click.option("--forward", is_flag=True, help="follow the air on instead of back")
@click.option(
    "--scheme", type=click.Choice(["rk4", "petterssen"]), default="rk4", show_default=True, help="of the integration"
)
@OUT
@LANGUAGE
@JSON
def trajectory_back(
    wind: Path, place: str, instants: tuple[datetime, ...], hours: float, pressure: float | None, forward: bool,
    scheme: Any, out: Path, language: Any, as_json: bool,
) -> None:  # fmt: skip
    """Follow the air of a place back from one or more instants."""
    from bihuan.app.trajectories import back

    found = back(wind, place, instants, hours, pressure, forward, scheme, out)
    say(found.as_dict() if as_json else found.words(language), as_json)


@trajectory.command("pscf")
@WIND
@PLACE
@click.option("--series", type=FILE, required=True, help="CSV with time,value: what was measured at the place")
@click.option(
    "--method", type=click.Choice(["pscf", "cwt", "sqtba"]), default="pscf", show_default=True, help="of the field"
)
@click.option("--threshold", type=float, help="high from here on; the 75th percentile of the series without it")
@click.option("--cell", type=click.FloatRange(0, 20, min_open=True), default=0.5, show_default=True, help="[degrees]")
@click.option("--unweighted", is_flag=True, help="leave cells with few points as they are")
@click.option("--clusters", type=click.IntRange(1, 20), help="put the paths into so many kinds as well")
@click.option(
    "--distance", type=click.Choice(["angle", "euclid"]), default="angle", show_default=True, help="of two paths"
)
@HOURS
@PRESSURE
@OUT
@LANGUAGE
@JSON
def trajectory_pscf(
    wind: Path, place: str, series: Path, method: Any, threshold: float | None, cell: float, unweighted: bool,
    clusters: int | None, distance: Any, hours: float, pressure: float | None, out: Path, language: Any, as_json: bool,
) -> None:  # fmt: skip
    """Say where the air of high values came over: PSCF, CWT or SQTBA of back trajectories, and their clusters."""
    from bihuan.app.trajectories import field_of

    found = field_of(
        wind, place, series, hours, pressure, out, method=method, threshold=threshold, cell=cell,
        weighted=not unweighted, clusters=clusters, distance=distance,
    )  # fmt: skip
    say(found.as_dict() if as_json else found.words(language), as_json)


TABLE = click.option(
    "--series", type=FILE, required=True, help="CSV with time and a column a place, named as in --places"
)
PLACES = click.option("--places", type=FILE, required=True, help="CSV with name,lon,lat in degrees")


@trajectory.command("share")
@TABLE
@PLACES
@click.option("--wind", type=FILE, required=True, help="CSV with time,ws,wd: the wind at the city [m/s], [degrees]")
@click.option("--city", required=True, help="name of the city among the places")
@click.option("--from", "start", type=INSTANT, required=True, help="begin of the episode, local time")
@click.option("--to", "end", type=INSTANT, required=True, help="its end")
@LANGUAGE
@JSON
def trajectory_share(
    series: Path, places: Path, wind: Path, city: str, start: datetime, end: datetime, language: Any, as_json: bool
) -> None:
    """Say how much of an episode came in with the air, and how much the city made itself."""
    from bihuan.app.transport import share_of

    found = share_of(series, places, wind, city, start, end)
    say(found.as_dict() if as_json else found.words(language), as_json)


@trajectory.command("arrival")
@TABLE
@PLACES
@click.option("--from", "start", type=INSTANT, help="begin of the window, local time; it must hold one rise only")
@click.option("--to", "end", type=INSTANT, help="its end")
@click.option("--falling", is_flag=True, help="look for a clearing instead of a rise")
@click.option("--wind-from", type=click.FloatRange(0, 360), help="the wind of the window, to compare with [degrees]")
@LANGUAGE
@JSON
def trajectory_arrival(
    series: Path, places: Path, start: datetime | None, end: datetime | None, falling: bool,
    wind_from: float | None, language: Any, as_json: bool,
) -> None:  # fmt: skip
    """Say from where and how fast a rise or a clearing came over a region, if it came in an order at all."""
    from bihuan.app.transport import arrival_of

    found = arrival_of(series, places, start, end, falling, wind_from)
    say(found.as_dict() if as_json else found.words(language), as_json)
