"""The city's own tracer on controlled releases of which begin and end are told: one JSON line for each physics.

``python benchmarks/controlled_release_city.py DIR [--until T] [--memory MIN] [--shared SHARE]``

DIR is the neutral layout with its locations (``sensor_locations.csv``, ``source_locations.csv``). Candidates stand 40 m
apart with sensors around them, a hundred times smaller than a city; block, reach and memory of the wind's direction
are shortened to the place, everything else is as in a city. Methane stands in the code of hydrocarbons, in ug/m3 (656 a
ppm at 25 C). Logs of the culprit's odds are given before and from `--until` on: settings were chosen before it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bihuan.core import Event, ForwardModel, Period, Place, Plane, Ref, Series, Source, Suspects, Weather
from bihuan.physics import EnginePlume, GaussianPlume
from bihuan.tracing import PlumeTracer, TraceSettings

PLANE = Plane(Place(-105.13985, 40.59578))
SETTINGS = TraceSettings(before=1.0, longest=8.0, block=5.0, direction_memory=0.5, usual_rate=0.2, reach=300.0)
HEIGHT = 2.4
"""Of the sensors. [m]"""
KG_H = 1 / 3.6
"""g/s in a kg/h."""
PPM = 656.0
"""Methane in ug/m3 per ppm, 25 C."""


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV, gzipped or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(data.decode("utf-8-sig").splitlines()))


def number(text: str) -> float:
    return float(text) if text not in {"", "NA"} else float("nan")


def weather_of(start: np.ndarray, rows: list[dict[str, str]]) -> Weather:
    """The wind of every minute, and a class of stability from it and the hour of Colorado."""
    speed = np.array([number(row["ws"]) for row in rows])
    towards = np.array([number(row["wd_rad"]) for row in rows])
    hour = (start.astype("datetime64[h]").astype(int) - 6) % 24
    day = (hour >= 7) & (hour < 19)
    stability = np.where(day, np.where(speed < 3, 0, np.where(speed < 5, 1, 2)), np.where(speed < 3, 5, 4))
    stability, full = np.where(speed > 6, 3, stability), np.ones(len(rows))
    end, blown = start + np.timedelta64(1, "m"), (270 - np.degrees(towards)) % 360
    return Weather(start, end, speed, blown, stability, 290 * full, 800 * full, height=3.0)


def site(folder: Path) -> tuple[list[Series], list[Source], Weather]:
    """Sensors, candidates and weather of the folder."""
    rows = table(folder / "obs.csv.gz")
    start = np.array([row["time_utc"].rstrip("Z") for row in rows], dtype="datetime64[us]")
    observations = []
    for row in table(folder / "sensor_locations.csv"):
        value = np.array([number(r[f"ch4_{row['name']}"]) for r in rows]) * PPM
        place, end = Place(float(row["lon"]), float(row["lat"])), start + np.timedelta64(1, "m")
        name = f"station:{row['name']}"
        observations.append(Series(name, "nmhc", "minute", start, end, value, np.isfinite(value), place))
    candidates = [
        Source(
            Ref("outlet", row["name"]), row["name"], Place(float(row["lon"]), float(row["lat"])), "stack",
            height=float(row["height"]),
        )
        for row in table(folder / "source_locations.csv")
    ]  # fmt: skip
    return observations, candidates, weather_of(start, rows)


def trace(folder: Path, physics: ForwardModel, settings: TraceSettings) -> list[tuple[dict[str, str], Suspects]]:
    """Rank the candidates for every release that did not begin before the data did."""
    observations, candidates, weather = site(folder)
    tracer, rows = PlumeTracer(physics, PLANE, settings), []
    for leak in table(folder / "leaks.csv"):
        begin, end = (datetime.fromisoformat(leak[name]).replace(tzinfo=UTC) for name in ("start", "end"))
        if begin.replace(tzinfo=None) < observations[0].start[60].item():
            continue
        event = Event(
            leak["experiment"], "leak", "pattern", Ref("site", "metec"), None, Period(begin, end), "nmhc", "", None,
            None,
        )  # fmt: skip
        rows.append((leak, tracer.rank(event, observations, candidates, weather)))
    return rows


def score(rows: list[tuple[dict[str, str], Suspects]], until: str) -> dict[str, object]:
    """What is printed of one physics."""
    located = [(leak, found.ranked[0]) for leak, found in rows if found.ranked[0].source.id == leak["source"]]
    within = held = 0
    for leak, suspect in located:
        rate = float(leak["rate_kg_h"]) * KG_H
        assert suspect.rate is not None
        assert suspect.rate_low is not None
        assert suspect.rate_high is not None
        within += 0.5 <= suspect.rate / rate <= 2.0
        held += suspect.rate_low <= rate <= suspect.rate_high
    odds = [(leak["start"] < until, _chance(leak, found)) for leak, found in rows]
    logs = [[float(np.log(chance)) for early, chance in odds if early == which] for which in (True, False)]
    return {
        "releases": len(rows), "located": len(located), "within2": within, "held80": held,
        "log_odds_before": round(float(np.mean(logs[0])), 2) if logs[0] else None,
        "log_odds_after": round(float(np.mean(logs[1])), 2) if logs[1] else None,
        "least_odds": round(min(chance for _, chance in odds), 4),
    }  # fmt: skip


def _chance(leak: dict[str, str], found: Suspects) -> float:
    """The culprit's odds."""
    return next(row.probability for row in found.ranked if row.source.id == leak["source"])


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each physics."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--until", default="2022-05-12", help="day before which settings were chosen, UTC")
    parser.add_argument("--memory", type=float, default=SETTINGS.memory, help="minutes that are one look")
    parser.add_argument("--shared", type=float, default=SETTINGS.shared, help="error that all looks share")
    given = parser.parse_args(arguments)
    settings = replace(SETTINGS, memory=given.memory, shared=given.shared)
    for name, physics in (
        ("simple plume", GaussianPlume(PLANE, receptor_height=HEIGHT)),
        ("engine with its random part", EnginePlume(PLANE, receptor_height=HEIGHT, meander=True)),
        ("engine", EnginePlume(PLANE, receptor_height=HEIGHT)),
    ):
        print(json.dumps({"physics": name, **score(trace(given.folder, physics, settings), given.until)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
