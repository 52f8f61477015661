"""Decks of AERMOD: read to typed data."""

from bihuan.formats.decks.deck import (
    Deck,
    DeckCity,
    DeckGroup,
    DeckMeteorology,
    DeckNetwork,
    DeckOutput,
    DeckReceptors,
    DeckSource,
    Given,
)
from bihuan.formats.decks.lines import DeckLine
from bihuan.formats.decks.processes import DeckDecay, DeckDeposition, DeckNitrogen, DeckSeries
from bihuan.formats.decks.read import read_deck

__all__ = [
    "Deck",
    "DeckCity",
    "DeckDecay",
    "DeckDeposition",
    "DeckGroup",
    "DeckLine",
    "DeckMeteorology",
    "DeckNetwork",
    "DeckNitrogen",
    "DeckOutput",
    "DeckReceptors",
    "DeckSeries",
    "DeckSource",
    "Given",
    "read_deck",
]
