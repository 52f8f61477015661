"""The way back: from the id of an imported index to its verdict, and from an hourly value to the row of a file.

Nothing of this is stored a second time. The verdict is made again from the hours it rests on, and the row is found by
reading the kept file again, which proves at once that the file still says what the store holds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.app.indexing import PUBLISHED, wide_hours_of
from bihuan.assessment import aqi_verdict, daily_aqi, daily_means, hourly_aqi, reading_ref
from bihuan.core import NATIONAL_SIX, InputError, Period, Ref, StoreError, Verdict, parse_instant
from bihuan.devices.csv import layouts, read_feed
from bihuan.observations import of_record
from bihuan.store import Store


@dataclass(frozen=True, slots=True)
class FileRow:
    """The row of a file that a value came from.

    Attributes
    ----------
    ref : Ref
        ``file:<digest>#<row>``.
    name : str
        Of the file when it was imported.
    row : int
        Line of a text file, the header is 1; row of a Parquet file, from 1.
    value : float or None
        What stands there, in the unit kept.
    """

    ref: Ref
    name: str
    row: int
    value: float | None


def stored_verdict(store: Store, ident: str, zone: ZoneInfo, official: Collection[str] = ()) -> Verdict | None:
    """Return the verdict of an index that an import has stored, by the id of the verdict, or None.

    Raises
    ------
    StoreError
        If the hours give another index than the one stored.
    """
    found = store.series.indices(verdict=ident)
    if not found.height or found["kind"][0] == PUBLISHED:
        return None
    row = found.row(0, named=True)
    period = Period(row["start"], row["end"])
    wide = wide_hours_of(store.series, [row["site"]], period, official)
    judged = hourly_aqi(wide, zone=zone) if row["kind"] == "aqi_hour" else daily_aqi(daily_means(wide, zone=zone))
    record = of_record(store.series.hours([row["site"]], NATIONAL_SIX, period, stat="avg").drop("revision"))
    usable = record.filter(pl.col("value").is_not_null())
    inputs = tuple(
        reading_ref(site, code, stat, basis, start)
        for site, code, stat, basis, start in usable.select("site", "pollutant", "stat", "basis", "start").iter_rows()
    )
    verdict = aqi_verdict(Ref.parse(row["site"]), judged.row(0, named=True), level=row["level"], inputs=inputs)
    if verdict.id != ident or verdict.value != (None if row["aqi"] is None else float(row["aqi"])):
        raise StoreError(
            f"the hours of {row['site']} from {row['start']} give AQI {verdict.value}, stored is {row['aqi']}: "
            "import the files of that time again"
        )
    return verdict


def file_row(store: Store, reading: Ref, zone: ZoneInfo) -> FileRow | None:
    """Return the row of the imported file that an hourly value of basis ``file`` came from, or None.

    Parameters
    ----------
    reading : Ref
        As `assessment.reading_ref` makes it.

    Raises
    ------
    InputError
        If the reference is of another form.
    """
    site, item, stat, basis, start = _parts(reading)
    if basis != "file":
        return None
    at = parse_instant(start)
    rows = store.series.hours([site], [item], Period(at, at.replace(microsecond=1)), stat=stat)  # type: ignore[arg-type]
    rows = rows.filter(pl.col("basis") == "file")
    if not rows.height:
        return None
    kept = rows["value"][0]
    files = store.series.files(sites=[site]).filter((pl.col("start") <= at) & (pl.col("end") > at))
    for digest, name, layout in files.reverse().select("digest", "name", "layout").iter_rows():
        feed = read_feed(store.blobs.path(digest), layout=_layout(store, layout), zone=zone)
        table = pl.DataFrame(pl.from_arrow(feed.rows)).with_columns(
            row=pl.Series(feed.lines.to_pylist() * (feed.rows.num_rows // max(feed.kept, 1)), dtype=pl.Int64)
        )
        same = (pl.col("site") == site) & (pl.col("start") == at) & (pl.col("pollutant") == item)
        here = table.filter(same & (pl.col("stat") == stat) & pl.col("value").eq_missing(pl.lit(kept)))
        if here.height:
            row = int(here["row"][0])
            return FileRow(Ref("file", f"{digest}#{row}"), name, row, here["value"][0])
    return None


def _layout(store: Store, layout: str) -> str | Path:
    """A built-in layout by its name, or the kept mapping file that the import was given."""
    return layout if layout in layouts() else store.blobs.path(layout)


def _parts(reading: Ref) -> tuple[str, str, str, str, str]:
    parts = reading.id.rsplit("/", 4)
    if reading.kind != "reading" or len(parts) != 5:
        raise InputError(f"{reading} is no hourly value: write reading:<site>/<pollutant>/<stat>/<basis>/<start>")
    site, item, stat, basis, start = parts
    return site, item, stat, basis, start
