"""Keys that end while they are in use, and keys that are made at the same moment, on two servers with one database.

Each race is a function that runs one round and fails when a key was let in, or made, that must not be.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from harness import storm
from harness.client import Bearer
from harness.mailbox import Mailbox
from harness.pair import Pair, rounds
from harness.programs import ACCOUNTS, OWN_KEYS, Program, keys_of, keys_of_user, listed, program, service_account
from harness.server import NO_LIMITS, Stage
from harness.storm import Shot
from harness.waiting import until

pytestmark = pytest.mark.long

PROGRAMS, USES_AFTER = 5, 5
KEYS_MAX, KEYS_WANTED = 50, 60
# Each creation makes a mail: a few storms of them are enough.
CREATION_STORMS = 5


@pytest.fixture(scope="module")
def pair(stage: Stage, mailbox: Mailbox) -> Iterator[Pair]:
    # One person makes more keys than anybody may in such a time.
    with Pair(stage, mailbox, **NO_LIMITS) as pair:
        yield pair


# Uses


@dataclass
class Watched:
    """A key that is in use until it is ended by this request."""

    key: Program
    end: Shot
    # When the end was answered, and how each use of the key went: when it began, and its status.
    ended_at: float | None = None
    uses: list[tuple[float, int]] = field(default_factory=list)

    def use(self, base_url: str) -> None:
        """Uses the key without pause, and some times more after the end."""
        client = Bearer(base_url, self.key.secret)
        after = 0
        while after < USES_AFTER:
            begun = time.monotonic()
            after += self.ended_at is not None and begun > self.ended_at
            self.uses.append((begun, client.get("/v1/whoami").status_code))


def key_of_a_person(pair: Pair) -> Watched:
    admin = pair.site.admin.api
    made = program(admin)
    return Watched(made, Shot("DELETE", f"{OWN_KEYS}/{made.id}", bearer=admin.bearer()))


def key_of_an_account(pair: Pair) -> Watched:
    admin = pair.site.admin.api
    path = keys_of(service_account(admin))
    made = program(admin, keys=path)
    return Watched(made, Shot("DELETE", f"{path}/{made.id}", bearer=admin.bearer()))


def key_of_who_is_suspended(pair: Pair) -> Watched:
    admin = pair.site.admin.api
    account = service_account(admin)
    made = program(admin, keys=keys_of(account))
    return Watched(made, Shot("POST", f"{ACCOUNTS}/{account['id']}/suspend", bearer=admin.bearer()))


def key_of_who_is_signed_out(pair: Pair) -> Watched:
    someone = pair.site.person()
    made = program(someone.api)
    path = f"/v1/users/{someone.id}/sign-out-everywhere"
    return Watched(made, Shot("POST", path, bearer=pair.site.admin.api.bearer()))


WATCHED = {
    "a person's key is revoked": key_of_a_person,
    "an account's key is revoked": key_of_an_account,
    "the account is suspended": key_of_who_is_suspended,
    "the person is signed out everywhere": key_of_who_is_signed_out,
}


def race_uses_and_end(make: Callable[[Pair], Watched], pair: Pair) -> str:
    watched = make(pair)
    with ThreadPoolExecutor(max_workers=PROGRAMS * 2) as pool:
        running = [pool.submit(watched.use, url) for url in pair.base_urls * PROGRAMS]
        try:
            until("the key is in use", lambda: len(watched.uses) > len(running))
            (ended,) = storm.storm([secrets.choice(pair.base_urls)], [watched.end])
        finally:
            watched.ended_at = time.monotonic()
        for one in running:
            one.result()
    assert ended.status < 300, ended
    before = [status for begun, status in watched.uses if begun <= watched.ended_at]
    after = [status for begun, status in watched.uses if begun > watched.ended_at]
    assert len(after) >= PROGRAMS * 2 * USES_AFTER
    assert 200 in before and set(before) <= {200, 401}, set(before)
    assert set(after) == {401}, f"{after.count(200)} of {len(after)} uses that began after the end were let in"
    return f"{before.count(200)} of {len(before)} uses before the end were let in, and none of {len(after)} after it"


@pytest.mark.parametrize("name", WATCHED)
def test_r103_no_use_of_a_key_that_begins_after_its_end_is_let_in(pair: Pair, name: str) -> None:
    rounds(f"API key, {name}", lambda pair: race_uses_and_end(WATCHED[name], pair), pair)


# Creations


def race_creations(pair: Pair) -> str:
    someone = pair.site.person()
    shot = Shot("POST", OWN_KEYS, {"name": "one of many"}, bearer=someone.api.bearer())
    answers, repeated = storm.persist(pair.base_urls, [shot] * KEYS_WANTED)
    kinds = storm.count(answers)
    assert kinds == {"201": KEYS_MAX, "409 too_many_api_keys": KEYS_WANTED - KEYS_MAX}, kinds
    assert len(listed(someone.api)) == KEYS_MAX
    assert pair.sql(f"select count(*) from api_keys where user_id = '{someone.id}'") == [f"{KEYS_MAX}"]
    return f"{kinds}, {repeated} had to come back"


def test_sixty_who_make_a_key_at_once_make_fifty(pair: Pair) -> None:
    rounds("creations of API keys", race_creations, pair, CREATION_STORMS)


def race_creations_and_end(pair: Pair) -> str:
    someone = pair.site.person()
    shots = [Shot("POST", OWN_KEYS, {"name": "a way back"}, bearer=someone.api.bearer())] * (KEYS_MAX - 1)
    path = f"/v1/users/{someone.id}/sign-out-everywhere"
    shots.insert(len(shots) // 2, Shot("POST", path, bearer=pair.site.admin.api.bearer()))
    answers = storm.storm(pair.base_urls, shots)
    kinds = storm.count(answers)
    assert answers[len(shots) // 2].status < 300, kinds
    made = [answer.json()["key"] for answer in answers if answer.status == 201]
    alive = [key for key in made if Bearer(pair.base_urls[0], key).get("/v1/whoami").status_code != 401]
    assert not alive, f"{len(alive)} of {len(made)} keys that a session made outlived what ended it"
    assert listed(pair.site.admin.api, keys_of_user(someone.id)) == []
    return str(kinds)


def test_r103_a_session_that_ends_leaves_no_key_behind(pair: Pair) -> None:
    """Whoever has stolen a session and makes keys without pause has none when its owner has ended everything."""
    rounds("creations of API keys and the end of the session", race_creations_and_end, pair, CREATION_STORMS)
