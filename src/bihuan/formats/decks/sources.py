"""Pathway SO: what emits, where, when, and in which groups."""

from __future__ import annotations

from bihuan.formats.decks.deck import DeckGroup, Given
from bihuan.formats.decks.draft import Draft, SourceDraft, fewest, named
from bihuan.formats.decks.lines import DeckLine, number, numbers

COORDINATES = {
    "POINT": 2, "POINTCAP": 2, "POINTHOR": 2, "VOLUME": 2, "AREA": 2, "AREACIRC": 2, "AREAPOLY": 2, "OPENPIT": 2,
    "LINE": 4, "RLINE": 4, "BUOYLINE": 4, "RLINEXT": 6, "SWPOINT": 2,
}  # fmt: skip
"""Numbers that say where a source of a type is."""

PARAMETERS = {
    "POINT": 5, "POINTCAP": 5, "POINTHOR": 5, "VOLUME": 4, "AREA": 3, "AREACIRC": 3, "AREAPOLY": 3, "OPENPIT": 5,
    "LINE": 3, "RLINE": 3, "RLINEXT": 4, "BUOYLINE": 2, "SWPOINT": 2,
}  # fmt: skip
"""Numbers that SRCPARAM of a type must have."""

FACTORS = {
    "SEASON": 4, "MONTH": 12, "HROFDY": 24, "WSPEED": 6, "SEASHR": 96, "HRDOW": 72, "HRDOW7": 168, "SHRDOW": 288,
    "SHRDOW7": 672, "MHRDOW": 864, "MHRDOW7": 2016,
}  # fmt: skip
"""Emission factors of a kind."""

BY_SOURCE = frozenset(
    [
        "SRCPARAM",
        "AREAVERT",
        "EMISFACT",
        "BUILDHGT",
        "BUILDWID",
        "BUILDLEN",
        "XBADJ",
        "YBADJ",
        "PARTDIAM",
        "MASSFRAX",
        "PARTDENS",
        "METHOD_2",
        "GASDEPOS",
        "NO2RATIO",
        "RBARRIER",
        "RDEPRESS",
        "PLATFORM",
    ]
)
"""Keywords that give numbers to sources by name."""

NO_EFFECT = frozenset({"STARTING", "FINISHED"})

KEPT = frozenset({"BACKGRND", "BACKUNIT", "OLMGROUP", "DEPOUNIT"})
"""Settled once the deck is read whole: `chemistry`, `deposition`."""


