"""PostgreSQL for measurements: its settings are fixed and printed, and it starts from a template of made-up users."""

import os
import pwd
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg
from harness.postgres import UNPRIVILEGED, programs

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "target/bench"

# What differs from PostgreSQL's own defaults. Durable, since usher's own PostgreSQL is.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
    "timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
}
_PORT = 5432
_START_SECONDS = 120


class Cluster:
    """A cluster in a data directory, reached by a Unix socket in the folder above it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.data = folder / "postgres"
        self.settings = SETTINGS | settings
        self._identity: dict[str, object] = {}
        self._kept: psycopg.Connection | None = None
        self._owner: pwd.struct_passwd | None = None
        if os.getuid() == 0:
            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            self._owner = next(known[name] for name in UNPRIVILEGED if name in known)
            self._identity = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}

    def create(self) -> None:
        self._make_folder()
        self._run("initdb", "-D", str(self.data), "-U", "usher", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()
        self.execute("create database usher owner usher", database="postgres")

    def adopt(self) -> None:
        """Starts what stands in the folder already."""
        self._own_folder()
        self.start()

    def _own_folder(self) -> None:
        self.folder.chmod(0o755)
        if self._owner:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self._own_folder()

    def start(self) -> None:
        given = {**self.settings, "port": str(_PORT), "unix_socket_directories": str(self.folder)}
        options = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-t", str(_START_SECONDS), "-o", options, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        if self._kept:
            self._kept.close()
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-t", str(_START_SECONDS), "-w", "stop")

    @property
    def running(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split("\n")[0])

    @property
    def url(self) -> str:
        """What usher is told."""
        return f"postgres://usher:unused@{quote(str(self.folder), safe='')}:{_PORT}/usher?sslmode=disable"

    @property
    def place(self) -> list[str]:
        """The words that lead PostgreSQL's programs to the database."""
        return ["-h", str(self.folder), "-p", str(_PORT), "-U", "usher", "usher"]

    def connect(self, database: str = "usher", **options: object) -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), port=_PORT, user="usher", dbname=database, autocommit=True, **options)

    def execute(self, statement: str, database: str = "usher") -> None:
        with self.connect(database) as connection:
            connection.execute(statement)

    def rows(self, statement: str, parameters: object = None) -> list[tuple]:
        """Over a connection that is kept: whoever waits for something asks often, and is not to be what PostgreSQL works for."""
        if not self._kept or self._kept.closed:
            self._kept = self.connect()
        return self._kept.execute(statement, parameters).fetchall()

    def _run(self, program: str, *arguments: str) -> None:
        # A server that pg_ctl starts keeps its outputs open: they must be no pipes that anybody waits for.
        with (self.folder / f"{program}.log").open("ab") as log:
            subprocess.run(
                [programs() / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                timeout=_START_SECONDS + 10,
                check=True,
                **self._identity,
            )
