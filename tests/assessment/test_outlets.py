"""A stack or a waste-water outlet over its permit is suspected, never convicted, and marked data is no evidence."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.assessment import fold_to_reference, outlet_verdicts
from bihuan.core import InputError, Place, Verdict, text
from bihuan.register import Outlet, PermitLimit
from tests.assessment.frames import local

START = "2024-06-01T08:00"
STACK = Outlet(
    id="DA001",
    name="锅炉排口",
    enterprise="E1",
    place=Place(113.6, 34.7),
    district="410102",
    medium="air",
    o2_reference=9.0,
    limits=(
        PermitLimit("nox", 50.0, "hour", "permit 1, GB 13271-2014"),
        PermitLimit("so2", 10.0, "hour"),
        PermitLimit("pm", 10.0, "day"),
    ),
)
PIPE = Outlet(
    id="DW001",
    name="总排口",
    enterprise="E1",
    place=Place(113.6, 34.7),
    district="410102",
    medium="water",
    limits=(PermitLimit("cod", 50.0, "day", "GB 18918-2002 1A"),),
)


def cell(pollutant: str, value: float | None, **changed: Any) -> dict[str, Any]:
    base = {
        "site": "outlet:DA001",
        "pollutant": pollutant,
        "stat": "avg",
        "basis": "device",
        "start": local(START),
        "end": local(START) + timedelta(hours=1),
        "value": value,
        "count": 60,
        "mark": "N",
        "quality": "good",
        "reason": "",
        "level": "realtime",
    }
    return base | changed


def judge(*cells: dict[str, Any], outlet: Outlet = STACK, averaging: Any = "hour", **more: Any) -> tuple[Verdict, ...]:
    return outlet_verdicts(outlet, pl.DataFrame(list(cells)), averaging=averaging, **more)


def test_folding_to_reference_oxygen() -> None:
    folded = fold_to_reference(np.array([40.0, 40.0, 40.0]), np.array([9.0, 15.0, 6.0]), 9.0)
    assert folded.tolist() == [40.0, 80.0, 32.0]


def test_hours_that_cannot_be_folded_are_missing_not_huge() -> None:
    oxygen = np.array([21.0, 21.4, 25.0, -1.0, np.nan])
    assert np.isnan(fold_to_reference(np.full(5, 40.0), oxygen, 9.0)).all()
    with pytest.raises(InputError, match="21"):
        fold_to_reference(np.array([1.0]), np.array([9.0]), 21.0)


@given(st.floats(0, 1000), st.floats(0, 20.9), st.floats(0, 20))
def test_more_oxygen_never_lowers_the_folded_value(value: float, oxygen: float, reference: float) -> None:
    low, high = fold_to_reference(np.array([value, value]), np.array([oxygen / 2, oxygen]), reference)
    assert low <= high


def test_a_folded_hour_over_the_permit_is_suspected() -> None:
    (verdict,) = judge(cell("nox", 40.0), cell("o2", 12.0))
    assert (verdict.label, verdict.value, verdict.kind) == ("suspected_over", pytest.approx(40 * 12 / 9), "outlet_hour")
    assert verdict.items == (("nox", verdict.value, None), ("o2", 12.0, None), ("limit", 50.0, None))
    assert verdict.standard == "permit 1, GB 13271-2014"
    assert "HJ 76-2017" in verdict.clause
    assert [str(ref) for ref in verdict.inputs] == [
        "reading:outlet:DA001/nox/avg/device/2024-06-01T00:00:00Z",
        "reading:outlet:DA001/o2/avg/device/2024-06-01T00:00:00Z",
    ]
    assert text(f"verdict.{verdict.label}") == "疑似超标"


def test_the_limit_itself_is_within_the_limit() -> None:
    (verdict,) = judge(cell("nox", 37.5), cell("o2", 12.0))
    assert (verdict.value, verdict.label, verdict.primary) == (50.0, "within", ())
    (over,) = judge(cell("nox", 37.5001), cell("o2", 12.0))
    assert over.label == "suspected_over"


def test_without_oxygen_the_value_that_the_device_folded_is_judged() -> None:
    (verdict,) = judge(cell("nox", 10.0), cell("nox", 55.0, stat="zs_avg"))
    assert (verdict.label, verdict.value) == ("suspected_over", 55.0)
    assert str(verdict.inputs[0]).split("/")[2] == "zs_avg"
    (nothing,) = judge(cell("nox", 10.0))
    assert (nothing.label, nothing.value, nothing.reason) == ("no_value", None, "no_items")


def test_air_in_the_stack_gives_no_value() -> None:
    (verdict,) = judge(cell("nox", 3.0), cell("o2", 21.0))
    assert (verdict.label, verdict.value, verdict.reason) == ("no_value", None, "cannot_be_folded")


@pytest.mark.parametrize("mark", ["F", "M", "S", "D", "C", "T", "B", "N;D"])
@pytest.mark.parametrize("which", ["nox", "o2"])
def test_marked_hours_are_no_evidence(mark: str, which: str) -> None:
    marks = {"nox": "N", "o2": "N"} | {which: mark}
    (verdict,) = judge(cell("nox", 400.0, mark=marks["nox"]), cell("o2", 12.0, mark=marks["o2"]))
    assert (verdict.label, verdict.reason) == ("not_evidence", "marked_invalid")
    assert verdict.value is not None


def test_an_hour_without_any_mark_is_judged() -> None:
    assert judge(cell("nox", 400.0, mark=""), cell("o2", 12.0, mark=""))[0].label == "suspected_over"


def test_a_bad_value_is_no_evidence_and_a_suspect_one_is() -> None:
    (bad,) = judge(cell("nox", 400.0, quality="bad"), cell("o2", 12.0))
    (suspect,) = judge(cell("nox", 400.0, quality="suspect"), cell("o2", 12.0))
    assert (bad.label, bad.reason) == ("not_evidence", "flagged_bad")
    assert suspect.label == "suspected_over"
    (missing,) = judge(cell("nox", 400.0, quality="missing"), cell("o2", 12.0))
    assert missing.label == "no_value"


def test_the_devices_own_hour_is_the_hour_of_record() -> None:
    (verdict,) = judge(
        cell("nox", 99.0, basis="minutes"), cell("nox", 20.0), cell("o2", 9.0, basis="minutes"), cell("o2", 9.0)
    )
    assert (verdict.label, verdict.value) == ("within", 20.0)


def test_each_limit_and_hour_has_its_own_verdict_with_an_id_from_content() -> None:
    later = {"start": local(START) + timedelta(hours=1), "end": local(START) + timedelta(hours=2)}
    cells = [cell("nox", 40.0), cell("so2", 5.0), cell("o2", 9.0), cell("nox", 60.0, **later), cell("o2", 9.0, **later)]
    other = cell("nox", 900.0, site="outlet:DA002")
    verdicts = judge(*cells, other)
    assert [(one.items[0][0], one.label) for one in verdicts] == [
        ("nox", "within"),
        ("so2", "within"),
        ("nox", "suspected_over"),
    ]
    assert len({one.id for one in verdicts}) == 3
    assert [one.id for one in judge(*reversed(cells))] == [one.id for one in verdicts]
    assert verdicts[1].standard == "HJ 76-2017"


def test_the_daily_mean_of_waste_water_takes_the_same_path() -> None:
    day = {"site": "outlet:DW001", "basis": "hours", "end": local(START) + timedelta(days=1)}
    (over,) = judge(cell("cod", 50.1, **day), outlet=PIPE, averaging="day")
    (within,) = judge(cell("cod", 50.0, **day), outlet=PIPE, averaging="day")
    assert (over.kind, over.label, over.unit, over.standard) == (
        "outlet_day",
        "suspected_over",
        "mg/L",
        "GB 18918-2002 1A",
    )
    assert within.label == "within"
    assert judge(cell("cod", 50.1, **day), outlet=PIPE, averaging="hour") == ()


def test_nobody_is_called_guilty() -> None:
    for language in ("zh", "en"):
        words = text("verdict.suspected_over", language)  # type: ignore[arg-type]
        assert "违法" not in words
        assert "illegal" not in words.lower()
