"""What an operator asks and does at the command line: what happened to a user, why they may what they may, roles, groups, runs by ids."""

import re
from pathlib import Path

import pytest

from harness.canary import new_password, unique
from harness.client import problem
from harness.people import Person, Site
from harness.server import Usher

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
NOBODY = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"


@pytest.fixture
def someone(site: Site) -> Person:
    return site.person()


def test_the_history_of_a_user_is_told_field_by_field(server: Usher, site: Site, someone: Person) -> None:
    server.cli("user", "suspend", someone.id, "--reason", "Strange requests")
    history = server.json("user", "history", someone.email)
    assert history == site.admin.api.get(f"/v1/users/{someone.id}/history", expect=200).json()["items"]
    newest = server.cli("user", "history", someone.username, "--limit", "1").stdout.splitlines()
    assert newest[0].split() == ["WHEN", "WHAT", "BY", "REASON", "CHANGED"]
    assert re.fullmatch(rf'{TIME} +user\.suspended +cli +Strange requests +status: "active" -> "suspended"', newest[1])
    assert newest[2:] == [f"(older ones: --before {history[0]['id']})"]
    assert server.json("user", "history", someone.id, "--before", history[0]["id"]) == history[1:]
    first = server.cli("user", "history", someone.id, "--before", history[-1]["id"]).stdout
    assert first == "Nothing is known of that time.\n"
    # As they were before: active, while they are suspended now.
    at = history[1]["occurred_at"]
    assert server.json("user", "show", someone.id, "--as-of", at)["status"] == "active"
    assert server.json("user", "show", someone.id)["status"] == "suspended"
    early = server.cli("user", "show", someone.id, "--as-of", "2020-01-01T00:00:00Z", code=1).stderr
    assert re.search(rf"there was no user {someone.username} at 2020-01-01 00:00:00 UTC: they were created at {TIME}", early)
    assert "--as-of must be a time" in server.cli("user", "show", someone.id, "--as-of", "noon", code=2).stderr


def test_changes_are_listed_by_when_they_were_made(server: Usher, someone: Person) -> None:
    server.cli("user", "suspend", someone.id)
    wanted = ["change", "list", "--action", "user.suspended", "--limit", "200"]
    made = next(change for change in server.json(*wanted) if change["target_id"] == someone.id)
    ids = lambda *words: {change["id"] for change in server.json(*wanted, *words)}  # noqa: E731
    at = made["occurred_at"]
    assert made["id"] in ids("--from", at[:10], "--to", at[:10])
    assert made["id"] in ids("--from", at)
    assert made["id"] not in ids("--to", at)
    assert ids("--to", "2020-01-01") == set()


def test_attempts_to_sign_in_are_told_with_what_was_decided(server: Usher, site: Site, someone: Person) -> None:
    problem(site.login(someone.email, new_password()), 401, "invalid_credentials")
    attempts = server.json("user", "sign-ins", someone.id)
    assert attempts == site.admin.api.get(f"/v1/users/{someone.id}/sign-ins", expect=200).json()["items"]
    assert attempts[0]["refusal"] == "credentials"
    told = server.cli("user", "sign-ins", someone.id).stdout.splitlines()
    assert told[0].split() == ["WHEN", "OUTCOME", "WHY", "DECIDED", "FROM", "WITH"]
    assert re.match(rf"{TIME} +credentials +The password was wrong\. +device unknown, lock passed, .*password wrong", told[1])
    assert any("signed in" in line for line in told[2:])
    nobody = site.create()
    assert server.cli("user", "sign-ins", nobody["id"]).stdout == "Nobody tried to sign in as them in the last 30 days.\n"


