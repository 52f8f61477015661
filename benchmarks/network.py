"""Do proposed places find more planted incidents than random ones? The synthetic city, offline, with other winds.

The design sees the register (in rough mode with wrong rates and places) and a climate of thirty other two-day spells of
weather. The incidents are drawn here, over six further spells, and kept whether anybody sees them or not: a listed
source, or one in no list, puts out more (eight times its rate, give or take two) for one to four hours. What monitors
see of it is computed by puffs in a wind that varies from place to place: neither the design's plume nor its winds.
Found: in one full hour at least, an increase above three times the noise that is stated for the design.

    python -m benchmarks.network [--seeds 4] [--incidents 120] [--monitors 8]
"""

import argparse
from dataclasses import replace
from datetime import timedelta

import numpy as np
from rich.console import Console
from rich.table import Table

from bihuan.app.city.plan import plan_city
from bihuan.app.city.sky import true_weather
from bihuan.app.city.truth import Truth, lay_truth, true_wind
from bihuan.app.town import Town
from bihuan.core import Place, Ref, Source, Weather, local_date
from bihuan.physics import GaussianPlume, PuffModel
from bihuan.tracing import Mesh, Monitor, MonitorKind, NetworkSettings, climate, design_network, mesh, usual_noise

CLEAR = NetworkSettings().clear
SPELLS = 30
RANDOM = 20
TESTED = 6
"""Spells of 48 h that the incidents of a city are spread over."""

STEP = np.timedelta64(300, "s")


def climate_of(seed: int, plan: object, place: Place) -> Weather:
    """Thirty spells of 48 h, drawn from seeds that no incident uses."""
    start = plan.start  # type: ignore[attr-defined]
    parts = [true_weather(300 + 40 * seed + k, start + timedelta(days=2 * k), 48, place) for k in range(SPELLS)]
    names = ("start", "end", "wind_speed", "wind_from", "stability", "temperature", "mixing_height")
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def incidents(truth: Truth, rng: np.random.Generator, count: int, places: Mesh) -> list[tuple[Source, str, float]]:
    """A source, the pollutant that counts and its surplus rate [g/s]; every fifth stands in no list."""
    noise, found = usual_noise().noise, []
    reporting = [one for one in truth.sources if any(one.rates.get(code, 0) > 0 for code in noise)]
    usual = float(np.median([one.rates["pm10"] for one in reporting if one.rates.get("pm10", 0) > 0]))
    for k in range(count):
        if k % 5 == 4:
            at = int(rng.integers(len(places.cells_east)))
            spot = truth.plan.plane.place(float(places.cells_east[at]), float(places.cells_north[at]))
            source, code, rate = Source(Ref("hidden", str(k)), "", spot, "area", side=50.0), "pm10", usual
        else:
            source = reporting[int(rng.integers(len(reporting)))]
            code = max(noise, key=lambda name: source.rates.get(name, 0) / noise[name] * (1e-3 if name == "co" else 1))
            rate = source.rates[code]
        found.append((source, code, rate * float(np.exp(np.log(8.0) + 0.7 * rng.standard_normal()))))
    return found


