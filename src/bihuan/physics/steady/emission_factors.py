"""Emission that follows the clock or the wind: factors by season, month, day of the week, hour, wind class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError

Float = NDArray[np.float64]
Int = NDArray[np.int64]

Axis = Literal["hour", "month", "season", "weekday", "day_type", "wind"]

SIZES: dict[Axis, int] = {"hour": 24, "month": 12, "season": 4, "weekday": 7, "day_type": 3, "wind": 6}
"""Season: winter (December to February), spring, summer, autumn. Weekday: Monday first. Day type: Monday to Friday,
Saturday, Sunday. Wind: classes of the speed. (EPA-454/B-24-007, section 3.3.11)"""

WIND_CLASSES = (1.54, 3.09, 5.14, 8.23, 10.8)
"""Upper limits of the five lower classes. [m/s]"""


def emission_factors(
    axes: Sequence[Axis], values: Sequence[float], start: NDArray[np.datetime64], *, wind_speed: Float | None = None,
    wind_classes: Sequence[float] = WIND_CLASSES,
) -> Float:  # fmt: skip
    """Return the factor of every hour.

    Parameters
    ----------
    axes : sequence of str
        What the factors follow, the slowest first: ``("season", "hour")``.
    values : sequence of float
        As many as the axes have combinations.
    start : ndarray of datetime64[h], shape (hours,)
        Begin of each hour, local standard time.
    wind_speed : ndarray, shape (hours,), optional
        Needed where they follow the wind. [m/s]
    wind_classes : sequence of float
        [m/s]

    Returns
    -------
    ndarray, shape (hours,)

    Raises
    ------
    InputError
        If the number of factors is not that of the axes, one is below 0, or the wind is missing.
    """
    count = int(np.prod([SIZES[axis] for axis in axes]))
    table = np.asarray(values, dtype=np.float64)
    if len(table) != count:
        raise InputError(f"{len(table)} emission factors by {' and '.join(axes)}: there must be {count}")
    if not (table >= 0.0).all():
        raise InputError(f"emission factors by {' and '.join(axes)}: none may be below 0 or missing")
    if "wind" in axes and wind_speed is None:
        raise InputError("emission factors by wind need the wind speed of every hour")
    place = np.zeros(len(start), dtype=np.int64)
    for axis in axes:
        place = place * SIZES[axis] + _places(axis, start, wind_speed, wind_classes)
    return table[place]


def _places(axis: Axis, start: NDArray[np.datetime64], wind_speed: Float | None, wind_classes: Sequence[float]) -> Int:
    if axis == "hour":
        found = (start - start.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    elif axis == "wind":
        speed = np.zeros(len(start)) if wind_speed is None else np.nan_to_num(wind_speed)
        found = np.searchsorted(np.asarray(wind_classes, dtype=np.float64), speed, side="left")
    elif axis in ("month", "season"):
        month = start.astype("datetime64[M]").astype(np.int64) % 12
        found = month if axis == "month" else (month + 1) % 12 // 3
    else:
        weekday = (start.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        found = weekday if axis == "weekday" else np.maximum(weekday - 4, 0)
    return np.asarray(found, dtype=np.int64)
