"""What the hosts of one city tell each other in the catalog beside its lake: which of them judges, and orders.

The tables stand in a schema of their own, so that a lake that is made anew takes nothing of it away. Ages are told by
the clock of the catalog, the one clock that all hosts share.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bihuan.core import CatalogAway
from bihuan.store.lakeaddress import LakeAddress

_MAKE = (
    'CREATE SCHEMA IF NOT EXISTS "{schema}"',
    'CREATE TABLE IF NOT EXISTS "{schema}".judging (one integer PRIMARY KEY CHECK (one = 1), token text NOT NULL, '
    "home text NOT NULL, name text NOT NULL, since timestamptz NOT NULL, renewed timestamptz NOT NULL)",
    'CREATE TABLE IF NOT EXISTS "{schema}".letters (id text, host text, body text NOT NULL, told text, '
    "sent timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (id, host))",
)

_CLAIM = """
    INSERT INTO "{schema}".judging AS held
    VALUES (1, %(token)s, %(home)s, %(name)s, clock_timestamp(), clock_timestamp())
    ON CONFLICT (one) DO UPDATE SET
        token = excluded.token, home = excluded.home, name = excluded.name, renewed = excluded.renewed,
        since = CASE WHEN held.token = excluded.token THEN held.since ELSE excluded.since END
    WHERE held.token = excluded.token OR held.home = excluded.home
        OR held.renewed < clock_timestamp() - make_interval(secs => %(seconds)s)
    RETURNING one
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who judges a city.

    Attributes
    ----------
    name : str
        Host and folder, for people.
    since : datetime
    age : float
        Since it was last heard. [s]
    """

    name: str
    since: datetime
    age: float


class LakeHosts:
    """The board of the hosts of one city.

    Parameters
    ----------
    address : LakeAddress
        Of the city's lake.
    """

    def __init__(self, address: LakeAddress) -> None:
        self.address = address
        self._schema = f"{address.schema}_hosts"
        self._mutex = threading.RLock()
        self._connection: Any = None

    def claim(self, token: str, home: str, name: str, seconds: float) -> Holder | None:
        """Take the judging of the city; return who has it instead, None when it is ours now.

        Parameters
        ----------
        token : str
            Of this process, of its own.
        home : str
            Tells one home from every other. One process at a time owns a home, so one that was killed gives way at
            once to the next of the same home.
        name : str
            Host and folder, for people.
        seconds : float
            A holder that was not heard for longer has lost it. [s]

        Raises
        ------
        CatalogAway
        """
        given = {"token": token, "home": home, "name": name, "seconds": seconds}
        with self._talking() as connection:
            if connection.execute(self._sql(_CLAIM), given).fetchone() is not None:
                return None
            return self._holder(connection)

    def renew(self, token: str) -> bool:
        """Say that we are still there; False when another host judges by now."""
        with self._talking() as connection:
            done = connection.execute(
                self._sql('UPDATE "{schema}".judging SET renewed = clock_timestamp() WHERE token = %s RETURNING one'),
                [token],
            )
            return done.fetchone() is not None

    def release(self, token: str) -> None:
        """Give the judging back, so that another host need not wait."""
        with self._talking() as connection:
            connection.execute(self._sql('DELETE FROM "{schema}".judging WHERE token = %s'), [token])

    def holder(self) -> Holder | None:
        """Return who judges, or did last; None where nobody does."""
        with self._talking() as connection:
            return self._holder(connection)

    # -- letters ---------------------------------------------------------------------------------------------------

    def post(self, ident: str, host: str, body: str) -> None:
        """Lay a letter for a host; of the same id the new one takes the place of the old, with what was told of it."""
        with self._talking() as connection:
            connection.execute(
                self._sql(
                    'INSERT INTO "{schema}".letters (id, host, body) VALUES (%s, %s, %s) ON CONFLICT (id, host) '
                    "DO UPDATE SET body = excluded.body, told = NULL, sent = excluded.sent"
                ),
                [ident, host, body],
            )

    def letters(self, host: str) -> dict[str, str]:
        """Return the letters that lie for a host, by id."""
        return self._pairs('SELECT id, body FROM "{schema}".letters WHERE host = %s ORDER BY sent, id', host)

    def tell(self, ident: str, host: str, told: str) -> None:
        """Say what became of a letter."""
        with self._talking() as connection:
            statement = 'UPDATE "{schema}".letters SET told = %s WHERE id = %s AND host = %s'
            connection.execute(self._sql(statement), [told, ident, host])

    def told(self) -> dict[str, str]:
        """Return what became of letters, by id, and what was laid and not told of as an empty text."""
        return self._pairs('SELECT id, coalesce(told, %s) FROM "{schema}".letters', "")

    def withdraw(self, ident: str) -> None:
        """Take a letter away: it is over."""
        with self._talking() as connection:
            connection.execute(self._sql('DELETE FROM "{schema}".letters WHERE id = %s'), [ident])

    def _pairs(self, statement: str, value: str) -> dict[str, str]:
        with self._talking() as connection:
            rows = connection.execute(self._sql(statement), [value]).fetchall()
        return {str(ident): str(text) for ident, text in rows}

    def close(self) -> None:
        """Let go of the catalog."""
        with self._mutex:
            if self._connection is not None:
                with suppress(Exception):
                    self._connection.close()
            self._connection = None

    def _holder(self, connection: Any) -> Holder | None:
        row = connection.execute(
            self._sql(
                'SELECT name, since, extract(epoch FROM clock_timestamp() - renewed)::float8 FROM "{schema}".judging'
            )
        ).fetchone()
        return None if row is None else Holder(str(row[0]), row[1], float(row[2]))

    def _sql(self, statement: str) -> str:
        return statement.format(schema=self._schema)  # a checked name

    @contextmanager
    def _talking(self) -> Iterator[Any]:
        """Give the connection; it is opened anew after the catalog was away."""
        import psycopg  # noqa: PLC0415  # part of the extra

        with self._mutex:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self.address.conninfo, autocommit=True)
                    self._make(self._connection)
                yield self._connection
            except psycopg.Error as problem:
                self.close()
                said = self.address.hidden(str(problem)).splitlines() or [type(problem).__name__]
                raise CatalogAway(
                    f"the catalog of {self.address.name} does not answer ({said[0][:200]}): who judges the city is not "
                    "known; see that PostgreSQL runs, then it goes on by itself"
                ) from problem

    def _make(self, connection: Any) -> None:
        """Make the tables where they are not; two hosts that begin at once do it one after the other."""
        number = zlib.crc32(f"bihuan {self._schema}".encode())
        with connection.transaction():
            connection.execute("SET LOCAL client_min_messages = warning")
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [number])
            for statement in _MAKE:
                connection.execute(self._sql(statement))
