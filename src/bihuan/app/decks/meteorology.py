"""Which hours of which files a deck runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bihuan.core import InputError, ProfileHours, SurfaceHours
from bihuan.formats import Deck, DeckLine, DeckMeteorology, read_profile, read_surface
from bihuan.physics import BoundaryLayer

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

STAND_INS = {"humidity": (100.0, "100 %"), "pressure": (1000.0, "1000 hPa"), "cloud_cover": (10.0, "overcast")}
"""What AERMOD takes for missing values where something comes down: it cuts humidity at 100 %. (as in the source)"""


@dataclass(frozen=True, slots=True, eq=False)
class DeckAir:
    """The air a deck runs in.

    Attributes
    ----------
    layer : BoundaryLayer
    hours : ndarray of int64
        Those of the files that the deck chooses.
    notes : tuple of str
    """

    layer: BoundaryLayer
    hours: Int
    notes: tuple[str, ...]


def find_met(deck: Deck, name: str, folders: tuple[Path, ...], line: DeckLine | None = None) -> Path:
    """Return a file that a line names (that of SURFFILE by default), gzipped or not.

    It is sought beside the deck and then in the folders given.

    Raises
    ------
    InputError
        If it is in none of them.
    """
    for folder in folders:
        there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
        for wanted in (name, f"{name}.gz"):
            if (folder / wanted).is_file():
                return folder / wanted
            if wanted.lower() in there:
                return there[wanted.lower()]
    looked = ", ".join(str(folder) for folder in folders)
    raise InputError(
        f"{(line or deck.meteorology.line).where}: {name} (or {name}.gz) is not in {looked}: lay it beside the deck or "
        "name its folder with --met"
    )


def read_air(deck: Deck, folders: tuple[Path, ...]) -> DeckAir:
    """Read the hours a deck asks for.

    Raises
    ------
    InputError
        If a file is missing, no hour is chosen, or none of those chosen has wind and data.
    FormatError
        If a file is torn or its hours are out of order; the message names the line.
    """
    met = deck.meteorology
    surface = read_surface(find_met(deck, met.surface, folders))
    mast = read_profile(find_met(deck, met.profile, folders), surface.start)
    surface, mast = _changed(surface, mast, met)
    chosen = _chosen(surface, met)
    surface, filled = _filled(deck, surface, chosen)
    hours = np.flatnonzero(chosen)
    if not len(hours):
        raise InputError(
            f"{met.line.where}: none of the {len(surface)} hours of {met.surface}, {surface.start[0]} to "
            f"{surface.start[-1]}, lies within STARTEND and DAYRANGE"
        )
    layer = BoundaryLayer(surface, mast, base=met.base)
    usable = ~(layer.calm | layer.missing)
    if not usable[hours].any():
        calm, missing = int(layer.calm[hours].sum()), int(layer.missing[hours].sum())
        raise InputError(
            f"{met.line.where}: none of the {len(hours)} hours chosen has wind and data: {calm} calm, {missing} missing"
        )
    steps = np.diff(surface.start[hours])
    gaps = int((steps > np.timedelta64(1, "h")).sum())
    notes = filled
    if gaps and met.days is None and not met.julian and "NOCHKD" not in deck.options:
        place = int(np.argmax(steps > np.timedelta64(1, "h")))
        first = surface.start[hours[place]]
        gap = f"{met.surface}: {gaps} gaps between its hours, the first after {first}: averages lack those hours"
        notes = (*notes, gap)
    return DeckAir(layer, hours.astype(np.int64), notes)


def _chosen(surface: SurfaceHours, met: DeckMeteorology) -> Bool:
    start = surface.start
    chosen: Bool = np.ones(len(start), dtype=bool)
    for given, late in ((met.start, False), (met.end, True)):
        if given is not None:
            begin = np.datetime64(f"{given[0]:04d}-{given[1]:02d}-{given[2]:02d}T00", "h")
            edge = begin + np.timedelta64(given[3] - 1, "h")
            chosen &= start <= edge if late else start >= edge
    if met.days is None:
        return chosen
    day = start.astype("datetime64[D]")
    month = start.astype("datetime64[M]")
    of_year = (day - start.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    of_month = (day - month.astype("datetime64[D]")).astype(int) + 1
    of_calendar = (month.astype(int) % 12 + 1) * 100 + of_month
    wanted = np.isin(of_calendar, [m * 100 + d for m, d in met.days]) | np.isin(of_year, list(met.julian))
    return np.asarray(chosen & wanted, dtype=bool)


def _changed(surface: SurfaceHours, mast: ProfileHours, met: DeckMeteorology) -> tuple[SurfaceHours, ProfileHours]:
    """Turn the wind (WDROTATE) and leave measured turbulence unread (NOTURB and its kin)."""
    if met.rotation:
        surface = replace(surface, wind_from=_turned(surface.wind_from, met.rotation))
        mast = replace(mast, wind_from=_turned(mast.wind_from, met.rotation))
    stable = np.repeat(surface.obukhov_length > 0.0, np.diff(mast.first))
    for keyword in met.ignored:
        of = stable if keyword.endswith("ST") else ~stable if keyword.endswith("CO") else np.ones_like(stable)
        if keyword.startswith(("NOTURB", "NOSA")):
            mast = replace(mast, sigma_theta=np.where(of, np.nan, mast.sigma_theta))
        if keyword.startswith(("NOTURB", "NOSW")):
            mast = replace(mast, sigma_w=np.where(of, np.nan, mast.sigma_w))
    return surface, mast


def _filled(deck: Deck, surface: SurfaceHours, chosen: Bool) -> tuple[SurfaceHours, tuple[str, ...]]:
    """Let AERMOD's stand-ins take the place of missing values that deposition needs, and say so."""
    losing = {keyword for source in deck.sources for keyword in source.given} & {"PARTDIAM", "METHOD_2", "GASDEPOS"}
    if not losing:
        return surface, ()
    used = chosen & (surface.wind_speed > 0.0) & np.isfinite(surface.temperature)
    names = STAND_INS if "GASDEPOS" in losing else ("pressure",)
    notes: list[str] = []
    for name in names:
        value, told = STAND_INS[name]
        values = getattr(surface, name)
        lacking = used & ~np.isfinite(values)
        if lacking.any() and not lacking[used].all():
            surface = replace(surface, **{name: np.where(lacking, value, values)})  # type: ignore[arg-type]
            notes.append(
                f"{deck.meteorology.surface}: {name.replace('_', ' ')} is missing in {int(lacking.sum())} hours with "
                f"wind, the first {surface.start[int(lacking.argmax())]}: taken as {told}, as AERMOD does"
            )
    return surface, tuple(notes)


def _turned(origin: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    turned = np.mod(origin - by, 360.0)
    return np.where(turned == 0.0, 360.0, turned)
