"""Quality flags, validity, minutes to hours to days, gaps, drift, calibration, signs of falsification."""

from bihuan.observations.averages import (
    as_reported,
    days_from_hours,
    days_touched,
    hours_from_minutes,
    hours_touched,
    of_record,
)
from bihuan.observations.calibration import Calibration, Recheck, Score, calibrate, growth, recheck
from bihuan.observations.collocation import (
    PAIRS_SCHEMA,
    Collocation,
    Step,
    begin,
    calibrated,
    judge_collocation,
    plan_collocation,
    withdraw,
)
from bihuan.observations.drift import DRIFT_SCHEMA, drifts, spans_of
from bihuan.observations.flags import (
    DRIFTS_SCHEMA,
    OWN_REASONS,
    RESOLUTIONS_SCHEMA,
    SITES_SCHEMA,
    STATES,
    STATES_SCHEMA,
    flag,
)
from bihuan.observations.gaps import GAPS_SCHEMA, RATES_SCHEMA, Rhythm, gaps, rhythms, transmission
from bihuan.observations.neighbours import median_last, nearest
from bihuan.observations.settings import Settings, context, default_settings, with_overrides
from bihuan.observations.validity import Needed, needed

__all__ = [
    "DRIFTS_SCHEMA",
    "DRIFT_SCHEMA",
    "GAPS_SCHEMA",
    "OWN_REASONS",
    "PAIRS_SCHEMA",
    "RATES_SCHEMA",
    "RESOLUTIONS_SCHEMA",
    "SITES_SCHEMA",
    "STATES",
    "STATES_SCHEMA",
    "Calibration",
    "Collocation",
    "Needed",
    "Recheck",
    "Rhythm",
    "Score",
    "Settings",
    "Step",
    "as_reported",
    "begin",
    "calibrate",
    "calibrated",
    "context",
    "days_from_hours",
    "days_touched",
    "default_settings",
    "drifts",
    "flag",
    "gaps",
    "growth",
    "hours_from_minutes",
    "hours_touched",
    "judge_collocation",
    "median_last",
    "nearest",
    "needed",
    "of_record",
    "plan_collocation",
    "recheck",
    "rhythms",
    "spans_of",
    "transmission",
    "with_overrides",
    "withdraw",
]
