"""Rules with hold times and hysteresis, silence, the heavy-pollution ladder, CAP."""

from bihuan.alerts.act import SIGNER_ROLE, Sent, Warning, WarningState, basis, draft, headline, in_force, sign
from bihuan.alerts.cap import CapArea, CapSender, cap
from bihuan.alerts.episodes import Episode, episodes
from bihuan.alerts.facts import VALUES_COLUMNS, Facts, Heard, Noticed, Site, sites_of
from bihuan.alerts.hold import RuleState, readings_ref
from bihuan.alerts.ladder import DayGrade, Scheme, grade_history, scheme_named, scheme_on
from bihuan.alerts.proposals import Action, LadderState, Order, Proposal, Speaks
from bihuan.alerts.proposals import step as ladder_step
from bihuan.alerts.rule import RuleRow, default_rules, parse_rule, with_rules
from bihuan.alerts.rules import RuleSet, RulesState
from bihuan.alerts.words import describe, kind_words

__all__ = [
    "SIGNER_ROLE",
    "VALUES_COLUMNS",
    "Action",
    "CapArea",
    "CapSender",
    "DayGrade",
    "Episode",
    "Facts",
    "Heard",
    "LadderState",
    "Noticed",
    "Order",
    "Proposal",
    "RuleRow",
    "RuleSet",
    "RuleState",
    "RulesState",
    "Scheme",
    "Sent",
    "Site",
    "Speaks",
    "Warning",
    "WarningState",
    "basis",
    "cap",
    "default_rules",
    "describe",
    "draft",
    "episodes",
    "grade_history",
    "headline",
    "in_force",
    "kind_words",
    "ladder_step",
    "parse_rule",
    "readings_ref",
    "scheme_named",
    "scheme_on",
    "sign",
    "sites_of",
    "with_rules",
]
