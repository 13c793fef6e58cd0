"""Whoever is disabled is refused everywhere from the next request on: at either server, through Nginx, and at a site behind
forward-auth. How long that took is printed at the end of the run."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from harness import nginx, storm
from harness.client import Bearer, Client, problem
from harness.mailbox import Mailbox
from harness.nginx import SITE_HOST, Echo, Front
from harness.people import Person
from harness.programs import program, service_account
from harness.server import Stage

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

# What is promised. What usher does is more: it refuses at the next request.
PROMISED_SECONDS = 1.0
STEP_SECONDS = 0.01


@pytest.fixture(scope="module")
def front(stage: Stage, mailbox: Mailbox) -> Iterator[Front]:
    with Echo() as behind:
        front = Front(stage, mailbox, site_upstream=behind.address)
        front.nginx.exempt("127.0.0.0/8")
        for usher in front.ushers:
            # Nginx stops first.
            usher.settings["USHER_SHUTDOWN_DELAY_SECONDS"] = "0"
        with front:
            yield front


@dataclass(frozen=True)
class Door:
    """Somewhere that a credential lets in."""

    name: str
    client: Client
    path: str

    def status(self) -> int:
        return self.client.get(self.path).status_code


def doors(front: Front, credentials: dict[str, str], *, path: str = "/") -> list[Door]:
    """Each place, for each credential: the servers by their own ports, both through Nginx, and the protected site."""
    found = []
    for kind, secret in credentials.items():
        for number, usher in enumerate(front.ushers, start=1):
            found.append(Door(f"{kind} at server {number}", Bearer(usher.base_url, secret), "/v1/whoami"))
        found.append(Door(f"{kind} through Nginx", front.visitor(token=secret), "/v1/whoami"))
        found.append(Door(f"{kind} at the site", front.nginx.client(host=SITE_HOST, token=secret), path))
    return found


def credentials_of(someone: Person) -> dict[str, str]:
    return {"access token": someone.api.tokens["access_token"], "API key": program(someone.api).secret}


class Watch:
    """Knocks at every door without end, and keeps when each was last open and first shut."""

    def __init__(self, doors: list[Door]) -> None:
        self._doors = doors
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._knock, args=[door]) for door in doors]
        # When the request began whose answer it is.
        self.last_open: dict[str, float] = {}
        self.first_shut: dict[str, float] = {}
        self.statuses: set[int] = set()
        self.failures: list[str] = []

    def _knock(self, door: Door) -> None:
        while not self._stop.wait(STEP_SECONDS):
            begun = time.monotonic()
            try:
                status = door.status()
            except (AssertionError, httpx.HTTPError) as error:
                self.failures.append(f"{door.name}: {error}")
                return
            if status == 200:
                self.last_open[door.name] = begun
            else:
                self.statuses.add(status)
                self.first_shut.setdefault(door.name, time.monotonic())

    def __enter__(self) -> "Watch":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_until(self, wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not wanted() and not self.failures and time.monotonic() < deadline:
            time.sleep(STEP_SECONDS)


def test_a_disabled_user_is_refused_at_both_servers_and_at_the_site_within_a_second(front: Front) -> None:
    someone, admin = front.site.person(), front.site.admin.api
    watched = doors(front, credentials_of(someone))
    with Watch(watched) as watch:
        watch.wait_until(lambda: len(watch.last_open) == len(watched))
        assert watch.first_shut == {}, "before, every door is open"
        admin.post(f"/v1/users/{someone.id}/suspend", expect=200)
        answered = time.monotonic()
        watch.wait_until(lambda: len(watch.first_shut) == len(watched))
    assert watch.failures == []
    assert set(watch.first_shut) == {door.name for door in watched}
    late = {name: watch.first_shut[name] - answered for name in watch.first_shut}
    worst = max(late, key=lambda name: late[name])
    storm.figures.append(
        f"refusal: {len(late)} doors were shut {late[worst] * 1000:.0f} ms after the answer that a user is disabled, "
        f"the last ({worst}) included; at each, the next request was refused"
    )
    # Nothing that began after the answer was let in.
    open_after = [name for name, begun in watch.last_open.items() if begun > answered]
    assert open_after == []
    assert watch.statuses == {401}
    assert late[worst] < PROMISED_SECONDS


def test_a_suspended_service_account_is_refused_everywhere_and_comes_back(front: Front) -> None:
    admin = front.site.admin.api
    account = service_account(admin, "users:read")
    secret = program(admin, keys=f"/v1/service-accounts/{account['id']}/keys").secret
    watched = doors(front, {"key": secret})
    assert {door.status() for door in watched} == {200}
    admin.post(f"/v1/service-accounts/{account['id']}/suspend", expect=200)
    assert {door.name: door.status() for door in watched} == {door.name: 401 for door in watched}
    # Its keys rested, as documented.
    admin.post(f"/v1/service-accounts/{account['id']}/reactivate", expect=200)
    assert {door.name: door.status() for door in watched} == {door.name: 200 for door in watched}


def test_a_user_who_is_enabled_again_signs_in_again_and_old_credentials_stay_shut(front: Front) -> None:
    someone, admin = front.site.person(), front.site.admin.api
    old = doors(front, credentials_of(someone))
    admin.post(f"/v1/users/{someone.id}/suspend", expect=200)
    assert {door.status() for door in old} == {401}
    problem(front.site.login(someone.email, someone.password), 401, "invalid_credentials")
    admin.post(f"/v1/users/{someone.id}/reactivate", expect=200)
    assert {door.name: door.status() for door in old} == {door.name: 401 for door in old}
    again = front.site.enter(someone.email, someone.password)
    assert {door.name: door.status() for door in doors(front, credentials_of(again))} == {door.name: 200 for door in old}


def test_a_role_that_is_taken_opens_the_site_no_more(front: Front) -> None:
    admin = front.site.admin.api
    admin.post("/v1/roles", json={"name": "staff", "permissions": []}, expect=201)
    worker = front.site.person("staff")
    at_site = [door for door in doors(front, credentials_of(worker), path="/staff/plan") if door.path == "/staff/plan"]
    assert [door.status() for door in at_site] == [200, 200]
    front.site.grant(worker)
    for door in at_site:
        problem(door.client.get(door.path), 403, "forbidden")
    # The rest of the site stays open to them.
    assert {door.status() for door in doors(front, credentials_of(worker))} == {200}
    front.site.grant(worker, "staff")
    assert at_site[0].status() == 200, "given back, it counts at once too"
