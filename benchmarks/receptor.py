"""Factorisations of the two sample sets of EPA PMF 5 beside ESAT on the same data.

``python -m benchmarks.receptor [--data DIR] [--seeds 10]``; ``BIHUAN_ESAT`` is the Python of an environment that holds
ESAT 2025.0.1. Without it the anchors that were measured once stand in its place, marked so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bihuan.formats import read_vu
from bihuan.tracing.receptor import Material, bootstrap, displace, factorise, prepare

DATA = Path(os.environ.get("BIHUAN_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "receptor" / "pmf"
SETS = {
    "Baton Rouge": ("Dataset-BatonRouge-con.csv", "Dataset-BatonRouge-unc.csv"),
    "Baltimore": ("Dataset-Baltimore_con.txt", "Dataset-Baltimore_unc.txt"),
}
ANCHORS = {
    ("Baton Rouge", 4): (0.58, 83_799.8, 84_318.7),
    ("Baton Rouge", 6): (0.57, 63_883.4, 65_450.6),
    ("Baltimore", 4): (2.40, 28_155.2, 28_257.1),
    ("Baltimore", 6): (3.02, 17_943.7, 18_970.0),
}
"""CPU s a start, least and median Q(true) of ten starts of ESAT LS-NMF (max_iter 20 000, converge_delta 0.1,
converge_n 25), measured once on a loaded machine of two cores."""

ESAT = """
import json, sys, time, logging
logging.disable(logging.CRITICAL)
from esat.data.datahandler import DataHandler
from esat.model.sa import SA
con, unc, factors, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
V, U = DataHandler(con, unc, index_col="Date").get_data()
found, began = [], time.process_time()
for seed in range(seeds):
    one = SA(V=V, U=U, factors=factors, method="ls-nmf", seed=seed, verbose=False)
    one.initialize()
    one.train(max_iter=20000, converge_delta=0.1, converge_n=25)
    found.append(float(one.Qtrue))
print(json.dumps([(time.process_time() - began) / seeds, sorted(found)]))
"""


def made_ready(folder: Path, name: str) -> Material:
    """Return one of the sample sets."""
    con, unc = (folder / file for file in SETS[name])
    table = read_vu(con, unc, ZoneInfo("Asia/Shanghai"))
    return prepare(table.times, table.names, table.units, table.values, table.uncertainty, missing="drop")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return CPU seconds and result."""
    began = time.process_time()
    found = work()
    return time.process_time() - began, found


def esat(folder: Path, name: str, factors: int, seeds: int) -> tuple[str, float, float, float]:
    """Return label, CPU s a start, least and median Q of ESAT, or the anchors."""
    python = os.environ.get("BIHUAN_ESAT")
    if not python:
        return ("ESAT (anchor)", *ANCHORS[name, factors])
    files = [str(folder / file) for file in SETS[name]]
    done = subprocess.run(
        [python, "-c", ESAT, *files, str(factors), str(seeds)], capture_output=True, text=True, check=True
    )
    cost, found = json.loads(done.stdout.splitlines()[-1])
    return "ESAT", cost, found[0], found[len(found) // 2]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_known_args()[0]  # the names of benchmarks stand before the options
    if not given.data.is_dir():
        print(f"the sample sets are not in {given.data}: name their folder with --data")
        return
    factorise(made_ready(given.data, "Baton Rouge"), 2, seeds=range(2))  # compiled once, outside the clock
    print(f"{'set':<12} {'k':>2} {'ours CPU s':>11} {'min Q':>10} {'median Q':>10} {'agree':>6}", end="")
    print(f"  {'peer':<14} {'CPU s':>7} {'min Q':>10} {'median Q':>10} {'ours/peer CPU':>14}")
    for name, factors in ANCHORS:
        material = made_ready(given.data, name)
        cost, found = timed(lambda m=material, k=factors: factorise(m, k, seeds=range(given.seeds)))
        merits = sorted(run.q_true for run in found.runs)
        agree = sum(merit <= merits[0] * 1.0001 for merit in merits)
        label, each, least, middle = esat(given.data, name, factors, given.seeds)
        whole = each * given.seeds
        print(f"{name:<12} {factors:>2} {cost:>11.2f} {merits[0]:>10.1f} {merits[len(merits) // 2]:>10.1f}", end="")
        print(f" {agree:>3}/{given.seeds:<2}  {label:<14} {whole:>7.2f} {least:>10.1f} {middle:>10.1f}", end="")
        print(f" {cost / whole:>14.2f}")
    doubts(made_ready(given.data, "Baton Rouge"))


def doubts(material: Material) -> None:
    """Print what intervals cost."""
    base = factorise(material, 4, seeds=range(20))
    print("\nBaton Rouge, k = 4, CPU s")
    for label, work in (
        ("20 starts, robust", lambda: factorise(material, 4, seeds=range(20), robust=True)),
        ("bootstrap, 100 resamples", lambda: bootstrap(base, 100)),
        ("displacement, 41 species, 4 rises", lambda: displace(base)),
    ):
        print(f"  {label:<36} {timed(work)[0]:>7.2f}")


if __name__ == "__main__":
    main()
