"""Hours of wind and of one pollutant, and what cannot be concluded from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]
Instants = NDArray[np.datetime64]

NORTH = 360.0
"""Wind from the north is 360 and never 0, as in the field: 0 would open a sector of its own."""

FEW_HOURS = 168
"""Below a week of hours a rose or a surface shows the weather of a few days, not where sources lie. [hours]"""

FEW_DAYS = 14
"""Below two weeks no weekday has been seen twice. [days]"""

HOLES = 0.25
"""Share of hours missing between the first and the last from which on a result is of what was measured only."""

MOSTLY_CALM = 0.5
"""Share of calm hours from which on a direction says little about most of the time."""

STILL = 0.5
"""Wind below it is calm to whoever asks whether there was wind at all. [m/s]"""

Doubting = Literal["blocks", "caution"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something cannot be concluded, or only with care.

    Attributes
    ----------
    code : str
        ``no_hours no_wind no_values all_calm one_value flat few_hours few_days gaps mostly_calm one_direction``.
    weight : str
        ``blocks``: no picture can be concluded from; ``caution``: only with care.
    figures : mapping of str to number
        What the sentence names.
    """

    code: str
    weight: Doubting
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindHours:
    """Hours at one site.

    Attributes
    ----------
    start : array of datetime64[us], (n,)
        UTC, ascending.
    wind_speed : array, (n,)
        NaN where missing. [m/s]
    wind_from : array, (n,)
        In (0, 360], the direction it blows from; NaN where missing. [deg]
    value : array, (n,)
        Of the pollutant; NaN where missing. [its unit]
    """

    start: Instants
    wind_speed: Float
    wind_from: Float
    value: Float

    @classmethod
    def of(cls, start: ArrayLike, wind_speed: ArrayLike, wind_from: ArrayLike, value: ArrayLike) -> WindHours:
        """Put hours in order of time and what is no wind to NaN.

        Parameters
        ----------
        start : array-like of instants
            UTC.
        wind_speed, wind_from, value : array-like of float
            None or NaN is missing. A negative speed and a direction outside 0..360 are no measurements.

        Raises
        ------
        InputError
            If the columns differ in length or an hour stands twice.
        """
        times = np.asarray(start, dtype="datetime64[us]")
        columns = [np.asarray(one, dtype=np.float64) for one in (wind_speed, wind_from, value)]
        if any(column.shape != times.shape for column in columns):
            raise InputError(
                f"columns of hours differ in length: {[len(one) for one in (times, *columns)]}; give one value an hour"
            )
        order = np.argsort(times, kind="stable")
        times = times[order]
        twice = np.flatnonzero(times[1:] == times[:-1])
        if len(twice):
            raise InputError(f"hour {times[twice[0]]} stands twice: give each hour once, of one site")
        speed, turn, amount = (np.where(np.isfinite(column), column, np.nan)[order] for column in columns)
        with np.errstate(invalid="ignore"):
            speed = np.where(speed >= 0, speed, np.nan)
            turn = np.where((turn >= 0) & (turn <= NORTH), turn, np.nan)
            turn = np.where(turn == 0, NORTH, turn)
        return cls(times, speed, turn, amount)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame, value: str) -> WindHours:
        """Take hours from a table with columns ``start wind_speed wind_from`` and one of the pollutant.

        Raises
        ------
        InputError
            If a column is missing or an hour stands twice.
        """
        names = ("start", "wind_speed", "wind_from", value)
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise InputError(f"columns {', '.join(missing)} are missing; there are: {', '.join(frame.columns)}")
        start = frame["start"].dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        columns = [frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in names[1:]]
        return cls.of(start.to_numpy(), *columns)

    def __len__(self) -> int:
        return len(self.start)

    @property
    def complete(self) -> Flags:
        """Hours with wind, direction and value."""
        whole: Flags = np.isfinite(self.wind_speed) & np.isfinite(self.wind_from) & np.isfinite(self.value)
        return whole

    def only(self, mask: Flags) -> WindHours:
        """Return some of the hours."""
        return WindHours(self.start[mask], self.wind_speed[mask], self.wind_from[mask], self.value[mask])

    def between(self, low: Any, high: Any) -> WindHours:
        """Return the hours that start from `low` on and before `high`."""
        return self.only((self.start >= np.datetime64(low)) & (self.start < np.datetime64(high)))


def sector_of(wind_from: Float, width: float) -> Whole:
    """Return the sector of each direction, 1 for the one around `width` degrees, the last around north.

    A sector reaches from half a width before its middle, which is not in it, to half a width after, which is.
    """
    count = round(360 / width)
    number = np.ceil(wind_from / width - 0.5).astype(np.int64)
    return np.where(number <= 0, count, number)


def doubts(hours: WindHours, wind: bool = True, few_hours: int = FEW_HOURS, few_days: int = 0) -> tuple[Doubt, ...]:
    """Return why nothing, or little, can be concluded from hours.

    Parameters
    ----------
    hours : WindHours
    wind : bool
        Whether what is to be made needs wind.
    few_hours, few_days : int
        Fewer usable ones are too few for the kind of picture; 0 when it does not matter.

    Returns
    -------
    tuple of Doubt
        Those that block first.
    """
    if not len(hours):
        return (Doubt("no_hours", "blocks"),)
    found = [*_of_wind(hours)] if wind else []
    usable = hours.complete if wind else np.isfinite(hours.value)
    values = hours.value[usable]
    if not np.isfinite(hours.value).any():
        found.append(Doubt("no_values", "blocks"))
    elif len(values) == 1:
        found.append(Doubt("one_value", "blocks"))
    elif len(values) and np.ptp(values) == 0:
        found.append(Doubt("flat", "blocks", {"value": float(values[0])}))
    if len(values) > 1:
        found += _of_number(hours, usable, few_hours, few_days)
    return tuple(sorted(found, key=lambda one: one.weight != "blocks"))


def blocked(found: tuple[Doubt, ...]) -> bool:
    """Say whether nothing can be concluded."""
    return any(one.weight == "blocks" for one in found)


def _of_wind(hours: WindHours) -> list[Doubt]:
    known = np.isfinite(hours.wind_speed)
    if not known.any() or not np.isfinite(hours.wind_from).any():
        return [Doubt("no_wind", "blocks")]
    calm = float((hours.wind_speed[known] < STILL).mean())
    if calm == 1.0:
        return [Doubt("all_calm", "blocks")]
    found = [Doubt("mostly_calm", "caution", {"share": round(100 * calm)})] if calm >= MOSTLY_CALM else []
    moving = known & (hours.wind_speed >= STILL) & np.isfinite(hours.wind_from)
    if moving.any() and len(np.unique(sector_of(hours.wind_from[moving], 30.0))) == 1:
        found.append(Doubt("one_direction", "caution"))
    return found


def _of_number(hours: WindHours, usable: Flags, few_hours: int, few_days: int) -> list[Doubt]:
    count, start = int(usable.sum()), hours.start[usable]
    days = len(np.unique(start.astype("datetime64[D]")))
    found = []
    if count < few_hours:
        found.append(Doubt("few_hours", "caution", {"count": count, "need": few_hours}))
    if days < few_days:
        found.append(Doubt("few_days", "caution", {"count": days, "need": few_days}))
    span = int((start[-1] - start[0]) / np.timedelta64(1, "h")) + 1
    if 1 - count / span >= HOLES:
        found.append(Doubt("gaps", "caution", {"share": round(100 * (1 - count / span))}))
    return found
