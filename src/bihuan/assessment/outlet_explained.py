"""Why an outlet has its verdict: inputs, folding, comparison, and what a bureau writes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bihuan.assessment.filed_rows import printed
from bihuan.assessment.judged import Explanation, hold_row
from bihuan.assessment.outlet_rows import METHOD
from bihuan.core import InputError, Message, Verdict, parse_instant, pollutant, printed_unit, round_half_even

NEEDED = (
    "site",
    "averaging",
    "pollutant",
    "value",
    "compared",
    "limit",
    "label",
    "edition",
    "clause",
    "status",
    "reason",
)
FIELDS = (
    *("label", "multiple", "folded", "rate", "mark_timing", "basis"),
    *("beside_limit", "beside_basis", "beside_clause", "beside_status", "beside_why"),
)

AVERAGING = {"outlet_hour": "hour", "outlet_day": "day"}
"""Averaging by kind of a stored verdict."""

SHOWN = 3
"""Decimals of a folded value and of a multiple as they are printed; the comparison is exact."""


def explain_outlet(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of the verdicts of `judge_outlet`.

    Parameters
    ----------
    row : mapping
        As ``DataFrame.row(named=True)`` gives it, or as JSON brought it back.

    Raises
    ------
    InputError
        If the row is none of `judge_outlet`.
    """
    hold_row(row, NEEDED, "outlet")
    return Explanation(
        value=shown(row["compared"]),
        limit=printed(row["limit"]),
        unit=pollutant(str(row["pollutant"])).outlet_unit,
        edition=str(row["edition"]),
        clause=str(row["clause"]),
        status=row["status"],
        steps=tuple(_steps(row)),
        sentence=_sentence(row),
        fields={name: row.get(name) for name in FIELDS},
    )


def explain_outlet_verdict(verdict: Verdict, name: str = "") -> Explanation:
    """Explain a stored verdict of an outlet in the words of one from a file.

    Parameters
    ----------
    verdict : Verdict
        Of `outlet_hours` or `outlet_days`.
    name : str
        As the sentence shall call the outlet; its reference when empty.

    Raises
    ------
    InputError
        If it is a verdict of another kind, or of an earlier method that kept less.
    """
    figures = {item: value for item, value, _ in verdict.items}
    if verdict.kind not in AVERAGING or verdict.method != METHOD:
        raise InputError(
            f"{verdict.ref} is a {verdict.kind} by {verdict.method}; explained here are "
            f"{', '.join(AVERAGING)} by {METHOD}"
        )
    item = verdict.items[0][0]
    counted = {one: number for one, _, number in verdict.items}
    row: dict[str, Any] = dict.fromkeys(NEEDED) | dict(verdict.notes)
    row |= {
        "site": name or str(verdict.subject),
        "averaging": AVERAGING[verdict.kind],
        "pollutant": item,
        "value": figures.get("measured"),
        "compared": verdict.value,
        "start": verdict.period.start,
        "label": verdict.label,
        "clause": verdict.clause,
        "status": verdict.status,
        "reason": verdict.reason,
        "count": counted.get("count"),
    }
    row |= {one: figures.get(one) for one in ("limit", "o2", "o2_reference", "multiple", "beside_limit")}
    return explain_outlet(row)


def shown(value: Any) -> str:
    """Return a value as it is printed: at most `SHOWN` decimals, its own where it has fewer."""
    return "" if value is None else printed(round_half_even(float(value), SHOWN))


