"""Whoever asks about an address learns nothing of its account: the answers are the same to the byte, and take the same time (R-026)."""

import json
import random
import re
from collections.abc import Callable

import pytest

from harness import wire
from harness.canary import new_address, new_password
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Stage
from timing.measure import ENDPOINTS, measure_enough
from timing.run import quiet
from timing.statistics import judge, mann_whitney, welch

pytestmark = pytest.mark.long

WRONG_UNTIL_LOCKED = 10
PAIRS = 200


# To the byte


STANDINGS = ("known", "unknown", "suspended", "deleted", "unverified", "locked", "invited")
BODIES: dict[str, Callable[[str], dict[str, str]]] = {
    "/v1/login": lambda address: {"identifier": address, "password": new_password()},
    "/v1/password/forgot": lambda address: {"email": address},
    "/v1/register": lambda address: {"email": address, "password": new_password()},
    "/v1/verify-email/resend": lambda address: {"email": address},
}


@pytest.fixture(scope="module")
def addresses(site: Site, mailbox: Mailbox) -> dict[str, str]:
    """One of each standing."""
    suspended, deleted, locked = site.person(), site.person(), site.person()
    site.admin.api.post(f"/v1/users/{suspended.id}/suspend", expect=200)
    site.admin.api.delete(f"/v1/users/{deleted.id}", expect=204)
    for _ in range(WRONG_UNTIL_LOCKED):
        site.login(locked.email, new_password(), expect=401)
    found = {
        "known": site.person().email,
        "unknown": new_address(),
        "suspended": suspended.email,
        "deleted": deleted.email,
        "unverified": site.register().email,
        "locked": locked.email,
        "invited": site.create()["email"],
    }
    assert set(found) == set(STANDINGS)
    return found


def without_id_and_date(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"(?im)^x-request-id: *(\S+)\r?$", head)
    assert found, "an answer has no X-Request-Id"
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"date:", b"x-request-id:"))]
    return b"\r\n".join([*lines, b"", body.replace(found[1], b"")])


def raw(base_url: str, path: str, address: str) -> bytes:
    """The answer as it comes over the wire."""
    body = json.dumps(BODIES[path](address)).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {wire.host_of(base_url)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with wire.connect(base_url) as connection:
        connection.sendall(head.encode() + body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize("path", BODIES)
def test_r026_answers_are_the_same_to_the_byte(entrance: str, addresses: dict[str, str], path: str) -> None:
    """Asked twice: what the first question has changed must not show either."""
    for _ in range(2):
        answers = {
            standing: without_id_and_date(raw(entrance, path, address)) for standing, address in addresses.items()
        }
        expected = answers["known"]
        assert expected.startswith((b"HTTP/1.1 202 ", b"HTTP/1.1 401 ")), expected
        if path == "/v1/login":
            # It is refused for the number of attempts, as an unknown address would be: see test_throttling.py.
            assert answers.pop("locked").startswith(b"HTTP/1.1 429 ")
        for standing, answer in answers.items():
            assert answer == expected, f"{standing} can be told apart"


# In time


def sample(chance: random.Random, mean: float, count: int = 400) -> list[float]:
    """As a busy machine would measure it: a spread, and now and then something that takes much longer."""
    return [max(0.0, chance.gauss(mean, 0.002)) + (0.2 if chance.random() < 0.03 else 0.0) for _ in range(count)]


def test_the_statistics_find_a_gap_and_only_a_gap() -> None:
    chance = random.Random(7)
    same = judge(sample(chance, 0.020), sample(chance, 0.020))
    assert not same.leaks and same.low < 0 < same.high
    slower = judge(sample(chance, 0.022), sample(chance, 0.020))
    assert slower.leaks and 0.001 < slower.low < slower.gap < slower.high < 0.003
    faster = judge(sample(chance, 0.018), sample(chance, 0.020))
    assert faster.leaks and faster.gap < -0.001_5


def test_the_statistics_are_those_of_the_books() -> None:
    # Checked against scipy.stats.ttest_ind(equal_var=False) and mannwhitneyu(method="asymptotic", use_continuity=False).
    one = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4]
    other = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 31.3]
    assert welch(one, other) == pytest.approx(-2.949236837, abs=1e-6)
    assert mann_whitney(one, other) == pytest.approx(0.004776025, abs=1e-6)
    assert mann_whitney([1, 1, 1], [1, 1, 1]) == pytest.approx(1)


@pytest.mark.measured
def test_r026_the_time_of_an_answer_tells_nothing_and_a_planted_leak_is_found(
    stage: Stage, faulty_stage: Stage, mailbox: Mailbox
) -> None:
    """Not how long it takes, only whether it takes longer: both servers are measured on the same machine, one after the other."""
    with quiet(faulty_stage, mailbox, USHER_PLANTED_FAULT="timing") as (url, people):
        planted = measure_enough(url, people, ENDPOINTS["login"], PAIRS)
    with quiet(stage, mailbox) as (url, people):
        honest = measure_enough(url, people, ENDPOINTS["login"], PAIRS)
        others = {name: measure_enough(url, people, ENDPOINTS[name], PAIRS) for name in ("forgot", "register", "resend")}
    print(f"planted: {planted}\nlogin: {honest}", *(f"{name}: {verdict}" for name, verdict in others.items()), sep="\n")
    assert planted.leaks, f"the planted leak was not found: {planted}"
    assert not honest.leaks, f"login: {honest}"
    for name, verdict in others.items():
        assert not verdict.leaks, f"{name}: {verdict}"
