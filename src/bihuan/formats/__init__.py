"""The field's files to core types and back: tables, workbooks and GeoJSON of the register, GCJ-02."""

from bihuan.formats.doors import Form, Recognised, read_register, recognise, write_register, write_templates
from bihuan.formats.facts_of import CONVERTED, Crs, Imported
from bihuan.formats.faults import RowFault
from bihuan.formats.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02
from bihuan.formats.layouts import kinds

__all__ = [
    "CONVERTED",
    "Crs",
    "Form",
    "Imported",
    "Recognised",
    "RowFault",
    "gcj02_to_wgs84",
    "kinds",
    "read_register",
    "recognise",
    "wgs84_to_gcj02",
    "write_register",
    "write_templates",
]
