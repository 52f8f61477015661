"""The tables of air law say what GB 3095, HJ 633 and HJ 663 say, on the days on which they say it."""

from datetime import date
from decimal import Decimal

import pytest

from bihuan.core import NotCovered
from bihuan.standards import lookup

BEFORE, AFTER, FINAL = date(2026, 2, 28), date(2026, 3, 1), date(2031, 1, 1)
SIX_2012 = {
    ("so2", "year"): (20, 60),
    ("so2", "day"): (50, 150),
    ("so2", "hour"): (150, 500),
    ("no2", "year"): (40, 40),
    ("no2", "day"): (80, 80),
    ("no2", "hour"): (200, 200),
    ("co", "day"): (4, 4),
    ("co", "hour"): (10, 10),
    ("o3", "mda8"): (100, 160),
    ("o3", "hour"): (160, 200),
    ("pm10", "year"): (40, 70),
    ("pm10", "day"): (50, 150),
    ("pm25", "year"): (15, 35),
    ("pm25", "day"): (35, 75),
}
SIX_2026 = SIX_2012 | {
    ("pm10", "year"): (40, 60),
    ("pm10", "day"): (50, 120),
    ("pm25", "year"): (15, 30),
    ("pm25", "day"): (35, 60),
}
SIX_2031 = SIX_2026 | {
    ("so2", "year"): (20, 20),
    ("so2", "day"): (50, 50),
    ("so2", "hour"): (150, 150),
    ("no2", "year"): (30, 30),
    ("no2", "day"): (50, 50),
    ("pm10", "year"): (20, 50),
    ("pm10", "day"): (50, 100),
    ("pm25", "year"): (10, 25),
    ("pm25", "day"): (25, 50),
}
OTHERS = {
    ("tsp", "year"): (80, 200),
    ("tsp", "day"): (120, 300),
    ("nox", "year"): (50, 50),
    ("nox", "day"): (100, 100),
    ("nox", "hour"): (250, 250),
    ("pb", "year"): (Decimal("0.5"), Decimal("0.5")),
    ("pb", "quarter"): (1, 1),
    ("bap", "year"): (Decimal("0.001"), Decimal("0.001")),
    ("bap", "day"): (Decimal("0.0025"), Decimal("0.0025")),
}
OTHERS_2031 = OTHERS | {("nox", "year"): (40, 40), ("nox", "day"): (70, 70)}

IAQI = (0, 50, 100, 150, 200, 300, 400, 500)
BREAKPOINTS_2012 = {
    ("so2", "24h"): (0, 50, 150, 475, 800, 1600, 2100, 2620),
    ("so2", "1h"): (0, 150, 500, 650, 800),
    ("no2", "24h"): (0, 40, 80, 180, 280, 565, 750, 940),
    ("no2", "1h"): (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    ("pm10", "24h"): (0, 50, 150, 250, 350, 420, 500, 600),
    ("co", "24h"): (0, 2, 4, 14, 24, 36, 48, 60),
    ("co", "1h"): (0, 5, 10, 35, 60, 90, 120, 150),
    ("o3", "1h"): (0, 160, 200, 300, 400, 800, 1000, 1200),
    ("o3", "8h"): (0, 100, 160, 215, 265, 800),
    ("pm25", "24h"): (0, 35, 75, 115, 150, 250, 350, 500),
}
BREAKPOINTS_2026 = BREAKPOINTS_2012 | {
    ("pm10", "24h"): (0, 50, 120, 250, 350, 420, 500, 600),
    ("pm25", "24h"): (0, 35, 60, 115, 150, 250, 350, 500),
}


@pytest.mark.parametrize(
    ("on", "number", "limits"),
    [
        (date(2012, 2, 29), "GB 3095-2012", SIX_2012 | OTHERS),
        (BEFORE, "GB 3095-2012", SIX_2012 | OTHERS),
        (AFTER, "GB 3095-2026", SIX_2026 | OTHERS),
        (date(2030, 12, 31), "GB 3095-2026", SIX_2026 | OTHERS),
        (FINAL, "GB 3095-2026", SIX_2031 | OTHERS_2031),
    ],
)
def test_every_limit_holds_on_its_days(
    on: date, number: str, limits: dict[tuple[str, str], tuple[object, ...]]
) -> None:
    standard = lookup("GB 3095", on=on)
    held = {(row.item, row["averaging"]): (row["grade1"], row["grade2"]) for row in standard.table("limits")}
    assert standard.number == number
    assert held == limits


@pytest.mark.parametrize(("on", "breakpoints"), [(BEFORE, BREAKPOINTS_2012), (AFTER, BREAKPOINTS_2026)])
def test_every_breakpoint_of_the_index(on: date, breakpoints: dict[tuple[str, str], tuple[int, ...]]) -> None:
    rows = lookup("HJ 633", on=on).table("breakpoints")
    assert {(row.item, row["averaging"]): row["concentration"] for row in rows} == breakpoints
    assert all(row["iaqi"] == IAQI[: len(row["iaqi"])] for row in rows)


def test_gases_refer_to_25_degrees_from_september_2018_on() -> None:
    assert lookup("GB 3095", on=date(2018, 9, 1)).reference_state["temperature"] == Decimal("298.15")
    earlier = lookup("GB 3095", on=date(2018, 8, 31), allow_unconfirmed=True).reference_state
    assert earlier["temperature"] == Decimal("273.15")
    with pytest.raises(NotCovered, match="reference_state"):
        _ = lookup("GB 3095", on=date(2018, 8, 31)).reference_state


def test_validity_counts() -> None:
    for on in (BEFORE, AFTER, FINAL):
        validity = lookup("GB 3095", on=on).table("validity")
        counts = {(row.item, row["averaging"]): row["at_least"] for row in validity}
        assert counts[("gases", "hour")] == 45
        assert counts[("o3", "8h")] == 6
        assert counts[("basic", "day")] == 20
        assert counts[("basic", "month")] == 27
        assert counts[("basic", "year")] == 324
        mda8 = lookup("HJ 663", on=on).row("mda8", "o3")
        assert (mda8["at_least"], mda8["of"]) == (14, 17)


def test_percentiles_and_the_divisors_of_the_index() -> None:
    for on in (BEFORE, AFTER):
        rows = lookup("HJ 663", on=on).table("percentiles")
        percents = {row.item: row["percent"] for row in rows}
        assert percents == {"so2": 98, "no2": 98, "pm10": 95, "pm25": 95, "co": 95, "o3": 90}
    index = lookup("HJ 663", on=BEFORE).table("composite_index")
    assert {row.item: row["divisor"] for row in index} == {
        "so2": 60,
        "no2": 40,
        "pm10": 70,
        "pm25": 35,
        "co": 4,
        "o3": 160,
    }
    assert {row["weight"] for row in index} == {1}


def test_the_weights_of_2026_wait_until_a_city_switches_them_on() -> None:
    assert lookup("HJ 663", on=AFTER).table("composite_index") == ()
    on = lookup("HJ 663", on=AFTER, allow=frozenset({"hj_663_2026#composite_index"}))
    assert {row.item: row["weight"] for row in on.table("composite_index")} == {
        "so2": 1,
        "no2": 2,
        "pm10": 1,
        "pm25": 3,
        "co": 1,
        "o3": 2,
    }
    assert {row.status for row in on.table("composite_index")} == {"single_source"}
