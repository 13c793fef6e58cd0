"""Administration of many: lists that do not shift, runs in bulk through crashes and beside other changes, and the way back. Two
servers on one database with thousands of users."""

import os
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness import database
from harness.canary import unique
from harness.client import Client, faults, problem
from harness.mailbox import Mailbox
from harness.pair import Pair
from harness.people import Person
from harness.programs import program
from harness.seeding import ROOT, seed
from harness.server import Stage, Usher
from harness.waiting import at_once, until

USERS = 3000
# One transaction of a run does so many.
BATCH = 500
# A job whose process has gone is taken by another after half a minute.
TAKEN_OVER_SECONDS = 60
RUN_SECONDS = 180


@pytest.fixture(scope="module")
def pair(stage: Stage, mailbox: Mailbox) -> Iterator[Pair]:
    with Pair(stage, mailbox) as pair:
        assert seed(database.place(pair.first.data_dir), USERS) == USERS
        yield pair


def users(pair: Pair, condition: str) -> set[str]:
    """The ids of those who fit a condition in SQL."""
    return set(pair.sql(f"select u.id from users u where {condition}"))


def pages(api: Client, **query: str) -> list[dict[str, Any]]:
    """Whoever is on the pages, from the first to the last."""
    found = []
    query = {"limit": "200"} | query
    while True:
        page = api.get("/v1/users", params=query, expect=200).json()
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def checksum(pair: Pair) -> str:
    """Of all that makes a user, but for when and how often it was changed."""
    statement = """
        select md5(string_agg(line, chr(10) order by line))
        from (
            select jsonb_build_array(
                to_jsonb(u) - 'version' - 'updated_at' - 'auth_epoch',
                (select jsonb_agg(role_name order by role_name) from user_roles r where r.user_id = u.id),
                (select jsonb_agg(to_jsonb(e) order by e.id) from emails e where e.user_id = u.id)
            )::text as line
            from users u
        ) as lines"""
    return pair.sql(statement)[0]


def versions(pair: Pair) -> dict[str, int]:
    rows = (row.split("|") for row in pair.sql("select id, version from users"))
    return {user: int(version) for user, version in rows}


def events_of(pair: Pair, change: str) -> Counter[str]:
    """How many events of a change set tell of each user."""
    statement = f"""
        select e.subject_id
        from audit_changes c
        join audit_events e on e.id = c.event_id
        where c.change_id = '{change}' and c.event_id <> c.change_id and e.target_kind = 'user'"""
    return Counter(pair.sql(statement))


def outcomes(pair: Pair, run: str) -> dict[str, str]:
    rows = (row.split("|") for row in pair.sql(f"select user_id, outcome from bulk_items where run_id = '{run}'"))
    return dict(rows)


def preview(api: Client, action: str, **members: Any) -> dict[str, Any]:
    return api.post("/v1/bulk", json={"action": action, **members}, expect=201).json()


def begin(api: Client, previewed: dict[str, Any], **members: Any) -> str:
    """Runs what was previewed, and returns its id."""
    run = previewed["id"]
    assert api.post(f"/v1/bulk/{run}/run", json={"token": previewed["token"]}, **members).json()["id"] == run
    return run


def finished(api: Client, run: str, seconds: float = RUN_SECONDS) -> dict[str, Any]:
    """The run when it is over."""

    def over() -> dict[str, Any] | None:
        told = api.get(f"/v1/bulk/{run}", expect=200).json()
        assert told["state"] in ("running", "finished"), told
        return told if told["state"] == "finished" else None

    return until("the run is over", over, seconds=seconds)


def bulk(api: Client, action: str, **members: Any) -> dict[str, Any]:
    """A run, from the preview to its end."""
    return finished(api, begin(api, preview(api, action, **members)))


def undone(api: Client, change: str) -> dict[str, Any]:
    """Undoes a change set of many."""
    told = api.post(f"/v1/changes/{change}/undo", json={}, expect=200).json()
    return finished(api, told["run"]["id"])


