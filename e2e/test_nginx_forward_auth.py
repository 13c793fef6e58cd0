"""A site that only usher's users see: Nginx asks usher about each request and tells the site who it is."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness import nginx
from harness.client import problem
from harness.mailbox import Mailbox
from harness.nginx import SITE_HOST, Echo, Front, Nginx, Visitor
from harness.people import Person
from harness.programs import keys_of, program, service_account
from harness.server import Stage

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

OPERATION = "/v1/authz/forward"
IDENTITY = ["x-usher-subject", "x-usher-kind", "x-usher-username", "x-usher-email", "x-usher-roles", "x-usher-permissions"]
FORGED = {name: "forged" for name in IDENTITY} | {name.replace("-", "_"): "forged" for name in IDENTITY}


@pytest.fixture(scope="module")
def behind() -> Iterator[Echo]:
    """The site, which shows what reaches it."""
    with Echo() as echo:
        yield echo


@pytest.fixture(scope="module")
def front(stage: Stage, mailbox: Mailbox, behind: Echo) -> Iterator[Front]:
    with Front(stage, mailbox, site_upstream=behind.address) as front:
        if OPERATION not in front.site.anonymous.get("/openapi.json", expect=200).json()["paths"]:
            pytest.skip(f"this usher has no {OPERATION}")
        front.site.admin.api.post("/v1/roles", json={"name": "staff", "permissions": ["users:read"]}, expect=201)
        yield front


@pytest.fixture(scope="module")
def someone(front: Front) -> Person:
    return front.site.person()


def guest(server: Nginx, token: str | None = None, **options: Any) -> Visitor:
    """Somebody before the protected site."""
    return server.client(host=SITE_HOST, token=token, **options)


def ask(server: Nginx, token: str | None, path: str = "/", **options: Any) -> httpx.Response:
    headers = options.pop("headers", {})
    return guest(server, token).request(options.pop("method", "GET"), path, headers=headers, **options)


def identity(answer: httpx.Response) -> dict[str, str]:
    """Who the site was told it is."""
    assert answer.status_code == 200
    return {name: value for name, value in answer.json()["headers"].items() if "usher" in name}


def test_a_user_is_told_to_the_site_and_what_they_say_themselves_is_not(front: Front, someone: Person) -> None:
    answer = ask(front.nginx, someone.api.bearer(), "/a?b=c", headers=FORGED)
    assert identity(answer) == {
        "x-usher-subject": someone.id,
        "x-usher-kind": "user",
        "x-usher-username": someone.username,
        "x-usher-email": someone.email,
        "x-usher-roles": "user",
    }
    assert answer.json()["target"] == "/a?b=c"


def test_what_is_empty_is_not_told_at_all(front: Front) -> None:
    """A service account has no address and no roles: a forged one must not take their place."""
    admin = front.site.admin.api
    account = service_account(admin, "users:read")
    key = program(admin, keys=keys_of(account)).secret
    assert identity(ask(front.nginx, key, headers=FORGED)) == {
        "x-usher-subject": account["id"],
        "x-usher-kind": "service_account",
        "x-usher-username": account["name"],
        "x-usher-permissions": "users:read",
    }


@pytest.mark.parametrize("token", [None, "nonsense", f"ush_key_{'a' * 43}"])
@pytest.mark.parametrize("path", ["/", "/staff/", "/v1/login", "/.usher"])
def test_nobody_gets_in_without_a_good_credential(front: Front, behind: Echo, token: str | None, path: str) -> None:
    before = len(behind.seen)
    answer = ask(front.nginx, token, path, headers=FORGED)
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert len(behind.seen) == before


def test_a_role_can_be_asked_for(front: Front, behind: Echo, someone: Person) -> None:
    worker = front.site.person("staff")
    before = len(behind.seen)
    problem(ask(front.nginx, someone.api.bearer(), "/staff/plan"), 403, "forbidden")
    assert len(behind.seen) == before
    told = identity(ask(front.nginx, worker.api.bearer(), "/staff/plan"))
    assert set(told["x-usher-roles"].split(",")) == {"staff", "user"}
    assert told["x-usher-permissions"] == "users:read"


@pytest.mark.parametrize("path", ["/staff/../staff/a", "/%73taff/a", "//staff/a", "/./staff/a", "/x/../staff/a"])
def test_a_role_is_asked_for_however_the_path_is_written(front: Front, someone: Person, path: str) -> None:
    credential = f"Authorization: Bearer {someone.api.bearer()}"
    head = f"GET {path} HTTP/1.1\r\nHost: {SITE_HOST}\r\n{credential}\r\nConnection: close\r\n\r\n"
    assert front.nginx.send(head.encode(), name=SITE_HOST).status == 403


def test_the_question_can_not_be_asked_or_changed_from_outside(front: Front, behind: Echo, someone: Person) -> None:
    before = len(behind.seen)
    for path in ("/.usher/signed-in", "/.usher/staff", "/.usher/other", "/.front/503"):
        assert ask(front.nginx, someone.api.bearer(), path).status_code in (403, 404)
    assert len(behind.seen) == before
    problem(ask(front.nginx, someone.api.bearer(), "/staff/?role=user&permission="), 403, "forbidden")


def test_the_end_of_a_session_counts_at_once(front: Front) -> None:
    leaver = front.site.person()
    token = leaver.api.bearer()
    assert ask(front.nginx, token).status_code == 200
    leaver.api.post("/v1/logout", expect=204)
    problem(ask(front.nginx, token), 401, "unauthorized")


def test_the_site_gets_the_request_but_no_credential_of_usher(front: Front, someone: Person) -> None:
    headers = {"Cookie": "of=the-site", "X-Forwarded-For": "203.0.113.1", "X-Request-Id": "of-the-client"}
    answer = ask(front.nginx, someone.api.bearer(), "/form", method="POST", headers=headers, content=b"a" * 100_000)
    seen = answer.json()
    assert (seen["method"], len(seen["body"])) == ("POST", 100_000)
    assert seen["headers"]["cookie"] == "of=the-site"
    assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert seen["headers"]["host"] == SITE_HOST
    assert "authorization" not in seen["headers"]
    assert front.nginx.entry(seen["headers"]["x-request-id"])["host"] == SITE_HOST


# With a usher that answers as the test wants


@pytest.fixture
def oracle() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


@pytest.fixture
def gate(stage: Stage, oracle: Echo, behind: Echo) -> Iterator[Nginx]:
    with Nginx(stage.new_folder(), [oracle.address], site_upstream=behind.address) as made:
        # A slip of an operator: no question has this name.
        made.edit("conf.d/protected-site.conf", "auth_request /.usher/staff;", "auth_request /.usher/stuff;")
        made.start()
        yield made


def test_usher_is_sent_the_credential_and_nothing_else_of_the_request(gate: Nginx, oracle: Echo) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"Cookie": "of=the-site", "X-Other": "1", "traceparent": traceparent}
    ask(gate, "a-token", "/form?secret=1", method="POST", headers=headers, content=b"abc", expect=200)
    (asked,) = oracle.seen
    assert (asked["method"], asked["target"], asked["body"]) == ("GET", OPERATION, "")
    assert asked["headers"]["authorization"] == "Bearer a-token"
    assert asked["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert asked["headers"]["traceparent"] == traceparent
    assert not {"cookie", "x-other", "content-length", "transfer-encoding"} & set(asked["headers"])


def test_a_question_that_does_not_exist_lets_nobody_in(gate: Nginx, behind: Echo) -> None:
    before = len(behind.seen)
    problem(ask(gate, "a-token", "/staff/"), 403, "forbidden")
    assert len(behind.seen) == before


@pytest.mark.parametrize(
    ("usher", "client", "code"),
    [
        (429, 429, "too_many_requests"),
        (503, 503, "unavailable"),
        (0, 503, "unavailable"),
        (422, 500, "internal"),
        (404, 500, "internal"),
        (302, 500, "internal"),
    ],
)
def test_nobody_gets_in_while_usher_can_not_say_who_it_is(
    gate: Nginx, oracle: Echo, behind: Echo, usher: int, client: int, code: str
) -> None:
    before = len(behind.seen)
    oracle.status = usher
    head = f"GET / HTTP/1.1\r\nHost: {SITE_HOST}\r\nConnection: close\r\n\r\n"
    answer = gate.send(head.encode(), name=SITE_HOST)
    assert (answer.status, answer.json()["code"]) == (client, code)
    assert ("retry-after" in answer.headers) == (client != 500)
    assert len(behind.seen) == before
    oracle.status = 200
    assert gate.send(head.encode(), name=SITE_HOST).status == 200