def _steps(row: Mapping[str, Any]) -> Iterator[Message]:
    about = pollutant(str(row["pollutant"]))
    named = {"unit": printed_unit(about.outlet_unit)}
    averaging = {"averaging": f"law_outlet.averaging_{row['averaging']}", "item": f"pollutant.{about.code}"}
    if row["value"] is None:
        yield Message("law_outlet.no_measured", named, averaging)
    else:
        state = "measured" if about.medium == "air" else "measured_water"
        yield Message(f"law_outlet.{state}", named | {"value": shown(row["value"])}, averaging)
    if row.get("count") is not None:
        yield Message(f"law_outlet.count_{row['averaging']}", {"count": str(row["count"])})
    yield from _folding(row, named)
    yield from _against(row)
    if row["limit"] is not None:
        key = "law_outlet.limit_of_permit" if not row.get("law_row") else "law_outlet.limit_of_standard"
        told = named | {"limit": printed(row["limit"]), "row": str(row.get("law_row") or "-")}
        values, words = _basis(row)
        yield Message(key, told | values, averaging | words)
    yield from _beside(row, named, averaging)
    if row["label"] in ("suspected_over", "within"):
        sign = ">" if row["label"] == "suspected_over" else "≤"
        told = named | {"judged": shown(row["compared"]), "limit": printed(row["limit"]), "sign": sign}
        yield Message("law_outlet.compared", told, averaging)
    if row.get("multiple") is not None:
        told = {"multiple": shown(row["multiple"]), "judged": shown(row["compared"]), "limit": printed(row["limit"])}
        yield Message("law_outlet.multiple", told)
    if row["reason"]:
        yield Message(f"law_outlet.reason_{row['reason']}")
    if row["status"] != "confirmed":
        yield Message("law_outlet.doubt", {}, {"status": f"standards.{row['status']}"})


def _folding(row: Mapping[str, Any], named: Mapping[str, str]) -> Iterator[Message]:
    if row.get("o2_reference") is None:
        return
    told = {"o2": shown(row.get("o2")) or "-", "reference": printed(row["o2_reference"])}
    if row.get("folded") and row["compared"] is not None:
        told |= {"value": shown(row["value"]), "judged": shown(row["compared"]), "unit": named["unit"]}
        yield Message("law_outlet.folded", told)
    elif row["compared"] is None and row["value"] is not None and row.get("o2") is not None:
        yield Message("law_outlet.not_folded", told)
    elif row["compared"] is not None:
        yield Message("law_outlet.folded_by_device", told | {"judged": shown(row["compared"]), "unit": named["unit"]})


def _against(row: Mapping[str, Any]) -> Iterator[Message]:
    """What speaks against the value as evidence, and when it was said."""
    if row.get("mark"):
        yield Message("law_outlet.marked", {"mark": str(row["mark"])})
    if row.get("state"):
        yield Message("law_outlet.declared", {}, {"state": f"law_outlet.state_{row['state']}"})
    if row.get("mark_timing"):
        yield Message(f"law_outlet.timing_{row['mark_timing']}")


def _beside(row: Mapping[str, Any], named: Mapping[str, str], averaging: Mapping[str, str]) -> Iterator[Message]:
    """The other of permit and standard, and why it did not decide."""
    if not row.get("beside_why"):
        return
    values, words = _basis({"basis": row.get("beside_basis")})
    told = {**named, **values, "limit": printed(row.get("beside_limit"))}
    status = {"status": f"standards.{row['beside_status']}"} if row["beside_why"] == "to_check" else {}
    yield Message(f"law_outlet.beside_{row['beside_why']}", told, {**averaging, **words, **status})


def _basis(row: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """What the limit rests on: as the row says it, or in our words that it is the permit's."""
    if row.get("basis") in (None, "", "permit"):
        return {}, {"basis": "law_outlet.permit"}
    return {"basis": str(row["basis"])}, {}


def _sentence(row: Mapping[str, Any]) -> Message:
    item = pollutant(str(row["pollutant"]))
    values = {
        "site": str(row["site"]).removeprefix("outlet:"),
        "judged": shown(row["compared"]),
        "limit": printed(row["limit"]),
        "unit": printed_unit(item.outlet_unit),
        "multiple": shown(row.get("multiple")) or "-",
    }
    said, named = _basis(row)
    words = {"averaging": f"law_outlet.averaging_{row['averaging']}", "item": f"pollutant.{item.code}"} | named
    if row["label"] in ("not_evidence", "no_value", "undecided"):
        words["reason"] = f"law_outlet.reason_{row['reason']}"
    times = {"start": _instant(row["start"])} if row.get("start") is not None else {}
    key = f"law_outlet.sentence_{row['label']}" + ("" if times else "_undated")
    return Message(key, values | said, words, times)


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(str(value))
