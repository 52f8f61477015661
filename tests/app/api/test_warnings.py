"""Warnings over the interface: a draft is shown, only a signatory signs what was shown, and only then CAP leaves."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest
from fastapi.testclient import TestClient

from bihuan.app.api import Office
from tests.app.api.alarms import audited, client, drafted

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


@pytest.fixture(scope="module")
def signatory(office: Office) -> TestClient:
    return client(office, "signatory")


def line(seen: TestClient, group: str, ident: str) -> dict[str, object]:
    found: dict[str, object] = next(one for one in seen.get("/api/warnings").json()[group] if one["id"] == ident)
    return found


def test_a_draft_shows_its_headline_its_basis_and_the_hours_that_speak(office: Office, signatory: TestClient) -> None:
    warning = drafted(office, "shown")
    shown = line(signatory, "drafts", warning.ref.id)
    assert office.town.cell is not None
    assert office.town.cell.name in str(shown["headline"])
    assert warning.number in str(shown["basis"])
    assert shown["hours"]
    assert shown["thresholds"]
    assert shown["to_check"] is (warning.status not in ("confirmed", "single_source"))


def test_nobody_without_the_role_signs(office: Office) -> None:
    warning = drafted(office, "refused")
    duty = client(office)
    headline = line(duty, "drafts", warning.ref.id)["headline"]
    answer = duty.post(f"/api/warnings/{warning.ref.id}/sign", json={"headline": headline})
    assert (answer.status_code, answer.json()["code"]) == (403, "no_right")
    assert line(duty, "drafts", warning.ref.id)["signed_by"] == ""


def test_what_is_signed_is_what_was_shown(office: Office, signatory: TestClient) -> None:
    warning = drafted(office, "other text")
    answer = signatory.post(f"/api/warnings/{warning.ref.id}/sign", json={"headline": "something else"})
    assert (answer.status_code, answer.json()["code"]) == (409, "warning_changed")


def test_a_draft_never_leaves_as_cap(office: Office, signatory: TestClient) -> None:
    warning = drafted(office, "unsigned")
    answer = signatory.get(f"/api/warnings/{warning.ref.id}/cap.xml")
    assert (answer.status_code, answer.json()["code"]) == (409, "warning_refused")


def test_a_signed_warning_is_in_force_audited_and_leaves_as_cap(office: Office, signatory: TestClient) -> None:
    warning = drafted(office, "signed")
    headline = line(signatory, "drafts", warning.ref.id)["headline"]
    signed = signatory.post(f"/api/warnings/{warning.ref.id}/sign", json={"headline": headline}).json()
    me = signatory.get("/api/session").json()
    assert (signed["signed_by"], signed["in_force"], signed["state"]) == (me["name"], True, "issued")
    assert audited(office, "sign_warning", warning.ref) == [me["person"]]
    again = signatory.post(f"/api/warnings/{warning.ref.id}/sign", json={"headline": signed["headline"]})
    assert (again.status_code, again.json()["code"]) == (409, "warning_refused")
    for language, tags in (("zh", ["zh-CN"]), ("en", ["en-US"]), ("both", ["zh-CN", "en-US"])):
        answer = signatory.get(f"/api/warnings/{warning.ref.id}/cap.xml", params={"language": language})
        assert answer.headers["content-type"] == "application/xml"
        found = [one.text for one in Xml.fromstring(answer.content).iter(f"{CAP}language")]
        assert found == tags


def test_a_warning_that_does_not_exist_is_named(signatory: TestClient) -> None:
    answer = signatory.post("/api/warnings/nothing/sign", json={"headline": ""})
    assert (answer.status_code, answer.json()["code"]) == (404, "no_warning")
