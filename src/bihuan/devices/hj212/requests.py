"""Orders to devices (反控): which there are, what they take, and their frames (HJ 212-2017 tables 7-9, annex C)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from bihuan.core import CHINA, InputError, parse_instant
from bihuan.devices.hj212.cipher import encrypt, key_bytes
from bihuan.devices.hj212.codes import SEALED_COMMANDS
from bihuan.devices.hj212.crc import checksum
from bihuan.devices.hj212.encode import VERSION_BITS
from bihuan.devices.hj212.stamps import write_stamp

Pattern = Literal["request", "notice"]

_Check = Callable[[str, str], str]
"""Takes name and text of an argument, returns its plain form or raises `InputError`."""

SECRET_ARGUMENTS = frozenset({"password", "key"})
"""Arguments that no page, log or ledger shows."""

MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""Allowed MinInterval: what an hour is divided by without a rest (HJ 212-2017 table 6). [min]"""

REMOVED = MappingProxyType(
    {
        "read_alarm_limits": "alarm limits (HJ/T 212-2005) were removed in 2017; limits are judged by the platform",
        "set_alarm_limits": "alarm limits (HJ/T 212-2005) were removed in 2017; limits are judged by the platform",
        "read_alarm_events": "alarm events (HJ/T 212-2005) were removed in 2017; recall the data instead",
        "read_upload_time": "upload times (HJ/T 212-2005) were removed in 2017; read the intervals instead",
        "set_upload_time": "upload times (HJ/T 212-2005) were removed in 2017; set the intervals instead",
        "set_mn": "the fields of CN 1002 stand in HJ 212-2025, which was not at hand; set the MN at the logger",
        "recall_noise_single": "the fields of CN 2052 stand in the text of HJ 212-2025, which was not at hand",
    }
)
"""Orders that are refused, and the word for it."""

_ANSWER = 1


@dataclass(frozen=True, slots=True)
class Command:
    """One order a device may get.

    Attributes
    ----------
    code : str
        Ours; its words stand in ``texts`` under ``[order]``.
    cn : str
    pattern : Pattern
        ``request``: answer 9011, data, result 9012; ``notice``: 9013 alone.
    required, optional : tuple of str
        Names of arguments.
    answer : str
        Command of the data that answers, empty where none does.
    risky : bool
        Whether it changes how or what the device measures, or who may speak to it.
    protocols : tuple of str
        Versions that have it; empty for all.
    status : str
        How well its source is known.
    clause : str
    """

    code: str
    cn: str
    pattern: Pattern = "request"
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    answer: str = ""
    risky: bool = False
    protocols: tuple[str, ...] = ()
    status: str = "confirmed"
    clause: str = ""

    @property
    def recalls(self) -> bool:
        """Whether it asks for stored data of a range."""
        return self.code.startswith("recall_")


@cache
def commands() -> Mapping[str, Command]:
    """Return every order by its code, in the order of the table."""
    table = tomllib.loads(resources.files("bihuan.devices.hj212").joinpath("orders.toml").read_text("utf-8"))
    found = {}
    for code, row in table.items():
        found[code] = Command(
            code,
            row["cn"],
            row.get("kind", "request"),
            tuple(row.get("required", ())),
            tuple(row.get("optional", ())),
            row.get("answer", ""),
            row.get("risky", False),
            tuple(row.get("protocols", ())),
            row.get("status", "confirmed"),
            row["clause"],
        )
    return MappingProxyType(found)


def command_of(code: str, protocol: str) -> Command:
    """Return one order for a device of a version.

    Raises
    ------
    InputError
        If there is none of that name, it was removed, or the version has it not; the message says which.
    """
    if not protocol.startswith("hj212-"):
        raise InputError(f"the device speaks {protocol}: orders go to loggers of HJ 212 only")
    if code in REMOVED:
        raise InputError(f"order {code} is not sent: {REMOVED[code]}")
    found = commands().get(code)
    if found is None:
        raise InputError(f"order {code!r} is not known: {', '.join(commands())}")
    if found.protocols and protocol not in found.protocols:
        raise InputError(f"order {code} needs {' or '.join(found.protocols)}, the device speaks {protocol}")
    if protocol != "hj212-2025" and found.optional:  # CalibrationType is of 2025 alone
        found = replace(found, optional=tuple(name for name in found.optional if name != "calibration"))
    return found


