"""Upgrades: the release before goes on beside a newer schema, and what an upgrade will do is known before."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.postgres import Postgres
from harness.server import Stage, Usher

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
RELEASED = MIGRATIONS / "released"
SECRET_KEY = "kN0m3wL1tRqYz7vXcB5aH8dE2fG4iJ6oP9sT0uW1yA0="


@pytest.fixture(scope="module")
def postgres(stage: Stage) -> Iterator[Postgres]:
    postgres = Postgres(stage.new_folder())
    yield postgres
    postgres.remove()


@pytest.fixture
def usher(stage: Stage, postgres: Postgres) -> Iterator[Usher]:
    """A usher that is not started, with a database of its own that is empty."""
    folder = stage.new_folder()
    name = f"upgrade_{folder.name}"
    with postgres.connect("postgres") as connection:
        connection.execute(f"create database {name} owner usher")
    url = postgres.url.replace("/usher?", f"/{name}?")
    usher = stage.usher(mail=False, USHER_DATABASE_URL=url, USHER_SECRET_KEY=SECRET_KEY)
    yield usher
    usher.remove()
    with postgres.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")
        connection.execute("alter role usher nocreatedb")


def database(usher: Usher) -> str:
    return usher.settings["USHER_DATABASE_URL"].rpartition("/")[2].partition("?")[0]


def run(postgres: Postgres, usher: Usher, *scripts: str) -> None:
    """Runs scripts as the role that usher uses."""
    with postgres.connect(database(usher)) as connection:
        connection.execute("set role usher")
        for script in scripts:
            connection.execute(script)


def at_last_release(postgres: Postgres, usher: Usher) -> None:
    run(postgres, usher, (RELEASED / "schema.sql").read_text(), (RELEASED / "data.sql").read_text(), "analyze")


def everything(postgres: Postgres, usher: Usher) -> tuple[list[tuple], list[str]]:
    """What the database is made of, and which databases there are."""
    with postgres.connect(database(usher)) as connection:
        columns = connection.execute(
            "select c.relname, c.relfilenode, c.xmin::text, a.attname, a.atttypid from pg_class c "
            "join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'public'::regnamespace order by 1, 4"
        ).fetchall()
        databases = [name for (name,) in connection.execute("select datname from pg_database order by 1").fetchall()]
    return columns, databases


def test_a_binary_works_with_a_newer_schema_until_a_contract_ends_it(usher: Usher, postgres: Postgres) -> None:
    usher.cli("migrate")
    run(
        postgres,
        usher,
        "insert into refinery_schema_history values (998, 'expand', '2026-01-01T00:00:00Z', '1')",
        "insert into roles (name, description, permissions, built_in, created_at, updated_at) "
        "values ('admin', 'Of a newer release.', '{of:tomorrow}', true, now(), now())",
    )
    usher.start()
    warned = [entry for entry in usher.log_entries() if "a newer release has migrated" in json.dumps(entry)]
    assert warned and warned[0]["level"] == "WARN"
    with postgres.connect(database(usher)) as connection:
        # What the newer release has given to the built-in roles stays.
        row = connection.execute("select permissions from roles where name = 'admin'").fetchone()
    assert row == (["of:tomorrow"],)
    assert "newer release" in usher.cli("migrate", "status").stdout
    checks = {found["check"]: found for found in usher.json("doctor")}
    assert checks["migrations"]["verdict"] == "warning" and "998" in checks["migrations"]["detail"]
    assert usher.cli("migrate").stdout == "The database is up to date.\n"
    assert usher.stop() == 0

    run(postgres, usher, "update schema_compatibility set oldest_version = 998")
    for command in (["serve"], ["migrate"], ["doctor"]):
        refused = usher.cli(*command, code=1)
        assert "works with releases from version 998 on" in refused.stderr + refused.stdout, command


def test_the_last_release_is_upgraded_without_a_window(usher: Usher, postgres: Postgres) -> None:
    at_last_release(postgres, usher)
    with postgres.connect("postgres") as connection:
        connection.execute("alter role usher createdb")
    before = everything(postgres, usher)
    report = usher.json("upgrade", "check")
    assert [checked["verdict"] for checked in report["migrations"]] == ["fine"] * len(report["migrations"])
    assert report["migrations"][0]["migration"] == "V10__compatibility"
    assert report["migrations"][0]["kind"] == "expand"
    assert everything(postgres, usher) == before, "the check changed the database, or left one behind"
    told = usher.cli("upgrade", "check").stdout
    assert "V10__compatibility (expand): fine beside requests" in told
    usher.cli("migrate")
    assert usher.cli("upgrade", "check").stdout == "No migration is pending.\n"


def test_what_would_stop_everybody_is_said_before(usher: Usher, postgres: Postgres) -> None:
    """The schema of the fourth migration with rows in it: what came then was no rolling upgrade."""
    usher.cli("migrate")
    with postgres.connect(database(usher)) as connection:
        history = connection.execute(
            "select version, name, applied_on, checksum from refinery_schema_history where version <= 4"
        ).fetchall()
    run(postgres, usher, "drop table schema_compatibility; drop schema public cascade; create schema public")
    files = {int(path.name[1:].partition("__")[0]): path for path in MIGRATIONS.glob("V*.sql")}
    run(
        postgres,
        usher,
        *(files[version].read_text() for version in range(1, 5)),
        "create table refinery_schema_history (version int4 primary key, name varchar(255), applied_on varchar(255), "
        "checksum varchar(255))",
        *(f"insert into refinery_schema_history values ({v}, '{n}', '{a}', '{c}')" for v, n, a, c in history),
        "insert into users (id, username, status, created_at, updated_at) "
        "select gen_random_uuid(), 'user-' || n, 'active', now(), now() from generate_series(1, 500) n",
        "insert into password_credentials (user_id, hash, changed_at) select id, 'x', now() from users",
        "insert into audit_events (id, occurred_at, action, outcome, actor_kind) "
        "select id, now(), 'user.created', 'success', 'cli' from users",
        "analyze",
    )
    refused = usher.cli("upgrade", "check", code=1).stderr
    assert "the role usher may not create the database for the copy" in refused and "createdb" in refused
    with postgres.connect("postgres") as connection:
        connection.execute("alter role usher createdb")
    before = everything(postgres, usher)
    ended = usher.cli("upgrade", "check", "--json", code=1)
    assert everything(postgres, usher) == before
    report = json.loads(ended.stdout)
    checked = {found["migration"].partition("__")[0]: found for found in report["migrations"]}
    assert list(checked)[:3] == ["V5", "V6", "V7"] and checked["V6"]["verdict"] == "fine"
    assert checked["V5"]["verdict"] == checked["V7"]["verdict"] == "needs_window"
    assert any("password_credentials: drops a column" in reason for reason in checked["V5"]["reasons"])
    locks = {(lock["table"], lock["mode"]) for lock in checked["V7"]["locks"]}
    assert ("audit_events", "ACCESS EXCLUSIVE") in locks
    table = report["tables"]["audit_events"]
    assert table["rows"] == 500 and table["bytes"] > 8192
    told = usher.cli("upgrade", "check", code=1)
    assert "V7__audit_log: NEEDS A MAINTENANCE WINDOW" in told.stdout
    assert "ACCESS EXCLUSIVE" in told.stdout and "500" in told.stdout
    assert "should not run beside requests" in told.stderr


def test_a_migration_that_would_fail_is_said_before(usher: Usher, postgres: Postgres) -> None:
    at_last_release(postgres, usher)
    run(postgres, usher, "create view schema_compatibility as select 1 as in_the_way")
    with postgres.connect("postgres") as connection:
        connection.execute("alter role usher createdb")
    before = everything(postgres, usher)
    ended = usher.cli("upgrade", "check", "--json", code=1)
    first = json.loads(ended.stdout)["migrations"][0]
    assert first["verdict"] == "fails" and "already exists" in first["error"]
    assert everything(postgres, usher) == before
