"""The real binary as a process of its own."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from . import canary
from .waiting import until

# A first start makes a database cluster.
START_SECONDS = 90
STOP_SECONDS = 40
CLI_SECONDS = 60


def free_port() -> int:
    """A port outside the range from which the system gives ports to clients: a server that is restarted finds it free again."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def clean_environment() -> dict[str, str]:
    """The environment without the settings of whoever runs the tests; only where PostgreSQL's programs are stays."""
    return {
        name: value
        for name, value in os.environ.items()
        if name == "USHER_PG_BIN" or not name.startswith(("USHER_", "E2E_"))
    }


class Usher:
    """`usher serve` on a port and a data directory of its own. It can be stopped, killed and started again."""

    command = "serve"

    def __init__(self, binary: Path, folder: Path, *, smtp_port: int | None = None, **settings: str) -> None:
        self.binary = binary
        self.folder = folder
        self.data_dir = Path(settings.get("USHER_DATA_DIR", folder / "data"))
        self.log_path = folder / "stdout.log"
        self.errors_path = folder / "stderr.log"
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.base_url = f"http://{self.address}"
        self.process: subprocess.Popen[bytes] | None = None
        self.settings = {
            "USHER_LISTEN": self.address,
            "USHER_PUBLIC_URL": self.base_url,
            "USHER_DATA_DIR": str(self.data_dir),
            "USHER_LOG_FORMAT": "json",
            # All of a run's requests come from one network; the tests of the limits take this away.
            "USHER_RATE_LIMIT_EXEMPT": "127.0.0.0/8",
        }
        if smtp_port is not None:
            self.settings["USHER_SMTP_URL"] = f"smtp://127.0.0.1:{smtp_port}?tls=none"
            self.settings["USHER_MAIL_FROM"] = MAIL_FROM
        self.settings |= settings
        # PostgreSQL runs as another user when we are root, so that user must be able to come in.
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)

    @property
    def public_url(self) -> str:
        """How people reach it."""
        return self.settings["USHER_PUBLIC_URL"]

    @property
    def environment(self) -> dict[str, str]:
        return clean_environment() | self.settings

    def start(self) -> None:
        """Starts the server and waits until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        assert self.process is None or self.process.poll() is not None, "it runs already"
        with self.log_path.open("ab") as log, self.errors_path.open("ab") as errors:
            self.process = subprocess.Popen(
                [self.binary, self.command],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.process
            code = self.process.poll()
            assert code is None, f"usher ended with {code} before it was ready:\n{self.tail()}"
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.base_url}/readyz", timeout=5, trust_env=False).status_code == 200
            return False

        try:
            until("usher becomes ready", ready, seconds=START_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.tail()}") from None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> int:
        """Asks it to end (SIGTERM) and returns its exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_SECONDS)

    def kill(self) -> None:
        """Takes it away without a word (SIGKILL). Its PostgreSQL is left running."""
        assert self.process
        self.process.kill()
        self.process.wait(timeout=STOP_SECONDS)

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """It does nothing meanwhile (SIGSTOP), and does not know."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Ends whatever of it still runs, and forgets its files."""
        if self.running:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.running:
                self.kill()
        self._stop_postgres()
        shutil.rmtree(self.folder, ignore_errors=True)

    def postgres_pid(self) -> int | None:
        """The process id of its private PostgreSQL, if that runs."""
        try:
            pid = int((self.data_dir / "postgres" / "postmaster.pid").read_text().split("\n")[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return None
        return pid

    def _stop_postgres(self) -> None:
        """A killed usher leaves its PostgreSQL behind."""
        pid = self.postgres_pid()
        if pid is None:
            return
        # Immediate shutdown: the data is thrown away in any case.
        os.kill(pid, signal.SIGQUIT)
        until("PostgreSQL ends", lambda: self.postgres_pid() is None)

    def setup_token(self) -> str:
        return (self.data_dir / "setup-token").read_text().strip()

    def log(self) -> str:
        """All that it has written so far."""
        texts = (path.read_text(errors="replace") for path in (self.log_path, self.errors_path) if path.exists())
        return "".join(texts)

    def log_entries(self) -> Iterator[dict[str, Any]]:
        """Its log lines; the standard output holds nothing else."""
        # The last line may be half written.
        for line in self.log_path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)

    def tail(self) -> str:
        return "\n".join(self.log().splitlines()[-30:])

    def cli(
        self, *arguments: str, given: str | None = None, code: int | None = 0, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command of usher beside the server. `code` is the exit code it must have; None takes any."""
        ended = subprocess.run(
            [self.binary, *arguments],
            env=self.environment | settings,
            cwd=self.folder,
            input=given if given is not None else "",
            capture_output=True,
            text=True,
            timeout=CLI_SECONDS,
            check=False,
        )
        told = (
            f"usher {' '.join(arguments)} ended with {ended.returncode}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
        )
        assert code is None or ended.returncode == code, told
        return ended

    def json(self, *arguments: str, **options: Any) -> Any:
        """What a command prints for programs."""
        return json.loads(self.cli(*arguments, "--json", **options).stdout)


def end_well(ushers: Iterable[Usher], *other_logs: str) -> None:
    """Stops them in this order. Each must end as it was asked to, and have logged no error; no log may hold a secret."""
    ushers = list(ushers)
    ended = [usher.stop() for usher in ushers]
    assert not any(ended), f"after SIGTERM they ended with {ended}"
    leaks = [leak for log in (*other_logs, *(usher.log() for usher in ushers)) for leak in canary.leaks(log)]
    assert not leaks, f"R-262: {len(leaks)} lines of the logs hold a secret, such as {leaks[0]}"
    errors = [entry for usher in ushers for entry in usher.log_entries() if entry["level"] == "ERROR"]
    assert not errors, f"{len(errors)} errors were logged, such as {errors[0]}"


# What lifts the limits on how often something may be asked, for the addresses that tests pretend.
NO_LIMITS = {"USHER_RATE_LIMIT_EXEMPT": "127.0.0.0/8, 10.0.0.0/8, 192.0.0.0/16"}

MAIL_FROM = "Example Users <users@sender.example.net>"


class Stage:
    """Where servers are put up; takes all of them down at the end."""

    def __init__(self, binary: Path, smtp_port: int) -> None:
        self._binary = binary
        self._smtp_port = smtp_port
        self._folder = Path(tempfile.mkdtemp(prefix="usher-e2e-"))
        self._folder.chmod(0o755)
        self._count = 0

    def usher(self, *, mail: bool = True, **settings: str) -> Usher:
        """A server that is not started yet. Without `mail` it has no SMTP server and holds what it would send."""
        return Usher(self._binary, self.new_folder(), smtp_port=self._smtp_port if mail else None, **settings)

    def new_folder(self) -> Path:
        """A place that nobody has taken; whoever takes it makes it."""
        self._count += 1
        return self._folder / f"s{self._count}"

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
