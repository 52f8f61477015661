"""One page for one edition: its header, its list of clauses and its tables, in Markdown; and the index of all pages.

`bihuan standards show` prints it, and `docs/standards/` keeps it; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from bihuan.core import Language, text
from bihuan.standards.editions import standards
from bihuan.standards.model import Example, Row, Standard

INDEX = "README"


def page(standard: Standard, language: Language = "zh") -> str:
    """Return the page of one edition."""
    title, other = _titles(standard, language)
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
    lines += [f"| {text(f'standards.{name}', language)} | {words} |" for name, words in head.items() if words]
    lines += ["", f"## {text('standards.clauses', language)}", ""]
    columns = ("clause", "table", "rows", "span", "status", "source")
    lines += _head([text(f"standards.{name}", language) for name in columns])
    lines += _clauses(standard, language)
    for name in dict.fromkeys(row.table for row in standard.rows):
        lines += ["", f"## {text('standards.table', language)} `{name}`", "", *_table(standard.table(name), language)]
    if standard.examples:
        lines += ["", f"## {text('standards.examples', language)}", "", *_examples(standard.examples, language)]
    return "\n".join([*lines, ""])


def index(held: Iterable[Standard] | None = None) -> str:
    """Return the index of the pages, by medium, in Chinese with English beside it."""
    found = tuple(held) if held is not None else standards()
    lines = [f"# {text('standards.index_title', 'zh')} / {text('standards.index_title', 'en')}", ""]
    lines += [text("standards.index_words", "zh"), "", text("standards.index_words", "en")]
    for medium in dict.fromkeys(sorted(standard.medium for standard in found)):
        key = f"standards.medium_{medium}"
        lines += ["", f"## {text(key, 'zh')} / {text(key, 'en')}", ""]
        columns = ("number", "title", "in_force", "status")
        lines += _head([f"{text(f'standards.{name}', 'zh')} / {text(f'standards.{name}', 'en')}" for name in columns])
        lines += [_index_line(standard) for standard in found if standard.medium == medium]
    return "\n".join([*lines, ""])


def _index_line(standard: Standard) -> str:
    span = f"{standard.effective_from} .. {standard.effective_to or ''}".rstrip()
    status = " / ".join(text(f"standards.{standard.status}", language) for language in ("zh", "en"))
    link = f"[{standard.number}]({standard.id}.md)"
    return f"| {link} | {standard.title_zh}<br>{standard.title_en} | {span} | {status} |"


def _titles(standard: Standard, language: Language) -> tuple[str, str]:
    titles = (standard.title_zh, standard.title_en)
    return titles if language == "zh" else titles[::-1]


def _head(columns: Sequence[str]) -> list[str]:
    return ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]


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


def table_columns(rows: Sequence[Row]) -> list[str]:
    """Return the names of the fields that the rows of a table have, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row.fields))


def _table(rows: Sequence[Row], language: Language) -> list[str]:
    """Every row of a table, with 待核 and its own span of time where rows differ in them."""
    columns = table_columns(rows)
    spans = {(row.effective_from, row.effective_to) for row in rows}
    doubt = any(row.status != "confirmed" for row in rows)
    heads = [text("standards.item", language), *columns]
    heads += [text("standards.span", language)] if len(spans) > 1 else []
    heads += [text("standards.status", language)] if doubt else []
    lines = _head(heads)
    for row in rows:
        cells = [row.item, *(cell_words(row.fields.get(name)) for name in columns)]
        cells += [_span(row.effective_from, row.effective_to, language)] if len(spans) > 1 else []
        cells += [text(f"standards.{row.status}", language)] if doubt else []
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _examples(examples: Sequence[Example], language: Language) -> list[str]:
    lines = _head([text(f"standards.{name}", language) for name in ("input", "expected", "clause", "status", "source")])
    for one in examples:
        status = text(f"standards.{one.status}", language)
        lines.append(f"| {_pairs(one.input)} | {_pairs(one.expected)} | {one.clause} | {status} | {one.source} |")
    return lines


def cell_words(value: Any) -> str:
    """Return one field of a row as it is printed."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {cell_words(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        return ", ".join(f"({cell_words(part)})" if isinstance(part, tuple) else cell_words(part) for part in value)
    return str(value).replace("|", "\\|")


def clause_words(clause: str, language: Language = "zh") -> str:
    """Return the place in an edition in a language; the tables keep it in English."""
    for pair in text("standards.clause_words", language).split(";"):
        english, _, words = pair.partition("=")
        if english:
            clause = clause.replace(english, words)
    return clause


def _span(start: date, end: date | None, language: Language) -> str:
    until = text("standards.to_now", language) if end is None else text("standards.to", language, day=end)
    return f"{start} {until}"


def _pairs(fields: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {cell_words(value)}" for name, value in fields.items())


def write_pages(folder: Path) -> list[Path]:
    """Write the page of every edition and their index; return the pages that are no longer of any."""
    wanted = {standard.id: page(standard) for standard in standards()} | {INDEX: index()}
    for name, words in wanted.items():
        (folder / f"{name}.md").write_text(words, "utf-8")
    return [path for path in sorted(folder.glob("*.md")) if path.stem not in wanted]
