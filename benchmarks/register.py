"""Reading 100,000 rows of stations, and looking up 3,000 cells, 3,000 people and 5,000 loggers.

Run ``python -m benchmarks.register``. The peer of reading is `csv.DictReader` alone, of looking up the plain scan over
all facts of a day.
"""

from __future__ import annotations

import csv
import io
import math
import random
from collections.abc import Callable
from datetime import date
from time import perf_counter

from bihuan.core import Place, Ref
from bihuan.formats import read_register
from bihuan.register import Cell, Device, Fact, Person, Register, Rings, contains

DAY = date(2026, 11, 1)
ROWS, CELLS, LOGGERS = 100_000, 3_000, 5_000


def table() -> bytes:
    """A CSV of stations with three wrong rows."""
    rows = [
        f"S{i:06d},第{i}号,市控,4101{i % 12:02d},大气,{112.7 + i / 1e5:.6f},34.{i:06d},,2026-01-{i % 28 + 1:02d},,台账"
        for i in range(ROWS)
    ]
    for place in (776, 50_000, 99_997):
        rows[place] = "S,x,市控,410100,大气,34.5,113.5,,,,"
    return "\n".join(
        ["点位编码,点位名称,点位类别,所属区县,介质,经度,纬度,坐标系,生效日期,失效日期,来源", *rows]
    ).encode()


def round_area(lon: float, lat: float, radius: float, corners: int = 60) -> Rings:
    """A round cell."""
    angles = [2 * math.pi * k / corners for k in range(corners)]
    return (tuple((lon + radius * math.cos(a), lat + radius * math.sin(a)) for a in angles),)


def city() -> list[Fact]:
    """Cells with one officer each, and loggers two to an outlet."""
    facts: list[Fact] = []
    for i in range(CELLS):
        area = round_area(112.7 + (i % 60) * 0.03, 34.2 + (i // 60) * 0.02, 0.02)
        facts.append(Cell(id=f"c{i}", name="", level=4 if i >= 220 else 3, district="D", parent="c0", boundary=area))
        facts.append(Person(id=f"p{i}", name="", roles=("grid_officer",), cells=(f"c{i}",)))
    return facts + [Device(id=f"MN{i}", name="", site=f"outlet:o{i // 2}") for i in range(LOGGERS)]


def each(step: Callable[[int], object], times: int) -> float:
    """Microseconds of one step."""
    began = perf_counter()
    for index in range(times):
        step(index)
    return (perf_counter() - began) / times * 1e6


def reading() -> None:
    """Print how long a table takes to read, merge, and merge again."""
    data = table()
    began = perf_counter()
    bare = sum(1 for _ in csv.DictReader(io.StringIO(data.decode())))
    bare_time = perf_counter() - began
    began = perf_counter()
    imported = read_register(data, "stations.csv")
    read_time = perf_counter() - began
    register, first = Register().merge(imported.facts, told=imported.told)
    merged = perf_counter() - began - read_time
    _, again = register.merge(imported.facts, told=imported.told)
    print(
        f"rows {bare:,}; facts {len(imported.facts):,}; errors {len(imported.errors)}; {len(again)} changes when again"
    )
    print(
        f"{'read':<12}{read_time:8.2f} s   csv.DictReader alone {bare_time:.2f} s   ratio {read_time / bare_time:.1f}"
    )
    print(f"{'merge':<12}{merged:8.2f} s   {len(first):,} changes")


def looking() -> None:
    """Print what one look-up costs against a scan."""
    register = Register(city())
    draw = random.Random(1)
    places = [Place(112.7 + draw.random() * 1.8, 34.2 + draw.random()) for _ in range(2_000)]
    cells, people, devices = (register.all(kind, DAY) for kind in (Cell, Person, Device))

    def scan_cells(k: int) -> object:
        return next((c for c in sorted(cells, key=lambda c: -c.level) if contains(c.boundary, places[k])), None)

    rows: dict[str, tuple[Callable[[int], object], Callable[[int], object]]] = {
        "cell_at": (lambda k: register.cell_at(places[k % 2_000], DAY), scan_cells),
        "officers_of": (
            lambda k: register.officers_of(f"c{k % CELLS}", DAY),
            lambda k: [p for p in people if f"c{k % CELLS}" in p.cells],
        ),
        "devices_of": (
            lambda k: register.devices_of(Ref("outlet", f"o{k % 2_500}"), DAY),
            lambda k: [d for d in devices if d.site == f"outlet:o{k % 2_500}"],
        ),
        "site_of": (
            lambda k: register.site_of(f"MN{k % LOGGERS}", DAY),
            lambda k: next(d.site for d in devices if d.id == f"MN{k % LOGGERS}"),
        ),
    }
    for name, (ours, scan) in rows.items():
        ours(0)
        mine, plain = each(ours, 5_000), each(scan, 20)
        print(f"{name:<12}{mine:8.1f} us  scan {plain:10.1f} us  ratio {mine / plain:.4f}")


def main() -> None:
    """Print both tables."""
    reading()
    looking()


if __name__ == "__main__":
    main()
