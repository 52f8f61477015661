"""What of a deck is not computed: one row each, with the word that a refusal says."""

from __future__ import annotations

from dataclasses import dataclass, field

from bihuan.core import FormatError
from bihuan.formats import Deck, DeckLine, DeckSource

SOURCE_KEYWORDS = {
    "RBARRIER": "a road's noise barrier",
    "RDEPRESS": "a depressed road",
    "PLATFORM": "downwash of a platform",
}
"""Keywords that change what a source causes. A row goes when `build` uses its numbers."""

MODEL_OPTIONS = {
    "PVMRM": "NO2 by PVMRM",
    "GRSM": "NO2 by GRSM",
    "TTRM": "NO2 by TTRM",
    "TTRM2": "NO2 by TTRM2",
    "PSDCREDIT": "credits of emission",
    "SCIM": "sampled hours",
    "SCREEN": "screening meteorology",
    "VECTORWS": "vector winds",
    "NOURBTRAN": "the older end of an urban night",
    "AREAMNDR": "meander of areas",
    "HBP": "highly buoyant plumes",
    "RLINEFDH": "roads without a displacement height",
    "PLATFORM": "downwash of platforms",
}
"""Words of MODELOPT that change the values."""

LINES = {
    "GASDEPVD": "a velocity of deposition of one's own",
    "BGSECTOR": "background by sectors of the wind",
    "LOW_WIND": "changed limits of low winds",
    "INITFILE": "going on from a saved state",
    "MULTYEAR": "going on from a saved state",
    "SCIMBYHR": "sampled hours",
    "PSDGROUP": "credits of emission",
    "ARCFTOPT": "plumes of aircraft",
    "ARCFTSRC": "plumes of aircraft",
    "HBPSRCID": "highly buoyant plumes",
    "RLEMCONV": "emissions of roads by hour and link",
    "TOXXFILE": "a file of exceedances",
    "EVALFILE": "a file of arc maxima",
    "MAXDAILY": "a file of daily maxima",
    "MXDYBYYR": "a file of daily maxima",
    "MAXDCONT": "a file of contributions",
    "EVENTOUT": "events",
}
"""Keywords that change the values, or ask for a file of another kind."""

ONLY_WITH = frozenset(
    [
        *("NOXVALUE", "NOX_FILE", "NOX_VALS", "NOX_UNIT", "NOXSECTR"),
        *("BLPINPUT", "BLPGROUP", "AWMADWNW", "ORD_DWNW"),
    ]
)
"""Keywords that do nothing without a type, an option or a group that has a row of its own."""


@dataclass(slots=True)
class Refusals:
    """What is left out, each with its line."""

    found: list[str] = field(default_factory=list)

    def add(self, line: DeckLine, what: str) -> None:
        """Take one more."""
        self.found.append(f"{line.where}: {what}")

    def raise_if_any(self) -> None:
        """Refuse the deck, with every line that asks for what is not computed.

        Raises
        ------
        FormatError
            The first line stands first, all the others after it.
        """
        if self.found:
            rest = "".join(f"\n{told}" for told in self.found[1:])
            raise FormatError(f"{self.found[0]}; --skip-unsupported leaves it out{rest}")


def refuse_options(deck: Deck, refusals: Refusals) -> None:
    """Find options and keywords of the whole deck that are not computed."""
    for option, line in deck.options.items():
        if option in MODEL_OPTIONS:
            refusals.add(line, f"{MODEL_OPTIONS[option]} ({option}) is not computed")
    for line in deck.others:
        if line.keyword == "O3SECTOR":
            if deck.nitrogen.method == "OLM":
                refusals.add(line, "ozone by sectors of the wind is not computed")
        elif line.keyword not in ONLY_WITH:
            refusals.add(line, f"{LINES.get(line.keyword, line.keyword)} is not computed")


def refused_source(source: DeckSource) -> tuple[DeckLine, str] | None:
    """Return why a source of a type that is computed is not computed as the deck asks, with the line; else None."""
    for keyword, what in SOURCE_KEYWORDS.items():
        given = source.given.get(keyword)
        if given is not None:
            return given.line, f"{what} of source {source.name} is not computed"
    return None
