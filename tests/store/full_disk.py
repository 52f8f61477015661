"""A process whose files may not grow: what series, records and journal say, and that they go on when they may.

Run as ``python -m tests.store.full_disk FOLDER``; the limit on file sizes makes the system refuse real writes.
"""

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from bihuan.core import BihuanError
from bihuan.store import Journal, Position, Records, Row, SeriesStore, encode_entry
from tests.store.rows import T0, many


def main(folder: Path) -> None:
    series, records = SeriesStore(folder / "s.duckdb"), Records(folder / "r.sqlite")
    journal = Journal(folder / "journal", "g1")
    steps: dict[str, Callable[[], object]] = {
        "series": lambda: series.append(many(6000, 5), consumed={"g1": Position(1, 99)}),
        "records": lambda: records.save("event", [Row("big", b'"' + b"x" * 1_500_000 + b'"')]),
        "journal": lambda: journal.append([encode_entry(b"x" * 1_000_000, T0, "p", "known")]),
    }
    series.append(many(10, 0), consumed={"g1": Position(1, 64)})
    records.save("event", [Row("small", b"1")])
    journal.append([encode_entry(b"before", T0, "p", "known")])
    largest = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 20_000, resource.RLIM_INFINITY))
    said = {}
    for name, step in steps.items():
        try:
            step()
        except BihuanError as problem:
            said[name] = type(problem).__name__
    kept = [series.counts()["readings"], records.count("event"), list(series.consumed()["g1"])]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for step in steps.values():
        step()
    journal.close()
    records.close()
    series.close()
    print(json.dumps({"said": said, "kept": kept}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
