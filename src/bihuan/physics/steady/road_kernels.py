"""Compiled road lines (RLINE): a table along the wind with the spreads of near-surface releases, and its line integral.

A road is a line of many point sources, each a coherent plume and a random one that spreads to all sides. For one hour
and one height of receptors wind, spreads and the weight of the random part depend only on the distance, so they are
tabled once. A receptor then costs a short Gauss-Legendre sum over the piece of road that its plumes come from, and
another over the whole road for the random part.

Forms after Snyder et al. (2013) and Venkatram et al. (2013); coefficients of AERMOD 24142 (version 23132 changed them,
formulation document section 5.7; the numbers themselves as in the source).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bihuan.physics.compiling import compiled
from bihuan.physics.steady.axis_kernels import PART_BEGIN, PART_CELLS_PER, PART_END, PART_FIRST, PART_NODES
from bihuan.physics.steady.field_kernels import cubic, looked_up
from bihuan.physics.steady.layer_kernels import HALF_DEPTH
from bihuan.physics.steady.profile_kernels import FRICTION, LID, OBUKHOV, STABLE, similarity_wind
from bihuan.physics.steady.spread_kernels import reflected
from bihuan.physics.steady.state_kernels import HEIGHT, SIGMA_Y_0, SIGMA_Z_0

Float = NDArray[np.float64]
Int = NDArray[np.int64]

DISPLACEMENT = 5.0
"""Displacement height of the road's wind profile, in roughness lengths (as in the source)."""
SLOWEST = 4.47
"""Least wind among the roughness elements over the friction velocity (Bentham and Britter 2003, as in the source)."""
NEAREST = 1.0
"""Nearer than this a piece of road counts as this far. [m] (as in the source)"""
DEEP = 0.7
"""Growth of the vertical spread with u* x / U (as in the source)."""
FLATTENED, LIFTED = 1.5, 1.0
"""How stability holds the vertical spread back, and how instability adds to it (as in the source)."""
WIDE = 1.4
"""Lateral spread over the vertical one, in sigma-v / u* (as in the source)."""
WIDENED, HELD_BACK = 1.5, 2.5
"""How stability widens the lateral spread over the vertical one, and instability narrows it (as in the source)."""

# What a road needs of an hour beside the table of hours.
ROUGHNESS, LEAST, FACTOR, SIGMA_V_AT, WIND_FROM = range(5)
GROUND_COLUMNS = 5

# Columns of a table of a road over the distance from `NEAREST` on.
WIDTH, DENSE, SHARE, ROUND = range(4)
TABLE_COLUMNS = 4

PANEL = 1.0
"""Longest panel of the integral, in the logarithm of the distance along the wind."""
TURN = 2.2
"""Sigmas across the plume within a piece of a panel."""
ASIDE = 4.5
"""Sigmas beside the axis of a plume after which it adds nothing."""
ARC = 1.4
"""Longest panel of the random part's integral, in the inverse hyperbolic sine of the way along over the way across."""
COARSER = 2.0
"""Step of a road's table over that of other plumes: nothing rises, and its one kink has a row of its own."""
ABSCISSAS = np.array([0.069431844202973712, 0.330009478207571868, 0.669990521792428132, 0.930568155797026288])
WEIGHTS = np.array([0.173927422568726929, 0.326072577431273071, 0.326072577431273071, 0.173927422568726929])
MICROGRAMS = 1e6
"""In a gram."""


@compiled
def road_wind(z: float, hour: Float, ground: Float) -> float:
    """Wind over the road's surroundings at height `z`, through the measured one. [m/s]"""
    roughness = ground[ROUGHNESS]
    above = max(z - DISPLACEMENT * roughness, roughness)
    found = max(similarity_wind(above, hour[FRICTION], hour[OBUKHOV], roughness), ground[LEAST])
    return max(found * ground[FACTOR], ground[LEAST])


@compiled
def road_depth(x: float, wind: float, hour: Float) -> float:
    """Vertical spread that turbulence causes. [m] (Venkatram et al. 2013)"""
    ratio, far = hour[FRICTION] / wind, x / abs(hour[OBUKHOV])
    if hour[STABLE] != 0.0:
        return DEEP * ratio * x / (1.0 + FLATTENED * ratio * far ** (2.0 / 3.0))
    return DEEP * ratio * x * (1.0 + LIFTED * ratio * far)


