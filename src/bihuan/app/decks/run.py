"""A deck of AERMOD, run: read, built, computed in parts of whole days, written under the names it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.build import Emitters, build, rates, with_gas
from bihuan.app.decks.hourly_emissions import read_hourly
from bihuan.app.decks.meteorology import DeckAir, read_air
from bihuan.app.decks.nitrogen import DeckAirMix, in_stack, needed_members, no2_of, read_mix
from bihuan.app.decks.notes import deck_notes, empty_notes, refuse_indoors
from bihuan.app.decks.plumes import DeckPlumes, Emitter
from bihuan.app.decks.quantities import Quantity, quantities_of, rows
from bihuan.app.decks.removals import ground_of
from bihuan.app.decks.results import write_maps, write_series
from bihuan.app.decks.stamps import label, stamp
from bihuan.app.decks.tally import Tally, open_files
from bihuan.formats import Deck, DeckSource, read_deck
from bihuan.physics import Deposited, PointSource, SteadyPlume, percentile

Float = NDArray[np.float64]
Int = NDArray[np.int64]

ROOM = 128 * 2**20
"""Bytes of hourly values that are held at once, if a day's are not more."""


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
    epsg: int | None = None, threads: int | None = None, progress: Callable[[int, int], None] | None = None,
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
    progress : callable, optional
        Told hours that are computed, and all of them.

    Raises
    ------
    FormatError, InputError
        If something cannot be read or computed; the message names the line or the record. Nothing is written then.
    """
    deck = read_deck(path)
    emitters = build(deck, skip=skip)
    folders = (path.parent, *met)
    air = read_air(deck, folders)
    work = _prepared(deck, emitters, air, folders, threads)
    options = _options(deck, emitters)
    tally = Tally(deck, work.quantities, emitters.groups, len(deck.receptors), len(air.hours), percentiles)
    out.mkdir(parents=True, exist_ok=True)
    files = open_files(tally, deck, options, out)
    done = 0
    for part, values in _computed(work):
        usable = ~(air.layer.calm | air.layer.missing)[part]
        tally.add(values, usable, air.layer.surface.start[part])
        done += len(part)
        if progress is not None:
            progress(done, len(air.hours))
    tally.finish()
    files += write_maps(deck, tally, options, out, epsg)
    usable = ~(air.layer.calm | air.layer.missing)[air.hours]
    largest = work.emitted[air.hours][usable].max(axis=0)
    notes = [*air.notes, *deck_notes(deck, emitters), *work.mix.notes, *work.plumes.remarks]
    notes += empty_notes(deck, emitters, tally.largest(), largest)
    series = out / f"{path.stem}.nc"
    write_series(deck, tally, percentiles, series, f"Bihuan, {SteadyPlume.method}", epsg)
    return DeckRun(
        path.name, len(air.hours), int(air.layer.calm[air.hours].sum()), int(air.layer.missing[air.hours].sum()),
        tuple(_highest(deck, tally, percentiles)), work.quantities[0].unit, (*files, series), emitters.left_out,
        tuple(notes),
    )  # fmt: skip


def _options(deck: Deck, emitters: Emitters) -> str:
    left = "  LEFT OUT: " + "; ".join(emitters.left_out) if emitters.left_out else ""
    return " ".join(deck.options) + left


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """All that a run needs once it is prepared."""

    deck: Deck
    emitters: Emitters
    air: DeckAir
    quantities: tuple[Quantity, ...]
    hourly: dict[int, Float]
    emitted: Float
    mix: DeckAirMix
    plumes: DeckPlumes
    threads: int | None

    @property
    def deposits(self) -> bool:
        """Whether what comes down is wanted."""
        return any(quantity.total for quantity in self.quantities)


def _prepared(
    deck: Deck, emitters: Emitters, air: DeckAir, folders: tuple[Path, ...], threads: int | None
) -> _Work:  # fmt: skip
    quantities = quantities_of(deck)
    if deck.nitrogen.method and any(quantity.total for quantity in quantities):
        raise deck.options[deck.nitrogen.method].refuse("NO2 and deposition in one run are not computed: make two")
    hourly = read_hourly(deck, emitters, folders, air.layer.surface.start, air.hours)
    emitted = rates(emitters, deck, air.layer.surface.start, air.layer.surface.wind_speed)
    for place, values in hourly.items():
        emitted[:, place] = np.nan_to_num(values[:, 0]) * emitters.sizes[place]
    refuse_indoors(deck, emitters)
    mix = read_mix(deck, air.layer, air.hours, emitters.groups, folders)
    if deck.nitrogen.method == "OLM":
        in_stack(deck, emitters.deck)
    deposits = any(quantity.total for quantity in quantities)
    _refuse_bare(deck, emitters, quantities)
    plumes = _plumes(deck, emitters.emitters, air, deposits, threads)
    return _Work(deck, emitters, air, quantities, hourly, emitted, mix, plumes, threads)


def _refuse_bare(deck: Deck, emitters: Emitters, quantities: tuple[Quantity, ...]) -> None:
    """Deposition that is asked for while no source has anything that comes down."""
    for quantity in quantities:
        whats = [emitter.removal.what for emitter in emitters.emitters if emitter.removal is not None]
        if quantity.total and not any(what is not None for what in whats):
            raise deck.options[quantity.option].refuse(
                "no source has what comes down: give PARTDIAM, MASSFRAX and PARTDENS, or METHOD_2, or GASDEPOS"
            )


def _plumes(
    deck: Deck, emitters: Sequence[Emitter], air: DeckAir, deposits: bool, threads: int | None
) -> DeckPlumes:  # fmt: skip
    cities = [air.layer.over_city(city.population, roughness=city.roughness) for city in deck.cities]
    return DeckPlumes(deck, emitters, air.layer, cities, ground=ground_of(deck), deposits=deposits, threads=threads)


def _computed(work: _Work) -> Iterator[tuple[Int, Float]]:
    """Yield hours and their values, shape (hours, rows, receptors)."""
    deck, emitters, air, emitted = work.deck, work.emitters, work.air, work.emitted
    changing = [place for place, values in work.hourly.items() if np.isfinite(values[:, 1:]).any()]
    wide = len(emitters.deck) if deck.nitrogen.method == "OLM" else len(emitters.groups) * len(work.quantities)
    size = max(1, ROOM // (8 * wide * len(deck.receptors)))
    for part in _parts(air, min(max(size // 24 * 24, 24) if wide == len(emitters.groups) else size, 24 * 31)):
        if not changing:
            yield part, _values(work, part, work.plumes, emitted, emitters.members, emitters.deck)
            continue
        variants, spread, owners = _variants(emitters, emitted, work.hourly, changing, part)
        plumes = _plumes(deck, variants, air, work.deposits, work.threads)
        owned = [emitters.deck[owner] for owner in owners]
        yield part, _values(work, part, plumes, spread, emitters.members[:, owners], owned)


def _values(
    work: _Work, part: Int, plumes: DeckPlumes, emitted: Float, members: Float, sources: Sequence[DeckSource]
) -> Float:  # fmt: skip
    deck = work.deck
    found = plumes.hourly(emitted, needed_members(deck, members), part)
    if deck.nitrogen.method and not isinstance(found, Deposited):
        shares = in_stack(deck, sources) if deck.nitrogen.method == "OLM" else ()
        ozone = None if work.mix.ozone is None else work.mix.ozone[part]
        found = no2_of(deck, found, members, shares, [source.name for source in sources], ozone)
    if work.mix.background is not None:
        concentration = found.concentration if isinstance(found, Deposited) else found
        concentration[:, work.mix.with_background] += work.mix.background[part][:, None, None]
    return rows(work.quantities, found)


def _parts(air: DeckAir, size: int) -> Iterator[Int]:
    """Hours in runs of whole days, if so many may be held at once."""
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
) -> tuple[list[Emitter], Float, list[int]]:
    """A stack whose gas changes is as many stacks as it has gases in these hours, each emitting in its own.

    Returns the stacks, what they emit, and whose they are.
    """
    variants: list[Emitter] = []
    columns: list[Float] = []
    owners: list[int] = []
    for place, emitter in enumerate(emitters.emitters):
        source = emitter.source
        if place not in changing or not isinstance(source, PointSource):
            variants.append(emitter)
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
            variants.append(replace(emitter, source=with_gas(source, float(temperature), float(velocity))))
            columns.append(column)
            owners.append(place)
    return variants, np.stack(columns, axis=1), owners


def _highest(deck: Deck, tally: Tally, percentiles: Sequence[float]) -> Iterator[dict[str, Any]]:
    for number, quantity in enumerate(tally.quantities):
        for group, name in enumerate(tally.groups):
            row = number * len(tally.groups) + group
            for told in _of_row(deck, tally, row, percentiles):
                yield {"group": name, "quantity": quantity.option.lower(), "unit": quantity.unit} | told


def _of_row(deck: Deck, tally: Tally, row: int, percentiles: Sequence[float]) -> Iterator[dict[str, Any]]:
    for short in tally.short.values():
        values, when = short.highest.values[:, row], short.highest.when[:, row]
        for rank in [rank for rank in deck.ranks or (1,) if rank <= len(values)]:
            place = int(values[rank - 1].argmax())
            time = when[rank - 1, place]
            ends = None if np.isnat(time) else stamp(time)
            yield _told(label(short.name), str(rank), values[rank - 1], place, deck) | {"ends": ends}
        for percent in percentiles:
            found = percentile(values, percent, short.highest.seen)
            yield _told(label(short.name), f"P{percent:g}", found, int(found.argmax()), deck) | {"ends": None}
    for average, means in tally.mean_values.items():
        yield _told(average, "mean", means[row], int(means[row].argmax()), deck) | {"ends": None}


def _told(average: str, rank: str, values: Float, place: int, deck: Deck) -> dict[str, Any]:
    return {
        "average": average,
        "rank": rank,
        "value": float(values[place]),
        "x": float(deck.receptors.east[place]),
        "y": float(deck.receptors.north[place]),
        "height": float(deck.receptors.flag[place]),
    }
