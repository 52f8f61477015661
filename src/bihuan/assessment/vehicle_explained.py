"""Why a test of a vehicle has its verdict, and what a bureau writes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bihuan.assessment.filed_rows import printed
from bihuan.assessment.judged import Explanation, hold_row
from bihuan.core import Message, parse_instant

NEEDED = ("vehicle", "test", "item", "value", "limit", "unit", "label", "result", "edition", "clause", "status")


def explain_vehicle(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of the verdicts of `judge_vehicle`.

    Parameters
    ----------
    row : mapping
        As ``DataFrame.row(named=True)`` gives it, or as JSON brought it back.

    Raises
    ------
    InputError
        If the row is none of `judge_vehicle`.
    """
    hold_row(row, NEEDED, "vehicle")
    return Explanation(
        value=printed(row["value"]),
        limit=_limit(row),
        unit=str(row["unit"]),
        edition=str(row["edition"]),
        clause=str(row["clause"]),
        status=row["status"],
        steps=tuple(_steps(row)),
        sentence=_sentence(row),
        fields={"label": row["label"], "result": row["result"]},
    )


def _limit(row: Mapping[str, Any]) -> str:
    least = row.get("least")
    return f"{printed(least)}-{printed(row['limit'])}" if least is not None else printed(row["limit"])


def _steps(row: Mapping[str, Any]) -> Iterator[Message]:
    words = {"test": f"law_mobile.test_{row['test']}", "item": f"law_mobile.item_{row['item']}"}
    values = {"value": printed(row["value"]) or "-", "unit": str(row["unit"]), "limit": _limit(row)}
    yield Message("law_mobile.measured", values, words)
    told = values | {"edition": str(row["edition"]), "row": str(row.get("law_row") or "-")}
    yield Message("law_mobile.limit", told, words)
    yield Message("law_mobile.compared", values, words | {"label": f"law_mobile.label_{row['label']}"})
    if row["result"]:
        yield Message("law_mobile.result_of_test", {}, words | {"result": f"law_mobile.result_{row['result']}"})
    if row["test"] == "remote_sensing":
        yield Message("law_mobile.rule_of_passages")
    if row["status"] != "confirmed":
        yield Message("law_mobile.doubt", {}, {"status": f"standards.{row['status']}"})


def _sentence(row: Mapping[str, Any]) -> Message:
    values = {
        "vehicle": str(row["vehicle"]),
        "value": printed(row["value"]) or "-",
        "unit": str(row["unit"]),
        "limit": _limit(row),
        "edition": str(row["edition"]),
    }
    words = {
        "test": f"law_mobile.test_{row['test']}",
        "item": f"law_mobile.item_{row['item']}",
        "label": f"law_mobile.label_{row['label']}",
        "result": f"law_mobile.result_{row['result'] or 'undecided'}",
    }
    time = row.get("time")
    if time is None:
        return Message("law_mobile.sentence_undated", values, words)
    at = time if isinstance(time, datetime) else parse_instant(str(time))
    return Message("law_mobile.sentence", values, words, {"time": at})
