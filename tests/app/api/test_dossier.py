"""What follows from a trace over the interface: search area, round, changes, findings, and the report."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from docx import Document
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from bihuan.app.api.dossier import asked_of
from bihuan.app.dossier import gather_trace
from bihuan.core import Event, text
from bihuan.reports import compose_trace
from tests.app.api.alarms import audited, client, rises


@pytest.fixture(scope="module")
def duty(office: Office) -> TestClient:
    return client(office)


@pytest.fixture(scope="module")
def event(office: Office) -> Event:
    """The rise with most hours that speak for somebody."""

    def spoken(one: Event) -> int:
        found = office.loop.ranking(one.id)
        return sum(len(row.hours) for row in found.ranked) if found else 0

    return max(rises(office), key=spoken)


def test_the_search_says_where_to_look_and_what_would_change_the_answer(
    office: Office, duty: TestClient, event: Event
) -> None:
    page = duty.get(f"/api/events/{event.id}/trace/search").json()
    found = office.loop.ranking(event.id)
    assert found is not None
    assert page["suspects"] == found.id
    assert [part["properties"]["share"] for part in page["areas"]["features"]] == [0.9, 0.5]
    assert page["area50"] < page["area90"]
    wanted = set() if found.cannot_tell else {"veered", "backed", "without_station"}
    assert wanted <= {one["kind"] for one in page["changes"]}
    assert [one["letter"] for one in page["stops"]] == [chr(65 + n) for n in range(len(page["stops"]))]
    assert page["way"] == pytest.approx(sum(one["leg"] for one in page["stops"]))


def test_the_hours_against_a_suspect_lie_within_the_data_used(duty: TestClient, event: Event) -> None:
    page = duty.get(f"/api/events/{event.id}/trace").json()
    for one in page["answers"]:
        for hours in (*one["unseen"], *one["unexplained"]):
            assert page["start"] <= hours["start"] < hours["end"] <= page["end"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_report_has_its_banner_on_every_page_and_stands_in_the_ledger(
    office: Office, duty: TestClient, event: Event, language: str
) -> None:
    at = f"/api/events/{event.id}/trace/report"
    banner = text("dossier.banner", language)  # type: ignore[arg-type]
    page = duty.get(f"{at}.html", params={"language": language})
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert banner in page.text
    assert page.text.count("<h2") == 10
    file = duty.get(f"{at}.docx", params={"language": language})
    made = Document(io.BytesIO(file.content))
    assert [part.header.paragraphs[0].text for part in made.sections] == [banner]
    found = office.loop.ranking(event.id)
    assert found is not None
    printed = "\n".join(cell.text for table in made.tables for row in table.rows for cell in row.cells)
    assert found.ranked[0].name in printed
    assert text("dossier.answer_none", language) in printed  # type: ignore[arg-type]
    assert text("dossier.answer_regional", language) in printed  # type: ignore[arg-type]
    assert str(found.ref) in printed
    assert audited(office, "trace.report", event.ref)


def test_the_report_of_a_rise_of_the_whole_city_has_the_mean_of_its_stations(office: Office, event: Event) -> None:
    asked = asked_of(event, office)
    whole = replace(asked, event=replace(event, subject=office.town.ref, place=None))
    given = gather_trace(office.store, office.town, office.settings, whole, (), office.now, "en")
    assert len(given.values) == len(given.background) == len(given.blocks)
    assert any(value is not None for value in given.values)
    assert given.transport is not None
    assert given.transport.beyond > 0
    weather = compose_trace(given, "en").sections[2]
    assert any(word in " ".join(weather.sentences) for word in ("came in from upwind", "cannot be told apart"))


def test_an_enterprise_reads_no_report(office: Office, event: Event) -> None:
    answer = client(office, "enterprise_manager").get(f"/api/events/{event.id}/trace/report.docx")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_right")


def test_what_was_never_traced_has_no_report(office: Office, duty: TestClient) -> None:
    rows = [row.id for row in office.store.records.find("event") if office.loop.ranking(row.id) is None]
    assert rows
    answer = duty.get(f"/api/events/{rows[0]}/trace/report.html")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_trace")
    assert duty.get(f"/api/events/{rows[0]}/trace/search").json()["suspects"] is None
