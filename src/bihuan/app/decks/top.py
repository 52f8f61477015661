"""Other files of a deck: the highest of all receptors (RANKFILE), exceedances (MAXIFILE), seasons and hours (SEASONHR).

Columns: EPA-454/B-24-007, appendix D.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.stamps import label, stamp
from bihuan.formats import Deck, DeckOutput, fortran_value

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
Hours = NDArray[np.datetime64]

SEASONS, HOURS = 4, 24


@dataclass(slots=True)
class TopValues:
    """The highest averages of each group at any receptor.

    Attributes
    ----------
    count : int
    values, when, where : list of ndarray
        Of each group, highest first: value, begin of the last hour, receptor.
    """

    count: int
    values: list[Float] = field(default_factory=list)
    when: list[Hours] = field(default_factory=list)
    where: list[Int] = field(default_factory=list)

    def add(self, last: Hours, values: Float) -> None:
        """Take averages, shape (averages, groups, receptors)."""
        receptors = values.shape[2]
        for group in range(values.shape[1]):
            flat = values[:, group].ravel()
            keep = min(self.count, len(flat))
            chosen = np.argpartition(-flat, keep - 1)[:keep] if keep < len(flat) else np.arange(len(flat))
            fresh = (flat[chosen], last[chosen // receptors], chosen % receptors)
            if group == len(self.values):
                self.values.append(np.empty(0))
                self.when.append(np.empty(0, dtype="datetime64[h]"))
                self.where.append(np.empty(0, dtype=np.int64))
            joined = [
                np.concatenate([old, new])
                for old, new in zip((self.values[group], self.when[group], self.where[group]), fresh, strict=True)
            ]
            order = np.lexsort((joined[2], joined[1], -joined[0]))[: self.count]
            self.values[group], self.when[group], self.where[group] = (part[order] for part in joined)


def write_rankfile(
    deck: Deck, output: DeckOutput, top: TopValues, groups: tuple[str, ...], options: str, out: Path
) -> Path:
    """Write a RANKFILE: each hour stands once, with the receptor where it was highest; return its path."""
    path, where = out / output.name, deck.receptors
    with path.open("w", encoding="latin-1") as file:
        if not deck.headless:
            told = (
                f"RANK-FILE OF UP TO {output.rank:5d} TOP {label(output.average):>5} VALUES FOR {len(groups):5d} GROUPS"
            )
            _head(file, deck, options, told, "RANK  AVERAGE CONC   DATE   X   Y   ZELEV   ZHILL   ZFLAG   GRP")
        for group, name in enumerate(groups):
            seen: set[np.datetime64] = set()
            for value, when, place in zip(top.values[group], top.when[group], top.where[group], strict=True):
                if value <= 0.0 or when in seen:
                    continue
                seen.add(when)
                file.write(
                    f" {len(seen):6d} {fortran_value(value, deck.exponential)} {stamp(when)} "
                    f"{where.east[place]:13.5f} {where.north[place]:13.5f} {where.elevation[place]:7.2f} "
                    f"{where.hill[place]:7.2f} {where.flag[place]:7.2f}  {name:<8}\n"
                )
    return path


class ExceedanceFile:
    """A MAXIFILE: every average of a group at or above a threshold."""

    def __init__(self, deck: Deck, output: DeckOutput, group: int, options: str, out: Path) -> None:
        self.path, self.group = out / output.name, group
        self._deck, self._output = deck, output
        self._file = self.path.open("w", encoding="latin-1")
        if not deck.headless:
            told = (
                f"MAXI-FILE FOR {label(output.average):>5} VALUES >= A THRESHOLD OF {output.threshold:12.2f} "
                f"FOR SOURCE GROUP: {output.group}"
            )
            _head(self._file, deck, options, told, "AVE GRP  DATE  X  Y  ZELEV  ZHILL  ZFLAG  AVERAGE CONC")

    def add(self, last: Hours, values: Float) -> None:
        """Take averages, shape (averages, groups, receptors)."""
        where, output = self._deck.receptors, self._output
        hours = int(output.average) if output.average.isdigit() else 720
        for place, receptor in np.argwhere(values[:, self.group] >= output.threshold):
            value = fortran_value(values[place, self.group, receptor], self._deck.exponential)
            self._file.write(
                f" {hours:3d} {output.group:<8} {stamp(last[place])} {where.east[receptor]:13.5f} "
                f"{where.north[receptor]:13.5f} {where.elevation[receptor]:7.2f} {where.hill[receptor]:7.2f} "
                f"{where.flag[receptor]:7.2f} {value}\n"
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class SeasonHours:
    """Means by season and hour of the day; what comes down is added up.

    Parameters
    ----------
    rows, receptors : int
    totals : ndarray of bool, optional
        Rows that are added up.
    """

    def __init__(self, rows: int, receptors: int, totals: Bool | None) -> None:
        self._sums: Float = np.zeros((SEASONS, HOURS, rows, receptors))
        self.hours: Int = np.zeros((SEASONS, HOURS), dtype=np.int64)
        self._totals = totals

    def add(self, values: Float, usable: Bool, start: Hours) -> None:
        """Take hours, shape (hours, rows, receptors)."""
        month = start.astype("datetime64[M]").astype(np.int64) % 12
        season, hour = (month + 1) % 12 // 3, (start - start.astype("datetime64[D]")).astype(np.int64)
        np.add.at(self._sums, (season[usable], hour[usable]), values[usable])
        np.add.at(self.hours, (season[usable], hour[usable]), 1)

    def values(self) -> Float:
        """Return them, shape (seasons, hours, rows, receptors); 0 where no hour had wind and data."""
        found = self._sums / np.maximum(self.hours, 1)[:, :, None, None]
        if self._totals is not None:
            found[:, :, self._totals] = self._sums[:, :, self._totals]
        return found


def write_seasonhr(
    deck: Deck, output: DeckOutput, means: SeasonHours, rows: list[int], options: str, out: Path
) -> Path:
    """Write a SEASONHR file of a group, whose quantities are `rows`; return its path."""
    path, where, found = out / output.name, deck.receptors, means.values()
    with path.open("w", encoding="latin-1") as file:
        if not deck.headless:
            told = f"FILE OF SEASON/HOUR VALUES FOR SOURCE GROUP: {output.group}"
            _head(file, deck, options, told, "X  Y  values  ZELEV  ZHILL  ZFLAG  GRP  NHRS  SEAS  HOUR  NET ID")
        for season in range(SEASONS):
            for hour in range(HOURS):
                count = int(means.hours[season, hour])
                for place in range(len(where)):
                    told = "".join(
                        f" {fortran_value(value, deck.exponential, 8)}" for value in found[season, hour, rows, place]
                    )
                    file.write(
                        f" {where.east[place]:13.5f} {where.north[place]:13.5f}{told} {where.elevation[place]:7.2f} "
                        f"{where.hill[place]:7.2f} {where.flag[place]:7.2f}  {output.group:<8}  {count:4d}  "
                        f"{season + 1:4d}  {hour + 1:4d}  {where.network[place]:<8}\n"
                    )
    return path


def _head(file: TextIO, deck: Deck, options: str, what: str, columns: str) -> None:
    file.write(f"* Bihuan steady plume: {deck.title}\n")
    file.write("* Method of AERMOD 24142 (EPA-454/B-24-010), computed anew\n")
    file.write(f"* MODELING OPTIONS USED:   {options}\n*         {what}\n")
    file.write(f"*         FOR A TOTAL OF {len(deck.receptors):5d} RECEPTORS.\n*  {columns}\n")
