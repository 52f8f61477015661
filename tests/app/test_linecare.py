"""What is done at a line by itself: the first connection, the clock, keys that grow old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bihuan.app.linecare import CLOCK, FIRST, LINE_CARE, key_ages, note_keys
from bihuan.app.ordering import Order, orders_of, save
from bihuan.core import DAY, HOUR
from bihuan.register import Device
from bihuan.store import CitySetting
from tests.app.hamlet import MIDNIGHT, Hamlet
from tests.app.test_settingbook import tell

SEQUENCE = {"set_clock", "set_timeout", "set_minute_interval", "stop_rt", "stop_states"}


def switch(town: Hamlet, **value: object) -> None:
    town.store.settings.set(CitySetting(LINE_CARE, value, MIDNIGHT.date(), "engineer", "new loggers", MIDNIGHT))


def speaks(town: Hamlet, mn: str = "MN1") -> list[Order]:
    """One report of a logger and a step; what it was ordered by then."""
    town.report(mn, "minute", town.now, {"pm10": 60.0})
    town.step()
    return orders_of(town.store, mn)


def test_a_logger_that_connects_for_the_first_time_is_set_up_once_by_the_system(tmp_path: Path) -> None:
    with Hamlet(tmp_path) as town:
        switch(town, first=True)
        made = speaks(town)
        assert {one.command for one in made} == SEQUENCE
        assert {one.person for one in made} == {FIRST}
        rows = [entry for entry in town.store.ledger.entries() if entry.action == "order"]
        assert len(rows) == len(SEQUENCE) and {entry.actor for entry in rows} == {FIRST}
        assert len(speaks(town)) == len(SEQUENCE)
        town.reopen()
        assert len(speaks(town)) == len(SEQUENCE), "a restart makes no first connection"


def test_nothing_is_ordered_where_nobody_switched_it_on_and_later_only_what_is_new(tmp_path: Path) -> None:
    with Hamlet(tmp_path) as town:
        assert speaks(town) == []
        switch(town, first=True, off=["MN3"])
        assert speaks(town) == [], "it was there before"
        assert len(speaks(town, "MN2")) == len(SEQUENCE)
        assert speaks(town, "MN3") == [], "it is to be left alone"


def test_a_device_that_asks_for_the_time_is_told_it_at_most_once_an_hour(tmp_path: Path) -> None:
    with Hamlet(tmp_path) as town:
        for minutes, asked in ((0, 1), (10, 1), (70, 2)):
            town.now = MIDNIGHT + timedelta(minutes=minutes)
            tell(town, "1013", [[("PolId", "a21026")]])
            town.step(town.now + timedelta(minutes=5))
            orders = orders_of(town.store, "MNA")
            assert [one.command for one in orders] == ["set_clock"] * asked
            for order in orders:
                save(town.store, Order(**{f: getattr(order, f) for f in order.__struct_fields__} | {"state": "done"}))
        assert {one.person for one in orders} == {CLOCK}


def test_a_city_may_leave_the_clocks_alone(tmp_path: Path) -> None:
    with Hamlet(tmp_path) as town:
        switch(town, clock=False)
        tell(town, "1013", [[("PolId", "a21026")]])
        town.step()
        assert orders_of(town.store, "MNA") == []


@pytest.mark.parametrize(("days", "state"), [(0, "fresh"), (75, "fresh"), (76, "near"), (89, "near"), (90, "over")])
def test_a_key_is_said_to_be_near_its_end_and_a_new_one_is_fresh(tmp_path: Path, days: int, state: str) -> None:
    with Hamlet(tmp_path) as town:
        device = Device(id="K1", name="", site="station:s1", protocol="hj212-2025", cipher_key="A" * 16)
        note_keys(town.store, {"K1": device}, MIDNIGHT)
        note_keys(town.store, {"K1": device}, MIDNIGHT + HOUR)
        now = MIDNIGHT + days * DAY
        (age,) = key_ages(town.store, [device], now).values()
        assert (age.since, age.ends, age.state, age.status) == (MIDNIGHT, MIDNIGHT + 90 * DAY, state, "single_source")
        other = replace(device, cipher_key="B" * 16)
        note_keys(town.store, {"K1": other}, now)
        (fresh,) = key_ages(town.store, [other], now).values()
        assert (fresh.since, fresh.state) == (now, "fresh")
        body = town.store.records.state("hj212/keys")
        assert body is not None and b"AAAA" not in body and b"BBBB" not in body, "no record holds a key"
        assert key_ages(town.store, [replace(device, cipher_key="")], now) == {}
