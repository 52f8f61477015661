"""The records: what was concluded, decided and done, by id, and how it hangs together."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Select, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from bihuan.core import InputError, Ref, StoreError, from_json, to_json
from bihuan.register import KIND_OF, KINDS, Fact, Register
from bihuan.store.engine import named_errors, open_engine
from bihuan.store.schema import FACTS, FINAL_KINDS, LINKS, RECORDS, STATES

Direction = Literal["forward", "back"]
"""``forward`` to what was made from it, ``back`` to what it was made from."""

_CHUNK = 500  # parameters of one IN: SQLite allows 32766, PostgreSQL 65535


@dataclass(frozen=True, slots=True)
class Row:
    """One record: what it is found by, and its JSON body.

    Attributes
    ----------
    id : str
        From content; a row with a known id replaces the earlier one.
    body : bytes
        Made by `core.to_json`.
    subject : str
        What it is about, a `Ref` as text.
    state : str
        Code of its state: ``open``, ``draft``, ``handling`` ...
    cell : str
        Grid cell that answers for it.
    start, end : datetime or None
        Period it is about, in UTC.
    """

    id: str
    body: bytes
    subject: str = ""
    state: str = ""
    cell: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """`to_ref` was made from, opened by or decided on `from_ref`.

    Attributes
    ----------
    from_ref, to_ref : Ref
    relation : str
        ``input``, ``evidence``, ``opened``, ``closed`` ...
    """

    from_ref: Ref
    to_ref: Ref
    relation: str = "input"


class Records:
    """Register, verdicts, events, cases and everything else that is not a series.

    Parameters
    ----------
    where : Path or str
        A file for SQLite, or an address ``postgresql+psycopg://...``; the same tables in both.

    Raises
    ------
    StoreVersionError
        If they were written by a newer Bihuan.
    StoreError
        If they cannot be opened.
    """

    def __init__(self, where: Path | str) -> None:
        self.where = where
        self._engine = open_engine(where)
        self._insert: Any = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        self._local = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything that this thread does inside one commit, or nothing of it."""
        with self.connection(writes=True):
            yield

    @contextmanager
    def connection(self, writes: bool = False) -> Iterator[Connection]:
        """Hand out the connection of the running transaction of this thread, or one of its own."""
        current: Connection | None = getattr(self._local, "connection", None)
        if current is not None:
            with named_errors(str(self.where)):
                yield current
            return
        with named_errors(str(self.where)), self._engine.connect() as fresh:
            connection = fresh.execution_options(writes=writes)
            with connection.begin():
                self._local.connection = connection if writes else None
                try:
                    yield connection
                finally:
                    self._local.connection = None

    def save(self, kind: str, rows: Iterable[Row]) -> None:
        """Store rows of a kind; one with a known id takes the place of the earlier.

        Raises
        ------
        InputError
            If the kind is unknown.
        StoreError
            If a row that is final (a correction, a step of a case) came with another body.
        """
        table = _table(kind)
        values = [_values(row) for row in rows]
        if not values:
            return
        with self.connection(writes=True) as connection:
            if kind in FINAL_KINDS:
                self._hold_final(connection, table, values)
            insert = self._insert(table)
            others = {column.name: insert.excluded[column.name] for column in table.columns if column.name != "id"}
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=others), values)

    def remove(self, kind: str, idents: Sequence[str]) -> None:
        """Drop rows that are made anew from the journal.

        Raises
        ------
        InputError
            If the kind is unknown, or one whose rows are final.
        """
        table = _table(kind)
        if kind in FINAL_KINDS:
            raise InputError(f"rows of kind {kind!r} are final: none is ever removed")
        with self.connection(writes=True) as connection:
            for at in range(0, len(idents), _CHUNK):
                connection.execute(table.delete().where(table.c.id.in_(idents[at : at + _CHUNK])))

    def get(self, kind: str, id: str) -> Row | None:
        """Return one row, or None."""
        table = _table(kind)
        with self.connection() as connection:
            found = connection.execute(select(table).where(table.c.id == id)).mappings().first()
        return None if found is None else _row(found)

    def find(
        self,
        kind: str,
        *,
        subject: str | Collection[str] | None = None,
        state: str | Collection[str] | None = None,
        cell: str | Collection[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Row]:
        """Return rows whose `start` is at or after `since` and before `until`, by start and id."""
        table = _table(kind)
        query = _chosen(select(table), table, since, until, subject=subject, state=state, cell=cell)
        order = [table.c.start.desc(), table.c.id.desc()] if newest_first else [table.c.start, table.c.id]
        with self.connection() as connection:
            found = connection.execute(query.order_by(*order).limit(limit)).mappings().all()
        return [_row(row) for row in found]

    def count(self, kind: str, *, subject: str | None = None, state: str | Collection[str] | None = None) -> int:
        """Return how many rows of a kind there are."""
        table = _table(kind)
        query = _chosen(select(func.count()).select_from(table), table, None, None, subject=subject, state=state)
        with self.connection() as connection:
            return int(connection.execute(query).scalar_one())

    def link(self, links: Iterable[Link]) -> None:
        """Remember what was made from what; a known link changes nothing."""
        values = [
            {"from_ref": str(link.from_ref), "to_ref": str(link.to_ref), "relation": link.relation} for link in links
        ]
        if values:
            with self.connection(writes=True) as connection:
                connection.execute(self._insert(LINKS).on_conflict_do_nothing(), values)

    def linked(self, ref: Ref | Iterable[Ref], direction: Direction, relation: str | None = None) -> list[Link]:
        """Return the links of one or more things in one direction, sorted."""
        refs = [str(ref)] if isinstance(ref, Ref) else [str(one) for one in ref]
        column = LINKS.c.from_ref if direction == "forward" else LINKS.c.to_ref
        found: list[Link] = []
        with self.connection() as connection:
            for at in range(0, len(refs), _CHUNK):
                query = select(LINKS).where(column.in_(refs[at : at + _CHUNK]))
                if relation is not None:
                    query = query.where(LINKS.c.relation == relation)
                found += [Link(Ref.parse(a), Ref.parse(b), name) for a, b, name in connection.execute(query)]
        return sorted(found)

    def walk(self, ref: Ref, direction: Direction, depth: int = 12) -> list[Link]:
        """Return every link that can be reached from a thing in one direction, nearest first, each once."""
        seen, front, walked = {ref}, [ref], []
        for _ in range(depth):
            links = [link for link in self.linked(front, direction) if link not in walked]
            walked += links
            ends = [link.to_ref if direction == "forward" else link.from_ref for link in links]
            front = [end for end in dict.fromkeys(ends) if end not in seen]
            seen.update(front)
            if not front:
                break
        return walked

    def state(self, name: str) -> bytes | None:
        """Return what a rule or a watermark remembers under a name, or None."""
        with self.connection() as connection:
            body = connection.execute(select(STATES.c.body).where(STATES.c.name == name)).scalar()
        return None if body is None else str(body).encode()

    def set_state(self, name: str, body: bytes) -> None:
        """Remember what a rule or a watermark will need next time."""
        insert = self._insert(STATES).values(name=name, body=body.decode())
        with self.connection(writes=True) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"body": body.decode()}))

    def facts(self) -> list[Fact]:
        """Return every fact of the register, by kind, id and first day."""
        query = select(FACTS.c.kind, FACTS.c.body).order_by(FACTS.c.kind, FACTS.c.id, FACTS.c.valid_from)
        with self.connection() as connection:
            return [from_json(body, KINDS[kind]) for kind, body in connection.execute(query)]

    def facts_of(self, kind: str, ident: str) -> list[Fact]:
        """Return the facts of one thing, by first day, without reading the whole register."""
        query = select(FACTS.c.body).where(FACTS.c.kind == kind, FACTS.c.id == ident).order_by(FACTS.c.valid_from)
        with self.connection() as connection:
            return [from_json(body, KINDS[kind]) for (body,) in connection.execute(query)]

    def register(self) -> Register:
        """Return the register as it is stored."""
        return Register(self.facts())

    def save_facts(self, facts: Iterable[Fact], removed: Iterable[Fact] = ()) -> int:
        """Store facts and return how many were new or changed; the same file twice changes nothing.

        A fact with the id and first day of a stored one takes its place: so is its end set. Facts of `removed` are
        spans that the others cover now (`Register.merge` tells them); they go.

        Raises
        ------
        RegisterError
            If two spans of one id would overlap; nothing is stored then.
        """
        with self.connection(writes=True) as connection:
            stored = {(KIND_OF[type(fact)], fact.id, fact.valid_from): fact for fact in self.facts()}
            given = {(KIND_OF[type(fact)], fact.id, fact.valid_from): fact for fact in facts}
            gone = {(KIND_OF[type(fact)], fact.id, fact.valid_from) for fact in removed} - set(given)
            for kind, ident, first in sorted(gone & set(stored)):
                where = (FACTS.c.kind == kind, FACTS.c.id == ident, FACTS.c.valid_from == first)
                connection.execute(FACTS.delete().where(*where))
                del stored[kind, ident, first]
            Register((stored | given).values())
            changed = {key: fact for key, fact in given.items() if stored.get(key) != fact}
            values = [
                {
                    "kind": kind,
                    "id": ident,
                    "valid_from": first,
                    "valid_to": fact.valid_to,
                    "body": to_json(fact).decode(),
                }
                for (kind, ident, first), fact in changed.items()
            ]
            if values:
                insert = self._insert(FACTS)
                new = {"valid_to": insert.excluded.valid_to, "body": insert.excluded.body}
                keys = ["kind", "id", "valid_from"]
                connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=new), values)
        return len(changed)

    def copy_to(self, target: Path) -> None:
        """Write a consistent copy into a new SQLite file, while others go on reading.

        Raises
        ------
        StoreError
            If the records are in PostgreSQL, whose own tools make the copy.
        """
        if not isinstance(self.where, Path):
            raise StoreError("the records are in PostgreSQL: copy them with pg_dump, and the rest of the store with us")
        source, copy = sqlite3.connect(self.where), sqlite3.connect(target)
        try:
            source.backup(copy)
        finally:
            copy.close()
            source.close()

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    def _hold_final(self, connection: Connection, table: Table, values: Sequence[dict[str, Any]]) -> None:
        given = {value["id"]: value["body"] for value in values}
        idents = list(given)
        for at in range(0, len(idents), _CHUNK):
            query = select(table.c.id, table.c.body).where(table.c.id.in_(idents[at : at + _CHUNK]))
            for ident, body in connection.execute(query):
                if body != given[ident]:
                    raise StoreError(
                        f"row {ident} of {table.name} is final and came with another content: "
                        "a later step or correction is a new row with an id of its own"
                    )


def _table(kind: str) -> Table:
    try:
        return RECORDS[kind]
    except KeyError:
        raise InputError(f"records of kind {kind!r} are not kept; known kinds are {', '.join(RECORDS)}") from None


def _values(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "subject": row.subject,
        "state": row.state,
        "cell": row.cell,
        "start": row.start,
        "end": row.end,
        "body": row.body.decode(),
    }


def _row(found: Any) -> Row:
    return Row(**{**found, "body": found["body"].encode()})


def _chosen(
    query: Select[Any],
    table: Table,
    since: datetime | None,
    until: datetime | None,
    **columns: str | Collection[str] | None,
) -> Select[Any]:
    for name, wanted in columns.items():
        if wanted is not None:
            query = query.where(table.c[name].in_([wanted] if isinstance(wanted, str) else list(wanted)))
    if since is not None:
        query = query.where(table.c.start >= since)
    if until is not None:
        query = query.where(table.c.start < until)
    return query
