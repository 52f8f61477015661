"""The scorer of controlled releases: what its line says, and folders that are not as this week's."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.controlled_release import Score, main

KEYS = (
    *("releases", "located", "fac2", "windows15", "windows60", "causal15", "causal60", "blind15", "detected"),
    *("false_per_day", "coverage80", "log_score", "answered"),
)
MINUTES = 720
START = np.datetime64("2031-02-03T00:00", "m")


def packed(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with gzip.open(path, "wt", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def stamp(minute: int) -> str:
    return f"{START + np.timedelta64(minute, 'm')}Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sources, five sensors of which one is dead and one unknown to the responses; a gap; no locations."""
    rng = np.random.default_rng(5)
    sensors = ["a", "b", "c", "d", "dead"]
    towards = np.cumsum(rng.normal(0, 0.15, MINUTES))
    bearing = np.linspace(0, 2 * np.pi, 5, endpoint=False)
    unit = {
        source: np.exp(30.0 * (np.cos(towards[:, None] - bearing - 0.5 * k) - 1.0)) for k, source in enumerate("XYZ")
    }
    values = 2.0 + 0.03 * rng.normal(size=(MINUTES, 5))
    values[300:420] += 2.0 * unit["Y"][300:420] * rng.lognormal(0, 0.3, (120, 5))
    kept = [minute for minute in range(MINUTES) if not 500 <= minute < 530]
    packed(
        tmp_path / "obs.csv.gz", ["time_utc", "wd_rad", "ws", *(f"ch4_{name}" for name in sensors)],
        [[stamp(m), f"{towards[m]:.4f}", "NA" if m % 50 == 0 else 2.0, *(f"{v:.4f}" for v in values[m, :4]), "NA"]
         for m in kept],
    )  # fmt: skip
    for source, response in unit.items():
        packed(
            tmp_path / f"puff_unit_{source}.csv.gz", [*sensors[:3], "dead"],
            [[f"{v / 3.6 * 3.6**2:.5f}" for v in response[m, [0, 1, 2, 4]]] for m in kept],
        )  # fmt: skip
    (tmp_path / "leaks.csv").write_text(
        "start,end,source,rate_kg_h\n"
        f"{stamp(300)},{stamp(420)},Y,2.0\n"
        f"{stamp(560)},{stamp(600)},,1.0\n"  # the truth names none
        f"{stamp(610)},{stamp(640)},Y,\n"  # nor how much
    )
    return tmp_path


def test_the_line_holds_the_keys_in_their_order_for_any_sources_gaps_and_dead_sensors(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), "--details"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert tuple(line) == KEYS
    assert (line["releases"], line["located"]) == (1, 1)
    assert line["fac2"] == 1.0
    assert line["windows60"] == 1.0
    assert line["log_score"] > np.log(1 / 4)


def test_days_without_a_release_give_nulls_not_zeros(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--from", "2031-02-04"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["releases"] == 0
    assert line["windows15"] is None
    assert line["log_score"] is None


def test_an_alarm_in_a_release_of_unknown_source_is_not_false(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    before = json.loads(capsys.readouterr().out)["false_per_day"]
    leaks = folder / "leaks.csv"
    leaks.write_text(leaks.read_text().replace(",Y,2.0", ",,2.0"))
    assert main([str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)["false_per_day"] == before == 0.0


def test_an_alarm_beside_every_release_is_described_for_the_reader_to_judge(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "leaks.csv").write_text(f"start,end,source,rate_kg_h\n{stamp(10)},{stamp(40)},X,1.0\n")
    assert main([str(folder), "--details"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["false_per_day"] > 0.0
    (alarm,) = json.loads(printed.err)["false_alarms"]
    assert alarm["first"] == "Y"
    assert alarm["rate"][0] < 2.0 < alarm["rate"][2]
    assert alarm["sensors"]
    assert stamp(300) < alarm["raised"] + "Z" < stamp(420)


def test_none_of_the_listed_every_time_scores_worse_than_chance() -> None:
    chance, none, sure_and_wrong = Score(), Score(), Score()
    for source in range(5):
        chance.window("windows15", source, True, np.full(5, 1 / 6), False)
        none.window("windows15", source, True, np.zeros(5), False)
        sure_and_wrong.window("windows15", source, True, np.where(np.arange(5) == (source + 1) % 5, 0.99, 0.0025), True)
    scores = [one.line()["log_score"] for one in (chance, none, sure_and_wrong)]
    assert scores[0] == pytest.approx(np.log(1 / 6), abs=1e-3)
    assert scores[1] < scores[0]  # type: ignore[operator]
    assert scores[2] < scores[0]  # type: ignore[operator]
    assert [one.line()["answered"] for one in (chance, none, sure_and_wrong)] == [0.0, 0.0, 1.0]


@pytest.mark.reference
def test_the_real_week_is_scored_as_measured(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "data" / "receptor" / "ste" / "aded2022_week_neutral"
    # settings were chosen before 12 May; the margins are for arithmetic alone, one window or release each
    assert main([str(folder), "--from", "2022-05-12"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["releases"] == 11
    assert line["located"] == 11
    assert line["fac2"] >= 0.81  # 0.909; one ratio is 0.51
    assert line["windows15"] >= 0.807
    assert line["windows60"] >= 0.94
    assert line["causal15"] >= 0.91
    assert line["causal60"] >= 0.90
    assert line["blind15"] >= 0.95
    assert line["detected"] == 1.0
    assert line["false_per_day"] == 0.0
    assert 0.7 <= line["coverage80"] <= 0.9
    assert line["log_score"] >= -0.70
    assert line["answered"] >= 0.82
