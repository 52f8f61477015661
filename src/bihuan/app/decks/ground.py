"""The ground of a deck: flat, or level with sources that stand higher or lower than the receptors.

AERMOD weighs a plume that keeps its level against one that follows the ground (EPA-454/B-24-010, section 5.1). On level
ground without a hill above the source's foot no plume lies below a dividing streamline, so both weigh one half.
"""

from __future__ import annotations

import numpy as np

from bihuan.app.decks.refusals import Refusals
from bihuan.app.decks.removals import PLAIN
from bihuan.formats import Deck, DeckSource


def is_flat(deck: Deck) -> bool:
    """Return whether the deck takes all ground as flat (FLAT without ELEV)."""
    return "FLAT" in deck.options and "ELEV" not in deck.options


def drop_of(deck: Deck, source: DeckSource) -> float:
    """Return how high the receptors stand above the foot of a source; below 0 they stand lower. [m]"""
    if is_flat(deck) or source.flat or not len(deck.receptors):
        return 0.0
    return float(deck.receptors.elevation[0]) - source.base


def refuse_terrain(deck: Deck, refusals: Refusals) -> None:
    """Find receptors on ground that is not level, and hills above a source that stands higher or lower."""
    where = deck.receptors
    if is_flat(deck) or all(source.flat for source in deck.sources):
        return
    uneven = where.elevation != where.elevation[0]
    if uneven.any():
        place = int(uneven.argmax())
        refusals.add(
            where.lines[place],
            f"terrain is not computed: receptor {place + 1} stands at {where.elevation[place]:g} m, receptor 1 at "
            f"{where.elevation[0]:g} m; level ground is, or say FLAT in MODELOPT",
        )
        return
    for source in deck.sources:
        drop = drop_of(deck, source)
        if drop == 0.0:
            continue
        higher = where.hill > source.base
        if higher.any():
            place = int(higher.argmax())
            refusals.add(
                where.lines[place],
                f"terrain is not computed: the hill of receptor {place + 1}, {where.hill[place]:g} m, rises above the "
                f"foot of source {source.name} at {source.base:g} m",
            )
            return


def refused_drop(deck: Deck, source: DeckSource) -> str | None:
    """Return why a source cannot stand higher or lower than the receptors; else None."""
    drop = drop_of(deck, source)
    if drop == 0.0:
        return None
    told = f"source {source.name} stands {abs(drop):g} m {'above' if drop < 0 else 'below'} the receptors"
    if source.type not in PLAIN:
        return f"{told}: of type {source.type} that is not computed"
    return f"{told} and beside a building: that is not computed" if _wake(source) else None


def _wake(source: DeckSource) -> bool:
    height = source.given.get("BUILDHGT")
    return height is not None and bool(np.any(height.values))
