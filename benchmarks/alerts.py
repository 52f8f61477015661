"""One step of the rules and one look of the checks, over 200 sites and 6 pollutants.

Run ``python -m benchmarks.alerts``. Prints milliseconds, the median of some rounds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
import polars as pl

from bihuan.alerts import VALUES_COLUMNS, Facts, Heard, RuleSet, RulesState, Site
from bihuan.core import READINGS_SCHEMA, Place, Ref
from bihuan.observations import SITES_SCHEMA, context, flag, hours_from_minutes

T0 = datetime(2026, 4, 6, tzinfo=UTC)
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")
LEVELS = (50.0, 80.0, 10.0, 30.0, 0.8, 60.0)
SITES = 200
FIVE = timedelta(minutes=5)
HOUR = timedelta(hours=1)


def readings(count: int, start: datetime, step: timedelta, interval: str) -> pl.DataFrame:
    """A log-normal reading for every site, pollutant and step."""
    rng = np.random.default_rng(1)
    starts = [start + index * step for index in range(count)]
    levels = np.tile(np.repeat(LEVELS, count), SITES)
    return pl.DataFrame(
        {
            "device": np.repeat([f"D{k:03d}" for k in range(SITES)], len(POLLUTANTS) * count),
            "pollutant": np.tile(np.repeat(POLLUTANTS, count), SITES),
            "start": starts * (SITES * len(POLLUTANTS)),
            "value": rng.lognormal(np.log(levels), 0.1).round(1),
        }
    ).with_columns(
        end=pl.col("start") + step,
        stat=pl.lit("avg"),
        interval=pl.lit(interval),
        origin=pl.lit("live"),
        quality=pl.lit("good"),
        level=pl.lit("realtime"),
        **{name: pl.lit("") for name in ("mark", "reason", "frame")},
    ).select(READINGS_SCHEMA.names)  # fmt: skip


def facts(rules: RuleSet, now: datetime) -> Facts:
    """Everything the rules want, as the loop would hand it over."""
    rng = np.random.default_rng(2)
    parts = []
    for interval, step in (("minute", FIVE), ("hour", HOUR)):
        back = rules.lookback(interval)  # type: ignore[arg-type]
        parts.append(readings(int(back / step) + 1, now - (int(back / step) + 1) * step, step, interval))
    values = pl.concat(parts).with_columns(site="station:" + pl.col("device"), usable=pl.lit(True))
    sites = tuple(
        Site(
            Ref("station", f"D{k:03d}"),
            "micro",
            Place(float(rng.uniform(113.4, 113.9)), float(rng.uniform(34.6, 34.9))),
        )
        for k in range(SITES)
    )
    heard = tuple(Heard(site.ref, site.ref.id, "minute", 300, now, T0) for site in sites)
    return Facts(now, Ref("city", "410100"), sites, values.select(VALUES_COLUMNS), heard=heard)


def timed(work: Callable[[], object], rounds: int = 7) -> float:
    """Median time of one call. [ms]"""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append((perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    rules = RuleSet()
    now = T0 + timedelta(days=4, minutes=20)
    base = facts(rules, now)
    state, _ = rules.step(RulesState(), base, now)
    hourly_state, _ = rules.step(RulesState(), facts(rules, now - HOUR), now - HOUR)

    def fresh() -> Facts:
        return Facts(base.now, base.city, base.sites, base.values, heard=base.heard)

    sites = pl.DataFrame(
        {
            "device": [site.ref.id for site in base.sites],
            "site": [str(site.ref) for site in base.sites],
            "kind": ["micro"] * SITES,
            "lon": [site.place.lon for site in base.sites if site.place],
            "lat": [site.place.lat for site in base.sites if site.place],
        },
        schema=SITES_SCHEMA,
    )
    minutes = int(context("minute") / FIVE)
    history, batch = readings(minutes, T0 - minutes * FIVE, FIVE, "minute"), readings(1, T0, FIVE, "minute")
    hour = readings(12, T0, FIVE, "minute")
    names = dict(zip(sites["device"], sites["site"], strict=True))
    rows = [
        (
            "rules, five minutes later (no new hour)",
            len(base.values),
            lambda: rules.step(state, fresh(), now + FIVE * 3),
        ),
        ("rules, a new hour for every rule", len(base.values), lambda: rules.step(hourly_state, fresh(), now)),
        ("rules, from nothing", len(base.values), lambda: rules.step(RulesState(), fresh(), now)),
        (f"flags of one batch, {len(history)} rows of history", len(batch), lambda: flag(batch, history, sites)),
        ("one hour from minutes", len(hour), lambda: hours_from_minutes(hour, names, 45)),
    ]
    print(f"{'work':58}{'rows':>9}{'ms':>9}")
    for name, count, work in rows:
        print(f"{name:58}{count:>9}{timed(work):>9.1f}")


if __name__ == "__main__":
    main()
