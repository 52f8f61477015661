"""Ranked suspects for a rise, with evidence, with a "none of the listed" row."""

from bihuan.tracing.against import Against, against
from bihuan.tracing.course import Course, Detected, detect, follow
from bihuan.tracing.evidence import explain_suspect, mean_direction, odds
from bihuan.tracing.footprint import NEAR, Contour, Footprint, footprint
from bihuan.tracing.hidden import HiddenCell, HiddenMap, search_hidden
from bihuan.tracing.limits import note_words
from bihuan.tracing.network import (
    Climate,
    Mesh,
    Monitor,
    MonitorKind,
    NetworkDesign,
    NetworkSettings,
    Shares,
    climate,
    design_network,
    measured_noise,
    mesh,
    usual_noise,
)
from bihuan.tracing.record import SiteRecord
from bihuan.tracing.releases import Evidence, Inversion, ReleaseSettings, invert
from bihuan.tracing.scene import Scene, read_scene
from bihuan.tracing.searcharea import WORTH_A_DRIVE, SearchArea, Stop, plan_round, search_areas
from bihuan.tracing.settings import TraceSettings
from bihuan.tracing.tracer import PlumeTracer
from bihuan.tracing.transport import (
    METHODS,
    Arrival,
    Clusters,
    TransportField,
    TransportShare,
    arrival_order,
    cluster_paths,
    transport_field,
    transport_share,
)

__all__ = [
    "METHODS",
    "NEAR",
    "WORTH_A_DRIVE",
    "Against",
    "Arrival",
    "Climate",
    "Clusters",
    "Contour",
    "Course",
    "Detected",
    "Evidence",
    "Footprint",
    "HiddenCell",
    "HiddenMap",
    "Inversion",
    "Mesh",
    "Monitor",
    "MonitorKind",
    "NetworkDesign",
    "NetworkSettings",
    "PlumeTracer",
    "ReleaseSettings",
    "Scene",
    "SearchArea",
    "Shares",
    "SiteRecord",
    "Stop",
    "TraceSettings",
    "TransportField",
    "TransportShare",
    "against",
    "arrival_order",
    "climate",
    "cluster_paths",
    "design_network",
    "detect",
    "explain_suspect",
    "follow",
    "footprint",
    "invert",
    "mean_direction",
    "measured_noise",
    "mesh",
    "note_words",
    "odds",
    "plan_round",
    "read_scene",
    "search_areas",
    "search_hidden",
    "transport_field",
    "transport_share",
    "usual_noise",
]
