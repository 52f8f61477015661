"""The code list of pollutants, the texts, and batches of readings."""

from datetime import UTC, datetime

import pytest

from bihuan.core import (
    HOUR,
    NATIONAL_SIX,
    READINGS_SCHEMA,
    NotCovered,
    Reading,
    Ref,
    pollutant,
    pollutants,
    readings_table,
    text,
    texts,
)

UNITS = {"ug/m3", "mg/m3", "mg/L", "%", "m3/s", "m/s", "degC", "kPa", "deg", "1", "NTU", "uS/cm", "mm", "mg/kg"} | {
    "kW", "kWh", "A", "V", "dB", "g/m2"  # of lines of electricity, noise and road dust
}  # fmt: skip


def test_the_table_has_the_types_that_the_code_says() -> None:
    for code, row in pollutants().items():
        assert row.code == code == code.lower()
        assert row.zh and row.en
        assert {row.unit, row.outlet_unit} <= UNITS, code
        assert isinstance(row.decimals, int) and 0 <= row.decimals <= (6 if row.medium == "soil" else 3)
        assert row.medium in {"air", "water", "soil", "weather", "noise", "state"}
        assert row.soil_unit in {"", "mg/kg"}
        assert row.medium != "soil" or {row.unit, row.outlet_unit, row.soil_unit} == {"mg/kg"}, code
        assert all(isinstance(wire, str) for wire in (*row.hj212_2017, *row.hj212_2005))


@pytest.mark.parametrize("version", ["hj212_2017", "hj212_2005"])
def test_a_code_on_the_wire_means_one_pollutant(version: str) -> None:
    wires = [wire for row in pollutants().values() for wire in getattr(row, version)]
    assert len(wires) == len(set(wires))


def test_codes_of_2017_begin_with_the_letter_of_their_medium() -> None:
    letters = {"air": "a", "state": "a", "weather": "a", "water": "w", "noise": "L"}
    for row in pollutants().values():
        assert all(wire[0] == letters[row.medium] for wire in row.hj212_2017), row.code


def test_carbon_monoxide_is_the_one_basic_item_in_milligrams() -> None:
    assert {code: pollutant(code).unit for code in NATIONAL_SIX} == {
        code: "mg/m3" if code == "co" else "ug/m3" for code in NATIONAL_SIX
    }


def test_a_pollutant_we_do_not_know_is_named_with_those_we_do() -> None:
    with pytest.raises(NotCovered, match=r"'pm99'.*pm25"):
        pollutant("pm99")


def test_text_is_chinese_unless_told() -> None:
    assert (text("aqi.good"), text("aqi.good", "en")) == ("优", "Excellent")


@pytest.mark.parametrize("key", ["aqi", "aqi.none", "none.good", ""])
def test_a_missing_text_is_named(key: str) -> None:
    with pytest.raises(NotCovered, match="not in texts/zh"):
        text(key)


def test_both_languages_fill_the_same_names() -> None:
    from string import Formatter

    def names(words: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(words) if name}

    for table, rows in texts("zh").items():
        for key, words in rows.items():
            assert names(words) == names(texts("en")[table][key]), f"{table}.{key}"


def test_readings_are_packed_in_the_order_given() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [Reading("1317A", "pm25", "avg", "hour", start, start + HOUR, value) for value in (35.0, None)]
    table = readings_table(rows)
    assert table.schema == READINGS_SCHEMA
    assert table.column("value").to_pylist() == [35.0, None]
    assert table.column("start").to_pylist() == [start, start]
    assert readings_table([]).num_rows == 0
    assert rows[0].key == ("1317A", "pm25", "avg", "hour", start)
    assert Ref("device", rows[0].device) == Ref.parse("device:1317A")
