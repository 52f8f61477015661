"""What loggers and feeds send, one folder a protocol: bytes and files to readings and complaints.

`adapter` finds the reader of a protocol. Other rooms enter a folder by its own door, ``from bihuan.devices.hj212 import
Framer``; no folder is imported here, so that the gateway does not load what only files need.
"""

from bihuan.devices.registry import BUILT_IN, GROUP, Factory, adapter, forget_offered, own, protocols

__all__ = ["BUILT_IN", "GROUP", "Factory", "adapter", "csv", "forget_offered", "hj212", "own", "protocols"]
