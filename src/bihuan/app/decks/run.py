"""A deck of AERMOD, run: read, built, computed in parts of whole days, written under the names it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.build import Emitters, build, rates, with_gas
from bihuan.app.decks.hourly_emissions import read_hourly
from bihuan.app.decks.meteorology import DeckAir, read_air
from bihuan.app.decks.results import write_maps, write_series
from bihuan.app.decks.tally import Tally, label, open_postfiles, stamp
from bihuan.core import InputError
from bihuan.formats import Deck, read_deck
from bihuan.physics import PointSource, Receptors, SteadyPlume, SteadySource, VolumeSource, percentile

Float = NDArray[np.float64]
Int = NDArray[np.int64]

ROOM = 128 * 2**20
"""Bytes of hourly values that are held at once, if a day's are not more."""

FAR = 50_000.0
"""Beyond this distance a steady plume of one hour's wind says little. [m] (40 CFR 51 appendix W, 4.1)"""

ELSEWHERE = 1_000_000.0
"""No receptor of a deck is meant to be this far from every source. [m]"""


@dataclass(frozen=True, slots=True)
class DeckRun:
    """What a run found.

    Attributes
    ----------
    deck : str
    hours, calm, missing : int
        Chosen by the deck, and of these without wind and without data.
    highest : tuple of dict
        Group, average, rank, value, x, y and end of the highest values.
    unit : str
    files : tuple of Path
    left_out, notes : tuple of str
        What is not computed and was left out; what else a person should know.
    """

    deck: str
    hours: int
    calm: int
    missing: int
    highest: tuple[dict[str, Any], ...]
    unit: str
    files: tuple[Path, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def run_deck(
    path: Path, out: Path, *, met: Sequence[Path] = (), skip: bool = False, percentiles: Sequence[float] = (),
    epsg: int | None = None, threads: int | None = None,
) -> DeckRun:  # fmt: skip
    """Run a deck and write its files.

    Parameters
    ----------
    path : Path
        Of the deck; its meteorology is sought beside it, then in `met`.
    out : Path
        Folder of the files, made if it is not there. Of the deck's names only the last part is used.
    met : sequence of Path
    skip : bool
        Leave out what is not computed instead of refusing the deck.
    percentiles : sequence of float
        Of every short average, for NetCDF and the summary.
    epsg : int, optional
        Of the plane the deck's coordinates are in.
    threads : int, optional

    Raises
    ------
    FormatError, InputError
        If something cannot be read or computed; the message names the line or the record. Nothing is written then.
    """
    deck = read_deck(path)
    emitters = build(deck, skip=skip)
    folders = (path.parent, *met)
    air = read_air(deck, folders)
    hourly = read_hourly(deck, emitters, folders, air.layer.surface.start, air.hours)
    notes = [*air.notes, *_far_notes(deck, emitters)]
    plume = _plume(deck, emitters.sources, air, threads)
    options = _options(deck, emitters)
    tally = Tally(deck, emitters.groups, len(deck.receptors), len(air.hours), percentiles)
    out.mkdir(parents=True, exist_ok=True)
    files = open_postfiles(tally, deck, options, out)
    for part, values in _computed(deck, emitters, air, hourly, plume):
        usable = ~(air.layer.calm | air.layer.missing)[part]
        tally.add(values, usable, air.layer.surface.start[part])
    tally.finish()
    files += write_maps(deck, tally, options, out, epsg)
    series = out / f"{path.stem}.nc"
    write_series(deck, tally, percentiles, series, f"Bihuan, {SteadyPlume.method}", epsg)
    return DeckRun(
        path.name, len(air.hours), int(air.layer.calm[air.hours].sum()), int(air.layer.missing[air.hours].sum()),
        tuple(_highest(deck, tally, percentiles)), deck.unit, (*files, series), emitters.left_out, tuple(notes),
    )  # fmt: skip


def _options(deck: Deck, emitters: Emitters) -> str:
    left = "  LEFT OUT: " + "; ".join(emitters.left_out) if emitters.left_out else ""
    return " ".join(deck.options) + left


def _plume(deck: Deck, sources: Sequence[SteadySource], air: DeckAir, threads: int | None) -> SteadyPlume:
    where = Receptors(deck.receptors.east, deck.receptors.north, deck.receptors.flag)
    cities = [air.layer.over_city(city.population, roughness=city.roughness) for city in deck.cities]
    return SteadyPlume(air.layer, where, sources, cities=cities, threads=threads)


def _computed(
    deck: Deck, emitters: Emitters, air: DeckAir, hourly: dict[int, Float], plume: SteadyPlume
) -> Iterator[tuple[Int, Float]]:
    """Yield hours and their values, shape (hours, groups, receptors)."""
    emitted = rates(emitters, deck, air.layer.surface.start, air.layer.surface.wind_speed)
    for place, values in hourly.items():
        emitted[:, place] = np.nan_to_num(values[:, 0]) * emitters.sizes[place] * deck.scale
    changing = [place for place, values in hourly.items() if np.isfinite(values[:, 1:]).any()]
    size = max(24, ROOM // (8 * len(emitters.groups) * len(deck.receptors)) // 24 * 24)
    for part in _parts(air, min(size, 24 * 31)):
        if not changing:
            yield part, plume.hourly(emitted, hours=part, groups=emitters.members)
            continue
        sources, spread, members = _variants(emitters, emitted, hourly, changing, part)
        one = _plume(deck, sources, air, plume.threads)
        yield part, one.hourly(spread, hours=part, groups=members)


def _parts(air: DeckAir, size: int) -> Iterator[Int]:
    """Hours in runs of whole days."""
    days = air.layer.surface.start[air.hours].astype("datetime64[D]").astype(np.int64)
    first = 0
    while first < len(days):
        last = min(first + size, len(days))
        if last < len(days):  # end where a day ends
            last = int(np.searchsorted(days, days[last], "left")) if days[last] > days[first] else last
            last = max(last, first + 1)
        yield air.hours[first:last]
        first = last


def _variants(
    emitters: Emitters, emitted: Float, hourly: dict[int, Float], changing: list[int], part: Int
) -> tuple[list[SteadySource], Float, Float]:
    """A stack whose gas changes is as many stacks as it has gases in these hours, each emitting in its own."""
    sources: list[SteadySource] = []
    columns: list[Float] = []
    owners: list[int] = []
    for place, source in enumerate(emitters.sources):
        if place not in changing or not isinstance(source, PointSource):
            sources.append(source)
            columns.append(emitted[:, place])
            owners.append(place)
            continue
        gas = hourly[place][part, 1:]
        gas = np.where(np.isfinite(gas), gas, (source.temperature, source.velocity))
        kinds, of_hour = np.unique(gas, axis=0, return_inverse=True)
        for kind, (temperature, velocity) in enumerate(kinds):
            column = np.zeros(len(emitted))
            chosen = part[of_hour.ravel() == kind]
            column[chosen] = emitted[chosen, place]
            sources.append(with_gas(source, float(temperature), float(velocity)))
            columns.append(column)
            owners.append(place)
    return sources, np.stack(columns, axis=1), emitters.members[:, owners]


def _far_notes(deck: Deck, emitters: Emitters) -> list[str]:
    """Receptors too far away, or so near a source that it causes nothing there."""
    where, notes = deck.receptors, []
    places = np.array([_middle(source) for source in emitters.sources])
    nearest = np.full(len(where), np.inf)
    for source, (east, north) in zip(emitters.sources, places, strict=True):
        distance = np.hypot(where.east - east, where.north - north)
        nearest = np.minimum(nearest, distance)
        blind = {PointSource: 1.0, VolumeSource: 2.15 * getattr(source, "sigma_y", 0.0) + 0.99}.get(type(source), 0.0)
        inside = np.flatnonzero(distance < blind)
        if len(inside):
            line = where.lines[inside[0]]
            notes.append(
                f"{line.where}: receptor {inside[0] + 1} is inside source {source.name}, which causes nothing there"
            )
    far = int(nearest.argmax())
    told = f"{where.lines[far].where}: receptor {far + 1} is {nearest[far] / 1000:,.0f} km from the nearest source"
    if nearest.min() > ELSEWHERE or nearest[far] > ELSEWHERE:
        raise InputError(f"{told}: sources and receptors must be in metres of the same grid")
    if nearest[far] > FAR:
        notes.append(f"{told}: beyond 50 km a plume of one hour's wind says little ({int((nearest > FAR).sum())} such)")
    return notes


def _middle(source: SteadySource) -> tuple[float, float]:
    return source.row[0], source.row[1]


def _highest(deck: Deck, tally: Tally, percentiles: Sequence[float]) -> Iterator[dict[str, Any]]:
    for group, name in enumerate(tally.groups):
        for short in tally.short.values():
            values, when = short.highest.values[:, group], short.highest.when[:, group]
            for rank in [rank for rank in deck.ranks or (1,) if rank <= len(values)]:
                place = int(values[rank - 1].argmax())
                time = when[rank - 1, place]
                ends = None if np.isnat(time) else stamp(time)
                yield _told(name, label(short.name), str(rank), values[rank - 1], place, deck) | {"ends": ends}
            for percent in percentiles:
                found = percentile(values, percent, short.highest.seen)
                yield _told(name, label(short.name), f"P{percent:g}", found, int(found.argmax()), deck) | {"ends": None}
        for average, means in tally.mean_values.items():
            place = int(means[group].argmax())
            yield _told(name, average, "mean", means[group], place, deck) | {"ends": None}


def _told(group: str, average: str, rank: str, values: Float, place: int, deck: Deck) -> dict[str, Any]:
    return {
        "group": group,
        "average": average,
        "rank": rank,
        "value": float(values[place]),
        "x": float(deck.receptors.east[place]),
        "y": float(deck.receptors.north[place]),
        "height": float(deck.receptors.flag[place]),
    }
