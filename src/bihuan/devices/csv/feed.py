"""A file of a feed to hourly rows: read, checked, said, and packed without a loop over rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from bihuan.core import CHINA, Complaint, FormatError, InputError, Place
from bihuan.devices.csv.columns import numbers
from bihuan.devices.csv.layout import Csv, Layout, layouts, load_layout, recognise_columns
from bihuan.devices.csv.table import ROW, header_of, listed, read_table
from bihuan.devices.csv.times import periods
from bihuan.devices.csv.values import END, SITE, START, Keys, Values

PUBLISHED_SCHEMA = pa.schema(
    [
        pa.field("site", pa.string(), nullable=False),
        pa.field("start", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("end", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("aqi", pa.int32(), nullable=False),
    ]
)
"""The index a feed computed itself, kept beside ours and never mixed with it."""


@dataclass(frozen=True, slots=True)
class FeedSite:
    """A site as a feed names it; `site` is its reference, ``station:1317A``."""

    site: str
    name: str
    place: Place | None


@dataclass(frozen=True, slots=True, eq=False)
class Feed:
    """What a file held.

    Attributes
    ----------
    layout : Layout
    rows : pyarrow.Table of `ROLLUP_SCHEMA`
        Basis ``file``; weather columns are rows like the others. A cell without a value is a row of
        quality ``missing``.
    published : pyarrow.Table of `PUBLISHED_SCHEMA`
        The feed's own AQI, empty when it has none.
    sites : tuple of FeedSite
    complaints : tuple of Complaint
        Of single rows with their line, then of whole columns.
    read, kept : int
        Rows of the file, and those whose time and site could be read.
    lines : pyarrow.Array of uint32, length `kept`
        Line of the file (row of a Parquet file, from 1) behind each kept row. `rows` holds one block of `kept` rows a
        column of values, each in this order.
    """

    layout: Layout
    rows: pa.Table
    published: pa.Table
    sites: tuple[FeedSite, ...]
    complaints: tuple[Complaint, ...]
    read: int
    kept: int
    lines: pa.Array


def recognise(path: Path) -> Layout:
    """Return the built-in layout of a file, by its header.

    Raises
    ------
    FormatError
        If the file is no table, or its columns are none of the known layouts.
    """
    return recognise_columns(header_of(path, Csv()), str(path))


def read_feed(path: Path, *, layout: Layout | Path | str | None = None, zone: ZoneInfo = CHINA) -> Feed:
    """Read a file of a feed, CSV (also gzip) or Parquet.

    Parameters
    ----------
    path : Path
    layout : Layout, path of a mapping file, name of a built-in layout, or None
        None recognises it from the header.
    zone : ZoneInfo
        Local time where the layout names none.

    Raises
    ------
    FormatError
        If the file as a whole cannot be read. Single rows never raise: they are listed and left out.
    SettingError
        If the mapping file is wrong.
    """
    chosen = _chosen(path, layout)
    table = read_table(path, chosen.csv)
    absent = [name for name in chosen.needed if name not in table.frame.columns]
    if absent:
        raise FormatError(f"{path}: column {', '.join(absent)} is absent; layout {chosen.name} needs it")
    said = [*table.complaints, *_about_header(table.frame.columns, chosen)]
    frame = _keyed(table.frame, chosen, zone, said)
    return Feed(
        layout=chosen,
        rows=Values(frame, chosen, said).rows(),
        published=_published(frame, chosen),
        sites=_sites(frame, chosen, said),
        complaints=tuple(said),
        read=table.frame.height + sum(complaint.reason == "row_torn" for complaint in table.complaints),
        kept=frame.height,
        lines=frame[ROW].cast(pl.UInt32).to_arrow(),
    )


def _chosen(path: Path, layout: Layout | Path | str | None) -> Layout:
    if layout is None:
        return recognise(path)
    if isinstance(layout, Layout):
        return layout
    if isinstance(layout, str) and layout in layouts():
        return layouts()[layout]
    return load_layout(Path(layout))


def _about_header(columns: list[str], layout: Layout) -> Iterator[Complaint]:
    site = layout.site
    known = {
        *layout.columns,
        *layout.other.columns,
        *layout.needed,
        layout.published.column,
        site.name,
        site.lon,
        site.lat,
    }
    unknown = [name for name in columns if name not in known and name != ROW]
    if unknown:
        yield Complaint(
            "column_unknown", f"columns {', '.join(unknown)} are not in layout {layout.name}", "row 1", "note"
        )
    absent = [name for name in layout.columns if name not in columns]
    if absent:
        yield Complaint("column_absent", f"columns {', '.join(absent)} of layout {layout.name} are not there", "row 1")


def _keyed(frame: pl.DataFrame, layout: Layout, zone: ZoneInfo, said: list[Complaint]) -> pl.DataFrame:
    """Add site and both ends of the period; leave out, and list, rows without them and repeated rows."""
    start, end = periods(frame, layout.time, zone)
    local = start.dt.convert_time_zone(layout.time.zone or zone.key)
    whole = (local.dt.minute() == 0) & (local.dt.second() == 0)
    site = layout.site
    if site.fixed:
        names = pl.repeat(site.fixed, frame.height, dtype=pl.String, eager=True)
    else:
        names = frame[site.column].cast(pl.String).str.strip_chars()
    named = (names.str.len_chars() > 0).fill_null(False)
    timed = whole.fill_null(False)
    column = ", ".join(layout.time.columns)
    said += listed(frame, ~timed, "row_time", f"{column} is no whole hour of local time", layout.time.columns)
    said += listed(frame, timed & ~named, "row_site", f"{site.column} names no site", ())
    keyed = frame.with_columns(
        (pl.lit(f"{site.kind}:") + names).alias(SITE), start.alias(START), end.alias(END)
    ).filter(timed & named)
    repeated = ~keyed.select(pl.struct(SITE, START).is_last_distinct()).to_series()
    if repeated.any():
        said += listed(
            keyed, repeated, "row_repeated", "the same site and hour stand again below; the last was kept", ()
        )
        keyed = keyed.filter(~repeated)
    return keyed


def _published(frame: pl.DataFrame, layout: Layout) -> pa.Table:
    name = layout.published.column
    if not name or name not in frame.columns:
        return PUBLISHED_SCHEMA.empty_table()
    values, _ = numbers(frame[name], layout.missing.texts, layout.csv.decimal)
    kept = frame.with_columns(values.round().cast(pl.Int32, strict=False).alias("aqi")).filter(pl.col("aqi") >= 0)
    keys = Keys.of(kept)
    return pa.Table.from_arrays([keys.site, keys.start, keys.end, kept["aqi"].to_arrow()], schema=PUBLISHED_SCHEMA)


def _sites(frame: pl.DataFrame, layout: Layout, said: list[Complaint]) -> tuple[FeedSite, ...]:
    """Return the sites in order of their reference, with the last name and place given for each."""
    site = layout.site
    given = {key: name for key, name in (("name", site.name), ("lon", site.lon), ("lat", site.lat)) if name}
    columns = [
        pl.col(name).cast(pl.String).str.strip_chars().alias(key)
        for key, name in given.items()
        if name in frame.columns
    ]
    rows = frame.select(ROW, SITE, *columns).unique(SITE, keep="last").sort(SITE)
    return tuple(
        FeedSite(row[SITE], row.get("name") or row[SITE].partition(":")[2], _place(row, said))
        for row in rows.iter_rows(named=True)
    )


def _place(row: dict[str, str], said: list[Complaint]) -> Place | None:
    lon, lat = row.get("lon"), row.get("lat")
    if not (lon and lat):
        return None
    try:
        return Place(float(lon), float(lat))
    except (ValueError, InputError) as problem:
        said.append(Complaint("site_place", f"place of {row[SITE]}: {problem}", f"row {row[ROW]}"))
        return None
