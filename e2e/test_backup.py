"""Backup and restoration by the real programs: all of it or nothing, and nothing that was ended comes back by itself."""

import json
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.client import problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.postgres import Postgres
from harness.programs import Program, keys_of, program, service_account
from harness.server import Stage, Usher
from harness.waiting import until

SECRET_KEY = "kN0m3wL1tRqYz7vXcB5aH8dE2fG4iJ6oP9sT0uW1yA0="
OTHER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@dataclass
class House:
    """A server with people in it, a backup of that, and what was ended afterwards."""

    usher: Usher
    site: Site
    backup: Path
    ann: Person
    script: Program
    robot: Program
    told: dict[str, Any]


def tables(postgres: Postgres, database: str = "usher") -> dict[str, int]:
    with postgres.connect(database) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        return {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for (name,) in names}


@pytest.fixture(scope="module")
def postgres(stage: Stage) -> Iterator[Postgres]:
    postgres = Postgres(stage.new_folder())
    yield postgres
    postgres.remove()


@pytest.fixture(scope="module")
def house(stage: Stage, postgres: Postgres, mailbox: Mailbox) -> Iterator[House]:
    """The server is stopped: its database is as it was left after the backup."""
    usher = stage.usher(USHER_DATABASE_URL=postgres.url, USHER_SECRET_KEY=SECRET_KEY, USHER_MIGRATE="true")
    usher.start()
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.cli("setup-token").stdout.strip())
    ann = site.person()
    script = program(ann.api)
    account = service_account(site.admin.api, "users:read")
    robot = program(site.admin.api, keys=keys_of(account))
    until("everything is sealed", lambda: all_sealed(usher))
    backup = usher.folder / "usher.backup"
    told = usher.json("backup", str(backup))
    # What a thief would like to have back.
    robot.api.get("/v1/whoami", expect=200)
    site.admin.api.delete(f"{keys_of(account)}/{robot.id}", expect=204)
    site.admin.api.post(f"/v1/users/{ann.id}/sign-out-everywhere", expect=204)
    problem(ann.api.get("/v1/me"), 401, "unauthorized")
    usher.stop()
    yield House(usher, site, backup, ann, script, robot, told)
    usher.remove()


def all_sealed(usher: Usher) -> bool:
    checks = {found["check"]: found for found in json.loads(usher.cli("doctor", "--json", code=None).stdout)}
    return "none waits" in checks["audit"]["detail"]


@pytest.fixture
def elsewhere(stage: Stage, postgres: Postgres, house: House) -> Iterator[Usher]:
    """An empty database beside the first one, and a usher that is not started."""
    folder = stage.new_folder()
    name = f"other_{folder.name}"
    with postgres.connect("postgres") as connection:
        connection.execute(f"create database {name} owner usher")
    url = postgres.url.replace("/usher?", f"/{name}?")
    settings = {"USHER_DATABASE_URL": url, "USHER_SECRET_KEY": SECRET_KEY}
    usher = Usher(house.usher.binary, folder, USHER_PUBLIC_URL=house.usher.base_url, **settings)
    yield usher
    usher.remove()
    with postgres.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


def database(usher: Usher) -> str:
    return usher.settings["USHER_DATABASE_URL"].rpartition("/")[2].partition("?")[0]


def test_a_backup_is_for_its_owner_and_says_what_it_holds(house: House) -> None:
    assert stat.S_IMODE(house.backup.stat().st_mode) == 0o600
    assert house.backup.read_bytes()[:5] == b"PGDMP"
    assert house.told["rows"]["users"] == 2 and house.told["rows"]["api_keys"] == 2
    assert house.told["schema_version"] >= 10 and "rate_limits" not in house.told["rows"]
    assert SECRET_KEY not in house.backup.read_bytes().decode("latin-1")
    checked = house.usher.cli("restore", "--check", str(house.backup)).stdout
    assert "The backup is good: 2 users" in checked
    left = [path.name for path in house.backup.parent.iterdir() if path.name.startswith(".usher-backup")]
    assert not left


