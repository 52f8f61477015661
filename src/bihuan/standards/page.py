"""One page for one edition: its header and its list of clauses, in Markdown.

`bihuan standards show` prints it, and `docs/standards/` keeps it; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bihuan.core import Language, text
from bihuan.standards.model import Row, Standard


def page(standard: Standard, language: Language = "zh") -> str:
    """Return the page of one edition."""
    title = standard.title_zh if language == "zh" else standard.title_en
    other = standard.title_en if language == "zh" else standard.title_zh
    head = {
        "number": standard.number,
        "clause": standard.clause,
        "replaces": ", ".join(standard.replaces) or "-",
        "in_force": _span(standard.effective_from, standard.effective_to, language),
        "place": ", ".join(place or text("standards.country", language) for place in standard.places),
        "unit": _pairs(standard.unit),
        "averaging": _pairs(standard.averaging),
        "validity": _pairs(standard.validity),
        "rounding": _pairs(standard.rounding),
        "status": text(f"standards.{standard.status}", language),
        "source": standard.source,
    }
    lines = [f"# {standard.number} {title}", "", other, "", "| | |", "|---|---|"]
    lines += [f"| {text(f'standards.{name}', language)} | {words} |" for name, words in head.items()]
    lines += ["", f"## {text('standards.clauses', language)}", ""]
    columns = ("clause", "table", "rows", "span", "status", "source")
    lines += ["| " + " | ".join(text(f"standards.{name}", language) for name in columns) + " |", "|---" * 6 + "|"]
    return "\n".join([*lines, *_clauses(standard, language), ""])


def _clauses(standard: Standard, language: Language) -> list[str]:
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in standard.rows:
        key = (row.clause, row.table, row.effective_from, row.effective_to, row.status, row.held, row.source)
        groups.setdefault(key, []).append(row)
    return [_clause(rows, language) for rows in groups.values()]


def _clause(rows: list[Row], language: Language) -> str:
    row = rows[0]
    status = text(f"standards.{row.status}", language)
    if row.held:
        status += "; " + text("standards.held", language)
    span = _span(row.effective_from, row.effective_to, language)
    return f"| {row.clause} | `{row.table}` | {len(rows)} | {span} | {status} | {row.source} |"


def _span(start: date, end: date | None, language: Language) -> str:
    until = text("standards.to_now", language) if end is None else text("standards.to", language, day=end)
    return f"{start} {until}"


def _pairs(fields: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in fields.items())
