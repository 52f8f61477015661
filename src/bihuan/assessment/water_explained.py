"""Why a sample of water has its verdict: values beside limits, the worst item, and what a bureau writes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from bihuan.assessment.black_odorous import CODES
from bihuan.assessment.discharge import CODE as DISCHARGE
from bihuan.assessment.discharge import DischargeLimit, discharge_limits, over_items
from bihuan.assessment.judged import Explanation, hold_row
from bihuan.assessment.water import CLASSES, RULE, WaterLaw, class_of, water_law
from bihuan.assessment.water import CODE as CLASS_CODE
from bihuan.assessment.water_bulk import LOW
from bihuan.core import CHINA, InputError, Message, exact, local_date, parse_instant
from bihuan.standards import Row, editions

NEEDED = ("site", "water_body", "class", "worst", "edition", "reason")
MOST = 3
"""Items that the sentence names."""


def explain_water(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of the verdicts of `judge_water`.

    Parameters
    ----------
    row : mapping
        As ``DataFrame.row(named=True)`` gives it, or as JSON brought it back.

    Returns
    -------
    Explanation
        ``value`` and ``limit`` are those of the worst item; for a river or lake the limit is that of class III.

    Raises
    ------
    InputError
        If the row is none of `judge_water`, or its edition is not held.
    """
    hold_row(row, NEEDED, "water")
    body = str(row["water_body"])
    if body in ("river", "lake"):
        return _surface(row)
    return _effluent(row) if body == "effluent" else _black(row)


def _day(row: Mapping[str, Any], code: str) -> date:
    """Return a day on which the edition of the verdict is in force: that of the sample, else its first."""
    number = str(row["edition"])
    found = [edition for edition in editions(code) if edition.number == number]
    if not found:
        held = ", ".join(edition.number for edition in editions(code))
        raise InputError(f"edition {number!r} is none of {code}; held: {held}")
    start = _instant(row.get("start"))
    day = None if start is None else local_date(start)
    return day if day is not None and found[0].holds(day) else found[0].effective_from


def _surface(row: Mapping[str, Any]) -> Explanation:
    allowed = frozenset({"mep_2011_22#grades"}) if row.get("grade") else frozenset()
    day = max(_day(row, CLASS_CODE), editions(RULE)[0].effective_from)
    law = water_law(day, "lake" if row["water_body"] == "lake" else "river", allow=allowed)
    first = str(row["worst"]).split(";")[0]
    limit = "" if first not in law.items else _limits(law.items[first])[2]
    return Explanation(
        value="" if not first else _number(row.get(first)),
        limit=limit,
        unit=law.items[first]["unit"] if first in law.items else "",
        edition=str(row["edition"]),
        clause=str(row.get("clause") or law.clause),
        status=row.get("status") or law.status,
        steps=tuple(_surface_steps(row, law)),
        sentence=_surface_sentence(row),
        fields={name: row.get(name) for name in ("class", "worst", "over", "multiples", "grade", "not_assessed")},
    )


def _surface_steps(row: Mapping[str, Any], law: WaterLaw) -> Iterator[Message]:
    yield Message("law_water.edition", {"edition": law.standard.number, "rule": law.rule.number})
    if (row.get("samples") or 1) > 1:
        yield Message("law_water.mean", {"count": str(row["samples"])})
    for item, limits in law.items.items():
        if row.get(item) is not None:
            yield _class_step(row, item, limits)
    if row["class"]:
        words = {"class": f"verdict.class_{row['class']}"} | _names(row["worst"], 1)
        yield Message("law_water.worst", {"count": str(len(str(row["worst"]).split(";")))}, words)
    elif row["reason"] == "water_bounds_open":
        best, worst = (CLASSES[int(row[name]) - 1] for name in ("class_best", "class_worst"))
        words = {"best": f"verdict.class_{best}", "worst": f"verdict.class_{worst}"} | _names(row["worst"], 1)
        yield Message("law_water.open", words=words)
    for item, times in over_items(row):
        limits, named = law.items[item], {"item": f"law_water.item_{item}"}
        if times:
            told = {"value": _number(row[item]), "limit": _limits(limits)[2], "times": times}
            yield Message("law_water.times", told, named)
        else:
            told = {"value": _measured(row[item], limits["unit"]), "limit": _limits(limits)[2]}
            yield Message("law_water.beyond", told, named)
    if row.get("not_assessed"):
        yield Message("law_water.not_assessed", {"count": str(len(str(row["not_assessed"]).split(";")))})