@contextmanager
def meanwhile(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """Does something again and again beside the test; fails if it did. The list holds what it returned."""
    told: list[Any] = []
    failures: list[BaseException] = []
    over = threading.Event()

    def go_on() -> None:
        try:
            while not over.is_set():
                told.append(act())
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        until("it has begun", lambda: told or failures)
        yield told
    finally:
        over.set()
        thread.join()
    assert not failures, failures


# The seed


@pytest.mark.skipif(not shutil.which("cargo"), reason="it needs cargo, as whoever seeds does")
def test_the_seed_makes_the_same_users_again(new_server: Callable[..., Usher]) -> None:
    usher = new_server(mail=False)
    place = ("cargo", "xtask", "seed", "--users", "2000")
    everything = "select md5(string_agg(md5(u::text || e::text), '' order by u.id)) from users u join emails e on e.user_id = u.id"

    def run() -> str:
        environment = os.environ | {"USHER_DATA_DIR": str(usher.data_dir)}
        environment.pop("USHER_DATABASE_URL", None)
        ended = subprocess.run(
            place, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def sql(statement: str) -> list[str]:
        return database.sql(usher.data_dir, statement)

    assert "2000 users added, 0 were there already" in run()
    before = sql(everything)
    assert "0 users added, 2000 were there already" in run()
    assert sql(everything) == before
    sql("delete from users where username ~ '[02468]$'")
    told = run()
    assert "1000 users added, 1000 were there already" in told, told
    assert sql(everything) == before
    counts = sql("select status, count(*) from users group by status order by status")
    assert counts == ["active|1920", "deleted|20", "pending|20", "suspended|40"]
    assert sql("select count(*) from user_roles where role_name = 'manager'") == ["40"]
    # What the server says of one.
    found = usher.json("user", "list", "--filter", 'status eq "pending"', "--limit", "1")
    assert found and "2000 of 2000" in told


# Lists


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ('userName sw "maria."', "u.username like 'maria.%'"),
        ('not (userName sw "maria.")', "u.username not like 'maria.%' and u.status <> 'deleted'"),
        ('emails ew "@example.org" and roles eq "manager"',
         "exists (select from emails e where e.user_id = u.id and e.address like '%@example.org') "
         "and exists (select from user_roles r where r.user_id = u.id and r.role_name = 'manager')"),
        ('status eq "suspended" or status eq "deleted"', "u.status in ('suspended', 'deleted')"),
        ('createdAt ge "2023-01-01T00:00:00Z" and createdAt lt "2023-03-01T00:00:00Z"',
         "u.created_at >= '2023-01-01Z' and u.created_at < '2023-03-01Z'"),
        ('lastSignInAt pr and emailVerified eq true and givenName eq "ANNA"',
         "u.last_sign_in_at is not null and u.given_name = 'Anna'"),
        ('lastActiveOn lt "2023-02-01" and secondFactors eq false and groups eq null',
         "greatest((select l.day from last_active_days l where l.user_id = u.id), (u.last_sign_in_at at time zone 'UTC')::date, "
         "(u.created_at at time zone 'UTC')::date) < '2023-02-01' and u.id not in (select user_id from passkeys) "
         "and u.id not in (select user_id from totp_factors where confirmed_at is not null) "
         "and u.id not in (select user_id from group_members)"),
        ('locale eq "PL" and displayName co "ar"', "u.locale = 'pl' and lower(u.display_name) like '%ar%'"),
    ],
)  # fmt: skip
def test_a_filter_finds_and_counts_what_sql_does(pair: Pair, query: str, condition: str) -> None:
    if "u.status" not in condition:
        condition += " and u.status <> 'deleted'"
    wanted = users(pair, condition)
    found = pages(pair.site.admin.api, filter=query, fields="id")
    assert all(list(item) == ["id"] for item in found)
    assert Counter(item["id"] for item in found) == Counter(wanted)
    told = pair.site.admin.api.get("/v1/users", params={"filter": query, "count": "true", "limit": "1"}, expect=200)
    assert told.json()["total"] == {"count": len(wanted), "exact": True}


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "username", "-username"])
@pytest.mark.parametrize("narrow", [{}, {"filter": 'not (status eq "deleted") and locale pr'}], ids=["all", "filter"])
def test_no_page_skips_or_repeats_anybody_while_others_come(pair: Pair, sort: str, narrow: dict[str, str]) -> None:
    wanted = users(pair, "u.status <> 'deleted'" + (" and u.locale is not null" if narrow else ""))
    body = {"locale": "en"} if narrow else {}
    with meanwhile(lambda: pair.site.create(**body)["id"]) as newcomers:
        found = [item["id"] for item in pages(pair.site.admin.api, sort=sort, fields="id", **narrow)]
    counted = Counter(found)
    assert max(counted.values()) == 1
    assert wanted <= set(counted)
    assert set(counted) - wanted <= set(newcomers) | users(pair, "u.status = 'pending'")


