"""Lists from a streaming replica (USHER_DATABASE_READ_URL): never older than what was answered before, never a failure. And
two databases in one URL, of which the other takes over."""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from harness.canary import unique
from harness.client import Bearer, Client
from harness.mailbox import Mailbox
from harness.people import Site
from harness.postgres import Postgres
from harness.replica import Replica
from harness.server import Stage, Usher, end_well
from harness.waiting import until

ROUNDS = 20
# Each with words that its statement holds and no other one does.
LISTS = {"/v1/users": "from users u", "/v1/users?q=ann": "search_text like", "/v1/audit-events": "from audit_events e"}


@dataclass
class House:
    """Two servers on one primary, both with its replica."""

    primary: Postgres
    replica: Replica
    first: Usher
    second: Usher
    site: Site

    def client(self, usher: Usher) -> Client:
        """The administrator, at this server."""
        return Bearer(usher.base_url, self.site.admin.api.bearer())

    def reads(self, origin: str) -> float:
        """How many lists both servers have read there."""
        total = 0.0
        for usher in (self.first, self.second):
            metrics = httpx.get(f"{usher.base_url}/metrics", trust_env=False).text
            found = re.search(rf'^usher_database_reads_total{{from="{origin}"}} (\S+)$', metrics, re.MULTILINE)
            total += float(found[1]) if found else 0
        return total

    def comes_from(self, origin: str, path: str = "/v1/users") -> bool:
        """Reads a list at both servers, and says whether both read it there."""
        before = self.reads(origin)
        for usher in (self.first, self.second):
            self.client(usher).get(path, expect=200)
        return self.reads(origin) == before + 2

    def findings(self) -> list[tuple[str, str]]:
        """What the doctor says of the replica."""
        found = self.first.json("doctor")
        return [(finding["verdict"], finding["detail"]) for finding in found if finding["check"] == "replica"]

    def replica_is_used(self) -> None:
        until("both servers read from the replica", lambda: self.comes_from("replica"))

    def replica_is_left_out(self) -> None:
        until("both servers read from the primary", lambda: self.comes_from("primary"))

    def changes_show_at_once(self, rounds: int = ROUNDS) -> None:
        """What one server has answered, the other one's list holds."""
        here, there = self.client(self.first), self.client(self.second)
        for _ in range(rounds):
            here, there = there, here
            name = unique("replicated")
            made = self.site.create(by=here, display_name=name)
            found = there.get("/v1/users", params={"q": name}, expect=200).json()["items"]
            assert [user["id"] for user in found] == [made["id"]]
            newest = there.get("/v1/users", params={"limit": "1"}, expect=200).json()["items"]
            assert [user["id"] for user in newest] == [made["id"]]
            events = there.get("/v1/audit-events", params={"target_id": made["id"]}, expect=200).json()["items"]
            assert "user.created" in {event["action"] for event in events}


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[House]:
    with ExitStack() as stack:
        primary = Postgres(stage.new_folder())
        stack.callback(primary.remove)
        replica = Replica(stage.new_folder(), primary)
        stack.callback(replica.remove)
        settings = {
            "USHER_DATABASE_URL": primary.url,
            "USHER_DATABASE_READ_URL": replica.url,
            "USHER_DATABASE_POOL_SIZE": "4",
            "USHER_SECRET_KEY": b64encode(secrets.token_bytes(32)).decode(),
        }
        first = stage.usher(**settings, USHER_MIGRATE="true")
        stack.callback(first.remove)
        second = stage.usher(**settings, USHER_PUBLIC_URL=first.base_url)
        stack.callback(second.remove)
        first.start()
        second.start()
        site = Site(first.base_url, mailbox)
        site.set_up(first.cli("setup-token").stdout.strip())
        yield House(primary, replica, first, second, site)
        end_well([first, second])


def test_lists_come_from_the_replica(house: House) -> None:
    house.replica_is_used()
    for path, statement in LISTS.items():
        before = house.replica.asked(statement)
        assert house.comes_from("replica", path), path
        # The log is written before the answer.
        assert house.replica.asked(statement) >= before + 2, path
    verdict, detail = house.findings()[0]
    assert verdict == "ok", detail


def test_what_is_not_a_list_comes_from_the_primary(house: House) -> None:
    """Who asks, and what a single resource is like, is looked up where it is changed."""
    house.replica_is_used()
    asked = house.replica.asked("from sessions s")
    house.client(house.first).get("/v1/me", expect=200)
    house.client(house.second).get(f"/v1/users/{house.site.admin.id}", expect=200)
    assert house.comes_from("replica")
    assert house.replica.asked("from sessions s") == asked


def test_a_change_at_one_process_is_in_the_list_at_the_other_at_once(house: House) -> None:
    house.replica_is_used()
    before = house.reads("replica")
    house.changes_show_at_once()
    assert house.reads("replica") > before, "the replica was never asked"


