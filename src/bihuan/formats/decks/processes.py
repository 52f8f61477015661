"""What happens to the plumes of a deck on their way, typed: chemistry, decay, deposition, background."""

from __future__ import annotations

from dataclasses import dataclass

from bihuan.formats.decks.lines import DeckLine


@dataclass(frozen=True, slots=True)
class DeckSeries:
    """A concentration by hour: ozone, or what the air brings along.

    Attributes
    ----------
    line : DeckLine
        The first that speaks of it.
    kind : str
        Of `values`: ``ANNUAL``, ``HROFDY``, ``SEASHR`` ... as of emission factors; empty without.
    values : tuple of float
        [ug/m3]
    constant : float or None
        [ug/m3]
    file : str
        Hourly values, without folder; empty without.
    file_factor : float
        Makes ug/m3 of the file's values.
    file_form : tuple of (int, int)
        First and last column of year, month, day, hour and value; empty where blanks part them.
    """

    line: DeckLine
    kind: str = ""
    values: tuple[float, ...] = ()
    constant: float | None = None
    file: str = ""
    file_factor: float = 1.0
    file_form: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DeckNitrogen:
    """How NO2 is made of NOx.

    Attributes
    ----------
    method : str
        ``ARM2``, ``OLM``, or empty.
    least, most : float
        Shares between which ARM2 stays.
    equilibrium : float
        Largest share of OLM.
    in_stack : float or None
        Share of NO2 in what is emitted, of sources without one of their own.
    merged : tuple of tuple of str
        Sources that share the ozone (OLMGROUP).
    ozone : DeckSeries or None
    """

    method: str = ""
    least: float = 0.5
    most: float = 0.9
    equilibrium: float = 0.9
    in_stack: float | None = None
    merged: tuple[tuple[str, ...], ...] = ()
    ozone: DeckSeries | None = None


@dataclass(frozen=True, slots=True)
class DeckDecay:
    """Decay of all sources [1/s], with its line."""

    line: DeckLine
    rate: float


@dataclass(frozen=True, slots=True)
class DeckDeposition:
    """Ground that takes gases, and the unit of what comes down.

    Attributes
    ----------
    seasons, lands : tuple of int
        Of GDSEASON, by month, and GDLANUSE, towards 10, 20 ... 360 degrees; empty without.
    line : DeckLine or None
        Of the first of them.
    reactive, autumn, spring : float
        Of GASDEPDF: reactivity of the gas, shares of the leaves in seasons 2 and 5.
    scale : float
        From ug/m2 in the hour to the deck's own unit (DEPOUNIT).
    unit : str
    """

    seasons: tuple[int, ...] = ()
    lands: tuple[int, ...] = ()
    line: DeckLine | None = None
    reactive: float = 0.0
    autumn: float = 0.5
    spring: float = 0.25
    scale: float = 1e-6
    unit: str = "g/m2"
