"""Verdicts with their clause: air quality index, statistics, ranks, outlet limits, water classes, soil and its risk."""

from bihuan.assessment.air import AIR_OUT, judge_air
from bihuan.assessment.air_explained import explain_air
from bihuan.assessment.aqi import HourlyMethod, both_laws, daily_aqi, hourly_aqi
from bihuan.assessment.black_odorous import black_odorous
from bihuan.assessment.discharge import DischargeLimit, discharge_limits, discharge_verdict
from bihuan.assessment.dust import DUST_SCHEMA, deduct_dust, dust_days, propose_dust, without_dust
from bihuan.assessment.judged import REFUSED_SCHEMA, Explanation, Judged
from bihuan.assessment.limits import limit_grades
from bihuan.assessment.means import city_mean, daily_means, mda8, mean_24h_aqi, rolling_mean, wide_hours
from bihuan.assessment.outlet_days import MONTH_SCHEMA, outlet_months
from bihuan.assessment.outlet_explained import explain_outlet, explain_outlet_verdict
from bihuan.assessment.outlet_judge import judge_outlet
from bihuan.assessment.outlet_limits import regime_words
from bihuan.assessment.outlet_stored import Circumstances, Declared, outlet_days, outlet_hours
from bihuan.assessment.ranking import (
    STAMP,
    city_list,
    composite_index,
    improvement,
    index_variants,
    rank,
    year_on_year,
)
from bihuan.assessment.site_dust import explain_dust, judge_dust
from bihuan.assessment.soil import SOIL_COLUMNS, SOIL_LABELS, judge_soil
from bihuan.assessment.soil_explained import explain_soil
from bihuan.assessment.soil_model import LAND_CLASSES, LandClass, SoilModel, soil_model
from bihuan.assessment.soil_reproduction import reproduction, reproduction_page
from bihuan.assessment.soil_risk import SOIL_ROUTES, WATER_ROUTES, Recomputed, recompute, route_risks, site_risk
from bihuan.assessment.soil_site import RISK_COLUMNS, explain_soil_risk, soil_site_risk
from bihuan.assessment.soil_uncertainty import Spread, Uncertainty, spreads, uncertainty
from bihuan.assessment.statistics import PeriodKind, daily_statistics, day_counts
from bihuan.assessment.targets import RemainingControl, remaining_control_value
from bihuan.assessment.transmission import Transmission, outlet_transmission
from bihuan.assessment.vehicle import judge_vehicle
from bihuan.assessment.vehicle_explained import explain_vehicle
from bihuan.assessment.verdicts import (
    aqi_verdict,
    beyond_class_three,
    index_verdict,
    reading_ref,
    section_verdict,
    trend_verdict,
)
from bihuan.assessment.water import CLASSES, SectionClass, WaterLaw, class_number, section_class, times_over, water_law
from bihuan.assessment.water_bulk import water_classes
from bihuan.assessment.water_explained import explain_water
from bihuan.assessment.water_index import (
    CityIndex,
    TrophicState,
    city_index,
    cwqi_change,
    cwqi_cn,
    rank_improvement,
    tli,
)
from bihuan.assessment.water_judge import judge_water
from bihuan.assessment.water_statistics import WaterPeriod, class_shares, share_meeting, water_means
from bihuan.assessment.water_trend import Trend, trend
from bihuan.assessment.years import three_year_mean

__all__ = [
    "AIR_OUT",
    "CLASSES",
    "DUST_SCHEMA",
    "LAND_CLASSES",
    "MONTH_SCHEMA",
    "REFUSED_SCHEMA",
    "RISK_COLUMNS",
    "SOIL_COLUMNS",
    "SOIL_LABELS",
    "SOIL_ROUTES",
    "STAMP",
    "WATER_ROUTES",
    "Circumstances",
    "CityIndex",
    "Declared",
    "DischargeLimit",
    "Explanation",
    "HourlyMethod",
    "Judged",
    "LandClass",
    "PeriodKind",
    "Recomputed",
    "RemainingControl",
    "SectionClass",
    "SoilModel",
    "Spread",
    "Transmission",
    "Trend",
    "TrophicState",
    "Uncertainty",
    "WaterLaw",
    "WaterPeriod",
    "aqi_verdict",
    "beyond_class_three",
    "black_odorous",
    "both_laws",
    "city_index",
    "city_list",
    "city_mean",
    "class_number",
    "class_shares",
    "composite_index",
    "cwqi_change",
    "cwqi_cn",
    "daily_aqi",
    "daily_means",
    "daily_statistics",
    "day_counts",
    "deduct_dust",
    "discharge_limits",
    "discharge_verdict",
    "dust_days",
    "explain_air",
    "explain_dust",
    "explain_outlet",
    "explain_outlet_verdict",
    "explain_soil",
    "explain_soil_risk",
    "explain_vehicle",
    "explain_water",
    "hourly_aqi",
    "improvement",
    "index_variants",
    "index_verdict",
    "judge_air",
    "judge_dust",
    "judge_outlet",
    "judge_soil",
    "judge_vehicle",
    "judge_water",
    "limit_grades",
    "mda8",
    "mean_24h_aqi",
    "outlet_days",
    "outlet_hours",
    "outlet_months",
    "outlet_transmission",
    "propose_dust",
    "rank",
    "rank_improvement",
    "reading_ref",
    "recompute",
    "regime_words",
    "remaining_control_value",
    "reproduction",
    "reproduction_page",
    "rolling_mean",
    "route_risks",
    "section_class",
    "section_verdict",
    "share_meeting",
    "site_risk",
    "soil_model",
    "soil_site_risk",
    "spreads",
    "three_year_mean",
    "times_over",
    "tli",
    "trend",
    "trend_verdict",
    "uncertainty",
    "water_classes",
    "water_law",
    "water_means",
    "wide_hours",
    "without_dust",
    "year_on_year",
]
