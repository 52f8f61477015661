"""Pathway OU: files and tables that the deck asks for."""

from __future__ import annotations

from collections.abc import Callable

from bihuan.formats.decks.control import average_of
from bihuan.formats.decks.deck import DeckOutput
from bihuan.formats.decks.draft import Draft, fewest
from bihuan.formats.decks.lines import DeckLine, number
from bihuan.formats.decks.meteorology import base_name

NO_EFFECT = frozenset({"STARTING", "FINISHED", "MAXTABLE", "DAYTABLE", "SUMMFILE"})
"""Printed tables among them: whoever runs the deck prints tables of their own."""

ORDINALS = ("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH")

HIGHEST_RANK = 999
"""As in AERMOD."""

MOST_RANKED = 100_000
"""Values of a RANKFILE."""

LONG = frozenset({"PERIOD", "ANNUAL"})


def take_output_line(draft: Draft, line: DeckLine) -> None:
    """Take a line of OU.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    match line.keyword:
        case "RECTABLE":
            fewest(line, 2, "an average and ranks")
            for word in line.words[1:]:
                draft.ranks.update(ranks_of(word, line))
        case "POSTFILE":
            _postfile(draft, line)
        case "PLOTFILE":
            _plotfile(draft, line)
        case "RANKFILE" | "MAXIFILE" | "SEASONHR":
            OTHERS[line.keyword](draft, line)
        case "FILEFORM":
            fewest(line, 1, "FIX or EXP")
            if line.words[0].upper() not in {"FIX", "EXP"}:
                raise line.refuse(f"{line.words[0]!r}: FIX or EXP")
            draft.exponential = line.words[0].upper() == "EXP"
        case "NOHEADER":
            draft.headless = True
        case keyword if keyword not in NO_EFFECT:
            draft.others.append(line)


def ranks_of(word: str, line: DeckLine) -> list[int]:
    """Return the ranks a word names: ``FIRST``, ``2ND``, ``FIRST-THIRD``, ``1,4``.

    Raises
    ------
    FormatError
        If it names none.
    """
    found: list[int] = []
    for part in word.upper().split(","):
        low, dash, high = part.partition("-")
        first = _rank(low, line)
        found += range(first, (_rank(high, line) if dash else first) + 1)
    if not found:
        raise line.refuse(f"{word!r} names no rank")
    return found


def _rank(word: str, line: DeckLine) -> int:
    if word in ORDINALS:
        return ORDINALS.index(word) + 1
    digits = word[:-2] if word[-2:] in {"ST", "ND", "RD", "TH"} else word
    if digits.isdigit() and 1 <= int(digits) <= HIGHEST_RANK:
        return int(digits)
    raise line.refuse(f"{word!r} is no rank: FIRST to TENTH, or 1ST to {HIGHEST_RANK}TH")


def _postfile(draft: Draft, line: DeckLine) -> None:
    fewest(line, 4, "an average, a group, a format and a file")
    form = line.words[2].upper()
    if form == "UNFORM":
        raise line.refuse("unformatted files are read by AERMOD's own compiler only: write PLOT instead of UNFORM")
    if form != "PLOT":
        raise line.refuse(f"format {line.words[2]!r}: write PLOT")
    _output(draft, line, 0, line.words[3])


def _plotfile(draft: Draft, line: DeckLine) -> None:
    fewest(line, 3, "an average, a group and a file")
    if average_of(line.words[0], line) in LONG:
        _output(draft, line, 0, line.words[2])
        return
    fewest(line, 4, "an average, a group, a rank and a file")
    ranks = ranks_of(line.words[2], line)
    if len(ranks) != 1:
        raise line.refuse(f"rank {line.words[2]!r}: one of them")
    _output(draft, line, ranks[0], line.words[3])


def _rankfile(draft: Draft, line: DeckLine) -> None:
    fewest(line, 3, "an average, how many values and a file")
    count = int(number(line.words[1], line, "how many values"))
    if not 1 <= count <= MOST_RANKED:
        raise line.refuse(f"{count} values: 1 to {MOST_RANKED}")
    _add(draft, line, average_of(line.words[0], line), "", count, line.words[2])


def _maxifile(draft: Draft, line: DeckLine) -> None:
    fewest(line, 4, "an average, a group, a threshold and a file")
    if average_of(line.words[0], line) in LONG:
        raise line.refuse(f"average {line.words[0]}: 1 to 24 hours or MONTH")
    threshold = number(line.words[2], line, "a threshold")
    _add(draft, line, average_of(line.words[0], line), line.words[1].upper(), 0, line.words[3], threshold)


def _seasonhr(draft: Draft, line: DeckLine) -> None:
    fewest(line, 2, "a group and a file")
    _add(draft, line, "", line.words[0].upper(), 0, line.words[1])


OTHERS: dict[str, Callable[[Draft, DeckLine], None]] = {
    "RANKFILE": _rankfile,
    "MAXIFILE": _maxifile,
    "SEASONHR": _seasonhr,
}


def _output(draft: Draft, line: DeckLine, rank: int, file: str) -> None:
    _add(draft, line, average_of(line.words[0], line), line.words[1].upper(), rank, file)


def _add(
    draft: Draft, line: DeckLine, average: str, group: str, rank: int, file: str, threshold: float = 0.0
) -> None:  # fmt: skip
    name = base_name(file)
    if average and average not in draft.averages:
        raise line.refuse(f"average {average} is not among those of CO AVERTIME: {' '.join(draft.averages)}")
    if group and group not in draft.groups:
        raise line.refuse(f"group {group} has no SRCGROUP: there are {', '.join(draft.groups) or 'none'}")
    if name in {"", ".", ".."}:
        raise line.refuse(f"{file!r} names no file")
    same = next((output for output in draft.outputs if output.name == name), None)
    if same is not None:
        raise line.refuse(f"file {name} is written already, {same.line.where}; folders of names are left out")
    draft.outputs.append(DeckOutput(line.keyword, line, average, group, rank, name, threshold))
