"""Every worked example that a table of law carries comes out as its source says."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from bihuan.app.filed import FILED
from bihuan.assessment import Transmission, composite_index, cwqi_cn, daily_aqi, daily_statistics, tli
from bihuan.core import NATIONAL_SIX
from bihuan.standards import DECIDING, Example, Standard, standards
from tests.assessment.frames import hours, one_day

EXAMPLES = [(standard, one) for standard in standards() for one in standard.examples]
MEDIUM = {"mobile": "vehicle"}
"""Media of the tables that the command line calls otherwise."""


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def judged(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    """The verdicts of one row, by the judge of the medium; several verdicts of a row as one of their columns."""
    how = FILED[MEDIUM.get(standard.medium, standard.medium)]
    row = {name: plain(value) for name, value in given.items()}
    found = how.judge(pl.DataFrame([row]), place=standard.places[0])
    assert found.verdicts.height, found.refused
    return found.verdicts.row(0, named=True)


def day(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict.fromkeys(NATIONAL_SIX) | {name: plain(value) for name, value in given.items() if name != "start"}
    table = one_day(str(given["start"]), o3_1h=None, **values)
    return daily_aqi(table).row(0, named=True)


def days(given: Mapping[str, Any], values: Mapping[str, list[float | None]]) -> pl.DataFrame:
    return daily_statistics(hours(str(given["start"]), values, "city:A", timedelta(days=1)))


def percentile(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    table = days(given, {given["item"]: [float(value) for value in given["values"]]})
    return table.filter(pl.col("figure") == "percentile").row(0, named=True)


def index(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    month = days(given, {code: [float(given[code])] * 30 for code in NATIONAL_SIX})
    return composite_index(month, allow=frozenset({f"{standard.id}#composite_index"})).row(0, named=True)


def trophic(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: plain(value) for name, value in given.items() if name != "start"}
    found = tli(values, on=date.fromisoformat(str(given["start"])))
    return {name: round(index, 1) for name, index in found.items.items()}


def water_index(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: plain(value) for name, value in given.items() if name != "start"}
    found = cwqi_cn(values, on=date.fromisoformat(str(given["start"])))
    return {name: float(index) for name, index in found.items.items()}


def rates(standard: Standard, given: Mapping[str, Any]) -> dict[str, Any]:
    counts = pl.DataFrame([{"site": "A", "enterprise": "E", "district": "D", "marked": 0} | dict(given)])
    return Transmission(None, counts, counts.clear(), 0, "").by("outlet").row(0, named=True)


WAYS: dict[str, Callable[[Standard, Mapping[str, Any]], dict[str, Any]]] = {
    "": judged,
    "day": day,
    "percentile": percentile,
    "index": index,
    "tli": trophic,
    "cwqi": water_index,
    "transmission": rates,
}


@pytest.mark.parametrize(("standard", "example"), EXAMPLES, ids=[one.id for _, one in EXAMPLES])
def test_a_worked_example_comes_out_as_its_source_says(standard: Standard, example: Example) -> None:
    found = WAYS[example.by](standard, example.input)
    assert {name: found[name] for name in example.expected} == {
        name: plain(value) for name, value in example.expected.items()
    }


def test_the_air_tables_carry_examples() -> None:
    assert {standard.id for standard, _ in EXAMPLES} >= {"hj_633_2012", "hj_633_2026", "hj_663_2013", "hj_663_2026"}
    assert all(isinstance(standard.effective_from, date) for standard, _ in EXAMPLES)


def test_every_table_of_outlets_carries_one() -> None:
    held = {standard.id for standard in standards() if standard.medium == "outlet"}
    held -= {"record_keeping"}  # how long records are kept: it judges no value
    assert held == {standard.id for standard, _ in EXAMPLES if standard.medium == "outlet"}


def test_no_limit_that_is_not_sure_decides_an_example_of_outlets() -> None:
    """An example that is unconfirmed or conflicting shows that nothing is decided, never what would be."""
    unsure = [one for standard, one in EXAMPLES if standard.medium == "outlet" and one.status not in DECIDING]
    assert len(unsure) >= 8
    assert {one.expected["label"] for one in unsure} == {"undecided"}
