"""Hours and days get their verdicts after their grace, again when late data come, under the law of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.core import CHINA, DAY, Verdict, local_day
from bihuan.register import Outlet, PermitLimit
from tests.app.hamlet import HOUR, MIDNIGHT, POND, SECTION, STACK, Hamlet, facts

GRACE = timedelta(minutes=10)
DAY_GRACE = timedelta(minutes=40)
SIX: dict[str, float | None] = {"so2": 10.0, "no2": 30.0, "pm10": 60.0, "pm25": 30.0, "co": 0.6, "o3": 60.0}
"""An index is published only with all six."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Hamlet]:
    with Hamlet(tmp_path) as made:
        yield made


def of_kind(verdicts: tuple[Verdict, ...], kind: str) -> dict[str, Verdict]:
    return {str(verdict.subject): verdict for verdict in verdicts if verdict.kind == kind}


def test_an_hour_is_judged_once_its_grace_is_over_and_not_again(town: Hamlet) -> None:
    town.report("MN1", "hour", MIDNIGHT, {"so2": 10.0, "pm25": 30.0, "pm10": 60.0})
    assert not town.step(MIDNIGHT + HOUR).verdicts
    assert not town.step(MIDNIGHT + HOUR + GRACE - timedelta(seconds=1)).verdicts
    judged = of_kind(town.step(MIDNIGHT + HOUR + GRACE).verdicts, "aqi_hour")
    assert set(judged) == {"station:s1", "city:410100"}
    assert not town.step(MIDNIGHT + HOUR + GRACE + timedelta(minutes=5)).verdicts


def test_an_hour_is_judged_again_under_its_own_id_when_late_data_change_it(town: Hamlet) -> None:
    town.report("MN1", "hour", MIDNIGHT, SIX)
    first = of_kind(town.step(MIDNIGHT + HOUR + GRACE).verdicts, "aqi_hour")["station:s1"]
    later = MIDNIGHT + 5 * HOUR
    town.report("MN1", "hour", MIDNIGHT, SIX | {"pm25": 130.0}, received=later)
    second = of_kind(town.step(later).verdicts, "aqi_hour")["station:s1"]
    assert second.id == first.id
    assert first.value is not None and second.value is not None and second.value > first.value
    row = town.store.records.get("verdict", first.id)
    assert row is not None and f'"value":{second.value}'.encode() in row.body


def test_a_verdict_names_the_readings_it_was_made_from(town: Hamlet) -> None:
    town.report("MN1", "hour", MIDNIGHT, {"so2": 10.0, "pm25": 30.0})
    town.report("MN2", "hour", MIDNIGHT, {"so2": 12.0, "pm25": 34.0})
    judged = of_kind(town.step(MIDNIGHT + HOUR + GRACE).verdicts, "aqi_hour")
    assert len(judged["station:s1"].inputs) == 2
    assert {ref.kind for ref in judged["station:s1"].inputs} == {"reading"}
    assert set(judged["city:410100"].inputs) == {*judged["station:s1"].inputs, *judged["station:s2"].inputs}
    assert {code: value for code, value, _ in judged["city:410100"].items}["pm25"] == 32.0


def test_a_stack_is_judged_each_hour_folded_to_its_reference_oxygen(town: Hamlet) -> None:
    town.report("MNA", "hour", MIDNIGHT, {"so2": 28.0, "o2": 11.0})
    verdict = of_kind(town.step(MIDNIGHT + HOUR + GRACE).verdicts, "outlet_hour")[f"outlet:{STACK}"]
    assert verdict.value == pytest.approx(28.0 * (21 - 6) / (21 - 11))
    assert (verdict.label, verdict.standard) == ("suspected_over", "permit 1")
    assert verdict.clause.startswith("HJ 76")


def test_a_stack_with_a_limit_of_the_day_is_judged_by_the_day_each_hour_folded(tmp_path: Path) -> None:
    limits = (PermitLimit("so2", 35.0, "hour", "permit 1"), PermitLimit("so2", 30.0, "day", "permit 1"))
    known = [replace(one, limits=limits) if isinstance(one, Outlet) and one.id == STACK else one for one in facts()]
    with Hamlet(tmp_path, facts=known) as town:
        for hour in range(24):
            o2 = 6.0 if hour < 20 else 13.5  # 21 is 21 at 6 %, and 42 at 13.5 %
            town.report("MNA", "hour", MIDNIGHT + hour * HOUR, {"so2": 21.0 + hour / 1000, "o2": o2 + hour / 1000})
        (verdict,) = of_kind(town.step(MIDNIGHT + DAY + DAY_GRACE).verdicts, "outlet_day").values()
    assert verdict.value == pytest.approx((20 * 21 + 4 * 42) / 24, abs=0.05)
    assert (verdict.label, len(verdict.inputs)) == ("within", 48)
    assert ("count", None, 24) in verdict.items


