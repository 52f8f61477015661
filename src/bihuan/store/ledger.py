"""The ledger: who did what, each row holding the hash of the one before it, checked by one command."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bihuan.core import LedgerError, iso, to_json
from bihuan.store.digests import ALGORITHMS, Algorithm, named_digest
from bihuan.store.records import Records
from bihuan.store.schema import AUDIT

FIRST = ""
"""What the first row holds as the hash before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act.

    Attributes
    ----------
    at : datetime
        UTC.
    actor : str
        Who: id of a person, or the program's own part.
    action : str
        ``sign_warning``, ``correct``, ``assign`` ...
    subject : str
        What it was done to, a `Ref` as text.
    body : bytes
        JSON, made by `core.to_json`.
    """

    at: datetime
    actor: str
    action: str
    subject: str = ""
    body: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """How long the chain is and its last hash; note it elsewhere, and nobody can shorten the chain unseen."""

    rows: int
    hash: str


class Ledger:
    """The chain of acts in the records.

    Parameters
    ----------
    records : Records
    algorithm : str
        ``sha256`` or ``sm3`` for new rows; each hash names its own, so that a chain may change over.
    """

    def __init__(self, records: Records, algorithm: Algorithm = "sha256") -> None:
        self._records, self._algorithm = records, algorithm

    def add(self, entry: Entry) -> str:
        """Append an act and return its hash; within `Records.transaction` it commits with the act itself."""
        with self._records.connection(writes=True) as connection:
            last = connection.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
            seq, previous = (last.seq + 1, last.hash) if last else (1, FIRST)
            found = _hash(seq, entry, previous, self._algorithm)
            values = {
                "seq": seq,
                "at": entry.at,
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "body": entry.body.decode(),
                "previous": previous,
                "hash": found,
            }
            connection.execute(AUDIT.insert(), values)
        return found

    def head(self) -> LedgerHead:
        """Return length and last hash."""
        with self._records.connection() as connection:
            last = connection.execute(select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)).first()
        return LedgerHead(last.seq, last.hash) if last else LedgerHead(0, FIRST)

    def entries(self) -> list[Entry]:
        """Return every act in order."""
        with self._records.connection() as connection:
            rows = connection.execute(select(AUDIT).order_by(AUDIT.c.seq)).all()
        return [Entry(row.at, row.actor, row.action, row.subject, row.body.encode()) for row in rows]

    def check(self, noted: LedgerHead | None = None) -> LedgerHead:
        """Recompute the whole chain and return its head.

        Parameters
        ----------
        noted : LedgerHead, optional
            A head noted earlier; the chain must still run through it.

        Raises
        ------
        LedgerError
            At the first row that was changed, is missing or does not follow; and if the noted head is not in it.
        """
        head = LedgerHead(0, FIRST)
        met = noted is None or noted == head
        query = select(AUDIT).order_by(AUDIT.c.seq)
        with (
            self._records.connection() as connection,
            closing(connection.execution_options(stream_results=True).execute(query)) as rows,
        ):
            for row in rows:
                head = _next(head, row)
                met = met or head == noted
        if not met:
            raise LedgerError(
                f"the ledger ends at row {head.rows} and no longer holds row {noted.rows if noted else 0}"
            )
        return head


def _next(head: LedgerHead, row: Any) -> LedgerHead:
    """Return the head behind a row, or raise LedgerError where the chain is broken."""
    entry = Entry(row.at, row.actor, row.action, row.subject, row.body.encode())
    if row.seq != head.rows + 1:
        raise LedgerError(f"ledger row {head.rows + 1} is missing: rows were taken out of the chain")
    algorithm = row.hash.partition(":")[0]
    whole = algorithm in ALGORITHMS and row.hash == _hash(row.seq, entry, row.previous, algorithm)
    if row.previous != head.hash or not whole:
        raise LedgerError(
            f"ledger row {row.seq} ({row.action} by {row.actor}, {iso(row.at)}) does not match its hash: "
            "it or the one before it was changed; compare with a backup"
        )
    return LedgerHead(row.seq, row.hash)


def _hash(seq: int, entry: Entry, previous: str, algorithm: str) -> str:
    parts = [seq, iso(entry.at), entry.actor, entry.action, entry.subject, entry.body.decode(), previous]
    return named_digest(to_json(parts), algorithm)
