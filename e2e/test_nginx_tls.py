"""How Nginx encrypts, as deploy/nginx sets it up, and what is not encrypted (R-220, R-227)."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from harness import nginx, wire
from harness.nginx import Nginx
from harness.server import Stage
from harness.waiting import until

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def alone(stage: Stage) -> Iterator[Nginx]:
    """Nginx before nobody."""
    with Nginx(stage.new_folder(), ["127.0.0.1:9"], FRONT_STAPLING="on") as made:
        made.start()
        yield made


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(alone: Nginx, version: ssl.TLSVersion) -> None:
    # This machine's library would refuse to offer them.
    context = alone.authority.trusted_by(only=version, ciphers="ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
        alone.connect(context=context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_versions_of_tls_keep_what_was_said_secret_for_ever(alone: Nginx, version: ssl.TLSVersion) -> None:
    with alone.connect(context=alone.authority.trusted_by(only=version)) as connection:
        cipher = connection.cipher()
        assert connection.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert cipher
        assert re.fullmatch(r"ECDHE-\w+-AES\d+-GCM-SHA\d+|ECDHE-\w+-CHACHA20-POLY1305|TLS_(AES|CHACHA20)_.*", cipher[0])
        session = connection.session
        assert session is None or not session.has_ticket


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-CCM8"])
def test_weak_ciphers_are_refused(alone: Nginx, cipher: str) -> None:
    context = alone.authority.trusted_by(only=ssl.TLSVersion.TLSv1_2, ciphers=f"{cipher}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
        alone.connect(context=context)


def test_a_certificate_with_a_responder_is_stapled(alone: Nginx) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    ask = f"openssl s_client -connect 127.0.0.1:{alone.https_port} -servername localhost -status".split()

    def stapled() -> bool:
        told = subprocess.run(ask, input="", capture_output=True, text=True, timeout=20).stdout
        return "Cert Status: good" in told

    # Nginx asks the responder when the first client comes.
    until("the answer of the responder is stapled", stapled)


def test_http_where_https_is_spoken_is_refused(alone: Nginx) -> None:
    with socket.create_connection(("127.0.0.1", alone.https_port), timeout=15) as connection:
        connection.sendall(b"GET /v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = wire.read(connection)
    assert answer.status == 400
    assert "location" not in answer.headers


# In the clear


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_r227_a_page_leads_to_https(alone: Nginx, method: str) -> None:
    answer = httpx.request(method, f"{alone.http_url}/verify?token=abc", headers=PAGE, trust_env=False)
    assert answer.status_code == 301
    assert answer.headers["location"] == f"{alone.url}/verify?token=abc"


@pytest.mark.parametrize(
    ("line", "accept"),
    [
        ("GET /v1/me", "application/json"),
        ("GET /v1/me", "text/html"),
        ("POST /v1/login", "*/*"),
        ("POST /reset-password", "text/html"),
        ("GET /openapi.json", "*/*"),
        ("GET /.well-known/jwks.json", "*/*"),
        ("GET /metrics", "*/*"),
    ],
)
def test_r227_an_api_call_is_refused_and_not_led_on(alone: Nginx, line: str, accept: str) -> None:
    head = f"{line} HTTP/1.1\nHost: localhost\nAccept: {accept}\nContent-Length: 0\nConnection: close"
    answer = alone.send_in_the_clear(head)
    assert answer.status == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "https_required"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "location" not in answer.headers


def test_challenges_of_an_acme_client_are_answered_in_the_clear(alone: Nginx) -> None:
    folder = alone.folder / "acme" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "abc").write_text("abc.def")
    answer = alone.send_in_the_clear("GET /.well-known/acme-challenge/abc HTTP/1.1\nHost: localhost\nConnection: close")
    assert (answer.status, answer.body) == (200, b"abc.def")
