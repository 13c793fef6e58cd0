"""Both servers behind Nginx are restarted one after the other, then Nginx takes another configuration, while people go on: nobody
notices."""

import base64
import json
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from queue import SimpleQueue
from typing import Any

import pytest

from harness import canary, nginx, storm
from harness.canary import new_address, unique
from harness.mailbox import Mailbox
from harness.nginx import HOST, SITE_HOST, Echo, Front
from harness.people import Site
from harness.postgres import Postgres
from harness.programs import program
from harness.server import Stage, Usher
from harness.waiting import until

pytestmark = [
    pytest.mark.long,
    pytest.mark.measured,
    pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed"),
]

# A debug build can't do 200 on two cores beside Nginx, PostgreSQL and this program: it answers 503 then, as it should, and that is
# not what is looked for here. A release build can: E2E_RESTART_RATE=200.
RATE = int(os.environ.get("E2E_RESTART_RATE", "100"))
# Of this many requests, how many are of which kind; a password costs the servers as much as a hundred reads.
MIX = {"me": 76, "users": 16, "key": 16, "page": 30, "site": 30, "refresh": 16, "write": 14, "sign_in": 2}
# Requests that wait for an answer at a time.
HANDS = 64
SECRET_KEY = canary.note(base64.b64encode(secrets.token_bytes(32)).decode(), "a secret key")
NOT_IDEMPOTENT = ("POST", "PATCH")


@dataclass(frozen=True)
class Ask:
    """One request, and the status that is no failure."""

    method: str
    path: str
    status: int
    host: str = HOST
    bearer: str | None = field(default=None, repr=False)
    body: Any = field(default=None, repr=False)
    headers: tuple[str, ...] = ()

    def written(self) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {self.host}", "Connection: close", *self.headers]
        if self.bearer:
            lines.append(f"Authorization: Bearer {self.bearer}")
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


class People:
    """Those who use the site meanwhile."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._admin, self._someone = front.site.admin, front.site.person()
        self._key = program(self._someone.api).secret
        self._refresh_tokens: SimpleQueue[str] = SimpleQueue()
        # Each refresh token is good once, so as many refreshes as this can be under way.
        for _ in range(24):
            self._refresh_tokens.put(self._someone.sign_in().refresh_token)
        self.mark, self.written = unique("restart"), list[str]()

    def send(self, ask: Ask) -> Any:
        """Sends a request on a connection of its own: one that is kept may be ended by Nginx at the moment of the next request, which
        clients have to live with."""
        canary.note_members(ask.body)
        answer = self._front.nginx.send(ask.written(), name=ask.host)
        if answer.status != ask.status:
            raise ValueError(f"{answer.status} {answer.json().get('code', '')}")
        if not answer.headers.get("content-type", "").startswith("application/json"):
            return None
        body = answer.json()
        canary.note_members(body)
        return body

    def me(self) -> None:
        self.send(Ask("GET", "/v1/me", 200, bearer=self._someone.api.bearer()))

    def users(self) -> None:
        self.send(Ask("GET", "/v1/users?limit=5", 200, bearer=self._admin.api.bearer()))

    def key(self) -> None:
        self.send(Ask("GET", "/v1/whoami", 200, bearer=self._key))

    def page(self) -> None:
        self.send(Ask("GET", "/reset-password", 200, headers=("Accept: text/html",)))

    def site(self) -> None:
        """A page behind forward-auth."""
        self.send(Ask("GET", "/", 200, host=SITE_HOST, bearer=self._someone.api.bearer()))

    def refresh(self) -> None:
        """Never repeated: a refresh token that comes twice ends the session, and the next one fails."""
        body = {"refresh_token": self._refresh_tokens.get(timeout=20)}
        self._refresh_tokens.put(self.send(Ask("POST", "/v1/refresh", 200, body=body))["refresh_token"])

    def write(self) -> None:
        body, key = {"email": new_address(self.mark)}, (f"Idempotency-Key: {unique('restart')}",)
        made = self.send(Ask("POST", "/v1/users", 201, bearer=self._admin.api.bearer(), body=body, headers=key))
        self.written.append(made["id"])

    def sign_in(self) -> None:
        body = {"identifier": self._someone.email, "password": self._someone.password}
        self.send(Ask("POST", "/v1/login", 200, body=body))


class Traffic:
    """Requests at a fixed rate, whether or not those before are answered, while the body runs; and what became of them."""

    def __init__(self, calls: list[Callable[[], None]]) -> None:
        self._calls = calls
        self._stop = threading.Event()
        self._pacer = threading.Thread(target=self._run)
        self.sent: Counter[str] = Counter()
        self.failures: list[str] = []
        self.late = 0.0

    def _run(self) -> None:
        begun = time.monotonic()
        with ThreadPoolExecutor(HANDS) as hands:
            for number, call in enumerate(cycle(self._calls)):
                if self._stop.wait(max(0.0, begun + number / RATE - time.monotonic())):
                    break
                self.sent[call.__name__] += 1
                hands.submit(self._ask, call, begun + number / RATE)
        # With the time until the last answer: a rate that is only asked for is none.
        self.seconds = time.monotonic() - begun

    def _ask(self, call: Callable[[], None], due: float) -> None:
        self.late = max(self.late, time.monotonic() - due)
        try:
            call()
        except Exception as error:  # noqa: BLE001, whatever it is, somebody noticed
            self.failures.append(f"{call.__name__}: {type(error).__name__}: {error}")

    def __enter__(self) -> "Traffic":
        self._pacer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pacer.join()

    def goes_on(self) -> None:
        """Waits for two seconds' worth of it."""
        wanted = self.sent.total() + 2 * RATE
        until("requests go on", lambda: self.sent.total() >= wanted, seconds=60)


