"""Requests over connections that are kept: in turns, and at a fixed rate."""

import http.client
import queue
import threading
import time
from collections.abc import Callable
from statistics import median
from urllib.parse import urlencode, urlsplit

from .cluster import Cluster
from .machine import Split

_TIMEOUT_SECONDS = 1800
# usher closes a connection on which nothing comes; sooner than that a new one is made.
_IDLE_MAX_SECONDS = 3


class Connection:
    """One connection to usher, with a key or with other headers."""

    def __init__(self, base_url: str, key: str = "", **headers: str) -> None:
        self._http = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=_TIMEOUT_SECONDS)
        self._headers = ({"Authorization": f"Bearer {key}"} if key else {}) | headers
        self._used = time.monotonic()

    def _fresh(self) -> http.client.HTTPConnection:
        if time.monotonic() - self._used > _IDLE_MAX_SECONDS:
            self._http.close()
        return self._http

    def send(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> bytes:
        headers = self._headers | ({"Content-Type": content_type} if body is not None else {})
        self._fresh().request(method, path, body, headers)
        answer = self._http.getresponse()
        read = answer.read()
        self._used = time.monotonic()
        assert answer.status < 300, f"{method} {path} -> {answer.status} {read[:500]!r}"
        return read

    def get(self, path: str, **query: str) -> bytes:
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    def count_bytes(self, path: str) -> int:
        """Reads an answer of any length and keeps nothing of it."""
        self._fresh().request("GET", path, headers=self._headers)
        answer = self._http.getresponse()
        assert answer.status == 200, answer.read()[:500]
        count = 0
        while piece := answer.read(1 << 20):
            count += len(piece)
        self._used = time.monotonic()
        return count

    def close(self) -> None:
        self._http.close()


def answers(url: str) -> bool:
    """Whether there is an answer, and it is a good one."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(one: Callable[[], object], other: Callable[[], object], pairs: int, each: int, split: Split) -> tuple[list[float], list[float]]:
    """The median time of each half of each pair, A B A B. The CPU of the first halves is split."""
    ours, theirs = [], []
    for _ in range(pairs):
        with split:
            ours.append(median(timed(one) for _ in range(each)))
        theirs.append(median(timed(other) for _ in range(each)))
    return ours, theirs


def rates_in_turns(cluster: Cluster, one: Callable[[], float], other: Callable[[], float], pairs: int) -> tuple[list[float], list[float]]:
    """What each half of each pair says of itself, A B A B. The first round of both is for what is slow at first, and not kept. After it
    PostgreSQL counts its tables, as it does by itself within a minute: what it planned while they were empty reads all of them."""
    one(), other()
    cluster.execute("analyze")
    rounds = [(one(), other()) for _ in range(pairs)]
    return [a for a, _ in rounds], [b for _, b in rounds]


def at_rate(open_one: Callable[[], Connection], ask: Callable[[Connection], object], rate: float, count: int) -> list[float]:
    """Latencies of so many requests at a fixed rate, each from when its request was due: one that waits for a slow one before it is slow, too."""
    due: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    latencies: list[float] = []
    failures: list[BaseException] = []

    def serve() -> None:
        connection = open_one()
        try:
            while (at := due.get()) is not None:
                ask(connection)
                latencies.append(time.perf_counter() - at)
        except BaseException as failure:  # noqa: BLE001, told by whoever waits
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    for number in range(count):
        at = began + number / rate
        time.sleep(max(0.0, at - time.perf_counter()))
        due.put(at)
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return latencies
