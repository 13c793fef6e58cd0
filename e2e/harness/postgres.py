"""A PostgreSQL of the tests' own, for servers that are given a database: it can be stopped, killed, held still and filled."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from .server import free_port
from .waiting import until

START_SECONDS = 60
# As root, PostgreSQL's programs run under one of these, as usher's own do.
UNPRIVILEGED = ("postgres", "nobody")
CONNECTIONS_MAX = 40


def programs() -> Path:
    """Where PostgreSQL's server programs are."""
    named = os.environ.get("USHER_PG_BIN")
    beside = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    others = [Path(path) for path in ("/usr/pgsql/bin", "/opt/homebrew/opt/postgresql/bin")]
    places = [Path(named)] if named else [*([Path(beside).parent] if beside else []), *reversed(debian), *others]
    found = [place for place in places if (place / "initdb").is_file()]
    assert found, "PostgreSQL's initdb was not found: name its folder with USHER_PG_BIN"
    return found[0]


def family(pid: int) -> list[int]:
    """A process and its children, the parent first."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (tuple(map(int, line.split())) for line in listed.splitlines())
    return [pid, *(child for child, parent in pairs if parent == pid)]


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Postgres:
    """A cluster in a folder of its own, on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self._identity: dict[str, object] = {}
        if os.getuid() == 0:
            import pwd

            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            user = next(known[name] for name in UNPRIVILEGED if name in known)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._run("initdb", "-D", str(self.data), "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()
        with self.connect("postgres") as connection:
            connection.execute("create role usher login")
            connection.execute("create database usher owner usher")

    @property
    def url(self) -> str:
        """What usher is told."""
        return f"postgres://usher@127.0.0.1:{self.port}/usher?sslmode=disable"

    def connect(self, database: str = "usher") -> psycopg.Connection:
        """As the owner of the cluster, for whom connections are reserved."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="owner", dbname=database, autocommit=True, connect_timeout=10
        )

    def start(self) -> None:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            f"-c max_connections={CONNECTIONS_MAX} -c fsync=off"
        )
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children see that it is gone and end."""
        # Held still first: it must not have a child that we do not know of.
        send([self.pid], signal.SIGSTOP)
        processes = family(self.pid)
        send(processes[:1], signal.SIGKILL)
        until("PostgreSQL's processes end", lambda: not any(map(lives, processes)))
        # Where nobody reaps the dead, their number would still look taken to the next start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """It takes connections, as the system does for it, and says nothing."""
        send([self.pid], signal.SIGSTOP)
        processes = family(self.pid)
        send(processes[1:], signal.SIGSTOP)
        try:
            yield
        finally:
            send(processes, signal.SIGCONT)

    @property
    def pid(self) -> int:
        pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
        # A number that is left in the file may be somebody else's by now.
        command = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
        assert str(self.data) in command, "PostgreSQL does not run"
        return pid

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        # A server that pg_ctl starts keeps its outputs open: they must be no pipes that anybody waits for.
        with (self.folder / f"{program}.log").open("ab") as log:
            subprocess.run(
                [programs() / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                timeout=START_SECONDS,
                check=True,
                **self._identity,
            )


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie is waiting to be forgotten and does nothing.
    with suppress(FileNotFoundError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True