def test_it_is_told_why_somebody_may_something_and_who_else(server: Usher, site: Site, someone: Person) -> None:
    assert "has no permissions" in server.cli("user", "permissions", someone.id).stdout
    above, below, role = unique("group"), unique("group"), unique("role")
    made = server.json("role", "create", role, "--permission", "audit:read", "--description", "Reads on.", "--reason", "Asked")
    assert (made["permissions"], made["second_factor"]["required"]) == (["audit:read"], False)
    server.cli("group", "create", above, "--role", role)
    server.cli("group", "create", below)
    shown = server.cli("group", "set-parents", below, "--parent", above).stdout
    assert re.search(rf"^parents +{above}$", shown, re.MULTILINE)
    server.cli("group", "add-member", below, someone.id, "--until", "2099-01-02T03:04:05Z")
    explained = server.cli("user", "permissions", someone.id, "--explain").stdout.splitlines()
    assert explained[0].split() == ["PERMISSION", "BY", "ROLE", "THROUGH", "UNTIL"]
    assert re.fullmatch(rf"audit:read +{role} +{below} < {above} +2099-01-02 03:04:05 UTC", explained[1])
    assert [held["permission"] for held in server.json("user", "permissions", someone.username)] == ["audit:read"]
    holders = server.cli("permission", "holders", "audit:read", "--limit", "1000").stdout
    assert re.search(rf"{someone.id} +{someone.username} +active +{role} +{below} < {above} ", holders)
    assert re.search(rf"{site.admin.id} .* admin +granted to them +-$", holders, re.MULTILINE)
    assert "the first 1;" in server.cli("permission", "holders", "audit:read", "--limit", "1").stdout
    assert "there is no permission audit:fly" in server.cli("permission", "holders", "audit:fly", code=2).stderr
    assert "audit:read" in server.cli("permission", "list").stdout
    # What is in use stays, and goes once it is not.
    assert "carries this role" in server.cli("role", "delete", role, code=1).stderr
    assert "1 members" in server.cli("group", "delete", below, code=1).stderr
    (member,) = server.json("group", "list-members", below)
    assert member["user"]["id"] == someone.id
    assert someone.username in server.cli("group", "list-members", below).stdout
    server.cli("group", "remove-member", below, someone.id)
    assert server.cli("group", "list-members", below).stdout == f"Nobody is in {below}.\n"
    server.cli("group", "delete", below)
    server.cli("group", "set-roles", above)
    renamed = server.json("group", "update", above, "--name", f"{above}-old", "--description", "Was above.")
    assert (renamed["name"], renamed["description"], renamed["roles"]) == (f"{above}-old", "Was above.", [])
    assert server.cli("group", "delete", f"{above}-old").stdout == f"The group {above}-old is gone.\n"
    changed = server.json("role", "update", role, "--no-permissions", "--second-factor", "required", "--grace-days", "3")
    assert (changed["permissions"], changed["description"]) == ([], "Reads on.")
    assert changed["second_factor"] == {"required": True, "grace_days": 3}
    assert re.search(r"second factor +required after 3 days", server.cli("role", "show", role).stdout)
    server.cli("role", "delete", role)
    assert f"there is no role {role}" in server.cli("role", "show", role, code=1).stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["role", "create", "Upper"], 2, "name must match ^[a-z]"),
        (["role", "create", "odd", "--permission", "no:such"], 2, "there is no permission no:such; there are users:read"),
        (["role", "create", "admin"], 1, "There is a role of this name."),
        (["role", "update", "manager", "--description", "x"], 1, "Of built-in roles only"),
        (["role", "update", "manager"], 2, "nothing to change"),
        (["role", "delete", "nobody"], 1, "there is no role nobody"),
        (["group", "update", "nowhere"], 2, "--name"),
        (["group", "show", "nowhere"], 1, "there is no group nowhere"),
        (["bulk", "start", "suspend", "--dry-run"], 2, "--filter"),
        (["bulk", "start", "suspend", "--filter", "id pr", "--id", NOBODY, "--dry-run"], 2, "cannot be used with"),
        (["bulk", "start", "suspend", "--ids-file", "nowhere.txt"], 1, "opening nowhere.txt"),
        (["bulk", "results", NOBODY], 1, f"there is no run {NOBODY}"),
        (["bulk", "start", "suspend", "--id", NOBODY, "--until", "2099-01-02T03:04:05Z", "--yes"], 2, "does not take --until"),
        (["bulk", "start", "assign-role", "--role", "user", "--id", NOBODY, "--until", "2099-01-02"], 2, "--until must be a time"),
        (
            ["bulk", "start", "assign-role", "--role", "user", "--id", NOBODY, "--until", "2020-01-02T03:04:05Z", "--yes"],
            1,
            "must be a time that is still to come",
        ),
        (["change", "list", "--from", "yesterday"], 2, "--from must be a day or a time, such as 2030-01-02"),
        (["change", "list", "--to", "2026-02-30"], 2, "--to must be a day or a time"),
        (["user", "list", "--sort", "age"], 2, "--sort is one of created_at"),
        (["user", "list", "--fields", "id,age"], 2, "`age` is no member of a user"),
        (["user", "list", "--limit", "0"], 2, "--limit"),
        (["import", "pause", NOBODY], 1, f"there is no import {NOBODY}"),
        (["attributes", "rename", "no_such", "other"], 1, "`no_such` is no property of the schema"),
    ],
)
def test_mistakes_are_explained(server: Usher, words: list[str], code: int, says: str) -> None:
    ended = server.cli(*words, code=code)
    assert says in ended.stderr and not ended.stdout


