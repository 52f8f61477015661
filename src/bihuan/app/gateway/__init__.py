"""The gateway: devices connect here; journal first, then acknowledge."""

from bihuan.app.gateway.admission import DevicesFile, KnownDevice, write_devices
from bihuan.app.gateway.client import Answer, DeviceLink, SendReport, send_frames
from bihuan.app.gateway.commands import CLAIMS, OrderFile, Told
from bihuan.app.gateway.counters import read_status
from bihuan.app.gateway.limits import Limits
from bihuan.app.gateway.serve import run_gateway
from bihuan.app.gateway.server import Gateway, GatewayConfig

__all__ = [
    "CLAIMS",
    "Answer",
    "DeviceLink",
    "DevicesFile",
    "Gateway",
    "GatewayConfig",
    "KnownDevice",
    "Limits",
    "OrderFile",
    "SendReport",
    "Told",
    "read_status",
    "run_gateway",
    "send_frames",
    "write_devices",
]
