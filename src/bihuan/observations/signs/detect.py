"""All detectors over the hours of a city, one pollutant at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import polars as pl

from bihuan.observations.signs.beside import oxygen
from bihuan.observations.signs.copies import copies
from bihuan.observations.signs.digits import odd_digits
from bihuan.observations.signs.divergence import divergence
from bihuan.observations.signs.limits import clipped_at_limit
from bihuan.observations.signs.noise import low_noise, regular_noise
from bihuan.observations.signs.repeats import repeated_values
from bihuan.observations.signs.reworked import reworked
from bihuan.observations.signs.sign import Sign, sign_settings
from bihuan.observations.signs.slopes import changed_settings
from bihuan.observations.signs.window import Block

ALONE: tuple[Callable[[Block], list[Sign]], ...] = (
    copies,
    reworked,
    clipped_at_limit,
    low_noise,
    regular_noise,
    odd_digits,
    repeated_values,
)
"""Detectors that look at one pollutant by itself."""

NOT_ALONE = frozenset({"wind_from", "wind_speed", "humidity", "air_temperature", "air_pressure", "rain"})
"""Weather is shared by sites and often copied on purpose: nobody is visited for it."""


def find_signs(
    blocks: Iterable[Block], changes: pl.DataFrame | None = None, folded: Iterable[Block] = ()
) -> tuple[Sign, ...]:
    """Return the signs of falsification of one run, by site, kind and pollutant.

    Parameters
    ----------
    blocks : iterable of Block
        One a pollutant (`block_of`), all for the same week; taken one at a time, and only what another pollutant
        needs beside it is kept.
    changes : DataFrame of `CHANGES_SCHEMA`, optional
        Settings of instruments that were changed.
    folded : iterable of Block
        Values folded to reference oxygen, which limits of stacks are about: only held against those.

    Notes
    -----
    Signs are reasons for a visit (核查建议). Nothing here is a verdict, and nothing here changes a value.
    """
    found: list[Sign] = []
    kept: dict[str, Block] = {}
    beside = _beside()
    if changes is not None:
        beside |= set(changes["pollutant"])
    for block in blocks:
        if block.pollutant not in NOT_ALONE:
            for detector in ALONE:
                found += detector(block)
        if block.pollutant in beside:
            kept[block.pollutant] = block
    for block in folded:
        found += clipped_at_limit(block)
    if changes is not None and changes.height:
        found += changed_settings(kept, changes)
    found += divergence(_stations(kept))
    found += oxygen(kept)
    return tuple(sorted(found, key=lambda sign: (str(sign.site), sign.kind, sign.pollutant)))


def _beside() -> frozenset[str]:
    table = sign_settings()["divergence"]
    return frozenset((*table["particles"], *table["gases"], "o2", "gas_flow", "gas_temperature", "so2", "nox", "pm"))


def _stations(kept: Mapping[str, Block]) -> dict[str, Block]:
    table = sign_settings()["divergence"]
    return {code: block for code, block in kept.items() if code in (*table["particles"], *table["gases"])}
