"""What analysts ask of wind and one monitor: where from, when, of what kind, and which way it goes.

A face of its own, not part of the room's: its libraries take half a second to load, and only who asks shall wait.
"""

from bihuan.tracing.sectors.averages import Means, means, rolling_means
from bihuan.tracing.sectors.clusters import Clusters, polar_clusters
from bihuan.tracing.sectors.conditional_probability import ConditionalBivariate, ConditionalProbability, cbpf, cpf
from bihuan.tracing.sectors.fingerprints import Fingerprint, Fingerprints, fingerprints, local_times
from bihuan.tracing.sectors.hours import Doubt, WindHours, blocked, doubts
from bihuan.tracing.sectors.nonparametric_wind import WindRegression, wind_regression
from bihuan.tracing.sectors.polar_frequency import PolarFrequency, polar_frequency
from bihuan.tracing.sectors.polar_surface import LEAST_CELLS, PolarSurface, polar_surface
from bihuan.tracing.sectors.ratios import KindFinding, KindRow, Ratios, RatioSeries, kind_rows, ratios
from bihuan.tracing.sectors.rose import Rose, percentile_rose, pollution_rose, round_edges, wind_rose
from bihuan.tracing.sectors.smooth_trend import SmoothTrend, smooth_trend
from bihuan.tracing.sectors.trend import LEAST_MONTHS, Trend, theil_sen

__all__ = [
    "LEAST_CELLS",
    "LEAST_MONTHS",
    "Clusters",
    "ConditionalBivariate",
    "ConditionalProbability",
    "Doubt",
    "Fingerprint",
    "Fingerprints",
    "KindFinding",
    "KindRow",
    "Means",
    "PolarFrequency",
    "PolarSurface",
    "RatioSeries",
    "Ratios",
    "Rose",
    "SmoothTrend",
    "Trend",
    "WindHours",
    "WindRegression",
    "blocked",
    "cbpf",
    "cpf",
    "doubts",
    "fingerprints",
    "kind_rows",
    "local_times",
    "means",
    "percentile_rose",
    "polar_clusters",
    "polar_frequency",
    "polar_surface",
    "pollution_rose",
    "ratios",
    "rolling_means",
    "round_edges",
    "smooth_trend",
    "theil_sen",
    "wind_regression",
    "wind_rose",
]
