"""Bad input says what cannot be concluded."""

import numpy as np
import polars as pl
import pytest

from bihuan.core import InputError
from bihuan.tracing.sectors import WindHours, blocked, doubts
from tests.tracing.sectors.winds import one_source, times

N = 400
TURN = np.linspace(1, 360, N)


def codes(speed: object, turn: object, value: object, **more: int) -> list[tuple[str, str]]:
    n = len(np.atleast_1d(value))  # type: ignore[arg-type]
    speed, turn = (np.broadcast_to(np.asarray(one, float), n) for one in (speed, turn))
    return [(one.code, one.weight) for one in doubts(WindHours.of(times(n), speed, turn, value), **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speed", "turn", "value", "code"),
    [
        (np.nan, np.nan, np.arange(N) * 1.0, "no_wind"),
        (3.0, np.nan, np.arange(N) * 1.0, "no_wind"),
        (0.2, TURN, np.arange(N) * 1.0, "all_calm"),
        (3.0, TURN, np.full(N, np.nan), "no_values"),
        (3.0, TURN, np.where(np.arange(N) == 7, 5.0, np.nan), "one_value"),
        (3.0, TURN, np.full(N, 41.0), "flat"),
    ],
)
def test_what_cannot_be_concluded_blocks(speed: object, turn: object, value: object, code: str) -> None:
    found = codes(speed, turn, value)
    assert found[0] == (code, "blocks")


def test_little_is_said_with_care() -> None:
    assert codes(3.0, TURN[:100], np.arange(100.0)) == [("few_hours", "caution")]
    speed = np.where(np.arange(N) % 5 < 3, 0.1, 3.0)
    assert codes(speed, TURN, np.arange(N) * 1.0) == [("mostly_calm", "caution")]
    assert codes(3.0, 92.0, np.arange(N) * 1.0) == [("one_direction", "caution")]
    assert ("few_days", "caution") in codes(3.0, TURN, np.arange(N) * 1.0, few_days=30)
    holed = np.where(np.arange(N) % 2 == 0, np.arange(N) * 1.0, np.nan)
    assert codes(3.0, TURN, holed) == [("gaps", "caution")]


def test_good_hours_leave_no_doubt_and_none_at_all_is_said() -> None:
    assert doubts(one_source()) == ()
    empty = doubts(WindHours.of([], [], [], []))
    assert [one.code for one in empty] == ["no_hours"] and blocked(empty)


def test_an_hour_that_stands_twice_and_columns_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="stands twice"):
        WindHours.of(times(1).repeat(2), [1, 1], [1, 1], [1, 1])
    with pytest.raises(InputError, match="differ in length"):
        WindHours.of(times(2), [1], [1, 1], [1, 1])
    with pytest.raises(InputError, match="columns wind_from are missing"):
        WindHours.of_frame(pl.DataFrame({"start": times(1), "wind_speed": [1.0], "pm25": [1.0]}), "pm25")
