"""The compiled loops of trajectories: a point on the unit sphere, moved by winds between the nodes of a grid.

A position is a vector of length 1, so that no step knows a pole. Tables come as arguments.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled

Float = NDArray[np.float64]
Int = NDArray[np.int64]

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the Earth. [m]"""

POLAR = 70.0
"""Beyond this latitude east is another direction at the next node: its wind is turned before averaging. [degrees]"""

EDGE = 1e-9
"""So far outside is still on the border: the rounding of an angle. [degrees]"""

WHOLE, WEST, EAST, SOUTH, NORTH, BEFORE, AFTER, TOP, MISSING = range(9)
"""How a trajectory ended."""

ROUNDS = 4
"""Corrections of a Petterssen step."""


@compiled
def locate(axis: Float, x: float, guess: int) -> int:
    """Cell of an ascending axis that holds `x`, looked for from a guess on."""
    last = axis.shape[0] - 2
    i = min(max(guess, 0), last)
    while i > 0 and x < axis[i]:
        i -= 1
    while i < last and x > axis[i + 1]:
        i += 1
    return int(i)


@compiled
def share(axis: Float, i: int, x: float) -> float:
    """How far `x` lies into cell `i`, 0 to 1."""
    if axis.shape[0] < 2:
        return 0.0
    return float(min(max((x - axis[i]) / (axis[i + 1] - axis[i]), 0.0), 1.0))


@compiled
def velocity(  # noqa: PLR0911, PLR0912  # one loop of machine code: it leaves as soon as it knows
    state: Float, t: float, time: Float, level: Float, lat: Float, lon: Float, winds: Float, at: Int, out: Float
) -> int:  # fmt: skip
    """Wind at a state (x, y, z on the unit sphere, pressure) as its change a second; returns how it may have ended."""
    r = math.sqrt(state[0] ** 2 + state[1] ** 2 + state[2] ** 2)
    x, y, z = state[0] / r, state[1] / r, state[2] / r
    cos_phi = math.sqrt(x * x + y * y)
    north, east = math.degrees(math.atan2(z, cos_phi)), math.degrees(math.atan2(y, x))
    east = lon[0] + (east - lon[0]) % 360.0
    beyond = east - lon[-1]
    if beyond > EDGE:
        back = lon[0] + 360.0 - east
        if back > EDGE:
            return EAST if beyond < back else WEST
        east = lon[0]
    if north < lat[0] - EDGE:
        return SOUTH
    if north > lat[-1] + EDGE:
        return NORTH
    steady = time.shape[0] == 1
    if not steady and t < time[0] - 1e-6:
        return BEFORE
    if not steady and t > time[-1] + 1e-6:
        return AFTER
    pressure = min(state[3], level[-1])
    if level.shape[0] > 1 and pressure < level[0] - 1e-9:
        return TOP
    if not steady:
        at[0] = locate(time, t, at[0])
    if level.shape[0] > 1:
        at[1] = locate(level, pressure, at[1])
    at[2], at[3] = locate(lat, north, at[2]), locate(lon, east, at[3])
    wt, wz = share(time, at[0], t), share(level, at[1], pressure)
    wy, wx = share(lat, at[2], north), share(lon, at[3], east)
    u, v, w = 0.0, 0.0, 0.0
    for column in range(2):
        across = wx if column else 1.0 - wx
        if across == 0.0:
            continue
        a, b, c = 0.0, 0.0, 0.0
        for row in range(2):
            upward = wy if row else 1.0 - wy
            for layer in range(2):
                below = wz if layer else 1.0 - wz
                for late in range(2):
                    weight = upward * below * (wt if late else 1.0 - wt)
                    if weight > 0.0:
                        i, j, k, m = at[0] + late, at[1] + layer, at[2] + row, at[3] + column
                        a += weight * winds[0, i, j, k, m]
                        b += weight * winds[1, i, j, k, m]
                        if winds.shape[0] > 2:
                            c += weight * winds[2, i, j, k, m]
        if abs(north) > POLAR:
            turn = math.radians(lon[at[3] + column] - east) * z
            a, b = a * math.cos(turn) - b * math.sin(turn), a * math.sin(turn) + b * math.cos(turn)
        u, v, w = u + across * a, v + across * b, w + across * c
    if math.isnan(u + v + w):
        return MISSING
    sin_lam, cos_lam = (y / cos_phi, x / cos_phi) if cos_phi > 0.0 else (0.0, 1.0)
    out[0] = (-u * sin_lam - v * z * cos_lam) / EARTH_RADIUS
    out[1] = (u * cos_lam - v * z * sin_lam) / EARTH_RADIUS
    out[2] = v * cos_phi / EARTH_RADIUS
    out[3] = w / 100.0
    return WHOLE


