"""What a password has to be, and temporary ones to begin with."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bihuan.core import InputError

SHORTEST, LONGEST, PHRASE = 10, 128, 20
"""Fewest and most characters; from `PHRASE` on a password need not mix kinds of characters."""

REMEMBERED = 5
"""Earlier passwords that may not come again."""

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


def hash_of(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _HASHER.hash(password)


def matches(hashed: str, password: str) -> bool:
    """Say whether a password is the one that was hashed."""
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def is_old(hashed: str) -> bool:
    """Say whether a hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


def waste_time(password: str) -> None:
    """Take as long as a real check does, so that nobody learns from the time which logins exist."""
    matches(_NOBODY, password)


def check(password: str, login: str, earlier: tuple[str, ...] = ()) -> None:
    """Hold a new password against the rules.

    Parameters
    ----------
    password, login : str
    earlier : tuple of str
        Hashes of passwords that may not come again.

    Raises
    ------
    InputError
        Names the rule that it breaks and what is allowed.
    """
    kinds = sum((any(c.islower() for c in password), any(c.isupper() for c in password)))
    kinds += sum((any(c.isdigit() for c in password), any(not c.isalnum() for c in password)))
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"the password has {len(password)} characters: use {SHORTEST} to {LONGEST}")
    if login.lower() in password.lower():
        raise InputError("the password holds the login: choose another one")
    if kinds < 3 and len(password) < PHRASE:
        raise InputError(
            "the password is too simple: mix three of small letters, capitals, digits and signs, "
            f"or use a phrase of at least {PHRASE} characters"
        )
    if len(set(password)) < 5:
        raise InputError("the password repeats the same few characters: use at least five different ones")
    if any(matches(hashed, password) for hashed in earlier):
        raise InputError(f"the password was used before: the last {REMEMBERED} may not come again")


def temporary() -> str:
    """Return a random password to begin with."""
    return "-".join(secrets.token_hex(2) for _ in range(4)) + "-" + secrets.choice("ABCDEFGHJKMNPQRSTUVWXYZ")