def take_source_line(draft: Draft, line: DeckLine) -> None:
    """Take a line of SO; what names sources waits until every LOCATION is known.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    match line.keyword:
        case "LOCATION":
            _location(draft, line)
        case "ELEVUNIT":
            fewest(line, 1, "METERS or FEET")
            draft.feet["SO"] = line.words[0].upper() == "FEET"
        case "EMISUNIT" | "CONCUNIT":
            fewest(line, 3, "a factor and two units")
            draft.scale = number(line.words[0], line, "a factor") / 1e6
            draft.unit = line.words[2]
        case keyword if keyword not in NO_EFFECT:
            draft.source_lines.append(line)


def settle_sources(draft: Draft) -> None:
    """Give the sources what the lines that name them say.

    Raises
    ------
    FormatError
        If a line names a source that the deck does not have, or numbers are missing.
    """
    for line in draft.source_lines:
        match line.keyword:
            case keyword if keyword in BY_SOURCE:
                _give(draft, line)
            case "HOUREMIS":
                _hourly(draft, line)
            case "URBANSRC":
                _urban(draft, line)
            case "SRCGROUP":
                _group(draft, line)
            case keyword if keyword in KEPT:
                draft.keep(line)
            case _:
                draft.others.append(line)
    for source in draft.sources.values():
        _check(source)


def _location(draft: Draft, line: DeckLine) -> None:
    fewest(line, 4, "id, type and coordinates")
    name, kind = line.words[0].upper(), line.words[1].upper()
    if kind not in COORDINATES:
        raise line.refuse(f"{line.words[1]!r} is no type of source: there are {', '.join(COORDINATES)}")
    if name in draft.sources:
        raise line.refuse(f"source {name} has a LOCATION already, {draft.sources[name].line.where}")
    count = COORDINATES[kind]
    fewest(line, 2 + count, f"id, type and {count} coordinates")
    place = tuple(number(word, line, "a coordinate") for word in line.words[2 : 2 + count])
    rest = line.words[2 + count :]
    flat = bool(rest) and rest[0].upper() == "FLAT"
    level = 0.0 if not rest or flat else draft.metres(number(rest[0], line, "an elevation"), "SO")
    draft.sources[name] = SourceDraft(name, kind, line, place, level, flat)


def _give(draft: Draft, line: DeckLine) -> None:
    fewest(line, 2, "a source and numbers")
    kind, words = "", line.words[1:]
    if line.keyword == "EMISFACT":
        kind, words = words[0].upper(), words[1:]
        if kind not in FACTORS:
            raise line.refuse(f"{line.words[1]!r} is no kind of emission factor: there are {', '.join(FACTORS)}")
    values = tuple(numbers(words, line))
    for name in named(line.words[0], draft.sources, line):
        before = draft.sources[name].given.get(line.keyword)
        if before is not None and line.keyword == "SRCPARAM":
            raise line.refuse(f"source {name} has its SRCPARAM already, {before.line.where}")
        if before is not None and before.kind != kind:
            raise line.refuse(f"source {name} has factors {before.kind} already, {before.line.where}: one kind only")
        first, earlier = (line, ()) if before is None else (before.line, before.values)
        draft.sources[name].given[line.keyword] = Given(first, (*earlier, *values), kind)


def _hourly(draft: Draft, line: DeckLine) -> None:
    fewest(line, 2, "a file and sources")
    for word in line.words[1:]:
        for name in named(word, draft.sources, line):
            draft.sources[name].hourly = line.words[0]


def _urban(draft: Draft, line: DeckLine) -> None:
    if not draft.cities:
        raise line.refuse("there is no urban area: CO URBANOPT gives its population")
    fewest(line, 1, "sources")
    words = list(line.words)
    city = draft.cities[0].name
    if len(draft.cities) > 1:
        city = words.pop(0).upper()
        if city not in {known.name for known in draft.cities}:
            raise line.refuse(f"urban area {city} has no URBANOPT")
    for word in words:
        for name in named(word, draft.sources, line):
            draft.sources[name].city = city or "CITY"


def _group(draft: Draft, line: DeckLine) -> None:
    fewest(line, 1, "a group")
    group, words = line.words[0].upper(), [word.upper() for word in line.words[1:]]
    background = any(word in {"BACKGROUND", "BACKGRND"} for word in words)
    words = [word for word in words if word not in {"BACKGROUND", "BACKGRND", "NOBACKGROUND"}]
    if group == "ALL" and not words:
        words = ["ALL"]
    if not words and not background:
        raise line.refuse(f"group {group} names no source")
    before = draft.groups.get(group)
    chosen = set(before.members if before else ())
    for word in words:
        chosen.update(named(word, draft.sources, line))
    members = tuple(name for name in draft.sources if name in chosen)
    first = before.line if before else line
    draft.groups[group] = DeckGroup(group, first, members, background or bool(before and before.background))


def _check(source: SourceDraft) -> None:
    parameters = source.given.get("SRCPARAM")
    if parameters is None:
        raise source.line.refuse(f"source {source.name} has no SRCPARAM")
    wanted = PARAMETERS[source.type]
    if len(parameters.values) < wanted:
        raise parameters.line.refuse(
            f"source {source.name} of type {source.type} needs {wanted} numbers, {len(parameters.values)} are given"
        )
    factors = source.given.get("EMISFACT")
    if factors is not None and len(factors.values) != FACTORS[factors.kind]:
        raise factors.line.refuse(
            f"source {source.name}: {factors.kind} takes {FACTORS[factors.kind]} factors, {len(factors.values)} are "
            "given"
        )
    if factors is not None and source.hourly:
        raise factors.line.refuse(f"source {source.name} has hourly emissions (HOUREMIS) and factors: one of the two")
    if source.type == "AREAPOLY":
        corners = source.given.get("AREAVERT")
        count = len(corners.values) / 2 if corners else 0
        if count != parameters.values[2]:
            line = corners.line if corners else parameters.line
            raise line.refuse(
                f"source {source.name} has {parameters.values[2]:g} corners by SRCPARAM, {count:g} by AREAVERT"
            )
