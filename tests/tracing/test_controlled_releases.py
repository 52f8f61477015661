"""Real controlled releases of methane (METEC, ADED 2022, one published week) traced with the defaults for a city.

Five candidate groups stand 40 m apart with eight sensors around them, a hundred times smaller than a city; only
the block and the memory of the direction are shortened to the scale of the place. Begin and end of each release are
given, rates and locations are not.
"""

from pathlib import Path

import pytest
from benchmarks.controlled_release_city import HEIGHT, PLANE, SETTINGS, score, trace

from bihuan.core import ForwardModel
from bihuan.physics import EnginePlume, GaussianPlume

SIMPLE = GaussianPlume(PLANE, receptor_height=HEIGHT)
ENGINE = EnginePlume(PLANE, receptor_height=HEIGHT)


@pytest.mark.reference
@pytest.mark.parametrize(("physics", "located"), [(SIMPLE, 13), (ENGINE, 15)], ids=["simple", "engine"])
def test_controlled_releases_are_located_as_measured(shared: Path, physics: ForwardModel, located: int) -> None:
    rows = trace(shared / "data" / "receptor" / "ste" / "aded2022_week_neutral", physics, SETTINGS)
    found = score(rows, "2022-05-12")
    assert found["releases"] == 16
    # Measured: 13 and 15, of which 11 and 15 rates within a factor of 2, 13 and 15 in the interval; one is left free.
    # A published method with these data locates 16 of 16, with 0.72 of its rates within 2.
    assert found["located"] >= located - 1  # type: ignore[operator]
    assert found["within2"] >= 0.7 * located  # type: ignore[operator]
    assert found["held80"] >= 0.7 * located  # type: ignore[operator]
    # Where it is wrong it is too sure: the plume of a block cannot follow winds that turn within a minute.
    assert found["least_odds"] > 0.001  # type: ignore[operator]
