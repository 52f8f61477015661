"""Answers that are made once and kept as bytes until what they were made from has changed."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from fastapi import Request, Response

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Packed:
    """One answer, plain and packed.

    Attributes
    ----------
    plain, packed : bytes
        JSON, and the same by gzip.
    etag : str
        From the content.
    """

    plain: bytes
    packed: bytes
    etag: str

    @classmethod
    def of(cls, plain: bytes) -> Packed:
        """Pack an answer."""
        tag = hashlib.sha256(plain).hexdigest()[:20]
        return cls(plain, gzip.compress(plain, 6, mtime=0), f'"{tag}"')

    def answer(self, request: Request, media_type: str = JSON) -> Response:
        """Answer a request: 304 where the page has it already, packed where it can be unpacked."""
        headers = {"ETag": self.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Accept-Language"}
        if request.headers.get("if-none-match", "").removeprefix("W/") == self.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})
        return Response(self.plain, media_type=media_type, headers=headers)


class Kept:
    """A few answers by key, each with the state of the world it was made in.

    Parameters
    ----------
    size : int
        Answers kept; the one that was not asked for longest goes first.

    Notes
    -----
    Whoever finds an answer out of date makes it while the others wait: two hundred pages that read anew at once cost
    one making.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._mutex = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[Hashable, Packed]] = OrderedDict()

    def fresh(self, key: Hashable, state: Hashable) -> Packed | None:
        """Return the answer of a key if it was made in this state."""
        found = self._found.get(key)
        return found[1] if found is not None and found[0] == state else None

    def get(self, key: Hashable, state: Hashable, make: Callable[[], bytes]) -> Packed:
        """Return the answer of a key, made anew when `state` is not the one it was made in."""
        known = self.fresh(key, state)
        if known is not None:
            return known
        with self._mutex:
            known = self.fresh(key, state)
            if known is not None:
                return known
            packed = Packed.of(make())
            self._found[key] = (state, packed)
            self._found.move_to_end(key)
            while len(self._found) > self._size:
                self._found.popitem(last=False)
            return packed
