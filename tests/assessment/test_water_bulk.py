"""Every limit of every class: equal belongs to it, one unit of the last digit decides, in bulk as one by one."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import CLASSES, section_class, water_classes, water_law
from bihuan.assessment.water import WaterBody
from bihuan.assessment.water_bulk import hundredths_over, item_classes
from bihuan.standards import Row

ON = date(2024, 6, 1)
BODIES: tuple[WaterBody, ...] = ("river", "lake")


def unit(limit: Any) -> Decimal:
    """One unit of the last printed digit."""
    return Decimal(1).scaleb(int(Decimal(limit).as_tuple().exponent))


def expected(row: Row, value: Decimal) -> int:
    """How many of the five classes it fails, plus one: another way to say the class."""
    if row["kind"] == "range":
        return 1 + sum(not low <= value <= high for low, high in row["classes"])
    return 1 + sum(value > one if row["kind"] == "max" else value < one for one in row["classes"])


def boundaries() -> Iterator[tuple[WaterBody, str, Decimal, int]]:
    """Every limit of every item, equal and one unit to each side, and an odd digit beyond."""
    for body in BODIES:
        law = water_law(ON, body)
        for item, row in (*law.items.items(), *law.others.items()):
            limits = [end for one in row["classes"] for end in (one if row["kind"] == "range" else (one,))]
            for limit in dict.fromkeys(map(Decimal, limits)):
                for step in (-unit(limit), Decimal(0), unit(limit), unit(limit) / 1000):
                    yield body, item, limit + step, expected(row, limit + step)


CASES = list(boundaries())


def test_the_generated_boundaries_cover_every_item_and_class() -> None:
    assert len({(body, item) for body, item, _, _ in CASES}) == 2 * 22 + 1  # nitrogen has classes in lakes only
    assert {number for _, _, _, number in CASES} == {1, 2, 3, 4, 5, 6}
    assert len(CASES) >= 620


@pytest.mark.parametrize("body", BODIES)
def test_every_boundary_in_bulk(body: WaterBody) -> None:
    law = water_law(ON, body)
    for item, row in (*law.items.items(), *law.others.items()):
        mine = [(value, number) for other, name, value, number in CASES if (other, name) == (body, item)]
        found = item_classes(np.array([float(value) for value, _ in mine]), row)
        assert list(zip((value for value, _ in mine), found, strict=True)) == mine, item
        if item in law.items:
            bulk = water_classes(pl.DataFrame({item: [float(value) for value, _ in mine]}), law)
            assert bulk["class_number"].to_list() == [number for _, number in mine]
            one_by_one = [section_class({item: float(value)}, on=ON, water_body=body) for value, _ in mine]
            assert [one.number for one in one_by_one] == [number for _, number in mine]
            assert bulk["class"].to_list() == [one.label for one in one_by_one]


def test_limits_in_ascending_order_meet_their_classes_in_order() -> None:
    row = water_law(ON).items["mercury"]
    values = np.array([0.00004, 0.00005, 0.00006, 0.0001, 0.00011, 0.001, 0.0011, np.nan])
    assert item_classes(values, row).tolist() == [1, 1, 3, 3, 4, 4, 6, 0]


def test_bulk_says_of_random_samples_what_the_single_one_says() -> None:
    law = water_law(ON)
    random = np.random.default_rng(22)
    columns = {}
    for item, row in law.items.items():
        top = 9.5 if row["kind"] == "range" else 1.4 * float(row["classes"][0 if row["kind"] == "min" else 4])
        values = np.round(random.uniform(0.6 * top if row["kind"] == "range" else 0, top, 300), 5)
        columns[item] = np.where(random.random(300) < 0.3, np.nan, values)
    frame = pl.DataFrame(columns).fill_nan(None)
    bulk = water_classes(frame, law)
    for sample, found in zip(frame.iter_rows(named=True), bulk.iter_rows(named=True), strict=True):
        one = section_class(sample, on=ON)
        assert found["class"] == (one.label or None)
        assert found["worst"] == ";".join(one.worst)
        assert found["over"] == ";".join(item for item, _ in one.over)
        assert found["multiples"] == ";".join("" if times is None else f"{times:.2f}" for _, times in one.over)
        assert found["not_assessed"] == ";".join(one.not_assessed)
        assert (found["assessed"], found["status"]) == (len(one.items), one.status)


def test_a_value_below_detection_is_told_only_where_both_ends_agree() -> None:
    law = water_law(ON, "lake")
    frame = pl.DataFrame(
        {"tp": [0.01, 0.02, 0.02, 0.3], "tp_low": [0.0, 0.0, 0.0, 0.3], "cod": [None, None, 20.0, 5.0]}
    )
    found = water_classes(frame, law)
    assert found["class"].to_list() == ["I", None, "III", "worse_than_V"]
    assert found.select("class_best", "class_worst").rows() == [(1, 1), (1, 2), (3, 3), (6, 6)]
    assert found["worst"].to_list() == ["tp", "tp", "cod", "tp"]


def test_oxygen_below_detection_is_as_bad_as_none() -> None:
    found = water_classes(pl.DataFrame({"do": [0.2, 3.5], "do_low": [0.0, 0.0]}), water_law(ON))
    assert found.select("class_best", "class_worst").rows() == [(6, 6), (4, 6)]


def test_a_sample_without_items_has_no_class() -> None:
    found = water_classes(pl.DataFrame({"cod": [None, 10.0]}, schema={"cod": pl.Float64}), water_law(ON))
    assert found["class"].to_list() == [None, "I"]
    assert found["assessed"].to_list() == [0, 1]
    assert water_classes(pl.DataFrame({"cod": []}, schema={"cod": pl.Float64}), water_law(ON)).height == 0


def test_the_word_of_a_class_waits_for_the_city() -> None:
    frame = pl.DataFrame({"cod": [15.0, 20.0, 30.0, 40.0, 41.0]})
    assert water_classes(frame, water_law(ON))["grade"].to_list() == [None] * 5
    allowed = water_law(ON, allow=frozenset({"mep_2011_22#grades"}))
    assert water_classes(frame, allowed)["grade"].to_list() == ["excellent", "good", "light", "medium", "heavy"]


@given(st.integers(0, 10_000_000), st.sampled_from(["0.00005", "0.2", "1.0", "15", "0.025"]))
def test_multiples_are_exact_and_go_half_to_even(count: int, limit: str) -> None:
    value = Decimal(count) / 100_000
    if value <= Decimal(limit):
        return
    exact = (Fraction(value) - Fraction(limit)) / Fraction(limit)
    assert hundredths_over(np.array([float(value)]), float(limit))[0] == round(exact * 100)


def test_there_are_six_labels() -> None:
    assert [label for label in CLASSES if water_law(ON).grade(CLASSES.index(label) + 1)] == []
