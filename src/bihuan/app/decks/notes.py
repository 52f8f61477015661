"""What a person should know of a deck's receptors before its results are believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.build import Emitters
from bihuan.app.decks.removals import decay_notes
from bihuan.core import InputError
from bihuan.formats import Deck
from bihuan.physics import PointSource, SteadySource, VolumeSource

Float = NDArray[np.float64]

FAR = 50_000.0
"""Beyond this distance a steady plume of one hour's wind says little. [m] (40 CFR 51 appendix W, 4.1)"""

ELSEWHERE = 1_000_000.0
"""No receptor of a deck is meant to be this far from every source. [m]"""


def refuse_indoors(deck: Deck, emitters: Emitters) -> None:
    """Refuse a receptor inside the building of a source, with its line.

    Raises
    ------
    FormatError
    """
    where = deck.receptors
    for source in emitters.sources:
        if isinstance(source, PointSource) and source.building is not None:
            inside = source.building.holds(where.east - source.east, where.north - source.north, where.flag)
            if inside.any():
                place = int(inside.argmax())
                raise where.lines[place].refuse(
                    f"receptor {place + 1} at ({where.east[place]:g}, {where.north[place]:g}) m is inside the building "
                    f"of source {source.name}: move it out or leave it out ({int(inside.sum())} such)"
                )


def empty_notes(deck: Deck, emitters: Emitters, highest: Float, emitted: Float) -> list[str]:
    """Return why groups cause nothing at all.

    Parameters
    ----------
    deck, emitters
    highest : ndarray, shape (groups,)
        Of all receptors and hours.
    emitted : ndarray, shape (sources,)
        Largest rate of each source in hours with wind and data. [g/s]
    """
    notes = []
    lines = {group.name: group.line for group in deck.groups}
    for place, name in enumerate(emitters.groups):
        members = emitters.members[place] > 0.0
        if highest[place] > 0.0 or not members.any():
            continue
        silent = [emitters.deck[k].name for k in np.flatnonzero(members & (emitted <= 0.0))]
        why = "no wind of these hours carries it to a receptor: look at places, units and hours"
        if len(silent) == members.sum():
            why = f"its sources emit nothing in hours with wind and data: {', '.join(silent[:6])}"
        notes.append(f"{lines[name].where}: group {name} causes nothing anywhere: {why}")
    return notes


def deck_notes(deck: Deck, emitters: Emitters) -> list[str]:
    """Return sentences about receptors too far away or inside a source, and about what AERMOD leaves out.

    Raises
    ------
    InputError
        If sources and receptors cannot be in one grid.
    """
    notes = [*decay_notes(deck), *_far_notes(deck, emitters)]
    if "AREADPLT" in deck.options:
        line = deck.options["AREADPLT"]
        notes.append(f"{line.where}: depletion of areas is computed in full; AREADPLT, a shortcut to it, is not needed")
    return notes


def _far_notes(deck: Deck, emitters: Emitters) -> list[str]:
    """Receptors too far away, or so near a source that it causes nothing there."""
    where, notes = deck.receptors, []
    places = np.array([_middle(source) for source in emitters.sources])
    nearest = np.full(len(where), np.inf)
    for source, (east, north) in zip(emitters.sources, places, strict=True):
        distance = np.hypot(where.east - east, where.north - north)
        nearest = np.minimum(nearest, distance)
        blind = {PointSource: 1.0, VolumeSource: 2.15 * getattr(source, "sigma_y", 0.0) + 0.99}.get(type(source), 0.0)
        inside = np.flatnonzero(distance < blind)
        if len(inside):
            line = where.lines[inside[0]]
            notes.append(
                f"{line.where}: receptor {inside[0] + 1} is inside source {source.name}, which causes nothing there"
            )
    far = int(nearest.argmax())
    told = f"{where.lines[far].where}: receptor {far + 1} is {nearest[far] / 1000:,.0f} km from the nearest source"
    if nearest.min() > ELSEWHERE or nearest[far] > ELSEWHERE:
        raise InputError(f"{told}: sources and receptors must be in metres of the same grid")
    if nearest[far] > FAR:
        notes.append(f"{told}: beyond 50 km a plume of one hour's wind says little ({int((nearest > FAR).sum())} such)")
    return notes


def _middle(source: SteadySource) -> tuple[float, float]:
    return source.row[0], source.row[1]
