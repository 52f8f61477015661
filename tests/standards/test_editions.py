"""The edition in force on a day at a place is found, and only rows that may decide come with it."""

from datetime import date

import pytest

from bihuan.core import NotCovered
from bihuan.standards import editions, lookup, standards

ZHENGZHOU, BEIJING, SHANGHAI = "410100", "110000", "310000"
WARNING = "heavy pollution warning"


def test_a_day_before_every_edition_is_not_covered_and_the_editions_are_named() -> None:
    with pytest.raises(NotCovered, match=r"GB 3095-2012 from 2012-02-29 to 2026-03-01; GB 3095-2026 from 2026-03-01"):
        lookup("GB 3095", on=date(2011, 1, 1))


def test_an_unknown_code_names_the_known_ones() -> None:
    with pytest.raises(NotCovered, match="HJ 633"):
        lookup("GB 9999", on=date(2020, 1, 1))


def test_editions_come_oldest_first_with_all_of_their_rows() -> None:
    found = editions("GB 3095")
    assert [one.number for one in found] == ["GB 3095-2012", "GB 3095-2026"]
    assert {row["grade2"] for row in found[1].table("limits") if row.id.endswith("limits.pm25.day")} == {60, 50}


@pytest.mark.parametrize(
    ("on", "place", "number"),
    [
        (date(2017, 1, 1), ZHENGZHOU, "BTH unified grading 2016"),
        (date(2017, 1, 1), BEIJING, "BTH unified grading 2016"),
        (date(2023, 11, 14), ZHENGZHOU, "Zhengzhou plan 2023 No. 43"),
        (date(2026, 11, 1), ZHENGZHOU, "Zhengzhou plan 2023 No. 43"),
    ],
)
def test_the_plan_that_names_the_place_most_closely_wins(on: date, place: str, number: str) -> None:
    assert lookup(WARNING, on=on, place=place).number == number


def test_a_place_without_a_plan_of_its_own_is_not_covered_before_the_national_one() -> None:
    with pytest.raises(NotCovered, match="at 310000"):
        lookup(WARNING, on=date(2017, 1, 1), place=SHANGHAI)


def test_an_unconfirmed_plan_decides_only_where_it_is_switched_on() -> None:
    day = date(2019, 1, 12)
    with pytest.raises(NotCovered, match="'national_2018'"):
        lookup(WARNING, on=day, place=ZHENGZHOU)
    switched_on = lookup(WARNING, on=day, place=ZHENGZHOU, allow=frozenset({"national_2018"}))
    assert [row.item for row in switched_on.table("grades")] == ["yellow", "orange", "red"]
    assert switched_on.status == "unconfirmed"
    assert lookup(WARNING, on=day, place=ZHENGZHOU, allow_unconfirmed=True).id == "national_2018"


def test_rows_that_are_not_confirmed_stay_out_one_by_one() -> None:
    day = date(2024, 1, 1)
    assert {row.item for row in lookup("HJ 76", on=day).table("marks")} == {"N"}
    one_more = lookup("HJ 76", on=day, allow=frozenset({"hj_76_2017#marks.T"}))
    assert {row.item for row in one_more.table("marks")} == {"N", "T"}
    assert len(lookup("HJ 76", on=day, allow=frozenset({"hj_76_2017"})).table("marks")) == 8


def test_no_row_that_comes_by_default_is_unconfirmed_or_conflicting() -> None:
    for standard in standards():
        try:
            held = lookup(standard.code, on=standard.effective_from, place=standard.places[0])
        except NotCovered:
            assert standard.status in {"unconfirmed", "conflicting"}
            continue
        assert {row.status for row in held.rows} <= {"confirmed", "single_source"}
        assert not [row for row in held.rows if row.held]


def ladder(on: date, **options: object) -> dict[str, list[list[tuple[int, int]]]]:
    rows = lookup(WARNING, on=on, place=ZHENGZHOU, **options).table("grades")  # type: ignore[arg-type]
    return {
        row.item: [[(part["above"], part["hours"]) for part in all_of] for all_of in row["alternatives"]]
        for row in rows
    }


def test_the_ladder_of_zhengzhou_2023() -> None:
    assert ladder(date(2025, 1, 1)) == {
        "yellow": [[(200, 24)], [(150, 48)]],
        "orange": [[(200, 48)], [(150, 72)]],
        "red": [[(200, 72), (300, 24)]],
    }


def test_the_ladders_of_2016_and_2018() -> None:
    red = [[(200, 96), (300, 48)], [(499, 24)]]
    assert ladder(date(2017, 1, 1)) == {
        "blue": [[(200, 24)]],
        "yellow": [[(200, 48)]],
        "orange": [[(200, 72), (300, 24)]],
        "red": red,
    }
    assert ladder(date(2019, 1, 1), allow_unconfirmed=True) == {
        "yellow": [[(200, 48)]],
        "orange": [[(200, 72)]],
        "red": red,
    }
