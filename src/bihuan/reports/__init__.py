"""Bulletins: metrics as code with their formula printed; data in, bytes out."""

from bihuan.reports.compose import compose
from bihuan.reports.docx import docx
from bihuan.reports.html import html
from bihuan.reports.material import Material
from bihuan.reports.model import Content, Cover, Figure, Section, Table

__all__ = ["Content", "Cover", "Figure", "Material", "Section", "Table", "compose", "docx", "html"]
