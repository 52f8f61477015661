"""The MQTT door: what a broker delivers is journalled first, and only then acknowledged to the broker (QoS 1).

A broker keeps what was not acknowledged and delivers it again, so a door that is killed at any moment loses nothing.
Payloads are HJ 212 frames, or anything that the adapter of the device reads; the topic then names the device. Nothing
is decoded here. Who may publish for which device is the broker's matter (its users and access lists).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

from bihuan.app.clock import Clock
from bihuan.app.gateway.admission import DevicesFile, Known, admit
from bihuan.app.gateway.commit import Committer, Waiting
from bihuan.app.gateway.counters import Counters, read_status, write_status
from bihuan.app.heads import DEVICE_CODE, door_peer
from bihuan.core import SettingError, StoreError
from bihuan.devices.hj212 import Framer, envelope
from bihuan.store import START, FrameStatus, Journal, JournalReader, Position, encode_entry

logger = logging.getLogger("bihuan.gateway")

LARGEST = (1 << 20) - 4096
"""Longest payload that an entry of the journal takes. [bytes]"""

TOPICS = "bihuan/{mn}/hj212,bihuan/{mn}/json,bihuan/{mn}/data"
"""Topics that are read where no setting names others; ``{mn}`` is the level that names the device."""

SETTLED = 30.0
"""A connection that lived this long makes the next pause short again. [s]"""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic that is subscribed to.

    Attributes
    ----------
    template : str
        As in the settings: ``bihuan/{mn}/json``.
    """

    template: str

    def __post_init__(self) -> None:
        levels = self.template.split("/")
        wrong = [level for level in levels if "{" in level and level != "{mn}"]
        if not self.template or wrong or levels.count("{mn}") > 1 or "#" in levels[:-1]:
            raise SettingError(
                f"mqtt_topics {self.template!r} cannot be read: levels by slash, one of them may be {{mn}}, "
                "+ stands for any level and # at the end for all below"
            )

    @property
    def filter(self) -> str:
        """What the broker is asked for."""
        return self.template.replace("{mn}", "+")

    def device(self, topic: str) -> str | None:
        """Return the device that a topic names, empty where the template names none, None where it does not match."""
        pattern = "/".join(_LEVELS.get(level, re.escape(level)) for level in self.template.split("/"))
        found = re.fullmatch(pattern, topic)
        return None if found is None else found.groupdict().get("mn", "")


_LEVELS = {"{mn}": "(?P<mn>[^/]+)", "+": "[^/]*", "#": ".*"}


def topics_of(text: str) -> tuple[Topic, ...]:
    """Read the setting ``mqtt_topics``: templates by comma.

    Raises
    ------
    SettingError
    """
    found = tuple(Topic(part.strip()) for part in text.split(",") if part.strip())
    if not found:
        raise SettingError("mqtt_topics is empty: name at least one topic, like bihuan/{mn}/json")
    return found


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """Settings of the door.

    Attributes
    ----------
    journal, devices : Path
        As in `GatewayConfig`.
    host : str
    port : int
    gateway : str
        Name of its journal.
    topics : tuple of Topic
    client : str
        Under which the broker keeps what was not acknowledged; each door has its own.
    user, password : str
        Empty for a broker that asks for none.
    tls : bool
    ca : str
        File of the authority that signed the broker's certificate (PEM); empty: those of this machine.
    pause, longest_pause : float
        Before it connects again; doubled each time. [s]
    tick : float
        How often counters are written and the devices file is looked at. [s]
    """

    journal: Path
    devices: Path
    host: str
    port: int = 1883
    gateway: str = "mqtt"
    topics: tuple[Topic, ...] = field(default_factory=lambda: topics_of(TOPICS))
    client: str = "bihuan"
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""
    pause: float = 1.0
    longest_pause: float = 60.0
    tick: float = 1.0

    def context(self) -> ssl.SSLContext | None:
        """Return how TLS is spoken, None for none.

        Raises
        ------
        SettingError
            If the file of the authority cannot be read.
        """
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as problem:
            raise SettingError(f"mqtt_ca {self.ca!r} cannot be read: {problem}; give a PEM file") from None


