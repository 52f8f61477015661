"""From the journal to the series for what is no HJ 212 frame: the door names the sender, the register the adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bihuan.app.claiming import claim
from bihuan.app.heads import door_peer, head_of, peer_device
from bihuan.devices.hj212 import Envelope
from bihuan.register import Device
from bihuan.store import Journal, encode_entry
from tests.app.hamlet import MIDNIGHT, RHYTHM, Hamlet
from tests.app.test_ingest import MINUTE

REPORT = b'{"time":"2026-03-11T00:00:00+08:00","values":{"pm25":35.5,"pm10":null}}'


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Hamlet]:
    with Hamlet(tmp_path) as made:
        yield made


def keep(town: Hamlet, raw: bytes, device: str, status: str = "known") -> None:
    journal = Journal(town.store.home.journal, "mqtt")
    peer = door_peer("mqtt", "broker:1883/bihuan", device)
    journal.append([encode_entry(raw, MIDNIGHT + MINUTE, peer, status)])  # type: ignore[arg-type]
    journal.close()


def enrol(town: Hamlet, *devices: Device) -> None:
    town.facts += devices
    town.store.records.save_facts(devices)
    town.loop.renew_register()


def test_a_report_by_mqtt_becomes_readings_that_lead_back_to_its_frame(town: Hamlet) -> None:
    enrol(town, Device(id="J1", name="", site="station:s1", protocol="report", rhythm=RHYTHM))
    keep(town, REPORT, "J1")
    taken = town.step().taken
    rows = taken.readings.select("device", "pollutant", "value", "quality").rows()
    assert rows == [("J1", "pm10", None, "missing"), ("J1", "pm25", 35.5, "good")]
    frame = taken.readings["frame"][0]
    assert frame.startswith("mqtt-1/")


def test_a_report_of_an_unknown_device_waits_to_be_claimed(town: Hamlet) -> None:
    keep(town, REPORT, "J9", "unknown")
    assert town.step().taken.readings.is_empty()
    assert town.loop.ingest.counts.unclaimed == {"J9": 1}


def test_what_waited_is_taken_in_when_its_device_is_claimed_with_its_protocol(town: Hamlet) -> None:
    keep(town, REPORT, "J9", "unknown")
    town.step()
    row = Device(id="J9", name="", site="station:s1", protocol="report", rhythm=RHYTHM)
    done = claim(town.store, town.loop, row, "engineer", MIDNIGHT + 2 * MINUTE)
    assert (done.frames, done.readings) == (1, 2)
    assert town.store.series.readings(["J9"], ["pm25"])["value"].to_list() == [35.5]
    assert town.loop.ingest.counts.unclaimed == {}


def test_a_frame_whose_adapter_fails_is_kept_and_the_others_go_on(
    town: Hamlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Raises:
        def decode(self, *_: object) -> None:
            raise RuntimeError("of a stranger")

    real = __import__("bihuan.app.adapters", fromlist=["adapter"]).adapter
    monkeypatch.setattr(
        "bihuan.app.adapters.adapter", lambda name: (lambda *_: Raises()) if name == "bad" else real(name)
    )
    enrol(
        town,
        Device(id="B1", name="", site="station:s1", protocol="bad"),
        Device(id="J1", name="", site="station:s1", protocol="report", rhythm=RHYTHM),
    )
    keep(town, b"anything", "B1")
    keep(town, REPORT, "J1")
    taken = town.step().taken
    assert taken.frames == 2 and set(taken.readings["device"]) == {"J1"}
    assert town.loop.ingest.counts.complaints["adapter_failed"] == 1
    assert next(record.raw for record in town.store.journal.follow("mqtt")) == b"anything"


def test_the_sender_stands_in_the_peer_only_where_a_door_wrote_it() -> None:
    assert peer_device(door_peer("mqtt", "h:1883/a@b", "M-1.x")) == "M-1.x"
    assert peer_device(door_peer("mqtt", "h:1883/x@y")) == ""
    assert peer_device("10.0.0.1:5000") == ""
    assert len(door_peer("folder", "名" * 300, "M1").encode()) <= 255
    with pytest.raises(ValueError, match="letters"):
        door_peer("mqtt", "x", "a b")


def test_a_plain_address_is_read_by_the_head_of_the_frame(town: Hamlet) -> None:
    town.report("MN1", "minute", MIDNIGHT, {"so2": 3.0})
    town.step()
    record = next(iter(town.store.journal.follow("g1")))
    assert isinstance(head_of(record), Envelope) and head_of(record).mn == "MN1"