def test_the_stricter_of_permit_and_standard_reaches_the_loop(tmp_path: Path) -> None:
    known = [
        replace(
            one, limits=(PermitLimit("so2", 90.0, "hour", "permit 1"),), standard="环发〔2015〕164号", regime="coal"
        )
        if isinstance(one, Outlet) and one.id == STACK
        else one
        for one in facts()
    ]
    with Hamlet(tmp_path, facts=known) as town:
        town.report("MNA", "hour", MIDNIGHT, {"so2": 40.0, "o2": 6.0})
        outcome = town.step(MIDNIGHT + HOUR + GRACE)
    verdict = of_kind(outcome.verdicts, "outlet_hour")[f"outlet:{STACK}"]
    assert (verdict.label, verdict.standard) == ("suspected_over", "环发〔2015〕164号")
    assert dict(verdict.notes)["beside_basis"] == "permit 1"
    (event,) = [one for one in outcome.events if one.kind == "limit"]
    assert (event.value, event.threshold) == (40.0, 35.0)


def a_day_of_water(town: Hamlet, cod: float, codmn: float) -> tuple[Verdict, ...]:
    for hour in range(24):
        start = MIDNIGHT + hour * HOUR
        town.report("MNW", "hour", start, {"cod": cod + hour / 10})
        town.report("MNX", "hour", start, {"codmn": codmn, "nh3n": 0.4 + hour / 1000, "tp": 0.15, "do": 6.5})
    assert not of_kind(town.step(MIDNIGHT + DAY + DAY_GRACE - timedelta(seconds=1)).verdicts, "outlet_day")
    return town.step(MIDNIGHT + DAY + DAY_GRACE).verdicts


def test_a_waste_water_outlet_is_judged_by_its_daily_mean(town: Hamlet) -> None:
    verdict = of_kind(a_day_of_water(town, 55.0, 5.0), "outlet_day")[f"outlet:{POND}"]
    assert verdict.value == pytest.approx(55.0 + 2.3 / 2)
    assert (verdict.label, verdict.unit, verdict.standard) == ("suspected_over", "mg/L", "permit 2")
    assert "违法" not in verdict.label


def test_a_section_gets_the_class_of_its_worst_item_with_the_clause(town: Hamlet) -> None:
    verdict = of_kind(a_day_of_water(town, 30.0, 8.0), "section_class")[f"section:{SECTION}"]
    assert (verdict.label, verdict.primary, verdict.reason) == ("IV", ("codmn",), "worse_than_target")
    assert verdict.standard == "GB 3838-2002"
    assert "table 1" in verdict.clause and "single factor" in verdict.clause


@pytest.mark.parametrize(
    ("midnight", "index"),
    [
        (datetime(2026, 2, 27, 16, tzinfo=UTC), "HJ 633-2012"),
        (datetime(2026, 2, 28, 16, tzinfo=UTC), "HJ 633-2026"),
    ],
    ids=["the last day of the old law", "the first day of the new"],
)
def test_a_day_is_judged_by_the_law_in_force_on_it(tmp_path: Path, midnight: datetime, index: str) -> None:
    with Hamlet(tmp_path, now=midnight) as town:
        for hour in range(24):
            for mn in ("MN1", "MN2"):
                values = {code: (value or 0.0) + hour / 100 for code, value in SIX.items()}
                town.report(mn, "hour", midnight + hour * HOUR, dict(values))
        end = local_day(midnight.astimezone(CHINA).date(), CHINA).end
        verdicts = town.step(end + DAY_GRACE).verdicts
    days = of_kind(verdicts, "aqi_day")
    assert set(days) == {"station:s1", "station:s2", "city:410100"}
    assert {verdict.standard for verdict in days.values()} == {index}
    assert {v.standard for v in verdicts if v.kind == "aqi_hour"} == {index}
    assert all(v.clause for v in days.values())


def test_the_stricter_limits_of_2026_give_the_same_air_a_higher_index(tmp_path: Path) -> None:
    found = {}
    for midnight in (datetime(2026, 2, 27, 16, tzinfo=UTC), datetime(2026, 2, 28, 16, tzinfo=UTC)):
        with Hamlet(tmp_path / f"{midnight:%d}", now=midnight) as town:
            town.report("MN1", "hour", midnight, SIX | {"pm25": 70.0})
            found[midnight] = of_kind(town.step(midnight + HOUR + GRACE).verdicts, "aqi_hour")["station:s1"].value
    old, new = found.values()
    assert old is not None and new is not None and new > old


def test_what_waits_for_its_grace_is_judged_by_the_next_process(town: Hamlet) -> None:
    town.report("MN1", "hour", MIDNIGHT, {"so2": 10.0, "pm25": 30.0})
    assert not town.step(MIDNIGHT + HOUR).verdicts
    town.reopen()
    assert set(of_kind(town.step(MIDNIGHT + HOUR + GRACE).verdicts, "aqi_hour")) == {"station:s1", "city:410100"}
    town.reopen()
    assert "station:s1" in of_kind(town.step(MIDNIGHT + DAY + DAY_GRACE).verdicts, "aqi_day")
