"""`usher-bench`: requests that are sent when they are due, and how many passwords the machine hashes."""

import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answers:
    """What came of requests at a rate."""

    sent: int
    # The generator, or the connections it may have, did not suffice.
    unsent: int
    refused_without_retry_after: int
    good_by_second: list[int]
    statuses: dict[str, dict[str, int]]

    @property
    def good(self) -> int:
        return sum(self.good_by_second)

    @property
    def refused(self) -> int:
        """Those that were told to come back."""
        return sum(self.statuses.get(status, {"count": 0})["count"] for status in ("429", "503"))

    def p99_ms(self, status: str = "200") -> float:
        return self.statuses[status]["p99_us"] / 1e3

    def p50_ms(self, status: str = "200") -> float:
        return self.statuses[status]["p50_us"] / 1e3


def request(base_url: str, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request as it goes over the wire; `_` in the names of headers is a hyphen."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(base_url).netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def at_rate(driver: Path, base_url: str, requests: Iterable[bytes], rate: float, seconds: int, connections: int = 64) -> Answers:
    """Sends the requests in turn, so many a second. The time of one begins when it is due."""
    with tempfile.NamedTemporaryFile() as wire:
        for each in requests:
            wire.write(f"{len(each)}\n".encode() + each)
        wire.flush()
        command = [driver, "rate", urlsplit(base_url).netloc, f"{rate:.3f}", str(seconds), str(connections), wire.name]
        return Answers(**_run(command, seconds))


def hashes_a_second(driver: Path, seconds: int) -> float:
    return _run([driver, "hashes", str(seconds)], seconds)["hashes_a_second"]


def _run(command: list[object], seconds: int) -> dict:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
