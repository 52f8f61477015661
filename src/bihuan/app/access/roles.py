"""Who would get other roles by a change of the register: only who keeps the accounts may let that happen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from bihuan.register import Change, Person, Register


def risen(known: Register, changes: Iterable[Change], on: date) -> frozenset[str]:
    """Return the persons whose roles a change would alter, or who would come, or come back, with roles.

    Parameters
    ----------
    known : Register
        As it stands.
    changes : iterable of Change
        What a merge would do to it.
    on : date
        The present day: roles held on it may go on as they are.

    Returns
    -------
    frozenset of str
        Ids.
    """
    return frozenset(change.ref.id for change in changes if change.ref.kind == "person" and _rises(known, change, on))


def _rises(known: Register, change: Change, on: date) -> bool:
    before, after = change.before, change.after
    if not isinstance(after, Person):
        return False  # nobody rises by a span that goes
    mine = known.get(Person, after.id, on)
    if mine is not None and set(mine.roles) == set(after.roles):
        return isinstance(before, Person) and set(before.roles) != set(after.roles)
    if isinstance(before, Person) and set(before.roles) == set(after.roles):
        return _longer(before, after)
    return bool(after.roles) or isinstance(before, Person)


def _longer(before: Person, after: Person) -> bool:
    """Say whether roles that are not held today would hold on more days."""
    if after.valid_from < before.valid_from:
        return True
    return before.valid_to is not None and (after.valid_to is None or after.valid_to > before.valid_to)
