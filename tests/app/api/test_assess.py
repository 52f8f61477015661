"""A file judged through the pages, one verdict explained, and the law as it is shown."""

import io
import time
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.assessment import AIR_OUT
from bihuan.standards import standards
from tests.app.api.people import at_screen

HEADER = "site,start,pm25,pm10,so2,no2,co,o3"
GOOD = "=甲市,2026-03-01 08:00,60.5,30,5,20,0.5,60"
BAD = "=甲市,2026-03-01 09:00,-3,30,5,20,0.5,60"


def judged(client: TestClient, *lines: str, medium: str = "air", query: str = "") -> dict[str, Any]:
    """Send a file and wait for its job to end."""
    body = "\n".join([HEADER, *lines]).encode()
    answer = client.post(f"/api/assess/{medium}{query}", files={"file": ("../hours.csv", body)})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["medium"], answer.json()["title"]) == (medium, "hours.csv")
    deadline = time.monotonic() + 30
    while (job := client.get(f"/api/assess/jobs/{answer.json()['id']}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    assert isinstance(job, dict)
    return job


def test_a_file_is_judged_and_its_wrong_rows_stand_beside(office: Office) -> None:
    client = at_screen(office, "duty_officer", "zh")
    assert client.get("/api/assess").json()[0] == "air"
    job = judged(client, GOOD, BAD)
    found = job["result"]
    assert found["counts"] == {"rows": 2, "verdicts": 1, "refused": 1, "to_check": 1}
    assert found["refused"] == [{"row": 2, "column": "pm25", "value": "-3", "words": "浓度为负"}]
    said = dict(zip([one["name"] for one in found["columns"]], found["verdicts"][0]["cells"], strict=True))
    assert (said["aqi"], said["label"], said["status"], said["start"]) == ("100", "良", "待核", "2026-03-01 08:00")
    assert not list(office.store.home.path.glob("upload-*"))
    assert "assess" in [entry.action for entry in office.store.ledger.entries()]


def test_verdicts_and_refused_rows_go_out_as_files_without_formulas(office: Office) -> None:
    client = at_screen(office, "data_engineer")
    path = f"/api/assess/jobs/{judged(client, GOOD, BAD)['id']}"
    frame = pl.read_parquet(io.BytesIO(client.get(f"{path}/verdicts.parquet").content))
    assert tuple(frame.columns) == AIR_OUT
    table = client.get(f"{path}/verdicts.csv").content.decode("utf-8-sig")
    assert "'=甲市" in table and ",=" not in table
    assert "a negative concentration" in client.get(f"{path}/refused.csv").content.decode("utf-8-sig")


def test_one_verdict_is_explained_in_the_language_of_the_page(office: Office) -> None:
    client = at_screen(office, "duty_officer", "zh")
    row = judged(client, GOOD)["result"]["verdicts"][0]["row"]
    told = client.post("/api/assess/explain", json={"medium": "air", "row": row}).json()
    assert (told["value"], told["edition"], told["status"]) == ("100", "HJ 633-2026", "single_source")
    assert any("修约为 60 ug/m3" in step for step in told["steps"])
    assert told["sentence"].endswith("(依据 HJ 633-2026)。")
    wrong = client.post("/api/assess/explain", json={"medium": "air", "row": row | {"aqi": "many"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "no_verdict")
    assert client.post("/api/assess/explain", json={"medium": "air", "row": {}}).status_code == 422
    assert client.post("/api/assess/explain", json={"medium": "ether", "row": {}}).status_code == 404


def test_a_named_day_decides_and_a_wrong_file_is_said(office: Office) -> None:
    client = at_screen(office, "duty_officer")
    old = judged(client, GOOD, query="?on=2020-01-01")
    assert (old["on"], old["result"]["editions"]) == ("2020-01-01", {"HJ 633-2012": 1})
    lost = judged(client, GOOD, query="?on=1990-01-01")
    assert lost["state"] == "failed" and "1990-01-01" in lost["problem"] and lost["result"] is None
    assert client.get(f"/api/assess/jobs/{lost['id']}/verdicts.csv").json()["code"] == "no_verdicts"
    answer = client.post("/api/assess/ether", files={"file": ("x.csv", b"a,b\n1,2\n")})
    assert answer.status_code == 404


def test_a_file_of_another_person_is_not_seen_and_one_too_large_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = at_screen(office, "duty_officer")
    ident = judged(client, GOOD)["id"]
    other = at_screen(office, "data_engineer")
    assert other.get(f"/api/assess/jobs/{ident}").json()["code"] == "no_job"
    assert ident in {job["id"] for job in client.get("/api/assess/jobs").json()}
    assert ident not in {job["id"] for job in other.get("/api/assess/jobs").json()}
    monkeypatch.setitem(office.settings._values, "upload_mib", 0)
    big = client.post("/api/assess/air", files={"file": ("x.csv", b"a")})
    assert (big.status_code, big.json()["code"]) == (413, "too_large")
    assert not list(office.store.home.path.glob("upload-*"))


def test_only_the_latest_files_keep_their_verdicts(office: Office) -> None:
    client = at_screen(office, "duty_officer")
    idents = [judged(client, GOOD)["id"] for _ in range(8)]
    kept = [client.get(f"/api/assess/jobs/{ident}").json()["result"] is not None for ident in idents]
    assert kept[0] is False and all(kept[-5:])


def test_the_law_is_listed_by_medium_and_day_and_shown_with_its_tables(office: Office) -> None:
    client = at_screen(office, "enterprise_manager", "zh")
    lines = client.get("/api/standards").json()
    assert len(lines) == len(standards())
    air = client.get("/api/standards?medium=air&on=2020-01-01").json()
    assert {line["number"] for line in air} >= {"GB 3095-2012", "HJ 633-2012"}
    assert not any(line["number"].endswith("-2026") for line in air)
    one = client.get("/api/standards/gb_3095_2026?on=2031-01-01").json()
    limits = next(table for table in one["tables"] if table["name"] == "limits")
    at = limits["columns"].index("grade2")
    now = [row["cells"][at] for row in limits["rows"] if row["in_force"] and row["item"] == "pm25"]
    assert now == ["25", "50"]
    assert one["title"] == "环境空气质量标准" and one["title_other"] == "Ambient air quality standards"
    assert client.get("/api/standards/hj_633_2012").json()["examples"][0]["source"].endswith("AQI 295")
    assert client.get("/api/standards/none").json()["code"] == "no_standard"
    assert client.get("/api/standards?medium=ether").status_code == 404


RULE = "dust_2016_120#replacement"


def test_an_unconfirmed_rule_is_switched_on_by_name_with_a_reason_and_stands_in_the_audit(office: Office) -> None:
    signatory = at_screen(office, "signatory", "zh")

    def row() -> tuple[str, bool, bool]:
        tables = signatory.get("/api/standards/dust_2016_120").json()["tables"]
        (found,) = next(table["rows"] for table in tables if table["name"] == "replacement")
        return found["status"], found["switched_on"], found["decides"]

    wanted = {"rule": RULE, "on": True, "reason": "text read by the law desk"}
    assert at_screen(office, "duty_officer").put("/api/standard-switches", json=wanted).status_code == 403
    assert row() == ("unconfirmed", False, False)
    assert signatory.put("/api/standard-switches", json=wanted).json() == [RULE]
    assert row() == ("unconfirmed", True, True)
    made = office.store.settings.history("standards.allow")[-1]
    assert (made.value, made.reason) == ([RULE], "text read by the law desk")
    assert "switch_rule" in [entry.action for entry in office.store.ledger.entries()]
    assert signatory.put("/api/standard-switches", json=wanted | {"on": False}).json() == []
    assert row() == ("unconfirmed", False, False)


@pytest.mark.parametrize(
    ("rule", "reason", "status"),
    [("none", "x", 404), ("gb_3095_2026#ether", "x", 404), ("gb_3095_2026#limits", "x", 422), (RULE, " ", 422)],
)
def test_a_switch_without_a_rule_or_a_reason_is_refused(office: Office, rule: str, reason: str, status: int) -> None:
    client = at_screen(office, "signatory")
    answer = client.put("/api/standard-switches", json={"rule": rule, "on": True, "reason": reason})
    assert answer.status_code == status, answer.text
    assert client.get("/api/standard-switches").json() == []
