"""The MQTT door with a real broker: journalled before it is acknowledged, whatever happens in between."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from bihuan.app.clock import WallClock
from bihuan.app.gateway.admission import KnownDevice
from bihuan.app.gateway.mqtt import MqttConfig, MqttDoor, Topic, topics_of
from bihuan.app.gateway.mqtt_serve import config_of
from bihuan.app.settings import Settings
from bihuan.core import SettingError, StoreError
from bihuan.store import Home, Journal, JournalReader, Record
from tests.app.brokers import Broker, broker, needs_broker
from tests.app.gateways import frame

KNOWN = {"MN0001": KnownDevice("123456"), "J1": KnownDevice("")}
REPORT = b'{"time":"2026-11-03T08:00:00+08:00","values":{"pm25":%d}}'


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path / "broker") as made:
        yield made


def config(folder: Path, port: int, **other: Any) -> MqttConfig:
    quick: dict[str, Any] = {"pause": 0.05, "longest_pause": 0.2, "tick": 0.05}
    return MqttConfig(folder / "journal", folder / "devices.json", "127.0.0.1", port, **(quick | other))


@asynccontextmanager
async def standing(folder: Path, port: int, **other: Any) -> AsyncIterator[MqttDoor]:
    door = MqttDoor(config(folder, port, **other), WallClock(), KNOWN)
    await door.start()
    try:
        yield door
    finally:
        await door.stop()


async def publish(port: int, messages: Sequence[tuple[str, bytes]], **other: Any) -> None:
    async with aiomqtt.Client("127.0.0.1", port, **other) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1)


def journalled(folder: Path) -> list[Record]:
    reader = JournalReader(folder / "journal")
    try:
        return list(reader.follow("mqtt"))
    finally:
        reader.close()


async def until(holds: Any) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


@needs_broker
def test_frames_and_documents_are_journalled_with_their_sender_and_status(mosquitto: Broker, tmp_path: Path) -> None:
    messages = [
        ("bihuan/MN0001/hj212", frame(1)),
        ("bihuan/MN0001/hj212", frame(2, pw="wrong")),
        ("bihuan/J1/json", REPORT % 1),
        ("bihuan/J9/json", REPORT % 2),
        ("bihuan/a b/json", b"no device has such a code"),
        ("bihuan/J1/data", b"\x00\xff binary"),
        ("other/J1/json", REPORT % 3),
    ]

    async def run() -> MqttDoor:
        async with standing(tmp_path, mosquitto.port) as door:
            await door.connected.wait()
            await publish(mosquitto.port, messages)
            await until(lambda: door.counters.frames_received >= 6)
            return door

    door = asyncio.run(run())
    kept = {(record.status, record.raw): record.peer for record in journalled(tmp_path)}
    where = f"127.0.0.1:{mosquitto.port}/bihuan"
    assert kept == {
        ("known", frame(1).strip()): f"mqtt:{where}/MN0001/hj212",
        ("wrong_password", frame(2, pw="wrong").strip()): f"mqtt:{where}/MN0001/hj212",
        ("known", REPORT % 1): f"mqtt:J1@{where}/J1/json",
        ("unknown", REPORT % 2): f"mqtt:J9@{where}/J9/json",
        ("garbage", b"no device has such a code"): f"mqtt:{where}/a b/json",
        ("known", b"\x00\xff binary"): f"mqtt:J1@{where}/J1/data",
    }
    assert set(door.counters.unclaimed) == {"J9"}


DIES = """
import os, sys
from pathlib import Path
from bihuan.app.gateway.mqtt_serve import run_door
from bihuan.app.gateway.mqtt import MqttConfig
from bihuan.store import Journal

real, calls = Journal.append, []
def append(self, entries):
    calls.append(1)
    if len(calls) == int(sys.argv[3]) and sys.argv[4] == "before":
        os._exit(9)
    ids = real(self, entries)
    if len(calls) == int(sys.argv[3]):
        os._exit(9)  # durable, and the broker never hears of it
    return ids
