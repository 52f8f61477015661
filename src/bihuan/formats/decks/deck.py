"""What an AERMOD deck says, typed. Made by `read_deck`; run by `app`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bihuan.formats.decks.lines import DeckLine
from bihuan.formats.decks.processes import DeckDecay, DeckDeposition, DeckNitrogen, DeckSeries

Float = NDArray[np.float64]

WIND_CLASSES = (1.54, 3.09, 5.14, 8.23, 10.8)
"""Upper limits of the five lower classes of the wind, unless WINDCATS says otherwise. [m/s]"""


@dataclass(frozen=True, slots=True)
class Given:
    """Numbers a keyword gives a source, over as many lines as it takes.

    Attributes
    ----------
    line : DeckLine
        The first of them.
    values : tuple of float
    kind : str
        Of emission factors: ``HROFDY``.
    """

    line: DeckLine
    values: tuple[float, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class DeckSource:
    """A source of a deck.

    Attributes
    ----------
    name, type : str
        ``STACK1``, ``POINT``.
    line : DeckLine
        Its LOCATION.
    place : tuple of float
        Coordinates as LOCATION gives them, without the elevation. [m]
    base : float
        Elevation of its foot. [m]
    parameters : Given
        Of SRCPARAM.
    given : mapping of str to Given
        By keyword: EMISFACT, AREAVERT, BUILDHGT, PARTDIAM and all the others that name sources.
    hourly : str
        File of its hourly emissions, empty for none.
    city : str
        Of URBANOPT, empty for open country.
    flat : bool
        Whether its LOCATION says FLAT in place of an elevation.
    """

    name: str
    type: str
    line: DeckLine
    place: tuple[float, ...]
    base: float
    parameters: Given
    given: Mapping[str, Given]
    hourly: str = ""
    city: str = ""
    flat: bool = False


@dataclass(frozen=True, slots=True)
class DeckCity:
    """An urban area: its name in the deck, population [persons] and roughness [m]."""

    name: str
    line: DeckLine
    population: float
    roughness: float


@dataclass(frozen=True, slots=True)
class DeckGroup:
    """A group of sources, by their names."""

    name: str
    line: DeckLine
    members: tuple[str, ...]
    background: bool = False


@dataclass(frozen=True, slots=True)
class DeckNetwork:
    """A network of receptors, evenly laid or not.

    Attributes
    ----------
    name : str
    polar : bool
    first, count : int
        Its receptors among all.
    across, along : tuple of float
        Cartesian: x, y [m]; polar: distances [m], directions [degrees]. The first runs fastest.
    """

    name: str
    polar: bool
    first: int
    count: int
    across: tuple[float, ...]
    along: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DeckReceptors:
    """Where concentrations are wanted; shapes are (receptors,).

    Attributes
    ----------
    east, north : ndarray
        [m]
    elevation, hill, flag : ndarray
        Of the ground and of the hill that rules it, above the sea; of the receptor above the ground. [m]
    networks : tuple of DeckNetwork
    network : tuple of str
        That each is of; empty for a single one.
    lines : tuple of DeckLine
        That gave each.
    """

    east: Float
    north: Float
    elevation: Float
    hill: Float
    flag: Float
    networks: tuple[DeckNetwork, ...]
    network: tuple[str, ...]
    lines: tuple[DeckLine, ...]

    def __len__(self) -> int:
        return len(self.east)


@dataclass(frozen=True, slots=True)
class DeckMeteorology:
    """Which hours of which files.

    Attributes
    ----------
    surface, profile : str
        Names of the files, without folders.
    line : DeckLine
        Of SURFFILE.
    base : float
        Foot of the mast above the sea. [m]
    start, end : tuple of int, or None
        First and last hour of STARTEND: year, month, day, hour from 1 to 24.
    days : frozenset of (int, int), or None
        Month and day of DAYRANGE.
    julian : frozenset of int
        Days of the year of DAYRANGE, 1 to 366.
    rotation : float
        Taken off wind directions. [degrees]
    wind_classes : tuple of float
        Upper limits of five classes of the wind. [m/s]
    ignored : frozenset of str
        Keywords that leave measured turbulence unread: NOTURB, NOSA, NOSWST ...
    """

    surface: str
    profile: str
    line: DeckLine
    base: float = 0.0
    start: tuple[int, int, int, int] | None = None
    end: tuple[int, int, int, int] | None = None
    days: frozenset[tuple[int, int]] | None = None
    julian: frozenset[int] = frozenset()
    rotation: float = 0.0
    wind_classes: tuple[float, ...] = WIND_CLASSES
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DeckOutput:
    """A file the deck asks for.

    Attributes
    ----------
    kind : str
        ``POSTFILE``, ``PLOTFILE``, ``RANKFILE``, ``MAXIFILE`` or ``SEASONHR``.
    line : DeckLine
    average : str
        ``1``, ``24``, ``MONTH``, ``PERIOD``, ``ANNUAL``.
    group : str
        Empty in a RANKFILE, which holds all of them.
    rank : int
        Of a PLOTFILE of short averages, from 1; how many a RANKFILE holds; else 0.
    name : str
        Its name without folders.
    threshold : float
        From which a MAXIFILE holds values, in the deck's unit.
    """

    kind: str
    line: DeckLine
    average: str
    group: str
    rank: int
    name: str
    threshold: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Deck:
    """What a deck asks for.

    Attributes
    ----------
    file, title : str
    options : mapping of str to DeckLine
        Words of MODELOPT.
    averages : tuple of str
        ``1 3 24 MONTH PERIOD``.
    pollutant : str
    sources : tuple of DeckSource
    cities : tuple of DeckCity
    groups : tuple of DeckGroup
    receptors : DeckReceptors
    meteorology : DeckMeteorology
    outputs : tuple of DeckOutput
    ranks : tuple of int
        Highest values that tables show.
    scale : float
        From ug/m3 to the deck's own unit, of EMISUNIT or CONCUNIT.
    unit : str
    exponential, headless : bool
        Of FILEFORM EXP, of NOHEADER.
    nitrogen : DeckNitrogen
    background : DeckSeries or None
    decay : DeckDecay or None
    deposition : DeckDeposition
    design : str
        How AERMOD ranks values against standards of the pollutant: ``daily`` maxima of the hours, or the days
        themselves (``days``), each rank averaged over years; empty for plain ranks.
    others : tuple of DeckLine
        Lines that were recognised and left to whoever runs the deck.
    """

    file: str
    title: str
    options: Mapping[str, DeckLine]
    averages: tuple[str, ...]
    pollutant: str
    sources: tuple[DeckSource, ...]
    cities: tuple[DeckCity, ...]
    groups: tuple[DeckGroup, ...]
    receptors: DeckReceptors
    meteorology: DeckMeteorology
    outputs: tuple[DeckOutput, ...]
    ranks: tuple[int, ...]
    scale: float = 1.0
    unit: str = "ug/m3"
    exponential: bool = False
    headless: bool = False
    nitrogen: DeckNitrogen = field(default_factory=DeckNitrogen)
    background: DeckSeries | None = None
    decay: DeckDecay | None = None
    deposition: DeckDeposition = field(default_factory=DeckDeposition)
    design: str = ""
    others: tuple[DeckLine, ...] = field(default=())
