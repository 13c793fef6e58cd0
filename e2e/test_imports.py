"""Users from files, by the command line and over HTTP; killed in the middle, an import goes on where it was."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from harness.client import Client, problem
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Stage, Usher
from harness.waiting import until

ROWS = 6000


def people(count: int, domain: str) -> str:
    rows = [f"{domain[:3]}{at:06},{domain[:3]}{at}@{domain},true,Name {at}" for at in range(count)]
    return "\n".join(["username,email,email_verified,given_name", *rows]) + "\n"


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


def test_an_import_that_is_killed_goes_on_and_creates_each_user_once(
    new_server: Callable[..., Usher], mailbox: Mailbox
) -> None:
    usher = new_server()
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.setup_token())
    api = site.admin.api
    import_id = upload(api, gzip.compress(people(ROWS, "killed.example").encode()), **{"Content-Encoding": "gzip"})
    shown = preview(api, import_id)
    assert shown["counts"]["create"] == ROWS
    api.post(f"/v1/imports/{import_id}/apply", json={"token": shown["token"]}, expect=202)

    def begun() -> bool:
        return api.get(f"/v1/imports/{import_id}", expect=200).json()["counts"]["done"] > 0

    until("some are there", begun, seconds=60)
    usher.kill()
    usher.start()

    def over() -> dict[str, Any] | None:
        found = api.get(f"/v1/imports/{import_id}", expect=200).json()
        return found if found["state"] == "finished" else None

    finished = until("the import goes on to its end", over, seconds=180)
    assert (finished["counts"]["done"], finished["counts"]["conflict"], finished["counts"]["failed"]) == (ROWS, 0, 0)
    total = api.get("/v1/users?q=%40killed.example&limit=1&count=true", expect=200).json()["total"]
    assert total == {"count": ROWS, "exact": True}


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
