"""Plume, puff and a ranking, beside the least that any code for the same answer must do.

The bare baselines: a vectorised numpy plume with the same spreads but without rise, lid, patches or calms; and for
the ranking the correlation of each station's excess with the unit responses, without rates, wind errors or odds.

`python -m benchmarks.tracing --scale` ranks 5,000 candidates by 200 sensors over 24 h, draws the map of a hidden
source, and weighs 500 of the candidates with and without the choice by reach.
"""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from rich.console import Console
from rich.table import Table

from bihuan.core import Event, Period, Place, Plane, Ref, Series, Source, Weather
from bihuan.physics import EnginePlume, GaussianPlume, PuffModel, WindField, block_weather, source_table
from bihuan.tracing import PlumeTracer, reach, search_hidden
from bihuan.tracing.scene import read_scene

PLANE = Plane(Place(102.0, 39.8))
START = datetime(2026, 1, 10, tzinfo=UTC)
STATIONS, SOURCES, PERIODS = 45, 200, 60


def weather(periods: int, rng: np.random.Generator) -> Weather:
    start = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(periods) * np.timedelta64(5, "m")
    full = np.ones(periods)
    turn = 270 + np.cumsum(rng.normal(0, 3, periods))
    return Weather(
        start,
        start + np.timedelta64(5, "m"),
        3 * full,
        turn % 360,
        np.full(periods, 3),
        285 * full,
        800 * full,
    )


def sources(rng: np.random.Generator, count: int) -> list[Source]:
    """Hot stacks all over the city."""
    places = [PLANE.place(float(east), float(north)) for east, north in rng.uniform(-10_000, 10_000, (count, 2))]
    return [
        Source(Ref("outlet", f"DA{k:03d}"), f"stack {k}", place, "stack", {"pm10": 4.0}, 40.0, 1.5, 12.0, 400.0)
        for k, place in enumerate(places)
    ]


def bare_plume(table: np.ndarray, east: np.ndarray, north: np.ndarray, sky: Weather) -> np.ndarray:
    """Class D of open country, no rise, no lid."""
    towards = np.radians(sky.wind_from + 180)[:, None, None]
    de, dn = east[None, :, None] - table[None, None, :, 0], north[None, :, None] - table[None, None, :, 1]
    x, y = de * np.sin(towards) + dn * np.cos(towards), dn * np.sin(towards) - de * np.cos(towards)
    far = np.maximum(x, 1.0)
    sy, sz = 0.08 * far / np.sqrt(1 + 1e-4 * far), 0.06 * far / np.sqrt(1 + 1.5e-3 * far)
    height = table[:, 2]
    spread = np.exp(-0.5 * (y / sy) ** 2 - 0.5 * (height / sz) ** 2)
    return np.where(x > 0, 1e6 / (np.pi * sky.wind_speed[:, None, None] * sy * sz) * spread, 0.0)


