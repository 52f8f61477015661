"""Why a sample of soil, or a site, has its verdict, and what a bureau writes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from bihuan.assessment.judged import Explanation
from bihuan.assessment.soil import UNIT, multiple
from bihuan.assessment.soil_limits import FALLBACK, LAND_CODES
from bihuan.core import InputError, Message, NotCovered, exact
from bihuan.standards import Row, Standard, editions, lookup

NEEDED = ("subject", "site", "date", "land_use", "item", "value", "label", "edition", "clause", "status")


def explain_soil(row: Mapping[str, Any]) -> Explanation:
    """Explain one row of the verdicts of `judge_soil`.

    Parameters
    ----------
    row : mapping
        As ``DataFrame.row(named=True)`` gives it, or as JSON brought it back.

    Returns
    -------
    Explanation
        ``limit`` is the screening value, of what is above control the control value; ``fields`` holds ``subject label
        screening control over_screening over_control worst next_step``.

    Raises
    ------
    InputError
        If the row is none of `judge_soil`: a recomputed value of the risk model is none, and is no limit either.
    NotCovered
        If its edition is not held.
    """
    missing = [name for name in NEEDED if name not in row]
    if missing or row["subject"] not in ("site", "item") or row["land_use"] not in LAND_CODES:
        raise InputError(
            f"no verdict of soil: {', '.join(missing) or 'its subject or use of land'} is absent; give a row that "
            "judge_soil has made (a value recomputed by the risk model is no verdict and no limit)"
        )
    law = _law(row)
    return _site(row, law) if row["subject"] == "site" else _item(row, law)


def _law(row: Mapping[str, Any]) -> Standard:
    code = LAND_CODES[str(row["land_use"])]
    found = next((one for one in editions(code) if one.number == row["edition"]), None)
    if found is None:
        held = ", ".join(one.number for one in editions(code))
        raise NotCovered(f"edition {row['edition']!r} is none of {code}; held: {held}")
    day = _day(row["date"])
    on = day if day is not None and found.holds(day) else found.effective_from
    return lookup(code, on=on, allow_unconfirmed=True)


def _day(value: Any) -> date | None:
    return value if isinstance(value, date) or value is None else date.fromisoformat(str(value)[:10])


def _limits(row: Mapping[str, Any], law: Standard) -> tuple[Decimal, Decimal | None]:
    """Screening and control value as the standard prints them."""
    land, item = str(row["land_use"]), str(row["item"])
    if law.code == "GB 36600":
        held = law.row("limits", item)
        place = ("class_1", "class_2").index(land)
        return Decimal(held["screening"][place]), Decimal(held["control"][place])
    bounds = [_at(line, row, law) for line in _farmland(law, land, item)]
    control = next((line for line in law.table("control") if line.item == item), None)
    return min(bounds), None if control is None else _at(control, row, law)


def _farmland(law: Standard, land: str, item: str) -> list[Row]:
    held = {str(line["land_use"]): line for line in law.table("screening") if line.item == item}
    if land == "rotation":
        found = [held[name] for name in ("paddy", "other") if name in held] or [*held.values()][:1]
    else:
        found = [held[name] for name in FALLBACK[land] if name in held][:1]
    if not found:
        raise NotCovered(f"{law.number} has no limit of {item!r} for {land}; open standards/soil/{law.id}.toml")
    return found


def _at(line: Row, row: Mapping[str, Any], law: Standard) -> Decimal:
    limits = line["limits"]
    return Decimal(limits[0] if len(limits) == 1 else limits[_bin(law, row["ph"])])


def _bin(law: Standard, ph: float) -> int:
    return sum(exact(ph) > edge for edge in law.row("ph_bins", "upper_edges")["edges"])


def _item(row: Mapping[str, Any], law: Standard) -> Explanation:
    screening, control = _limits(row, law)
    value = exact(row["value"])
    decisive = control if row["label"] == "above_control" and control is not None else screening
    values = {
        "site": str(row["site"]),
        "value": _measured(row["value"]),
        "screening": _plain(screening),
        "control": "" if control is None else _plain(control),
        "edition": law.number,
        "background": "" if row.get("background") is None else _measured(row["background"]),
    }
    words = {"item": f"law_soil.item_{row['item']}", "land": f"law_soil.{row['land_use']}"}
    label = "unclear" if row["label"] is None else "not_detected" if row.get("below") else row["label"]
    over = value / screening - 1 if value > screening else Decimal(0)
    values["times"] = _plain(multiple(value, decisive)) if over else "0"
    return Explanation(
        value=("<" if row.get("below") else "") + values["value"],
        limit=_plain(decisive),
        unit=UNIT,
        edition=law.number,
        clause=str(row["clause"]),
        status=row["status"],
        steps=tuple(_item_steps(row, law, values, words, control is not None)),
        sentence=Message(f"law_soil.sentence_{label}", values=values, words=words),
        fields={name: row.get(name) for name in ("subject", "label", "over_screening", "over_control", "next_step")}
        | {"screening": values["screening"], "control": values["control"]},
    )


def _item_steps(
    row: Mapping[str, Any], law: Standard, values: Mapping[str, str], words: Mapping[str, str], controlled: bool
) -> Iterator[Message]:
    day = _day(row["date"])
    yield Message("law_soil.edition", values={"day": str(day or "-"), "edition": law.number}, words=words)
    if row.get("ph") is not None:
        edges = [_plain(Decimal(edge)) for edge in law.row("ph_bins", "upper_edges")["edges"]]
        place = _bin(law, row["ph"])
        span = [f"<= {edges[0]}", *(f"{low} - {high}" for low, high in pairwise(edges))]
        span.append(f"> {edges[-1]}")
        yield Message("law_soil.ph", values={"ph": _measured(row["ph"]), "bin": span[place]})
    if row["land_use"] == "rotation" and len(_farmland(law, "rotation", str(row["item"]))) > 1:
        yield Message("law_soil.rotation_rule", values=values)
    yield Message("law_soil.below_detection" if row.get("below") else "law_soil.measured", values=values, words=words)
    yield Message("law_soil.no_rounding")
    yield Message("law_soil.compared" if controlled else "law_soil.compared_screening", values=values)
    if row.get("over_screening") is not None and row["label"] != "within_background":
        for name in ("screening", "control") if row.get("over_control") is not None else ("screening",):
            limit = Decimal(values[name])
            found = _plain(multiple(exact(row["value"]), limit))
            yield Message("law_soil.times", values={"value": values["value"], "limit": values[name], "times": found})
    if row["label"] == "within_background":
        yield Message("law_soil.within_background", values=values)
    elif row.get("reason") == "soil_background_unknown":
        yield Message("law_soil.background_unknown", values=values, words=words)


def _site(row: Mapping[str, Any], law: Standard) -> Explanation:
    label = row["label"] or "unclear"
    if row["label"] in ("below_screening", "within_background") and row.get("not_judged"):
        label = "incomplete"
    items = [item for item in str(row["worst"] or "").split(";") if item]
    values = {
        "site": str(row["site"]),
        "day": str(_day(row["date"]) or "-"),
        "edition": law.number,
        "count": str(len(items)),
        "missing": str(row.get("not_judged") or 0),
    }
    step = f"law_soil.step_{row['next_step']}" if row.get("next_step") else "law_soil.step_none"
    words = {"land": f"law_soil.{row['land_use']}", "step": step}
    steps = [Message("law_soil.edition", values=values, words=words), Message("law_soil.worst_decides", values=values)]
    steps += [Message("law_soil.decides", values=values, words={"item": f"law_soil.item_{item}"}) for item in items]
    if row.get("not_judged"):
        steps.append(Message("law_soil.not_judged", values=values))
    return Explanation(
        value=str(row["label"] or ""),
        limit="",
        unit="",
        edition=law.number,
        clause=str(row["clause"]),
        status=row["status"],
        steps=tuple(steps),
        sentence=Message(f"law_soil.site_{label}", values=values, words=words),
        fields={name: row.get(name) for name in ("subject", "label", "worst", "next_step", "not_judged")},
    )


def _plain(value: Decimal) -> str:
    """A decimal without an exponent."""
    return format(value, "f")


def _measured(value: float) -> str:
    """A measured value; a whole number without the zero that a double adds."""
    found = exact(value)
    return _plain(found.quantize(Decimal(1)) if found == found.to_integral_value() else found)