@compiled
def road_width(depth: float, hour: Float, ground: Float) -> float:
    """Lateral spread that turbulence causes, from the vertical one. [m] (Venkatram et al. 2013)"""
    wide, far = WIDE * ground[SIGMA_V_AT] / hour[FRICTION] * depth, depth / abs(hour[OBUKHOV])
    if hour[STABLE] != 0.0:
        return wide * (1.0 + WIDENED * far)
    return wide / math.sqrt(1.0 + HELD_BACK * far)


@compiled
def wind_at_centre(x: float, wind: float, source: Float, hour: Float, ground: Float) -> float:
    """Wind at the mean height of a plume that this wind carries. [m/s] (Venkatram et al. 2013)"""
    release = source[HEIGHT]
    depth = max(math.hypot(road_depth(x, wind, hour), source[SIGMA_Z_0]), 1e-6)
    share = release / (math.sqrt(2.0) * depth)
    centre = math.sqrt(2.0 / math.pi) * depth * math.exp(-share * share) + release * math.erf(share)
    return road_wind(max(centre, release), hour, ground)


@compiled
def effective_wind(x: float, guess: float, source: Float, hour: Float, ground: Float) -> float:
    """Wind that carries the plume at the height that it gives it. [m/s]

    The source repeats until the spread changes by less than 1 %, which can leave its wind 1 % off where the plume
    leaves the least wind; here a secant goes on to one part in a million.
    """
    before = guess
    at_before = wind_at_centre(x, before, source, hour, ground)
    now = at_before
    for _ in range(20):
        if abs(now - before) <= 1e-6 * now:
            break
        at_now = wind_at_centre(x, now, source, hour, ground)
        slope = min((at_now - at_before) / (now - before), 0.0)
        before, at_before = now, at_now
        now = (at_now - slope * now) / (1.0 - slope)
    return now


@compiled
def leaving_least(last: float, source: Float, hour: Float, ground: Float) -> float:
    """Logarithm of the distance at which a plume leaves the air of the least wind; 0 if none up to `last` [m]."""
    slow = road_wind(source[HEIGHT], hour, ground)
    most = slow * (1.0 + 1e-9)
    low, high = math.log(NEAREST), math.log(last)
    if wind_at_centre(NEAREST, slow, source, hour, ground) > most:
        return 0.0
    if wind_at_centre(last, slow, source, hour, ground) <= most:
        return 0.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        if wind_at_centre(math.exp(middle), slow, source, hour, ground) > most:
            high = middle
        else:
            low = middle
    return high


@compiled
def lay_road(
    last: float, step: float, source: Float, hour: Float, ground: Float, distances: Float, parts: Float
) -> tuple[int, int]:
    """Choose the distances of a table up to `last` [m]; as `axis_kernels.lay_axis`, anew where the least wind ends."""
    step *= COARSER
    end, kink = math.log(last), leaving_least(last, source, hour, ground)
    count = 2 if 0.01 < kink < end - 0.01 else 1
    begin, nodes = math.log(NEAREST), 0
    for part in range(count):
        to = kink if part < count - 1 else end
        cells = max(math.ceil((to - begin) / step), 3)
        parts[part, PART_BEGIN], parts[part, PART_END] = begin, to
        parts[part, PART_CELLS_PER], parts[part, PART_FIRST] = cells / (to - begin), nodes
        parts[part, PART_NODES] = cells + 1
        for k in range(cells + 1):
            distances[nodes] = math.exp(begin + (to - begin) * k / cells)
            nodes += 1
        begin = to
    return nodes, count


