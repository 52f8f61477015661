"""Decks of AERMOD: what is read, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import FormatError
from bihuan.formats import Deck, read_deck

DECK = """
CO STARTING
   TITLEONE A city's stack
   MODELOPT CONC FLAT
   AVERTIME 1 24 PERIOD
   POLLUTID SO2
   RUNORNOT RUN
CO FINISHED
SO STARTING
   LOCATION S1 POINT 0.0 0.0 0.0
   SRCPARAM S1 100 60 420 15 3
   LOCATION A12 AREA 10 20 0
   SRCPARAM A12 1.E-5 2 200 100 20 1.0
   SRCGROUP ALL
SO FINISHED
RE STARTING
   DISCCART 500 0
RE FINISHED
ME STARTING
   SURFFILE ../met/city.sfc
   PROFFILE ..\\met\\city.pfl
   PROFBASE 0.0
ME FINISHED
OU STARTING
   RECTABLE ALLAVE FIRST-THIRD
   POSTFILE 1 ALL PLOT ../outputs/city.pst
OU FINISHED
"""


def read(tmp_path: Path, *changes: tuple[str, str]) -> Deck:
    """Read the deck above with some of its words changed."""
    text = DECK
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "city.inp"
    path.write_text(text, "latin-1")
    return read_deck(path)


def test_a_deck_is_read_to_what_it_says(tmp_path: Path) -> None:
    deck = read(tmp_path)
    assert deck.title == "A city's stack"
    assert deck.averages == ("1", "24", "PERIOD")
    assert [(source.name, source.type) for source in deck.sources] == [("S1", "POINT"), ("A12", "AREA")]
    assert deck.sources[0].parameters.values == (100, 60, 420, 15, 3)
    assert deck.groups[0].members == ("S1", "A12")
    assert deck.ranks == (1, 2, 3)
    assert (deck.meteorology.surface, deck.meteorology.profile) == ("city.sfc", "city.pfl")
    assert [output.name for output in deck.outputs] == ["city.pst"]  # base names only
    assert deck.sources[1].line.number == 12


def test_networks_are_laid_as_aermod_lays_them(tmp_path: Path) -> None:
    networks = """GRIDCART CAR STA
                 XYINC -100 3 100 0 2 50
   GRIDCART CAR END
   GRIDPOLR POL STA
            POL ORIG S1
            POL DIST 100 200
            POL GDIR 4 90 90
            POL END
   DISCPOLR S1 1000 90
   DISCCART 7 8"""
    deck = read(tmp_path, ("DISCCART 500 0", networks))
    where = deck.receptors
    assert len(where) == 6 + 8 + 2
    assert list(where.east[:6]) == [-100, 0, 100, -100, 0, 100]
    assert list(where.north[:6]) == [0, 0, 0, 50, 50, 50]
    assert np.allclose([where.east[6:8], where.north[6:8]], [[100, 200], [0, 0]])  # 90 degrees: east, nearest first
    assert np.allclose([where.east[-2:], where.north[-2:]], [[1000, 7], [0, 8]])
    assert where.network[5:8] == ("CAR", "POL", "POL")
    assert [(network.name, network.first, network.count) for network in where.networks] == [
        ("CAR", 0, 6),
        ("POL", 6, 8),
    ]


def test_the_flag_stands_where_the_options_put_it(tmp_path: Path) -> None:
    flat = read(tmp_path, ("POLLUTID SO2", "POLLUTID SO2\n   FLAGPOLE 1.5"), ("500 0", "500 0 3.0\n   DISCCART 9 9"))
    assert list(flat.receptors.flag) == [3.0, 1.5]
    raised = read(
        tmp_path, ("CONC FLAT", "CONC"), ("POLLUTID SO2", "POLLUTID SO2\n   FLAGPOLE"), ("500 0", "500 0 12 40 2")
    )
    assert (raised.receptors.elevation[0], raised.receptors.hill[0], raised.receptors.flag[0]) == (12, 40, 2)


def test_repeated_numbers_fortran_exponents_and_ranges_of_sources(tmp_path: Path) -> None:
    deck = read(
        tmp_path,
        ("SRCPARAM S1 100", "SRCPARAM S1 1.0D2"),
        ("SRCGROUP ALL", "EMISFACT S1-S9 HROFDY 8*0.5 16*1.25\n   SRCGROUP AREAS A1-A99\n   SRCGROUP ALL"),
    )
    assert deck.sources[0].parameters.values[0] == 100
    assert deck.sources[0].given["EMISFACT"].values == (0.5,) * 8 + (1.25,) * 16
    assert deck.groups[0].members == ("A12",)


def test_cities_name_the_sources_in_them(tmp_path: Path) -> None:
    one = read(
        tmp_path, ("RUNORNOT", "URBANOPT 1000000. TOWN 1.0\n   RUNORNOT"), ("SRCGROUP", "URBANSRC S1\n SRCGROUP")
    )
    assert [source.city for source in one.sources] == ["CITY", ""]
    assert one.cities[0].population == 1e6
    two = read(
        tmp_path,
        ("RUNORNOT", "URBANOPT A 2.5E6 BIG 1.0\n   URBANOPT B 5E5 SMALL 0.8\n   RUNORNOT"),
        ("SRCGROUP", "URBANSRC B ALL\n   SRCGROUP"),
    )
    assert [source.city for source in two.sources] == ["B", "B"]
    assert two.cities[1].roughness == 0.8


def test_an_included_file_stands_in_its_place_and_is_named_by_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "more.rec").write_text("   DISCCART 1 2\n** a comment\n   DISCCART 3 4\n")
    assert len(read(tmp_path, ("DISCCART 500 0", "INCLUDED more.rec")).receptors) == 2
    (tmp_path / "more.rec").write_text("   DISCCART 1 2\n   DISCCART 3 b\n")
    with pytest.raises(FormatError, match=r"more\.rec: line 2 \(RE DISCCART\): 'b'"):
        read(tmp_path, ("DISCCART 500 0", "INCLUDED more.rec"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("POLLUTID SO2", "POLUTID SO2", r"line 6: 'POLUTID' is no keyword of AERMOD 24142: is POLLUTID meant"),
        ("CONC FLAT", "CONC FLATT", r"line 4 \(CO MODELOPT\): 'FLATT' is no option"),
        ("S1 POINT", "S1 PIONT", r"line 10 .*'PIONT' is no type of source"),
        ("420 15 3", "420 15", r"line 11 .*source S1 of type POINT needs 5 numbers, 4 are given"),
        ("420 15 3", "420 x 3", r"line 11 .*'x' is read as a number"),
        ("SRCPARAM S1", "SRCPARAM S2", r"line 11 .*source S2 has no LOCATION: the deck's sources are S1, A12"),
        ("   SRCPARAM S1 100 60 420 15 3\n", "", r"line 10 .*source S1 has no SRCPARAM"),
        ("   SRCGROUP ALL\n", "", "group ALL has no SRCGROUP: there are none"),
        ("   DISCCART 500 0\n", "", "no receptor"),
        ("   SURFFILE ../met/city.sfc\n", "", "SURFFILE names no file"),
        ("DISCCART 500 0", "GRIDCART G STA", r"line 17 .*network G has no END"),
        ("POSTFILE 1 ALL PLOT", "POSTFILE 1 ALL UNFORM", r"line 26 .*write PLOT instead of UNFORM"),
        ("POSTFILE 1", "POSTFILE 3", r"average 3 is not among those of CO AVERTIME"),
        ("POSTFILE 1 ALL", "POSTFILE 1 SOME", r"group SOME has no SRCGROUP"),
        ("AVERTIME 1", "AVERTIME 5", r"average '5'"),
        (
            "SRCGROUP ALL",
            "EMISFACT S1 HROFDY 23*1.0\n   SRCGROUP ALL",
            r"line 14 .*HROFDY takes 24 factors, 23 are given",
        ),
        ("SRCGROUP ALL", "URBANSRC ALL\n   SRCGROUP ALL", r"there is no urban area"),
        ("PROFBASE 0.0", "STARTEND 26 13 01 26 12 31", r"line 22 .*is no year, month, day, hour"),
        ("PROFBASE 0.0", "DAYRANGE 1/10-1/41", r"'1/41' is no month/day"),
        ("CO STARTING", "LOCATION S1 POINT 0 0", "stands before any pathway"),
        ("DISCCART 500 0", "INCLUDED none.rec", r"none\.rec is not beside the deck"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read(tmp_path, (old, new))


@pytest.mark.reference
def test_every_reference_deck_is_read(shared: Path) -> None:
    decks = sorted((shared / "data/dispersion").rglob("*.inp"))
    assert len(decks) == 18
    for path in decks:
        deck = read_deck(path)
        assert deck.outputs
        assert len(deck.receptors)
