"""Failures: problem documents everywhere, limits before work, and never a 5xx (R-224, R-225)."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness import wire
from harness.canary import PASSWORD_MARK, new_address, new_password
from harness.client import Bearer, Client, Session, faults, problem, refused
from harness.connections import connect
from harness.people import Person
from harness.server import Usher

JSON = {"Content-Type": "application/json"}


def problem_of(answer: wire.RawAnswer, status: int) -> dict[str, Any]:
    """Asserts that a raw answer is a problem document with this status."""
    assert answer.status == status, (answer.status, answer.body[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


# Addresses and methods


@pytest.mark.parametrize(
    "path",
    [
        "/nonsense",
        "/v1",
        "/v1/",
        "/v1/user",
        "/v1/users/",
        "/v2/users",
        "/.env",
        "/v1/me/",
        "/docs/nonsense.js",
        "/docs/..%2findex.html",
    ],
)
def test_an_unknown_address_is_a_problem(anonymous: Client, path: str) -> None:
    problem(anonymous.get(path), 404, "not_found")


@pytest.mark.parametrize(
    "target",
    ["/../../etc/passwd", "//v1/me", "/v1//me", "/v1/./me", "/%2e%2e/%2e%2e/etc/passwd", "/v1/users/%ff%fe", "/%00"],
)
def test_odd_paths_do_no_harm(entrance: str, target: str) -> None:
    answer = wire.ask(entrance, target)
    assert 400 <= answer.status < 500
    assert b"root:" not in answer.body


@pytest.mark.parametrize("path", ["/v1/users/%00", "/v1/roles/%00"])
def test_a_zero_in_a_path_leads_nowhere(server: Usher, admin: Session, path: str) -> None:
    """For Nginx it is no path at all."""
    problem(Bearer(server.base_url, admin.bearer()).get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/login"),
        ("GET", "/v1/login"),
        ("PUT", "/v1/me"),
        ("POST", "/v1/me"),
        ("PATCH", "/v1/users"),
        ("DELETE", "/livez"),
    ],
)
def test_a_method_that_does_not_fit_is_a_problem(anonymous: Client, method: str, path: str) -> None:
    answer = anonymous.request(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "PROPFIND"])
def test_r223_unusual_methods_are_refused(entrance: str, method: str) -> None:
    answer = wire.ask(entrance, "/v1/me", "X-Canary: 1", method=method)
    assert 400 <= answer.status < 500
    assert b"X-Canary" not in answer.body


def test_head_answers_as_get_without_a_body(anonymous: Client) -> None:
    answer = anonymous.request("HEAD", "/livez", expect=200)
    assert answer.content == b""


def test_r221_no_other_origin_is_let_in(anonymous: Client, user: Session) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    for answer in (anonymous.request("OPTIONS", "/v1/me", headers=headers), user.get("/v1/me", headers=headers)):
        assert "access-control-allow-origin" not in answer.headers


def test_r106_a_request_of_another_site_changes_nothing(user: Session) -> None:
    answer = user.patch("/v1/me", json={"bio": "forged"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert user.get("/v1/me", expect=200).json()["bio"] != "forged"


# Hosts


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "xn--e1awd7f.example"],
)
def test_r223_an_unknown_host_is_misdirected(entrance: str, host: str) -> None:
    for path in ("/v1/me", "/docs", "/openapi.json"):
        problem_of(wire.ask(entrance, path, host=host), 421)


def test_r223_a_missing_or_doubled_host_is_refused(entrance: str) -> None:
    ours = f"Host: {wire.host_of(entrance)}\r\n".encode()
    for head in (
        b"",
        b"Host: a.example\r\nHost: b.example\r\n",
        ours + b"Host: evil.example\r\n",
        b"Host: evil.example\r\n" + ours,
    ):
        answer = wire.send(entrance, b"GET /v1/me HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n")
        assert answer.status in (400, 421)


def test_r223_smuggling_shapes_are_refused(entrance: str) -> None:
    host = wire.host_of(entrance).encode()
    shapes = {
        "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "folded header": b"X-One: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        "bad length": b"Content-Length: +3\r\n\r\nabc",
        "unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n",
        "space before colon": b"Content-Length : 3\r\n\r\nabc",
    }
    for name, rest in shapes.items():
        head = b"POST /v1/login HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n"
        answer = wire.send(entrance, head + rest)
        # Nginx has a status for a coding that it does not know.
        assert 400 <= answer.status < 500 or (name, answer.status) == ("unknown coding", 501), name


# Sizes


def test_r224_a_long_url_is_a_problem(entrance: str) -> None:
    problem_of(wire.ask(entrance, "/v1/users?q=" + "a" * 9000), 414)
    assert wire.ask(entrance, "/" + "a" * 100_000).status in (400, 414)


def test_r224_long_headers_are_a_problem(entrance: str) -> None:
    problem_of(wire.ask(entrance, "/livez", "X-Long: " + "a" * 20_000), 431)
    problem_of(wire.ask(entrance, "/livez", *(f"X-H{number}: a" for number in range(105))), 431)
    assert wire.ask(entrance, "/livez", *(f"X-H{number}: a" for number in range(500))).status in (400, 431)


@pytest.mark.parametrize("chunked", [False, True])
def test_r224_a_large_body_is_a_problem(entrance: str, chunked: bool) -> None:
    text = json.dumps({"identifier": "a" * 80_000, "password": "b"}).encode()
    content: Any = iter([text[:40_000], text[40_000:]]) if chunked else text
    problem(Client(entrance).post("/v1/login", content=content, headers=JSON), 413, "body_too_large")


def test_r224_a_body_is_not_read_before_the_caller_is_known(server: Usher) -> None:
    """Nginx takes a body of this size from nobody, and reads smaller ones before it asks."""
    unread = b"{" + b" " * 80_000
    problem(Client(server.base_url).patch("/v1/me", content=unread, headers=JSON), 401, "unauthorized")


@pytest.mark.parametrize("path", ["/v1/users", "/v1/nonsense"])
def test_a_refusal_before_the_body_leaves_a_connection_that_works(server: Usher, path: str) -> None:
    """Else the next request of a client or proxy that keeps its connections would be lost."""
    host = wire.host_of(server.base_url)
    with wire.connect(server.base_url) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head.encode())
        first = wire.read(connection)
        assert first.status in (401, 404)
        if first.headers.get("connection", "").lower() == "close":
            return
        connection.sendall(f"{{}}GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert wire.read(connection).status == 200


# Media types


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/xml",
        None,
    ],
)
def test_r107_only_json_is_taken(anonymous: Client, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    body = json.dumps({"identifier": "x", "password": "y"})
    problem(anonymous.post("/v1/login", content=body, headers=headers), 415, "unsupported_media_type")


def test_r107_a_form_is_not_taken(anonymous: Client) -> None:
    problem(
        anonymous.post("/v1/register", data={"email": new_address(), "password": "x"}), 415, "unsupported_media_type"
    )


def test_a_merge_patch_is_no_body_of_other_operations(anonymous: Client) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    problem(anonymous.post("/v1/login", content="{}", headers=headers), 415, "unsupported_media_type")


# JSON


MALFORMED = {
    "empty": b"",
    "open": b"{",
    "trailing comma": b'{"identifier":"a",}',
    "two values": b"{}{}",
    "single quotes": b"{'identifier':'a'}",
    "not a number": b'{"identifier":NaN}',
    "a comment": b"{/* x */}",
    "no utf-8": b'{"identifier":"\xff\xfe"}',
    "a lone surrogate": b'{"identifier":"\\ud800"}',
    "a raw control character": b'{"identifier":"a\x00b"}',
    "utf-16": '{"identifier":"a"}'.encode("utf-16"),
    "ten thousand brackets": b"[" * 10_000,
    "ten thousand objects": b'{"a":' * 10_000,
}


@pytest.mark.parametrize("kind", list(MALFORMED))
def test_malformed_json_is_a_problem(anonymous: Client, kind: str) -> None:
    problem(anonymous.post("/v1/login", content=MALFORMED[kind], headers=JSON), 400, "malformed_json")


@pytest.mark.parametrize("body", [[], "text", 5, 1e308, True, None, [{}]])
def test_a_body_that_is_no_object_is_refused(anonymous: Client, body: object) -> None:
    problem(anonymous.post("/v1/login", content=json.dumps(body), headers=JSON), 422, "invalid_body")


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_r224_deep_json_is_refused(admin: Session) -> None:
    for depth in (70, 120):
        answer = admin.post("/v1/users", json={"email": new_address(), "attributes": nested(depth)})
        problem(answer, 422, "invalid_body")
        assert all(pointer.startswith("/attributes/a") for pointer in faults(answer))


def test_json_of_reasonable_depth_is_taken(admin: Session) -> None:
    attributes = nested(20)
    created = admin.post("/v1/users", json={"email": new_address(), "attributes": attributes}, expect=201).json()
    assert created["attributes"] == attributes


def test_r224_huge_arrays_are_refused(admin: Session) -> None:
    body = {"email": new_address(), "attributes": {"list": [1] * 1001}}
    refused(admin.post("/v1/users", json=body), "/attributes/list")
    answer = admin.post("/v1/users", json={"email": new_address(), "roles": ["user"] * 5000})
    refused(answer, "/roles")


def test_numbers_of_any_size_do_no_harm(admin: Session) -> None:
    text = '{"email":"%s","attributes":{"a":%s}}'
    for number in ("1e400", "-1e400", "123456789012345678901234567890", "0.1e-400", "1" * 3000):
        answer = admin.post("/v1/users", content=text % (new_address(), number), headers=JSON)
        assert answer.status_code in (201, 400, 422), number


def test_a_member_given_twice_does_no_harm(anonymous: Client) -> None:
    answer = anonymous.post("/v1/login", content='{"identifier":"a","identifier":"b","password":"c"}', headers=JSON)
    assert answer.status_code in (400, 401, 422)


@pytest.mark.parametrize("value", [["x"], {"x": 1}, 5, 1.5, True, None, []])
@pytest.mark.parametrize("member", ["email", "password", "username", "display_name", "locale"])
def test_a_value_of_another_type_is_named(anonymous: Client, member: str, value: object) -> None:
    if value is None and member not in ("email", "password"):
        value = [None]
    body = {"email": new_address(), "password": new_password(), member: value}
    refused(
        anonymous.post("/v1/register", json=body), f"/{member}", "type" if member in ("email", "password") else None
    )


@pytest.mark.parametrize("member", ["email", "password", "username", "display_name"])
def test_the_nul_character_is_refused(anonymous: Client, member: str) -> None:
    body = {"email": new_address(), "password": new_password(), member: "kettle zebra\u0000lamp 93"}
    refused(anonymous.post("/v1/register", json=body), f"/{member}")


def test_the_nul_character_is_refused_deep_inside(admin: Session) -> None:
    for attributes in ({"a": [{"b": "x\u0000y"}]}, {"x\u0000y": 1}):
        problem(admin.post("/v1/users", json={"email": new_address(), "attributes": attributes}), 422, "invalid_body")


def test_pointers_are_escaped(anonymous: Client) -> None:
    body = {"email": new_address(), "password": new_password(), "a/b~c": 1, "": 2, 'é "x"': 3}
    answer = anonymous.post("/v1/register", json=body)
    problem(answer, 422, "invalid_body")
    assert faults(answer) == {"/a~1b~0c": "unknown_field", "/": "unknown_field", '/é "x"': "unknown_field"}


def test_several_faults_are_told_together(anonymous: Client) -> None:
    answer = anonymous.post("/v1/register", json={"email": 5, "unknown": 1})
    problem(answer, 422, "invalid_body")
    assert set(faults(answer)) == {"/email", "/password", "/unknown"}


def test_many_unknown_members_do_no_harm(anonymous: Client) -> None:
    body = {"email": new_address(), "password": new_password(), **{f"m{number}": number for number in range(3000)}}
    answer = anonymous.post("/v1/register", json=body)
    problem(answer, 422, "invalid_body")
    assert len(answer.content) < 64 * 1024


def test_r262_a_failure_does_not_repeat_what_was_sent(anonymous: Client) -> None:
    secret = f"{PASSWORD_MARK}-kettle"
    for body in (
        {"email": secret, "password": [secret]},
        {"email": {secret: 1}, "password": secret + "\u0000"},
        [secret],
    ):
        assert secret not in anonymous.post("/v1/register", content=json.dumps(body), headers=JSON).text
    assert secret not in anonymous.post("/v1/login", content=f'{{"password":"{secret}', headers=JSON).text


# Requests


def test_every_request_has_an_id_of_its_own(anonymous: Client) -> None:
    ids = {
        anonymous.get("/v1/me", headers={"X-Request-Id": "chosen-by-the-client"}).headers["x-request-id"]
        for _ in range(5)
    }
    assert len(ids) == 5
    assert "chosen-by-the-client" not in ids


@pytest.mark.parametrize("query", ["%", "a=%zz", "%00=1", "&&&", "=", "limit[]=1", "a" * 4000, "q=%ff"])
def test_odd_queries_do_no_harm(entrance: str, admin: Session, query: str) -> None:
    token = f"Authorization: Bearer {admin.bearer()}"
    answer = wire.ask(entrance, f"/v1/users?{query}", token)
    assert answer.status < 500
    if answer.status != 200:
        problem_of(answer, answer.status)


def test_r224_a_body_that_nobody_reads_does_not_cost_the_answer(entrance: str, admin: Session) -> None:
    """Closed while the client still sends, the connection would be reset, and the answer lost."""
    lines = [
        "POST /v1/service-accounts/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d/reactivate HTTP/1.1",
        f"Host: {wire.host_of(entrance)}",
        f"Authorization: Bearer {admin.bearer()}",
        "Content-Type: application/json",
        "Content-Length: 60000",
    ]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode()
    with connect(entrance) as connection:
        for _ in range(2):
            connection.sendall(head + b" " * 30_000)
            time.sleep(0.1)
            connection.sendall(b" " * 30_000)
            answer = wire.read(connection)
            problem_of(answer, 404)
            assert answer.headers.get("connection", "keep-alive") != "close"


ODD_BODIES: list[Any] = [
    {},
    [],
    None,
    "text",
    0,
    {"roles": None, "permissions": "x", "name": 1, "email": [], "token": 1, "professional": None, "reason": 5},
    {"roles": [None], "permissions": [None], "name": "x" * 60_000, "email": "@", "attributes": []},
    {"name": "\u0000", "description": "\u0000", "email": "\u0000@example.org", "bio": "\u0000"},
    {"username": "\u202e\u2066", "bio": "\ud7ff\ufffe\U0010ffff", "locale": "\u0000", "time_zone": "/"},
]
ENDS_THE_SESSION = {("POST", "/v1/logout"), ("DELETE", "/v1/me")}


def test_r224_no_operation_breaks_on_odd_input(person: Callable[..., Person]) -> None:
    """Every operation with every odd body, as an administrator who is nobody else's; the client fails on any 5xx."""
    api = person("admin").api
    document = api.get("/openapi.json", expect=200).json()
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method not in item or (method.upper(), path) in ENDS_THE_SESSION:
                continue
            for identifier in ("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "%F0%9F%8C%BF", "a" * 300):
                target = re.sub(r"\{\w+\}", identifier, path)
                for body in ODD_BODIES if method != "get" else [None]:
                    api.request(method.upper(), target, content=json.dumps(body), headers=JSON)
                if "{" not in path:
                    break
