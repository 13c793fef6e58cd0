"""Two servers that reach their database through PgBouncer, with session pooling and the settings of docs/scaling.md."""

import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import cpu_count

import httpx
import psycopg
import pytest

from harness import pgbouncer
from harness.canary import new_address, unique
from harness.client import Bearer, Client, problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.pgbouncer import PgBouncer
from harness.postgres import Postgres
from harness.server import Stage, Usher, end_well
from harness.waiting import at_once, until

pytestmark = pytest.mark.skipif(pgbouncer.program() is None, reason="pgbouncer is not installed")

POOL_SIZE = 4
# As docs/scaling.md counts: transactions, look-ups, other reads, counting, notifications; and a probe, for a moment.
CONNECTIONS_MAX = POOL_SIZE + min(cpu_count() or 2, 4) + 2 + 2 + 1 + 1


@dataclass
class House:
    """The second server does the after-work of both."""

    postgres: Postgres
    bouncer: PgBouncer
    first: Usher
    second: Usher
    site: Site
    someone: Person

    def client(self, usher: Usher) -> Client:
        """Somebody who is signed in, at this server."""
        return Bearer(usher.base_url, self.site.admin.api.bearer())

    def answers(self) -> list[int]:
        """What a look-up, a read, a list and a change come to, at both servers."""
        statuses = []
        for client in map(self.client, (self.first, self.second)):
            for path in ("/v1/me", "/v1/audit-events", "/v1/users"):
                statuses.append(client.get(path, may_be_unavailable=True).status_code)
            change = {"display_name": unique("name")}
            statuses.append(client.patch("/v1/me", json=change, may_be_unavailable=True).status_code)
        return statuses

    def all_is_well(self) -> bool:
        return set(self.answers()) == {200}

    def said(self, text: str) -> int:
        """How often PostgreSQL's log has this."""
        return (self.postgres.folder / "log").read_text(errors="replace").count(text)


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[House]:
    postgres = Postgres(stage.new_folder())
    bouncer = PgBouncer(stage.new_folder(), postgres)
    settings = {
        "USHER_DATABASE_URL": bouncer.url(),
        "USHER_DATABASE_POOL_SIZE": str(POOL_SIZE),
        "USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS": "2",
        "USHER_DATABASE_LOCK_TIMEOUT_SECONDS": "1",
        "USHER_DATABASE_IDLE_TRANSACTION_TIMEOUT_SECONDS": "1",
        "USHER_SECRET_KEY": b64encode(secrets.token_bytes(32)).decode(),
    }
    first = stage.usher(**settings, USHER_RUN_WORKER="false")
    second = stage.usher(**settings, USHER_PUBLIC_URL=first.base_url)
    try:
        bouncer.start()
        first.cli("migrate")
        for usher in (first, second):
            usher.start()
        site = Site(first.base_url, mailbox)
        site.set_up(first.cli("setup-token").stdout.strip())
        yield House(postgres, bouncer, first, second, site, site.person())
        end_well([first, second], bouncer.log())
    finally:
        first.remove()
        second.remove()
        bouncer.__exit__()
        postgres.remove()


def test_processes_that_migrate_at_once_wait_for_each_other_and_leave_no_setting_behind(house: House) -> None:
    """The lock is of the session. So is the timeout of locks, which migrations set."""
    with house.postgres.connect() as owner:
        owner.execute("create database other owner usher")
    url = house.bouncer.url("other")
    migrate = lambda: house.first.cli("migrate", USHER_DATABASE_URL=url).stdout  # noqa: E731
    told = at_once([migrate] * 3)
    assert sum("users" in text for text in told) == 1, told
    states = house.first.json("migrate", "status", USHER_DATABASE_URL=url)
    assert states and all(state["applied"] for state in states)
    pooled = [server for server in house.bouncer.show("servers") if server["database"] == "other"]
    assert pooled, "no connection came back to the pool"
    connections = [psycopg.connect(url) for _ in pooled]
    for connection in connections:
        assert connection.execute("show lock_timeout").fetchone() == ("0",)
        connection.close()


def test_sessions_go_on_at_the_other_process(house: House) -> None:
    tokens = house.someone.sign_in().tokens
    second = Client(house.second.base_url)
    renewed = second.post("/v1/refresh", json={"refresh_token": tokens["refresh_token"]}, expect=200).json()
    first = Bearer(house.first.base_url, renewed["access_token"])
    assert first.get("/v1/me", expect=200).json()["id"] == house.someone.id
    Bearer(house.second.base_url, renewed["access_token"]).post("/v1/logout", expect=204)
    problem(first.get("/v1/me"), 401, "unauthorized")


