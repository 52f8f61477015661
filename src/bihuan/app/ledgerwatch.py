"""How far the chain of the ledger was checked: new rows are checked as they come, the whole chain on request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bihuan.core import LedgerError
from bihuan.store import Ledger, LedgerHead

PIECE = 5_000
"""Rows checked at once; a page waits for so many at most."""

NOTHING = LedgerHead(0, "")
"""Head of a chain without a row."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the check has come.

    Attributes
    ----------
    head : LedgerHead
        Of the part that was checked.
    whole : datetime or None
        When the chain was last checked from its first row on, by this process.
    share : float or None
        Of a check of the whole chain that is under way, 0 to 1.
    broken : str
        What was found, empty while the chain holds.
    """

    head: LedgerHead = NOTHING
    whole: datetime | None = None
    share: float | None = None
    broken: str = ""


class LedgerWatch:
    """Keeps the progress of the check in this process: whoever can write into the store cannot write into it.

    Parameters
    ----------
    ledger : Ledger
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._mutex, self._whole = threading.Lock(), threading.Lock()
        self._checked = Checked()

    @property
    def checked(self) -> Checked:
        """How far it has come."""
        return self._checked

    def note(self, head: LedgerHead, at: datetime) -> None:
        """Take over a check of the whole chain that was made elsewhere."""
        self._set(head=head, whole=at)

    def go_on(self) -> Checked:
        """Check the rows that have come since, `PIECE` of them at most; a finding stays until the whole is checked."""
        with self._mutex:
            before = self._checked
            if not before.broken:
                try:
                    self._set(head=self._ledger.go_on(before.head, PIECE))
                except LedgerError as problem:
                    self._set(broken=str(problem))
            return self._checked

    def check_whole(self, now: Callable[[], datetime], tell: Callable[[float], None] = lambda share: None) -> Checked:
        """Check the chain from its first row on; a second call waits for the first."""
        with self._whole:
            head, end = NOTHING, self._ledger.head().rows
            self._set(share=0.0)
            try:
                while head.rows < end:
                    before, head = head, self._ledger.go_on(head, PIECE)
                    if head == before:
                        raise LedgerError(f"the ledger ends at row {head.rows} and had {end} rows: some were taken out")
                    self._set(share=min(1.0, head.rows / end))
                    tell(min(1.0, head.rows / end))
                self._set(head=head, whole=now(), share=None, broken="")
            except LedgerError as problem:
                self._set(whole=now(), share=None, broken=str(problem))
        return self._checked

    def _set(self, **changed: object) -> None:
        self._checked = replace(self._checked, **changed)  # type: ignore[arg-type]