def test_a_backup_replaces_nothing_and_may_go_to_a_pipe(house: House, tmp_path: Path) -> None:
    before = house.backup.read_bytes()
    refused = house.usher.cli("backup", str(house.backup), code=2)
    assert "is there already" in refused.stderr and house.backup.read_bytes() == before
    piped = tmp_path / "piped"
    with piped.open("wb") as to:
        subprocess.run(
            [house.usher.binary, "backup", "-"], env=house.usher.environment, stdout=to, check=True, timeout=60
        )
    assert "The backup is good" in house.usher.cli("restore", "--check", str(piped)).stdout


def test_r286_what_was_ended_since_does_not_come_back(house: House, elsewhere: Usher) -> None:
    restored = elsewhere.json("restore", str(house.backup))
    assert restored["rows"]["users"] == 2 and restored["migrations_applied"] == []
    assert restored["ended"]["sessions"] >= 2 and restored["ended"]["api_keys"] == 2
    assert "The log is good" in elsewhere.cli("audit", "verify").stdout
    # The same key opens the data, and nothing has failed.
    checks = {found["check"]: found["verdict"] for found in elsewhere.json("doctor")}
    assert "failed" not in checks.values() and checks["keys"] == checks["sealing"] == checks["migrations"] == "ok"

    elsewhere.start()
    site = Site(elsewhere.base_url)
    for key in (house.script.secret, house.robot.secret):
        problem(site.anonymous.get("/v1/me", headers={"Authorization": f"Bearer {key}"}), 401, "unauthorized")
    assert site.login(house.ann.email, house.ann.password).status_code == 200
    admin = site.adopt_admin(house.site.admin.email, house.site.admin.password)
    event = admin.api.get("/v1/audit-events", params={"action": "database.restored"}, expect=200).json()["items"][0]
    assert event["actor_kind"] == "cli" and event["changes"]["ended"]["api_keys"] == 2
    assert event["changes"]["sha256"] == house.told["dump_sha256"]
    # And the log goes on from where it was.
    until("the events after the restoration are sealed", lambda: all_sealed(elsewhere))
    assert "The log is good" in elsewhere.cli("audit", "verify").stdout
    in_use = elsewhere.cli("restore", "--replace", str(house.backup), code=2).stderr
    assert "in use by usher (usher)" in in_use


def test_who_wants_sessions_and_keys_back_gets_them(house: House, elsewhere: Usher) -> None:
    restored = elsewhere.json("restore", "--keep-sessions", "--keep-api-keys", str(house.backup))
    assert restored["ended"] == {"sessions": 0, "api_keys": 0, "links": restored["ended"]["links"]}
    elsewhere.start()
    site = Site(elsewhere.base_url)
    headers = {"Authorization": f"Bearer {house.robot.secret}"}
    site.anonymous.get("/v1/whoami", headers=headers, expect=200)


def test_a_full_database_is_replaced_only_when_asked(house: House, postgres: Postgres, elsewhere: Usher) -> None:
    elsewhere.cli("migrate")
    with postgres.connect(database(elsewhere)) as connection:
        connection.execute("set role usher")
        connection.execute("create table left_by_a_newer_release (a int)")
        connection.execute("create view left_too as select * from users")
    before = tables(postgres, database(elsewhere))
    refused = elsewhere.cli("restore", str(house.backup), code=2)
    assert "is not empty (it has 0 users)" in refused.stderr and tables(postgres, database(elsewhere)) == before
    elsewhere.cli("restore", "--replace", str(house.backup))
    after = tables(postgres, database(elsewhere))
    assert "left_by_a_newer_release" not in after and after["users"] == 2


def test_a_restoration_that_fails_changes_nothing(house: House, postgres: Postgres, elsewhere: Usher) -> None:
    elsewhere.cli("migrate")
    before = tables(postgres, database(elsewhere))
    with postgres.connect(database(elsewhere)) as connection:
        # Whatever is made from now on in this database fails at its last table.
        connection.execute(
            "create function refuse() returns event_trigger language plpgsql as "
            "$$ begin raise exception 'no users here'; end $$"
        )
        connection.execute("create schema elsewhere")
        connection.execute("alter function refuse() set schema elsewhere")
        connection.execute(
            "create event trigger refuse on ddl_command_end when tag in ('CREATE TRIGGER') "
            "execute function elsewhere.refuse()"
        )
    failed = elsewhere.cli("restore", "--replace", str(house.backup), code=1)
    assert "no users here" in failed.stderr
    assert tables(postgres, database(elsewhere)) == before