def _class_step(row: Mapping[str, Any], item: str, limits: Row) -> Message:
    value, low = row[item], row.get(f"{item}{LOW}")
    told = {"value": _measured(value, limits["unit"]), "limits": " / ".join(_limits(limits))}
    numbers = sorted({class_of(limits, exact(float(end))) for end in (value, value if low is None else low)})
    words = {"item": f"law_water.item_{item}", "class": f"verdict.class_{CLASSES[numbers[-1] - 1]}"}
    if low is None or low == value:
        return Message("law_water.class", told, words)
    if len(numbers) == 1:
        return Message("law_water.class_below_sure", told, words)
    told["low"] = _number(low)
    words["best"] = f"verdict.class_{CLASSES[numbers[0] - 1]}"
    return Message("law_water.class_below", told, words)


def _surface_sentence(row: Mapping[str, Any]) -> Message:
    told = {"site": _site(row), "when": _when(row), "edition": str(row["edition"])}
    if not row["class"]:
        return Message("law_water.sentence_none", told, {"reason": _reason(str(row["reason"]))})
    words = {"class": f"verdict.class_{row['class']}"}
    over = list(over_items(row))[:MOST]
    for place, (item, times) in enumerate(over, start=1):
        words[f"item_{place}"] = f"law_water.item_{item}"
        told[f"times_{place}"] = f"({times})" if times else ""
    return Message(f"law_water.sentence_{len(over)}", told, words)


def _effluent(row: Mapping[str, Any]) -> Explanation:
    limits = {one.item: one for one in _effluent_limits(row)}
    first = str(row["worst"]).split(";")[0] or next((item for item in limits if row.get(item) is not None), "")
    told = {"site": _site(row), "when": _when(row), "edition": str(row["edition"]), "level": str(row["level"])}
    words = {"level_words": f"law_water.level_{row['level']}"}
    over = list(over_items(row))[:MOST]
    for place, (item, times) in enumerate(over, start=1):
        words[f"item_{place}"] = f"law_water.item_{item}"
        told[f"times_{place}"] = f"({times})" if times else ""
    key = f"effluent_over_{len(over)}" if over else "effluent_within" if row["class"] else "effluent_open"
    if key == "effluent_open":
        words["reason"] = _reason(str(row["reason"]))
    return Explanation(
        value=_number(row.get(first)) if first else "",
        limit=_limit_words(limits[first]) if first else "",
        unit=limits[first].unit if first else "",
        edition=str(row["edition"]),
        clause=str(row.get("clause") or ""),
        status=row.get("status") or "unconfirmed",
        steps=tuple(_effluent_steps(row, limits)),
        sentence=Message(f"law_water.{key}", told, words),
        fields={name: row.get(name) for name in ("class", "level", "over", "multiples", "not_assessed")},
    )


def _effluent_limits(row: Mapping[str, Any]) -> tuple[DischargeLimit, ...]:
    on = _day(row, DISCHARGE)
    law = next(edition for edition in editions(DISCHARGE) if edition.number == row["edition"])
    # the method of the verdict names the tables that a city had switched on
    allow = frozenset(f"{law.id}#{table}" for table in str(row.get("method", "")).split("+")[1:])
    built = row.get("built")
    built = date.fromisoformat(built[:10]) if isinstance(built, str) and built else built or None
    return discharge_limits(
        str(row["level"]), on=on, water_temperature=row.get("water_temperature"), built=built, allow=allow
    )


