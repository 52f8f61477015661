"""The tables of the records, the same in SQLite and PostgreSQL: a few key columns to find by, and one JSON body.

The bodies are the core types as `core.to_json` writes them; what is queried stands in a column of its own. Changes
to this file need a migration under `migrations/versions`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC: sorts, and reads back the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an instant into a number."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Turn a number into an instant."""
        return None if value is None else _EPOCH + int(value) * _MICROSECOND


class Day(TypeDecorator[date]):
    """A calendar day of the city as ISO text; empty is no end."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str:
        """Turn a day into text."""
        return "" if value is None else value.isoformat()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> date | None:
        """Turn text into a day."""
        return date.fromisoformat(value) if value else None


METADATA = MetaData()

RECORD_TABLES: dict[str, str] = {
    "account": "accounts",
    "alert": "alerts",
    "bulletin": "bulletins",
    "case": "cases",
    "collocation": "collocations",
    "correction": "corrections",
    "effect": "effects",
    "event": "events",
    "finding": "findings",
    "gap": "gaps",
    "mark": "marks",
    "notice": "notices",
    "order": "orders",
    "passage": "passages",
    "picture": "pictures",
    "presence": "presences",
    "session": "sessions",
    "shift": "shifts",
    "sign": "signs",
    "step": "case_steps",
    "suspects": "suspects",
    "target": "targets",
    "token": "tokens",
    "track": "tracks",
    "verdict": "verdicts",
    "warning": "warnings",
}
"""Kind, as it stands in a `Ref` -> table."""

FINAL_KINDS = frozenset({"correction", "mark", "step"})
"""Never rewritten: another body under the same id is an error."""


def _record_table(name: str) -> Table:
    return Table(
        name,
        METADATA,
        Column("id", String(64), primary_key=True),
        Column("subject", String(128), nullable=False),
        Column("state", String(32), nullable=False),
        Column("cell", String(64), nullable=False),
        Column("start", Instant),
        Column("end", Instant),
        Column("body", Text, nullable=False),
        Index(f"{name}_by_subject", "subject", "start"),
        Index(f"{name}_by_state", "state", "start"),
        Index(f"{name}_by_start", "start"),
    )


RECORDS: dict[str, Table] = {kind: _record_table(name) for kind, name in RECORD_TABLES.items()}

FACTS = Table(
    "facts",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("valid_from", Day, primary_key=True),
    Column("valid_to", Day, nullable=False),
    Column("body", Text, nullable=False),
)

LINKS = Table(
    "links",
    METADATA,
    Column("from_ref", String(160), primary_key=True),
    Column("to_ref", String(160), primary_key=True),
    Column("relation", String(32), primary_key=True),
    Index("links_by_to", "to_ref"),
)

STATES = Table(
    "states",
    METADATA,
    Column("name", String(160), primary_key=True),
    Column("body", Text, nullable=False),
)

SETTINGS = Table(
    "settings",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(160), nullable=False),
    Column("valid_from", Day, nullable=False),
    Column("at", Instant, nullable=False),
    Column("author", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("settings_by_name", "name", "valid_from", "at"),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(160), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(80), nullable=False),
    Column("hash", String(80), nullable=False),
)
