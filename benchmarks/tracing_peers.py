"""Peers beside ours, on the same releases: which of five listed sources leaked, and how much.

``python -m benchmarks.tracing_peers [DIR]``, DIR in the neutral layout of `controlled_release`. ``BIHUAN_PYELQ`` is the
Python of an environment that holds pyELQ 1.2.7; without it its row says so. Every method is told the begin and end of
each release, the five places and one wind. pyELQ sees medians of ten minutes, as in its own example, and a plume of its
own; the other two see minutes and the puffs that the data's authors ran.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.controlled_release import MARGIN, Leak, read_leaks, read_record, rows
from bihuan.tracing import Evidence, SiteRecord, invert

DATA = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "receptor" / "ste"
BLOCK = 10
"""Minutes of a value that pyELQ sees."""
ITERATIONS = 1000
"""Of its sampler; the later half counts."""

PYELQ = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from pyelq.component.background import TemporalBackground
from pyelq.component.error_model import BySensor
from pyelq.component.source_model import Normal
from pyelq.coordinate_system import ENU, LLA
from pyelq.dispersion_model.gaussian_plume import GaussianPlume
from pyelq.gas_species import CH4
from pyelq.meteorology.meteorology import Meteorology
from pyelq.model import ELQModel
from pyelq.sensor.sensor import Sensor, SensorGroup
from pyelq.source_map import SourceMap
asked = json.load(open(sys.argv[1]))
here = asked["sensors"]
def place(lon, lat, up):
    # heights are of the ground at the site
    return LLA(latitude=np.array(lat, float), longitude=np.array(lon, float), altitude=np.array(up, float)).to_enu(
        ref_latitude=here["lat"][0], ref_longitude=here["lon"][0], ref_altitude=0.0)
answers = []
for one in asked["releases"]:
    np.random.seed(1)
    begun = time.process_time()
    at = pd.array(pd.to_datetime(one["time"]), dtype="datetime64[ns]")
    sensors = SensorGroup()
    for k, name in enumerate(here["name"]):
        values = np.array([np.nan if v is None else v for v in one["values"][k]], float)
        known = np.isfinite(values)
        if not known.any():
            continue
        sensor = Sensor()
        sensor.label, sensor.time, sensor.concentration = name, at[known], values[known]
        sensor.location = place([here["lon"][k]], [here["lat"][k]], [here["height"][k]])
        sensors.add_sensor(sensor)
    sky = Meteorology()
    sky.time = at
    sky.u_component, sky.v_component = np.array(one["u"]), np.array(one["v"])
    sky.calculate_wind_speed_from_uv()
    sky.calculate_wind_direction_from_uv()
    sky.wind_turbulence_horizontal = np.array(one["turn"])
    sky.wind_turbulence_vertical = np.full(len(at), 5.0)
    sky.temperature, sky.pressure = np.full(len(at), 288.15), np.full(len(at), 84.5)
    listed = SourceMap()
    listed.location = place(asked["sources"]["lon"], asked["sources"]["lat"], asked["sources"]["height"])
    model = Normal()
    model.dispersion_model = GaussianPlume(listed)
    model.update_precision, model.reversible_jump = False, False
    model.coverage_detection, model.coverage_test_source = 1e-12, 1e6
    whole = ELQModel(sensor_object=sensors, meteorology=sky, gas_species=CH4(), background=TemporalBackground(),
        source_model=model, error_model=BySensor())
    whole.n_iter = asked["iterations"]
    whole.initialise(); whole.to_mcmc(); whole.run_mcmc(); whole.from_mcmc()
    drawn = whole.components["source"].emission_rate[:, asked["iterations"] // 2:]
    answers.append({"rate": drawn.mean(axis=1).tolist(), "low": np.quantile(drawn, .1, axis=1).tolist(),
        "high": np.quantile(drawn, .9, axis=1).tolist(), "cpu": time.process_time() - begun})
print(json.dumps(answers))
"""


@dataclass
class Row:
    """One method on all releases; rates in kg/h."""

    name: str
    located: int = 0
    ratios: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    cpu: float = 0.0

    def add(self, leak: Leak, first: int, rate: float, interval: tuple[float, float] | None, cpu: float) -> None:
        """Count one release."""
        self.cpu += cpu
        if first != leak.source:
            return
        self.located += 1
        self.ratios.append(rate / leak.rate)
        if interval:
            self.held.append(interval[0] <= leak.rate <= interval[1])


def ours(record: SiteRecord, leaks: list[Leak]) -> Row:
    """The inversion of `tracing.releases`."""
    begun = time.process_time()
    evidence, row = Evidence(record), Row("Bihuan")
    row.cpu = time.process_time() - begun
    for leak in leaks:
        begun = time.process_time()
        found = invert(evidence, record.between(leak.start, leak.end))
        first, cpu = found.first, time.process_time() - begun
        at = leak.source if first is None else first
        row.add(leak, -1 if first is None else first, float(found.rate[at]),
                (float(found.low[at]), float(found.high[at])), cpu)  # fmt: skip
    return row


