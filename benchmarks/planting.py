"""Forgeries planted in real series, apart from what looks for them: it imports nothing of `bihuan.observations.signs`.

Each function returns hours with the last ones forged, the way somebody would do it with a logger or a spreadsheet:
no threshold of the detector is known here, sizes are drawn from ranges that were written down before anything was run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Float = NDArray[np.float64]

POLLUTANTS = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3"}


@dataclass(frozen=True, slots=True)
class Around:
    """What the forger has at hand besides the series.

    Attributes
    ----------
    step : float
        What the instrument prints. [unit of the pollutant]
    limit : float
        NaN where there is none.
    other : ndarray, shape (hours,)
        Another site's honest series of the same hours.
    """

    step: float
    limit: float
    other: Float


Forger = Callable[[Float, int, np.random.Generator, Around], Float]


def _printed(value: Float, step: float) -> Float:
    return np.asarray(np.maximum(np.round(value / step), 0.0) * step)


def copied_site(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """Another site's values in place of one's own, for 24 to 72 hours."""
    out, length = value.copy(), int(rng.integers(24, 73))
    first = len(value) - hours + int(rng.integers(0, hours - length + 1))
    out[first : first + length] = around.other[first : first + length]
    return out


def copied_earlier(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """One's own days from 1 to 6 days ago once more, for 24 to 72 hours."""
    out, length, back = value.copy(), int(rng.integers(24, 73)), 24 * int(rng.integers(1, 7))
    length = min(length, back)
    first = len(value) - hours + int(rng.integers(0, hours - length + 1))
    out[first : first + length] = value[first - back : first - back + length]
    return out


