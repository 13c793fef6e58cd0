"""API keys of people: a program that shows one acts for its owner, and does less than they may.

How keys end is in test_api_key_lives.py, what is no key in test_token_abuse.py.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from harness import operations, tokens
from harness.canary import new_address, new_password, unique
from harness.client import Client, Session, faults, problem, refused
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.programs import OWN_KEYS, keys_of_user, listed, program
from harness.waiting import at_once, until

MEMBERS = {"id", "name", "prefix", "permissions", "created_at", "expires_at", "last_used_at", "last_used_address"}
PREFIX = "ush_key_"


def events(site: Site, **query: str) -> list[dict[str, Any]]:
    return site.admin.api.get("/v1/audit-events", params={"limit": "200", **query}, expect=200).json()["items"]


# Making


def test_a_key_is_made_used_and_ended(anonymous: Client, person: Callable[..., Person]) -> None:
    someone = person()
    answer = someone.api.post(OWN_KEYS, json={"name": "The backup of Monday"}, expect=201)
    told = answer.json()
    assert set(told) == MEMBERS | {"key"}
    assert re.fullmatch(f"{PREFIX}[A-Za-z0-9_-]{{43}}", told["key"])
    assert told["prefix"] == told["key"][: len(PREFIX) + 6]
    assert told["name"] == "The backup of Monday"
    assert told["permissions"] == []
    assert told["last_used_at"] is told["last_used_address"] is None
    path, secret = f"{OWN_KEYS}/{told['id']}", told.pop("key")
    assert answer.headers["location"].endswith(path)
    assert answer.headers["cache-control"] == "no-store"
    assert listed(someone.api) == [told]

    headers = {"Authorization": f"Bearer {secret}"}
    assert anonymous.get("/v1/whoami", headers=headers, expect=200).json()["id"] == someone.id
    assert someone.api.delete(path, expect=204).content == b""
    problem(anonymous.get("/v1/whoami", headers=headers), 401, "unauthorized")
    assert listed(someone.api) == []
    problem(someone.api.delete(path), 404, "not_found")


def test_whoami_tells_who_asks_and_with_what(site: Site, person: Callable[..., Person]) -> None:
    boss = person("admin")
    order = [item["name"] for item in site.admin.api.get("/v1/permissions", expect=200).json()["items"]]
    by_session = boss.api.get("/v1/whoami", expect=200).json()
    session = by_session.pop("credential")
    known = {"kind": "user", "id": boss.id, "name": boss.username, "email": boss.email, "roles": ["admin", "user"]}
    assert by_session == {**known, "permissions": order}
    assert set(session) == {"kind", "id", "expires_at"} and session["kind"] == "session"
    assert session["id"] == tokens.claims_of(boss.api.tokens["access_token"])["sid"]
    assert datetime.fromisoformat(session["expires_at"]) > datetime.now(UTC)

    made = program(boss.api, *reversed(order))
    by_key = made.whoami()
    assert by_key.pop("credential") == {"kind": "api_key", "id": made.id, "expires_at": made.told["expires_at"]}
    assert by_key == by_session


def test_the_list_has_pages_the_newest_first(person: Callable[..., Person]) -> None:
    api = person().api
    made = [program(api).known for _ in range(3)]
    assert listed(api) == made[::-1]
    first = api.get(OWN_KEYS, params={"limit": "2"}, expect=200).json()
    second = api.get(OWN_KEYS, params={"limit": "2", "cursor": first["next"]}, expect=200).json()
    assert first["items"] + second["items"] == made[::-1]
    assert second["next"] is None
    for name, value in (("limit", "0"), ("limit", "201"), ("cursor", "nonsense"), ("sort", "name")):
        answer = api.get(OWN_KEYS, params={name: value})
        problem(answer, 422, "invalid_query")
        assert name in faults(answer, "parameter")


def test_the_owner_is_told_of_a_new_key(mailbox: Mailbox, person: Callable[..., Person]) -> None:
    someone = person()
    mails = len(mailbox.to(someone.email))
    program(someone.api)
    mail = mailbox.wait_for(someone.email, after=mails)
    assert "API key" in mail.subject and "API key" in mail.text
    assert mail.links == [], "told, with nothing to click"


def test_r262_a_key_is_shown_once(site: Site, mailbox: Mailbox, person: Callable[..., Person]) -> None:
    someone = person()
    mails = len(mailbox.to(someone.email))
    made = program(someone.api)
    mail = mailbox.wait_for(someone.email, after=mails)
    seen = [made.whoami(), listed(someone.api), listed(site.admin.api, keys_of_user(someone.id)), mail.text, mail.html]
    someone.api.delete(f"{OWN_KEYS}/{made.id}", expect=204)
    seen += [events(site, actor_id=someone.id), events(site, target_id=made.id)]
    secret = made.secret.removeprefix(made.told["prefix"])
    assert [place for place in seen if secret in str(place)] == []


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "two\nlines", "nul\u0000character", None, 5, ["x"]])
def test_a_name_is_one_line(user: Session, name: object) -> None:
    refused(user.post(OWN_KEYS, json={"name": name}), "/name")


def test_a_name_is_needed_and_may_be_long(person: Callable[..., Person]) -> None:
    api = person().api
    refused(api.post(OWN_KEYS, json={}), "/name")
    for name in ("x" * 100, "Ωμέγα 東京 🌿"):
        assert program(api, name=name).told["name"] == name


def test_r202_a_new_key_takes_no_read_only_member(user: Session) -> None:
    for member in ("id", "key", "prefix", "user_id", "created_at", "last_used_at", "nonsense"):
        refused(user.post(OWN_KEYS, json={"name": "x", member: "x"}), f"/{member}", "unknown_field")


@pytest.mark.parametrize("permissions", ["users:read", ["users:everything"], ["admin"], [5], {"0": "users:read"}, [["x"]]])
def test_only_known_permissions_can_be_in_a_key(user: Session, permissions: object) -> None:
    answer = user.post(OWN_KEYS, json={"name": "x", "permissions": permissions})
    problem(answer, 422, "invalid_body")
    assert any(pointer.startswith("/permissions") for pointer in faults(answer))


def test_r281_making_a_key_can_be_repeated(person: Callable[..., Person]) -> None:
    api, body, header = person().api, {"name": "x"}, {"Idempotency-Key": unique("key")}
    first = api.post(OWN_KEYS, json=body, headers=header, expect=201)
    again = api.post(OWN_KEYS, json=body, headers=header, expect=201)
    assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    problem(api.post(OWN_KEYS, json={"name": "y"}, headers=header), 422, "idempotency_key_reused")
    assert [one["id"] for one in listed(api)] == [first.json()["id"]]


def test_r281_the_same_request_many_times_at_once_makes_one_key(person: Callable[..., Person]) -> None:
    api, header = person().api, {"Idempotency-Key": unique("key")}
    answers = at_once([lambda: api.post(OWN_KEYS, json={"name": "x"}, headers=header)] * 6)
    assert len({answer.json()["key"] for answer in answers if answer.status_code == 201}) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "idempotency_key_in_flight")
    assert len(listed(api)) == 1


# What a key may do


def test_r203_nobody_makes_a_key_that_exceeds_them(user: Session, manager: Session) -> None:
    for api, permissions in ((user, ["users:read"]), (manager, ["users:read", "users:delete"])):
        name = unique("greedy")
        problem(api.post(OWN_KEYS, json={"name": name, "permissions": permissions}), 403, "grant_exceeds_caller")
        assert name not in [one["name"] for one in listed(api)]


def test_a_key_does_what_it_was_made_for_and_no_more(site: Site, person: Callable[..., Person]) -> None:
    owner = person("manager")
    reading, idle = program(owner.api, "users:read"), program(owner.api)
    assert reading.told["permissions"] == reading.whoami()["permissions"] == ["users:read"]
    reading.api.get("/v1/users", expect=200)
    problem(reading.api.post("/v1/users", json={"email": new_address()}), 403, "forbidden")
    problem(reading.api.get("/v1/roles"), 403, "forbidden")
    assert idle.whoami()["permissions"] == []
    problem(idle.api.get("/v1/users"), 403, "forbidden")
    writing = program(owner.api, "users:read", "users:write")
    assert site.create(writing.api)["status"] == "pending"


def test_r204_a_key_loses_at_the_next_request_what_its_owner_loses(site: Site, person: Callable[..., Person]) -> None:
    owner = person("manager")
    made = program(owner.api, "users:read", "roles:read")
    made.api.get("/v1/users", expect=200)
    site.grant(owner)
    problem(made.api.get("/v1/users"), 403, "forbidden")
    assert made.whoami()["permissions"] == []
    site.grant(owner, "admin")
    made.api.get("/v1/users", expect=200)
    problem(made.api.get("/v1/audit-events"), 403, "forbidden")
    assert set(made.whoami()["permissions"]) == {"users:read", "roles:read"}


def test_r203_a_key_counts_for_what_it_may_and_not_for_what_its_owner_may(
    site: Site, person: Callable[..., Person]
) -> None:
    boss, other, created = person("admin"), person("admin"), site.create()
    made = program(boss.api, "users:read", "users:write", "roles:assign", "roles:write")
    path = f"/v1/users/{other.id}"
    for answer in (
        made.api.get(path),
        made.api.post(f"{path}/suspend"),
        made.api.put(f"{path}/roles", json={"roles": ["user"]}),
        made.api.get(keys_of_user(other.id)),
    ):
        problem(answer, 403, "target_outranks_caller")
    for role in ("manager", "admin"):
        answer = made.api.put(f"/v1/users/{created['id']}/roles", json={"roles": ["user", role]})
        problem(answer, 403, "grant_exceeds_caller")
    new_role = {"name": unique("role"), "description": "", "permissions": ["users:delete"]}
    problem(made.api.post("/v1/roles", json=new_role), 403, "grant_exceeds_caller")
    assert made.api.get("/v1/users", params={"q": other.email}, expect=200).json()["items"] == []


def test_a_key_does_nothing_that_needs_a_person(person: Callable[..., Person]) -> None:
    boss = person("admin")
    made = program(boss.api, "users:read", "users:write")
    before = boss.api.get("/v1/me", expect=200).json()
    asked: dict[tuple[str, str], Any] = {
        ("GET", "/v1/me"): None,
        ("PATCH", "/v1/me"): {"bio": "By a program"},
        ("DELETE", "/v1/me"): None,
        ("GET", "/v1/me/data"): None,
        ("PUT", "/v1/me/password"): {"current_password": boss.password, "password": new_password()},
        ("GET", "/v1/me/emails"): None,
        ("POST", "/v1/me/emails"): {"email": new_address()},
        ("GET", "/v1/me/sessions"): None,
        ("POST", "/v1/me/sessions/revoke-others"): None,
        ("POST", "/v1/reauthenticate"): {"password": boss.password},
        ("POST", "/v1/logout"): None,
        ("GET", OWN_KEYS): None,
        ("POST", OWN_KEYS): {"name": "x"},
        ("DELETE", f"{OWN_KEYS}/{made.id}"): None,
    }
    for (method, path), body in asked.items():
        problem(made.api.request(method, path, json=body), 403, "session_required")
    assert boss.api.get("/v1/me", expect=200).json() == before
    assert len(listed(boss.api)) == 1
    boss.sign_in()


# Keys of others


def test_r203_the_keys_of_others_are_out_of_reach(person: Callable[..., Person]) -> None:
    owner, other = person(), person()
    made = program(owner.api)
    for key_id in (made.id, operations.NOBODY):
        problem(other.api.delete(f"{OWN_KEYS}/{key_id}"), 404, "not_found")
    assert listed(other.api) == []
    made.whoami()


def test_administrators_see_and_end_keys(site: Site, manager: Session, person: Callable[..., Person]) -> None:
    owner, other = person(), person()
    made, kept = program(owner.api), program(owner.api)
    path = keys_of_user(owner.id)
    assert listed(manager, path) == [kept.known, made.known]
    problem(manager.delete(f"{keys_of_user(other.id)}/{made.id}"), 404, "not_found")
    made.whoami()
    manager.delete(f"{path}/{made.id}", expect=204)
    made.is_refused()
    problem(manager.delete(f"{path}/{made.id}"), 404, "not_found")
    problem(site.admin.api.get(keys_of_user(operations.NOBODY)), 404, "not_found")
    kept.whoami()


def test_r203_keys_of_who_outranks_the_caller_stay(manager: Session, person: Callable[..., Person]) -> None:
    boss = person("admin")
    made, path = program(boss.api), keys_of_user(boss.id)
    problem(manager.get(path), 403, "target_outranks_caller")
    problem(manager.delete(f"{path}/{made.id}"), 403, "target_outranks_caller")
    made.whoami()


# What is written down


def test_the_last_use_is_noted_once_a_minute(person: Callable[..., Person]) -> None:
    api = person().api
    made, other = program(api), program(api)
    made.whoami()
    used = until("the use is noted", lambda: next((one for one in listed(api) if one["last_used_at"]), None))
    assert used == {**made.known, "last_used_at": used["last_used_at"], "last_used_address": used["last_used_address"]}
    assert used["last_used_address"] and used["last_used_at"] >= used["created_at"]
    made.whoami()
    assert listed(api) == [other.known, used]


def test_r260_the_life_of_a_key_is_written_down(site: Site, person: Callable[..., Person]) -> None:
    owner = person()
    made, other = program(owner.api), program(owner.api)
    owner.api.delete(f"{OWN_KEYS}/{made.id}", expect=204)
    site.admin.api.delete(f"{keys_of_user(owner.id)}/{other.id}", expect=204)
    for one, by in ((made, owner), (other, site.admin)):
        written = events(site, target_id=one.id)
        assert [event["action"] for event in written] == ["api_key.revoked", "api_key.created"]
        assert [event["actor_id"] for event in written] == [by.id, owner.id]
        assert {(event["actor_kind"], event["api_key_id"]) for event in written} == {("user", None)}


def test_r260_what_a_key_did_names_it_and_its_owner(site: Site, person: Callable[..., Person]) -> None:
    owner = person("manager")
    made = program(owner.api, "users:read", "users:write")
    created = site.create(made.api)
    owner.api.patch(f"/v1/users/{created['id']}", json={"bio": "By hand"}, expect=200)
    problem(made.api.get("/v1/audit-events"), 403, "forbidden")
    found = {event["action"]: (event["actor_kind"], event["api_key_id"]) for event in events(site, actor_id=owner.id)}
    assert found["user.created"] == found["permission.denied"] == ("user", made.id)
    assert found["user.updated"] == found["api_key.created"] == ("user", None)
