"""How well controlled releases are traced: any folder in the neutral layout, one JSON line.

``python benchmarks/controlled_release.py DIR [--from T] [--until T] [--details]``

The folder holds ``obs.csv.gz`` (``time_utc wd_rad ws ch4_<sensor>``), ``puff_unit_<source>.csv.gz`` (ppm per
0.001 kg/s, the same minutes) and ``leaks.csv`` (``start end source rate_kg_h``). What the keys of the line mean stands
in docs/tracing.md.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bihuan.tracing import Course, Evidence, Inversion, SiteRecord, detect, follow, invert

KG_H = 3.6
"""kg/h in 0.001 kg/s."""
SEEN = 0.02
"""A window can be seen if some sensor and minute gets more than this from the true source. [ppm]"""
SHOWS = 1.0
"""A sensor shows a rise that is above this in some minute of a false alarm. [ppm]"""
MARGIN = 60
"""A release that began less than this after the record did is not scored: its level is not known. [min]"""


@dataclass(frozen=True)
class Leak:
    """One metered release; `single` if it is of one known source at a known rate."""

    start: np.datetime64
    end: np.datetime64
    source: int
    rate: float
    single: bool = True


def rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV, gzipped or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(data.decode("utf-8-sig").splitlines()))


def number(text: str | None) -> float:
    return float(text) if text not in {None, "", "NA", "NaN", "nan"} else float("nan")


def moment(text: str, unit: str) -> np.datetime64:
    return np.datetime64(text.strip().removesuffix("Z").removesuffix("+00:00"), unit)


def read_record(folder: Path) -> SiteRecord:
    """The sensors, the wind and the unit responses, ppm per kg/h.

    A missing minute becomes a row of NaN; a sensor that a source has no response for is reached by nothing from it.
    """
    observed = rows(folder / "obs.csv.gz")
    minute = np.array([moment(row["time_utc"], "m") for row in observed])
    sensors = tuple(name[4:] for name in observed[0] if name.startswith("ch4_"))
    values = np.array([[number(row[f"ch4_{sensor}"]) for sensor in sensors] for row in observed])
    files = sorted(folder.glob("puff_unit_*.csv.gz"))
    unit = np.array([[[number(row.get(sensor)) for sensor in sensors] for row in rows(path)] for path in files]) / KG_H
    place = (minute - minute.min()).astype(np.int64)
    count = int(place.max()) + 1
    filled, responses = np.full((count, len(sensors)), np.nan), np.zeros((len(files), count, len(sensors)))
    filled[place], responses[:, place] = values, np.nan_to_num(unit)
    towards, speed = (np.array([number(row.get(name)) for row in observed]) for name in ("wd_rad", "ws"))
    wind = np.full((count, 2), np.nan)
    wind[place] = np.column_stack([speed * np.cos(towards), speed * np.sin(towards)])
    names = tuple(path.name[len("puff_unit_") : -len(".csv.gz")] for path in files)
    return SiteRecord(minute.min() + np.arange(count), filled, responses, sensors, names, wind)


def read_leaks(folder: Path, record: SiteRecord) -> list[Leak]:
    """Every metered release; which are one known source's at a known rate, `Leak.single` says."""
    found = []
    for row in rows(folder / "leaks.csv"):
        start, end = moment(row["start"], "s"), moment(row["end"], "s")
        source = record.sources.index(row["source"]) if row["source"] in record.sources else -1
        rate = number(row["rate_kg_h"])
        single = source >= 0 and rate > 0 and row.get("points_in_experiment", "1") in {"", "1"}
        found.append(Leak(start, end, source, rate, single))
    return found


@dataclass
class Score:
    """Counts of everything, and the line they make."""

    located: list[bool] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    windows: dict[str, list[bool]] = field(default_factory=dict)
    blind: list[bool] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)
    right_answers: list[bool] = field(default_factory=list)
    detected: list[bool] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    false_per_day: float = 0.0
    false_alarms: list[dict[str, object]] = field(default_factory=list)
    alarmed: float = 0.0

    def release(self, leak: Leak, found: Inversion) -> None:
        """Add a release whose beginning and end were told."""
        right = found.first == leak.source
        self.located.append(right)
        if right:
            self.ratios.append(float(found.rate[leak.source]) / leak.rate)
            self.held.append(bool(found.low[leak.source] <= leak.rate <= found.high[leak.source]))

    def window(self, name: str, source: int, seen: bool, chances: np.ndarray, told: bool) -> None:
        """Add a window; those of a quarter of an hour alone also make the log score and the share answered."""
        right = int(np.argmax(chances)) == source
        alone = name == "windows15"
        if alone:
            self.logs.append(float(np.log(max(chances[source], 1e-6))))
        if not seen:
            if alone:
                self.blind.append(not told)
            return
        self.windows.setdefault(name, []).append(right)
        if alone:
            self.answers.append(told)
            if told:
                self.right_answers.append(right)

    def line(self) -> dict[str, float | int | None]:
        """What is printed."""

        def share(of: list[bool]) -> float | None:
            return round(float(np.mean(of)), 3) if of else None

        within = [0.5 <= ratio <= 2.0 for ratio in self.ratios]
        named = {name: share(self.windows.get(name, [])) for name in ("windows15", "windows60", "causal15", "causal60")}
        return {
            "releases": len(self.located), "located": int(np.sum(self.located)), "fac2": share(within), **named,
            "blind15": share(self.blind), "detected": share(self.detected),
            "false_per_day": round(self.false_per_day, 3), "coverage80": share(self.held),
            "log_score": round(float(np.mean(self.logs)), 3) if self.logs else None, "answered": share(self.answers),
        }  # fmt: skip

    def details(self) -> dict[str, object]:
        """What stands behind it."""
        return {
            "windows": {name: len(found) for name, found in self.windows.items()},
            "blind_windows15": len(self.blind),
            "right_if_answered15": round(float(np.mean(self.right_answers)), 3) if self.right_answers else None,
            "rate_ratios": [round(ratio, 2) for ratio in self.ratios],
            "located_by_release": self.located,
            "detected_by_release": self.detected,
            "delay_min": [round(delay) for delay in self.delays],
            "alarmed_outside_releases": round(self.alarmed, 3),
            "false_alarms": self.false_alarms,
        }


