"""The soil risk model over every item of GB 36600: 10,000 draws, beside the same draws one substance at a time.

The bare baseline is what a spreadsheet or a script written per substance does: the same formulas, the same draws, a
loop over substances. Ratios say what computing all substances together is worth.
"""

import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from bihuan.assessment import LAND_CLASSES, recompute, soil_model, uncertainty

DRAWS = 10_000


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


if __name__ == "__main__":
    main()
