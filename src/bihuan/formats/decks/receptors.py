"""Pathway RE: networks and single receptors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bihuan.formats.decks.deck import DeckNetwork, DeckReceptors
from bihuan.formats.decks.draft import Draft, NetworkDraft, fewest
from bihuan.formats.decks.lines import DeckLine, number, numbers

NO_EFFECT = frozenset({"STARTING", "FINISHED"})

WITHIN = frozenset({"STA", "END", "XYINC", "XPNTS", "YPNTS", "ORIG", "DIST", "DDIR", "GDIR", "ELEV", "HILL", "FLAG"})
"""Words within a network."""


def take_receptor_line(draft: Draft, line: DeckLine) -> None:
    """Take a line of RE.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    match line.keyword:
        case "GRIDCART" | "GRIDPOLR":
            _network(draft, line)
        case "DISCCART":
            fewest(line, 2, "x and y")
            _single(draft, line, numbers(line.words, line))
        case "EVALCART":
            fewest(line, 5, "x, y, elevation, hill and flag")
            _single(draft, line, numbers(line.words[:5], line), all_given=True)
        case "DISCPOLR":
            _polar(draft, line)
        case "ELEVUNIT":
            fewest(line, 1, "METERS or FEET")
            draft.feet["RE"] = line.words[0].upper() == "FEET"
        case keyword if keyword not in NO_EFFECT:
            draft.others.append(line)


def _single(draft: Draft, line: DeckLine, values: Sequence[float], *, all_given: bool = False) -> None:
    """Coordinates, then by the options elevation and hill, and the flag (as AERMOD reads them)."""
    rest = list(values[2:])
    elevation = hill = 0.0
    flag = draft.flagpole or 0.0
    if (all_given or not draft.flat or len(rest) >= 3) and rest:
        elevation = draft.metres(rest.pop(0), "RE")
        hill = draft.metres(rest.pop(0), "RE") if rest else 0.0
    if rest and draft.flagpole is not None:
        flag = draft.metres(rest[0], "RE")
    draft.points.add((values[0], values[1], elevation, hill, flag), "", line)


def _polar(draft: Draft, line: DeckLine) -> None:
    fewest(line, 3, "a source, a distance and a direction")
    at = draft.sources.get(line.words[0].upper())
    if at is None:
        raise line.refuse(f"source {line.words[0]} has no LOCATION")
    values = numbers(line.words[1:], line)
    turn = math.radians(values[1])
    east, north = at.place[0] + values[0] * math.sin(turn), at.place[1] + values[0] * math.cos(turn)
    _single(draft, line, (east, north, *values[2:]))


def _network(draft: Draft, line: DeckLine) -> None:
    words = list(line.words)
    if not words:
        raise line.refuse("needs the id of a network")
    if words[0].upper() not in WITHIN:
        name = words.pop(0).upper()
        if draft.open_network is None:
            draft.open_network = NetworkDraft(name, line.keyword == "GRIDPOLR", line)
        elif draft.open_network.name != name:
            raise line.refuse(f"network {draft.open_network.name} has no END before {name} begins")
    network = draft.open_network
    if network is None:
        raise line.refuse("no network is open: GRIDCART or GRIDPOLR id STA begins one")
    if not words:
        return
    part, values = words[0].upper(), words[1:]
    if part == "END":
        draft.open_network = None
        _close(draft, network)
    elif part == "ORIG":
        network.origin = _origin(draft, line, values)
    elif part in {"ELEV", "HILL", "FLAG"}:
        row = numbers(values, line)
        if len(row) < 2:
            raise line.refuse(f"{part} needs the number of a row and its values")
        network.rows.setdefault(part, {}).setdefault(int(row[0]), []).extend(row[1:])
    elif part in WITHIN and part != "STA":
        network.axes.setdefault(part, []).extend(numbers(values, line))
    elif part != "STA":
        raise line.refuse(f"{words[0]!r} is no word of a network: there are {', '.join(sorted(WITHIN))}")


