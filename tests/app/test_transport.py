"""The share of transport and the order of arrival, asked as a person asks."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bihuan.app.cli import cli
from bihuan.core import Place

CITY = Place(113.6, 34.7)
START = np.datetime64("2026-01-10T00:00", "s")


def ring(count: int, away: float = 0.5) -> dict[str, Place]:
    """Places around the city, one every so many degrees."""
    angle = 2 * np.pi * np.arange(count) / count
    return {
        f"P{k}": Place(CITY.lon + away / np.cos(np.radians(CITY.lat)) * np.sin(a), CITY.lat + away * np.cos(a))
        for k, a in enumerate(angle)
    }


def write(
    folder: Path, values: dict[str, np.ndarray], places: dict[str, Place], wind: tuple[float, float]
) -> list[str]:
    count = len(next(iter(values.values())))
    times = [f"{one}Z" for one in START + np.arange(count) * np.timedelta64(1, "h")]
    rows = [
        ",".join([time, *(f"{values[name][n]:.3f}".replace("nan", "") for name in values)])
        for n, time in enumerate(times)
    ]
    (folder / "hours.csv").write_text("\n".join([",".join(["time", *values]), *rows]) + "\n", "utf-8")
    spots = [f"{name},{place.lon:.6f},{place.lat:.6f}" for name, place in places.items()]
    (folder / "places.csv").write_text("\n".join(["name,lon,lat", *spots]) + "\n", "utf-8")
    blown = [f"{time},{wind[0]},{wind[1]}" for time in times]
    (folder / "wind.csv").write_text("\n".join(["time,ws,wd", *blown]) + "\n", "utf-8")
    return ["--series", str(folder / "hours.csv"), "--places", str(folder / "places.csv")]


def ask(*words: str) -> Result:
    return CliRunner().invoke(cli, ["trajectory", *words])


def episode(folder: Path, wind: tuple[float, float] = (5.0, 270.0)) -> list[str]:
    """A city at 100 whose western neighbours stand at 70 and all others at 20."""
    places = ring(8)
    values = {name: np.full(48, 70.0 if place.lon < CITY.lon - 0.1 else 20.0) for name, place in places.items()}
    given = write(folder, {"city": np.full(48, 100.0), **values}, {"city": CITY, **places}, wind)
    return [
        *given,
        "--wind",
        str(folder / "wind.csv"),
        "--city",
        "city",
        "--from",
        "2026-01-10T20:00Z",
        "--to",
        "2026-01-11T20:00Z",
    ]


def test_the_share_that_was_made_is_told(tmp_path: Path) -> None:
    found = ask("share", *episode(tmp_path), "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.output)
    assert told["regional"] == pytest.approx(0.7, abs=1e-6)
    assert told["local_rise"] == pytest.approx(30.0, abs=1e-3)
    assert (told["hours"], told["used"], told["cannot_tell"]) == (24, 24, "")
    assert "70%" in ask("share", *episode(tmp_path)).output
    assert "came in" in ask("share", *episode(tmp_path), "--language", "en").output


def test_a_calm_episode_has_no_share(tmp_path: Path) -> None:
    told = json.loads(ask("share", *episode(tmp_path, (0.3, 270.0)), "--json").output)
    assert (told["regional"], told["cannot_tell"]) == (None, "calm")
    assert "calm" in ask("share", *episode(tmp_path, (0.3, 270.0)), "--language", "en").output


def front(folder: Path) -> list[str]:
    """A rise that comes over twelve places from the north at 5 m/s."""
    places = ring(12, 1.0)
    hours = np.arange(48.0)
    reach = {name: (CITY.lat + 1.0 - place.lat) * 111_195 / 5.0 / 3600 for name, place in places.items()}
    values = {name: 30 + 170 / (1 + np.exp(-2 * (hours - 15 - reach[name]))) for name in places}
    return write(folder, values, places, (5.0, 0.0))


def test_a_front_is_followed_from_where_it_came(tmp_path: Path) -> None:
    found = ask("arrival", *front(tmp_path), "--wind-from", "0", "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.output)
    assert abs((told["came_from"] + 180) % 360 - 180) < 5
    assert told["speed"] == pytest.approx(5.0, rel=0.05)
    assert told["hours"]["P0"] < told["hours"]["P3"] < told["hours"]["P6"]
    assert told["along_wind"] > 0.9
    words = ask("arrival", *front(tmp_path), "--wind-from", "0", "--language", "en").output
    assert "m/s" in words
    assert words.index(" P0") < words.index(" P6")


def test_a_window_that_holds_nothing_and_files_that_cannot_be_read_are_refused_with_a_reason(tmp_path: Path) -> None:
    given = front(tmp_path)
    flat = ask("arrival", *given, "--from", "2026-01-10T00:00Z", "--to", "2026-01-10T06:00Z", "--json")
    assert json.loads(flat.output)["cannot_tell"] == "few_places"
    late = ask("arrival", *given, "--from", "2027-01-10T00:00Z", "--to", "2027-01-11T00:00Z")
    assert "no hour lies between" in str(late.exception)
    (tmp_path / "places.csv").write_text("name,lat\nP0,34\n", "utf-8")
    assert "needed are name, lon, lat" in str(ask("arrival", *given).exception)
    (tmp_path / "hours.csv").write_text("time,P0\n2026-01-10T00:00Z,1\n2026-01-10T00:00Z,2\n", "utf-8")
    assert "twice" in str(ask("arrival", *given).exception)
    (tmp_path / "hours.csv").write_text("time,P0\n2026-01-10T00:00Z,much\n", "utf-8")
    assert "is no number" in str(ask("arrival", *given).exception)
    given = episode(tmp_path)
    given[given.index("--city") + 1] = "elsewhere"
    assert "must be a name" in str(ask("share", *given).exception)
