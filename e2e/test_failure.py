"""The database goes away, falls silent, refuses, and comes back: usher says 503 in time and recovers by itself (R-282, R-283)."""

import secrets
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from harness.canary import new_address, new_password, unique
from harness.client import Bearer
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.postgres import Postgres
from harness.server import Stage, Usher
from harness.waiting import at_once, until

# R-282 promises 2 s and 5 s; a debug build on a busy machine gets some more.
ANSWER_SECONDS = 3.5
RECOVERY_SECONDS = 8


@dataclass
class House:
    """A server on a database of its own that the tests may take away."""

    usher: Usher
    postgres: Postgres
    site: Site
    someone: Person
    token: str

    def ask(self, name: str) -> httpx.Response:
        """One request of each kind, by the lane to the database that it needs first."""
        client = Bearer(self.usher.base_url, self.token)
        anonymous = self.site.anonymous
        asked: dict[str, Callable[[], httpx.Response]] = {
            "read lane": lambda: client.get("/v1/me", may_be_unavailable=True),
            "pipelined lane": lambda: client.get("/v1/audit-events", may_be_unavailable=True),
            "list": lambda: client.get("/v1/users", may_be_unavailable=True),
            "transaction": lambda: anonymous.post(
                "/v1/password/forgot", json={"email": new_address()}, may_be_unavailable=True
            ),
            "hash, then transaction": lambda: anonymous.post(
                "/v1/register", json={"email": new_address(), "password": new_password()}, may_be_unavailable=True
            ),
            "transaction, hash, transaction": lambda: self.site.login(
                self.someone.email, self.someone.password, may_be_unavailable=True
            ),
            "change": lambda: client.patch("/v1/me", json={"display_name": unique("n")}, may_be_unavailable=True),
            "creation": lambda: client.post("/v1/users", json={"email": new_address()}, may_be_unavailable=True),
            "page": lambda: anonymous.post(
                "/reset-password",
                data={"token": f"ush_reset_{secrets.token_urlsafe(32)}", "password": new_password()},
                may_be_unavailable=True,
            ),
        }
        return asked[name]()


KINDS = (
    "read lane",
    "pipelined lane",
    "list",
    "transaction",
    "hash, then transaction",
    "transaction, hash, transaction",
    "change",
    "creation",
    "page",
)
WRITES = ("transaction", "hash, then transaction", "change", "creation")


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[House]:
    postgres = Postgres(stage.new_folder())
    usher = stage.usher(
        USHER_MIGRATE="true",
        USHER_DATABASE_URL=postgres.url,
        USHER_SECRET_KEY=b64encode(secrets.token_bytes(32)).decode(),
        USHER_DATABASE_LOCK_TIMEOUT_SECONDS="1",
        USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS="2",
        USHER_DATABASE_IDLE_TRANSACTION_TIMEOUT_SECONDS="1",
    )
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.cli("setup-token").stdout.strip())
        someone = site.person()
        yield House(usher, postgres, site, someone, site.admin.sign_in().tokens["access_token"])
        broken = [entry for entry in usher.log_entries() if entry["level"] == "ERROR"]
        assert not broken, f"{len(broken)} errors were logged, such as {broken[0]}"
    finally:
        usher.remove()
        postgres.remove()


