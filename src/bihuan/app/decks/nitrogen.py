"""NO2 of a deck's NOx, and the background that groups of sources carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.app.decks.air_series import background_of, ozone_of
from bihuan.formats import Deck, DeckSource
from bihuan.physics import AmbientRatio, BoundaryLayer, OzoneLimit, nitrogen_dioxide

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class DeckAirMix:
    """What else is in the air of a deck.

    Attributes
    ----------
    ozone : ndarray or None
        Of every hour of the meteorology, NaN where missing. [ug/m3]
    background : ndarray or None
        The same. [ug/m3]
    with_background : ndarray of bool, shape (groups,)
    notes : tuple of str
    """

    ozone: Float | None
    background: Float | None
    with_background: Bool
    notes: tuple[str, ...]


def read_mix(
    deck: Deck, air: BoundaryLayer, hours: Int, groups: Sequence[str], folders: tuple[Path, ...]
) -> DeckAirMix:
    """Read ozone and background as far as the deck uses them.

    Raises
    ------
    FormatError, InputError
        If one is missing or cannot be read.
    """
    chosen = np.zeros(len(air), dtype=bool)
    chosen[hours] = True
    chosen &= ~(air.calm | air.missing)
    notes: list[str] = []
    ozone = None
    if deck.nitrogen.method == "OLM":
        if deck.nitrogen.ozone is None:
            raise deck.options["OLM"].refuse("OLM needs ozone: OZONEVAL, O3VALUES or OZONEFIL")
        ozone = ozone_of(deck, deck.nitrogen.ozone, air, folders)
        lacking = chosen & np.isnan(ozone)
        if lacking.any():
            notes.append(
                f"{deck.nitrogen.ozone.line.where}: ozone is missing in {int(lacking.sum())} hours, the first "
                f"{air.surface.start[int(lacking.argmax())]}: NO2 is the largest share there, as in AERMOD"
            )
    carrying = {group.name for group in deck.groups if group.background}
    series = deck.background if carrying else None
    if carrying and series is None:
        line = next(group.line for group in deck.groups if group.background)
        raise line.refuse("the group carries a background, but SO BACKGRND gives none")
    background = background_of(deck, series, air, chosen, folders) if series is not None else None
    if background is not None:
        background = np.where(chosen, background, 0.0)  # calm and missing hours have none (as in the source)
    return DeckAirMix(ozone, background, np.array([name in carrying for name in groups]), tuple(notes))


def in_stack(deck: Deck, sources: Sequence[DeckSource]) -> tuple[float, ...]:
    """Return the share of NO2 in what each source emits.

    Raises
    ------
    FormatError
        If a source has none.
    """
    found = []
    for source in sources:
        own = source.given.get("NO2RATIO")
        value = own.values[0] if own is not None else deck.nitrogen.in_stack
        if value is None or not 0.0 <= value <= 1.0:
            raise (own.line if own is not None else source.line).refuse(
                f"source {source.name} needs a share of NO2 in its stack, 0-1: NO2RATIO, or CO NO2STACK for all"
            )
        found.append(value)
    return tuple(found)


def needed_members(deck: Deck, members: Float) -> Float:
    """Return the groups whose NOx must be known: all sources together for ARM2, each source for OLM."""
    if deck.nitrogen.method == "ARM2":
        return np.concatenate([members, np.ones((1, members.shape[1]))])
    return np.eye(members.shape[1]) if deck.nitrogen.method == "OLM" else members


def no2_of(
    deck: Deck, nox: Float, members: Float, shares: tuple[float, ...], names: Sequence[str], ozone: Float | None
) -> Float:  # fmt: skip
    """Return NO2 of the groups from the NOx of `needed_members`. [ug/m3]"""
    given = deck.nitrogen
    if given.method == "ARM2":
        share = AmbientRatio(given.least, given.most).share(nox[:, -1:], None)
        return nox[:, :-1] * share
    together = [
        next((number for number, merged in enumerate(given.merged, start=1) if name in merged), 0) for name in names
    ]
    limit = OzoneLimit(shares, given.equilibrium, together, "equilibrium")
    return nitrogen_dioxide(nox, limit, ozone=ozone, groups=members)
