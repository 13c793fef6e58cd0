"""Running it: probes, metrics, headers, refusals to start, stopping, and logs."""

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from harness import canary, wire
from harness.canary import new_address, new_password
from harness.client import Bearer, Client, Session, problem
from harness.people import Person, Site
from harness.server import Stage, Usher, clean_environment, free_port
from harness.waiting import until

GOOD_KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="


# Probes and metrics


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_say_that_all_is_well(anonymous: Client, path: str) -> None:
    assert anonymous.get(path, expect=200).json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_answer_to_any_host(server: Usher, path: str) -> None:
    """Whoever probes a process knows its address and not its name; Nginx serves one name only."""
    assert wire.ask(server.base_url, path, host="10.1.2.3:8000").status == 200


def test_metrics_are_prometheus_text_and_name_nobody(server: Usher, admin: Session, person: Callable[..., Person]) -> None:
    """Each process counts what it has done itself."""
    someone = person()
    Bearer(server.base_url, admin.bearer()).get(f"/v1/users/{someone.id}", expect=200)
    answer = Client(server.base_url).get("/metrics", expect=200)
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? -?([0-9.e+-]+|NaN|[+-]?Inf)", line), line
    assert "/v1/users/{id}" in answer.text, "routes, not addresses"
    assert someone.id not in answer.text
    assert canary.leaks(answer.text) == []


@pytest.fixture(scope="module")
def proxied(stage: Stage) -> Iterator[Usher]:
    """A server as it would stand behind a proxy that speaks TLS, with a secret key from a file and a log for people."""
    usher = stage.usher(USHER_PUBLIC_URL="https://users.example.org", USHER_METRICS_LISTEN=f"127.0.0.1:{free_port()}")
    key = usher.folder / "key"
    key.write_text(f"{GOOD_KEY}\n")
    usher.settings["USHER_SECRET_KEY_FILE"] = str(key)
    del usher.settings["USHER_LOG_FORMAT"]
    try:
        usher.start()
        yield usher
    finally:
        usher.remove()


def ask_proxied(usher: Usher, path: str) -> wire.RawAnswer:
    return wire.ask(usher.base_url, path, host="users.example.org")


def test_metrics_can_be_served_elsewhere(proxied: Usher) -> None:
    assert ask_proxied(proxied, "/metrics").status == 404
    elsewhere = f"http://{proxied.settings['USHER_METRICS_LISTEN']}/metrics"
    assert httpx.get(elsewhere, trust_env=False).status_code == 200


def test_a_secret_can_come_from_a_file(proxied: Usher) -> None:
    assert not (proxied.data_dir / "secret-key").exists(), "none is made when one is given"


def test_a_log_for_people_is_the_default(proxied: Usher) -> None:
    assert proxied.log_path.read_text().strip()
    with pytest.raises(json.JSONDecodeError):
        list(proxied.log_entries())


# Headers


@pytest.mark.parametrize(
    "path", ["/v1/me", "/livez", "/nonsense", "/docs", "/openapi.json", "/verify", "/.well-known/jwks.json"]
)
def test_r220_every_answer_carries_the_headers_of_safety(entrance: str, path: str) -> None:
    headers = Client(entrance).get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy
    assert "unsafe-eval" not in policy
    script = next((part for part in policy.split(";") if "script-src" in part), "")
    assert "unsafe-inline" not in script
    # Nginx gives its name and no version.
    assert headers.get("server", "nginx") == "nginx" and "x-powered-by" not in headers


def test_r220_personal_answers_are_not_kept(user: Session, site: Site) -> None:
    assert user.get("/v1/me", expect=200).headers["cache-control"] == "no-store"
    assert site.admin.api.get("/v1/users", expect=200).headers["cache-control"] == "no-store"


def test_r220_browsers_are_told_to_come_back_encrypted(proxied: Usher) -> None:
    answer = ask_proxied(proxied, "/v1/me")
    assert answer.status == 401
    maximum = re.search(r"max-age=(\d+)", answer.headers["strict-transport-security"])
    assert maximum
    assert int(maximum[1]) >= 365 * 24 * 3600


def test_the_document_leads_back_to_where_it_came_from(proxied: Usher) -> None:
    """A relative server: the page that shows it works under every name that leads here."""
    assert ask_proxied(proxied, "/openapi.json").json()["servers"] == [{"url": "/"}]


# Refusals to start


