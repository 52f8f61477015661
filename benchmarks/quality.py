"""Cost of the checks: flags by the million rows, and the daily run of signs for 5,000 devices."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from bihuan.observations import Block, block_of, find_signs, flag, span_of

END = datetime(2026, 3, 2, tzinfo=UTC)
DEVICES = 5000
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3", "nox", "tsp", "nmhc", "no")


def minutes(devices: int, count: int, seed: int = 1) -> pl.DataFrame:
    """Minutes of ten pollutants that behave like air, every five minutes."""
    rng = np.random.default_rng(seed)
    start = [END + timedelta(minutes=5 * k) for k in range(count)]
    parts = []
    for code in POLLUTANTS:
        level = np.cumsum(0.05 * rng.standard_normal((devices, count)), axis=1) + 4
        value = np.round(np.exp(level + 0.05 * rng.standard_normal((devices, count)))).ravel()
        parts.append(
            pl.DataFrame(
                {
                    "device": np.repeat([f"MN{k:05d}" for k in range(devices)], count),
                    "pollutant": [code] * len(value),
                    "start": start * devices,
                    "value": value,
                }
            )
        )
    words = {"stat": "avg", "interval": "minute", "mark": "N", "origin": "live", "quality": "good", "reason": ""}
    words |= {"level": "realtime", "frame": "f"}
    table = pl.concat(parts).with_columns(
        pl.col("start").dt.cast_time_unit("us"),
        end=(pl.col("start") + timedelta(minutes=5)).dt.cast_time_unit("us"),
        **{name: pl.lit(word) for name, word in words.items()},
    )
    order = ["device", "pollutant", "stat", "interval", "start", "end", "value", "mark", "origin", "quality", "reason"]
    return table.select(*order, "level", "frame")


def places(devices: int) -> pl.DataFrame:
    """Sites of the devices over a city of 60 km."""
    rng = np.random.default_rng(2)
    return pl.DataFrame(
        {
            "device": [f"MN{k:05d}" for k in range(devices)],
            "site": [f"station:{k}" for k in range(devices)],
            "kind": ["national" if k < 40 else "micro" for k in range(devices)],
            "lon": 113.4 + 0.6 * rng.random(devices),
            "lat": 34.5 + 0.5 * rng.random(devices),
        }
    )


def hours(code: str, devices: int, seed: int) -> pl.DataFrame:
    """Four weeks of hours of one pollutant."""
    rng = np.random.default_rng(seed)
    span = span_of(END)
    count = int(span.length / timedelta(hours=1))
    sky = np.cumsum(0.1 * rng.standard_normal(count)) * 0.3
    own = np.cumsum(0.03 * rng.standard_normal((devices, count)), axis=1)
    value = np.round(np.exp(4 + sky - sky.mean() + own - own.mean(axis=1, keepdims=True))).ravel()
    start = [span.start + timedelta(hours=k) for k in range(count)]
    return pl.DataFrame(
        {"site": np.repeat([f"station:{k}" for k in range(devices)], count), "start": start * devices, "value": value}
    ).with_columns(pl.col("start").dt.cast_time_unit("us"))


def main() -> None:
    """Print the tables."""
    print(f"{'check':34} {'rows':>10} {'wall s':>8} {'processor s':>12} {'s a million rows':>17}")
    table, sites = minutes(500, 24), places(500)
    early, late = (
        table.filter(pl.col("start") < END + timedelta(hours=1)),
        table.filter(pl.col("start") >= END + timedelta(hours=1)),
    )
    for name, batch, history in (("flag, no history", table, None), ("flag, an hour behind it", late, early)):
        flag(batch.head(1000), history, sites)
        wall, own = time.perf_counter(), time.process_time()
        flag(batch, history, sites)
        wall, own = time.perf_counter() - wall, time.process_time() - own
        print(f"{name:34} {batch.height:10,} {wall:8.2f} {own:12.2f} {own / batch.height * 1e6:17.2f}")
    about = places(DEVICES).drop("device")
    limits = {f"station:{k}": 120.0 for k in range(0, DEVICES, 30)}
    made: list[Block] = [
        block_of(hours(code, DEVICES, number), code, END, about, limits) for number, code in enumerate(POLLUTANTS[:4])
    ]
    wall, own = time.perf_counter(), time.process_time()
    found = find_signs(made)
    wall, own = time.perf_counter() - wall, time.process_time() - own
    rows = sum(int(np.isfinite(block.value).sum()) for block in made)
    print(f"{'signs, 5,000 sites, 4 pollutants':34} {rows:10,} {wall:8.2f} {own:12.2f} {own / rows * 1e6:17.2f}")
    kinds: dict[str, int] = {}
    for sign in found:
        kinds[sign.kind] = kinds.get(sign.kind, 0) + 1
    print(f"signs raised on {len(made) * DEVICES:,} honest series: {kinds or 'none'}")


if __name__ == "__main__":
    main()
