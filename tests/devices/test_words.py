"""Every reason this room can give has its words in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import bihuan.devices
from bihuan.core import texts
from bihuan.devices.hj212.codes import marks

SOURCE = Path(bihuan.devices.__file__).parent
CALLS = {"Complaint": 0, "say": 0, "say_once": 0, "_repair": 1, "listed": 2}


def reasons_in_code() -> Iterator[str]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name in CALLS and len(node.args) > CALLS[name]:
                    argument = node.args[CALLS[name]]
                    if isinstance(argument, ast.Constant):
                        yield str(argument.value)


def test_every_reason_has_its_words() -> None:
    found = set(reasons_in_code()) | {f"crc_{kind}" for kind in ("bad", "lower", "modbus", "short", "swapped")}
    assert len(found) > 45
    for language in ("zh", "en"):
        assert found <= set(texts(language)["complaint"])


def test_every_mark_has_a_reason_with_words() -> None:
    for language in ("zh", "en"):
        assert {flag.reason for flag in marks().values()} - {""} <= set(texts(language)["reason"])
