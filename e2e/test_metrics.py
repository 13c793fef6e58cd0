"""Metrics: a server tells what docs/metrics.md says, all of it and nothing else, and counts what happens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chaos.state import connect
from harness import canary, metrics
from harness.canary import new_password
from harness.mailbox import Mailbox
from harness.metrics import Metric, documented, value
from harness.people import Person, Site
from harness.server import Stage, Usher, end_well
from harness.waiting import at_once, until

ROOT = Path(__file__).resolve().parents[1]
REQUESTS = "http_server_request_duration_seconds_count"
AFTER_WORK = re.compile(r"usher_(jobs|mails)_(?!total)\w+|usher_audit_(un)?sealed_\w+")


@dataclass
class House:
    """A server with little room, so that it does not take much to fill it."""

    usher: Usher
    site: Site

    def told(self) -> dict[str, Metric]:
        return metrics.told(self.usher.base_url)

    def value(self, name: str, **labels: str) -> float:
        return value(self.told(), name, **labels)


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[House]:
    usher = stage.usher(USHER_DATABASE_POOL_SIZE="2", USHER_DATABASE_LOCK_TIMEOUT_SECONDS="3", USHER_HASH_QUEUE="1")
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        yield House(usher, site)
        end_well([usher])
    finally:
        usher.remove()


@pytest.fixture(scope="module")
def someone(house: House) -> Person:
    return house.site.person()


@pytest.fixture(scope="module")
def walked(house: House, someone: Person) -> dict[str, Metric]:
    """What is told after everything has happened that is counted."""
    site = house.site
    a_job_is_given_up(house)
    site.login(someone.email, new_password())
    site.admin.api.get("/v1/users", params={"q": someone.email}, expect=200)
    site.admin.api.get(f"/v1/users/{someone.id}", expect=200)
    site.anonymous.request("BREW", "/nobody-knows-this")
    site.anonymous.get("/readyz", expect=200)
    too_many_mails(house, someone)
    too_many_passwords(house, someone)
    too_few_connections(house)
    until("all is sealed", lambda: house.value("usher_audit_sealed_events") > 0)
    return house.told()


def a_job_is_given_up(house: House) -> None:
    with connect(house.usher.data_dir) as connection:
        columns = "id, kind, payload, run_at, dead_at, attempts, created_at"
        values = "gen_random_uuid(), 'nothing', '{}', now(), now(), 12, now()"
        connection.execute(f"insert into jobs ({columns}) values ({values})")


def too_many_mails(house: House, someone: Person) -> None:
    """More than a recipient may get."""

    def withheld() -> bool:
        house.site.anonymous.post("/v1/password/forgot", json={"email": someone.email}, expect=202)
        return house.value("usher_rate_limited_total", limit="mails") > 0

    until("a mail is withheld", withheld)


def too_many_passwords(house: House, someone: Person) -> None:
    """More at once than the queue has room for."""
    sign_in = lambda: house.site.login(someone.email, someone.password, may_be_unavailable=True)  # noqa: E731

    def refused() -> bool:
        at_once([sign_in] * 8)
        return house.value("usher_password_hash_refused_total") > 0

    until("a password is refused", refused)


def too_few_connections(house: House) -> None:
    """Transactions hold them, and wait for a lock that another program has."""
    ask = lambda: house.site.admin.api.get("/v1/audit-events", may_be_unavailable=True)  # noqa: E731
    with connect(house.usher.data_dir) as holder, holder.transaction():
        holder.execute("lock table audit_events in access exclusive mode")
        assert 503 in {answer.status_code for answer in at_once([ask] * 6)}


# The document and the server


def check(documented_ones: dict[str, Metric], told: dict[str, Metric]) -> None:
    """What is told is documented, and what is documented is told."""
    assert told.keys() == documented_ones.keys()
    for name, metric in told.items():
        known = documented_ones[name]
        assert metric.kind == known.kind, name
        assert metric.labels.keys() == known.labels.keys(), name
        for label, values in known.labels.items():
            assert not values or metric.labels[label] <= values, f"{name}: {label}"


def test_the_server_tells_what_is_documented_and_nothing_else(walked: dict[str, Metric]) -> None:
    check(documented(), walked)


@pytest.mark.parametrize("name", ["usher_sign_ins_total", "http_server_active_requests"])
def test_the_comparison_can_fail(walked: dict[str, Metric], name: str) -> None:
    metric = walked[name]
    for wrong in (
        walked | {"usher_nonsense": metric},
        {other: metric for other, metric in walked.items() if other != name},
        walked | {name: replace(metric, kind="histogram")},
        walked | {name: replace(metric, labels=metric.labels | {"user": frozenset({"ann"})})},
    ):
        with pytest.raises(AssertionError):
            check(documented(), wrong)
    with pytest.raises(AssertionError):
        outcomes = {"outcome": frozenset({"maybe"})}
        check(documented(), walked | {"usher_sign_ins_total": replace(walked["usher_sign_ins_total"], labels=outcomes)})


def test_names_say_what_they_measure(walked: dict[str, Metric]) -> None:
    """Prometheus's rules for names: base units at the end, and `_total` for counters and for nothing else."""
    for name, metric in walked.items():
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", name), name
        assert name.endswith("_total") == (metric.kind == "counter"), name
        unit = documented()[name].unit
        if unit in ("seconds", "bytes"):
            assert name.removesuffix("_total").endswith(f"_{unit}"), name


