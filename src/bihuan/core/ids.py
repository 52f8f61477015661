"""Names of things: a `Ref` points at one, and its id comes from its content.

Ids never come from counters, clocks or random numbers, so that the same input gives the
same ids on every machine and a repeated step writes the same row again.
"""

from __future__ import annotations

import hashlib
from functools import total_ordering

from bihuan.core.errors import InputError

ID_LENGTH = 20
"""Hex digits of a content id: 80 bits, one collision expected in about 10**12 rows."""


@total_ordering
class Ref:
    """Points at one thing of one kind, printed and stored as ``kind:id``.

    Parameters
    ----------
    kind : str
        ``frame reading verdict event alert warning suspects case effect station outlet ...``
    id : str
        Unique within its kind; may itself hold colons and slashes.

    Raises
    ------
    InputError
        If either is empty or the kind holds a colon: it could not be read back.

    Notes
    -----
    Not a dataclass, so that JSON holds the one printed text and not an object of two fields.
    """

    __slots__ = ("id", "kind")
    kind: str
    id: str

    def __init__(self, kind: str, id: str) -> None:
        if not kind or not id or ":" in kind:
            raise InputError(
                f"reference of kind {kind!r} and id {id!r} cannot be written: both are needed, no colon in kind"
            )
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "id", id)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Ref never changes: make a new one instead of setting {name}")

    def __reduce__(self) -> tuple[type[Ref], tuple[str, str]]:
        return (Ref, (self.kind, self.id))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self.kind, self.id) == (other.kind, other.id)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Ref):
            return NotImplemented
        return (self.kind, self.id) < (other.kind, other.id)

    def __hash__(self) -> int:
        return hash((self.kind, self.id))

    def __repr__(self) -> str:
        return f"Ref({str(self)!r})"

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read ``kind:id``.

        Raises
        ------
        InputError
            If the text has no colon or either side is empty.
        """
        kind, colon, ident = text.partition(":")
        if not (kind and colon and ident):
            raise InputError(f"reference {text!r} cannot be read: write kind:id, for instance case:1f0c...")
        return cls(kind, ident)


def content_id(*parts: object) -> str:
    """Return the id of what these parts describe (hex, `ID_LENGTH` digits).

    Parts are joined by the unit separator after ``str``; give instants as ISO text or as aware
    datetimes in UTC, and floats only where their shortest text is meant.
    """
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes as ``sha256:<hex>``; the algorithm is named for later ones."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
