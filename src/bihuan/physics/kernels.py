"""The compiled loops of plume and puff.

Tables come as arguments: a global array would be frozen into the machine code.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled

Float = NDArray[np.float64]
Int = NDArray[np.int64]

GRAVITY = 9.80665
SLOWEST = 0.5
"""Below this a wind has no direction and a Gaussian plume no meaning; dilution goes on at this speed. [m/s]"""
REACH_IN_SIGMAS = 5.0
"""Beyond this many sigmas a Gaussian adds less than 4e-6 of its peak and is left out."""
WELL_MIXED = 1.6
"""Once sigma_z is this many mixing heights the column is uniform (ISC3 volume II, section 1.1.6.1)."""
PATCH_SPLIT = 5
"""A patch is cut into this many squares a side for receptors near it."""
PATCH_NEAR = 6.0
"""Nearer than this many sides a patch is cut; further off one virtual point differs by less than 1 %."""
WIDTH_TO_SIGMA = 12.0**-0.5
"""Standard deviation of a uniform strip of width 1."""

# Columns of a table of sources (`bihuan.physics.source_table`).
EAST, NORTH, HEIGHT, DIAMETER, EXIT_VELOCITY, EXIT_TEMPERATURE, SIDE = range(7)

# Columns of a puff.
P_EAST, P_NORTH, P_MASS, P_SIGMA_Y, P_SIGMA_Z, P_WIDE, P_TRAVEL, P_AGE, P_RELEASE, P_RISE, P_GRADUAL, P_LID = range(12)
PUFF_COLUMNS = 12


@compiled
def sigma_y(curve: Float, x: float) -> float:
    """Lateral spread at distance `x`. [m]"""
    return float(curve[0] * x / math.sqrt(1.0 + curve[1] * x))


@compiled
def sigma_z(curve: Float, x: float) -> float:
    """Vertical spread at distance `x`. [m]"""
    c, d, e = curve[2], curve[3], curve[4]
    if e == 0.0:
        return float(c * x)
    if e == -1.0:
        return float(c * x / (1.0 + d * x))
    root = math.sqrt(1.0 + d * x)
    return float(c * x * root if e > 0.0 else c * x / root)


@compiled
def distance_of_sigma_y(curve: Float, sigma: float) -> float:
    """Distance at which the lateral spread is `sigma`: the virtual source. [m]"""
    k = (sigma / curve[0]) ** 2
    return float(0.5 * (k * curve[1] + math.sqrt(k * k * curve[1] * curve[1] + 4.0 * k)))


@compiled
def distance_of_sigma_z(curve: Float, sigma: float) -> float:
    """Distance at which the vertical spread is `sigma`; very far when the class never gets there. [m]"""
    c, d, e = curve[2], curve[3], curve[4]
    if e == 0.0:
        return float(sigma / c)
    if e == -1.0:
        left = c - d * sigma
        return float(sigma / left) if left > 1e-3 * c else 1e6
    k = (sigma / c) ** 2
    if e < 0.0:
        return float(0.5 * (k * d + math.sqrt(k * k * d * d + 4.0 * k)))
    x = min(math.sqrt(k), (k / d) ** (1.0 / 3.0))
    for _ in range(6):  # Newton from above on x^2 (1 + d x) = k
        x -= (x * x * (1.0 + d * x) - k) / (2.0 * x + 3.0 * d * x * x + 1e-30)
    return float(x)


@compiled
def vertical(z: float, height: float, sigma: float, lid: float) -> float:
    """Share of a column's mass per metre at height `z`, reflected by ground and lid. [1/m]"""
    if height > lid:
        return 0.0
    if sigma > WELL_MIXED * lid:
        return 1.0 / lid
    half = -0.5 / (sigma * sigma)
    total = math.exp(half * (z - height) ** 2) + math.exp(half * (z + height) ** 2)
    if lid < 10.0 * sigma + height:
        for n in range(1, 6):
            far = 2.0 * n * lid
            total += math.exp(half * (z - height - far) ** 2) + math.exp(half * (z + height - far) ** 2)
            total += math.exp(half * (z - height + far) ** 2) + math.exp(half * (z + height + far) ** 2)
    return float(total / (math.sqrt(2.0 * math.pi) * sigma))