# Runs


@pytest.mark.parametrize("goes_on", ["by hand", pytest.param("by itself", marks=pytest.mark.long)])
def test_a_run_that_is_killed_does_everybody_once(pair: Pair, goes_on: str) -> None:
    """And, in the long form, is undone as a whole."""
    admin = pair.site.admin.api
    marker = unique("run")
    for _ in range(5):
        before, had = checksum(pair), versions(pair)
        previewed = preview(admin, "set_attributes", filter="locale pr", attributes={"marker": marker, "level": None})
        assert previewed["total"] > 4 * BATCH and previewed["counts"]["done"] == 0
        run = begin(admin, previewed)
        done = f"select count(*) from bulk_items where run_id = '{run}' and outcome = 'done'"
        until("the first users are done", lambda: int(pair.sql(done)[0]) > 0, seconds=RUN_SECONDS)  # noqa: B023
        for usher in (pair.first, pair.second):
            usher.kill()
        was_done = int(pair.sql(done)[0])
        # A statement of a killed process may be the last to end.
        assert was_done % BATCH == 0 or was_done == previewed["total"]
        for usher in (pair.first, pair.second):
            usher.start()
        if goes_on == "by hand":
            shown = pair.first.json("bulk", "resume", run)
            assert shown["state"] == "finished" and shown["counts"]["done"] == previewed["total"]
        told = finished(admin, run, TAKEN_OVER_SECONDS + RUN_SECONDS)
        assert told["counts"] == {"to_do": 0, "done": previewed["total"], "unchanged": 0, "refused": 0, "failed": 0}
        everybody = set(outcomes(pair, run))
        has = versions(pair)
        assert {user for user in had if has[user] != had[user]} == everybody
        assert all(has[user] == had[user] + 1 for user in everybody)
        assert events_of(pair, run) == Counter(everybody)
        assert checksum(pair) != before
        if goes_on == "by itself":
            back = undone(admin, run)
            assert back["undoes"] == run and back["counts"]["done"] == len(everybody)
            assert checksum(pair) == before
            has = versions(pair)
            assert all(has[user] == had[user] + 2 for user in everybody)
            assert events_of(pair, back["id"]) == Counter(everybody)
        assert "The log is good" in pair.first.cli("audit", "verify").stdout
        if was_done < previewed["total"]:
            return
    raise AssertionError("every run was over before the kill")


