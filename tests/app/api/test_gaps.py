"""Gaps, times on line and transmission of loggers through the interface."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.api import Office
from bihuan.app.commands import COMMANDS, Scene
from bihuan.app.loop import TICK
from bihuan.app.recall import SETTING
from tests.app.api.onboard import MIDNIGHT, NOW, logged_in, small_office
from tests.app.small import MNS, minute_frame

SILENT = range(12, 18)
"""Five-minute steps of which nothing came, an hour after midnight."""


def came() -> list[tuple[bytes, datetime, str]]:
    frames = []
    for step in range(36):
        at = MIDNIGHT + TICK * step
        late = timedelta(seconds=3)
        for mn in MNS[:2]:
            if mn != MNS[0] or step not in SILENT:
                frames.append((minute_frame(mn, at, 30.0, step), at + TICK + late, "known"))
    return frames


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Three hours, taken in tick by tick; the third logger was never heard."""
    with small_office(tmp_path, [], now=MIDNIGHT) as office:
        from tests.app.small import journal

        journal(tmp_path, came())
        for tick in range(1, 37):
            office.loop.step(MIDNIGHT + TICK * tick, until=MIDNIGHT + TICK * tick)
        office.clock.advance_to(NOW)  # type: ignore[attr-defined]
        yield office


def test_a_logger_shows_what_it_owes_what_is_missing_and_when_it_was_there(office: Office) -> None:
    told = logged_in(office, "data_engineer").get(f"/api/devices/{MNS[0]}/watch").json()
    assert told["rhythm"] == [{"interval": "minute", "seconds": 300, "learnt": False}]
    (gap,) = told["gaps"]
    assert (gap["missing"], gap["lost"], gap["state"], gap["interval"]) == (6, 6, "recalled", "minute")
    assert gap["start"] == (MIDNIGHT + TICK * 12).isoformat().replace("+00:00", "Z")
    assert [(one["peer"], one["why"]) for one in told["spells"]] == [("10.0.0.1", ""), ("10.0.0.1", "silent")]
    assert told["doubles"] == []
    assert logged_in(office, "data_engineer").get("/api/devices/none/watch").status_code == 404


def test_the_list_tells_of_every_logger_by_state(office: Office) -> None:
    client = logged_in(office, "duty_officer")
    told = client.get("/api/gaps").json()
    assert (told["counts"], told["missing"], told["more"]) == ({"recalled": 1}, 6, False)
    assert client.get("/api/gaps", params={"state": "filled"}).json()["gaps"] == []


def test_recall_is_switched_by_a_person_with_a_reason_in_the_ledger(office: Office) -> None:
    client = logged_in(office, "data_engineer")
    told = client.put(f"/api/devices/{MNS[0]}/recall", json={"on": False, "reason": "asked by hand"}).json()
    assert told["recall"] is False
    assert client.get(f"/api/devices/{MNS[1]}/watch").json()["recall"] is True
    (setting,) = office.store.settings.history(SETTING)
    assert (setting.value["off"], setting.author) == ([MNS[0]], "P-data_engineer")
    entry = office.store.ledger.entries()[-1]
    assert (entry.action, entry.subject) == ("recall.off", f"device:{MNS[0]}")
    office.clock.advance_to(NOW + timedelta(seconds=1))  # type: ignore[attr-defined]
    assert client.put(f"/api/devices/{MNS[0]}/recall", json={"on": True, "reason": "back"}).json()["recall"] is True
    assert logged_in(office, "duty_officer").put(f"/api/devices/{MNS[0]}/recall", json={}).status_code == 403


