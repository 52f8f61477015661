"""Roads and pits of a deck become sources of the same size and rate, or are refused with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bihuan.app.decks.build import build
from bihuan.core import FormatError
from bihuan.formats import read_deck
from bihuan.physics import PitSource, RoadSource
from tests.app.decks.test_run import DECK, write

SOURCES = """LOCATION A RLINE -300 0 300 800
   SRCPARAM A 1E-4 1.0 15 1.5
   LOCATION B RLINEXT 0 -100 1.5 0 100 1.5 0
   SRCPARAM B 2.0 0.0 3.6 2.0
   LOCATION C OPENPIT -100 -100 0
   SRCPARAM C 1E-5 3.0 1800 180 1.6E7 -45
   SRCGROUP ALL"""


def test_a_decks_roads_and_pits_keep_their_size_and_rate(tmp_path: Path) -> None:
    found = build(read_deck(write(tmp_path, DECK.replace("SRCGROUP ALL", SOURCES))), skip=False)
    _, a, b, c = found.sources
    assert a == RoadSource("A", (-300.0, 0.0), (300.0, 800.0), 15.0, 1.0, 1.5)
    assert b == RoadSource("B", (0.0, -100.0), (0.0, 100.0), 3.6, 1.5, 2.0)
    assert c == PitSource("C", -100.0, -100.0, 1800.0, 180.0, 1.6e7, -45.0, 3.0)
    assert found.sizes[1:] == pytest.approx([1000.0 * 15.0, 200.0, 1800.0 * 180.0])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0 100 1.5 0", "0 100 2.5 0", "source B rises from 1.5 to 2.5 m"),
        ("B 2.0 0.0 3.6", "B 2.0 4.0 3.6", "source B is shifted 4 m from its axis"),
        ("-300 0 300 800", "-300 0 -300 0", "source A: a road from .* has no length"),
        ("SRCGROUP ALL", "RBARRIER B 6 10\n   SRCGROUP ALL", "a road's noise barrier of source B is not computed"),
        ("SRCGROUP ALL", "RDEPRESS B -6 30 20\n   SRCGROUP ALL", "a depressed road of source B is not computed"),
        ("CONC FLAT", "CONC FLAT ALPHA RLINEFDH", "roads without a displacement height"),
    ],
)
def test_a_road_that_is_not_computed_as_asked_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    deck = DECK.replace("SRCGROUP ALL", SOURCES).replace(old, new)
    with pytest.raises(FormatError, match=words):
        build(read_deck(write(tmp_path, deck)), skip=False)
