"""A deck while it is being read: each pathway fills in its part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bihuan.formats.decks.deck import DeckCity, DeckGroup, DeckOutput, Given
from bihuan.formats.decks.lines import DeckLine


@dataclass(slots=True)
class SourceDraft:
    """A source whose keywords are still coming."""

    name: str
    type: str
    line: DeckLine
    place: tuple[float, ...]
    base: float
    flat: bool = False
    given: dict[str, Given] = field(default_factory=dict)
    hourly: str = ""
    city: str = ""


@dataclass(slots=True)
class NetworkDraft:
    """A network of receptors whose lines are still coming."""

    name: str
    polar: bool
    line: DeckLine
    origin: tuple[float, float] = (0.0, 0.0)
    axes: dict[str, list[float]] = field(default_factory=dict)
    rows: dict[str, dict[int, list[float]]] = field(default_factory=dict)


@dataclass(slots=True)
class PointsDraft:
    """Receptors read so far: x, y, elevation, hill, flag."""

    rows: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    lines: list[DeckLine] = field(default_factory=list)

    def add(self, row: tuple[float, float, float, float, float], network: str, line: DeckLine) -> None:
        """Take one more receptor."""
        self.rows.append(row)
        self.network.append(network)
        self.lines.append(line)


@dataclass(slots=True)
class Draft:
    """All that was read so far."""

    file: str
    titles: list[str] = field(default_factory=list)
    options: dict[str, DeckLine] = field(default_factory=dict)
    averages: list[str] = field(default_factory=list)
    pollutant: str = ""
    plain_ranks: bool = False
    flagpole: float | None = None
    cities: list[DeckCity] = field(default_factory=list)
    sources: dict[str, SourceDraft] = field(default_factory=dict)
    source_lines: list[DeckLine] = field(default_factory=list)
    groups: dict[str, DeckGroup] = field(default_factory=dict)
    points: PointsDraft = field(default_factory=PointsDraft)
    networks: list[tuple[NetworkDraft, int, int]] = field(default_factory=list)
    open_network: NetworkDraft | None = None
    met: dict[str, DeckLine] = field(default_factory=dict)
    days: list[DeckLine] = field(default_factory=list)
    outputs: list[DeckOutput] = field(default_factory=list)
    ranks: set[int] = field(default_factory=set)
    feet: dict[str, bool] = field(default_factory=dict)
    scale: float = 1.0
    unit: str = "ug/m3"
    exponential: bool = False
    headless: bool = False
    kept: dict[str, list[DeckLine]] = field(default_factory=dict)
    others: list[DeckLine] = field(default_factory=list)

    @property
    def flat(self) -> bool:
        """Whether the ground counts as flat throughout."""
        return "FLAT" in self.options and "ELEV" not in self.options

    def keep(self, line: DeckLine) -> None:
        """Keep a line that is settled once the deck is read whole."""
        self.kept.setdefault(line.keyword, []).append(line)

    def metres(self, value: float, path: str) -> float:
        """An elevation in metres, whatever ELEVUNIT says of its pathway."""
        return value * 0.3048 if self.feet.get(path) else value


def fewest(line: DeckLine, count: int, what: str) -> None:
    """Refuse a line with fewer words than it needs."""
    if len(line.words) < count:
        raise line.refuse(f"needs {what}; it has {len(line.words)} of {count} words")


def named(word: str, sources: Mapping[str, SourceDraft], line: DeckLine) -> list[str]:
    """Return the sources a word names: ``ALL``, one id, or a range ``A1-B99``.

    Raises
    ------
    FormatError
        If it names none of the deck.
    """
    word = word.upper()
    if word == "ALL":
        return list(sources)
    if word in sources:
        return [word]
    low, dash, high = word.partition("-")
    if dash:
        parts = [_parts(low), _parts(high)]
        found = [name for name in sources if _within(_parts(name), parts[0], parts[1])]
        if found:
            return found
        raise line.refuse(f"no source lies in the range {word}: {_some(sources)}")
    raise line.refuse(f"source {word} has no LOCATION: {_some(sources)}")


def _within(name: tuple[str, int, str], low: tuple[str, int, str], high: tuple[str, int, str]) -> bool:
    """Letters, number and tail must each lie in their range (as in AERMOD)."""
    return low[0] <= name[0] <= high[0] and low[1] <= name[1] <= high[1] and low[2] <= name[2] <= high[2]


def _parts(name: str) -> tuple[str, int, str]:
    first = next((place for place, letter in enumerate(name) if letter.isdigit()), len(name))
    last = next((place for place in range(first, len(name)) if not name[place].isdigit()), len(name))
    return name[:first], int(name[first:last] or 0), name[last:]


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return (
        f"the deck's sources are {', '.join(listed[:6])}{' ...' if len(listed) > 6 else ''}"
        if listed
        else ("the deck has no source")
    )
