"""What Nginx refuses before usher has work with it: sizes, slowness, shapes, floods, and networks (R-020, R-223, R-224)."""

import json
import re
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from harness import nginx, wire
from harness.client import problem
from harness.nginx import Echo, Nginx
from harness.server import Stage
from harness.waiting import at_once, until

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

# Of deploy/nginx: the sign-ins that may come at once, the connections of one network, and when a slow client is cut off.
BURST = 60
CONNECTIONS = 200
PATIENCE_SECONDS = 10
# 127.0.0.0/24 is where other tests are; each test floods from a network of its own.
EXEMPT = "127.66.0"


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


@pytest.fixture(scope="module")
def mirror(stage: Stage, echo: Echo) -> Iterator[Nginx]:
    """Nginx before a server that shows what reaches it, with the lists of networks as an operator might edit them."""
    with Nginx(stage.new_folder(), [echo.address]) as made:
        made.exempt(f"{EXEMPT}.0/24")
        made.edit("usher/private-networks.conf", "127.0.0.0/8", "127.0.0.0/24")
        made.edit("usher/admin-networks.conf", "127.0.0.0/8", "127.0.0.0/24")
        made.edit("conf.d/usher.conf", "# include usher/admin-networks.conf;", "include usher/admin-networks.conf;")
        made.start()
        yield made


@pytest.fixture
def reached(echo: Echo) -> Callable[[], int]:
    """How many requests have reached usher since the test began."""
    before = len(echo.seen)
    return lambda: len(echo.seen) - before


