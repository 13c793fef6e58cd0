"""Traces over OTLP, as a collector gets them: from Nginx's traceparent to the statements, and nothing that is nobody's
business (R-262)."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chaos.state import connect
from harness import canary, nginx
from harness.canary import new_address, new_password, unique
from harness.client import Bearer
from harness.mailbox import Mailbox
from harness.nginx import Nginx
from harness.otlp import Collector, Span
from harness.people import Person, Site
from harness.programs import program
from harness.server import Stage, Usher, end_well

pytestmark = pytest.mark.skipif(nginx.program() is None, reason="nginx is not installed")

# What a span may say, by its kind and whether it is a statement; nothing else.
SAYS = {
    "request": {"http.request.method", "http.route", "http.response.status_code", "url.scheme"},
    "statement": {"db.system.name", "db.operation.name", "db.query.text"},
    "hashing": set(),
    "job": set(),
    "mail": {"mail.template"},
}
NAMES = {
    "request": (r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other) (/\S*|unmatched)", "SERVER"),
    "statement": (r"SELECT|INSERT|UPDATE|DELETE|WITH|COMMIT|SET|BEGIN|LOCK|NOTIFY|EXPLAIN", "CLIENT"),
    "hashing": (r"hash password", "INTERNAL"),
    "job": (r"job [a-z_]+", "CONSUMER"),
    "mail": (r"send mail", "CLIENT"),
}
# The SDK's own settings: how soon spans are sent.
SOON, LATE = {"OTEL_BSP_SCHEDULE_DELAY": "100"}, {"OTEL_BSP_SCHEDULE_DELAY": "600000"}


def sort(span: Span) -> str:
    """Which of the five sorts it is."""
    if span.is_statement:
        return "statement"
    names = (name for name, (shape, _) in NAMES.items() if name != "statement" and re.fullmatch(shape, span.name))
    return next(names, "unknown")


def traceparent(*, sampled: bool = True) -> tuple[str, dict[str, str]]:
    """A new trace of the client's: its id, and the header."""
    trace_id = secrets.token_hex(16)
    return trace_id, {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-{'01' if sampled else '00'}"}


@dataclass
class House:
    """Nginx before a server that sends its spans to a collector."""

    collector: Collector
    usher: Usher
    nginx: Nginx
    site: Site

    def restart(self, **settings: str) -> None:
        assert self.usher.stop() == 0
        self.usher.settings |= settings
        self.usher.start()

    def get(self, path: str, headers: dict[str, str], *, source: str = "127.0.0.1") -> httpx.Response:
        """As the administrator, past Nginx, from this address of the machine."""
        headers = headers | {"Authorization": f"Bearer {self.site.admin.api.bearer()}"}
        transport = httpx.HTTPTransport(local_address=source)
        with httpx.Client(base_url=self.usher.base_url, transport=transport, trust_env=False) as client:
            answer = client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    def trace(self, path: str = "/v1/me") -> list[Span]:
        """All spans of one request that came through Nginx."""
        trace_id, header = traceparent()
        self.site.admin.api.get(path, headers=header, expect=200)
        # Children end first, and spans are sent in the order in which they end.
        self.collector.wait_for(f"GET {path}", lambda span: span.trace_id == trace_id and span.kind == "SERVER")
        return self.collector.trace(trace_id)

    def everything_is_sent(self) -> None:
        self.trace("/v1/whoami")


@pytest.fixture(scope="module")
def own(stage: Stage, mailbox: Mailbox) -> Iterator[House]:
    # Only Nginx comes from this address.
    with Collector() as collector:
        settings = {"USHER_TRUSTED_PROXIES": "127.0.0.1", "USHER_DATABASE_LOCK_TIMEOUT_SECONDS": "1"}
        usher = stage.usher(**settings, **SOON, USHER_TRACES_URL=collector.url)
        try:
            with Nginx(stage.new_folder(), [usher.address]) as front:
                front.exempt("127.0.0.0/8")
                usher.settings["USHER_PUBLIC_URL"] = front.url
                usher.start()
                front.start()
                site = Site(front.url, mailbox)
                site.set_up(usher.setup_token())
                yield House(collector, usher, front, site)
                end_well([usher], front.logs())
        finally:
            usher.remove()


@pytest.fixture
def house(own: House) -> House:
    if not own.usher.running:
        own.usher.start()
    return own


@pytest.fixture(scope="module")
def walked(own: House) -> tuple[int, Person]:
    """A walk past every secret that there is; returns the moment before it, and somebody who took part."""
    moment, site = canary.moment(), own.site
    someone = site.person()
    site.login(someone.email, new_password())
    site.login(new_address(), new_password())
    site.forgot(someone.email)
    someone.api.patch("/v1/me", json={"display_name": unique("name")}, expect=200)
    site.admin.api.get("/v1/users", params={"q": someone.email, "limit": "5"}, expect=200)
    site.admin.api.get(f"/v1/users/{someone.id}", expect=200)
    site.admin.api.get("/v1/audit-events", params={"actor_id": someone.id}, expect=200)
    program(someone.api).whoami()
    site.anonymous.post("/v1/refresh", json={"refresh_token": someone.sign_in().refresh_token}, expect=200)
    site.anonymous.get(f"/verify?token={canary.note(secrets.token_urlsafe(32))}", headers={"Accept": "text/html"})
    site.anonymous.get(f"/nobody-knows-this/{someone.id}", expect=404)
    Bearer(site.base_url, f"ush_key_{secrets.token_urlsafe(32)}").get("/v1/me", expect=401)
    own.everything_is_sent()
    return moment, someone


# What is sent


def test_a_trace_leads_from_nginx_to_the_statements(house: House) -> None:
    trace_id, header = traceparent()
    path = f"/v1/users/{house.site.admin.id}"
    answer = house.site.admin.api.get(path, headers=header, expect=200)
    request = house.collector.wait_for("the request", lambda span: span.trace_id == trace_id and span.kind == "SERVER")
    assert request.parent_id == header["traceparent"].split("-")[2]
    assert request.name == "GET /v1/users/{id}"
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/users/{id}",
        "http.response.status_code": 200,
        "url.scheme": "https",
    }
    statements = [span for span in house.collector.trace(trace_id) if span.is_statement]
    assert any(re.search(r"\bfrom users\b.*\$1", span.attributes["db.query.text"]) for span in statements), statements
    for span in statements:
        assert (span.kind, span.parent_id) == ("CLIENT", request.span_id)
        assert request.begun <= span.begun <= span.ended <= request.ended
    # Nginx's log names the same trace, and so does usher's.
    assert house.nginx.entry(answer.headers["x-request-id"])["trace_id"] == trace_id
    ids = [entry["span"].get("trace_id") for entry in house.usher.log_entries() if "span" in entry]
    assert trace_id in ids