def test_labels_name_nobody(walked: dict[str, Metric], someone: Person, house: House) -> None:
    texts = [text for metric in walked.values() for _, labels, _ in metric.samples for text in labels.values()]
    told = "\n".join(texts)
    assert canary.leaks(told) == []
    for text in (someone.id, someone.username, house.site.admin.id, "nobody-knows-this", "BREW"):
        assert text not in told, text


def test_actions_are_those_of_the_audit_trail(walked: dict[str, Metric]) -> None:
    known = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)?)`", (ROOT / "docs" / "audit.md").read_text()))
    assert walked["usher_audit_events_total"].labels["action"] <= known


def test_buckets_are_those_of_the_document(walked: dict[str, Metric]) -> None:
    text = metrics.DOCUMENT.read_text()
    told = re.search(r"The buckets of histograms end at (.+?) ms, and at (.+?) s\.", text, re.DOTALL)
    assert told
    thousandths, ones = ([float(number) for number in re.findall(r"[\d.]+", part)] for part in told.groups())
    expected = {*(number / 1000 for number in thousandths), *ones, float("inf")}
    for name, metric in walked.items():
        if metric.kind == "histogram":
            ends = {float(labels["le"]) for sample, labels, _ in metric.samples if sample == f"{name}_bucket"}
            assert ends == expected, name


# What they count


def test_each_counts_what_happened(walked: dict[str, Metric]) -> None:
    assert value(walked, "usher_sign_ins_total", outcome="failure") == 1
    assert value(walked, "usher_password_verifications_total", outcome="refused") > 0
    assert value(walked, "usher_password_hash_refused_total") > 0
    assert value(walked, REQUESTS, http_route="/v1/login", http_response_status_code="503") > 0
    assert value(walked, REQUESTS, http_route="/v1/audit-events", http_response_status_code="503") > 0
    assert value(walked, "db_client_connection_timeouts_total") > 0
    assert value(walked, "usher_build_info") == 1
    assert value(walked, "usher_password_hash_queue_limit") == 1
    assert value(walked, "db_client_connection_max") == 2
    states = ("used", "idle")
    assert sum(value(walked, "db_client_connection_count", db_client_connection_state=state) for state in states) <= 2


def test_requests_are_counted_by_route_and_status(house: House, someone: Person) -> None:
    labels = {"http_request_method": "GET", "http_route": "/v1/users/{id}", "http_response_status_code": "404"}
    before = house.value(REQUESTS, **labels)
    for _ in range(3):
        house.site.admin.api.get(f"/v1/users/{someone.id[:-12]}{'0' * 12}", expect=404)
    assert house.value(REQUESTS, **labels) == before + 3
    # A histogram's last bucket holds all.
    buckets = REQUESTS.replace("_count", "_bucket")
    assert house.value(buckets, le="+Inf", **labels) == before + 3


def test_what_is_going_on_shows(house: House) -> None:
    """While another program holds a table, requests that need it are being answered, and hold the connections."""

    def look() -> None:
        used = {"db_client_connection_state": "used"}
        until("the pool is used up", lambda: house.value("db_client_connection_count", **used) == 2)
        until("requests are being answered", lambda: house.value("http_server_active_requests") > 1)
        holder.rollback()

    ask = lambda: house.site.admin.api.get("/v1/audit-events", may_be_unavailable=True)  # noqa: E731
    with connect(house.usher.data_dir) as holder:
        holder.autocommit = False
        holder.execute("lock table audit_events in access exclusive mode")
        at_once([ask, ask, look])
    until("all are answered but the one that asks", lambda: house.value("http_server_active_requests") == 1)


def test_only_who_does_the_after_work_tells_of_it(house: House, stage: Stage, walked: dict[str, Metric]) -> None:
    told = {name for name in walked if AFTER_WORK.fullmatch(name)}
    assert len(told) == 9, told
    idle = stage.usher(USHER_DATA_DIR=str(house.usher.data_dir), USHER_RUN_WORKER="false")
    try:
        idle.start()
        assert not {name for name in metrics.told(idle.base_url) if AFTER_WORK.fullmatch(name)}
        assert idle.stop() == 0
    finally:
        idle.remove()


@pytest.mark.usefixtures("walked")
def test_what_is_in_the_queues_is_counted(house: House) -> None:
    """Every fifteen seconds."""
    until("the job is among those given up", lambda: house.value("usher_jobs_given_up") == 1)
    assert house.value("usher_mails_held") == 0
