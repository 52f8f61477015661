"""What of a deck's sources leaves the air on the way: deposition, depletion and decay."""

from __future__ import annotations

from bihuan.core import InputError
from bihuan.formats import Deck, DeckLine, DeckSource, Given
from bihuan.physics import FineAndCoarse, Gas, Ground, Particles, Removal

CITY_SO2 = 4.81e-5
"""Decay of SO2 over cities, a half-life of four hours. [1/s] (EPA-454/B-24-007, keyword HALFLIFE)"""

CLASSES = ("PARTDIAM", "MASSFRAX", "PARTDENS")

PLAIN = frozenset({"POINT", "POINTCAP", "POINTHOR", "VOLUME", "AREA", "AREACIRC", "AREAPOLY", "LINE"})
"""Types of which deposition and decay are computed."""


def ground_of(deck: Deck) -> Ground | None:
    """Return where gases are taken up; None unless both months and land are given.

    Raises
    ------
    FormatError
        If only one is given, or a share of leaves cannot be.
    """
    given = deck.deposition
    if given.line is None:
        return None
    if not (given.seasons and given.lands):
        raise given.line.refuse("GDSEASON and GDLANUSE go together: give both")
    try:
        return Ground(given.seasons, given.lands, given.autumn, given.spring)
    except InputError as problem:
        raise given.line.refuse(str(problem)) from None


def removal_of(deck: Deck, source: DeckSource) -> Removal | None:
    """Return what a source loses on the way; None for nothing.

    Raises
    ------
    FormatError
        If what it emits is told in part or twice.
    """
    what = _substance(deck, source)
    decay = decay_of(deck, source)
    if what is None:
        return Removal(decay=decay) if decay else None
    options = deck.options.keys()
    gas = isinstance(what, Gas)
    spent_dry = "NODRYDPLT" not in options and (not gas or bool(deck.deposition.seasons))
    spent_wet = "NOWETDPLT" not in options
    dry = spent_dry or bool({"DDEP", "DEPOS"} & options)
    wet = spent_wet or bool({"WDEP", "DEPOS"} & options)
    if gas and not (deck.deposition.seasons and deck.deposition.lands):
        dry = spent_dry = False
    if gas and not (dry or wet or decay):
        return None  # particles fall whether or not they are lost
    return Removal(what, decay, dry, wet, spent_dry, spent_wet)


def removal_line(source: DeckSource) -> DeckLine:
    """Return the line that asks for it."""
    for keyword in (*CLASSES, "METHOD_2", "GASDEPOS"):
        if keyword in source.given:
            return source.given[keyword].line
    return source.line


def decay_of(deck: Deck, source: DeckSource) -> float:
    """Return the decay of a source. [1/s]

    SO2 of a city decays by itself unless the deck has a rate of its own; SO2 of the country does not; with DFAULT
    nothing else does (as in the source).
    """
    own = deck.decay.rate if deck.decay is not None else 0.0
    fixed = "DFAULT" in deck.options
    if deck.pollutant == "SO2" and deck.cities:
        if source.city:
            return CITY_SO2 if fixed or not own else own
        return 0.0
    return 0.0 if fixed or deck.pollutant == "SO2" else own


def decay_notes(deck: Deck) -> list[str]:
    """Return what happens to a decay that the deck asks for and AERMOD does not give."""
    if deck.decay is None:
        return []
    if "DFAULT" in deck.options:
        return [f"{deck.decay.line.where}: DFAULT takes no other decay than that of SO2 over cities: left out"]
    if deck.pollutant == "SO2" and any(not source.city for source in deck.sources):
        return [f"{deck.decay.line.where}: SO2 of sources outside cities does not decay in AERMOD: left out there"]
    return []


def _substance(deck: Deck, source: DeckSource) -> Particles | FineAndCoarse | Gas | None:
    given = source.given
    ways = [given[keyword].line for keyword in ("PARTDIAM", "METHOD_2", "GASDEPOS") if keyword in given]
    if len(ways) > 1:
        raise ways[1].refuse(f"source {source.name} has {ways[0].keyword} already, {ways[0].where}: one of them")
    classes = [keyword for keyword in CLASSES if keyword in given]
    if classes:
        lacking = [keyword for keyword in CLASSES if keyword not in given]
        if lacking:
            raise given[classes[0]].line.refuse(f"source {source.name} lacks {' and '.join(lacking)}: give all three")
        return Particles(*(given[keyword].values for keyword in CLASSES))
    if "METHOD_2" in given:
        fine, diameter = _numbers(given["METHOD_2"], 2, "the fine share and the mean diameter [um]")
        return FineAndCoarse(fine, diameter)
    if "GASDEPOS" in given:
        in_air, in_water, cuticle, henry = _numbers(given["GASDEPOS"], 4, "two diffusivities, cuticle and Henry")
        # cm2/s and s/cm to m2/s and s/m
        return Gas(in_air * 1e-4, in_water * 1e-4, cuticle * 100.0, henry, deck.deposition.reactive)
    return None


def _numbers(given: Given, count: int, what: str) -> tuple[float, ...]:
    if len(given.values) != count:
        raise given.line.refuse(f"takes {count} numbers ({what}), {len(given.values)} are given")
    return given.values
