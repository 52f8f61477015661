"""Project Prairie Grass 1956 as measured: ours scores as AERMOD 24142 does on the same meteorology."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.physics.steady.prairie_grass import arc_maxima, robust_highest, scores


def test_the_robust_highest_concentration_of_an_exponential_tail_is_its_own_estimate() -> None:
    # ranks of an exponential: X(k) = ln(n / k) gives N = 26 a tail whose mean excess is near 1
    ranked = np.log(1000.0 / np.arange(1, 1001))
    tail = ranked[:25].mean() - ranked[25]
    assert robust_highest(ranked) == pytest.approx(ranked[25] + tail * np.log(77 / 2), abs=1e-12)
    assert tail == pytest.approx(1.0, abs=0.1)


@pytest.mark.reference
def test_ours_scores_as_aermod_against_the_measured_arc_maxima(shared: Path) -> None:
    observed, ours, theirs = arc_maxima(shared)
    assert len(observed) == 175
    mine, peer = scores(observed, ours), scores(observed, theirs)
    assert peer == pytest.approx((0.209, 0.362, 1.094, 1.245, 0.92, 0.864), abs=5e-4)  # as published beside the data
    bias, scatter, mean, variance, within, highest = (np.array(mine) - np.array(peer)).tolist()
    assert abs(bias) <= 0.03
    assert abs(scatter) <= 0.05
    assert abs(within) <= 0.03
    assert abs(mean / peer[2]) <= 0.05
    assert abs(variance / peer[3]) <= 0.05
    assert abs(highest / peer[5]) <= 0.05
