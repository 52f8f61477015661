"""Seconds a daily bulletin takes: gather, compose with charts, HTML, DOCX; a home with real or with made hours."""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bihuan.app import importing
from bihuan.app.bulletins import LANGUAGES
from bihuan.app.gathering import gather
from bihuan.app.settings import read_settings
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import from_json
from bihuan.reports import Cover, compose, docx, html
from bihuan.store import open_store

ROUNDS = 5


def made(folder: Path) -> Path:
    """A home with a month of one made city."""
    lines = ["time,city,AQI,PM2.5,PM10,SO2,NO2,O3,CO"]
    first = datetime(2019, 1, 7, 1, tzinfo=UTC)
    for hour in range(31 * 24):
        at = first + timedelta(hours=hour)
        lines.append(f"{at:%Y-%m-%d %H}:00:00,郑州,100,{60 + hour % 50},{110 + hour % 70},10,40,{40 + hour % 24},1.2")
    (folder / "city.csv").write_text("\n".join(lines) + "\n", "utf-8")
    importing.import_files(folder / "home", [folder / "city.csv"])
    return folder / "home"


def main(*asked: str) -> None:
    """Print a line a bulletin; ``python -m benchmarks.bulletin HOME DAY [SITE]`` takes a home of yours."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(asked[0]) if asked else made(Path(folder))
        day = date.fromisoformat(asked[1]) if len(asked) > 1 else date(2019, 2, 6)
        site = asked[2] if len(asked) > 2 else None
        settings = read_settings(home)
        now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        print(f"{home.name} {day}   gather  compose     html     docx    whole [s]")
        with open_store(home) as store:
            town = Town(store.records.register(), day)
            cases = tuple(from_json(row.body, Case) for row in store.records.find("case"))
            for language in LANGUAGES * ROUNDS:
                marks = [time.perf_counter()]
                given = gather(store, town, settings, day, now, cases, site=site)
                marks.append(time.perf_counter())
                content = compose(given, language)
                marks.append(time.perf_counter())
                html(content, Cover(), zone=settings.zone)
                marks.append(time.perf_counter())
                docx(content, Cover(), zone=settings.zone)
                marks.append(time.perf_counter())
                parts = [end - start for start, end in itertools.pairwise(marks)]
                told = "".join(f"{part:9.2f}" for part in [*parts, sum(parts)])
                print(f"{language}                 {told}")


if __name__ == "__main__":
    main(*sys.argv[1:])
