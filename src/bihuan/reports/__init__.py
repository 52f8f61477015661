"""Bulletins: metrics as code with their formula printed; data in, bytes out."""

from bihuan.reports.compose import compose
from bihuan.reports.docx import docx
from bihuan.reports.dossier import compose_trace
from bihuan.reports.dossier_material import (
    Beside,
    ChangeRow,
    ExcludedRow,
    FindingRow,
    Running,
    StationRow,
    SuspectRow,
    TraceMaterial,
    TransportRow,
)
from bihuan.reports.dossier_transport import transport_words
from bihuan.reports.html import html
from bihuan.reports.material import Material
from bihuan.reports.model import Content, Cover, Figure, Section, Table

__all__ = [
    "Beside",
    "ChangeRow",
    "Content",
    "Cover",
    "ExcludedRow",
    "Figure",
    "FindingRow",
    "Material",
    "Running",
    "Section",
    "StationRow",
    "SuspectRow",
    "Table",
    "TraceMaterial",
    "TransportRow",
    "compose",
    "compose_trace",
    "docx",
    "html",
    "transport_words",
]
