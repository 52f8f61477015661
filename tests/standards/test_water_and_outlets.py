"""GB 3838 and the rules of outlet monitoring say what their texts say."""

from datetime import date
from decimal import Decimal

from bihuan.standards import lookup

ON = date(2026, 11, 1)


def test_the_classes_of_the_common_items() -> None:
    rows = lookup("GB 3838", on=ON).table("classes")
    classes = {(row.item, row["water_body"]): row["classes"] for row in rows}
    assert classes[("do", "any")] == (Decimal("7.5"), 6, 5, 3, 2)
    assert classes[("codmn", "any")] == (2, 4, 6, 10, 15)
    assert classes[("cod", "any")] == (15, 15, 20, 30, 40)
    assert classes[("nh3n", "any")] == tuple(map(Decimal, ("0.15", "0.5", "1.0", "1.5", "2.0")))
    assert classes[("tp", "river")] == tuple(map(Decimal, ("0.02", "0.1", "0.2", "0.3", "0.4")))
    assert classes[("tp", "lake")] == tuple(map(Decimal, ("0.01", "0.025", "0.05", "0.1", "0.2")))
    assert classes[("mercury", "any")][0] == Decimal("0.00005")


def test_a_river_is_judged_by_twenty_one_items() -> None:
    standard = lookup("GB 3838", on=ON)
    left_out = {row.item for row in standard.table("not_assessed")}
    items = {row.item for row in standard.table("classes") if row["water_body"] in ("any", "river")} - left_out
    assert left_out == {"water_temperature", "tn", "faecal_coliform"}
    assert len(items) == 21


def test_the_counts_of_stack_monitoring_and_the_folding_guard() -> None:
    standard = lookup("HJ 76", on=ON)
    counts = {row.item: row["at_least"] for row in standard.table("validity")}
    assert counts == {"hour": 45, "day": 20, "month": 25}
    assert standard.row("validity", "month", averaging="month")["at_least_february"] == 23
    assert standard.row("folding", "o2")["air"] == 21


def test_only_the_mark_of_normal_running_is_evidence_by_default() -> None:
    marks = lookup("HJ 76", on=ON).table("marks")
    assert [(row.item, row["evidence"]) for row in marks] == [("N", True)]


def test_the_marking_notice_begins_in_2023() -> None:
    industries = {row.item for row in lookup("CEMS marking", on=date(2023, 1, 1)).table("industries")}
    assert industries == {"waste_incineration", "thermal_power", "cement", "paper"}
