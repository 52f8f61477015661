"""What exists and who answers for it; every fact dated."""

from bihuan.register.checking import check
from bihuan.register.facts import (
    ALWAYS,
    OFFICIAL,
    Cell,
    Device,
    District,
    Duty,
    Enterprise,
    Fact,
    Medium,
    Outlet,
    PermitLimit,
    Person,
    Section,
    Station,
    StationKind,
    Unit,
    WorkSite,
)
from bihuan.register.geometry import Ring, Rings, canonical, contains, outer_rings
from bihuan.register.merging import Action, Change, same_content
from bihuan.register.register import KIND_OF, KINDS, Register
from bihuan.register.sources import sources

__all__ = [
    "ALWAYS",
    "KINDS",
    "KIND_OF",
    "OFFICIAL",
    "Action",
    "Cell",
    "Change",
    "Device",
    "District",
    "Duty",
    "Enterprise",
    "Fact",
    "Medium",
    "Outlet",
    "PermitLimit",
    "Person",
    "Register",
    "Ring",
    "Rings",
    "Section",
    "Station",
    "StationKind",
    "Unit",
    "WorkSite",
    "canonical",
    "check",
    "contains",
    "outer_rings",
    "same_content",
    "sources",
]
