"""Verdicts carry value, clause, status, inputs and method, and their ids come from content."""

import pytest

from bihuan.assessment import (
    aqi_verdict,
    composite_index,
    daily_aqi,
    daily_means,
    daily_statistics,
    hourly_aqi,
    index_verdict,
    rank,
)
from bihuan.core import Ref, Verdict, from_json, text, to_json
from tests.assessment.frames import CLEAN, hours, one_hour
from tests.assessment.test_statistics import flat

DIVISORS = {"so2": 60, "no2": 40, "pm10": 70, "pm25": 35, "co": 4, "o3": 160}
STATION, CITY = Ref("station", "1317A"), Ref("city", "410100")


def test_an_hour_explains_itself() -> None:
    row = hourly_aqi(one_hour(pm25=107.0)).row(0, named=True)
    verdict = aqi_verdict(STATION, row, basis="file")
    assert (verdict.kind, verdict.value, verdict.label, verdict.primary) == ("aqi_hour", 140.0, "light", ("pm25",))
    assert (verdict.standard, verdict.status, verdict.method) == ("HJ 633-2012", "confirmed", "aqi_hour_1h/1")
    assert "table 1" in verdict.clause
    assert ("pm25", 107.0, 140) in verdict.items
    assert Ref("reading", "station:1317A/pm25/avg/file/2020-06-01T00:00:00Z") in verdict.inputs
    assert len(verdict.inputs) == 6
    assert from_json(to_json(verdict), Verdict) == verdict


def test_the_same_judgement_has_the_same_id_and_another_law_another_one() -> None:
    row = hourly_aqi(one_hour()).row(0, named=True)
    assert aqi_verdict(STATION, row).id == aqi_verdict(STATION, row).id
    assert aqi_verdict(CITY, row).id != aqi_verdict(STATION, row).id
    other = row | {"standard": "HJ 633-2026"}
    assert aqi_verdict(STATION, other).id != aqi_verdict(STATION, row).id


def test_a_day_names_the_hours_that_were_present() -> None:
    values: dict[str, list[float | None]] = {code: [value] * 24 for code, value in CLEAN.items()}
    values["pm25"][3] = None
    row = daily_aqi(daily_means(hours("2020-06-01", values))).row(0, named=True)
    verdict = aqi_verdict(STATION, row)
    assert (verdict.kind, verdict.method) == ("aqi_day", "aqi_day/1")
    assert len(verdict.inputs) == 6 * 24 - 1
    starts = [str(ref).rsplit("/", 1)[1] for ref in verdict.inputs if "/pm25/" in str(ref)]
    assert "2020-05-31T19:00:00Z" not in starts
    assert starts[0] == "2020-05-31T16:00:00Z"


def test_a_city_names_what_it_was_made_from() -> None:
    row = hourly_aqi(one_hour()).row(0, named=True)
    of = (aqi_verdict(STATION, row).ref,)
    assert aqi_verdict(CITY, row, inputs=of).inputs == of


def test_an_index_that_must_not_be_published_says_why() -> None:
    row = hourly_aqi(one_hour("2026-06-01T08:00", pm10=None)).row(0, named=True)
    verdict = aqi_verdict(STATION, row)
    assert (verdict.value, verdict.label, verdict.primary) == (None, "", ())
    assert text(f"verdict.{verdict.reason}").startswith("有项目缺测")


def test_a_composite_index_carries_its_rank_and_its_stamp() -> None:
    row = rank(composite_index(daily_statistics(flat("2020-06-01", 30)))).row(0, named=True)
    verdict = index_verdict(CITY, row)
    assert verdict.kind == "index"
    expected = sum(CLEAN[code] / divisor for code, divisor in DIVISORS.items())
    assert verdict.value == row["index"] == pytest.approx(expected, abs=0.005)
    assert ("rank", None, 1) in verdict.items
    assert text(f"verdict.{verdict.label}", "en") == "own calculation, not official"
    plain = index_verdict(CITY, composite_index(daily_statistics(flat("2020-06-01", 30))).row(0, named=True))
    assert (plain.label, plain.id) == ("", verdict.id)
