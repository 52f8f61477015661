"""Concentrations that a deck gives by hour: ozone of the air, and the background that is added to groups of sources."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.build import FACTOR_AXES
from bihuan.app.decks.meteorology import find_met
from bihuan.core import FormatError, InputError
from bihuan.formats import Deck, DeckSeries
from bihuan.physics import BoundaryLayer, emission_factors

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Hours = NDArray[np.datetime64]

LARGEST_OZONE = 900.0
"""In the file's unit; what is not below it counts as missing. (as in the source)"""
NIGHT_OZONE = 78.40
"""Forty ppb, to which the ozone above a stable night's ground reaches at most. [ug/m3] (EPA-454/B-24-007, OZONEFIL)"""
SHALLOW, DEEP = 50.0, 250.0
"""Obukhov lengths between which that ozone wanes. [m] (as in the source)"""


def ozone_of(deck: Deck, series: DeckSeries, air: BoundaryLayer, folders: tuple[Path, ...]) -> Float:
    """Return ozone of every hour of the meteorology, NaN where it is missing. [ug/m3]

    In stable hours a file's value is not taken below the highest of the day before, up to 40 ppb, unless MODELOPT says
    NOMINO3: what lies above the shallow layer has not lost it.

    Raises
    ------
    FormatError, InputError
        If the file is not there, or a row of it cannot be read.
    """
    surface = air.surface
    instead = _by_table(deck, series, surface.start, surface.wind_speed)
    if not series.file:
        return instead
    values = _from_file(deck, series, surface.start, folders)
    known = np.isfinite(values) & (values >= 0.0) & (values < LARGEST_OZONE)
    found = np.where(known, values * series.file_factor, instead)
    if "NOMINO3" in deck.options:
        return found
    kept = np.zeros(24)
    for hour in range(len(found)):
        at = hour % 24
        if known[hour]:
            least = _least_at_night(float(kept.max()), float(surface.obukhov_length[hour]))
            kept[at], found[hour] = found[hour], max(found[hour], least)
        else:
            kept[at] = 0.0
    return found


def _least_at_night(highest: float, length: float) -> float:
    highest = min(NIGHT_OZONE, highest)
    if not length > 0.0:
        return 0.0
    if length <= SHALLOW:
        return highest
    return 0.0 if length > DEEP else highest * (DEEP - length) / (DEEP - SHALLOW)


def background_of(deck: Deck, series: DeckSeries, air: BoundaryLayer, chosen: Bool, folders: tuple[Path, ...]) -> Float:
    """Return what the air brings along in every hour of the meteorology. [ug/m3]

    Parameters
    ----------
    deck, series, air, folders
    chosen : ndarray of bool
        Hours that are run and have wind and data.

    Raises
    ------
    FormatError, InputError
        If the file is not there, a row cannot be read, or a chosen hour has no value.
    """
    surface = air.surface
    instead = _by_table(deck, series, surface.start, surface.wind_speed)
    if series.file:
        values = _from_file(deck, series, surface.start, folders)
        instead = np.where(np.isfinite(values) & (values >= 0.0), values * series.file_factor, instead)
    lacking = chosen & np.isnan(instead)
    if lacking.any():
        raise series.line.refuse(
            f"the background is missing in {int(lacking.sum())} hours, first in the one that begins "
            f"{surface.start[int(lacking.argmax())]}: fill the file, or give values by season or hour beside it"
        )
    return instead


def _by_table(deck: Deck, series: DeckSeries, start: Hours, wind_speed: Float) -> Float:
    if not series.kind:
        return np.full(len(start), np.nan if series.constant is None else series.constant)
    if series.kind == "ANNUAL":
        return np.full(len(start), series.values[0])
    try:
        return emission_factors(
            FACTOR_AXES[series.kind], series.values, start, wind_speed=wind_speed,
            wind_classes=deck.meteorology.wind_classes,
        )  # fmt: skip
    except InputError as problem:
        raise series.line.refuse(str(problem)) from None


def _from_file(deck: Deck, series: DeckSeries, start: Hours, folders: tuple[Path, ...]) -> Float:
    """Values by hour, in the file's unit; NaN where it has none."""
    path = find_met(deck, series.file, folders, series.line)
    body = path.read_bytes()
    text = (gzip.decompress(body) if path.suffix == ".gz" else body).decode("latin-1")
    place_of = {int(stamp): place for place, stamp in enumerate(start.astype(np.int64))}
    found, before = np.full(len(start), np.nan), -(2**62)
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(("*", "#")):
            continue
        words = [line[first:last] for first, last in series.file_form] if series.file_form else line.split()
        stamp, value = _row(path, number, words)
        if stamp <= before:
            raise FormatError(f"{path.name}: line {number} does not follow the hour before it: hours must ascend")
        before = stamp
        if stamp in place_of:
            found[place_of[stamp]] = value
    return found


def _row(path: Path, number: int, words: list[str]) -> tuple[int, float]:
    try:
        year, month, day, hour = (int(word) for word in words[:4])
        year += (1900 if year >= 50 else 2000) if year < 100 else 0
        if not 1 <= hour <= 24:
            raise ValueError(f"hour {hour} is not 1-24")
        stamp = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}T00", "h") + np.timedelta64(hour - 1, "h")
        return int(stamp.astype(np.int64)), float(words[4])
    except (ValueError, IndexError) as problem:
        raise FormatError(
            f"{path.name}: line {number} is no year, month, day, hour (1-24) and value: {problem}"
        ) from None