def test_every_span_says_who_sent_it(house: House) -> None:
    spans = house.trace()
    resources = {tuple(sorted(span.resource.items())) for span in spans}
    assert len(resources) == 1
    resource = spans[0].resource
    assert resource.keys() == {"service.name", "service.version", "service.instance.id"}
    assert resource["service.name"] == "usher"
    version = house.usher.cli("--version").stdout.split()[-1]
    assert resource["service.version"] == version


@pytest.mark.usefixtures("walked")
def test_every_span_is_of_a_known_sort_and_says_nothing_else(house: House) -> None:
    spans = house.collector.spans
    assert {sort(span) for span in spans} == set(NAMES), "each sort is there, and no other"
    for span in spans:
        shape, kind = NAMES[sort(span)]
        assert re.fullmatch(shape, span.name), span
        assert span.kind == kind, span
        assert span.attributes.keys() <= SAYS[sort(span)], span
        assert span.events == 0, span
        assert span.status == ("ERROR" if span.attributes.get("http.response.status_code") == 503 else "UNSET"), span


@pytest.mark.usefixtures("walked")
def test_statements_are_told_as_they_are_written(house: House) -> None:
    statements = [span for span in house.collector.spans if span.is_statement]
    for span in statements:
        text = span.attributes["db.query.text"]
        assert span.attributes["db.system.name"] == "postgresql"
        assert text.upper().startswith(f"{span.name} ") or text.upper() == span.name, text
        assert span.attributes["db.operation.name"] == span.name
    assert sum("$1" in span.attributes["db.query.text"] for span in statements) > len(statements) / 4


def test_r262_no_span_holds_a_secret_an_address_or_an_id(house: House, walked: tuple[int, Person]) -> None:
    moment, someone = walked
    sent = house.collector.text()
    assert "/v1/users/{id}" in sent, "the walk was sent"
    assert canary.leaks(sent, encoded_since=moment) == []
    assert canary.leaks(sent + someone.email), "one would be found"
    for value in (someone.id, someone.username, house.site.admin.id, "127.0.0.", "nobody-knows-this", "?token", "?q="):
        assert value not in sent, value


def test_a_failure_of_ours_is_an_error(house: House) -> None:
    trace_id, header = traceparent()
    with connect(house.usher.data_dir) as holder, holder.transaction():
        holder.execute("lock table audit_events in access exclusive mode")
        answer = house.site.admin.api.get("/v1/audit-events", headers=header, may_be_unavailable=True)
    assert answer.status_code == 503
    request = house.collector.wait_for("the failure", lambda span: span.trace_id == trace_id and span.kind == "SERVER")
    assert (request.status, request.attributes["http.response.status_code"]) == ("ERROR", 503)


