"""What every bulk assessment returns: judged rows, the rows that could not be judged, and why a verdict says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from bihuan.core import InputError, Message, Status

REFUSED_SCHEMA = pl.Schema({"row": pl.Int64, "column": pl.String, "value": pl.String, "reason": pl.String})
"""``row`` counts the data rows of the table from 1; ``reason`` is a key of ``texts`` under ``refused``."""


LAW_COLUMNS: dict[str, pl.DataType] = {
    name: pl.String() for name in ("edition", "clause", "status", "method", "reason", "law_row")
}
"""With which the verdicts of one row of a table against one row of law end."""


def hold_row(row: Mapping[str, Any], needed: Iterable[str], medium: str) -> None:
    """Hold that a row given to ``explain_<medium>`` is a verdict of ``judge_<medium>``.

    Raises
    ------
    InputError
        If a column is absent.
    """
    missing = [name for name in needed if name not in row]
    if missing:
        raise InputError(
            f"no verdict of {medium}: {', '.join(missing)} is absent; give a row that judge_{medium} has made"
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """One table, judged.

    Attributes
    ----------
    verdicts : DataFrame
        One row a verdict; every medium has ``edition clause status method reason`` (the rule it was judged by, how
        sure its text is, how it was computed, and why a value is missing or limited) and ``row``, the data row of
        the table it came from, or the first of several.
    refused : DataFrame
        Rows of `REFUSED_SCHEMA`: what could not be judged, beside the rows that could.
    """

    verdicts: pl.DataFrame
    refused: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REFUSED_SCHEMA))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one verdict says what it says, ready to be shown on one click.

    Attributes
    ----------
    value, limit, unit : str
        As they were compared, after rounding; empty where there is none.
    edition, clause : str
        ``GB 3838-2002`` and the place in it.
    status : Status
        Of the least sure row used; all but ``confirmed`` print 待核.
    steps : tuple of Message
        Inputs, rounding, formula, comparison, in the order they were done.
    sentence : Message
        What a bureau would write of it.
    fields : mapping
        Further figures of the verdict, by name.
    """

    value: str
    limit: str
    unit: str
    edition: str
    clause: str
    status: Status
    steps: tuple[Message, ...]
    sentence: Message
    fields: Mapping[str, Any] = field(default_factory=dict)
