"""Compiled velocities of deposition on the ground, and rates at which rain takes things out of the air.

After Wesely, Doskey and Shannon, Deposition parameterizations for the Industrial Source Complex (ISC3) model,
ANL/ER/TR-01/003 (2002), to which section 7 of the formulation document refers ("the report" below); what rain takes
follows its revision by Walcek, which only the source documents.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.profile_kernels import CONVECTIVE, FRICTION, KARMAN, OBUKHOV

Float = NDArray[np.float64]

# Columns of what a substance is, one row a class of particles or a gas.
KIND, SHARE, DIAMETER, DENSITY, FINE, IN_AIR, IN_WATER, CUTICLE, HENRY, REACTIVE, DECAY, DRY, WET = range(13)
# Whether what the ground and the rain take is missing from the plume afterwards.
DRY_SPENT, WET_SPENT = 13, 14
SUBSTANCE_COLUMNS = 15
# Kinds of substance.
CLASS, FINE_AND_COARSE, GAS, INERT = range(4)

# Columns of what the weather of an hour adds for deposition.
ROUGHNESS, AIR_KELVIN, VISCOSITY, DEFICIT, SUN, ROOT_WATER, DEW, NIGHT, LATELY, SNOW, RAIN, FROM_MONTH = range(12)
WEATHER_COLUMNS = 12

# Columns of what a land is in a season, one row a (season, land).
STOMATA, CUTICLE_SO2, CUTICLE_O3, CANOPY, GROUND_SO2, GROUND_O3, LEAVES, LIGHT, WAX, SNOWY = range(10)
LAND_COLUMNS = 10

CLOSED = 1e7
"""A resistance through which nothing goes. [s/m] (table 4 of the report)"""
MEAN_FREE_PATH = 6.5e-8
"""Of air. [m]"""
FRICTION_OF_AIR = 1.81e-5
"""Dynamic viscosity. [kg/m/s]"""
LIGHT_OF_AIR = 1.2e3
"""Density of air. [g/m3]"""
PHORETIC = 1e-4
"""Added to every velocity for thermal and electrical effects. [m/s] (as in the source)"""
COARSE_FALL = 0.002
"""Of the coarse part of method 2. [m/s]"""
GAS_CONSTANT = 8.3145
"""[Pa m3/mol/K]"""
VAPOUR = 0.219e-4
"""Diffusivity of water vapour in air. [m2/s]"""
GRAVITY = 9.80616
"""[m/s2]"""
FREEZING = 273.16
"""[K] (as in the source)"""


@compiled
def slip(diameter: float) -> float:
    """Cunningham's correction for particles near the mean free path; `diameter` in m."""
    return 1.0 + 2.0 * MEAN_FREE_PATH * (1.257 + 0.4 * math.exp(-0.55 * diameter / MEAN_FREE_PATH)) / diameter


@compiled
def fall_speed(substance: Float) -> float:
    """Stokes' law with slip. [m/s]"""
    if substance[KIND] >= GAS:
        return 0.0
    d = substance[DIAMETER]
    heavier = max(substance[DENSITY] - LIGHT_OF_AIR, 0.0) * 1e-3  # kg/m3
    return heavier * GRAVITY * d * d * slip(d) / (18.0 * FRICTION_OF_AIR)


@compiled
def aerodynamic(hour: Float, roughness: float) -> float:
    """Resistance between one metre above the roughness length and the surface. [s/m] (eqs. 2b and 2c of the report)"""
    z, length = roughness + 1.0, hour[OBUKHOV]
    if length >= 0.0:
        total = math.log(z / roughness) + 5.0 * z / length
    else:
        a, b = math.sqrt(1.0 - 16.0 * z / length), math.sqrt(1.0 - 16.0 * roughness / length)
        total = math.log((a - 1.0) * (b + 1.0) / ((a + 1.0) * (b - 1.0)))
    return total / (KARMAN * hour[FRICTION])


