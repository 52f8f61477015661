"""Where a lake is: its catalog in PostgreSQL, the folder or bucket of its files, the extensions that read them."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bihuan.core import SettingError

EXTENSIONS = ("duckdb_extension_ducklake", "duckdb_extension_postgres_scanner")
REMOTE = "duckdb_extension_httpfs"

_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,40}")

_QUOTE = "'"

_SECRET = {"key": "KEY_ID", "secret": "SECRET", "endpoint": "ENDPOINT", "region": "REGION"}
"""Settings of a bucket, and what DuckDB calls them."""

PATIENCE = {"connect_timeout": "5", "keepalives_idle": "5", "keepalives_interval": "5", "tcp_user_timeout": "15000"}
"""How soon a catalog that does not answer is given up, unless the address says otherwise. [s, tcp_user_timeout ms]"""


@dataclass(frozen=True, slots=True)
class LakeAddress:
    """One city's lake.

    Attributes
    ----------
    catalog : str
        Address of the PostgreSQL database: ``postgresql://user:password@host/database``.
    data : str
        Folder that every host sees under this name, or ``s3://bucket/prefix``.
    schema : str
        Schema of the catalog: one a city, so that many share a database.
    host : str
        Of the journals that this host reads: two hosts may both have a gateway of one name.
    s3 : mapping of str to str
        ``key secret endpoint region``, where the files lie in a bucket. The endpoint is a host, reached with TLS, or an
        address that says how: ``http://127.0.0.1:9000``.

    Raises
    ------
    SettingError
        If something is missing or cannot be used.
    """

    catalog: str
    data: str
    schema: str = "bihuan"
    host: str = ""
    s3: dict[str, str] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        if not self.catalog.startswith(("postgresql://", "postgres://")):
            raise SettingError(
                "lake_catalog is no address of PostgreSQL: write postgresql://USER:PASSWORD@HOST/DATABASE"
            )
        if not self.remote and not Path(self.data).is_absolute():
            raise SettingError(
                f"lake_data = {self.data!r} must be a whole path that every host sees, or s3://BUCKET/..."
            )
        if not _SCHEMA.fullmatch(self.schema):
            raise SettingError(f"lake_schema = {self.schema!r} must be small letters, digits and _, a letter first")

    @property
    def remote(self) -> bool:
        """Whether the files lie in a bucket: what is there is durable, a file of a folder has to be synced."""
        return self.data.startswith("s3://")

    @property
    def secret(self) -> str:
        """The statement that lets a connection into the bucket."""
        given = {name: value for name, value in self.s3.items() if value}
        scheme, _, host = given.get("endpoint", "").rpartition("://")
        if host:
            given["endpoint"] = host.rstrip("/")
        words = [f"{name} '{given[key].replace(_QUOTE, _QUOTE * 2)}'" for key, name in _SECRET.items() if key in given]
        words.append(f"USE_SSL {'false' if scheme == 'http' else 'true'}")
        return f"CREATE SECRET (TYPE s3, URL_STYLE 'path', {', '.join(words)})"

    @property
    def conninfo(self) -> str:
        """The catalog's address as the PostgreSQL client takes it, with its patience."""
        from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415  # part of the extra

        given = PATIENCE | {"application_name": self.session} | conninfo_to_dict(self.catalog)
        return make_conninfo("", **given)

    @property
    def sessions(self) -> str:
        """How the sessions of every process that has this lake open begin, as the catalog lists them."""
        return f"bihuan/{self.schema[:30]}/"

    @property
    def session(self) -> str:
        """The name of this process's sessions, of at most 63 letters."""
        return f"{self.sessions}{os.getpid()}@{socket.gethostname()}"[:63]

    @property
    def name(self) -> str:
        """The lake in messages, without a password."""
        return f"the lake {self.schema} in {self.data}"

    def hidden(self, said: str) -> str:
        """Return a message without the password that it may hold."""
        return re.sub(r"(password=)('[^']*'|\S+)|(//[^:@/\s]+:)[^@/\s]+(?=@)", r"\1\3***", said)


def files_of(connection: Any, schema: str) -> str:
    """Return where the catalog says that the files of a lake lie, empty where there is no lake yet.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    """
    known = connection.execute("SELECT to_regclass(%s)", [f'"{schema}".ducklake_metadata']).fetchone()
    if known is None or known[0] is None:
        return ""
    row = connection.execute(f"SELECT value FROM \"{schema}\".ducklake_metadata WHERE key = 'data_path'").fetchone()
    return str(row[0]) if row else ""


def extension_files(remote: bool) -> list[Path]:
    """Return the extensions of DuckDB that a lake needs, as files of installed packages.

    Raises
    ------
    SettingError
        If one is not installed.
    """
    found = []
    for package in (*EXTENSIONS, REMOTE) if remote else EXTENSIONS:
        spec = importlib.util.find_spec(package)
        files = sorted(Path(spec.origin).parent.rglob("*.duckdb_extension")) if spec and spec.origin else []
        if not files:
            raise SettingError(
                f"series = 'lake' needs the package {package.replace('_', '-')}: install Bihuan as bihuan[lake]"
            )
        found.append(files[-1])
    return found
