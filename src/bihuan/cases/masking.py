"""Names and numbers of people are masked before a case keeps them; the hotline holds them in clear."""

from __future__ import annotations

import re

_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)[-\s]?(\d{4})[-\s]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})[-\s]?(\d{3,4})(\d{4})(?!\d)")
_IDENTITY = re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?!\d)")


def mask_name(name: str) -> str:
    """Return the first character and a star for each other one, as the bureau prints it; a lone one is a star."""
    name = name.strip()
    return "*" * len(name) if len(name) < 2 else name[0] + "*" * (len(name) - 1)


def mask_phone(phone: str) -> str:
    """Return a telephone number with its middle hidden; what is no number is hidden whole."""
    phone = phone.strip()
    masked = mask_numbers(phone)
    return masked if masked != phone else "*" * len(phone)


def mask_numbers(words: str) -> str:
    """Hide telephone and identity numbers that stand in free text."""
    words = _IDENTITY.sub(r"\1********\2", words)
    words = _PHONE.sub(r"\1****\3", words)
    return _LANDLINE.sub(r"\1****\3", words)
