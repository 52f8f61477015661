"""What the house plan, section 5, promises of a score."""

SCORE_KEYS = (
    "mode",
    "seed",
    "hours",
    "incidents",
    "found",
    "top1",
    "top3",
    "none_of_listed_right",
    "verdicts",
    "minutes_to_warning_median",
    "minutes_to_case_median",
    "false_alarms_per_station_day",
)
"""In their order; further keys may follow."""
