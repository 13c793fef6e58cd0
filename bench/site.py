"""usher as it is measured: the release build beside a cluster, with an administrator's API key and five searchable attributes."""

import json
import os
import shutil
import time
from pathlib import Path

from harness.server import Usher
from harness.waiting import until

from .cluster import Cluster

_SETTLE_SECONDS = 300
_LOOK_EACH_SECONDS = 0.02


class Site:
    """A server and the key to it."""

    def __init__(self, binary: Path, folder: Path, cluster: Cluster, secret_key: str, **settings: str) -> None:
        self.cluster = cluster
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            "USHER_DATABASE_URL": cluster.url,
            "USHER_SECRET_KEY": secret_key,
            "USHER_MIGRATE": "true",
            "USHER_LOG_LEVEL": "warn",
            **settings,
        }
        self.usher = Usher(binary, folder, **settings)
        self.key = ""

    @property
    def base_url(self) -> str:
        return self.usher.base_url

    @property
    def pid(self) -> int:
        assert self.usher.process
        return self.usher.process.pid

    def start(self) -> None:
        self.usher.start()

    def stop(self) -> None:
        if self.usher.running:
            assert self.usher.stop() == 0, self.usher.tail()

    def another(self, folder: Path) -> Usher:
        """One more process beside it: the same database, data directory and name, a port of its own."""
        shutil.rmtree(folder, ignore_errors=True)
        settings = {name: value for name, value in self.usher.settings.items() if name != "USHER_LISTEN"}
        return Usher(self.usher.binary, folder, **settings)

    def settle(self) -> None:
        """Waits until nothing is left to do of what was asked for: mails about devices, the sealing of events."""
        if self.usher.settings.get("USHER_RUN_WORKER") == "false":
            return
        waiting = "select count(*) from jobs where dead_at is null and unique_key is null"
        until("the queue is empty", lambda: self.cluster.rows(waiting) == [(0,)], seconds=_SETTLE_SECONDS)

    def state_after(self, table: str, row_id: str, *passing: str) -> str:
        """The state of an import or a run, as soon as it is none of those that pass."""
        while True:
            (state,) = self.cluster.rows(f"select state from {table} where id = %s", (row_id,))[0]
            if state not in passing:
                return state
            time.sleep(_LOOK_EACH_SECONDS)

    def make_key(self) -> str:
        """An API key that may do all that an administrator may."""
        permissions = self.cluster.rows("select unnest(permissions) from roles where name = 'admin' order by 1")
        words = [word for (name,) in permissions for word in ("--permission", name)]
        name = f"bench-{os.getpid()}-{time.monotonic_ns()}"
        self.usher.cli("service-account", "create", name, *words)
        made = json.loads(self.usher.cli("service-account", "create-key", name, "--name", "bench", "--json").stdout)
        self.key = made["secret"] if "secret" in made else made["key"]
        return self.key
