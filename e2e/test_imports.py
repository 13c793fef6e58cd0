"""Users from files, by the command line and over HTTP; killed in the middle, an import goes on where it was. What runs beside it sees
whole batches, and whoever signs up meanwhile and a row make one user of an address."""

import csv
import gzip
import hashlib
import io
import itertools
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from harness import database, storm
from harness.canary import new_password
from harness.client import Client, problem
from harness.mailbox import Mailbox
from harness.pair import Pair, rounds
from harness.people import Site
from harness.server import Stage, Usher
from harness.storm import Shot
from harness.waiting import until

pytestmark = pytest.mark.first

ROWS = 6000
# One transaction applies so many.
BATCH = 500
# Addresses of one round of a race.
RACED = 60


def people(count: int, domain: str, name: str = "Name") -> list[str]:
    label = domain.partition(".")[0]
    rows = [f"{label}{at:06},p{at}@{domain},true,{name} {at}," for at in range(count)]
    return ["username,email,email_verified,given_name,roles", *(f"{row}user" for row in rows)]


def spoilt(lines: list[str]) -> list[str]:
    """The same with three rows of a hundred that can't be applied: no address, a role that nobody knows, a cell too many."""

    def spoil(at: int, line: str) -> str:
        username, _, *rest = line.split(",")
        broken = {0: ",".join([username, "nobody", *rest]), 1: f"{line};nothing", 2: f"{line},more"}
        return broken.get(at % 100, line)

    return [lines[0], *(spoil(at, line) for at, line in enumerate(lines[1:]))]


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def place(stage: Stage, mailbox: Mailbox) -> Iterator[tuple[Usher, Site]]:
    usher = stage.usher()
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        yield usher, site
    finally:
        usher.remove()


def upload(client: Client, body: str | bytes, query: str = "", **headers: str) -> str:
    headers = {"Content-Type": "text/csv"} | headers
    return client.post(f"/v1/imports?{query}", content=body, headers=headers, expect=201).json()["id"]


def preview(client: Client, import_id: str) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        found = client.get(f"/v1/imports/{import_id}", expect=200).json()
        return found if found["state"] == "ready" else None

    return until("the rows are judged", ready, seconds=60)


def apply(client: Client, shown: dict[str, Any]) -> None:
    client.post(f"/v1/imports/{shown['id']}/apply", json={"token": shown["token"]}, expect=202)


def finished(client: Client, import_id: str) -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        found = client.get(f"/v1/imports/{import_id}", expect=200).json()
        assert found["state"] in ("running", "finished"), found
        return found if found["state"] == "finished" else None

    return until("the import goes on to its end", over, seconds=180)


def checksum(client: Client) -> str:
    """Of all that an export says of everybody."""
    exported = client.get("/v1/exports/users?format=ndjson&include_password_hashes=true", expect=200)
    return hashlib.sha256(exported.content).hexdigest()


def killed_in_the_middle(usher: Usher, import_id: str) -> bool:
    """Takes the server away (SIGKILL) once some rows are applied. Whether others were not."""
    position = f"select position from imports where id = '{import_id}'"
    until("some are there", lambda: int(database.sql(usher.data_dir, position)[0]) > 0, seconds=60)
    usher.kill()
    # Its PostgreSQL is there still.
    was = int(database.sql(usher.data_dir, position)[0])
    state = database.sql(usher.data_dir, f"select state from imports where id = '{import_id}'")[0]
    usher.start()
    return state == "running" and 0 < was < ROWS


