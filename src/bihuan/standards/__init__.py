"""Every table of law as dated data, and which of it is in force on a day at a place."""

from bihuan.standards.check import Finding, check
from bihuan.standards.editions import editions, lookup, standards
from bihuan.standards.model import DECIDING, Row, Standard, parse
from bihuan.standards.page import page

__all__ = [
    "DECIDING",
    "Finding",
    "Row",
    "Standard",
    "check",
    "editions",
    "lookup",
    "page",
    "parse",
    "standards",
]