def test_work_is_begun_as_soon_as_the_other_process_asks_for_it(house: House) -> None:
    """LISTEN and NOTIFY. Without them, the worker would look every five seconds: once for each of these."""

    def four_sign_ups_take() -> float:
        begun = time.monotonic()
        for _ in range(4):
            newcomer = house.site.register()
            house.site.mailbox.wait_for(newcomer.email)
        return time.monotonic() - begun

    # A machine that is busy with other things may need a second attempt.
    until("four sign-ups take less than three looks", lambda: four_sign_ups_take() < 10, seconds=60)


def blocked_by_a_lock(house: House) -> None:
    with house.postgres.connect() as holder:
        holder.execute("begin")
        holder.execute("lock table users in exclusive mode")
        create(house)


def create(house: House) -> None:
    body = {"email": new_address()}
    answer = house.client(house.first).post("/v1/users", json=body, may_be_unavailable=True)
    problem(answer, 503, "database_unavailable")


def kept_busy(house: House) -> None:
    with house.postgres.connect() as owner:
        owner.execute("alter table audit_events rename to audit_events_kept")
        owner.execute("create view audit_events as select audit_events_kept.* from audit_events_kept, pg_sleep(30)")
        owner.execute("grant all on audit_events to usher")
        try:
            answer = house.client(house.first).get("/v1/audit-events", may_be_unavailable=True)
        finally:
            owner.execute("drop view audit_events")
            owner.execute("alter table audit_events_kept rename to audit_events")
    problem(answer, 503, "database_unavailable")


def held_still_in_a_transaction(house: House) -> None:
    mine = "from pg_stat_activity where usename = 'usher' and"
    with house.postgres.connect() as owner, house.postgres.connect() as holder:
        holder.execute("begin")
        holder.execute("lock table emails in exclusive mode")
        asking = threading.Thread(target=create, args=[house])
        asking.start()
        until("the request waits", lambda: owner.execute(f"select 1 {mine} wait_event_type = 'Lock'").fetchone())
        with house.first.held_still():
            holder.execute("rollback")
            idle = f"select 1 {mine} state = 'idle in transaction'"
            until("it is idle", lambda: owner.execute(idle).fetchone())
            until("the database has ended it", lambda: owner.execute(idle).fetchone() is None)
        asking.join(timeout=20)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (kept_busy, "canceling statement due to statement timeout"),
        (blocked_by_a_lock, "canceling statement due to lock timeout"),
        (held_still_in_a_transaction, "terminating connection due to idle-in-transaction timeout"),
    ],
)
def test_r283_the_timeouts_are_in_force(house: House, cause: Callable[[House], None], said: str) -> None:
    """It is PostgreSQL that ends what takes too long, and not usher that gives up waiting."""
    before = house.said(said)
    cause(house)
    until(f"PostgreSQL says: {said}", lambda: house.said(said) > before)
    until("all is well again", house.all_is_well)


def restart(house: House, end: Callable[[], None], start: Callable[[], None]) -> None:
    end()
    try:
        assert set(house.answers()) == {503}
        answer = httpx.get(f"{house.first.base_url}/readyz", trust_env=False)
        problem(answer, 503, "database_unavailable")
    finally:
        start()
    until("all is well again", house.all_is_well)


def test_r282_a_pgbouncer_that_is_away_is_503_and_its_return_is_enough(house: House) -> None:
    before = [usher.process for usher in (house.first, house.second)]
    restart(house, house.bouncer.kill, house.bouncer.start)
    assert [usher.process for usher in (house.first, house.second)] == before
    test_work_is_begun_as_soon_as_the_other_process_asks_for_it(house)


def test_r282_a_database_that_is_away_behind_pgbouncer_is_503_and_its_return_is_enough(house: House) -> None:
    restart(house, house.postgres.stop, house.postgres.start)


def test_a_process_uses_no_more_connections_than_documented(house: House) -> None:
    """While everything is asked for at once, of both."""
    until("all is well", house.all_is_well)
    most = 0
    theirs = "select pid from pg_stat_activity where usename = 'usher' and datname = 'usher'"
    with house.postgres.connect() as owner:
        asking = threading.Thread(target=lambda: at_once([house.all_is_well] * 12))
        asking.start()
        while asking.is_alive():
            most = max(most, len(owner.execute(theirs).fetchall()))
            asking.join(timeout=0.02)
    assert 2 * POOL_SIZE <= most <= 2 * CONNECTIONS_MAX
