"""Air quality indices of imported hours and days, and the files they came from: two more tables of the series.

An index is no concentration, so it stands in a table of its own and never among the hours. One JSON record a verdict
would cost a minute for a winter of city hours; a column table takes half a second and holds what `bihuan explain`
needs to find the row again: the id of a verdict comes from its content, so it is computed, not stored.
"""

from __future__ import annotations

import duckdb
import polars as pl
import pyarrow as pa

from bihuan.core import FormatError
from bihuan.store.batches import bounds_of, columns_of
from bihuan.store.tables import Kept

_INSTANT = pa.timestamp("us", tz="UTC")


def _text(*names: str) -> list[pa.Field]:
    return [pa.field(name, pa.string(), nullable=False) for name in names]


INDICES_SCHEMA = pa.schema(
    [
        *_text("site", "kind", "method"),  # kind aqi_hour | aqi_day, method as in `Verdict.method`
        pa.field("start", _INSTANT, nullable=False),
        pa.field("end", _INSTANT, nullable=False),
        pa.field("aqi", pa.int32()),
        *_text("primary", "label", "standard", "status", "reason", "level"),
    ]
)
"""Indices of a site; null where there is none or it must not be published."""

FILES_SCHEMA = pa.schema(
    [
        *_text("digest", "name", "kind", "layout", "site", "title"),
        pa.field("lon", pa.float64()),
        pa.field("lat", pa.float64()),
        pa.field("start", _INSTANT),
        pa.field("end", _INSTANT),
        pa.field("taken", _INSTANT, nullable=False),
    ]
)
"""Which file told of which site over which time, when it was `taken`, and how it was read (`layout`); `title`, `lon`
and `lat` are the site's name and place as the file gives them. The bytes are a blob by `digest`."""

INDICES = Kept("indices", INDICES_SCHEMA, ("site", "kind", "method", "start"), sticky=False)
FILES = Kept("files", FILES_SCHEMA, ("digest", "layout", "site"), sticky=False)

_ISO = "strftime(\"{0}\" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
VERDICT_ID = (
    f"substr(sha256(concat_ws(chr(31), kind, site, {_ISO.format('start')} || '/' || {_ISO.format('end')}, "
    "standard, method)), 1, 20)"
)
"""The id that `assessment.aqi_verdict` gives to a row; a test holds the two equal."""


def store_indices(connection: duckdb.DuckDBPyConnection, batch: pa.Table | pl.DataFrame) -> tuple[int, int]:
    """Keep indices, one row a key, and return how many are new and how many differ from what was kept."""
    frame = columns_of(batch, INDICES.columns, may_be_null=("aqi",))
    if not frame.height:
        return 0, 0
    if frame.select(INDICES.key).is_duplicated().any():
        raise FormatError("a batch of indices names a site, kind and hour twice; give each once")
    bounds = bounds_of(frame)
    rest = [column for column in INDICES.columns if column not in INDICES.key]
    same = " AND ".join(f'r."{column}" = b."{column}"' for column in INDICES.key)
    old, new = (", ".join(f'{table}."{column}"' for column in rest) for table in "rb")
    changes = ", ".join(f'"{column}" = b."{column}"' for column in rest)
    connection.register("batch", frame.to_arrow())
    try:
        added = int(connection.execute(INDICES.insert_new.format(**bounds)).fetchall()[0][0])
        if added == frame.height:
            return added, 0
        revised = connection.execute(
            f"UPDATE indices r SET {changes}, revision = r.revision + 1 FROM batch b WHERE {same} "
            f"AND {bounds['within']} AND ({old}) IS DISTINCT FROM ({new})"
        ).fetchall()[0][0]
    finally:
        connection.unregister("batch")
    return added, int(revised)


def store_files(connection: duckdb.DuckDBPyConnection, batch: pa.Table | pl.DataFrame) -> None:
    """Remember files; one that is known keeps the time at which it was first taken."""
    frame = columns_of(batch, FILES.columns, may_be_null=("lon", "lat", "start", "end"))
    keys = ", ".join(f'"{column}"' for column in FILES.key)
    columns = ", ".join(f'"{column}"' for column in FILES.columns)
    connection.register("batch", frame.to_arrow())
    try:
        connection.execute(
            f"INSERT INTO files SELECT {columns}, 1 FROM batch ANTI JOIN (SELECT {keys} FROM files) USING ({keys})"
        )
    finally:
        connection.unregister("batch")
