"""What loggers owe, as the loop keeps it: gaps, recall, times on line, two peers under one MN."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from bihuan.app.gapkeeping import gaps_of
from bihuan.app.loop import TICK, Loop
from bihuan.app.notify import Notifications
from bihuan.app.ordering import Order, orders_of, save
from bihuan.app.presence import Arrival, PresenceKeeper, doubles_of, spells_of
from bihuan.app.recall import ANSWERED_WITHIN, BACK_OFF, PERSON, SETTING, Recaller
from bihuan.core import CHINA, parse_instant, to_json
from bihuan.observations import Gap
from bihuan.register import Device
from bihuan.store import CitySetting, Journal, Store, encode_entry, open_store
from tests.app.small import MNS, facts, minute_frame

T0 = datetime(2026, 3, 1, 11, tzinfo=UTC)


def orders(place: Place) -> list[Order]:
    """Orders in the records, the earliest first."""
    return [order for mn in MNS for order in reversed(orders_of(place.store, mn))]


@dataclass
class Place:
    """A small city with a loop and a journal."""

    store: Store
    loop: Loop
    writer: Journal
    now: datetime = T0

    def send(self, *starts: datetime, mn: str = MNS[0], peer: str = "10.0.0.1:4001", value: float = 30.0) -> None:
        frames = [minute_frame(mn, at, value, number) for number, at in enumerate(starts)]
        self.writer.append([encode_entry(raw, self.now, peer, "known") for raw in frames])

    def step(self, ticks: int = 1) -> tuple[Gap, ...]:
        found: tuple[Gap, ...] = ()
        for _ in range(ticks):
            self.now += TICK
            found = self.loop.step(self.now, until=self.now).watched.gaps
        return found


@contextmanager
def living(home: Path, recalled: bool = True) -> Iterator[Place]:
    with open_store(home, threads=1) as store:
        store.records.save_facts(facts())
        if not recalled:
            store.settings.set(CitySetting(SETTING, {"on": False}, T0.date(), "P1", "asked for by hand", T0))
        loop = Loop(store, CHINA, Notifications((), home / "n.jsonl"), T0)
        writer = Journal(home / "journal", "g1")
        try:
            yield Place(store, loop, writer)
        finally:
            writer.close()


def minutes(*steps: int) -> list[datetime]:
    return [T0 + TICK * step for step in steps]


def lived(place: Place, silent: range) -> None:
    """Let the first logger live an hour and a half, silent for some of its reports."""
    for step in range(18):
        if step not in silent:
            place.send(T0 + TICK * step)
        place.step()


def test_a_gap_is_kept_and_closed_by_what_comes_late(tmp_path: Path) -> None:
    with living(tmp_path, recalled=False) as place:
        lived(place, range(4, 8))
        (gap,) = gaps_of(place.store.records)
        assert (gap.device, gap.start, gap.missing, gap.state) == (MNS[0], T0 + TICK * 4, 4, "open")
        place.send(*minutes(4, 5))
        place.step()
        (gap,) = gaps_of(place.store.records)
        assert (gap.missing, gap.lost, gap.resent) == (2, 4, 2)
        place.send(*minutes(6, 7))
        place.step()
        (gap,) = gaps_of(place.store.records)
        assert (gap.state, gap.missing, gap.closed) == ("filled", 0, place.now)
        assert place.store.records.count("gap", state="open") == 0


def test_a_gap_is_recalled_once_its_logger_speaks_again_and_what_comes_is_marked(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        lived(place, range(4, 8))
        (order,) = orders(place)
        (gap,) = gaps_of(place.store.records)
        assert (order.device, order.command, order.person) == (MNS[0], "recall_minute", PERSON)
        assert [parse_instant(order.arguments[name]) for name in ("begin", "end")] == [gap.start, gap.end]
        assert (order.reason, gap.state, gap.asked[0].order) == (f"gap:{gap.id}", "recalled", order.id)
        place.send(*minutes(4, 5, 6, 7))
        place.step()
        (gap,) = gaps_of(place.store.records)
        assert (gap.state, gap.recalled, gap.resent) == ("filled", 4, 0)
        rows = place.store.series.readings([MNS[0]], interval="minute")
        assert rows["origin"].to_list()[4:8] == ["recalled"] * 4
        assert set(rows["origin"].to_list()[:4]) == {"live"}
        assert [entry.actor for entry in place.store.ledger.entries()] == [PERSON]


def test_a_silent_logger_is_not_asked(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        lived(place, range(4, 30))
        assert gaps_of(place.store.records)[0].state == "open"
        assert orders(place) == []


def test_what_does_not_come_is_asked_for_again_later_and_later_and_given_up(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        lived(place, range(4, 8))
        asked = []
        (gap,) = gaps_of(place.store.records)
        for _ in range(700):
            place.send(place.now)
            place.step()
            (gap,) = gaps_of(place.store.records)
            asked = [one.at for one in gap.asked]
            if gap.state == "given_up":
                break
        assert len(asked) == len(BACK_OFF)
        waits = [after - before for before, after in itertools.pairwise(asked)]
        assert waits == [max(wait, ANSWERED_WITHIN) for wait in BACK_OFF[:-1]]
        place.send(*minutes(4, 5, 6, 7))
        place.step()
        (gap,) = gaps_of(place.store.records)
        assert gap.state == "filled", "what was given up may come all the same"


def test_a_city_may_switch_recall_off_for_one_logger(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        setting = CitySetting(SETTING, {"off": [MNS[0]]}, T0.date(), "P1", "its operator asks by hand", T0)
        place.store.settings.set(setting)
        lived(place, range(4, 8))
        assert orders(place) == []


def test_long_ranges_are_cut_and_only_so_many_orders_are_on_their_way(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        value = {"reports": 3, "at_once": 1}
        place.store.settings.set(CitySetting(SETTING, value, T0.date(), "P1", "a slow line", T0))
        for step in range(18):
            for mn in MNS[:2]:
                if step not in range(4, 8):
                    place.send(T0 + TICK * step, mn=mn)
            place.step()
        (order,) = orders(place)
        begin, end = (parse_instant(order.arguments[name]) for name in ("begin", "end"))
        assert end - begin == TICK * 3


def test_an_order_that_failed_frees_its_place(tmp_path: Path) -> None:
    with living(tmp_path) as place:
        lived(place, range(4, 8))
        (gap,) = gaps_of(place.store.records)
        recaller = place.loop.watch._recaller
        assert isinstance(recaller, Recaller)
        assert recaller._waits(gap, place.now)
        save(place.store, msgspec.structs.replace(orders(place)[0], state="failed"))
        assert not recaller._waits(gap, place.now)


def test_a_step_that_is_taken_again_and_a_new_process_make_the_same_gaps(tmp_path: Path) -> None:
    kept = []
    for home, restart in ((tmp_path / "a", False), (tmp_path / "b", True)):
        with living(home, recalled=False) as place:
            for step in range(30):
                if step not in (*range(4, 8), 11, 15):
                    place.send(T0 + TICK * step)
                if step == 20:
                    place.send(*minutes(5, 11))
                if restart and step % 3 == 0:
                    place.loop = Loop(place.store, CHINA, Notifications((), home / "n.jsonl"), T0)
                place.step()
            kept.append([to_json(gap) for gap in gaps_of(place.store.records)])
    assert kept[0] == kept[1]
    assert len(kept[0]) == 3


# ---- times on line ----


def device(mn: str = "A") -> Device:
    return Device(id=mn, name="", site="station:1", rhythm={"minute": 60})


def arrivals(*came: tuple[float, str], mn: str = "A") -> list[Arrival]:
    return [Arrival(mn, T0 + timedelta(minutes=at), peer) for at, peer in came]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path, threads=1) as store:
        yield store


def test_times_on_line_end_by_silence_or_by_another_address(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    keeper.step(known, arrivals((0, "10.0.0.1:4001"), (1, "10.0.0.1:4001"), (2, "10.0.0.1:4002")), T0 + TICK)
    keeper.step(known, arrivals((6, "10.0.0.2:5000")), T0 + TICK * 2)
    keeper.step(known, [], T0 + TICK * 4)
    keeper.step(known, arrivals((31, "10.0.0.2:5001")), T0 + TICK * 7)
    found = [
        (one.peer, (one.last - one.first) / timedelta(minutes=1), one.why) for one in spells_of(store.records, "A")
    ]
    assert found == [("10.0.0.2", 0.0, ""), ("10.0.0.2", 0.0, "silent"), ("10.0.0.1", 2.0, "moved")]
    assert spells_of(store.records, "A")[-1].connections == 2
    assert doubles_of(store.records) == []


def test_two_peers_under_one_mn_are_told_with_both_addresses_and_times(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    came = arrivals((0, "10.0.0.1:4001"), (1, "10.0.0.9:6000"), (2, "10.0.0.1:4001"), (3, "10.0.0.9:6000"))
    (double,) = keeper.step(known, came, T0 + TICK)
    assert double.peers == ["10.0.0.1:4001", "10.0.0.9:6000"]
    assert [(at - T0) / timedelta(minutes=1) for at in double.seen] == [2.0, 3.0]
    assert (double.times, double.first) == (2, T0 + timedelta(minutes=2))
    again = PresenceKeeper(store.records)
    came = arrivals((6, "10.0.0.1:4001"), (7, "10.0.0.9:6000"), (8, "10.0.0.1:4001"))
    (double,) = again.step(known, came, T0 + TICK * 2)
    assert double.times == 3, "of one day there is one notice, after a restart too"
    assert [one.id for one in doubles_of(store.records, "A")] == [double.id]


def test_a_logger_that_connects_anew_for_every_frame_is_no_two(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    came = arrivals(*((n / 2, f"10.0.0.1:{4000 + n}") for n in range(40)))
    assert keeper.step(known, came, T0 + TICK * 4) == []
    (spell,) = spells_of(store.records, "A")
    assert (spell.connections, spell.frames) == (40, 40)


def test_names_of_files_and_topics_of_one_device_are_no_two_peers(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    topics = [(n, f"mqtt:A@broker:1883/stations/A/{'data' if n % 2 else 'state'}") for n in range(10)]
    assert keeper.step(known, arrivals(*topics), T0 + TICK * 2) == []
    (spell,) = spells_of(store.records, "A")
    assert (spell.peer, spell.connections, spell.frames) == ("mqtt:broker", 1, 10)
    files = [(n, f"file:B@{'hours' if n % 2 else 'minutes'}.csv") for n in range(10)]
    assert PresenceKeeper(store.records).step({"B": device("B")}, arrivals(*files, mn="B"), T0 + TICK * 2) == []
    assert spells_of(store.records, "B") == [], "an imported file says nothing about a line"


def test_a_file_imported_while_the_logger_reports_is_no_second_peer(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    came = [(n, "10.0.0.1:4001" if n % 2 else "file:A@backfill.csv") for n in range(10)]
    assert keeper.step(known, arrivals(*came), T0 + TICK * 2) == []
    assert [one.peer for one in spells_of(store.records, "A")] == ["10.0.0.1"]


def test_two_brokers_under_one_device_are_two(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    came = [(n, f"mqtt:A@{'one' if n % 2 else 'two'}:1883/stations/A") for n in range(4)]
    (double,) = keeper.step(known, arrivals(*came), T0 + TICK)
    assert double.peers == ["mqtt:one:1883", "mqtt:two:1883"]


def test_loggers_behind_one_router_that_connect_again_from_ports_given_out_anew_are_no_two(store: Store) -> None:
    """Sixty loggers behind one address, each with a new connection for every report, from a pool of seventy ports."""
    mns = [f"L{k}" for k in range(60)]
    known = {mn: device(mn) for mn in mns}
    rng, keeper = Random(7), PresenceKeeper(store.records)
    free = [(4001 + k, -99.0) for k in range(600)]  # a port, and when it was given back
    for report in range(30):
        came = []
        for mn in mns:
            at = report * 5 + rng.random()
            ports = [one for one in free if at - one[1] >= 4]  # as RFC 5382 has it
            port = rng.choice(ports)
            free[free.index(port)] = (port[0], at)
            came += arrivals((at, f"203.0.113.9:{port[0]}"), mn=mn)
        assert keeper.step(known, came, T0 + TICK * (report + 1)) == []
    assert doubles_of(store.records) == []


def test_a_logger_that_changes_between_two_ports_at_each_report_of_ten_minutes_is_no_two(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    came = arrivals(*((10 * n, f"203.0.113.9:{4001 + n % 2}") for n in range(12)))
    assert keeper.step(known, came, T0 + TICK * 24) == []


def test_two_loggers_behind_one_address_that_report_each_minute_are_two_from_the_third_turn_on(store: Store) -> None:
    keeper, known = PresenceKeeper(store.records), {"A": device()}
    came = [(n / 2, f"203.0.113.9:{4001 + n % 2}") for n in range(5)]
    (double,) = keeper.step(known, arrivals(*came), T0 + TICK)
    assert (double.peers, double.times) == (["203.0.113.9:4001", "203.0.113.9:4002"], 1)
    assert keeper.step(known, arrivals((3, "203.0.113.9:4003")), T0 + TICK * 2) == []


def test_a_restart_goes_on_with_the_spell_that_lasts(store: Store) -> None:
    known = {"A": device()}
    PresenceKeeper(store.records).step(known, arrivals((0, "10.0.0.1:1")), T0 + TICK)
    again = PresenceKeeper(store.records, {"A": T0 + timedelta(minutes=14)})
    again.step(known, [], T0 + TICK * 4)
    again.step(known, arrivals((21, "10.0.0.1:2")), T0 + TICK * 5)
    (spell,) = spells_of(store.records, "A")
    assert (spell.why, spell.first) == ("", T0)
