"""The watch over 5,000 loggers: cost of the gap table a step, and of finding one logger in the journal.

Run ``python -m benchmarks watch``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from bihuan.app.framebook import FrameBook
from bihuan.app.gapkeeping import GapKeeper
from bihuan.app.presence import Arrival, PresenceKeeper
from bihuan.app.town import Town
from bihuan.core import CHINA, Place
from bihuan.register import Device, Register, Station
from bihuan.store import Journal, JournalReader, encode_entry, open_store

DEVICES = 5_000
POLLUTANTS = 10
TICK = timedelta(minutes=5)
T0 = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = {"device": pl.String, "interval": pl.String, "start": pl.Datetime("us", "UTC"), "origin": pl.String}


def main() -> None:
    """Print every table."""
    gap_steps()
    frame_looks()


def town() -> Town:
    """5,000 loggers, each owing a report a minute and an hour."""
    place = Place(113.6, 34.7)
    facts = [Station(id="1", name="", kind="city", place=place, district="d")]
    rhythm = {"minute": 60, "hour": 3600}
    loggers = [Device(id=f"MN{n:06d}", name="", site="station:1", rhythm=rhythm) for n in range(DEVICES)]
    return Town(Register([*facts, *loggers]), T0.date())


def minutes(names: list[str], at: datetime, silent: Callable[[int], bool]) -> pl.DataFrame:
    """Rows of five minutes, a row a pollutant, as a step of the loop gets them."""
    rows = [
        (mn, "minute", at + timedelta(minutes=n), "live")
        for number, mn in enumerate(names)
        if not silent(number)
        for n in range(5)
    ]
    frame = pl.DataFrame(rows, SCHEMA, orient="row")
    return pl.concat([frame] * POLLUTANTS)


def gap_steps() -> None:
    """One step of gaps and of times on line, for some shares of silent loggers."""
    city = town()
    names = sorted(city.devices)
    print(f"a step of {DEVICES} loggers, 5 reports each of {POLLUTANTS} pollutants [ms]; the loop looks every 5 s")
    print(f"{'silent':>8} {'gaps':>8} {'presence':>9} {'rows kept':>10} {'share of 5 s':>13}")
    for share in (0.0, 0.02, 0.2, 1.0):
        print(_row(city, names, share))


def _row(city: Town, names: list[str], share: float) -> str:
    silent = (lambda number: number % 100 < share * 100) if share else (lambda number: False)
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "home") as store:
        keeper, presence = GapKeeper(store, CHINA), PresenceKeeper(store.records)
        gaps, lines, kept = [], [], 0
        for step in range(16):
            now = T0 + TICK * (step + 1)
            readings = minutes(names, T0 + TICK * step, silent if step else lambda number: False)
            came = [
                Arrival(mn, now, "10.0.0.1:4001")
                for number, mn in enumerate(names)
                if not (step and silent(number))
                for _ in range(5)
            ]
            begin = time.process_time()
            with store.records.transaction():
                changed = keeper.step(city, readings, now)
            middle = time.process_time()
            with store.records.transaction():
                presence.step(city.devices, came, now)
            end = time.process_time()
            if step >= 10:
                gaps.append(middle - begin)
                lines.append(end - middle)
                kept = max(kept, len(changed))
    worst = max(gaps) + max(lines)
    return f"{share:8.0%} {_ms(gaps)} {_ms(lines)} {kept:10d} {worst / 5:13.1%}"


HOURS = 2
SEGMENT = 64 << 20


def frame_looks() -> None:
    """Index sealed segments of 5,000 loggers that send each minute, and look up one of them."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        frames = _write_journal(journal)
        size = sum(path.stat().st_size for path in journal.rglob("*.log*"))
        print(f"\njournal of {DEVICES} loggers, {HOURS} h, {frames} frames, {size / 1e6:.0f} MB sealed")
        book = FrameBook(journal)
        begin = time.perf_counter()
        made = book.index_all()
        spent = time.perf_counter() - begin
        small = sum(path.stat().st_size for path in journal.rglob("*.idx"))
        print(f"index {made} segments: {spent:.1f} s, {spent / frames * 1e6:.1f} us a frame, {small / 1e6:.1f} MB")
        book.close()
        fresh = FrameBook(journal)
        for name in ("first look", "next look"):
            begin = time.perf_counter()
            found = fresh.find("MN002500", T0, T0 + timedelta(days=1))
            middle = time.perf_counter()
            shown = fresh.read(found.places[:50])
            end = time.perf_counter()
            print(
                f"{name}: {len(found.places)} frames found in {1e3 * (middle - begin):.0f} ms, "
                f"a page of {len(shown)} read in {1e3 * (end - middle):.0f} ms"
            )
        begin = time.perf_counter()
        reader = JournalReader(journal)
        whole = sum(b"MN002500" in record.raw for record in reader.follow("g1"))
        print(f"the same by reading everything: {whole} frames in {time.perf_counter() - begin:.1f} s")
        reader.close()
        fresh.close()


def _write_journal(folder: Path) -> int:
    writer = Journal(folder, "g1", segment_bytes=SEGMENT)
    body = ";".join(f"a{21001 + n}-Avg=12.{n},a{21001 + n}-Flag=N" for n in range(POLLUTANTS))
    head, count = "ST=22;CN=2051;PW=123456", 0
    for minute in range(HOURS * 60):
        at = T0 + timedelta(minutes=minute)
        stamp = f"{at:%Y%m%d%H%M%S}"
        entries = [
            encode_entry(
                f"##0400QN={stamp}001;{head};MN=MN{n:06d};Flag=5;CP=&&DataTime={stamp};{body}&&0000\r\n".encode(),
                at,
                "10.0.0.1:4001",
                "known",
            )
            for n in range(DEVICES)
        ]
        writer.append(entries)
        count += len(entries)
    writer.seal()
    writer.close()
    return count


def _ms(seconds: list[float]) -> str:
    middle = sorted(seconds)[len(seconds) // 2]
    return f"{1e3 * middle:6.0f} (max {1e3 * max(seconds):.0f})"


if __name__ == "__main__":
    main()