@compiled
def fill_road(
    z: float, across: float, source: Float, hour: Float, ground: Float, distances: Float, count: int, axis: Float
) -> None:
    """Table a road's plumes for receptors at height `z`; `across` is how much of its width lies across the wind."""
    release, lateral = source[HEIGHT], across * source[SIGMA_Y_0]
    wind = road_wind(release, hour, ground)
    for k in range(count):
        x = distances[k]
        wind = effective_wind(x, wind, source, hour, ground)
        own = road_depth(x, wind, hour)
        depth = max(math.hypot(own, source[SIGMA_Z_0]), 1e-6)
        width = math.hypot(road_width(own, hour, ground), lateral)
        lid = max(hour[LID], release + HALF_DEPTH * depth)
        share = min(2.0 * (ground[SIGMA_V_AT] / wind) ** 2, 1.0)
        level = reflected(z, release, depth, lid) if z <= lid else 0.0
        free = math.exp(-0.5 * ((z - release) / depth) ** 2) + math.exp(-0.5 * ((z + release) / depth) ** 2)
        axis[k, WIDTH] = width
        axis[k, DENSE] = MICROGRAMS * level / (math.sqrt(2.0 * math.pi) * width * wind)
        axis[k, SHARE] = share
        # the random part has no lid (as in the source); kept times the distance, as its integral needs it
        axis[k, ROUND] = MICROGRAMS * share * free / (math.sqrt(2.0 * math.pi) * depth * wind * 2.0 * math.pi)


@compiled
def width_at(axis: Float, parts: Float, count: int, x: float) -> float:
    """Lateral spread at a distance. [m]"""
    k, a, b, c, d = cubic(math.log(max(x, NEAREST)), parts, count)
    return looked_up(axis, WIDTH, k, a, b, c, d)


@compiled
def add_road(
    axis: Float, parts: Float, count: int, sine: float, cosine: float, ends: Float, chosen: Int, receptors: Float,
    out: Float,
) -> None:  # fmt: skip
    """Add a road of unit emission under one wind to receptors.

    Parameters
    ----------
    axis : ndarray, shape (distances, columns)
        From `fill_road`.
    parts, count : ndarray, int
        Of it, from `lay_road`.
    sine, cosine : float
        Of the direction the wind blows from.
    ends : ndarray, shape (2, 2)
        Of the road, east and north. [m]
    chosen, receptors, out
        As in `field_kernels.add_plume`.
    """
    east, north = ends[1, 0] - ends[0, 0], ends[1, 1] - ends[0, 1]
    length = math.hypot(east, north)
    east, north = east / length, north / length
    along, aside = east * sine + north * cosine, north * sine - east * cosine
    for r in chosen:
        dx, dy = receptors[r, 0] - ends[0, 0], receptors[r, 1] - ends[0, 1]
        x, y = -(dx * sine + dy * cosine), dx * cosine - dy * sine
        foot, off = dx * east + dy * north, abs(dx * north - dy * east)
        total = coherent_part(axis, parts, count, x, along, y, aside, length)
        total += random_part(axis, parts, count, foot, off, length)
        out[r] += max(total, 0.0) / length


@compiled
def random_part(axis: Float, parts: Float, count: int, foot: float, off: float, length: float) -> float:
    """The part that spreads to all sides.

    `foot` is how far along the road the receptor's foot on it lies, `off` how far the receptor is from there.
    """
    scale = max(off, 0.5 * NEAREST)
    begin, end = math.asinh(-foot / scale), math.asinh((length - foot) / scale)
    kink = math.exp(parts[0, PART_END]) if count > 1 else 0.0
    total = 0.0
    if kink > off:
        turn = math.asinh(math.sqrt(kink * kink - off * off) / scale)
        for at in (-turn, turn):
            if begin < at < end:
                total += arc_of(axis, parts, count, off, scale, begin, at)
                begin = at
    return total + arc_of(axis, parts, count, off, scale, begin, end)


@compiled
def arc_of(axis: Float, parts: Float, count: int, off: float, scale: float, begin: float, end: float) -> float:
    """The integral of the random part over the inverse hyperbolic sine of the way along the road over `scale`."""
    simple = off >= NEAREST  # then a step of the variable is a step of the road over its distance
    panels = max(math.ceil((end - begin) / ARC), 1)
    step = (end - begin) / panels
    total = 0.0
    for panel in range(panels):
        for point in range(4):
            grown = math.exp(begin + (panel + ABSCISSAS[point]) * step)
            over = 1.0 / grown
            s = 0.5 * scale * (grown - over)
            squared = max(off * off + s * s, NEAREST * NEAREST)
            k, a, b, c, d = cubic(0.5 * math.log(squared), parts, count)
            way = 1.0 if simple else 0.5 * scale * (grown + over) / math.sqrt(squared)
            total += WEIGHTS[point] * way * looked_up(axis, ROUND, k, a, b, c, d)
    return total * step


