"""Nginx before two servers, as deploy/nginx sets it up: hosts, headers, files, and the log (R-220, R-222, R-223)."""

import gzip
import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from harness import canary, nginx
from harness.canary import new_password, unique
from harness.client import Client, problem
from harness.mailbox import Mailbox
from harness.nginx import Echo, Front, Nginx
from harness.people import Newcomer
from harness.server import Stage
from harness.waiting import until

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def front(stage: Stage, mailbox: Mailbox) -> Iterator[Front]:
    with Front(stage, mailbox) as front:
        yield front


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


@pytest.fixture(scope="module")
def mirror(stage: Stage, echo: Echo) -> Iterator[Nginx]:
    """Nginx before a server that shows what reaches it."""
    with Nginx(stage.new_folder(), [echo.address]) as made:
        made.start()
        yield made


# The configuration


@pytest.mark.parametrize("brotli", [False, True])
@pytest.mark.parametrize("site", [False, True])
def test_the_configuration_is_good_and_gives_no_warning(stage: Stage, brotli: bool, site: bool) -> None:
    values = {} if site else {"FRONT_SITE_HOST": ""}
    with Nginx(stage.new_folder(), ["127.0.0.1:9"], **values) as made:
        if brotli:
            if not nginx.STATIC_BROTLI.is_file():
                pytest.skip("the module is not installed")
            made.with_brotli()
        assert made.check() == ""
        assert (made.folder / "conf.d" / "protected-site.conf").exists() == site


def test_a_missing_value_is_named_and_the_networks_of_the_operator_are_kept(stage: Stage) -> None:
    with Nginx(stage.new_folder(), ["127.0.0.1:9"]) as made:
        render = ["sh", nginx.DEPLOY / "render.sh"]
        made.edit("usher/admin-networks.conf", "deny all;", "allow 192.0.2.0/24;\ndeny all;")
        values = made.folder / "values"
        subprocess.run([*render, values, made.folder], check=True)
        assert "192.0.2.0/24" in (made.folder / "usher" / "admin-networks.conf").read_text()
        before = (made.folder / "conf.d" / "usher.conf").read_text()
        values.write_text(values.read_text().replace(f"FRONT_HOST={nginx.HOST}", "FRONT_HOST="))
        ended = subprocess.run([*render, values, made.folder], capture_output=True, text=True)
        assert ended.returncode != 0
        assert "FRONT_HOST has no value" in ended.stderr
        assert (made.folder / "conf.d" / "usher.conf").read_text() == before


# Encryption


def test_http_2_is_spoken(front: Front) -> None:
    answer = front.visitor(http2=True).get("/v1/me")
    assert answer.http_version == "HTTP/2"
    problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("path", ["/v1/me", "/docs", "/verify", "/nonsense", "/.front/503"])
