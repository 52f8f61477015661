"""A table of water samples as files hold it, to samples that can be judged and the rows that cannot.

Long form: ``site start item value unit`` [``end water_body``]; wide form: ``site start`` and one column an item.
`water_columns.toml` lists the names. A value below the detection limit (``<0.02``, ``0.02L``) is kept as what it says:
somewhere from 0 to the limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.judged import REFUSED_SCHEMA
from bihuan.assessment.water_bulk import LOW, NANO
from bihuan.assessment.water_names import TABLE, Header, Item, accepted, choice, header, item_of, power_between, unit_of
from bihuan.core import InputError, widened

INSTANT = pl.Datetime("us", "UTC")
KEYS = ("site", "start", "end", "water_body", "level", "built")
"""Columns that tell a sample from another."""

_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y-%m-%d", "%Y%m%d")
_OFFSET = r":\d\d(Z|[+-]\d\d:?\d\d)$"
_BELOW = r"^<\s*(\d+\.?\d*(?:[eE][+-]?\d+)?)$|^(\d+\.?\d*)\s*[lL]$"
_EXACT = float(2**53)


@dataclass(frozen=True, slots=True)
class Samples:
    """What a table held.

    Attributes
    ----------
    frame : DataFrame
        One row a sample: ``row site start end day water_body level built``, one column an item in the unit of
        `water_columns.toml`, and ``<item>_low`` where a value is below detection.
    refused : DataFrame
        Rows of `REFUSED_SCHEMA`.
    """

    frame: pl.DataFrame
    refused: pl.DataFrame

    @property
    def items(self) -> list[str]:
        """Items of the frame, in the order of `water_columns.toml`."""
        return [code for code in accepted()["items"] if code in self.frame.columns]


class _Reading:
    """A table on its way, with what is refused of it."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table
        self.heads = [header(column) for column in table.columns]
        self.refused: list[pl.DataFrame] = []
        self.rows = pl.Series("row", np.arange(1, table.height + 1), dtype=pl.Int64)

    def key(self, name: str) -> Header | None:
        """Return the first column of a key."""
        return next((head for head in self.heads if head.key == name), None)

    def refuse(self, column: str, where: pl.Series, reason: str, values: pl.Series | None = None) -> None:
        """Keep the rows of a mask with their reason."""
        mask = where.fill_null(False)
        if not mask.any():
            return
        shown = (self.table[column] if values is None else values).filter(mask).cast(pl.String).fill_null("")
        rows = self.rows.filter(mask)
        frame = pl.DataFrame({"row": rows, "value": shown}).with_columns(
            pl.lit(column).alias("column"), pl.lit(reason).alias("reason")
        )
        self.refused.append(frame.select(REFUSED_SCHEMA.names()))

    def refuse_column(self, head: Header, reason: str) -> None:
        """Keep a column that cannot be used; it has no row of its own."""
        row = {"row": None, "column": head.column, "value": head.column, "reason": reason}
        self.refused.append(pl.DataFrame([row], schema=REFUSED_SCHEMA))


def read_samples(table: pl.DataFrame, *, zone: ZoneInfo, water_body: str = "river", on: date | None = None) -> Samples:
    """Read a table of samples in either form.

    Parameters
    ----------
    table : DataFrame
    zone : ZoneInfo
        Of stamps without an offset.
    water_body : str
        Where no column says it.
    on : date or None
        With it a row needs no date of its own.

    Raises
    ------
    InputError
        If there is no column for the site, none for the date (without `on`), or none for any item.
    """
    reading = _Reading(table)
    keys = _keys(reading, zone, water_body, on)
    long = reading.key("item") is not None and reading.key("value") is not None
    frame = _long(reading, keys) if long else _wide(reading, keys)
    refused = pl.concat(reading.refused) if reading.refused else pl.DataFrame(schema=REFUSED_SCHEMA)
    return Samples(frame, refused.sort("row", maintain_order=True))


