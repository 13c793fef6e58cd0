"""A standby of a PostgreSQL of the tests' own, fed by streaming replication. It can lag, fall away, and be promoted."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .postgres import START_SECONDS, Postgres, programs
from .server import free_port
from .waiting import until

SETTINGS = """
hot_standby = on
# Its own log says what it was asked.
log_statement = 'all'
"""


class Replica(Postgres):
    """A hot standby of another cluster. What makes a cluster does not make this one: it is copied from its primary."""

    def __init__(self, folder: Path, primary: Postgres) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.primary = primary
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        self._identity = primary._identity
        if os.getuid() == 0:
            shutil.chown(folder, primary.data.owner(), primary.data.group())
        self._copy()
        self.start()

    def _copy(self) -> None:
        """The primary's files as they are now, and where to go on from."""
        # Where the server is put among other programs by a link, this one may not be.
        program = (programs() / "postgres").resolve().parent / "pg_basebackup"
        place = f"host=127.0.0.1 port={self.primary.port} user=owner"
        how = ("--wal-method=stream", "--checkpoint=fast", "--no-sync", "--write-recovery-conf")
        command = [program, "-D", str(self.data), "-d", place, *how]
        subprocess.run(
            command, stdin=subprocess.DEVNULL, cwd=self.folder, timeout=START_SECONDS, check=True, **self._identity
        )
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(SETTINGS)

    def copy_again(self) -> None:
        """After it has gone its own way, or its primary has: a standby of the primary as before."""
        self.stop("immediate")
        shutil.rmtree(self.data)
        self._copy()
        self.start()

    def has_caught_up(self) -> bool:
        with self.primary.connect() as there, self.connect() as here:
            wanted = there.execute("select pg_current_wal_flush_lsn()").fetchone()
            asked = "select coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false)"
            return here.execute(asked, wanted).fetchone() == (True,)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It takes in what the primary sends and shows nothing of it."""
        with self.connect() as connection:
            connection.execute("select pg_wal_replay_pause()")
            state = "select pg_get_wal_replay_pause_state()"
            until("replay pauses", lambda: connection.execute(state).fetchone() == ("paused",))
            try:
                yield
            finally:
                connection.execute("select pg_wal_replay_resume()")

    @contextmanager
    def delayed(self, milliseconds: int) -> Iterator[None]:
        """It shows commits that much later than the primary made them."""
        with self.connect() as connection:
            connection.execute(f"alter system set recovery_min_apply_delay = {milliseconds}")
            connection.execute("select pg_reload_conf()")
            try:
                yield
            finally:
                connection.execute("alter system reset recovery_min_apply_delay")
                connection.execute("select pg_reload_conf()")

    def promote(self) -> None:
        """It stops being a standby and takes writes."""
        with self.connect() as connection:
            assert connection.execute("select pg_promote()").fetchone() == (True,)

    def asked(self, text: str) -> int:
        """How often statements with this text in them were put to it."""
        return (self.folder / "log").read_text(errors="replace").count(text)