@compiled
def stack_rise(row: Float, wind: float, air: float, stability: int) -> tuple[float, float, float]:
    """Return the release height after stack-tip downwash, the final rise, and k of the rise k x^(2/3) on the way.

    Briggs 1969, 1971, 1975 as in EPA-454/B-95-003b (ISC3 volume II), sections 1.1.4.1 to 1.1.4.10;
    k is 0 for a jet without heat, which rises at once.
    """
    velocity, diameter, gas = row[EXIT_VELOCITY], row[DIAMETER], row[EXIT_TEMPERATURE]
    release = row[HEIGHT]
    if diameter <= 0.0 or velocity <= 0.0:
        return release, 0.0, 0.0
    if velocity < 1.5 * wind:
        release = max(0.0, release + 2.0 * diameter * (velocity / wind - 1.5))
    momentum = 3.0 * diameter * velocity / wind
    heat = GRAVITY * velocity * diameter * diameter * (gas - air) / (4.0 * gas)
    if stability >= 4:
        s = GRAVITY * (0.020 if stability == 4 else 0.035) / air
        jet = velocity * velocity * diameter * diameter * air / (4.0 * gas)
        momentum = min(momentum, 1.5 * (jet / (wind * math.sqrt(s))) ** (1.0 / 3.0))
        buoyant = 2.6 * (max(heat, 0.0) / (wind * s)) ** (1.0 / 3.0)
    elif heat < 55.0:
        buoyant = 21.425 * max(heat, 0.0) ** 0.75 / wind
    else:
        buoyant = 38.71 * heat**0.6 / wind
    if heat <= 0.0 or momentum >= buoyant:
        return release, momentum, 0.0
    return release, buoyant, 1.6 * heat ** (1.0 / 3.0) / wind


@compiled
def height_at(release: float, rise: float, gradual: float, x: float) -> float:
    """Height of the plume's axis after a way of `x`. [m]"""
    if gradual <= 0.0:
        return release + rise
    return release + min(rise, float(gradual * x ** (2.0 / 3.0)))


@compiled
def point_plume(
    x: float,
    y: float,
    z: float,
    curve: Float,
    wind: float,
    lid: float,
    rise: tuple[float, float, float],
    first: tuple[float, float],
    calm: bool,
) -> float:
    """Concentration of 1 g/s at a receptor `x` downwind and `y` aside. [g/m3]

    `first` is the spread of the source itself: lateral sigma, added as variances add, and the virtual
    distance of its vertical sigma. In a calm the plume has no direction: its mass is spread evenly over
    the circle through the receptor.
    """
    if calm:
        x, y = math.hypot(x, y), 0.0
    if x <= 0.0:
        return 0.0
    lateral = math.sqrt(sigma_y(curve, x) ** 2 + first[0] ** 2)
    if abs(y) > REACH_IN_SIGMAS * (lateral + rise[1] / 3.5):
        return 0.0
    height = height_at(rise[0], rise[1], rise[2], x)
    own = (height - rise[0]) / 3.5  # a rising plume widens by its own turbulence (Pasquill 1976; ISC3 1.1.5.3)
    lateral = math.sqrt(lateral * lateral + own * own)
    spread = sigma_z(curve, x + first[1])
    spread = max(math.sqrt(spread * spread + own * own), 0.1)
    if calm:
        across = 1.0 / (2.0 * math.pi * max(x, lateral))
    elif abs(y) > REACH_IN_SIGMAS * lateral:
        return 0.0
    else:
        across = math.exp(-0.5 * (y / lateral) ** 2) / (math.sqrt(2.0 * math.pi) * lateral)
    return across * vertical(z, height, spread, lid) / wind


@compiled
def patch_plume(
    east: float,
    north: float,
    z: float,
    row: Float,
    axis: tuple[float, float],
    curve: Float,
    wind: float,
    lid: float,
    calm: bool,
) -> float:
    """Concentration of 1 g/s spread over a square patch; `east`, `north` from its centre. [g/m3]"""
    side = row[SIDE]
    near = max(abs(east), abs(north)) < PATCH_NEAR * side
    parts = PATCH_SPLIT if near else 1
    piece = side / parts
    first = (piece * WIDTH_TO_SIGMA, distance_of_sigma_z(curve, max(row[HEIGHT], 0.5) / 2.15))
    rise = (row[HEIGHT], 0.0, 0.0)
    total = 0.0
    for i in range(parts):
        for j in range(parts):
            de = east - (i + 0.5) * piece + 0.5 * side
            dn = north - (j + 0.5) * piece + 0.5 * side
            x = de * axis[0] + dn * axis[1]
            y = dn * axis[0] - de * axis[1]
            total += point_plume(x, y, z, curve, wind, lid, rise, first, calm)
    return total / (parts * parts)


