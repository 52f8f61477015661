"""Ranked suspects for a rise, with evidence, with a "none of the listed" row."""

from bihuan.tracing.evidence import explain_suspect
from bihuan.tracing.settings import TraceSettings
from bihuan.tracing.tracer import PlumeTracer

__all__ = ["PlumeTracer", "TraceSettings", "explain_suspect"]
