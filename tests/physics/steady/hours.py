"""Hours of boundary layer made up for tests: one stable, one convective, or many drawn at random."""

from __future__ import annotations

import numpy as np

from bihuan.core import ProfileHours, SurfaceHours
from bihuan.physics import BoundaryLayer

START = np.datetime64("2026-01-01T00", "h")


def layer(**given: object) -> BoundaryLayer:
    """Return one or more hours; what is left out is a convective noon of 3 m/s from the west.

    Every value may be a number or a list of one an hour.
    """
    values: dict[str, object] = {
        "heat_flux": 150.0, "friction_velocity": 0.35, "convective_velocity": 1.6, "gradient_above": 0.01,
        "convective_height": 1000.0, "mechanical_height": 480.0, "obukhov_length": -30.0, "roughness": 0.3,
        "bowen_ratio": 1.0, "albedo": 0.2, "wind_speed": 3.0, "wind_from": 270.0, "wind_height": 10.0,
        "temperature": 293.0, "temperature_height": 2.0, "precipitation": 0.0, "humidity": 50.0, "pressure": 1000.0,
        "cloud_cover": 3.0,
    } | given  # fmt: skip
    count = max(len(np.atleast_1d(np.asarray(value))) for value in values.values())
    columns = {name: np.broadcast_to(np.asarray(value, float), count).copy() for name, value in values.items()}
    surface = SurfaceHours(
        start=START + np.arange(count), precipitation_code=np.zeros(count, dtype=np.int64), **columns
    )
    nothing = np.full(count, np.nan)
    mast = ProfileHours(
        first=np.arange(count + 1), height=columns["wind_height"], wind_from=columns["wind_from"],
        wind_speed=columns["wind_speed"], temperature=nothing, sigma_theta=nothing, sigma_w=nothing,
    )  # fmt: skip
    return BoundaryLayer(surface, mast)


STABLE = {
    "heat_flux": -15.0, "friction_velocity": 0.15, "convective_velocity": np.nan, "gradient_above": np.nan,
    "convective_height": np.nan, "mechanical_height": 130.0, "obukhov_length": 25.0, "wind_speed": 2.0,
}  # fmt: skip
"""A clear night."""
