"""Compiled rise of a plume near a building, step by step along its path (PRIME, see `wake_kernels`).

Conservation of mass, momentum and heat of a round plume without Boussinesq's approximation (Zhang and Ghoniem 1993, as
PRIME has it), in the slowed wind of the wake, moved up and down with the streamlines around the building.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.profile_kernels import GRAVITY
from bihuan.physics.steady.state_kernels import (
    CAPPED,
    DIAMETER,
    ENTRAINMENT,
    EXIT_VELOCITY,
    HEIGHT,
    HORIZONTAL,
    KIND,
    WIND_S,
    distance_of_free_rise,
)
from bihuan.physics.steady.wake_kernels import CAVITY, FARTHEST, OUTSIDE, Site, Wake, air_at, slope, whereabouts
from bihuan.physics.steady.wake_spread_kernels import (
    SPREAD_COLUMNS,
    Spreads,
    outside_depth,
    outside_width,
    radius_growth,
    spreads_of,
)

Float = NDArray[np.float64]
Air = tuple[float, float, float, float, float]
"""Wind, its shear, gradient of potential temperature, temperature and density, as `air_at` returns them."""

ALONG = 0.11
"""Entrainment by the speed along the wind."""
RADIATION = 9.1e-11
"""Loss of heat. [kg/m2/K3/s] (as in the source)"""
PACE = 1.0
"""Step along the path. [m] (as in the source)"""
FAR_PACE = 4.0
"""Step behind the cavity. [m]"""
LONGEST = 5000.0
"""Path that is followed. [m] (as in the source)"""
LOWEST = 0.001
"""Of the axis of a plume. [m] (as in the source)"""
LEVEL = math.radians(20.0)
"""Steeper than this a plume does not yet spread with the wake (as in the source)."""
WIDER = 2.0
"""Of a plume that leaves under a cap (as in the source)."""
NOWHERE = 1e30

# A plume where it is, and what it carries: mass, momentum along and up, heat, height, distance.
RADIUS, ALONG_WIND, UPWARD, SPEED, HEAT, DENSITY, Z, X = range(8)
PLUME_COLUMNS = 8
MASS, PUSH, LIFT, WARMTH, AT_Z, AT_X = range(6)
CARRIED_COLUMNS = 6


class Path(NamedTuple):
    """A plume near a building."""

    heights: Float
    """One a metre from the stack, the last for all beyond. [m]"""
    spreads: Spreads
    """Before the heights were known."""
    enter: float
    """Distance from the windward face at which it enters the wake, or `NOWHERE`. [m]"""
    depth: float
    across: float
    """Its spreads there. [m]"""


@compiled
def launch(source: Float, heat: float, wind: float, air: float, density: float, plume: Float) -> tuple[float, float]:
    """Set a plume to how it leaves the stack; returns where it ends to rise and the first step. [m]"""
    radius, speed = 0.5 * source[DIAMETER], source[EXIT_VELOCITY]
    flux = speed * radius * radius / heat
    buoyancy = GRAVITY * flux * max(heat - air, 0.0)
    along, upward = 2e-6, speed
    if source[KIND] == CAPPED:
        radius *= WIDER
        along, upward = speed / (WIDER * WIDER), 0.001
    elif source[KIND] == HORIZONTAL:
        along, upward = speed, 0.001
    plume[RADIUS], plume[ALONG_WIND], plume[UPWARD], plume[HEAT] = radius, along, upward, heat
    plume[SPEED], plume[DENSITY] = math.hypot(along, upward), density * air / heat
    plume[Z], plume[X] = max(source[HEIGHT], LOWEST), 0.0
    # scales of Briggs in a wind of 1 m/s or more (as in the source)
    wind = max(wind, 1.0)
    ratio = max(1.0, upward / wind)
    by_push = 8.0 * radius * ratio * (1.0 + 3.0 / ratio) ** 2
    if buoyancy <= 0.0:
        return by_push, 6.0 * radius * upward / wind
    if buoyancy < 55.0:
        return max(by_push, distance_of_free_rise(buoyancy)), 21.425 * buoyancy**0.75 / wind
    return distance_of_free_rise(buoyancy), 38.71 * buoyancy**0.6 / wind


@compiled
def load(plume: Float, wind: float, air: float, carried: Float) -> None:
    """What a plume carries through its section."""
    mass = plume[DENSITY] * plume[SPEED] * plume[RADIUS] ** 2
    carried[MASS], carried[PUSH], carried[LIFT] = mass, mass * (plume[ALONG_WIND] - wind), mass * plume[UPWARD]
    carried[WARMTH], carried[AT_Z], carried[AT_X] = mass * (plume[HEAT] - air), plume[Z], plume[X]


@compiled
def unload(carried: Float, wind: float, air: float, density: float, plume: Float) -> None:
    """Set a plume to what it carries."""
    mass = carried[MASS]
    plume[ALONG_WIND], plume[UPWARD] = wind + carried[PUSH] / mass, carried[LIFT] / mass
    plume[SPEED] = math.hypot(plume[ALONG_WIND], plume[UPWARD])
    plume[HEAT] = max(air + carried[WARMTH] / mass, air - 10.0)  # not colder than that (as in the source)
    plume[DENSITY] = density * air / plume[HEAT]
    plume[RADIUS] = math.sqrt(mass / (plume[SPEED] * plume[DENSITY]))
    plume[Z], plume[X] = carried[AT_Z], carried[AT_X]


@compiled
def rates(plume: Float, air: Air, growth: float, change: Float) -> None:
    """Change over the path of what a plume carries; `growth` is that of its radius by the wake."""
    wind, shear, gradient, temperature, density = air
    radius, along, upward, speed = plume[RADIUS], plume[ALONG_WIND], plume[UPWARD], plume[SPEED]
    drawn = ALONG * abs(speed - wind * along / speed) + ENTRAINMENT * abs(wind * upward / speed)
    change[MASS] = 2.0 * radius * density * max(drawn, wind * growth)
    lifted = radius * radius * plume[DENSITY] * upward
    change[PUSH] = -lifted * shear
    change[LIFT] = GRAVITY * radius * radius * (density - plume[DENSITY])
    change[WARMTH] = -lifted * gradient - RADIATION * radius * (plume[HEAT] ** 4 - temperature**4)
    change[AT_Z], change[AT_X] = upward / speed, along / speed


@compiled
def outside_wake(heights: Float) -> Path:
    """A plume that has met no wake."""
    spreads = Spreads(np.empty((2, SPREAD_COLUMNS)), NOWHERE, 1.0, 2, 0.0, 0.0, NOWHERE, 0.0, 0.0)
    return Path(heights, spreads, NOWHERE, 0.0, 0.0)


@compiled
def enter_wake(x: float, z: float, heights: Float, source: Float, stack_wind: float, site: Site) -> Path:
    """A plume that enters the wake at a distance from the stack, risen to `z` without the streamlines. [m]"""
    depth = across = max(0.0, z - max(source[HEIGHT], LOWEST)) / 3.5
    if x > 0.0:
        depth, across = math.hypot(outside_depth(x, z, site), depth), math.hypot(outside_width(x, z, site), across)
    level = np.empty(1)
    level[0] = z
    enter = x - site.wake.ahead
    return Path(heights, spreads_of(enter, depth, across, level, stack_wind, False, site), enter, depth, across)


@compiled
def mark(x: float, z: float, before_x: float, before_z: float, first: int, heights: Float) -> int:
    """Note the height of the plume at the metres it has passed; returns the next of them."""
    while first <= x and first < len(heights):
        share = (first - before_x) / (x - before_x) if x > before_x else 1.0
        heights[first] = before_z + share * (z - before_z)
        first += 1
    return first


@compiled
def pace(here: float, path: Path, wake: Wake) -> float:
    """Step: long where the plume is in the wake and the cavity behind it. [m]"""
    return FAR_PACE if path.enter != NOWHERE and here > wake.length + wake.cavity else PACE


@compiled
def stride(
    plume: Float, carried: Float, work: Float, air: Air, growth: float, moved: float, step: float, x: float, y: float,
    site: Site,
) -> None:  # fmt: skip
    """Take a plume one step on, by Heun's method; air is read at ``x, y`` from the windward face, `moved` higher."""
    guess, change, again = work[0], work[1], work[2]
    rates(plume, air, growth, change)
    for k in range(CARRIED_COLUMNS):
        guess[k] = carried[k] + change[k] * step
    unload(guess, air[0], air[3], air[4], plume)
    ahead = air_at(x, y, max(plume[Z] + moved, LOWEST), site)
    rates(plume, ahead, growth, again)
    for k in range(CARRIED_COLUMNS):
        carried[k] = guess[k] + 0.5 * (again[k] - change[k]) * step
    unload(carried, ahead[0], ahead[3], ahead[4], plume)


