"""走航: values of an instrument that moves, every one with its place; GPX, CSV and JSON."""

from bihuan.devices.tracks.read import TrackAdapter

__all__ = ["TrackAdapter"]
