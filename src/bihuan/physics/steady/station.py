"""Hours of a boundary layer from what a weather station measures, without AERMET.

Equations are numbered as in EPA-454/B-24-010, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, ProfileHours, StationHours, SurfaceHours
from bihuan.physics.stability import solar_altitude
from bihuan.physics.steady.measured import Levels, by_richardson, check_levels, taken_over

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

KARMAN, GRAVITY, HEAT, GAS = 0.4, 9.80655, 1004.0, 287.04
"""Constant of von Karman; [m/s2]; heat [J/kg/K] and gas constant [J/kg/K] of air."""
STEFAN = 5.67e-8
"""[W/m2/K4]"""
BETA = 5.0
"""Of the stable wind profile (eq. 12)."""
LARGEST_LOSS = 64.0
"""By which the ground may lose heat at night. [W/m2] (section 3.3.3)"""
ADJUSTED_SCALE = 0.08
"""Temperature scale of a night with adjusted u*. [K] (after Qian and Venkatram 2011, as in the source)"""
ADJUSTED_LENGTH = 1100.0
"""Obukhov length over u*^2 in such a night, at least. [s2/m]

Unconfirmed: given for Venkatram 1980, which was not at hand; the formulation names no such limit, and it was taken up
because a year of AERMET's hours follows it.
"""
EQUILIBRIUM = 2400.0
"""Height of the mechanical layer over u*^1.5. [m (m/s)^-1.5] (eq. 24)"""
SEA_LEVEL = 1013.25
"""Pressure where none was measured. [hPa]"""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where the station stands.

    Attributes
    ----------
    latitude, longitude : float
        [degrees]
    hours_east : float
        Local standard time minus UTC. [h]
    wind_height, temperature_height, roughness : float
        [m]
    bowen_ratio : float
    albedo : float or ndarray, shape (hours,)
        With the sun overhead; or of every hour, taken as it is.
    upper_height : float, optional
        Of the second temperature. [m]
    """

    latitude: float
    longitude: float
    hours_east: float
    wind_height: float
    temperature_height: float
    roughness: float
    bowen_ratio: float
    albedo: float | Float
    upper_height: float | None = None


def station_hours(
    station: StationHours,
    site: Site,
    *,
    morning_gradient: float,
    adjusted: bool = True,
    profile: ProfileHours | None = None,
) -> tuple[SurfaceHours, ProfileHours]:
    """Return what a steady plume needs of every hour.

    Parameters
    ----------
    station, site
    morning_gradient : float
        Of the potential temperature before sunrise, which the heat of the day eats up. [K/m]
    adjusted : bool
        Adjust u* of stable hours for low winds (AERMET's ADJ_U*).
    profile : ProfileHours, optional
        Of a mast or a sodar, for the same hours; the station's own level by default.

    Raises
    ------
    InputError
        If hours do not ascend, the wind is measured below seven roughness lengths or above 100 m, a property of the
        ground is not above 0, heights of temperature do not fit, or a measured value cannot be.

    Notes
    -----
    In stable hours with a temperature at a second height the bulk Richardson number stands in for the cloud; u*, L and
    heat flux that were measured stand in for all of it. An hour without wind, temperature or, where the sun is not
    measured, cloud is left missing. By day convective
    height grows by the heat since sunrise (eq. 22); no measured sounding is taken. A site without a Bowen ratio of
    its seasons is for the caller to split.
    """
    _check(station, site, morning_gradient)
    pressure = _else(station.pressure, SEA_LEVEL, station.temperature)
    density = 100.0 * pressure / (GAS * station.temperature)
    sun = _sun(station.start, site)
    albedo = _albedo(site.albedo, sun)
    day, heat, friction, length = _layer(station, site, density, sun, albedo, adjusted)
    friction, length, heat = taken_over(station, friction, length, heat, density)
    day = np.where(np.isfinite(length), length < 0.0, day)
    convective = _grown(station, heat, day, density, morning_gradient)
    warmth = density * HEAT * station.temperature
    scale = np.cbrt(GRAVITY * np.where(day, heat, np.nan) * convective / warmth)  # eq. 9
    count = len(station.start)
    full = {name: np.full(count, value) for name, value in _of_site(site).items()}
    nothing = np.full(count, np.nan)
    surface = SurfaceHours(
        start=station.start, heat_flux=heat, friction_velocity=friction, convective_velocity=scale,
        gradient_above=np.where(day, max(morning_gradient, 0.005), np.nan), convective_height=convective,
        mechanical_height=_mechanical(station.mechanical_height, friction), obukhov_length=length, albedo=albedo,
        wind_speed=station.wind_speed, wind_from=station.wind_from, temperature=station.temperature,
        precipitation_code=np.zeros(count, dtype=np.int64),
        precipitation=_else(station.precipitation, np.nan, pressure),
        humidity=_else(station.humidity, np.nan, pressure), pressure=pressure,
        cloud_cover=station.cloud_cover, latitude=site.latitude, longitude=site.longitude,
        adjusted_friction_velocity=adjusted, **full,
    )  # fmt: skip
    mast = ProfileHours(
        np.arange(count + 1), full["wind_height"].copy(), station.wind_from, station.wind_speed,
        station.temperature.copy(), nothing.copy(), nothing.copy(),
    )  # fmt: skip
    return surface, mast if profile is None else _fitting(profile, count)


