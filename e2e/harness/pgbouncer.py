"""PgBouncer between the servers and a PostgreSQL of the tests' own. It can be killed and started again."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row

from . import canary
from .postgres import Postgres
from .server import free_port
from .waiting import until

START_SECONDS = 20


def program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


class PgBouncer:
    """Set up as docs/scaling.md says, for the role `usher`, which gives a password to it."""

    def __init__(self, folder: Path, postgres: Postgres, **settings: str) -> None:
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._postgres = postgres
        self._password = canary.new_password()
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(folder / "users"),
            "admin_users": "usher",
            "pool_mode": "session",
            "default_pool_size": "30",
            "query_wait_timeout": "2",
            "server_login_retry": "1",
            "server_connect_timeout": "2",
        } | settings
        (folder / "users").write_text(f'"usher" "{self._password}"\n')
        lines = ["[databases]", f"* = host=127.0.0.1 port={postgres.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")

    def url(self, database: str = "usher") -> str:
        """What usher is told."""
        return f"postgres://usher:{self._password}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def start(self) -> None:
        # It refuses to run as root.
        identity = ["-u", self._postgres.data.owner()] if os.getuid() == 0 else []
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program() or "pgbouncer", *identity, str(self.folder / "pgbouncer.ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until("PgBouncer answers", self._answers, seconds=START_SECONDS)

    def _answers(self) -> bool:
        assert self.process and self.process.poll() is None, self.log()
        with suppress(psycopg.OperationalError):
            return bool(self.show("version"))
        return False

    def show(self, what: str) -> list[dict[str, Any]]:
        """A table of its console."""
        address = {"host": "127.0.0.1", "port": self.port, "user": "usher", "password": self._password}
        with psycopg.connect(**address, dbname="pgbouncer", autocommit=True, row_factory=dict_row) as console:
            return console.execute(f"show {what}".encode()).fetchall()

    def kill(self) -> None:
        """Takes it away without a word (SIGKILL); all connections through it end."""
        assert self.process
        self.process.kill()
        self.process.wait(timeout=START_SECONDS)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
