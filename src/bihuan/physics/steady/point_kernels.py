"""Compiled loops of a point source: its state in an hour, and its plume along the wind axis.

Equation numbers are those of the formulation document, EPA-454/B-24-010. For one hour and one source everything
but the crosswind term depends only on the distance and the height of the receptor, so it is tabled on an axis of
distances (`fill_axis`) and receptors look it up (`field_kernels`).

One file of its own, because numba's cache on disk watches only the file of the function it compiled.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.kernels import compiled
from bihuan.physics.steady.profile_kernels import (
    ADIABATIC,
    BASE,
    CONVECTIVE,
    DIRECTION,
    FRICTION,
    GRADIENT,
    GRADIENT_ABOVE,
    GRAVITY,
    LID,
    MEAN_SIGMA_W,
    MEAN_WIND,
    MECHANICAL_LID,
    OBUKHOV,
    SIGMA_V,
    SIGMA_W,
    STABLE,
    THETA,
    THETA_AT_LID,
    WIND,
)

Float = NDArray[np.float64]

LEAST_SIGMA_V = 0.2
"""[m/s] (section 4.1.6.1)"""
LEAST_INTENSITY = 0.05
"""Least sigma-v over wind speed (as in the source)."""
LEAST_SIGMA_W = 0.02
"""[m/s] (as in the source)"""
LEAST_WIND = 0.2828
"""Of effective winds, the root of twice `LEAST_SIGMA_V` squared. [m/s] (as in the source)"""
HALF_DEPTH = 2.15
"""Half depth of a plume in sigma-z (eq. 43)."""
ENTRAINMENT = 0.6
"""beta-1 (eq. 91)"""
LOFTING_WIDTH = 0.4
"""beta-2 (eq. 93)"""
INDUCED = 0.4
"""Of the rise becomes buoyancy-induced spread, times the root of 2 (eq. 88)."""
FEWEST_FLUX = 1e-10
"""Least buoyancy [m4/s3] and momentum [m4/s2] flux, so that no stack is without both (as in the source)."""
MEMORY = 86400.0
"""Time after which the wind at the source says nothing of the plume, T_r. [s] (eq. 73)"""
UNIFORM = 1e6
"""Grams to micrograms."""
NOTHING = -700.0
"""Logarithm of a concentration that is none."""

# Columns of a table of point sources.
EAST, NORTH, HEIGHT, DIAMETER, EXIT_VELOCITY, EXIT_TEMPERATURE, KIND = range(7)
SOURCE_COLUMNS = 7
UPRIGHT, CAPPED, HORIZONTAL, NO_DOWNWASH = 0.0, 1.0, 2.0, 3.0

# What is known of a source in an hour.
(WIND_S, SIGMA_V_S, SIGMA_W_S, GRADIENT_S, THETA_S, BUOYANCY, MOMENTUM, STACK, FINAL_X, FINAL_RISE, ESCAPED) = range(11)
(ESCAPED_HEIGHT, STEADY_X, STEADY_RISE, MIXED_X, FROM, GAUSSIAN) = range(11, 17)
STATE_COLUMNS = 17

# Columns of a table along the axis.
DIRECT, DIRECT_WIDTH, PENETRATED, PENETRATED_WIDTH, SPREAD_OUT, RANDOM = range(6)
AXIS_COLUMNS = 6


@compiled
def cell_of(z: float, levels: Float) -> int:
    """Place of the level at or below `z`."""
    return min(max(int(np.searchsorted(levels, z, "right")) - 1, 0), len(levels) - 2)


@compiled
def between(k: int, z: float, levels: Float, values: Float) -> float:
    """Linear interpolation in cell `k`."""
    return values[k] + (z - levels[k]) / (levels[k + 1] - levels[k]) * (values[k + 1] - values[k])


@compiled
def layer_mean(low: float, high: float, k_low: int, k_high: int, levels: Float, values: Float, sums: Float) -> float:
    """Mean of a piecewise linear profile between two heights (eq. 42); `sums` is its integral up to each level."""
    if high - low < 1e-6:
        return between(k_low, low, levels, values)
    top = sums[k_high] + 0.5 * (high - levels[k_high]) * (values[k_high] + between(k_high, high, levels, values))
    foot = sums[k_low] + 0.5 * (low - levels[k_low]) * (values[k_low] + between(k_low, low, levels, values))
    return (top - foot) / (high - low)


@compiled
def held(wind: float, sigma_v: float, sigma_w: float) -> tuple[float, float, float]:
    """Effective parameters with their least values."""
    return max(wind, LEAST_WIND), max(sigma_v, LEAST_SIGMA_V, LEAST_INTENSITY * wind), max(sigma_w, LEAST_SIGMA_W)


@compiled
def free_rise(x: float, buoyancy: float, momentum: float, wind: float) -> float:
    """Rise where nothing stable limits it, momentum and buoyancy. [m] (eq. 91)"""
    b2, u2 = ENTRAINMENT * ENTRAINMENT, wind * wind
    return (3.0 * momentum * x / (b2 * u2) + 1.5 * buoyancy * x * x / (b2 * u2 * wind)) ** (1.0 / 3.0)


@compiled
def distance_of_free_rise(buoyancy: float) -> float:
    """[m] (eq. 44)"""
    return 119.0 * buoyancy**0.4 if buoyancy >= 55.0 else 49.0 * buoyancy**0.625


@compiled
def neutral_rise(buoyancy: float, wind: float, friction: float, stack: float) -> float:
    """Rise that turbulence allows. [m] (eq. 98)"""
    length = buoyancy / (wind * friction * friction)
    return 1.2 * length**0.6 * (stack + 1.2 * length) ** 0.4


@compiled
def frequency(gradient: float, theta: float) -> float:
    """Brunt-Vaisala frequency. [1/s] (eq. 58)"""
    return max(math.sqrt(GRAVITY * max(gradient, 0.0) / theta), 1e-10)


@compiled
def final_stable_rise(state: Float, wind: float, n: float, friction: float) -> tuple[float, float]:
    """Distance and height at which a plume in stable air ends to rise. [m] (eqs. 96-99)"""
    fb, fm = state[BUOYANCY], state[MOMENTUM]
    reached = wind * math.atan2(fm * 0.7 * n, -fb) / (0.7 * n)
    rise = min(
        2.66 * (fb / (n * n * wind)) ** (1.0 / 3.0),
        neutral_rise(fb, wind, friction, state[STACK]),
        free_rise(distance_of_free_rise(fb), fb, fm, wind),
        4.0 * fb**0.25 / (n * n) ** 0.375,
    )
    return reached, rise


@compiled
def mid_plume(state: Float, rise: float, levels: Float, profile: Float) -> tuple[float, float]:
    """Wind and frequency between stack top and half the rise (section 5.6.2)."""
    z = state[STACK] + 0.5 * rise
    k = cell_of(z, levels)
    wind = max(between(k, z, levels, profile[WIND]), LEAST_WIND)
    gradient = 0.5 * (state[GRADIENT_S] + between(k, z, levels, profile[GRADIENT]))
    theta = 0.5 * (state[THETA_S] + between(k, z, levels, profile[THETA]))
    return 0.5 * (state[WIND_S] + wind), frequency(gradient, theta)


@compiled
def rise_in_stable(x: float, state: Float, friction: float, levels: Float, profile: Float) -> float:
    """Rise of a plume in stable air at a distance. [m] (eq. 95 and section 5.6.2)"""
    fb, fm, final = state[BUOYANCY], state[MOMENTUM], state[FINAL_RISE]
    if x >= state[FINAL_X]:
        return final
    wind, n = state[WIND_S], frequency(state[GRADIENT_S], state[THETA_S])
    rise, before = 0.0, 0.0
    for turn in range(11):  # five to ten rounds with the mean of stack and mid plume (as in the source)
        if turn > 0:
            before = rise
            wind, n = mid_plume(state, rise, levels, profile)
        n1 = 0.7 * n
        angle = n1 * min(x, wind * math.atan2(fm * n1, -fb) / n1) / wind
        push = n1 * fm / fb * math.sin(angle)
        term = push + 1.0 - math.cos(angle)
        rise = 2.66 * (fb / (n * n * wind) * (term if term > 0.0 else push)) ** (1.0 / 3.0)
        rise = min(rise, final, neutral_rise(fb, wind, friction, state[STACK]))
        if turn >= 5 and abs(before - rise) < 1e-3 * rise:
            break
        if turn == 10:
            rise = 0.5 * (rise + before)
    return min(rise, free_rise(x, fb, fm, state[WIND_S]), final)


@compiled
def fill_state(source: Float, hour: Float, levels: Float, profile: Float, state: Float) -> None:
    """What does not depend on distance: fluxes, final rise, share that escapes through the lid."""
    height, lid = source[HEIGHT], hour[LID]
    k = cell_of(height, levels)
    state[WIND_S], state[SIGMA_V_S], state[SIGMA_W_S] = held(
        between(k, height, levels, profile[WIND]),
        between(k, height, levels, profile[SIGMA_V]),
        between(k, height, levels, profile[SIGMA_W]),
    )
    state[GRADIENT_S] = between(k, height, levels, profile[GRADIENT])
    state[THETA_S] = between(k, height, levels, profile[THETA])
    state[GAUSSIAN] = 1.0 if hour[STABLE] != 0.0 or height >= lid else 0.0
    fill_fluxes(source, state[THETA_S] - ADIABATIC * (height + hour[BASE]), state)
    wind = state[WIND_S]
    state[ESCAPED] = 0.0
    if state[GAUSSIAN] != 0.0:
        reached, rise = settled_rise(state, hour[FRICTION], levels, profile)
        state[FINAL_X], state[FINAL_RISE] = reached, rise
    else:
        state[FINAL_X] = distance_of_free_rise(state[BUOYANCY])
        state[FINAL_RISE] = free_rise(state[FINAL_X], state[BUOYANCY], state[MOMENTUM], wind)
        fill_escape(hour, state)
    state[STEADY_X], state[STEADY_RISE] = state[FINAL_X], state[FINAL_RISE]
    state[MIXED_X] = lid * hour[MEAN_WIND] / hour[MEAN_SIGMA_W]  # eq. 46
    if state[GAUSSIAN] == 0.0 and state[MIXED_X] < 1.25 * state[FINAL_X]:  # well mixed before it ends to rise
        state[STEADY_X] = 0.8 * state[MIXED_X]
        state[STEADY_RISE] = free_rise(state[STEADY_X], state[BUOYANCY], state[MOMENTUM], wind)
    middle = min(4000.0, height + 0.5 * state[FINAL_RISE])
    state[FROM] = between(cell_of(middle, levels), middle, levels, profile[DIRECTION])


@compiled
def fill_fluxes(source: Float, air: float, state: Float) -> None:
    """Fluxes (eqs. 57 and 91) and the height of the stack after stack-tip downwash."""
    d, v, t = source[DIAMETER], source[EXIT_VELOCITY], source[EXIT_TEMPERATURE]
    t = air - t if t < 0.0 else max(t, air)  # a negative temperature is an excess over the air
    state[BUOYANCY] = max(0.25 * v * d * d * GRAVITY * (t - air) / t, FEWEST_FLUX)
    upward = v if source[KIND] in (UPRIGHT, NO_DOWNWASH) else 0.001  # a cap or bend takes the upward momentum
    state[MOMENTUM] = max(0.25 * v * d * d * upward * air / t, FEWEST_FLUX)
    state[STACK] = source[HEIGHT]
    if source[KIND] in (UPRIGHT, CAPPED) and upward < 1.5 * state[WIND_S]:
        state[STACK] = max(source[HEIGHT] - 2.0 * d * (1.5 - upward / state[WIND_S]), 0.0)


@compiled
def settled_rise(state: Float, friction: float, levels: Float, profile: Float) -> tuple[float, float]:
    """Final rise in stable air, repeated with mid-plume winds until it changes by less than 1 %. [m]"""
    n = frequency(state[GRADIENT_S], state[THETA_S])
    reached, rise = final_stable_rise(state, state[WIND_S], n, friction)
    for turn in range(5):
        before = rise
        wind, n = mid_plume(state, before, levels, profile)
        reached, rise = final_stable_rise(state, wind, n, friction)
        if abs(before - rise) < 0.01 * rise:
            break
        if turn == 4:
            rise = 0.5 * (rise + before)
    return reached, rise


@compiled
def fill_escape(hour: Float, state: Float) -> None:
    """Share of the plume that penetrates the lid, and its height (eqs. 55, 56 and 94)."""
    room = hour[LID] - state[STACK]
    n2 = GRAVITY / hour[THETA_AT_LID] * hour[GRADIENT_ABOVE]
    penetration = state[BUOYANCY] / (state[WIND_S] * n2 * room**3)
    ratio = (17.576 * penetration + 8.0 / 27.0) ** (1.0 / 3.0)  # equilibrium rise over room; 2.6 cubed is 17.576
    if ratio < 2.0 / 3.0:
        state[ESCAPED] = 0.0
    elif ratio > 2.0:
        state[ESCAPED] = 1.0
    else:
        state[ESCAPED] = 1.5 - 1.0 / ratio
    whole = state[ESCAPED] == 1.0
    state[ESCAPED_HEIGHT] = state[STACK] + (ratio * room if whole else (0.75 * ratio + 0.5) * room)


@compiled
def reflected(z: float, height: float, sigma: float, lid: float) -> float:
    """Vertical distribution between the ground and a lid; none when the lid is not above `z`. [1/m] (eq. 67)"""
    inverse = -0.5 / (sigma * sigma)
    total = math.exp(inverse * (z - height) ** 2) + math.exp(inverse * (z + height) ** 2)
    if z <= lid:
        for image in range(1, 101):
            shift = 2.0 * image * lid
            term = (
                math.exp(inverse * (z - shift + height) ** 2)
                + math.exp(inverse * (z + shift - height) ** 2)
                + math.exp(inverse * (z - shift - height) ** 2)
                + math.exp(inverse * (z + shift + height) ** 2)
            )
            total += term
            if term <= 1e-6 * total:
                break
    return total / (math.sqrt(2.0 * math.pi) * sigma)


@compiled
def half_reflected(z: float, height: float, sigma: float, lid: float, indirect: bool) -> float:
    """One of the two Gaussians of the direct or the indirect plume in convective air (eqs. 59 and 65). [1/m]"""
    inverse = -0.5 / (sigma * sigma)
    total = 0.0
    for image in range(1 if indirect else 0, 1000):
        centre = height - 2.0 * image * lid if indirect else height + 2.0 * image * lid
        term = math.exp(inverse * (z - centre) ** 2) + math.exp(inverse * (z + centre) ** 2)
        total += term
        leaving = centre <= 0.0 if indirect else centre >= 0.0
        if leaving and term <= 5e-7 * total:
            break
    return total / (math.sqrt(2.0 * math.pi) * sigma)


@compiled
def weight_of_random(r: float, wind: float, sigma_v: float) -> float:
    """Share of the random plume in the total (eqs. 71-73)."""
    mean = math.sqrt(max(wind * wind - 2.0 * sigma_v * sigma_v, 0.01))
    random = 2.0 * sigma_v * sigma_v + mean * mean * (1.0 - math.exp(-r / wind / MEMORY))
    return min(random / (wind * wind), 1.0)


@compiled
def width(x: float, wind: float, sigma_v: float, release: float, lid: float) -> float:
    """Lateral spread of a plume in stable air by turbulence. [m] (eqs. 77 and 78)

    The lateral time scale is z_im / (156 sigma-v) max(release, 0.46 m) / 0.46 m, which is eq. 78 rewritten.
    """
    scale = lid / (156.0 * sigma_v) * max(release, 0.46) / 0.46
    return max(LEAST_INTENSITY, sigma_v / wind) * x / (1.0 + x / (2.0 * wind * scale)) ** 0.3


@compiled
def depth_aloft(time: float, sigma_w: float, release: float, n: float) -> float:
    """Elevated part of the vertical spread in stable air. [m] (eq. 83)"""
    path = sigma_w * time
    return path / math.sqrt(1.0 + path * (1.0 / (0.72 * release) + n / (0.54 * sigma_w)))


@compiled
def depth_at_ground(x: float, wind: float, friction: float, obukhov: float) -> float:
    """Surface part of the vertical spread in stable air. [m] (eq. 84)"""
    return math.sqrt(2.0 / math.pi) * friction * x / wind * (1.0 + 0.7 * x / obukhov) ** (-1.0 / 3.0)


@compiled
def depth_in_stable(
    x: float, wind: float, sigma_w: float, gradient: float, theta: float, stack: float, height: float, hour: Float
) -> float:
    """Vertical spread by turbulence in stable air, or above the lid in convective air. [m] (eq. 79)"""
    lid = hour[LID]
    aloft = depth_aloft(x / wind, sigma_w, max(stack, height, 1e-4), frequency(gradient, theta))
    if height >= lid:
        return aloft
    ground = depth_at_ground(x, wind, hour[FRICTION], hour[OBUKHOV]) if hour[STABLE] != 0.0 else 0.0
    share = height / lid
    return (1.0 - share) * ground + share * aloft


@compiled
def effective_lid(
    x: float, height: float, induced: float, stack: float, hour: Float, levels: Float, profile: Float
) -> float:
    """Height at which a plume in or above stable air is reflected. [m] (eq. 68)"""
    k = cell_of(height, levels)
    wind, _, sigma_w = held(
        between(k, height, levels, profile[WIND]), LEAST_SIGMA_V, between(k, height, levels, profile[SIGMA_W])
    )
    gradient = between(k, height, levels, profile[GRADIENT])
    theta = between(k, height, levels, profile[THETA])
    own = depth_in_stable(x, wind, sigma_w, gradient, theta, stack, height, hour)
    return max(hour[LID], height + HALF_DEPTH * math.sqrt(induced * induced + own * own))


@compiled
def layer_of(centre: float, sigma: float, z: float, lid: float, shallow: bool) -> tuple[float, float]:
    """Bottom and top of the layer whose means carry the plume to the receptor (eq. 43)."""
    if shallow and centre <= 5.0 and z <= 5.0:  # near the ground the lowest 5 m (as in the source)
        low, high = 0.0, min(5.0, lid)
    elif centre > z:
        low, high = max(centre - HALF_DEPTH * sigma, z), centre
    else:
        low, high = centre, min(centre + HALF_DEPTH * sigma, z)
    return max(low, 0.5), max(high, 0.51)


@compiled
def means_of(low: float, high: float, levels: Float, profile: Float, sums: Float) -> tuple[float, float, float]:
    """Effective wind, sigma-v and sigma-w of a layer, with their least values."""
    a, b = cell_of(low, levels), cell_of(high, levels)
    return held(
        layer_mean(low, high, a, b, levels, profile[WIND], sums[WIND]),
        layer_mean(low, high, a, b, levels, profile[SIGMA_V], sums[SIGMA_V]),
        layer_mean(low, high, a, b, levels, profile[SIGMA_W], sums[SIGMA_W]),
    )


@compiled
def values_at(z: float, levels: Float, profile: Float) -> tuple[float, float, float]:
    """Wind, sigma-v and sigma-w at a height, with their least values."""
    k = cell_of(z, levels)
    return held(
        between(k, z, levels, profile[WIND]),
        between(k, z, levels, profile[SIGMA_V]),
        between(k, z, levels, profile[SIGMA_W]),
    )


@compiled
def fill_stable(
    x: float,
    z: float,
    release: float,
    state: Float,
    hour: Float,
    levels: Float,
    profile: Float,
    sums: Float,
    row: Float,
) -> None:
    """One distance of a plume in stable air, or of one released above the lid (section 5.3)."""
    rise = rise_in_stable(x, state, hour[FRICTION], levels, profile)
    height = max(state[STACK] + rise, 0.0)
    induced = INDUCED * rise / math.sqrt(2.0)
    k = cell_of(height, levels)
    wind, _, sigma_w = values_at(height, levels, profile)
    gradient, theta = between(k, height, levels, profile[GRADIENT]), between(k, height, levels, profile[THETA])
    own = depth_in_stable(x, wind, sigma_w, gradient, theta, release, height, hour)
    low, high = layer_of(height, math.sqrt(induced * induced + own * own), z, hour[LID], True)
    wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
    a, b = cell_of(low, levels), cell_of(high, levels)
    gradient = layer_mean(low, high, a, b, levels, profile[GRADIENT], sums[GRADIENT])
    own = depth_in_stable(x, wind, sigma_w, gradient, theta, release, height, hour)
    sigma_z = math.sqrt(induced * induced + own * own)
    sigma_y = math.hypot(induced, width(x, wind, sigma_v, height, hour[MECHANICAL_LID]))
    lid = effective_lid(x, height, induced, release, hour, levels, profile)
    row[DIRECT] = reflected(z, height, sigma_z, lid) / wind
    row[DIRECT_WIDTH] = sigma_y
    row[PENETRATED], row[PENETRATED_WIDTH] = 0.0, 1.0
    row[RANDOM] = weight_of_random(x, wind, sigma_v)


@compiled
def up_and_down(sigma_w: float, centre: float, hour: Float) -> tuple[float, float]:
    """Mean speeds of updraft and downdraft over w* (eqs. 62-64)."""
    skewness = 0.125 * min(10.0 * centre / hour[LID], 1.0) * hour[CONVECTIVE] ** 3 / sigma_w**3
    alpha, beta = 5.0 / 13.0, 5.0  # R = 2
    root = math.sqrt((alpha * skewness) ** 2 + 4.0 / beta)
    ratio = 0.5 * sigma_w / hour[CONVECTIVE]
    return ratio * (alpha * skewness + root), ratio * (alpha * skewness - root)


@compiled
def centre_of_mass(x: float, rise: float, state: Float, lid: float) -> float:
    """Height around which the plume is in convective air, H_p. [m] (section 4.2, eq. 47)"""
    if x < state[STEADY_X]:
        return min(state[STACK] + rise, lid)
    if x >= state[MIXED_X]:
        return 0.5 * lid
    begin = min(state[STACK] + state[STEADY_RISE], lid)
    return begin + (x - state[STEADY_X]) / (state[MIXED_X] - state[STEADY_X]) * (0.5 * lid - begin)


@compiled
def depths_in_convective(
    x: float, wind: float, up: float, down: float, centre: float, induced: float, hour: Float
) -> tuple[float, float]:
    """Vertical spreads of the updraft and the downdraft part. [m] (eqs. 85-87)"""
    share = 10.0 * centre / hour[LID]
    ground, alpha = 0.0, 1.0
    if share < 1.0:
        ground = 0.5 * (1.0 - share) * (hour[FRICTION] / wind) ** 2 * x * x / abs(hour[OBUKHOV])
        alpha = 0.6 + 0.4 * share
    reach = alpha * 2.0 * hour[CONVECTIVE] * x / wind
    rest = ground * ground + induced * induced
    return math.sqrt((reach * up) ** 2 + rest), math.sqrt((reach * down) ** 2 + rest)


@compiled
def fill_convective(
    x: float,
    z: float,
    release: float,
    state: Float,
    hour: Float,
    levels: Float,
    profile: Float,
    sums: Float,
    row: Float,
) -> None:
    """One distance of a plume in convective air: direct, indirect and penetrated parts (section 5.2)."""
    lid = hour[LID]
    escaped = state[ESCAPED]
    row[DIRECT], row[DIRECT_WIDTH], row[RANDOM] = 0.0, 1.0, 0.0
    row[PENETRATED], row[PENETRATED_WIDTH] = 0.0, 1.0
    if escaped < 1.0:
        rise = free_rise(x, state[BUOYANCY], state[MOMENTUM], state[WIND_S])
        centre = centre_of_mass(x, rise, state, lid)
        induced = INDUCED * rise / math.sqrt(2.0)
        up, down = up_and_down(state[SIGMA_W_S], centre, hour)
        wind, sigma_v, sigma_w = values_at(centre, levels, profile)
        above, below = depths_in_convective(x, wind, up, down, centre, induced, hour)
        low, high = layer_of(centre, 0.5 * (above + below), z, lid, True)
        high = min(high, lid)
        if high > low:
            wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
        else:
            wind, sigma_v, sigma_w = values_at(lid, levels, profile)
        up, down = up_and_down(sigma_w, centre, hour)
        above, below = depths_in_convective(x, wind, up, down, centre, induced, hour)
        if z <= lid:
            drift = hour[CONVECTIVE] * x / wind
            weight = down / (down - up)  # of the updraft (eq. 61)
            height = state[STACK] + rise
            lofted = height - lofting(x, state, hour)
            row[DIRECT] = (1.0 - escaped) / wind * (
                weight * half_reflected(z, height + up * drift, above, lid, False)
                + (1.0 - weight) * half_reflected(z, height + down * drift, below, lid, False)
                + weight * half_reflected(z, lofted + up * drift, above, lid, True)
                + (1.0 - weight) * half_reflected(z, lofted + down * drift, below, lid, True)
            )  # fmt: skip
        slope = max(78.0 * 0.46 / max(release, 0.46), 0.7)  # alpha of eq. 78, not below 0.7 (as in the source)
        spread = max(LEAST_INTENSITY, sigma_v / wind) * x
        row[DIRECT_WIDTH] = math.hypot(induced, spread / (1.0 + slope * spread / lid) ** 0.3)
        row[RANDOM] = (1.0 - escaped) * weight_of_random(x, wind, sigma_v)
    if escaped > 0.0:
        fill_penetrated(x, z, release, state, hour, levels, profile, sums, row)


@compiled
def lofting(x: float, state: Float, hour: Float) -> float:
    """Height by which the indirect plume lags. [m] (eqs. 92 and 93)"""
    wind = state[WIND_S]
    narrow = LOFTING_WIDTH * (hour[LID] - state[STACK])
    section = narrow * narrow + 0.25 * 0.1 * 2.3**1.5 * hour[CONVECTIVE] ** 2 * x * x / (wind * wind)
    return math.sqrt(2.0 * state[BUOYANCY] * hour[LID] / (1.4 * wind * section)) * x / wind


@compiled
def fill_penetrated(
    x: float,
    z: float,
    release: float,
    state: Float,
    hour: Float,
    levels: Float,
    profile: Float,
    sums: Float,
    row: Float,
) -> None:
    """The part that went through the lid (sections 5.2.3 and 5.5.1.2)."""
    escaped, height = state[ESCAPED], state[ESCAPED_HEIGHT]
    induced = INDUCED * escaped * (height - state[STACK]) / math.sqrt(2.0)
    wind, _, sigma_w = values_at(height, levels, profile)
    own = depth_aloft(x / wind, sigma_w, height, 0.0)
    low, high = layer_of(height, math.hypot(induced, own), z, hour[LID], False)
    wind, sigma_v, sigma_w = means_of(low, high, levels, profile, sums)
    sigma_z = math.hypot(induced, depth_aloft(x / wind, sigma_w, height, 0.0))
    lid = effective_lid(x, height, induced, release, hour, levels, profile)
    row[PENETRATED] = escaped / wind * reflected(z, height, sigma_z, lid)
    row[PENETRATED_WIDTH] = math.hypot(induced, width(x, wind, sigma_v, height, hour[MECHANICAL_LID]))
    row[RANDOM] += escaped * weight_of_random(x, wind, sigma_v)


@compiled
def fill_axis(
    distances: Float, z: float, source: Float, state: Float, hour: Float, levels: Float, profile: Float, sums: Float,
    axis: Float,
) -> None:  # fmt: skip
    """Table a plume along its axis for receptors at height `z`; `axis` has a row a distance.

    Concentrations per unit emission, without the crosswind term, and widths are kept as logarithms; the random
    part is kept as it is added to a receptor: its weight, spread evenly over a circle. [ug/m3 per g/s]
    """
    row = np.empty(AXIS_COLUMNS)
    for k in range(len(distances)):
        x = distances[k]
        if state[GAUSSIAN] != 0.0:
            fill_stable(x, z, source[HEIGHT], state, hour, levels, profile, sums, row)
        else:
            fill_convective(x, z, source[HEIGHT], state, hour, levels, profile, sums, row)
        for part in (DIRECT, PENETRATED):
            axis[k, part] = math.log(UNIFORM * row[part]) if row[part] > 1e-300 else NOTHING
            axis[k, part + 1] = math.log(row[part + 1])
        axis[k, SPREAD_OUT] = UNIFORM * row[RANDOM] * (row[DIRECT] + row[PENETRATED]) / (2.0 * math.pi * x)
        axis[k, RANDOM] = row[RANDOM]
