"""Who asks too often is told to wait, and keeps nobody else waiting (R-020 to R-030)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from harness.canary import new_address, new_password
from harness.client import Client, outward, problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Stage, Usher
from harness.waiting import at_once

FAILURES_MAX = 10
GUESSES_MAX = 100
MAILING_MAX = 60


@pytest.fixture(scope="module")
def limited(stage: Stage, mailbox: Mailbox) -> Iterator[Site]:
    """A server that limits everybody, and believes this machine when it says whom a request is from."""
    usher: Usher = stage.usher(USHER_RATE_LIMIT_EXEMPT="192.0.2.0/24", USHER_TRUSTED_PROXIES="127.0.0.1")
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        yield site
    finally:
        usher.remove()


def at(site: Site, address: str) -> Client:
    """A client that the proxy says is at this address."""
    return Client(site.base_url, headers={"X-Forwarded-For": address})


def looks(answer: httpx.Response) -> dict[str, Any]:
    seen = outward(answer)
    seen["headers"] = {name: name == "retry-after" or value for name, value in seen["headers"].items()}
    return seen


def login(client: Client, identifier: str, password: str, **members: str) -> int:
    return client.post("/v1/login", json={"identifier": identifier, "password": password, **members}).status_code


def test_r027_an_account_that_does_not_exist_is_locked_like_one_that_does(limited: Site) -> None:
    someone = limited.person()
    nobody = new_address()
    for number in range(FAILURES_MAX + 2):
        known, unknown = (limited.login(name, new_password()) for name in (someone.email, nobody))
        # They were locked at moments that differ a little.
        assert looks(known) == looks(unknown), f"attempt {number} tells them apart"
        assert known.status_code == (401 if number < FAILURES_MAX else 429)
    assert 0 < int(known.headers["retry-after"]) <= 15 * 60


def test_r025_guesses_of_others_do_not_lock_a_known_device_out(limited: Site) -> None:
    someone = limited.person()
    first = limited.login(someone.email, someone.password).json()
    for _ in range(FAILURES_MAX):
        limited.login(someone.email, new_password())
    problem(limited.login(someone.email, someone.password), 429, "too_many_requests")
    body = {"identifier": someone.email, "password": someone.password, "device_token": first["device_token"]}
    limited.anonymous.post("/v1/login", json=body, expect=200)


def test_r025_a_network_that_guesses_is_kept_waiting_and_no_other(limited: Site) -> None:
    someone = limited.person()
    attacker = at(limited, "203.0.113.7")
    guesses = [lambda: login(attacker, new_address(), new_password())] * 10
    answers = [answer for _ in range(GUESSES_MAX // 10 + 1) for answer in at_once(guesses)]
    assert answers.count(401) <= GUESSES_MAX + 1, "more guesses than the limit were verified"
    assert 429 in answers
    assert login(at(limited, "203.0.113.250"), someone.email, someone.password) == 429
    assert login(at(limited, "198.51.100.7"), someone.email, someone.password) == 200


def test_r028_asking_for_mails_is_limited_by_network(limited: Site) -> None:
    client = at(limited, "203.0.114.7")
    ask = lambda: client.post("/v1/password/forgot", json={"email": new_address()})  # noqa: E731
    first = ask()
    assert first.headers["ratelimit-policy"] == f'"mailing";q={MAILING_MAX};w=600'
    while (answer := ask()).status_code == 202:
        assert int(answer.headers["ratelimit"].split("r=")[1].split(";")[0]) < MAILING_MAX
    problem(answer, 429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 600
    assert at(limited, "192.0.2.9").post("/v1/password/forgot", json={"email": new_address()}).status_code == 202


def test_r030_only_the_proxy_says_where_a_request_is_from(site: Site) -> None:
    someone = site.person()
    client = Client(site.base_url, headers={"X-Forwarded-For": "203.0.113.99"})
    assert login(client, someone.email, someone.password) == 200
    events = site.admin.api.get("/v1/audit-events", params={"actor_id": someone.id}, expect=200).json()["items"]
    # Of a server elsewhere it is the address that this machine has there.
    addresses = {event["address"] for event in events}
    assert len(addresses) == 1 and "203.0.113.99" not in addresses


def test_r029_a_sign_in_from_elsewhere_is_told_and_can_be_reported(
    limited: Site, mailbox: Mailbox, person: Callable[..., Person]
) -> None:
    someone = limited.person()
    before = len(mailbox.to(someone.email))
    thief = at(limited, "198.51.100.200")
    stolen = thief.post(
        "/v1/login", json={"identifier": someone.email, "password": someone.password}, expect=200
    ).json()
    notice = mailbox.wait_for(someone.email, after=before)
    assert "198.51.100.200" in notice.text
    assert str(datetime.now(UTC).year) in notice.text

    limited.anonymous.get(f"/not-me?token={notice.token}", expect=200)
    someone.api.get("/v1/me", expect=200)
    limited.anonymous.post("/v1/report-sign-in", json={"token": notice.token}, expect=200)
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    answer = limited.anonymous.get("/v1/me", headers={"Authorization": f"Bearer {stolen['access_token']}"})
    problem(answer, 401, "unauthorized")
    assert login(thief, someone.email, someone.password) == 429
    reset = mailbox.wait_for(someone.email, after=before + 1)
    password = new_password()
    limited.anonymous.post("/v1/password/reset", json={"token": reset.token, "password": password}, expect=200)
    assert login(limited.anonymous, someone.email, password) == 200


def test_a_fresh_proof_begins_a_new_session_in_the_place_of_the_old(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    session = someone.sign_in()
    problem(session.post("/v1/reauthenticate", json={"password": new_password()}), 422, "wrong_password")
    tokens = session.post("/v1/reauthenticate", json={"password": someone.password}, expect=200).json()
    problem(session.get("/v1/me"), 401, "unauthorized")
    fresh = site.anonymous.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert fresh.json()["id"] == someone.id
