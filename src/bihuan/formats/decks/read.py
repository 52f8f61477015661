"""A deck of AERMOD, read line by line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bihuan.core import FormatError
from bihuan.formats.decks.chemistry import settled_background, settled_decay, settled_nitrogen
from bihuan.formats.decks.control import take_control
from bihuan.formats.decks.deck import Deck, DeckCity, DeckSource
from bihuan.formats.decks.deposition import settled_deposition
from bihuan.formats.decks.draft import Draft, SourceDraft
from bihuan.formats.decks.lines import DeckLine, deck_lines
from bihuan.formats.decks.meteorology import settled_meteorology, take_met_line
from bihuan.formats.decks.outputs import take_output_line
from bihuan.formats.decks.receptors import settled_receptors, take_receptor_line
from bihuan.formats.decks.sources import settle_sources, take_source_line

TAKERS: dict[str, Callable[[Draft, DeckLine], None]] = {
    "CO": take_control,
    "SO": take_source_line,
    "RE": take_receptor_line,
    "ME": take_met_line,
    "OU": take_output_line,
}
"""Pathways in the order in which they are taken, whatever their order in the file."""


def read_deck(path: Path) -> Deck:
    """Read a deck of AERMOD.

    Parameters
    ----------
    path : Path
        Included files are sought beside it.

    Raises
    ------
    FormatError
        If it cannot be read; the message names file and line. A keyword that AERMOD does not have is refused; one
        that is not used here stands in `Deck.others`, for whoever runs the deck to refuse or to leave out.

    References
    ----------
    EPA-454/B-24-007 (user's guide of AERMOD), section 3 and appendix B.
    """
    draft = Draft(path.name)
    lines = deck_lines(path)
    events = next((line for line in lines if line.path == "EV"), None)
    if events is not None:
        raise events.refuse("events are not computed: give a deck with pathways CO SO RE ME OU")
    for pathway, take in TAKERS.items():
        for line in lines:
            if line.path == pathway:
                take(draft, line)
        if pathway == "SO":
            settle_sources(draft)
    _complete(draft)
    return Deck(
        file=path.name,
        title=draft.titles[0] if draft.titles else "",
        options=draft.options,
        averages=tuple(dict.fromkeys(draft.averages)),
        pollutant=draft.pollutant,
        sources=tuple(_settled(source) for source in draft.sources.values()),
        cities=tuple(DeckCity(c.name or "CITY", c.line, c.population, c.roughness) for c in draft.cities),
        groups=tuple(draft.groups.values()),
        receptors=settled_receptors(draft),
        meteorology=settled_meteorology(draft),
        outputs=tuple(draft.outputs),
        ranks=tuple(sorted(draft.ranks)),
        scale=draft.scale,
        unit=draft.unit,
        exponential=draft.exponential,
        headless=draft.headless,
        nitrogen=settled_nitrogen(draft),
        background=settled_background(draft),
        decay=settled_decay(draft),
        deposition=settled_deposition(draft),
        design=_design(draft),
        others=tuple(draft.others),
    )


def _settled(source: SourceDraft) -> DeckSource:
    parameters = source.given.pop("SRCPARAM")
    return DeckSource(
        source.name, source.type, source.line, source.place, source.base, parameters, source.given, source.hourly,
        source.city, source.flat,
    )  # fmt: skip


PARTICLES = frozenset({"PM25", "PM-2.5", "PM-25", "PM2.5"})


def _design(draft: Draft) -> str:
    """Whether ranks are those of standards (EPA-454/B-24-007, section 3.2.13): not with H1H, H2H, INC or NOCHKD."""
    if draft.plain_ranks or draft.options.keys() & {"NOCHKD", "WARNCHKD", "SCREEN"}:
        return ""
    short = set(draft.averages) - {"PERIOD", "ANNUAL"}
    if draft.pollutant in {"NO2", "SO2"} and short == {"1"}:
        return "daily"
    return "days" if draft.pollutant in PARTICLES and short == {"24"} and "PERIOD" not in draft.averages else ""


def _complete(draft: Draft) -> None:
    if not draft.averages:
        raise FormatError(f"{draft.file}: CO AVERTIME names no average")
    if not draft.sources:
        raise FormatError(f"{draft.file}: no source: SO LOCATION gives one")
    if not draft.groups:
        raise FormatError(f"{draft.file}: no group of sources: SO SRCGROUP ALL makes one of all")
    if not draft.points.rows and draft.open_network is None:
        raise FormatError(f"{draft.file}: no receptor: RE DISCCART, GRIDCART or GRIDPOLR gives some")
