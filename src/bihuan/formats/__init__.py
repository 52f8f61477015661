"""The field's files to core types and back: tables, workbooks and GeoJSON of the register, GCJ-02, AERMET, AERMOD."""

from bihuan.formats.aermet import read_profile, read_surface
from bihuan.formats.doors import Form, Recognised, read_register, recognise, write_register, write_templates
from bihuan.formats.facts_of import CONVERTED, Crs, Imported
from bihuan.formats.faults import RowFault
from bihuan.formats.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02
from bihuan.formats.layouts import kinds
from bihuan.formats.plotfile import PlotHeader, PostFile, read_postfile, write_plotfile, write_postfile

__all__ = [
    "CONVERTED",
    "Crs",
    "Form",
    "Imported",
    "PlotHeader",
    "PostFile",
    "Recognised",
    "RowFault",
    "gcj02_to_wgs84",
    "kinds",
    "read_postfile",
    "read_profile",
    "read_register",
    "read_surface",
    "recognise",
    "wgs84_to_gcj02",
    "write_plotfile",
    "write_postfile",
    "write_register",
    "write_templates",
]
