"""Dust at building sites from a file: each value against the province's online limit, then the day by its count.

Four provinces have forms of rule of their own; a place without one (Henan) is not covered, and nothing is borrowed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.filed_rows import CellRefused, FiledRow, FiledRows, printed
from bihuan.assessment.judged import LAW_COLUMNS, Explanation, Judged, hold_row
from bihuan.assessment.outlet_limits import decides, whole_edition
from bihuan.core import CHINA, Message, NotCovered, local_date, local_day
from bihuan.standards import Row, Standard

CODE = "site dust"
METHOD = "site_dust/1"
NEEDED = ("site", "start", "pollutant", "value")
SHOWN = ("site", "over", "let_pass", "highest", "limit", "label", "law_row")
"""What a row must have to be explained."""
LARGEST = Decimal(100_000)
"""No monitor of a building site shows more. [ug/m3]"""

SCHEMA = pl.Schema(
    {
        "row": pl.Int64(),
        "site": pl.String(),
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "pollutant": pl.String(),
        "values": pl.Int64(),
        "over": pl.Int64(),
        "let_pass": pl.Int64(),
        "highest": pl.Float64(),
        "limit": pl.Float64(),
        "label": pl.String(),
    }
    | LAW_COLUMNS
)
"""Columns of the verdicts, one row a site and local day."""


@dataclass(frozen=True, slots=True)
class _Value:
    row: int
    amount: Decimal
    law: Row
    edition: Standard


def judge_dust(
    table: pl.DataFrame,
    *,
    on: date | None = None,
    place: str = "",
    allow: frozenset[str] = frozenset(),
    zone: ZoneInfo = CHINA,
) -> Judged:
    """Judge a table of dust monitors by the rule of a province.

    Parameters
    ----------
    table : DataFrame
        One row a site and period: ``site start pollutant value [minutes] [background] [rule]``; `dust_columns.toml`
        lists every name. ``rule`` names a table of the standard where it has several (area, stage). [ug/m3]
    on : date or None
        Judge every row by the law of this day; left out, by that of its own.
    place : str
        Administrative code: ``13`` Hebei, ``21`` Liaoning, ``31`` Shanghai, ``61`` Shaanxi, or one below.
    allow : frozenset of str
    zone : ZoneInfo
        Of stamps without an offset, and of the day.

    Returns
    -------
    Judged
        ``verdicts``: columns of `SCHEMA`; ``over`` counts the values above the limit, ``let_pass`` how many a day may
        be; ``label`` is ``over``, ``within`` or ``undecided`` (the row is 待核 and not switched on).

    Raises
    ------
    InputError
        If whole columns are absent.
    NotCovered
        If `on` is given and no rule is in force there on that day; the message names those held.
    """
    if on is not None:
        whole_edition(CODE, on, place)
    rows = FiledRows(table, "dust", NEEDED, zone)
    days: dict[tuple[str, str, date, str], list[_Value]] = defaultdict(list)
    for row in rows:
        try:
            key, value = _read(row, on, place)
        except CellRefused as why:
            rows.refuse(row.number, why)
            continue
        days[key].append(value)
    found = [_day(key, values, allow, zone) for key, values in days.items()]
    return Judged(pl.DataFrame(found, schema=SCHEMA).sort("row"), rows.refused)


def _read(row: FiledRow, on: date | None, place: str) -> tuple[tuple[str, str, date, str], _Value]:
    site = row.required("site", "dust_no_site")
    start = row.instant("start", "dust_time")
    if start is None:
        raise CellRefused("start", "", "dust_time")
    day = local_date(start, row.rows.zone)
    try:
        edition = whole_edition(CODE, on or day, place)
    except NotCovered:
        raise CellRefused("start", f"{place or '-'} {on or day}", "dust_no_rule_here") from None
    item = row.word("pollutant", "dust_unknown_code", free=True)
    law = _law(row, edition, item)
    _same_length(row, law, start)
    amount = _amount(row, law)
    return (site, item, day, law.id), _Value(row.number, amount, law, edition)


def _law(row: FiledRow, edition: Standard, item: str) -> Row:
    """The row of the standard: of the table named, or of the only one that limits the item."""
    named = row.word("rule", "dust_unknown_rule")
    rows = [one for one in edition.rows if one.item == item and "limit" in one.fields]
    if not rows:
        raise CellRefused("pollutant", row.text("pollutant"), "dust_item_not_limited")
    if named:
        rows = [one for one in rows if one.table == named]
    if len(rows) != 1:
        raise CellRefused("rule", row.text("rule"), "dust_unknown_rule")
    return rows[0]


def _same_length(row: FiledRow, law: Row, start: datetime) -> None:
    wanted = law.fields.get("minutes")
    if wanted is None:
        return  # the sources of this rule name no averaging
    said = row.number_of("minutes", "dust_no_number")
    end = row.instant("end", "dust_time")
    if said is None and end is not None:
        said = Decimal(int((end - start).total_seconds())) / 60
    if said is None:
        raise CellRefused("minutes", "", "dust_no_averaging")
    if said != wanted:
        raise CellRefused("minutes", printed(said), "dust_other_averaging")


def _amount(row: FiledRow, law: Row) -> Decimal:
    if row.unit("unit", "value") not in ("", "ug/m3"):
        raise CellRefused("unit", row.unit("unit", "value"), "dust_wrong_unit")
    value = _possible(row, "value")
    if not law.fields.get("over_background", False):
        return value
    return value - _possible(row, "background")


def _possible(row: FiledRow, name: str) -> Decimal:
    value = row.number_of(name, "dust_no_number")
    if value is None:
        raise CellRefused(name, row.text(name), "dust_no_background" if name == "background" else "dust_no_value")
    if value < 0:
        raise CellRefused(name, row.text(name), "dust_negative")
    if value > LARGEST:
        raise CellRefused(name, row.text(name), "dust_impossible")
    return value


def _day(
    key: tuple[str, str, date, str], values: list[_Value], allow: frozenset[str], zone: ZoneInfo
) -> dict[str, Any]:
    site, item, day, ident = key
    law, edition = values[0].law, values[0].edition
    over = sum(value.amount > law["limit"] for value in values)
    sure = decides(law, edition, allow)
    span = local_day(day, zone)
    return {
        "row": min(value.row for value in values),
        "site": site,
        "start": span.start,
        "end": span.end,
        "pollutant": item,
        "values": len(values),
        "over": over,
        "let_pass": law["exceedances_a_day"],
        "highest": float(max(value.amount for value in values)),
        "limit": float(law["limit"]),
        "label": ("over" if over > law["exceedances_a_day"] else "within") if sure else "undecided",
        "edition": edition.number,
        "clause": f"{edition.number} {law.clause}",
        "status": law.status,
        "method": METHOD,
        "reason": "" if sure else "limit_to_check",
        "law_row": ident,
    }


def explain_dust(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of the verdicts of `judge_dust`.

    Raises
    ------
    InputError
        If the row is none of `judge_dust`.
    """
    hold_row(row, SHOWN, "dust")
    values = {
        "site": str(row["site"]),
        "over": str(row["over"]),
        "values": str(row["values"]),
        "let_pass": str(row["let_pass"]),
        "highest": printed(row["highest"]),
        "limit": printed(row["limit"]),
        "edition": str(row["edition"]),
    }
    words = {"item": f"pollutant.{row['pollutant']}", "label": f"law_dust.label_{row['label']}"}
    return Explanation(
        value=printed(row["highest"]),
        limit=printed(row["limit"]),
        unit="ug/m3",
        edition=str(row["edition"]),
        clause=str(row["clause"]),
        status=row["status"],
        steps=tuple(_steps(row, values, words)),
        sentence=Message("law_dust.sentence", values, words),
        fields={"label": row["label"], "over": row["over"], "let_pass": row["let_pass"]},
    )


def _steps(row: Mapping[str, Any], values: dict[str, str], words: dict[str, str]) -> Iterator[Message]:
    yield Message("law_dust.limit", values, words)
    yield Message("law_dust.count", values, words)
    if row["status"] != "confirmed":
        yield Message("law_dust.doubt", {}, {"status": f"standards.{row['status']}"})
