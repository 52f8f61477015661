"""Readings of many frames on their way into one table, column by column where frames look alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl

from bihuan.core import KEY_COLUMNS, READINGS_SCHEMA, Reading, readings_table
from bihuan.devices.hj212 import Layout, Report

_NAMES = READINGS_SCHEMA.names
_INSTANT = pl.Datetime("us", "UTC")
_CONSTANT = {"quality": "good", "reason": "", "level": "realtime"}


class _Row(NamedTuple):
    report: Report
    frame: str
    turn: int


class Columns:
    """What the frames of one step say, in the order of the frames.

    Attributes
    ----------
    frames : int
        Taken so far; of two readings with one key that of the later frame counts.
    """

    def __init__(self) -> None:
        self.frames = 0
        self._alike: dict[int, tuple[Layout, list[_Row]]] = {}
        self._single: list[Reading] = []
        self._turns: list[int] = []

    def add(self, report: Report, frame: str) -> None:
        """Take a frame of a known layout."""
        self.frames += 1
        layout = report.layout
        self._alike.setdefault(id(layout), (layout, []))[1].append(_Row(report, frame, self.frames))

    def extend(self, readings: Iterable[Reading]) -> None:
        """Take the readings of a frame that was read in full."""
        self.frames += 1
        before = len(self._single)
        self._single.extend(readings)
        self._turns += [self.frames] * (len(self._single) - before)

    def table(self) -> pl.DataFrame:
        """Return one row a key, the last that came, in an order that does not depend on arrival."""
        single = pl.DataFrame(pl.from_arrow(readings_table(self._single)))
        parts = [single.with_columns(turn=pl.Series(self._turns, dtype=pl.Int64))]
        parts += [_together(layout, rows) for layout, rows in self._alike.values()]
        keys = list(KEY_COLUMNS)
        rows = pl.concat(parts).sort(*keys, "turn", maintain_order=True)
        replaced = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in keys).fill_null(False)
        return rows.filter(~replaced).drop("turn")


def _together(layout: Layout, rows: list[_Row]) -> pl.DataFrame:
    """Return the readings of frames that look alike."""
    reports = [row.report for row in rows]
    frames = pl.DataFrame(
        {
            "device": [report.device for report in reports],
            "interval": [report.interval for report in reports],
            "start": pl.Series([report.start for report in reports], dtype=pl.Int64).cast(_INSTANT),
            "end": pl.Series([report.end for report in reports], dtype=pl.Int64).cast(_INSTANT),
            "origin": [report.origin for report in reports],
            "frame": [row.frame for row in rows],
            "turn": pl.Series([row.turn for row in rows], dtype=pl.Int64),
        }
    )
    figures = pl.DataFrame({"pollutant": layout.pollutants, "stat": layout.stats, "mark": layout.marks})
    wide = len(layout.pollutants)
    value = np.array([report.values for report in reports], dtype=np.float64).reshape(-1)
    long = frames[np.repeat(np.arange(len(rows)), wide)].hstack(figures[np.tile(np.arange(wide), len(rows))])
    return long.with_columns(
        pl.Series("value", value), *(pl.lit(text).alias(name) for name, text in _CONSTANT.items())
    ).select(*_NAMES, "turn")
