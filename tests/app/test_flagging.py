"""The checks run again over what is stored: a dry run writes nothing, a second run finds nothing, a person wins."""

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from bihuan.app.cli import cli
from bihuan.app.flagging import Changed, rerun_flags
from bihuan.core import InputError, Period
from bihuan.observations import hours_from_minutes
from bihuan.store import Correction, open_store, save_corrections
from tests.app.small import MNS, settle
from tests.observations.tables import T0, rows

CALM = [52.0, 55.0, 51.0, 58.0, 60.0, 57.0]
END = T0 + timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A morning of one station: a spike at 02:00 that nobody had flagged, and a stuck instrument at the end."""
    settle(tmp_path)
    values = [*CALM * 4, 900.0, *CALM * 3, *[88.0] * 40]
    with open_store(tmp_path, threads=1) as store:
        minutes = rows(values, device=MNS[0])
        store.series.append(minutes, hours=hours_from_minutes(minutes, {MNS[0]: "station:1"}, 45))
    return tmp_path


def run(home: Path, **options: object) -> list[Changed]:
    return list(rerun_flags(home, T0, END, **options))  # type: ignore[arg-type]


def stored(home: Path) -> pl.DataFrame:
    with open_store(home, threads=1) as store:
        return store.series.readings()


def changes(found: list[Changed]) -> set[tuple[str, str]]:
    return {(one["before"], one["after"]) for day in found for one in day.changes}


def test_a_dry_run_tells_what_would_change_and_writes_nothing(home: Path) -> None:
    before = stored(home)
    assert changes(run(home, dry_run=True)) == {("", "jump"), ("", "stuck")}
    assert stored(home).equals(before)


def test_a_run_writes_flags_with_a_revision_and_a_second_one_changes_nothing(home: Path) -> None:
    assert changes(run(home)) == {("", "jump"), ("", "stuck")}
    flagged = stored(home).filter(pl.col("reason") != "")
    assert set(flagged["revision"]) == {2}
    assert flagged.filter(pl.col("reason") == "jump")["value"].to_list() == [900.0]
    assert changes(run(home)) == set()


def test_what_was_averaged_from_flagged_readings_is_averaged_again(home: Path) -> None:
    run(home)
    with open_store(home, threads=1) as store:
        hours = store.series.hours(["station:1"]).filter(pl.col("quality") == "suspect")
    assert hours.height >= 1
    assert set(hours["reason"]) == {"stuck"}


def test_a_correction_of_a_person_is_left_alone(home: Path) -> None:
    at = T0 + timedelta(hours=2)
    period = Period(at, at + timedelta(minutes=5))
    made = Correction.of("readings", MNS[0], "pm25", period, "exclude", author="P1", reason="a bus stood there", at=END)
    with open_store(home, threads=1) as store:
        save_corrections(store.records, [made])
    found = run(home)
    assert sum(day.by_person for day in found) == 1
    assert changes(found) == {("", "stuck")}


def test_only_the_site_asked_for_changes(home: Path) -> None:
    assert changes(run(home, site="station:2")) == set()
    assert changes(run(home, site="station:1"))


def test_imported_hours_are_judged_as_well(home: Path) -> None:
    with open_store(home, threads=1) as store:
        hours = hours_from_minutes(rows([999.0] * 12), {"D1": "station:9"}, 45).with_columns(
            basis=pl.lit("file"), pollutant=pl.lit("o3")
        )
        store.series.append(hours=hours)
    found = [day for day in run(home) if day.table == "hours"]
    assert [one["after"] for day in found for one in day.changes] == ["range"]
    assert changes([day for day in run(home) if day.table == "hours"]) == set()


def test_a_run_without_a_period_is_refused(home: Path) -> None:
    with pytest.raises(InputError, match="--from and --to"):
        list(rerun_flags(home, END, T0))


def test_the_command_prints_a_line_a_day_for_programs_and_for_people(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIHUAN_HOME", str(home))
    asked = ["flags", "--from", "2026-01-05", "--to", "2026-01-06", "--dry-run"]
    told = CliRunner().invoke(cli, [*asked, "--json"])
    assert told.exit_code == 0, told.output
    lines = [json.loads(line) for line in told.output.splitlines()]
    assert sum(line["changed"] for line in lines) > 0
    assert {line["dry_run"] for line in lines} == {True}
    assert "突变" in CliRunner().invoke(cli, asked).output