def _keys(reading: _Reading, zone: ZoneInfo, water_body: str, on: date | None) -> pl.DataFrame:
    """Return the keys of every row, ``good`` where the row can be used."""
    site_head, start_head, end_head = (reading.key(name) for name in ("site", "start", "end"))
    for name, head in (("site", site_head), ("start", start_head)):
        if head is None and not (name == "start" and on is not None):
            names = ", ".join(accepted()["keys"][name])
            raise InputError(f"no column for the {name} of a sample; name it one of: {names} ({TABLE})")
    assert site_head is not None
    site = reading.table[site_head.column].cast(pl.String).str.strip_chars()
    good = site.fill_null("") != ""
    reading.refuse(site_head.column, ~good, "water_no_site")
    height = reading.table.height
    start, end = (pl.Series([None] * height, dtype=INSTANT) for _ in range(2))
    whole_day = pl.Series([False] * height, dtype=pl.Boolean)
    if start_head is not None:
        start, whole_day = _instants(reading.table[start_head.column], zone)
        missing = reading.table[start_head.column].cast(pl.String).str.strip_chars().fill_null("") == ""
        if on is None:
            reading.refuse(start_head.column, missing, "water_no_date")
        reading.refuse(start_head.column, start.is_null() & ~missing, "water_bad_date")
        good &= start.is_not_null() | (missing if on is not None else False)
    if end_head is not None:
        end, _ = _instants(reading.table[end_head.column], zone)
        reading.refuse(end_head.column, end <= start, "water_end_before_start")
        good &= (end > start).fill_null(True)
    local = start.dt.convert_time_zone(zone.key)
    next_day = local.dt.offset_by("1d").dt.convert_time_zone("UTC")
    end = end.zip_with(end.is_not_null() | ~whole_day, next_day)
    day = pl.Series([on] * height, dtype=pl.Date) if on is not None else local.dt.date()
    body, level, built = (_chosen(reading, name, good) for name in ("water_body", "level", "built"))
    good &= body.fill_null("") != "?"
    good &= level.fill_null("") != "?"
    columns = {"row": reading.rows, "site": site, "start": start, "end": end, "day": day}
    columns |= {"water_body": body.fill_null(water_body), "level": level, "built": built, "good": good}
    return pl.DataFrame(columns)


def _chosen(reading: _Reading, name: str, good: pl.Series) -> pl.Series:
    """Return a column of words as the house says them; ``?`` where the word is not known."""
    head = reading.key(name)
    if head is None:
        return pl.Series([None] * reading.table.height, dtype=pl.Date if name == "built" else pl.String)
    given = reading.table[head.column]
    if name == "built":
        built, _ = _instants(given, ZoneInfo("UTC"))
        told = given.cast(pl.String).str.strip_chars().fill_null("") != ""
        reading.refuse(head.column, told & built.is_null() & good, "water_bad_date")
        return built.dt.date()
    words = given.cast(pl.String).str.strip_chars()
    words = words.set(words == "", None)
    kinds = words.unique().drop_nulls().to_list()
    table = {"water_body": "bodies", "level": "levels"}[name]
    found = words.replace_strict(kinds, [choice(table, kind) or "?" for kind in kinds], return_dtype=pl.String)
    reading.refuse(head.column, (found == "?") & good, f"water_unknown_{name}")
    return found


def _wide(reading: _Reading, keys: pl.DataFrame) -> pl.DataFrame:
    columns: list[pl.Series] = []
    for head in reading.heads:
        if head.item is None:
            if not head.key:
                reading.refuse_column(head, "water_unknown_column")
        elif head.item.code in {column.name for column in columns}:
            reading.refuse_column(head, "water_column_twice")
        elif (power := _power(head)) is None:
            unknown = head.unit is None or head.unit == ""
            reading.refuse_column(head, "water_unit_missing" if unknown else "water_wrong_unit")
        else:
            value, low = _numbers(reading, head.column, reading.table[head.column], head.item, power, keys["good"])
            columns.append(value.alias(head.item.code))
            if low is not None:
                columns.append(low.alias(f"{head.item.code}{LOW}"))
    if not any(head.item for head in reading.heads):
        raise InputError(f"no column for any item, and no columns item and value; the names are listed in {TABLE}")
    frame = keys.with_columns(columns).filter("good").drop("good")
    return _without_repeats(reading, frame)


def _power(head: Header) -> int | None:
    assert head.item is not None
    if head.unit is None:
        return None if head.item.declare else 0
    return power_between(head.unit, head.item.unit)


