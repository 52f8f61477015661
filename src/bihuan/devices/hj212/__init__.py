"""HJ 212-2005, 2017 and 2025: bytes to frames, frames to envelopes, answers and readings, orders to frames.

The gateway uses `Framer`, `envelope`, `acknowledgement`, `request` and the state machine `exchange`; the core uses
`Hj212Adapter` and `command_of`; simulators use `uplink`. Clause by clause: ``docs/hj212.md``.
"""

from bihuan.devices.hj212 import exchange
from bihuan.devices.hj212.cipher import decrypt, encrypt, key_bytes, looks_encrypted
from bihuan.devices.hj212.codes import DATA_COMMANDS, wire_unit
from bihuan.devices.hj212.crc import CrcClass, checksum, classify
from bihuan.devices.hj212.decode import Hj212Adapter
from bihuan.devices.hj212.encode import acknowledgement, encode, executed, heartbeat, reply, uplink, wrap
from bihuan.devices.hj212.envelope import Envelope, envelope
from bihuan.devices.hj212.frame import Frame, Framer, read_frame
from bihuan.devices.hj212.layouts import Layout, Report
from bihuan.devices.hj212.notes import INFO_KINDS, NOTE_KINDS, result_of
from bihuan.devices.hj212.parse import Group, Segment, parse
from bihuan.devices.hj212.requests import (
    MINUTES,
    REMOVED,
    SECRET_ARGUMENTS,
    Command,
    checked,
    command_of,
    commands,
    request,
)
from bihuan.devices.hj212.stamps import read_stamp, write_stamp

__all__ = [
    "DATA_COMMANDS",
    "INFO_KINDS",
    "MINUTES",
    "NOTE_KINDS",
    "REMOVED",
    "SECRET_ARGUMENTS",
    "Command",
    "CrcClass",
    "Envelope",
    "Frame",
    "Framer",
    "Group",
    "Hj212Adapter",
    "Layout",
    "Report",
    "Segment",
    "acknowledgement",
    "checked",
    "checksum",
    "classify",
    "command_of",
    "commands",
    "decrypt",
    "encode",
    "encrypt",
    "envelope",
    "exchange",
    "executed",
    "heartbeat",
    "key_bytes",
    "looks_encrypted",
    "parse",
    "read_frame",
    "read_stamp",
    "reply",
    "request",
    "result_of",
    "uplink",
    "wire_unit",
    "wrap",
    "write_stamp",
]
