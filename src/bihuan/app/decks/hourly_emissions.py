"""Hourly emissions from a file (SO HOUREMIS): rates by hour and source, and the gas of stacks that changes with them.

Rows: ``SO HOUREMIS year month day hour source rate [temperature velocity]`` (EPA-454/B-24-007, section 3.3.10).
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.build import Emitters
from bihuan.app.decks.meteorology import find_met
from bihuan.core import FormatError
from bihuan.formats import Deck

Float = NDArray[np.float64]
Hours = NDArray[np.datetime64]


def read_hourly(
    deck: Deck, emitters: Emitters, folders: tuple[Path, ...], start: Hours, wanted: NDArray[np.int64]
) -> dict[int, Float]:
    """Return rate, temperature and velocity by hour of each source with hourly emissions.

    Parameters
    ----------
    deck, emitters, folders
        As for the run.
    start : ndarray of datetime64[h], shape (hours,)
        Of every hour of the meteorology.
    wanted : ndarray of int64
        Hours that are run.

    Returns
    -------
    dict of int to ndarray, shape (hours, 3)
        By place of the source; rate as the deck's unit has it, NaN for a temperature or velocity that is not given.

    Raises
    ------
    FormatError
        If a row cannot be read, its hour is out of order, or an hour that is run has no row for a source.
    """
    places = {source.name: place for place, source in enumerate(emitters.deck) if source.hourly}
    stacks = {place for place in places.values() if emitters.deck[place].type.startswith("POINT")}
    files = {emitters.deck[place].hourly: emitters.deck[place].line for place in places.values()}
    of_hour = {int(stamp): place for place, stamp in enumerate(start.astype(np.int64))}
    found = {place: np.full((len(start), 3), np.nan) for place in places.values()}
    for name, line in sorted(files.items(), key=lambda file: file[0]):
        path = find_met(deck, Path(name.replace("\\", "/")).name, folders, line)
        _take(path, places, stacks, of_hour, found)
    for place, values in found.items():
        lacking = wanted[np.isnan(values[wanted, 0])]
        if len(lacking):
            source = emitters.deck[place]
            raise source.line.refuse(
                f"hourly emissions of source {source.name} lack {len(lacking)} hours, the first {start[lacking[0]]}"
            )
    return found


def _take(
    path: Path, places: dict[str, int], stacks: set[int], of_hour: dict[int, int], found: dict[int, Float]
) -> None:
    body = path.read_bytes()
    before = -(2**62)
    for number, line in enumerate((gzip.decompress(body) if path.suffix == ".gz" else body).splitlines(), start=1):
        words = line.decode("latin-1").split()
        if not words or words[0].startswith("**"):
            continue
        words = words[1:] if words[0].upper() == "SO" else words
        words = words[1:] if words and words[0].upper() == "HOUREMIS" else words
        stamp, values = _row(path, number, words)
        if stamp < before:
            raise FormatError(f"{path.name}: line {number} goes back in time: hours must ascend")
        before = stamp
        place = places.get(words[4].upper())
        if place is None or stamp not in of_hour:
            continue
        if len(values) > 1 and place not in stacks:
            raise FormatError(f"{path.name}: line {number} changes the size of source {words[4]}: that is not computed")
        found[place][of_hour[stamp], : len(values)] = values


def _row(path: Path, number: int, words: list[str]) -> tuple[int, list[float]]:
    try:
        year, month, day, hour = (int(word) for word in words[:4])
        year += (1900 if year >= 50 else 2000) if year < 100 else 0
        if not 1 <= hour <= 24:
            raise ValueError(f"hour {hour} is not 1-24")
        stamp = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}T00", "h") + np.timedelta64(hour - 1, "h")
        values = [float(word) for word in words[5:8]] or [0.0]  # a row without a rate emits nothing (as in AERMOD)
        if len(words) < 5:
            raise ValueError("year, month, day, hour, source and rate are needed")
    except ValueError as problem:
        raise FormatError(f"{path.name}: line {number} is no row of hourly emissions: {problem}") from None
    return int(stamp.astype(np.int64)), values