@compiled
def velocity_of_particles(substance: Float, hour: Float, weather: Float) -> float:
    """Of dry deposition: method 1 by classes (eqs. 20-22 of the report), method 2 by the fine share. [m/s]"""
    friction, length = hour[FRICTION], hour[OBUKHOV]
    above = aerodynamic(hour, weather[ROUGHNESS])
    if substance[KIND] == FINE_AND_COARSE:
        strength = 1.0 if length >= 0.0 else 1.0 - 300.0 / length
        below = 500.0 / (friction * strength)
        fine = 1.0 / (above + below)
        coarse = COARSE_FALL + 1.0 / (above + below + COARSE_FALL * above * below)
        return substance[FINE] * fine + (1.0 - substance[FINE]) * coarse
    fall = fall_speed(substance)
    impaction = 10.0 ** (-3.0 / max(fall / GRAVITY * friction * friction / weather[VISCOSITY], 1e-6))
    gusts = 1.0 + 0.24 * hour[CONVECTIVE] ** 2 / (friction * friction)
    below = 1.0 / (gusts * friction * (schmidt(substance, weather) ** (-2.0 / 3.0) + impaction))
    return 1.0 / (above + below + above * below * fall) + fall + PHORETIC


@compiled
def schmidt(substance: Float, weather: Float) -> float:
    """Viscosity of air over the particle's own diffusivity."""
    micrometres = substance[DIAMETER] * 1e6
    return weather[VISCOSITY] / (8.09e-14 * weather[AIR_KELVIN] * slip(substance[DIAMETER]) / micrometres)


@compiled
def velocity_of_gas(gas: Float, hour: Float, weather: Float, land: Float) -> float:
    """Of dry deposition through the resistances of air, skin and surface. [m/s] (eqs. 1-17 of the report)"""
    friction = hour[FRICTION]
    above = aerodynamic(hour, weather[ROUGHNESS])
    so2, o3, ground_so2, ground_o3 = land[CUTICLE_SO2], land[CUTICLE_O3], land[GROUND_SO2], land[GROUND_O3]
    dew = friction < weather[DEW] and weather[NIGHT] != 0.0
    frost = weather[AIR_KELVIN] < FREEZING
    snow = weather[SNOW] != 0.0 and frost and land[SNOWY] != 0.0  # neither dew nor rain on it
    if not snow and (dew or weather[LATELY] > 0.0):
        so2, o3, ground_so2 = 50.0, 0.75 * o3, 50.0
        if dew:
            above = max(above, 1000.0)
    freeze = 1e3 * math.exp(269.2 - weather[AIR_KELVIN])
    so2, o3, ground_so2, ground_o3 = so2 + freeze, o3 + freeze, ground_so2 + freeze, ground_o3 + freeze
    skin = 2.2 * (weather[VISCOSITY] / gas[IN_AIR]) ** (2.0 / 3.0) / (KARMAN * friction)
    henry, reactive = gas[HENRY], gas[REACTIVE]
    stomata = min(land[STOMATA] * VAPOUR / gas[IN_AIR] / open_stomata(weather, land), CLOSED)
    inside = min(1.0 / (0.034 / henry + 100.0 * reactive), CLOSED)
    wax = max(gas[CUTICLE] / (land[LEAVES] * land[WAX]) + freeze, 100.0)
    cuticle = 1.0 / (1e-3 / (henry * so2) + (reactive + reactive * reactive / henry) / o3 + 1.0 / wax)
    ground = min(1.0 / (1e-3 / (henry * ground_so2) + (reactive + 0.1 * reactive**2) / ground_o3), CLOSED)
    surface = 1.0 / (
        land[LEAVES] / (stomata + inside) + land[LEAVES] / cuticle + 1.0 / (0.3 * land[CANOPY] / friction + ground)
    )
    return 1.0 / (above + skin + surface)


