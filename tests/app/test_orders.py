"""Orders to devices over a real line: what may be asked, what comes back, what it changes, what a crash leaves."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bihuan.app.city import City
from bihuan.app.clock import CityClock
from bihuan.app.gateway import CLAIMS, DeviceLink, DevicesFile, Gateway, KnownDevice, OrderFile, Told, write_devices
from bihuan.app.loop import Loop
from bihuan.app.notify import Notifications
from bihuan.app.orderdesk import OrderBook
from bihuan.app.ordering import MASKED, Order, Recalls, order_of, orders_of, place_order
from bihuan.app.rig import CityRun
from bihuan.core import CHINA, InputError, Reading, from_json, to_json
from bihuan.devices.hj212 import (
    Envelope,
    Frame,
    checksum,
    decrypt,
    encode,
    encrypt,
    envelope,
    executed,
    key_bytes,
    looks_encrypted,
    parse,
    read_frame,
    reply,
)
from bihuan.register import Device
from bihuan.store import Store, open_store
from tests.app.gateways import config, frame, journalled
from tests.app.small import MNS, facts, serving, settle, wait_until
from tests.app.small import run as run_command

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
MN = MNS[0]
KEY, NEXT = "A" * 16, "B" * 16


def order_file(command: str, arguments: dict[str, str] | None = None, **other: Any) -> OrderFile:
    fields: dict[str, Any] = {"id": f"o-{command}", "device": MN, "command": command, "arguments": arguments or {}}
    fields |= {"asked": NOW, "expires": NOW + timedelta(hours=1), "password": "123456", "protocol": "hj212-2017"}
    return OrderFile(**(fields | {"timeout": 0.2, "resends": 2, "execution": 0.5} | other))


def hand(folder: Path, order: OrderFile, gateway: str = "g1") -> Path:
    inbox = folder / "orders" / gateway
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / f"{order.id}.json").write_bytes(to_json(order))
    return inbox / f"{order.id}.told"


async def told(path: Path, until: Callable[[Told], bool]) -> Told:
    """What the gateway says of an order once it is as wanted."""
    async with asyncio.timeout(10):
        while True:
            found = from_json(path.read_bytes(), Told) if path.exists() else None
            if found is not None and until(found):
                return found
            await asyncio.sleep(0.02)


def over(one: Told) -> bool:
    return one.state not in ("waiting", "sent", "accepted")


def run(work: Any) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


async def started(folder: Path, **other: Any) -> Gateway:
    gateway = Gateway(
        config(folder, orders=folder / "orders", **other), CityClock(NOW), known={MN: KnownDevice("123456")}
    )
    await gateway.start()
    return gateway


Answering = Callable[[Envelope, Frame], list[bytes]]


def obliging(head: Envelope, taken: Frame) -> list[bytes]:
    return [reply(head, 1), executed(head, 1)]


async def talking(gateway: Gateway, answer: Answering) -> DeviceLink:
    link = DeviceLink("127.0.0.1", gateway.port, answer=answer)
    await link.__aenter__()
    await link.send(frame(1, mn=MN))
    await link.settle()
    return link


def test_an_order_goes_out_over_the_device_s_own_line_and_its_answers_are_journalled(tmp_path: Path) -> None:
    asked: list[Frame] = []

    def answer(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(taken)
        return obliging(head, taken)

    async def work() -> None:
        gateway = await started(tmp_path)
        link = await talking(gateway, answer)
        found = await told(hand(tmp_path, order_file("set_clock")), over)
        assert (found.state, found.attempts, found.returned, found.executed) == ("done", 1, 1, 1)
        head = envelope(asked[0].data)
        assert (head.cn, head.st, head.pw, head.flag, head.qn) == ("1012", "22", "123456", 5, found.qn)
        assert parse(asked[0].data).first("SystemTime") == "20260310090000", "the platform's own time, local"
        await link.close()
        await gateway.stop()
        assert [envelope(record.raw).cn for record in journalled(tmp_path)] == ["2011", "9011", "9012"]

    run(work())


def test_orders_of_one_device_go_one_after_the_other_in_the_order_they_were_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(head.cn)
        return obliging(head, taken)

    async def work() -> None:
        gateway = await started(tmp_path)
        paths = [
            hand(tmp_path, order_file(command, arguments, asked=NOW - timedelta(seconds=number)))
            for number, (command, arguments) in enumerate([("start_rt", {}), ("set_rt_interval", {"rt_seconds": "30"})])
        ]
        link = await talking(gateway, answer)
        for path in paths:
            assert (await told(path, over)).state == "done"
        assert asked == ["1062", "2011"]
        await link.close()
        await gateway.stop()

    run(work())


def test_a_device_that_says_nothing_is_asked_again_and_then_given_up(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(head.qn)
        return []

    async def work() -> None:
        gateway = await started(tmp_path)
        link = await talking(gateway, answer)
        found = await told(hand(tmp_path, order_file("read_clock")), over)
        assert (found.state, found.attempts) == ("timeout", 3)
        assert len(asked) == 3 and len(set(asked)) == 1, "a resend keeps its number"
        await link.close()
        await gateway.stop()

    run(work())


def test_an_order_waits_for_its_device_and_one_too_old_is_never_sent(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(head.cn)
        return obliging(head, taken)

    async def work() -> None:
        gateway = await started(tmp_path)
        late = hand(tmp_path, order_file("clean", {"analyser": "w01018"}, expires=NOW - timedelta(minutes=1)))
        waits = hand(tmp_path, order_file("read_clock"))
        assert (await told(late, over)).state == "timeout"
        await asyncio.sleep(0.2)
        assert not waits.exists()
        link = await talking(gateway, answer)
        assert (await told(waits, over)).state == "done"
        assert asked == ["1011"]
        await link.close()
        await gateway.stop()

    run(work())


def test_of_two_gateways_the_one_with_the_line_sends_and_the_other_does_not(tmp_path: Path) -> None:
    async def work() -> None:
        one, two = await started(tmp_path), await started(tmp_path, gateway="g2")
        order = order_file("read_clock")
        paths = [hand(tmp_path, order, name) for name in ("g1", "g2")]
        link = await talking(two, obliging)
        assert (await told(paths[1], over)).state == "done"
        assert not paths[0].exists()
        assert (tmp_path / "orders" / CLAIMS / order.id).read_text() == "g2"
        await link.close()
        await one.stop()
        await two.stop()

    run(work())


def test_a_gateway_that_starts_again_waits_on_and_sends_no_finished_order_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def silent(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(head.cn)
        return [reply(head, 1)]

    async def work() -> None:
        first = await started(tmp_path)
        link = await talking(first, silent)
        path = hand(tmp_path, order_file("calibrate", {"analyser": "w01018"}, execution=5.0))
        before = await told(path, lambda one: one.state == "accepted")
        await link.close()
        await first.stop()
        second = await started(tmp_path)
        link = await talking(second, silent)
        await asyncio.sleep(0.3)
        assert asked == ["3011"], "an order the device has accepted is not sent again"
        head = Envelope(before.qn, "91", "9012", "123456", MN, 4)
        await link.send(executed(head, 1))
        assert (await told(path, over)).state == "done"
        await link.close()
        await second.stop()

    run(work())


# ---- ciphertext at the gateway ----


def sealed(data: bytes, key: str) -> bytes:
    return b"##%04d%b%04X\r\n" % (len(data), encrypt(data, key_bytes(key)), checksum(data))


def test_ciphertext_is_answered_once_it_opens_and_kept_without_an_answer_until_then(tmp_path: Path) -> None:
    plain = read_frame(frame(7, mn=MN, flag=9)).data
    known = {MN: KnownDevice("123456", keys=(key_bytes(KEY),))}

    async def work() -> None:
        gateway = Gateway(config(tmp_path), CityClock(NOW), known=known)
        await gateway.start()
        async with DeviceLink("127.0.0.1", gateway.port, timeout=0.5, resends=0) as link:
            await link.send(sealed(plain, KEY))
            assert (await link.settle()).acknowledged == 1
            await link.send(sealed(plain, NEXT))
            assert (await link.settle()).acknowledged == 1, "no answer to what cannot be read"
            gateway.learn({MN: KnownDevice("123456")})
            await link.send(sealed(plain, KEY))
            assert (await link.settle()).acknowledged == 1
        assert gateway.counters.complaints["cipher_key_wrong"] == gateway.counters.complaints["encrypted"] == 1
        await gateway.stop()
        assert [record.status for record in journalled(tmp_path)] == ["known"] * 3

    run(work())


def test_the_gateway_learns_keys_from_its_file_which_only_its_owner_reads(tmp_path: Path) -> None:
    row = Device(id=MN, name="", site="station:1", cipher_key=KEY, cipher_key_next=NEXT, cipher_keys_old=("C" * 16,))
    with open_store(tmp_path, threads=1) as store:
        store.records.save_facts([*facts()[:-3], row])
        write_devices(store.home.devices, store.records.register(), NOW.date())
        assert DevicesFile(store.home.devices).known[MN].keys == tuple(map(key_bytes, (KEY, NEXT, "C" * 16)))
        assert store.home.devices.stat().st_mode & 0o077 == 0


# ---- the record and its end ----


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
    asked: list[Frame] = []

    def answer(head: Envelope, taken: Frame) -> list[bytes]:
        asked.append(taken)
        return obliging(head, taken)

    async def work() -> None:
        gateway = await started(tmp_path)
        link = await talking(gateway, answer)
        order = order_file("set_key", {"key": NEXT}, protocol="hj212-2025", key=KEY)
        await told(hand(tmp_path, order), over)
        (taken,) = asked
        assert NEXT.encode() not in taken.raw and looks_encrypted(taken.data)
        opened = decrypt(taken, [key_bytes(KEY)])
        assert opened is not None and parse(opened[0].data).first("NewSK") == NEXT
        await link.close()
        await gateway.stop()

    run(work())


# ---- recall ----


def reading(start: datetime, minutes: int = 5) -> Reading:
    return Reading(
        MN, "pm25", "avg", "minute", start, start + timedelta(minutes=minutes), 1.0, "N", "resent", "good", ""
    )


def recall(begin: datetime, end: datetime, ended: datetime | None = None) -> Order:
    arguments = {"begin": begin.isoformat(), "end": end.isoformat()}
    return Order("o", MN, "recall_minute", arguments, "P1", "gap", NOW, NOW + timedelta(days=1), ended=ended)


def test_only_what_was_asked_for_and_came_in_answer_is_recalled() -> None:
    first = NOW - timedelta(hours=2)
    recalls = Recalls([recall(first, first + timedelta(minutes=30), NOW + timedelta(minutes=1))])
    at = NOW + timedelta(seconds=5)

    def origin(start: datetime, received: datetime) -> str:
        return recalls.marked([reading(start)], received)[0].origin

    assert origin(first, at) == origin(first + timedelta(minutes=30), at) == "recalled"
    assert origin(first - timedelta(minutes=5), at) == "resent", "outside the range"
    assert origin(first, NOW - timedelta(minutes=1)) == "resent", "before it was asked for"
    assert origin(first, NOW + timedelta(minutes=10)) == "resent", "long after the order ended"


def test_a_recall_over_tcp_fills_a_gap_of_the_synthetic_city_with_what_its_logger_holds(tmp_path: Path) -> None:
    with CityRun(City(1, 4), tmp_path / "home") as run_:
        for _ in run_.ticks(run_.city.start + timedelta(minutes=75)):
            pass
        now, store = run_.city.now, run_.store
        minutes = store.series.readings(interval="minute").filter(pl.col("device").str.starts_with("990101A1"))
        mn, start = gap_of(minutes, run_.city.start, now - timedelta(minutes=40))
        arguments = {"begin": start.isoformat(), "end": start.isoformat()}
        order = place_order(store, mn, "recall_minute", arguments, "system:recall", "gap 1", now)
        others = [
            place_order(store, mn, command, given, "P1", "look", now)
            for command, given in (
                ("read_clock", {}),
                ("calibrate", {"analyser": "a21026"}),
                ("read_serial", {"analyser": "1"}),
            )
        ]
        states = settled(run_, [order, *others])
        assert states == ["done", "done", "done", "refused"]
        run_.loop.take(now)
        run_.orders.follow(run_.loop, now)
        filled = store.series.readings([mn], interval="minute").filter(pl.col("start") == start)
        assert set(filled["origin"]) == {"recalled"} and filled["value"].null_count() < filled.height
        assert order_of(store, order.id).frames == 1  # type: ignore[union-attr]
        clock = order_of(store, others[0].id)
        assert clock is not None and list(clock.answer) == ["SystemTime"] and clock.evidence


def gap_of(minutes: pl.DataFrame, begin: datetime, end: datetime) -> tuple[str, datetime]:
    """A five-minute report that a logger never sent."""
    due = {begin + timedelta(minutes=5 * number) for number in range((end - begin) // timedelta(minutes=5))}
    for mn in sorted(set(minutes["device"])):
        missing = sorted(due - set(minutes.filter(pl.col("device") == mn)["start"]))
        if missing:
            return mn, missing[0]
    raise AssertionError("this city loses no report")


def settled(run_: CityRun, orders: list[Order]) -> list[str]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        run_.orders.follow(run_.loop, run_.city.now)
        found = [order_of(run_.store, order.id) for order in orders]
        if all(one is not None and one.over for one in found):
            break
        time.sleep(0.05)
    return [one.state if one else "" for one in found]


def test_the_answer_to_a_question_of_the_city_s_logger_is_framed_like_a_device_s(tmp_path: Path) -> None:
    city = City(1, 2)
    device = city.plan.register.all(Device, city.start.date())[0]
    asked = read_frame(encode("1063", device.id, (), qn="20260101000000000", st="22", pw=device.password))
    answers = [envelope(one) for one in city.answer(envelope(asked.data), asked)]
    assert [(one.cn, one.qn) for one in answers] == [(cn, "20260101000000000") for cn in ("9011", "1063", "9012")]
    wrong = read_frame(encode("1063", device.id, (), qn="20260101000000000", st="22", pw="000000"))
    (refused,) = city.answer(envelope(wrong.data), wrong)
    assert parse(read_frame(refused).data).first("QnRtn") == "3"


# ---- a whole server ----


def test_an_order_from_the_command_line_reaches_a_device_of_a_running_server(tmp_path: Path) -> None:
    """Gateway process, core process and terminal, each of its own; the device sets its clock and says so."""
    home = tmp_path / "home"
    settle(home)
    said = run_command(home, "order", MN, "set_clock", "--reason", "slow", "--json", code=2)
    assert "no server runs" in said.stderr
    with serving(home) as (_, port):
        ended = threading.Event()
        device = threading.Thread(target=asyncio.run, args=(_stay(port, ended),))
        device.start()
        try:
            placed = json.loads(
                run_command(home, "order", MN, "set_clock", "--reason", "clock is slow", "--json").stdout
            )
            wait_until("the order is done", lambda: _state(home, placed["id"]) == "done", 60)
        finally:
            ended.set()
            device.join()
        refused = run_command(home, "order", MN, "set_alarm_limits", "--reason", "x", code=2)
        assert "removed in 2017" in refused.stderr
    with open_store(home, threads=1) as store:
        order = order_of(store, placed["id"])
        assert order is not None and (order.person, order.reason, order.executed) == ("operator", "clock is slow", 1)
        acts = [(entry.actor, entry.action) for entry in store.ledger.entries() if entry.action.startswith("order")]
        assert acts == [("operator", "order"), ("bihuan", "order_end")]


async def _stay(port: int, ended: threading.Event) -> None:
    """A logger that keeps its line open and does what it is told."""
    async with DeviceLink("127.0.0.1", port, answer=obliging) as link:
        await link.send(frame(1, mn=MN))
        while not ended.is_set():
            await asyncio.sleep(0.1)


def _state(home: Path, ident: str) -> str:
    with closing(sqlite3.connect(f"file:{home / 'records.sqlite'}?mode=ro", uri=True)) as records:
        row = records.execute("SELECT state FROM orders WHERE id = ?", [ident]).fetchone()
    return str(row[0]) if row else ""
