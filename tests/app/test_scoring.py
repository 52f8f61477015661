"""`bihuan demo --score`: one line a run, with exactly the keys of the house plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bihuan.app import scoring
from tests.app.house_plan import SCORE_KEYS

SHARES = ("found", "top1", "top3", "none_of_listed_right")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two hours: too short for an incident, long enough for every key."""
    return scoring.score_one(3, 2, False, tmp_path_factory.mktemp("score"))


def test_a_run_has_the_keys_of_the_house_plan_in_their_order(line: dict[str, Any]) -> None:
    assert tuple(line)[: len(SCORE_KEYS)] == SCORE_KEYS
    assert tuple(line)[-2:] == ("frames", "seconds")


def test_the_values_are_of_the_types_of_the_house_plan(line: dict[str, Any]) -> None:
    assert (line["mode"], line["seed"], line["hours"]) == ("easy", 3, 2)
    assert type(line["incidents"]) is int
    for name in SHARES:
        assert line[name] is None or 0 <= line[name] <= 1
    assert set(line["verdicts"]) == {"done", "fixed", "effective"}
    assert all(share is None or 0 <= share <= 1 for share in line["verdicts"].values())
    for name in ("minutes_to_warning_median", "minutes_to_case_median"):
        assert line[name] is None or line[name] >= 0
    assert line["false_alarms_per_station_day"] >= 0
    assert line["frames"] > 1000
    assert line["seconds"] > 0


def test_a_run_is_one_line_of_json(line: dict[str, Any]) -> None:
    words = json.dumps(line, ensure_ascii=False)
    assert "\n" not in words
    assert json.loads(words) == line


def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, bool]]:
    runs: list[tuple[int, int, bool]] = []

    def noted(seed: int, hours: int, rough: bool, home: Path | None = None) -> dict[str, Any]:
        runs.append((seed, hours, rough))
        return {"seed": seed}

    monkeypatch.setattr(scoring, "score_one", noted)
    return runs


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        ((None, 48, None), [(seed, 48, rough) for rough in (False, True) for seed in (1, 2, 3, 4, 5)]),
        ((None, 24, True), [(seed, 24, True) for seed in (1, 2, 3, 4, 5)]),
        ((7, 48, None), [(7, 48, False)]),
        ((7, 48, True), [(7, 48, True)]),
    ],
    ids=["nothing given", "rough only", "one seed", "one seed, rough"],
)
def test_without_seed_and_mode_five_seeds_run_in_both_modes(
    monkeypatch: pytest.MonkeyPatch, asked: tuple[int | None, int, bool | None], runs: list[tuple[int, int, bool]]
) -> None:
    noted = told(monkeypatch)
    assert len(list(scoring.score_runs(*asked))) == len(runs)
    assert noted == runs


def test_lines_come_one_by_one_as_the_runs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    noted = told(monkeypatch)
    runs = scoring.score_runs()
    assert next(runs) == {"seed": 1}
    assert len(noted) == 1
