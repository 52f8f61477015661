"""Verdicts of an outlet over the interface: the last of each limit, those behind an alarm, and why, on one answer."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.app.api import Office, create_app
from bihuan.assessment import outlet_hours
from bihuan.core import HOUR, Event, Period, Ref, Verdict, to_json
from bihuan.register import Outlet
from bihuan.store import Row
from tests.app.api.handmade import NOW, TestClient, hour_rows, login, office_of

O1, O2 = "outlet:O1", "outlet:O2"
SO2 = {NOW - 3 * HOUR: 20.0, NOW - 2 * HOUR: 42.0, NOW - HOUR: 70.0}


def judged(office: Office, ident: str, hours: pl.DataFrame) -> tuple[Verdict, ...]:
    outlet = office.register.get(Outlet, ident, office.town.on)
    assert outlet is not None
    return outlet_hours(outlet, hours)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home: Path = tmp_path_factory.mktemp("outlets")
    hours = hour_rows({one: {start: {"so2": value} for start, value in SO2.items()} for one in (O1, O2)})
    with office_of(home) as found:
        for ident in ("O1", "O2"):
            verdicts = judged(found, ident, hours)
            over = [one for one in verdicts if one.label == "suspected_over"]
            event = Event(
                id=f"E{ident}", rule="outlet_over", kind="limit", subject=Ref("outlet", ident), place=None,
                period=Period(over[0].period.start, over[-1].period.end), pollutant="so2", grade="major", open=True,
                value=70.0, threshold=35.0, inputs=tuple(one.ref for one in over),
            )  # fmt: skip
            rows = [
                Row(v.id, to_json(v), str(v.subject), v.label, start=v.period.start, end=v.period.end) for v in verdicts
            ]
            found.store.records.save("verdict", rows)
            period = event.period
            row = Row(event.id, to_json(event), str(event.subject), "open", start=period.start, end=period.end)
            found.store.records.save("event", [row])
        yield found


@pytest.fixture(scope="module")
def client(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(office)) as found:
        yield found


def test_the_last_verdict_of_each_limit_comes_with_its_explanation(client: TestClient) -> None:
    found = login(client, "duty_officer").get(f"/api/sites/{O1}/verdicts").json()
    (last,) = found["verdicts"]
    assert (last["value"], last["limit"], last["multiple"], last["label_words"]) == (70.0, 35.0, 1.0, "疑似超标")
    why = last["why"]
    assert (why["value"], why["limit"], why["edition"], why["unit"]) == ("70", "35", "HJ 76-2017", "mg/m3")
    assert why["sentence"].startswith("排口1")
    assert any("(70 − 35) ÷ 35 = 1" in step for step in why["steps"])
    english = client.get(f"/api/sites/{O1}/verdicts", headers={"Accept-Language": "en"}).json()["verdicts"][0]
    assert "suspected" in english["why"]["sentence"]


def test_an_alarm_shows_every_hour_it_rests_on(client: TestClient) -> None:
    found = login(client, "duty_officer").get(f"/api/sites/{O1}/verdicts", params={"of": "event:EO1"}).json()
    assert [one["value"] for one in found["verdicts"]] == [70.0, 42.0]
    assert found["count"] == 2
    assert client.get(f"/api/sites/{O1}/verdicts", params={"of": "event:EO2"}).json()["verdicts"] == []


def test_the_chain_of_a_verdict_brings_its_explanation(client: TestClient) -> None:
    (last,) = login(client, "duty_officer").get(f"/api/sites/{O1}/verdicts").json()["verdicts"]
    chain = client.get(f"/api/explain/{last['ref']}").json()
    assert chain["why"] == last["why"]
    assert client.get("/api/explain/event:EO1").json()["why"] is None


def test_an_enterprise_reads_the_verdicts_of_its_own_outlets_only(client: TestClient) -> None:
    login(client, "enterprise_manager")
    assert client.get(f"/api/sites/{O1}/verdicts").json()["verdicts"]
    assert client.get(f"/api/sites/{O2}/verdicts").json()["code"] == "not_your_area"


@pytest.mark.parametrize(("of", "status"), [("nonsense", 422), ("verdict:x", 422), ("case:none", 404)])
def test_what_is_neither_alarm_nor_case_is_refused(client: TestClient, of: str, status: int) -> None:
    assert login(client, "duty_officer").get(f"/api/sites/{O1}/verdicts", params={"of": of}).status_code == status


def test_a_verdict_of_an_earlier_method_is_shown_without_reasons(office: Office, client: TestClient) -> None:
    start = NOW - timedelta(minutes=30)
    old = Verdict(
        id="old", kind="outlet_day", subject=Ref("outlet", "O1"), period=Period(start - HOUR, start), value=1.0,
        unit="mg/m3", label="within", standard="s", clause="c", status="confirmed", items=(("pm", 1.0, None),),
        method="outlet_limit/1",
    )  # fmt: skip
    row = Row("old", to_json(old), O1, "within", start=old.period.start, end=old.period.end)
    office.store.records.save("verdict", [row])
    found = login(client, "duty_officer").get(f"/api/sites/{O1}/verdicts").json()["verdicts"]
    assert [one["why"] is None for one in found] == [False, True]
