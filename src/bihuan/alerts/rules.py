"""The rule engine: rules are data, the step is pure, its state is plain JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.alerts import (
    metrics_air,
    metrics_logger,
    metrics_noticed,
    metrics_series,
    metrics_silence,
    metrics_verdicts,
)
from bihuan.alerts.facts import Facts
from bihuan.alerts.hold import Levels, RuleState, advance
from bihuan.alerts.rule import RuleRow, default_rules
from bihuan.core import CHINA, Event, Interval, floor_to, local_date
from bihuan.standards import lookup


@dataclass(frozen=True, slots=True)
class RulesState:
    """What all rules remember, by rule id; `to_json` / `from_json` keep it."""

    rules: dict[str, RuleState] = field(default_factory=dict)


class RuleSet:
    """All rules of a city, stepped together.

    Parameters
    ----------
    rules : iterable of RuleRow, optional
        `default_rules` if not given.
    allow : frozenset of str
        Standards that the city switched on although they are unconfirmed.
    zone : ZoneInfo
        Calendar that tells which edition of a standard is in force.

    Examples
    --------
    >>> rules = RuleSet()
    >>> state = RulesState()
    >>> # every few minutes: state, events = rules.step(state, facts, facts.now)
    """

    def __init__(
        self, rules: Iterable[RuleRow] | None = None, allow: frozenset[str] = frozenset(), zone: ZoneInfo = CHINA
    ) -> None:
        self.rules: tuple[RuleRow, ...] = default_rules() if rules is None else tuple(rules)
        self.allow = allow
        self.zone = zone

    def lookback(self, interval: Interval) -> timedelta:
        """Return how much data of an interval `Facts.values` must hold before now."""
        spans = [rule.lookback for rule in self.rules if rule.interval == interval]
        if interval == "hour":
            spans += [rule.lookback_hours for rule in self.rules]
        return max(spans, default=timedelta(0))

    def wanted(self, state: RulesState, interval: Interval, now: datetime) -> timedelta:
        """Return how much data of an interval the rules look at in a step at `now`: less than `lookback`, mostly.

        Rules that look back on a whole day do so once a period; between two of these the facts may be small.
        """
        due = (rule for rule in self.rules if _is_due(rule, state.rules.get(rule.id, RuleState()), now))
        return max((rule.lookback for rule in due if rule.interval == interval), default=timedelta(0))

    def pollutants(self) -> tuple[str, ...]:
        """Return the pollutants that any rule names, sorted."""
        return tuple(sorted({code for rule in self.rules for code in rule.pollutants}))

    def step(self, state: RulesState, facts: Facts, now: datetime) -> tuple[RulesState, tuple[Event, ...]]:
        """Judge every period that became ripe since the last step.

        Parameters
        ----------
        state : RulesState
        facts : Facts
            As of `now`; the order of its rows does not matter.
        now : datetime

        Returns
        -------
        RulesState
        tuple of Event
            Events that opened, went on or closed, by rule in their order and then by subject. An event keeps
            its id from its onset; the newest one of an id replaces the earlier ones.
        """
        if now != facts.now:
            facts = replace(facts, now=now)
        states: dict[str, RuleState] = {}
        told: list[Event] = []
        for rule in self.rules:
            before = state.rules.get(rule.id, RuleState())
            after, events = self._one(rule, before, facts)
            states[rule.id] = after
            told += events
        return RulesState(states), tuple(told)

    def _one(self, rule: RuleRow, state: RuleState, facts: Facts) -> tuple[RuleState, tuple[Event, ...]]:
        if not _is_due(rule, state, facts.now):
            return state, ()
        levels = self._levels(rule, facts, state.seen)
        return (state, ()) if levels is None else advance(rule, state, levels)

    def _levels(self, rule: RuleRow, facts: Facts, seen: datetime | None) -> Levels | None:
        if rule.metric == "value":
            limits = hour_limits(rule, local_date(facts.now, self.zone), facts.place_code, self.allow)
            return metrics_air.value_over(rule, facts, seen, limits)
        return _METRICS[rule.metric](rule, facts, seen)


_METRICS = {
    "ceiling": metrics_logger.ceiling,
    "clipped": metrics_series.clipped,
    "copied": metrics_series.copied,
    "divergence": metrics_series.divergence,
    "double": metrics_noticed.noticed,
    "day_limit": metrics_air.day_limit,
    "excess": metrics_air.excess,
    "flagged": metrics_series.flagged,
    "regional": metrics_air.regional,
    "replayed": metrics_logger.replayed,
    "sign": metrics_series.by_a_person,
    "silence": metrics_silence.silence,
    "smooth": metrics_series.smooth,
    "uncontrolled": metrics_noticed.noticed,
    "verdict": metrics_verdicts.verdict_levels,
}

_BY_PERIOD = frozenset({"ceiling", "clipped", "copied", "divergence", "flagged", "regional", "replayed", "smooth"})
"""Metrics that look back on many hours: worked once a period. The others look at every step, for late data."""


def hour_limits(rule: RuleRow, on: date, place: str, allow: frozenset[str]) -> Mapping[str, float]:
    """Return the limits of the standard in force on a day, by pollutant."""
    setting = rule.table("limit")
    edition = lookup(setting["standard"], on=on, place=place, allow=allow)
    column = f"grade{setting['grade']}"
    return {
        code: float(edition.row("limits", code, averaging=setting["averaging"])[column])
        for code in setting["pollutants"]
    }


def _is_due(rule: RuleRow, state: RuleState, now: datetime) -> bool:
    return rule.metric not in _BY_PERIOD or state.seen is None or _newest(rule, now) > state.seen


def _newest(rule: RuleRow, now: datetime) -> datetime:
    """End of the newest period that may be judged."""
    return floor_to(now - rule.lag, rule.period)
