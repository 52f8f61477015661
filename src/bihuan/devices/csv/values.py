"""Columns of values to rows of `ROLLUP_SCHEMA`, each column one block, and doubts about whole columns."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from bihuan.core import ROLLUP_SCHEMA, Complaint
from bihuan.devices.csv.columns import COMPASS, converted, directions, numbers, without
from bihuan.devices.csv.layout import Layout, ValueColumn
from bihuan.devices.csv.table import listed
from bihuan.devices.plausible import plausible

SITE, START, END = "__site", "__start", "__end"
"""Columns that say what each row is about."""

_SWAPPED_SHARE = 0.5
_OLD = pl.CompatLevel.oldest()


@dataclass(frozen=True, slots=True)
class Keys:
    """Key columns, shared by the blocks of all pollutants."""

    site: pa.Array
    start: pa.Array
    end: pa.Array

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Keys:
        """Take them from a table."""
        instant = pa.timestamp("us", tz="UTC")
        site = frame[SITE].to_arrow(compat_level=_OLD).cast(pa.string())
        return cls(site, frame[START].to_arrow().cast(instant), frame[END].to_arrow().cast(instant))


class Values:
    """Values of one file.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the file, with `SITE`, `START` and `END`.
    layout : Layout
    said : list of Complaint
        Complaints are added to it.
    """

    def __init__(self, frame: pl.DataFrame, layout: Layout, said: list[Complaint]) -> None:
        self._frame = frame
        self._layout = layout
        self._said = said
        self._keys = Keys.of(frame)

    def rows(self) -> pa.Table:
        """Return every cell of every column of values as a row."""
        present = [(name, spec) for name, spec in self._layout.columns.items() if name in self._frame.columns]
        blocks = [self._block(name, spec) for name, spec in present]
        return pa.concat_tables(blocks) if blocks else ROLLUP_SCHEMA.empty_table()

    def _block(self, name: str, spec: ValueColumn) -> pa.Table:
        texts, column = self._layout.missing.texts, self._frame[name]
        if spec.unit == COMPASS:
            values, broken = directions(column, texts)
        else:
            values, broken = numbers(column, texts, self._layout.csv.decimal)
        values, agreed = without(values, self._layout.missing.values)
        values = converted(values, self._layout.convert(name))
        self._said += listed(self._frame, broken, "row_value", f"{name} is no number", (name,))
        if agreed.any():
            detail = f"{int(agreed.sum())} cells hold an agreed value for no value"
            self._said.append(Complaint("value_sentinel", detail, name, "note"))
        doubt = self._doubt(name, spec, values)
        value, quality, reason = _judged(values, agreed, broken, doubt)
        same = {
            "pollutant": spec.pollutant,
            "stat": spec.stat,
            "basis": "file",
            "mark": "",
            "level": self._layout.level,
        }
        columns = {
            "site": self._keys.site,
            "start": self._keys.start,
            "end": self._keys.end,
            "value": value,
            "count": pa.repeat(pa.scalar(0, pa.int32()), len(values)),
            "quality": quality,
            "reason": reason,
        } | {key: pa.repeat(pa.scalar(text, pa.string()), len(values)) for key, text in same.items()}
        return pa.Table.from_arrays([columns[field] for field in ROLLUP_SCHEMA.names], schema=ROLLUP_SCHEMA)

    def _doubt(self, name: str, spec: ValueColumn, values: pl.Series) -> str:
        """Say when a column looks like another or like another unit; return the reason, values stay as they are."""
        detail = self._swapped(name, spec, values)
        if detail:
            self._said.append(Complaint("columns_swapped", detail, name))
            return "columns_swapped"
        middle = values.filter(values > 0).median()
        if not isinstance(middle, float):
            return ""
        unit = plausible(self._layout.kind, spec.pollutant).doubt(middle)
        if unit:
            detail = f"the median of {name} is {middle:g} read as {spec.unit}; it looks like {unit}. Values were kept"
            self._said.append(Complaint("unit_suspect", detail, name))
            return "unit_suspect"
        return ""

    def _swapped(self, name: str, spec: ValueColumn, values: pl.Series) -> str:
        """A highest value of a day cannot be below the present one in most rows."""
        if not spec.never_above or spec.never_above not in self._frame.columns:
            return ""
        ceiling, _ = numbers(self._frame[spec.never_above], self._layout.missing.texts, self._layout.csv.decimal)
        both = int((values.is_not_null() & ceiling.is_not_null()).sum())
        above = int((values > ceiling).fill_null(False).sum())
        if above <= _SWAPPED_SHARE * both:
            return ""
        return (
            f"{name} is above {spec.never_above} in {above} of {both} rows, though that is its highest value of a day: "
            "the two look swapped. Values were kept; correct the file, or swap them in a mapping"
        )


def _judged(values: pl.Series, agreed: pl.Series, broken: pl.Series, doubt: str) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return value, quality and reason of each cell."""
    absent = pl.col("value").is_null()
    cells = pl.DataFrame({"value": values, "agreed": agreed, "broken": broken}).select(
        "value",
        pl.when(absent).then(pl.lit("missing")).otherwise(pl.lit("suspect" if doubt else "good")).alias("quality"),
        pl.when("agreed")
        .then(pl.lit("sentinel"))
        .when("broken")
        .then(pl.lit("unreadable"))
        .when(absent)
        .then(pl.lit("no_value"))
        .otherwise(pl.lit(doubt))
        .alias("reason"),
    )
    value, quality, reason = (cells[name].to_arrow(compat_level=_OLD) for name in ("value", "quality", "reason"))
    return value, quality.cast(pa.string()), reason.cast(pa.string())
