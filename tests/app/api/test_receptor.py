"""A pair of files through the page of the receptor model: a job, its figures, its tables, and what is refused."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from tests.app.api.onboard import logged_in, small_office
from tests.tracing.receptor.mixtures import BEGAN, mixture

AT = "/api/receptor"
NAMES = "abcdefgh"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with small_office(tmp_path_factory.mktemp("receptor") / "home", []) as made:
        yield made


@pytest.fixture(scope="module")
def pair() -> dict[str, tuple[str, bytes]]:
    values, uncertainty, _, _ = mixture(60)
    found = {}
    for name, table in (("concentration", values), ("uncertainty", uncertainty)):
        lines = ["Date," + ",".join(NAMES), "units" + ",ug/m3" * 8]
        for at, row in enumerate(table):
            when = f"{BEGAN.year}-{1 + at // 28:02d}-{1 + at % 28:02d} 08:00"
            lines.append(f"{when}," + ",".join(f"{cell:.6f}" for cell in row))
        found[name] = (f"{name}.csv", "\n".join(lines).encode())
    return found


def ended(client: TestClient, ident: str) -> dict[str, Any]:
    for _ in range(600):
        told: dict[str, Any] = client.get(f"{AT}/jobs/{ident}").json()
        if told["state"] in ("done", "failed"):
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def test_two_files_become_factors_with_fit_likeness_resamples_and_tables(
    office: Office, pair: dict[str, tuple[str, bytes]]
) -> None:
    client = logged_in(office, "data_engineer")
    asked = {"factors": 3, "seeds": 3, "bootstrap": 4}
    made = client.post(AT, params=asked, files=pair)
    assert made.status_code == 202, made.text
    job = ended(client, made.json()["id"])
    assert (job["state"], job["problem"], job["held"]) == ("done", "", True)
    told = client.get(f"{AT}/jobs/{job['id']}/result").json()
    assert (told["factors"], told["samples"], told["species"]) == (3, 60, list(NAMES))
    assert told["ratio"] == pytest.approx(told["q_robust"] / told["q_expected"])
    assert [run["used"] for run in told["runs"]].count(True) == 1
    assert np.nansum(np.array(told["percent"], float), 0) == pytest.approx(np.ones(8))
    assert np.array(told["contributions"]).shape == (60, 3)
    assert np.array(told["contributions"]).mean(0) == pytest.approx(np.ones(3), abs=1e-4)
    assert {one["status"] for row in told["candidates"] for one in row} <= {"unconfirmed"}
    assert (told["bootstrap"]["runs"], len(told["bootstrap"]["found"])) == (4, 3)
    assert "no ground for a penalty" in told["words"]["en"][-1]
    assert {"profiles.csv", "contributions.csv", "bootstrap.csv", "matches.csv"} <= set(job["tables"])
    table = client.get(f"{AT}/jobs/{job['id']}/tables/contributions.csv")
    assert len(table.text.splitlines()) == 61
    assert client.get(f"{AT}/jobs/{job['id']}/tables/none.csv").json()["code"] == "no_table"
    entry = office.store.ledger.entries()[-1]
    assert (entry.action, entry.actor) == ("receptor", "P-data_engineer")
    assert not list(office.store.home.path.glob("upload-*")), "nothing of the files is kept"


def test_a_job_is_its_own_persons_and_nobody_elses(office: Office, pair: dict[str, tuple[str, bytes]]) -> None:
    mine = logged_in(office, "data_engineer")
    ident = mine.post(AT, params={"factors": 2, "seeds": 1}, files=pair).json()["id"]
    other = logged_in(office, "duty_officer")
    assert other.get(f"{AT}/jobs/{ident}").json()["code"] == "no_receptor_job"
    assert other.get(f"{AT}/jobs").json() == []
    assert ident in {one["id"] for one in mine.get(f"{AT}/jobs").json()}
    assert logged_in(office, "grid_officer").get(f"{AT}/jobs").json()["code"] == "no_right"
    ended(mine, ident)


def test_files_that_cannot_be_used_end_the_job_with_a_sentence_and_no_path(
    office: Office, pair: dict[str, tuple[str, bytes]]
) -> None:
    client = logged_in(office, "data_engineer")
    broken = pair | {"uncertainty": ("u.csv", b"Date,a\nunits,ug/m3\n2026-01-01 08:00,x\n")}
    job = ended(client, client.post(AT, params={"factors": 2}, files=broken).json()["id"])
    assert job["state"] == "failed"
    assert job["problem"] and str(office.store.home.path) not in job["problem"]
    assert client.get(f"{AT}/jobs/{job['id']}/result").json()["code"] == "no_receptor_result"
    assert client.post(AT, params={"factors": 40}, files=pair).status_code == 422
    assert client.get(f"{AT}/jobs/none").json()["code"] == "no_receptor_job"


def test_only_the_latest_results_stay_in_memory(
    office: Office, pair: dict[str, tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan.app.api.receptor.HELD", 1)
    client = logged_in(office, "data_engineer")
    idents = []
    for _ in range(3):
        idents.append(client.post(AT, params={"factors": 2, "seeds": 1}, files=pair).json()["id"])
        ended(client, idents[-1])
    held = {one["id"] for one in client.get(f"{AT}/jobs").json() if one["held"]}
    assert idents[-1] in held and idents[0] not in held
