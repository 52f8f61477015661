"""Dust of building sites by the rule of the province, and by none where none is held."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from bihuan.assessment import Judged, explain_dust, judge_dust
from bihuan.core import InputError, NotCovered, text
from bihuan.standards import Row, Standard, standards

HELD = [(edition, row) for edition in standards() if edition.code == "site dust" for row in edition.rows]
NORMAL = {"site": "S1", "start": "2026-06-01 08:00", "pollutant": "tsp", "value": "700"}


def one(**cells: Any) -> dict[str, Any]:
    return NORMAL | {name: None if value is None else str(value) for name, value in cells.items()}


def judged(*rows: dict[str, Any], **more: Any) -> Judged:
    return judge_dust(pl.DataFrame(list(rows), infer_schema_length=None), **more)


def cells_of(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"pollutant": row.item, "rule": row.table, "minutes": row.fields.get("minutes")}
    return found | ({"background": "50"} if row.fields.get("over_background") else {})


@pytest.mark.parametrize(("edition", "row"), HELD, ids=[row.id for _, row in HELD])
def test_every_limit_counts_from_one_unit_above_and_so_many_a_day_are_let_pass(edition: Standard, row: Row) -> None:
    base = Decimal(50 if row.fields.get("over_background") else 0)
    let_pass = int(row["exceedances_a_day"])

    def day(over: int) -> dict[str, Any]:
        values = [row["limit"] - 1, row["limit"], *[row["limit"] + 1] * over]
        rows = [
            one(**cells_of(row), value=base + value, start=f"2026-06-01 {n:02d}:00") for n, value in enumerate(values)
        ]
        return judged(*rows, place=f"{edition.places[0]}0100", allow=frozenset({edition.id})).verdicts.row(
            0, named=True
        )

    kept, broken = day(let_pass), day(let_pass + 1)
    assert (kept["over"], kept["label"], kept["let_pass"]) == (let_pass, "within", let_pass)
    assert (broken["over"], broken["label"], broken["edition"]) == (let_pass + 1, "over", edition.number)


def test_shanghais_recalled_numbers_decide_nothing_by_themselves() -> None:
    row = one(pollutant="pm", value="2001", minutes=15, rule="site")
    assert judged(row, place="310000").verdicts.select("label", "reason").row(0) == ("undecided", "limit_to_check")


def test_a_place_without_a_rule_is_not_covered_and_borrows_none() -> None:
    found = judged(one(minutes=60), place="410100")
    assert found.refused["reason"].to_list() == ["dust_no_rule_here"]
    with pytest.raises(NotCovered, match="DB13/2934-2019"):
        judged(one(minutes=60), place="410100", on=date(2026, 6, 1))


def test_the_days_are_those_of_the_place() -> None:
    rows = [one(start=start, minutes=60, rule="土方", value=900) for start in ("2026-06-01 23:00", "2026-06-02 00:00")]
    found = judged(*rows, place="610100").verdicts
    assert found.select("start", "values", "over", "row").rows() == [
        (datetime(2026, 5, 31, 16, tzinfo=UTC), 1, 1, 1),
        (datetime(2026, 6, 1, 16, tzinfo=UTC), 1, 1, 2),
    ]


@pytest.mark.parametrize(
    ("place", "cells", "why"),
    [
        ("610100", {"minutes": 60}, "dust_unknown_rule"),
        ("610100", {"rule": "earthwork"}, "dust_no_averaging"),
        ("610100", {"rule": "earthwork", "minutes": 5}, "dust_other_averaging"),
        ("610100", {"rule": "roof", "minutes": 60}, "dust_unknown_rule"),
        ("610100", {"rule": "structure", "minutes": 60, "pollutant": "pm10"}, "dust_item_not_limited"),
        ("130100", {"pollutant": "pm10"}, "dust_no_background"),
        ("610100", {"rule": "structure", "minutes": 60, "value": "-5"}, "dust_negative"),
        ("610100", {"rule": "structure", "minutes": 60, "value": "100001"}, "dust_impossible"),
        ("610100", {"rule": "structure", "minutes": 60, "value": None}, "dust_no_value"),
        ("610100", {"rule": "structure", "minutes": 60, "unit": "mg/m3"}, "dust_wrong_unit"),
        ("610100", {"start": "later"}, "dust_time"),
        ("610100", {"site": None}, "dust_no_site"),
        ("610100", {"start": "2015-01-01 00:00"}, "dust_no_rule_here"),
    ],
)
def test_a_row_that_cannot_be_judged_is_refused_with_its_reason(place: str, cells: dict[str, Any], why: str) -> None:
    assert judged(one(**cells), place=place).refused["reason"].to_list() == [why]
    assert text(f"refused.{why}", "zh") != text(f"refused.{why}", "en")


def test_every_verdict_explains_itself() -> None:
    row = judged(one(minutes=60, rule="earthwork", value=900), place="610100").verdicts.row(0, named=True)
    found = explain_dust(row)
    assert (found.value, found.limit, found.unit, found.status) == ("900", "800", "ug/m3", "confirmed")
    for message in (*found.steps, found.sentence):
        assert "{" not in message.say("zh") + message.say("en")
    with pytest.raises(InputError, match="judge_dust"):
        explain_dust({})
