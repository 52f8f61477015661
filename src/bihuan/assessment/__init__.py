"""Verdicts with their clause: air quality index, statistics and ranks, outlet limits, water class."""

from bihuan.assessment.air import AIR_OUT, judge_air
from bihuan.assessment.air_explained import explain_air
from bihuan.assessment.aqi import HourlyMethod, both_laws, daily_aqi, hourly_aqi
from bihuan.assessment.dust import explain_dust, judge_dust
from bihuan.assessment.judged import REFUSED_SCHEMA, Explanation, Judged
from bihuan.assessment.means import city_mean, daily_means, mda8, mean_24h_aqi, rolling_mean, wide_hours
from bihuan.assessment.outlet_days import MONTH_SCHEMA, outlet_months
from bihuan.assessment.outlet_explained import explain_outlet
from bihuan.assessment.outlet_judge import judge_outlet
from bihuan.assessment.outlets import fold_to_reference, outlet_verdict, outlet_verdicts
from bihuan.assessment.ranking import STAMP, composite_index, index_variants, rank, year_on_year
from bihuan.assessment.statistics import PeriodKind, daily_statistics, day_counts
from bihuan.assessment.targets import RemainingControl, remaining_control_value
from bihuan.assessment.vehicle import judge_vehicle
from bihuan.assessment.vehicle_explained import explain_vehicle
from bihuan.assessment.verdicts import aqi_verdict, index_verdict, reading_ref, section_verdict, trend_verdict
from bihuan.assessment.water import CLASSES, SectionClass, Trend, class_number, section_class, trend

__all__ = [
    "AIR_OUT",
    "CLASSES",
    "MONTH_SCHEMA",
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
    "city_mean",
    "class_number",
    "composite_index",
    "daily_aqi",
    "daily_means",
    "daily_statistics",
    "day_counts",
    "explain_air",
    "explain_dust",
    "explain_outlet",
    "explain_vehicle",
    "fold_to_reference",
    "hourly_aqi",
    "index_variants",
    "index_verdict",
    "judge_air",
    "judge_dust",
    "judge_outlet",
    "judge_vehicle",
    "mda8",
    "mean_24h_aqi",
    "outlet_months",
    "outlet_verdict",
    "outlet_verdicts",
    "rank",
    "reading_ref",
    "remaining_control_value",
    "rolling_mean",
    "section_class",
    "section_verdict",
    "trend",
    "trend_verdict",
    "wide_hours",
    "year_on_year",
]