@compiled
def plume_responses(
    sources: Float,
    east: Float,
    north: Float,
    z: float,
    speed: Float,
    wind_from: Float,
    stability: Int,
    air: Float,
    mixing: Float,
    anemometer: float,
    curves: Float,
    exponents: Float,
) -> Float:
    """Unit responses of all sources at all receptors. [ug/m3 per g/s], shape (periods, receptors, sources)"""
    out = np.zeros((speed.size, east.size, sources.shape[0]))
    for p in range(speed.size):
        calm = speed[p] < SLOWEST
        if math.isnan(speed[p]) or (math.isnan(wind_from[p]) and not calm):
            out[p] = np.nan
            continue
        cls = stability[p]
        curve = curves[cls]
        lid = mixing[p] if cls < 4 and mixing[p] > 0.0 else np.inf
        towards = 0.0 if calm else math.radians(wind_from[p] + 180.0)
        axis = (math.sin(towards), math.cos(towards))
        for s in range(sources.shape[0]):
            row = sources[s]
            wind = max(speed[p], SLOWEST) * (max(row[HEIGHT], anemometer) / anemometer) ** exponents[cls]
            rise = stack_rise(row, wind, air[p], cls)
            for r in range(east.size):
                de, dn = east[r] - row[EAST], north[r] - row[NORTH]
                x, y = de * axis[0] + dn * axis[1], dn * axis[0] - de * axis[1]
                if row[SIDE] > 0.0:
                    if x < -row[SIDE] and not calm:
                        continue
                    value = patch_plume(de, dn, z, row, axis, curve, wind, lid, calm)
                else:
                    value = point_plume(x, y, z, curve, wind, lid, rise, (0.0, 0.0), calm)
                out[p, r, s] = 1e6 * value
    return out


@compiled
def wind_at(east: float, north: float, places: Float, u: Float, v: Float) -> tuple[float, float]:
    """Wind between places (rows east, north) by inverse squared distance. [m/s towards east, towards north]"""
    total, sum_u, sum_v = 0.0, 0.0, 0.0
    for k in range(u.size):
        # 100 m^2 keeps the weight finite on top of a place.
        weight = 1.0 / ((east - places[0, k]) ** 2 + (north - places[1, k]) ** 2 + 100.0)
        total += weight
        sum_u += weight * u[k]
        sum_v += weight * v[k]
    return sum_u / total, sum_v / total


@compiled
def new_puff(puff: Float, row: Float, mass: float, wind: float, air: float, stability: int) -> None:
    """Fill one row of puffs with a fresh one at the source."""
    puff[P_EAST], puff[P_NORTH], puff[P_MASS] = row[EAST], row[NORTH], mass
    puff[P_TRAVEL], puff[P_AGE], puff[P_LID] = 0.0, 0.0, 0.0
    puff[P_SIGMA_Y], puff[P_SIGMA_Z], puff[P_WIDE] = 0.0, 0.0, row[SIDE] * WIDTH_TO_SIGMA
    if row[SIDE] > 0.0:
        puff[P_SIGMA_Z] = max(row[HEIGHT], 0.5) / 2.15
        puff[P_RELEASE], puff[P_RISE], puff[P_GRADUAL] = row[HEIGHT], 0.0, 0.0
    else:
        puff[P_RELEASE], puff[P_RISE], puff[P_GRADUAL] = stack_rise(row, wind, air, stability)


@compiled
def dose(
    puff: Float, a: float, b: float, z: float, way: float, pace: float, dt: float, curve: Float, x_y: float, x_z: float
) -> float:
    """Concentration times time that one puff leaves at a receptor during one straight step. [g s/m3]

    The receptor lies `a` along and `b` aside of the step's start. The passing of the Gaussian along its way
    is integrated exactly; its size is that at the point of the way nearest to the receptor, so that a
    train of puffs adds up to the plume however long the steps are.
    """
    along = min(max(a, 0.0), way)
    grown = along / way * pace if way > 0.0 else 0.5 * pace
    height = height_at(puff[P_RELEASE], puff[P_RISE], puff[P_GRADUAL], puff[P_TRAVEL] + grown)
    own = (height - puff[P_RELEASE]) / 3.5
    sy = sigma_y(curve, x_y + grown)
    sy = max(math.sqrt(sy * sy + own * own + puff[P_WIDE] ** 2), 0.1)
    if abs(b) > REACH_IN_SIGMAS * sy or a < -REACH_IN_SIGMAS * sy or a > way + REACH_IN_SIGMAS * sy:
        return 0.0
    sz = sigma_z(curve, x_z + grown)
    sz = max(math.sqrt(sz * sz + own * own), 0.1)
    scale = 1.0 / (math.sqrt(2.0) * sy)
    if way > 0.01 * sy:
        passing = 0.5 * (math.erf(a * scale) - math.erf((a - way) * scale)) * dt / way
    else:
        passing = math.exp(-((a * scale) ** 2)) / (math.sqrt(2.0 * math.pi) * sy) * dt
    across = math.exp(-((b * scale) ** 2)) / (math.sqrt(2.0 * math.pi) * sy)
    return float(puff[P_MASS] * passing * across * vertical(z, height, sz, puff[P_LID]))


