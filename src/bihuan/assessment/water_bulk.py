"""Every item of many samples against every class at once.

A value is a double that was read from decimal text, and a limit is the double of its own text. Text with at most 15
digits and doubles keep their order, so comparing the doubles is comparing the decimals: no rounding takes part. What
needs arithmetic (multiples, means, units) goes through whole numbers of 1e-9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.index import least_sure
from bihuan.assessment.water import CLASSES, WaterLaw
from bihuan.core import Status
from bihuan.standards import Row

LOW = "_low"
"""``tp_low`` is the lower end of a value known only within bounds: 0 below detection; ``tp`` is then its upper end."""

NANO = 1_000_000_000
WORST = len(CLASSES)
_MOST = (1 << 50) - 1

Byte = NDArray[np.uint8]
Float = NDArray[np.float64]
Int = NDArray[np.int64]

_SURE: tuple[Status, ...] = ("confirmed", "single_source", "unconfirmed", "conflicting")


def water_classes(samples: pl.DataFrame, law: WaterLaw) -> pl.DataFrame:
    """Return the class of every sample by its worst item.

    Parameters
    ----------
    samples : DataFrame
        One column an item, null where missing, in the units of GB 3838; `LOW` columns where a value has bounds only.
    law : WaterLaw

    Returns
    -------
    DataFrame
        As many rows, with ``class class_number class_best class_worst worst over multiples grade assessed
        not_assessed status``. ``class`` is null where nothing was assessed, or where bounds leave it open
        (``class_best`` and ``class_worst`` differ, and ``worst`` names the items that leave it open). ``over`` names
        the items beyond class III for certain, the worst first, and ``multiples`` by how many times, in the same
        order; empty where the limit is a minimum or a range.
    """
    found = {item: _Found(samples, item, row) for item, row in law.items.items() if item in samples.columns}
    shape = samples.height
    best, worst = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for one in found.values():
        np.maximum(best, one.best, out=best)
        np.maximum(worst, one.worst, out=worst)
    sure = (best == worst) & (worst > 0)
    deciding, present = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for place, item in enumerate(law.items):
        if item in found:
            one = found[item]
            decides = (one.worst == worst) if sure.all() else np.where(sure, one.worst == worst, one.worst > best)
            deciding |= (decides & (one.worst > 0)).astype(np.int64) << place
            present |= (one.worst > 0).astype(np.int64) << place
    names = list(law.items)
    number = pl.Series("class_number", np.where(sure, worst, 0), dtype=pl.Int8).replace(0, None)
    over, multiples = _over(found, names, shape)
    return pl.DataFrame(
        {
            "class": _words(number, lambda found: CLASSES[found - 1]),
            "class_number": number,
            "class_best": pl.Series(best, dtype=pl.Int8).replace(0, None),
            "class_worst": pl.Series(worst, dtype=pl.Int8).replace(0, None),
            "worst": named(deciding, names),
            "over": over,
            "multiples": multiples,
            "grade": _words(number, law.grade),
            "assessed": pl.Series(np.bitwise_count(present), dtype=pl.Int8),
            "not_assessed": named(~present & ((1 << len(names)) - 1), names),
            "status": _status(present, law),
        }
    )


class _Found:
    """Class numbers of one item: 0 where it is missing, `best` and `worst` differ where only bounds are known."""

    def __init__(self, samples: pl.DataFrame, item: str, row: Row) -> None:
        self.row = row
        self.values = samples[item].to_numpy() if samples[item].null_count() == 0 else _nan(samples[item])
        self.worst = item_classes(self.values, row)
        self.best = self.worst
        if f"{item}{LOW}" in samples.columns:
            low = item_classes(_nan(samples[f"{item}{LOW}"]), row)
            self.best, self.worst = np.minimum(low, self.worst), np.maximum(low, self.worst)


def _nan(column: pl.Series) -> Float:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def item_classes(values: Float, row: Row) -> Byte:
    """Return the class number of each value of one item, 0 where it is NaN.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        In the unit of the row.
    row : Row
        Of the table ``classes``.
    """
    number = (~np.isnan(values)).astype(np.uint8)
    if row["kind"] == "range":
        for low, high in row["classes"]:
            number += (values < float(low)) | (values > float(high))
        return number
    for limit in row["classes"]:
        number += (values > float(limit)) if row["kind"] == "max" else (values < float(limit))
    return number


def whole(values: Float) -> Int:
    """Return values as whole numbers of 1e-9; what was read from text with at most nine decimals stays exact."""
    return np.rint(values * NANO).astype(np.int64)


def hundredths_over(values: Float, limit: float) -> Int:
    """Return by how many hundredths of a limit values lie beyond it, half to even: 100 (C - S) / S, exact."""
    base = int(whole(np.array([limit]))[0])
    quotient, rest = np.divmod((whole(values) - base) * 100, base)
    up = (2 * rest > base) | ((2 * rest == base) & (quotient % 2 == 1))
    return np.asarray(quotient + up, dtype=np.int64)


def _over(found: Mapping[str, _Found], names: Sequence[str], shape: int) -> tuple[pl.Series, pl.Series]:
    """Items beyond class III of each sample, the worst first, and their multiples; both joined by semicolons."""
    rows, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for place, item in enumerate(names):
        if (one := found.get(item)) is None:
            continue
        at = np.nonzero(one.best > 3)[0]
        times = np.zeros(at.size, np.int64)
        if one.row["kind"] == "max":
            times = hundredths_over(one.values[at], float(one.row["classes"][2]))
        # one whole number orders the items of a sample: class, multiple, place in the table
        keys.append(((WORST - one.best[at].astype(np.int64)) << 55) + ((_MOST - times) << 5) + place)
        rows.append(at)
    at, key = np.concatenate(rows), np.concatenate(keys)
    order = np.lexsort((key, at))
    at, key = at[order], key[order]
    which, times = key & 31, _MOST - ((key >> 5) & _MOST)
    counted = np.array([name in found and found[name].row["kind"] == "max" for name in names])[which]
    words = pl.Series(names, dtype=pl.String).gather(which)
    # a division by 100 in doubles would print 0.8300000000000001
    hundredths = pl.Series("x", times)
    digits = pl.select(
        pl.format("{}.{}", hundredths // 100, (hundredths % 100).cast(pl.String).str.zfill(2))
    ).to_series()
    return _joined(at, words, shape), _joined(at, digits.set(pl.Series(~counted), ""), shape)


def _joined(at: Int, words: pl.Series, shape: int) -> pl.Series:
    """Join the words of each sample by semicolons; `at` ascends. A group-by takes ten times as long."""
    first = np.r_[True, at[1:] != at[:-1]] if at.size else np.zeros(0, bool)
    rank = np.arange(at.size) - np.maximum.accumulate(np.where(first, np.arange(at.size), 0))
    joined = (
        pl.Series([""], dtype=pl.String).gather(np.zeros(shape, np.int64)) if shape else pl.Series([], dtype=pl.String)
    )
    for turn in range(int(rank.max(initial=-1)) + 1):
        mine = np.nonzero(rank == turn)[0]
        part = words.gather(mine)
        joined = joined.scatter(at[mine], part if turn == 0 else joined.gather(at[mine]) + ";" + part)
    return joined


def named(bits: Int, names: Sequence[str]) -> pl.Series:
    """Return the names whose bits are set, joined by semicolons: ``nh3n;tp``."""
    series = pl.Series(bits, dtype=pl.Int64)
    if series.is_empty():
        return series.cast(pl.String)
    kinds = series.unique()
    words = [";".join(name for place, name in enumerate(names) if kind >> place & 1) for kind in kinds]
    return series.replace_strict(kinds, words, return_dtype=pl.String)


def _words(number: pl.Series, word: Callable[[int], str]) -> pl.Series:
    kinds = number.unique().drop_nulls().to_list()
    words = [word(kind) or None for kind in kinds]
    return number.replace_strict(kinds, words, default=None, return_dtype=pl.String)


def _status(present: Int, law: WaterLaw) -> pl.Series:
    """Least sure of the rule and of the items that were assessed."""
    level = np.full(present.shape, _SURE.index(law.status), np.int8)
    for place, row in enumerate(law.items.values()):
        if least_sure(law.status, row.status) != law.status:
            level = np.maximum(level, np.where(present >> place & 1, _SURE.index(row.status), 0)).astype(np.int8)
    return pl.Series(level).replace_strict(list(range(len(_SURE))), list(_SURE), return_dtype=pl.String)
