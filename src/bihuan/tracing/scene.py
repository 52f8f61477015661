"""The measurements of a neighbourhood on one clock, and what of them is background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Event, Period, Plane, Series
from bihuan.physics import block_means, block_starts
from bihuan.tracing.settings import TraceSettings

Float = NDArray[np.float64]
SECOND = np.timedelta64(1, "s")
MAD_TO_SD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the stations of a neighbourhood measured, cut into blocks of one length.

    Attributes
    ----------
    sites : tuple of str, length (stations,)
    east, north : ndarray, shape (stations,)
        [m]
    start : ndarray of datetime64[us], shape (blocks,)
    step : float
        Length of a block. [s]
    onset : int
        First block of the event.
    values : ndarray, shape (stations, blocks)
        NaN where missing.
    excess, noise : ndarray, shape (stations, blocks)
        Above the background, and the background's standard deviation. NaN where missing.
    common_share, rising_share : float
        How much of the event station's rise all stations share, and how many of them rise. 0-1
    subject : int
        Row of the event's station, or of the largest excess.
    """

    sites: tuple[str, ...]
    east: Float
    north: Float
    start: NDArray[np.datetime64]
    step: float
    onset: int
    values: Float
    excess: Float
    noise: Float
    common_share: float
    rising_share: float
    subject: int

    def seen_by(self, stations: NDArray[np.int64]) -> Scene:
        """Return what these stations saw of it; `subject` stays the row of the whole scene."""
        if len(stations) == len(self.sites):
            return self
        rows = {name: getattr(self, name)[stations] for name in ("east", "north", "values", "excess", "noise")}
        return replace(self, sites=tuple(self.sites[k] for k in stations), **rows)

    def period(self, first: int, last: int) -> Period:
        """Blocks `first` up to and with `last`."""
        start, end = self.start[first].item(), self.start[last].item()
        return Period(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC) + timedelta(seconds=self.step))


def read_scene(event: Event, observations: Sequence[Series], plane: Plane, settings: TraceSettings) -> Scene | None:
    """Put the series on one clock and take the background off; None when no station has a value."""
    fitting = (s for s in observations if s.place is not None and s.pollutant == event.pollutant and len(s))
    used = sorted(fitting, key=lambda series: series.site)
    if not used:
        return None
    start, step, blocks, onset = _clock(event, used, settings)
    values = np.array([block_means(s, start, step, blocks) for s in used])
    seen = np.isfinite(values).any(axis=1)
    if not seen.any():
        return None
    used = [s for s, keep in zip(used, seen, strict=True) if keep]
    values = values[seen]
    excess, noise, common = background(values, onset)
    sites = tuple(s.site for s in used)
    subject = sites.index(str(event.subject)) if str(event.subject) in sites else _largest(excess, onset)
    common_share, rising_share = regional_shares(values, common, noise, onset, subject)
    places = [s.place for s in used if s.place is not None]
    east, north = plane.forward([p.lon for p in places], [p.lat for p in places])
    starts = block_starts(start, step, blocks)
    return Scene(sites, east, north, starts, step, onset, values, excess, noise, common_share, rising_share, subject)


def _clock(event: Event, used: Sequence[Series], settings: TraceSettings) -> tuple[np.datetime64, float, int, int]:
    """Start of the first block, its length [s], how many blocks, and the one in which the event began."""
    lengths = np.concatenate([(s.end - s.start) / SECOND for s in used])
    native = float(np.median(lengths))
    step = native * max(1, round(settings.block * 60 / native))
    end = np.datetime64(event.period.end.replace(tzinfo=None), "us")
    lasted = min(event.period.length.total_seconds(), settings.longest * 3600)
    after = max(1, int(np.ceil(lasted / step)))
    before = max(2, int(np.ceil(settings.before * 3600 / step)))
    blocks = before + after
    return end - np.timedelta64(int(blocks * step * 1e6), "us"), step, blocks, before


def background(values: Float, onset: int) -> tuple[Float, Float, Float]:
    """Split values into what all stations share, what a station always has, and an excess.

    Parameters
    ----------
    values : ndarray, shape (stations, blocks)
        NaN where missing.
    onset : int
        First block of the event; the level of a station comes from the blocks before it.

    Returns
    -------
    excess, noise : ndarray, shape (stations, blocks)
    common : ndarray, shape (blocks,)
        Median over the stations of what they have above their own level; NaN where nobody measured.

    Notes
    -----
    The median over stations is untouched by a plume as long as it covers less than half of them. The
    noise is the median absolute excess relative to the level over all stations and blocks.
    """
    common = _median(values, 0)
    level = _level(values - common, onset)
    common = _median(values - level[:, None], 0)
    level = _level(values - common, onset)
    expected = level[:, None] + common
    excess = values - expected
    typical = max(float(np.nanmedian(values)), 1e-9)
    scale = np.maximum(expected, 0.2 * typical)
    # During the event the level is older and errs more; plumes that reach less than half do not show in a median.
    late = np.abs(excess[:, onset:]) / scale[:, onset:]
    relative = MAD_TO_SD * float(np.nanmedian(late)) if len(values) > 2 and np.isfinite(late).any() else 0.3
    noise = np.where(np.isfinite(values), max(relative, 0.08) * scale, np.nan)
    return excess, noise, common


def _level(left: Float, onset: int) -> Float:
    """What each station has above the others: its median before the event, or a low value of all."""
    early = left[:, : max(onset - 1, 1)]
    enough = np.isfinite(early).sum(axis=1) >= 3
    some = np.isfinite(left).any(axis=1)
    level = np.zeros(len(left))
    if enough.any():
        level[enough] = _median(early[enough], 1)
    rest = some & ~enough
    if rest.any():
        level[rest] = np.nanquantile(left[rest], 0.25, axis=1)
    return level


def _median(values: Float, axis: int) -> Float:
    """Median without the missing; NaN where all are missing."""
    out = np.full(values.shape[1 - axis], np.nan)
    seen = np.isfinite(values).any(axis=axis)
    part = values[:, seen] if axis == 0 else values[seen]
    if seen.any():
        out[seen] = np.nanmedian(part, axis=axis)
    return out


def regional_shares(values: Float, common: Float, noise: Float, onset: int, subject: int) -> tuple[float, float]:
    """Return how much of the subject's rise is common to all, and the share of stations that rise."""
    if len(values) < 3 or not np.isfinite(common[:onset]).any() or not np.isfinite(common[onset:]).any():
        return 0.0, 0.0
    rises = _mean(values[:, onset:]) - _mean(values[:, :onset])
    shared = float(np.nanmean(common[onset:]) - np.nanmean(common[:onset]))
    spread = _mean(noise[:, :onset])
    known = np.isfinite(rises) & np.isfinite(spread)
    if not known.any():
        return 0.0, 0.0
    rising = float(np.mean(rises[known] > spread[known]))
    own = rises[subject] if known[subject] else float(np.max(rises[known]))
    return (float(np.clip(shared / own, 0, 1)) if own > 0 else 0.0), rising


def _mean(values: Float) -> Float:
    seen = np.isfinite(values)
    count = seen.sum(axis=1)
    return np.where(count > 0, np.where(seen, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _largest(excess: Float, onset: int) -> int:
    late = np.where(np.isfinite(excess[:, onset:]), excess[:, onset:], -np.inf)
    return int(np.argmax(late.max(axis=1)))
