"""Orders to a logger that another host of the lake hears: they go there, and what comes of them comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest

from bihuan.app.gateway import OrderFile, Told
from bihuan.app.heardat import heard_elsewhere
from bihuan.app.orderdesk import OrderBook
from bihuan.app.ordering import order_of, orders_of, place_order
from bihuan.app.orderpost import OrderPost, OrderRelay, post_of, relay_of
from bihuan.core import CHINA, from_json, local_date, to_json
from bihuan.devices.hj212 import encode
from bihuan.register import Device
from bihuan.store import LakeHosts
from tests.app.small import MNS, journal, stamp
from tests.app.test_others import START, Host, hosts  # noqa: F401  # a fixture
from tests.app.test_serve import HandClock
from tests.store.conftest import lake_address, postgresql  # noqa: F401  # fixtures

NOW = START + timedelta(minutes=66)


class Pair:
    """A host that judges, another that only takes in and has heard the second logger, and the post between them."""

    def __init__(self, core: Host, other: Host) -> None:
        self.core, self.other, self.clock = core, other, HandClock(NOW)
        core.hear(MNS[0], range(2), 30.0)
        core.go(START + timedelta(minutes=5))
        other.hear(MNS[1], range(12), 90.0)
        other.go(START + timedelta(minutes=61))
        core.go(START + timedelta(minutes=65))
        post, relay = post_of(core.store, self.clock), relay_of(other.store, self.clock)
        assert post is not None and relay is not None
        self.post: OrderPost = post
        self.relay: OrderRelay = relay
        self.book = OrderBook(core.store, CHINA, self.post)
        for host in (core, other):
            (host.store.home.orders / host.gateway).mkdir(parents=True)

    def order(self, mn: str, command: str, arguments: dict[str, str] | None = None) -> str:
        made = place_order(self.core.store, mn, command, arguments or {}, "person:1", "why", self.clock.now())
        self.core.loop.renew_register()
        return made.id

    def go(self) -> None:
        """Both look, a second later."""
        self.clock.go(1.0)
        self.book.follow(self.core.loop, self.clock.now())
        self.relay.look(local_date(self.clock.now(), CHINA))
        self.clock.go(1.0)
        self.book.follow(self.core.loop, self.clock.now())

    def tell(self, ident: str, told: Told) -> None:
        (self.other.store.home.orders / self.other.gateway / f"{ident}.told").write_bytes(to_json(told))

    def close(self) -> None:
        self.post.close()
        self.relay.close()


@pytest.fixture
def pair(hosts: tuple[Host, Host]) -> Iterator[Pair]:  # noqa: F811
    made = Pair(*hosts)
    yield made
    made.close()


def test_an_order_goes_to_the_host_that_heard_the_device_and_its_end_and_answer_come_back(pair: Pair) -> None:
    own, ident = pair.order(MNS[0], "read_clock"), pair.order(MNS[1], "read_clock")
    pair.go()
    here, there = (host.store.home.orders / host.gateway for host in (pair.core, pair.other))
    assert [path.stem for path in here.glob("*.json")] == [own]
    assert [path.stem for path in there.glob("*.json")] == [ident]
    assert from_json((there / f"{ident}.json").read_bytes(), OrderFile).device == MNS[1]
    qn = f"{stamp(NOW)}001"
    pair.tell(ident, Told("sent", qn, 1, sent=NOW))
    pair.go()
    found = order_of(pair.core.store, ident)
    assert found is not None and (found.state, found.qn) == ("sent", qn)
    answer = encode("1011", MNS[1], [[("SystemTime", stamp(NOW))]], qn=qn, st="22")
    journal(pair.other.home, [(answer, NOW, "known")], pair.other.gateway)
    pair.other.go(NOW)
    pair.core.loop.take(NOW)
    pair.tell(ident, Told("done", qn, 1, 1, executed=1, sent=NOW, ended=NOW))
    pair.go()
    found = order_of(pair.core.store, ident)
    assert found is not None and (found.state, found.executed) == ("done", 1)
    assert found.answer and found.evidence[0].startswith(f"{pair.other.gateway}-")
    ends = [entry for entry in pair.core.store.ledger.entries() if entry.action == "order_end"]
    assert [entry.subject for entry in ends] == [f"device:{MNS[1]}"]
    pair.go()
    assert not list(there.glob(f"{ident}*"))


def test_data_that_were_asked_for_there_are_marked_as_recalled(pair: Pair) -> None:
    span = {"begin": "2026-03-01T16:00:00Z", "end": "2026-03-01T16:10:00Z"}
    pair.order(MNS[1], "recall_minute", span)
    pair.go()
    pair.clock.go(5.0)
    at = pair.clock.now()
    groups = [[("DataTime", stamp(START))], [("a34004-Avg", "91.5"), ("a34004-Flag", "N")]]
    journal(pair.other.home, [(encode("2051", MNS[1], groups, qn=f"{stamp(at)}001", st="22"), at, "known")], "gb1")
    pair.other.go(at)
    rows = pair.core.store.series.readings([MNS[1]]).filter(pl.col("start") == START)
    assert rows["origin"].to_list() == ["recalled"]


def test_a_new_password_is_known_at_the_other_host_once_the_device_has_taken_it(pair: Pair) -> None:
    ident = pair.order(MNS[1], "set_password", {"password": "abc123"})
    pair.go()
    letters = LakeHosts(pair.post._hosts.address)
    assert set(letters.letters("gb")) == {ident}
    pair.tell(ident, Told("done", "1", 1, executed=1, sent=NOW, ended=NOW))
    pair.go()
    pair.go()
    for host in (pair.core, pair.other):
        row = host.store.records.register().get(Device, MNS[1], local_date(NOW, CHINA))
        assert row is not None and row.password == "abc123"
    assert "abc123" in pair.other.store.home.devices.read_text()
    assert not letters.letters("gb")  # nothing secret stays in the catalog
    letters.close()
    assert len(orders_of(pair.core.store, MNS[1])) == 1


def test_what_a_host_had_of_orders_that_ended_while_it_was_away_is_taken_away(pair: Pair) -> None:
    ident = pair.order(MNS[1], "read_clock")
    pair.go()
    there = pair.other.store.home.orders / pair.other.gateway / f"{ident}.json"
    assert there.exists()
    pair.post._hosts.withdraw(ident)
    pair.relay.close()
    again = relay_of(pair.other.store, pair.clock)
    assert again is not None
    again.look(local_date(NOW, CHINA))
    again.close()
    assert not there.exists()


def test_who_is_heard_by_another_host_is_known_and_when(pair: Pair) -> None:
    assert heard_elsewhere(pair.core.store) == {MNS[1]: "gb"}
    assert heard_elsewhere(pair.other.store) == {MNS[0]: "ga"}
    assert heard_elsewhere(pair.core.store, [MNS[0]]) == {}
    assert pair.core.loop.watch.heard(MNS[1]) == START + timedelta(minutes=55)
    assert pair.core.loop.watch.heard(MNS[2]) is None
