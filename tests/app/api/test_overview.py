"""The overview says what `bihuan.assessment` says of the same hours, and nothing where there is nothing."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from bihuan.app.access.areas import EVERYWHERE, Area
from bihuan.app.api import Office, create_app
from bihuan.app.api.overview import make_overview
from bihuan.app.api.overview_air import air_now, night_of, ranks, so_far, the_night
from bihuan.app.api.overview_work import REPORTS, board_of, loggers, todo, water
from bihuan.app.marks import Mark, Marks
from bihuan.assessment import (
    city_mean,
    daily_aqi,
    daily_means,
    hourly_aqi,
    remaining_control_value,
    section_verdict,
    wide_hours,
)
from bihuan.core import (
    CHINA,
    DAY,
    HOUR,
    Event,
    Period,
    Reading,
    Ref,
    local_date,
    local_day,
    readings_table,
    to_json,
)
from bihuan.observations import rhythms, transmission
from bihuan.store import CitySetting, Row
from tests.app.api.handmade import NOW, PEAK, TestClient, hour_rows, login, office_of, peak_hour, usual_hours

CITY = "city:410000"
NATIONAL = ["station:N1", "station:N2"]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Three stations since the first of the month; look, do not touch."""
    with office_of(tmp_path_factory.mktemp("handmade"), usual_hours()) as found:
        yield found


def wide(sites: list[str]) -> pl.DataFrame:
    return wide_hours(usual_hours()).filter(pl.col("site").is_in(sites))


def event(ident: str, subject: str, kind: str = "limit", grade: str = "major") -> Event:
    return Event(
        id=ident,
        rule="no_longer_known",
        kind=kind,  # type: ignore[arg-type]
        subject=Ref.parse(subject),
        place=None,
        period=Period(NOW - 2 * HOUR, NOW - HOUR),
        pollutant="pm10",
        grade=grade,
        value=1.0,
        threshold=0.5,
    )


def keep(office: Office, *events: Event) -> None:
    rows = [Row(one.id, to_json(one), str(one.subject), "open", start=one.period.start) for one in events]
    office.store.records.save("event", rows)


def test_the_index_now_is_that_of_the_mean_of_the_national_stations(office: Office) -> None:
    found = air_now(office, NOW, "zh")
    want = hourly_aqi(city_mean(wide(NATIONAL), CITY)).sort("start").row(-1, named=True)
    assert (found.end, found.aqi, found.label) == (NOW - HOUR, want["aqi"], want["label"])
    assert {item.code: item.iaqi for item in found.items} == {
        code: want[f"iaqi_{code}"] for code in ("pm25", "pm10", "o3", "no2", "so2", "co")
    }
    assert found.level == "realtime"


def test_an_hour_is_not_shown_before_its_grace_is_over(office: Office) -> None:
    assert air_now(office, NOW + timedelta(minutes=9), "zh").end == NOW - HOUR


def test_the_trend_has_a_hole_where_no_hour_is_stored(office: Office) -> None:
    late = air_now(office, NOW + 2 * HOUR, "zh")
    assert len(late.trend) == 24
    assert [hour.aqi for hour in late.trend[-2:]] == [None, None]
    assert late.trend[-3].aqi is not None


def test_the_peak_of_the_night_is_the_highest_hour_of_any_station(office: Office) -> None:
    night = the_night(office, NOW, "zh")
    peak = next(one for one in night.peaks if one.code == "pm25")
    assert (peak.value, peak.site, peak.start) == (PEAK, "station:N2", peak_hour)
    inside = wide([*NATIONAL, "station:S1"]).filter(pl.col("start") >= night.start)
    ozone = next(one for one in night.peaks if one.code == "o3")
    assert ozone.value == inside["o3"].max()


def test_the_line_of_judgement_is_made_of_facts(office: Office) -> None:
    night = the_night(office, NOW, "zh")
    worst = hourly_aqi(city_mean(wide(NATIONAL), CITY)).filter(pl.col("start") == peak_hour).row(0, named=True)
    assert night.aqi == worst["aqi"]
    assert f"AQI最高{worst['aqi']}" in night.words
    assert "03:00" in night.words
    assert "3个点位中1个出现过轻度及以上污染" in night.words


def test_the_night_of_the_evening_is_the_one_that_begins(office: Office) -> None:
    evening = NOW + timedelta(hours=12, minutes=1)  # 20:01 of the city
    assert night_of(evening, office).start == NOW + timedelta(hours=12)
    assert night_of(evening - timedelta(minutes=2), office).end == NOW


def test_without_a_target_nothing_is_said_about_one(office: Office) -> None:
    found = so_far(office, date(2026, 11, 3), "zh")
    days = daily_means(city_mean(wide(NATIONAL), CITY))
    whole = daily_aqi(days).filter(pl.col("aqi").is_not_null())
    assert found.month_days == whole.height == 2
    assert {(item.target, item.control, item.words) for item in found.items} == {(None, None, "")}


def test_the_limit_for_the_days_left_is_that_of_assessment(tmp_path: Path) -> None:
    with office_of(tmp_path, usual_hours()) as office:
        setting = CitySetting("targets", {"pm25": 28}, date(2026, 1, 1), "duty_officer", "plan", NOW)
        office.store.settings.set(setting)
        item = next(one for one in so_far(office, date(2026, 11, 3), "zh").items if one.code == "pm25")
        days = daily_means(city_mean(wide(NATIONAL), CITY))
        span = {"first": date(2026, 1, 1), "last": date(2026, 12, 31), "through": date(2026, 11, 2)}
        (want,) = remaining_control_value(days, "pm25", 28, **span)  # type: ignore[arg-type]
        assert want.value is not None
        assert (item.target, item.control, item.outcome) == (28, round(want.value, 1), want.outcome)
        assert str(item.control) in item.words