class AckedClient(aiomqtt.Client):
    """A client that acknowledges a message only when it is told to."""

    def __init__(self, config: MqttConfig, tls: ssl.SSLContext | None) -> None:
        super().__init__(
            config.host,
            config.port,
            identifier=config.client,
            username=config.user or None,
            password=config.password or None,
            clean_session=False,  # the broker keeps what is not acknowledged while we are away
            tls_context=tls,
            logger=logger.getChild("mqtt"),
        )
        self._client.manual_ack_set(True)

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Tell the broker that a message is kept."""
        if message.qos:
            self._client.ack(message.mid, message.qos)


class Delivery:
    """One message on its way to the disk; acknowledged once all of its entries are durable."""

    def __init__(self, door: MqttDoor, client: AckedClient, message: aiomqtt.Message) -> None:
        self._door, self._client, self._message = door, client, message
        self.size = 0

    def durable(self, size: int, answers: bytes) -> None:
        """Hear that some of it is durable."""
        self.size -= size
        if self.size <= 0:
            self._door.kept(self._client, self._message)

    def refused(self, size: int) -> None:
        """Hear that it could not be kept: the broker has to deliver it again."""
        self._door.again()


class MqttDoor:
    """Subscribes, journals, acknowledges; connects again for as long as it lives.

    Parameters
    ----------
    config : MqttConfig
    clock : Clock
    known : mapping of MN to KnownDevice, optional
        Instead of the devices file.
    """

    def __init__(self, config: MqttConfig, clock: Clock, known: Known | None = None) -> None:
        self.config, self.clock = config, clock
        self.counters = Counters()
        self.connected = asyncio.Event()
        self._devices = DevicesFile(config.devices) if known is None else None
        self._known = known
        self._current: AckedClient | None = None
        self._again = asyncio.Event()
        self._tls = config.context()

    async def start(self) -> None:
        """Open the journal and begin to connect.

        Raises
        ------
        StoreLocked
            If another process writes the journal.
        """
        config = self.config
        self._journal = Journal(config.journal, config.gateway)
        self._take_over()
        self._committer = Committer(self._journal, self.counters)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._connect_for_ever()), loop.create_task(self._tick())]
        self._write_status(os.getpid())

    async def stop(self) -> None:
        """Take no more, make durable and acknowledge what came, close."""
        self._tasks[0].cancel()
        await asyncio.gather(self._tasks[0], return_exceptions=True)
        await self._committer.stop()
        self._tasks[1].cancel()
        await asyncio.gather(self._tasks[1], return_exceptions=True)
        self._write_status(0)
        self._journal.close()

    def kept(self, client: AckedClient, message: aiomqtt.Message) -> None:
        """Acknowledge a message that is durable, over the connection that it came by."""
        if client is self._current:
            client.acknowledge(message)
            self.counters.frames_acknowledged += 1

    def again(self) -> None:
        """Have the broker deliver again what was not acknowledged: it does so when somebody connects."""
        self._again.set()

    @property
    def known(self) -> Known:
        """The devices of the register."""
        return self._devices.known if self._devices is not None else self._known or {}

    # -- the line --------------------------------------------------------------------------------------------------

    async def _connect_for_ever(self) -> None:
        loop, pause = asyncio.get_running_loop(), self.config.pause
        while True:
            began = loop.time()
            try:
                await self._connection()
            except (aiomqtt.MqttError, OSError) as problem:
                self.counters.complaints["broker_away"] += 1
                logger.warning("broker %s:%d: %s; again in %.1f s", self.config.host, self.config.port, problem, pause)
            self._leave()
            lived = loop.time() - began
            await asyncio.sleep(pause)
            pause = self.config.pause if lived > SETTLED else min(pause * 2, self.config.longest_pause)

    async def _connection(self) -> None:
        """Take what one connection brings, until it ends or something of it could not be kept."""
        self._again.clear()
        async with AckedClient(self.config, self._tls) as client:
            self._current = client
            self.counters.connections, self.counters.connections_opened = 1, self.counters.connections_opened + 1
            for topic in self.config.topics:
                await client.subscribe(topic.filter, qos=1)
            self.connected.set()
            logger.info("subscribed at %s:%d as %s", self.config.host, self.config.port, self.config.client)
            reading = asyncio.ensure_future(self._read(client))
            failing = asyncio.ensure_future(self._again.wait())
            try:
                await asyncio.wait((reading, failing), return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    reading.result()
                else:
                    logger.error("a message could not be journalled; the broker is asked to deliver it again")
            finally:
                for task in (reading, failing):
                    task.cancel()
                await asyncio.gather(reading, failing, return_exceptions=True)
                await self._committer.drain()  # what came before the end is acknowledged while the line still stands

    def _leave(self) -> None:
        self._current = None
        self.connected.clear()
        self.counters.connections = 0

    async def _read(self, client: AckedClient) -> None:
        async for message in client.messages:
            self._take(client, message)

    # -- one message -----------------------------------------------------------------------------------------------

    def _take(self, client: AckedClient, message: aiomqtt.Message) -> None:
        topic, payload = str(message.topic), _bytes_of(message.payload)
        where = f"{self.config.host}:{self.config.port}/{topic}"
        if not payload or len(payload) > LARGEST:
            self.counters.complaints["payload_size"] += 1
            logger.error("a payload of %d bytes on %s cannot be kept: 1 to %d bytes", len(payload), topic, LARGEST)
            client.acknowledge(message)  # or the broker would deliver it for ever
            return
        received, came = self.clock.now(), asyncio.get_running_loop().time()
        delivery = Delivery(self, client, message)
        entries = [
            (encode_entry(raw, received, door_peer("mqtt", where, device), status), status)
            for raw, device, status in self._entries(topic, payload, where)
        ]
        delivery.size = sum(len(entry) for entry, _ in entries)
        for entry, status in entries:
            self._committer.add(Waiting(entry, status, len(entry), delivery, b"", came))

    def _entries(self, topic: str, payload: bytes, where: str) -> list[tuple[bytes, str, FrameStatus]]:
        """Return what is journalled of a payload: frames of HJ 212 each for itself, anything else whole."""
        if payload.lstrip().startswith(b"##"):
            return self._frames(payload, where)
        device = self._device_of(topic, payload)
        if not DEVICE_CODE.fullmatch(device):
            self.counters.complaints["head_missing"] += 1
            return [(payload, "", "garbage")]
        if device in self.known:
            return [(payload, device, "known")]
        self.counters.complaints["device_unknown"] += 1
        self.counters.note_unknown(device, f"mqtt:{where}", self.clock.now())
        return [(payload, device, "unknown")]

    def _frames(self, payload: bytes, where: str) -> list[tuple[bytes, str, FrameStatus]]:
        framer = Framer()
        frames, said = framer.feed(payload)
        last, more = framer.flush()
        self.counters.complaints.update(complaint.reason for complaint in (*said, *more))
        found: list[tuple[bytes, str, FrameStatus]] = []
        for frame in (*frames, *last):
            head = envelope(frame.data)
            admission = admit(frame, head, self.known)
            if admission.complaint:
                self.counters.complaints[admission.complaint] += 1
            if admission.status == "unknown":
                self.counters.note_unknown(head.mn, f"mqtt:{where}", self.clock.now())
            found.append((frame.raw, "", admission.status))
        return found or [(payload, "", "garbage")]

    def _device_of(self, topic: str, payload: bytes) -> str:
        """Return who sent a payload: by the topic, else by ``device`` or ``mn`` of a JSON document."""
        named = next((name for one in self.config.topics if (name := one.device(topic)) is not None), "")
        if named:
            return named
        try:
            found = json.loads(payload)
        except (ValueError, RecursionError):
            return ""
        told = (found.get("device") or found.get("mn")) if isinstance(found, dict) else ""
        return told if isinstance(told, str) else ""

    # -- counters --------------------------------------------------------------------------------------------------

    def _take_over(self) -> None:
        status = read_status(self.config.journal, self.config.gateway)
        counted = Position(*status["journal"]) if status.get("journal") else START
        reader = JournalReader(self.config.journal, salvage=True)
        try:
            self.counters.take_over(status, reader.follow(self.config.gateway, counted))
        except StoreError as problem:
            logger.error("entries since the last count cannot be counted again: %s", problem)
        finally:
            reader.close()

    async def _tick(self) -> None:
        sealed = self._journal.end.segment
        while True:
            await asyncio.sleep(self.config.tick)
            if self._devices is not None:
                self._devices.refresh()
            if self._journal.end.segment > sealed:
                sealed = self._journal.end.segment
                with contextlib.suppress(StoreError):  # it stays as it is and is sealed another time
                    await asyncio.get_running_loop().run_in_executor(None, self._journal.seal)
            self._write_status(os.getpid())

    def _write_status(self, pid: int) -> None:
        config = self.config
        status = self.counters.as_status(config.gateway, pid, config.port, self.clock.now(), self._journal.end)
        try:
            write_status(config.journal, status)
        except StoreError as problem:
            logger.error("counters were not written: %s", problem)


def _bytes_of(payload: object) -> bytes:
    return bytes(payload) if isinstance(payload, bytes | bytearray) else str(payload or "").encode()
