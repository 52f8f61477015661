"""Averages of a run while its hours come in: highest values, means, and files that take every average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.formats import Deck, DeckOutput, PlotHeader, PostWriter
from bihuan.physics import Averager, Highest, ranks_for

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Hours = NDArray[np.datetime64]

MEANS = {"PERIOD": "PERIOD", "ANNUAL": "YEAR"}


def label(average: str) -> str:
    """Return the name of an average in AERMOD's files: ``24-HR``."""
    return f"{average}-HR" if average.isdigit() else average


def ordinal(rank: int) -> str:
    """``1ST``, ``22ND``, as AERMOD writes them."""
    ending = "TH" if rank % 100 in (11, 12, 13) else {1: "ST", 2: "ND", 3: "RD"}.get(rank % 10, "TH")
    return f"{rank}{ending}"


def stamp(last: np.datetime64) -> str:
    """Return ``yymmddhh`` of an average by its last hour, which counts from 01 to 24."""
    told = str(last)
    return f"{told[2:4]}{told[5:7]}{told[8:10]}{int(told[11:13]) + 1:02d}"


@dataclass(slots=True)
class ShortAverage:
    """Averages of hours or months: the highest, and the files that want them all."""

    name: str
    averager: Averager
    highest: Highest
    writers: list[tuple[int, PostWriter]] = field(default_factory=list)

    def take(self, last: Hours, values: Float) -> None:
        """Take averages that are complete, shape (averages, groups, receptors)."""
        if not len(last):
            return
        self.highest.add(last, values)
        for group, writer in self.writers:
            writer.add([stamp(hour) for hour in last], values[:, group])


class Tally:
    """All averages that a deck asks for.

    Parameters
    ----------
    deck : Deck
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
        self, deck: Deck, groups: Sequence[str], receptors: int, hours: int, percentiles: Sequence[float]
    ) -> None:
        self.groups = tuple(groups)
        self.short: dict[str, ShortAverage] = {}
        self.means: dict[str, Averager] = {}
        self.mean_values: dict[str, Float] = {}
        self.mean_hours: dict[str, int] = {}
        ranks = max([*deck.ranks, *(output.rank for output in deck.outputs), 1])
        for name in deck.averages:
            if name in MEANS:
                self.means[name] = Averager(MEANS[name])
                continue
            length = int(name) if name.isdigit() else name
            count = hours // length + 1 if isinstance(length, int) else hours // 672 + 2
            wanted = max([ranks, *(ranks_for(percent, count) for percent in percentiles)])
            self.short[name] = ShortAverage(name, Averager(length), Highest(min(wanted, count), len(groups), receptors))

        for output in deck.outputs:
            kept = self.short.get(output.average)
            if kept is not None and output.rank > len(kept.highest.values):
                raise output.line.refuse(
                    f"there is no {ordinal(output.rank)}: the run has {len(kept.highest.values)} averages of "
                    f"{label(output.average)} at most"
                )

    def add(self, values: Float, usable: Bool, start: Hours) -> None:
        """Take hours in order, shape (hours, groups, receptors)."""
        for short in self.short.values():
            short.take(*short.averager.add(values, usable, start))
        for name, mean in self.means.items():
            self._mean(name, *mean.add(values, usable, start))

    def finish(self) -> None:
        """Close every average and every file."""
        for short in self.short.values():
            short.take(*short.averager.finish())
            for _, writer in short.writers:
                writer.close()
        for name, mean in self.means.items():
            self._mean(name, *mean.finish())
            self.mean_hours[name] = sum(mean.used) if name == "PERIOD" else len(mean.used)
            if mean.used:
                self.mean_values[name] = self.mean_values[name] / len(mean.used)

    def _mean(self, name: str, last: Hours, values: Float) -> None:
        if len(last):
            before = self.mean_values.get(name)
            self.mean_values[name] = values.sum(axis=0) + (0.0 if before is None else before)


def open_postfiles(tally: Tally, deck: Deck, options: str, out: Path) -> list[Path]:
    """Open the POSTFILEs of short averages; return their paths."""
    opened: list[Path] = []
    for output in deck.outputs:
        if output.kind != "POSTFILE" or output.average in MEANS or output.group not in tally.groups:
            continue
        what = f"CONCURRENT {label(output.average):>5} VALUES"
        path = out / output.name
        writer = post_writer(deck, path, output, what, options)
        tally.short[output.average].writers.append((tally.groups.index(output.group), writer))
        opened.append(path)
    return opened


def post_writer(deck: Deck, path: Path, output: DeckOutput, what: str, options: str) -> PostWriter:
    """Return a writer of a POSTFILE at the deck's receptors."""
    where = deck.receptors
    header = PlotHeader(deck.title, options, what, output.group, len(where), exponential=deck.exponential)
    return PostWriter(
        path, None if deck.headless else header, output.group, label(output.average),
        np.stack([where.east, where.north, where.elevation, where.hill, where.flag]), where.network,
        exponential=deck.exponential,
    )  # fmt: skip
