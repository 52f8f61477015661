"""NO2 and background of a deck: ozone by hour, shares, groups that carry the background, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bihuan.app.decks import run_deck
from bihuan.core import InputError
from bihuan.formats import read_postfile
from bihuan.physics import AmbientRatio, OzoneLimit, PointSource, SteadyPlume, nitrogen_dioxide
from tests.app.decks.test_losses import WHERE
from tests.app.decks.test_run import DECK, hours, write

STACKS = [PointSource("S1", 0, 0, 60, 3, 15, 420), PointSource("S2", 200, 0, 30, 2, 12, 400)]
RATES = np.array([100.0, 20.0])
TWO = """LOCATION S2 POINT 200 0 0
   SRCPARAM S2 20 30 400 12 2
   NO2RATIO S2 0.05
   SRCGROUP ONE S1
   SRCGROUP ALL"""


def deck_of(method: str, co: str = "", so: str = TWO) -> str:
    deck = DECK.replace("POLLUTID SO2", f"POLLUTID NO2\n   {co}" if co else "POLLUTID NO2")
    deck = deck.replace("CONC FLAT", f"CONC FLAT {method}").replace("SRCGROUP ALL", so)
    return deck.replace("POSTFILE PERIOD", "POSTFILE 1 ONE PLOT one.pst\n   POSTFILE PERIOD")


def nox() -> np.ndarray:
    return SteadyPlume(hours(), WHERE, STACKS).hourly(RATES, groups=np.eye(2))


def found(folder: Path, deck: str) -> tuple[np.ndarray, np.ndarray]:
    """Run; return the hours of ALL and of ONE."""
    run_deck(write(folder, deck), folder / "out")
    return tuple(read_postfile(folder / "out" / name).values[:, 0] for name in ("hours.pst", "one.pst"))  # type: ignore[return-value]


def ozone_file(folder: Path, values: list[float], name: str = "o3.dat") -> None:
    rows = [f"26 1 {1 + hour // 24} {1 + hour % 24} {value}" for hour, value in enumerate(values)]
    (folder / name).write_text("\n".join(rows))


def test_arm2_looks_at_all_sources_also_for_a_group_of_one(tmp_path: Path) -> None:
    everything, one = found(tmp_path, deck_of("ARM2", "ARMRATIO 0.2 0.8"))
    wanted = nitrogen_dioxide(nox(), AmbientRatio(0.2, 0.8), groups=np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert np.allclose(everything, wanted[:, 0], rtol=1e-5, atol=1e-9)
    assert np.allclose(one, wanted[:, 1], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("merged", [False, True])
def test_olm_takes_ozone_by_the_hour_and_merges_plumes(tmp_path: Path, merged: bool) -> None:
    more = "OLMGROUP ALL\n   SRCGROUP ALL" if merged else "SRCGROUP ALL"
    co = "NO2STACK 0.1\n   NO2EQUIL 0.85\n   O3VALUES HROFDY 12*5.0 12*40.0"
    everything, one = found(tmp_path, deck_of("OLM", co, TWO.replace("SRCGROUP ALL", more)))
    ozone = 1.960 * np.tile(np.repeat([5.0, 40.0], 12), 2)  # ppb to ug/m3
    limit = OzoneLimit((0.1, 0.05), 0.85, (1, 1) if merged else ())
    wanted = nitrogen_dioxide(nox(), limit, ozone=ozone, groups=np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert np.allclose(everything, wanted[:, 0], rtol=1e-5, atol=1e-9)
    assert np.allclose(one, wanted[:, 1], rtol=1e-5, atol=1e-9)
    assert (everything < 0.84 * nox().sum(axis=1))[nox().sum(axis=1) > 100].any()  # ozone does limit


def test_ozone_of_a_file_stays_up_in_stable_nights_and_gaps_are_told(tmp_path: Path) -> None:
    from bihuan.app.decks.air_series import ozone_of
    from bihuan.formats import read_deck

    values = [30.0, 2.0, 2.0, *([100.0] * 20), -9.0, *([10.0] * 24)]
    ozone_file(tmp_path, values)
    deck = read_deck(write(tmp_path, deck_of("OLM", "NO2STACK 0.1\n   OZONEFIL o3.dat PPB")))
    series = deck.nitrogen.ozone
    assert series is not None
    got = ozone_of(deck, series, hours(), (tmp_path,))
    # a night of L 25 m: not below the highest of the day before, nor above 40 ppb
    assert got[:3] == pytest.approx([30 * 1.96, 30 * 1.96, 30 * 1.96])
    assert got[10] == pytest.approx(196.0)
    assert np.isnan(got[23])
    assert got[25] == pytest.approx(78.4)
    assert got[34] == pytest.approx(19.6)  # by day as it was measured
    told = run_deck(tmp_path / "city.inp", tmp_path / "out").notes
    assert "ozone is missing in 1 hours, the first 2026-01-01T23: NO2 is the largest share there" in told[-1]
    bare = read_deck(write(tmp_path, deck_of("OLM NOMINO3", "NO2STACK 0.1\n   OZONEFIL o3.dat PPB\n   OZONEVAL 7")))
    assert ozone_of(bare, series, hours(), (tmp_path,))[1] == pytest.approx(3.92)
    assert bare.nitrogen.ozone is not None
    assert ozone_of(bare, bare.nitrogen.ozone, hours(), (tmp_path,))[23] == 7.0  # the constant stands in


def test_a_file_in_fixed_columns_is_read_by_its_format(tmp_path: Path) -> None:
    from bihuan.app.decks.air_series import ozone_of
    from bihuan.formats import read_deck

    rows = [f"26{1:3d}{1 + hour // 24:3d}{1 + hour % 24:3d}xx{hour + 0.5:9.3f}" for hour in range(48)]
    (tmp_path / "o3.dat").write_text("\n".join(rows))
    lines = "NO2STACK 0.1\n   OZONEFIL o3.dat UG/M3 (i2,3i3,2x,f9.3)"
    deck = read_deck(write(tmp_path, deck_of("OLM NOMINO3", lines)))
    assert deck.nitrogen.ozone is not None
    assert ozone_of(deck, deck.nitrogen.ozone, hours(), (tmp_path,)) == pytest.approx(np.arange(48) + 0.5)
    for form, words in (("(a9,f9.3)", "format 'A9' is not read"), ("(4i2)", r"\(4I2\) has 4 fields")):
        torn = deck_of("OLM", lines.replace("(i2,3i3,2x,f9.3)", form))
        with pytest.raises(InputError, match=words):
            read_deck(write(tmp_path, torn))


def test_background_is_added_to_the_groups_that_carry_it_in_hours_with_wind(tmp_path: Path) -> None:
    so = TWO.replace("SRCGROUP ALL", "BACKGRND HROFDY 24*10.0\n   BACKUNIT PPB\n   SRCGROUP ALL BACKGROUND")
    everything, one = found(tmp_path, deck_of("", so=so))
    plain = nox()
    usable = ~hours().calm
    added = np.where(usable, 10.0 / 0.5319, 0.0)[:, None]
    assert np.allclose(everything, plain.sum(axis=1) + added, rtol=1e-5, atol=1e-8)
    assert np.allclose(one, plain[:, 0], rtol=1e-5, atol=1e-9)


def test_a_file_of_background_is_filled_from_values_by_season(tmp_path: Path) -> None:
    ozone_file(tmp_path, [*([20.0] * 30), *([-1.0] * 18)], "bg.dat")
    lines = "BACKGRND HOURLY ..\\air\\bg.dat\n   BACKGRND SEASON 5 6 7 8\n   BACKUNIT UG/M3"
    so = TWO.replace("SRCGROUP ALL", f"{lines}\n   SRCGROUP AIR BACKGROUND\n   SRCGROUP ALL")
    deck = deck_of("", so=so).replace("POSTFILE 1 ONE", "POSTFILE 1 AIR")
    everything, air = found(tmp_path, deck)
    usable = ~hours().calm
    assert np.allclose(air[:, 3], np.where(usable, np.where(np.arange(48) < 30, 20.0, 5.0), 0.0))
    assert np.allclose(everything, nox().sum(axis=1), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("method", "co", "so", "words"),
    [
        ("ARM2 OLM", "", TWO, "ARM2 and OLM exclude each other"),
        ("OLM", "OZONEVAL 40", TWO, r"source S1 needs a share of NO2 in its stack"),
        ("OLM", "NO2STACK 0.1", TWO, r"line 4 \(CO MODELOPT\): OLM needs ozone"),
        ("OLM", "NO2STACK 1.5", TWO, r"line 7 \(CO NO2STACK\): share 1.5: it must be in 0-1"),
        ("OLM", "NO2STACK 0.1\n   O3VALUES HROFDY 23*40", TWO, r"O3VALUES\): HROFDY takes 24 values, 23 are given"),
        ("OLM", "NO2STACK 0.1\n   OZONEFIL no.dat", TWO, r"line 8 \(CO OZONEFIL\): no.dat \(or no.dat.gz\) is not in"),
        ("OLM", "NO2STACK 0.1\n   OZONEVAL 40 PPX", TWO, "unit 'PPX': PPB, PPM or UG/M3"),
        ("OLM", "O3SECTOR 0 90", TWO, "ozone by sectors of the wind is not computed"),
        ("ARM2", "ARMRATIO 0.9 0.5", TWO, "both above 0 and up to 1, the least first"),
        ("PVMRM", "", TWO, r"line 4 \(CO MODELOPT\): NO2 by PVMRM \(PVMRM\) is not computed"),
        ("GRSM", "", TWO, r"line 4 \(CO MODELOPT\): NO2 by GRSM"),
        ("TTRM", "", TWO, r"line 4 \(CO MODELOPT\): NO2 by TTRM"),
        ("", "", TWO.replace("ALL", "ALL BACKGROUND"), "the group carries a background, but SO BACKGRND gives none"),
        ("", "", f"BGSECTOR 0 90\n   {TWO}", "background by sectors of the wind is not computed"),
        ("", "", f"BACKGRND SEASON 1 2\n   {TWO}", r"SO BACKGRND\): SEASON takes 4 values, 2 are given"),
        ("", "", f"BACKGRND DAILY 1 2\n   {TWO}", r"SO BACKGRND\): 'DAILY' is no kind of values"),
        ("", "", f"OLMGROUP A S1\n   OLMGROUP B S1\n   {TWO}", "source S1 is in OLMGROUP A already"),
    ],
)
def test_what_cannot_be_no2_is_refused_with_its_line(tmp_path: Path, method: str, co: str, so: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        run_deck(write(tmp_path, deck_of(method, co, so)), tmp_path / "out")


def test_arm2_of_another_pollutant_and_a_torn_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ARM2 makes NO2 of NOx: CO POLLUTID must be NO2"):
        run_deck(write(tmp_path, deck_of("ARM2").replace("POLLUTID NO2", "POLLUTID CO")), tmp_path / "out")
    so = TWO.replace("SRCGROUP ALL", "BACKGRND HOURLY bg.dat\n   SRCGROUP ALL BACKGROUND")
    deck = write(tmp_path, deck_of("", so=so))
    (tmp_path / "bg.dat").write_text("26 1 1 1 10\n26 1 1 2\n")
    with pytest.raises(InputError, match=r"bg.dat: line 2 is no year, month, day, hour \(1-24\) and value"):
        run_deck(deck, tmp_path / "out")
    (tmp_path / "bg.dat").write_text("26 1 1 2 10\n26 1 1 1 10\n")
    with pytest.raises(InputError, match=r"bg\.dat: line 2 does not follow the hour before it"):
        run_deck(deck, tmp_path / "out")
    (tmp_path / "bg.dat").write_text("26 1 1 1 10\n")
    with pytest.raises(
        InputError, match=r"SO BACKGRND\): the background is missing in 40 hours, first .* 2026-01-01T01"
    ):
        run_deck(deck, tmp_path / "out")
