"""Ranked suspects for a rise, with evidence, with a "none of the listed" row."""

from bihuan.tracing.against import Against, against
from bihuan.tracing.course import Course, Detected, detect, follow
from bihuan.tracing.evidence import explain_suspect, mean_direction, odds
from bihuan.tracing.footprint import NEAR, Contour, Footprint, footprint
from bihuan.tracing.hidden import HiddenCell, HiddenMap, search_hidden
from bihuan.tracing.record import SiteRecord
from bihuan.tracing.releases import Evidence, Inversion, ReleaseSettings, invert
from bihuan.tracing.scene import Scene, read_scene
from bihuan.tracing.searcharea import WORTH_A_DRIVE, SearchArea, Stop, plan_round, search_areas
from bihuan.tracing.settings import TraceSettings
from bihuan.tracing.tracer import PlumeTracer

__all__ = [
    "NEAR",
    "WORTH_A_DRIVE",
    "Against",
    "Contour",
    "Course",
    "Detected",
    "Evidence",
    "Footprint",
    "HiddenCell",
    "HiddenMap",
    "Inversion",
    "PlumeTracer",
    "ReleaseSettings",
    "Scene",
    "SearchArea",
    "SiteRecord",
    "Stop",
    "TraceSettings",
    "against",
    "detect",
    "explain_suspect",
    "follow",
    "footprint",
    "invert",
    "mean_direction",
    "odds",
    "plan_round",
    "read_scene",
    "search_areas",
    "search_hidden",
]
