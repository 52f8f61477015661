"""Cases (问题/事件): from a door to the archive, with clocks, escalation and three verdicts."""

from bihuan.cases.actions import (
    RESULTS,
    SATISFACTIONS,
    SYSTEM,
    Action,
    Actor,
    Fields,
    Outcome,
    Pause,
    Photo,
    PhotoRole,
    Step,
    Told,
    Visit,
)
from bihuan.cases.choosing import PATROL, Choice, choose, choose_for, next_suspect
from bihuan.cases.clocks import Calendar, Clock, clocks, running
from bihuan.cases.complaints import ComplaintTable, matter_of_words, read_complaints
from bihuan.cases.declaring import CAUSES, EXPLAINED, FINDINGS, MARKS, OFFENCE, Declaration
from bihuan.cases.duplicates import Intake, IntakeOutcome, merge_by_hand, settle_followers
from bihuan.cases.escalation import escalate, press, read, unread
from bihuan.cases.evidence import examine
from bihuan.cases.intake import (
    FieldReport,
    Order,
    PublicComplaint,
    open_from_complaint,
    open_from_event,
    open_from_order,
    open_from_report,
)
from bihuan.cases.machine import Machine, Row, allowed, machine, open_case, replay, step
from bihuan.cases.masking import mask_name, mask_numbers, mask_phone
from bihuan.cases.matters import Matter, checklist_of_case, matter_of, matters
from bihuan.cases.metrics import METRICS, Figure, GroupBy, Handover, handover, measure
from bihuan.cases.model import Case, CaseKind, Door, Opening
from bihuan.cases.routing import Route, addressees, route
from bihuan.cases.settings import CaseSettings, EscalationLevel, Limit, case_settings, default_settings
from bihuan.cases.telling import notices_of

__all__ = [
    "CAUSES",
    "EXPLAINED",
    "FINDINGS",
    "MARKS",
    "METRICS",
    "OFFENCE",
    "PATROL",
    "RESULTS",
    "SATISFACTIONS",
    "SYSTEM",
    "Action",
    "Actor",
    "Calendar",
    "Case",
    "CaseKind",
    "CaseSettings",
    "Choice",
    "Clock",
    "ComplaintTable",
    "Declaration",
    "Door",
    "EscalationLevel",
    "FieldReport",
    "Fields",
    "Figure",
    "GroupBy",
    "Handover",
    "Intake",
    "IntakeOutcome",
    "Limit",
    "Machine",
    "Matter",
    "Opening",
    "Order",
    "Outcome",
    "Pause",
    "Photo",
    "PhotoRole",
    "PublicComplaint",
    "Route",
    "Row",
    "Step",
    "Told",
    "Visit",
    "addressees",
    "allowed",
    "case_settings",
    "checklist_of_case",
    "choose",
    "choose_for",
    "clocks",
    "default_settings",
    "escalate",
    "examine",
    "handover",
    "machine",
    "mask_name",
    "mask_numbers",
    "mask_phone",
    "matter_of",
    "matter_of_words",
    "matters",
    "measure",
    "merge_by_hand",
    "next_suspect",
    "notices_of",
    "open_case",
    "open_from_complaint",
    "open_from_event",
    "open_from_order",
    "open_from_report",
    "press",
    "read",
    "read_complaints",
    "replay",
    "route",
    "running",
    "settle_followers",
    "step",
    "unread",
]