def _effluent_steps(row: Mapping[str, Any], limits: Mapping[str, DischargeLimit]) -> Iterator[Message]:
    yield Message("law_water.edition_only", {"edition": str(row["edition"])})
    for item, limit in limits.items():
        if row.get(item) is None:
            continue
        told = {"value": _measured(row[item], limit.unit), "limit": _limit_words(limit)}
        held = limit.holds(exact(float(row[item])))
        key = "limit_open" if held is None else "limit_kept" if held else "limit_broken"
        yield Message(f"law_water.{key}", told, {"item": f"law_water.item_{item}"})


def _black(row: Mapping[str, Any]) -> Explanation:
    code = CODES[str(row["water_body"])]
    number = str(row["edition"])
    day = _day(row, code)
    found = next(edition for edition in editions(code) if edition.number == number and edition.holds(day))
    rows = {one.item: one for one in found.table("indicators")}
    first = str(row["worst"]).split(";")[0]
    told = {"site": _site(row), "when": _when(row), "edition": number}
    words = {"class": f"law_water.{row['class']}"} if row["class"] else {"reason": _reason(str(row["reason"]))}
    steps = [Message("law_water.edition_only", {"edition": number})]
    for item, one in rows.items():
        if row.get(item) is not None:
            named = {"value": _measured(row[item], one["unit"]), "range": _range(one)}
            steps.append(Message("law_water.indicator", named, {"item": f"law_water.item_{item}"}))
    return Explanation(
        value=_number(row.get(first)) if first else "",
        limit=_range(rows[first]) if first else "",
        unit=rows[first]["unit"] if first else "",
        edition=number,
        clause=str(row.get("clause") or found.clause),
        status=row.get("status") or found.status,
        steps=tuple(steps),
        sentence=Message("law_water.black_sentence" if row["class"] else "law_water.black_open", told, words),
        fields={name: row.get(name) for name in ("class", "worst", "not_assessed")},
    )


def _range(row: Row) -> str:
    if "light" in row.fields:
        return f"{row['light'][0]}-{row['light'][1]}"
    return f">{row['black_above']}" if row["worse"] == "higher" else f"<{row['black_below']}"


def _limits(row: Row) -> list[str]:
    if row["kind"] == "range":
        return [f"{low}-{high}" for low, high in row["classes"]]
    return [f"{limit:f}" if not isinstance(limit, int) else str(limit) for limit in row["classes"]]


def _limit_words(limit: DischargeLimit) -> str:
    if isinstance(limit.strict, tuple):
        return f"{limit.strict[0]}-{limit.strict[1]}"
    return (
        str(limit.strict)
        if limit.strict == limit.lax or not exact(limit.lax).is_finite()
        else (f"{limit.strict}({limit.lax})")
    )


def _measured(value: Any, unit: str) -> str:
    return _number(value) if unit == "1" else f"{_number(value)} {unit}"


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{exact(float(value)).normalize():f}"


def _names(codes: Any, most: int) -> dict[str, str]:
    return {f"item_{place}": f"law_water.item_{code}" for place, code in enumerate(str(codes).split(";")[:most], 1)}


def _reason(reason: str) -> str:
    return f"refused.{reason}" if reason.startswith("water_") else f"verdict.{reason or 'no_items'}"


def _site(row: Mapping[str, Any]) -> str:
    return str(row["site"]).partition(":")[2] or str(row["site"])


def _when(row: Mapping[str, Any]) -> str:
    """Local time of the sample, or the days of its period."""
    start, end = (_instant(row.get(name)) for name in ("start", "end"))
    if start is None:
        return ""
    local = start.astimezone(CHINA)
    if end is None:
        return f"{local:%Y-%m-%d %H:%M}"
    last = (end - timedelta(seconds=1)).astimezone(CHINA)
    if (local.hour, local.minute) != (0, 0):
        return f"{local:%Y-%m-%d %H:%M}"
    return f"{local:%Y-%m-%d}" if last.date() == local.date() else f"{local:%Y-%m-%d}~{last:%Y-%m-%d}"


def _instant(value: Any) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else parse_instant(str(value))
