"""The steady plume against AERMOD 24142 on identical input, case by case, within the bands of its acceptance.

A band is the 95th percentile of |ours / AERMOD - 1| where AERMOD exceeds 1 % of the largest value of the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bihuan.formats import read_postfile, read_profile, read_surface
from bihuan.physics import (
    AreaSource,
    BoundaryLayer,
    Building,
    PitSource,
    PointSource,
    Receptors,
    RoadSource,
    SteadyPlume,
    VolumeSource,
)
from bihuan.physics.steady import SteadySource

pytestmark = pytest.mark.reference

CITY = 1e6


@dataclass(frozen=True)
class Case:
    """One source, its emission [g/s, of an area g/s/m2], the met files and AERMOD's hourly output."""

    output: str
    met: str
    source: SteadySource
    rate: float
    stable: float
    convective: float
    city: bool = False
    flag: float = 0.0


def _area(rate: float, source: AreaSource | PitSource) -> tuple[SteadySource, float]:
    return source, rate * source.area


_AREA = _area(0.001, AreaSource.rectangle("AREA", -10, -10, 20, 20, height=1))
_CORNERS = ((0, 0), (10, 0), (10, 10), (0, 10), (0, 20), (-10, 20), (-10, 10), (-10, 0))
_AREAP = _area(0.001, AreaSource("AREAP", _CORNERS, 1, 2))
_CIRC = _area(0.1, AreaSource.circle("CIRC", 0, 0, 20, height=10))
_VIS04 = _area(1e-5, AreaSource.rectangle("A1", -100, -50, 200, 100, angle=20, height=2, sigma_z=1))
_LINE = _area(0.001, AreaSource.line("LINE1", (300, 800), (900, 200), 20, height=1, sigma_z=20))
_VIS06 = _area(1e-4, AreaSource.line("L1", (-300, 0), (300, 100), 15, height=1, sigma_z=1.5))
_TALL = PointSource("S1", 0, 0, 120, 4, 20, 420)
_SHORT = PointSource("S1", 0, 0, 15, 0.6, 8, 300)
_URBAN = PointSource("S1", 0, 0, 40, 2, 12, 400, city=1)
_ON_SITE = PointSource("S1", 0, 0, 65, 5, 15, 425)
_STACK = PointSource("STACK", 10, 10, 35, 2.4, 11.7, 432)
_CAPPED = PointSource("STACK2C", 0, 0, 20, 2, 10, 425, "capped", tip_downwash=False)
_HORIZONTAL = PointSource("STACK2H", 0, 0, 20, 2, 10, 425, "horizontal")
_HALL = Building.everywhere(25, 40, 40, -25, 5)
_BESIDE = PointSource("S1", 0, 0, 30, 1.2, 12, 400, building=_HALL)
_BLOCK = Building.standing(((-60, -37.5), (-10, -37.5), (-10, 37.5), (-60, 37.5)), 50, 0, 0)
_STACKDW = PointSource("STACKDW", 0, 0, 65, 5, 15, 425, building=_BLOCK)
_GRASS = PointSource("S1", 0, 0, 0.46, 0.051, 0.01, 0.0)
_ROAD = RoadSource("R1", (-300, 0), (300, 100), 15, 1, 1.5)
_RLINEXT = RoadSource("BASE", (0, -100), (0, 100), 3.6, 1, 2)
_RLINE = RoadSource("BASE", (0, -100), (0, 100), 1, 1, 2)
_ALLSRCS_PIT = _area(1e-5, PitSource("OPENPIT", -100, -100, 1829, 183, 1.674e7, -45))
_PIT = _area(1e-5, PitSource("PITGAS", -100, -100, 1800, 180, 1.6e7, -45))
_EPA = "epa_testcases"

