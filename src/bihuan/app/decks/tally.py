"""Averages of a run while its hours come in: highest values, means, and files that take every average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.design import YearlyRanks
from bihuan.app.decks.quantities import Quantity, totals
from bihuan.app.decks.stamps import label, ordinal, stamp
from bihuan.app.decks.top import ExceedanceFile, SeasonHours, TopValues
from bihuan.formats import Deck, DeckOutput, PlotHeader, PostWriter
from bihuan.physics import Averager, Highest, ranks_for

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Hours = NDArray[np.datetime64]

MEANS = {"PERIOD": "PERIOD", "ANNUAL": "YEAR"}


@dataclass(slots=True)
class ShortAverage:
    """Averages of hours or months: the highest, and the files that want them all."""

    name: str
    averager: Averager
    highest: Highest
    groups: int
    writers: list[tuple[list[int], PostWriter]] = field(default_factory=list)
    exceedances: list[ExceedanceFile] = field(default_factory=list)
    top: TopValues | None = None
    yearly: YearlyRanks | None = None

    def take(self, last: Hours, values: Float) -> None:
        """Take averages that are complete, shape (averages, rows, receptors)."""
        if not len(last):
            return
        self.highest.add(last, values)
        for rows, writer in self.writers:
            writer.add([stamp(hour) for hour in last], values[:, rows])
        first = values[:, : self.groups]  # of the first quantity, as AERMOD ranks
        for file in self.exceedances:
            file.add(last, first)
        if self.top is not None:
            self.top.add(last, first)
        if self.yearly is not None:
            self.yearly.add(last, values)

    def finish(self) -> None:
        """Close the average that is still open, and the files."""
        self.take(*self.averager.finish())
        if self.yearly is not None:
            self.yearly.finish()
        for _, writer in self.writers:
            writer.close()
        for file in self.exceedances:
            file.close()


class Tally:
    """All averages that a deck asks for.

    Values come by row: every group of the first quantity, then every group of the next.

    Parameters
    ----------
    deck : Deck
    quantities : tuple of Quantity
    groups : sequence of str
    receptors : int
    hours : int
        That will come, for the number of values a percentile needs.
    percentiles : sequence of float

    Raises
    ------
    FormatError
        If the deck asks for a rank that so few hours do not have.
    """

    def __init__(
        self, deck: Deck, quantities: tuple[Quantity, ...], groups: Sequence[str], receptors: int, hours: int,
        percentiles: Sequence[float],
    ) -> None:  # fmt: skip
        self.groups, self.quantities = tuple(groups), quantities
        self.short: dict[str, ShortAverage] = {}
        self.means: dict[str, Averager] = {}
        self.mean_values: dict[str, Float] = {}
        self.mean_hours: dict[str, int] = {}
        added = totals(quantities, len(groups))
        self._shape = (len(quantities) * len(groups), receptors)
        ranks = max([*deck.ranks, *(output.rank for output in deck.outputs if output.kind == "PLOTFILE"), 1])
        for name in deck.averages:
            if name in MEANS:
                self.means[name] = Averager(MEANS[name], added)
                continue
            length = int(name) if name.isdigit() else name
            count = hours // length + 1 if isinstance(length, int) else hours // 672 + 2
            wanted = max([ranks, *(ranks_for(percent, count) for percent in percentiles)])
            self.short[name] = ShortAverage(
                name, Averager(length, added), Highest(min(wanted, count), *self._shape), len(groups)
            )
            if deck.design:
                days = min(ranks, hours // 24 + 2)
                self.short[name].yearly = YearlyRanks(days, *self._shape, daily=deck.design == "daily")
        wants_seasons = any(output.kind == "SEASONHR" for output in deck.outputs)
        self.seasons = SeasonHours(*self._shape, added) if wants_seasons else None
        self._refuse_ranks(deck)
        for output in deck.outputs:
            if output.kind == "RANKFILE":
                self.short[output.average].top = TopValues(output.rank)

    def _refuse_ranks(self, deck: Deck) -> None:
        for output in deck.outputs:
            kept = self.short.get(output.average)
            if kept is None or output.kind != "PLOTFILE":
                continue
            there = len(kept.highest.values)
            what = f"averages of {label(output.average)}"
            if kept.yearly is not None:
                there, what = kept.yearly.count, "days"
            if output.rank > there:
                raise output.line.refuse(f"there is no {ordinal(output.rank)}: the run has {there} {what} at most")

    def rows_of(self, group: str) -> list[int]:
        """Return the rows of a group, one a quantity."""
        place = self.groups.index(group)
        return [place + number * len(self.groups) for number in range(len(self.quantities))]

    def largest(self) -> Float:
        """Return the largest value of the first quantity of each group, at any time and receptor."""
        tops = [short.highest.values[0] for short in self.short.values()] + list(self.mean_values.values())
        found: Float = np.max([top[: len(self.groups)].max(axis=1) for top in tops], axis=0)
        return found

    def add(self, values: Float, usable: Bool, start: Hours) -> None:
        """Take hours in order, shape (hours, rows, receptors)."""
        for short in self.short.values():
            short.take(*short.averager.add(values, usable, start))
        for name, mean in self.means.items():
            self._mean(name, *mean.add(values, usable, start))
        if self.seasons is not None:
            self.seasons.add(values, usable, start)

    def finish(self) -> None:
        """Close every average and every file."""
        for short in self.short.values():
            short.finish()
        for name, mean in self.means.items():
            self._mean(name, *mean.finish())
            self.mean_hours[name] = sum(mean.used) if name == "PERIOD" else len(mean.used)
            if mean.used:
                self.mean_values[name] = self.mean_values[name] / len(mean.used)

    def _mean(self, name: str, last: Hours, values: Float) -> None:
        if len(last):
            before = self.mean_values.get(name)
            self.mean_values[name] = values.sum(axis=0) + (0.0 if before is None else before)


def open_files(tally: Tally, deck: Deck, options: str, out: Path) -> list[Path]:
    """Open the POSTFILEs and MAXIFILEs of short averages; return their paths."""
    opened: list[Path] = []
    for output in deck.outputs:
        if output.average in MEANS or output.group not in tally.groups:
            continue
        if output.kind == "POSTFILE":
            what = f"CONCURRENT {label(output.average):>5} VALUES"
            writer = post_writer(deck, tally, out / output.name, output, what, options)
            tally.short[output.average].writers.append((tally.rows_of(output.group), writer))
        elif output.kind == "MAXIFILE":
            file = ExceedanceFile(deck, output, tally.groups.index(output.group), options, out)
            tally.short[output.average].exceedances.append(file)
        else:
            continue
        opened.append(out / output.name)
    return opened


def header(deck: Deck, tally: Tally, output: DeckOutput, what: str, options: str) -> PlotHeader | None:
    """Return what stands above the columns; None for a deck without."""
    if deck.headless:
        return None
    columns = tuple(quantity.column for quantity in tally.quantities)
    return PlotHeader(
        deck.title, options, what, output.group, len(deck.receptors), columns, exponential=deck.exponential
    )


def post_writer(deck: Deck, tally: Tally, path: Path, output: DeckOutput, what: str, options: str) -> PostWriter:
    """Return a writer of a POSTFILE at the deck's receptors."""
    where = deck.receptors
    return PostWriter(
        path, header(deck, tally, output, what, options), output.group, label(output.average),
        np.stack([where.east, where.north, where.elevation, where.hill, where.flag]), where.network,
        exponential=deck.exponential,
    )  # fmt: skip