def _without_repeats(reading: _Reading, frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the first sample of a site and time; a second one would be judged as if it were another."""
    keyed = [name for name in KEYS if name not in {"level", "built"}]
    later = ~frame.select(pl.struct(keyed).is_first_distinct()).to_series() & frame["start"].is_not_null()
    if later.any():
        twice = reading.rows.is_in(frame["row"].filter(later).to_list())
        head = reading.key("site")
        assert head is not None
        reading.refuse(head.column, twice, "water_given_twice")
    return frame.filter(~later)


def _long(reading: _Reading, keys: pl.DataFrame) -> pl.DataFrame:
    item_head, value_head, unit_head = (reading.key(name) for name in ("item", "value", "unit"))
    assert item_head is not None and value_head is not None
    given = reading.table[item_head.column].cast(pl.String).str.strip_chars()
    kinds = given.unique().drop_nulls().to_list()
    known = {kind: item for kind in kinds if (item := item_of(kind)) is not None}
    codes = given.replace_strict(
        list(known), [item.code for item in known.values()], default=None, return_dtype=pl.String
    )
    reading.refuse(item_head.column, codes.is_null() & keys["good"], "water_unknown_item")
    units = None if unit_head is None else reading.table[unit_head.column].cast(pl.String).str.strip_chars()
    parts = []
    for item in {item.code: item for item in known.values()}.values():
        mine = (codes == item.code).fill_null(False) & keys["good"]
        for power, mask in _by_power(reading, unit_head, units, item, mine):
            values = reading.table[value_head.column].set(~mask, None)
            value, low = _numbers(reading, value_head.column, values, item, power, mask)
            low = value if low is None else low
            part = keys.with_columns(value.alias("value"), low.alias("low"), pl.lit(item.code).alias("item"))
            parts.append(part.filter(mask & value.is_not_null()))
    return _spread(reading, keys, parts, value_head)


def _by_power(
    reading: _Reading, unit_head: Header | None, units: pl.Series | None, item: Item, mine: pl.Series
) -> Iterator[tuple[int, pl.Series]]:
    """Yield the rows of an item by the power of ten that its unit needs."""
    if unit_head is None or units is None:
        value_head = reading.key("value")
        assert value_head is not None
        if item.declare:
            reading.refuse(value_head.column, mine, "water_unit_missing")
        else:
            yield 0, mine
        return
    told = units.fill_null("")
    for words in told.filter(mine).unique():
        here = mine & (told == words)
        power = power_between(unit_of(words), item.unit) if words or item.unit == "1" else None
        if power is None:
            reading.refuse(unit_head.column, here, "water_wrong_unit" if words else "water_unit_missing")
        else:
            yield power, here


def _spread(reading: _Reading, keys: pl.DataFrame, parts: list[pl.DataFrame], head: Header) -> pl.DataFrame:
    """Set the items of a sample beside each other."""
    empty = keys.clear().with_columns(pl.lit(0.0).alias("value"), pl.lit(0.0).alias("low"), pl.lit("").alias("item"))
    long = pl.concat(parts or [empty]).drop("good").sort("row")
    index = [*KEYS, "day"]
    later = ~long.select(pl.struct([*index, "item"]).is_first_distinct()).to_series()
    reading.refuse(head.column, reading.rows.is_in(long["row"].filter(later).to_list()), "water_given_twice")
    long = long.filter(~later)
    first = long.group_by(index, maintain_order=True).agg(pl.col("row").min())
    for item in long["item"].unique(maintain_order=True):
        mine = long.filter(pl.col("item") == item)
        names = {"value": item} | ({"low": f"{item}{LOW}"} if (mine["low"] != mine["value"]).any() else {})
        part = mine.select(*index, *names).rename(names)
        first = first.join(part, on=index, how="left", nulls_equal=True, maintain_order="left")
    rest = [name for name in first.columns if name not in (*index, "row")]
    return first.select("row", "site", "start", "end", "day", "water_body", "level", "built", *rest)


def _numbers(
    reading: _Reading, column: str, given: pl.Series, item: Item, power: int, good: pl.Series
) -> tuple[pl.Series, pl.Series | None]:
    """Return values in the unit of the item and, where some are below detection, the lower ends of all."""
    if given.dtype.is_numeric():
        text = None
        values = _as_double(given)
    else:
        text = given.cast(pl.String).str.strip_chars().str.replace("\uff1c", "<", literal=True)
        text = text.set(text.is_in(accepted()["missing"]["texts"]), None)
        values = text.cast(pl.Float64, strict=False)
    values = values.fill_nan(None)
    below = pl.Series([False] * len(given), dtype=pl.Boolean)
    if text is not None and text.null_count() - values.null_count():
        limit = text.str.extract(_BELOW, 1).fill_null(text.str.extract(_BELOW, 2)).cast(pl.Float64, strict=False)
        below = limit.is_not_null() & (item.code not in ("ph", "orp", "water_temperature"))
        values = values.zip_with(~below, limit)
        no_limit = text.is_in(accepted()["missing"]["not_detected"])
        reading.refuse(column, good & no_limit, "water_no_detection_limit", given)
        broken = text.is_not_null() & values.is_null() & ~no_limit
        reading.refuse(column, good & broken, "water_no_number", given)
    values = shifted(values, power)
    impossible = (values < item.low) | (values > item.high) | values.is_infinite()
    negative = (values < 0) & (item.low == 0)
    reading.refuse(column, good & negative, "water_negative", given)
    reading.refuse(column, good & impossible & ~negative, "water_impossible", given)
    values = values.set(impossible.fill_null(False), None)
    return values, values.zip_with(~below, values * 0.0) if below.any() else None


def _as_double(given: pl.Series) -> pl.Series:
    if given.dtype == pl.Float32:
        return pl.Series(given.name, widened(given.fill_null(float("nan")).to_numpy()))
    return given.cast(pl.Float64)


def shifted(values: pl.Series, power: int) -> pl.Series:
    """Return values times a power of ten as the doubles of the shifted decimal text.

    A product of doubles is not that: ``12.3 / 1000`` may differ from ``0.0123``. A whole number of 1e-9 divided once by
    a power of ten is rounded once, so it is; what has more digits is moved as a decimal.
    """
    if not power:
        return values
    given: NDArray[np.float64] = values.fill_null(float("nan")).to_numpy().copy()
    counts = np.rint(given * NANO)
    simple = (counts / NANO == given) & (np.abs(counts) < _EXACT)
    moved = counts / 10.0 ** (9 - power)
    for at in np.nonzero(~simple & np.isfinite(given))[0]:
        moved[at] = float(Decimal(repr(float(given[at]))).scaleb(power))
    return pl.Series(values.name, moved).fill_nan(None)


def _instants(column: pl.Series, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Return instants in UTC, null where they cannot be read, and where only a day is said."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        return column.dt.convert_time_zone("UTC").cast(INSTANT), pl.Series([False] * len(column), dtype=pl.Boolean)
    if kind in (pl.Datetime, pl.Date):
        return _placed(column.cast(pl.Datetime("us")), zone), pl.Series(
            [kind == pl.Date] * len(column), dtype=pl.Boolean
        )
    text = column.cast(pl.String).str.strip_chars().str.replace_all("/", "-", literal=True)
    text = text.str.replace(r"(\d)T(\d)", "${1} ${2}")
    offset = text.str.contains(_OFFSET).fill_null(False)
    day = text.str.contains(r"^\d{4}-\d{1,2}-\d{1,2}$|^\d{8}$").fill_null(False)
    stamp = pl.Series(column.name, [None] * len(column), pl.Datetime("us"))
    for form in _FORMATS:
        left = stamp.is_null() & text.is_not_null() & ~offset
        if left.any():
            stamp = stamp.zip_with(~left, text.str.to_datetime(form, time_unit="us", strict=False))
    placed = _placed(stamp, zone)
    if offset.any():
        told = text.set(~offset, None).str.replace(r"Z$", "+00:00")
        for form in ("%Y-%m-%d %H:%M:%S%:z", "%Y-%m-%d %H:%M%:z", "%Y-%m-%d %H:%M:%S%z"):
            read = told.str.to_datetime(form, time_unit="us", strict=False).dt.convert_time_zone("UTC")
            placed = placed.zip_with(read.is_null(), read)
    return placed, day


def _placed(local: pl.Series, zone: ZoneInfo) -> pl.Series:
    there = local.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC").cast(INSTANT)
