"""A stored hour or day of an outlet is judged as a file of it would be, and never called more than suspected."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import (
    Circumstances,
    Declared,
    explain_outlet_verdict,
    judge_outlet,
    outlet_days,
    outlet_hours,
    regime_words,
)
from bihuan.core import CHINA, InputError, Period, Place, Verdict, text
from bihuan.register import Outlet, PermitLimit
from tests.assessment.frames import local

START = "2024-06-01T08:00"
HOUR = timedelta(hours=1)
STACK = Outlet(
    id="DA001",
    name="锅炉排口",
    enterprise="E1",
    place=Place(113.6, 34.7),
    district="410102",
    medium="air",
    o2_reference=9.0,
    limits=(
        PermitLimit("nox", 50.0, "hour", "permit 1, GB 13271-2014"),
        PermitLimit("so2", 10.0, "hour"),
        PermitLimit("pm", 10.0, "day"),
    ),
)
PIPE = Outlet(
    id="DW001",
    name="总排口",
    enterprise="E1",
    place=Place(113.6, 34.7),
    district="410102",
    medium="water",
    limits=(PermitLimit("cod", 50.0, "day", "GB 18918-2002 1A"),),
)
NONE = pl.DataFrame(schema={"site": pl.String, "start": pl.Datetime("us", "UTC"), "basis": pl.String})


def cell(pollutant: str, value: float | None, hour: int = 0, **changed: Any) -> dict[str, Any]:
    base = {
        "site": "outlet:DA001",
        "pollutant": pollutant,
        "stat": "avg",
        "basis": "device",
        "start": local(START) + hour * HOUR,
        "end": local(START) + (hour + 1) * HOUR,
        "value": value,
        "count": 60,
        "mark": "N",
        "quality": "good",
        "reason": "",
        "level": "realtime",
    }
    return base | changed


def judge(*cells: dict[str, Any], outlet: Outlet = STACK, **more: Any) -> tuple[Verdict, ...]:
    return outlet_hours(outlet, pl.DataFrame(list(cells)), Circumstances(**more))


def of_day(*cells: dict[str, Any], outlet: Outlet = PIPE, **more: Any) -> tuple[Verdict, ...]:
    return outlet_days(outlet, pl.DataFrame(list(cells)), NONE, Circumstances(**more))


def midnight(hour: int) -> dict[str, datetime]:
    start = local("2024-06-01T00:00") + hour * HOUR
    return {"start": start, "end": start + HOUR}


def figures(verdict: Verdict) -> dict[str, float | None]:
    return {name: value for name, value, _ in verdict.items}


def test_a_folded_hour_over_the_permit_is_suspected() -> None:
    (verdict,) = judge(cell("nox", 40.0), cell("o2", 12.0))
    assert (verdict.label, verdict.value, verdict.kind) == ("suspected_over", pytest.approx(40 * 12 / 9), "outlet_hour")
    assert verdict.items[0] == ("nox", verdict.value, None)
    assert figures(verdict) == {
        "nox": verdict.value,
        "o2": 12.0,
        "limit": 50.0,
        "o2_reference": 9.0,
        "measured": 40.0,
        "multiple": pytest.approx(40 * 12 / 9 / 50 - 1),
    }
    assert verdict.standard == "permit 1, GB 13271-2014"
    assert "HJ 76-2017" in verdict.clause
    assert [str(ref) for ref in verdict.inputs] == [
        "reading:outlet:DA001/nox/avg/device/2024-06-01T00:00:00Z",
        "reading:outlet:DA001/o2/avg/device/2024-06-01T00:00:00Z",
    ]
    assert text(f"verdict.{verdict.label}") == "疑似超标"


@given(st.floats(0, 400), st.floats(0, 25), st.sampled_from(["N", "M", ""]), st.sampled_from(["nox", "so2"]))
def test_a_stored_hour_and_a_file_of_it_get_one_verdict(value: float, o2: float, mark: str, item: str) -> None:
    (stored,) = judge(cell(item, value, mark=mark), cell("o2", o2, mark="N"))
    row = {"site": "DA001", "start": local(START), "pollutant": item, "value": value, "o2": o2, "mark": mark or "N"}
    row |= {"limit": 50 if item == "nox" else 10, "o2_reference": 9, "averaging": "hour"}
    filed = judge_outlet(pl.DataFrame([row])).verdicts.row(0, named=True)
    assert (stored.label, stored.value, stored.reason) == (filed["label"], filed["compared"], filed["reason"])


def test_the_limit_itself_is_within_the_limit() -> None:
    (verdict,) = judge(cell("nox", 37.5), cell("o2", 12.0))
    assert (verdict.value, verdict.label, verdict.primary) == (50.0, "within", ())
    (over,) = judge(cell("nox", 37.5001), cell("o2", 12.0))
    assert over.label == "suspected_over"


def test_without_oxygen_the_value_that_the_device_folded_is_judged() -> None:
    (verdict,) = judge(cell("nox", 10.0), cell("nox", 55.0, stat="zs_avg"))
    assert (verdict.label, verdict.value) == ("suspected_over", 55.0)
    assert str(verdict.inputs[0]).split("/")[2] == "zs_avg"
    (nothing,) = judge(cell("nox", 10.0))
    assert (nothing.label, nothing.value, nothing.reason) == ("no_value", None, "no_oxygen")


@pytest.mark.parametrize("oxygen", [21.0, 21.4, 25.0, -1.0])
def test_air_in_the_stack_gives_no_value_and_never_a_huge_one(oxygen: float) -> None:
    (verdict,) = judge(cell("nox", 3.0), cell("o2", oxygen))
    assert (verdict.label, verdict.value, verdict.reason) == ("no_value", None, "cannot_be_folded")


@pytest.mark.parametrize("mark", ["F", "M", "S", "D", "C", "T", "B", "N;D"])
@pytest.mark.parametrize("which", ["nox", "o2"])
def test_marked_hours_are_no_evidence(mark: str, which: str) -> None:
    marks = {"nox": "N", "o2": "N"} | {which: mark}
    (verdict,) = judge(cell("nox", 400.0, mark=marks["nox"]), cell("o2", 12.0, mark=marks["o2"]))
    assert (verdict.label, verdict.reason) == ("not_evidence", "marked_invalid")
    assert verdict.value is not None
    assert set(mark.split(";")) <= set(dict(verdict.notes)["mark"].split(";"))


def test_an_hour_without_any_mark_is_judged() -> None:
    assert judge(cell("nox", 400.0, mark=""), cell("o2", 12.0, mark=""))[0].label == "suspected_over"


def test_a_bad_value_is_no_evidence_and_a_suspect_one_is() -> None:
    (bad,) = judge(cell("nox", 400.0, quality="bad", reason="impossible"), cell("o2", 12.0))
    (suspect,) = judge(cell("nox", 400.0, quality="suspect"), cell("o2", 12.0))
    assert (bad.label, bad.reason) == ("not_evidence", "flagged_bad")
    assert suspect.label == "suspected_over"
    (missing,) = judge(cell("nox", 400.0, quality="missing"), cell("o2", 12.0))
    assert missing.label == "no_value"


def test_an_hour_of_too_few_minutes_is_no_valid_hour() -> None:
    (few,) = judge(cell("nox", 400.0, quality="bad", reason="too_few", basis="minutes"), cell("o2", 12.0))
    assert (few.label, few.reason, few.value) == ("no_value", "too_few_minutes", None)


def test_the_devices_own_hour_is_the_hour_of_record() -> None:
    (verdict,) = judge(
        cell("nox", 99.0, basis="minutes"), cell("nox", 20.0), cell("o2", 9.0, basis="minutes"), cell("o2", 9.0)
    )
    assert (verdict.label, verdict.value) == ("within", 20.0)


def test_each_limit_and_hour_has_its_own_verdict_with_an_id_from_content() -> None:
    cells = [cell("nox", 40.0), cell("so2", 5.0), cell("o2", 9.0), cell("nox", 60.0, 1), cell("o2", 9.0, 1)]
    other = cell("nox", 900.0, site="outlet:DA002")
    verdicts = judge(*cells, other)
    assert [(one.items[0][0], one.label) for one in verdicts] == [
        ("nox", "within"),
        ("so2", "within"),
        ("nox", "suspected_over"),
    ]
    assert len({one.id for one in verdicts}) == 3
    assert [one.id for one in judge(*reversed(cells))] == [one.id for one in verdicts]
    assert verdicts[1].standard == "HJ 76-2017"


# -- declared conditions ----------------------------------------------------------------------------------------------


def declared(state: str, hours: int = 1, after: float = 2.0) -> Declared:
    alarm = local(START) + 1.2 * HOUR
    period = Period(local(START), local(START) + hours * HOUR)
    return Declared("DA001", period, state, local(START) + after * HOUR, alarm)


def test_a_start_up_that_was_declared_is_no_evidence_and_not_folded() -> None:
    hours = [cell("nox", 40.0), cell("o2", 19.5), cell("nox", 40.0, 1), cell("o2", 19.5, 1)]
    first, second = judge(*hours, declared=(declared("start_up"),))
    assert (first.label, first.reason, first.value) == ("not_evidence", "start_or_stop", None)
    assert second.label == "suspected_over"


@pytest.mark.parametrize(("after", "timing"), [(0.5, "in_time"), (1.1, "after_period"), (1.3, "after_alarm")])
def test_the_time_of_a_mark_stays_with_the_verdict(after: float, timing: str) -> None:
    found = judge(
        cell("nox", 400.0), cell("o2", 9.0), declared=(declared("fault", after=after),), industries={"E1": "火力发电"}
    )
    assert (found[0].label, found[0].reason) == ("not_evidence", "marked_by_rule")
    assert dict(found[0].notes)["mark_timing"] == timing


def test_a_condition_counts_only_in_the_industries_of_the_rules_of_marking() -> None:
    hour, fault = (cell("nox", 400.0), cell("o2", 9.0)), (declared("fault"),)
    for industry, wanted in (("power", "not_evidence"), ("水泥", "not_evidence"), ("steel", "suspected_over")):
        assert judge(*hour, declared=fault, industries={"E1": industry})[0].label == wanted
    elsewhere = (replace(fault[0], outlet="DA002"),)
    assert judge(*hour, declared=elsewhere, industries={"E1": "power"})[0].label == "suspected_over"


# -- days -------------------------------------------------------------------------------------------------------------


def water(hour: int, value: float, **changed: Any) -> dict[str, Any]:
    return cell("cod", value, **{"site": "outlet:DW001"} | midnight(hour) | changed)


def test_a_day_of_waste_water_is_the_mean_of_its_valid_hours() -> None:
    (over,) = of_day(*(water(hour, 50.1) for hour in range(24)))
    assert (over.kind, over.label, over.unit, over.standard) == (
        "outlet_day", "suspected_over", "mg/L", "GB 18918-2002 1A",
    )  # fmt: skip
    assert over.period == Period(midnight(0)["start"], midnight(24)["start"])
    (within,) = of_day(*(water(hour, 51.0 if hour < 12 else 49.0) for hour in range(24)))
    assert (within.label, within.value, len(within.inputs)) == ("within", 50.0, 24)
    assert of_day(water(0, 1.0), outlet=replace(PIPE, limits=())) == ()


@pytest.mark.parametrize(("good", "wanted"), [(20, ("suspected_over", "")), (19, ("no_value", "too_few_hours"))])
def test_marked_and_bad_hours_are_none_of_the_twenty_that_a_day_needs(good: int, wanted: tuple[str, str]) -> None:
    spoilt = [{"mark": "M"}, {"quality": "bad", "reason": "impossible"}]
    hours = [water(hour, 60.0, **({} if hour < good else spoilt[hour % 2])) for hour in range(24)]
    (day,) = of_day(*hours)
    assert (day.label, day.reason) == wanted
    assert [number for name, _, number in day.items if name == "count"] == [good]


def test_a_day_of_a_stack_is_the_mean_of_hours_each_folded_by_its_own_oxygen() -> None:
    hours = [
        part
        for hour in range(24)
        for part in (cell("pm", 6.0, **midnight(hour)), cell("o2", 9.0 if hour % 2 else 15.0, **midnight(hour)))
    ]
    (day,) = of_day(*hours, outlet=STACK)
    assert (day.items[0], day.label) == (("pm", 9.0, None), "within")  # 6 and 12, not 6 at 12 % oxygen: 8


def test_hours_declared_as_start_up_stay_out_of_the_day() -> None:
    hours = [
        part
        for hour in range(24)
        for part in (cell("pm", 90.0 if hour < 4 else 6.0, **midnight(hour)), cell("o2", 9.0, **midnight(hour)))
    ]
    start = Declared("DA001", Period(midnight(0)["start"], midnight(4)["start"]), "start_up")
    (day,) = of_day(*hours, outlet=STACK, declared=(start,))
    assert (day.value, day.label) == (6.0, "within")
    assert of_day(*hours, outlet=STACK)[0].label == "suspected_over"


def test_a_day_of_which_only_the_daily_row_is_there_is_judged_by_it() -> None:
    row = {"site": "outlet:DW001", "basis": "file", "start": midnight(0)["start"], "end": midnight(24)["start"]}
    days = pl.DataFrame([cell("cod", 50.1, **row)])
    (verdict,) = outlet_days(PIPE, NONE, days)
    assert (verdict.label, verdict.value, len(verdict.inputs)) == ("suspected_over", 50.1, 1)


# -- permit and standard ----------------------------------------------------------------------------------------------


def at_boiler(limit: float, regime: str = "coal_new") -> Outlet:
    return replace(STACK, limits=(PermitLimit("nox", limit, "hour", "permit 7"),), standard="GB 13271", regime=regime)


def test_the_stricter_of_permit_and_standard_decides_and_the_other_is_named() -> None:
    hour = (cell("nox", 250.0), cell("o2", 9.0))
    (strict,) = judge(*hour, outlet=at_boiler(200))
    assert (strict.label, figures(strict)["limit"], strict.standard) == ("suspected_over", 200.0, "permit 7")
    assert (dict(strict.notes)["beside_basis"], dict(strict.notes)["beside_why"]) == ("GB 13271-2014", "laxer")
    (lax,) = judge(*hour, outlet=at_boiler(400))
    assert (lax.label, figures(lax)["limit"], lax.standard) == ("within", 300.0, "GB 13271-2014")
    assert (dict(lax.notes)["beside_basis"], figures(lax)["beside_limit"]) == ("permit 7", 400.0)
    assert "table 2" in lax.clause


def test_an_unconfirmed_standard_decides_nothing_beside_a_permit_until_it_is_switched_on() -> None:
    hour = (cell("nox", 260.0), cell("o2", 3.5))
    outlet = replace(at_boiler(300, "oil_new"), o2_reference=3.5)
    (without,) = judge(*hour, outlet=outlet)
    assert (without.label, without.standard) == ("within", "permit 7")
    assert (dict(without.notes)["beside_why"], dict(without.notes)["beside_status"]) == ("to_check", "unconfirmed")
    (switched,) = judge(*hour, outlet=outlet, allow=frozenset({"gb_13271_2014#oil_new"}))
    assert (switched.label, switched.standard, switched.status) == ("suspected_over", "GB 13271-2014", "unconfirmed")


def test_a_standard_limits_what_the_permit_forgot_and_a_name_that_no_table_bears_limits_nothing() -> None:
    found = judge(cell("nox", 90.0), cell("pm", 60.0), cell("o2", 9.0), outlet=at_boiler(100))
    assert [(one.items[0][0], one.label, one.standard) for one in found] == [
        ("nox", "within", "permit 7"),
        ("pm", "suspected_over", "GB 13271-2014"),
    ]
    for changed in ({"standard": "GB 0"}, {"regime": "wood"}, {"standard": ""}):
        (alone,) = judge(
            cell("nox", 90.0), cell("pm", 60.0), cell("o2", 9.0), outlet=replace(at_boiler(100), **changed)
        )
        assert "beside_basis" not in dict(alone.notes)


def test_before_the_standard_was_in_force_only_the_permit_decides() -> None:
    steel = replace(STACK, limits=(PermitLimit("nox", 300.0, "hour", "permit 7"),), standard="环大气〔2019〕35号",
                    regime="other", o2_reference=None)  # fmt: skip
    day = {"start": local("2019-04-21T08:00"), "end": local("2019-04-21T09:00")}
    (before,) = judge(cell("nox", 250.0, **day), outlet=steel)
    (after,) = judge(cell("nox", 250.0), outlet=steel)
    assert (before.label, before.standard) == ("within", "permit 7")
    assert (after.label, after.standard) == ("suspected_over", "环大气〔2019〕35号")


def test_limits_at_different_reference_oxygen_are_compared_in_the_stack() -> None:
    hour = (cell("nox", 200.0), cell("o2", 6.0))  # 160 at 9 %, 200 at 6 %
    for limit, decides in ((374.0, "permit 7"), (376.0, "GB 13271-2014")):  # 300 at 9 % is 375 at 6 %
        (verdict,) = judge(*hour, outlet=replace(at_boiler(limit), o2_reference=6.0))
        assert verdict.standard == decides


def test_nobody_is_called_guilty() -> None:
    for language in ("zh", "en"):
        words = text("verdict.suspected_over", language)  # type: ignore[arg-type]
        assert "违法" not in words
        assert "illegal" not in words.lower()


# -- explanation ------------------------------------------------------------------------------------------------------


def steps(verdict: Verdict, name: str = "1号排口") -> tuple[list[str], str]:
    found = explain_outlet_verdict(verdict, name)
    for language in ("zh", "en"):
        assert all(step.say(language, CHINA) for step in found.steps)  # type: ignore[arg-type]
    return [step.key.removeprefix("law_outlet.") for step in found.steps], found.sentence.say("zh", CHINA)


def test_a_stored_verdict_explains_itself_in_the_words_of_a_file() -> None:
    (verdict,) = judge(cell("nox", 40.0), cell("o2", 12.0))
    found = explain_outlet_verdict(verdict, "1号排口")
    assert (found.value, found.limit, found.unit, found.edition) == ("53.333", "50", "mg/m3", "HJ 76-2017")
    keys, sentence = steps(verdict)
    assert keys == ["measured", "folded", "marked", "limit_of_permit", "compared", "multiple", "doubt"]
    assert "1号排口" in sentence and "2024-06-01" in sentence and "疑似超标 0.067 倍" in sentence


def test_the_explanation_names_both_limits() -> None:
    (verdict,) = judge(cell("nox", 250.0), cell("o2", 9.0), outlet=at_boiler(200))
    keys, sentence = steps(verdict)
    assert keys[3:5] == ["limit_of_permit", "beside_laxer"]
    said = explain_outlet_verdict(verdict).steps[4].say("zh", CHINA)
    assert "GB 13271-2014" in said and "300 mg/m³" in said and "permit 7" in sentence
    (lax,) = judge(cell("nox", 250.0), cell("o2", 9.0), outlet=at_boiler(400))
    assert steps(lax)[0][3:5] == ["limit_of_standard", "beside_laxer"]
    assert "permit 7" in explain_outlet_verdict(lax).steps[4].say("en", CHINA)
    (unsure,) = judge(cell("nox", 90.0), cell("o2", 3.5), outlet=replace(at_boiler(100, "oil_new"), o2_reference=3.5))
    assert "待核" in explain_outlet_verdict(unsure).steps[4].say("zh", CHINA)


def test_a_mark_after_the_alarm_and_what_is_no_evidence_are_told() -> None:
    (verdict,) = judge(cell("nox", 400.0), cell("o2", 9.0), declared=(declared("fault"),), industries={"E1": "power"})
    keys, sentence = steps(verdict)
    assert {"declared", "timing_after_alarm", "reason_marked_by_rule"} <= set(keys)
    assert "不作为超标依据" in sentence
    assert steps(judge(cell("nox", 1.0, quality="bad", reason="stuck"), cell("o2", 9.0))[0])[0][-2:] == [
        "reason_flagged_bad",
        "doubt",
    ]


def test_a_day_tells_how_many_hours_it_rests_on() -> None:
    (day,) = of_day(*(water(hour, 60.0) for hour in range(21)))
    assert steps(day)[0][:2] == ["measured_water", "count_day"]
    assert explain_outlet_verdict(day).steps[1].values["count"] == "21"


def test_a_verdict_of_another_kind_is_not_explained_here() -> None:
    (verdict,) = judge(cell("nox", 40.0), cell("o2", 12.0))
    with pytest.raises(InputError, match="section_class"):
        explain_outlet_verdict(replace(verdict, kind="section_class"))
    with pytest.raises(InputError, match="outlet_limit/1"):
        explain_outlet_verdict(replace(verdict, method="outlet_limit/1"))


def test_the_table_beside_a_permit_is_named_as_the_standard_names_it() -> None:
    outlet, on = at_boiler(200), local(START).date()
    assert regime_words(outlet, on) == "燃煤锅炉 新建(表2)"
    assert regime_words(replace(outlet, regime="coal boiler, new (table 2)"), on, "en") == "coal boiler, new (table 2)"
    assert regime_words(replace(outlet, regime="wood"), on) == "wood"
    assert regime_words(replace(outlet, standard="GB 0"), on) == "coal_new"
