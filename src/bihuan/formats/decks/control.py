"""Pathway CO: title, options, averages, pollutant, cities."""

from __future__ import annotations

from bihuan.formats.decks.deck import DeckCity
from bihuan.formats.decks.draft import Draft, fewest
from bihuan.formats.decks.lines import DeckLine, number

SHORT = frozenset({"1", "2", "3", "4", "6", "8", "12", "24"})
AVERAGES = SHORT | {"MONTH", "PERIOD", "ANNUAL"}

OPTIONS = frozenset(
    [
        "DFAULT",
        "CONC",
        "DEPOS",
        "DDEP",
        "WDEP",
        "FLAT",
        "ELEV",
        "NOSTD",
        "NOCHKD",
        "WARNCHKD",
        "SCREEN",
        "SCIM",
        "PVMRM",
        "OLM",
        "ARM2",
        "GRSM",
        "TTRM",
        "TTRM2",
        "PSDCREDIT",
        "FASTALL",
        "FASTAREA",
        "TOXICS",
        "DRYDPLT",
        "NODRYDPLT",
        "WETDPLT",
        "NOWETDPLT",
        "AREADPLT",
        "NOURBTRAN",
        "VECTORWS",
        "BETA",
        "ALPHA",
        "RURAL",
        "NOMINO3",
        "AREAMNDR",
        "AWMADW",
        "PLATFORM",
        "HBP",
        "RLINEFDH",
        "AWMAUEFF",
        "AWMAUTURB",
        "AWMAENTRAIN",
        "AWMAUTURBHX",
        "STREAMLINE",
        "STREAMLINED",
        "ORDCAV",
        "ORDUEFF",
        "ORDTURB",
    ]
)
"""Words of MODELOPT."""

KEPT = frozenset(
    [
        *("HALFLIFE", "DCAYCOEF", "NO2EQUIL", "NO2STACK", "ARMRATIO", "OZONEVAL", "O3VALUES", "OZONEFIL", "OZONUNIT"),
        *("GASDEPDF", "GDSEASON", "GDLANUSE"),
    ]
)
"""Keywords of CO whose lines wait until the deck is read whole."""

NO_EFFECT = frozenset({"RUNORNOT", "ERRORFIL", "EVENTFIL", "DEBUGOPT", "SAVEFILE", "STARTING", "FINISHED"})


def take_control(draft: Draft, line: DeckLine) -> None:
    """Take a line of CO.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    match line.keyword:
        case "TITLEONE" | "TITLETWO":
            draft.titles.append(" ".join(line.words))
        case "MODELOPT":
            _options(draft, line)
        case "AVERTIME":
            _averages(draft, line)
        case "POLLUTID":
            fewest(line, 1, "a pollutant")
            draft.pollutant = line.words[0].upper()
            if any(word.upper() in {"H1H", "H2H", "INC"} for word in line.words[1:]):
                draft.plain_ranks = True
        case "FLAGPOLE":
            draft.flagpole = number(line.words[0], line, "a height") if line.words else 0.0
        case "URBANOPT":
            _city(draft, line)
        case "ELEVUNIT":
            draft.feet["SO"] = draft.feet["RE"] = _feet(line)
        case keyword if keyword in KEPT:
            draft.keep(line)
        case keyword if keyword not in NO_EFFECT:
            draft.others.append(line)


def _options(draft: Draft, line: DeckLine) -> None:
    for word in line.words:
        option = word.upper()
        if option not in OPTIONS:
            raise line.refuse(f"{word!r} is no option of AERMOD 24142")
        draft.options[option] = line


def _averages(draft: Draft, line: DeckLine) -> None:
    fewest(line, 1, "an average")
    for word in line.words:
        draft.averages.append(average_of(word, line))


def average_of(word: str, line: DeckLine) -> str:
    """Return an averaging time: ``1``, ``24``, ``MONTH`` ...

    Raises
    ------
    FormatError
        If AERMOD has no such average.
    """
    name = word.upper().removesuffix("-HR")
    name = name.lstrip("0") if name.isdigit() else name
    if name not in AVERAGES:
        raise line.refuse(f"average {word!r}: there are {', '.join(sorted(SHORT, key=int))}, MONTH, PERIOD, ANNUAL")
    return name


def _is_number(word: str) -> bool:
    try:
        float(word.upper().replace("D", "E"))
    except ValueError:
        return False
    return True


def _city(draft: Draft, line: DeckLine) -> None:
    """``URBANOPT population [name [roughness]]``, or with several cities an id before it."""
    fewest(line, 1, "a population")
    words = list(line.words)
    several = not _is_number(words[0]) or (len(words) > 1 and _is_number(words[1]))
    name = words.pop(0).upper() if several else ""
    if not words:
        raise line.refuse("needs a population [persons]")
    population = number(words[0], line, "a population")
    roughness = number(words[2], line, "a roughness") if len(words) > 2 else 1.0
    if any(city.name == name for city in draft.cities):
        raise line.refuse(f"urban area {name or 'without an id'} is given twice: several areas need different ids")
    if not (population > 0.0 and roughness > 0.0):
        raise line.refuse(f"population {population:g} and roughness {roughness:g} m must be above 0")
    draft.cities.append(DeckCity(name, line, population, roughness))


def _feet(line: DeckLine) -> bool:
    fewest(line, 1, "METERS or FEET")
    unit = line.words[0].upper()
    if unit not in {"METERS", "FEET"}:
        raise line.refuse(f"unit {line.words[0]!r}: METERS or FEET")
    return unit == "FEET"
