"""Rules with hold times and hysteresis, silence, the heavy-pollution ladder, CAP."""

from bihuan.alerts.facts import VALUES_COLUMNS, Facts, Heard, Site, sites_of
from bihuan.alerts.hold import RuleState, readings_ref
from bihuan.alerts.rule import RuleRow, default_rules, parse_rule, with_rules
from bihuan.alerts.rules import RuleSet, RulesState
from bihuan.alerts.words import describe, kind_words

__all__ = [
    "VALUES_COLUMNS",
    "Facts",
    "Heard",
    "RuleRow",
    "RuleSet",
    "RuleState",
    "RulesState",
    "Site",
    "default_rules",
    "describe",
    "kind_words",
    "parse_rule",
    "readings_ref",
    "sites_of",
    "with_rules",
]