def test_a_password_is_hashed_within_the_request_that_brought_it(house: House) -> None:
    trace_id, header = traceparent()
    body = {"identifier": house.site.admin.email, "password": house.site.admin.password}
    house.site.anonymous.post("/v1/login", json=body, headers=header, expect=200)
    request = house.collector.wait_for("the sign-in", lambda span: span.trace_id == trace_id and span.kind == "SERVER")
    hashing = [span for span in house.collector.trace(trace_id) if span.name == "hash password"]
    assert [span.parent_id for span in hashing] == [request.span_id]


def test_a_job_is_a_trace_of_its_own_with_its_statements_and_its_mail(house: House) -> None:
    before = len(house.collector.spans)
    house.site.forgot(house.site.admin.email)
    is_new = lambda span: span in house.collector.spans[before:]  # noqa: E731
    job = house.collector.wait_for("the delivery", lambda span: span.name == "job deliver_mail" and is_new(span))
    assert job.parent_id == ""
    within = [span for span in house.collector.trace(job.trace_id) if span is not job]
    assert {span.parent_id for span in within} == {job.span_id}
    mails = [span for span in within if span.name == "send mail"]
    assert [span.attributes for span in mails] == [{"mail.template": "reset_password"}]
    assert any(span.is_statement for span in within)


# Whose word counts


def test_what_the_parent_did_not_sample_is_not_sent(house: House) -> None:
    trace_id, header = traceparent(sampled=False)
    house.site.admin.api.get("/v1/me", headers=header, expect=200)
    house.everything_is_sent()
    assert house.collector.trace(trace_id) == []


@pytest.mark.parametrize("sampled", [True, False])
def test_a_stranger_begins_a_new_trace(house: House, sampled: bool) -> None:
    """Who comes from no trusted proxy neither names a trace nor keeps a request out of one."""
    before = len(house.collector.spans)
    trace_id, header = traceparent(sampled=sampled)
    house.get("/v1/whoami", header, source="127.0.0.2")
    found = house.collector.wait_for(
        "the stranger's request",
        lambda span: span.name == "GET /v1/whoami" and span in house.collector.spans[before:],
    )
    assert found.parent_id == ""
    assert house.collector.trace(trace_id) == []
    # The same from the address of the proxy is believed.
    trace_id, header = traceparent()
    house.get("/v1/whoami", header)
    house.collector.wait_for("the proxy's request", lambda span: span.trace_id == trace_id)


MALFORMED = ["", "00", f"00-{'0' * 32}-{'1' * 16}-01", f"ff-{'1' * 32}-{'2' * 16}-01", "x" * 4000]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_traceparent_begins_a_new_trace(house: House, value: str) -> None:
    before = len(house.collector.spans)
    house.get("/v1/whoami", {"traceparent": value})
    found = house.collector.wait_for(
        "the request", lambda span: span.name == "GET /v1/whoami" and span in house.collector.spans[before:]
    )
    assert found.parent_id == ""


# The collector


@pytest.mark.parametrize("how", ["away", "failing", "silent"])
def test_without_its_collector_everything_is_answered(house: House, how: str) -> None:
    """An answer that waited for the collector would never come: while it is silent, it answers nothing at all."""
    trouble: Any = getattr(house.collector, how)
    asked = house.collector.asked
    with trouble():
        for _ in range(40):
            house.site.admin.api.get("/v1/me", expect=200)
        if how != "away":
            house.collector.wait_for_asked(asked + 1)
        house.site.admin.api.get("/v1/users", expect=200)
        house.site.login(house.site.admin.email, house.site.admin.password, expect=200)
    # And it is used again.
    house.trace()


def test_at_its_end_the_last_spans_are_sent(house: House) -> None:
    """Also of requests whose traces nobody has asked for but the client: of all others, none are to be sampled here."""
    house.restart(**LATE, USHER_TRACES_SAMPLE_PERCENT="0")
    trace_id, header = traceparent()
    house.get("/v1/me", header)
    before = len(house.collector.spans)
    house.get("/v1/me", {})
    assert house.collector.trace(trace_id) == [], "they wait for more"
    house.restart(**SOON, USHER_TRACES_SAMPLE_PERCENT="100")
    assert "GET /v1/me" in {span.name for span in house.collector.trace(trace_id)}
    new = house.collector.spans[before:]
    assert {span.trace_id for span in new if span.name == "GET /v1/me"} == {trace_id}


def test_a_silent_collector_does_not_keep_it_from_ending(house: House) -> None:
    with house.collector.silent():
        house.site.admin.api.get("/v1/me", expect=200)
        # `stop` waits for it, and not for ever.
        assert house.usher.stop() == 0
