"""A file of frames goes out as a logger would send it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bihuan.app.sending import frames_of, parse_target, send_file
from bihuan.core import InputError
from bihuan.devices.hj212 import envelope
from tests.app.gateways import journalled, running
from tests.app.small import minute_frame

T0 = datetime(2026, 3, 1, tzinfo=UTC)
FRAMES = [minute_frame("MN0001", T0 + timedelta(minutes=5 * number), number, number) for number in range(40)]


@contextmanager
def gateway(folder: Path) -> Iterator[int]:
    """A gateway in a thread of its own, since `send_file` blocks."""
    started, ended, port = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with running(folder) as server:
            port.append(server.port)
            started.set()
            while not ended.is_set():
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(20)
        yield port[0]
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("shape", ["lines", "stream", "lines_lf"])
def test_every_frame_of_a_file_is_sent_and_acknowledged(tmp_path: Path, shape: str) -> None:
    data = b"".join(FRAMES)
    if shape == "lines_lf":
        data = data.replace(b"\r\n", b"\n")
    if shape == "stream":
        data = data.replace(b"\r\n", b"")
    file = tmp_path / "frames.txt"
    file.write_bytes(data)
    with gateway(tmp_path) as port:
        report = send_file(file, f"127.0.0.1:{port}", window=4)
    assert (report.sent, report.acknowledged, report.unanswered) == (40, 40, [])
    assert [envelope(record.raw).qn for record in journalled(tmp_path)] == [envelope(raw).qn for raw in FRAMES]


def test_what_is_refused_is_told(tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_bytes(FRAMES[0] + minute_frame("MN0001", T0, 1.0, 7, pw="wrong1"))
    with gateway(tmp_path) as port:
        report = send_file(file, f"127.0.0.1:{port}", timeout=0.2)
    assert (report.sent, report.acknowledged, report.resent, len(report.unanswered)) == (2, 1, 3, 1)


def test_a_file_without_frames_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no frames here")
    with pytest.raises(InputError, match=r"notes.txt holds no frame of HJ 212"):
        frames_of(file)
    with pytest.raises(InputError, match="cannot be read"):
        frames_of(tmp_path / "absent.txt")


@pytest.mark.parametrize("target", ["127.0.0.1", ":9212", "host:", "host:0", "host:70000", "host:port"])
def test_a_target_that_is_none_is_named(target: str) -> None:
    with pytest.raises(InputError, match="write HOST:PORT"):
        parse_target(target)


def test_an_address_of_ip6_stands_in_brackets() -> None:
    assert parse_target("[::1]:9212") == ("::1", 9212)


def test_a_target_where_nobody_listens_is_said(tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_bytes(FRAMES[0])
    with pytest.raises(InputError, match="nobody listens on 127"):
        send_file(file, "127.0.0.1:1")