def test_stations_are_ranked_from_the_cleanest_and_the_rank_says_by_what(office: Office) -> None:
    found = ranks(office, date(2026, 11, 3), "zh")
    assert [(row.rank, row.ref) for row in found.stations] == [
        (1, "station:N1"),
        (2, "station:N2"),
        (3, "station:S1"),
    ]
    assert found.by == "pm25"  # the weights of HJ 663-2026 are held back, so no index may be printed
    assert found.reason == "weights_held_back"
    assert [row.name for row in ranks(office, date(2026, 11, 3), "en").districts] == ["First", "二区"]


def test_neighbours_stand_in_the_order_of_their_index(tmp_path: Path) -> None:
    start = NOW - 2 * HOUR
    clean = {"pm25": 5.0, "pm10": 9.0, "so2": 3.0, "no2": 4.0, "co": 0.2, "o3": 20.0}
    with office_of(tmp_path, usual_hours()) as office:
        assert air_now(office, NOW, "zh").neighbours == []
        office.store.series.append(hours=hour_rows({"city:410200": {start: clean}}))
        found = air_now(office, NOW, "zh").neighbours
        assert [(one.ref, one.rank, one.own) for one in found] == [("city:410200", 1, False), (CITY, 2, True)]


def test_a_city_without_hours_says_nothing_instead_of_zero(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        found = make_overview(office, EVERYWHERE, NOW)
        assert (found.as_of, found.air.aqi, found.night.aqi, found.night.words) == (None, None, None, "")
        assert found.so_far.items == []
        assert found.ranks.stations == []
        assert found.outlook.mean_24h is None
        assert [(row.label, row.worse, row.over) for row in found.water] == [("", None, [])]
        assert found.traced is None


def test_a_section_names_its_items_beyond_class_three_with_their_multiples(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        day = local_day(local_date(NOW) - DAY, CHINA)
        verdict = section_verdict(office.town.sections[0], day, {"nh3n": 1.2, "do": 4.9, "tp": 0.1})
        row = Row(verdict.id, to_json(verdict), str(verdict.subject), start=day.start, end=day.end)
        office.store.records.save("verdict", [row])
        found = water(office, EVERYWHERE, NOW)
        assert [(row.label, [(one.item, one.times) for one in row.over]) for row in found] == [
            ("IV", [("nh3n", 0.2), ("do", None)])
        ]


def test_the_gravest_event_comes_first_and_only_that_of_ones_district_is_seen(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        keep(office, event("note", "station:N1", "pattern", "note"), event("limit", "outlet:O2"))
        keep(office, event("gone", "section:X1", "silence", "minor"))
        everyone = todo(office, board_of(office, EVERYWHERE, NOW), "zh")
        assert [task.ref for task in everyone.events] == ["event:limit", "event:gone", "event:note"]
        assert (everyone.counts["limit"], everyone.counts["silence"], everyone.counts["offline"]) == (1, 1, 0)
        first = todo(office, board_of(office, Area(district="D1"), NOW), "zh")
        assert [task.ref for task in first.events] == ["event:note"]
        assert first.events[0].link == "/alarms/note"


def test_an_alarm_that_was_marked_false_waits_for_nobody(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        keep(office, event("true", "station:N1"), event("false", "station:N2"))
        for ident, kind in (("true", "confirmed"), ("false", "false")):
            mark = Mark(id="", event=Ref("event", ident), kind=kind, by="a", name="a", at=NOW)  # type: ignore[arg-type]
            Marks(office.store.records).add(mark)
        assert [one.id for one in board_of(office, EVERYWHERE, NOW).events] == ["true"]


def test_the_transmission_rate_is_that_of_the_raw_reports(tmp_path: Path) -> None:
    with office_of(tmp_path) as office:
        until = NOW - HOUR
        sent = [
            Reading(
                device="MN1",
                pollutant=code,
                stat="avg",
                interval="hour",
                start=until - step * HOUR,
                end=until - (step - 1) * HOUR,
                value=1.0,
                quality="good" if code == "pm25" or step % 3 else "bad",
            )
            for step in range(1, 21)
            for code in ("pm25", "pm10", "so2")[: 1 + step % 3]
        ]
        office.store.series.append(readings_table(sent))
        day = Period(until - DAY, until)
        owed = rhythms(office.register, date(2026, 11, 3))
        want = transmission(office.store.series.readings(period=day), owed, day)
        seen = transmission(office.store.series.query(REPORTS, [day.start, day.end]), owed, day)
        assert seen.equals(want)
        rows = {row.kind: row for row in loggers(office, EVERYWHERE, NOW, "zh").rows}
        assert (rows["station"].due, rows["station"].received) == (24, 20)
        assert (rows["outlet"].received, rows["outlet"].efficiency) == (0, 0.0)


def test_the_route_asks_for_the_right_and_gives_the_same_bytes_while_nothing_changed(office: Office) -> None:
    with TestClient(create_app(office)) as client:
        assert client.get("/api/overview").status_code == 401
        assert login(client, "data_engineer").get("/api/overview").json()["code"] == "no_right"
        first = login(client, "duty_officer").get("/api/overview")
        again = client.get("/api/overview", headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        english = client.get("/api/overview", headers={"Accept-Language": "en"}).json()
        assert "hourly AQI" in english["night"]["words"]
