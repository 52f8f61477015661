"""Where compiled kernels and the list of fonts are kept for an account that has no folder of its own.

A service's account often may write neither beside the installed code nor below its home. numba and matplotlib would
then compile and search anew at each start, so they get a folder beside the data of the installation.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

FOLDERS = {"NUMBA_CACHE_DIR": "numba", "MPLCONFIGDIR": "matplotlib"}
"""What the libraries ask the environment for -> our folder below ``cache``."""


def settle_caches(home: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Name a folder below a store for what libraries keep, unless the account has one or the environment says where.

    Parameters
    ----------
    home : Path
        Of the installation; without a store in it nothing is settled, and nothing is ever made here.
    environment : mutable mapping, optional
        Read, and changed for this process and those it starts.
    """
    kept = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "/") / ".cache")
    if _writable(kept) or not (home / "store.toml").is_file() or not _writable(home):
        return
    for name, folder in FOLDERS.items():
        environment.setdefault(name, str(home.absolute() / "cache" / folder))


def _writable(folder: Path) -> bool:
    """Say whether files can be put there, or the folder be made."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
