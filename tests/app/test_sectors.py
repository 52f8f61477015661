"""`bihuan sector` over a file and over the store: answers, pictures, and what cannot be concluded."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

from bihuan.app.cli import cli
from bihuan.app.sector_pictures import picture
from bihuan.app.sectors import KINDS, hours_of_file, stored_hours
from bihuan.app.town import Town
from bihuan.core import CHINA, ROLLUP_SCHEMA, FormatError, Period, Place, Ref
from bihuan.register import Cell, Station
from bihuan.store import open_store

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 24 * 21
ON = FIRST.date()
FACTS = [
    Cell(id="4101", name="合成市", level=1, district="410100", centre=Place(113.6, 34.7)),
    Station(id="A", name="甲", kind="national", district="410102", place=Place(113.60, 34.70)),
    Station(id="NEAR", name="近处气象", kind="weather", district="410102", place=Place(113.62, 34.70)),
    Station(id="FAR", name="远处气象", kind="weather", district="410102", place=Place(114.60, 34.70)),
]


def blown(at: int) -> tuple[float, float, float]:
    """Speed, direction and a value that is high with wind from the south-west."""
    random = np.random.default_rng(at)
    turn, speed = float(random.uniform(1, 360)), float(random.uniform(0.6, 6))
    return speed, turn, 20 + (60 if abs(turn - 225) < 25 else 0) + float(random.normal(0, 1))


def rows() -> pl.DataFrame:
    made = []
    for at in range(HOURS):
        start = FIRST + at * timedelta(hours=1)
        speed, turn, value = blown(at)
        told = [("A", "pm25", value, "good"), ("A", "pm10", 2 * value, "good")]
        told += [("NEAR", "wind_speed", speed, "good"), ("NEAR", "wind_from", turn, "good")]
        told += [("FAR", "wind_speed", 9.0, "good"), ("FAR", "wind_from", 90.0, "good")]
        if at == 5:
            told[0] = ("A", "pm25", 5000.0, "bad")
        made += [
            {
                "site": f"station:{site}", "pollutant": code, "stat": "avg", "basis": "device", "start": start,
                "end": start + timedelta(hours=1), "value": figure, "count": 0, "mark": "", "quality": quality,
                "reason": "", "level": "realtime",
            }
            for site, code, figure, quality in told
        ]  # fmt: skip
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(made, schema_overrides={"start": instant, "end": instant, "count": pl.Int32}).select(
        ROLLUP_SCHEMA.names
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three weeks of one station, and the wind of two others."""
    home = tmp_path_factory.mktemp("sectors") / "home"
    with open_store(home, threads=1) as store:
        store.records.save_facts(FACTS)
        store.series.append(hours=rows())
    return home


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "hours.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.writer(out)
        writer.writerow(["date", "ws", "wd", "so2", "no2", "note"])
        for at in range(HOURS):
            speed, turn, value = blown(at)
            start = FIRST + at * timedelta(hours=1)
            note = "-999" if at == 3 else f"{value:.3f}"
            writer.writerow(
                [f"{start.astimezone(CHINA):%Y-%m-%d %H:%M}", f"{speed:.3f}", f"{turn:.1f}", note, "NA", "x"]
            )
    return path


def ask(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["sector", *words], env={"BIHUAN_HOME": str(home)}, catch_exceptions=False)


def told(result: Result) -> Iterator[dict[str, object]]:
    assert result.exit_code == 0, result.output
    yield from (json.loads(line) for line in result.stdout.splitlines())


def test_wind_comes_from_the_nearest_station_and_bad_hours_are_left_out(home: Path) -> None:
    with open_store(home, threads=1) as store:
        town = Town(store.records.register(), ON)
        found = stored_hours(store, town, Ref("station", "A"), "pm25", None)
    assert found.wind_site == "station:NEAR"
    assert found.distance == pytest.approx(1830, abs=20)
    assert len(found.hours) == HOURS
    assert np.isnan(found.hours.value[5]) and found.hours.complete.sum() == HOURS - 1
    assert found.hours.wind_from[7] == pytest.approx(blown(7)[1])
    assert set(found.others) == {"pm25", "pm10"}


@pytest.mark.parametrize("kind", ["rose", "cpf", "fingerprint", "ratio"])
def test_every_kind_answers_over_the_store(home: Path, kind: str) -> None:
    (found,) = told(ask(home, kind, "--station", "A", "--pollutant", "pm25", "--json", "--language", "en"))
    assert found["kind"] == kind and found["result"]
    assert found["wind"] == {"site": "station:NEAR", "distance": 1829.0} or found["wind"]["distance"] > 1800  # type: ignore[index]
    assert found["conclusion"] and found["limits"]