def mixed(people: People) -> list[Callable[[], None]]:
    """The mix, each kind spread evenly."""
    places = [((number + 0.5) / count, kind) for kind, count in MIX.items() for number in range(count)]
    return [getattr(people, kind) for _, kind in sorted(places)]


@pytest.fixture(scope="module")
def front(stage: Stage, mailbox: Mailbox) -> Iterator[Front]:
    postgres = Postgres(stage.new_folder())
    with Echo() as behind:
        front = Front(stage, mailbox, site_upstream=behind.address)
        for usher in front.ushers:
            # A private one would be restarted with the server that started it.
            usher.settings |= {"USHER_DATABASE_URL": postgres.url, "USHER_SECRET_KEY": SECRET_KEY}
            usher.settings |= {"USHER_MIGRATE": "true", "USHER_DATABASE_CONNECT_TIMEOUT_SECONDS": "5"}
        # All of this traffic comes from one network.
        front.nginx.exempt("127.0.0.0/8")
        try:
            with front:
                site = Site(front.nginx.url, mailbox)
                site.set_up(front.first.cli("setup-token").stdout.strip())
                # The database is not the private one, beside which the token would be.
                front.site = site
                yield front
        finally:
            postgres.remove()


def asked(front: Front, usher: Usher) -> int:
    """How many lines of the access log name this server. The log grows fast, so it is not taken apart."""
    return (front.nginx.folder / "logs" / "usher-access.log").read_text().count(f'"upstream_address":"{usher.address}"')


def restart_all(front: Front, traffic: Traffic) -> None:
    """As deploy/nginx/README.md says: the next one only when the last is ready again, and is asked again."""
    traffic.goes_on()
    for usher in front.ushers:
        assert usher.stop() == 0
        usher.start()
        before = asked(front, usher)
        until("it is asked again", lambda: asked(front, usher) > before, seconds=10)
        traffic.goes_on()
    front.nginx.edit("usher/headers.conf", "Referrer-Policy no-referrer", "Referrer-Policy same-origin")
    front.nginx.reload()
    traffic.goes_on()
    assert front.visitor().get("/.front/404").headers["referrer-policy"] == "same-origin"


def arrivals(front: Front) -> Counter[str]:
    """How many servers have answered each request that is not idempotent, by its id: their own logs say so."""
    wanted = {line["request_id"] for line in front.nginx.access() if line["method"] in NOT_IDEMPOTENT}
    entries = [entry for usher in front.ushers for entry in usher.log_entries() if entry["message"] == "answered"]
    return Counter(entry["span"]["request.id"] for entry in entries if entry["span"]["request.id"] in wanted)


def created(front: Front, people: People) -> set[str]:
    """The users that were made at that time, by their ids."""
    found: set[str] = set()
    params = {"limit": "200", "q": people.mark}
    while True:
        page = front.site.admin.api.get("/v1/users", params=params, expect=200).json()
        found |= {user["id"] for user in page["items"]}
        if not page.get("next"):
            return found
        params["cursor"] = page["next"]


def refused_first(line: dict[str, Any]) -> bool:
    """Whether Nginx asked more than one server for this. Each but the last has failed at once: nothing was sent to it."""
    return "," in line["upstream_address"]


def test_r284_nobody_notices_a_rolling_restart_under_load(front: Front) -> None:
    people = People(front)
    quiet = len(front.nginx.access())
    with Traffic(mixed(people)) as traffic:
        restart_all(front, traffic)
    rate = traffic.sent.total() / traffic.seconds
    told = f"rolling restart: {traffic.sent.total()} requests over TLS at {rate:.0f}/s, {dict(traffic.sent)}"
    warnings = [line for usher in front.ushers for line in usher.log_entries() if line["level"] == "WARN"]
    assert traffic.failures == [], f"{told}\n{Counter(traffic.failures).most_common(5)}\n{warnings[-5:]}"
    until("the log is complete", lambda: len(front.nginx.access()) - quiet >= traffic.sent.total(), seconds=10)
    lines = front.nginx.access()[quiet:]
    repeated = [line for line in lines if refused_first(line)]
    again = [line for line in repeated if line["method"] in NOT_IDEMPOTENT]
    figure = (
        f"{told}: 0 failed; none began more than {traffic.late:.1f} s late; Nginx went on to the other server with "
        f"{len(repeated)}, {len(again)} of them not idempotent and not sent to the first"
    )
    storm.figures.append(figure)
    assert rate > 0.5 * RATE, figure
    # Whatever Nginx was told by a server that it had sent a POST to, it kept to itself: an answer each, no more.
    often = arrivals(front)
    assert set(often.values()) == {1}, [request for request, count in often.items() if count > 1]
    assert all(float(line["upstream_seconds"].split(",")[0]) < 0.1 for line in again), again
    # And each write was made once.
    assert len(people.written) == len(set(people.written)) == traffic.sent["write"]
    assert created(front, people) == set(people.written)