@compiled
def coherent_part(
    axis: Float, parts: Float, count: int, x: float, along: float, y: float, aside: float, length: float
) -> float:
    """The part that the wind carries: a piece of road at `s` is ``x + along s`` upwind and ``y + aside s`` across."""
    begin, end = 0.0, length
    if along > 0.0:
        begin = max(begin, -x / along)
    elif along < 0.0:
        end = min(end, -x / along)
    elif x <= 0.0:
        return 0.0
    if begin >= end:
        return 0.0
    if along < 0.0:  # walk away from the receptor
        x, y, along, aside = x + along * end, y + aside * end, -along, -aside
    else:
        x, y = x + along * begin, y + aside * begin
    length = end - begin
    far_x, far_y = x + along * length, y + aside * length
    if y * far_y > 0.0 and min(abs(y), abs(far_y)) > ASIDE * width_at(axis, parts, count, far_x):
        return 0.0
    total, done = 0.0, 0.0
    if x < NEAREST:  # as if all of it were at `NEAREST`
        done = min((NEAREST - x) / along, length) if along * length > NEAREST - x else length
        total = panel_of(axis, parts, count, x, along, y, aside, 0.0, done)
    if done >= length:
        return total
    kink = math.exp(parts[0, PART_END]) if count > 1 else 0.0
    if x + along * done < kink < far_x:
        middle = (kink - x) / along
        total += panels_of(axis, parts, count, x, along, y, aside, done, middle)
        done = middle
    return total + panels_of(axis, parts, count, x, along, y, aside, done, length)


@compiled
def panels_of(
    axis: Float, parts: Float, count: int, x: float, along: float, y: float, aside: float, begin: float, end: float
) -> float:
    """The integral over a piece of road farther than `NEAREST`, by panels even in the logarithm of the distance."""
    near, far = x + along * begin, x + along * end
    if far <= near:
        return panel_of(axis, parts, count, x, along, y, aside, begin, end)
    panels = max(math.ceil(math.log(far / near) / PANEL), 1)
    ratio = (far / near) ** (1.0 / panels)
    total = 0.0
    for panel in range(panels):
        near *= ratio
        to = (near - x) / along if panel < panels - 1 else end
        total += panel_of(axis, parts, count, x, along, y, aside, begin, to)
        begin = to
    return total


@compiled
def panel_of(
    axis: Float, parts: Float, count: int, x: float, along: float, y: float, aside: float, begin: float, end: float
) -> float:
    """The integral over a piece of road within which the plume's width grows almost evenly."""
    near, far = width_at(axis, parts, count, x + along * begin), width_at(axis, parts, count, x + along * end)
    y_near, y_far = y + aside * begin, y + aside * end
    first, last = 0.0, 1.0
    for side in (-1.0, 1.0):  # shares of the piece that lie within `ASIDE` sigmas on this side
        at, grows = ASIDE * near - side * y_near, ASIDE * (far - near) - side * (y_far - y_near)
        if at < 0.0:
            if at + grows <= 0.0:
                return 0.0
            first = max(first, -at / grows)
        elif at + grows < 0.0:
            last = min(last, -at / grows)
    if first >= last:
        return 0.0
    turns = abs(
        (y_near + first * (y_far - y_near)) / (near + first * (far - near))
        - (y_near + last * (y_far - y_near)) / (near + last * (far - near))
    )
    pieces = max(math.ceil(turns / TURN), 1)
    step = (last - first) * (end - begin) / pieces
    total = 0.0
    for piece in range(pieces):
        for point in range(4):
            s = begin + first * (end - begin) + (piece + ABSCISSAS[point]) * step
            total += WEIGHTS[point] * at_point(axis, parts, count, x + along * s, y + aside * s)
    return total * step


@compiled
def at_point(axis: Float, parts: Float, count: int, x: float, y: float) -> float:
    """What a point of the road causes by its coherent plume, with the weight that the random part leaves it."""
    k, a, b, c, d = cubic(math.log(max(x, NEAREST)), parts, count)
    turned = y / looked_up(axis, WIDTH, k, a, b, c, d)
    found = looked_up(axis, DENSE, k, a, b, c, d) * math.exp(-0.5 * turned * turned)
    k, a, b, c, d = cubic(0.5 * math.log(max(x * x + y * y, NEAREST * NEAREST)), parts, count)
    return found * (1.0 - looked_up(axis, SHARE, k, a, b, c, d))
