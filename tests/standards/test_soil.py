"""GB 36600 and GB 15618 say what the transcribed tables say, cell by cell; HJ 25.3 holds every parameter it needs."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bihuan.core import NotCovered, pollutant
from bihuan.standards import Standard, check, lookup, parse, standards

ON = date(2026, 11, 1)
SYMBOLS = {
    "Cd": "cadmium",
    "Hg": "mercury",
    "As": "arsenic",
    "Pb": "lead",
    "Cr": "chromium",
    "Cu": "copper",
    "Ni": "nickel",
    "Zn": "zinc",
    "BHC_total": "hch_total",
    "DDT_total": "ddt_total",
    "BaP": "bap",
}
FARMLAND = {"水田": "paddy", "其他": "other", "果园": "orchard", "all": "any"}
BINS = ["pH<=5.5", "5.5<pH<=6.5", "6.5<pH<=7.5", "pH>7.5"]


def rows(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "reference" / "water_soil" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def soil(ident: str) -> Standard:
    return next(standard for standard in standards() if standard.id == ident)


@pytest.mark.reference
def test_every_cell_of_gb_36600_is_the_transcribed_one(shared: Path) -> None:
    law = lookup("GB 36600", on=ON)
    held = {(row["name_zh"], row["cas"]): row for row in law.table("limits")}
    wanted = rows(shared, "gb36600_2018.csv")
    assert len(held) == len(wanted) == 85
    for line in wanted:
        row = held[(line["pollutant"], line["cas"].replace(";", "; "))]
        assert row.clause == f"table {line['table']}"
        assert row["number"] == int(line["item_no"])
        assert row["unit"] == line["unit"]
        found = [*row["screening"], *row["control"]]
        names = ("screening_cat1", "screening_cat2", "control_cat1", "control_cat2")
        assert [Decimal(line[name]) for name in names] == found, row.item
        assert ("background" in row.fields) == line["footnote"].startswith("a")
        confirmed = line["table"] == "1" and int(line["item_no"]) <= 34
        assert row.status == ("confirmed" if confirmed else "single_source")


@pytest.mark.reference
def test_every_cell_of_gb_15618_is_the_transcribed_one(shared: Path) -> None:
    law = lookup("GB 15618", on=ON)
    tables = {"1": "screening", "2": "screening", "3": "control"}
    seen = 0
    for line in rows(shared, "gb15618_2018.csv"):
        item, land = SYMBOLS[line["pollutant"]], FARMLAND[line["farmland"]]
        row = law.row(tables[line["table"]], item, land_use=land)
        place = 0 if line["pH_bin"] == "all" else BINS.index(line["pH_bin"])
        assert row["limits"][place] == Decimal(line["value"]), line
        assert row.clause == f"table {line['table']}"
        assert (len(row["limits"]) == 1) == (line["pH_bin"] == "all")
        seen += 1
    held = sum(len(row["limits"]) for name in ("screening", "control") for row in law.table(name))
    assert seen == held == 79


def test_the_edges_of_ph_belong_to_the_bin_below() -> None:
    row = lookup("GB 15618", on=ON).row("ph_bins", "upper_edges")
    assert row["edges"] == (Decimal("5.5"), Decimal("6.5"), Decimal("7.5"))
    assert row["inclusive"] == "upper"


def test_limits_begin_on_the_first_of_august_2018() -> None:
    for code in ("GB 36600", "GB 15618"):
        assert lookup(code, on=date(2018, 8, 1)).effective_to is None
        with pytest.raises(NotCovered, match="from 2018-08-01"):
            lookup(code, on=date(2018, 7, 31))


def test_the_rule_of_rotation_waits_until_a_city_switches_it_on() -> None:
    assert lookup("GB 15618", on=ON).table("rotation") == ()
    on = lookup("GB 15618", on=ON, allow=frozenset({"gb_15618_2018#rotation"}))
    assert [row["takes"] for row in on.table("rotation")] == ["stricter"]


def test_nothing_of_the_risk_model_decides_by_itself() -> None:
    assert lookup("HJ 25.3", on=ON).rows == ()


@pytest.mark.reference
def test_every_parameter_of_the_risk_model_is_the_transcribed_one(shared: Path) -> None:
    held = {row["symbol"]: row for row in soil("hj_25_3_2019").table("parameters")}
    wanted = rows(shared, "hj25_3_2019_parameters.csv")
    assert len(held) == len(wanted)
    for line in wanted:
        row = held[line["symbol"]]
        assert row["class_1"] == Decimal(line["class1_land"]), line
        assert ("class_2" in row.fields) == bool(line["class2_land"])
        assert not line["class2_land"] or row["class_2"] == Decimal(line["class2_land"]), line
        assert str(row.fields.get("left_if_moved", "")) == line["n_reproduced_if_perturbed"]


@pytest.mark.reference
def test_every_property_of_a_substance_is_the_transcribed_one(shared: Path) -> None:
    held = {row.item: row for row in soil("hj_25_3_2019").table("substances")}
    names = {row["name_zh"]: row.item for row in soil("gb_36600_2018").table("limits")}
    columns = {
        "SFo_per_mgkgd": "sfo",
        "IUR_per_ugm3": "iur",
        "RfDo_mgkgd": "rfdo",
        "RfC_mgm3": "rfc",
        "ABSgi": "abs_gi",
        "ABSd": "abs_d",
        "H_dimless": "henry",
        "Da_cm2s": "diffusion_air",
        "Dw_cm2s": "diffusion_water",
        "Koc_Lkg": "koc",
    }
    wanted = rows(shared, "toxicity_physchem_used.csv")
    vapour = {line["pollutant"]: line["vapour_pathways"] for line in rows(shared, "gb36600_recomputed.csv")}
    assert {names[line["pollutant"]] for line in wanted} | {"arsenic"} == set(held)
    for line in wanted:
        row = held[names[line["pollutant"]]]
        for column, name in columns.items():
            assert (name in row.fields) == bool(line[column]), (row.item, name)
            assert not line[column] or row[name] == Decimal(line[column]), (row.item, name)
        assert {"voc": "0.33", "other": "0.5"}[row["allocation"]] == line["SAF"]
        assert row["vapour"] == (vapour[line["pollutant"]] == "yes")


def test_every_item_of_soil_is_a_pollutant_measured_in_soil() -> None:
    for ident, tables in {"gb_36600_2018": ("limits",), "gb_15618_2018": ("screening", "control")}.items():
        for row in (row for table in tables for row in soil(ident).table(table)):
            assert pollutant(row.item).soil_unit == row["unit"] == "mg/kg"


BROKEN = """
code = "XX 1"
number = "XX 1-2000"
title_zh = "x"
title_en = "x"
medium = "soil"
clause = "1"
replaces = []
effective_from = 2000-01-01
places = [""]
unit = { default = "mg/kg" }
averaging = { sample = "x" }
validity = { sample = "x" }
rounding = { method = "none" }
status = "confirmed"
source = "made for this test"
[[group]]
table = "ph_bins"
clause = "1"
status = "confirmed"
source = "made for this test"
rows = [{ item = "upper_edges", edges = [5.5, 6.5] }]
[[group]]
table = "limits"
clause = "1"
status = "confirmed"
source = "made for this test"
rows = [{ item = "copper", FIELDS }]
"""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ('unit = "mg/L", limits = [1]', "differs from 'mg/kg'"),
        ("screening = [3, 4], control = [2, 9]", "does not stay below control"),
        ("limits = [1, 2]", "2 limits stand beside 3 bins of pH"),
        ("limits = [1, 2, 0]", "not above 0"),
    ],
)
def test_a_break_in_a_table_of_soil_is_found(fields: str, words: str) -> None:
    findings = check([parse(BROKEN.replace("FIELDS", fields), "xx_1_2000")])
    assert any(words in str(finding) for finding in findings), findings


def test_a_pollutant_of_soil_alone_has_no_code_on_the_wire() -> None:
    assert pollutant("benzo_a_anthracene").medium == "soil"
    assert pollutant("copper").unit == "mg/L"
    assert pollutant("copper").soil_unit == "mg/kg"
