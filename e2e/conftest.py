"""Fixtures: servers behind Nginx, their mail, and people. README.md says how to run the tests and against what."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

REWRITTEN = ("client", "docs_page", "faces", "nginx", "pair", "server", "storm")
pytest.register_assert_rewrite(*(f"harness.{name}" for name in REWRITTEN))

from harness import chromium, connections, nginx, storm  # noqa: E402, the line above must come first
from harness.client import Client, Session  # noqa: E402
from harness.faces import Faces  # noqa: E402
from harness.mailbox import Mailbox  # noqa: E402
from harness.nginx import Front  # noqa: E402
from harness.people import Person, Site  # noqa: E402
from harness.server import Stage, Usher, end_well  # noqa: E402

EXTERNAL_URL = os.environ.get("E2E_BASE_URL", "").rstrip("/")
EXTERNAL_MAIL = os.environ.get("E2E_SMTP_LISTEN", "")
# What stands before the servers that are started here: `nginx` or `none`.
FRONT = os.environ.get("E2E_FRONT", "nginx")
# Where requests can come in: as people's do, and at a process itself.
ENTRANCES = ["public"] if EXTERNAL_URL or FRONT == "none" else ["public", "process"]

# A test that asks for one of these, directly or not, needs what the marker says.
MARKERS = {
    "needs_process": {"server", "servers", "stage", "faulty_stage", "new_server", "usher_binary"},
    "needs_mail": {"mailbox"},
}
REASONS = {
    "needs_process": "it needs the process, which E2E_BASE_URL does not give",
    "needs_mail": "it reads mail, and E2E_SMTP_LISTEN does not say where the server sends it",
}


def pytest_configure() -> None:
    if FRONT not in ("nginx", "none"):
        raise pytest.UsageError(f"E2E_FRONT is `nginx` or `none`, not {FRONT!r}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks each test with what it needs, leaves out those whose needs an external server does not meet, and begins with the longest."""
    missing = []
    if EXTERNAL_URL:
        missing = ["needs_process"] if EXTERNAL_MAIL else ["needs_process", "needs_mail"]
    kept, left_out = [], []
    for item in items:
        for marker, fixtures in MARKERS.items():
            if fixtures & set(getattr(item, "fixturenames", ())):
                item.add_marker(marker)
        unmet = [marker for marker in missing if item.get_closest_marker(marker)]
        (left_out if unmet else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


def pytest_report_header() -> str:
    alone = "" if FRONT == "none" else f", two behind {nginx.program() or 'Nginx'}"
    return f"usher: {EXTERNAL_URL or f'{binary_path()}{alone}'}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of several processes hands over what it measured."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = storm.figures


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """And the one that reports takes it."""
    storm.figures.extend(getattr(node, "workeroutput", {}).get("figures", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what the storms measured, and why tests were left out."""
    for figure in storm.figures:
        terminalreporter.write_line(figure)
    if not EXTERNAL_URL:
        return
    terminalreporter.write_line(f"Left out is what is marked needs_process: {REASONS['needs_process']}.")
    if not EXTERNAL_MAIL:
        terminalreporter.write_line(f"Left out is what is marked needs_mail: {REASONS['needs_mail']}.")


def binary_path() -> Path:
    default = Path(__file__).resolve().parent.parent / "target" / "debug" / "usher"
    return Path(os.environ.get("USHER_BIN") or default).resolve()


@pytest.fixture(scope="session")
def usher_binary() -> Path:
    """The program under test."""
    path = binary_path()
    if not path.is_file():
        pytest.exit(f"{path} does not exist: run `cargo build --bin usher`, or name the program with USHER_BIN", 2)
    return path


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """Where all mail goes."""
    host, _, port = EXTERNAL_MAIL.rpartition(":")
    box = Mailbox(host or "127.0.0.1", int(port or 0))
    yield box
    box.close()


@pytest.fixture(scope="session")
def stage(usher_binary: Path, mailbox: Mailbox) -> Iterator[Stage]:
    stage = Stage(usher_binary, mailbox.port)
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def servers(stage: Stage, mailbox: Mailbox) -> Iterator[list[Usher]]:
    """The processes that most tests share: two on one database behind Nginx, or one that stands alone. At the end the logs of
    the whole run are searched for secrets."""
    if FRONT == "none":
        alone = stage.usher()
        try:
            alone.start()
            yield [alone]
            end_well([alone])
        finally:
            alone.remove()
        return
    if nginx.program() is None:
        pytest.exit("nginx is not installed: install it, or say E2E_FRONT=none", 2)
    front = Front(stage, mailbox)
    # All of a run's requests come from one network; the tests of the limits have an Nginx of their own.
    front.nginx.exempt("127.0.0.0/8")
    for usher in front.ushers:
        # Nginx stops first.
        usher.settings["USHER_SHUTDOWN_DELAY_SECONDS"] = "0"
    with front:
        yield [front.first, front.second]
        shares = front.shares()
        enough = shares.total() >= 100
        assert not enough or min(shares[usher.address] for usher in front.ushers) > shares.total() / 4, shares


@pytest.fixture(scope="session")
def server(servers: list[Usher]) -> Usher:
    """One of the processes: for what is about a process, and for commands beside it."""
    return servers[0]


@pytest.fixture
def new_server(stage: Stage) -> Iterator[Callable[..., Usher]]:
    """Makes servers of the test's own; settings are given as keyword arguments."""
    made: list[Usher] = []

    def make(*, start: bool = True, **options: Any) -> Usher:
        usher = stage.usher(**options)
        made.append(usher)
        if start:
            usher.start()
        return usher

    yield make
    for usher in made:
        usher.remove()


@pytest.fixture(scope="session")
def faulty_stage(mailbox: Mailbox) -> Iterator[Stage]:
    """Where servers of the binary with planted faults are put up; what is planted is said with USHER_PLANTED_FAULT."""
    path = os.environ.get("USHER_FAULTY_BIN")
    if not path:
        pytest.skip("USHER_FAULTY_BIN names no binary with planted faults; `cargo xtask test` builds one")
    assert Path(path).is_file(), f"USHER_FAULTY_BIN: {path} does not exist"
    stage = Stage(Path(path).resolve(), mailbox.port)
    yield stage
    stage.close()


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Site:
    """The shared servers as people see them, with the first administrator."""
    if EXTERNAL_URL:
        return external_site(request)
    servers = request.getfixturevalue("servers")
    site = Site(servers[0].public_url, request.getfixturevalue("mailbox"))
    site.set_up(servers[0].setup_token())
    return site


def external_site(request: pytest.FixtureRequest) -> Site:
    """A server that runs already."""
    public_url = os.environ.get("E2E_PUBLIC_URL", "").rstrip("/") or EXTERNAL_URL
    authority = os.environ.get("E2E_CA_FILE")
    if authority:
        for url in (EXTERNAL_URL, public_url):
            connections.believe(url, Path(authority))
    site = Site(EXTERNAL_URL, request.getfixturevalue("mailbox") if EXTERNAL_MAIL else None, public_url)
    setup_token = os.environ.get("E2E_SETUP_TOKEN")
    if setup_token:
        site.set_up(setup_token)
    else:
        site.adopt_admin(os.environ["E2E_ADMIN_IDENTIFIER"], os.environ["E2E_ADMIN_PASSWORD"])
    return site


@pytest.fixture(params=ENTRANCES)
def entrance(request: pytest.FixtureRequest, site: Site) -> str:
    """The URL of each place where requests come in, for answers that Nginx might spoil or give itself."""
    return site.base_url if request.param == "public" else request.getfixturevalue("server").base_url


@pytest.fixture(scope="session")
def anonymous(site: Site) -> Client:
    return site.anonymous


@pytest.fixture(scope="session")
def admin(site: Site) -> Session:
    """The first administrator. Tests must not end this session or change this person."""
    return site.admin.api


@pytest.fixture(scope="session")
def manager(site: Site, mailbox: Mailbox) -> Session:
    """A manager whom all tests share."""
    return site.person("manager").api


@pytest.fixture(scope="session")
def user(site: Site, mailbox: Mailbox) -> Session:
    """An ordinary user whom all tests share."""
    return site.person().api


@pytest.fixture
def person(site: Site, mailbox: Mailbox) -> Callable[..., Person]:
    """Makes somebody new: registered, verified, signed in, and with the roles that are named."""
    return site.person


@pytest.fixture
def faces(page: Page, site: Site) -> Iterator[Faces]:
    """A browser's page, in which nothing may have gone wrong at the end."""
    faces = Faces(page, site.public_url)
    yield faces
    faces.end()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], site: Site) -> dict[str, Any]:
    """The system's Chromium believes the site's key, whoever signed for it."""
    arguments = list(chromium.ARGUMENTS)
    if site.public_url.startswith("https:"):
        arguments.append(f"--ignore-certificate-errors-spki-list={connections.fingerprint(site.public_url)}")
    return {**browser_type_launch_args, "executable_path": chromium.program(), "args": arguments}
