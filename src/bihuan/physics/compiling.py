"""How the loops of this room are compiled and kept on disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

ROOT = Path(__file__).parents[1]
"""Of the package."""
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\((?:[^)#]|#.*)*\)|.*)|import[ \t]+(.*))", re.MULTILINE
)
NAME = re.compile(r"([\w.]+|\*)(?:[ \t]+as[ \t]+\w+)?")


def compiled(function: Kernel) -> Kernel:
    """Compile a function to machine code that runs without Python's lock, and keep it on disk.

    Numba's cache watches only the file of the function it compiled, so a loop that calls one of another file would
    go on running the old one after an edit there. Every kept function therefore carries the digest of its own file and
    of all files of the package that this one imports, and those import, and so on: what is not among them it can
    neither call nor have read a constant of. An edit makes old only the loops that reach it.
    An account that may keep files neither beside the code nor in a cache folder compiles anew in each process.
    """
    try:
        made: Any = njit(cache=True, error_model="numpy", nogil=True)(function)
    except RuntimeError:
        return cast(Kernel, njit(error_model="numpy", nogil=True)(function))
    kept = made._cache._cache_file  # numba has no public way to widen what its cache watches
    kept._source_stamp = (kept._source_stamp, digest_of(Path(function.__code__.co_filename)))
    return cast(Kernel, made)


@cache
def digest_of(path: Path) -> str:
    """Return the digest of a file and of all files of the package that it reaches by its imports."""
    found = sha256()
    for name in sorted(reached(path, ROOT)):
        found.update(name.read_bytes())
    return found.hexdigest()


def reached(path: Path, root: Path) -> set[Path]:
    """Return a file, this one, and all files of the package at `root` that are reached from it by imports.

    The decorator itself may be had from the face of the room, which imports all of it: that name is not followed.
    """
    found, waiting = {Path(__file__)}, [path]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += _imported(here, root)
    return found


@cache
def _imported(path: Path, root: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for module, names, whole in IMPORT.findall(path.read_text("utf-8")):
        if module.startswith("."):  # of unknown reach: everything
            return tuple(root.rglob("*.py"))
        for name in NAME.findall(re.sub("#.*", "", names or whole)):
            full = f"{module}.{name}" if module else name
            if full.startswith(f"{root.name}.") and full != f"{root.name}.physics.compiled":
                found += _file_of(full, root) or _file_of(module or full.rpartition(".")[0], root)
    return tuple(found)


def _file_of(module: str, root: Path) -> list[Path]:
    """Return the file of a module, or none if there is no such module."""
    place = root.parent.joinpath(*module.split("."))
    return [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
