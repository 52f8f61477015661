"""One contract a room: what an adapter, a tracer and a forward model must offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bihuan.core.ids import Ref
from bihuan.core.outcomes import Event, Suspects
from bihuan.core.quality import Complaint
from bihuan.core.readings import Reading, Series
from bihuan.core.sightings import Sighting
from bihuan.core.sources import Source
from bihuan.core.weather import Weather

State = TypeVar("State")
Facts = TypeVar("Facts", contravariant=True)


@dataclass(frozen=True, slots=True)
class DeviceNote:
    """What a device says of itself beside its readings: a run state, an answer, a log line, a parameter.

    Attributes
    ----------
    kind : str
        Short code; its words stand in ``texts`` under ``[device_note]``.
    at : datetime or None
        When it holds, by the device; None where it does not say.
    qn : str
        Number of the exchange: an answer repeats the question's.
    about : str
        The analyser or part it is about, as the device names it; empty for the device itself.
    values : tuple of (name, text)
        As sent, secrets left out.
    frame : str
        Id in the journal.
    """

    kind: str
    at: datetime | None = None
    qn: str = ""
    about: str = ""
    values: tuple[tuple[str, str], ...] = ()
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an adapter made of some bytes: the readable part next to every complaint.

    Attributes
    ----------
    readings : tuple of Reading
    complaints : tuple of Complaint
    notes : tuple of DeviceNote
        What it said of itself.
    sightings : tuple of Sighting
        What is no value of a site over a period.
    """

    readings: tuple[Reading, ...]
    complaints: tuple[Complaint, ...]
    notes: tuple[DeviceNote, ...] = ()
    sightings: tuple[Sighting, ...] = ()


class Adapter(Protocol):
    """Bytes of one device or feed to readings; bad bytes give complaints, never an exception."""

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        """Decode one frame received at `received` (UTC) and journalled as `frame`."""
        ...


class Tracer(Protocol):
    """Who could have caused a rise."""

    def rank(
        self,
        event: Event,
        observations: Sequence[Series],
        candidates: Sequence[Source],
        meteorology: Weather,
        prior: Mapping[Ref, float] | None = None,
    ) -> Suspects:
        """Rank the candidates for one event.

        `observations` hold the same pollutant at every station of the neighbourhood, event station
        included; `prior` multiplies the weight of a source (1 = neutral), from officers' findings.
        """
        ...


class ForwardModel(Protocol):
    """Concentration that unit emissions cause at receptors."""

    def unit_response(
        self, sources: Sequence[Source], east: NDArray[np.float64], north: NDArray[np.float64], weather: Weather
    ) -> NDArray[np.float64]:
        """Return ug/m3 per g/s, shape (periods, receptors, sources)."""
        ...


class Rule(Protocol[State, Facts]):
    """A rule of the alerts room: pure, so that a year replays in a test."""

    def step(self, state: State, evidence: Facts, now: datetime) -> tuple[State, tuple[Event, ...]]:
        """Advance by one period and return the events that began, changed or ended."""
        ...
