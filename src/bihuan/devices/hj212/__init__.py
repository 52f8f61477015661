"""HJ 212-2005 and 2017 uplink: bytes to frames, frames to envelopes and answers, frames to readings.

The gateway uses `Framer`, `envelope` and `acknowledgement`; the core uses `Hj212Adapter`; simulators use `uplink`.
Clause by clause: ``docs/hj212.md``.
"""

from bihuan.devices.hj212.codes import wire_unit
from bihuan.devices.hj212.crc import CrcClass, checksum, classify
from bihuan.devices.hj212.decode import Hj212Adapter
from bihuan.devices.hj212.encode import acknowledgement, encode, heartbeat, uplink, wrap
from bihuan.devices.hj212.envelope import Envelope, envelope
from bihuan.devices.hj212.frame import Frame, Framer, read_frame
from bihuan.devices.hj212.parse import Group, Segment, parse
from bihuan.devices.hj212.stamps import read_stamp, write_stamp

__all__ = [
    "CrcClass",
    "Envelope",
    "Frame",
    "Framer",
    "Group",
    "Hj212Adapter",
    "Segment",
    "acknowledgement",
    "checksum",
    "classify",
    "encode",
    "envelope",
    "heartbeat",
    "parse",
    "read_frame",
    "read_stamp",
    "uplink",
    "wire_unit",
    "wrap",
    "write_stamp",
]
