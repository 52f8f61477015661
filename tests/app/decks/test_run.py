"""`bihuan plume run`: decks of AERMOD by the command, against AERMOD's own outputs and against what cannot be run."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bihuan.app.cli import cli, main
from bihuan.core import ProfileHours, SurfaceHours
from bihuan.formats import read_netcdf, read_postfile, write_profile, write_surface
from bihuan.physics import BoundaryLayer, PointSource, Receptors, SteadyPlume
from tests.physics.steady.hours import STABLE, layer

DECK = """
CO STARTING
   TITLEONE A city's stack
   MODELOPT CONC FLAT
   AVERTIME 1 24 MONTH PERIOD
   POLLUTID SO2
CO FINISHED
SO STARTING
   LOCATION S1 POINT 0.0 0.0 0.0
   SRCPARAM S1 100 60 420 15 3
   SRCGROUP ALL
SO FINISHED
RE STARTING
   GRIDCART G STA
              XYINC -400 3 400 -300 4 200
   GRIDCART G END
RE FINISHED
ME STARTING
   SURFFILE ../met/city.sfc
   PROFFILE ../met/city.pfl
   PROFBASE 0.0
ME FINISHED
OU STARTING
   RECTABLE ALLAVE FIRST-SECOND
   POSTFILE 1 ALL PLOT ../outputs/hours.pst
   POSTFILE PERIOD ALL PLOT mean.pst
   PLOTFILE 1 ALL 2ND high.plt
   FILEFORM EXP
