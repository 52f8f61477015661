"""Sites: what each role sees, bytes that are kept, series with their limits, and answers to what cannot be read."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.app.api import Office, create_app
from bihuan.app.api.map_layers import map_layers, read_layer
from bihuan.app.api.overview import remembered
from bihuan.app.api.tables import safe_cell
from bihuan.app.city import plan_city, write_layers
from bihuan.app.loop import WATERMARK
from bihuan.assessment import section_verdict
from bihuan.core import HOUR, Period, iso, to_json
from bihuan.register import Section
from bihuan.store import Row
from tests.app.api.handmade import NOW, PEAK, TestClient, hour_rows, login, office_of, peak_hour, usual_hours

Client = TestClient


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The hand-made city; look, do not touch."""
    with office_of(tmp_path_factory.mktemp("sites"), usual_hours()) as found:
        yield found


@pytest.fixture(scope="module")
def client(office: Office) -> Iterator[Client]:
    with Client(create_app(office)) as found:
        yield found


SEEN = {
    "duty_officer": {"station:N1", "station:N2", "station:S1", "station:Y1", "section:X1", "outlet:O1", "outlet:O2",
                     "worksite:W1"},
    "dispatcher": {"station:N1", "station:S1", "station:Y1", "outlet:O1"},
    "enterprise_manager": {"outlet:O1"},
    "maintainer": {"station:N1"},
}  # fmt: skip


@pytest.mark.parametrize("who", SEEN)
def test_everyone_sees_the_sites_of_their_area_and_no_other(client: Client, who: str) -> None:
    login(client, who)
    assert {site["ref"] for site in client.get("/api/sites").json()["sites"]} == SEEN[who]
    for ref in SEEN["duty_officer"]:
        answer = client.get(f"/api/sites/{ref}/series", params={"pollutant": "so2"})
        assert (answer.status_code == 200) == (ref in SEEN[who]), ref
        assert answer.status_code == 200 or answer.json()["code"] == "not_your_area"


def test_without_the_right_no_site_is_told(client: Client) -> None:
    assert login(client, "data_engineer").get("/api/sites").json()["code"] == "no_right"


def test_the_bytes_are_kept_until_the_watermark_moves(tmp_path: Path) -> None:
    with office_of(tmp_path, usual_hours()) as office, Client(create_app(office)) as client:
        remembered(office).look = 0.0
        before = login(client, "duty_officer").get("/api/sites")
        fresh = {"pm25": 300.0, "pm10": 400.0, "so2": 8.0, "no2": 25.0, "co": 0.5, "o3": 80.0}
        office.store.series.append(hours=hour_rows({"station:N1": {NOW - HOUR: fresh}}))
        office.clock.advance_to(NOW + timedelta(minutes=15))  # type: ignore[attr-defined]
        assert client.get("/api/sites").content == before.content
        office.store.records.set_state(WATERMARK, to_json(iso(NOW + timedelta(minutes=15))))
        after = client.get("/api/sites")
        assert after.headers["etag"] != before.headers["etag"]
        values = {site["ref"]: site["values"] for site in after.json()["sites"]}
        assert values["station:N1"]["pm25"] == 300.0