def scaled_site(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """Another site's values times 0.75 to 1.3, with or without a constant added, for 36 to 96 hours."""
    source = around.other
    return _filled_in(value, _disguised(source, value, rng, around.step), hours, rng)


def shifted_site(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """Another site's values of 10 to 170 minutes before, as they are or times 0.85 to 1.15, for 36 to 96 hours."""
    late = _later(around.other, float(rng.integers(10, 171)) / 60, rng)
    factor = 1.0 if rng.random() < 0.5 else rng.uniform(0.85, 1.15)
    return _filled_in(value, _printed(late * factor, around.step), hours, rng)


def scaled_earlier(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """One's own days from 2 to 12 days ago, times 0.75 to 1.3 with or without a constant, for 36 to 96 hours."""
    back = 24 * int(rng.integers(2, 13))
    made = _disguised(_later(value, back, rng), value, rng, around.step)
    return _filled_in(value, made, hours, rng, 24 * (back // 24))


def shifted_earlier(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """One's own days from 2 to 12 days ago, begun some minutes or hours off the clock, for 36 to 96 hours."""
    back = 24 * int(rng.integers(2, 13)) + float(rng.integers(-300, 301)) / 60
    return _filled_in(value, _printed(_later(value, back, rng), around.step), hours, rng, int(back))


def _disguised(source: Float, value: Float, rng: np.random.Generator, step: float) -> Float:
    """A series times a factor, in half of the cases with up to a tenth of the level added."""
    constant = rng.uniform(0, 0.1) * float(np.nanmedian(value)) if rng.random() < 0.5 else 0.0
    return _printed(source * rng.uniform(0.75, 1.3) + constant, step)


def _later(value: Float, hours: float, rng: np.random.Generator) -> Float:
    """A series as it would be averaged if its minutes came some hours later.

    Minutes are made: a line through the hours whose means are those of the hours, and a walk within each hour that
    comes back to nothing. NaN where an hour of the source is missing, and before its begin.
    """
    whole, minutes = int(np.floor(hours)), round((hours - np.floor(hours)) * 60)
    back = np.full(len(value), np.nan)
    back[whole:] = value[: len(value) - whole] if whole else value
    if not minutes:
        return back
    filled = _filled(back) if np.isfinite(back).any() else back
    fine = np.interp(np.arange(60 * len(value)) / 60, np.arange(len(value)) + 0.5, filled).reshape(-1, 60)
    usual = 0.3 * float(np.nanmedian(np.abs(np.diff(filled))))
    walk = np.cumsum(rng.standard_normal(fine.shape), axis=1) * usual / np.sqrt(60)
    walk -= np.linspace(0, 1, 60) * walk[:, -1:]
    fine += walk
    fine += (filled - fine.mean(axis=1))[:, None]
    late = np.concatenate([np.full(minutes, np.nan), fine.ravel()[:-minutes]]).reshape(-1, 60).mean(axis=1)
    late[1:][~np.isfinite(back[1:]) | ~np.isfinite(back[:-1])] = np.nan
    return late


def _filled_in(value: Float, made: Float, hours: int, rng: np.random.Generator, most: int = 96) -> Float:
    """A series with 36 to 96 hours of its last ones taken from another, never longer than what lies back."""
    out, length = value.copy(), min(int(rng.integers(36, 97)), max(most, 36))
    first = len(value) - hours + int(rng.integers(0, hours - length + 1))
    out[first : first + length] = made[first : first + length]
    return out


def clipped_limit(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """Nothing gets through: what is above 95 to 99 % of the limit is written a little below it, with some noise."""
    out, top = value.copy(), around.limit * rng.uniform(0.95, 0.99)
    tail = out[-hours:]
    over = tail > top
    tail[over] = _printed(top - np.abs(rng.normal(0, 0.01 * around.limit, int(over.sum()))), around.step)
    return out


def noise_low(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """A smoothing of 5 to 9 hours put over the series."""
    out, width = value.copy(), int(rng.integers(2, 5)) * 2 + 1
    filled = _filled(value)
    smooth = np.convolve(np.pad(filled, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    tail = slice(len(value) - hours, None)
    out[tail] = np.where(np.isfinite(value[tail]), _printed(smooth[tail], around.step), np.nan)
    return out


def noise_regular(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """A constant with drawn noise, or a short pattern that comes again and again."""
    out, level = value.copy(), float(np.nanmedian(value[-hours:]))
    if rng.random() < 0.5:
        made = level * (1 + rng.uniform(0.05, 0.15) * rng.standard_normal(hours))
    else:
        pattern = level * (1 + 0.2 * rng.standard_normal(int(rng.integers(4, 11))))
        made = np.resize(pattern, hours) * (1 + 0.01 * rng.standard_normal(hours))
    out[-hours:] = _printed(made, around.step)
    return out


def digits(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """Typed by hand: two or three favourite last digits on most values."""
    out, tail = value.copy(), value[-hours:]
    loved = rng.choice(10, size=int(rng.integers(2, 4)), replace=False)
    whole = np.round(tail / around.step)
    typed = np.floor(whole / 10) * 10 + rng.choice(loved, size=hours)
    change = np.isfinite(tail) & (whole >= 10) & (rng.random(hours) < rng.uniform(0.6, 0.95))
    out[-hours:] = np.where(change, typed * around.step, tail)
    return out


def repetition(value: Float, hours: int, rng: np.random.Generator, around: Around) -> Float:
    """A short list of plausible values, each taken where it fits best."""
    out, tail = value.copy(), value[-hours:]
    known = tail[np.isfinite(tail)]
    listed = np.sort(
        rng.choice(np.unique(known), size=min(int(rng.integers(12, 25)), len(np.unique(known))), replace=False)
    )
    nearest = listed[np.argmin(np.abs(np.where(np.isfinite(tail), tail, 0)[:, None] - listed), axis=1)]
    out[-hours:] = np.where(np.isfinite(tail), nearest, np.nan)
    return out


def _filled(value: Float) -> Float:
    known = np.flatnonzero(np.isfinite(value))
    return np.interp(np.arange(len(value)), known, value[known])


FORGERS: Mapping[str, Forger] = {
    "copied_site": copied_site,
    "copied_earlier": copied_earlier,
    "scaled_site": scaled_site,
    "shifted_site": shifted_site,
    "scaled_earlier": scaled_earlier,
    "shifted_earlier": shifted_earlier,
    "clipped_limit": clipped_limit,
    "noise_low": noise_low,
    "noise_regular": noise_regular,
    "digits": digits,
    "repetition": repetition,
}
"""Forgeries of one series."""


def sprayed(particles: Mapping[str, Float], rng: np.random.Generator) -> dict[str, Float]:
    """A sprayer beside the inlet for 3 to 7 days, 07-22 h or all day: PM10 falls by 25 to 60 %, PM2.5 less."""
    days, share = int(rng.integers(3, 8)), rng.uniform(0.25, 0.6)
    all_day = rng.random() < 0.5
    out = {}
    for code, value in particles.items():
        wet = share if code == "pm10" else 0.7 * share
        hour = np.arange(len(value)) % 24
        on = (np.arange(len(value)) >= len(value) - 24 * days) & (all_day | ((hour >= 7) & (hour < 22)))
        out[code] = np.where(on, np.round(value * (1 - wet)), value)
    return out


def thinned(stack: Mapping[str, Float], hours: int, rng: np.random.Generator) -> dict[str, Float]:
    """Air let into the sampling line: oxygen up by 2 to 6 %, raw values down in proportion, load as it was."""
    out = {code: value.copy() for code, value in stack.items()}
    o2 = out["o2"][-hours:]
    raised = np.minimum(o2 + rng.uniform(2, 6), 20.5)
    for code, value in out.items():
        if code not in {"o2", "gas_flow", "gas_temperature"}:
            value[-hours:] *= (21 - raised) / (21 - o2)
    out["o2"][-hours:] = np.round(raised, 1)
    return out


def turned_down(value: Float, hours: int, rng: np.random.Generator, step: float) -> tuple[Float, int, float]:
    """The slope set to 55 to 80 % at a moment when the value stood high; returns the hours, the moment, the slope."""
    first = len(value) - hours + 24
    filled = _filled(value)
    level = np.array([filled[k - 12 : k].mean() for k in range(first, len(value) - 24)])
    at = first + int(np.argmax(level))
    slope = rng.uniform(0.55, 0.8)
    out = value.copy()
    out[at:] = _printed(out[at:] * slope, step)
    return out, at, float(slope)


def beijing(shared: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the hours of 8 Beijing stations (``site pollutant start value``) and where they are.

    Stamps are local; they are taken as they stand, since only the hour of the day matters here.
    """
    folder = shared / "data" / "uci_beijing_multisite"
    table = pl.read_parquet(folder / "prsa_8stations_2013-03_2016-02.parquet")
    start = pl.col("time").dt.replace_time_zone("UTC")
    parts = [
        table.select(
            site=pl.format("station:{}", "station"),
            pollutant=pl.lit(code),
            start=start,
            value=pl.col(name).cast(pl.Float64).round(1),
        )
        for code, name in POLLUTANTS.items()
    ]
    places = pl.read_csv(folder / "stations.csv")
    sites = places.select(site=pl.format("station:{}", "station"), kind=pl.lit("national"), lon="lon", lat="lat")
    return pl.concat(parts).drop_nulls("value"), sites


def cities(shared: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the hourly means of 61 cities (``site pollutant start value``) and where they are, each as a station."""
    folder = shared / "data" / "china_cities_hourly"
    start = pl.col("time").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    parts = [
        pl.read_parquet(path).select(
            site=pl.format("station:{}", pl.col("city").cast(pl.String)),
            pollutant=pl.lit(code),
            start=start,
            value=pl.col(name).cast(pl.Float64).round(2),
        )
        for path in sorted(folder.glob("*.parquet"))
        for code, name in POLLUTANTS.items()
    ]
    places = pl.read_csv(folder / "city_centroids.csv")
    sites = places.select(
        site=pl.format("station:{}", "city"), kind=pl.lit("national"), lon="centroid_lon", lat="centroid_lat"
    )
    return pl.concat(parts).drop_nulls("value").unique(["site", "pollutant", "start"], keep="first"), sites


def main() -> None:
    """Print what can be planted."""
    for kind, forger in FORGERS.items():
        print(f"{kind:18} {forger.__doc__}")


if __name__ == "__main__":
    main()