@pytest.fixture
def refusal(usher_binary: Path, tmp_path: Path) -> Callable[..., str]:
    """Starts a server that must refuse, and returns what it says: exit code 2, at once, before anything is made."""

    def start(**settings: str) -> str:
        data_dir = tmp_path / "data"
        environment = clean_environment() | {
            "USHER_DATA_DIR": str(data_dir),
            "USHER_LISTEN": f"127.0.0.1:{free_port()}",
        }
        ended = subprocess.run(
            [usher_binary, "serve"],
            env=environment | settings,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert ended.returncode == 2, (ended.returncode, ended.stdout, ended.stderr)
        assert not (data_dir / "postgres").exists()
        return ended.stdout + ended.stderr

    return start


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("USHER_NONSENSE", "1"),
        ("USHER_LISTN", "127.0.0.1:8000"),
        ("USHER_LISTEN", "nonsense"),
        ("USHER_LISTEN", ""),
        ("USHER_PUBLIC_URL", "ftp://users.example.org"),
        ("USHER_PUBLIC_URL", "https://users.example.org/path"),
        ("USHER_PUBLIC_URL", "https://user:pw@users.example.org"),
        ("USHER_SECRET_KEY", ""),
        ("USHER_SECRET_KEY", "changeme"),
        ("USHER_SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("USHER_SECRET_KEY", "c2hvcnQ="),
        ("USHER_SECRET_KEY_FILE", "/nonexistent/file"),
        ("USHER_SMTP_URL", "http://mail.example.org"),
        ("USHER_SMTP_URL", "smtp://mail.example.org?tls=none"),
        ("USHER_SMTP_URL", "smtp://user:password@mail.example.org"),
        ("USHER_LOG_FORMAT", "xml"),
        ("USHER_LOG_LEVEL", "loud,=,=="),
        ("USHER_REGISTRATION", "maybe"),
        ("USHER_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("USHER_RUN_WORKER", "perhaps"),
        ("USHER_MIGRATE", "perhaps"),
        ("USHER_DATABASE_POOL_SIZE", "0"),
        ("USHER_DATABASE_URL", "mysql://localhost/usher"),
        ("USHER_HASH_MEMORY_MIB", "1"),
    ],
)
def test_r014_a_bad_setting_is_refused_by_name(refusal: Callable[..., str], name: str, value: str) -> None:
    assert name in refusal(**{name: value})


def test_all_bad_settings_are_told_together(refusal: Callable[..., str]) -> None:
    told = refusal(USHER_NONSENSE="1", USHER_LISTEN="nonsense", USHER_LOG_FORMAT="xml")
    assert all(name in told for name in ("USHER_NONSENSE", "USHER_LISTEN", "USHER_LOG_FORMAT"))


def test_r014_a_database_of_ones_own_needs_a_secret_key(refusal: Callable[..., str]) -> None:
    assert "USHER_SECRET_KEY" in refusal(
        USHER_DATABASE_URL="postgres://usher:kettle-zebra@127.0.0.1:9/usher?sslmode=disable"
    )


def test_r014_no_fault_is_planted_without_a_word(refusal: Callable[..., str], faulty_stage: Stage) -> None:
    """The binary for tests starts only when it is told what is planted, and the ordinary one knows of nothing to plant."""
    assert "USHER_PLANTED_FAULT: is not a setting" in refusal(USHER_PLANTED_FAULT="timing")
    for settings in ({}, {"USHER_PLANTED_FAULT": "nonsense"}):
        ended = faulty_stage.usher(**settings).cli("serve", code=2)
        assert "USHER_PLANTED_FAULT: must name a fault" in ended.stderr


def test_r262_a_refusal_does_not_repeat_the_secret(refusal: Callable[..., str]) -> None:
    for name, value in (
        ("USHER_SECRET_KEY", "not-base64-kettle-zebra!"),
        ("USHER_SECRET_KEY_FILE", "kettle-zebra-is-no-path"),
        ("USHER_DATABASE_URL", "postgress://usher:kettle-zebra@127.0.0.1/usher"),
        ("USHER_SMTP_URL", "smtp://user:kettle-zebra@mail.example.org/path"),
    ):
        assert "kettle-zebra" not in refusal(**{name: value})


def test_settings_are_read_from_a_dotenv_file_and_the_environment_wins(
    refusal: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("USHER_LOG_FORMAT=xml\nUSHER_NONSENSE=1\nOTHER=ignored\n")
    told = refusal(USHER_LOG_FORMAT="json")
    assert "USHER_NONSENSE" in told
    assert "USHER_LOG_FORMAT" not in told


def test_a_taken_port_is_an_error_that_names_it(server: Usher, new_server: Callable[..., Usher]) -> None:
    usher = new_server(start=False, USHER_LISTEN=f"127.0.0.1:{server.port}")
    usher.launch()
    assert usher.process
    assert usher.process.wait(timeout=60) in (1, 2)
    assert str(server.port) in usher.log()
    until("its PostgreSQL ends", lambda: usher.postgres_pid() is None)


# Stopping


@pytest.fixture(scope="module")
def own(stage: Stage) -> Iterator[Usher]:
    """A server that the tests below stop and start. It does not wait long for clients that will never finish."""
    usher = stage.usher(USHER_SHUTDOWN_GRACE_SECONDS="2")
    try:
        usher.start()
        yield usher
    finally:
        usher.remove()


@pytest.fixture
def running(own: Usher) -> Usher:
    if not own.running:
        own.start()
    return own


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked_and_takes_its_postgresql_along(running: Usher, signal_number: signal.Signals) -> None:
    assert running.postgres_pid()
    assert running.process
    running.process.send_signal(signal_number)
    assert running.process.wait(timeout=30) == 0
    assert running.postgres_pid() is None


def test_r284_a_request_in_flight_is_answered_before_it_stops(running: Usher) -> None:
    body = json.dumps({"identifier": new_address(), "password": new_password()}).encode()
    with wire.connect(running.base_url) as connection:
        head = (
            f"POST /v1/login HTTP/1.1\r\nHost: {wire.host_of(running.base_url)}\r\nContent-Type: application/json\r\n"
        )
        connection.sendall(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        # The server asks for the body when the operation has begun.
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        assert running.process
        running.process.send_signal(signal.SIGTERM)
        until("it takes no new connections", lambda: refuses_connections(running))
        connection.sendall(body)
        assert wire.read(connection).status == 401
    assert running.process.wait(timeout=30) == 0


def test_r284_before_it_stops_it_serves_on_and_leads_clients_elsewhere(stage: Stage) -> None:
    usher = stage.usher(USHER_SHUTDOWN_DELAY_SECONDS="600")
    try:
        usher.start()
        client = Client(usher.base_url)
        assert "connection" not in client.get("/livez", expect=200).headers
        assert usher.process
        usher.process.send_signal(signal.SIGTERM)
        until("it is not ready any more", lambda: client.get("/readyz", may_be_unavailable=True).status_code == 503)
        problem(client.get("/readyz", may_be_unavailable=True), 503, "stopping")
        assert client.get("/livez", expect=200).headers["connection"] == "close"
        assert client.post("/v1/refresh", json={}).status_code == 422
        # Asked again, it waits no longer.
        assert usher.stop() == 0
    finally:
        usher.remove()


def refuses_connections(usher: Usher) -> bool:
    try:
        wire.connect(usher.base_url).close()
    except (ConnectionRefusedError, ConnectionResetError):
        # Reset: it was queued when the listener closed.
        return True
    return False


def test_r224_a_client_that_says_nothing_holds_nothing_up(running: Usher) -> None:
    idle = [wire.connect(running.base_url) for _ in range(20)]
    try:
        for connection in idle[:10]:
            connection.sendall(b"GET /v1/me HT")
        Client(running.base_url).get("/livez", expect=200)
        assert running.stop() == 0
    finally:
        for connection in idle:
            connection.close()


def test_what_it_keeps_is_for_its_owner_alone(running: Usher) -> None:
    for name in ("secret-key", "setup-token"):
        assert (running.data_dir / name).stat().st_mode & 0o077 == 0, name
    for name in ("postgres", "run"):
        path = running.data_dir / name
        if path.exists():
            assert path.stat().st_mode & 0o077 == 0, name


# Logs


def test_r263_the_log_is_one_json_object_a_line(server: Usher) -> None:
    Client(server.base_url).get("/v1/me", headers={"User-Agent": 'x","level":"ERROR'})
    entries = list(server.log_entries())
    assert entries
    for entry in entries:
        assert entry["level"] in ("ERROR", "WARN", "INFO", "DEBUG", "TRACE")
        assert entry["timestamp"]


def test_a_request_can_be_found_in_the_log_by_its_id(servers: list[Usher], anonymous: Client) -> None:
    request_id = anonymous.get("/v1/me").headers["x-request-id"]

    def logged() -> bool:
        return any(request_id in json.dumps(entry) for usher in servers for entry in usher.log_entries())

    until("the request is logged by the process that had it", logged)
