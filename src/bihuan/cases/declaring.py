"""What an enterprise says to an alarm of its own outlet, when it says it, and what is found in the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bihuan.cases.actions import Action
from bihuan.core import Complaint, InputError, iso, parse_instant

if TYPE_CHECKING:
    from bihuan.cases.model import Case

CAUSES = ("over", "device_fault", "condition", "other")
"""What the enterprise says: 确有超标, 设备故障, 工况, 其他; words under ``[law_outlet]`` as ``cause_...``."""

MARKS = (
    "start_up", "shut_down", "banked", "drying", "fault", "accident", "stopped", "maintenance", "calibration",
    "monitor_fault", "interrupted", "zero_or_constant",
)  # fmt: skip
"""Marks of the rules of marking that it may have set; words under ``[law_outlet]`` as ``state_...``."""

FINDINGS = ("over", "device_fault", "condition", "false_mark")
"""核查结论: 超标属实, 设备故障, 工况, 虚假标记线索; words under ``[law_outlet]`` as ``finding_...``."""

EXPLAINED = frozenset({"device_fault", "condition"})
"""Findings after which nothing is to be rectified."""

OFFENCE = frozenset({"over", "false_mark"})
"""Findings that may go to enforcement."""

RESULT_OF = {"over": "true", "device_fault": "untrue", "condition": "untrue", "false_mark": "true"}
"""What a finding means for the suspected source, one of `bihuan.cases.RESULTS`."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One word of the enterprise.

    Attributes
    ----------
    at : datetime
        When it was said, and `logged` when it reached us.
    logged : datetime
    by : str
    cause : str
        One of `CAUSES`.
    mark : str
        One of `MARKS`, empty for none.
    marked_at : datetime or None
        When the mark was set, as the enterprise says.
    after_alarm : bool
        The mark was set only after the alarm, or without a time that can be checked.
    note : str
    """

    at: datetime
    logged: datetime
    by: str
    cause: str
    mark: str = ""
    marked_at: datetime | None = None
    after_alarm: bool = False
    note: str = ""


def marked_at(action: Action) -> datetime | None:
    """Return when a mark was set, as the action says; None where it says nothing that is a time."""
    try:
        return parse_instant(action.get("marked_at")) if action.get("marked_at") else None
    except InputError:
        return None


def alarm_of(case: Case) -> datetime:
    """Return when the alarm of this round was raised: at the door, or when the case was opened again."""
    return next((past.at for past in reversed(case.steps) if past.action.kind == "reopen"), case.opened)


def set_after_alarm(case: Case, action: Action) -> bool:
    """Say whether a declared mark is later than the alarm; one without a time counts as made when it is declared."""
    return bool(action.get("mark")) and (marked_at(action) or action.at) > alarm_of(case)


def marked_late(case: Case, action: Action) -> tuple[Complaint, ...]:
    """Note a mark that was set only after the alarm: it is kept with its time and refused by nobody."""
    if action.kind != "declare" or not set_after_alarm(case, action):
        return ()
    said = marked_at(action) or action.at
    told = f"the mark {action.get('mark')} was set at {iso(said)}, the alarm was raised at {iso(alarm_of(case))}"
    return (Complaint("mark_after_alarm", told, "", "note"),)
