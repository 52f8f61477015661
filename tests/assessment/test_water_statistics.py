"""Shares of rivers, basins and cities: exact, with their denominator, and grades only where they are switched on."""

from datetime import date

import polars as pl
import pytest

from bihuan.assessment import CLASSES, class_shares, share_meeting
from bihuan.core import InputError

ON = date(2024, 6, 1)
RIVERS = frozenset({"mep_2011_22#river_grades"})


def verdicts(good: int, bad: int, between: int = 0, none: int = 0, river: str = "R") -> pl.DataFrame:
    """Sections of a river: good ones of class III, bad ones 劣Ⅴ, the others IV, and some without a class."""
    labels = ["III"] * good + ["worse_than_V"] * bad + ["IV"] * between + [None] * none
    sites = [f"{river}{place}" for place in range(len(labels))]
    return pl.DataFrame(
        {"river": [river] * len(labels), "site": sites, "class": labels}, schema_overrides={"class": pl.String}
    )


def test_the_shares_have_their_counts_and_denominator_beside_them() -> None:
    found = class_shares(verdicts(2, 1, 3, none=4), ["river"], on=ON).row(0, named=True)
    assert (found["sections"], found["without_class"], found["good"], found["bad"]) == (6, 4, 2, 1)
    assert (found["good_share"], found["bad_share"]) == (33.3, 16.7)
    assert [found[label] for label in CLASSES] == [0, 0, 2, 3, 0, 1]
    assert (found["grade"], found["status"], found["edition"]) == (None, "single_source", "环办〔2011〕22号")


def test_a_share_on_the_half_goes_to_the_even_digit() -> None:
    assert class_shares(verdicts(1, 0, 15), ["river"], on=ON)["good_share"].to_list() == [6.2]  # 6.25
    assert class_shares(verdicts(3, 0, 13), ["river"], on=ON)["good_share"].to_list() == [18.8]  # 18.75


def test_without_sections_there_is_no_share() -> None:
    found = class_shares(verdicts(0, 0, none=2), ["river"], on=ON).row(0, named=True)
    assert (found["good_share"], found["bad_share"], found["reason"]) == (None, None, "no_items")


@pytest.mark.parametrize(
    ("good", "bad", "between", "grade"),
    [
        (90, 0, 10, "excellent"),
        (89, 0, 11, "good"),
        (75, 0, 25, "good"),
        (74, 19, 7, "light"),
        (74, 20, 6, "medium"),
        (60, 39, 1, "medium"),
        (59, 40, 1, "heavy"),
        (60, 40, 0, None),
        (5, 0, 0, "excellent"),
        (4, 0, 0, None),
    ],
)
def test_the_grade_of_a_river_at_every_edge(good: int, bad: int, between: int, grade: str | None) -> None:
    table = verdicts(good, bad, between)
    found = class_shares(table, ["river"], on=ON, allow=RIVERS).row(0, named=True)
    assert found["grade"] == grade
    assert found["status"] == ("unconfirmed" if grade else "single_source")
    assert found["reason"] == ("" if grade else "water_no_river_grade")
    assert class_shares(table, ["river"], on=ON)["grade"].to_list() == [None]


def test_rivers_are_counted_apart_and_an_unknown_column_is_named() -> None:
    both = pl.concat([verdicts(1, 0), verdicts(0, 2, river="S")])
    assert class_shares(both, ["river"], on=ON).select("river", "good_share", "bad_share").rows() == [
        ("R", 100.0, 0.0),
        ("S", 0.0, 100.0),
    ]
    with pytest.raises(InputError, match="basin"):
        class_shares(both, ["basin"], on=ON)


def test_sections_meet_their_target_or_do_not_count() -> None:
    table = verdicts(2, 1, 1, none=1)
    targets = {"R0": "III", "R1": "II", "R2": "V", "R3": "IV", "R4": "III"}
    assert share_meeting(table, targets) == (2, 4)
    assert share_meeting(table, {}) == (0, 0)
