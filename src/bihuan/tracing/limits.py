"""Bad input: what is left out, what cannot be concluded, and how wide the odds then stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bihuan.core import Event, Language, Plane, Series, Source, Suspects, Weather, text
from bihuan.tracing.evidence import CALM, doubt_of
from bihuan.tracing.scene import Scene

Float = NDArray[np.float64]
Note = tuple[str, str]
"""A key of ``texts`` under ``[tracing]``, and what stands in it as ``{value}``."""

FARTHEST = 200_000.0
"""A candidate farther from the city's centre has a coordinate that was mistyped. [m]"""

BESIDE = 60.0
"""A source nearer to a station is seen in every wind: the wind neither accuses nor clears it. [m]"""

MOST = 0.5
"""No answer is given more than this where nothing can be concluded."""


@dataclass(frozen=True, slots=True)
class Usable:
    """Of what was handed in, what can be used, and what is to be said about the rest.

    Attributes
    ----------
    observations : tuple of Series
    candidates : tuple of Source
        By ref.
    notes : tuple of Note
    """

    observations: tuple[Series, ...]
    candidates: tuple[Source, ...]
    notes: tuple[Note, ...]


def usable(event: Event, observations: Sequence[Series], candidates: Sequence[Source], plane: Plane) -> Usable:
    """Leave out what cannot be so: values far below zero, candidates without a place, rates below zero.

    Parameters
    ----------
    event : Event
    observations : sequence of Series
    candidates : sequence of Source
    plane : Plane
        Of the city.

    Returns
    -------
    Usable
        Everything as it was where nothing is wrong.
    """
    notes: list[Note] = []
    kept, dropped = _possible(event, observations)
    if dropped:
        notes.append(("note_values", str(dropped)))
    placed = [one for one in candidates if _placed(one, plane)]
    if len(placed) < len(candidates):
        notes.append(("note_unplaced", str(len(candidates) - len(placed))))
    wrong = [one for one in placed if not _possible_rate(one, event.pollutant)]
    if wrong:
        notes.append(("note_rates", str(len(wrong))))
        wrong_refs = {one.ref for one in wrong}
        placed = [_unreported(one, event.pollutant) if one.ref in wrong_refs else one for one in placed]
    if not placed:
        notes.append(("note_no_candidates", ""))
    return Usable(tuple(kept), tuple(sorted(placed, key=lambda one: one.ref)), tuple(notes))


def _possible(event: Event, observations: Sequence[Series]) -> tuple[list[Series], int]:
    """Series without values that lie farther below zero than the usual value lies above, and how many those were."""
    mine = [one for one in observations if one.pollutant == event.pollutant and len(one)]
    if not mine:
        return list(observations), 0
    every = np.concatenate([one.value[one.usable & np.isfinite(one.value)] for one in mine])
    if not len(every) or every.min() >= 0:
        return list(observations), 0
    least = -max(float(np.median(every[every >= 0])) if (every >= 0).any() else 0.0, 0.0)
    kept, dropped = [], 0
    for one in observations:
        wrong = one.usable & (one.value < least) if one.pollutant == event.pollutant else np.zeros(len(one), np.bool_)
        dropped += int(wrong.sum())
        kept.append(replace(one, usable=one.usable & ~wrong) if wrong.any() else one)
    return kept, dropped


def _placed(source: Source, plane: Plane) -> bool:
    # a register of another house may hand in a source whose place nobody filled in
    place = getattr(source, "place", None)
    return place is not None and place.distance(plane.centre) <= FARTHEST


def _possible_rate(source: Source, code: str) -> bool:
    rate = source.rates.get(code, 0.0)
    return bool(np.isfinite(rate) and rate >= 0)


def _unreported(source: Source, code: str) -> Source:
    return replace(source, rates={name: rate for name, rate in source.rates.items() if name != code})


def doubt(scene: Scene, weather: Weather) -> str:
    """Return why no source can be named: `doubt_of`, and the wind of the event's own hours.

    Hours of wind before the onset do not help where the event itself was calm or its wind was not measured.

    Parameters
    ----------
    scene : Scene
    weather : Weather
        Of its blocks.
    """
    told = doubt_of(scene, weather)
    if told:
        return told
    speed = weather.wind_speed[scene.onset :]
    known = speed[np.isfinite(speed)]
    if 2 * len(known) < len(speed):
        return "no_wind"
    return "calm" if float(np.median(known)) < CALM else ""


def notes_of(scene: Scene, candidates: Sequence[Source], weather: Weather, plane: Plane) -> tuple[Note, ...]:
    """Return what a reader has to know of the data although it does not forbid a conclusion.

    Parameters
    ----------
    scene : Scene
    candidates : sequence of Source
    weather : Weather
        Of the scene's blocks.
    plane : Plane
    """
    notes: list[Note] = []
    late = np.isfinite(scene.values[:, scene.onset :]).mean(axis=1)
    patchy = int((late < 0.5).sum())
    if patchy:
        notes.append(("note_stations", str(patchy)))
    if np.isfinite(scene.values[scene.subject, : scene.onset]).sum() < 3:
        notes.append(("note_no_before", ""))
    blind = int((~np.isfinite(weather.wind_speed)).sum())
    if blind:
        notes.append(("note_wind", str(round(100 * blind / len(weather)))))
    calm = weather.wind_speed[np.isfinite(weather.wind_speed)] < CALM
    if calm.any():
        notes.append(("note_calm", str(round(100 * int(calm.sum()) / len(weather)))))
    beside = _beside(scene, candidates, plane)
    if beside:
        notes.append(("note_beside", beside))
    return tuple(notes)


def _beside(scene: Scene, candidates: Sequence[Source], plane: Plane) -> str:
    """Names of the candidates that stand where the event's station stands."""
    if not candidates:
        return ""
    east, north = plane.forward([one.place.lon for one in candidates], [one.place.lat for one in candidates])
    away = np.hypot(east - scene.east[scene.subject], north - scene.north[scene.subject])
    return ", ".join(one.name for one, far in zip(candidates, away, strict=True) if far < BESIDE)


def widened(listed: Sequence[float], none: float, regional: float) -> tuple[list[float], float, float]:
    """Return odds none of which exceeds `MOST`; what one gives up goes to the answers that name nobody.

    Parameters
    ----------
    listed : sequence of float
        Of every candidate; with the two others they add up to 1.
    none, regional : float
        Of 清单外来源 and of 区域传输.
    """
    kept = [min(one, MOST) for one in listed]
    spare = sum(listed) - sum(kept)
    none, regional = none + spare / 2, regional + spare / 2
    if none > MOST:
        none, regional = MOST, regional + none - MOST
    elif regional > MOST:
        none, regional = none + regional - MOST, MOST
    return kept, none, regional


def note_words(found: Suspects, language: Language = "zh") -> tuple[str, ...]:
    """Return the notes of a ranking as a person reads them."""
    return tuple(text(f"tracing.{key}", language, value=value) for key, value in found.notes)