def timed(work: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """Return processor and wall time, the best of some runs after one that compiles. [s]"""
    work()
    runs = []
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        runs.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(runs)


def event_scene(rng: np.random.Generator) -> tuple[Event, list[Series], list[Source], Weather]:
    """Four hours of 45 stations every 5 minutes, one of 200 stacks rising after two and a half."""
    sky, listed = weather(48, rng), sources(rng, SOURCES)
    east, north = rng.uniform(-9000, 9000, (2, STATIONS))
    unit = GaussianPlume(PLANE).unit_response(listed, east, north, sky)
    culprit = int(np.argmax(unit[30:].mean(axis=(0, 1))))
    values = 60 * (1 + 0.1 * rng.normal(size=(48, STATIONS)))
    values[30:] += 40 * unit[30:, :, culprit]
    series = []
    for i in range(STATIONS):
        place = PLANE.place(float(east[i]), float(north[i]))
        site, usable = f"station:S{i:02d}", np.ones(48, bool)
        series.append(Series(site, "pm10", "minute", sky.start, sky.end, values[:, i], usable, place))
    worst = int(np.argmax(unit[30:, :, culprit].mean(axis=0)))
    period = Period(START + timedelta(minutes=150), START + timedelta(minutes=240))
    ref = Ref("station", f"S{worst:02d}")
    event = Event("e", "rise", "pattern", ref, series[worst].place, period, "pm10", "note", None, None)
    return event, series, listed, sky


def puffs(rng: np.random.Generator) -> Callable[[], object]:
    """48 h in steps of 5 minutes, 30 sources, 45 receptors, six wind places."""
    sky = weather(576, rng)
    east, north = rng.uniform(-9000, 9000, (2, STATIONS))
    places = rng.uniform(-9000, 9000, (2, 6))
    winds = sky.wind_from[:, None] + rng.normal(0, 15, 6)
    speeds = np.tile(sky.wind_speed[:, None], 6)
    field = WindField(sky.start, *places, speeds, winds, sky.stability, sky.temperature, sky.mixing_height)
    edges, listed = np.append(sky.start, sky.end[-1]), sources(rng, 30)
    return lambda: PuffModel(PLANE).concentrations(listed, np.ones((576, 30)), east, north, field, edges)


def bare_ranking(event: Event, series: list[Series], listed: list[Source], sky: Weather) -> np.ndarray:
    """Correlation of the excess with each unit response of the same hours."""
    places = [s.place or PLANE.centre for s in series]
    east, north = PLANE.forward([p.lon for p in places], [p.lat for p in places])
    unit = GaussianPlume(PLANE).unit_response(listed, east, north, sky)
    values = np.array([s.value for s in series]).T
    excess = (values - np.median(values, axis=1, keepdims=True)).ravel()
    flat = unit.reshape(-1, len(listed))
    flat = flat - flat.mean(axis=0)
    return np.asarray((excess - excess.mean()) @ flat / np.sqrt((flat**2).sum(axis=0) + 1e-12))


Question = tuple[Event, list[Series], list[Source], Weather]


def large_city(candidates: int, stations: int, hours: int) -> tuple[Question, Source]:
    """A square of 40 km: `candidates` stacks, of which one near the middle rises for the last quarter of the time."""
    rng = np.random.default_rng(7)
    count = hours * 12
    sky, half = weather(count, rng), 20_000
    listed = [replace(one, place=PLANE.place(*spot)) for one, spot in zip(
        sources(rng, candidates), rng.uniform(-half, half, (candidates, 2)).tolist(), strict=True
    )]  # fmt: skip
    east, north = rng.uniform(-half, half, (2, stations))
    values, onset = 60 * (1 + 0.1 * rng.normal(size=(count, stations))), count * 3 // 4
    central = sorted(listed, key=lambda one: one.place.distance(PLANE.centre))[: candidates // 50]
    every = GaussianPlume(PLANE).unit_response(central, east, north, sky)
    k = int(np.argmax(every[onset:].mean(axis=0).max(axis=0)))
    culprit, unit = central[k], every[:, :, k]
    values[onset:] += 40 * unit[onset:]
    places = [PLANE.place(float(x), float(y)) for x, y in zip(east, north, strict=True)]
    usable = np.ones(count, bool)
    series = [
        Series(f"station:S{k:03d}", "pm10", "minute", sky.start, sky.end, values[:, k], usable, place)
        for k, place in enumerate(places)
    ]
    worst = int(np.argmax(unit[onset:].mean(axis=0)))
    period = Period(START + timedelta(minutes=5 * onset), START + timedelta(minutes=5 * count))
    event = Event(
        "e", "rise", "pattern", Ref("station", f"S{worst:03d}"), places[worst], period, "pm10", "note", None, None
    )
    return (event, series, listed, sky), culprit


def footprints(tracer: PlumeTracer, question: Question) -> Callable[[], object]:
    """What a ranking asks of the plume: each portion of the sources at its stations, under every error of the wind."""
    event, series, listed, sky = question
    scene = read_scene(event, series, PLANE, tracer.settings)
    assert scene
    winds = block_weather(sky, scene.start, scene.step, back=scene.step)
    east, north = PLANE.forward([one.place.lon for one in listed], [one.place.lat for one in listed])
    parts = reach.portions(east, north, scene, winds, tracer.settings)
    turns = np.arange(-5, 6) * tracer.settings.direction_step

    def work() -> None:
        for part in parts:
            chosen = [listed[k] for k in part.sources]
            for turn in turns:
                turned = replace(winds, wind_from=(winds.wind_from + turn) % 360)
                tracer.model.unit_response(chosen, scene.east[part.stations], scene.north[part.stations], turned)

    return work


def scale() -> None:
    """Print how a large network is ranked, and what the choice by reach changes."""
    tracer = PlumeTracer(GaussianPlume(PLANE), PLANE)
    question, culprit = large_city(5000, 200, 24)
    asked = timed(lambda: tracer.rank(*question))
    plume = timed(footprints(tracer, question))
    hidden = timed(lambda: search_hidden(tracer, *question))
    found = tracer.rank(*question)
    named = [(n, row.probability) for n, row in enumerate(found.ranked, 1) if row.source == culprit.ref]
    printed = Table(title="200 sensors x 24 h x 5,000 candidates")
    for column in ("what", "CPU [s]", "wall [s]", "target [s]"):
        printed.add_column(column, justify="left" if column == "what" else "right")
    rows = (
        ("ranked from raw", asked, "10"),
        ("of it footprints", plume, "-"),
        ("after footprints", (asked[0] - plume[0], asked[1] - plume[1]), "1"),
        ("map of a hidden source", hidden, "5"),
    )
    for name, (cpu, wall), target in rows:
        printed.add_row(name, f"{cpu:.2f}", f"{wall:.2f}", target)
    Console().print(printed)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = f"on place {named[0][0]} with {named[0][1]:.2f}" if named else "not among those named"
    print(f"culprit {said}; most memory {memory:.0f} MB")
    compared()


def compared() -> None:
    """Print the odds of 500 candidates with and without the choice by reach."""
    tracer = PlumeTracer(GaussianPlume(PLANE), PLANE)
    question, _ = large_city(500, 200, 24)
    chosen, cost = tracer.rank(*question), timed(lambda: tracer.rank(*question), 1)
    usual, reach.LARGE = reach.LARGE, 10**9
    whole, cost_whole = tracer.rank(*question), timed(lambda: tracer.rank(*question), 1)
    reach.LARGE = usual
    odds = {row.source: row.probability for row in whole.ranked}
    apart = max(abs(row.probability - odds.get(row.source, 0.0)) for row in chosen.ranked)
    apart = max(apart, abs(chosen.none_of_listed - whole.none_of_listed), abs(chosen.regional - whole.regional))
    same = [row.source for row in chosen.ranked[:5]] == [row.source for row in whole.ranked[:5]]
    print(
        f"500 candidates: by reach {cost[0]:.2f} s, all pairs {cost_whole[0]:.2f} s of processor; "
        f"largest difference of any odds {apart:.1e}; first five the same: {same}"
    )


def main() -> None:
    """Print the table, or with ``--scale`` that of a large network."""
    if "--scale" in sys.argv:
        scale()
        return
    rng = np.random.default_rng(7)
    sky, listed = weather(PERIODS, rng), sources(rng, SOURCES)
    east, north = rng.uniform(-9000, 9000, (2, 40))
    plume, table = GaussianPlume(PLANE), source_table(listed, PLANE)
    engine = EnginePlume(PLANE)
    scene = event_scene(rng)
    tracer = PlumeTracer(plume, PLANE)
    cases: list[tuple[str, Callable[[], object], Callable[[], object] | None, str]] = [
        (
            "plume, 60 x 40 x 200",
            lambda: plume.unit_response(listed, east, north, sky),
            lambda: bare_plume(table, east, north, sky),
            "0.05 s",
        ),
        (
            "engine, 60 x 40 x 200, new air",
            lambda: EnginePlume(PLANE).unit_response(listed, east, north, sky),
            None,
            "-",
        ),
        ("engine, 60 x 40 x 200, kept air", lambda: engine.unit_response(listed, east, north, sky), None, "-"),
        ("ranking, 45 stations x 48 x 200", lambda: tracer.rank(*scene), lambda: bare_ranking(*scene), "0.3 s"),
        ("puffs, 48 h x 30 x 45", puffs(rng), None, "15 s"),
    ]
    printed = Table(title="tracing", show_lines=False)
    for column in ("what", "CPU [s]", "wall [s]", "bare CPU [s]", "ours / bare", "target"):
        printed.add_column(column, justify="left" if column == "what" else "right")
    for name, ours, bare, target in cases:
        cpu, wall = timed(ours)
        base = timed(bare)[0] if bare else None
        ratio = "-" if base is None else f"{cpu / base:.2f}"
        printed.add_row(name, f"{cpu:.3f}", f"{wall:.3f}", "-" if base is None else f"{base:.3f}", ratio, target)
    Console().print(printed)


if __name__ == "__main__":
    main()
