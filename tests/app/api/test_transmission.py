"""The month of transmission through the interface: shares with their numbers, one's own outlets only, a table to repair."""

import pytest

from bihuan.app.api import Office
from tests.app.api.handmade import client

LEVELS = ("outlet", "enterprise", "district")


@pytest.mark.parametrize("by", LEVELS)
def test_a_month_is_given_by_each_level_with_its_numbers(office: Office, by: str) -> None:
    found = client(office, "duty_officer").get("/api/transmission", params={"by": by}).json()
    assert (found["by"], found["repair_days"]) == (by, 10)
    for line in found["lines"]:
        assert line["valid"] <= line["received"] <= line["due"]
        assert line["ref"].startswith(f"{by}:")
    assert found["lines"]


def test_a_manager_sees_the_outlets_of_the_enterprise_and_no_others(office: Office) -> None:
    mine = client(office, "enterprise_manager").get("/api/transmission").json()
    assert {line["ref"] for line in mine["lines"]} == {"outlet:O1"}


def test_a_month_that_is_none_is_refused_in_words(office: Office) -> None:
    desk = client(office, "duty_officer")
    assert desk.get("/api/transmission", params={"month": "2026-13"}).status_code == 422
    assert desk.get("/api/transmission", params={"month": "soon"}).status_code == 422
    assert desk.get("/api/transmission", params={"month": "2099-01"}).json()["lines"] == []


def test_what_can_be_repaired_goes_out_as_a_table(office: Office) -> None:
    told = client(office, "duty_officer").get("/api/transmission.csv")
    assert told.status_code == 200
    assert "repairable-" in told.headers["content-disposition"]
    assert len(told.text.splitlines()) >= 1
