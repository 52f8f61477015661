"""A minimal verdict on an outlet: the mean, folded to reference oxygen, against its permit limit.

What comes out is 疑似超标 at most. Whether it is unlawful is for people to find.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.index import least_sure
from bihuan.assessment.verdicts import reading_ref
from bihuan.core import (
    BASES,
    CHINA,
    InputError,
    Level,
    Period,
    Ref,
    Verdict,
    content_id,
    exact,
    local_date,
    pollutant,
)
from bihuan.register import Outlet, PermitLimit
from bihuan.standards import Standard, lookup

METHOD = "outlet_limit/1"
CODE = "HJ 76"
Averaging = Literal["hour", "day"]

_Cell = Mapping[str, Any]
_Cells = dict[tuple[str, str], _Cell]


def fold_to_reference(
    values: NDArray[np.float64], o2: NDArray[np.float64], reference: float, *, air: float = 21.0
) -> NDArray[np.float64]:
    """Return concentrations at reference oxygen: C (21 - reference) / (21 - O2), HJ 76 annex B.

    Parameters
    ----------
    values : ndarray of float64
        Measured, dry standard state. [mg/m3]
    o2 : ndarray of float64
        Measured oxygen. [%]
    reference : float
        Oxygen of the permit. [%]
    air : float
        Oxygen at which folding ends. [%]

    Returns
    -------
    ndarray of float64
        NaN where O2 is missing, negative or not below `air`: such an hour is stopped or starting, never huge.

    Raises
    ------
    InputError
        If the reference is not between 0 and `air`.
    """
    if not 0 <= reference < air:
        raise InputError(f"reference oxygen {reference} % cannot be: it is 0 or more and below {air} %")
    foldable = np.isfinite(o2) & (o2 >= 0) & (o2 < air)
    folded = np.full(np.broadcast(values, o2).shape, np.nan)
    np.divide(values * (air - reference), air - o2, out=folded, where=foldable)
    return folded


def outlet_verdicts(
    outlet: Outlet,
    rows: pl.DataFrame,
    *,
    averaging: Averaging = "hour",
    zone: ZoneInfo = CHINA,
    allow: frozenset[str] = frozenset(),
) -> tuple[Verdict, ...]:
    """Judge the hours of a stack, or the days of a waste-water outlet, by the limits of its permit.

    Parameters
    ----------
    outlet : Outlet
    rows : DataFrame
        Roll-ups (`bihuan.core.ROLLUP_SCHEMA`) of any sites; those of the outlet are taken.
    averaging : {"hour", "day"}
        Which limits of the permit are judged.
    zone : ZoneInfo
        Local time that tells on which day, and so under which rules, a period falls.
    allow : frozenset of str
        Rows of law that the city has switched on.

    Returns
    -------
    tuple of Verdict
        One for each period and limit, by time then pollutant. Labels: ``suspected_over`` (疑似超标), ``within``,
        ``not_evidence`` (a mark or a bad flag speaks against the value), ``no_value``. `items` hold the value as
        judged, the oxygen it was folded with, and the limit under the name ``limit``.
    """
    site = Ref("outlet", outlet.id)
    limits = [limit for limit in outlet.limits if limit.averaging == averaging]
    return tuple(
        outlet_verdict(outlet, limit, Period(start, end), cells, zone=zone, allow=allow)
        for start, end, cells in _periods(rows.filter(pl.col("site") == str(site)))
        for limit in sorted(limits, key=lambda one: one.pollutant)
        if any(item == limit.pollutant for item, _ in cells)
    )


def _periods(rows: pl.DataFrame) -> Iterator[tuple[datetime, datetime, _Cells]]:
    """Cells of each period by pollutant and statistic, the basis of record first."""
    rank = {basis: place for place, basis in enumerate(BASES)}
    # a dozen rows an outlet and hour: a table takes longer to be asked than the rows to be sorted
    ordered = sorted(rows.iter_rows(named=True), key=lambda row: (row["start"], rank.get(row["basis"], len(BASES))))
    for start, part in groupby(ordered, key=itemgetter("start")):
        cells: _Cells = {}
        end = start
        for row in part:
            cells.setdefault((row["pollutant"], row["stat"]), row)
            end = max(end, row["end"])
        yield start, end, cells


def outlet_verdict(
    outlet: Outlet,
    limit: PermitLimit,
    period: Period,
    cells: _Cells,
    *,
    zone: ZoneInfo = CHINA,
    allow: frozenset[str] = frozenset(),
) -> Verdict:
    """Judge one period by one limit; `cells` are its roll-up rows by (pollutant, stat)."""
    law = lookup(CODE, on=local_date(period.start, zone), allow=allow)
    value, used, folded = _judged(outlet, limit, cells, law)
    label, reason = _outcome(value, limit, used, law)
    site = Ref("outlet", outlet.id)
    oxygen = tuple(("o2", cell["value"], None) for cell in used if cell["pollutant"] == "o2")
    rules = [law.row("exceedance", outlet.medium), *([law.row("folding", "o2")] if folded else [])]
    kind = f"outlet_{limit.averaging}"
    level: Level = used[0]["level"] if used else "realtime"
    return Verdict(
        id=content_id(kind, site, period, limit.pollutant, limit.limit, limit.basis, METHOD),
        kind=kind,
        subject=site,
        period=period,
        value=None if value is None else float(value),
        unit=pollutant(limit.pollutant).outlet_unit,
        label=label,
        standard=limit.basis or law.number,
        clause="; ".join(dict.fromkeys(f"{law.number} {rule.clause}" for rule in rules)),
        status=least_sure(*(rule.status for rule in rules)),
        items=((limit.pollutant, None if value is None else float(value), None), *oxygen, ("limit", limit.limit, None)),
        primary=(limit.pollutant,) if label == "suspected_over" else (),
        inputs=tuple(
            reading_ref(cell["site"], cell["pollutant"], cell["stat"], cell["basis"], cell["start"]) for cell in used
        ),
        method=METHOD,
        level=level,
        reason=reason,
    )


def _judged(
    outlet: Outlet, limit: PermitLimit, cells: _Cells, law: Standard
) -> tuple[Fraction | None, list[_Cell], bool]:
    """The value that is judged, the cells it rests on, and whether it was folded by us."""
    measured = cells.get((limit.pollutant, "avg"))
    if outlet.o2_reference is None or outlet.medium != "air":
        return _number(measured), [measured] if measured else [], False
    oxygen, own = cells.get(("o2", "avg")), cells.get((limit.pollutant, "zs_avg"))
    if measured is None or oxygen is None or _number(oxygen) is None:
        # without oxygen only the value that the device folded itself is left
        return _number(own), [own] if own else [], False
    air, o2, concentration = Fraction(law.row("folding", "o2")["air"]), _number(oxygen), _number(measured)
    if concentration is None or o2 is None or not 0 <= o2 < air:
        return None, [measured, oxygen], True
    reference = Fraction(exact(outlet.o2_reference))
    return concentration * (air - reference) / (air - o2), [measured, oxygen], True


def _number(cell: _Cell | None) -> Fraction | None:
    if cell is None or cell["value"] is None or cell["quality"] == "missing" or not np.isfinite(cell["value"]):
        return None
    return Fraction(exact(float(cell["value"])))


def _outcome(value: Fraction | None, limit: PermitLimit, used: list[_Cell], law: Standard) -> tuple[str, str]:
    if value is None:
        return "no_value", "cannot_be_folded" if len(used) == 2 else "no_items"
    evidence = {row.item for row in law.table("marks") if row["evidence"]}
    if any(mark not in evidence for cell in used for mark in cell["mark"].split(";") if mark):
        return "not_evidence", "marked_invalid"
    if any(cell["quality"] == "bad" for cell in used):
        return "not_evidence", "flagged_bad"
    return ("suspected_over" if value > Fraction(exact(limit.limit)) else "within"), ""