def test_a_damaged_backup_is_refused_before_anything_happens(house: House, elsewhere: Usher, tmp_path: Path) -> None:
    whole = house.backup.read_bytes()
    for name, content in {
        "changed": whole[:4000] + bytes([whole[4000] ^ 1]) + whole[4001:],
        "cut off": whole[: len(whole) // 2],
        "no backup": b"PGDMP and nothing else",
        "other rows": whole.replace(b'"users":2', b'"users":3'),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        refused = elsewhere.cli("restore", str(path), code=None)
        assert refused.returncode in (1, 2), name
        assert "is no backup of usher, or it is damaged" in refused.stderr or "was changed" in refused.stderr, name


def test_another_secret_key_is_refused_and_the_doctor_finds_it(house: House, elsewhere: Usher) -> None:
    refused = elsewhere.cli("restore", str(house.backup), code=2, USHER_SECRET_KEY=OTHER_KEY)
    assert "opens with the secret key 01" in refused.stderr
    elsewhere.cli("restore", str(house.backup))
    elsewhere.cli("doctor")
    found = elsewhere.cli("doctor", code=1, USHER_SECRET_KEY=OTHER_KEY)
    assert "FAILED" in found.stdout and "USHER_SECRET_KEY" in found.stdout
    # As the previous key it opens everything.
    other = elsewhere.environment | {"USHER_SECRET_KEY": OTHER_KEY, "USHER_SECRET_KEY_PREVIOUS": SECRET_KEY}
    checked = subprocess.run([elsewhere.binary, "restore", "--check", str(house.backup)], env=other, timeout=60, check=False)
    assert checked.returncode == 0


def test_the_private_database_is_backed_up_and_restored_too(stage: Stage, house: House) -> None:
    private = stage.usher(mail=False, USHER_PUBLIC_URL=house.usher.base_url)
    try:
        refused = private.cli("restore", str(house.backup), code=2)
        assert "and there is none here" in refused.stderr
        assert not (private.data_dir / "secret-key").exists(), "a new key would open nothing"
        private.settings["USHER_SECRET_KEY"] = SECRET_KEY
        private.cli("restore", str(house.backup))
        private.cli("doctor")
        again = private.folder / "again.backup"
        told = private.json("backup", str(again))
        assert told["rows"]["users"] == 2
        refused = private.cli("restore", str(again), code=2)
        assert "--replace" in refused.stderr
    finally:
        private.remove()


def test_no_password_is_on_a_command_line(house: House, tmp_path: Path) -> None:
    """A `pg_dump` of our own sees what it is called with, and what its environment holds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    seen = tmp_path / "seen"
    fake = folder / "pg_dump"
    fake.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "pg_dump (PostgreSQL) 99.0"; exit; fi\n'
        f'echo "$@" > {seen}; env >> {seen}; echo "no such luck" >&2; exit 1\n'
    )
    fake.chmod(0o755)
    url = house.usher.settings["USHER_DATABASE_URL"].replace("usher@", "usher:a-password@")
    path = tmp_path / "x"
    ended = house.usher.cli("backup", str(path), code=1, USHER_DATABASE_URL=url, USHER_PG_BIN=str(folder))
    assert "no such luck" in ended.stderr and "a-password" not in ended.stderr
    arguments, _, environment = seen.read_text().partition("\n")
    assert "a-password" not in arguments and "PGPASSWORD=a-password" in environment
    assert SECRET_KEY not in environment
    assert sorted(found.name for found in tmp_path.iterdir()) == ["bin", "seen"]


def test_too_old_a_program_is_told(house: House, tmp_path: Path) -> None:
    fake = tmp_path / "pg_dump"
    fake.write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.24"\n')
    fake.chmod(0o755)
    ended = house.usher.cli("backup", str(tmp_path / "x"), code=1, USHER_PG_BIN=str(tmp_path))
    assert "is 9.6.24" in ended.stderr and "postgresql-client-" in ended.stderr
