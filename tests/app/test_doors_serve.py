"""The whole way: a server with a broker and a watched folder, from a message and a dropped file to values."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bihuan.register import Device
from bihuan.store import open_store
from tests.app.brokers import broker, needs_broker
from tests.app.small import read_json, serving, settle, wait_until
from tests.app.test_mqtt import publish


@needs_broker
def test_a_server_takes_messages_and_files_and_ends_its_doors_cleanly(tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    settle(home)
    with open_store(home, threads=1) as store:
        store.records.save_facts(
            Device(id=code, name="", site="station:2", protocol="report", rhythm={"minute": 300})
            for code in ("Q1", "F1")
        )
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    with broker(tmp_path / "broker") as mosquitto:
        settings = (
            f'mqtt_host = "127.0.0.1"\nmqtt_port = {mosquitto.port}\ninbox = "{inbox}"\ninbox_quiet_seconds = 0\n'
        )
        (home / "bihuan.toml").write_text(settings + "loop_seconds = 1\n")
        with serving(home) as (process, _):
            status = home / "journal/mqtt/status.json"
            wait_until("subscribed", lambda: read_json(status).get("connections") == 1)
            report = b'{"time":"%s","values":{"pm25":41.5}}' % start.isoformat().encode()
            asyncio.run(publish(mosquitto.port, [("bihuan/Q1/json", report), ("bihuan/X9/json", report)]))
            wait_until("acknowledged", lambda: read_json(status).get("frames_acknowledged") == 2)
            dropped = inbox / "report" / "F1" / "a.csv"
            dropped.parent.mkdir(parents=True)
            dropped.write_text(f"time,pm25\n{start.isoformat()},42.5\n")
            wait_until("moved", lambda: not dropped.exists())
            counted = lambda: read_json(home / "status.json").get("store", {}).get("ingest", {})  # noqa: E731
            wait_until("taken in", lambda: counted().get("readings") == 2)
            assert counted()["unclaimed"] == {"X9": 1}
    assert process.returncode == 0
    assert [path.name for path in inbox.rglob("done/*/report/F1/*")] == ["a.csv"]
    with open_store(home, threads=1) as store:
        rows = store.series.readings(["Q1", "F1"]).select("device", "value").rows()
        assert rows == [("F1", 42.5), ("Q1", 41.5)]