@pytest.mark.long
def test_a_run_goes_on_when_the_command_that_did_it_is_killed(pair: Pair) -> None:
    """The servers' job has found the run taken meanwhile, and must not think that it is over."""
    usher = pair.first
    words = ("bulk", "start", "set-attributes", "--filter", "locale pr", "--attributes", '{"left": true}', "--yes")
    command = subprocess.Popen(
        [usher.binary, *words],
        env=usher.environment,
        cwd=usher.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    newest = "select id from bulk_runs where state = 'running' order by created_at desc limit 1"
    run = until("the run begins", lambda: pair.sql(newest), seconds=RUN_SECONDS)[0]
    done = f"select count(*) from bulk_items where run_id = '{run}' and outcome = 'done'"
    until("the first users are done", lambda: int(pair.sql(done)[0]) > 0, seconds=RUN_SECONDS)
    command.kill()
    command.wait()
    told = finished(pair.site.admin.api, run, TAKEN_OVER_SECONDS + RUN_SECONDS)
    assert told["counts"]["done"] == told["total"]
    assert events_of(pair, run) == Counter(set(outcomes(pair, run)))


def test_a_suspension_of_many_is_undone_to_the_last_byte(pair: Pair) -> None:
    admin = pair.site.admin.api
    before = checksum(pair)
    who = 'createdAt lt "2021-05-01T00:00:00Z" and not (roles eq "manager")'
    previewed = preview(admin, "suspend", filter=who, reason="gone")
    wanted = users(
        pair,
        """u.created_at < '2021-05-01Z' and u.status in ('active', 'pending')
        and not exists (select from user_roles r where r.user_id = u.id and r.role_name = 'manager')""",
    )
    told = finished(admin, begin(admin, previewed))
    assert told["counts"]["done"] == len(wanted) and told["counts"]["unchanged"] == told["total"] - len(wanted)
    assert wanted <= users(pair, "u.status = 'suspended'")
    again = preview(admin, "suspend", filter=who)
    assert again["counts"]["to_do"] == 0 and again["counts"]["unchanged"] == told["total"]
    back = undone(admin, told["id"])
    assert back["counts"]["done"] == len(wanted) and back["counts"]["refused"] == 0
    assert checksum(pair) == before
    # What was undone can be undone, and that again.
    assert undone(admin, back["id"])["counts"]["done"] == len(wanted)
    assert wanted <= users(pair, "u.status = 'suspended'")
    assert bulk(admin, "reactivate", filter=who)["counts"]["refused"] == 0


def test_a_run_pauses_and_goes_on(pair: Pair) -> None:
    admin = pair.site.admin.api
    run = begin(admin, preview(admin, "set_attributes", filter="locale pr", attributes={"paused": unique("p")}))
    paused = admin.post(f"/v1/bulk/{run}/pause", expect=(200, 409)).json()
    if paused.get("code"):
        # It was over already, and says so.
        assert paused["code"] == "invalid_state"
        return
    assert paused["state"] == "paused"
    problem(admin.post(f"/v1/bulk/{run}/run", json={"token": unique("no-such-token")}), 409, "invalid_state")
    # The batch that was under way ends; none begins.
    left = until("the last batch ends", lambda: still(pair, run), seconds=RUN_SECONDS)
    assert left == admin.get(f"/v1/bulk/{run}", expect=200).json()["counts"]["to_do"]
    assert admin.post(f"/v1/bulk/{run}/pause", expect=200).json()["state"] == "paused"
    assert "paused" in pair.first.cli("bulk", "show", run).stdout
    assert admin.post(f"/v1/bulk/{run}/resume", expect=200).json()["state"] == "running"
    told = finished(admin, run)
    assert told["counts"]["done"] == told["total"]
    assert events_of(pair, run) == Counter(set(outcomes(pair, run)))
    problem(admin.post(f"/v1/bulk/{run}/pause"), 409, "invalid_state")


def still(pair: Pair, run: str) -> int | None:
    """How many are to be done, once nobody holds the run."""
    free = pair.sql(f"select id from bulk_runs where id = '{run}' for update skip locked")
    left = pair.sql(f"select count(*) from bulk_items where run_id = '{run}' and outcome is null")
    return int(left[0]) if free else None


def test_a_run_beside_edits_and_newcomers_loses_neither(pair: Pair) -> None:
    admin = pair.site.admin.api
    marker = unique("race")
    # More than one batch.
    who = 'roles eq "user" and createdAt lt "2022-03-01T00:00:00Z" and not (status eq "deleted")'
    victims = sorted(users(pair, "u.status = 'active' and u.created_at < '2022-03-01Z'"))
    bios: dict[str, str] = {}
    previewed = preview(admin, "set_attributes", filter=who, attributes={"race": marker})
    numbers = iter(range(10**6))

    def edit() -> None:
        victim = victims[(next(numbers) * 97) % len(victims)]
        bio = unique("bio")
        client = pair.site.admin.api
        client.patch(f"/v1/users/{victim}", json={"bio": bio}, expect=200)
        bios[victim] = bio

    with meanwhile(edit), meanwhile(lambda: pair.site.register().email) as newcomers:
        run = begin(admin, previewed)
        told = finished(admin, run)
    assert told["counts"]["done"] == told["total"] == previewed["total"]
    assert bios and newcomers
    for victim, bio in list(bios.items())[:50]:
        read = pair.site.read(victim)
        assert read["bio"] == bio and read["attributes"]["race"] == marker
    assert int(pair.sql(f"select count(*) from users where attributes ->> 'race' = '{marker}'")[0]) == told["total"]
    assert events_of(pair, run) == Counter(set(outcomes(pair, run)))
    # Undoing leaves alone what the edits wrote.
    assert undone(admin, run)["counts"]["refused"] == 0
    read = pair.site.read(next(iter(bios)))
    assert read["bio"] == bios[read["id"]] and "race" not in read["attributes"]
    assert "The log is good" in pair.first.cli("audit", "verify").stdout


def test_of_two_who_begin_a_run_one_does(pair: Pair) -> None:
    previewed = preview(pair.site.admin.api, "sign_out", filter='userName sw "laura." and not (roles eq "manager")')
    clients = [program(pair.site.admin.api, "users:read", "users:write").api for _ in range(2)]
    body = {"token": previewed["token"]}
    answers = at_once(
        [lambda client=client: client.post(f"/v1/bulk/{previewed['id']}/run", json=body) for client in clients]
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 409], [202, 409])
    told = finished(pair.site.admin.api, previewed["id"])
    assert told["counts"]["done"] == previewed["total"]
    assert events_of(pair, told["id"]) == Counter(set(outcomes(pair, told["id"])))