def test_r220_every_answer_says_once_to_come_back_encrypted(front: Front, path: str) -> None:
    answer = front.visitor().get(path)
    assert answer.headers.get_list("strict-transport-security") == ["max-age=63072000; includeSubDomains"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["server"] == "nginx"


# Hosts and methods


def test_r223_tls_does_not_begin_with_an_unknown_host(mirror: Nginx) -> None:
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        mirror.connect(name="evil.example")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1"])
def test_r223_an_unknown_host_is_misdirected(mirror: Nginx, echo: Echo, host: str) -> None:
    before = len(echo.seen)
    answer = mirror.send(f"GET /v1/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.status == 421
    assert answer.json()["code"] == "misdirected_request"
    with pytest.raises(ConnectionError):
        mirror.send_in_the_clear(f"GET /docs HTTP/1.1\nHost: {host}\nAccept: text/html")
    assert len(echo.seen) == before


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_r223_trace_and_connect_are_refused(mirror: Nginx, echo: Echo, method: str) -> None:
    before = len(echo.seen)
    answer = mirror.send(f"{method} /v1/me HTTP/1.1\r\nHost: localhost\r\nX-Canary: 1\r\nConnection: close\r\n\r\n".encode())
    assert answer.status in (400, 405)
    assert b"X-Canary" not in answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(echo.seen) == before


# What usher is told


def test_r222_what_a_client_says_about_itself_is_overwritten(mirror: Nginx) -> None:
    given = {
        "X-Forwarded-For": "203.0.113.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Real-IP": "203.0.113.2",
        "Forwarded": "for=203.0.113.3;host=evil.example",
        "X-Request-Id": "of-the-client",
        "X_Forwarded_For": "203.0.113.4",
        "X_Request_Id": "of-the-client",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=value",
    }
    answer = mirror.client("127.8.9.10").get("/v1/me?a=b", headers=given, expect=200)
    seen = answer.json()
    headers = seen["headers"]
    assert seen["target"] == "/v1/me?a=b"
    assert headers["host"] == "localhost"
    assert headers["x-forwarded-for"] == "127.8.9.10"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == "localhost"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    for name in ("x-forwarded-port", "x-forwarded-prefix", "x-real-ip", "forwarded"):
        assert name not in headers
    assert not [name for name in headers if "_" in name]
    assert headers["traceparent"] == given["traceparent"]
    assert headers["tracestate"] == given["tracestate"]
    assert mirror.entry(headers["x-request-id"])["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_r222_the_audit_trail_has_the_address_that_nginx_saw(front: Front) -> None:
    someone = front.site.person()
    body = {"identifier": someone.email, "password": someone.password}
    forged = {"X-Forwarded-For": "203.0.113.99", "Forwarded": "for=203.0.113.99", "X_Forwarded_For": "203.0.113.99"}
    front.visitor("127.44.5.6").post("/v1/login", json=body, headers=forged, expect=200)
    events = front.site.admin.api.get("/v1/audit-events", params={"actor_id": someone.id}, expect=200).json()["items"]
    addresses = {event["address"] for event in events}
    assert "127.44.5.6" in addresses
    assert "203.0.113.99" not in addresses


def test_a_request_has_one_id_in_both_logs_and_in_the_answer(front: Front) -> None:
    answer = front.visitor().get("/v1/me", headers={"X-Request-Id": "of-the-client-1"})
    request_id = answer.headers["x-request-id"]
    assert front.nginx.entry(request_id)["status"] == 401

    def noted() -> bool:
        return any(request_id in json.dumps(entry) for usher in front.ushers for entry in usher.log_entries())

    until("usher has logged it too", noted)


def test_a_compressed_answer_keeps_its_entity_tag_usable(mirror: Nginx) -> None:
    """Nginx weakens the tag of what it compresses; usher takes no weak one."""
    client = mirror.client()
    answer = client.get("/v1/me", headers={"Accept-Encoding": "gzip"}, expect=200)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["etag"] == 'W/"7"'
    for given, passed in {'W/"7"': '"7"', '"7"': '"7"', "*": "*", 'W/"7", "8"': 'W/"7", "8"'}.items():
        seen = client.patch("/v1/me", headers={"If-Match": given}, json={}, expect=200).json()
        assert seen["headers"]["if-match"] == passed
    assert "if-match" not in client.patch("/v1/me", json={}, expect=200).json()["headers"]


@pytest.mark.parametrize("path", ["/v1/login", "/v1/refresh", "/v1/reauthenticate", "/verify"])
def test_tokens_are_never_compressed(mirror: Nginx, path: str) -> None:
    answer = mirror.client().post(path, headers={"Accept-Encoding": "gzip"}, expect=200)
    assert "content-encoding" not in answer.headers


# Files


def export(server: Nginx, name: str, text: str) -> None:
    path = server.static / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_exported_files_are_served_without_usher(mirror: Nginx, echo: Echo) -> None:
    text = "p { margin: 0 }\n" * 100
    export(mirror, "assets/style.css", text)
    export(mirror, "assets/style.0123abcd.css", text)
    (mirror.static / "assets" / "style.css.gz").write_bytes(gzip.compress(text.encode()))
    client, before = mirror.client(), len(echo.seen)
    answer = client.get("/assets/style.css", headers={"Accept-Encoding": "gzip"}, expect=200)
    assert answer.text == text
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    again = client.get("/assets/style.css", headers={"If-None-Match": answer.headers["etag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304
    assert "content-encoding" not in client.get("/assets/style.css", headers={"Accept-Encoding": ""}).headers
    forever = client.get("/assets/style.0123abcd.css", expect=200)
    assert forever.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len(echo.seen) == before


@pytest.mark.parametrize("path", ["/assets/other.css", "/docs", "/assets/", "/assets/%2e%2e/key.pem"])
def test_other_files_come_from_usher(mirror: Nginx, path: str) -> None:
    assert mirror.client().get(path, expect=200).json()["target"] == path


def test_nothing_outside_the_folder_is_served(mirror: Nginx) -> None:
    for path in ("/assets/../key.pem", "/assets/..%2fkey.pem", "/docs/..%2f..%2fkey.pem", "/docs/..%2f..%2f..%2fetc/passwd"):
        answer = mirror.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert answer.status == 400 or answer.json()["target"] == path


def test_pages_and_documentation_look_the_same_through_nginx(front: Front) -> None:
    client = front.visitor()
    for path in ("/docs", "/assets/docs/docs.css", "/assets/style.css", "/verify?token=x"):
        through = client.get(path, headers=PAGE, expect=200)
        direct = Client(front.first.base_url).get(path, headers=PAGE, expect=200)
        assert through.content == direct.content
        assert through.headers["content-security-policy"] == direct.headers["content-security-policy"]
        assert through.headers["cache-control"] == direct.headers["cache-control"]


def test_brotli_is_served_where_there_is_the_module(stage: Stage) -> None:
    if not nginx.STATIC_BROTLI.is_file():
        pytest.skip("the module is not installed")
    with Nginx(stage.new_folder(), ["127.0.0.1:9"]) as made:
        made.with_brotli()
        export(made, "assets/a.css", "p {}")
        export(made, "assets/a.css.br", "compressed")
        made.start()
        # The client would unpack it.
        answer = made.send(
            b"GET /assets/a.css HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n"
        )
        assert (answer.status, answer.headers["content-encoding"], answer.body) == (200, "br", b"compressed")


# The log, and all of it together


def test_r262_the_access_log_names_requests_and_tells_no_secrets(front: Front) -> None:
    token = canary.note(f"ush_verify_{'a1' * 20}xyz")
    client = front.visitor("127.3.3.3", headers={"Referer": f"https://localhost/verify?token={token}"})
    ids = [client.get(path).headers["x-request-id"] for path in (f"/verify?token={token}", f"/v1//me?token={token}")]
    client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    body = {"identifier": canary.new_address(), "password": new_password()}
    ids.append(client.post("/v1/login", json=body, expect=401).headers["x-request-id"])
    entries = [front.nginx.entry(request_id) for request_id in ids]
    assert [entry["path"] for entry in entries] == ["/verify", "/v1//me", "/v1/login"]
    assert entries[2]["status"] == 401
    assert entries[2]["method"] == "POST"
    assert entries[2]["address"] == "127.3.3.3"
    assert entries[2]["upstream_address"] in {f"127.0.0.1:{usher.port}" for usher in front.ushers}
    assert entries[2]["tls_protocol"] == "TLSv1.3"
    assert canary.leaks(front.nginx.logs()) == []


def test_from_nobody_to_a_list_of_users_through_tls(front: Front, mailbox: Mailbox) -> None:
    client = front.visitor(http2=True)
    newcomer = Newcomer()
    client.post("/v1/register", json={"email": newcomer.email, "password": newcomer.password}, expect=202)
    mail = mailbox.wait_for(newcomer.email)
    assert mail.link.startswith(f"{front.nginx.url}/verify?token=")
    client.get(mail.link.removeprefix(front.nginx.url), headers=PAGE, expect=200)
    client.post("/v1/verify-email", json={"token": mail.token, "password": newcomer.password}, expect=200)
    body = {"identifier": newcomer.email, "password": newcomer.password}
    tokens: dict[str, Any] = client.post("/v1/login", json=body, expect=200).json()
    me = front.visitor(token=tokens["access_token"])
    mine = me.get("/v1/me", headers={"Accept-Encoding": "gzip"}, expect=200)
    changed = me.patch("/v1/me", json={"bio": unique("bio")}, headers={"If-Match": mine.headers["etag"]}, expect=200)
    assert changed.json()["bio"]
    problem(me.get("/v1/users"), 403, "forbidden")
    admin = front.visitor(token=front.site.admin.api.bearer(), http2=True)
    found = admin.get("/v1/users", params={"q": newcomer.email}, expect=200).json()["items"]
    assert [user["id"] for user in found] == [mine.json()["id"]]
    client.post("/v1/refresh", json={"refresh_token": tokens["refresh_token"]}, expect=200)
