"""Servers that end, hang and come back behind Nginx: what clients see of it."""

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from harness import canary, nginx
from harness.canary import new_address, new_password
from harness.client import problem
from harness.mailbox import Mailbox
from harness.nginx import Echo, Front, Nginx
from harness.server import Stage, Usher
from harness.waiting import until

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def front(stage: Stage, mailbox: Mailbox) -> Iterator[Front]:
    with Front(stage, mailbox) as front:
        yield front


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


@pytest.fixture
def mirror(stage: Stage, echo: Echo) -> Iterator[Nginx]:
    """Nginx before a server that shows what reaches it, under two addresses."""
    with Nginx(stage.new_folder(), [echo.address, echo.address]) as made:
        made.start()
        yield made


class Traffic:
    """Requests without a pause while the body runs, and what became of them."""

    def __init__(self, asks: list[Callable[[], httpx.Response]]) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[ask]) for ask in asks]

    def _run(self, ask: Callable[[], httpx.Response]) -> None:
        while not self._stop.is_set():
            try:
                ask()
            except (AssertionError, httpx.HTTPError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            self.answered += 1

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self) -> None:
        """Waits for some more of it."""
        wanted = self.answered + 20
        until("requests go on", lambda: self.answered >= wanted)


def reads(front: Front) -> list[Callable[[], httpx.Response]]:
    # A connection that is kept may be ended by Nginx at the moment of the next request, which clients have to live with.
    clients = [front.visitor(token=front.site.admin.api.bearer(), keeps=False) for _ in range(2)]
    return [lambda: clients[0].get("/v1/users", expect=200), lambda: clients[1].get("/v1/me", expect=200)]


def changes(front: Front) -> list[Callable[[], httpx.Response]]:
    """A POST that costs nothing: its body does not fit."""
    client = front.visitor("127.66.0.1", keeps=False)
    return [lambda: client.post("/v1/refresh", json={}, expect=(422, 429))]


def gets_requests(front: Front, usher: Usher) -> None:
    """Waits until Nginx asks this server, too."""
    client, address = front.visitor(), f"127.0.0.1:{usher.port}"

    def asked() -> bool:
        ids = {client.get("/livez").headers["x-request-id"] for _ in range(4)}
        entries = [front.nginx.entry(request_id) for request_id in ids]
        return any(entry["upstream_address"] == address for entry in entries)

    until(f"requests go to {address}", asked)


def test_requests_go_on_when_a_server_is_killed_and_when_it_is_back(front: Front) -> None:
    with Traffic(reads(front)) as traffic:
        front.second.kill()
        traffic.goes_on()
        front.second.start()
        traffic.goes_on()
    assert traffic.failures == []
    gets_requests(front, front.second)


def test_r284_nobody_notices_that_servers_are_restarted_one_after_the_other(front: Front) -> None:
    """They serve on until Nginx keeps no connection to them: a change that met the end of one could not be repeated."""
    with Traffic(reads(front)) as reading, Traffic(changes(front)) as changing:
        for usher in front.ushers:
            assert usher.stop() == 0
            reading.goes_on()
            changing.goes_on()
            usher.start()
            gets_requests(front, usher)
    assert reading.failures == []
    assert changing.failures == []


def test_nobody_notices_when_a_server_is_taken_out_before_it_is_restarted(front: Front) -> None:
    with Traffic(reads(front) + changes(front)) as traffic:
        for usher in front.ushers:
            line = f"server 127.0.0.1:{usher.port}"
            front.nginx.edit("conf.d/http.conf", line, f"{line} down")
            front.nginx.reload()
            assert usher.stop() == 0
            usher.start()
            front.nginx.edit("conf.d/http.conf", f"{line} down", line)
            front.nginx.reload()
            traffic.goes_on()
    assert traffic.failures == []
    gets_requests(front, front.first)
    gets_requests(front, front.second)


