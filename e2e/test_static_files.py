"""Styles, scripts and images: `usher static export` writes them into a folder, and Nginx serves them from there without usher."""

import gzip
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from harness import nginx
from harness.client import Client, problem
from harness.faces import form_token
from harness.mailbox import Mailbox
from harness.nginx import Front
from harness.server import Stage
from harness.wire import RawAnswer

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

PAGE = {"Accept": "text/html,application/xhtml+xml"}
FOREVER = "public, max-age=31536000, immutable"
REFERENCE = re.compile(r'(?:href|src)="(/assets/[^"]+)"')
HASHED = re.compile(r"/assets/(?:[a-z-]+/)?[a-z-]+\.[0-9a-f]{16}\.(?:css|js|svg)")
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@pytest.fixture(scope="module")
def front(stage: Stage, mailbox: Mailbox) -> Iterator[Front]:
    front = Front(stage, mailbox)
    front.nginx.exempt("127.0.0.0/8")
    if nginx.STATIC_BROTLI.is_file():
        front.nginx.with_brotli()
    for usher in front.ushers:
        # Nginx stops first.
        usher.settings["USHER_SHUTDOWN_DELAY_SECONDS"] = "0"
    with front:
        yield front


@pytest.fixture(scope="module")
def exported(front: Front) -> list[str]:
    """Exports the files into Nginx's folder, and says the URL of each that is not a compressed one."""
    written = front.first.json("static", "export", str(front.nginx.static))
    urls = [path.removeprefix(str(front.nginx.static)) for path in written]
    return [url for url in urls if not url.endswith((".gz", ".br"))]


@pytest.fixture(scope="module")
def referenced(front: Front) -> set[str]:
    """What the pages load."""
    client = front.visitor()
    admin = front.site.admin
    sign_in = client.get("/sign-in", headers=PAGE).text
    token = form_token(sign_in)
    form = {"form_token": token, "identifier": admin.email, "password": admin.password}
    client.post("/sign-in", data=form, headers=PAGE, expect=303)
    paths = ("/docs", "/register", "/reset-password", "/verify?token=x", "/nonsense", "/admin", "/admin/branding")
    pages = [sign_in] + [client.get(path, headers=PAGE).text for path in paths]
    form = {"form_token": form_token(client.get("/account/api-keys/new", headers=PAGE).text), "name": "shown once", "days": "1"}
    pages.append(client.post("/account/api-keys/new", data=form, headers=PAGE, expect=200).text)
    found = {url for page in pages for url in REFERENCE.findall(page)}
    assert all(REFERENCE.search(page) for page in pages), [page for page in pages if not REFERENCE.search(page)]
    return found


def ask(front: Front, url: str, encodings: str = "") -> RawAnswer:
    """As it comes, not unpacked."""
    lines = [f"GET {url} HTTP/1.1", "Host: localhost", "Connection: close"] + [f"Accept-Encoding: {encodings}"] * bool(encodings)
    return front.nginx.send(("\r\n".join(lines) + "\r\n\r\n").encode())


def upstream_of(front: Front, answer: RawAnswer | httpx.Response) -> str:
    """Which server was asked; none, if Nginx had the file."""
    return front.nginx.entry(answer.headers["x-request-id"])["upstream_address"]


def test_pages_load_what_was_exported_and_nothing_else(exported: list[str], referenced: set[str]) -> None:
    assert referenced == set(exported)
    assert all(HASHED.fullmatch(url) for url in exported)


def test_nginx_serves_each_file_for_ever_and_compressed_without_usher(front: Front, exported: list[str]) -> None:
    for url in exported:
        path = front.nginx.static / url[1:]
        plain, zipped, squeezed = ask(front, url), ask(front, url, "gzip"), ask(front, url, "br")
        assert plain.body == path.read_bytes() == gzip.decompress(zipped.body)
        assert zipped.body == path.with_name(f"{path.name}.gz").read_bytes(), "it was compressed before"
        assert zipped.headers["content-encoding"] == "gzip"
        if nginx.STATIC_BROTLI.is_file():
            assert squeezed.body == path.with_name(f"{path.name}.br").read_bytes()
            assert squeezed.headers["content-encoding"] == "br"
        for answer in (plain, zipped, squeezed):
            assert answer.status == 200
            assert answer.headers["content-type"] == TYPES[url.rpartition(".")[2]]
            assert answer.headers["cache-control"] == FOREVER
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert upstream_of(front, answer) == ""
    served = {entry.get("http.route") for usher in front.ushers for entry in usher.log_entries()}
    assert "/assets/{*path}" not in served


def test_usher_serves_the_same_without_nginx(front: Front, exported: list[str]) -> None:
    client = Client(front.second.base_url)
    for url in exported:
        through, direct = ask(front, url), client.get(url, expect=200)
        assert direct.content == through.body
        for name in ("content-type", "cache-control", "x-content-type-options", "content-security-policy"):
            assert direct.headers.get(name) == through.headers.get(name), f"{name} of {url}"


def test_a_file_that_does_not_exist_is_a_problem(front: Front, exported: list[str]) -> None:
    for url in ("/assets/none.0123456789abcdef.css", "/assets/", "/assets", "/assets/docs/"):
        problem(front.visitor().get(url), 404, "not_found")


def test_a_page_of_another_release_finds_a_style_until_its_file_is_there(front: Front, exported: list[str]) -> None:
    """While servers are replaced one after the other, a page of the one may load from the other, which has it differently."""
    style = next(url for url in exported if "/style." in url)
    other = re.sub(r"\.[0-9a-f]{16}\.", ".0123456789abcdef.", style)
    stand_in = front.visitor().get(other, expect=200)
    assert stand_in.headers["cache-control"] == "no-cache"
    assert stand_in.content == ask(front, style).body
    assert upstream_of(front, stand_in) != ""
    (front.nginx.static / other[1:]).write_text("p {}")
    its_own = front.visitor().get(other, expect=200)
    assert (its_own.text, its_own.headers["cache-control"]) == ("p {}", FOREVER)
    # The next export leaves it.
    front.first.cli("static", "export", str(front.nginx.static))
    assert front.visitor().get(other, expect=200).text == "p {}"
    (front.nginx.static / other[1:]).unlink()


def test_an_export_can_be_repeated_and_mends_what_was_spoilt(front: Front, exported: list[str]) -> None:
    folder = front.nginx.static
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    spoilt = folder / exported[0][1:]
    spoilt.write_text("spoilt")
    spoilt.chmod(0o600)
    front.first.cli("static", "export", str(folder))
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    # The web server is another user.
    assert {path.stat().st_mode & 0o777 for path in before} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in (folder / "assets").rglob("*") if path.is_dir()} == {0o755}


def test_an_export_makes_its_folder_and_refuses_what_is_none(front: Front, exported: list[str]) -> None:
    folder = front.nginx.folder / "new" / "folder"
    assert len(json.loads(front.first.cli("static", "export", str(folder), "--json").stdout)) == 3 * len(exported)
    taken = front.nginx.folder / "taken"
    taken.write_text("a file")
    ended = front.first.cli("static", "export", str(taken), code=None)
    assert ended.returncode != 0
    assert "is not a folder" in ended.stderr
    assert taken.read_text() == "a file"
