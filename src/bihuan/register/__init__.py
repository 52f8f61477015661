"""What exists and who answers for it; every fact dated."""

from bihuan.register.facts import (
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
from bihuan.register.geometry import contains
from bihuan.register.register import KIND_OF, KINDS, Register

__all__ = [
    "KINDS",
    "KIND_OF",
    "OFFICIAL",
    "Cell",
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
    "Section",
    "Station",
    "StationKind",
    "Unit",
    "WorkSite",
    "contains",
]