OU FINISHED
"""


def hours(count: int = 48, **given: object) -> BoundaryLayer:
    """Nights and days of which every seventh hour is calm."""
    night = (np.arange(count) % 24 < 6) | (np.arange(count) % 24 > 17)
    base = layer()
    day = {name: float(getattr(base.surface, name)[0]) for name in STABLE}
    mixed = {name: np.where(night, STABLE[name], day[name]) for name in STABLE}
    speed = np.where(np.arange(count) % 7 == 3, 0.0, mixed["wind_speed"])
    return layer(**(mixed | {"wind_speed": speed, "wind_from": np.arange(count) * 37.0 % 360 + 1.0} | given))


def write(folder: Path, deck: str = DECK, **given: object) -> Path:
    """Write the deck with its meteorology beside it."""
    air = hours(**given)  # type: ignore[arg-type]
    surface = air.surface
    nothing = np.full(len(surface), np.nan)
    mast = ProfileHours(
        np.arange(len(surface) + 1), surface.wind_height, surface.wind_from, surface.wind_speed, nothing, nothing,
        nothing,
    )  # fmt: skip
    write_surface(folder / "city.sfc", surface)
    write_profile(folder / "city.pfl", surface, mast)
    path = folder / "city.inp"
    path.write_text(deck, "latin-1")
    return path


def command(*words: object) -> Result:
    return CliRunner().invoke(cli, ["plume", "run", *map(str, words)], catch_exceptions=False)


def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> str:
    """Run the command as the shell does; return what it said of bad input."""
    monkeypatch.setattr(sys, "argv", ["bihuan", "plume", "run", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_a_deck_writes_the_files_it_names_and_they_hold_what_the_plume_causes(tmp_path: Path) -> None:
    deck = write(tmp_path)
    out = tmp_path / "out"
    done = command(deck, "--out", out, "--percentile", "95", "--epsg", "4547", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert sorted(path.name for path in out.iterdir()) == [
        "city.nc", "high.plt", "high.tif", "hours.pst", "mean.pst", "mean.tif",
    ]  # fmt: skip
    assert (told["hours"], told["calm"], told["missing"]) == (48, 7, 0)
    post = read_postfile(out / "hours.pst")
    air = hours()
    source = PointSource("S1", 0, 0, 60, 3, 15, 420)
    east, north = np.meshgrid([-400.0, 0, 400], [-300.0, -100, 100, 300])
    where = Receptors(east.ravel(), north.ravel(), np.zeros(12))
    values = SteadyPlume(air, where, [source]).hourly(np.array([100.0]))[:, 0]
    assert np.allclose(post.values[:, 0], values, rtol=1e-5, atol=1e-9)
    assert post.ending[0] == "26010101"
    assert post.ending[-1] == "26010224"
    mean = read_postfile(out / "mean.pst").values[0, 0]
    assert np.allclose(mean, values.sum(axis=0) / 41, rtol=1e-5, atol=1e-9)
    second = read_postfile(out / "high.plt")
    assert np.allclose(second.values[0, 0], np.sort(values, axis=0)[-2], rtol=1e-5, atol=1e-9)
    kept = read_netcdf(out / "city.nc")
    assert np.allclose(kept["mean_period"].values[0], mean, rtol=1e-4)
    assert np.allclose(kept["highest_1h"].values[1, 0], second.values[0, 0], rtol=1e-4)
    assert np.allclose(kept["percentile_95_1h"].values[0], np.percentile(values, 95, axis=0), rtol=1e-4)
    with Image.open(out / "mean.tif") as image:
        assert np.allclose(np.asarray(image), mean.reshape(4, 3)[::-1], rtol=1e-4)
        assert image.tag_v2[33922][3:5] == (-600.0, 400.0)  # type: ignore[attr-defined]


def test_factors_and_hourly_files_change_what_is_emitted(tmp_path: Path) -> None:
    places = "SRCGROUP S1 S1\n   SRCGROUP H H\n   SRCGROUP F F"
    changed = DECK.replace("   SRCGROUP ALL", f"""   LOCATION H POINT 0 0 0
   SRCPARAM H 1 60 420 15 3
   HOUREMIS rates.dat H
   LOCATION F POINT 0 0 0
   SRCPARAM F 100 60 420 15 3
   EMISFACT F HROFDY 12*0.5 12*2.0
   {places}""").replace("POSTFILE PERIOD ALL PLOT mean.pst\n   PLOTFILE 1 ALL 2ND high.plt", "POSTFILE 1 H PLOT h.pst\n"
                        "   POSTFILE 1 F PLOT f.pst").replace("POSTFILE 1 ALL", "POSTFILE 1 S1")  # fmt: skip
    deck = write(tmp_path, changed)
    rows = [f"SO HOUREMIS 26 1 {1 + hour // 24} {1 + hour % 24} H {100.0 * (hour % 2)} 420 15" for hour in range(48)]
    (tmp_path / "rates.dat").write_text("\n".join(rows))
    assert command(deck, "--out", tmp_path / "out").exit_code == 0
    plain, hourly, factors = (
        read_postfile(tmp_path / "out" / name).values[:, 0] for name in ("hours.pst", "h.pst", "f.pst")
    )
    assert np.allclose(hourly, plain * (np.arange(48) % 2)[:, None], rtol=1e-5)
    assert np.allclose(factors, plain * np.where(np.arange(48) % 24 < 12, 0.5, 2.0)[:, None], rtol=1e-5)
    (tmp_path / "rates.dat").write_text("\n".join(row.replace(" 420 15", " 420 5") for row in rows))
    assert command(deck, "--out", tmp_path / "slow").exit_code == 0
    slow = read_postfile(tmp_path / "slow" / "h.pst").values[:, 0]
    assert not np.allclose(slow, hourly)  # a slower gas rises less


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("POINT 0.0 0.0", "BUOYLINE 0 0 9 9", "line 9 (SO LOCATION): type BUOYLINE of source S1 is not computed"),
        ("MODELOPT CONC", "MODELOPT PVMRM CONC", "line 4 (CO MODELOPT): NO2 by PVMRM"),
        ("POLLUTID SO2", "POLLUTID SO2\n   MULTYEAR a.sav", "line 7 (CO MULTYEAR): going on from a saved state"),
        ("SRCGROUP ALL", "PLATFORM S1 10 20 30\n   SRCGROUP ALL", "downwash of a platform of source S1"),
        ("FILEFORM", "EVALFILE S1 s.dat\n   FILEFORM", "a file of arc maxima is not computed"),
    ],
)
def test_what_is_not_computed_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, old: str, new: str, words: str
) -> None:
    deck = write(tmp_path, DECK.replace(old, new))
    told = refused(capsys, monkeypatch, deck, "--out", tmp_path / "out")
    assert words in told
    assert "--skip-unsupported" in told
    assert not (tmp_path / "out").exists()


def test_what_is_skipped_is_said_and_ends_with_one(tmp_path: Path) -> None:
    more = "LOCATION B BUOYLINE 0 0 9 9\n   SRCPARAM B 1 10\n   SRCGROUP ALL"
    deck = write(tmp_path, DECK.replace("SRCGROUP ALL", more))
    done = command(deck, "--out", tmp_path / "out", "--skip-unsupported")
    assert done.exit_code == 1
    assert "type BUOYLINE of source B is not computed" in done.stderr
    assert "LEFT OUT" in (tmp_path / "out" / "hours.pst").read_text("latin-1")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("100 60 420", "100 -60 420", "line 10 (SO SRCPARAM): source S1: stack height -60.0 m: it must not end below"),
        ("420 15 3", "420 15 0", "line 10 (SO SRCPARAM): source S1: diameter 0.0 m: it must be above 0"),
        ("SURFFILE ../met/city.sfc", "SURFFILE town.sfc", "line 19 (ME SURFFILE): town.sfc (or town.sfc.gz) is not in"),
        ("PROFBASE 0.0", "STARTEND 27 1 1 27 1 2", "none of the 48 hours of city.sfc"),
        ("XYINC -400", "XYINC 3500000", "sources and receptors must be in metres of the same grid"),
        ("PLOTFILE 1 ALL 2ND", "PLOTFILE 24 ALL 8TH", "the run has 3 averages of 24-HR at most"),
        ("POLLUTID SO2", "POLLUTE SO2", "line 6: 'POLLUTE' is no keyword"),
    ],
)
def test_bad_input_is_a_sentence_that_names_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, old: str, new: str, words: str
) -> None:
    assert old in DECK
    assert words in refused(capsys, monkeypatch, write(tmp_path, DECK.replace(old, new)), "--out", tmp_path / "out")


def test_hours_without_wind_and_hours_out_of_order_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deck = write(tmp_path, DECK.replace("PROFBASE 0.0", "STARTEND 26 1 1 4 26 1 1 4"))
    told = refused(capsys, monkeypatch, deck, "--out", tmp_path / "out")
    assert "none of the 1 hours chosen has wind and data: 1 calm, 0 missing" in told
    lines = (tmp_path / "city.sfc").read_text().splitlines()
    lines[5], lines[6] = lines[6], lines[5]
    (tmp_path / "city.sfc").write_text("\n".join(lines))
    told = refused(capsys, monkeypatch, deck, "--out", tmp_path / "out")
    assert "city.sfc: line 7 does not follow the hour before it" in told


def test_receptors_far_away_or_inside_a_source_are_told(tmp_path: Path) -> None:
    more = "DISCCART 0 0.5\n   DISCCART 90000 0\n   GRIDCART G STA"
    done = command(write(tmp_path, DECK.replace("GRIDCART G STA", more)), "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "receptor 1 is inside source S1, which causes nothing there" in done.stderr
    assert "receptor 2 is 90 km from the nearest source: beyond 50 km" in done.stderr


def test_a_receptor_inside_a_building_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = (("BUILDHGT", 20), ("BUILDWID", 40), ("BUILDLEN", 40), ("XBADJ", -20), ("YBADJ", 0))
    house = "\n   ".join(f"{keyword} S1 36*{value}" for keyword, value in sides)
    deck = DECK.replace("SRCGROUP ALL", f"{house}\n   SRCGROUP ALL")
    deck = deck.replace("GRIDCART G STA", "DISCCART 3 5\n   GRIDCART G STA")
    told = refused(capsys, monkeypatch, write(tmp_path, deck), "--out", tmp_path / "out")
    assert "line 19 (RE DISCCART): receptor 1 at (3, 5) m is inside the building of source S1" in told
    assert not (tmp_path / "out").exists()


def test_an_empty_result_explains_itself(tmp_path: Path) -> None:
    silent = command(write(tmp_path, DECK.replace("S1 100 60", "S1 0 60")), "--out", tmp_path / "out")
    assert silent.exit_code == 0
    assert "line 11 (SO SRCGROUP): group ALL causes nothing anywhere: its sources emit nothing" in silent.stderr
    upwind = DECK.replace("XYINC -400 3 400 -300 4 200", "XYINC 0 1 1 0 1 1")
    told = command(write(tmp_path, upwind), "--out", tmp_path / "out").stderr
    assert "receptor 1 is inside source S1" in told
    assert "group ALL causes nothing anywhere: no wind of these hours carries it to a receptor" in told


def test_meteorology_is_found_gzipped_and_in_another_folder(tmp_path: Path) -> None:
    deck = write(tmp_path)
    met = tmp_path / "elsewhere"
    met.mkdir()
    for name in ("city.sfc", "city.pfl"):
        (met / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    assert command(deck, "--out", tmp_path / "out", "--met", met).exit_code == 0


def test_written_hours_are_read_as_they_were(tmp_path: Path) -> None:
    from bihuan.formats import read_profile, read_surface

    write(tmp_path)
    surface = read_surface(tmp_path / "city.sfc")
    assert read_profile(tmp_path / "city.pfl", surface.start).wind_speed.shape == (48,)
    wanted: SurfaceHours = hours().surface
    for name, digits in (("friction_velocity", 3), ("obukhov_length", 1), ("mechanical_height", 0), ("wind_speed", 2)):
        assert np.allclose(getattr(surface, name), getattr(wanted, name), atol=0.51 * 10**-digits, equal_nan=True)
    assert np.array_equal(np.isnan(surface.convective_height), np.isnan(wanted.convective_height))
    assert np.array_equal(surface.start, wanted.start)


@dataclass(frozen=True)
class Case:
    """A reference deck, the POSTFILE of it that is compared, and its bands: of hours, and of means and ranks."""

    deck: str
    output: str
    stable: float
    convective: float
    skip: bool = False
    means: float = 0.02


_EPA, _OWN = "epa_testcases", "generated"
CASES = [
    Case(f"{_OWN}/vis01_point_tall_rural", "vis01_point_tall_rural", 0.02, 0.03),
    Case(f"{_OWN}/vis02_point_low_rural", "vis02_point_low_rural", 0.02, 0.03),
    Case(f"{_OWN}/vis03_point_urban", "vis03_point_urban", 0.03, 0.03),
    Case(f"{_OWN}/vis04_area_rural", "vis04_area_rural", 0.03, 0.03),
    Case(f"{_OWN}/vis05_volume_rural", "vis05_volume_rural", 0.03, 0.03),
    Case(f"{_OWN}/vis06_line_rline", "vis06_line", 0.03, 0.03),
    Case(f"{_OWN}/vis07_point_onsite_turb", "vis07_point_onsite_turb", 0.02, 0.03),
    Case("prairie_grass/pg_D", "pg_D", 0.02, 0.03),
    Case(f"{_OWN}/vis06_line_rline", "vis06_rline", 0.05, 0.05),
    Case(f"{_EPA}/Test1_Base_cart_3cond_SNC", "Test1_Base_cart_3cond_SNC", 0.05, 0.05),
    Case(f"{_EPA}/openpits", "OPENPITS_PITGAS_01H", 0.05, 0.05, skip=True),
    Case(f"{_EPA}/allsrcs", "ALLSRCS_OPENPIT_01H", 0.05, 0.05, skip=True),
    Case(f"{_EPA}/allsrcs", "ALLSRCS_RLINEB_01H", 0.05, 0.05, skip=True),
    Case(f"{_OWN}/vis08_point_downwash", "vis08_point_downwash", 0.10, 0.10, means=0.05),
    Case(f"{_EPA}/aertest", "AERTEST_01H", 0.10, 0.10, means=0.05),
    Case(f"{_EPA}/allsrcs", "ALLSRCS_STACKDW_01H", 0.10, 0.10, skip=True, means=0.05),
    *(
        Case(f"{_EPA}/allsrcs", f"ALLSRCS_{group}_01H", 0.03, 0.03, skip=True)
        for group in ("STACK", "AREA", "AREAP", "CIRC", "VOL", "LINE")
    ),
    *(Case(f"{_EPA}/capped_nostd", f"CAPPED_NOSTD_{stack}_01H", 0.05, 0.05) for stack in ("STACK2C", "STACK2H")),
    *(Case(f"{_EPA}/test{what}", f"TEST{what.upper()}_01H", 0.05, 0.05) for what in ("gas", "part")),
    *(
        Case(f"{_EPA}/bg_no2_{method}_ppb", f"NO2_{method.upper()}_PPB_{what}", 0.05, 0.05)
        for method in ("arm2", "olm")
        for what in ("01H", "SRC")
    ),
]


@pytest.mark.reference
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.output)
def test_reference_decks_run_and_stay_within_their_bands(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, case: Case
) -> None:
    data = shared / "data/dispersion"
    out = tmp_path_factory.getbasetemp() / Path(case.deck).name
    if not out.exists():
        done = command(
            data / f"{case.deck}.inp", "--met", data / "met", "--out", out, *["--skip-unsupported"] * case.skip
        )
        assert done.exit_code == case.skip, done.output
    ours = read_postfile(out / f"{case.output}.PST")
    theirs = read_postfile(data / f"{Path(case.deck).parent}/{case.output}.PST.gz")
    assert ours.ending == theirs.ending
    assert ours.values.shape == theirs.values.shape
    assert np.allclose([ours.east, ours.north, ours.flag], [theirs.east, theirs.north, theirs.flag], atol=2e-5)
    for column in range(theirs.values.shape[1]):  # concentration, then what comes down
        a, b = ours.values[:, column], theirs.values[:, column]
        assert off(a, b)[0] < max(case.stable, case.convective)
        assert off(a.mean(axis=0), b.mean(axis=0))[0] < case.means
        assert off(np.sort(a, axis=0)[::-1][:8], np.sort(b, axis=0)[::-1][:8])[0] < case.means
        assert (b[(a == 0).all(axis=1)] == 0).all()  # calm and missing hours
        assert (a[(b == 0).all(axis=1)] < 1e-4 * b.max()).all()  # five decimals may leave nothing of a faint hour


def off(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float, int]:
    """Return 95th percentile, median and largest of the difference where AERMOD exceeds 1 % of its largest."""
    large = theirs > 0.01 * theirs.max()
    error = np.abs(ours[large] / theirs[large] - 1)
    return float(np.percentile(error, 95)), float(np.median(error)), float(error.max()), int(large.sum())


@pytest.mark.reference
def test_the_highest_hours_of_aertest_are_those_of_aermod(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data, out = shared / "data/dispersion", tmp_path_factory.getbasetemp() / "aertest"
    if not out.exists():
        command(data / f"{_EPA}/aertest.inp", "--met", data / "met", "--out", out)

    def rows(text: str) -> list[list[str]]:
        return [line.split() for line in text.splitlines() if not line.startswith("*")]

    theirs = rows(gzip.decompress((data / f"{_EPA}/AERTEST_01H.PLT.gz").read_bytes()).decode())
    ours = rows((out / "AERTEST_01H.PLT").read_text("latin-1"))
    assert len(ours) == len(theirs) == 144
    assert [row[-3:] for row in ours] == [row[-3:] for row in theirs]  # rank, network and hour of each receptor
    assert off(*(np.array([float(row[2]) for row in found]) for found in (ours, theirs)))[2] < 0.02
