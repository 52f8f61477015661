"""The month of transmission through the interface: shares with their numbers, own outlets only, what to repair."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bihuan.app.api import create_app
from tests.app.api.handmade import NOW, TestClient, login, office_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home: Path = tmp_path_factory.mktemp("transmission")
    with office_of(home) as office, TestClient(create_app(office)) as found:
        yield found


@pytest.mark.parametrize("by", ["outlet", "enterprise", "district"])
def test_a_month_is_given_by_each_level_with_its_numbers(client: TestClient, by: str) -> None:
    found = login(client, "duty_officer").get("/api/transmission", params={"by": by}).json()
    assert (found["by"], found["repair_days"], found["month"]) == (by, 10, f"{NOW:%Y-%m}")
    assert found["lines"]
    for line in found["lines"]:
        assert line["ref"].startswith(f"{by}:")
        assert line["due"] > line["received"] == line["valid"] == 0
        assert (line["transmission"], line["validity"], line["efficiency"]) == (0.0, None, 0.0)


def test_a_manager_sees_the_outlets_of_the_enterprise_and_no_others(client: TestClient) -> None:
    mine = login(client, "enterprise_manager").get("/api/transmission").json()
    assert {line["ref"] for line in mine["lines"]} == {"outlet:O1"}
    assert {span["ref"] for span in mine["repairable"]} == {"outlet:O1"}


def test_a_month_that_is_none_is_refused_and_one_to_come_owes_nothing(client: TestClient) -> None:
    login(client, "duty_officer")
    assert client.get("/api/transmission", params={"month": "2026-13"}).status_code == 422
    assert client.get("/api/transmission", params={"month": "soon"}).status_code == 422
    assert client.get("/api/transmission", params={"month": "2099-01"}).json()["lines"] == []


def test_what_can_be_repaired_goes_out_as_a_table(client: TestClient) -> None:
    told = login(client, "duty_officer").get("/api/transmission.csv")
    lines = told.text.splitlines()
    assert "repairable-" in told.headers["content-disposition"]
    heads = lines[0].removeprefix("\ufeff").split(",")
    assert heads == ["排口", "污染物", "开始", "结束", "小时数", "原因", "补录截止"]
    assert all(line.split(",")[5] == "缺失" for line in lines[1:])
