"""Verdicts with their clause: air quality index, statistics and ranks, outlet limits, water class."""

from bihuan.assessment.aqi import HourlyMethod, both_laws, daily_aqi, hourly_aqi
from bihuan.assessment.means import city_mean, daily_means, mda8, mean_24h_aqi, rolling_mean, wide_hours

__all__ = [
    "HourlyMethod",
    "both_laws",
    "city_mean",
    "daily_aqi",
    "daily_means",
    "hourly_aqi",
    "mda8",
    "mean_24h_aqi",
    "rolling_mean",
    "wide_hours",
]
