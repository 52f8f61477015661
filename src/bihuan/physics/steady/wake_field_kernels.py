"""Compiled concentrations near a building: plume in the wake, cavity, and their weight (PRIME, section 5.5.3)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.axis_kernels import MICROGRAMS
from bihuan.physics.steady.field_kernels import NEAREST, NEGLIGIBLE
from bihuan.physics.steady.layer_kernels import between, cell_of
from bihuan.physics.steady.profile_kernels import ADIABATIC, BASE, DIRECTION, LID, STABLE
from bihuan.physics.steady.spread_kernels import pair, reflected
from bihuan.physics.steady.state_kernels import EAST, EXIT_TEMPERATURE, FROM, HEIGHT, NORTH, THETA_S, WIND_S
from bihuan.physics.steady.wake_kernels import (
    CALM_V,
    CALM_W,
    CAVITY,
    FARTHEST,
    OUTSIDE,
    Site,
    Wake,
    cavity_at,
    length_of_stirring,
    site_of,
    wake_at,
    wake_of,
    whereabouts,
)
from bihuan.physics.steady.wake_rise_kernels import Path, rise_near_building
from bihuan.physics.steady.wake_spread_kernels import (
    CAVITY_WIDTH,
    TOP_HAT,
    Spreads,
    height_at,
    spread_at,
    spreads_of,
    stirring_ends,
)

Float = NDArray[np.float64]

MIXING = 0.15
"""Of the length of the cavity: so far on both sides of its end what is in it and what it lets out share a receptor."""
SECTOR = 10.0
"""Of directions with one set of dimensions. [degrees]"""


@compiled
def sector_of(height: float, levels: Float, profile: Float) -> int:
    """Which set of dimensions the wind at a height picks: 0 blows towards 10 degrees, 35 towards north."""
    origin = between(cell_of(height, levels), height, levels, profile[DIRECTION])
    towards = (origin - 180.0) % 360.0
    return (int(towards / SECTOR + 0.4999) - 1) % 36


@compiled
def within(centre: float, sigma: float, half: float) -> float:
    """Share of a normal distribution between two limits on both sides of 0."""
    scale = 1.0 / (math.sqrt(2.0) * max(sigma, 1e-5))
    return 0.5 * (math.erf((half - centre) * scale) + math.erf((half + centre) * scale))


@compiled
def captured_share(path: Path, site: Site) -> float:
    """Largest share of the plume that is in the cavity anywhere behind the building."""
    wake = site.wake
    end = wake.length + wake.cavity
    if path.enter >= end:
        return 0.0
    begin = max(path.enter, wake.length)
    reach = 0.99 * (end - begin)
    steps = max(5, int(1.0 + reach / 10.0))
    # a plume that goes on to rise lifts what it carries out of the cavity
    x = end + wake.ahead
    depth, _ = spread_at(x, wake.height, 0.0, False, path.spreads, site)
    most = within(height_at(x, path.heights), depth, wake.height)
    share = 0.0
    for k in range(steps + 1):
        here = begin + k * reach / steps
        x = here + wake.ahead
        z = height_at(x, path.heights)
        high, wide = cavity_at(here, wake)
        depth, across = spread_at(x, z, 0.0, False, path.spreads, site)
        share = max(share, min(within(z, depth, high), most) * within(abs(wake.aside), across, wide))
    late = wake.length + 0.85 * wake.cavity
    if begin > late:
        share = min(share, max(0.0, 1.0 - (begin - late) / (end - late)))
    return share


@compiled
def weight_of_wake(x: float, y: float, z: float, length: float, wake: Wake) -> float:
    """Weight of PRIME against the plume without a building, gamma (eq. 90)."""
    high, wide = wake_at(x, wake)
    total = 0.0
    for place, size in ((x, length), (abs(y), wide), (z, high)):
        if place > size:
            part = -0.5 * ((place - size) / size) ** 2
            if part <= NEGLIGIBLE:
                return 0.0
            total += part
    return math.exp(total)


@compiled
def upright(z: float, height: float, depth: float, site: Site) -> float:
    """Vertical distribution, in stable air with no lid. [1/m]"""
    if site.hour[STABLE] == 0.0:
        return reflected(z, height, depth, site.hour[LID]) if z <= site.hour[LID] else 0.0
    inverse = -0.5 / (depth * depth)
    return pair(z, height, inverse) / (math.sqrt(2.0 * math.pi) * depth)


@compiled
def gauss(y: float, wide: float) -> float:
    """[1/m]"""
    power = -0.5 * (y / wide) ** 2
    return math.exp(power) / (math.sqrt(2.0 * math.pi) * wide) if power > NEGLIGIBLE else 0.0


@compiled
def from_cavity(x: float, y: float, z: float, place: int, spreads: Spreads, site: Site) -> float:
    """What the whole plume in the cavity would cause, times the wind. [1/m2]

    Two sources on the ground behind the building: one for the receptors in the cavity, one for those beyond it, and a
    mixture of both near its end. The distance counts from the windward face.
    """
    wake = site.wake
    late, beyond = wake.length + (1.0 - MIXING) * wake.cavity, wake.length + (1.0 + MIXING) * wake.cavity
    outer = min(max((x - late) / (beyond - late), 0.0), 1.0)
    inner = 1.0 - outer if x > wake.length else x / wake.length
    # the source stands behind the stack as far as the building reaches across
    first_depth, first_width = spreads.table[0, 2], spreads.table[0, CAVITY_WIDTH]
    free = 0.5 * (wake.width - TOP_HAT * first_width)
    if free > 0.0:
        y -= min(max(-wake.aside, -free), free)
    above = 0.0
    if place > CAVITY:
        high, _ = cavity_at(x, wake)
        above = max(0.0, z - high)
    found = 0.0
    if inner > 0.0:
        # half at its own height, half above the cavity (as in the source; the same on the ground)
        column = 0.5 * (upright(z, 0.0, first_depth, site) + upright(above, 0.0, first_depth, site))
        found += inner * column * gauss(y, first_width)
    if outer > 0.0:
        depth, across = spread_at(x + wake.ahead, 0.0, 0.0, True, spreads, site)
        column = 0.5 * (upright(z, 0.0, depth, site) + upright(above, 0.0, depth, site))
        found += outer * column * gauss(y, across)
    return found


@compiled
def near_building(
    x: float, y: float, z: float, place: int, captured: float, path: Path, spreads: Spreads, site: Site, release: float
) -> float:  # fmt: skip
    """Concentration near a building times the wind; distances count from the windward face. [1/m2]"""
    from_stack, found = x + site.wake.ahead, 0.0
    # in a cavity that takes a part of the plume the rest passes over the receptor
    if from_stack > 0.0 and captured < 1.0 and (place > CAVITY or captured == 0.0):
        height = height_at(from_stack, path.heights)
        depth, across = spread_at(from_stack, height, (height - release) / 3.5, False, spreads, site)
        found = gauss(y + site.wake.aside, across)
        if found > 0.0:
            found *= (1.0 - captured) * upright(z, height, depth, site)
    if captured > 0.0 and place < OUTSIDE:
        found += captured * from_cavity(x, y, z, place, spreads, site)
    return found


@compiled
def length_of_wake(site: Site) -> float:
    """How far PRIME has its whole weight. [m] (section 5.5.3)"""
    wake = site.wake
    return max(
        FARTHEST * wake.scale,
        length_of_stirring(site.sigma_w / site.wind, CALM_W, wake),
        length_of_stirring(site.sigma_v / site.wind, CALM_V, wake),
    )


@compiled
def blend(source: Float, state: Float, path: Path, site: Site, receptors: Float, out: Float) -> None:
    """Weigh the concentrations near a building against those without it (eq. 89)."""
    wake, release, lid = site.wake, source[HEIGHT], site.hour[LID]
    stable = site.hour[STABLE] != 0.0
    captured, length = captured_share(path, site), length_of_wake(site)
    spreads = spreads_of(path.enter, path.depth, path.across, path.heights, state[WIND_S], True, site)
    origin = math.radians(state[FROM])
    sine, cosine = math.sin(origin), math.cos(origin)
    strength = MICROGRAMS / state[WIND_S]
    for r in range(len(receptors)):
        dx, dy, z = receptors[r, 0] - source[EAST], receptors[r, 1] - source[NORTH], receptors[r, 2]
        x, y = -(dx * sine + dy * cosine) - wake.ahead, dx * cosine - dy * sine - wake.aside
        if x <= 0.0 or dx * dx + dy * dy < NEAREST * NEAREST:
            continue
        weight = weight_of_wake(x, y, z, length, wake)
        if weight == 0.0:
            continue
        place = whereabouts(x, y, z, wake)
        if place == OUTSIDE and x + wake.ahead <= 0.0:
            continue
        if not stable and height_at(x + wake.ahead, path.heights) >= lid:
            continue
        found = strength * near_building(x, y, z, place, captured, path, spreads, site, release)
        out[r] += weight * (found - out[r])


@compiled
def add_wake(
    source: Float, buildings: Float, state: Float, hour: Float, levels: Float, profile: Float, sums: Float,
    receptors: Float, out: Float,
) -> None:  # fmt: skip
    """Change the response of receptors to a stack into that beside its building.

    Parameters
    ----------
    source, state, hour, levels, profile, sums : ndarray
        As for the plume without a building.
    buildings : ndarray, shape (36, 5)
        Height, width, length, along, aside as winds towards 10, 20 ... 360 degrees see them. [m]
    receptors : ndarray, shape (receptors, 3)
        East, north, height. [m]
    out : ndarray, shape (receptors,)
        In: without a building. Out: with it (eq. 89). [ug/m3 per g/s]
    """
    release = source[HEIGHT]
    building = buildings[sector_of(release, levels, profile)]
    if building[0] <= 1e-5 or building[1] <= 1e-5 or (hour[STABLE] == 0.0 and release > hour[LID]):
        return
    site = site_of(wake_of(building), hour, levels, profile, sums)
    air = state[THETA_S] - ADIABATIC * (release + hour[BASE])
    heat = source[EXIT_TEMPERATURE]
    heat = air - heat if heat < 0.0 else max(heat, air)
    path = rise_near_building(source, heat, state, site)
    depth_end, width_end = stirring_ends(site)
    if path.enter < max(depth_end, width_end):
        blend(source, state, path, site, receptors, out)
