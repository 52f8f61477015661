"""Split messages: what stands on both sides of a cut becomes one item, in any order of arrival."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.core import Reading
from bihuan.devices.hj212 import Hj212Adapter, wrap
from tests.devices.samples import RECEIVED, air, device, reasons, segment

ITEMS = "a34004-Avg=40.25,a34004-Flag=N;a34002-Avg=61.5,a34002-Flag=D;a21026-Avg=7.125,a21026-Flag=N"
WHOLE = {"pm25": (40.25, "N"), "pm10": (61.5, "D"), "so2": (7.125, "N")}


def part(text: str, number: int, of: int, stamped: bool = True) -> bytes:
    stamp = "DataTime=20260101070000;" if stamped else ""
    return wrap(segment(f"{stamp}{text}", "2061", f"2026010108000{number:04d}", "Flag=7;", f"PNUM={of};PNO={number};"))


def last_of(readings: list[Reading]) -> dict[str, tuple[float | None, str]]:
    """As the series keeps them: of one key the last that came."""
    return {one.pollutant: (one.value, one.mark) for one in readings}


def decoded(frames: list[bytes]) -> tuple[dict[str, tuple[float | None, str]], list[str]]:
    adapter = Hj212Adapter(device())
    readings: list[Reading] = []
    said: list[str] = []
    for frame in frames:
        made = adapter.decode(frame, RECEIVED, "F")
        readings += made.readings
        said += reasons(made.complaints)
    said += reasons(adapter.decode(air(), RECEIVED + timedelta(seconds=90), "F9").complaints)
    return last_of(readings), said


@settings(max_examples=300, deadline=None)
@given(st.integers(1, len(ITEMS) - 1), st.booleans(), st.booleans())
def test_a_message_cut_anywhere_gives_what_the_whole_one_gives(at: int, swapped: bool, stamped: bool) -> None:
    frames = [part(ITEMS[:at], 1, 2), part(ITEMS[at:], 2, 2, stamped or swapped)]
    found, said = decoded(frames[::-1] if swapped else frames)
    assert found == WHOLE
    assert swapped or not said  # a tail that comes first may look like a misprint


@settings(max_examples=150, deadline=None)
@given(st.sets(st.integers(1, len(ITEMS) - 1), min_size=2, max_size=2))
def test_a_message_cut_twice_gives_what_the_whole_one_gives(cuts: set[int]) -> None:
    first, second = sorted(cuts)
    frames = [part(ITEMS[:first], 1, 3), part(ITEMS[first:second], 2, 3), part(ITEMS[second:], 3, 3)]
    assert decoded(frames)[0] == WHOLE


def test_a_value_that_may_go_on_is_not_believed_before_the_next_part_comes() -> None:
    """``40`` at the end of a part may be the beginning of ``40.25``."""
    adapter = Hj212Adapter(device())
    at = ITEMS.index("61.5") + 2
    first = adapter.decode(part(ITEMS[:at], 1, 2), RECEIVED, "F1")
    assert last_of(list(first.readings)) == {"pm25": (40.25, "N")} and not first.complaints
    second = adapter.decode(part(ITEMS[at:], 2, 2), RECEIVED, "F2")
    assert last_of(list(second.readings)) == {"pm10": (61.5, "D"), "so2": (7.125, "N")} and not second.complaints


def test_where_the_next_part_never_comes_its_beginning_is_not_used_and_that_is_said() -> None:
    found, said = decoded([part(ITEMS[: ITEMS.index("61.5") + 2], 1, 2)])
    assert found == {"pm25": (40.25, "N")} and said == ["parts_missing"]


def test_a_mark_in_the_next_part_reaches_its_value() -> None:
    at = ITEMS.index("a34002-Flag")
    found, said = decoded([part(ITEMS[: at - 1], 1, 2), part(ITEMS[at:], 2, 2)])
    assert found == WHOLE and not said


def test_two_messages_at_once_do_not_mix() -> None:
    other = wrap(segment("DataTime=20260101060000;a34004-Avg=1,a34004-Flag=N;a210", "2061", more="PNUM=2;PNO=1;"))
    found, said = decoded([other, part(ITEMS[:30], 1, 2), part(ITEMS[30:], 2, 2)])
    assert found == WHOLE and said == ["parts_missing"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(alphabet="a34=;,-Flag1DataTime", max_size=30), st.integers(0, 120), st.integers(0, 120)),
        max_size=12,
    )
)
def test_no_parts_raise(parts: list[tuple[str, int, int]]) -> None:
    adapter = Hj212Adapter(device())
    for second, (text, number, of) in enumerate(parts):
        adapter.decode(part(text, number, of), RECEIVED + timedelta(seconds=second * 7), "F")
