"""A table of soil samples as laboratories hand it over, to values that can be judged and cells that cannot.

Two forms are read: wide (a column an item) and long (``item value [unit detection_limit background]``).
`soil_columns.toml` lists the names.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import polars as pl

from bihuan.assessment.judged import REFUSED_SCHEMA
from bihuan.assessment.soil_names import (
    SoilColumns,
    item_names,
    key_of,
    land_use_names,
    same_unit,
    soil_columns,
    soil_words,
)
from bihuan.core import widened

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BELOW = rf"^<\s*=?\s*({_NUMBER})$"
_LAB_BELOW = rf"^({_NUMBER})\s*L$"
"""0.5L: below a detection limit of 0.5, as Chinese laboratories write it."""
_BRACKETED = rf"\(\s*<?\s*({_NUMBER})\s*\)$"
_DAY = r"^(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})"
_SHORT_DAY = r"^(\d{4})(\d{2})(\d{2})$"
_OFFSET = r"\d(?:Z|[+-]\d\d:?\d\d)$"


class Refusals:
    """What could not be judged, gathered while a table is read."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame, column: str | pl.Expr, reason: str) -> None:
        """Note rows (``row value``) under a column and a reason."""
        if rows.height:
            named = pl.lit(column) if isinstance(column, str) else column
            self._parts.append(
                rows.select(
                    pl.col("row").cast(pl.Int64),
                    named.cast(pl.String).alias("column"),
                    pl.col("value").cast(pl.String).fill_null("").alias("value"),
                    pl.lit(reason).alias("reason"),
                )
            )

    def table(self) -> pl.DataFrame:
        """Return everything noted, by row, each cell once."""
        everything = pl.concat([pl.DataFrame(schema=REFUSED_SCHEMA), *self._parts])
        return everything.unique(maintain_order=True).sort("row", maintain_order=True)


