"""The gateway journals first, then acknowledges, and says no without falling over."""

import asyncio
import json
import re
from collections.abc import Coroutine
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.app import gateway as gateway_room
from bihuan.app.clock import WallClock
from bihuan.app.gateway import DevicesFile, Gateway, KnownDevice, Limits, read_status, send_frames, write_devices
from bihuan.core import SettingError, text
from bihuan.devices.hj212 import envelope, read_frame
from bihuan.register import Device, Register
from bihuan.store import Journal
from tests.app.gateways import config, frame, journalled, running
from tests.store.power import PowerCutFiles


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


async def talk(port: int, data: bytes, answers: int = 1, wait: float = 0.3) -> list[bytes]:
    """Send bytes and return up to `answers` answering frames, or those that came within `wait`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    found = []
    try:
        async with asyncio.timeout(5 if answers else wait):
            while len(found) < answers or not answers:
                line = await reader.readline()
                if not line:
                    break
                found.append(line)
    except TimeoutError:
        pass
    writer.close()
    await writer.wait_closed()
    return found


def test_a_frame_is_in_the_journal_when_its_answer_comes(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            (answer,) = await talk(gateway.port, frame(7))
            (record,) = journalled(tmp_path)
            head = envelope(read_frame(answer).data)
            assert (head.cn, head.st, head.mn, head.qn) == ("9014", "91", "MN0001", "20260131000000007")
            assert record.raw + b"\r\n" == frame(7)
            assert record.status == "known"
            assert record.peer.startswith("127.0.0.1:")

    run(work())


def test_an_unknown_logger_is_kept_answered_and_listed_for_claiming(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            assert len(await talk(gateway.port, frame(1, mn="STRANGER") + frame(2, mn="STRANGER"), 2)) == 2
            assert [record.status for record in journalled(tmp_path)] == ["unknown", "unknown"]
            assert gateway.counters.frames_quarantined == 2
            assert gateway.counters.unclaimed["STRANGER"].frames == 2

    run(work())


def test_a_wrong_password_is_kept_and_not_answered(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            assert await talk(gateway.port, frame(1, pw="999999"), 0) == []
            assert [record.status for record in journalled(tmp_path)] == ["wrong_password"]
            assert gateway.counters.complaints["password_wrong"] == 1

    run(work())


def test_a_wrong_checksum_is_kept_as_garbage_and_not_answered(tmp_path: Path) -> None:
    async def work() -> None:
        bad = frame(1)[:-6] + b"0000\r\n"
        async with running(tmp_path) as gateway:
            assert await talk(gateway.port, bad, 0) == []
            (record,) = journalled(tmp_path)
            assert (record.status, record.raw) == ("garbage", bad[:-2])
            assert gateway.counters.complaints["crc_bad"] == 1
            assert gateway.counters.frames_acknowledged == 0

    run(work())


def test_a_frame_that_wants_no_answer_gets_none(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            assert await talk(gateway.port, frame(1, flag=4) + frame(2, flag=None) + frame(3, cn="9014"), 0) == []
            assert len(journalled(tmp_path)) == 3

    run(work())


def test_frames_in_pieces_and_many_in_one_read_are_all_answered(tmp_path: Path) -> None:
    async def work() -> None:
        data = b"".join(frame(number) for number in range(20))
        async with running(tmp_path) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            for at in range(0, len(data), 37):
                writer.write(data[at : at + 37])
                await asyncio.sleep(0)
            for _ in range(20):
                await reader.readline()
            writer.close()
            await writer.wait_closed()
        assert [record.raw + b"\r\n" for record in journalled(tmp_path)] == [frame(n) for n in range(20)]

    run(work())


def test_a_device_that_hangs_up_after_sending_still_gets_its_answer(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(frame(1))
            writer.write_eof()
            assert (await reader.read()).startswith(b"##")
            writer.close()
            await writer.wait_closed()

    run(work())


def test_a_full_disk_stops_answers_and_not_the_gateway(tmp_path: Path) -> None:
    async def work() -> None:
        disk = PowerCutFiles()
        async with running(tmp_path, files=disk) as gateway:
            disk.room = 10
            report = asyncio.create_task(
                send_frames("127.0.0.1", gateway.port, [frame(n) for n in range(5)], timeout=0.4, resends=9)
            )
            while not gateway.counters.complaints["disk_full"]:
                await asyncio.sleep(0.01)
            assert gateway.counters.frames_acknowledged == 0
            disk.room = None
            found = await report
            assert (found.acknowledged, found.unanswered) == (5, [])
            assert found.resent >= 5

    run(work())


def test_a_clean_stop_answers_everything_that_came_in(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(b"".join(frame(number) for number in range(200)))
            await reader.readline()
        rest = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert (
            rest.count(b"CN=9014") + 1
            == len(journalled(tmp_path))
            == read_status(tmp_path / "journal", "g1")["frames_acknowledged"]
        )

    run(work())


def test_counters_go_on_after_a_restart_and_count_what_a_kill_left_uncounted(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            await talk(gateway.port, frame(1) + frame(2, mn="STRANGER"), 2)
        status = tmp_path / "journal" / "g1" / "status.json"
        early = json.loads(status.read_bytes())
        assert (early["frames_received"], early["frames_quarantined"], early["pid"]) == (2, 1, 0)
        async with running(tmp_path) as gateway:
            await talk(gateway.port, frame(3) + frame(4, mn="STRANGER"), 2)
        status.write_text(json.dumps(early))  # as if it had been killed before it wrote again
        async with running(tmp_path):
            later = read_status(tmp_path / "journal", "g1")
            assert (later["frames_received"], later["frames_quarantined"]) == (4, 2)
            assert later["pid"] > 0

    run(work())


def test_further_connections_of_one_address_are_refused_and_counted(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, limits=Limits(connections_per_address=2)) as gateway:
            lines = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(3)]
            assert await lines[2][0].read() == b""
            lines[0][1].write(frame(1))
            assert await lines[0][0].readline()
            assert gateway.counters.complaints["connections_of_address"] == 1
            assert gateway.counters.connections == 2
            for _, writer in lines:
                writer.close()

    run(work())


def test_a_sender_above_its_rate_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, limits=Limits(frames_per_second=100, burst=0.1)) as gateway:
            begun = asyncio.get_running_loop().time()
            for _ in range(3):
                await talk(gateway.port, b"".join(frame(n) for n in range(1)), 1)
            report = await send_frames("127.0.0.1", gateway.port, [frame(n) for n in range(60)], window=8)
            assert report.acknowledged == 60
            assert asyncio.get_running_loop().time() - begun > 0.3
            assert gateway.counters.complaints["too_fast"] > 0

    run(work())


def test_endless_bytes_without_a_frame_close_the_line(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, limits=Limits(bytes_without_frame=4096)) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(b"GET / HTTP/1.1\r\n" * 1000)
            assert await reader.read() == b""
            writer.close()
            assert gateway.counters.complaints["bytes_without_frame"] == 1

    run(work())


def test_a_silent_line_is_closed(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path, limits=Limits(idle=0.1)) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            assert await reader.read() == b""
            writer.close()
            assert gateway.counters.complaints["connection_idle"] == 1

    run(work())


def test_one_logger_on_two_lines_is_noticed(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            first, second = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(2)]
            for number, (reader, writer) in enumerate((first, second, first)):
                writer.write(frame(number))
                await reader.readline()
            assert gateway.counters.complaints["mn_on_two_connections"] == 2
            for _, writer in (first, second):
                writer.close()

    run(work())


def test_a_registered_logger_is_known_within_a_tick(tmp_path: Path) -> None:
    async def work() -> None:
        gateway = Gateway(config(tmp_path))
        await gateway.start()
        await talk(gateway.port, frame(1))
        devices = [Device(id="MN0001", name="", site="station:1", password="654321", strictness="strict")]
        write_devices(tmp_path / "devices.json", Register(devices), date(2026, 2, 1))
        await asyncio.sleep(0.2)
        assert await talk(gateway.port, frame(2), 0) == []
        assert len(await talk(gateway.port, frame(3, pw="654321"))) == 1
        await gateway.stop()
        assert [record.status for record in journalled(tmp_path)] == ["unknown", "wrong_password", "known"]

    run(work())


def test_a_devices_file_that_cannot_be_read_leaves_the_last_one_in_force(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    write_devices(path, Register([Device(id="MN1", name="", site="station:1")]), date(2026, 2, 1))
    devices = DevicesFile(path)
    assert devices.known == {"MN1": KnownDevice("123456", "tolerant")}
    for torn in ("{", "[]", '{"MN1": 3}', '{"MN1": {}}'):
        path.write_text(torn)
        assert not devices.refresh()
        assert set(devices.known) == {"MN1"}
    write_devices(path, Register(), date(2026, 2, 1))
    assert devices.refresh()
    assert devices.known == {}


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(SettingError, match="limit idle of the gateway is 0"):
        Limits(idle=0)


def test_frames_given_up_are_reported(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            frames = [frame(1), frame(2, pw="999999"), frame(3, flag=4)]
            report = await send_frames("127.0.0.1", gateway.port, frames, timeout=0.1, resends=2)
            assert (report.sent, report.acknowledged, report.resent) == (3, 1, 2)
            assert report.unanswered == [frames[1]]

    run(work())


def test_the_sender_opens_a_broken_line_again(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as gateway:
            port = gateway.port
            sending = asyncio.create_task(
                send_frames("127.0.0.1", port, [frame(n) for n in range(400)], window=4, timeout=0.3, resends=20)
            )
            while gateway.counters.frames_acknowledged < 20:
                await asyncio.sleep(0)
        async with running(tmp_path, port=port):
            report = await sending
        assert report.acknowledged == 400
        assert {record.raw + b"\r\n" for record in journalled(tmp_path)} == {frame(n) for n in range(400)}

    run(work())


def test_every_reason_the_gateway_counts_has_words_in_both_languages() -> None:
    folder = Path(gateway_room.__file__).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    reasons = set(re.findall(r'complaints\["(\w+)"\]', source)) | set(re.findall(r'Admission\("\w+", "(\w+)"', source))
    reasons |= {
        "connections_full",
        "connections_of_address",
        "disk_full",
        "journal_failed",
        "frame_not_strict",
        "crc_bad",
    }
    assert len(reasons) >= 12
    for reason in reasons:
        assert text(f"complaint.{reason}", "zh") != text(f"complaint.{reason}", "en")


def test_a_clock_that_was_set_is_counted(tmp_path: Path) -> None:
    class SetClock(WallClock):
        ahead = timedelta(0)

        def now(self) -> datetime:
            return super().now() + self.ahead

    async def work() -> None:
        clock = SetClock()
        gateway = Gateway(config(tmp_path), clock)
        await gateway.start()
        await asyncio.sleep(0.15)
        assert gateway.counters.complaints["clock_jumped"] == 0
        clock.ahead = timedelta(hours=-1)
        await asyncio.sleep(0.15)
        assert gateway.counters.complaints["clock_jumped"] == 1
        await gateway.stop()

    run(work())


def test_two_gateways_share_a_port_with_a_journal_each(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            running(tmp_path, gateway="g1", share_port=True) as first,
            running(tmp_path, gateway="g2", share_port=True, port=first.port),
        ):
            for number in range(20):
                await talk(first.port, frame(number))
        kept = [len(journalled(tmp_path, name)) for name in ("g1", "g2")]
        assert sum(kept) == 20

    run(work())


def test_a_port_that_is_taken_gives_the_journal_back(tmp_path: Path) -> None:
    async def work() -> None:
        async with running(tmp_path) as first:
            second = Gateway(config(tmp_path, gateway="g2", port=first.port))
            with pytest.raises(OSError, match="in use"):
                await second.start()
            Journal(tmp_path / "journal", "g2").close()

    run(work())
