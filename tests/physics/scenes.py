"""Winds and sources that the physics tests share."""

import numpy as np

from bihuan.core import Place, Plane, Ref, Source, Weather

PLANE = Plane(Place(113.6, 34.75))


def steady(
    periods: int, speed: float = 4.0, wind_from: float = 270.0, stability: int = 3, lid: float = 1000.0
) -> Weather:
    start = np.datetime64("2026-01-01T00:00", "us") + np.arange(periods) * np.timedelta64(5, "m")
    full = np.ones(periods)
    return Weather(
        start,
        start + np.timedelta64(5, "m"),
        speed * full,
        wind_from * full,
        np.full(periods, stability),
        290.0 * full,
        lid * full,
    )


def stack(east: float = 0.0, north: float = 0.0, *, height: float = 40.0, hot: bool = False) -> Source:
    jet = {"diameter": 1.5, "exit_velocity": 12.0, "exit_temperature": 420.0} if hot else {}
    return Source(
        Ref("outlet", f"{east:.0f},{north:.0f}"), "stack", PLANE.place(east, north), "stack", height=height, **jet
    )


def patch(side: float, east: float = 0.0, north: float = 0.0, *, height: float = 3.0) -> Source:
    ref = Ref("site", f"{east:.0f},{north:.0f}")
    return Source(ref, "patch", PLANE.place(east, north), "area", height=height, side=side)
