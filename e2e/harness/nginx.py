"""Nginx as `deploy/nginx` sets it up, on ports of this machine, and two servers behind it."""

import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from . import connections, wire
from .client import Client
from .mailbox import Mailbox
from .people import Site
from .server import Stage, Usher, end_well, free_port
from .waiting import until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
# Debian's packages.
STATIC_BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
HOST, SITE_HOST = "localhost", "site.localhost"
START_SECONDS = 20


def program() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Authority:
    """A certificate authority that lives as long as a test, and says of its certificates that they are good."""

    def __init__(self, folder: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "usher's tests")])
        self._certificate = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(True, 0))
        self._folder = folder
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self._responder = _serve(self._answer_ocsp)

    def _sign(self, name: x509.Name, key: Any, *extensions: x509.ExtensionType) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, name, key, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, *names: str) -> None:
        """Makes `certificate.pem`, with its chain, and `key.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        responder = f"http://127.0.0.1:{self._responder.server_port}/"
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))
        self._leaf = self._sign(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]),
            key.public_key(),
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            x509.AuthorityInformationAccess([access]),
        )
        chain = b"".join(link.public_bytes(serialization.Encoding.PEM) for link in (self._leaf, self._certificate))
        (self._folder / "certificate.pem").write_bytes(chain)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self._folder / "key.pem").write_bytes(key.private_bytes(*form))

    def _answer_ocsp(self, request: BaseHTTPRequestHandler) -> None:
        now = datetime.now(UTC)
        time = (now - timedelta(minutes=1), now + timedelta(hours=1))
        good = (hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, *time, None, None)  # noqa: S303, OCSP names certificates so
        builder = ocsp.OCSPResponseBuilder().add_response(self._leaf, self._certificate, *good)
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.NAME, self._certificate)
        body = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        _respond(request, "application/ocsp-response", body)

    def trusted_by(self, *, only: ssl.TLSVersion | None = None, ciphers: str | None = None) -> ssl.SSLContext:
        """What a client needs that trusts this authority and no other."""
        context = ssl.create_default_context(cafile=self.path)
        if ciphers:
            context.set_ciphers(ciphers)
        if only:
            context.minimum_version = context.maximum_version = only
        return context

    def close(self) -> None:
        _end(self._responder)


class Nginx:
    """The configuration of `deploy/nginx`, rendered by its own script, and a process that runs it."""

    def __init__(self, folder: Path, upstreams: list[str], site_upstream: str = "127.0.0.1:9", **values: str) -> None:
        folder.mkdir(mode=0o755)
        self.folder = folder
        for name in ("logs", "pages", "static", "acme", "temporary", "modules-enabled"):
            (folder / name).mkdir()
        self.authority = Authority(folder)
        self.authority.issue(HOST, SITE_HOST)
        self.http_port, self.https_port = free_port(), free_port()
        self.http_url, self.url = f"http://{HOST}:{self.http_port}", f"https://{HOST}:{self.https_port}"
        self.static = folder / "static"
        self.process: subprocess.Popen[bytes] | None = None
        self.context = self.authority.trusted_by()
        connections.believe(self.url, self.authority.path)
        self._values = {
            "FRONT_HOST": HOST,
            "FRONT_URL": self.url,
            "FRONT_USHER_1": upstreams[0],
            "FRONT_USHER_2": upstreams[-1],
            "FRONT_IPV4": "127.0.0.1",
            # Not every machine has IPv6; where addresses stand, a second one of this machine may.
            "FRONT_IPV6": "127.0.0.2",
            "FRONT_HTTP_PORT": str(self.http_port),
            "FRONT_HTTPS_PORT": str(self.https_port),
            "FRONT_CERTIFICATE": str(folder / "certificate.pem"),
            "FRONT_CERTIFICATE_KEY": str(folder / "key.pem"),
            "FRONT_CERTIFICATE_ISSUERS": str(self.authority.path),
            "FRONT_STATIC_DIR": str(self.static),
            "FRONT_PAGES_DIR": str(folder / "usher" / "pages"),
            "FRONT_ACME_DIR": str(folder / "acme"),
            "FRONT_ACCESS_LOG": str(folder / "logs" / "usher-access.log"),
            "FRONT_ERROR_LOG": str(folder / "logs" / "usher-error.log"),
            "FRONT_SITE_HOST": SITE_HOST,
            "FRONT_SITE_URL": f"https://{SITE_HOST}:{self.https_port}",
            "FRONT_SITE_CERTIFICATE": str(folder / "certificate.pem"),
            "FRONT_SITE_CERTIFICATE_KEY": str(folder / "key.pem"),
            "FRONT_SITE_UPSTREAM": site_upstream,
        } | values
        self._render()

    def _render(self) -> None:
        given = dict(
            line.split("=", 1) for line in (DEPLOY / "front.env").read_text().splitlines() if line and line[0] != "#"
        )
        unknown = set(self._values) - set(given)
        assert not unknown, f"front.env does not know {unknown}"
        values = self.folder / "values"
        values.write_text("".join(f"{name}={value}\n" for name, value in (given | self._values).items()))
        subprocess.run(["sh", DEPLOY / "render.sh", values, self.folder], check=True, timeout=START_SECONDS)
        main = (DEPLOY / "nginx.conf").read_text().replace("/var/log/nginx", str(self.folder / "logs"))
        (self.folder / "nginx.conf").write_text(main)
        (self.folder / "mime.types").write_text("types {\n    text/html html;\n}\n")
        # Where Nginx was built to put them, only root may.
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {self.folder}/temporary/{kind};\n" for kind in kinds)
        (self.folder / "conf.d" / "temporary.conf").write_text(paths)

    def edit(self, name: str, old: str, new: str) -> None:
        """Changes a file of the configuration as its operator would."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} does not have {old!r}"
        path.write_text(text.replace(old, new))

    def exempt(self, network: str) -> None:
        """Lets this network do as much as it likes."""
        self.edit("usher/exempt-networks.conf", "# 198.51.100.0/24 0;", f"{network} 0;")

    def with_brotli(self) -> None:
        (self.folder / "modules-enabled" / "brotli.conf").write_text(f"load_module {STATIC_BROTLI};\n")
        shutil.copy(self.folder / "usher" / "brotli.conf.sample", self.folder / "usher" / "brotli.conf")

    @property
    def _command(self) -> list[str]:
        folder, found = str(self.folder), program() or "nginx"
        errors, directives = f"{folder}/logs/error.log", f"daemon off; pid {folder}/nginx.pid;"
        return [found, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", errors, "-g", directives]

    def check(self) -> str:
        """`nginx -t`; returns what it said besides that all is well."""
        ended = subprocess.run([*self._command, "-t", "-q"], capture_output=True, text=True, timeout=START_SECONDS)
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    def start(self) -> None:
        self.check()
        with (self.folder / "logs" / "stderr.log").open("ab") as errors:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, start_new_session=True
            )
        until("Nginx listens", self._listens, seconds=START_SECONDS)

    def _listens(self) -> bool:
        assert self.process and self.process.poll() is None, self.logs()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.https_port), timeout=5):
            return True
        return False

    def reload(self) -> None:
        """Takes a changed configuration (SIGHUP), and waits until new workers have it and the old ones have ended."""
        assert self.process
        self.check()
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        until("only new workers run", lambda: self.workers() and not self.workers() & before, seconds=START_SECONDS)

    def workers(self) -> set[int]:
        assert self.process
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def stop(self) -> int:
        """Ends it at once (SIGTERM)."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=START_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(timeout=START_SECONDS)
        self.authority.close()
        connections.forget(self.url)
        shutil.rmtree(self.folder, ignore_errors=True)

    def access(self) -> list[dict[str, Any]]:
        """The lines of the access log so far. It is written once a second."""
        path = self.folder / "logs" / "usher-access.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def entry(self, request_id: str) -> dict[str, Any]:
        """The line of a request."""

        def find() -> dict[str, Any] | None:
            return next((line for line in self.access() if line["request_id"] == request_id), None)

        return until("the request is in the access log", find)

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in (self.folder / "logs").iterdir())

    def client(self, source: str = "127.0.0.1", **options: Any) -> "Visitor":
        """A client at this address of the machine."""
        return Visitor(self, source, **options)

    def connect(
        self, source: str = "127.0.0.1", *, name: str = HOST, context: ssl.SSLContext | None = None
    ) -> ssl.SSLSocket:
        """An encrypted connection to write to by hand."""
        plain = socket.create_connection(("127.0.0.1", self.https_port), timeout=30, source_address=(source, 0))
        try:
            return (context or self.context).wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def send(self, request: bytes, **options: Any) -> wire.RawAnswer:
        """Sends these bytes on a connection of their own and reads one answer."""
        with self.connect(**options) as connection:
            connection.sendall(request)
            return wire.read(connection)

    def send_in_the_clear(self, head: str) -> wire.RawAnswer:
        """Sends these lines to the port of http and reads one answer."""
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=30) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
            return wire.read(connection)


class Visitor(Client):
    """A client at an address of this machine. It trusts the authority of the test, keeps its connection, and speaks HTTP/2 if
    asked to."""

    def __init__(
        self, server: Nginx, source: str, *, host: str = HOST, token: str | None = None, http2: bool = False,
        keeps: bool = True, headers: dict[str, str] | None = None
    ) -> None:  # fmt: skip
        limits = httpx.Limits(max_keepalive_connections=None if keeps else 0)
        versions = {"http1": not http2, "http2": http2}
        transport = httpx.HTTPTransport(verify=server.context, limits=limits, local_address=source, **versions)
        super().__init__(server.url, headers={"Host": host} | (headers or {}), transport=transport)
        self._token = token
        # No resolver may know the host, but Nginx does.
        self._extensions = {"sni_hostname": host}

    def bearer(self) -> str | None:
        return self._token

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return super().request(method, path, extensions=self._extensions, **options)


class Front:
    """Nginx before two servers on one database."""

    def __init__(self, stage: Stage, mailbox: Mailbox, **options: str) -> None:
        self.first: Usher = stage.usher()
        self.second: Usher = stage.usher(USHER_DATA_DIR=str(self.first.data_dir))
        # The one that looks after the database goes last.
        self.ushers = [self.second, self.first]
        upstreams = [usher.address for usher in self.ushers]
        self.nginx = Nginx(stage.new_folder(), upstreams, **options)
        settings = {"USHER_TRUSTED_PROXIES": "127.0.0.1", "USHER_SHUTDOWN_DELAY_SECONDS": "6"}
        for usher in self.ushers:
            usher.settings |= settings | {"USHER_PUBLIC_URL": self.nginx.url}
        self._mailbox = mailbox

    @cached_property
    def site(self) -> Site:
        """The servers as people see them, through Nginx; set up when it is first looked at."""
        site = Site(self.nginx.url, self._mailbox)
        site.set_up(self.first.setup_token())
        return site

    def __enter__(self) -> Self:
        try:
            for usher in reversed(self.ushers):
                usher.start()
            self.nginx.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stops all. Unless the test failed already, they must end well."""
        try:
            if kind is None:
                assert self.nginx.stop() == 0
                end_well(self.ushers, self.nginx.logs())
        finally:
            self._remove()

    def _remove(self) -> None:
        self.nginx.__exit__()
        for usher in self.ushers:
            usher.remove()

    def visitor(self, source: str = "127.0.0.1", **options: Any) -> Visitor:
        return self.nginx.client(source, **options)

    def shares(self) -> Counter[str]:
        """How many requests each server has answered, by its address."""
        return Counter(line["upstream_address"] for line in self.nginx.access() if line["upstream_address"])


class Echo:
    """A server that answers with what it was asked, as JSON, and keeps it. With `status` 0 it ends the connection instead."""

    def __init__(self) -> None:
        self.status = 200
        self.seen: list[dict[str, Any]] = []
        self._server = _serve(self._answer)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        asked = {
            "method": request.command,
            "target": request.path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": request.rfile.read(length).decode("latin-1"),
        }
        self.seen.append(asked)
        if self.status == 0:
            request.close_connection = True
            return
        # Long enough to be compressed.
        body = json.dumps(asked | {"padding": " " * 2000}).encode()
        given = {"ETag": '"7"', "X-Request-Id": asked["headers"].get("x-request-id", ""), "Retry-After": "3"}
        _respond(request, "application/json", body, self.status, **given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._server)


def _respond(request: BaseHTTPRequestHandler, kind: str, body: bytes, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Beyond five that wait to be taken, the library's own limit, connections come a second late.
    request_queue_size = 128


def _serve(answer: Any) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def log_message(self, *_: Any) -> None:
            pass

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", lambda request: answer(request))
    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _end(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()