def test_what_the_page_has_already_is_not_sent_again(client: Client) -> None:
    login(client, "duty_officer")
    for path in ("/api/sites", "/api/map"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        assert first.headers["content-encoding"] == "gzip"
        assert plain.content == first.content


def test_a_layer_of_the_city_is_drawn_and_a_bad_one_is_refused_with_its_reason(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        before = map_layers(office)
        assert (before["base"], before["bounds"]) == ({}, [102.0, 39.7, 102.2, 39.9])
        assert [one["properties"]["id"] for one in before["cells"]["features"]] == ["410001001"]
        (tmp_path / "map").mkdir()
        line = {"type": "LineString", "coordinates": [[102.0, 39.8], [102.1, 39.8]]}
        feature = {"type": "Feature", "geometry": line, "properties": {"name": "手工河", "secret": 1}}
        river = {"type": "FeatureCollection", "features": [feature]}
        (tmp_path / "map" / "rivers.geojson").write_text(json.dumps(river), "utf-8")
        (tmp_path / "map" / "roads.geojson").write_text("no json", "utf-8")
        found = map_layers(office)
        assert found["base"]["rivers"]["features"][0]["properties"] == {"name": "手工河"}
        assert [one["file"] for one in found["refused"]] == ["roads.geojson"]


def test_the_rivers_of_the_synthetic_city_are_a_layer_that_is_taken(tmp_path: Path) -> None:
    plan = plan_city(1, 2)
    write_layers(plan, tmp_path)
    found = read_layer(tmp_path / "map" / "rivers.geojson")
    assert [one["properties"]["name"] for one in found["features"]] == [river.name for river in plan.rivers]


@pytest.mark.parametrize(
    ("geometry", "why"),
    [
        ({"type": "Circle", "coordinates": [1, 2]}, "allowed are"),
        ({"type": "Point", "coordinates": [400.0, 2.0]}, "longitude, latitude"),
        ({"type": "Point", "coordinates": ["a", "b"]}, "longitude, latitude"),
        ({"type": "LineString", "coordinates": []}, "no position"),
        ({"type": "Polygon", "coordinates": [[1, 2]]}, "no list"),
        (None, "allowed are"),
    ],
)
def test_a_layer_with_a_geometry_that_cannot_be_drawn_is_refused(tmp_path: Path, geometry: object, why: str) -> None:
    path = tmp_path / "x.geojson"
    feature = {"type": "Feature", "geometry": geometry, "properties": None}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    with pytest.raises(ValueError, match=why):
        read_layer(path)


def test_a_series_has_its_values_and_the_limits_of_the_law_with_their_clause(client: Client) -> None:
    login(client, "duty_officer")
    found = client.get("/api/sites/station:N2/series", params={"pollutant": "pm25", "from": "2026-11-01"}).json()
    assert found["value"][found["start"].index(iso(peak_hour))] == PEAK
    (limit,) = found["limits"]
    assert (limit["averaging"], limit["value"], limit["standard"]) == ("day", 60.0, "GB 3095-2026")
    assert limit["clause"]
    assert limit["status"] == "confirmed"
    permit = client.get("/api/sites/outlet:O1/series", params={"pollutant": "so2"}).json()
    assert [(one["value"], one["averaging"], one["standard"]) for one in permit["limits"]] == [(35.0, "hour", "permit")]
    section = client.get("/api/sites/section:X1/series", params={"pollutant": "do"}).json()
    assert [(one["value"], one["sense"]) for one in section["limits"]] == [(5.0, "min")]


def test_the_index_is_a_series_and_a_day_of_the_calendar(client: Client) -> None:
    login(client, "duty_officer")
    days = client.get("/api/sites/station:N1/series", params={"pollutant": "aqi", "interval": "day"}).json()
    calendar = client.get("/api/sites/station:N1/calendar", params={"year": 2026}).json()["days"]
    whole = [day["aqi"] for day in calendar if day["aqi"] is not None]
    assert [value for value in days["value"] if value is not None] == whole
    assert len(whole) == 2


def test_where_no_wind_is_measured_none_is_told(client: Client) -> None:
    found = login(client, "duty_officer").get("/api/sites/station:N1/wind").json()
    assert (found["ref"], found["start"]) == ("", [])


def test_a_site_tells_its_loggers_but_never_a_password(client: Client) -> None:
    answer = login(client, "duty_officer").get("/api/sites/station:N1")
    assert [one["mn"] for one in answer.json()["devices"]] == ["MN1"]
    assert "123456" not in answer.text
    assert "password" not in answer.text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\tx", "\rx"])
def test_no_cell_is_taken_for_a_formula(cell: str) -> None:
    assert safe_cell(cell) == "'" + cell


def test_the_csv_has_the_local_time_and_a_name_that_is_no_formula(client: Client) -> None:
    params = {"pollutant": "pm25", "from": "2026-11-02", "to": "2026-11-03"}
    answer = login(client, "duty_officer").get("/api/sites/station:S1/series.csv", params=params)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][0] == "'=市控一"
    assert rows[2][:2] == ["2026-11-02 00:00", "2026-11-02 01:00"]
    assert len(rows) == 2 + 24


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/sites/nonsense", 422, "bad_ref"),
        ("/api/sites/person:duty_officer", 422, "bad_ref"),
        ("/api/sites/station:none", 404, "no_site"),
        ("/api/sites/station:N1/series?pollutant=gold", 422, "bad_pollutant"),
        ("/api/sites/station:N1/series?pollutant=pm25&interval=week", 422, "bad_interval"),
        ("/api/sites/station:N1/series?pollutant=aqi&interval=minute", 422, "bad_interval"),
        ("/api/sites/station:N1/series?pollutant=pm25&from=yesterday", 422, "bad_period"),
        ("/api/sites/station:N1/series?pollutant=pm25&from=2026-11-02&to=2026-11-01", 422, "bad_period"),
        ("/api/sites/station:N1/series?pollutant=pm25&from=2001-01-01", 422, "bad_period"),
        ("/api/sites/station:N1/series?pollutant=pm25&to=0001-01-01", 422, "bad_period"),
        ("/api/sites/station:N1/series", 422, "malformed"),
        ("/api/sites/station:N1/calendar?year=1", 422, "malformed"),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_is_allowed(
    client: Client, path: str, status: int, code: str
) -> None:
    answer = login(client, "duty_officer").get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]