def _fitting(profile: ProfileHours, count: int) -> ProfileHours:
    if len(profile.first) != count + 1:
        raise InputError(f"a profile of {len(profile.first) - 1} hours for {count} of the station: give the same")
    return profile


def _layer(
    station: StationHours, site: Site, density: Float, sun: Float, albedo: Float, adjusted: bool
) -> tuple[Bool, Float, Float, Float]:
    """Which hours are convective, and heat flux, u* and L of all."""
    speed, air, cloud = station.wind_speed, station.temperature, station.cloud_cover / 10.0
    heat = 0.9 * _net_radiation(station, cloud, sun, albedo) / (1.0 + 1.0 / site.bowen_ratio)  # eq. 2
    day: Bool = (heat > 0.0) & (sun > 0.0)
    known = np.isfinite(speed) & np.isfinite(air) & (speed > 0.0)
    friction, length = _convective(np.where(day & known, speed, np.nan), heat, air, density, site)
    night = known & ~day & np.isfinite(np.zeros_like(cloud) if adjusted else cloud)
    still = _adjusted if adjusted else _stable
    fading = _fading(sun, cloud, air, albedo)
    friction_n, length_n, heat_n = still(np.where(night, speed, np.nan), cloud, fading, air, density, site)
    if station.upper_temperature is not None:
        levels = _levels(site)
        cold = np.where(known & ~day, speed, np.nan)
        u, own, scale = by_richardson(cold, air, station.upper_temperature, levels, adjusted=adjusted)
        seen = np.isfinite(u)
        loss = np.maximum(-density * HEAT * u * scale, -LARGEST_LOSS)
        friction_n, length_n = np.where(seen, u, friction_n), np.where(seen, own, length_n)
        heat_n = np.where(seen, loss, heat_n)
    heat = np.where(day, np.where(np.isfinite(speed), heat, np.nan), heat_n)
    return day, heat, np.where(day, friction, friction_n), np.where(day, length, length_n)


def _levels(site: Site) -> Levels:
    """Heights of two temperatures; refused where there is no second one."""
    if site.upper_height is None:
        raise InputError("the station has a second temperature: give its height, Site(upper_height=...)")
    levels = Levels(site.wind_height, site.temperature_height, site.upper_height, site.roughness)
    check_levels(levels)
    return levels


def _of_site(site: Site) -> dict[str, float]:
    names = ("roughness", "bowen_ratio", "wind_height", "temperature_height")
    return {name: getattr(site, name) for name in names}


def _check(station: StationHours, site: Site, gradient: float) -> None:
    back = np.diff(station.start) <= np.timedelta64(0)
    if back.any():
        raise InputError(
            f"hour {int(back.argmax()) + 2} of the station does not follow the one before: give them in order"
        )
    if not (site.roughness > 0.0 and site.bowen_ratio > 0.0 and gradient > 0.0 and np.all(np.asarray(site.albedo) > 0)):
        raise InputError("roughness, Bowen ratio, albedo and morning gradient must be above 0")
    if not 7.0 * site.roughness <= site.wind_height <= 100.0:
        raise InputError(
            f"wind at {site.wind_height} m over roughness {site.roughness} m: between seven roughness lengths and 100 m"
        )