def correlation(record: SiteRecord, leaks: list[Leak]) -> Row:
    """The least that any code must do: correlate with each unit response, rate by least squares through the level."""
    row = Row("plain correlation")
    for leak in leaks:
        begun = time.process_time()
        minutes = record.between(leak.start, leak.end)
        values = record.values[minutes] - np.nanmedian(record.values[minutes], axis=0)
        known = np.isfinite(values)
        best, rates = [], []
        for unit in record.unit:
            x, y = unit[minutes][known], values[known]
            best.append(np.corrcoef(x, y)[0, 1] if x.std() > 0 else -1.0)
            rates.append(float(np.cov(x, y)[0, 1] / x.var()) if x.std() > 0 else 0.0)
        first = int(np.argmax(best))
        row.add(leak, first, rates[first], None, time.process_time() - begun)
    return row


def question(folder: Path, record: SiteRecord, leaks: list[Leak]) -> dict[str, object]:
    """What pyELQ is asked: medians of sensors, mean wind and its turning, places."""
    wind = {np.datetime64(one["time_utc"].rstrip("Z"), "m"): one for one in rows(folder / "obs.csv.gz")}
    asked = []
    for leak in leaks:
        minutes = record.between(leak.start, leak.end)
        blocks = [minutes[n : n + BLOCK] for n in range(0, len(minutes) - BLOCK + 1, BLOCK)]
        told: dict[str, list[object]] = {
            "time": [],
            "values": [[] for _ in record.sensors],
            "u": [],
            "v": [],
            "turn": [],
        }
        for block in blocks:
            gusts = [wind[minute] for minute in record.start[block] if minute in wind]
            angle, speed = (np.array([float(one[name]) for one in gusts]) for name in ("wd_rad", "ws"))
            known = np.isfinite(angle) & np.isfinite(speed)
            if not known.any():
                continue
            u, v = speed[known] * np.cos(angle[known]), speed[known] * np.sin(angle[known])
            steady = min(np.hypot(np.cos(angle[known]).mean(), np.sin(angle[known]).mean()), 1 - 1e-6)
            told["time"].append(str(record.start[block[len(block) // 2]]))
            told["u"].append(float(u.mean()))
            told["v"].append(float(v.mean()))
            told["turn"].append(float(max(np.degrees(np.sqrt(-2 * np.log(steady))), 2.0)))
            for k, into in enumerate(told["values"]):
                part = record.values[block, k]
                into.append(float(np.nanmedian(part)) if np.isfinite(part).any() else None)  # type: ignore[attr-defined]
        asked.append(told)
    return {
        "releases": asked,
        "iterations": ITERATIONS,
        "sensors": _places(folder / "sensor_locations.csv", record.sensors),
        "sources": _places(folder / "source_locations.csv", record.sources),
    }


def _places(path: Path, names: tuple[str, ...]) -> dict[str, list[object]]:
    by_name = {one["name"]: one for one in rows(path)}
    numbers = {key: [float(by_name[name][key]) for name in names] for key in ("lon", "lat", "height")}
    return {"name": list(names), **numbers}


def pyelq(folder: Path, record: SiteRecord, leaks: list[Leak]) -> Row | None:
    """Its row, None where it is not at hand."""
    python = os.environ.get("BIHUAN_PYELQ")
    if not python:
        return None
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "asked.json"
        path.write_text(json.dumps(question(folder, record, leaks)))
        done = subprocess.run([python, "-c", PYELQ, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pyELQ failed: {done.stderr.strip().splitlines()[-1:]}")
    row = Row(f"pyELQ, {ITERATIONS} iterations")
    for leak, one in zip(leaks, json.loads(done.stdout.splitlines()[-1]), strict=True):
        first = int(np.argmax(one["rate"]))
        row.add(leak, first, one["rate"][first], (one["low"][first], one["high"][first]), one["cpu"])
    return row


def main() -> None:
    """Print the table."""
    given = [word for word in sys.argv[1:] if not word.startswith("--") and Path(word).is_dir()]
    folder = Path(given[0]) if given else DATA / "aded2022_week_neutral"
    if not folder.is_dir():
        sys.exit(f"{folder} is not there: give a folder in the neutral layout")
    record = read_record(folder)
    first = record.start[0] + np.timedelta64(MARGIN, "m")
    every = read_leaks(folder, record)
    leaks = [one for one in every if one.single and one.start >= first and one.end <= record.start[-1]]
    printed = Table(title=f"{len(leaks)} releases, begin and end told")
    for column in ("method", "located", "rate within x2", "median ratio", "in 80 % interval", "CPU s a release"):
        printed.add_column(column, justify="left" if column == "method" else "right")
    invert(Evidence(record), record.between(leaks[0].start, leaks[0].end))  # compiles
    for row in (ours(record, leaks), correlation(record, leaks), pyelq(folder, record, leaks)):
        if row is None:
            printed.add_row("pyELQ", *["not at hand"] * 5)
            continue
        ratios = np.array(row.ratios)
        within = int(((ratios > 0.5) & (ratios < 2)).sum())
        held = f"{sum(row.held)} of {len(row.held)}" if row.held else "-"
        printed.add_row(
            row.name, f"{row.located} of {len(leaks)}", f"{within} of {len(ratios)}", f"{np.median(ratios):.2f}", held,
            f"{row.cpu / len(leaks):.3f}",
        )  # fmt: skip
    Console().print(printed)


if __name__ == "__main__":
    main()