# Who may


def test_a_manager_acts_on_nobody_who_may_more(pair: Pair) -> None:
    manager = pair.site.person("manager")
    boss = pair.site.person("admin")
    ids = [boss.id, *sorted(users(pair, "u.status = 'active' and u.created_at < '2021-02-01Z'"))[:10]]
    previewed = preview(manager.api, "suspend", ids=ids)
    assert previewed["counts"]["refused"] == 1
    assert [refusal["code"] for refusal in previewed["refusals"]] == ["target_outranks_caller"]
    told = finished(manager.api, begin(manager.api, previewed))
    assert told["counts"] == {"to_do": 0, "done": 10, "unchanged": 0, "refused": 1, "failed": 0}
    refused = manager.api.get(f"/v1/bulk/{told['id']}/items", params={"outcome": "refused"}, expect=200).json()["items"]
    assert [(item["user_id"], item["code"]) for item in refused] == [(boss.id, "target_outranks_caller")]
    assert boss.api.get("/v1/me", expect=200).json()["status"] == "active"
    # By a filter they are not even found.
    assert preview(manager.api, "suspend", filter=f'userName eq "{boss.username}"')["total"] == 0
    # Nor may a manager give what they lack.
    problem(manager.api.post("/v1/bulk", json={"action": "assign_role", "role": "admin", "ids": ids}), 403, "forbidden")
    helper = program(pair.site.admin.api, "users:read", "users:write", "roles:assign")
    answer = helper.api.post("/v1/bulk", json={"action": "assign_role", "role": "admin", "ids": ids})
    problem(answer, 403, "grant_exceeds_caller")
    # What a manager did, an administrator undoes; an ordinary user sees none of it.
    small = pair.site.admin.api.post(f"/v1/changes/{told['id']}/undo", json={}, expect=200).json()
    assert small["undone"] == 10 and not small["conflicts"]
    user = pair.site.person()
    for path in (f"/v1/bulk/{told['id']}", f"/v1/changes/{told['id']}", "/v1/changes", f"/v1/users/{boss.id}/history"):
        problem(user.api.get(path), 403, "forbidden")


def test_a_run_ends_with_the_rights_of_whoever_began_it(pair: Pair) -> None:
    manager: Person = pair.site.person("manager")
    previewed = preview(manager.api, "set_attributes", filter="locale pr", attributes={"fired": True})
    run = begin(manager.api, previewed)
    pair.site.admin.api.post(f"/v1/users/{manager.id}/suspend", json={"reason": "fired"}, expect=200)
    path = f"/v1/bulk/{run}"

    def over() -> dict[str, Any] | None:
        told = pair.site.admin.api.get(path, expect=200).json()
        return told if told["state"] != "running" else None

    told = until("the run ends", over, seconds=RUN_SECONDS)
    marked = int(pair.sql("select count(*) from users where attributes ? 'fired'")[0])
    assert marked == told["counts"]["done"]
    if told["state"] == "failed":
        assert told["error"] and told["counts"]["to_do"] > 0
    else:
        assert told["counts"]["to_do"] == 0


# The command line, and one user


def test_the_command_line_shows_asks_and_does(pair: Pair) -> None:
    usher = pair.first
    who = ("--filter", 'userName sw "thomas."')
    before = checksum(pair)
    shown = usher.cli("bulk", "start", "suspend", *who, "--dry-run").stdout
    total = len(users(pair, "u.username like 'thomas.%' and u.status <> 'deleted'"))
    assert re.search(rf"^users +{total}$", shown, re.M), shown
    assert "nothing was done" in shown
    refusing = usher.cli("bulk", "start", "reactivate", "--filter", 'status eq "pending"', "--dry-run").stdout
    assert re.search(r"^ +\d+ invalid_state: ", refusing, re.M), refusing
    assert usher.cli("bulk", "start", "suspend", *who, "--json", code=2).stdout == ""
    assert checksum(pair) == before and not any(run["reason"] == "cli" for run in usher.json("bulk", "list"))
    refused = usher.cli("bulk", "start", "suspend", *who, code=None)
    assert refused.returncode != 0 and "--yes" in refused.stderr
    assert checksum(pair) == before
    told = usher.json("bulk", "start", "suspend", *who, "--yes", "--reason", "by night")
    assert told["state"] == "finished" and told["counts"]["done"] > 0
    listed = usher.cli("bulk", "list").stdout
    assert told["id"] in listed and "by night" in listed
    head = usher.json("change", "list", "--limit", "1")[0]
    assert head["id"] == told["id"] and head["reason"] == "by night"
    assert '"suspended"' in usher.cli("change", "show", told["id"]).stdout
    assert "Nothing was done" in usher.cli("change", "undo", told["id"], "--dry-run").stdout
    assert checksum(pair) != before
    usher.cli("change", "undo", told["id"], "--reason", "by day")
    assert checksum(pair) == before
    assert usher.json("change", "list", "--action", "change.undone", "--limit", "1")[0]["reason"] == "by day"


