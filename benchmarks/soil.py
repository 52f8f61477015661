"""Samples of soil judged by GB 36600, and the risk model over its items: 10,000 draws, together and one by one.

The bare baseline is what a spreadsheet or a script written per substance does: the same formulas, the same draws, a
loop over substances. Ratios say what computing all substances together is worth.
"""

import time
from collections.abc import Callable

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from bihuan.assessment import LAND_CLASSES, judge_soil, recompute, soil_model, uncertainty
from bihuan.standards import editions

DRAWS, SAMPLES = 10_000, 4_000


def samples() -> pl.DataFrame:
    """A wide table of every item of GB 36600, spread around an eighth of its screening value."""
    random = np.random.default_rng(36600)
    rows = editions("GB 36600")[-1].table("limits")
    values = {row.item: random.lognormal(np.log(float(row["screening"][0]) / 8), 1.0, SAMPLES) for row in rows}
    keys = {"site": [f"plot {number}" for number in range(SAMPLES)], "date": "2026-03-01", "land use": "class_1"}
    return pl.DataFrame(keys | values)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return processor and wall time, the better of two runs. [s]"""
    runs = []
    for _ in range(2):
        processor, wall = time.process_time(), time.perf_counter()
        work()
        runs.append((time.process_time() - processor, time.perf_counter() - wall))
    return min(runs)


def main() -> None:
    """Print the table."""
    model = soil_model()
    alone = [model.only([item]) for item in model.items]
    table = Table(title=f"soil risk model: {len(model.items)} substances, {len(LAND_CLASSES)} classes of land")
    for column in ("what", "processor s", "wall s", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    lines: list[tuple[str, Callable[[], object]]] = [
        (
            f"{DRAWS} draws, all together, with quantiles",
            lambda: [uncertainty(model, land, draws=DRAWS).quantiles() for land in LAND_CLASSES],
        ),
        (
            f"{DRAWS} draws, one substance at a time",
            lambda: [uncertainty(one, land, draws=DRAWS).quantiles() for one in alone for land in LAND_CLASSES],
        ),
        ("one value each, no draws", lambda: [recompute(model, land) for land in LAND_CLASSES]),
    ]
    first = 0.0
    for name, work in lines:
        processor, wall = timed(work)
        first = first or wall
        table.add_row(name, f"{processor:.3f}", f"{wall:.3f}", f"{wall / first:.2f}")
    Console().print(table)
    wide = samples()
    count = SAMPLES * (wide.width - 3)
    processor, wall = timed(lambda: judge_soil(wide))
    judged = Table(title=f"judged by GB 36600: {SAMPLES} samples, {count} values")
    for column in ("processor s", "wall s", "values a processor second"):
        judged.add_column(column, justify="right")
    judged.add_row(f"{processor:.3f}", f"{wall:.3f}", f"{count / processor:,.0f}")
    Console().print(judged)


if __name__ == "__main__":
    main()
