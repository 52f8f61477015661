"""Deposition, depletion and decay of a deck: read with its units, computed as the plume computes them, or refused."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from bihuan.app.decks import run_deck
from bihuan.app.decks.build import Emitters, build
from bihuan.core import FormatError, InputError
from bihuan.formats import read_deck, read_netcdf, read_postfile
from bihuan.physics import (
    DepositingPlume,
    FineAndCoarse,
    Gas,
    Ground,
    Particles,
    PointSource,
    Receptors,
    Removal,
    SteadyPlume,
)
from tests.app.decks.test_run import DECK, hours, write

STACK = PointSource("S1", 0, 0, 60, 3, 15, 420)
EAST, NORTH = np.meshgrid([-400.0, 0, 400], [-300.0, -100, 100, 300])
WHERE = Receptors(EAST.ravel(), NORTH.ravel(), np.zeros(12))
CLASSES = "PARTDIAM S1 2 10\n   MASSFRAX S1 0.4 0.6\n   PARTDENS S1 2.6 1.8"
BENZENE = "GASDEPOS S1 0.08962 1.04E-5 2.51E4 557.0"
WOODS = "GDSEASON 4 4 4 5 1 1 1 1 1 2 3 3\n   GDLANUSE 36*4\n   GASDEPDF 0.1 0.4 0.3"


def with_lines(so: str = "", co: str = "", options: str = "CONC FLAT", pollutant: str = "PM10") -> str:
    """The deck with more lines of SO and CO and other options."""
    deck = DECK.replace("POLLUTID SO2", f"POLLUTID {pollutant}\n   {co}" if co else f"POLLUTID {pollutant}")
    return deck.replace("CONC FLAT", options).replace(
        "SRCGROUP ALL", f"{so}\n   SRCGROUP ALL" if so else "SRCGROUP ALL"
    )


def built(folder: Path, deck: str) -> Emitters:
    return build(read_deck(write(folder, deck)), skip=False)


def removal(folder: Path, deck: str) -> Removal | None:
    return built(folder, deck).emitters[0].removal


def plain(**given: object) -> np.ndarray:
    return SteadyPlume(hours(**given), WHERE, [STACK]).hourly(np.array([100.0]))[:, 0]  # type: ignore[arg-type]


def test_what_comes_down_stands_in_the_columns_and_adds_up_over_days(tmp_path: Path) -> None:
    rain = np.where(np.arange(48) % 5 == 0, 3.0, 0.0)
    so = "METHOD_2 S1 0.55 1.2\n   DEPOUNIT 3.6E6 GRAMS/SEC MILLIGRAMS/M**2"
    deck = with_lines(so, options="CONC DEPOS DDEP WDEP FLAT").replace("PLOTFILE 1 ALL 2ND", "PLOTFILE 24 ALL 1ST")
    found = run_deck(write(tmp_path, deck, precipitation=rain), tmp_path / "out")
    post = read_postfile(tmp_path / "out/hours.pst").values
    plume = DepositingPlume(
        hours(precipitation=rain), WHERE, [STACK], [Removal(FineAndCoarse(0.55, 1.2))], losses="aermod"
    )
    wanted = plume.deposited(np.array([100.0]))
    assert post.shape == (48, 4, 12)
    assert (wanted.wet > 0.0).any()
    for place, values in enumerate((wanted.concentration, (wanted.dry + wanted.wet) / 1e3, wanted.dry / 1e3)):
        assert np.allclose(post[:, place], values[:, 0], rtol=1e-5, atol=1e-9)
    assert np.allclose(post[:, 3], wanted.wet[:, 0] / 1e3, rtol=1e-5, atol=1e-9)
    mean = read_postfile(tmp_path / "out/mean.pst").values[0]
    assert np.allclose(mean[0], wanted.concentration[:, 0].sum(axis=0) / 41, rtol=1e-4)
    assert np.allclose(mean[1:], post[:, 1:].sum(axis=0), rtol=1e-4)  # deposits are added up, not averaged
    days = read_postfile(tmp_path / "out/high.plt").values[0]
    assert np.allclose(days[3], np.maximum(post[:24, 3].sum(axis=0), post[24:, 3].sum(axis=0)), rtol=1e-4, atol=1e-9)
    kept = read_netcdf(tmp_path / "out/city.nc")
    assert kept["dry_deposition_mean_period"].attributes["units"] == "MILLIGRAMS/M**2"
    assert np.allclose(kept["wet_deposition_highest_24h"].values[0, 0], days[3], rtol=1e-4, atol=1e-9)
    assert {row["quantity"] for row in found.highest} == {"conc", "depos", "ddep", "wdep"}
    assert "TOTAL DEPO" in (tmp_path / "out/hours.pst").read_text("latin-1")


def test_substances_are_read_with_their_units(tmp_path: Path) -> None:
    dust = Particles((2.0, 10.0), (0.4, 0.6), (2.6, 1.8))
    assert removal(tmp_path, with_lines(CLASSES)) == Removal(dust)
    gas = built(tmp_path, with_lines(BENZENE, WOODS, "CONC DDEP FLAT"))
    kept = gas.emitters[0].removal
    assert kept is not None
    assert isinstance(kept.what, Gas)
    assert astuple(kept.what) == pytest.approx((0.08962e-4, 1.04e-9, 2.51e6, 557.0, 0.1))
    deck = read_deck(tmp_path / "city.inp")
    from bihuan.app.decks.removals import ground_of

    assert ground_of(deck) == Ground((4, 4, 4, 5, 1, 1, 1, 1, 1, 2, 3, 3), (4,) * 36, 0.4, 0.3)


@pytest.mark.parametrize(
    ("options", "ways"),
    [
        ("CONC FLAT", (True, True, True, True)),
        ("CONC FLAT NODRYDPLT", (False, True, False, True)),
        ("CONC DDEP FLAT NODRYDPLT NOWETDPLT", (True, False, False, False)),
        ("CONC DEPOS FLAT NOWETDPLT", (True, True, True, False)),
        ("CONC WDEP FLAT NODRYDPLT NOWETDPLT", (False, True, False, False)),
    ],
)
def test_depletion_is_on_unless_the_deck_says_no(tmp_path: Path, options: str, ways: tuple[bool, ...]) -> None:
    found = removal(tmp_path, with_lines(CLASSES, options=options))
    assert found is not None
    assert (found.dry, found.wet, found.dry_spent, found.wet_spent) == ways


def test_a_gas_without_land_is_only_washed_out(tmp_path: Path) -> None:
    found = removal(tmp_path, with_lines(BENZENE))
    assert found is not None
    assert (found.dry, found.wet) == (False, True)
    assert removal(tmp_path, with_lines(BENZENE, options="CONC FLAT NODRYDPLT NOWETDPLT")) is None


def test_without_depletion_a_gas_stays_in_the_air_and_still_comes_down(tmp_path: Path) -> None:
    for name, options in (("spent", "CONC DDEP FLAT"), ("kept", "CONC DDEP FLAT NODRYDPLT NOWETDPLT")):
        run_deck(write(tmp_path, with_lines(BENZENE, WOODS, options)), tmp_path / name)
    spent, kept = (read_postfile(tmp_path / name / "hours.pst").values for name in ("spent", "kept"))
    large = plain() > 1e-3 * plain().max()
    gas = Removal(Gas(0.08962e-4, 1.04e-9, 2.51e6, 557.0), dry=False, wet=False)
    inert = DepositingPlume(hours(), WHERE, [STACK], [gas]).hourly(np.array([100.0]))[:, 0]
    assert np.allclose(kept[:, 0], inert, rtol=1e-5, atol=1e-9)
    for column in (0, 1):  # six digits do not always show it near the stack
        assert (spent[:, column][large] <= kept[:, column][large]).all()
        assert spent[:, column].sum() < kept[:, column].sum()
    assert (spent[:, 1][large] > 0.0).all()


def test_decay_takes_its_share_by_half_life_or_rate(tmp_path: Path) -> None:
    for name, co in (("half", "HALFLIFE 100"), ("rate", "DCAYCOEF 0.00693")):
        run_deck(write(tmp_path, with_lines(co=co, pollutant="H2S")), tmp_path / name)
    half, rate = (read_postfile(tmp_path / name / "hours.pst").values[:, 0] for name in ("half", "rate"))
    assert (half == rate).all()
    large = plain() > 1e-3 * plain().max()
    share = half[large] / plain()[large]
    assert 0.05 < share.min() < share.max() < 1.0


def test_so2_decays_over_cities_and_not_in_the_country(tmp_path: Path) -> None:
    city = "URBANOPT 1000000"
    so2 = with_lines("URBANSRC S1", city, pollutant="SO2")
    assert removal(tmp_path, so2) == Removal(decay=4.81e-5)
    assert removal(tmp_path, with_lines(co=city, pollutant="SO2")) is None
    assert removal(tmp_path, so2.replace(city, f"{city}\n   HALFLIFE 693")) == Removal(decay=pytest.approx(1e-3))
    fixed = so2.replace(city, f"{city}\n   HALFLIFE 693").replace("CONC FLAT", "DFAULT CONC FLAT")
    assert removal(tmp_path, fixed) == Removal(decay=4.81e-5)
    told = run_deck(write(tmp_path, with_lines(co="HALFLIFE 693", pollutant="SO2")), tmp_path / "out").notes
    assert "line 7 (CO HALFLIFE): SO2 of sources outside cities does not decay in AERMOD: left out there" in told[0]
    assert np.allclose(read_postfile(tmp_path / "out/hours.pst").values[:, 0], plain(), rtol=1e-5, atol=1e-9)


def test_a_rotten_city_beside_a_building_loses_its_decay_when_asked_to_skip(tmp_path: Path) -> None:
    sides = "\n   ".join(f"{keyword} S1 36*20" for keyword in ("BUILDHGT", "BUILDWID", "BUILDLEN", "XBADJ", "YBADJ"))
    deck = write(tmp_path, with_lines(f"URBANSRC S1\n   {sides}", "URBANOPT 1000000", pollutant="SO2"))
    with pytest.raises(FormatError, match="decay of source S1 beside a building is not computed"):
        build(read_deck(deck), skip=False)
    kept = build(read_deck(deck), skip=True)
    assert kept.emitters[0].removal is None
    assert len(kept.left_out) == 1


@pytest.mark.parametrize(
    ("deck", "words"),
    [
        (with_lines("PARTDIAM S1 2 10"), r"line 11 \(SO PARTDIAM\): source S1 lacks MASSFRAX and PARTDENS"),
        (with_lines(f"{CLASSES}\n   METHOD_2 S1 0.5 1"), r"line 14 \(SO METHOD_2\): source S1 has PARTDIAM already"),
        (with_lines("METHOD_2 S1 0.5"), r"line 11 \(SO METHOD_2\): takes 2 numbers"),
        (with_lines(BENZENE, "GDSEASON 12*1"), r"line 7 \(CO GDSEASON\): GDSEASON and GDLANUSE go together"),
        (with_lines(BENZENE, "GDSEASON 11*1"), r"line 7 \(CO GDSEASON\): takes 12 whole numbers of 1-5, 11"),
        (with_lines(options="CONC DDEP FLAT"), r"line 4 \(CO MODELOPT\): no source has what comes down"),
        (with_lines(co="HALFLIFE 0", pollutant="H2S"), r"line 7 \(CO HALFLIFE\): 0 must be above 0"),
        (
            with_lines(co="HALFLIFE 9\n   DCAYCOEF 1", pollutant="H2S"),
            r"line 8 \(CO DCAYCOEF\): decay is given already",
        ),
        (with_lines(co="GASDEPVD 0.01"), r"line 7 \(CO GASDEPVD\): a velocity of deposition of one's own is not"),
        (with_lines("MASSFRAX S1 0.4 0.4\n   PARTDIAM S1 2 10\n   PARTDENS S1 1 1"), "add up to 0.8, not to 1"),
        (with_lines(BENZENE.replace("0.08962", "0"), WOODS), "S1: diffusivities"),
    ],
)
def test_what_cannot_come_down_is_refused_with_its_line(tmp_path: Path, deck: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        run_deck(write(tmp_path, deck), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_hours_without_humidity_are_taken_as_aermod_takes_them_and_told(tmp_path: Path) -> None:
    lacking = np.where(np.isin(np.arange(48), (5, 6, 30)), np.nan, 50.0)
    deck = with_lines(BENZENE, WOODS, "CONC DDEP FLAT")
    notes = run_deck(write(tmp_path, deck, humidity=lacking), tmp_path / "out").notes
    assert notes == (
        "city.sfc: humidity is missing in 3 hours with wind, the first 2026-01-01T05: taken as 100 %, as AERMOD does",
    )
    run_deck(write(tmp_path, deck, humidity=np.where(np.isnan(lacking), 100.0, 50.0)), tmp_path / "full")
    assert (tmp_path / "out/hours.pst").read_bytes() == (tmp_path / "full/hours.pst").read_bytes()
    with pytest.raises(InputError, match="deposition needs the humidity, which is missing in 41 of 41 hours"):
        run_deck(write(tmp_path, deck, humidity=np.full(48, np.nan)), tmp_path / "none")


def test_deposition_beside_a_building_or_in_a_pit_is_refused(tmp_path: Path) -> None:
    sides = "\n   ".join(f"{keyword} S1 36*20" for keyword in ("BUILDHGT", "BUILDWID", "BUILDLEN", "XBADJ", "YBADJ"))
    with pytest.raises(FormatError, match="deposition of source S1 beside a building is not computed"):
        built(tmp_path, with_lines(f"{CLASSES}\n   {sides}"))
    pit = "LOCATION P OPENPIT 0 0\n   SRCPARAM P 1E-5 0 100 50 1E5\n   METHOD_2 P 0.5 1"
    with pytest.raises(FormatError, match=r"line 13 \(SO METHOD_2\): deposition of source P of type OPENPIT is not"):
        built(tmp_path, with_lines(pit))


def test_a_source_above_level_receptors_is_half_a_level_plume(tmp_path: Path) -> None:
    deck = DECK.replace("POINT 0.0 0.0 0.0", "POINT 0.0 0.0 12.5").replace("CONC FLAT", "CONC")
    run_deck(write(tmp_path, deck), tmp_path / "out")
    found = read_postfile(tmp_path / "out/hours.pst").values[:, 0]
    lower = Receptors(WHERE.east, WHERE.north, np.full(12, -12.5))
    level = SteadyPlume(hours(), lower, [STACK]).hourly(np.array([100.0]))[:, 0]
    assert not np.allclose(level, plain(), rtol=0.01)
    assert np.allclose(found, 0.5 * (level + plain()), rtol=1e-5, atol=1e-9)


def test_equal_heights_are_flat_whatever_they_are(tmp_path: Path) -> None:
    deck = DECK.replace("POINT 0.0 0.0 0.0", "POINT 0.0 0.0 40").replace("CONC FLAT", "CONC ELEV")
    rows = "".join(f"\n   GRIDCART G {part} {row} 3*{value}" for part, value in (("ELEV", 40), ("HILL", 90))
                   for row in (1, 2, 3, 4))  # fmt: skip
    run_deck(write(tmp_path, deck.replace("-300 4 200", f"-300 4 200{rows}")), tmp_path / "out")
    assert np.allclose(read_postfile(tmp_path / "out/hours.pst").values[:, 0], plain(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "GRIDCART G STA",
            "DISCCART 9 9 3\n   GRIDCART G STA",
            r"line 15 .* receptor 2 stands at 0 m, receptor 1 at 3 m",
        ),
        ("GRIDCART G END", "GRIDCART G END\n   DISCCART 9 9 0 50", r"the hill of receptor 13, 50 m, rises above"),
    ],
)
def test_terrain_is_refused_with_its_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    deck = DECK.replace(old, new).replace("CONC FLAT", "CONC").replace("POINT 0.0 0.0 0.0", "POINT 0.0 0.0 12")
    with pytest.raises(FormatError, match=words):
        built(tmp_path, deck)


def test_a_hill_above_a_receptor_is_refused_by_the_plume_itself() -> None:
    hill = np.array([0.0, 0.0, 30.0])
    with pytest.raises(
        InputError, match=r"receptor 3 at \(5, 0\) m is ruled by a hill of 30 m: terrain is not computed"
    ):
        Receptors(np.array([1.0, 3.0, 5.0]), np.zeros(3), np.zeros(3), hill)
    Receptors(np.array([1.0]), np.zeros(1), np.zeros(1), np.zeros(1))
