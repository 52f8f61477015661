"""A series as CSV that a table program opens as text: no cell of it is ever taken for a formula."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from bihuan.app.api.office import Office
from bihuan.app.api.site_series import SeriesAnswer
from bihuan.app.api.tables import safe_cell
from bihuan.core import Language, text


def csv_of(office: Office, answer: SeriesAnswer, title: str, language: Language) -> bytes:
    """Return a series as a file with its name on top, in the city's time."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    heads = ("start", "end", "value", "unit", "quality", "reason", "origin")
    writer.writerow([safe_cell(title), safe_cell(answer.name), *[""] * 5])
    writer.writerow([safe_cell(text(f"station.csv_{name}", language)) for name in heads])
    columns = zip(answer.start, answer.end, answer.value, answer.quality, answer.reason, answer.origin, strict=True)
    for start, end, value, quality, reason, origin in columns:
        written = "" if value is None else repr(value)
        words = [text(f"station.quality_{quality}", language), answer.reasons.get(reason, reason)]
        times = [_local(start, office), _local(end, office)]
        writer.writerow(
            [*times, written, safe_cell(answer.unit), *(safe_cell(word) for word in words), safe_cell(origin)]
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _local(instant: datetime, office: Office) -> str:
    return instant.astimezone(office.zone).strftime("%Y-%m-%d %H:%M")
