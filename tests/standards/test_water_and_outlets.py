"""GB 3838 and the rules of outlet monitoring say what their texts say."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bihuan.core import NotCovered
from bihuan.standards import editions, lookup

ON = date(2026, 11, 1)
CODES = {
    "pH": "ph", "DO": "do", "CODMn": "codmn", "COD": "cod", "BOD5": "bod5", "NH3N": "nh3n", "Cu": "copper",
    "Zn": "zinc", "F": "fluoride", "Se": "selenium", "As": "arsenic", "Hg": "mercury", "Cd": "cadmium",
    "Cr6": "chromium6", "Pb": "lead", "CN": "cyanide", "phenol": "phenol", "petro": "petroleum", "LAS": "las",
    "S2": "sulfide", "Ecoli": "faecal_coliform", "SS": "ss", "animal_veg_oil": "animal_vegetable_oil",
    "petroleum": "petroleum", "TN": "tn", "color": "colour", "fecal_coliform": "faecal_coliform",
}  # fmt: skip
"""Names of the transcribed tables."""


def transcribed(shared: Path, name: str) -> Iterator[dict[str, str]]:
    path = shared / "reference" / "water_soil" / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"the transcribed table {name} is not here")
    yield from csv.DictReader(path.read_text("utf-8").splitlines())


def limit(words: str) -> Any:
    low, dash, high = words.partition("-")
    return (Decimal(low), Decimal(high)) if dash and low[-1] != "e" else Decimal(words)


@pytest.mark.reference
def test_every_class_limit_is_the_transcribed_one(shared: Path) -> None:
    held = {(row.item, row["water_body"]): row["classes"] for row in lookup("GB 3838", on=ON).table("classes")}
    for row in transcribed(shared, "gb3838_2002_table1"):
        if row["kind"] == "rise":
            continue
        item, _, body = row["code"].partition("_")
        key = (CODES.get(item, item.lower()), body or "any")
        assert held.pop(key) == tuple(limit(row[f"class{number}"]) for number in range(1, 6)), key
    assert not held


@pytest.mark.reference
def test_every_limit_of_treated_sewage_is_the_transcribed_one(shared: Path) -> None:
    rows = {row.item: row for row in lookup("GB 18918", on=ON, allow_unconfirmed=True).table("limits")}
    older = editions("GB 18918")[0].row("limits_older", "tp")
    special = {
        "NH3N_T>12C": rows["nh3n"]["levels"], "NH3N_T<=12C": rows["nh3n"]["bracket"],
        "TP_built_before_2006": older["levels"], "TP_built_from_2006": rows["tp"]["levels"],
    }  # fmt: skip
    count = 0
    for row in transcribed(shared, "gb18918_2002_table1"):
        levels = special.get(row["item"]) or rows[CODES[row["item"]]]["levels"]
        names = {"1A": "1A", "1B": "1B", "2": "class2", "3": "class3"}
        assert dict(levels) == {level: limit(row[name]) for level, name in names.items() if row[name]}, row["item"]
        count += 1
    assert count == 14


def test_what_is_recalled_of_water_decides_nothing_by_default() -> None:
    assert lookup("GB 3838", on=ON).table("saturation") == lookup("GB 3838", on=ON).table("temperature") == ()
    rule = lookup("surface water evaluation", on=ON)
    assert [rule.table(name) for name in ("grades", "river_grades", "below_detection", "tli_grades")] == [()] * 4
    assert lookup("GB 18918", on=ON).table("bracket") == lookup("GB 18918", on=ON).table("limits_older") == ()
    for code in ("GB 8978", "black odorous water, rural"):
        with pytest.raises(NotCovered, match="switch it on"):
            lookup(code, on=ON)


def test_tables_two_and_three_of_surface_water_are_not_held() -> None:
    assert {row.table for row in editions("GB 3838")[0].rows} == {"classes", "saturation", "temperature"}


def test_levels_of_discharge_do_not_get_stricter() -> None:
    for code in ("GB 18918", "GB 8978"):
        for row in editions(code)[0].table("limits"):
            limits = list(row["levels"].values())
            assert limits == sorted(limits), row.id
            assert all(row["bracket"][level] >= row["levels"][level] for level in row.fields.get("bracket", {}))


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
    left_out = {row.item for row in lookup("surface water evaluation", on=ON).table("not_assessed")}
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