def windows(leak: Leak, minutes: int) -> Iterator[tuple[np.datetime64, np.datetime64]]:
    """Whole windows of a release, one after the other from its start."""
    step, start = np.timedelta64(minutes * 60, "s"), leak.start
    while start + step <= leak.end:
        yield start, start + step
        start = start + step


def score(record: SiteRecord, leaks: list[Leak], chosen: Callable[[np.datetime64], bool]) -> Score:
    """Score the releases and the days that are chosen; the others are only known to the background."""
    both, past = Evidence(record), Evidence(record, online=True)
    course, found = follow(past), Score()
    first = record.start[0] + np.timedelta64(MARGIN, "m")
    scored = [
        leak
        for leak in leaks
        if leak.single and leak.start >= first and leak.end <= record.start[-1] and chosen(leak.start)
        and len(record.between(leak.start, leak.end)) > 0
    ]  # fmt: skip
    for leak in scored:
        found.release(leak, invert(both, record.between(leak.start, leak.end)))
        for length in (15, 60):
            for start, end in windows(leak, length):
                minutes = record.between(start, end)
                seen = bool(leak.rate * record.unit[leak.source, minutes].max() >= SEEN)
                alone = invert(both, minutes)
                told = not alone.cannot_tell
                found.window(f"windows{length}", leak.source, seen, _with_none(alone), told)
                now = course.at(int(minutes[-1]) + 1)
                found.window(f"causal{length}", leak.source, seen, now, bool(now.max() > 0.5))
    _detection(both, leaks, scored, course, chosen, found)
    return found


def _with_none(found: Inversion) -> np.ndarray:
    """Probabilities of the sources; what goes to none of them is lost to the log score."""
    total = found.probability.sum() + found.none
    return np.asarray(found.probability / total)


def _detection(
    both: Evidence, leaks: list[Leak], scored: list[Leak], course: Course,
    chosen: Callable[[np.datetime64], bool], found: Score,
) -> None:  # fmt: skip
    record = both.record
    alarms = [(record.start[one.raised - 1], record.start[one.cleared - 1]) for one in detect(course)]
    for leak in scored:
        on = [max(raised, leak.start) for raised, cleared in alarms if raised < leak.end and cleared > leak.start]
        found.detected.append(bool(on))
        if on:
            found.delays.append(float((min(on) - leak.start) / np.timedelta64(1, "m")))
    minutes = record.start[[bool(chosen(minute)) for minute in record.start]]
    quiet = ~_any_holds(minutes, [(leak.start, leak.end) for leak in leaks])
    found.alarmed = float(_any_holds(minutes, alarms)[quiet].mean()) if quiet.any() else 0.0
    false = [one for one in alarms if not any(a.start < one[1] and one[0] < a.end for a in leaks) and chosen(one[0])]
    found.false_alarms = [_told(both, *one) for one in false]
    found.false_per_day = len(false) / max(len(minutes) / 1440.0, 1e-9)


def _told(both: Evidence, raised: np.datetime64, cleared: np.datetime64) -> dict[str, object]:
    """What an alarm that overlaps no release looks like, so that a reader can judge whether the truth lacks one."""
    record = both.record
    minutes = record.between(raised, cleared)
    found, excess = invert(both, minutes), np.nan_to_num(both.excess[minutes])
    shown = {name: round(float(excess[:, n].max()), 1) for n, name in enumerate(record.sensors)}
    return {
        "raised": str(raised), "cleared": str(cleared), "first": record.sources[found.first],
        "probability": round(float(found.probability[found.first]), 3), "none": round(found.none, 3),
        "rate": [round(float(one[found.first]), 2) for one in (found.low, found.rate, found.high)],
        "cannot_tell": found.cannot_tell, "sensors": {name: most for name, most in shown.items() if most > SHOWS},
    }  # fmt: skip


def _any_holds(minutes: np.ndarray, stretches: list[tuple[np.datetime64, np.datetime64]]) -> np.ndarray:
    """Which minutes lie in a stretch."""
    held = np.zeros(len(minutes), dtype=bool)
    for start, end in stretches:
        held |= (minutes >= start) & (minutes < end)
    return held


def main(arguments: list[str] | None = None) -> int:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--from", dest="first", help="score from this day on, UTC")
    parser.add_argument("--until", dest="last", help="score before this day, UTC")
    parser.add_argument("--details", action="store_true", help="what stands behind it, on stderr")
    given = parser.parse_args(arguments)
    first, last = (
        np.datetime64(text or default, "m") for text, default in ((given.first, "1900"), (given.last, "2200"))
    )
    record = read_record(given.folder)
    found = score(record, read_leaks(given.folder, record), lambda at: bool(first <= at < last))
    print(json.dumps(found.line()))
    if given.details:
        print(json.dumps(found.details()), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
