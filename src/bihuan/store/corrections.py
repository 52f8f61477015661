"""What a person corrected: rows of their own with reason and author, laid over the series when they are read.

The series themselves never change by it. Whether corrected or plain values are used is the reader's choice: the
official values in 排名 and 考核 are the plain ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from bihuan.core import InputError, Period, Stat, content_id, from_json, iso, to_json
from bihuan.store.records import Records, Row
from bihuan.store.tables import TABLES, TableName

Action = Literal["exclude", "replace"]
"""``exclude`` marks values bad, ``replace`` puts another value in their place."""

CORRECTED = "corrected"
"""Reason that a corrected row shows; its words stand in ``texts`` under ``[reason]``."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction of one series over a period.

    Attributes
    ----------
    id : str
        From content; use `Correction.of`.
    table : str
        ``readings``, ``hours`` or ``days``.
    owner : str
        Device of readings, site of hours and days.
    pollutant : str
    stat : Stat
    period : Period
    action : Action
    value : float or None
        New value of ``replace``.
    author, reason : str
    at : datetime
        When it was made, UTC; of two over the same value the later one holds.
    """

    id: str
    table: TableName
    owner: str
    pollutant: str
    stat: Stat
    period: Period
    action: Action
    value: float | None
    author: str
    reason: str
    at: datetime

    @classmethod
    def of(
        cls,
        table: TableName,
        owner: str,
        pollutant: str,
        period: Period,
        action: Action,
        *,
        author: str,
        reason: str,
        at: datetime,
        value: float | None = None,
        stat: Stat = "avg",
    ) -> Correction:
        """Make a correction with its id.

        Raises
        ------
        InputError
            If author or reason is empty, or a replacement has no value.
        """
        if not author.strip() or not reason.strip():
            raise InputError(f"a correction of {owner} {pollutant} needs an author and a reason")
        if (value is None) == (action == "replace"):
            raise InputError(f"a correction of {owner} {pollutant} that is to {action} has value {value}: "
                             "replace takes one, exclude takes none")  # fmt: skip
        ident = content_id(table, owner, pollutant, stat, period, action, value, author, reason, iso(at))
        return cls(ident, table, owner, pollutant, stat, period, action, value, author, reason, at)


def save_corrections(records: Records, corrections: Iterable[Correction]) -> None:
    """Keep corrections for good."""
    records.save(
        "correction",
        [Row(c.id, to_json(c), c.owner, state=c.table, start=c.period.start, end=c.period.end) for c in corrections],
    )


def load_corrections(records: Records, table: TableName, period: Period | None = None) -> list[Correction]:
    """Return the corrections of a table that touch a period, oldest first."""
    rows = records.find("correction", state=table, until=period.end if period else None)
    found = [from_json(row.body, Correction) for row in rows]
    if period is not None:
        found = [correction for correction in found if correction.period.overlaps(period)]
    return sorted(found, key=lambda correction: (correction.at, correction.id))


def apply_corrections(rows: pl.DataFrame, table: TableName, corrections: Iterable[Correction]) -> pl.DataFrame:
    """Return rows of a table with corrections laid over them, and their ids in a new column ``correction``.

    Parameters
    ----------
    rows : DataFrame
        As `SeriesStore` hands them out.
    corrections : iterable of Correction
        Oldest first: a later one covers an earlier one.
    """
    owner = TABLES[table].key[0]
    frame = rows.with_columns(pl.lit("").alias("correction"))
    for made in corrections:
        hit = (
            (pl.col(owner) == made.owner)
            & (pl.col("pollutant") == made.pollutant)
            & (pl.col("stat") == made.stat)
            & (pl.col("start") >= made.period.start)
            & (pl.col("start") < made.period.end)
        )
        changes = {
            "quality": pl.lit("bad" if made.action == "exclude" else "good"),
            "reason": pl.lit(CORRECTED),
            "correction": pl.lit(made.id),
        }
        if made.action == "replace":
            changes["value"] = pl.lit(made.value)
        if "origin" in frame.columns:
            changes["origin"] = pl.lit("manual")
        frame = frame.with_columns(
            pl.when(hit).then(new).otherwise(pl.col(name)).alias(name) for name, new in changes.items()
        )
    return frame