def test_users_are_listed_in_another_order_with_chosen_columns_and_over_pages(server: Usher, site: Site) -> None:
    mark = unique("row")
    names = [f"{mark}-{number:03}" for number in range(3)]
    for name in reversed(names):
        site.create(username=name)
    asked = ["user", "list", "--q", mark, "--sort", "username"]
    assert [user["username"] for user in server.json(*asked)] == names
    assert [user["username"] for user in server.json(*asked[:-1], "-username")] == names[::-1]
    table = server.cli(*asked, "--fields", "username,created_at,roles", "--limit", "2").stdout.splitlines()
    assert table[0].split() == ["USERNAME", "CREATED_AT", "ROLES"]
    assert re.fullmatch(rf"{names[0]} +{TIME} +user", table[1])
    assert table[3].startswith("(the first 2; more with --limit")
    assert server.json(*asked, "--fields", "username") == [{"username": name} for name in names]
    assert server.cli("user", "list", "--q", unique("nobody")).stdout == "There are no such users.\n"
    # More than one page of the API holds.
    server.cli("user", "list", "--limit", "201", "--fields", "id")


def test_a_run_takes_a_list_of_ids_and_tells_of_each(server: Usher, site: Site, tmp_path: Path) -> None:
    ann, bob = (site.create()["id"] for _ in range(2))
    file = tmp_path / "ids.txt"
    file.write_text(f"{ann}\n\n{bob}\n{NOBODY}\n")
    dry = server.cli("bulk", "start", "suspend", "--ids-file", str(file), "--dry-run").stdout
    assert re.search(r"^users +3$", dry, re.MULTILINE) and "1 not_found: There is no such user." in dry
    assert site.admin.api.get(f"/v1/users/{ann}", expect=200).json()["status"] != "suspended"
    run = server.json("bulk", "start", "delete", "--ids-file", "-", "--yes", given=file.read_text())["id"]
    results = {item["user_id"]: item for item in server.json("bulk", "results", run)}
    assert [results[user]["outcome"] for user in (ann, bob, NOBODY)] == ["done", "done", "refused"]
    table = server.cli("bulk", "results", run, "--outcome", "refused").stdout.splitlines()
    assert table[0].split() == ["POSITION", "ID", "USER", "NAME", "OUTCOME", "WHY"]
    assert re.fullmatch(rf"3 +{NOBODY} +- +refused +not_found: There is no such user\.", table[1])
    assert len(table) == 2
    assert server.cli("bulk", "results", run, "--limit", "1").stdout.splitlines()[-1] == "(more: --after 1, or --limit)"
    assert server.cli("bulk", "results", run, "--outcome", "failed").stdout == "There are no such users in this run.\n"
    server.cli("bulk", "start", "restore", "--id", ann, "--id", bob, "--yes")
    file.write_text(f"{ann}\nann\n")
    wrong = server.cli("bulk", "start", "suspend", "--ids-file", str(file), "--yes", code=2).stderr
    assert f"line 2 of {file} is no id of a user: ann" in wrong