def _else(values: Float | None, default: float, like: Float) -> Float:
    return np.full(len(like), default) if values is None else np.where(np.isfinite(values), values, default)


def _sun(start: NDArray[np.datetime64], site: Site) -> Float:
    """Mean height of the sun at both ends of the hour. [degrees]"""
    shift = np.timedelta64(round(site.hours_east * 3600), "s")
    begin: NDArray[np.datetime64] = np.subtract(start.astype("datetime64[us]"), shift)
    ends = [solar_altitude(np.add(begin, np.timedelta64(part, "h")), site.longitude, site.latitude) for part in (0, 1)]
    return np.asarray(0.5 * (ends[0] + ends[1]), dtype=np.float64)


def _albedo(noon: float | Float, sun: Float) -> Float:
    """Eq. 3, its second part; 1 while the sun is down."""
    if isinstance(noon, np.ndarray):
        return noon
    low = noon + (1.0 - noon) * np.exp(-0.1 * sun - 0.5 * (1.0 - noon) ** 2)
    return np.where(sun > 0.0, np.minimum(low, 1.0), 1.0)


def _net_radiation(station: StationHours, cloud: Float, sun: Float, albedo: Float) -> Float:
    """Eq. 3 and 4, or as measured. [W/m2]"""
    clear = np.maximum(990.0 * np.sin(np.radians(sun)) - 30.0, 0.0)
    shone = clear * (1.0 - 0.75 * cloud**3.4)
    if station.radiation is not None:
        shone = np.where(np.isfinite(station.radiation), station.radiation, shone)
        cloud = np.where(np.isfinite(cloud), cloud, 0.5)  # section 3.1.1
    air = station.temperature
    net: Float = ((1.0 - albedo) * shone + 5.31e-13 * air**6 - STEFAN * air**4 + 60.0 * cloud) / 1.12
    if station.net_radiation is not None:
        net = np.where(np.isfinite(station.net_radiation), station.net_radiation, net)
    return net


def _psi(over: Float) -> Float:
    """Eq. 7 of a height over the (negative) Obukhov length."""
    mu = (1.0 - 16.0 * over) ** 0.25
    bent = 2.0 * np.log(0.5 * (1.0 + mu)) + np.log(0.5 * (1.0 + mu**2)) - 2.0 * np.arctan(mu) + np.pi / 2.0
    return np.asarray(bent, dtype=np.float64)


def _convective(speed: Float, heat: Float, air: Float, density: Float, site: Site) -> tuple[Float, Float]:
    """u* and L by turns until L changes by less than 1 % (eq. 6 to 8)."""
    log = np.log(site.wind_height / site.roughness)
    friction = KARMAN * speed / log
    length = np.full(len(speed), np.nan)
    for _ in range(100):
        before = length
        with np.errstate(divide="ignore", invalid="ignore"):
            length = -density * HEAT * air * friction**3 / (KARMAN * GRAVITY * np.where(heat > 0.0, heat, np.nan))
            bend = _psi(site.wind_height / length) - _psi(site.roughness / length)
            friction = KARMAN * speed / (log - bend)
            settled = np.abs(length - before) < 0.01 * np.abs(length)
        if (settled | ~np.isfinite(length)).all():
            break
    return friction, length


def _fading(sun: Float, cloud: Float, air: Float, albedo: Float) -> Float:
    """Share of the night's temperature scale that is left: 0 at the height of the sun where H changes sign (eq. 5).

    The document gives that height. That the scale falls with the square of the sun's is unconfirmed: no source was at
    hand, and it was taken up because a year of AERMET's hours follows it.
    """
    covered = np.where(np.isfinite(cloud), cloud, 0.5)
    loss = STEFAN * air**4 - 5.31e-13 * air**6 - 60.0 * covered
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = (loss / ((1.0 - albedo) * (1.0 - 0.75 * covered**3.4)) + 30.0) / 990.0
        turn = np.degrees(np.arcsin(np.clip(needed, 1e-3, 1.0)))
        left = np.clip(1.0 - (sun / turn) ** 2, 1e-3, 1.0)
    return np.where((sun > 0.0) & np.isfinite(left), left, 1.0)


