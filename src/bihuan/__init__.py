"""Bihuan 闭环: a city's pollution control run as one closed loop."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("bihuan")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
