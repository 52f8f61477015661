"""Samples of soil made up for tests, and how their verdicts are read."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from bihuan.assessment import Judged

ON = date(2026, 3, 1)
ROTATION = frozenset({"gb_15618_2018#rotation"})


def sample(**given: Any) -> pl.DataFrame:
    row = {"site": "A", "date": "2026-03-01", "land use": "class 1"} | given
    return pl.DataFrame({name: [value] for name, value in row.items()})


def items(found: Judged) -> pl.DataFrame:
    return found.verdicts.filter(subject="item")


def only(found: Judged) -> dict[str, Any]:
    assert not found.refused.height, found.refused
    return items(found).row(0, named=True)


def site(found: Judged) -> dict[str, Any]:
    return found.verdicts.filter(subject="site").row(0, named=True)


def reasons(found: Judged) -> list[tuple[int, str, str, str]]:
    return found.refused.rows()
