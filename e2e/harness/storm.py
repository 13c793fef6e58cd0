"""Many requests at the same moment: each on a connection of its own, opened before, and all let go together."""

import asyncio
import itertools
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from . import canary

# Connections that are being opened at a time: a server's queue of new ones is short.
_OPENING_MAX = 64
_ANSWER_SECONDS = 60
# How long a client that is told to come back does so.
_PATIENCE_SECONDS = 300

# Each request of a run comes from a network of its own, for as long as there are any.
_numbers = itertools.count()

# What the storms have to tell, printed at the end of the run.
figures: list[str] = []


@dataclass(frozen=True)
class Shot:
    """One request."""

    method: str
    path: str
    body: Any = None
    bearer: str | None = None

    def written(self, host: str, number: int) -> bytes:
        """As bytes. Each shot comes from a network of its own, as far as a server that trusts its proxy can tell."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
        lines.append(f"X-Forwarded-For: 10.{number // 250 % 250}.{number % 250}.7")
        if body:
            lines.append("Content-Type: application/json")
        if self.bearer:
            lines.append(f"Authorization: Bearer {self.bearer}")
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The kind of a failure."""
        return self.json()["code"] if self.status >= 400 else None

    @property
    def is_overload(self) -> bool:
        """A server that is too busy says so, and when to come back (R-011). That its database is away is another thing."""
        return self.asks_for_patience and self.code == "overloaded"

    @property
    def asks_for_patience(self) -> bool:
        """Who waits too long for a connection hears that the database is away. Who comes back must be served."""
        return self.status == 503 and self.code in ("overloaded", "database_unavailable") and int(self.headers.get("retry-after", 0)) > 0


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), headers, body)


async def _let_go(base_urls: Sequence[str], shots: Sequence[Shot]) -> list[Answer]:
    opening = asyncio.Semaphore(_OPENING_MAX)

    async def connect(number: int) -> _Connection:
        place = urlsplit(base_urls[number % len(base_urls)])
        async with opening:
            return _Connection(*await asyncio.open_connection(place.hostname, place.port))

    hosts = [urlsplit(url).netloc for url in base_urls]
    written = [shot.written(hosts[number % len(hosts)], next(_numbers)) for number, shot in enumerate(shots)]
    connections = await asyncio.gather(*(connect(number) for number in range(len(shots))))
    try:
        for connection, request in zip(connections, written, strict=True):
            connection.writer.write(request)
        async with asyncio.timeout(_ANSWER_SECONDS):
            return list(await asyncio.gather(*(connection.answer() for connection in connections)))
    finally:
        for connection in connections:
            connection.writer.close()


def storm(base_urls: Sequence[str], shots: Sequence[Shot], patient: bool = False) -> list[Answer]:
    """Lets all shots go at once, in turn to each of the servers, and returns the answers in their order.

    Fails on any 5xx but an overload that says when to come back; with `patient`, on any that does not say so.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * len(shots) + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard > 0 else wanted, hard))
    for shot in shots:
        canary.note_members(shot.body)
    answers = asyncio.run(_let_go(base_urls, shots))
    for answer in answers:
        if answer.status < 300 and answer.headers.get("content-type", "").startswith("application/json"):
            canary.note_members(answer.json())
    broken = [one for one in answers if one.status >= 500 and not (one.asks_for_patience if patient else one.is_overload)]
    assert not broken, f"{len(broken)} of {len(answers)} failed, such as {broken[0]} {broken[0].body[:400]!r}"
    return answers


def persist(base_urls: Sequence[str], shots: Sequence[Shot]) -> tuple[list[Answer], int]:
    """A storm of clients that come back when they are told to. Returns the last answers and how often that was."""
    answers = storm(base_urls, shots, patient=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    repeated = 0
    while again := [number for number, answer in enumerate(answers) if answer.asks_for_patience]:
        assert time.monotonic() < deadline, f"{len(again)} of {len(shots)} found no time in {_PATIENCE_SECONDS} s"
        time.sleep(max(int(answers[number].headers["retry-after"]) for number in again))
        repeated += len(again)
        for number, answer in zip(again, storm(base_urls, [shots[number] for number in again], patient=True), strict=True):
            answers[number] = answer
    return answers, repeated


def count(answers: Sequence[Answer]) -> dict[str, int]:
    """How many answers there are of each kind."""
    counts: dict[str, int] = {}
    for answer in answers:
        kind = f"{answer.status} {answer.code or ''}".strip()
        counts[kind] = counts.get(kind, 0) + 1
    return counts
