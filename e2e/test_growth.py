"""What grows is dropped by its age, also under a role that does not own the tables, and the doctor sees what is in the way."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from harness.postgres import Postgres
from harness.server import Stage, Usher
from harness.waiting import until

SECRET_KEY = "kN0m3wL1tRqYz7vXcB5aH8dE2fG4iJ6oP9sT0uW1yA0="
# The first partition goes to the end of the next month: one that is old has to be made.
AGED = """
do $$
declare
    cut timestamptz := date_trunc('month', now()) - interval '35 days';
    ends timestamptz := (select min(to_at) from list_partitions('{0}'));
begin
    alter table {0} detach partition {0}_past;
    alter table {0}_past rename to {0}_recent;
    create table {0}_past (like {0}_recent including defaults including constraints);
    perform guard_partition('{0}', '{0}_past');
    execute format(
        'alter table {0} attach partition {0}_past for values from (minvalue) to (%L)', partition_bound('uuidv7', cut)
    );
    execute format(
        'alter table {0} attach partition {0}_recent for values from (%L) to (%L)',
        partition_bound('uuidv7', cut),
        partition_bound('uuidv7', ends)
    );
end $$
"""
OLD_EVENT = """
with event as (
    insert into audit_events (id, occurred_at, action, outcome, actor_kind, details_hash)
    select partition_bound('uuidv7', at)::uuid, at, 'test.old', 'success', 'system', sha256('\\x00112233445566778899aabbccddeeff7b7d')
    from (select date_trunc('month', now()) - interval '40 days') old (at)
    returning id
),
details as (
    insert into audit_details (event_id, salt, content) select id, '\\x00112233445566778899aabbccddeeff', '{}' from event
)
insert into audit_unsealed (event_id) select id from event
"""


@pytest.fixture(scope="module")
def postgres(stage: Stage) -> Iterator[Postgres]:
    postgres = Postgres(stage.new_folder())
    with postgres.connect("postgres") as connection:
        connection.execute("create role usher_app login")
    yield postgres
    postgres.remove()


@pytest.fixture
def database(stage: Stage, postgres: Postgres) -> Iterator[str]:
    name = f"growth_{stage.new_folder().name}"
    with postgres.connect("postgres") as connection:
        connection.execute(f"create database {name} owner usher")
    yield name
    with postgres.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


def run(postgres: Postgres, database: str, *scripts: str) -> None:
    """As the owner of the tables."""
    with postgres.connect(database) as connection:
        connection.execute("set role usher")
        for script in scripts:
            connection.execute(script)


def an_usher(stage: Stage, postgres: Postgres, database: str, role: str = "usher", **settings: str) -> Usher:
    url = postgres.url.replace("//usher@", f"//{role}@").replace("/usher?", f"/{database}?")
    return stage.usher(mail=False, USHER_DATABASE_URL=url, USHER_SECRET_KEY=SECRET_KEY, **settings)


def checks(usher: Usher) -> dict[str, dict[str, str]]:
    return {found["check"]: found for found in usher.json("doctor")}


def counted(postgres: Postgres, database: str, sql: str) -> int:
    with postgres.connect(database) as connection:
        row = connection.execute(f"select count(*) from {sql}").fetchone()
    assert row
    return row[0]


def drop_now(postgres: Postgres, database: str) -> None:
    """Has the daily job done, and waits for it."""
    job = "unique_key = 'drop_old_audit_events'"
    run(postgres, database, f"update jobs set run_at = now() where {job}", "notify usher_jobs")
    until("the job is done", lambda: counted(postgres, database, f"jobs where {job} and run_at > now()") == 1)


def test_old_months_go_under_a_role_that_does_not_own_the_tables(stage: Stage, postgres: Postgres, database: str) -> None:
    owner = an_usher(stage, postgres, database)
    usher = an_usher(stage, postgres, database, role="usher_app", USHER_AUDIT_RETENTION_DAYS="30")
    old = "audit_events where action = 'test.old'"
    try:
        owner.cli("migrate", "--grant-to", "usher_app")
        tables = ("audit_events", "audit_details", "audit_changes")
        run(postgres, database, *(AGED.format(table) for table in tables), OLD_EVENT)
        usher.start()
        until("everything is sealed", lambda: counted(postgres, database, "audit_unsealed") == 0)
        drop_now(postgres, database)
        assert counted(postgres, database, old) == 1, "the owner has not let it"
        found = checks(usher)["partitions"]
        assert found["verdict"] == "warning" and "usher migrate" in found["detail"]

        owner.cli("migrate", USHER_AUDIT_RETENTION_DAYS="30")
        assert checks(usher)["partitions"]["verdict"] == "ok"
        drop_now(postgres, database)
        assert counted(postgres, database, old) == 0
        until("everything is sealed", lambda: counted(postgres, database, "audit_unsealed") == 0)
        verified = json.loads(usher.cli("audit", "verify", "--json").stdout)
        assert verified["dropped"] == 1 and verified["dropped_before"]
        assert "1 events before" in usher.cli("audit", "verify").stdout
        assert "export with --after" in usher.cli("audit", "export", code=1).stderr

        with postgres.connect(database) as connection:
            connection.execute("set role usher_app")
            for refused in ("drop table audit_events_recent", "delete from audit_events_recent", "select from audit_events_past"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(refused)
        # What somebody removes beside that is found.
        with postgres.connect(database) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute("delete from audit_events where action = 'server.started'")
        assert "was removed" in usher.cli("audit", "verify", code=1).stderr
    finally:
        usher.remove()
        owner.remove()


def test_the_doctor_says_what_is_wrong_with_the_database(stage: Stage, postgres: Postgres, database: str) -> None:
    usher = an_usher(stage, postgres, database)
    try:
        usher.cli("migrate")
        found = checks(usher)
        for name in ("sizes", "bloat", "indexes", "transactions", "replication slots", "partitions"):
            assert found[name]["verdict"] == "ok", found[name]
        assert "audit_events" in found["sizes"]["detail"] or "users" in found["sizes"]["detail"]

        far = "partition_bound('uuidv7', now() + interval '3 years')::uuid"
        with postgres.connect(database) as connection:
            for statement in (
                "drop index audit_events_action_idx",
                "drop index users_status_idx",
                f"insert into audit_changes (event_id, change_id) values ({far}, {far})",
                "create table dead (a int) with (autovacuum_enabled = false)",
                "insert into dead select generate_series(1, 20000)",
                "delete from dead where a > 1000",
                "insert into dead values (1)",
                "select pg_stat_force_next_flush()",
            ):
                connection.execute(statement)
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("create unique index concurrently dead_a_idx on dead (a)")
        found = checks(usher)
        for name, words in {
            "indexes": ["audit_events_action_idx is missing", "users_status_idx is missing", "dead_a_idx is invalid"],
            "bloat": ["of the rows of dead are dead, last vacuumed: never"],
            "partitions": ["audit_changes has rows without a partition"],
        }.items():
            assert found[name]["verdict"] == "warning", found[name]
            assert all(word in found[name]["detail"] for word in words), found[name]
        told = usher.cli("doctor").stdout
        assert "WARNING" in told and "users_status_idx" in told
    finally:
        usher.remove()
