"""NO2 of NOx: AERMOD's own NOx turned into its own NO2, and what must hold for any share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bihuan.core import InputError
from bihuan.formats import read_postfile
from bihuan.physics import AmbientRatio, FixedShare, OzoneLimit, nitrogen_dioxide

NOX = np.array([[[100.0, 10.0], [300.0, 0.0]]])
"""One hour, two sources, two receptors. [ug/m3]"""


@pytest.mark.reference
def test_arm2_turns_the_nox_of_aermod_into_its_no2(shared: Path) -> None:
    folder = shared / "data/dispersion/epa_testcases"
    # the run by OLM had no ozone and a tenth of NO2 in the stack: its NO2 is a tenth of the NOx of both runs
    nox = read_postfile(folder / "NO2_OLM_PPB_SRC.PST.gz").values / 0.1
    theirs = read_postfile(folder / "NO2_ARM2_PPB_SRC.PST.gz").values
    ours = nitrogen_dioxide(nox, AmbientRatio())
    large = theirs > 0.01 * theirs.max()
    assert large.sum() > 5000
    assert np.abs(ours[large] / theirs[large] - 1).max() < 1e-4
    assert nitrogen_dioxide(nox, OzoneLimit(0.1), ozone=np.zeros(len(nox))) == pytest.approx(0.1 * nox)


def test_arm2_looks_at_all_sources_together_and_stays_between_its_ends() -> None:
    nox = np.array([0.0, 1.0, 40.0, 180.0, 3000.0])[:, None, None] * np.array([0.25, 0.75])[None, :, None]
    share = AmbientRatio().share(nox, None)[:, 0, 0]
    assert share[0] == share[1] == share[2] == 0.9
    # 1.2441 - 0.492894 - 0.181641 + 0.201525 - 0.061248 + 0.008086 - 0.000399, by hand
    assert share[3] == pytest.approx(0.717529, abs=1e-6)
    assert share[4] == 0.5
    assert AmbientRatio(0.2, 0.8).share(nox, None)[[0, 4], 0, 0] == pytest.approx([0.8, 0.2])


def test_ozone_turns_one_molecule_of_no_each() -> None:
    # 100 ug/m3 of NOx with a tenth of NO2 leave 90 as NO; 48 ug/m3 of ozone turn 46 of them
    got = nitrogen_dioxide(NOX, OzoneLimit(0.1), ozone=np.array([48.0]), groups=np.eye(2))
    assert got[0, 0] == pytest.approx([10.0 + 46.0, 9.0])  # the second has ozone enough and stops at nine tenths
    assert got[0, 1] == pytest.approx([30.0 + 46.0, 0.0])


def test_merged_plumes_share_the_ozone() -> None:
    got = nitrogen_dioxide(NOX, OzoneLimit(0.1, together=(1, 1)), ozone=np.array([48.0]), groups=np.eye(2))
    assert got[0, :, 0].sum() == pytest.approx(40.0 + 46.0)
    assert got[0, 0, 0] / got[0, 1, 0] == pytest.approx(1 / 3)


def test_stacks_may_differ_and_another_share_may_be_plugged_in() -> None:
    got = nitrogen_dioxide(NOX, OzoneLimit((0.5, 0.05)), ozone=np.zeros(1), groups=np.eye(2))
    assert got[0, :, 0] == pytest.approx([50.0, 15.0])
    assert nitrogen_dioxide(NOX, FixedShare(0.9))[0, 0] == pytest.approx([360.0, 9.0])


def test_missing_ozone_is_named_by_its_hour_unless_allowed() -> None:
    nox = np.repeat(NOX, 3, axis=0)
    nox[1] = 0.0  # calm: there is nothing to turn
    ozone = np.array([60.0, np.nan, np.nan])
    with pytest.raises(InputError, match="ozone is missing in 1 of 3 hours, first in hour 2"):
        nitrogen_dioxide(nox, OzoneLimit(0.1), ozone=ozone)
    with pytest.raises(InputError, match="ozone is missing in 2 of 3 hours, first in hour 0"):
        nitrogen_dioxide(nox, OzoneLimit(0.1))
    got = nitrogen_dioxide(nox, OzoneLimit(0.1, without_ozone="equilibrium"), ozone=ozone)
    assert got[2, 0] == pytest.approx([360.0, 9.0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FixedShare(1.2), "is 1.2: it must be in 0-1"),
        (lambda: AmbientRatio(0.9, 0.5), "least share 0.9 of NO2 in NOx is above the largest, 0.5"),
        (lambda: OzoneLimit((0.1, -0.1)), "in emitted NOx is -0.1"),
        (lambda: OzoneLimit(without_ozone="guess"), "must be 'refuse' or 'equilibrium'"),
        (lambda: nitrogen_dioxide(NOX, OzoneLimit((0.1,) * 3), ozone=np.ones(1)), "3 shares .* for 2 sources"),
        (lambda: nitrogen_dioxide(NOX, OzoneLimit(together=(1,)), ozone=np.ones(1)), "1 numbers .* for 2 sources"),
        (lambda: nitrogen_dioxide(NOX, OzoneLimit(), ozone=np.ones(2)), "ozone of 2 hours for NOx of 1"),
        (lambda: nitrogen_dioxide(NOX, OzoneLimit(), ozone=-np.ones(1)), "ozone of hour 0 is -1.0"),
        (lambda: nitrogen_dioxide(NOX[0], AmbientRatio()), "NOx has 2 axes"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]
