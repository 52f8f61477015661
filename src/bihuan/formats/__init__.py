"""The field's files to core types and back: tables, workbooks and GeoJSON of the register, AERMOD, rasters, NetCDF."""

from bihuan.formats.aermet import read_profile, read_surface
from bihuan.formats.aermet_writing import write_profile, write_surface
from bihuan.formats.decks import (
    Deck,
    DeckCity,
    DeckDecay,
    DeckDeposition,
    DeckGroup,
    DeckLine,
    DeckMeteorology,
    DeckNetwork,
    DeckNitrogen,
    DeckOutput,
    DeckReceptors,
    DeckSeries,
    DeckSource,
    Given,
    read_deck,
)
from bihuan.formats.doors import Form, Recognised, read_register, recognise, write_register, write_templates
from bihuan.formats.era5 import read_era5
from bihuan.formats.facts_of import CONVERTED, Crs, Imported
from bihuan.formats.faults import RowFault
from bihuan.formats.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02
from bihuan.formats.geotiff import write_geotiff
from bihuan.formats.layouts import kinds
from bihuan.formats.netcdf import Variable, read_netcdf, write_netcdf
from bihuan.formats.plotfile import (
    PlotHeader,
    PostFile,
    PostWriter,
    fortran_value,
    read_postfile,
    write_plotfile,
)
from bihuan.formats.tracks import track_features, write_tracks
from bihuan.formats.vu import VuTable, read_limits, read_vu, write_vu
from bihuan.formats.wind_grid import read_wind_grid

__all__ = [
    "CONVERTED",
    "Crs",
    "Deck",
    "DeckCity",
    "DeckDecay",
    "DeckDeposition",
    "DeckGroup",
    "DeckLine",
    "DeckMeteorology",
    "DeckNetwork",
    "DeckNitrogen",
    "DeckOutput",
    "DeckReceptors",
    "DeckSeries",
    "DeckSource",
    "Form",
    "Given",
    "Imported",
    "PlotHeader",
    "PostFile",
    "PostWriter",
    "Recognised",
    "RowFault",
    "Variable",
    "VuTable",
    "fortran_value",
    "gcj02_to_wgs84",
    "kinds",
    "read_deck",
    "read_era5",
    "read_limits",
    "read_netcdf",
    "read_postfile",
    "read_profile",
    "read_register",
    "read_surface",
    "read_vu",
    "read_wind_grid",
    "recognise",
    "track_features",
    "wgs84_to_gcj02",
    "write_geotiff",
    "write_netcdf",
    "write_plotfile",
    "write_profile",
    "write_register",
    "write_surface",
    "write_templates",
    "write_tracks",
    "write_vu",
]
