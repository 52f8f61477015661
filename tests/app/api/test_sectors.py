"""Wind and sources over the interface: kept bytes, who may ask, and what is said when little is known."""

from collections.abc import Iterator

import pytest

from bihuan.app.api import Office, create_app
from tests.app.api.handmade import TestClient, login, office_of, usual_hours

Client = TestClient


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_of(tmp_path_factory.mktemp("sectors"), usual_hours()) as found:
        yield found


@pytest.fixture(scope="module")
def client(office: Office) -> Iterator[Client]:
    with Client(create_app(office)) as found:
        yield found


def ask(client: Client, kind: str, **more: str):  # type: ignore[no-untyped-def]
    return client.get(f"/api/sectors/{kind}", params={"site": "station:N1", "pollutant": "pm25", **more})


def test_a_city_without_wind_says_that_nothing_can_be_concluded(client: Client) -> None:
    login(client, "duty_officer")
    answer = ask(client, "polar")
    assert answer.status_code == 200
    found = answer.json()
    assert found["result"] is None
    assert found["doubts"][0]["code"] == "no_wind"
    assert found["conclusion"].startswith("Nothing can be concluded") or found["conclusion"].startswith("不能得出结论")
    assert found["unit"] == "ug/m3"


def test_a_fingerprint_needs_no_wind_and_its_bytes_are_kept(client: Client) -> None:
    login(client, "duty_officer")
    first, second = ask(client, "fingerprint"), ask(client, "fingerprint")
    assert first.json()["result"]["hour"]["at"] == list(range(24))
    assert first.headers["etag"] == second.headers["etag"]
    again = client.get(
        "/api/sectors/fingerprint",
        params={"site": "station:N1", "pollutant": "pm25"},
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"site": "station:N9"}, 404, "no_site"),
        ({"site": "section:X1"}, 422, "bad_ref"),
        ({"pollutant": "dirt"}, 422, "bad_pollutant"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, 422, "bad_period"),
        ({"from": "1990-01-01"}, 422, "bad_period"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    client: Client, more: dict[str, str], status: int, code: str
) -> None:
    login(client, "duty_officer")
    answer = ask(client, "rose", **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_station_outside_ones_area_is_not_told(client: Client) -> None:
    login(client, "dispatcher")
    assert ask(client, "rose", site="station:N2").json()["code"] == "not_your_area"
    login(client, "data_engineer")
    assert ask(client, "rose").json()["code"] == "no_right"
