"""Ours beside the index that the national centre published for cities, and which rule explains what differs.

HJ 633 rounds a sub-index up; the published city files round it half up. So ours is the published index or one more, and
each row with one more must have an exact index that lies less than a half above a whole number. Half-up is no option of
the product: it is computed here, in fractions, only to explain.
"""

import os
from collections import Counter
from fractions import Fraction
from functools import cache
from math import ceil, floor
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from bihuan.app.filed import judge_file
from bihuan.core import NATIONAL_SIX, round_half_even
from bihuan.standards import Standard, standards

FOLDER = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "china_cities_hourly"
FILES = (
    "henan17_hourly_2018-12_2019-06.parquet",
    "regional_neighbours_hourly_2018-12_2019-06.parquet",
    "zhengzhou_hourly_2018-12_2019-06.csv.gz",
)
RULES = ("equal", "half_up", "unexplained")


@cache
def exact_index(edition: str, code: str, value: float) -> Fraction:
    """Sub-index of an hour before any rounding of it, of the concentration as it stands."""
    law: Standard = next(one for one in standards() if one.number == edition)
    row = law.row("breakpoints", code, averaging="24h" if code.startswith("pm") else "1h")
    points = list(zip(map(Fraction, row["concentration"]), row["iaqi"], strict=True))
    given = Fraction(str(value))
    place = next((at for at in range(1, len(points)) if given <= points[at][0]), len(points) - 1)
    (low, below), (high, above) = points[place - 1], points[place]
    return min(Fraction(points[-1][1]), Fraction(above - below) / (high - low) * (given - low) + below)


@cache
def standard_index(edition: str, code: str, value: float) -> int:
    """The same as HJ 633 has it: the concentration rounded half to even, the index up."""
    return ceil(exact_index(edition, code, float(round_half_even(value, 1 if code == "co" else 0))))


def rule_of(row: dict[str, object]) -> str:
    """Name the rule that explains one row."""
    ours, published, edition = row["aqi"], row["published"], str(row["edition"])
    if ours == published:
        return "equal"
    values = [(code, float(row[code])) for code in NATIONAL_SIX]  # type: ignore[arg-type]
    half_up = max(floor(exact_index(edition, code, value) + Fraction(1, 2)) for code, value in values)
    by_law = max(standard_index(edition, code, value) for code, value in values)
    return "half_up" if by_law == ours and half_up == published else "unexplained"


def compared(name: str) -> Counter[str]:
    """Judge one file as `bihuan assess` does and count its complete rows by rule."""
    verdicts = judge_file(FOLDER / name, "air").judged.verdicts
    complete = verdicts.filter(pl.all_horizontal(pl.col([*NATIONAL_SIX, "published"]).is_not_null()))
    assert complete["method"].unique().to_list() == ["hour_1h"]
    found = Counter(rule_of(row) for row in complete.select("aqi", "published", "edition", *NATIONAL_SIX).to_dicts())
    found["rows"] = complete.height
    found["within_1"] = int(((complete["aqi"] - complete["published"]).abs() <= 1).sum())
    return found


def main() -> None:
    """Print the table."""
    table = Table("file", "complete rows", "within 1", *RULES, "equal %")
    for name in FILES:
        found = compared(name)
        cells = [f"{found[rule]:,}" for rule in ("rows", "within_1", *RULES)]
        table.add_row(name, *cells, f"{100 * found['equal'] / found['rows']:.1f}")
    Console(width=140).print(table)
