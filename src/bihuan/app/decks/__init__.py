"""Decks of AERMOD, run by the steady plume."""

from bihuan.app.decks.run import DeckRun, run_deck

__all__ = ["DeckRun", "run_deck"]
