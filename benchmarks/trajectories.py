"""A thousand trajectories of 72 hours, beside a bare numpy loop of the same scheme, and a quoted figure of a port.

The bare loop: RK4 with bilinear winds, vectorised over the trajectories, in degrees on one steady layer, without
borders, levels, time or poles: the least that any code for the same answer must do.
"""

import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from bihuan.core import GriddedWind, Place, gridded_wind
from bihuan.physics import Trajectories, trajectories

LON, LAT = np.linspace(98, 128, 61), np.linspace(22, 47, 51)
T0 = np.datetime64("2026-01-01T00:00", "s")
COUNT, HOURS = 1000, 72
QUOTED = 0.24
"""CPU seconds of one trajectory of 72 h on 6 x 51 x 61 hourly nodes: PyHYSPLIT (showjihyun@389155a), as measured and
noted in the project's reference of September 2026; its closure there was a few km. Not run here."""


def rotation(levels: int, times: int) -> GriddedWind:
    """Solid rotation about 113 E, 34.5 N once in 72 h."""
    lam, phi = np.radians([113.0, 34.5])
    pole = np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    x, y = np.meshgrid(np.radians(LON), np.radians(LAT))
    point = np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], -1)
    flow = np.cross(pole, point) * 2 * np.pi / (HOURS * 3600) * 6_371_008.8
    u = (flow * np.stack([-np.sin(x), np.cos(x), 0 * x], -1)).sum(-1)
    v = (flow * np.stack([-np.sin(y) * np.cos(x), -np.sin(y) * np.sin(x), np.cos(y)], -1)).sum(-1)
    hours = T0 + np.linspace(0, HOURS, times).round().astype(int) * np.timedelta64(3600, "s")
    if levels == 1:
        return gridded_wind(hours, LON, LAT, np.stack([u] * times), np.stack([v] * times))
    east, north = (np.broadcast_to(field, (times, levels, *field.shape)) for field in (u, v))
    return gridded_wind(hours, LON, LAT, east, north, pressure=np.linspace(500, 1000, levels), omega=0 * east)


def bare(wind: GriddedWind, lon: np.ndarray, lat: np.ndarray, step: float = 600.0) -> tuple[np.ndarray, np.ndarray]:
    """The bare loop."""
    u, v = wind.u[0, 0], wind.v[0, 0]
    dx, dy = LON[1] - LON[0], LAT[1] - LAT[0]

    def slope(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b = (x - LON[0]) / dx, (y - LAT[0]) / dy
        i, j = np.clip(a.astype(int), 0, len(LON) - 2), np.clip(b.astype(int), 0, len(LAT) - 2)
        a, b = a - i, b - j
        east, north = (
            (1 - b) * ((1 - a) * f[j, i] + a * f[j, i + 1]) + b * ((1 - a) * f[j + 1, i] + a * f[j + 1, i + 1])
            for f in (u, v)
        )
        return east / (111_194.9 * np.cos(np.radians(y))), north / 111_194.9

    x, y, h = lon.copy(), lat.copy(), -step
    for _ in range(round(HOURS * 3600 / step)):
        a = slope(x, y)
        b = slope(x + h / 2 * a[0], y + h / 2 * a[1])
        c = slope(x + h / 2 * b[0], y + h / 2 * b[1])
        d = slope(x + h * c[0], y + h * c[1])
        x = x + h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
        y = y + h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
    return x, y


def timed(work: Callable[[], object]) -> float:
    """CPU seconds, the best of three after one that compiles."""
    work()
    runs = []
    for _ in range(3):
        begin = time.process_time()
        work()
        runs.append(time.process_time() - begin)
    return min(runs)


def closure(lon: np.ndarray, lat: np.ndarray, to_lon: np.ndarray, to_lat: np.ndarray) -> float:
    """Largest distance from the start after a turn. [km]"""
    return max(
        Place(*one).distance(Place(*other)) / 1000
        for one, other in zip(
            zip(to_lon.tolist(), to_lat.tolist(), strict=True),
            zip(lon.tolist(), lat.tolist(), strict=True),
            strict=True,
        )
    )


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(109, 117, COUNT), rng.uniform(31, 38, COUNT)
    flat, steady, deep = rotation(1, 73), rotation(1, 1), rotation(6, 73)
    at = T0 + np.timedelta64(HOURS, "h")
    table = Table(title=f"{COUNT} back trajectories x {HOURS} h, 61 x 51 nodes, solid rotation; CPU of one core")
    for name in ("", "CPU s", "ratio to bare", "largest closure km"):
        table.add_column(name, justify="left" if not name else "right")
    base = timed(lambda: bare(steady, lon, lat))
    rows: list[tuple[str, float, float]] = [
        ("bare numpy RK4, 2-D, steady, no borders (10 min)", base, closure(lon, lat, *bare(steady, lon, lat)))
    ]
    cases: dict[str, Callable[[], Trajectories]] = {
        "ours RK4, 2-D, steady, same step": lambda: trajectories(steady, lon, lat, at, HOURS, step=600.0),
        "ours RK4, 2-D, hourly, own step": lambda: trajectories(flat, lon, lat, at, HOURS),
        "ours Petterssen, 2-D, hourly": lambda: trajectories(flat, lon, lat, at, HOURS, scheme="petterssen"),
        "ours RK4, 6 levels with omega, hourly": lambda: trajectories(
            deep, lon, lat, at, HOURS, pressure=np.full(COUNT, 850.0)
        ),
    }
    for name, work in cases.items():
        found = work()
        rows.append((name, timed(work), closure(lon, lat, found.lon[:, -1], found.lat[:, -1])))
    for name, seconds, far in rows:
        table.add_row(name, f"{seconds:.3f}", f"{seconds / base:.2f}", f"{far:.3f}")
    table.add_row(f"PyHYSPLIT, one trajectory (quoted, not run) x {COUNT}", f"{QUOTED * COUNT:.0f}", "", "a few")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