def _origin(draft: Draft, line: DeckLine, words: Sequence[str]) -> tuple[float, float]:
    if len(words) == 1:
        at = draft.sources.get(words[0].upper())
        if at is None:
            raise line.refuse(f"ORIG {words[0]}: that source has no LOCATION")
        return at.place[0], at.place[1]
    if len(words) != 2:
        raise line.refuse("ORIG takes a source or x and y")
    return number(words[0], line), number(words[1], line)


def _even(network: NetworkDraft, values: Sequence[float], what: str) -> list[float]:
    """``first count step`` as the values themselves."""
    count = values[1]
    if not (count >= 1 and count == int(count)):
        raise network.line.refuse(f"network {network.name}: {what} has {count:g} points: a whole number above 0")
    return [values[0] + values[2] * place for place in range(int(count))]


def _axes(network: NetworkDraft) -> tuple[list[float], list[float]]:
    axes = network.axes
    if network.polar:
        directions = list(axes.get("DDIR", []))
        if len(axes.get("GDIR", [])) == 3:
            count, first, step = axes["GDIR"]
            directions += _even(network, (first, count, step), "GDIR")
        return axes.get("DIST", []), directions
    if "XYINC" in axes:
        if len(axes["XYINC"]) != 6:
            raise network.line.refuse(f"network {network.name}: XYINC takes x, count, step, y, count, step")
        return _even(network, axes["XYINC"][:3], "XYINC"), _even(network, axes["XYINC"][3:], "XYINC")
    return axes.get("XPNTS", []), axes.get("YPNTS", [])


def _close(draft: Draft, network: NetworkDraft) -> None:
    across, along = _axes(network)
    if not across or not along:
        needed = "DIST and DDIR or GDIR" if network.polar else "XYINC, or XPNTS and YPNTS"
        raise network.line.refuse(f"network {network.name} has no receptor: it needs {needed}")
    first = len(draft.points.rows)
    heights = {part: _rows(network, part, len(along), len(across)) for part in ("ELEV", "HILL", "FLAG")}
    for place, direction in enumerate(along):
        for step, reach in enumerate(across):
            x, y = reach, direction
            if network.polar:
                turn = math.radians(direction)
                x = network.origin[0] + reach * math.sin(turn)
                y = network.origin[1] + reach * math.cos(turn)
            level, hill, flag = (heights[part][place][step] for part in ("ELEV", "HILL", "FLAG"))
            elevation = draft.metres(level or 0.0, "RE")
            height = (draft.flagpole or 0.0) if flag is None else draft.metres(flag, "RE")
            draft.points.add((x, y, elevation, draft.metres(hill or 0.0, "RE"), height), network.name, network.line)
    draft.networks.append((network, first, len(draft.points.rows) - first))


def _rows(network: NetworkDraft, part: str, rows: int, columns: int) -> list[list[float | None]]:
    given = network.rows.get(part)
    if given is None:
        return [[None] * columns for _ in range(rows)]
    found: list[list[float | None]] = []
    for place in range(1, rows + 1):
        row = given.get(place, [])
        if len(row) != columns:
            raise network.line.refuse(f"network {network.name}: {part} {place} has {len(row)} of {columns} values")
        found.append(list(row))
    return found


def settled_receptors(draft: Draft) -> DeckReceptors:
    """Return the receptors once every line was taken.

    Raises
    ------
    FormatError
        If a network has no end.
    """
    if draft.open_network is not None:
        raise draft.open_network.line.refuse(f"network {draft.open_network.name} has no END")
    table = np.array(draft.points.rows, dtype=np.float64).reshape(-1, 5).T.copy()
    networks = tuple(
        DeckNetwork(network.name, network.polar, first, count, *(tuple(axis) for axis in _axes(network)))
        for network, first, count in draft.networks
    )
    east, north, elevation, hill, flag = table
    return DeckReceptors(
        east, north, elevation, hill, flag, networks, tuple(draft.points.network), tuple(draft.points.lines)
    )