def _stable(
    speed: Float, cloud: Float, fading: Float, air: Float, density: Float, site: Site
) -> tuple[Float, Float, Float]:
    """u*, L and heat flux from cloud and wind (eq. 15, 16, 20)."""
    drag = KARMAN / np.log(site.wind_height / site.roughness)
    scale = 0.09 * (1.0 - 0.5 * cloud**2) * fading
    friction, scale = _root(speed, scale, drag, air, site)
    strong = friction * scale > 0.05  # eq. 21: then the scale is 0.05 / u*, by turns
    for _ in range(30):
        limited = np.where(strong, 0.05 / friction, scale)
        again, _unused = _root(speed, limited, drag, air, site)
        friction = np.where(strong, again, friction)
    scale = np.where(strong, 0.05 / friction, scale)
    heat = -density * HEAT * friction * scale
    return friction, air * friction**2 / (KARMAN * GRAVITY * scale), heat


def _root(speed: Float, scale: Float, drag: float, air: Float, site: Site) -> tuple[Float, Float]:
    """Eq. 15, and below the critical wind in proportion to it."""
    squared = BETA * site.wind_height * GRAVITY * scale / air
    critical = np.sqrt(4.0 * squared / drag)
    share = np.minimum(speed / critical, 1.0)
    used = np.maximum(speed, critical)
    friction = 0.5 * drag * used * (1.0 + np.sqrt(np.maximum(1.0 - (critical / used) ** 2, 0.0)))
    return friction * share, scale * share


def _adjusted(
    speed: Float, cloud: Float, fading: Float, air: Float, density: Float, site: Site
) -> tuple[Float, Float, Float]:
    """u* of Qian and Venkatram 2011 (their eq. 26; section 3.3.2), whatever the cloud."""
    height = site.wind_height - 5.0 * site.roughness  # above the displaced ground (as AERMET lays it)
    drag = (KARMAN / np.log(height / site.roughness)) ** 2
    scale = ADJUSTED_SCALE * fading
    own = np.sqrt(BETA * GRAVITY * (height - site.roughness) * scale / air)
    with np.errstate(over="ignore"):
        ratio = 2.0 * own / (speed * drag**0.25)
        shape = (1.0 + np.exp(-0.5 * ratio**2)) / (1.0 - np.exp(-2.0 / ratio))
    friction = np.maximum(0.5 * np.sqrt(drag) * speed * shape, 0.5 * own * drag**0.25)
    heat = np.maximum(-density * HEAT * friction * scale, -LARGEST_LOSS)
    by_heat = -density * HEAT * air * friction**3 / (KARMAN * GRAVITY * heat)  # eq. 8
    return friction, np.maximum(by_heat, ADJUSTED_LENGTH * friction**2), heat


def _mechanical(measured: Float | None, friction: Float) -> Float:
    """Equilibrium height, towards which the layer of the hour before relaxes (eq. 24 to 26). [m]"""
    wanted = EQUILIBRIUM * friction**1.5
    if measured is not None:
        wanted = np.where(np.isfinite(measured), measured, wanted)
    found = wanted.copy()
    for hour in range(1, len(found)):
        before = found[hour - 1]
        if np.isfinite(before) and np.isfinite(wanted[hour]) and before > 0.0:
            kept = np.exp(-3600.0 * 2.0 * friction[hour] / before)
            found[hour] = before * kept + wanted[hour] * (1.0 - kept)
    return found


def _grown(station: StationHours, heat: Float, day: Bool, density: Float, gradient: float) -> Float:
    """Height of the convective layer by the heat since sunrise, in air of one gradient (eq. 22); NaN at night. [m]"""
    found = np.full(len(heat), np.nan)
    taken = 0.0
    dates = station.start.astype("datetime64[D]")
    for hour in range(len(heat)):
        if hour and dates[hour] != dates[hour - 1]:
            taken = 0.0
        if not day[hour]:
            continue
        if np.isfinite(heat[hour]):
            taken += 3600.0 * heat[hour] / (density[hour] * HEAT)
        found[hour] = np.sqrt(2.0 * 1.4 * taken / gradient) if taken > 0.0 else np.nan
    if station.convective_height is not None:
        found = np.where(day & np.isfinite(station.convective_height), station.convective_height, found)
    return np.minimum(found, 4000.0)