def test_a_post_after_a_pause_does_not_meet_a_connection_that_ends(front: Front) -> None:
    """The connections that Nginx keeps are older than usher keeps them; see keepalive_timeout in deploy/nginx."""
    upstream = (front.nginx.folder / "conf.d" / "http.conf").read_text()
    assert "keepalive_timeout 5s;" in upstream
    # usher's own patience.
    with socket.create_connection(("127.0.0.1", front.first.port), timeout=30) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        assert connection.recv(10) == b""
        assert time.monotonic() - begun > 6


def test_a_maintenance_page_is_shown_while_no_server_runs(front: Front) -> None:
    token = canary.note(f"ush_reset_{'b2' * 20}xyz")
    client = front.visitor()
    (front.nginx.static / "assets").mkdir(exist_ok=True)
    (front.nginx.static / "assets" / "style.css").write_text("p {}")
    for usher in front.ushers:
        usher.stop()
    for method, path in (("GET", "/v1/me"), ("POST", "/v1/login"), ("GET", f"/verify?token={token}")):
        body: dict[str, Any] = {"json": {"identifier": new_address(), "password": new_password()}}
        answer = client.request(method, path, may_be_unavailable=True, **(body if method == "POST" else {}))
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["cache-control"] == "no-store"
    # A program that takes HTML gets no page from the API.
    problem(client.get("/v1/me", headers=PAGE, may_be_unavailable=True), 503, "unavailable")
    form = {"token": token, "password": new_password()}
    for answer in (
        client.get(f"/reset-password?token={token}", headers=PAGE, may_be_unavailable=True),
        client.post("/reset-password", headers=PAGE, data=form, may_be_unavailable=True),
        client.get("/docs", headers=PAGE, may_be_unavailable=True),
    ):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert int(answer.headers["retry-after"]) > 0
        assert "Back in a moment" in answer.text
        assert token not in answer.text
    assert client.get("/assets/style.css", expect=200).text == "p {}"
    # The error log of Nginx would have had the query strings in it.
    until("it is in the log", lambda: any(entry["path"] == "/docs" for entry in front.nginx.access()))
    assert canary.leaks(front.nginx.logs()) == []
    for usher in reversed(front.ushers):
        usher.start()
    back = lambda: client.get("/livez", may_be_unavailable=True).status_code == 200  # noqa: E731
    until("requests are answered again", back, seconds=10)


# What is repeated, and what is not


def test_an_answer_that_says_busy_is_not_asked_for_twice(mirror: Nginx, echo: Echo) -> None:
    echo.status = 503
    for count, method in enumerate(("GET", "POST", "DELETE"), start=1):
        head = f"{method} /v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        answer = mirror.send(head.encode())
        assert answer.status == 503
        assert answer.headers["retry-after"] == "3", "usher's own answer"
        assert len(echo.seen) == count


@pytest.mark.parametrize(("method", "tries"), [("GET", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)])
def test_only_what_may_be_repeated_is_repeated(mirror: Nginx, echo: Echo, method: str, tries: int) -> None:
    echo.status = 0
    answer = mirror.client().request(method, "/v1/me", may_be_unavailable=True)
    problem(answer, 503, "unavailable")
    assert len(echo.seen) == tries
    assert len({seen["headers"]["x-request-id"] for seen in echo.seen}) == 1, "the same request"
    entry = mirror.entry(answer.headers["x-request-id"])
    assert entry["upstream_status"].count("502") == tries


@pytest.mark.parametrize("page", ["maintenance", "busy"])
def test_the_pages_of_nginx_need_nothing_else(page: str) -> None:
    """They are shown when nobody answers: their style is in them, and the policy lets in exactly that."""
    folder = nginx.DEPLOY / "usher"
    text = (folder / "pages" / f"{page}.html").read_text()
    assert "href=" not in text and "src=" not in text
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in (folder / "own-pages.conf").read_text()