@compiled
def open_stomata(weather: Float, land: Float) -> float:
    """How far stomata are open by light, water, dryness and warmth (eqs. 8-11 of the report)."""
    light = weather[SUN] / land[LIGHT]
    f1 = 0.01 if land[STOMATA] == CLOSED else min(max((light + 0.01) / (light + 1.0), 0.01), 1.0)
    f3 = max(1.0 / (1.0 + 0.1 * weather[DEFICIT]), 0.01)
    f4 = max(1.0 - 0.0016 * (298.2 - weather[AIR_KELVIN]) ** 2, 0.01)
    return f1 * weather[ROOT_WATER] * f3 * f4


@compiled
def washed_out(substance: Float, weather: Float, depth: float) -> float:
    """Share of what stands in the air that rain takes in a second. [1/s]

    Parameters
    ----------
    substance, weather : ndarray
    depth : float
        Of the air through which drops fall past the plume. [m]
    """
    rain = weather[RAIN]
    if rain <= 0.0 or substance[WET] == 0.0 or substance[KIND] == INERT:
        return 0.0
    radius, speed = rain**0.232 / 18.11, 3.75 * rain**0.111  # of drops, cm and m/s (as in the source)
    if substance[KIND] == GAS:
        return dissolved(substance, weather, depth, radius, speed)
    caught = 1.0
    if substance[KIND] == FINE_AND_COARSE:  # washout 1e5 times the diameter in um, 6 um for the coarse part
        washout = 1e5 * (substance[DIAMETER] * 1e6 * substance[FINE] + 6.0 * (1.0 - substance[FINE]))
        caught = min(0.02 * radius * washout / (1.5 * depth), 1.0)
    else:
        caught = collected(substance, weather, 0.01 * radius, speed)
    return 1.5 * caught * rain / (2.0 * radius * 3.6e4)


@compiled
def collected(substance: Float, weather: Float, radius: float, speed: float) -> float:
    """Share of the particles in its way that a drop of a radius [m] and speed catches (Slinn 1984)."""
    reynolds, number = radius * speed / weather[VISCOSITY], schmidt(substance, weather)
    root = math.sqrt(reynolds)
    brownian = 4.0 / (reynolds * number) * (1.0 + 0.4 * root * number ** (1.0 / 3.0) + 0.16 * root * math.sqrt(number))
    ratio = substance[DIAMETER] / (2.0 * radius)
    met = 4.0 * ratio * (1.81e-2 + ratio * (1.0 + 2.0 * root))
    fall = fall_speed(substance)
    stokes = fall / GRAVITY * (speed - fall) / radius
    least = min((1.2 + math.log(1.0 + reynolds) / 12.0) / (1.0 + math.log(1.0 + reynolds)), stokes)
    hit = ((stokes - least) / (stokes - least + 2.0 / 3.0)) ** 1.5 * math.sqrt(1e6 / substance[DENSITY])
    return min(brownian + met + hit, 1.0)


@compiled
def dissolved(gas: Float, weather: Float, depth: float, radius: float, speed: float) -> float:
    """Share of a gas that falling drops take up in a second. [1/s] (Walcek's revision, as in the source)"""
    kelvin, rain, henry = weather[AIR_KELVIN], weather[RAIN], gas[HENRY]
    water = rain**0.889 / 13.28  # in the air, g/m3
    held = 1.0 + water * GAS_CONSTANT * kelvin / (henry * 1e6)
    stirred = 1.0 if radius < 0.01 else 2.6 if radius <= 0.05 else 20.0
    solubility = GAS_CONSTANT * kelvin / henry
    needed = (
        radius * radius * solubility / (3.0 * gas[IN_AIR] * 1e4 * (80.0 * radius + 1.0))
        + 4.0 * radius * solubility / (3.0 * 50000.0 * 0.01)
        + radius * radius * 0.17 / (3.0 * gas[IN_WATER] * 1e4 * stirred)
    ) / held  # seconds until a drop is full
    full = min(depth / speed / needed, 1.0)
    return full * solubility * rain / (3600.0 * depth * 1e3 * held)
