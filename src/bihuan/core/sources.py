"""A source of pollution as physics and tracing see it: where, how high, how hot, how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bihuan.core.ids import Ref
from bihuan.core.places import Place

Shape = Literal["stack", "area"]
"""``stack`` a point with plume rise, ``area`` a square patch near the ground."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source that could explain a rise.

    Attributes
    ----------
    ref : Ref
        What it is in the register: ``outlet:...``, ``site:...``, ``road:...``.
    name : str
        Name as people know it.
    place : Place
        Centre.
    shape : Shape
    rates : mapping of str to float
        Reported emission by pollutant. [g/s]
    height : float
        Of the stack mouth, or of the release of an area. [m]
    diameter : float
        Inside the stack mouth. [m]
    exit_velocity : float
        [m/s]
    exit_temperature : float
        [K]
    side : float
        Length of a side of the patch; 0 for a stack. [m]
    kind : str
        Kind of matter, as in the duty table: ``industry``, ``construction``, ``road`` ...
    """

    ref: Ref
    name: str
    place: Place
    shape: Shape
    rates: Mapping[str, float] = field(default_factory=dict)
    height: float = 2.0
    diameter: float = 0.0
    exit_velocity: float = 0.0
    exit_temperature: float = 293.15
    side: float = 0.0
    kind: str = "industry"
