"""Orders all the way: recalls that fill a gap, the city's loggers, the command line."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from bihuan.app.city import City
from bihuan.app.gateway import DeviceLink
from bihuan.app.ordering import Order, Recalls, order_of, place_order
from bihuan.app.rig import CityRun
from bihuan.core import Reading
from bihuan.devices.hj212 import (
    encode,
    envelope,
    parse,
    read_frame,
)
from bihuan.register import Device
from bihuan.store import open_store
from tests.app.gateways import frame
from tests.app.order_lines import MN, NOW, obliging
from tests.app.small import run as run_command
from tests.app.small import serving, settle, wait_until


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
