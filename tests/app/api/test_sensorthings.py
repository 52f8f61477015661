"""SensorThings 1.1 over a hand-made city, asked by an independent client over HTTP, and by hand where it matters."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.app.access.areas import EVERYWHERE
from bihuan.app.api import ApiServer, Office
from bihuan.app.sta import Answerer, Catalog, StaError, read_options
from bihuan.core import HOUR
from bihuan.register import Device
from tests.app.api.handmade import FIRST, NOW, PASSWORD, office_of, peak_hour, usual_hours, value

frost = pytest.importorskip("frost_sta_client", reason="the independent client is a developers' package")

pytestmark = pytest.mark.filterwarnings("ignore:furl.pathstr is deprecated:DeprecationWarning")  # of that client

SENDER = Device(id="STA1", name="", site="station:Y1", protocol="sensorthings", rhythm={"minute": 300}, maintainer="M1")


@dataclass
class Served:
    """A served city and its address."""

    office: Office
    url: str

    def token(self, login: str) -> str:
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            told = client.post("/api/session", json={"login": login, "password": PASSWORD}).json()
            made = client.post("/api/tokens", json={"label": "sta", "days": 1}, headers={"X-CSRF-Token": told["csrf"]})
            assert made.status_code in (200, 201), made.text
            return str(made.json()["secret"])

    def client(self, login: str = "duty_officer") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token(login)}", "Accept-Language": "en"}
        return httpx.Client(base_url=f"{self.url}/sta/v1.1", headers=headers, trust_env=False)

    def service(self, login: str = "duty_officer") -> Any:
        token = self.token(login)

        class Bearer(frost.AuthHandler):  # type: ignore[misc,name-defined]
            def add_auth_header(self) -> Any:
                def sign(request: Any) -> Any:
                    request.headers["Authorization"] = f"Bearer {token}"
                    return request

                return sign

        return frost.SensorThingsService(f"{self.url}/sta/v1.1", auth_handler=Bearer())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with office_of(tmp_path_factory.mktemp("sta") / "home", usual_hours()) as office:
        office.store.records.save_facts([SENDER])
        office.loop.renew_register()
        server = ApiServer(office, "127.0.0.1", 0)
        server.start()
        try:
            yield Served(office, server.address)
        finally:
            server.stop()


def ok(client: httpx.Client, path: str, **params: str) -> Any:
    answer = client.get(path, params={f"${name}": text for name, text in params.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


# ---- the independent client ----


def test_an_independent_client_walks_from_a_thing_to_its_values(served: Served) -> None:
    service = served.service()
    things = list(service.things().query().filter("id eq 'station:N2'").list())
    assert [(one.id, one.name) for one in things] == [("station:N2", "国控二")]
    (stream,) = things[0].get_datastreams().query().filter("ObservedProperty/id eq 'pm25'").list().entities
    assert stream.id == "station:N2~pm25~hour" and stream.unit_of_measurement.symbol == "ug/m3"
    newest = stream.get_observations().query().orderby("phenomenonTime", "desc").top(1).list().get(0)
    start = NOW - 2 * HOUR
    assert newest.result == value("N2", "pm25", start)
    assert newest.phenomenon_time.startswith("2026-11-02T22:00:00")
    assert service.datastreams().find("station:N2~pm25~hour").name == stream.name


def test_an_independent_client_reads_every_page(served: Served) -> None:
    service = served.service()
    stream = service.datastreams().find("station:N1~o3~hour")
    found = stream.get_observations().query().orderby("phenomenonTime", "asc").top(7).count().list()
    starts = [FIRST + step * HOUR for step in range(int((NOW - HOUR - FIRST) / HOUR))]
    assert found.count == len(starts)
    assert [one.result for one in found] == [value("N1", "o3", start) for start in starts]
    backwards = stream.get_observations().query().orderby("phenomenonTime", "desc").top(9).list()
    assert [one.result for one in backwards] == [value("N1", "o3", start) for start in reversed(starts)]


def test_an_independent_client_finds_a_peak_by_its_result_and_time(served: Served) -> None:
    service = served.service()
    stream = service.datastreams().find("station:N2~pm25~hour")
    asked = "result gt 100 and phenomenonTime ge 2026-11-02T00:00:00Z"
    found = list(stream.get_observations().query().filter(asked).list())
    assert [(one.result, one.phenomenon_time[:13]) for one in found] == [(180.0, f"{peak_hour:%Y-%m-%dT%H}")]
    assert not list(
        stream.get_observations().query().filter("result gt 100 and phenomenonTime lt 2026-11-02T00:00:00Z").list()
    )


def test_an_independent_client_expands_and_reads_the_other_entities(served: Served) -> None:
    service = served.service()
    (thing,) = service.things().query().filter("name eq '国控一'").expand("Locations,Datastreams").list().entities
    assert thing.locations.get(0).location["coordinates"] == [102.05, 39.8]
    assert len(thing.datastreams.entities) == 6
    properties = {one.id: one.name for one in service.observed_properties().query().list()}
    assert properties["pm25"] == "细颗粒物" and set(properties) == {"pm25", "pm10", "so2", "no2", "co", "o3"}
    assert "MN1" in {one.id for one in service.sensors().query().list()}
    assert len(list(service.features_of_interest().query().list())) >= 3
    history = service.historical_locations().query().top(1).list().get(0)
    assert history.time[:4].isdigit()


def test_an_independent_client_sends_observations_that_come_back(served: Served) -> None:
    service = served.service("data_engineer")
    start = datetime(2026, 11, 2, 23, 55, tzinfo=UTC)
    sent = frost.Observation(
        phenomenon_time=f"{start:%Y-%m-%dT%H:%M:%SZ}/{start + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}", result=81.5,
        datastream=frost.Datastream(id="station:Y1~pm10~minute"),
    )  # fmt: skip
    service.create(sent)
    assert sent.id == "station:Y1~pm10~minute~2026-11-02T23:55:00Z"
    served.office.loop.take(served.office.now)
    assert served.service().observations().find(sent.id).result == 81.5
    (record,) = served.office.store.journal.follow("core")
    assert record.peer == "sta:STA1@data_engineer" and json.loads(record.raw)["result"] == 81.5


# ---- by hand ----


def test_the_root_names_the_collections_and_every_link_leads_somewhere(served: Served) -> None:
    with served.client() as client:
        for row in ok(client, "")["value"]:
            path = row["url"].partition("/sta/v1.1")[2]
            given = {"filter": "phenomenonTime ge 2026-11-02T20:00:00Z"} if path == "/Observations" else {}
            page = ok(client, path, top="1", **given)
            assert page["value"], path
            entity = page["value"][0]
            assert ok(client, entity["@iot.selfLink"].partition("/sta/v1.1")[2])["@iot.id"] == entity["@iot.id"]
            for name, link in entity.items():
                if name.endswith("@iot.navigationLink"):
                    params = {"top": "1"} | given if name.startswith("Observations") else {}
                    assert client.get(link, params={f"${key}": text for key, text in params.items()}).status_code == 200


def test_select_and_nested_expand_give_what_was_asked_for(served: Served) -> None:
    with served.client() as client:
        page = ok(
            client, "/Things", filter="id eq 'station:N1'", select="name,Datastreams",
            expand="Datastreams($filter=ObservedProperty/id eq 'co';$select=name,unitOfMeasurement;"
            "$expand=Observations($orderby=phenomenonTime desc;$top=2),ObservedProperty)",
        )  # fmt: skip
        (thing,) = page["value"]
        assert set(thing) == {"@iot.selfLink", "@iot.id", "name", "Datastreams"}
        (stream,) = thing["Datastreams"]
        assert stream["unitOfMeasurement"]["symbol"] == "mg/m3" and stream["ObservedProperty"]["@iot.id"] == "co"
        assert [one["result"] for one in stream["Observations"]] == [
            value("N1", "co", NOW - step * HOUR) for step in (2, 3)
        ]
        more = client.get(stream["Observations@iot.nextLink"]).json()["value"]
        assert [one["result"] for one in more] == [value("N1", "co", NOW - step * HOUR) for step in (4, 5)]
        assert ok(client, "/Things('station:N1')/name") == {"name": "国控一"}
        assert client.get("/Things('station:N1')/name/$value").text == "国控一"
        refs = ok(client, "/Things('station:N1')/Datastreams/$ref", top="2")
        assert len(refs["value"]) == 2 and "@iot.nextLink" in refs


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("properties/kind eq 'national'", {"N1", "N2"}),
        ("properties/kind eq 'national' and not (id eq 'station:N1')", {"N2"}),
        ("id eq 'station:N1' or id eq 'station:S1'", {"N1", "S1"}),
        ("substringof('市控', name) and properties/district eq 'D1'", {"S1"}),
        ("startswith(name,'国控')", {"N1", "N2"}),
        ("Datastreams/ObservedProperty/id eq 'o3' and id ne 'station:S1'", {"N1", "N2"}),
    ],
)
def test_a_filter_means_what_it_says(served: Served, test: str, expected: set[str]) -> None:
    with served.client() as client:
        found = {one["@iot.id"] for one in ok(client, "/Things", filter=test, count="true")["value"]}
    assert found == {f"station:{name}" for name in expected}


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/Nothings", {}, 404),
        ("/Things('station:no')", {}, 404),
        ("/Things('station:N1')/Nonsense", {}, 404),
        ("/Things('station:N1", {}, 404),
        ("/Things", {"$filter": "name eq"}, 400),
        ("/Things", {"$filter": "(name eq 'x'"}, 400),
        ("/Things", {"$filter": "nothing eq 1"}, 400),
        ("/Things", {"$filter": "geo.distance(location, geography'POINT(1 1)') lt 1"}, 501),
        ("/Things", {"$apply": "x"}, 501),
        ("/Things", {"$top": "-1"}, 400),
        ("/Things", {"$orderby": "name sideways"}, 400),
        ("/Things", {"$expand": "Cars"}, 400),
        ("/Things", {"$expand": "Datastreams/Thing/Datastreams/Thing/Datastreams"}, 400),
        ("/Observations", {}, 400),
        ("/Datastreams('station:N1~pm25~hour')/Observations", {"$filter": "phenomenonTime gt 'yesterday'"}, 400),
        ("/Observations('station:N1~pm25~hour~never')", {}, 404),
    ],
)
def test_what_cannot_be_answered_says_so_in_the_way_of_sensorthings(
    served: Served, path: str, params: dict[str, str], status: int
) -> None:
    with served.client() as client:
        answer = client.get(path, params=params)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert (told["code"], told["type"]) == (status, "error") and told["message"]


def test_a_login_with_a_district_sees_its_own_sites_only(served: Served) -> None:
    with served.client("dispatcher") as client:
        seen = {one["@iot.id"] for one in ok(client, "/Things")["value"]}
        assert {"station:N1", "station:S1"} <= seen and not seen & {"station:N2", "section:X1"}
        assert client.get("/Things('station:N2')").status_code == 404
        assert client.get("/Datastreams('station:N2~pm25~hour')/Observations").status_code == 404
        streams = {one["properties"]["site"] for one in ok(client, "/Datastreams", top="1000")["value"]}
        assert "station:N2" not in streams
    with served.client("maintainer") as client:
        assert {one["@iot.id"] for one in ok(client, "/Things")["value"]} == {"station:N1", "station:Y1"}


def test_arrays_of_observations_are_taken_and_what_cannot_be_is_marked(served: Served) -> None:
    body = [
        {
            "Datastream": {"@iot.id": "station:Y1~tsp~minute"},
            "components": ["phenomenonTime", "result"],
            "dataArray@iot.count": 3,
            "dataArray": [["2026-11-02T23:40:00Z", 210], ["never", 1], ["2026-11-02T23:45:00Z", None]],
        }
    ]
    with served.client("maintainer") as client:
        answer = client.post("/CreateObservations", json=body)
        assert answer.status_code == 201
        links = answer.json()
        assert [link.rpartition("/")[2] for link in links] == [
            "Observations('station:Y1~tsp~minute~2026-11-02T23:40:00Z')",
            "Observations('station:Y1~tsp~minute~2026-11-02T23:45:00Z')",
            "error",
        ]
        served.office.loop.take(served.office.now)
        rows = ok(client, "/Datastreams('station:Y1~tsp~minute')/Observations")["value"]
        assert [(one["result"], one["resultQuality"]["quality"]) for one in rows] == [
            (210.0, "good"),
            (None, "missing"),
        ]
        one = client.post(
            "/Datastreams('station:Y1~tsp~minute')/Observations",
            json={"phenomenonTime": "2026-11-02T23:50:00Z", "result": 200},
        )
        assert one.status_code == 201 and one.headers["location"].endswith("23:50:00Z')")


@pytest.mark.parametrize(
    ("login", "body", "status"),
    [
        ("maintainer", {"result": 1, "Datastream": {"@iot.id": "station:N2~pm25~hour"}}, 403),
        ("maintainer", {"result": 1, "Datastream": {"@iot.id": "station:N1~pm25~hour"}}, 404),
        ("data_engineer", {"result": 1, "Datastream": {"@iot.id": "nonsense"}}, 400),
        ("data_engineer", {"result": 1, "Datastream": {"@iot.id": "station:Y1~pm25~minute"}}, 400),
        ("data_engineer", "text", 400),
        ("duty_officer", {}, 403),
    ],
)
def test_a_post_that_cannot_be_kept_is_refused_and_nothing_is_journalled(
    served: Served, login: str, body: object, status: int
) -> None:
    before = sum(1 for _ in served.office.store.journal.follow("core"))
    with served.client(login) as client:
        answer = client.post("/Observations", json=body)
        assert answer.status_code == status, answer.text
    assert sum(1 for _ in served.office.store.journal.follow("core")) == before


def test_nobody_reads_without_a_login(served: Served) -> None:
    answer = httpx.get(f"{served.url}/sta/v1.1/Things", trust_env=False)
    assert answer.status_code == 401


WORDS = [
    "name",
    "id",
    "eq",
    "ne",
    "gt",
    "ge",
    "lt",
    "le",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "'x'",
    "''",
    "1",
    "-2.5",
    "2026-11-02T20:00:00Z",
    "phenomenonTime",
    "result",
    "Datastreams/id",
    "Thing/name",
    "properties/kind",
    "substringof",
    "startswith",
    "null",
    "true",
    ";",
    "$top=1",
    "Observations",
    "Datastreams",
    "Things",
    "@iot.id",
    "/",
    "'",
    "$",
    "%",
]
phrases = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=30)
paths = st.sampled_from(
    ["Things", "Datastreams", "Things('station:N1')", "Datastreams('station:N1~pm25~hour')/Observations", "Sensors"]
) | st.text(max_size=40)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, test=phrases, order=phrases, expand=phrases, top=st.text("0123456789-", max_size=4))
def test_no_question_is_a_fault_of_the_server(
    served: Served, path: str, test: str, order: str, expand: str, top: str
) -> None:
    office = served.office
    answerer = Answerer(Catalog(office.town, EVERYWHERE, office.store.series), "http://x/sta/v1.1")
    for given_options in ({"$filter": test, "$top": "3"}, {"$orderby": order, "$expand": expand, "$top": top}):
        with contextlib.suppress(StaError):
            answerer.get(path, read_options(given_options))
