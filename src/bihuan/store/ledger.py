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

    def before(
        self,
        row: int | None = None,
        *,
        actor: str = "",
        action: str = "",
        subject: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        most: int = 100,
        within: int = 50_000,
    ) -> tuple[list[tuple[int, Entry]], int | None]:
        """Return acts before a row, the latest first, looking at a bounded part of the chain only.

        Parameters
        ----------
        row : int, optional
            Number of the row behind the first one looked at; from the end of the chain without it.
        actor, action, subject : str
            Parts of what stands there; empty for any.
        since, until : datetime, optional
            `until` is not included.
        most : int
            Acts to return.
        within : int
            Rows to look at.

        Returns
        -------
        list of (int, Entry)
            With the number of each row.
        int or None
            Row to go on from, None at the beginning of the chain.
        """
        last = self.head().rows if row is None else row - 1
        first = max(0, last - within)
        query = select(AUDIT).where(AUDIT.c.seq <= last, AUDIT.c.seq > first).order_by(AUDIT.c.seq.desc()).limit(most)
        for column, part in ((AUDIT.c.actor, actor), (AUDIT.c.action, action), (AUDIT.c.subject, subject)):
            query = query.where(column.contains(part, autoescape=True)) if part else query
        query = query.where(AUDIT.c.at >= since) if since else query
        query = query.where(AUDIT.c.at < until) if until else query
        with self._records.connection() as connection:
            rows = connection.execute(query).all()
        found = [(one.seq, Entry(one.at, one.actor, one.action, one.subject, one.body.encode())) for one in rows]
        reached = found[-1][0] if len(found) == most else first + 1
        return found, reached if reached > 1 else None

    def go_on(self, checked: LedgerHead, most: int = 5_000) -> LedgerHead:
        """Check the rows behind a head that was checked before, and return the head that is checked now.

        Parameters
        ----------
        checked : LedgerHead
            ``LedgerHead(0, "")`` to begin.
        most : int
            Rows to check.

        Raises
        ------
        LedgerError
            If the row of the head is no longer what it was, or a row behind it does not follow.
        """
        query = select(AUDIT).where(AUDIT.c.seq > checked.rows).order_by(AUDIT.c.seq).limit(most)
        with self._records.connection() as connection:
            known = connection.execute(select(AUDIT.c.hash).where(AUDIT.c.seq == checked.rows)).scalar()
            rows = connection.execute(query).all()
        if checked.rows and known != checked.hash:
            raise LedgerError(
                f"the ledger no longer holds row {checked.rows} as it was checked: rows were changed or taken out"
            )
        for row in rows:
            checked = _next(checked, row)
        return checked

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