def refusal(answer: wire.RawAnswer, status: int, code: str) -> None:
    assert answer.status == status, (answer.status, answer.body[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]


REQUEST = {":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": "/v1/me"}


def over_http_2(mirror: Nginx, headers: list[tuple[str, str]], body: bytes) -> int | None:
    """Sends a request that no library would, and returns the status; none if the stream or the connection was ended."""
    context = mirror.authority.trusted_by()
    context.set_alpn_protocols(["h2"])
    unchecked = {"validate_outbound_headers": False, "normalize_outbound_headers": False, "validate_inbound_headers": False}
    speaker = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8", **unchecked))
    with mirror.connect(context=context) as connection:
        speaker.initiate_connection()
        speaker.send_headers(1, headers)
        speaker.send_data(1, body, end_stream=True)
        while True:
            try:
                connection.sendall(speaker.data_to_send())
                data = connection.recv(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            for event in speaker.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return int(dict(event.headers)[":status"])
                if isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    return None


# Sizes


@pytest.mark.parametrize("chunked", [False, True])
def test_r224_a_large_body_is_refused(mirror: Nginx, reached: Callable[[], int], chunked: bool) -> None:
    body = b"a" * (64 * 1024 + 1)
    client = mirror.client()
    content = iter([body[:40_000], body[40_000:]]) if chunked else body
    problem(client.post("/v1/login", content=content), 413, "body_too_large")
    assert reached() == 0
    assert len(client.post("/v1/login", content=body[:-1], expect=200).json()["body"]) == 64 * 1024


def test_r224_a_large_body_is_refused_over_http_2(mirror: Nginx, reached: Callable[[], int]) -> None:
    assert over_http_2(mirror, [*REQUEST.items(), ("content-length", "65537")], b"a" * 1000) == 413
    assert reached() == 0


def test_r224_a_large_file_of_users_is_let_through_and_nothing_else_is(mirror: Nginx, reached: Callable[[], int]) -> None:
    body = b"a" * (1024 * 1024)
    client = mirror.client()
    assert len(client.post("/v1/imports?mode=create", content=body, expect=200).json()["body"]) == len(body)
    assert len(client.post("/admin/imports/new", content=body, expect=200).json()["body"]) == len(body)
    file = b"a" * (512 * 1024)
    assert len(client.post("/admin/invitations/many", content=file, expect=200).json()["body"]) == len(file)
    before = reached()
    others = ("/v1/exports/users", "/v1/imports/1/apply", "/v1/invitations")
    pages = ("/admin", "/admin/imports", "/admin/imports/1/apply", "/admin/invitations/new")
    for path in others + pages:
        problem(client.post(path, content=body), 413, "body_too_large")
    refusal(mirror.send(b"POST /v1/imports HTTP/1.1\r\nHost: localhost\r\nContent-Length: 268435457\r\n\r\n"), 413, "body_too_large")
    assert reached() == before


def test_r224_a_picture_is_let_through(mirror: Nginx) -> None:
    body = b"a" * (1024 * 1024)
    client = mirror.client()
    for path in ("/v1/me/avatar", "/v1/users/1/avatar"):
        assert len(client.put(path, content=body, expect=200).json()["body"]) == len(body)
        problem(client.put(path, content=body * 6), 413, "body_too_large")
    for path in ("/account/avatar", "/admin/users/1/picture"):
        assert len(client.post(path, content=body, expect=200).json()["body"]) == len(body)
    for path in ("/account/avatar/remove", "/v1/users/1/avatar/more", "/admin/users/1/edit", "/admin/users/1/picture/more"):
        problem(client.post(path, content=body), 413, "body_too_large")


def test_bodies_and_answers_stay_in_memory(mirror: Nginx) -> None:
    """Files of them would hold passwords and tokens."""
    folders = list((mirror.folder / "temporary").iterdir())
    assert folders
    for folder in folders:
        folder.chmod(0)
    answer = mirror.client().post("/v1/login", content=b"a" * 64 * 1024, expect=200)
    assert len(answer.json()["body"]) == 64 * 1024


def test_r224_a_long_url_is_refused(mirror: Nginx, reached: Callable[[], int]) -> None:
    client = mirror.client()
    problem(client.get("/v1/users?q=" + "a" * 10_000), 414, "uri_too_long")
    assert reached() == 0
    assert len(client.get("/v1/users?q=" + "a" * 8_000, expect=200).json()["target"]) > 8_000


def test_r224_long_headers_are_refused(mirror: Nginx, reached: Callable[[], int]) -> None:
    client = mirror.client()
    problem(client.get("/v1/me", headers={"X-Long": "a" * 10_000}), 431, "headers_too_large")
    problem(client.get("/v1/me", headers={f"X-Long-{n}": "a" * 8_000 for n in range(6)}), 431, "headers_too_large")
    assert reached() == 0
    client.get("/v1/me", headers={"X-Long": "a" * 8_000}, expect=200)


# Slowness


def drips_until_it_ends(mirror: Nginx, beginning: bytes) -> float:
    """Sends a byte again and again, and returns after how many seconds the server had enough."""
    with mirror.connect() as connection:
        begun = time.monotonic()
        connection.sendall(beginning)
        connection.setblocking(False)

        def ended() -> bool:
            with suppress(ssl.SSLWantReadError):
                connection.send(b"a")
                return connection.recv(1000) == b""
            return False

        try:
            until("the server ends the connection", ended, seconds=3 * PATIENCE_SECONDS)
        except OSError:
            pass
        return time.monotonic() - begun


def falls_silent(mirror: Nginx, beginning: bytes) -> float:
    with mirror.connect() as connection:
        begun = time.monotonic()
        connection.sendall(beginning)
        with suppress(ConnectionError):
            assert connection.recv(1000) == b""
        return time.monotonic() - begun


def test_r224_slow_clients_are_cut_off(mirror: Nginx, reached: Callable[[], int]) -> None:
    head = b"POST /v1/me HTTP/1.1\r\nHost: localhost\r\n"
    took = at_once(
        [
            lambda: drips_until_it_ends(mirror, head + b"X-Slow: "),
            lambda: falls_silent(mirror, b""),
            lambda: falls_silent(mirror, head),
            lambda: falls_silent(mirror, head + b"Content-Length: 100\r\n\r\nabc"),
        ]
    )
    assert all(PATIENCE_SECONDS - 1 < seconds < PATIENCE_SECONDS + 5 for seconds in took), took
    assert reached() == 0


def test_one_network_does_not_get_all_connections(mirror: Nginx, reached: Callable[[], int]) -> None:
    begun = b"POST /v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"
    ask = b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with ExitStack() as open_ones:
        for number in range(CONNECTIONS):
            connection = open_ones.enter_context(mirror.connect(f"127.70.0.{number % 200 + 1}"))
            connection.sendall(begun)
        until("it has enough", lambda: mirror.send(ask, source="127.70.0.250").status == 429)
        refusal(mirror.send(ask, source="127.70.0.251"), 429, "too_many_requests")
        assert mirror.send(ask, source="127.71.0.1").status == 200


# Shapes

HEAD = b"POST /v1/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
SHAPES = {
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": HEAD + b"Content-Length: +3\r\n\r\nabc",
    "two codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a hidden coding": HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "chunks of HTTP/1.0": HEAD.replace(b"/1.1", b"/1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bad size of a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n",
    "a folded header": HEAD + b"X-One: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a folded length": HEAD + b"Content-Length:\r\n 3\r\n\r\nabc",
    "a space before the colon": HEAD + b"Content-Length : 3\r\n\r\nabc",
    "a space before the name": HEAD + b" Content-Length: 3\r\n\r\nabc",
    "a carriage return alone": HEAD + b"X-One: a\rContent-Length: 3\r\n\r\nabc",
    "a NUL": HEAD + b"X-One: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "no host": b"GET /v1/me HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two hosts": b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "another version": b"GET /v1/me HTTP/3.0\r\nHost: localhost\r\n\r\n",
    "a space in the target": b"GET /v1/me HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a control character in the target": b"GET /v1/m\x01e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "a path above the root": b"GET /v1/../../metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_r223_smuggling_shapes_are_refused(mirror: Nginx, reached: Callable[[], int], shape: str) -> None:
    answer = mirror.send(SHAPES[shape])
    assert answer.status in (400, 501, 505), (shape, answer.status, answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert reached() == 0


def test_r223_a_bare_line_feed_ends_a_line_for_both_sides(mirror: Nginx, echo: Echo) -> None:
    """Nginx takes it and writes the request anew, so usher sees the one that Nginx saw."""
    before = len(echo.seen)
    answer = mirror.send(
        b"POST /v1/me HTTP/1.1\nHost: localhost\nConnection: close\nX-One: a\nContent-Length: 24\n\n"
        b"GET /v1/users HTTP/1.1\n\n"
    )
    assert answer.status in (200, 400)
    for seen in echo.seen[before:]:
        assert (seen["method"], seen["target"]) == ("POST", "/v1/me")
        assert seen["headers"]["x-one"] == "a"
        assert seen["body"] == "GET /v1/users HTTP/1.1\n\n"
    assert len(echo.seen) - before <= 1


HTTP_2_SHAPES = {
    "a line end in a value": [("x-one", "a\r\nTransfer-Encoding: chunked")],
    "a line end in a name": [("x-one: a\r\nx-two", "b")],
    "a line end in the path": [(":path", "/v1/me HTTP/1.1\r\nX-One: a")],
    "a wrong length": [("content-length", "5")],
    "an upper case name": [("X-One", "a")],
    "a pseudo header too late": [("x-one", "a"), (":path", "/v1/users")],
}


@pytest.mark.parametrize("shape", HTTP_2_SHAPES)
def test_r223_smuggling_over_http_2_is_refused(mirror: Nginx, reached: Callable[[], int], shape: str) -> None:
    given = HTTP_2_SHAPES[shape]
    first = [(name, value) for name, value in REQUEST.items() if name != given[0][0]]
    assert over_http_2(mirror, [*first, *given], b"abc") in (None, 400)
    assert reached() == 0


# Floods


def flood(mirror: Nginx, path: str, number: int, sources: list[str], **headers: str) -> list[httpx.Response]:
    clients = [mirror.client(source) for source in sources]
    each = number // len(clients)
    rounds = at_once([lambda c=client: [c.post(path, json={}, headers=headers) for _ in range(each)] for client in clients])
    return [answer for answers in rounds for answer in answers]


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("path", "network"),
    [("/v1/login", 80), ("/v1/register", 81), ("/v1/password/forgot", 82), ("/v1/reauthenticate", 83), ("/v1/setup", 84)],
)
def test_r020_a_network_that_floods_the_sign_in_is_told_to_wait(mirror: Nginx, path: str, network: int) -> None:
    neighbours = [f"127.{network}.0.{number}" for number in (1, 2, 250)]
    begun = time.monotonic()
    answers = flood(mirror, path, 2 * BURST, neighbours)
    allowed = BURST + 1 + 5 * (time.monotonic() - begun)
    counted = statuses(answers)
    assert BURST <= counted[200] <= allowed + 1
    assert counted[429] == len(answers) - counted[200] > 0
    refused = next(answer for answer in answers if answer.status_code == 429)
    problem(refused, 429, "too_many_requests")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert mirror.client(f"127.{network}.1.1").post(path, json={}).status_code == 200, "another network"
    assert mirror.client(neighbours[0]).get("/v1/me").status_code == 200, "what is not limited"


@pytest.fixture
def second_row(stage: Stage, echo: Echo) -> Iterator[Nginx]:
    """Nginx behind another proxy, which says where a request is from."""
    with Nginx(stage.new_folder(), [echo.address]) as made:
        made.edit("conf.d/usher.conf", "# set_real_ip_from 10.0.0.0/8;", "set_real_ip_from 127.0.0.0/8;")
        for line in ("real_ip_header X-Forwarded-For;", "real_ip_recursive on;"):
            made.edit("conf.d/usher.conf", f"# {line}", line)
        made.start()
        yield made


def test_r020_a_network_is_a_64_of_ipv6_and_a_24_of_ipv4(second_row: Nginx) -> None:
    client = second_row.client()

    def ask(address: str) -> int:
        return client.post("/v1/login", json={}, headers={"X-Forwarded-For": f"203.0.113.1, {address}"}).status_code

    for exhausted, same, others in (
        ("2001:db8:1:2::1", ["2001:db8:1:2:ffff::9"], ["2001:db8:1:3::1", "2001:db8:2:2::1"]),
        ("192.0.2.1", ["192.0.2.254", "::ffff:192.0.2.7"], ["192.0.3.1", "::ffff:192.0.3.7"]),
    ):
        counted = Counter(ask(exhausted) for _ in range(2 * BURST))
        assert counted[429] > 0, counted
        assert counted[200] >= BURST
        assert {ask(address) for address in same} == {429}
        assert {ask(address) for address in others} == {200}
    seen = client.get("/v1/me", headers={"X-Forwarded-For": "203.0.113.1, 2001:db8::9"}).json()
    assert seen["headers"]["x-forwarded-for"] == "2001:db8::9"


def test_a_person_who_floods_with_a_form_sees_a_page(mirror: Nginx) -> None:
    answers = flood(mirror, "/reset-password", 2 * BURST, ["127.90.0.1", "127.90.0.2"], Accept="text/html")
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["content-type"] == "text/html; charset=utf-8"
    assert refused.headers["retry-after"]
    assert "Too many requests" in refused.text


def test_an_exempt_network_is_not_counted(mirror: Nginx) -> None:
    answers = flood(mirror, "/v1/login", 2 * BURST, [f"{EXEMPT}.1", f"{EXEMPT}.2"])
    assert statuses(answers) == {200: 2 * BURST}


def test_refusals_are_told_apart_in_the_log(mirror: Nginx) -> None:
    answers = flood(mirror, "/v1/login", 2 * BURST, ["127.91.0.1", "127.91.0.2"])
    refused = next(answer for answer in answers if answer.status_code == 429)
    entry = mirror.entry(refused.headers["x-request-id"])
    assert (entry["status"], entry["limited"], entry["upstream_address"]) == (429, "REJECTED", "")


# Networks

ROUNDABOUT = ["/metrics", "//metrics", "/v1/../metrics", "/%6detrics", "/./metrics", "/metrics?a=b", "/metrics/"]


@pytest.mark.parametrize("path", [*ROUNDABOUT, "/readyz", "/%72eadyz"])
def test_monitoring_is_for_private_networks(mirror: Nginx, path: str) -> None:
    ask = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    answer = mirror.send(ask, source="127.95.0.1")
    # What Nginx takes for another address, usher must not take for this one.
    if answer.status == 200:
        assert not re.fullmatch(r"/(metrics|readyz)(\?.*)?", json.loads(answer.body)["target"])
    else:
        refusal(answer, 403, "forbidden")
    assert mirror.send(ask).status == 200


def test_administration_can_be_kept_to_networks(mirror: Nginx, usher_binary: Path) -> None:
    """All that needs a permission, and nothing that people do for themselves."""
    document = json.loads(subprocess.run([usher_binary, "openapi"], capture_output=True, check=True).stdout)
    access = {
        path: {operation["x-usher-access"] for operation in operations.values() if "x-usher-access" in operation}
        for path, operations in document["paths"].items()
    }
    administration = {path for path, found in access.items() if any(":" in each for each in found)}
    own = set(access) - administration - {"/metrics", "/readyz"}
    assert {"/v1/imports", "/v1/changes/{id}/undo"} <= administration
    assert {"/v1/me", "/v1/login"} <= own
    near, far = mirror.client(), mirror.client("127.95.0.1")
    pages = {"/admin", "/admin/", "/admin/users/{id}", "/admin/users/{id}/picture", "/admin/imports/new", "/admin/invitations/many"}
    for template in sorted(administration | pages):
        path = re.sub(r"\{\w+\}", "1", template)
        problem(far.get(path), 403, "forbidden")
        assert near.get(path).status_code == 200, path
    for template in sorted(own | {"/administrators"}):
        path = re.sub(r"\{\w+\}", "1", template)
        assert far.get(path).status_code == 200, path
