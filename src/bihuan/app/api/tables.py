"""Tables for spreadsheets (CSV): one place that keeps any cell from being run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from fastapi import Response

FORMULA = frozenset({"=", "+", "-", "@", "\t", "\r", "\n"})
"""First characters for which a spreadsheet runs a cell."""


def as_csv(name: str, header: list[str], rows: Iterable[Iterable[object]]) -> Response:
    """Answer with a table: UTF-8 with its mark, and cells that begin like a formula made plain text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([safe_cell(cell) for cell in header])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def safe_cell(value: object) -> str:
    """Return a cell that no spreadsheet runs: what begins like a formula gets an apostrophe; numbers stay numbers."""
    if value is None:
        return ""
    words = str(value)
    return "'" + words if not isinstance(value, int | float) and words[:1] in FORMULA else words
