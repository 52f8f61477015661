"""Every table of law as dated data, and which of it is in force on a day at a place."""

from bihuan.standards.acts import Article, acts, article
from bihuan.standards.check import Finding, check
from bihuan.standards.editions import editions, lookup, standards
from bihuan.standards.model import DECIDING, Example, Row, Standard, parse
from bihuan.standards.page import cell_words, clause_words, index, page, table_columns

__all__ = [
    "DECIDING",
    "Article",
    "Example",
    "Finding",
    "Row",
    "Standard",
    "acts",
    "article",
    "cell_words",
    "check",
    "clause_words",
    "editions",
    "index",
    "lookup",
    "page",
    "parse",
    "standards",
    "table_columns",
]
