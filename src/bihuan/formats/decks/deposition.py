"""What a deck says of deposition for all its sources; what a source emits stands with the source."""

from __future__ import annotations

from bihuan.formats.decks.draft import Draft, fewest
from bihuan.formats.decks.lines import number, numbers
from bihuan.formats.decks.processes import DeckDeposition

A_GRAM_AN_HOUR = 3600.0
"""From g/s to g in the hour: the factor of AERMOD's own unit, GRAMS/M**2."""


def settled_deposition(draft: Draft) -> DeckDeposition:
    """Return what the deck says of deposition.

    Raises
    ------
    FormatError
        If a number is missing or none.
    """
    seasons, lands = _places(draft, "GDSEASON", 12, 5), _places(draft, "GDLANUSE", 36, 9)
    lines = [*draft.kept.get("GDSEASON", ()), *draft.kept.get("GDLANUSE", ())]
    reactive, autumn, spring = 0.0, 0.5, 0.25
    for line in draft.kept.get("GASDEPDF", ()):
        fewest(line, 3, "a reactivity and two shares of leaves")
        reactive, autumn, spring = (number(word, line) for word in line.words[:3])
    factor, unit = A_GRAM_AN_HOUR, "g/m2"
    for line in draft.kept.get("DEPOUNIT", ()):
        fewest(line, 3, "a factor and two units")
        factor, unit = number(line.words[0], line, "a factor"), line.words[2]
    return DeckDeposition(
        seasons, lands, lines[0] if lines else None, reactive, autumn, spring, factor / (1e6 * A_GRAM_AN_HOUR), unit
    )


def _places(draft: Draft, keyword: str, count: int, highest: int) -> tuple[int, ...]:
    lines = draft.kept.get(keyword, ())
    found = [value for line in lines for value in numbers(line.words, line)]
    if lines and (len(found) != count or not set(found) <= set(range(1, highest + 1))):
        raise lines[0].refuse(f"takes {count} whole numbers of 1-{highest}, {len(found)} are given")
    return tuple(int(value) for value in found)
