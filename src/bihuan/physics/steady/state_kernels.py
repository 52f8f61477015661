"""Compiled state of a source in an hour: fluxes, rise, and the share that escapes through the lid.

Equation numbers here and in the other loops are those of the formulation document, EPA-454/B-24-010.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.layer_kernels import LEAST_WIND, between, cell_of, held
from bihuan.physics.steady.profile_kernels import (
    ADIABATIC,
    BASE,
    DIRECTION,
    FRICTION,
    GRADIENT,
    GRADIENT_ABOVE,
    GRAVITY,
    LID,
    MEAN_SIGMA_W,
    MEAN_WIND,
    SIGMA_V,
    SIGMA_W,
    STABLE,
    THETA,
    THETA_AT_LID,
    URBAN,
    WIND,
)

Float = NDArray[np.float64]

ENTRAINMENT = 0.6
"""beta-1 (eq. 91)"""
FEWEST_FLUX = 1e-10
"""Least buoyancy [m4/s3] and momentum [m4/s2] flux, so that no stack is without both (as in the source)."""

# Columns of a table of sources.
EAST, NORTH, HEIGHT, DIAMETER, EXIT_VELOCITY, EXIT_TEMPERATURE, KIND, SIGMA_Y_0, SIGMA_Z_0 = range(9)
SOURCE_COLUMNS = 9

# Kinds of sources; from `VOLUME` on nothing rises.
UPRIGHT, CAPPED, HORIZONTAL, NO_DOWNWASH, VOLUME, AREA, ROAD, PIT = range(8)

# What is known of a source in an hour.
(WIND_S, SIGMA_V_S, SIGMA_W_S, GRADIENT_S, THETA_S, BUOYANCY, MOMENTUM, STACK, FINAL_X, FINAL_RISE, ESCAPED) = range(11)
(ESCAPED_HEIGHT, STEADY_X, STEADY_RISE, MIXED_X, FROM, GAUSSIAN) = range(11, 17)
# Speed at which what is emitted falls [m/s], and how far above a receptor it is wanted [m] (`removal_kernels`).
FALL, ABOVE = 17, 18
STATE_COLUMNS = 19


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
    # an hour that cannot be (a strong u* with an Obukhov length of a metre) leads to temperatures below zero
    return max(math.sqrt(GRAVITY * max(gradient, 0.0) / max(theta, 100.0)), 1e-10)


@compiled
def final_stable_rise(state: Float, wind: float, n: float, hour: Float) -> tuple[float, float]:
    """Distance and height at which a plume in stable air ends to rise. [m] (eqs. 96-99)"""
    fb, fm = state[BUOYANCY], state[MOMENTUM]
    reached = wind * math.atan2(fm * 0.7 * n, -fb) / (0.7 * n)
    rise = min(
        2.66 * (fb / (n * n * wind)) ** (1.0 / 3.0),
        neutral_rise(fb, wind, hour[FRICTION], state[STACK]),
        free_rise(distance_of_free_rise(fb), fb, fm, wind),
        4.0 * fb**0.25 / (n * n) ** 0.375,
    )
    if hour[URBAN] != 0.0 and state[STACK] < hour[LID] <= state[STACK] + rise:
        # over a city at night the plume meets the lid of the heated air as in a convective layer (section 5.10)
        room = hour[LID] - state[STACK]
        ratio = escape_ratio(fb, wind, GRAVITY / hour[THETA_AT_LID] * 0.005, room)
        if ratio > 2.0:
            rise = ratio * room
        elif ratio >= 2.0 / 3.0:
            rise = (0.75 * ratio + 0.5) * room
    return reached, rise


@compiled
def escape_ratio(buoyancy: float, wind: float, n2: float, room: float) -> float:
    """Rise that air above the lid would allow, over the room below it (eq. 56; 2.6 cubed is 17.576)."""
    return (17.576 * buoyancy / (wind * n2 * room**3) + 8.0 / 27.0) ** (1.0 / 3.0)


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
        if turn > 0 and abs(before - rise) < 1e-5 * rise:
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
    state[ESCAPED], state[FALL], state[ABOVE] = 0.0, 0.0, 0.0
    if source[KIND] >= VOLUME:
        fill_passive(source, state)
    else:
        fill_fluxes(source, state[THETA_S] - ADIABATIC * (height + hour[BASE]), state)
        fill_rise(hour, levels, profile, state)
    state[MIXED_X] = lid * hour[MEAN_WIND] / hour[MEAN_SIGMA_W]  # eq. 46
    state[STEADY_X], state[STEADY_RISE] = state[FINAL_X], state[FINAL_RISE]
    if state[GAUSSIAN] == 0.0 and state[MIXED_X] < 1.25 * state[FINAL_X]:  # well mixed before it ends to rise
        state[STEADY_X] = 0.8 * state[MIXED_X]
        state[STEADY_RISE] = free_rise(state[STEADY_X], state[BUOYANCY], state[MOMENTUM], state[WIND_S])
    middle = min(4000.0, height + 0.5 * state[FINAL_RISE])
    state[FROM] = between(cell_of(middle, levels), middle, levels, profile[DIRECTION])


@compiled
def fill_passive(source: Float, state: Float) -> None:
    """A source from which nothing rises."""
    state[BUOYANCY], state[MOMENTUM] = 0.0, 0.0
    state[STACK] = source[HEIGHT]
    state[FINAL_X], state[FINAL_RISE] = 0.0, 0.0


@compiled
def fill_rise(hour: Float, levels: Float, profile: Float, state: Float) -> None:
    """Where and how high the plume of a stack ends to rise, and what share of it escapes."""
    if state[GAUSSIAN] != 0.0:
        state[FINAL_X], state[FINAL_RISE] = settled_rise(state, hour, levels, profile)
        return
    state[FINAL_X] = distance_of_free_rise(state[BUOYANCY])
    state[FINAL_RISE] = free_rise(state[FINAL_X], state[BUOYANCY], state[MOMENTUM], state[WIND_S])
    fill_escape(hour, state)


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
def settled_rise(state: Float, hour: Float, levels: Float, profile: Float) -> tuple[float, float]:
    """Final rise in stable air, repeated with mid-plume winds until it changes by less than 1 %. [m]"""
    n = frequency(state[GRADIENT_S], state[THETA_S])
    reached, rise = final_stable_rise(state, state[WIND_S], n, hour)
    for turn in range(5):
        before = rise
        wind, n = mid_plume(state, before, levels, profile)
        reached, rise = final_stable_rise(state, wind, n, hour)
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
    ratio = escape_ratio(state[BUOYANCY], state[WIND_S], n2, room)
    if ratio < 2.0 / 3.0:
        state[ESCAPED] = 0.0
    elif ratio > 2.0:
        state[ESCAPED] = 1.0
    else:
        state[ESCAPED] = 1.5 - 1.0 / ratio
    whole = state[ESCAPED] == 1.0
    state[ESCAPED_HEIGHT] = state[STACK] + (ratio * room if whole else (0.75 * ratio + 0.5) * room)
