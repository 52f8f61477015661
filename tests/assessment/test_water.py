"""A section has the class of its worst item, and its trend is told only where it can be."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import (
    CLASSES,
    beyond_class_three,
    class_number,
    section_class,
    section_verdict,
    trend,
    trend_verdict,
)
from bihuan.core import InputError, NotCovered, Period, Place, text
from bihuan.register import Section
from bihuan.standards import lookup
from tests.assessment.frames import local

ON = date(2024, 6, 1)
GOOD = {"ph": 7.5, "do": 8.0, "codmn": 1.5, "nh3n": 0.1, "tp": 0.01}
SECTION = Section(
    id="S1", name="合成断面", place=Place(113.6, 34.7), district="410102", river="合成河", target_class="III"
)
MONTH = Period(local("2024-06-01"), local("2024-07-01"))


@pytest.mark.parametrize(
    ("item", "value", "label"),
    [
        ("nh3n", 0.15, "I"),
        ("nh3n", 0.16, "II"),
        ("nh3n", 1.0, "III"),
        ("nh3n", 1.5, "IV"),
        ("nh3n", 2.0, "V"),
        ("nh3n", 2.01, "worse_than_V"),
        ("do", 7.5, "I"),
        ("do", 5.0, "III"),
        ("do", 4.9, "IV"),
        ("do", 1.9, "worse_than_V"),
        ("ph", 6.0, "I"),
        ("ph", 9.0, "I"),
        ("ph", 9.01, "worse_than_V"),
        ("ph", 5.99, "worse_than_V"),
        ("tp", 0.2, "III"),
        ("tp", 0.21, "IV"),
    ],
)
def test_the_worst_item_decides(item: str, value: float, label: str) -> None:
    found = section_class(GOOD | {item: value}, on=ON)
    assert found.label == label
    if label != "I":
        assert found.worst == (item,)


def test_every_class_limit_of_the_standard_still_belongs_to_its_class() -> None:
    for row in lookup("GB 3838", on=ON).table("classes"):
        if row["kind"] == "range" or row["water_body"] == "lake":
            continue
        for number, limit in enumerate(row["classes"], start=1):
            found = section_class({row.item: float(limit)}, on=ON)
            if row.item in ("tn", "faecal_coliform"):
                assert found.number is None
            else:
                assert found.number == list(row["classes"]).index(limit) + 1 <= number


def test_items_beyond_class_three_come_the_worst_first_with_their_multiples() -> None:
    found = section_class(GOOD | {"nh3n": 1.2, "tp": 0.21, "do": 2.9, "codmn": 6.0, "cod": 41}, on=ON)
    assert found.over == (("cod", 1.05), ("do", None), ("nh3n", 0.2), ("tp", 0.05))
    assert (found.label, found.worst) == ("worse_than_V", ("cod",))


def test_before_the_rule_of_2011_no_section_has_a_class() -> None:
    with pytest.raises(NotCovered, match="2011-03-09"):
        section_class(GOOD, on=date(2010, 6, 1))


def test_phosphorus_has_its_own_column_for_lakes() -> None:
    assert section_class(GOOD | {"tp": 0.05}, on=ON).label == "II"
    assert section_class(GOOD | {"tp": 0.05}, on=ON, water_body="lake").label == "III"


def test_total_nitrogen_is_not_assessed_in_a_river() -> None:
    assert section_class(GOOD | {"tn": 30.0}, on=ON).label == "I"


def test_items_without_a_value_are_named() -> None:
    found = section_class({"nh3n": 0.1, "do": None, "tp": float("nan")}, on=ON)
    assert {"do", "tp", "mercury"} <= set(found.not_assessed)
    assert section_class({}, on=ON).number is None


def test_the_verdict_stands_beside_the_target() -> None:
    bad = section_verdict(SECTION, MONTH, GOOD | {"nh3n": 1.2})
    assert (bad.value, bad.label, bad.primary, bad.reason) == (4.0, "IV", ("nh3n",), "worse_than_target")
    assert (bad.standard, bad.status) == ("GB 3838-2002", "single_source")
    assert "reading:section:S1/nh3n/avg/hours/2024-05-31T16:00:00Z" in map(str, bad.inputs)
    good = section_verdict(SECTION, MONTH, GOOD | {"nh3n": 1.0})
    assert (good.label, good.reason) == ("III", "part_of_the_items")
    assert good.id == bad.id  # the same judgement of the same period, made again with other values
    empty = section_verdict(SECTION, MONTH, {})
    assert (empty.value, empty.label, empty.reason) == (None, "", "no_items")


def test_a_stored_verdict_names_its_items_beyond_class_three() -> None:
    verdict = section_verdict(SECTION, MONTH, GOOD | {"nh3n": 1.2, "do": 2.9})
    assert beyond_class_three(verdict) == (("do", None), ("nh3n", 0.2))
    assert beyond_class_three(section_verdict(SECTION, MONTH, {})) == ()
    assert beyond_class_three(trend_verdict(SECTION, "nh3n", MONTH, trend(months(3), np.arange(3.0)))) == ()


def test_classes_have_numbers_and_words() -> None:
    assert [class_number(label) for label in CLASSES] == [1, 2, 3, 4, 5, 6]
    assert [text(f"verdict.class_{label}") for label in CLASSES][-1] == "劣Ⅴ类"
    with pytest.raises(InputError, match="'VI'"):
        class_number("VI")


def months(count: int) -> np.ndarray:
    return np.datetime64("2020-01-01") + np.arange(count) * np.timedelta64(30, "D")


def test_a_straight_line_has_its_slope() -> None:
    start = months(24).astype("datetime64[us]")
    years = (start - start[0]) / np.timedelta64(31_556_925, "s")
    found = trend(start, 1.0 + 0.3 * years)
    assert found.slope == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3)
    assert (found.direction, found.count) == ("rising", 24)
    assert trend(start, 5.0 - 0.3 * years).direction == "falling"


def test_the_slope_of_sen_is_the_median_of_all_pairs() -> None:
    random = np.random.default_rng(3838)
    start = months(20).astype("datetime64[us]")
    years = (start - start[0]) / np.timedelta64(31_556_925, "s")
    values = 2.0 + 0.5 * years + random.normal(0, 0.3, 20)
    pairs = [(values[j] - values[i]) / (years[j] - years[i]) for i in range(20) for j in range(i + 1, 20)]
    found = trend(start, values)
    assert found.slope == pytest.approx(np.median(pairs))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.slope < found.high


def test_a_constant_series_and_a_short_one() -> None:
    assert trend(months(12), np.full(12, 2.0)).direction == "none"
    assert trend(months(7), np.arange(7.0)).direction == "cannot_tell"
    gaps = np.where(np.arange(12) < 5, np.nan, np.arange(12.0))
    assert trend(months(12), gaps).count == 7


@given(st.integers(0, 10_000))
def test_reversing_time_turns_the_trend_round(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=15)
    there, back = trend(months(15), values), trend(months(15), values[::-1])
    assert there.slope == pytest.approx(-back.slope)  # type: ignore[operator]
    opposite = {"rising": "falling", "falling": "rising", "none": "none"}
    assert back.direction == opposite[there.direction]


def test_noise_has_no_trend_most_of_the_time() -> None:
    random = np.random.default_rng(1)
    told = [trend(months(30), random.normal(size=30)).direction != "none" for _ in range(200)]
    assert sum(told) / 200 < 0.1


def test_the_trend_explains_itself() -> None:
    verdict = trend_verdict(SECTION, "nh3n", MONTH, trend(months(24), np.arange(24.0)))
    assert (verdict.label, verdict.unit, verdict.kind) == ("rising", "mg/L/a", "section_trend")
    short = trend_verdict(SECTION, "nh3n", MONTH, trend(months(3), np.arange(3.0)))
    assert (short.value, short.reason) == (None, "too_few_values")
