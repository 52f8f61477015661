"""Ranked suspects for a rise, with evidence, with a "none of the listed" row."""

from bihuan.tracing.evidence import explain_suspect, mean_direction, odds
from bihuan.tracing.footprint import NEAR, Contour, Footprint, footprint
from bihuan.tracing.scene import Scene, read_scene
from bihuan.tracing.settings import TraceSettings
from bihuan.tracing.tracer import PlumeTracer

__all__ = [
    "NEAR",
    "Contour",
    "Footprint",
    "PlumeTracer",
    "Scene",
    "TraceSettings",
    "explain_suspect",
    "footprint",
    "mean_direction",
    "odds",
    "read_scene",
]