LAGS: dict[str, Callable[[Replica], AbstractContextManager[None]]] = {
    "a little": lambda replica: replica.delayed(30),
    "for ever": lambda replica: replica.paused(),
}


@pytest.mark.parametrize("lag", LAGS)
def test_a_replica_that_lags_makes_no_list_older(house: House, lag: str) -> None:
    house.replica_is_used()
    before = house.reads("primary")
    with LAGS[lag](house.replica), house.primary.connect() as primary, house.replica.connect() as replica:
        house.changes_show_at_once(ROUNDS if lag == "for ever" else 4)
        if lag == "for ever":
            count = "select count(*) from users"
            assert replica.execute(count).fetchone() < primary.execute(count).fetchone(), "it has not lagged"
            assert house.reads("primary") > before, "the primary was never asked"
    until("the replica has caught up", house.replica.has_caught_up)
    house.replica_is_used()


@contextmanager
def lying(house: House) -> Iterator[None]:
    """Before PostgreSQL's function stands another one of that name, by which all has always been replayed."""
    end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'usher'"

    def let(*statements: str) -> None:
        for statement in statements:
            primary.execute(statement)
        until("the replica has it", house.replica.has_caught_up)
        with house.replica.connect() as replica:
            replica.execute(end)

    with house.primary.connect() as primary:
        function = "lies.pg_last_wal_replay_lsn() returns pg_lsn language sql return 'FFFFFFFF/FFFFFFFF'::pg_lsn"
        let(
            "create schema lies",
            "grant usage on schema lies to usher",
            f"create function {function}",
            "alter role usher set search_path = lies, pg_catalog, public",
        )
        try:
            yield
        finally:
            let("alter role usher reset search_path", "drop schema lies cascade")


def test_this_suite_finds_a_list_that_is_older(house: House) -> None:
    with lying(house), house.replica.paused():
        house.replica_is_used()
        with pytest.raises(AssertionError):
            house.changes_show_at_once(rounds=1)
    house.replica_is_used()
    house.changes_show_at_once(rounds=1)


@contextmanager
def killed(replica: Replica) -> Iterator[None]:
    replica.kill()
    try:
        yield
    finally:
        replica.start()


@contextmanager
def promoted(replica: Replica) -> Iterator[None]:
    """It goes its own way: what is changed at the primary never gets there."""
    replica.promote()
    try:
        yield
    finally:
        replica.copy_again()


AWAY: dict[str, Callable[[Replica], AbstractContextManager[None]]] = {
    "killed": killed,
    "silent": lambda replica: replica.held_still(),
    "promoted": promoted,
}


@pytest.mark.parametrize("how", AWAY)
def test_without_its_replica_the_primary_answers_and_its_return_is_enough(house: House, how: str) -> None:
    house.replica_is_used()
    with AWAY[how](house.replica):
        # `Client` refuses every 5xx.
        house.replica_is_left_out()
        house.changes_show_at_once(rounds=1)
        assert house.comes_from("primary")
        assert house.site.anonymous.get("/readyz").status_code == 200
        assert [verdict for verdict, _ in house.findings()] == ["warning"]
        if how == "killed":
            house.second.stop()
            house.second.start()
    house.replica_is_used()
    house.changes_show_at_once(rounds=1)


def test_two_databases_in_one_url_and_the_other_takes_over(stage: Stage, mailbox: Mailbox) -> None:
    """`target_session_attrs=read-write` finds the one that takes writes, at the start and after a failover."""
    with ExitStack() as stack:
        primary = Postgres(stage.new_folder())
        stack.callback(primary.remove)
        replica = Replica(stage.new_folder(), primary)
        stack.callback(replica.remove)
        hosts = f"127.0.0.1:{replica.port},127.0.0.1:{primary.port}"
        how = "target_session_attrs=read-write&load_balance_hosts=random&tcp_user_timeout=3"
        usher = stage.usher(
            USHER_DATABASE_URL=f"postgres://usher@{hosts}/usher?sslmode=disable&{how}",
            USHER_SECRET_KEY=b64encode(secrets.token_bytes(32)).decode(),
            USHER_MIGRATE="true",
        )
        stack.callback(usher.remove)
        usher.start()
        site = Site(usher.base_url, mailbox)
        admin = site.set_up(usher.cli("setup-token").stdout.strip())
        until("the replica has it all", replica.has_caught_up)
        primary.kill()
        name = unique("after")
        change = lambda: admin.api.patch("/v1/me", json={"display_name": name}, may_be_unavailable=True).status_code  # noqa: E731
        assert change() == 503
        replica.promote()
        until("changes are taken again", lambda: change() == 200)
        assert admin.api.get("/v1/me", expect=200).json()["display_name"] == name
        assert admin.sign_in().get("/v1/users", expect=200).json()["items"]