@compiled
def rise_near_building(source: Float, heat: float, state: Float, site: Site) -> Path:
    """Follow a plume from the stack; `heat` is its temperature there. [K]"""
    wake, y = site.wake, -site.wake.aside
    last = wake.ahead + wake.length + FARTHEST * wake.scale
    plume, carried, work = np.empty(PLUME_COLUMNS), np.empty(CARRIED_COLUMNS), np.empty((3, CARRIED_COLUMNS))
    x, here, z = -1.0, -wake.ahead, max(source[HEIGHT], LOWEST)  # from the stack, from the windward face, height
    air = air_at(here, y, z, site)
    end, step = launch(source, heat, air[0], air[3], air[4], plume)
    load(plume, air[0], air[3], carried)
    step = min(PACE, 0.5 * max(0.1, step))
    path = outside_wake(np.empty(int(max(min(end, LONGEST), last)) + 9))
    moved, growth, gone, metre = 0.0, 0.0, 0.0, 0
    place = whereabouts(here, y, z, wake)
    while x < end and plume[UPWARD] >= 0.0 and gone < LONGEST:
        # a long step reads what as many short ones would (as in the source those read the place where they begin)
        longer = max(step - PACE, 0.0)
        if place > CAVITY and plume[X] <= last:
            moved += slope(here + 0.5 * longer, y, z, wake) * plume[ALONG_WIND] / plume[SPEED] * step
        if longer > 0.0:
            growth = radius_growth(x + 0.5 * longer, path.spreads)
        stride(plume, carried, work, air, growth, moved, step, here + longer, y, site)
        gone += step
        old_x, old_z = x, z
        x, z = max(plume[X], 0.0), max(plume[Z] + moved, LOWEST)
        plume[X], here = x, x - wake.ahead
        metre = mark(x, z, old_x, z if old_x < 0.0 else old_z, metre, path.heights)
        place = whereabouts(here, y, z, wake)
        if place < OUTSIDE and math.atan(plume[UPWARD] / plume[ALONG_WIND]) <= LEVEL:
            if path.enter == NOWHERE:
                path = enter_wake(x, plume[Z], path.heights, source, state[WIND_S], site)
            growth = radius_growth(x, path.spreads)
        air = air_at(here, y, z, site)
        step = min(pace(here, path, wake), 2.0 * step, max(end - x, PACE))
    return carried_on(x, z, moved, metre, path, source, state[WIND_S], site)


@compiled
def carried_on(
    x: float, z: float, moved: float, metre: int, path: Path, source: Float, stack_wind: float, site: Site
) -> Path:
    """Follow a plume that has ended to rise as far as the streamlines carry it up or down."""
    wake, y = site.wake, -site.wake.aside
    last = wake.ahead + wake.length + FARTHEST * wake.scale
    while x + PACE <= last:
        here = x - wake.ahead
        step = min(pace(here, path, wake), last - x)
        carry, place = 0.0, whereabouts(here, y, z, wake)
        if place > CAVITY:
            carry = 0.5 * step * (slope(here, y, z, wake) + slope(here + step, y, z, wake))
        old_x, old_z = x, z
        x, z, moved = x + step, max(z + carry, LOWEST), moved + carry
        metre = mark(x, z, old_x, old_z, metre, path.heights)
        if path.enter == NOWHERE and place < OUTSIDE:
            path = enter_wake(x, z - moved, path.heights, source, stack_wind, site)
    path.heights[metre] = z
    return Path(path.heights[: metre + 1], path.spreads, path.enter, path.depth, path.across)