@compiled
def moved(state: Float, slope: Float, h: float, out: Float) -> None:
    """Straight on for `h` seconds."""
    for i in range(4):
        out[i] = state[i] + h * slope[i]


@compiled
def settled(state: Float, floor: float) -> None:
    """Back onto the sphere, and not below the lowest level."""
    r = math.sqrt(state[0] ** 2 + state[1] ** 2 + state[2] ** 2)
    state[0], state[1], state[2] = state[0] / r, state[1] / r, state[2] / r
    state[3] = min(state[3], floor)


@compiled
def runge_kutta(state: Float, t: float, h: float, time: Float, level: Float, lat: Float, lon: Float, winds: Float,
                at: Int, work: Float) -> int:  # fmt: skip
    """One step of the classical fourth order; the state stays where it was if any stage leaves the grid."""
    for stage in range(4):
        ahead = 0.0 if stage == 0 else (h if stage == 3 else 0.5 * h)
        if stage == 0:
            moved(state, work[0], 0.0, work[4])
        else:
            moved(state, work[stage - 1], ahead, work[4])
        ended = velocity(work[4], t + ahead, time, level, lat, lon, winds, at, work[stage])
        if ended != WHOLE:
            return ended
    for i in range(4):
        state[i] += h / 6.0 * (work[0, i] + 2.0 * work[1, i] + 2.0 * work[2, i] + work[3, i])
    settled(state, level[-1])
    return WHOLE


@compiled
def petterssen(state: Float, t: float, h: float, time: Float, level: Float, lat: Float, lon: Float, winds: Float,
               at: Int, work: Float) -> int:  # fmt: skip
    """One step by the mean of the winds at both ends, corrected in rounds (Petterssen 1940)."""
    ended = velocity(state, t, time, level, lat, lon, winds, at, work[0])
    if ended != WHOLE:
        return ended
    moved(state, work[0], h, work[4])
    for _ in range(ROUNDS):
        ended = velocity(work[4], t + h, time, level, lat, lon, winds, at, work[1])
        if ended != WHOLE:
            return ended
        for i in range(4):
            work[4, i] = state[i] + 0.5 * h * (work[0, i] + work[1, i])
    for i in range(4):
        state[i] = work[4, i]
    settled(state, level[-1])
    return WHOLE


@compiled
def follow(
    starts: Float, begins: Float, outputs: int, between: int, step: float, exact: bool, time: Float, level: Float,
    lat: Float, lon: Float, winds: Float, path: Float, ended: Int, last: Float
) -> None:  # fmt: skip
    """Move every start by `outputs` x `between` steps; fill path, how each ended, and where and when.

    `starts` is (n, 4), `path` (n, outputs + 1, 4) and NaN behind the end, `last` (n, 5): state and seconds.
    """
    work, state, at = np.zeros((5, 4)), np.zeros(4), np.zeros(4, np.int64)
    for n in range(starts.shape[0]):
        state[:] = starts[n]
        path[n, 0] = state
        t, done, code = begins[n], 0, WHOLE
        for m in range(1, outputs + 1):
            for _ in range(between):
                if exact:
                    code = runge_kutta(state, t, step, time, level, lat, lon, winds, at, work)
                else:
                    code = petterssen(state, t, step, time, level, lat, lon, winds, at, work)
                if code != WHOLE:
                    break
                done += 1
                t = begins[n] + done * step
            if code != WHOLE:
                break
            path[n, m] = state
        ended[n] = code
        last[n, :4] = state
        last[n, 4] = t
