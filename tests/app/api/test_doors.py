"""What further doors brought of a site, on its page: gates, lines of electricity, videos and tracks."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bihuan.app.api import Office, create_app
from bihuan.app.heads import door_peer
from bihuan.app.loop import TICK
from bihuan.register import Device
from bihuan.store import encode_entry
from tests.app.api.handmade import NOW, TestClient, login, office_of

DEVICES = (
    ("G1", "gates", ""),
    ("T1", "tracks", ""),
    ("V1", "video", ""),
    ("E1", "electricity", ""),
    ("P1", "electricity", "production:kiln"),
    ("C1", "electricity", "control:kiln"),
)


def at(minutes: int) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def shot() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, "JPEG")
    return out.getvalue()


DOCUMENTS: dict[str, object] = {
    "G1": [
        {"time": at(70), "plate": "豫A12345", "direction": "进", "stage": "国五", "vehicle": "重型货车"},
        {"time": at(60), "plate": "豫B54321", "direction": "出", "stage": "国五"},
        {"time": at(50), "plate": "豫C00001", "stage": "国六"},
        {"time": at(40), "plate": "豫D00002"},
    ],
    "T1": [{"time": at(30 - n), "lon": 102.05 + n / 1000, "lat": 39.8, "pm25": 30 + n} for n in range(5)],
    "V1": {"url": "https://video.example/1", "title": "东门", "time": at(20),
           "snapshot": base64.b64encode(shot()).decode()},
    "E1": [
        {"time": at(60 - 5 * n), "meters": [{"id": "P1", "power": 30}, {"id": "C1", "power": 4 if n < 4 else 0}]}
        for n in range(10)
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home: Path = tmp_path_factory.mktemp("doors") / "home"
    with office_of(home) as made:
        made.store.records.save_facts(
            Device(id=code, name="", site="outlet:O1", protocol=word, line=line, rhythm={"minute": 300})
            for code, word, line in DEVICES
        )
        made.loop.renew_register()
        entries = [
            encode_entry(json.dumps(found).encode(), NOW - TICK, door_peer("mqtt", "b/t", code), "known")
            for code, found in DOCUMENTS.items()
        ]
        made.store.own_journal().append(entries)
        made.loop.take(NOW)
        yield made


@pytest.fixture
def client(office: Office) -> TestClient:
    made = TestClient(create_app(office), headers={"Accept-Language": "en"})
    return login(made, "duty_officer")


def told(client: TestClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_site_tells_what_came_besides_its_values(client: TestClient) -> None:
    found = told(client, "/api/sites/outlet:O1/doors")
    assert found["passages"] == 4
    assert [(one["words"], one["vehicles"]) for one in found["stages"]] == [
        ("China 5", 2), ("China 6", 1), ("stage unknown", 1)
    ]  # fmt: skip
    (line,) = found["lines"]
    assert (line["line"], line["work"], line["held"], line["status"]) == ("kiln", "uncontrolled", True, "unconfirmed")
    assert (line["production"], line["control"]) == (30.0, 0.0)
    assert found["tracks"] >= 1 and found["track_pollutants"] == [{"code": "pm25", "name": "PM2.5"}]
    (picture,) = found["pictures"]
    assert (picture["url"], picture["title"], picture["picture"]) == ("https://video.example/1", "东门", True)
    answer = client.get(f"/api/sites/outlet:O1/pictures/{picture['id']}")
    assert (answer.content, answer.headers["content-type"]) == (shot(), "image/jpeg")


def test_a_site_where_nothing_else_came_has_nothing_to_tell(client: TestClient) -> None:
    found = told(client, "/api/sites/station:N1/doors")
    assert (found["passages"], found["lines"], found["pictures"], found["tracks"]) == (0, [], [], 0)
    assert client.get("/api/sites/station:N1/track").json()["code"] == "no_track"


def test_vehicles_are_listed_with_hidden_plates_and_who_looked_stands_in_the_ledger(
    client: TestClient, office: Office
) -> None:
    rows = told(client, "/api/sites/outlet:O1/passages")
    assert [row["plate"] for row in rows] == ["豫D***02", "豫C***01", "豫B***21", "豫A***45"]
    assert (rows[-1]["direction"], rows[-1]["stage"], rows[-1]["vehicle"]) == ("in", "5", "重型货车")
    looked = [entry for entry in office.store.ledger.entries() if entry.action == "read_passages"]
    assert looked and looked[-1].subject == "outlet:O1"


def test_a_track_is_told_in_order_of_time(client: TestClient) -> None:
    found = told(client, "/api/sites/outlet:O1/track")
    assert found["value"] == [30.0, 31.0, 32.0, 33.0, 34.0] and found["points"] == 5
    assert found["lon"][0] == 102.05 and found["unit"] == "ug/m3"


def test_a_picture_is_shown_of_its_own_site_only(client: TestClient) -> None:
    (picture,) = told(client, "/api/sites/outlet:O1/doors")["pictures"]
    assert client.get(f"/api/sites/outlet:O2/pictures/{picture['id']}").json()["code"] == "no_picture"


def test_another_enterprise_sees_nothing_of_it(client: TestClient) -> None:
    login(client, "enterprise_manager")
    assert told(client, "/api/sites/outlet:O1/doors")["passages"] == 4
    assert client.get("/api/sites/outlet:O2/doors").json()["code"] == "not_your_area"
