"""Why an hour has its index: inputs, rounding, interpolation, the largest, and what a bureau writes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any

from bihuan.assessment.index import Figure, IndexLaw, index_law
from bihuan.assessment.judged import Explanation, hold_row
from bihuan.core import NATIONAL_SIX, InputError, Message, exact, local_date, parse_instant, pollutant, round_half_even
from bihuan.standards import Row, editions

NEEDED = ("site", "start", "end", "aqi", "primary", "edition", "method", "reason")


def explain_air(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of the verdicts of `judge_air`.

    Parameters
    ----------
    row : mapping
        As ``DataFrame.row(named=True)`` gives it, or as JSON brought it back.

    Returns
    -------
    Explanation
        ``limit`` is the span of the level, ``101-150``; ``fields`` holds ``level label primary`` and each IAQI.

    Raises
    ------
    InputError
        If the row is none of `judge_air`.
    NotCovered
        If its edition or method is not held.
    """
    hold_row(row, NEEDED, "air")
    law = _law(str(row["edition"]))
    figures, _ = law.figures("hourly", str(row["method"]))
    steps = (_edition_step(row), Message("law_air.rounding"), *_item_steps(row, law, figures), *_index_steps(row, law))
    level = _level(law, row["aqi"])
    return Explanation(
        value="" if row["aqi"] is None else str(row["aqi"]),
        limit="" if level is None else f"{level['aqi_from']}-{level['aqi_to']}",
        unit="1",
        edition=law.standard.number,
        clause=str(row.get("clause") or law.clause("hourly", str(row["method"]))),
        status=row.get("status", "confirmed"),
        steps=steps,
        sentence=_sentence(row, level),
        fields={
            "level": None if level is None else level["number"],
            "label": "" if level is None else level.item,
            "primary": row["primary"],
            **{f"iaqi_{code}": row.get(f"iaqi_{code}") for code in NATIONAL_SIX},
        },
    )


def _law(number: str) -> IndexLaw:
    found = [edition for edition in editions("HJ 633") if edition.number == number]
    if not found:
        held = ", ".join(edition.number for edition in editions("HJ 633"))
        raise InputError(f"edition {number!r} is none of HJ 633; held: {held}")
    return index_law(found[0].effective_from)


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else parse_instant(str(value))


def _level(law: IndexLaw, aqi: int | None) -> Row | None:
    rows = law.standard.table("levels")
    return next((row for row in rows if aqi is not None and row["aqi_from"] <= aqi <= row["aqi_to"]), None)


def _edition_step(row: Mapping[str, Any]) -> Message:
    start = _instant(row["start"])
    named = next(edition for edition in editions("HJ 633") if edition.number == row["edition"])
    key = "edition" if named.holds(local_date(start)) else "edition_named"
    return Message(f"law_air.{key}", {"edition": named.number}, times={"start": start})


def _item_steps(row: Mapping[str, Any], law: IndexLaw, figures: tuple[Figure, ...]) -> Iterator[Message]:
    for figure in figures:
        given = row.get(figure.item if figure.averaging == "1h" else f"{figure.item}_{figure.averaging}")
        named = {"item": pollutant(figure.item).en, "averaging": figure.averaging, "unit": pollutant(figure.item).unit}
        if given is None:
            yield Message("law_air.item_missing", named)
            continue
        table = law.standard.row("breakpoints", figure.item, averaging=figure.table)
        places = law.sub_indices[figure.item, figure.table].decimals
        value = round_half_even(float(given), places)
        if value != exact(float(given)):
            told = {"given": f"{exact(float(given)).normalize():f}", "value": f"{value:f}"}
            yield Message("law_air.rounded", named | told)
        yield _sub_index_step(row, law, figure, table, Fraction(value), named)


def _sub_index_step(
    row: Mapping[str, Any], law: IndexLaw, figure: Figure, table: Row, value: Fraction, named: dict[str, str]
) -> Message:
    points = list(zip(table["concentration"], table["iaqi"], strict=True))
    instead = law.sub_indices[figure.item, figure.table].instead
    if value > points[-1][0]:
        told = named | {
            "value": _short(value),
            "top": str(points[-1][0]),
            "iaqi": _said(row, figure.item, points[-1][1]),
        }
        return Message("law_air.elsewhere" if instead else "law_air.over_top", told | {"instead": instead})
    for (low, below), (high, above) in pairwise(points):
        if value <= high:
            raw = Fraction(above - below) / Fraction(high - low) * (value - Fraction(low)) + below
            told = {"low": low, "high": high, "below": below, "above": above}
            words = {name: str(number) for name, number in told.items()}
            words |= {"value": _short(value), "raw": _short(raw), "iaqi": str(-(-raw.numerator // raw.denominator))}
            return Message("law_air.interpolated", named | words)
    raise AssertionError(value)


def _said(row: Mapping[str, Any], code: str, otherwise: Any) -> str:
    """The sub-index that the verdict carries; for a concentration above the table it is a rule's, not a formula's."""
    found = row.get(f"iaqi_{code}")
    return str(otherwise if found is None else found)


def _short(number: Fraction) -> str:
    """A number with at most four decimals, as one reads it."""
    return f"{float(round(number, 4)):.4f}".rstrip("0").rstrip(".")


def _index_steps(row: Mapping[str, Any], law: IndexLaw) -> Iterator[Message]:
    indices = [row[f"iaqi_{code}"] for code in NATIONAL_SIX if row.get(f"iaqi_{code}") is not None]
    if not indices:
        yield Message("law_air.no_items")
        return
    yield Message("law_air.largest", {"aqi": str(max(indices))})
    if row["aqi"] is None:
        yield Message("law_air.not_published", {"aqi": str(max(indices)), "above": str(law.publish_above)})
    elif row["reason"] == "items_missing":
        yield Message("law_air.from_the_rest")
    level = _level(law, row["aqi"])
    if level is not None:
        told = {"aqi": str(row["aqi"]), "low": str(level["aqi_from"]), "high": str(level["aqi_to"])}
        yield Message(
            "law_air.level", told, {"label": f"aqi.{level.item}", "level": f"law_air.level_{level['number']}"}
        )
    if row["primary"]:
        yield Message("law_air.primary", {"items": _items(row), "above": str(law.primary_above)})


def _level_words(level: Row) -> dict[str, str]:
    return {"label": f"aqi.{level.item}", "level": f"law_air.level_{level['number']}"}


def _items(row: Mapping[str, Any]) -> str:
    return ", ".join(pollutant(code).en for code in str(row["primary"]).split(";"))


def _sentence(row: Mapping[str, Any], level: Row | None) -> Message:
    site = str(row["site"]).partition(":")[2] or str(row["site"])
    values = {"site": site, "edition": str(row["edition"])}
    times = {"start": _instant(row["start"]), "end": _instant(row["end"])}
    if level is None:
        key = "law_air.sentence_none" if row["reason"] == "no_items" else "law_air.sentence_not_published"
        return Message(key, values, times=times)
    words = _level_words(level)
    values |= {"aqi": str(row["aqi"])}
    if row["primary"]:
        return Message("law_air.sentence", values | {"items": _items(row)}, words, times)
    return Message("law_air.sentence_clean", values, words, times)
