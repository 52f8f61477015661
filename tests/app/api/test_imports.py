"""Files through the pages: what a job says, what stands in the store afterwards, and what is refused."""

import time
from dataclasses import replace
from io import BytesIO
from typing import Any

from fastapi.testclient import TestClient
from openpyxl import load_workbook

from bihuan.app.api import Office
from bihuan.register import Person, Station
from tests.app.api.people import at_screen
from tests.app.homes import HEADER, city_line


def upload(client: TestClient, name: str, body: str) -> dict[str, Any]:
    """Send a file and wait for its job to end."""
    answer = client.post("/api/imports", files={"file": (name, body.encode())})
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 30
    while (job := client.get(f"/api/jobs/{answer.json()['id']}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    assert isinstance(job, dict)
    return job


def test_an_uploaded_feed_is_stored_beside_the_loop_and_bad_rows_are_listed(office: Office) -> None:
    client = at_screen(office, "data_engineer")
    lines = [HEADER, *(city_line(hour) for hour in range(1, 6)), city_line(6, pm25="=1+1")]
    job = upload(client, "../../day.csv", "\n".join(lines) + "\n")
    assert (job["state"], job["share"], job["title"]) == ("done", 1.0, "day.csv")
    found = job["files"][0]
    assert (found["file"], found["kind"], found["errors"]) == ("day.csv", "feed", 1)
    assert (found["faults"][0]["row"], found["faults"][0]["column"]) == (7, "PM2.5")
    assert office.store.series.hours(["city:郑州"], ["pm25"])["value"].drop_nulls().to_list() == [80.0] * 5
    assert not list(office.store.home.uploads.iterdir())
    table = client.get(f"/api/jobs/{job['id']}/faults.csv").content.decode("utf-8-sig")
    assert not [
        cell for line in table.splitlines() for cell in line.split(",") if cell.strip('"')[:1] in ("=", "+", "@")
    ]
    again = upload(client, "day.csv", "\n".join(lines) + "\n")["files"][0]
    assert (again["new"], again["revised"]) == (0, 0)
    assert [entry.action for entry in office.store.ledger.entries()].count("import") == 2


def test_an_uploaded_register_is_known_to_the_loop_at_once(office: Office) -> None:
    client = at_screen(office, "data_engineer")
    district = office.register.all(Station, office.today)[0].district
    body = f"点位编码,点位名称,点位类别,所属区县,经度,纬度\nX9,新站,市控,{district},113.65,34.75\n"
    assert upload(client, "stations.csv", body)["files"][0]["new"] == 1
    assert office.register.get(Station, "X9", office.today) is not None


def test_who_only_imports_gives_nobody_a_role(office: Office) -> None:
    client = at_screen(office, "data_engineer")
    job = upload(client, "people.csv", "人员编号,姓名,角色\nNEW1,新来,值班员\n")
    assert [(fault["row"], fault["column"]) for fault in job["files"][0]["faults"] if fault["severity"] == "error"] == [
        (2, "角色")
    ]
    assert "security administrator" in job["files"][0]["faults"][0]["words"]
    assert office.register.get(Person, "NEW1", office.today) is None


def test_what_cannot_be_imported_is_said(office: Office) -> None:
    client = at_screen(office, "data_engineer")
    job = upload(client, "strange.bin", "nothing we know")
    assert "strange.bin is no file we know" in job["files"][0]["failed"]
    assert str(office.store.home.path) not in job["files"][0]["failed"]
    assert client.get("/api/jobs/none").json()["code"] == "no_job"
    for wanted, cover in (("?language=zh", "说明"), ("?language=en", "说明 Guide"), ("", "说明 Guide")):
        book = load_workbook(BytesIO(client.get(f"/api/templates.xlsx{wanted}").content))
        assert book.sheetnames[0] == cover, "without a wish it speaks as the page does"
    assert at_screen(office, "duty_officer").get("/api/jobs").status_code == 403


def test_what_a_killed_server_was_reading_is_gone_when_the_next_one_starts(office: Office) -> None:
    left = office.store.home.uploads / "left"
    left.mkdir(parents=True)
    (left / "day.csv").write_text("half", "utf-8")
    replace(office)
    assert not left.exists()
