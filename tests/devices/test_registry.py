"""Which adapter reads what a device sends; a third party's package is found, used, and may fail without harm."""

from __future__ import annotations

import importlib
import shutil
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bihuan.app.adapters import HeldAdapter
from bihuan.core import CHINA, Adapter, Decoded, NotCovered, Reading
from bihuan.devices import BUILT_IN, adapter, forget_offered, protocols
from bihuan.devices.hj212 import Hj212Adapter
from bihuan.register import Device

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello_device"
NOW = datetime(2026, 11, 3, tzinfo=UTC)
LINE = b"2026-11-03T07:59:00+08:00 pm25 35.1\n"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The example as pip leaves it: its package, and the entry points that its pyproject names."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    told = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"]
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {to}" for name, to in rows.items()) for group, rows in groups.items()
    ]
    (told / "entry_points.txt").write_text("\n".join(lines) + "\n")
    shutil.copytree(EXAMPLE / "src" / "hello_device", tmp_path / "hello_device")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    forget_offered()
    yield tmp_path
    forget_offered()
    sys.modules.pop("hello_device", None)


def test_every_protocol_of_ours_has_an_adapter_that_answers_to_any_bytes() -> None:
    for protocol in BUILT_IN:
        made: Adapter = adapter(protocol)(Device(id="M1", name="", site="station:s1"), "environment", CHINA)
        said = made.decode(b"\x00\xffnonsense", NOW, "g1-1/64")
        assert not said.readings and said.complaints, protocol


def test_a_year_of_hj_212_that_is_not_listed_is_read_by_its_one_adapter() -> None:
    assert adapter("hj212-2025") is Hj212Adapter


def test_an_unknown_protocol_names_those_that_are_known() -> None:
    with pytest.raises(NotCovered, match=r"'modbus'.*hj212-2017"):
        adapter("modbus")


def test_a_third_partys_adapter_is_found_by_its_entry_point_and_used(installed: Path) -> None:
    assert "hello" in protocols()
    held = HeldAdapter(Device(id="HELLO1", name="", site="station:s1", protocol="hello"), CHINA)
    said = held.decode(LINE + b"nonsense\n", NOW, "g1-1/64")
    assert [(one.device, one.pollutant, one.value, one.frame) for one in said.readings] == [
        ("HELLO1", "pm25", 35.1, "g1-1/64")
    ]
    assert [one.reason for one in said.complaints] == ["row_bad"]


class Broken:
    """What an adapter can do wrong."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __call__(self, *_: object) -> Broken:
        return self

    def decode(self, data: bytes, received: datetime, frame: str) -> Decoded:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


def _held(monkeypatch: pytest.MonkeyPatch, answer: object) -> HeldAdapter:
    monkeypatch.setattr("bihuan.app.adapters.adapter", lambda _: Broken(answer))
    return HeldAdapter(Device(id="X1", name="", site="station:s1", protocol="stranger"), CHINA)


@pytest.mark.parametrize("answer", [ZeroDivisionError("x"), None, "text", Decoded((1,), ())], ids=str)  # type: ignore[arg-type]
def test_an_adapter_that_raises_or_returns_nonsense_gives_a_complaint(
    monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    said = _held(monkeypatch, answer).decode(b"x", NOW, "g1-1/64")
    assert not said.readings
    assert {one.reason for one in said.complaints} <= {"adapter_failed", "adapter_reading"}
    assert said.complaints


def test_a_reading_that_would_break_the_store_is_left_out_and_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = datetime(2026, 11, 3, 0, 5, tzinfo=UTC)
    good = Reading("X1", "pm25", "avg", "minute", NOW, later, 3.0)
    naive = datetime(2026, 11, 3)  # noqa: DTZ001  # the fault that is tested
    wrong = [
        Reading("X1", "pm25", "avg", "minute", naive, later, 3.0),
        Reading("X1", "nonsense", "avg", "minute", NOW, later, 3.0),
        Reading("X1", "pm10", "avg", "minute", NOW, later, float("nan")),
        Reading("OTHER", "pm25", "avg", "minute", NOW, later, 3.0),
        Reading("X1", "so2", "avg", "minute", later, NOW, 3.0),
    ]
    said = _held(monkeypatch, Decoded((good, *wrong), ())).decode(b"x", NOW, "g1-1/64")
    assert said.readings == (good,)
    assert [one.reason for one in said.complaints] == ["adapter_reading"] * len(wrong)


def test_a_protocol_whose_package_is_gone_says_so_and_reads_nothing() -> None:
    held = HeldAdapter(Device(id="X1", name="", site="station:s1", protocol="gone"), CHINA)
    assert [one.reason for one in held.decode(LINE, NOW, "g1-1/64").complaints] == ["adapter_missing"]
