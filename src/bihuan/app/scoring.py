"""`bihuan demo --score`: whole cities as fast as the machine can, each held against its hidden truth."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bihuan.app.city import City, score
from bihuan.app.clock import WallClock
from bihuan.app.rig import CityRun
from bihuan.core import Effect, Suspects, from_json

SEEDS = (1, 2, 3, 4, 5)


def score_runs(seed: int | None = None, hours: int = 48, rough: bool | None = None) -> Iterator[dict[str, Any]]:
    """Yield the score of each run.

    Parameters
    ----------
    seed : int, optional
        One city; without it seeds 1 to 5.
    hours : int
    rough : bool, optional
        One mode; without it easy then rough, unless a seed is given: then easy.
    """
    seeds = SEEDS if seed is None else (seed,)
    modes = (rough,) if rough is not None else (False,) if seed is not None else (False, True)
    for mode in modes:
        for number in seeds:
            yield score_one(number, hours, mode)


def score_one(seed: int, hours: int, rough: bool, home: Path | None = None) -> dict[str, Any]:
    """Run one city to its end and score it."""
    wall = WallClock()
    began = wall.monotonic()
    city = City(seed, hours, rough)
    with tempfile.TemporaryDirectory(prefix="bihuan-") as folder, CityRun(city, home or Path(folder)) as run:
        for _ in run.ticks():
            pass
        records = run.store.records
        suspects = [from_json(row.body, Suspects) for row in records.find("suspects")]
        effects = [from_json(row.body, Effect) for row in records.find("effect")]
        result = score(city, run.raised.values(), suspects, run.loop.desk.cases, effects)
        frames = run.loop.ingest.counts.frames
    return {**result, "frames": frames, "seconds": round(wall.monotonic() - began, 1)}