Journal.append = append
folder = Path(sys.argv[1])
run_door(MqttConfig(folder / "journal", folder / "devices.json", "127.0.0.1", int(sys.argv[2]), pause=0.05))
"""


@needs_broker
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_door_that_is_killed_between_receipt_and_acknowledgement_loses_nothing(
    mosquitto: Broker, tmp_path: Path, moment: str
) -> None:
    """It dies at its second group, before or after the disk has it; what the broker took is kept in the end."""
    sent = [("bihuan/J1/json", REPORT % number) for number in range(60)]

    async def run() -> None:
        async with standing(tmp_path, mosquitto.port) as door:  # a first door, so that the broker knows the subscriber
            await door.connected.wait()
        words = [sys.executable, "-c", DIES, str(tmp_path), str(mosquitto.port), "2", moment]
        dying = subprocess.Popen(words, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        await publish(mosquitto.port, sent)
        await asyncio.get_running_loop().run_in_executor(None, dying.wait, 60)
        assert dying.returncode == 9
        missing = {payload for _, payload in sent} - {record.raw for record in journalled(tmp_path)}
        assert missing, "it died too late to show anything"
        async with standing(tmp_path, mosquitto.port):
            await until(lambda: {record.raw for record in journalled(tmp_path)} >= {payload for _, payload in sent})

    asyncio.run(run())


@needs_broker
def test_a_message_that_the_disk_refuses_is_delivered_again(
    mosquitto: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = Journal.append, [StoreError("full"), StoreError("still full")]

    def append(self: Journal, entries: Sequence[bytes]) -> list[str]:
        if entries and failures:
            raise failures.pop()
        return real(self, entries)

    monkeypatch.setattr(Journal, "append", append)

    async def run() -> None:
        async with standing(tmp_path, mosquitto.port) as door:
            await door.connected.wait()
            await publish(mosquitto.port, [("bihuan/J1/json", REPORT % 7)])
            await until(lambda: door.counters.frames_acknowledged)

    asyncio.run(run())
    assert not failures
    assert [record.raw for record in journalled(tmp_path)] == [REPORT % 7]


@needs_broker
def test_the_door_comes_back_when_the_broker_does(mosquitto: Broker, tmp_path: Path) -> None:
    async def run() -> None:
        async with standing(tmp_path, mosquitto.port) as door:
            await door.connected.wait()
            mosquitto.end()
            await until(lambda: not door.connected.is_set())
            mosquitto.begin()
            await asyncio.wait_for(door.connected.wait(), 20)
            await publish(mosquitto.port, [("bihuan/J1/json", REPORT % 8)])
            await until(lambda: door.counters.frames_acknowledged)

    asyncio.run(run())
    assert [record.raw for record in journalled(tmp_path)] == [REPORT % 8]


@needs_broker
def test_a_broker_that_asks_for_a_password_gets_the_one_of_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    users = folder / "users"
    users.write_text("door:secret\n")
    subprocess.run(["mosquitto_passwd", "-U", str(users)], check=True)
    with broker(folder, f"allow_anonymous false\npassword_file {users}") as made:

        async def run() -> None:
            async with standing(tmp_path, made.port, user="door", password="secret") as door:
                await asyncio.wait_for(door.connected.wait(), 20)
            async with standing(tmp_path, made.port, user="door", password="wrong") as door:
                await until(lambda: door.counters.complaints["broker_away"] >= 2)
                assert not door.connected.is_set()

        asyncio.run(run())


def test_a_topic_names_its_device_where_the_template_says() -> None:
    assert Topic("a/{mn}/json").filter == "a/+/json"
    assert Topic("a/{mn}/json").device("a/M1/json") == "M1"
    assert Topic("a/{mn}/json").device("a/M1/hj212") is None
    assert Topic("a/+/{mn}/#").device("a/x/M1/y/z") == "M1"
    assert Topic("a/all").device("a/all") == ""


@pytest.mark.parametrize("text", ["", " , ", "a/{id}/b", "a/{mn}/{mn}", "a/#/b"])
def test_a_setting_of_topics_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="mqtt_topics"):
        topics_of(text)


def test_the_settings_of_the_home_describe_the_door(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="mqtt_host"):
        config_of(Home(tmp_path), Settings())
    made = config_of(Home(tmp_path), Settings({"mqtt_host": "b", "mqtt_topics": "x/{mn}", "mqtt_tls": True}))
    assert (made.host, made.topics, made.tls) == ("b", (Topic("x/{mn}"),), True)
    assert "secret" not in repr(MqttConfig(tmp_path, tmp_path, "b", password="secret"))
    with pytest.raises(SettingError, match="mqtt_ca"):
        MqttConfig(tmp_path, tmp_path, "b", tls=True, ca=str(tmp_path / "none.pem")).context()
