"""Asks the same of known and unknown addresses in turns and takes the time of each answer."""

import http.client
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import urlsplit

from harness.canary import new_address, new_password
from harness.people import Site

from .statistics import Verdict, judge

# Before the measurement: connections, caches and statements are ready.
WARM_UP_PAIRS = 10
KNOWN = 20
# Wrong passwords at an account before a right one forgives them; accounts lock after ten.
WRONG_IN_A_ROW = 4
# A gap that is known as well as this can be judged.
WIDTH_SECONDS = 0.001_5
ROUNDS_MAX = 5

# Of known and of unknown addresses.
Times = tuple[list[float], list[float]]


class Probe:
    """One connection that stays open, so that nothing but the answer is measured."""

    def __init__(self, base_url: str) -> None:
        place = urlsplit(base_url)
        assert place.hostname
        self._connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        self._numbers = cycle(range(65_000))

    def ask(self, path: str, body: dict[str, str], expect: int) -> float:
        """Sends it and waits for the whole answer."""
        number = next(self._numbers)
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"10.{number >> 8}.{number & 255}.7"}
        text = json.dumps(body)
        begun = time.perf_counter()
        self._connection.request("POST", path, body=text, headers=headers)
        answer = self._connection.getresponse()
        said = answer.read()
        took = time.perf_counter() - begun
        assert answer.status == expect, f"{path}: {answer.status} {said[:500]!r}"
        return took


@dataclass(frozen=True)
class Endpoint:
    """What is asked about an address, and what must be answered."""

    path: str
    body: Callable[[str], dict[str, str]]
    status: int
    # Whether asking about an unknown address leaves nothing behind, however often it is done.
    forgets: bool = True
    forgive: bool = False


ENDPOINTS = {
    "login": Endpoint(
        "/v1/login", lambda address: {"identifier": address, "password": new_password()}, 401, forgive=True, forgets=False
    ),
    "forgot": Endpoint("/v1/password/forgot", lambda address: {"email": address}, 202),
    "register": Endpoint(
        "/v1/register", lambda address: {"email": address, "password": new_password()}, 202, forgets=False
    ),
    "resend": Endpoint("/v1/verify-email/resend", lambda address: {"email": address}, 202),
}


class People:
    """Addresses that are known, with their passwords, and others that nobody has."""

    def __init__(self, site: Site, known: int = KNOWN) -> None:
        people = [site.person() for _ in range(known)]
        self.passwords = {person.email: person.password for person in people}
        self.unknown = [new_address() for _ in range(known)]


def measure_enough(base_url: str, people: People, endpoint: Endpoint, pairs: int) -> Verdict:
    """Measures so many pairs, and on a busy machine as many more as a verdict takes, within reason."""
    times: Times = ([], [])
    for _ in range(ROUNDS_MAX):
        _measure(base_url, people, endpoint, pairs, times)
        verdict = judge(*times)
        if verdict.leaks or verdict.high - verdict.low < WIDTH_SECONDS:
            break
    return verdict


def measure(base_url: str, people: People, endpoint: Endpoint, pairs: int) -> Verdict:
    """Measures so many pairs."""
    times: Times = ([], [])
    _measure(base_url, people, endpoint, pairs, times)
    return judge(*times)


def _measure(base_url: str, people: People, endpoint: Endpoint, pairs: int, times: Times) -> None:
    """Which of a pair is asked first is left to chance, so that neither always follows the other."""
    chance = random.Random(len(times[0]))
    probe = Probe(base_url)
    known, unknown = _known(probe, people, endpoint), _unknown(people, endpoint)
    for pair in range(-WARM_UP_PAIRS, pairs):
        addresses = (next(known), next(unknown))
        for which in chance.sample((0, 1), 2):
            took = probe.ask(endpoint.path, endpoint.body(addresses[which]), endpoint.status)
            if pair >= 0:
                times[which].append(took)


def _known(probe: Probe, people: People, endpoint: Endpoint) -> Iterator[str]:
    for number, address in enumerate(cycle(people.passwords)):
        if endpoint.forgive and number % (len(people.passwords) * WRONG_IN_A_ROW) == 0:
            for identifier, password in people.passwords.items():
                probe.ask("/v1/login", {"identifier": identifier, "password": password}, 200)
        yield address


def _unknown(people: People, endpoint: Endpoint) -> Iterator[str]:
    while True:
        for address in people.unknown:
            if endpoint.forgets:
                yield address
            elif endpoint.forgive:
                # What nobody forgives is given up before it is locked: as often asked about as a known one.
                yield from [new_address()] * WRONG_IN_A_ROW
            else:
                yield new_address()
