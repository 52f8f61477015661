"""The words of an event: what people read about it, never in code."""

from __future__ import annotations

from bihuan.alerts.rule import RuleRow
from bihuan.core import Event, Language, NotCovered, pollutant, text


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
    code = event.pollutant
    try:
        about = pollutant(code) if code else None
    except NotCovered:
        about = None
    if about is None:
        label, unit, places = code, "", 1
    else:
        outlet = event.subject.kind == "outlet"
        label = about.zh if language == "zh" else about.en
        unit, places = (about.outlet_unit if outlet else about.unit), about.decimals
    state = text("event.open" if event.open else "event.closed", language)
    return text(
        f"event.{rule.text}",
        language,
        name=name,
        pollutant=label,
        unit=unit,
        value=_number(event.value, places),
        threshold=_number(event.threshold, places),
        state=state,
    )


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"
