"""The words of an event: what people read about it, never in code."""

from __future__ import annotations

from bihuan.alerts.rule import RuleRow
from bihuan.assessment import CLASSES
from bihuan.core import Event, Language, NotCovered, pollutant, printed_unit, text


def kind_words(event: Event, language: Language = "zh") -> str:
    """Return 异常提示, 超标报警 or 离线/数据缺失: never 预警, which a person signs."""
    return text(f"alert.{event.kind}", language)


def describe(event: Event, rule: RuleRow, name: str, language: Language = "zh") -> str:
    """Return one sentence about an event.

    Parameters
    ----------
    event : Event
    rule : RuleRow
        The rule that found it.
    name : str
        Name of the subject as people know it.

    Raises
    ------
    NotCovered
        If the rule's text stands in no table.
    """
    label, unit, places = _unit(event, language)
    key = (
        f"event.{rule.text}_city" if rule.metric == "silence" and event.subject.kind == "city" else f"event.{rule.text}"
    )
    return text(
        key,
        language,
        name=name,
        pollutant=label,
        unit=unit,
        value=_number(event.value, places, rule, language),
        threshold=_number(event.threshold, places, rule, language),
        state=text("event.open" if event.open else "event.closed", language),
    )


def _unit(event: Event, language: Language) -> tuple[str, str, int]:
    """Name, unit and decimals of what the event is about; an index or a time has none."""
    if not event.pollutant:
        return "", "", 1 if event.kind == "silence" else 0
    try:
        about = pollutant(event.pollutant)
    except NotCovered:
        return event.pollutant, "", 1
    unit = about.outlet_unit if event.subject.kind == "outlet" else about.unit
    return about.zh if language == "zh" else about.en, printed_unit(unit), about.decimals


def _number(value: float | None, places: int, rule: RuleRow, language: Language) -> str:
    if value is None:
        return "-"
    if rule.tables.get("verdict", {}).get("worse_than_target"):
        return text(f"verdict.class_{CLASSES[round(value) - 1]}", language)
    return f"{value:.{places}f}"