def timed(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - begun


def is_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    if not answer.headers["content-type"].startswith("text/html"):
        assert answer.json()["code"] == "database_unavailable"


def all_are_unavailable_in_time(house: House) -> None:
    """Every kind at once, twice, with probes beside them."""
    for _ in range(2):
        answers = at_once([lambda name=name: timed(lambda: house.ask(name)) for name in KINDS])
        for name, (answer, seconds) in zip(KINDS, answers, strict=True):
            is_unavailable(answer)
            assert seconds < ANSWER_SECONDS, f"{name} took {seconds:.1f} s"
        live, seconds = timed(lambda: house.site.anonymous.get("/livez", expect=200))
        assert live.json()["status"] == "ok" and seconds < 1
        ready, seconds = timed(lambda: house.site.anonymous.get("/readyz", may_be_unavailable=True))
        is_unavailable(ready)
        assert seconds < ANSWER_SECONDS


def recovers(house: House, kinds: tuple[str, ...] = KINDS) -> None:
    """Everything works again, soon, in the same process."""
    assert house.usher.process
    process, begun = house.usher.process.pid, time.monotonic()
    for name in kinds:
        until(f"{name} works again", lambda name=name: house.ask(name).status_code < 500, seconds=RECOVERY_SECONDS)
    ready = lambda: house.site.anonymous.get("/readyz", may_be_unavailable=True).status_code == 200  # noqa: E731
    until("it says that it is ready", ready, seconds=RECOVERY_SECONDS)
    assert time.monotonic() - begun < RECOVERY_SECONDS
    assert house.usher.running and house.usher.process.pid == process


@pytest.mark.parametrize("how", ["stopped", "stopped at once", "killed"])
def test_r282_a_database_that_is_away_is_503_in_time_and_its_return_is_enough(house: House, how: str) -> None:
    if how == "killed":
        house.postgres.kill()
    else:
        house.postgres.stop("fast" if how == "stopped" else "immediate")
    try:
        all_are_unavailable_in_time(house)
    finally:
        house.postgres.start()
    recovers(house)


def test_r282_a_database_that_says_nothing_is_503_in_time(house: House) -> None:
    recovers(house)
    with house.postgres.held_still():
        all_are_unavailable_in_time(house)
    recovers(house)


def test_r282_a_request_that_has_begun_does_not_wait_for_a_silent_database(house: House) -> None:
    """It waits for a lock when the database falls silent."""
    with house.postgres.connect() as holder, ExitStack() as stack:
        holder.execute("begin")
        holder.execute("lock table users in exclusive mode")
        found: list[tuple[httpx.Response, float]] = []
        waiting = threading.Thread(target=lambda: found.append(timed(lambda: house.ask("creation"))))
        waiting.start()
        blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = 'usher'"
        until("the request waits", lambda: holder.execute(blocked).fetchone() != (0,))
        stack.enter_context(house.postgres.held_still())
        waiting.join(timeout=20)
    answer, seconds = found[0]
    is_unavailable(answer)
    assert seconds < ANSWER_SECONDS
    recovers(house)


def test_r282_connections_that_are_ended_are_made_anew(house: House) -> None:
    """57P01, while requests are on their way."""
    ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'usher'"
    answers: list[httpx.Response] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            for name in KINDS:
                answers.append(house.ask(name))

    with house.postgres.connect() as killer:
        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        for _ in range(5):
            so_far = len(answers)
            killer.execute(ended)
            until("requests are answered", lambda so_far=so_far: len(answers) > so_far + len(KINDS), seconds=30)
        stop.set()
        for thread in asking:
            thread.join(timeout=30)
    # `Client` has refused every other failure.
    for answer in answers:
        if answer.status_code == 503:
            is_unavailable(answer)
    recovers(house)


def test_r282_a_database_that_only_reads_is_503_for_changes(house: House) -> None:
    """25006, as after a failover: what reads goes on, and what was opened meanwhile does not stay read-only."""
    end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'usher'"
    with house.postgres.connect() as owner:
        owner.execute("alter database usher set default_transaction_read_only = on")
        try:
            owner.execute(end)
            until("it reads", lambda: house.ask("read lane").status_code == 200)
            for name in WRITES:
                until(f"{name} is 503", lambda name=name: house.ask(name).status_code == 503)
                is_unavailable(house.ask(name))
            assert house.ask("read lane").status_code == 200
        finally:
            # This session began before, so it may still write.
            owner.execute("alter database usher reset default_transaction_read_only")
    recovers(house)


def test_r282_a_database_that_is_full_is_503(house: House) -> None:
    """53300: there is no connection left for usher."""
    end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'usher'"
    with house.postgres.connect() as owner:
        owner.execute("alter role usher connection limit 0")
        try:
            until("usher has none left", lambda: owner.execute(end).fetchone() == (0,))
            all_are_unavailable_in_time(house)
        finally:
            owner.execute("alter role usher connection limit -1")
    recovers(house)


@pytest.mark.parametrize(("mode", "kind"), [("exclusive", "creation"), ("access exclusive", "read lane")])
def test_r282_a_lock_that_is_not_given_ends_the_wait(house: House, mode: str, kind: str) -> None:
    """55P03 after USHER_DATABASE_LOCK_TIMEOUT_SECONDS."""
    with house.postgres.connect() as holder:
        holder.execute("begin")
        holder.execute(f"lock table users in {mode} mode")
        answer, seconds = timed(lambda: house.ask(kind))
    is_unavailable(answer)
    assert 0.9 < seconds < ANSWER_SECONDS
    recovers(house)


def test_r282_a_statement_that_takes_too_long_is_ended(house: House) -> None:
    """57014 after USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS, also on the lanes that only read."""
    with house.postgres.connect() as owner:
        owner.execute("alter table audit_events rename to audit_events_kept")
        owner.execute("create view audit_events as select audit_events_kept.* from audit_events_kept, pg_sleep(30)")
        owner.execute("grant all on audit_events to usher")
        try:
            answer, seconds = timed(lambda: house.ask("pipelined lane"))
        finally:
            owner.execute("drop view audit_events")
            owner.execute("alter table audit_events_kept rename to audit_events")
    is_unavailable(answer)
    assert 1.5 < seconds < 2 + ANSWER_SECONDS
    recovers(house)


@pytest.mark.parametrize("state", ["40001", "40P01", "08006", "57P01"])
def test_r282_a_failure_that_may_pass_is_503_and_leaves_nothing(house: House, state: str) -> None:
    """What the database says is put into its mouth: a trigger raises the state in the middle of the transaction."""
    function = (
        "create function fail() returns trigger language plpgsql as "
        f"$$ begin raise exception 'planted' using errcode = '{state}'; end $$"
    )
    counts = ["users", "emails", "audit_events", "jobs where kind = 'sign_up'"]
    count = f"select {', '.join(f'(select count(*) from {counted})' for counted in counts)}"
    with house.postgres.connect() as owner:
        owner.execute(function)
        for table in ("audit_events", "jobs"):
            owner.execute(f"create trigger fail before insert on {table} for each row execute function fail()")
        try:
            # Counted only now: what earlier requests left to be done is not done any more until the triggers are gone.
            before = owner.execute(count).fetchone()
            is_unavailable(house.ask("creation"))
            is_unavailable(house.ask("hash, then transaction"))
            assert owner.execute(count).fetchone() == before
        finally:
            owner.execute("drop function fail() cascade")
    recovers(house)


def test_r283_a_transaction_that_is_left_idle_is_ended_by_the_database(house: House) -> None:
    """usher is held still in the middle of a transaction: its locks do not outlast
    USHER_DATABASE_IDLE_TRANSACTION_TIMEOUT_SECONDS, and nothing of what it had done stays."""
    mine = "from pg_stat_activity where usename = 'usher' and"
    with house.postgres.connect() as owner, house.postgres.connect() as holder:
        count = owner.execute("select count(*) from users").fetchone()
        holder.execute("begin")
        holder.execute("lock table emails in exclusive mode")
        found: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: found.append(house.ask("creation")))
        asking.start()
        # Jobs may wait, too.
        waits = f"select 1 {mine} wait_event_type = 'Lock' and query ~ 'insert into emails'"
        until("the request waits", lambda: owner.execute(waits).fetchone())
        with house.usher.held_still():
            holder.execute("rollback")
            until("it is idle", lambda: owner.execute(f"select 1 {mine} state = 'idle in transaction'").fetchone())
            gone = lambda: owner.execute(f"select 1 {mine} state = 'idle in transaction'").fetchone() is None  # noqa: E731
            until("the database has ended it", gone)
        asking.join(timeout=20)
        is_unavailable(found[0])
        assert owner.execute("select count(*) from users").fetchone() == count
    recovers(house)
