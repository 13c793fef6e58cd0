"""Another server beside usher: what a load must know of it. README.md says how one is added."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from harness.server import free_port
from harness.waiting import until

from . import wrk
from .cluster import ROOT, Cluster
from .load import answers
from .people import lines

_APPS = ROOT / "bench/peers"
_WORKERS = 2
_START_SECONDS = 60


@dataclass(frozen=True)
class Peer:
    """A server that is up. What it has no words for is not measured."""

    name: str
    base_url: str
    # What is read with the token, in turn.
    paths: list[str] = field(default_factory=list)
    token: str = ""
    # What is posted to sign in, in turn.
    login_path: str = ""
    logins: list[str] = field(default_factory=list)
    login_type: str = "application/json"

    @classmethod
    def load(cls, path: Path) -> "Peer":
        """One that somebody else has started, as a file of JSON with these members."""
        return cls(**json.loads(path.read_text()))

    def reads(self, folder: Path, connections: int, seconds: int) -> float:
        return wrk.load(self.base_url, "read", connections, seconds, lines(folder, self.paths), self.token).rate

    def sign_ins(self, folder: Path, connections: int, seconds: int) -> float:
        given = (self.login_path, lines(folder, self.logins), self.login_type)
        return wrk.load(self.base_url, "post", connections, seconds, *given).rate


@contextmanager
def started(python: Path, app: str, cluster: Cluster, database: str, **environment: str) -> Iterator[str]:
    """An app of ours under uvicorn with as many workers as usher has cores here; where it answers."""
    port = free_port()
    url = f"postgresql+asyncpg://usher@/{database}?host={quote(str(cluster.folder), safe='')}&port=5432"
    command = [python, "-m", "uvicorn", "--app-dir", _APPS, f"{app}:app", "--port", str(port), "--workers", str(_WORKERS)]
    quiet = ["--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen([*command, *quiet], env={"PEER_DATABASE": url, **environment}, stdin=subprocess.DEVNULL)
    try:
        until("the peer answers", lambda: answers(f"http://127.0.0.1:{port}/openapi.json"), seconds=_START_SECONDS)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        if process.poll() is None:
            process.kill()
