"""Columns of a file to values: text and narrow floats to the doubles they print as, sentinels to missing."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from bihuan.devices.units import DECIMALS, Conversion

COMPASS = "compass"
"""Unit of a wind direction written in letters."""

_POINTS = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW".split()  # noqa: SIM905 - a rose reads as one line
_DEGREES = {name: index * 22.5 for index, name in enumerate(_POINTS)}
_CALM = ("C", "CALM", "CV", "VAR", "VRB")
_PRINTED = 2**53 / 10**DECIMALS


def numbers(column: pl.Series, texts: Sequence[str], decimal: str) -> tuple[pl.Series, pl.Series]:
    """Return a column as doubles, and where a cell held something that is no number.

    A float32 becomes the double of its shortest decimal text: 2.35 stored in four bytes is 2.35 and
    not 2.3499999046325684. `texts` stand for no value, as an empty cell does.
    """
    nothing = pl.repeat(False, len(column), dtype=pl.Boolean, eager=True)
    if column.dtype == pl.Float32:
        return _finite(column.cast(pl.String).cast(pl.Float64)), nothing
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return _finite(column.cast(pl.Float64)), nothing
    text = column.cast(pl.String).str.strip_chars()
    if decimal == ",":
        text = text.str.replace(",", ".", literal=True)
    text = text.set(text.is_in(["", *texts]), None)
    values = text.cast(pl.Float64, strict=False)
    return _finite(values), text.is_not_null() & ~values.is_finite().fill_null(False)


def directions(column: pl.Series, texts: Sequence[str]) -> tuple[pl.Series, pl.Series]:
    """Return a column of compass points as degrees the wind blows FROM; calm and variable are missing."""
    text = column.cast(pl.String).str.strip_chars().str.to_uppercase()
    text = text.set(text.is_in(["", *_CALM, *(word.upper() for word in texts)]), None)
    values = text.replace_strict(_DEGREES, default=None, return_dtype=pl.Float64)
    return values, text.is_not_null() & values.is_null()


def without(values: pl.Series, sentinels: Sequence[float]) -> tuple[pl.Series, pl.Series]:
    """Return the values with sentinels made missing, and where one stood."""
    found = values.is_in(list(sentinels)).fill_null(False)
    return (values.set(found, None), found) if found.any() else (values, found)


def converted(values: pl.Series, convert: Conversion) -> pl.Series:
    """Convert a column; decimals stay what they were (900 ug/m3 is 0.9 mg/m3)."""
    if convert.same:
        return values
    turned = values * convert.factor / convert.divisor + convert.offset
    rounded = turned.round(DECIMALS)
    return rounded.zip_with(turned.abs() < _PRINTED, turned)


def _finite(values: pl.Series) -> pl.Series:
    broken = ~values.is_finite()
    return values.set(broken.fill_null(False), None) if broken.any() else values