def test_the_index_of_a_station_is_explained_by_its_own_hour(client: Client) -> None:
    login(client, "duty_officer")
    shown = next(site for site in client.get("/api/sites").json()["sites"] if site["ref"] == "station:N1")
    told = client.get("/api/sites/station:N1/why", headers={"Accept-Language": "zh"}).json()
    assert (told["aqi"], told["label"], told["end"]) == (shown["aqi"], shown["label"], shown["at"])
    assert told["why"]["value"] == str(shown["aqi"]) and told["why"]["edition"] == "HJ 633-2026"
    assert any("GB/T 8170" in step for step in told["why"]["steps"])
    assert told["why"]["sentence"].startswith("国控一 2026-11-0")
    assert client.get("/api/sites/station:Y1/why").json() is None, "a dust sensor has told nothing"
    assert client.get("/api/sites/outlet:O1/why").json() is None
    login(client, "maintainer")
    assert client.get("/api/sites/station:N2/why").json()["code"] == "not_your_area"


def test_the_class_of_a_section_is_explained_as_a_file_of_it_would_be(tmp_path: Path) -> None:
    with office_of(tmp_path) as office, Client(create_app(office)) as client:
        login(client, "duty_officer")
        assert client.get("/api/sites/section:X1/why").json() is None
        section = office.register.get(Section, "X1", office.today)
        assert section is not None
        day = Period(NOW - 32 * HOUR, NOW - 8 * HOUR)
        values = {"do": 6.5, "codmn": 5.0, "nh3n": 1.2, "tp": 0.1, "ph": 7.5}
        verdict = section_verdict(section, day, values)
        office.store.records.save("verdict", [Row(verdict.id, to_json(verdict), "section:X1", start=day.start)])
        told = client.get("/api/sites/section:X1/why", headers={"Accept-Language": "zh"}).json()
    assert (told["kind"], told["label"], told["why"]["fields"]["class"]) == ("class", "IV", "IV")
    assert told["why"]["edition"] == "GB 3838-2002"
    assert told["why"]["sentence"].startswith("断面一 2026-11-0") and "Ⅳ类" in told["why"]["sentence"]
    assert any("氨氮" in step and "1.2" in step for step in told["why"]["steps"])
