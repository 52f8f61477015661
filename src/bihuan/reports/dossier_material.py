"""What a trace report (溯源专报) is made from: rows given to the room, nothing asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bihuan.cases import Case
from bihuan.core import CHINA, Effect, Event, Language, Period, Place, Ref, Suspect, Suspects, text

if TYPE_CHECKING:  # loading the physics takes a second: the bulletin shall not wait for it
    from bihuan.tracing import Arrival, Footprint, HiddenMap, SearchArea, Stop, TransportShare

Numbers = tuple[float | None, ...]


def odds(probability: float) -> str:
    """Return `tracing.odds` of a probability."""
    from bihuan.tracing import odds as printed  # noqa: PLC0415  # the physics behind it: as above

    return printed(probability)


def say(key: str, language: Language, **values: object) -> str:
    """Return the words of ``dossier.<key>``."""
    return text(f"dossier.{key}", language, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRow:
    """One station around.

    Attributes
    ----------
    name : str
    place : Place or None
    rise : float or None
        Largest excess from the onset on, unit of the pollutant.
    at : datetime or None
    stands_out : bool
    covered : float
        Share of the blocks with a value. 0-1
    subject : bool
    """

    name: str
    place: Place | None
    rise: float | None
    at: datetime | None
    stands_out: bool
    covered: float
    subject: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the station measured beside, before the onset and during the event.

    Attributes
    ----------
    code : str
        Pollutant.
    before, during : float or None
        Means; None where too little was measured. Unit of the pollutant.
    covered : float
        Share of the minutes of the event with a usable value. 0-1
    """

    code: str
    before: float | None
    during: float | None
    covered: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What an outlet's own logger sent: one item in the event and in the day before."""

    code: str
    unit: str
    before: float | None
    during: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectRow:
    """One suspect with all that is known of it.

    Attributes
    ----------
    suspect : Suspect
    kind : str
        Of the source: ``industry``, ``construction`` ...
    unseen, unexplained : tuple of Period
        Hours against it.
    unseen_at : tuple of str
        Names of stations.
    factor : float or None
        What a finding did to its weight.
    monitored : bool
        Whether it has a logger of its own.
    running : tuple of Running
    cases, caught, alarms : int
        Earlier cases of it, of which confirmed, and alarms of its own, within `DAYS_BACK`.
    signs : int or None
        Signs in its data; None where the reader may not know.
    last : str
        What was found there last, in words; empty when nobody was there.
    """

    suspect: Suspect
    kind: str
    unseen: tuple[Period, ...] = ()
    unexplained: tuple[Period, ...] = ()
    unseen_at: tuple[str, ...] = ()
    factor: float | None = None
    monitored: bool = False
    running: tuple[Running, ...] = ()
    cases: int = 0
    caught: int = 0
    alarms: int = 0
    signs: int | None = None
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedRow:
    """A listed source near the station that is no suspect, and why.

    Attributes
    ----------
    why : str
        Key of ``dossier.excluded_<why>``.
    """

    name: str
    distance: float
    probability: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One finding of an officer that counted.

    Attributes
    ----------
    about : str
        Name of the source, or of the grid cell a patrol searched.
    result, role : str
        In words.
    at, until : datetime
    factor : float or None
        On the weight now; None of what concerns the cell.
    case : str
        Empty where the reader may not see it.
    """

    about: str
    result: str
    role: str
    at: datetime
    until: datetime
    factor: float | None
    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """What would change the ranking, in words, and whether it would."""

    what: str
    then: str
    changes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportRow:
    """What the air brought in, and in which order stations rose.

    Attributes
    ----------
    share : TransportShare
    period : Period
        Hours that it is of.
    beyond : float
        Stations nearer than this count as here. [m]
    arrival : Arrival or None
    stations : tuple of str
        Names, in the order of ``arrival.hours``.
    first : datetime or None
        From when ``arrival.hours`` count.
    """

    share: TransportShare
    period: Period
    beyond: float = 0.0
    arrival: Arrival | None = None
    stations: tuple[str, ...] = ()
    first: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceMaterial:
    """Everything known of one trace.

    Attributes
    ----------
    city, event_words, unit : str
    zone, now :
    event : Event
    found : Suspects
    names : mapping of text ref to name
    blocks, step, onset :
        Clock of the scene: starts of its blocks, their length [s], the block of the onset.
    values, background : tuple of float or None
        At the station of the event, by block. Unit of the pollutant.
    wind_speed, wind_from, stability :
        By block. [m/s], [degrees], Pasquill class 0 = A .. 5 = F
    stations : tuple of StationRow
        Largest rise first.
    suspects : tuple of SuspectRow
        Most probable first.
    others, others_count :
        All further listed sources: probability together, and how many.
    beside : tuple of Beside
    excluded : tuple of ExcludedRow
        Nearest first.
    findings : tuple of FindingRow
    cell_words : str
        What was learned in the grid cell; empty without findings there.
    changes : tuple of ChangeRow
    hidden, areas, stops, footprint :
        Of the search and of the first suspect.
    transport : TransportRow or None
        Local or brought in.
    outlines : tuple of rings of (lon, lat)
        Districts, for the map.
    cases : tuple of Case
        That the event led to and the reader may see.
    hidden_cases : int
        That the reader may not see.
    effects : mapping of case id to Effect
    settings : tuple of (str, str)
    inputs : tuple of Ref
    half_life_days : float
    version : str
    """

    city: str
    event_words: str
    unit: str
    zone: ZoneInfo = CHINA
    now: datetime
    event: Event
    found: Suspects
    names: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[datetime, ...] = ()
    step: float = 0.0
    onset: int = 0
    values: Numbers = ()
    background: Numbers = ()
    wind_speed: Numbers = ()
    wind_from: Numbers = ()
    stability: tuple[int, ...] = ()
    stations: tuple[StationRow, ...] = ()
    suspects: tuple[SuspectRow, ...] = ()
    others: float = 0.0
    others_count: int = 0
    beside: tuple[Beside, ...] = ()
    excluded: tuple[ExcludedRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()
    cell_words: str = ""
    changes: tuple[ChangeRow, ...] = ()
    hidden: HiddenMap | None = None
    areas: tuple[SearchArea, ...] = ()
    stops: tuple[Stop, ...] = ()
    footprint: Footprint | None = None
    transport: TransportRow | None = None
    outlines: tuple[tuple[tuple[float, float], ...], ...] = ()
    cases: tuple[Case, ...] = ()
    hidden_cases: int = 0
    effects: Mapping[str, Effect] = field(default_factory=dict)
    settings: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Ref, ...] = ()
    half_life_days: float = 0.0
    version: str = ""

    @property
    def estimated(self) -> bool:
        """Whether the ranking was estimated; else the event named its source itself."""
        return self.found.method.startswith("plume-tracer/")

    def name(self, ref: object) -> str:
        """Return what a thing is called, its id where nobody named it."""
        return self.names.get(str(ref)) or str(ref).partition(":")[2] or str(ref)

    def clock(self, instant: datetime) -> str:
        """Return local month, day, hour and minute."""
        return instant.astimezone(self.zone).strftime("%m-%d %H:%M")

    def span(self, period: Period) -> str:
        """Return a period with the day of its end only where it differs."""
        start, end = period.start.astimezone(self.zone), period.end.astimezone(self.zone)
        late = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%m-%d %H:%M}"
        return f"{start:%m-%d %H:%M}–{late}"

    def spans(self, periods: tuple[Period, ...]) -> str:
        """Return periods as they stand in a cell; a dash where there is none."""
        return "; ".join(self.span(one) for one in periods) or "—"
