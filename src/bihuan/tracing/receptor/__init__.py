"""Receptor modelling: sources told from what their mixture is made of (positive matrix factorisation)."""

from bihuan.tracing.receptor.bootstrap import Bootstrap, block_times, bootstrap
from bihuan.tracing.receptor.choosing import Choice, advised, choose
from bihuan.tracing.receptor.constraints import Constrained, Constraint, constrain, read_constraints
from bihuan.tracing.receptor.displacement import Displacement, displace, displace_resamples
from bihuan.tracing.receptor.matching import Match, Profile, compare, library, read_library
from bihuan.tracing.receptor.material import Material, Replaced, Species, Warned, prepare, signal_to_noise
from bihuan.tracing.receptor.rotation import Edge, Rotated, edges, push
from bihuan.tracing.receptor.rules import Rule, rule
from bihuan.tracing.receptor.solution import Run, Solution, factorise
from bihuan.tracing.receptor.solver import Stopping

__all__ = [
    "Bootstrap",
    "Choice",
    "Constrained",
    "Constraint",
    "Displacement",
    "Edge",
    "Match",
    "Material",
    "Profile",
    "Replaced",
    "Rotated",
    "Rule",
    "Run",
    "Solution",
    "Species",
    "Stopping",
    "Warned",
    "advised",
    "block_times",
    "bootstrap",
    "choose",
    "compare",
    "constrain",
    "displace",
    "displace_resamples",
    "edges",
    "factorise",
    "library",
    "prepare",
    "push",
    "read_constraints",
    "read_library",
    "rule",
    "signal_to_noise",
]
