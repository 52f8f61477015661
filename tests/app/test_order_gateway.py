"""Orders at the gateway: sent over the device's own line, one after the other, answered, given up, sealed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from bihuan.app.clock import CityClock
from bihuan.app.gateway import CLAIMS, DeviceLink, DevicesFile, Gateway, KnownDevice, write_devices
from bihuan.devices.hj212 import (
    Envelope,
    Frame,
    checksum,
    encrypt,
    envelope,
    executed,
    key_bytes,
    parse,
    read_frame,
    reply,
)
from bihuan.register import Device
from bihuan.store import open_store
from tests.app.gateways import config, frame, journalled
from tests.app.order_lines import (
    KEY,
    MN,
    NEXT,
    NOW,
    hand,
    heard,
    line,
    obliging,
    order_file,
    over,
    run,
    started,
    talking,
    told,
)
from tests.app.small import facts


def test_an_order_goes_out_over_the_device_s_own_line_and_its_answers_are_journalled(tmp_path: Path) -> None:
    asked, answer = heard(lambda head, taken: taken)

    async def work() -> None:
        async with line(tmp_path, answer):
            found = await told(hand(tmp_path, order_file("set_clock")), over)
            assert (found.state, found.attempts, found.returned, found.executed) == ("done", 1, 1, 1)
            head = envelope(asked[0].data)
            assert (head.cn, head.st, head.pw, head.flag, head.qn) == ("1012", "22", "123456", 5, found.qn)
            assert parse(asked[0].data).first("SystemTime") == "20260310090000", "the platform's own time, local"
        assert [envelope(record.raw).cn for record in journalled(tmp_path)] == ["2011", "9011", "9012"]

    run(work())


def test_orders_of_one_device_go_one_after_the_other_in_the_order_they_were_asked(tmp_path: Path) -> None:
    asked, answer = heard(lambda head, taken: head.cn)

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
        async with line(tmp_path, answer):
            found = await told(hand(tmp_path, order_file("read_clock")), over)
            assert (found.state, found.attempts) == ("timeout", 3)
            assert len(asked) == 3 and len(set(asked)) == 1, "a resend keeps its number"

    run(work())


def test_an_order_waits_for_its_device_and_one_too_old_is_never_sent(tmp_path: Path) -> None:
    asked, answer = heard(lambda head, taken: head.cn)

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
