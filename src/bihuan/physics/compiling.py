"""How the loops of this room are compiled and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a function to machine code that runs without Python's lock, and keep it on disk.

    Numba's cache watches only the file of the function it compiled, so a loop that calls one of another file would
    go on running the old one after an edit there. Every kept function therefore carries the digest of the room.
    An account that may keep files neither beside the code nor in a cache folder compiles anew in each process.
    """
    try:
        made: Any = njit(cache=True, error_model="numpy", nogil=True)(function)
    except RuntimeError:
        return cast(Kernel, njit(error_model="numpy", nogil=True)(function))
    kept = made._cache._cache_file  # numba has no public way to widen what its cache watches
    kept._source_stamp = (kept._source_stamp, _digest())
    return cast(Kernel, made)


@cache
def _digest() -> str:
    found = sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
