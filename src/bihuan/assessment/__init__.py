"""Verdicts with their clause: air quality index, statistics and ranks, outlet limits, water class."""

from bihuan.assessment.air import AIR_OUT, judge_air
from bihuan.assessment.air_explained import explain_air
from bihuan.assessment.aqi import HourlyMethod, both_laws, daily_aqi, hourly_aqi
from bihuan.assessment.dust import DUST_SCHEMA, deduct_dust, dust_days, propose_dust, without_dust
from bihuan.assessment.judged import REFUSED_SCHEMA, Explanation, Judged
from bihuan.assessment.limits import limit_grades
from bihuan.assessment.means import city_mean, daily_means, mda8, mean_24h_aqi, rolling_mean, wide_hours
from bihuan.assessment.outlets import fold_to_reference, outlet_verdict, outlet_verdicts
from bihuan.assessment.ranking import (
    STAMP,
    city_list,
    composite_index,
    improvement,
    index_variants,
    rank,
    year_on_year,
)
from bihuan.assessment.statistics import PeriodKind, daily_statistics, day_counts
from bihuan.assessment.targets import RemainingControl, remaining_control_value
from bihuan.assessment.verdicts import aqi_verdict, index_verdict, reading_ref, section_verdict, trend_verdict
from bihuan.assessment.water import CLASSES, SectionClass, Trend, class_number, section_class, trend
from bihuan.assessment.years import three_year_mean

__all__ = [
    "AIR_OUT",
    "CLASSES",
    "DUST_SCHEMA",
    "REFUSED_SCHEMA",
    "STAMP",
    "Explanation",
    "HourlyMethod",
    "Judged",
    "PeriodKind",
    "RemainingControl",
    "SectionClass",
    "Trend",
    "aqi_verdict",
    "both_laws",
    "city_list",
    "city_mean",
    "class_number",
    "composite_index",
    "daily_aqi",
    "daily_means",
    "daily_statistics",
    "day_counts",
    "deduct_dust",
    "dust_days",
    "explain_air",
    "fold_to_reference",
    "hourly_aqi",
    "improvement",
    "index_variants",
    "index_verdict",
    "judge_air",
    "limit_grades",
    "mda8",
    "mean_24h_aqi",
    "outlet_verdict",
    "outlet_verdicts",
    "propose_dust",
    "rank",
    "reading_ref",
    "remaining_control_value",
    "rolling_mean",
    "section_class",
    "section_verdict",
    "three_year_mean",
    "trend",
    "trend_verdict",
    "wide_hours",
    "without_dust",
    "year_on_year",
]