def soil_samples(
    table: pl.DataFrame, refusals: Refusals, *, zone: ZoneInfo, land_use: str = ""
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row a value that was measured, and one a cell that held anything.

    Parameters
    ----------
    table : DataFrame
        As read: text or numbers.
    refusals : Refusals
        Takes what cannot be judged.
    zone : ZoneInfo
        Of the day of stamps with an offset.
    land_use : str
        Of rows that name none.

    Returns
    -------
    samples : DataFrame
        ``row site date land_use ph_given ph column item value below background``; `value` is the detection limit where
        `below` is true. `date` and `ph` may be null: whether they are needed, the law says.
    given : DataFrame
        ``row site date land_use item`` of every cell, those refused too; `item` is null where it is none known.

    Raises
    ------
    InputError
        If whole columns are absent, doubled or in another unit.
    """
    columns = soil_columns(table.columns)
    places = _samples(table, columns, refusals, zone, land_use)
    cells = _long_cells(table, columns) if columns.long else _wide(table, columns, refusals)
    given = places.select("row", "site", "date", "land_use").join(cells.select("row", "item"), on="row")
    kept = _measured(_long(cells, columns, refusals) if columns.long else cells, refusals)
    return places.join(kept, on="row", how="inner", maintain_order="left_right"), given


def _samples(
    table: pl.DataFrame, columns: SoilColumns, refusals: Refusals, zone: ZoneInfo, land_use: str
) -> pl.DataFrame:
    """Site, day, land use and pH of each row; rows whose site, day or use of land cannot be read are refused."""
    use = _text(table, columns, "land_use")
    uses = {word: land_use_names().get(key_of(word)) for word in use.drop_nulls().unique()}
    day, torn = _days(table, columns, zone)
    frame = pl.DataFrame(
        {
            "row": pl.Series(range(1, table.height + 1), dtype=pl.Int64),
            "site": _text(table, columns, "site"),
            "date": day,
            "torn": torn,
            "date_given": _text(table, columns, "date"),
            "land_use_given": use,
            "ph_given": _text(table, columns, "ph"),
            "ph": _numbers(_column(table, columns, "ph"))["value"],
        }
    ).with_columns(
        land_use=pl.when(pl.col("land_use_given").is_null())
        .then(pl.lit(land_use or None, dtype=pl.String))
        .otherwise(pl.col("land_use_given").replace_strict(uses, default=None, return_dtype=pl.String))
    )
    no_use = pl.col("land_use").is_null()
    tests: Iterable[tuple[pl.Expr, str, str, str]] = (
        (pl.col("site").is_null(), "site", "site", "soil_site_missing"),
        (pl.col("torn"), "date", "date_given", "soil_date_unreadable"),
        (no_use & pl.col("land_use_given").is_null(), "land_use", "land_use_given", "soil_land_use_missing"),
        (no_use, "land_use", "land_use_given", "soil_land_use_unknown"),
    )
    for where, what, shown, reason in tests:
        refused = frame.filter(where).select("row", pl.col(shown).alias("value"))
        refusals.add(refused, columns.keys.get(what, what), reason)
        frame = frame.filter(~where)
    return frame.select("row", "site", "date", "land_use", "ph_given", "ph")


def _column(table: pl.DataFrame, columns: SoilColumns, what: str) -> pl.Series:
    if what not in columns.keys:
        return pl.Series(what, [None] * table.height, dtype=pl.String)
    return table[columns.keys[what]]


def _text(table: pl.DataFrame, columns: SoilColumns, what: str) -> pl.Series:
    """A column as text, null where it says nothing."""
    text = _column(table, columns, what).cast(pl.String).str.strip_chars()
    return text.set(text.is_in(soil_words()["values"]["missing"]), None)


def _days(table: pl.DataFrame, columns: SoilColumns, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Day of each row, and where one is given that cannot be read."""
    column = _column(table, columns, "date")
    kind = column.dtype
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        local = column.dt.convert_time_zone(zone.key) if getattr(kind, "time_zone", None) else column
        return local.dt.date(), pl.repeat(False, len(column), dtype=pl.Boolean, eager=True)
    text = _text(table, columns, "date").alias("text").to_frame()
    plain = pl.col("text").str.replace(_SHORT_DAY, "${1}-${2}-${3}\n")
    plain = (
        plain.str.replace(_DAY, "${1}-${2}-${3}\n").str.extract(r"^([^\n]*)\n").str.to_date("%Y-%m-%d", strict=False)
    )
    offset = pl.col("text").str.contains(_OFFSET)
    instant = pl.col("text").str.replace(r"^(\S+) ", "${1}T").str.to_datetime("%+", time_unit="us", strict=False)
    told = instant.dt.convert_time_zone(zone.key).dt.date()
    days = text.select(
        day=pl.when(offset).then(told).otherwise(plain),
        given=pl.col("text").is_not_null(),
    )
    return days["day"], days["given"] & days["day"].is_null()


def _wide(table: pl.DataFrame, columns: SoilColumns, refusals: Refusals) -> pl.DataFrame:
    """Cells of every item column; an empty cell is an item that was not measured."""
    _unknown(table, columns, refusals)
    parts = []
    for name, item in columns.items.items():
        given = _numbers(table[name]).with_row_index("row", offset=1)
        background = columns.backgrounds.get(item)
        known = pl.lit(None, pl.Float64) if background is None else _numbers(table[background])["value"]
        parts.append(
            given.with_columns(known.alias("background"), column=pl.lit(name), item=pl.lit(item)).filter(
                pl.col("problem") != "missing"
            )
        )
    return pl.concat(parts)


def _unknown(table: pl.DataFrame, columns: SoilColumns, refusals: Refusals) -> None:
    """A column of numbers that nobody knows may be a pollutant under a name nobody knows: it is named, once."""
    for name in columns.unknown:
        given = _numbers(table[name])
        if table.height and (given["value"].is_not_null() | given["below"]).any():
            refusals.add(pl.DataFrame({"row": [1], "value": [name]}), name, "soil_column_unknown")


def _long_cells(table: pl.DataFrame, columns: SoilColumns) -> pl.DataFrame:
    """Cells of a long table with what stands beside them."""
    given = _numbers(_column(table, columns, "value")).with_row_index("row", offset=1)
    written = _text(table, columns, "item")
    codes = {word: item_names().get(key_of(word)) for word in written.drop_nulls().unique()}
    unit = _text(table, columns, "unit")
    fits = {word: same_unit(word) for word in unit.drop_nulls().unique()}
    return given.with_columns(
        item=written.replace_strict(codes, default=None, return_dtype=pl.String),
        column=pl.lit(columns.keys["value"]),
        background=_numbers(_column(table, columns, "background"))["value"],
        limit=_numbers(_column(table, columns, "detection_limit"))["value"],
        fits=unit.replace_strict(fits, default=True, return_dtype=pl.Boolean),
        written=written,
        unit=unit,
    ).with_columns(value=pl.when(pl.col("below") & pl.col("value").is_null()).then("limit").otherwise("value"))


def _long(cells: pl.DataFrame, columns: SoilColumns, refusals: Refusals) -> pl.DataFrame:
    """Refuse rows without a value, of an unknown item or in another unit."""
    tests: Iterable[tuple[pl.Expr, str, str, str]] = (
        (pl.col("item").is_null(), "item", "written", "soil_item_unknown"),
        (~pl.col("fits"), "unit", "unit", "soil_unit"),
        (pl.col("problem") == "missing", "value", "given", "soil_value_missing"),
    )
    for where, what, shown, reason in tests:
        refused = cells.filter(where)
        refusals.add(refused.select("row", pl.col(shown).alias("value")), columns.keys.get(what, what), reason)
        cells = cells.filter(~where)
    return cells.select("row", "given", "value", "below", "problem", "background", "column", "item")


def _measured(cells: pl.DataFrame, refusals: Refusals) -> pl.DataFrame:
    """Cells whose value can be: a number, not negative, not more than the soil itself, with its detection limit."""
    tests: Iterable[tuple[pl.Expr, str]] = (
        (pl.col("problem") == "text", "soil_no_number"),
        (pl.col("value") < 0, "soil_negative"),
        (pl.col("value") > soil_words()["values"]["largest"], "soil_impossible"),
        (pl.col("below") & pl.col("value").is_null(), "soil_detection_limit"),
    )
    for where, reason in tests:
        known = where.fill_null(False)
        refusals.add(
            cells.filter(known).select("row", "column", pl.col("given").alias("value")), pl.col("column"), reason
        )
        cells = cells.filter(~known)
    return cells.select("row", "column", "item", "value", "below", "background")


def _numbers(column: pl.Series) -> pl.DataFrame:
    """Return ``given value below problem`` of cells: numbers as the file printed them, ``<0.5``, ``0.5L``, ``ND(0.5)``.

    `problem` is ``missing``, ``text`` or empty.
    """
    if column.dtype.is_numeric():
        return _plain_numbers(column)
    words = soil_words()["values"]
    below = [word.casefold() for word in words["below"]]
    text = column.cast(pl.String).str.normalize("NFKC").str.strip_chars().alias("given").to_frame()
    given = pl.col("given")
    bare = given.str.replace(_BRACKETED, "").str.strip_chars().str.to_lowercase()
    cells = text.with_columns(
        missing=given.is_null() | given.is_in(words["missing"]),
        named=bare.is_in(below).fill_null(False),
        limit=pl.coalesce(given.str.extract(_BELOW), given.str.extract(_LAB_BELOW)),
        bracketed=given.str.extract(_BRACKETED),
    ).with_columns(below=~pl.col("missing") & (pl.col("named") | pl.col("limit").is_not_null()))
    value = pl.when("named").then("bracketed").when("below").then("limit").otherwise("given")
    number = value.cast(pl.Float64, strict=False)
    cells = cells.with_columns(value=pl.when(number.is_finite() & ~pl.col("missing")).then(number))
    problem = (
        pl.when("missing")
        .then(pl.lit("missing"))
        .when(pl.col("value").is_null() & ~pl.col("below"))
        .then(pl.lit("text"))
    )
    return cells.select("given", "value", "below", problem=problem.otherwise(pl.lit("")))


def _plain_numbers(column: pl.Series) -> pl.DataFrame:
    wide = column.cast(pl.Float64)
    if column.dtype == pl.Float32:
        wide = pl.Series(widened(column.fill_null(float("nan")).to_numpy()))
    cells = pl.DataFrame({"given": column.cast(pl.String), "number": wide.fill_nan(None)})
    finite = pl.col("number").is_finite()
    return cells.select(
        "given",
        value=pl.when(finite).then("number"),
        below=pl.lit(False),
        problem=pl.when(pl.col("number").is_null())
        .then(pl.lit("missing"))
        .when(~finite)
        .then(pl.lit("text"))
        .otherwise(pl.lit("")),
    )
