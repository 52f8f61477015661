"""What a device saw that is no value of a site over a period: a vehicle that passed, a position, a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bihuan.core.places import Place


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle through one gate (门禁).

    Attributes
    ----------
    at : datetime
        UTC.
    plate : str
        As the gate read it; whoever keeps it masks or hashes it first.
    direction : str
        ``in``, ``out`` or empty.
    stage : str
        Emission stage of the vehicle as a digit, ``0`` to ``7``; empty where the gate does not say.
    fuel : str
        ``diesel petrol gas electric hybrid hydrogen``, empty where unknown.
    vehicle : str
        Kind of vehicle, as the gate wrote it.
    mass : float or None
        What it weighed. [t]
    lane : str
    """

    at: datetime
    plate: str = ""
    direction: str = ""
    stage: str = ""
    fuel: str = ""
    vehicle: str = ""
    mass: float | None = None
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """Values of a moving instrument (走航) at one instant and place.

    Attributes
    ----------
    at : datetime
        UTC.
    place : Place
    values : mapping of str to float
        By pollutant, in the unit of `bihuan.core.pollutants`; what was not measured is absent.
    speed : float or None
        [m/s]
    """

    at: datetime
    place: Place
    values: Mapping[str, float] = field(default_factory=dict)
    speed: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A video's address with one still picture of it; the stream itself is never stored.

    Attributes
    ----------
    at : datetime
        When the picture was taken, UTC.
    url : str
        Where the video is watched.
    title : str
    content : bytes
        JPEG, PNG or WebP; empty where only the address was sent.
    media_type : str
    """

    at: datetime
    url: str
    title: str = ""
    content: bytes = b""
    media_type: str = ""


Sighting = Passage | Fix | Picture
"""Kept in the records, by their content."""