def checked(command: Command, arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the arguments of an order in their plain form.

    Raises
    ------
    InputError
        If one is missing, unknown or out of its range; secrets are not repeated.
    """
    strange = sorted(set(arguments) - {*command.required, *command.optional})
    missing = [name for name in command.required if not arguments.get(name)]
    if strange or missing:
        takes = ", ".join([*command.required, *(f"{name} (may be left out)" for name in command.optional)]) or "nothing"
        what = f"lacks {', '.join(missing)}" if missing else f"does not take {', '.join(strange)}"
        raise InputError(f"order {command.code} {what}: it takes {takes}")
    found = {name: _ARGUMENTS[name](name, text.strip()) for name, text in arguments.items() if text}
    if "begin" in found and "end" in found and parse_instant(found["begin"]) > parse_instant(found["end"]):
        raise InputError(f"order {command.code}: begin {found['begin']} lies after end {found['end']}")
    return found


def request(
    command: Command,
    arguments: Mapping[str, str],
    *,
    mn: str,
    password: str,
    system: str,
    protocol: str,
    qn: str,
    now: datetime,
    zone: ZoneInfo = CHINA,
    key: str = "",
) -> bytes:
    """Return the frame of an order, ready to send.

    Parameters
    ----------
    command : Command
    arguments : mapping of str to str
        As `checked` returns them.
    mn, password, system, protocol : str
        Of the device; `system` is its ST, as in annex C.
    qn : str
        Number of the exchange.
    now : datetime
        Written where the order carries the time of the platform.
    zone : ZoneInfo
        Local time of the device.
    key : str
        Cipher key in force: 2025 wants CN 1014 and 3020 encrypted (clause 6.4.4).
    """
    flag = VERSION_BITS.get(protocol, 4) | _ANSWER
    content = _content(command, arguments, now, zone)
    head = f"QN={qn};ST={system};CN={command.cn};PW={password};MN={mn};Flag={flag}"
    data = f"{head};CP=&&{content}&&".encode()
    sealed = encrypt(data, key_bytes(key)) if key and command.cn in SEALED_COMMANDS else data
    return b"##%04d%b%04X\r\n" % (len(data), sealed, checksum(data))


def _content(command: Command, arguments: Mapping[str, str], now: datetime, zone: ZoneInfo) -> str:
    """CP of an order, in the order and with the separators of annex C."""
    parts = []
    if "analyser" in arguments:
        parts.append(f"PolId={arguments['analyser']}")
    if "calibration" in arguments:
        parts[-1] += f",CalibrationType={arguments['calibration']}"
    if command.code == "set_clock":
        parts.append(f"SystemTime={write_stamp(now, zone)}")
    if "key" in arguments:
        parts.append(f"SKCreateTime={write_stamp(now, zone, milliseconds=True)},NewSK={arguments['key']}")
    if "info" in arguments:
        parts.append(f"InfoId={arguments['info']}")
    if "value" in arguments:
        parts.append(f"{arguments['info']}-Info={arguments['value']}")
    for name, wire in _PLAIN.items():
        if name in arguments:
            parts.append(f"{wire}={arguments[name]}")
    for name, wire in _INSTANTS.items():
        if name in arguments:
            parts.append(f"{wire}={write_stamp(parse_instant(arguments[name]), zone)}")
    return ";".join(parts)


_PLAIN = {
    "timeout": "OverTime",
    "resends": "ReCount",
    "rt_seconds": "RtdInterval",
    "minutes": "MinInterval",
    "password": "NewPW",
    "start": "CstartTime",
    "hours": "Ctime",
}
_INSTANTS = {"begin": "BeginTime", "end": "EndTime"}


def _whole(low: int, high: int) -> _Check:
    def check(name: str, text: str) -> str:
        if not text.isascii() or not text.isdigit() or len(text) > 5 or not low <= int(text) <= high:
            raise InputError(f"{name} {text[:20]!r} cannot be: give a whole number from {low} to {high}")
        return str(int(text))

    return check


def _minutes(name: str, text: str) -> str:
    if text not in {str(one) for one in MINUTES}:
        raise InputError(f"{name} {text[:20]!r} cannot be: give one of {', '.join(map(str, MINUTES))}")
    return text


def _matching(pattern: str, allowed: str) -> _Check:
    wanted = re.compile(pattern, re.ASCII)

    def check(name: str, text: str) -> str:
        if not wanted.fullmatch(text):
            shown = "" if name in SECRET_ARGUMENTS else f" {text[:20]!r}"
            raise InputError(f"{name}{shown} cannot be: give {allowed}")
        return text

    return check


def _instant(name: str, text: str) -> str:
    return parse_instant(text, CHINA).isoformat()


_ARGUMENTS: Mapping[str, _Check] = {
    "analyser": _matching(r"[A-Za-z0-9]{1,10}", "the code of what it measures, w01018"),
    "begin": _instant,
    "end": _instant,
    "timeout": _whole(1, 99),
    "resends": _whole(1, 99),
    "rt_seconds": _whole(30, 3600),
    "minutes": _minutes,
    "hours": _whole(1, 24),
    "start": _matching(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", "a time of day, hhmmss"),
    "calibration": _matching(r"[01]", "0 for zero or 1 for span"),
    "info": _matching(r"[iI]\d{4}[0-9x]", "the code of annex B.10, i13004"),
    "value": _matching(r"[^;,&=\x00-\x1f]{1,200}", "up to 200 characters without ; , & and ="),
    "password": _matching(r"[^;,&=\s]{6}", "six characters without ; , & and ="),
    "key": _matching(r"[A-Za-z0-9]{16}", "16 letters and digits"),
}