def seen(truth: Truth, planted: list[tuple[Source, str, float]], east: np.ndarray, north: np.ndarray,
         rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """Which monitor sees which incident, shape (incidents, monitors)."""
    plan, wind = truth.plan, truth.wind
    assert wind is not None
    puffs = PuffModel(plan.plane, urban=plan.urban, step=150.0, reach=14_000.0, oldest=3 * 3600.0)
    out = np.zeros((len(planted), len(east)), dtype=bool)
    for k, (source, code, rate) in enumerate(planted):
        hour, lasts = int(rng.integers(0, plan.hours - 8)), int(rng.integers(1, 5))
        edges = truth.weather.start[hour] + np.arange(12 * (lasts + 2) + 1) * STEP
        on = np.zeros((12 * (lasts + 2), 1))
        on[: 12 * lasts] = rate
        values = puffs.concentrations([source], on, east, north, wind, edges)[:, :, 0]
        hourly = values.reshape(lasts + 2, 12, -1).mean(axis=1) * (1e-3 if code == "co" else 1.0)
        out[k] = hourly.max(axis=0) >= CLEAR * usual_noise().noise[code]
    return out


def one_seed(seed: int, count: int, added: int) -> np.ndarray:
    """Found or not, shape (incidents, 5): present network, mean of the random, best random, proposed, found only."""
    plan = plan_city(seed, 48, rough=True)
    town, rng = Town(plan.register, local_date(plan.start)), np.random.default_rng(seed)
    kind = MonitorKind("micro", usual_noise().noise)
    standing = [Monitor(Ref("station", s.id), s.name, s.place, kind, s.official) for s in town.stations]
    assert town.cell is not None
    places = mesh(
        town.cell.boundary, plan.plane, 1500.0, sources=[s.place for s in town.sources],
        stations=[s.place for s in standing],
    )  # fmt: skip
    blowing = climate(climate_of(seed, plan, plan.centre))
    model = GaussianPlume(plan.plane, urban=True)
    designs = {
        name: design_network(
            model, plan.plane, town.sources, standing, places, blowing, kind, added, settings
        ).proposals
        for name, settings in (("proposed", NetworkSettings()), ("found_only", NetworkSettings(told_apart=0.0)))
    }
    here = plan.plane.forward([s.place.lon for s in standing], [s.place.lat for s in standing])
    chosen = {
        name: plan.plane.forward([p.place.lon for p in one], [p.place.lat for p in one])
        for name, one in designs.items()
    }
    drawn = [rng.choice(len(places.east), added, replace=False) for _ in range(RANDOM)]
    every = np.concatenate(drawn)
    parts = [here, chosen["proposed"], chosen["found_only"], (places.east[every], places.north[every])]
    east, north = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    truth = lay_truth(plan)
    parts = []
    for spell in range(TESTED):
        other = 700 + TESTED * seed + spell
        weather = true_weather(other, plan.start, 48, plan.centre)
        blown = replace(truth, weather=weather, wind=true_wind(replace(plan, seed=other), weather))
        parts.append(seen(blown, incidents(truth, rng, count // TESTED, places), east, north, rng))
    found, n, a = np.concatenate(parts), len(standing), added
    base = found[:, :n].any(axis=1)
    columns = [base.astype(float)]
    sets = found[:, n + 2 * a :].reshape(len(found), RANDOM, a).any(axis=2) | base[:, None]
    columns += [sets.mean(axis=1), sets[:, np.argmax(sets.mean(axis=0))]]
    columns += [base | found[:, n + k * a : n + (k + 1) * a].any(axis=1) for k in range(2)]
    return np.column_stack(columns)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--incidents", type=int, default=120)
    parser.add_argument("--monitors", type=int, default=8)
    asked = parser.parse_args()
    table = Table(
        title=f"share of incidents found, {asked.incidents} a city, rough mode, puffs and winds the design never saw"
    )
    words = (
        "present network", f"+{asked.monitors} random (mean of {RANDOM})", "best of the random",
        f"+{asked.monitors} proposed", "+ proposed for finding only",
    )  # fmt: skip
    table.add_column("city")
    for word in words:
        table.add_column(word, justify="right")
    rows = []
    for seed in range(1, asked.seeds + 1):
        row = one_seed(seed, asked.incidents, asked.monitors)
        rows.append(row)
        table.add_row(str(seed), *(f"{100 * value:.1f} %" for value in row.mean(axis=0)))
    every = np.concatenate(rows)
    table.add_row("all", *(f"{100 * value:.1f} %" for value in every.mean(axis=0)))
    console = Console(width=120)
    console.print(table)
    rng = np.random.default_rng(1)
    draws = np.array([every[rng.integers(0, len(every), len(every))].mean(axis=0) for _ in range(2000)])
    for name, column in (("proposed", 3), ("proposed for finding only", 4)):
        more = every[:, column].mean() - every[:, 1].mean()
        low, high = np.quantile(draws[:, column] - draws[:, 1], [0.1, 0.9])
        gain = (every[:, column].mean() - every[:, 0].mean()) / max(every[:, 1].mean() - every[:, 0].mean(), 1e-9)
        console.print(
            f"{name} against random: {100 * more:+.2f} points (80 % interval {100 * low:+.2f} to {100 * high:+.2f}), "
            f"gain over the present network {gain:.2f} times that of random; {len(every)} incidents"
        )


if __name__ == "__main__":
    main()