@compiled
def step_puff(
    puff: Float,
    receptors: Float,
    z: float,
    u: float,
    v: float,
    dt: float,
    curve: Float,
    lid: float,
    out: Float,
) -> None:
    """Move one puff by one step, add what it leaves at the receptors (rows east, north) to `out`, and let it grow."""
    speed = math.hypot(u, v)
    way, pace = speed * dt, max(speed, SLOWEST) * dt
    axis_e, axis_n = (u / speed, v / speed) if speed > 0.0 else (0.0, 1.0)
    x_y = distance_of_sigma_y(curve, puff[P_SIGMA_Y])
    x_z = distance_of_sigma_z(curve, puff[P_SIGMA_Z])
    puff[P_LID] = max(puff[P_LID], lid)  # what was mixed high by day stays there when the lid sinks
    sy, sz = sigma_y(curve, x_y + pace), sigma_z(curve, x_z + pace)
    far = REACH_IN_SIGMAS * (sy + puff[P_RISE] / 3.5 + puff[P_WIDE])
    for r in range(receptors.shape[1]):
        de, dn = receptors[0, r] - puff[P_EAST], receptors[1, r] - puff[P_NORTH]
        a, b = de * axis_e + dn * axis_n, dn * axis_e - de * axis_n
        if abs(b) < far and -far < a < way + far:
            out[r] += dose(puff, a, b, z, way, pace, dt, curve, x_y, x_z)
    puff[P_EAST] += u * dt
    puff[P_NORTH] += v * dt
    puff[P_SIGMA_Y], puff[P_SIGMA_Z] = max(sy, puff[P_SIGMA_Y]), max(sz, puff[P_SIGMA_Z])
    puff[P_TRAVEL] += pace
    puff[P_AGE] += dt


@compiled
def with_room(puffs: Float, alive: int) -> Float:
    """Return the table of puffs, twice as long when it is full."""
    return puffs if alive < puffs.shape[0] else np.concatenate((puffs, np.zeros_like(puffs)))


@compiled
def puff_source(
    row: Float,
    rates: Float,
    clock: tuple[Int, Float, Int],
    receptors: Float,
    z: float,
    places: Float,
    wind: tuple[Float, Float],
    sky: tuple[Int, Float, Float],
    anemometer: float,
    curves: Float,
    exponents: Float,
    limits: tuple[float, float],
) -> Float:
    """Concentrations of one source through all periods. [ug/m3], shape (periods, receptors)

    `clock` holds the steps of each period, their length [s] and the row of the wind of every step; `sky` the
    class, the temperature and the mixing height of a row; `limits` the reach [m] and the age [s] of a puff.
    """
    steps, dt, wind_row = clock
    out = np.zeros((rates.size, receptors.shape[1]))
    puffs, alive, at = np.zeros((256, PUFF_COLUMNS)), 0, 0
    for p in range(rates.size):
        for _ in range(steps[p]):
            w = wind_row[at]
            at += 1
            u, v, cls, curve = wind[0][w], wind[1][w], sky[0][w], curves[sky[0][w]]
            lid = sky[2][w] if cls < 4 and sky[2][w] > 0.0 else np.inf
            factor = (max(row[HEIGHT], anemometer) / anemometer) ** exponents[cls]
            if rates[p] > 0.0:
                puffs = with_room(puffs, alive)
                here = wind_at(row[EAST], row[NORTH], places, u, v)
                speed = max(math.hypot(here[0], here[1]), SLOWEST) * factor
                new_puff(puffs[alive], row, rates[p] * dt[p], speed, sky[1][w], cls)
                alive += 1
            k = 0
            while k < alive:
                puff = puffs[k]
                here = wind_at(puff[P_EAST], puff[P_NORTH], places, u, v)
                step_puff(puff, receptors, z, here[0] * factor, here[1] * factor, dt[p], curve, lid, out[p])
                if puff[P_TRAVEL] > limits[0] or puff[P_AGE] > limits[1]:
                    alive -= 1
                    puffs[k] = puffs[alive]
                else:
                    k += 1
        out[p] *= 1e6 / (steps[p] * dt[p])
    return out
