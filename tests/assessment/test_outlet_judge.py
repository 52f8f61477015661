"""Outlets from a file: every limit at its edge, what is no evidence, what is refused, and why a verdict says so."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import REFUSED_SCHEMA, Judged, explain_outlet, judge_outlet, outlet_months
from bihuan.core import InputError, NotCovered, Place, pollutants, text
from bihuan.register import Outlet, PermitLimit, Register
from bihuan.standards import DECIDING, Row, Standard, standards

ON = date(2026, 6, 1)
LIMITS = [
    (edition, row)
    for edition in standards()
    for regime in edition.table("regimes")
    for row in edition.table(regime.item)
    if "averaging" in row.fields
]
IDS = [row.id for _, row in LIMITS]


def one(**cells: Any) -> dict[str, Any]:
    base = {"site": "DA001", "start": "2026-06-01 08:00", "pollutant": "nox", "value": "40", "averaging": "hour"}
    return base | {name: None if value is None else str(value) for name, value in cells.items()}


def judged(*rows: dict[str, Any], **more: Any) -> Judged:
    return judge_outlet(pl.DataFrame(list(rows), infer_schema_length=None), **more)


def label(**cells: Any) -> tuple[str, str]:
    found = judged(one(**cells)).verdicts.row(0, named=True)
    return found["label"], found["reason"]


def reason(**cells: Any) -> str:
    found = judged(one(**cells)).refused
    assert found.height == 1
    return str(found["reason"][0])


def at_reference(edition: Standard, row: Row) -> dict[str, Any]:
    """Cells under which a value is held against a row as it stands: oxygen at its reference."""
    head = edition.row("regimes", row.table)
    oxygen = head.fields.get("o2_reference")
    cells = {"standard": edition.number, "regime": row.table, "pollutant": row.item, "averaging": row["averaging"]}
    return cells if oxygen is None else cells | {"o2": oxygen}


@pytest.mark.parametrize(("edition", "row"), LIMITS, ids=IDS)
def test_every_limit_holds_at_its_edge_and_one_unit_of_its_last_digit_beside(edition: Standard, row: Row) -> None:
    limit = Decimal(row["limit"])
    step = Decimal(1).scaleb(min(0, int(limit.as_tuple().exponent)))
    found = judged(
        *(one(**at_reference(edition, row), value=value) for value in (limit - step, limit, limit + step)),
        on=ON,
        place="410100",
        allow=frozenset({edition.id}),
    )
    assert found.verdicts["label"].to_list() == ["within", "within", "suspected_over"]
    assert set(found.verdicts["edition"]) == {edition.number}
    assert found.verdicts["limit"].to_list() == [float(limit)] * 3


@pytest.mark.parametrize(("edition", "row"), LIMITS, ids=IDS)
def test_a_limit_that_is_not_sure_decides_nothing_by_itself(edition: Standard, row: Row) -> None:
    found = judged(one(**at_reference(edition, row), value="9000"), on=ON, place="410100").verdicts
    head = edition.row("regimes", row.table)
    sure = {row.status, edition.status, *([head.status] if "o2_reference" in head.fields else [])} <= DECIDING
    assert (found["label"][0] == "suspected_over") == sure
    if not sure:
        assert found["label"][0] == "undecided"
        assert found["multiple"][0] is None


@pytest.mark.parametrize("switch", ["gb_13271_2014", "gb_13271_2014#oil_new", "gb_13271_2014#oil_new.nox.hour"])
def test_a_city_switches_a_limit_on_by_edition_table_or_row(switch: str) -> None:
    cells = {"standard": "GB 13271", "regime": "oil_new", "value": 251, "o2": 3.5}
    assert judged(one(**cells)).verdicts["label"].to_list() == ["undecided"]
    on = judged(one(**cells), allow=frozenset({switch})).verdicts
    assert on.select("label", "status").row(0) == ("suspected_over", "unconfirmed")


def test_the_public_tables_that_contradict_each_other_decide_nothing() -> None:
    rows = {row.id for edition, row in LIMITS if row.status == "conflicting"}
    assert rows >= {
        "gb_13223_2011#coal_special.nox.hour",
        "gb_13223_2011#coal_existing.so2.hour",
        "gb_4915_2013#kiln_special.nox.hour",
        "coking_ultra_low_2024#coke_oven.nox.hour",
    }


def test_the_limits_are_those_of_the_reference() -> None:
    held = {(edition.code, row.table, row.item): row["limit"] for edition, row in LIMITS}
    assert [held["GB 13223", "coal_new", item] for item in ("pm", "so2", "nox")] == [30, 100, 100]
    assert [held["power ultra-low", "coal", item] for item in ("pm", "so2", "nox")] == [10, 35, 50]
    assert [held["GB 13271", "coal_special", item] for item in ("pm", "so2", "nox")] == [30, 200, 200]
    assert [held["steel ultra-low", "other", item] for item in ("pm", "so2", "nox")] == [10, 50, 200]
    assert [held["GB 4915", "kiln_general", item] for item in ("pm", "so2", "nox")] == [30, 200, 400]


def test_folding_is_exact_at_the_limit() -> None:
    """37.5 at 12 % oxygen is 50 at 9 %: the limit itself, which is kept."""
    assert label(value="37.5", o2="12", limit="50", o2_reference="9") == ("within", "")
    assert label(value="37.500000001", o2="12", limit="50", o2_reference="9") == ("suspected_over", "")
    assert label(value="0.1", o2="20.7", limit="4", o2_reference="9") == ("within", "")


def test_the_multiple_is_of_what_lies_above_the_limit() -> None:
    row = judged(one(value="75", limit="50")).verdicts.row(0, named=True)
    assert (row["compared"], row["multiple"]) == (75.0, 0.5)
    assert judged(one(value="50", limit="50")).verdicts["multiple"][0] is None


@pytest.mark.parametrize("oxygen", ["21", "21.5", "26"])
def test_oxygen_of_air_is_never_folded_with(oxygen: str) -> None:
    assert label(value="3", o2=oxygen, limit="50", o2_reference="9") == ("no_value", "cannot_be_folded")


@pytest.mark.parametrize("cell", ["value", "o2", "folded"])
def test_9999_99_is_a_sign_and_no_number(cell: str) -> None:
    cells = {"value": "40", "o2": "12", "folded": None, "limit": "50", "o2_reference": "9"} | {cell: "9999.99"}
    wanted = {"value": ("no_value", "no_items"), "o2": ("no_value", "no_oxygen"), "folded": ("suspected_over", "")}
    assert label(**cells) == wanted[cell]


def test_without_oxygen_the_value_that_the_device_folded_is_judged() -> None:
    row = judged(one(value="40", folded="55", limit="50", o2_reference="9")).verdicts.row(0, named=True)
    assert (row["label"], row["compared"], row["folded"]) == ("suspected_over", 55.0, False)


@pytest.mark.parametrize(("minutes", "wanted"), [(44, "no_value"), (45, "suspected_over"), (60, "suspected_over")])
def test_an_hour_is_valid_from_45_minutes_on(minutes: int, wanted: str) -> None:
    assert label(value="60", limit="50", minutes=minutes)[0] == wanted


@pytest.mark.parametrize("mark", ["F", "M", "S", "D", "C", "T", "B", "N;D", "n,d"])
def test_a_data_flag_other_than_normal_is_no_evidence(mark: str) -> None:
    assert label(value="400", limit="50", mark=mark) == ("not_evidence", "marked_invalid")
    assert label(value="400", limit="50", mark="N")[0] == "suspected_over"


@pytest.mark.parametrize("industry", ["火电", "thermal_power", "水泥", "造纸", "生活垃圾焚烧"])
def test_a_declared_condition_counts_for_four_industries_from_2023_on(industry: str) -> None:
    cells = {"value": "400", "limit": "50", "state": "故障", "industry": industry}
    assert label(**cells, start="2023-01-01 00:00") == ("not_evidence", "marked_by_rule")
    assert label(**cells, start="2022-12-31 23:00") == ("suspected_over", "state_outside_rule")


def test_a_condition_declared_in_another_industry_does_not_excuse() -> None:
    assert label(value="400", limit="50", state="故障", industry="钢铁") == ("suspected_over", "state_outside_rule")
    assert label(value="400", limit="50", state="正常")[1] == ""


@pytest.mark.parametrize("state", ["启炉", "停炉", "start_up"])
def test_start_up_and_shut_down_are_not_folded_in_any_industry(state: str) -> None:
    cells = {"value": "40", "o2": "19.5", "limit": "50", "o2_reference": "9", "state": state, "industry": "钢铁"}
    row = judged(one(**cells)).verdicts.row(0, named=True)
    assert (row["label"], row["reason"], row["compared"]) == ("not_evidence", "start_or_stop", None)


def test_the_time_of_a_mark_is_kept_as_it_was_made() -> None:
    cells = {"value": "400", "limit": "50", "state": "故障", "industry": "火电", "alarm_at": "2026-06-01 09:05"}
    made = {"2026-06-01 08:30": "in_time", "2026-06-01 09:03": "after_period", "2026-06-01 09:06": "after_alarm"}
    for at, timing in made.items():
        row = judged(one(**cells, marked_at=at)).verdicts.row(0, named=True)
        assert (row["mark_timing"], row["label"]) == (timing, "not_evidence")
        assert f"law_outlet.timing_{timing}" in [step.key for step in explain_outlet(row).steps]


def test_the_rate_follows_from_the_measured_value_and_the_dry_flow() -> None:
    assert judged(one(value="40", limit="50", flow="250000")).verdicts["rate"][0] == 10.0
    assert judged(one(pollutant="cod", value="40", limit="50", flow="250000")).verdicts["rate"][0] is None


def test_hours_under_a_daily_limit_become_a_day_of_local_time() -> None:
    begin = datetime(2026, 5, 31, 16, tzinfo=UTC)  # midnight in China
    hours = [
        one(start=(begin + timedelta(hours=n)).isoformat(), pollutant="cod", value=51 if n < 12 else 49, limit=50,
            limit_averaging="day")
        for n in range(25)
    ]  # fmt: skip
    found = judged(*hours).verdicts
    assert found.select("averaging", "compared", "count", "label").rows() == [
        ("day", 50.0, 24, "within"),
        ("day", None, 1, "no_value"),
    ]
    assert found["start"].to_list() == [begin, begin + timedelta(days=1)]
    assert found["row"].to_list() == [1, 25]


def test_a_day_needs_twenty_valid_hours_and_marked_ones_are_none() -> None:
    def day(good: int) -> tuple[str, str, int]:
        hours = [
            one(start=f"2026-06-01 {n:02d}:00", pollutant="cod", value=60, limit=50, limit_averaging="day",
                mark="N" if n < good else "M")
            for n in range(24)
        ]  # fmt: skip
        return judged(*hours).verdicts.select("label", "reason", "count").row(0)  # type: ignore[return-value]

    assert day(20) == ("suspected_over", "", 20)
    assert day(19) == ("no_value", "too_few_hours", 19)


def test_the_permit_of_the_register_is_taken_by_outlet_and_day() -> None:
    def stack(limit: float, since: date, until: date | None) -> Outlet:
        return Outlet(
            id="DA001", name="stack", enterprise="E1", place=Place(113.6, 34.7), district="410102", medium="air",
            o2_reference=9.0, limits=(PermitLimit("nox", limit, "hour", "permit"),), valid_from=since, valid_to=until,
        )  # fmt: skip

    register = Register([stack(100, date(2020, 1, 1), date(2026, 6, 1)), stack(50, date(2026, 6, 1), None)])
    rows = [one(value="60", o2="9", start=f"2026-{day} 08:00") for day in ("05-31", "06-01")]
    found = judged(*rows, register=register).verdicts
    assert found.select("limit", "label").rows() == [(100.0, "within"), (50.0, "suspected_over")]
    assert judged(one(site="DA009"), register=register).refused["reason"].to_list() == ["outlet_no_limit"]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"pollutant": "pm99", "limit": 50}, "outlet_unknown_code"),
        ({"unit": "ug/m3", "limit": 50}, "outlet_wrong_unit"),
        ({"averaging": None, "limit": 50}, "outlet_no_averaging"),
        ({"averaging": "week", "limit": 50}, "outlet_averaging"),
        ({"start": None, "limit": 50}, "outlet_no_date"),
        ({"start": "yesterday", "limit": 50}, "outlet_time"),
        ({"start": "2010-01-01 00:00", "limit": 50}, "outlet_outside_editions"),
        ({"value": "-0.1", "limit": 50}, "outlet_negative"),
        ({"o2": "-1", "limit": 50}, "outlet_negative"),
        ({"o2": "27", "limit": 50}, "outlet_impossible"),
        ({"value": "99999", "limit": 50}, "outlet_impossible"),
        ({"value": "many", "limit": 50}, "outlet_no_number"),
        ({"state": "asleep", "limit": 50}, "outlet_unknown_state"),
        ({"limit": 50, "o2_reference": 21}, "outlet_reference_oxygen"),
        ({}, "outlet_no_limit"),
        ({"standard": "GB 0"}, "outlet_unknown_standard"),
        ({"standard": "GB 13223", "regime": "wood"}, "outlet_unknown_regime"),
        ({"standard": "GB 13223", "regime": "coal_new", "pollutant": "nmhc"}, "outlet_item_not_limited"),
        ({"standard": "DB41/1953-2020", "regime": "kiln"}, "outlet_outside_editions"),
        ({"site": None, "limit": 50}, "outlet_no_site"),
    ],
)
def test_a_row_that_cannot_be_judged_is_refused_with_its_reason(cells: dict[str, Any], why: str) -> None:
    assert reason(**cells) == why
    for language in ("zh", "en"):
        assert text(f"refused.{why}", language)  # type: ignore[arg-type]


def test_the_other_rows_of_a_table_are_judged() -> None:
    found = judged(one(limit=50), one(value="-1", limit=50), one(limit=30))
    assert found.verdicts["row"].to_list() == [1, 3]
    assert found.refused.schema == REFUSED_SCHEMA
    assert found.refused["row"].to_list() == [2]


def test_a_named_day_chooses_the_law_and_must_have_one() -> None:
    cells = {"start": "2010-01-01 00:00", "limit": "50"}
    assert judged(one(**cells), on=ON).verdicts["label"].to_list() == ["within"]
    with pytest.raises(NotCovered, match="HJ 76"):
        judged(one(**cells), on=date(2010, 1, 1))


def test_a_table_without_a_column_of_sites_names_those_that_are_read() -> None:
    with pytest.raises(InputError, match=r"outlet_columns\.toml lists the names"):
        judge_outlet(pl.DataFrame({"value": ["1"]}))


def test_chinese_heads_words_and_wire_codes_are_read() -> None:
    row = {
        "排口编号": "DA001",
        "开始时间": "2026/6/1 8:00",
        "因子": "a21002",
        "实测浓度(mg/m3)": 60.0,
        "数据类型": "小时均值",
    }
    found = judge_outlet(pl.DataFrame([row | {"许可限值": 50, "依据": "许可证"}])).verdicts.row(0, named=True)
    assert (found["pollutant"], found["label"], found["basis"]) == ("nox", "suspected_over", "许可证")
    assert found["start"] == datetime(2026, 6, 1, tzinfo=UTC)


@given(st.decimals(0, 900, places=2), st.decimals(0, 20, places=2), st.decimals(0, 20, places=1), st.integers(1, 400))
def test_a_folded_value_is_compared_without_any_rounding(
    value: Decimal, o2: Decimal, reference: Decimal, limit: int
) -> None:
    row = judged(one(value=value, o2=o2, o2_reference=reference, limit=limit)).verdicts.row(0, named=True)
    over = value * (21 - reference) > limit * (21 - o2)
    assert row["label"] == ("suspected_over" if over else "within")


LABELS = [
    {"value": "60", "limit": "50", "minutes": "60", "flow": "1000"},
    {"value": "40", "o2": "12", "limit": "80", "o2_reference": "9"},
    {"value": "40", "o2": "21", "limit": "50", "o2_reference": "9"},
    {"value": "40", "limit": "50", "mark": "D"},
    {"value": "40", "limit": "50", "state": "故障", "industry": "钢铁"},
    {"value": "400", "standard": "GB 13271", "regime": "oil_new", "o2": "3.5"},
    {"value": "40", "standard": "steel ultra-low", "regime": "sinter", "o2": "16"},
    {"pollutant": "cod", "value": "40", "limit": "50", "averaging": "day"},
    {"value": None, "limit": "50"},
]


@pytest.mark.parametrize("cells", LABELS, ids=range(len(LABELS)))
def test_every_verdict_explains_itself_in_both_languages(cells: dict[str, Any]) -> None:
    row = judged(one(**cells)).verdicts.row(0, named=True)
    found = explain_outlet(row)
    assert found.clause == row["clause"]
    for language in ("zh", "en"):
        for message in (*found.steps, found.sentence):
            assert "{" not in message.say(language)  # type: ignore[arg-type]
    if row["label"] == "suspected_over":
        assert "疑似超标" in found.sentence.say("zh")
        assert found.limit in found.sentence.say("en")


def test_the_explanation_shows_the_folding_with_its_numbers() -> None:
    row = judged(one(value="40", o2="12", limit="50", o2_reference="9")).verdicts.row(0, named=True)
    found = explain_outlet(row)
    assert (found.value, found.limit, found.unit) == ("53.333", "50", "mg/m3")
    said = [step.say("zh") for step in found.steps]
    assert "按基准含氧量 9% 折算:40 × (21 − 9) ÷ (21 − 12) = 53.333 mg/m³" in said
    assert any("0.067" in step for step in said)
    with pytest.raises(InputError, match="judge_outlet"):
        explain_outlet({"site": "DA001"})


BOTH = {"standard": "GB 13271", "regime": "coal_new", "o2": "9", "o2_reference": "9"}
"""A row that names a table (NOx 300) beside its own limit."""


@pytest.mark.parametrize(
    ("limit", "decides", "beside"), [(200, 200.0, 300.0), (300, 300.0, 300.0), (400, 300.0, 400.0)]
)
def test_of_a_limit_and_a_table_named_beside_it_the_stricter_decides(limit: int, decides: int, beside: int) -> None:
    row = judged(one(**BOTH, value="250", limit=limit, basis="permit 7")).verdicts.row(0, named=True)
    assert (row["limit"], row["beside_limit"], row["beside_why"]) == (decides, beside, "laxer")
    assert (row["basis"] == "permit 7") == (limit <= 300)  # the permit's where both are as strict
    assert row["label"] == ("suspected_over" if limit < 250 else "within")


def test_a_table_that_is_not_sure_is_named_and_does_not_decide() -> None:
    cells = BOTH | {"regime": "oil_new", "value": "260", "limit": "280"}
    row = judged(one(**cells)).verdicts.row(0, named=True)
    assert (row["label"], row["limit"], row["beside_limit"], row["beside_why"]) == ("within", 280.0, 250.0, "to_check")
    on = judged(one(**cells), allow=frozenset({"gb_13271_2014#oil_new"})).verdicts.row(0, named=True)
    assert (on["label"], on["limit"], on["beside_limit"], on["status"]) == (
        "suspected_over",
        250.0,
        280.0,
        "unconfirmed",
    )


def test_a_table_that_says_nothing_of_the_row_leaves_it_to_its_own_limit() -> None:
    steel = {"standard": "steel ultra-low", "regime": "other", "start": "2019-04-21 08:00"}  # a day before its effect
    for cells in ({"pollutant": "nmhc"}, steel):
        found = judged(one(**BOTH | {"value": "40", "limit": "50"} | cells)).verdicts
        assert (found["label"][0], found["beside_why"][0], found["limit"][0]) == ("within", "", 50.0)
    assert judged(one(**BOTH | {"regime": "wood", "value": "40", "limit": "50"})).refused["reason"].to_list() == [
        "outlet_unknown_regime"
    ]


def test_a_standard_without_a_table_is_only_what_the_limit_rests_on() -> None:
    row = judged(one(value="40", limit="50", standard="GB 13271-2014")).verdicts.row(0, named=True)
    assert (row["basis"], row["beside_why"], row["limit"]) == ("GB 13271-2014", "", 50.0)


def test_days_under_two_limits_are_folded_for_each_and_the_stricter_decides() -> None:
    outlet = Outlet(
        id="DA001", name="stack", enterprise="E1", place=Place(113.6, 34.7), district="410102", medium="air",
        o2_reference=9.0, limits=(PermitLimit("nox", 50.0, "day", "permit"), PermitLimit("nox", 40.0, "day", "older")),
    )  # fmt: skip
    hours = [one(start=f"2026-06-01 {n:02d}:00", value="36", o2="12") for n in range(24)]
    (row,) = judged(*hours, register=Register([outlet])).verdicts.to_dicts()
    assert (row["compared"], row["limit"], row["beside_limit"], row["label"]) == (48.0, 40.0, 50.0, "suspected_over")


def test_a_month_counts_its_hours_and_says_whether_ninety_five_per_cent_kept_the_limit() -> None:
    def month(over: int) -> dict[str, Any]:
        rows = [
            one(start=f"2026-06-{1 + n // 24:02d} {n % 24:02d}:00", value=201 if n < over else 100,
                standard="steel ultra-low", regime="other", flow=1000)
            for n in range(600)
        ]  # fmt: skip
        return outlet_months(judged(*rows).verdicts).row(0, named=True)

    kept, broken = month(30), month(31)
    assert (kept["hours_judged"], kept["share_needed"], kept["share_within"], kept["kept"]) == (600, 0.95, 0.95, True)
    assert (broken["hours_within"], broken["kept"]) == (569, False)
    assert (kept["days_valid"], kept["days_needed"], kept["month_valid"]) == (25, 25, True)
    assert kept["mass"] == pytest.approx((30 * 201 + 570 * 100) * 1000 * 1e-6)


def test_february_needs_twenty_three_days_and_an_invalid_month_has_no_mean() -> None:
    def days(count: int) -> tuple[int, bool, float | None]:
        rows = [
            one(start=f"2026-02-{1 + n // 20:02d} {n % 20:02d}:00", value=100, limit=200) for n in range(20 * count)
        ]
        row = outlet_months(judged(*rows).verdicts).row(0, named=True)
        return row["days_needed"], row["month_valid"], row["mean"]

    assert days(23) == (23, True, 100.0)
    assert days(22) == (23, False, None)


def test_every_code_of_the_list_is_known_by_its_name_and_wire_code() -> None:
    for code, about in pollutants().items():
        for name in (code, about.zh, *about.hj212_2017):
            row = judged(one(pollutant=name, value="1", limit="5")).verdicts
            assert row.height == 0 or row["pollutant"][0] == code
