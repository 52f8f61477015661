"""Quality flags, validity, minutes to hours to days, gaps."""

from bihuan.observations.averages import (
    as_reported,
    days_from_hours,
    days_touched,
    hours_from_minutes,
    hours_touched,
    of_record,
)
from bihuan.observations.flags import OWN_REASONS, SITES_SCHEMA, flag
from bihuan.observations.gap_table import GRACE, KEPT, REPORTS_SCHEMA, Asked, Gap, GapState, GapTable, Owed
from bihuan.observations.gaps import GAPS_SCHEMA, RATES_SCHEMA, Rhythm, gaps, rhythms, transmission
from bihuan.observations.neighbours import median_last, nearest
from bihuan.observations.rhythm import Heard, Learner
from bihuan.observations.settings import Settings, context, default_settings, with_overrides
from bihuan.observations.validity import Needed, needed

__all__ = [
    "GAPS_SCHEMA",
    "GRACE",
    "KEPT",
    "OWN_REASONS",
    "RATES_SCHEMA",
    "REPORTS_SCHEMA",
    "SITES_SCHEMA",
    "Asked",
    "Gap",
    "GapState",
    "GapTable",
    "Heard",
    "Learner",
    "Needed",
    "Owed",
    "Rhythm",
    "Settings",
    "as_reported",
    "context",
    "days_from_hours",
    "days_touched",
    "default_settings",
    "flag",
    "gaps",
    "hours_from_minutes",
    "hours_touched",
    "median_last",
    "nearest",
    "needed",
    "of_record",
    "rhythms",
    "transmission",
    "with_overrides",
]
