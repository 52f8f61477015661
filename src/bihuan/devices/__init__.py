"""What loggers and feeds send, one folder a protocol: bytes and files to readings and complaints.

Other rooms enter a folder by its own door, ``from bihuan.devices.hj212 import Framer``; nothing is
imported here, so that the gateway does not load what only files need.
"""

__all__ = ["csv", "hj212"]