def test_transmission_counts_from_the_first_report_on_and_prints_its_numbers(office: Office) -> None:
    """36 five minutes are over, those of the last half hour are not judged yet, and 6 never came."""
    client = logged_in(office, "duty_officer")
    told = client.get("/api/transmission/devices").json()
    lines = {one["ref"]: one for one in told["lines"]}
    first, second, third = (lines[f"device:{mn}"] for mn in MNS)
    assert (first["due"], first["received"], second["due"], second["received"]) == (30, 24, 30, 30)
    assert (first["transmission"], second["transmission"]) == (0.8, 1.0)
    assert (third["due"], third["transmission"], third["efficiency"]) == (0, None, None), "it was never heard"
    (city,) = client.get("/api/transmission/devices", params={"by": "city"}).json()["lines"]
    assert (city["devices"], city["due"], city["received"], city["transmission"]) == (3, 60, 54, 0.9)
    sites = client.get("/api/transmission/devices", params={"by": "site"}).json()["lines"]
    assert {one["ref"] for one in sites} == {"station:1", "station:2", "outlet:DA001"}
    units = client.get("/api/transmission/devices", params={"by": "unit"}).json()["lines"]
    assert [(one["ref"], one["devices"]) for one in units] == [("unit:-", 3)]
    assert client.get("/api/transmission/devices", params={"month": "2026-13"}).status_code == 422


def test_nothing_is_due_today_before_a_logger_was_first_heard(tmp_path: Path) -> None:
    """The first morning: a logger that was connected at two has not owed anything since midnight."""
    began = MIDNIGHT + timedelta(hours=2)
    frames = [
        (minute_frame(MNS[0], began + TICK * step, 30.0, step), began + TICK * (step + 1), "known")
        for step in range(12)
    ]
    with small_office(tmp_path, frames) as office:
        lines = {one["mn"]: one for one in logged_in(office, "data_engineer").get("/api/devices").json()["devices"]}
    assert (lines[MNS[0]]["due"], lines[MNS[0]]["received"]) == (12, 12)
    # the other never spoke: it owes since midnight
    assert (lines[MNS[1]]["due"], lines[MNS[1]]["efficiency"]) == (36, 0.0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_lists_the_gaps_and_says_when_nothing_is_missing(office: Office, language: str) -> None:
    from bihuan.app.opened import lent

    with lent(office.store):
        scene = Scene(office.store.home.path)
        (line,) = COMMANDS["gaps"].run(scene, {"device": MNS[0]}, language)  # type: ignore[arg-type]
        assert (line.data["device"], line.data["missing"]) == (MNS[0], 6)
        assert MNS[0] in line.words and "6/6" in line.words
        (none,) = COMMANDS["gaps"].run(scene, {"device": MNS[1]}, language)  # type: ignore[arg-type]
        assert none.data == {"gaps": 0}


def test_raw_frames_are_shown_by_time_and_page_with_what_is_wrong_beside_them(office: Office) -> None:
    client = logged_in(office, "data_engineer")
    hour = {"start": MIDNIGHT.isoformat(), "end": (MIDNIGHT + timedelta(hours=1)).isoformat()}
    told = client.get(f"/api/devices/{MNS[0]}/journal", params=hour).json()
    assert (told["count"], told["page"], told["pages"], told["lost"]) == (11, 1, 1, [])
    assert [one["received"] for one in told["frames"]] == sorted(one["received"] for one in told["frames"])
    assert "PW=******" in told["frames"][0]["raw"] and told["frames"][0]["readings"]
    day = client.get(f"/api/devices/{MNS[1]}/journal").json()
    assert (day["count"], len(day["frames"]), day["pages"]) == (35, 35, 1)
    assert client.get(f"/api/devices/{MNS[1]}/journal", params={"page": 2}).json()["frames"] == []
    long = {"start": MIDNIGHT.isoformat(), "end": (MIDNIGHT + timedelta(days=40)).isoformat()}
    assert client.get(f"/api/devices/{MNS[0]}/journal", params=long).json()["code"] == "bad_period"
    bare = {"start": "2026-03-11T00:00:00", "end": "2026-03-11T01:00:00"}
    assert client.get(f"/api/devices/{MNS[0]}/journal", params=bare).status_code == 422