def test_an_import_that_is_killed_goes_on_does_each_row_once_and_is_undone_as_a_whole(
    new_server: Callable[..., Usher], mailbox: Mailbox
) -> None:
    usher = new_server()
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.setup_token())
    api = site.admin.api
    wanted = {"create": ROWS * 97 // 200, "update": ROWS * 97 // 200, "conflict": ROWS // 100, "invalid": ROWS * 2 // 100}
    for attempt in range(5):
        domain = f"killed{attempt}.example"
        there = preview(api, upload(api, text(people(ROWS // 2, domain))))
        apply(api, there)
        assert finished(api, there["id"])["counts"]["done"] == ROWS // 2
        before = checksum(api)

        body = gzip.compress(text(spoilt(people(ROWS, domain, "New name"))).encode())
        shown = preview(api, upload(api, body, "mode=upsert", **{"Content-Encoding": "gzip"}))
        assert {name: shown["counts"][name] for name in wanted} == wanted
        apply(api, shown)
        was_in_the_middle = killed_in_the_middle(usher, shown["id"])
        counts = finished(api, shown["id"])["counts"]
        done = wanted["create"] + wanted["update"]
        told = (counts["done"], counts["conflict"], counts["invalid"], counts["failed"])
        assert told == (done, wanted["conflict"], wanted["invalid"], 0)
        each = f"select count(*), count(distinct address_normal) from emails where address like '%@{domain}'"
        assert database.sql(usher.data_dir, each) == ["|".join([str(ROWS // 2 + wanted["create"])] * 2)]
        assert checksum(api) != before

        run = api.post(f"/v1/changes/{shown['id']}/undo", json={}, expect=200).json()["run"]["id"]
        undone = until("all is undone", lambda: over_run(api, run), seconds=180)  # noqa: B023
        assert (undone["counts"]["done"], undone["counts"]["refused"]) == (done, 0)
        assert checksum(api) == before
        assert "The log is good" in usher.cli("audit", "verify").stdout
        if was_in_the_middle:
            return
    raise AssertionError("every import was over before the kill")


def over_run(client: Client, run: str) -> dict[str, Any] | None:
    told = client.get(f"/v1/bulk/{run}", expect=200).json()
    return told if told["state"] == "finished" else None


def purged(usher: Usher, wanted: dict[str, int]) -> dict[str, int]:
    """Nobody is left in the recycle bin whom the next attempt would meet."""
    database.sql(usher.data_dir, "delete from users where status = 'deleted'")
    return wanted


def test_an_export_beside_an_import_sees_whole_batches(place: tuple[Usher, Site]) -> None:
    _, site = place
    api = site.admin.api
    rows = [f'w{at}@whole.example,true,Name {at},"{{""number"": {at}}}",manager;user' for at in range(8 * BATCH)]
    file = text(["email,email_verified,given_name,attributes,roles", *rows])
    query = "/v1/exports/users?format=ndjson&filter=emails.value%20ew%20%22%40whole.example%22"

    def exported() -> bytes:
        return api.get(query, expect=200).content

    shown = preview(api, upload(api, file))
    assert shown["counts"]["create"] == len(rows)
    apply(api, shown)
    seen = [exported()]
    while len(seen[-1].splitlines()) < len(rows):
        assert len(seen) < 2000, "the import does not end"
        seen.append(exported())
    for file in seen:
        users = [json.loads(line) for line in file.splitlines()]
        assert len(users) % BATCH == 0, f"{len(users)} users are no whole batches"
        for user in users:
            number = user["attributes"]["number"]
            assert (user["email"], user["given_name"]) == (f"w{number}@whole.example", f"Name {number}")
            assert (user["email_verified"], user["status"], user["roles"]) == (True, "active", ["manager", "user"])
    sizes = [len(file.splitlines()) for file in seen]
    assert sizes == sorted(sizes), "users who were there have gone"
    assert any(0 < size < len(rows) for size in sizes), "no export was made while the import went on"
    assert finished(api, shown["id"])["counts"]["done"] == len(rows)
    assert exported() == exported()


@pytest.fixture(scope="module")
def pair(stage: Stage, mailbox: Mailbox) -> Iterator[Pair]:
    with Pair(stage, mailbox) as pair:
        yield pair


@pytest.mark.long
def test_r047_an_import_and_registrations_at_once_make_one_user_of_an_address(pair: Pair) -> None:
    """A row that says that the address is somebody's is stronger than a sign-up that nobody verified; else the first one stands."""
    won = {"import": 0, "sign-up": 0}
    number = itertools.count()

    def race(pair: Pair) -> str:
        api = pair.site.admin.api
        tag = f"q{secrets.token_hex(4)}q"
        addresses = [f"{tag}{at}@raced.example" for at in range(RACED)]
        rows = [f"{address},{'true' if at % 2 else ''},Imported" for at, address in enumerate(addresses)]
        shown = preview(api, upload(api, text(["email,email_verified,given_name", *rows])))
        assert shown["counts"]["create"] == RACED
        # In one round both begin together, in others some sign-ups are done before.
        head_start = next(number) % 3 * RACED // 3
        signed_up = f"select count(*) from emails where address like '{tag}%'"

        def import_them() -> None:
            until("some have signed up", lambda: int(pair.sql(signed_up)[0]) >= head_start, seconds=60)
            apply(api, shown)

        importing = threading.Thread(target=import_them)
        importing.start()
        password = new_password()
        bodies = [{"email": address, "password": password, "given_name": "Registered"} for address in addresses]
        answers, _ = storm.persist(pair.base_urls, [Shot("POST", "/v1/register", body) for body in bodies])
        importing.join(timeout=90)
        assert storm.count(answers) == {"202": RACED}
        left = "select count(*) from jobs where kind = 'sign_up'"
        until("the sign-ups are done", lambda: pair.sql(left) == ["0"], seconds=120)
        counts = finished(api, shown["id"])["counts"]

        page = api.get("/v1/users", params={"q": tag, "limit": "200"}, expect=200).json()["items"]
        assert sorted(user["email"] for user in page) == sorted(addresses), "one user of each address"
        by_address = {user["email"]: user for user in page}
        imported = [address for address in addresses if by_address[address]["given_name"] == "Imported"]
        assert (counts["done"], counts["conflict"], counts["failed"]) == (len(imported), RACED - len(imported), 0)
        for at, address in enumerate(addresses):
            user = by_address[address]
            is_imported = address in imported
            assert is_imported or (at % 2 == 0 and user["given_name"] == "Registered"), user
            assert user["status"] == ("active" if at % 2 else "pending"), user
        won["import"] += len(imported)
        won["sign-up"] += RACED - len(imported)
        return f"{len(imported)} rows and {RACED - len(imported)} sign-ups won"

    rounds("an import and registrations", race, pair)
    assert min(won.values()) > 0, won


def test_parquet_reads_as_what_the_other_formats_say(place: tuple[Usher, Site]) -> None:
    usher, site = place
    said = site.admin.api.get("/v1/exports/users?format=ndjson", expect=200).text
    users = [json.loads(line) for line in said.splitlines()]
    answer = site.admin.api.get("/v1/exports/users?format=parquet", expect=200)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    table = parquet.read_table(io.BytesIO(answer.content))
    assert table.schema.field("created_at").type == pyarrow.timestamp("us", tz="UTC")
    assert table.schema.field("roles").type.value_type == pyarrow.string()
    assert table.num_rows == len(users) > 0
    for row, user in zip(table.to_pylist(), users, strict=True):
        assert json.loads(row.pop("attributes")) == user.pop("attributes")
        for name in ("created_at", "last_sign_in_at", "professional_at"):
            at = user.pop(name)
            assert row.pop(name) == (at and datetime.fromisoformat(at))
        assert row == user
    file = usher.folder / "users.parquet"
    usher.cli("export", "users", "--format", "parquet", "--fields", "email,roles", "--output", str(file))
    assert parquet.read_table(file).column_names == ["email", "roles"]


def test_the_command_line_previews_applies_and_exports(place: tuple[Usher, Site], tmp_path: Path) -> None:
    usher, _ = place
    file, report = usher.folder / "people.csv", usher.folder / "faults.csv"
    file.write_text("email,given_name,roles\nann@cli.example,=Ann,user\nnobody,,user\nbob@cli.example,Bob,nothing\n")
    refused = usher.cli("import", "users", str(file), code=2)
    assert "--yes" in refused.stderr
    shown = usher.json("import", "users", str(file), "--dry-run", "--report", str(report))
    assert (shown["state"], shown["counts"]["create"], shown["counts"]["conflict"]) == ("ready", 1, 1)
    faults = list(csv.DictReader(io.StringIO(report.read_text())))
    assert [(fault["line"], fault["class"], fault["code"]) for fault in faults] == [
        ("3", "invalid", "invalid"),
        ("4", "conflict", "unknown_role"),
    ]
    told = usher.cli("import", "resume", shown["id"], "--yes")
    assert "finished" in told.stdout and "unknown_role" not in told.stderr
    assert shown["id"] in usher.cli("import", "list").stdout
    assert usher.json("import", "show", shown["id"])["counts"]["done"] == 1
    again = usher.json("import", "users", str(file), "--yes")
    assert again["counts"]["unchanged"] == 1

    exported = usher.cli("export", "users", "--filter", 'emails.value ew "@cli.example"', "--fields", "email,given_name")
    assert exported.stdout == "email,given_name\nann@cli.example,'=Ann\n"
    wrong = usher.cli("export", "users", "--format", "xlsx", code=2)
    assert "parquet" in wrong.stderr
    mistake = usher.cli("import", "users", str(file), "--yes", "--map", "given_name=givn_name", code=1)
    assert "given_name" in mistake.stderr


def test_a_manager_imports_ordinary_users_only(place: tuple[Usher, Site]) -> None:
    _, site = place
    boss = site.person("manager", "user").api
    rows = "email,email_verified,roles\nx@boss.example,false,user\ny@boss.example,true,user\nz@boss.example,,admin\n"
    shown = preview(boss, upload(boss, rows))
    assert (shown["counts"]["create"], shown["counts"]["conflict"]) == (1, 2)
    problem(boss.get("/v1/exports/users?include_password_hashes=true"), 403, "forbidden")
    theirs = upload(site.admin.api, rows)
    problem(boss.get(f"/v1/imports/{theirs}"), 403, "target_outranks_caller")
