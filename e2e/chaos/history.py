"""What was asked, when, and what came back, if anything came."""

import itertools
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from harness import canary
from harness.client import check

# Requests of a run carry ids that begin so; the server takes them because it trusts this machine as a proxy.
MARK = "chaos-"


@dataclass
class Asked:
    """One request that left. `status` is None when no answer came: it may have done its work or not."""

    id: str
    kind: str
    # The address of the person whom it is about.
    subject: str
    # What it was to bring about, as far as the checks look at it.
    wanted: dict[str, Any] = field(default_factory=dict)
    # The Idempotency-Key; requests under the same one are one change.
    key: str | None = None
    begun: float = 0.0
    ended: float = 0.0
    status: int | None = None
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def sure(self) -> bool:
        """It was acknowledged."""
        return self.status is not None and self.status < 300

    @property
    def refused(self) -> bool:
        return self.status is not None and 400 <= self.status < 500

    @property
    def unsure(self) -> bool:
        """No answer came, or one that leaves it open (503 when the answer to a commit was lost)."""
        return not self.sure and not self.refused


class Unreachable(Exception):
    """Nobody takes connections: nothing was asked."""


class History:
    """The requests of a run, in the order in which they were begun. Threads may share it."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._asked: list[Asked] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)

    def all(self) -> list[Asked]:
        with self._lock:
            return list(self._asked)

    def acknowledged(self) -> int:
        return sum(1 for asked in self.all() if asked.sure)

    def ask(
        self,
        http: httpx.Client,
        kind: str,
        subject: str,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        token: str | None = None,
        key: str | None = None,
        wanted: dict[str, Any] | None = None,
    ) -> Asked:
        """Sends a request and writes down what became of it."""
        asked = Asked(f"{MARK}{self._run}-{next(self._numbers):06}", kind, subject, wanted or {}, key)
        # Each person has an address of their own: this is not a test of the limits per network.
        number = sum(subject.encode()) % 65_000
        headers = {"X-Request-Id": asked.id, "X-Forwarded-For": f"10.{number >> 8}.{number & 255}.7"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        canary.note_members(body)
        asked.begun = time.monotonic()
        try:
            response = http.request(method, path, json=body, headers=headers)
        except httpx.ConnectError:
            raise Unreachable from None
        except httpx.TransportError:
            response = None
        asked.ended = time.monotonic()
        if response is not None:
            # Any failure but 503 is one of the server's.
            check(response, may_be_unavailable=True)
            asked.status = response.status_code
            if response.content:
                asked.answer = response.json()
                canary.note_members(asked.answer)
        with self._lock:
            self._asked.append(asked)
        return asked
