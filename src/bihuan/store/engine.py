"""Opening the records: SQLite by default, PostgreSQL by its address; migrations and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from bihuan.core import DiskFull, StoreError, StoreLocked, StoreVersionError

NEWEST = "v0004_doors"
"""The last step under `migrations/versions`."""

WAIT = 10.0
"""How long a writer waits for another one before it gives up. [s]"""


def open_engine(where: Path | str) -> Engine:
    """Open the records, bring them to the newest shape, and return the engine.

    Parameters
    ----------
    where : Path or str
        A file for SQLite, or an address ``postgresql+psycopg://...``.

    Raises
    ------
    StoreVersionError
        If they were written by a newer Bihuan.
    StoreLocked, StoreError
        If they cannot be opened.
    """
    if isinstance(where, Path):
        engine = create_engine(f"sqlite:///{where}", connect_args={"timeout": WAIT})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(where)
    try:
        with named_errors(str(where)):
            migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def migrate(engine: Engine, target: str = "head") -> None:
    """Apply the steps that are missing, all in one transaction."""
    found = _version(engine)
    if found == NEWEST:
        return
    from alembic import command  # noqa: PLC0415  # half a second that an up-to-date store need not pay
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if found:
        try:
            ScriptDirectory.from_config(config).get_revision(found)
        except CommandError:
            raise StoreVersionError(
                f"the records have shape {found}, this Bihuan knows up to {NEWEST}: "
                "open them with the newer Bihuan that wrote them"
            ) from None
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def _version(engine: Engine) -> str:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


@contextmanager
def named_errors(where: str) -> Iterator[None]:
    """Turn the database's errors into ours."""
    try:
        yield
    except DBAPIError as problem:
        said = str(problem.orig).strip().splitlines()[0] if str(problem.orig).strip() else type(problem.orig).__name__
        lowered = said.lower()
        if "disk is full" in lowered or "no space left" in lowered:
            raise DiskFull(f"no room left for the records ({where}): nothing was stored; free some, then go on") from (
                problem
            )
        if "locked" in lowered:
            raise StoreLocked(
                f"the records ({where}) were being written by another process for {WAIT:.0f} s: "
                "try again, or stop the other one"
            ) from problem
        kind = "cannot be reached" if isinstance(problem, OperationalError) else "refused a statement"
        raise StoreError(f"the records ({where}) {kind}: {said}") from problem


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver begins too late to keep a read consistent
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where a write will follow, so that two writers wait instead of colliding."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
