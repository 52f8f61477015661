"""Hours of a made network that behaves like air: for the tests of the signs."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from bihuan.observations import Block, block_of, span_of

END = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 672
WEEK = 168
SITES = pl.DataFrame(
    {
        "site": [f"station:{k}" for k in range(8)],
        "kind": ["national"] * 8,
        "lon": [113.60 + 0.03 * k for k in range(8)],
        "lat": [34.75 + 0.01 * (k % 3) for k in range(8)],
    }
)


def air(seed: int, sites: int = 8, level: float = 4.2, step: float = 1.0) -> np.ndarray:
    """One sky over all, each site with weather and noise of its own, printed by an instrument; shape (sites, hours)."""
    rng = np.random.default_rng(seed)
    sky, own = np.zeros(HOURS), np.zeros((sites, HOURS))
    for k in range(1, HOURS):
        sky[k] = 0.97 * sky[k - 1] + 0.12 * rng.standard_normal()
        own[:, k] = 0.9 * own[:, k - 1] + 0.06 * rng.standard_normal(sites)
    value = np.exp(level + sky + own + 0.08 * rng.standard_normal((sites, HOURS)))
    return np.round(value / step) * step


def table_of(value: np.ndarray, kind: str = "station") -> pl.DataFrame:
    """As the store hands hours out."""
    start = [span_of(END).start + timedelta(hours=k) for k in range(HOURS)]
    parts = [
        pl.DataFrame({"site": [f"{kind}:{k}"] * HOURS, "start": start, "value": row}).with_columns(
            pl.col("start").dt.cast_time_unit("us"), pl.col("value").fill_nan(None)
        )
        for k, row in enumerate(value)
    ]
    return pl.concat(parts)


def block(value: np.ndarray, pollutant: str = "pm10", limit: float | None = None, kind: str = "station") -> Block:
    """Lay values out as the detectors take them."""
    limits = {} if limit is None else {f"{kind}:{k}": limit for k in range(len(value))}
    return block_of(table_of(value, kind), pollutant, END, SITES, limits)
