"""The lines of an AERMOD deck: pathway, keyword, words; with `INCLUDED` files in their places.

Layout: EPA-454/B-24-007 (user's guide of AERMOD), section 2.4.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bihuan.core import FormatError

PATHWAYS = frozenset({"CO", "SO", "RE", "ME", "OU", "EV"})

KEYWORDS = frozenset(
    [
        "STARTING",
        "FINISHED",
        "TITLEONE",
        "TITLETWO",
        "MODELOPT",
        "AVERTIME",
        "POLLUTID",
        "HALFLIFE",
        "DCAYCOEF",
        "DEBUGOPT",
        "ELEVUNIT",
        "FLAGPOLE",
        "RUNORNOT",
        "EVENTFIL",
        "SAVEFILE",
        "INITFILE",
        "MULTYEAR",
        "ERRORFIL",
        "GASDEPDF",
        "GDSEASON",
        "GDLANUSE",
        "GASDEPVD",
        "URBANOPT",
        "NO2EQUIL",
        "NO2STACK",
        "OZONEVAL",
        "OZONEFIL",
        "O3VALUES",
        "OZONUNIT",
        "O3SECTOR",
        "NOXVALUE",
        "NOX_FILE",
        "NOX_VALS",
        "NOX_UNIT",
        "NOXSECTR",
        "LOW_WIND",
        "ARMRATIO",
        "LOCATION",
        "SRCPARAM",
        "BUILDHGT",
        "BUILDWID",
        "BUILDLEN",
        "XBADJ",
        "YBADJ",
        "EMISFACT",
        "EMISUNIT",
        "PARTDIAM",
        "MASSFRAX",
        "PARTDENS",
        "METHOD_2",
        "CONCUNIT",
        "DEPOUNIT",
        "GASDEPOS",
        "HOUREMIS",
        "NO2RATIO",
        "AREAVERT",
        "URBANSRC",
        "SRCGROUP",
        "OLMGROUP",
        "PSDGROUP",
        "BACKGRND",
        "BACKUNIT",
        "BGSECTOR",
        "BLPINPUT",
        "RBARRIER",
        "RDEPRESS",
        "RLEMCONV",
        "INCLUDED",
        "EVENTPER",
        "EVENTLOC",
        "GRIDCART",
        "GRIDPOLR",
        "DISCCART",
        "DISCPOLR",
        "EVALCART",
        "SURFFILE",
        "PROFFILE",
        "PROFBASE",
        "SURFDATA",
        "UAIRDATA",
        "SITEDATA",
        "STARTEND",
        "DAYRANGE",
        "SCIMBYHR",
        "WDROTATE",
        "WINDCATS",
        "NUMYEARS",
        "RECTABLE",
        "MAXTABLE",
        "DAYTABLE",
        "SUMMFILE",
        "MAXIFILE",
        "POSTFILE",
        "PLOTFILE",
        "TOXXFILE",
        "SEASONHR",
        "EVENTOUT",
        "RANKFILE",
        "EVALFILE",
        "FILEFORM",
        "MAXDAILY",
        "MXDYBYYR",
        "MAXDCONT",
        "NOHEADER",
        "AWMADWNW",
        "ORD_DWNW",
        "BLPGROUP",
        "NOTURB",
        "NOTURBST",
        "NOTURBCO",
        "NOSA",
        "NOSW",
        "NOSAST",
        "NOSWST",
        "NOSACO",
        "NOSWCO",
        "PLATFORM",
        "ARCFTOPT",
        "ARCFTSRC",
        "HBPSRCID",
    ]
)
"""Every keyword of AERMOD 24142."""

CONTINUED_FROM = 11
"""A line that begins in this column or later has no keyword of its own: it goes on with the one before."""

DEEPEST = 8
"""Included files within included files."""


@dataclass(frozen=True, slots=True)
class DeckLine:
    """One line of a deck.

    Attributes
    ----------
    path : str
        ``CO``, ``SO``, ``RE``, ``ME`` or ``OU``.
    keyword : str
    words : tuple of str
        What follows the keyword, as written.
    file : str
        Name of the file it stands in.
    number : int
        Counted from 1.
    """

    path: str
    keyword: str
    words: tuple[str, ...]
    file: str
    number: int

    @property
    def where(self) -> str:
        """``city.inp: line 12 (SO LOCATION)``."""
        return f"{self.file}: line {self.number} ({self.path} {self.keyword})"

    def refuse(self, what: str) -> FormatError:
        """Return an error that names this line."""
        return FormatError(f"{self.where}: {what}")


def deck_lines(deck: Path) -> list[DeckLine]:
    """Read the lines of a deck and of what it includes; comments and empty lines are left out.

    Raises
    ------
    FormatError
        If a line stands outside a pathway, its keyword is none of AERMOD's, or an included file is not beside the deck.
    """
    lines: list[DeckLine] = []
    _take(deck, deck.parent, lines, "", 0)
    if not lines:
        raise FormatError(f"{deck.name}: no line of a deck: is this an input file of AERMOD?")
    return lines


def _take(file: Path, folder: Path, lines: list[DeckLine], path: str, depth: int) -> str:
    for number, text in _texts(file):
        words = _words(text)
        column = len(text) - len(text.lstrip())
        if words[0].upper() in PATHWAYS and (
            column < CONTINUED_FROM or (len(words) > 1 and words[1].upper() in KEYWORDS)
        ):
            path, words = words[0].upper(), words[1:]
            if not words:
                raise FormatError(f"{file.name}: line {number}: pathway {path} without a keyword")
        if not path:
            raise FormatError(
                f"{file.name}: line {number} stands before any pathway (CO STARTING): {text.strip()[:60]!r}"
            )
        line = _line(path, words, column, file.name, number, lines)
        if line.keyword == "INCLUDED":
            path = _take(_included(line, folder, depth), folder, lines, path, depth + 1)
        else:
            lines.append(line)
    return path


def _texts(file: Path) -> Iterator[tuple[int, str]]:
    body = file.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    for number, text in enumerate(body.splitlines(), start=1):
        bare = text.strip().strip("\x1a")
        if bare and not bare.startswith("**"):
            yield number, text.rstrip().expandtabs(8)


def _words(text: str) -> list[str]:
    """Words, parted by blanks; what stands in double quotes is one word (names of files may hold blanks)."""
    words: list[str] = []
    for place, part in enumerate(text.split('"')):
        words += [part] if place % 2 else part.split()
    return words


def _line(path: str, words: Sequence[str], column: int, file: str, number: int, before: Sequence[DeckLine]) -> DeckLine:
    keyword = words[0].upper()
    if keyword in KEYWORDS:
        return DeckLine(path, keyword, tuple(words[1:]), file, number)
    if column >= CONTINUED_FROM and before and before[-1].path == path:
        return DeckLine(path, before[-1].keyword, tuple(words), file, number)
    close = difflib.get_close_matches(keyword, sorted(KEYWORDS), n=1)
    hint = f": is {close[0]} meant?" if close else ""
    raise FormatError(f"{file}: line {number}: {words[0]!r} is no keyword of AERMOD 24142{hint}")


def _included(line: DeckLine, folder: Path, depth: int) -> Path:
    if not line.words:
        raise line.refuse("names no file")
    found = folder / Path(line.words[0].replace("\\", "/")).name
    if depth >= DEEPEST:
        raise line.refuse(f"more than {DEEPEST} included files within each other: does one include itself?")
    if not found.is_file():
        raise line.refuse(f"included file {found.name} is not beside the deck")
    return found


def number(word: str, line: DeckLine, what: str = "a number") -> float:
    """Return a number as Fortran writes it, ``3.6D6`` too.

    Raises
    ------
    FormatError
        If it is none, or not finite.
    """
    try:
        value = float(word.upper().replace("D", "E"))
    except ValueError:
        value = float("nan")
    if not math.isfinite(value):
        raise line.refuse(f"{word!r} is read as {what} and is no number")
    return value


def numbers(words: Sequence[str], line: DeckLine) -> list[float]:
    """Return numbers; ``36*50.`` stands for 36 of them.

    Raises
    ------
    FormatError
        If a word is no number.
    """
    found: list[float] = []
    for word in words:
        times, star, rest = word.partition("*")
        if star and not times.isdigit():
            raise line.refuse(f"{word!r} is no number: a repeated one is written 24*1.0")
        found += [number(rest if star else word, line)] * (int(times) if star else 1)
    return found