def test_the_command_line_says_what_to_mend(pair: Pair) -> None:
    usher = pair.first
    for words, sentence in [
        (("suspend", "--filter", 'name eq "x'), "column"),
        (("suspend", "--filter", 'shoeSize eq "44"'), "no attribute of users"),
        (("assign-role", "--filter", "id pr"), "role"),
        (("assign-role", "--filter", "id pr", "--role", "emperor"), "no role of this name"),
        (("set-attributes", "--filter", "id pr", "--attributes", "[1]"), "JSON object"),
        (("suspend", "--filter", "id pr", "--role", "user"), "role"),
    ]:
        ended = usher.cli("bulk", "start", *words, "--yes", code=None)
        assert ended.returncode != 0 and sentence in ended.stderr, (words, ended.stderr)
    nobody = "00000000-0000-7000-8000-000000000000"
    for words in (
        ("bulk", "show", nobody),
        ("bulk", "pause", nobody),
        ("change", "show", nobody),
        ("change", "undo", nobody),
    ):
        assert usher.cli(*words, code=None).returncode != 0


def test_history_tells_what_was_and_as_of_shows_it(pair: Pair) -> None:
    admin = pair.site.admin.api
    made = pair.site.create(display_name="First", attributes={"department": "Sales"})
    path = f"/v1/users/{made['id']}"
    admin.patch(path, json={"display_name": "Second"}, headers={"X-Reason": "married"}, expect=200)
    bulk(admin, "set_attributes", ids=[made["id"]], attributes={"department": "Legal"})
    bulk(admin, "assign_role", ids=[made["id"]], role="manager")
    items = admin.get(f"{path}/history", expect=200).json()["items"]
    assert [item["action"] for item in items] == ["user.roles_set", "user.updated", "user.updated", "user.created"]
    assert items[2]["reason"] == "married"
    assert items[2]["changes"]["display_name"] == {"before": "First", "after": "Second"}
    states = [admin.get(path, params={"as_of": item["occurred_at"]}, expect=200).json() for item in reversed(items)]
    told = [(state["display_name"], state["attributes"]["department"], state["roles"]) for state in states]
    assert told == [
        ("First", "Sales", ["user"]),
        ("Second", "Sales", ["user"]),
        ("Second", "Legal", ["user"]),
        ("Second", "Legal", ["manager", "user"]),
    ]
    # Before there was anybody, there was nobody.
    problem(admin.get(path, params={"as_of": "2020-01-01T00:00:00Z"}), 404, "not_found")
    assert "as_of" in faults(admin.get(path, params={"as_of": "yesterday"}), "parameter")


def test_undo_overwrites_nothing_that_came_later(pair: Pair) -> None:
    admin = pair.site.admin.api
    made = [pair.site.create(attributes={"department": "Sales"}) for _ in range(3)]
    ids = [user["id"] for user in made]
    run = bulk(admin, "set_attributes", ids=ids, attributes={"department": "Legal"})["id"]
    admin.patch(f"/v1/users/{ids[0]}", json={"attributes": {"department": "Research"}}, expect=200)
    path = f"/v1/changes/{run}/undo"
    problem(admin.post(path, json={}), 409, "undo_conflict")
    assert admin.post(path, json={"dry_run": True}, expect=200).json()["undone"] == 2
    shown = pair.first.cli("change", "undo", run, code=None)
    assert shown.returncode != 0 and "attributes.department" in shown.stdout and "--skip-conflicts" in shown.stderr
    assert [pair.site.read(one)["attributes"]["department"] for one in ids] == ["Research", "Legal", "Legal"]
    pair.first.cli("change", "undo", run, "--skip-conflicts")
    assert [pair.site.read(one)["attributes"]["department"] for one in ids] == ["Research", "Sales", "Sales"]