CASES = {
    "tall stack": Case("generated/vis01_point_tall_rural", "HOUSTON", _TALL, 100, 0.02, 0.03),
    "low stack": Case("generated/vis02_point_low_rural", "HOUSTON", _SHORT, 1, 0.02, 0.03),
    "stack in a city": Case("generated/vis03_point_urban", "HOUSTON", _URBAN, 50, 0.03, 0.03, city=True),
    "area": Case("generated/vis04_area_rural", "HOUSTON", *_VIS04, 0.03, 0.03),
    "volume": Case("generated/vis05_volume_rural", "HOUSTON", VolumeSource("V1", 0, 0, 5, 8, 3), 1, 0.03, 0.03),
    "line": Case("generated/vis06_line", "HOUSTON", *_VIS06, 0.03, 0.03),
    "stack, measured turbulence": Case("generated/vis07_point_onsite_turb", "AERMET2", _ON_SITE, 100, 0.02, 0.03),
    "ALLSRCS stack": Case(f"{_EPA}/ALLSRCS_STACK_01H", "AERMET2", _STACK, 100, 0.02, 0.03),
    "ALLSRCS area": Case(f"{_EPA}/ALLSRCS_AREA_01H", "AERMET2", *_AREA, 0.03, 0.03),
    "ALLSRCS polygon": Case(f"{_EPA}/ALLSRCS_AREAP_01H", "AERMET2", *_AREAP, 0.03, 0.03),
    "ALLSRCS circle": Case(f"{_EPA}/ALLSRCS_CIRC_01H", "AERMET2", *_CIRC, 0.03, 0.03),
    "ALLSRCS volume": Case(f"{_EPA}/ALLSRCS_VOL_01H", "AERMET2", VolumeSource("VOL", 0, 0, 1, 20, 20), 0.1, 0.03, 0.03),
    "ALLSRCS line": Case(f"{_EPA}/ALLSRCS_LINE_01H", "AERMET2", *_LINE, 0.03, 0.03),
    "road": Case("generated/vis06_rline", "HOUSTON", _ROAD, 1e-4 * _ROAD.area, 0.05, 0.05),
    "RLINE Test1": Case(f"{_EPA}/Test1_Base_cart_3cond_SNC", "AERMET2", _RLINEXT, _RLINEXT.length, 0.05, 0.05),
    "ALLSRCS road": Case(f"{_EPA}/ALLSRCS_RLINEB_01H", "AERMET2", _RLINE, _RLINE.area, 0.05, 0.05),
    "ALLSRCS pit": Case(f"{_EPA}/ALLSRCS_OPENPIT_01H", "AERMET2", *_ALLSRCS_PIT, 0.05, 0.05),
    "pit": Case(f"{_EPA}/OPENPITS_PITGAS_01H", "AERMET2", *_PIT, 0.05, 0.05),
    "capped": Case(f"{_EPA}/CAPPED_NOSTD_STACK2C_01H", "AERMET2", _CAPPED, 500, 0.05, 0.05),
    "horizontal": Case(f"{_EPA}/CAPPED_NOSTD_STACK2H_01H", "AERMET2", _HORIZONTAL, 500, 0.05, 0.05),
    "stack on a building": Case("generated/vis08_point_downwash", "HOUSTON", _BESIDE, 10, 0.05, 0.05),
    "ALLSRCS stack beside a building": Case(f"{_EPA}/ALLSRCS_STACKDW_01H", "AERMET2", _STACKDW, 500, 0.05, 0.05),
    "AERTEST": Case(f"{_EPA}/AERTEST_01H", "AERMET2", _STACKDW, 500, 0.05, 0.05),
    "Prairie Grass": Case("prairie_grass/pg_D", "pg_D", _GRASS, 1, 0.02, 0.03, flag=1.5),
}


@cache
def air(shared: Path, met: str) -> BoundaryLayer:
    folder = shared / "data/dispersion"
    paths = {
        "HOUSTON": (folder / "met/HOUSTON_ADJU.SFC.gz", folder / "met/HOUSTON_ADJU.PFL.gz"),
        "AERMET2": (folder / "met/AERMET2.SFC", folder / "met/AERMET2.PFL"),
        "pg_D": (folder / "prairie_grass/pg_D.sfc", folder / "prairie_grass/pg_D.pfl"),
    }[met]
    surface = read_surface(paths[0])
    return BoundaryLayer(surface, read_profile(paths[1], surface.start))


def stamps(layer: BoundaryLayer) -> dict[str, int]:
    """Place of each hour by AERMOD's name of it, ``yymmddhh`` with hours from 01 to 24."""
    found = {}
    for place, start in enumerate(layer.surface.start):
        day, hour = str(start)[2:10].replace("-", ""), int(str(start)[11:13]) + 1
        found[f"{day}{hour:02d}"] = place
    return found


@cache
def compared(shared: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ours and AERMOD's, shape (hours, receptors), and which hours are stable."""
    case = CASES[name]
    layer = air(shared, case.met)
    post = read_postfile(shared / "data/dispersion" / f"{case.output}.PST.gz")
    hours = np.array([stamps(layer)[stamp] for stamp in post.ending])
    where = Receptors(post.east, post.north, np.where(post.flag > 0, post.flag, case.flag))
    cities = [layer.over_city(CITY)] if case.city else []
    ours = SteadyPlume(layer, where, [case.source], cities=cities).hourly(np.array([case.rate]), hours=hours)[:, 0]
    return ours, post.values[:, 0], layer.surface.obukhov_length[hours] > 0


@pytest.mark.parametrize("name", CASES)
def test_hours_stay_within_the_band(shared: Path, name: str) -> None:
    ours, theirs, stable = compared(shared, name)
    large = theirs > 0.01 * theirs.max()
    for chosen, band in ((stable, CASES[name].stable), (~stable, CASES[name].convective)):
        where = large & chosen[:, None]
        if where.any():
            assert np.percentile(np.abs(ours[where] / theirs[where] - 1), 95) < band


@pytest.mark.parametrize("name", CASES)
def test_means_of_the_period_and_the_highest_hours_stay_within_two_percent(shared: Path, name: str) -> None:
    ours, theirs, _ = compared(shared, name)
    mean, their_mean = ours.mean(axis=0), theirs.mean(axis=0)
    large = their_mean > 0.01 * their_mean.max()
    assert np.percentile(np.abs(mean[large] / their_mean[large] - 1), 95) < 0.02
    high, their_high = np.sort(ours, axis=0)[::-1][:8], np.sort(theirs, axis=0)[::-1][:8]
    large = their_high > 0.01 * their_high.max()
    assert np.percentile(np.abs(high[large] / their_high[large] - 1), 95) < 0.02


def test_hours_that_aermod_leaves_out_are_left_out(shared: Path) -> None:
    ours, theirs, _ = compared(shared, "tall stack")
    nothing = (theirs == 0).all(axis=1)
    assert nothing.any()
    assert (ours[nothing] == 0).all()
