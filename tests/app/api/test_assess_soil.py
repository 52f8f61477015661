"""Soil through the pages: sites first, then items, each with its reasons in the language of the page."""

import time

from bihuan.app.api import Office
from tests.app.api.people import at_screen

SOIL = """点位,采样日期,用地类型,pH,铅(mg/kg),苯并[a]芘
地块A,2026-03-01,第一类用地,,401,0.2
农田C,2026-03-02,水田,,101,0.1
"""


def test_samples_of_soil_are_judged_and_each_verdict_is_explained(office: Office) -> None:
    client = at_screen(office, "data_engineer", "zh")
    assert "soil" in client.get("/api/assess").json()
    answer = client.post("/api/assess/soil", files={"file": ("samples.csv", SOIL.encode())})
    assert answer.status_code == 202, answer.text
    path = f"/api/assess/jobs/{answer.json()['id']}"
    deadline = time.monotonic() + 30
    while (job := client.get(path).json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    found = job["result"]
    said = [
        dict(zip([head["name"] for head in found["columns"]], one["cells"], strict=True)) for one in found["verdicts"]
    ]
    assert [(one["site"], one["next_step"]) for one in said[:2]] == [("地块A", "详细调查和风险评估"), ("农田C", "")]
    assert said[2]["item"] == "铅" and said[2]["land_use"] == "第一类用地"
    assert "GB 15618-2018" in found["refused"][0]["words"]
    for line in found["verdicts"]:
        why = client.post("/api/assess/explain", json={"medium": "soil", "row": line["row"]})
        assert why.status_code == 200, why.text
        assert why.json()["edition"] in why.json()["sentence"]
    for torn in ({"item": "x"}, {"date": 5}, {"value": "x"}, {"land_use": "x"}, {"edition": "x"}):
        why = client.post("/api/assess/explain", json={"medium": "soil", "row": found["verdicts"][2]["row"] | torn})
        assert why.status_code in (404, 422), (torn, why.text)
    table = client.get(f"{path}/verdicts.csv").content.decode("utf-8-sig")
    assert table.startswith("行,对象,点位")
