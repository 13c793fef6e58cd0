"""Service accounts: programs that act in their own name, hold permissions of their own, and are known by their API keys."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from harness import operations
from harness.canary import new_address, unique
from harness.client import Client, Session, faults, problem, refused
from harness.people import Person, Site
from harness.programs import ACCOUNTS, OWN_KEYS, keys_of, listed, program, service_account
from harness.server import Usher
from harness.waiting import at_once, until

MEMBERS = {"id", "name", "description", "status", "permissions", "version", "created_at", "updated_at"}


def place(account: dict[str, Any]) -> str:
    return f"{ACCOUNTS}/{account['id']}"


def events(site: Site, **query: str) -> list[dict[str, Any]]:
    return site.admin.api.get("/v1/audit-events", params={"limit": "200", **query}, expect=200).json()["items"]


@pytest.fixture
def keeper(site: Site, person: Callable[..., Person]) -> Session:
    """Somebody who looks after service accounts and reads users, and holds nothing else."""
    permissions = ["service_accounts:read", "service_accounts:write", "users:read"]
    body = {"name": unique("keeper"), "description": "", "permissions": permissions}
    return person(site.admin.api.post("/v1/roles", json=body, expect=201).json()["name"]).api


# Administration


def test_an_account_is_made_changed_and_deleted(admin: Session) -> None:
    body = {"name": unique("robot"), "description": "Counts people.", "permissions": ["users:read"]}
    answer = admin.post(ACCOUNTS, json=body, expect=201)
    created = answer.json()
    assert set(created) == MEMBERS
    assert {name: created[name] for name in body} == body and created["status"] == "active"
    path = place(created)
    assert answer.headers["location"].endswith(path)
    read = admin.get(path, expect=200)
    assert read.json() == created
    assert read.headers["etag"] == answer.headers["etag"] == f'"{created["version"]}"'

    tag = {"If-Match": read.headers["etag"]}
    changed = admin.patch(path, json={"description": "Counts."}, headers=tag, expect=200)
    assert changed.json()["version"] > created["version"]
    stays = {**created, "description": "Counts.", "version": changed.json()["version"]}
    assert changed.json() == {**stays, "updated_at": changed.json()["updated_at"]}
    problem(admin.patch(path, json={"description": "x"}, headers=tag), 412, "precondition_failed")
    wanted = {"name": unique("robot"), "permissions": []}
    again = admin.patch(path, json=wanted, headers={"If-Match": changed.headers["etag"]}, expect=200).json()
    assert {name: again[name] for name in wanted} == wanted and again["description"] == "Counts."
    assert admin.delete(path, expect=204).content == b""
    for gone in (admin.get(path), admin.patch(path, json={}), admin.delete(path), admin.post(f"{path}/suspend")):
        problem(gone, 404, "not_found")


def test_r281_making_an_account_can_be_repeated(admin: Session) -> None:
    body, key = {"name": unique("robot"), "permissions": []}, {"Idempotency-Key": unique("key")}
    first = admin.post(ACCOUNTS, json=body, headers=key, expect=201)
    again = admin.post(ACCOUNTS, json=body, headers=key, expect=201)
    assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
    problem(admin.post(ACCOUNTS, json={**body, "name": unique("robot")}, headers=key), 422, "idempotency_key_reused")


def test_a_taken_name_is_a_conflict(admin: Session) -> None:
    taken, other = service_account(admin), service_account(admin)
    body = {"name": taken["name"], "permissions": []}
    problem(admin.post(ACCOUNTS, json=body), 409, "service_account_name_taken")
    problem(admin.patch(place(other), json={"name": taken["name"]}), 409, "service_account_name_taken")
    admin.patch(place(taken), json={"name": taken["name"]}, expect=200)
    admin.delete(place(taken), expect=204)
    admin.post(ACCOUNTS, json=body, expect=201)


def test_of_many_who_want_a_name_at_once_one_gets_it(admin: Session) -> None:
    body = {"name": unique("robot"), "permissions": []}
    statuses = at_once([lambda: admin.post(ACCOUNTS, json=body).status_code] * 6)
    assert sorted(statuses) == [201] + [409] * 5


@pytest.mark.parametrize("name", ["", "Upper", "1digit", "with space", "a" * 64, "a/b", "é", "-dash", "a\n", None, 5])
def test_a_bad_name_is_refused(admin: Session, name: object) -> None:
    refused(admin.post(ACCOUNTS, json={"name": name, "permissions": []}), "/name")
    refused(admin.patch(place(service_account(admin)), json={"name": name}), "/name")


@pytest.mark.parametrize("permissions", ["users:read", ["users:everything"], [5], None, {"0": "users:read"}])
def test_only_known_permissions_can_be_held(admin: Session, permissions: object) -> None:
    for answer in (
        admin.post(ACCOUNTS, json={"name": unique("robot"), "permissions": permissions}),
        admin.patch(place(service_account(admin)), json={"permissions": permissions}),
    ):
        problem(answer, 422, "invalid_body")
        assert any(pointer.startswith("/permissions") for pointer in faults(answer))


@pytest.mark.parametrize("member", ["id", "status", "version", "created_at", "updated_at", "key", "roles", "nonsense"])
def test_r202_an_account_takes_no_read_only_member(admin: Session, member: str) -> None:
    body = {"name": unique("robot"), "permissions": [], member: "x"}
    refused(admin.post(ACCOUNTS, json=body), f"/{member}", "unknown_field")
    refused(admin.patch(place(service_account(admin)), json={member: "x"}), f"/{member}", "unknown_field")


def pages(api: Client, **query: str) -> Iterator[dict[str, Any]]:
    while True:
        page = api.get(ACCOUNTS, params=query, expect=200).json()
        yield from page["items"]
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def test_the_list_has_everyone_once(admin: Session) -> None:
    made = [service_account(admin) for _ in range(3)]
    found = [one["id"] for one in pages(admin, limit="2")]
    assert {one["id"] for one in made} <= set(found)
    assert len(set(found)) == len(found)
    assert all(one in list(pages(admin, limit="200")) for one in made)
    problem(admin.get(ACCOUNTS, params={"limit": "0"}), 422, "invalid_query")


# Keys


def test_a_key_acts_for_its_account(site: Site, admin: Session) -> None:
    account = service_account(admin, "users:read", "users:write")
    made = program(admin, keys=keys_of(account))
    assert set(made.told["permissions"]) == {"users:read", "users:write"}
    me = made.whoami()
    assert me.pop("credential") == {"kind": "api_key", "id": made.id, "expires_at": made.told["expires_at"]}
    assert set(me.pop("permissions")) == {"users:read", "users:write"}
    known = {"kind": "service_account", "id": account["id"], "name": account["name"]}
    assert me == {**known, "email": None, "roles": []}
    created = site.create(made.api)
    made.api.get(f"/v1/users/{created['id']}", expect=200)
    problem(made.api.delete(f"/v1/users/{created['id']}"), 403, "forbidden")
    problem(made.api.get(f"/v1/users/{site.admin.id}"), 403, "target_outranks_caller")
    for path in ("/v1/me", "/v1/me/sessions", OWN_KEYS):
        problem(made.api.get(path), 403, "session_required")


def test_a_key_of_an_account_is_made_seen_and_ended(admin: Session) -> None:
    account, other = service_account(admin, "users:read", "roles:read"), service_account(admin)
    path, body = keys_of(account), {"name": "x", "permissions": ["users:read"]}
    answer = admin.post(path, json=body, expect=201)
    assert answer.headers["location"].endswith(f"{path}/{answer.json()['id']}")
    assert answer.headers["cache-control"] == "no-store"
    made, kept = program(admin, "roles:read", keys=path), program(admin, keys=path)
    assert listed(admin, path)[:2] == [kept.known, made.known] and len(listed(admin, path)) == 3
    assert made.secret.removeprefix(made.told["prefix"]) not in admin.get(path, expect=200).text
    problem(made.api.get("/v1/users"), 403, "forbidden")
    made.api.get("/v1/roles", expect=200)
    for key_id in (made.id, operations.NOBODY):
        problem(admin.delete(f"{keys_of(other)}/{key_id}"), 404, "not_found")
        problem(admin.delete(f"{OWN_KEYS}/{key_id}"), 404, "not_found")
    made.whoami()
    admin.delete(f"{path}/{made.id}", expect=204)
    made.is_refused()
    problem(admin.delete(f"{path}/{made.id}"), 404, "not_found")
    kept.whoami()


def test_a_key_holds_no_more_than_its_account(admin: Session) -> None:
    account = service_account(admin, "users:read")
    body = {"name": "x", "permissions": ["users:read", "roles:read"]}
    problem(admin.post(keys_of(account), json=body), 403, "grant_exceeds_holder")
    assert listed(admin, keys_of(account)) == []


def test_r204_a_key_loses_at_the_next_request_what_its_account_loses(admin: Session) -> None:
    account = service_account(admin, "users:read", "roles:read")
    made = program(admin, keys=keys_of(account))
    admin.patch(place(account), json={"permissions": ["roles:read", "audit:read"]}, expect=200)
    problem(made.api.get("/v1/users"), 403, "forbidden")
    made.api.get("/v1/roles", expect=200)
    problem(made.api.get("/v1/audit-events"), 403, "forbidden")
    assert made.whoami()["permissions"] == ["roles:read"]
    admin.patch(place(account), json={"permissions": ["users:read"]}, expect=200)
    made.api.get("/v1/users", expect=200)


def test_r103_keys_of_a_suspended_account_rest(admin: Session) -> None:
    account = service_account(admin, "users:read")
    made, revoked = (program(admin, keys=keys_of(account)) for _ in range(2))
    for _ in range(2):
        assert admin.post(f"{place(account)}/suspend", expect=200).json()["status"] == "suspended"
        made.is_refused()
    problem(made.api.get("/v1/users"), 401, "unauthorized")
    admin.delete(f"{keys_of(account)}/{revoked.id}", expect=204)
    for _ in range(2):
        assert admin.post(f"{place(account)}/reactivate", expect=200).json()["status"] == "active"
        made.api.get("/v1/users", expect=200)
    revoked.is_refused()


def test_r103_keys_of_a_deleted_account_end(admin: Session) -> None:
    account = service_account(admin, "users:read")
    made = program(admin, keys=keys_of(account))
    admin.delete(place(account), expect=204)
    made.is_refused()
    service_account(admin, "users:read", name=account["name"])
    made.is_refused()
    problem(admin.get(keys_of(account)), 404, "not_found")


def test_the_last_use_of_an_accounts_key_is_noted(admin: Session) -> None:
    path = keys_of(service_account(admin))
    made = program(admin, keys=path)
    assert made.told["last_used_at"] is None
    made.whoami()
    until("the use is noted", lambda: listed(admin, path)[0]["last_used_at"])


def test_r281_the_same_request_for_two_accounts_makes_a_key_of_each(admin: Session) -> None:
    header = {"Idempotency-Key": unique("key")}
    for account in (service_account(admin, "users:read"), service_account(admin, "roles:read")):
        first = admin.post(keys_of(account), json={"name": "x"}, headers=header, expect=201).json()
        assert first["permissions"] == account["permissions"], "it is the key of this account"
        again = admin.post(keys_of(account), json={"name": "x"}, headers=header, expect=201).json()
        assert again == first
        assert [one["id"] for one in listed(admin, keys_of(account))] == [first["id"]]


# Rank


def is_out_of_rank(answers: list[httpx.Response]) -> None:
    for answer in answers:
        problem(answer, 403, "target_outranks_caller")


def every_change(api: Client, account: dict[str, Any], key_id: str) -> list[httpx.Response]:
    """What could be done about an account and its keys."""
    path = place(account)
    return [
        api.patch(path, json={"description": "x"}),
        api.patch(path, json={"permissions": []}),
        api.post(f"{path}/suspend"),
        api.post(f"{path}/reactivate"),
        api.post(keys_of(account), json={"name": "x"}),
        api.post(keys_of(account), json={"name": "x", "permissions": ["users:read"]}),
        api.delete(f"{keys_of(account)}/{key_id}"),
        api.delete(path),
    ]


def test_r203_nobody_makes_an_account_that_exceeds_them(keeper: Session) -> None:
    body = {"name": unique("robot"), "permissions": ["users:read", "users:delete"]}
    problem(keeper.post(ACCOUNTS, json=body), 403, "grant_exceeds_caller")
    account = service_account(keeper, "users:read", name=body["name"])
    problem(keeper.patch(place(account), json={"permissions": ["audit:read"]}), 403, "grant_exceeds_caller")
    assert keeper.get(place(account), expect=200).json() == account


def test_r203_nobody_acts_on_an_account_that_outranks_them(admin: Session, keeper: Session) -> None:
    strong = service_account(admin, "users:read", "users:delete")
    made = program(admin, keys=keys_of(strong))
    is_out_of_rank(every_change(keeper, strong, made.id))
    assert admin.get(place(strong), expect=200).json() == strong
    assert len(listed(admin, keys_of(strong))) == 1
    made.whoami()


def test_r203_a_narrow_key_makes_no_wider_one(site: Site, person: Callable[..., Person]) -> None:
    """Whoever steals a key that looks after service accounts does not get beyond it."""
    boss, permissions = person("admin"), ("service_accounts:read", "service_accounts:write")
    account = service_account(site.admin.api, *permissions, "users:read")
    strong = service_account(site.admin.api, "users:delete")
    key_of_strong = program(site.admin.api, keys=keys_of(strong))
    for made in (program(boss.api, *permissions), program(site.admin.api, *permissions, keys=keys_of(account))):
        body = {"name": unique("robot"), "permissions": ["users:read"]}
        problem(made.api.post(ACCOUNTS, json=body), 403, "grant_exceeds_caller")
        is_out_of_rank(every_change(made.api, strong, key_of_strong.id))
        is_out_of_rank(every_change(made.api, account, operations.NOBODY))
        weak = service_account(made.api, "service_accounts:read")
        assert program(made.api, keys=keys_of(weak)).whoami()["permissions"] == ["service_accounts:read"]
        answer = made.api.patch(place(weak), json={"permissions": ["users:read"]})
        problem(answer, 403, "grant_exceeds_caller")


def test_r203_a_narrow_key_is_not_given_the_first_answer_of_a_wider_credential(admin: Session) -> None:
    """Idempotency keys are no secrets: whoever repeats a request must be allowed to make it."""
    strong, body, header = service_account(admin, "users:delete"), {"name": "x"}, {"Idempotency-Key": unique("key")}
    admin.post(keys_of(strong), json=body, headers=header, expect=201)
    narrow = program(admin, "service_accounts:read", "service_accounts:write")
    is_out_of_rank([narrow.api.post(keys_of(strong), json=body, headers=header)])


def test_r203_an_account_does_not_take_the_last_administrator_away(new_server: Callable[..., Usher]) -> None:
    usher = new_server()
    boss = Site(usher.base_url).set_up(usher.setup_token())
    held = boss.api.get("/v1/whoami", expect=200).json()["permissions"]
    made = program(boss.api, keys=keys_of(service_account(boss.api, *held)))
    path = f"/v1/users/{boss.id}"
    problem(made.api.put(f"{path}/roles", json={"roles": ["user"]}), 409, "last_admin")
    problem(made.api.post(f"{path}/suspend"), 409, "last_admin")
    problem(made.api.delete(path), 409, "last_admin")
    assert "admin" in boss.api.get("/v1/me", expect=200).json()["roles"]


# What accounts do


def test_r281_idempotency_keys_of_different_accounts_are_different(site: Site, admin: Session) -> None:
    header, body = {"Idempotency-Key": unique("key")}, {"email": new_address()}
    first, second = (
        program(admin, keys=keys_of(service_account(admin, "users:read", "users:write"))) for _ in range(2)
    )
    created = first.api.post("/v1/users", json=body, headers=header, expect=201).json()
    assert first.api.post("/v1/users", json=body, headers=header, expect=201).json() == created
    problem(second.api.post("/v1/users", json=body, headers=header), 409, "email_taken")
    other = second.api.post("/v1/users", json={"email": new_address()}, headers=header, expect=201).json()
    assert other["id"] != created["id"]


def test_r260_the_life_of_an_account_is_written_down(site: Site, admin: Session) -> None:
    account = service_account(admin, "users:read")
    made = program(admin, keys=keys_of(account))
    admin.delete(f"{keys_of(account)}/{made.id}", expect=204)
    admin.patch(place(account), json={"description": "After"}, expect=200)
    admin.post(f"{place(account)}/suspend", expect=200)
    admin.post(f"{place(account)}/reactivate", expect=200)
    admin.delete(place(account), expect=204)
    written = events(site, target_id=account["id"])
    actions = ["deleted", "reactivated", "suspended", "updated", "created"]
    assert [event["action"] for event in written] == [f"service_account.{action}" for action in actions]
    assert {(event["actor_kind"], event["actor_id"]) for event in written} == {("user", site.admin.id)}
    assert {(event["target_kind"], event["api_key_id"]) for event in written} == {("service_account", None)}
    assert written[3]["changes"]["description"] == {"before": "Made by a test.", "after": "After"}
    of_key = events(site, target_id=made.id)
    assert [event["action"] for event in of_key] == ["api_key.revoked", "api_key.created"]
    assert made.secret.removeprefix(made.told["prefix"]) not in str(written + of_key)


def test_r260_what_an_account_did_is_written_down_and_stays(site: Site, admin: Session) -> None:
    account = service_account(admin, "users:read", "users:write")
    made = program(admin, keys=keys_of(account))
    created = site.create(made.api)
    problem(made.api.get("/v1/roles"), 403, "forbidden")
    admin.delete(place(account), expect=204)
    (event,) = events(site, target_id=created["id"])
    assert event["action"] == "user.created"
    assert (event["actor_kind"], event["actor_id"]) == ("service_account", account["id"])
    actions = {event["action"] for event in events(site, actor_id=account["id"])}
    assert {"user.created", "permission.denied"} <= actions
