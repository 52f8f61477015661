"""The book of orders: records, ledger, secrets, and what the register says after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.app.gateway import DevicesFile, OrderFile, Told
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.orderdesk import OrderBook
from bihuan.app.ordering import MASKED, Order, order_of, orders_of, place_order
from bihuan.core import CHINA, InputError, from_json, to_json
from bihuan.devices.hj212 import (
    decrypt,
    key_bytes,
    looks_encrypted,
    parse,
)
from bihuan.register import Device
from bihuan.store import Store, open_store
from tests.app.order_lines import (
    KEY,
    MN,
    NEXT,
    NOW,
    hand,
    heard,
    line,
    order_file,
    over,
    run,
    told,
)
from tests.app.small import facts


@contextmanager
def standing(home: Path, device: Device | None = None) -> Iterator[tuple[Store, Loop, OrderBook]]:
    with open_store(home, threads=1) as store:
        known = [fact for fact in facts() if fact.id != MN] + [device or Device(id=MN, name="", site="station:1")]
        store.records.save_facts(known)
        (store.home.orders / "g1").mkdir(parents=True, exist_ok=True)
        loop = Loop(store, CHINA, Notifications((), home / "notices.jsonl"), NOW)
        yield store, loop, OrderBook(store, CHINA)


def tell(store: Store, order: Order, state: str, **other: Any) -> None:
    """What a gateway would write."""
    path = store.home.orders / "g1" / f"{order.id}.told"
    path.write_bytes(to_json(Told(state, "20260310090000000", 1, sent=NOW, ended=NOW, **other)))


def ledger_of(store: Store) -> list[tuple[str, str]]:
    return [(entry.actor, entry.action) for entry in store.ledger.entries()]


def test_an_order_needs_a_reason_and_leaves_a_record_and_a_ledger_row(tmp_path: Path) -> None:
    with standing(tmp_path) as (store, loop, book):
        for reason in ("", "   ", "x" * 501):
            with pytest.raises(InputError, match="say why"):
                place_order(store, MN, "set_clock", {}, "P1", reason, NOW)
        with pytest.raises(InputError, match="not in the register"):
            place_order(store, "NOBODY", "set_clock", {}, "P1", "slow", NOW)
        assert not orders_of(store, MN) and not ledger_of(store)
        order = place_order(store, MN, "set_clock", {}, "P1", "clock is slow", NOW)
        assert place_order(store, MN, "set_clock", {}, "P1", "clock is slow", NOW) == order, "the same once more is one"
        assert (order.state, order.person, order.reason) == ("waiting", "P1", "clock is slow")
        assert ledger_of(store) == [("P1", "order")]
        book.follow(loop, NOW)
        assert from_json((store.home.orders / "g1" / f"{order.id}.json").read_bytes(), OrderFile).command == "set_clock"
        tell(store, order, "done", returned=1, executed=1)
        (ended,) = book.follow(loop, NOW)
        assert (ended.state, ended.executed, ended.qn) == ("done", 1, "20260310090000000")
        assert order_of(store, order.id) == ended
        assert ledger_of(store) == [("P1", "order"), ("bihuan", "order_end")]
        assert not list((store.home.orders / "g1").iterdir()), "nothing is left lying about"


def test_secrets_stand_in_no_record_and_no_ledger_and_go_when_the_order_ends(tmp_path: Path) -> None:
    with standing(tmp_path) as (store, loop, book):
        order = place_order(store, MN, "set_password", {"password": "s3cret"}, "P1", "yearly", NOW)
        assert order.arguments == {"password": MASKED}
        book.follow(loop, NOW)
        handed = store.home.orders / "g1" / f"{order.id}.json"
        assert b"s3cret" in handed.read_bytes() and handed.stat().st_mode & 0o077 == 0
        tell(store, order, "done")
        book.follow(loop, NOW)
        assert loop.town.devices[MN].password == "s3cret", "what was changed at the device is changed in the register"
        rows = [row.body for row in store.records.find("order")] + [entry.body for entry in store.ledger.entries()]
        assert not any(b"s3cret" in body for body in rows)
        assert store.records.state(f"order/secret/{order.id}") == b"{}" and not handed.exists()


@pytest.mark.parametrize(
    ("command", "arguments", "field", "value"),
    [
        ("set_timeout", {"timeout": "5", "resends": "2"}, "timeout_seconds", 5),
        ("set_minute_interval", {"minutes": "5"}, "rhythm", {"minute": 300}),
        ("set_rt_interval", {"rt_seconds": "60"}, "rhythm", {"rt": 60}),
    ],
)
def test_what_a_device_was_set_to_is_what_the_register_says(
    tmp_path: Path, command: str, arguments: dict[str, str], field: str, value: object
) -> None:
    with standing(tmp_path) as (store, loop, book):
        before = loop.town.devices[MN]
        for state in ("failed", "done"):
            order = place_order(store, MN, command, arguments, "P1", f"set up, {state}", NOW)
            book.follow(loop, NOW)
            tell(store, order, state)
            book.follow(loop, NOW)
            after = loop.town.devices[MN]
            assert getattr(after, field) == (value if state == "done" else getattr(before, field))


def test_a_key_changes_when_the_device_has_answered_and_the_old_one_is_kept(tmp_path: Path) -> None:
    row = Device(id=MN, name="", site="station:1", protocol="hj212-2025", cipher_key=KEY)
    with standing(tmp_path, row) as (store, loop, book):
        order = place_order(store, MN, "set_key", {"key": NEXT}, "P1", "90 days", NOW)
        book.follow(loop, NOW)
        waiting = loop.town.devices[MN]
        assert (waiting.cipher_key, waiting.cipher_key_next) == (KEY, NEXT)
        keys = DevicesFile(store.home.devices).known[MN].keys
        assert keys == (key_bytes(KEY), key_bytes(NEXT)), "who listens knows both before the order goes out"
        tell(store, order, "done")
        book.follow(loop, NOW)
        after = loop.town.devices[MN]
        assert (after.cipher_key, after.cipher_key_next, after.cipher_keys_old) == (NEXT, "", (KEY,))


def test_a_refused_key_is_dropped_and_one_that_nobody_answered_for_is_still_read(tmp_path: Path) -> None:
    row = Device(id=MN, name="", site="station:1", protocol="hj212-2025", cipher_key=KEY)
    with standing(tmp_path, row) as (store, loop, book):
        for state, kept in (("timeout", NEXT), ("refused", "")):
            order = place_order(store, MN, "set_key", {"key": NEXT}, "P1", state, NOW)
            book.follow(loop, NOW)
            tell(store, order, state)
            book.follow(loop, NOW)
            assert (loop.town.devices[MN].cipher_key, loop.town.devices[MN].cipher_key_next) == (KEY, kept)


def test_an_order_that_no_gateway_tells_of_ends_after_it_expired(tmp_path: Path) -> None:
    with standing(tmp_path) as (store, loop, book):
        order = place_order(store, MN, "read_clock", {}, "P1", "look", NOW)
        book.follow(loop, order.expires)
        assert order_of(store, order.id) == order
        book.follow(loop, order.expires + timedelta(minutes=11))
        assert order_of(store, order.id).state == "timeout"  # type: ignore[union-attr]


def test_a_new_key_never_travels_in_clear(tmp_path: Path) -> None:
    asked, answer = heard(lambda head, taken: taken)

    async def work() -> None:
        async with line(tmp_path, answer):
            order = order_file("set_key", {"key": NEXT}, protocol="hj212-2025", key=KEY)
            await told(hand(tmp_path, order), over)
            (taken,) = asked
            assert NEXT.encode() not in taken.raw and looks_encrypted(taken.data)
            opened = decrypt(taken, [key_bytes(KEY)])
            assert opened is not None and parse(opened[0].data).first("NewSK") == NEXT

    run(work())


# ---- recall ----
