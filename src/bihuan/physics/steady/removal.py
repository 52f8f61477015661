"""What leaves the air on the way: falling and sticking particles, gases that the ground takes, rain, decay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, SurfaceHours
from bihuan.physics.steady import deposition_kernels as d
from bihuan.physics.steady.land import LANDS, SEASONS, land_table
from bihuan.physics.steady.removal_kernels import RemovalTables

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FRACTIONS_OFF = 0.02
"""By which shares of mass may miss 1, as AERMOD allows before it refuses them."""


@dataclass(frozen=True, slots=True)
class Particles:
    """Particles by classes of size: method 1 (PARTDIAM, MASSFRAX, PARTDENS).

    Attributes
    ----------
    diameters : tuple of float
        [um]
    shares : tuple of float
        Of mass; they add up to 1.
    densities : tuple of float
        [g/cm3]
    """

    diameters: tuple[float, ...]
    shares: tuple[float, ...]
    densities: tuple[float, ...]

    def problem(self) -> str | None:
        """Return what is wrong, or nothing."""
        if not len(self.diameters) == len(self.shares) == len(self.densities) > 0:
            found = (len(self.diameters), len(self.shares), len(self.densities))
            return "{} diameters, {} shares of mass, {} densities: give as many of each, at least one".format(*found)
        for diameter, share, density in zip(self.diameters, self.shares, self.densities, strict=True):
            if not (diameter > 0.0 and density > 0.0 and 0.0 <= share <= 1.0):
                return f"class of {diameter} um, {density} g/cm3, share {share}: diameter and density must be above 0"
        if abs(sum(self.shares) - 1.0) > FRACTIONS_OFF:
            return f"shares of mass add up to {sum(self.shares):g}, not to 1"
        return None

    def rows(self) -> list[dict[int, float]]:
        """Columns of `deposition_kernels` for each class."""
        return [
            {d.KIND: d.CLASS, d.SHARE: share, d.DIAMETER: diameter * 1e-6, d.DENSITY: density * 1e6}
            for diameter, share, density in zip(self.diameters, self.shares, self.densities, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class FineAndCoarse:
    """Particles of which little is known: method 2 (METHOD_2).

    Attributes
    ----------
    fine : float
        Share of mass below 2.5 um.
    diameter : float
        Mean, by mass. [um]
    """

    fine: float
    diameter: float

    def problem(self) -> str | None:
        """Return what is wrong, or nothing."""
        if not 0.0 <= self.fine <= 1.0:
            return f"share {self.fine} of fine mass is not in 0-1"
        return None if self.diameter > 0.0 else f"mean diameter {self.diameter} um: it must be above 0"

    def rows(self) -> list[dict[int, float]]:
        """Columns of `deposition_kernels`; particles fall as spheres of water (as in the source)."""
        size = {d.DIAMETER: self.diameter * 1e-6, d.DENSITY: 1e6, d.FINE: self.fine}
        return [{d.KIND: d.FINE_AND_COARSE, d.SHARE: 1.0} | size]


@dataclass(frozen=True, slots=True)
class Gas:
    """A gas (GASDEPOS).

    Attributes
    ----------
    in_air, in_water : float
        Diffusivities. [m2/s]
    cuticle : float
        Resistance of single leaves to uptake by their wax. [s/m]
    henry : float
        [Pa m3/mol]
    reactive : float
        0-1: 1 for ozone, titanium tetrachloride and divalent mercury, 0.1 for NO2, else 0.
    """

    in_air: float
    in_water: float
    cuticle: float
    henry: float
    reactive: float = 0.0

    def problem(self) -> str | None:
        """Return what is wrong, or nothing."""
        if not min(self.in_air, self.in_water, self.cuticle, self.henry) > 0.0:
            return "diffusivities, cuticle resistance and Henry's constant must be above 0"
        return None if 0.0 <= self.reactive <= 1.0 else f"reactivity {self.reactive} is not in 0-1"

    def rows(self) -> list[dict[int, float]]:
        """Columns of `deposition_kernels`."""
        taken = {d.IN_AIR: self.in_air, d.IN_WATER: self.in_water, d.CUTICLE: self.cuticle, d.HENRY: self.henry}
        return [{d.KIND: d.GAS, d.SHARE: 1.0, d.REACTIVE: self.reactive} | taken]


@dataclass(frozen=True, slots=True)
class Removal:
    """What a source emits, and by which ways it leaves the air.

    Attributes
    ----------
    what : Particles, FineAndCoarse, Gas or None
        None only decays.
    decay : float
        [1/s]; ln 2 over the half-life
    dry, wet : bool
        Whether the ground and the rain take it.
    dry_spent, wet_spent : bool
        Whether what they take is missing from the plume farther on. Only to look at single effects, or to follow a
        deck of AERMOD that says NODRYDPLT or NOWETDPLT: mass is not kept without.
    """

    what: Particles | FineAndCoarse | Gas | None = None
    decay: float = 0.0
    dry: bool = True
    wet: bool = True
    dry_spent: bool = True
    wet_spent: bool = True


@dataclass(frozen=True, slots=True)
class Ground:
    """Where gases are taken up (GDSEASON, GDLANUSE).

    Attributes
    ----------
    seasons : tuple of int
        Of January to December: 1 midsummer, 2 autumn with unharvested crops, 3 late autumn after frost, 4 winter with
        snow, 5 transitional spring.
    lands : tuple of int
        Towards 10, 20 ... 360 degrees: 1 urban without vegetation, 2 agriculture, 3 range, 4 forest, 5 suburban with
        grass, 6 suburban with forest, 7 water, 8 barren, 9 wetland without forest.
    autumn, spring : float
        Share of the leaves that are there in seasons 2 and 5.
    """

    seasons: tuple[int, ...]
    lands: tuple[int, ...]
    autumn: float = 0.5
    spring: float = 0.25

    def __post_init__(self) -> None:
        if len(self.seasons) != 12 or not set(self.seasons) <= set(range(1, SEASONS + 1)):
            raise InputError(f"seasons {self.seasons}: give 12 months of 1-{SEASONS}")
        if len(self.lands) != 36 or not set(self.lands) <= set(range(1, LANDS + 1)):
            raise InputError(f"{len(self.lands)} land uses: give 36 sectors of 1-{LANDS}")
        if not (0.0 < self.autumn <= 1.0 and 0.0 < self.spring <= 1.0):
            raise InputError(f"leaves of autumn {self.autumn}, spring {self.spring}: shares above 0, up to 1")


Losses = Literal["integral", "aermod"]


def removal_tables(
    names: Sequence[str], removals: Sequence[Removal | None], surface: SurfaceHours, used: NDArray[np.bool_],
    ground: Ground | None, losses: Losses,
) -> RemovalTables:  # fmt: skip
    """Return what the compiled loops read, after looking at it.

    Raises
    ------
    InputError
        If a removal is not sound, or the meteorology lacks what it needs; the message names the source or the hour.
    """
    rows: list[dict[int, float]] = []
    first = [0]
    for name, removal in zip(names, removals, strict=True):
        rows += _rows(name, removal or Removal(), ground)
        first.append(len(rows))
    substances = np.zeros((len(rows), d.SUBSTANCE_COLUMNS))
    for place, row in enumerate(rows):
        for column, value in row.items():
            substances[place, column] = value
    _refuse_unknown(surface, used, [removal for removal in removals if removal is not None])
    table = land_table(ground.autumn, ground.spring) if ground else land_table(0.5, 0.25)
    sectors = np.array((*ground.seasons, *ground.lands) if ground else (1,) * 48, dtype=np.int64) - 1
    return RemovalTables(
        substances, np.array(first, dtype=np.int64), weather_table(surface), table, sectors, losses == "aermod"
    )


def _rows(name: str, removal: Removal, ground: Ground | None) -> list[dict[int, float]]:
    if not removal.decay >= 0.0:
        raise InputError(f"source {name}: decay {removal.decay} 1/s: it must not be below 0")
    if removal.what is None:
        return [{d.KIND: d.INERT, d.SHARE: 1.0, d.DECAY: removal.decay}]
    problem = removal.what.problem()
    if problem:
        raise InputError(f"source {name}: {problem}")
    if isinstance(removal.what, Gas) and removal.dry and ground is None:
        raise InputError(f"source {name} emits a gas that the ground takes: give its seasons and land uses (Ground)")
    ways = {
        d.DECAY: removal.decay, d.DRY: float(removal.dry), d.WET: float(removal.wet),
        d.DRY_SPENT: float(removal.dry_spent), d.WET_SPENT: float(removal.wet_spent),
    }  # fmt: skip
    return [row | ways for row in removal.what.rows()]


def _refuse_unknown(surface: SurfaceHours, used: NDArray[np.bool_], removals: Sequence[Removal]) -> None:
    """Name the first hour that lacks what a removal needs."""
    taken = [removal for removal in removals if removal.what is not None]
    gases = [removal for removal in taken if isinstance(removal.what, Gas) and removal.dry]
    needed: dict[str, Float] = {}
    if any(removal.dry or removal.wet for removal in taken):
        needed |= {"roughness": surface.roughness, "pressure": surface.pressure}
    if gases:
        needed |= {"humidity": surface.humidity, "cloud cover": surface.cloud_cover}
    if gases or any(removal.wet for removal in taken):
        needed |= {"precipitation": surface.precipitation}
    for name, values in needed.items():
        lacking = used & ~np.isfinite(values)
        if lacking.any():
            raise InputError(
                f"deposition needs the {name}, which is missing in {int(lacking.sum())} of {int(used.sum())} hours, "
                f"first in the one that begins {surface.start[int(np.argmax(lacking))]}: fill it, or switch off the "
                "removal that needs it"
            )


NIGHT_ENDS, NIGHT_BEGINS = 8, 19
"""Dew is thought of in hours ending before the one and after the other."""
FULL_OF_WATER = 200.0
"""Water that roots can reach. [mm]"""
FIRST_WATER = 180.0
"""The same before the first hour. [mm] (as in the source)"""


def weather_table(surface: SurfaceHours) -> Float:
    """Return what the hours add for deposition; columns of `deposition_kernels` (eqs. 3-13 of the report)."""
    kelvin, pressure = surface.temperature, surface.pressure / 10.0
    humidity = np.clip(surface.humidity, 5.0, 100.0) / 100.0
    saturated = 0.6112 * np.exp(19.83 - 5417.4 / kelvin)  # kPa
    vapour = humidity * saturated
    short = 622.0 * (saturated / (pressure - 0.378 * saturated) - vapour / (pressure - 0.378 * vapour))  # g/kg
    clear = np.select([surface.cloud_cover <= 2.0, surface.cloud_cover >= 8.0], [0.45, 0.15], 0.3)
    ending = (surface.start - surface.start.astype("datetime64[D]")).astype(np.int64) + 1
    rain = np.nan_to_num(surface.precipitation)
    lately = rain + np.concatenate([[0.0], rain[:-1]]) + np.concatenate([[0.0, 0.0], rain[:-2]])[: len(rain)]
    table = np.zeros((len(surface), d.WEATHER_COLUMNS))
    table[:, d.ROUGHNESS] = surface.roughness
    table[:, d.AIR_KELVIN] = kelvin
    table[:, d.VISCOSITY] = (
        1.505e-5 * (kelvin / 273.16) ** 1.772 * (pressure / 101.3) * (1.0 + 0.0132 * (pressure - 101.3))
    )  # fmt: skip
    table[:, d.DEFICIT] = np.maximum((1.0 - humidity) * saturated, 0.0)
    table[:, d.SUN] = _sun(surface)
    table[:, d.ROOT_WATER] = _root_water(saturated, rain)
    table[:, d.DEW] = clear / np.where(short <= 0.0, 0.001, short)
    table[:, d.NIGHT] = (ending < NIGHT_ENDS) | (ending > NIGHT_BEGINS)
    table[:, d.LATELY] = lately
    table[:, d.RAIN] = rain
    month = surface.start.astype("datetime64[M]").astype(np.int64) % 12
    table[:, d.FROM_MONTH] = month
    table[:, d.SNOW] = surface.precipitation_code > 18
    return table


def _sun(surface: SurfaceHours) -> Float:
    """Sunlight from heat flux, Bowen ratio, albedo and cloud, turned round as AERMET makes the flux. [W/m2]"""
    with np.errstate(divide="ignore", invalid="ignore"):
        net = (1.0 + 1.0 / surface.bowen_ratio) * surface.heat_flux / 0.9
        kelvin, cloud = surface.temperature, surface.cloud_cover
        sun = (net * 2.12 - 5.31e-13 * kelvin**6 + 5.67e-8 * kelvin**4 - 60.0 * 0.1 * cloud) / (1.0 - surface.albedo)
    dark = (surface.obukhov_length > 0.0) | (surface.albedo == 1.0) | (surface.bowen_ratio == 0.0)
    return np.where(dark | ~np.isfinite(sun), 0.0, sun)


def _root_water(saturated: Float, rain: Float) -> Float:
    """Share of the water that roots can reach, carried from hour to hour: rain adds, plants take (as in the source)."""
    found = np.empty(len(rain))
    water, share = FIRST_WATER, FIRST_WATER / FULL_OF_WATER
    for hour in range(len(rain)):
        if np.isfinite(saturated[hour]):
            water += (rain[hour - 1] if hour else 0.0) - 0.5 * share * saturated[hour] / 3.167
            share = min(max(water / FULL_OF_WATER, 0.01), 1.0)
        found[hour] = share
    return found
