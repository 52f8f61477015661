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
from bihuan.formats.decks.read import read_deck

__all__ = [
    "Deck",
    "DeckCity",
    "DeckGroup",
    "DeckLine",
    "DeckMeteorology",
    "DeckNetwork",
    "DeckOutput",
    "DeckReceptors",
    "DeckSource",
    "Given",
    "read_deck",
]