def test_the_cpf_names_the_south_west(home: Path) -> None:
    (found,) = told(ask(home, "cpf", "--station", "station:A", "--json", "--language", "en"))
    assert "southwest" in str(found["conclusion"]).lower().replace("-", "").replace(" ", "")


def test_a_trend_of_three_weeks_is_refused_in_words(home: Path) -> None:
    (found,) = told(ask(home, "trend", "--station", "A", "--json", "--language", "en"))
    assert found["result"] is None
    assert found["conclusion"] == "Nothing can be concluded: at least 6 valid months are needed."
    assert [one["code"] for one in found["doubts"]][-1] == "short_trend"  # type: ignore[attr-defined]


def test_a_station_without_such_values_says_so(home: Path) -> None:
    (found,) = told(ask(home, "rose", "--station", "A", "--pollutant", "o3", "--json"))
    assert found["result"] is None and "没有可用的浓度数据" in str(found["conclusion"])


@pytest.mark.parametrize("kind", ["polar", "nwr"])
def test_a_surface_of_two_days_is_not_drawn(home: Path, kind: str) -> None:
    words = ("--from", "2026-01-02", "--to", "2026-01-04", "--json", "--language", "en")
    (found,) = told(ask(home, kind, "--station", "A", *words))
    assert found["result"] is None and "at least 100" in str(found["conclusion"])


def test_ratios_do_not_decide(home: Path) -> None:
    (found,) = told(ask(home, "ratio", "--station", "A", "--json", "--language", "en"))
    assert not any(row["decides"] for row in found["result"]["rows"])  # type: ignore[index]
    assert "unconfirmed" in str(found["conclusion"])


def test_a_file_is_read_with_its_times_as_local_and_its_gaps_as_gaps(file: Path) -> None:
    found = hours_of_file(file, "so2", CHINA)
    assert found.hours.start[0] == np.datetime64("2026-01-01T00:00:00")
    assert np.isnan(found.hours.value[3]) and set(found.others) == {"so2"}
    day = hours_of_file(file, "so2", CHINA, Period(FIRST, FIRST + timedelta(days=1)))
    assert len(day.hours) == 24


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("date,ws,wd\n", "line 1: no column so2"),
        ("ws,wd,so2\n", "line 1: no column date or start or time"),
        ("date,ws,wd,so2\n2026-01-01 00:00,1,2\n", "line 2: 3 cells, the head names 4"),
        ("date,ws,wd,so2\n2026-01-01 00:00,1,2,much\n", "line 2: so2 'much' is no number"),
        ("date,ws,wd,so2\nyesterday,1,2,3\n", "line 2: "),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(body)
    with pytest.raises(FormatError, match=message):
        hours_of_file(path, "so2", CHINA)


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_picture_of_each_kind_is_written_and_is_the_same_twice(tmp_path: Path, file: Path, form: str) -> None:
    kind = {"png": "rose", "svg": "fingerprint"}[form]
    seen = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}.{form}"
        result = ask(tmp_path, kind, "--file", str(file), "--pollutant", "so2", "--out", str(out))
        assert result.exit_code == 0, result.output
        assert str(out) in result.output.replace("\n", "")
        seen.append(out.read_bytes())
    assert seen[0] == seen[1]
    assert seen[0][:4] == {"png": b"\x89PNG", "svg": b"<?xm"}[form]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_answers_can_be_drawn(tmp_path: Path, file: Path, kind: str) -> None:
    (found,) = told(ask(tmp_path, kind, "--file", str(file), "--pollutant", "so2", "--json"))
    made = picture(found, "png", "zh")
    assert (made is None) == (found["result"] is None)
    assert (kind in ("trend", "smooth", "ratio")) == (made is None)  # three weeks, and one pollutant


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, file: Path) -> None:
    both = ask_loosely(tmp_path, "rose", "--file", str(file), "--station", "A")
    assert both.exit_code == 2 and "one of the two" in both.output
    form = ask_loosely(tmp_path, "rose", "--file", str(file), "--out", "x.jpg")
    assert form.exit_code == 2 and ".png or .svg" in form.output
    half = ask_loosely(tmp_path, "rose", "--file", str(file), "--from", "2026-01-01")
    assert half.exit_code == 2 and "--from and --to together" in half.output


def ask_loosely(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["sector", *words], env={"BIHUAN_HOME": str(home)})
