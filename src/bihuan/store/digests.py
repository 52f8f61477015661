"""Digests by name, so that a city may ask for SM3 where the rest of the world says SHA-256."""

from __future__ import annotations

import hashlib
from typing import Literal, get_args

from bihuan.core import SettingError

Algorithm = Literal["sha256", "sm3"]
"""SHA-256, or SM3 (GB/T 32905-2016)."""

ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)


def named_digest(data: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of bytes as ``<algorithm>:<hex>``.

    Raises
    ------
    SettingError
        If the algorithm is unknown, or this Python's OpenSSL lacks it.
    """
    if algorithm not in ALGORITHMS:
        raise SettingError(f"digest {algorithm!r} is unknown; allowed are {', '.join(ALGORITHMS)}")
    try:
        return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    except ValueError:
        raise SettingError(f"digest {algorithm} is not offered by the OpenSSL of this Python: use sha256") from None


def holds(data: bytes, digest: str) -> bool:
    """Say whether bytes have a digest, by the algorithm that it names."""
    algorithm, _, _ = digest.partition(":")
    return named_digest(data, algorithm) == digest
