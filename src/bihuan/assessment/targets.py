"""What is left to do for a target: 剩余日控制值, said plainly when it is out of reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bihuan.assessment.means import MILLIONTHS, concentration, whole
from bihuan.core import CHINA, InputError, exact


@dataclass(frozen=True, slots=True)
class RemainingControl:
    """What the days left of a period may average so that its mean meets a target (剩余日控制值).

    Attributes
    ----------
    site, item : str
    target : float
        Mean to reach. [ug/m3, CO mg/m3]
    so_far : float or None
        Mean of the days with a value.
    days, days_left : int
        Days with a value so far, and days to come.
    value : float or None
        What the days left may average; None where no day is left.
    reached_share : float or None
        Share of the days so far that were not above `value`: how usual such days have been.
    outcome : {"attainable", "unattainable", "met", "missed"}
        ``unattainable`` when even clean air on every day left would miss the target.
    """

    site: str
    item: str
    target: float
    so_far: float | None
    days: int
    days_left: int
    value: float | None
    reached_share: float | None
    outcome: Literal["attainable", "unattainable", "met", "missed"]


def remaining_control_value(
    days: pl.DataFrame,
    item: str,
    target: float,
    *,
    first: date,
    last: date,
    through: date,
    zone: ZoneInfo = CHINA,
) -> tuple[RemainingControl, ...]:
    """Return for each site what the days after `through` may average until `last`.

    Parameters
    ----------
    days : DataFrame
        Concentrations of days.
    item : str
    target : float
        Mean of `first` .. `last` to reach, compared without rounding (the stricter reading).
    first, last : date
        The period, both days included.
    through : date
        Last day that has been measured.
    zone : ZoneInfo

    Notes
    -----
    Days without a value count neither so far nor later: (target * (n + left) - sum) / left.
    """
    if not first <= through <= last:
        raise InputError(f"through {through} lies outside the period {first} .. {last}; give a day of the period")
    day = pl.col("start").dt.convert_time_zone(zone.key).dt.date()
    inside = days.filter(day.is_between(first, through)).sort("site")
    left = (last - through).days
    found = []
    for (site,), part in inside.group_by(["site"], maintain_order=True):
        values, present = whole(concentration(part, item))
        found.append(_remaining(str(site), item, target, values[present], left))
    return tuple(found)


def _remaining(site: str, item: str, target: float, values: NDArray[np.int64], left: int) -> RemainingControl:
    count, total = len(values), Fraction(int(values.sum()), MILLIONTHS)
    goal = Fraction(exact(target))
    so_far = float(total / count) if count else None
    if not left:
        outcome: Literal["met", "missed"] = "met" if count and total <= goal * count else "missed"
        return RemainingControl(site, item, target, so_far, count, 0, None, None, outcome)
    value = (goal * (count + left) - total) / left
    usual = float((values <= float(value) * MILLIONTHS).mean()) if count else None
    reach: Literal["attainable", "unattainable"] = "attainable" if value >= 0 else "unattainable"
    return RemainingControl(site, item, target, so_far, count, left, float(value), usual, reach)
