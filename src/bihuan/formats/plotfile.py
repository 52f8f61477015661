"""AERMOD's files of values at receptors: POSTFILE (every hour) and PLOTFILE (the nth highest, or the period).

Columns and header lines: EPA-454/B-24-007 (user's guide of AERMOD), appendix D.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from bihuan.core import FormatError

Float = NDArray[np.float64]

STAMP = "\0"
"""Where a page of values has its average, group and time."""

WHOLES = frozenset({"MONTH", "PERIOD", "ANNUAL"})
"""Averages that are not named by their hours."""


@dataclass(frozen=True, slots=True, eq=False)
class PostFile:
    """Values at receptors, period by period.

    Attributes
    ----------
    east, north, flag : ndarray, shape (receptors,)
        Place, and height above the ground. [m]
    ending : tuple of str
        ``yymmddhh`` of each period; hours count from 01 to 24.
    values : ndarray, shape (periods, columns, receptors)
        Concentration [ug/m3], then total, dry and wet deposition where the file has them.
    """

    east: Float
    north: Float
    flag: Float
    ending: tuple[str, ...]
    values: Float


def read_postfile(path: Path) -> PostFile:
    """Read a POSTFILE of format PLOT, plain or gzipped.

    Raises
    ------
    FormatError
        If a line is not one of a POSTFILE, or the periods do not list the same number of receptors.
    """
    rows: list[list[float]] = []
    stamps: list[str] = []
    for number, words in _lines(path):
        at = next((place for place, word in enumerate(words) if "-HR" in word or word in WHOLES), None)
        if at is None or at < 6 or len(words) < at + 3:
            raise FormatError(f"{path.name}: line {number} is none of a POSTFILE (PLOT): {' '.join(words)[:60]}")
        try:
            rows.append([float(word) for word in words[:at]])
        except ValueError:
            raise FormatError(f"{path.name}: line {number} holds no numbers: {' '.join(words)[:60]}") from None
        stamps.append(words[at + 2])
    if not rows:
        raise FormatError(f"{path.name} holds no value")
    count = next((place for place, stamp in enumerate(stamps) if stamp != stamps[0]), len(stamps))
    if len(rows) % count:
        raise FormatError(f"{path.name}: {len(rows)} values are no whole number of periods of {count} receptors")
    table = np.array(rows).reshape(len(rows) // count, count, -1)
    return PostFile(
        east=table[0, :, 0].copy(),
        north=table[0, :, 1].copy(),
        flag=table[0, :, -1].copy(),
        ending=tuple(stamps[::count]),
        values=np.moveaxis(table[:, :, 2:-3], 2, 1).copy(),
    )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    with gzip.open(path, "rt", encoding="latin-1") if path.suffix == ".gz" else path.open(encoding="latin-1") as text:
        for number, line in enumerate(text, start=1):
            if line.strip() and not line.startswith("*"):
                yield number, line.split()


@dataclass(frozen=True, slots=True)
class PlotHeader:
    """What stands above the columns.

    Attributes
    ----------
    title, options : str
        Title of the deck; options of the run, as AERMOD names them.
    what : str
        ``CONCURRENT 1-HR VALUES`` or ``HIGH   1ST HIGH  1-HR VALUES``.
    group : str
    receptors : int
    columns : tuple of str
        Names of the columns of values.
    exponential : bool
        Values as ``0.123456E+01`` instead of with five decimals.
    """

    title: str
    options: str
    what: str
    group: str
    receptors: int
    columns: tuple[str, ...] = ("AVERAGE CONC",)
    exponential: bool = False


class PostWriter:
    """Writes a POSTFILE of format PLOT, average by average; a mean of the period is one average of it.

    Parameters
    ----------
    path : Path
    header : PlotHeader, optional
        None for a file without (NOHEADER).
    group, average : str
        ``ALL``, ``24-HR``.
    places : ndarray, shape (5, receptors)
        East, north, elevation, hill, height above the ground. [m]
    networks : sequence of str
        Network each receptor is of, empty for a single one.
    exponential : bool
        Values as ``0.123456E+01`` instead of with five decimals.
    """

    def __init__(
        self, path: Path, header: PlotHeader | None, group: str, average: str, places: Float, networks: Sequence[str],
        *, exponential: bool = False,
    ) -> None:  # fmt: skip
        self._out = path.open("w", encoding="latin-1")
        self._exponential = exponential
        self._pages: dict[int, str] = {}
        self._fronts, self._backs = _fixed(places)
        self._middle = f"{average:>6}  {group:<8}  "
        self._ends = [f"  {network:<8}\n" for network in networks]
        if header is not None:
            _head(self._out, header, "DATE     NET ID")

    def add(self, stamps: Sequence[str], values: Float) -> None:
        """Write averages, shape (averages, receptors), or (averages, columns, receptors) for several columns.

        A stamp is ``yymmddhh`` or the number of hours.
        """
        columns = values[:, None] if values.ndim == 2 else values
        for stamp, row in zip(stamps, columns, strict=True):
            middle = f"{self._middle}{stamp:>8}"
            if not self._exponential:
                self._out.write(self._page(len(row)).replace(STAMP, middle.replace("%", "%%")) % tuple(row.T.ravel()))
                continue
            shown = _columns(row, self._exponential)
            self._out.writelines(
                f"{front} {value}{back}{middle}{end}"
                for front, value, back, end in zip(self._fronts, shown, self._backs, self._ends, strict=True)
            )

    def _page(self, columns: int) -> str:
        """One average of every receptor as a single pattern: written at once, in a third of the time."""
        if columns not in self._pages:
            shown = " ".join(["%13.5f"] * columns)
            self._pages[columns] = "".join(
                f"{front} {shown}{back}{STAMP}{end.replace('%', '%%')}"
                for front, back, end in zip(self._fronts, self._backs, self._ends, strict=True)
            )
        return self._pages[columns]

    def close(self) -> None:
        """Close the file."""
        self._out.close()


def write_plotfile(
    path: Path, header: PlotHeader | None, group: str, average: str, rank: str, places: Float, values: Float,
    dates: Iterable[str], networks: Sequence[str], *, exponential: bool = False,
) -> None:  # fmt: skip
    """Write a PLOTFILE of ranked values: one value a receptor, with its rank and when it came.

    Parameters
    ----------
    path, header, group, average, places, networks, exponential
        As for `PostWriter`.
    rank : str
        ``1ST``.
    values : ndarray, shape (receptors,) or (columns, receptors)
    dates : iterable of str
        When each receptor's value came, ``yymmddhh``.
    """
    fronts, backs = _fixed(places)
    with path.open("w", encoding="latin-1") as out:
        if header is not None:
            _head(out, header, "RANK     NET ID   DATE(CONC)")
        columns = _columns(values, exponential)
        for front, shown, back, network, date in zip(fronts, columns, backs, networks, dates, strict=True):
            out.write(f"{front} {shown}{back}{average:>6}  {group:<8}  {rank:>5}     {network:<8}  {date:>8}\n")


def _fixed(places: Float) -> tuple[list[str], list[str]]:
    """What stands before and after the value of each receptor."""
    fronts = [f" {east:13.5f} {north:13.5f}" for east, north in places[:2].T]
    backs = [f" {level:8.2f} {hill:8.2f} {flag:8.2f}  " for level, hill, flag in places[2:].T]
    return fronts, backs


def _columns(values: Float, exponential: bool) -> list[str]:
    """The values of each receptor, side by side."""
    if values.ndim == 1:
        return [fortran_value(value, exponential) for value in values]
    return [" ".join(fortran_value(value, exponential) for value in column) for column in values.T]


def fortran_value(value: float, exponential: bool, decimals: int = 5) -> str:
    """Return a value in thirteen columns, F13.5 or E13.6 as Fortran writes it: the mantissa begins with 0."""
    if not exponential:
        return f"{value:13.{decimals}f}"
    if value == 0.0:
        return " 0.000000E+00"
    mantissa, power = f"{value:.5E}".split("E")
    digits = mantissa.replace(".", "").replace("-", "")
    return f"{'-' if value < 0 else ''}0.{digits}E{int(power) + 1:+03d}".rjust(13)


def _head(out: TextIO, header: PlotHeader, last: str) -> None:
    names = "".join(f"{name:^14}" for name in header.columns)
    count = 2 + len(header.columns)
    shape = f"(2(1X,F13.5),{len(header.columns)}(1X,E13.6)" if header.exponential else f"({count}(1X,F13.5)"
    out.write(f"* Bihuan steady plume: {header.title}\n")
    out.write("* Method of AERMOD 24142 (EPA-454/B-24-010), computed anew\n")
    out.write(f"* MODELING OPTIONS USED:   {header.options}\n")
    out.write(f"*         POST/PLOT FILE OF {header.what} FOR SOURCE GROUP: {header.group}\n")
    out.write(f"*         FOR A TOTAL OF {header.receptors:5d} RECEPTORS.\n")
    out.write(f"*         FORMAT: {shape},3(1X,F8.2),2X,A6,2X,A8,2X,I8.8,2X,A8)\n")
    out.write(f"*        X             Y      {names}   ZELEV    ZHILL    ZFLAG    AVE     GRP       {last}\n")
    rules = " ____________ " * len(header.columns)
    out.write(f"* ____________  ____________ {rules}  ______   ______   ______  ______\n")
