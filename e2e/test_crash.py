"""Killed without warning, and back again: what was acknowledged is there (R-280, R-281)."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from harness.canary import new_address, unique
from harness.client import Bearer, Client, problem
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Stage, Usher
from harness.waiting import until

WRITERS = 6
ACKNOWLEDGED_BEFORE_THE_KILL = 40
# The promise for a release build is 2 s; a debug build on a busy machine gets more.
RESTART_SECONDS = 10


@dataclass
class Attempt:
    """One creation: what was asked, under which key, and the answer if there was one."""

    email: str = field(default_factory=new_address)
    key: str = field(default_factory=lambda: unique("key"))
    user_id: str | None = None

    def make(self, client: Client) -> None:
        headers = {"Idempotency-Key": self.key}
        body = {"email": self.email, "display_name": self.key}
        self.user_id = client.post("/v1/users", json=body, headers=headers, expect=201).json()["id"]


def write_until_it_dies(base_url: str, token: str, attempts: list[Attempt], lock: threading.Lock) -> None:
    client = Bearer(base_url, token)
    while True:
        attempt = Attempt()
        with lock:
            attempts.append(attempt)
        try:
            attempt.make(client)
        except httpx.TransportError:
            return


@pytest.fixture(scope="module")
def kept(stage: Stage, mailbox: Mailbox) -> Iterator[tuple[Usher, Site]]:
    """A server that all but the first test of this module share; each leaves it running or lets the next one start it."""
    usher = stage.usher()
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        yield usher, site
    finally:
        usher.remove()


@pytest.fixture
def ready(kept: tuple[Usher, Site]) -> tuple[Usher, Site]:
    if not kept[0].running:
        kept[0].start()
    return kept


def test_r280_what_was_acknowledged_survives_kill_9(new_server: Callable[..., Usher], mailbox: Mailbox) -> None:
    usher = new_server()
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.setup_token())
    token = site.admin.api.tokens["access_token"]
    attempts: list[Attempt] = []
    lock = threading.Lock()

    def acknowledged() -> list[Attempt]:
        with lock:
            return [attempt for attempt in attempts if attempt.user_id]

    for round_number in (1, 2):
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            writers = [pool.submit(write_until_it_dies, usher.base_url, token, attempts, lock) for _ in range(WRITERS)]
            wanted = ACKNOWLEDGED_BEFORE_THE_KILL * round_number
            until("enough writes are acknowledged", lambda wanted=wanted: len(acknowledged()) >= wanted, seconds=60)
            usher.kill()
            for writer in writers:
                writer.result(timeout=60)
        begun = time.monotonic()
        usher.start()
        assert time.monotonic() - begun < RESTART_SECONDS

        # The access token of before is still good: the keys and the sessions are there.
        client = Bearer(usher.base_url, token)
        for attempt in acknowledged():
            found = client.get(f"/v1/users/{attempt.user_id}", expect=200).json()
            assert found["email"] == attempt.email

    # Who got no answer asks again under the same key: nothing is made twice.
    for attempt in attempts:
        before = attempt.user_id
        attempt.make(client)
        assert before in (None, attempt.user_id)
    everybody = len(attempts) + 1
    listed: list[str] = []
    query = {"limit": "200"}
    while True:
        page = client.get("/v1/users", params=query, expect=200).json()
        listed += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(listed) == len(set(listed)) == everybody
    assert usher.stop() == 0
    assert usher.postgres_pid() is None


def test_r280_mail_that_was_promised_is_sent_after_a_crash(ready: tuple[Usher, Site], mailbox: Mailbox) -> None:
    usher, site = ready
    newcomers = [site.register() for _ in range(5)]
    usher.kill()
    usher.start()
    for newcomer in newcomers:
        site.verify(mailbox.wait_for(newcomer.email, seconds=45).token, newcomer.password)
        site.enter(newcomer.email, newcomer.password)


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_restart_revives_no_rotated_refresh_token(ready: tuple[Usher, Site], how: str) -> None:
    usher, site = ready
    someone = site.person()
    untouched = someone.sign_in()
    ended = someone.sign_in()
    ended.post("/v1/logout", expect=204)
    rotated = someone.api.refresh_token
    current = site.anonymous.post("/v1/refresh", json={"refresh_token": rotated}, expect=200).json()
    key_ids = {key["kid"] for key in site.anonymous.get("/.well-known/jwks.json", expect=200).json()["keys"]}

    if how == "killed":
        usher.kill()
    else:
        assert usher.stop() == 0
    usher.start()

    again = Client(usher.base_url)
    assert {key["kid"] for key in again.get("/.well-known/jwks.json", expect=200).json()["keys"]} == key_ids
    Bearer(usher.base_url, current["access_token"]).get("/v1/me", expect=200)
    problem(Bearer(usher.base_url, ended.tokens["access_token"]).get("/v1/me"), 401, "unauthorized")
    problem(again.post("/v1/refresh", json={"refresh_token": ended.refresh_token}), 401, "invalid_refresh_token")
    # The stolen copy comes back: it ends the session that it was taken from, and no other.
    problem(again.post("/v1/refresh", json={"refresh_token": rotated}), 401, "invalid_refresh_token")
    problem(again.post("/v1/refresh", json={"refresh_token": current["refresh_token"]}), 401, "invalid_refresh_token")
    again.post("/v1/refresh", json={"refresh_token": untouched.refresh_token}, expect=200)


def test_r282_it_outlives_its_database(ready: tuple[Usher, Site]) -> None:
    """PostgreSQL is killed: probes tell, requests get 503 with Retry-After and no other failure, and it recovers by itself."""
    usher, site = ready
    token = site.admin.sign_in().tokens["access_token"]
    pid = usher.postgres_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    client = Bearer(usher.base_url, token)

    def recovered() -> bool:
        begun = time.monotonic()
        answer = client.get("/v1/me", may_be_unavailable=True)
        assert time.monotonic() - begun < 5
        assert client.get("/livez").status_code == 200
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] in ("database_unavailable", "overloaded")
            return False
        assert answer.status_code == 200
        return True

    until("it works again", recovered, seconds=30)
    assert client.get("/readyz", may_be_unavailable=True).status_code in (200, 503)
    until("it says that it is ready", lambda: client.get("/readyz", may_be_unavailable=True).status_code == 200)
    client.post("/v1/users", json={"email": new_address()}, expect=201)
    assert usher.postgres_pid() not in (None, pid)
