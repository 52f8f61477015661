"""Core types to JSON and back, byte for byte the same for the same content."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec
import numpy as np

from bihuan.core.errors import FormatError, InputError
from bihuan.core.ids import Ref
from bihuan.core.periods import iso

T = TypeVar("T")


def _encode(value: Any) -> Any:
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, np.generic):  # a number out of an array, where a plain one was meant
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode(kind: type[Any], value: Any) -> Any:
    if kind is Ref:
        return Ref.parse(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


def to_json(value: Any) -> bytes:
    """Return compact UTF-8 JSON; fields in order of their definition, mappings sorted by key.

    NaN and infinity become null: missing is null, never a number.

    Raises
    ------
    FormatError
        If a text holds half of a surrogate pair, which UTF-8 cannot carry.
    """
    try:
        return msgspec.json.encode(value, enc_hook=_encode, order="deterministic")
    except UnicodeEncodeError as problem:
        raise FormatError(f"{type(value).__name__} cannot be written as JSON: {problem}") from None


def from_json(data: bytes | str, kind: type[T]) -> T:
    """Read JSON made by `to_json`.

    Raises
    ------
    FormatError
        If the text is no JSON, does not fit `kind`, or holds a value that `kind` refuses.
    """
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_decode)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeError, InputError) as problem:
        raise FormatError(f"stored {kind.__name__} cannot be read: {problem}") from None


def plain(value: Any) -> Any:
    """Return dicts, lists, numbers and text only; instants as ISO text in UTC."""
    built = msgspec.to_builtins(value, enc_hook=_encode, builtin_types=(datetime,), order="deterministic")
    return _iso_all(built)


def _iso_all(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, dict):
        return {key: _iso_all(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_iso_all(part) for part in value]
    return value
