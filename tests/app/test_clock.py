"""Clocks: the wall's, the city's at a pace or by hand, and the one that notices a jump."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bihuan.app.clock import CityClock, Clock, JumpWatch, WallClock, clock_of
from bihuan.core import SettingError

T0 = datetime(2026, 1, 31, 16, tzinfo=UTC)


class ToldClock:
    """A clock that shows what it is told."""

    def __init__(self) -> None:
        self.wall, self.seconds = T0, 100.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    async def wait_until(self, instant: datetime) -> None:
        raise NotImplementedError

    def run(self, seconds: float, jump: float = 0.0) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds + jump)


def test_the_wall_clock_is_in_utc_and_waits() -> None:
    clock = WallClock()
    begun = clock.now()
    assert begun.utcoffset() == timedelta(0)
    asyncio.run(clock.wait_until(begun + timedelta(milliseconds=30)))
    assert clock.now() - begun >= timedelta(milliseconds=30)


def test_a_city_runs_at_its_pace() -> None:
    clock = CityClock(T0, pace=3600.0)
    asyncio.run(clock.wait_until(T0 + timedelta(minutes=2)))
    assert timedelta(minutes=2) <= clock.now() - T0 < timedelta(hours=2)


def test_a_city_clock_without_pace_moves_only_by_hand_and_never_back() -> None:
    clock = CityClock(T0)
    assert clock.now() == T0
    clock.advance_to(T0 + timedelta(hours=5))
    clock.advance_to(T0)
    assert clock.now() == T0 + timedelta(hours=5)
    asyncio.run(clock.wait_until(T0 + timedelta(days=365)))
    assert clock.now() == T0 + timedelta(days=365)


def test_a_running_city_clock_is_not_moved_by_hand() -> None:
    with pytest.raises(SettingError, match="cannot be moved"):
        CityClock(T0, pace=60.0).advance_to(T0)


@pytest.mark.parametrize("pace", [0.0, -1.0])
def test_a_pace_that_stands_or_goes_back_is_refused(pace: float) -> None:
    with pytest.raises(SettingError, match="more than 0"):
        CityClock(T0, pace=pace)


def test_another_process_gets_the_same_clock_by_its_description() -> None:
    clock = CityClock(T0, pace=60.0)
    twin = clock_of(clock.describe())
    assert abs(twin.now() - clock.now()) < timedelta(seconds=10)
    assert clock_of(CityClock(T0).describe()).now() == T0
    assert isinstance(clock_of("wall"), WallClock)
    with pytest.raises(SettingError, match="write wall"):
        clock_of("city@soon")


def test_a_clock_that_is_set_is_noticed_once_and_by_how_much() -> None:
    clock: Clock = (told := ToldClock())
    watch = JumpWatch(clock)
    told.run(60)
    assert watch.check() is None
    told.run(1, jump=3600)
    assert watch.check() == timedelta(hours=1)
    told.run(1)
    assert watch.check() is None
    told.run(1, jump=-30)
    assert watch.check() == timedelta(seconds=-30)
    told.run(1, jump=1.5)
    assert watch.check() is None
