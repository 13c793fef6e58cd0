"""Administration of users: create, read, change, suspend, delete, restore."""

import uuid
from collections.abc import Callable

import pytest

from harness.canary import new_address, new_password, unique
from harness.client import Bearer, Session, problem, refused
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher
from harness.waiting import at_once

# Creating


def test_a_created_user_is_pending_until_the_mailed_link_sets_a_password(site: Site, mailbox: Mailbox) -> None:
    body = {
        "email": new_address(),
        "username": unique("ann"),
        "given_name": "Ann",
        "attributes": {"plan": {"seats": 3}},
    }
    answer = site.admin.api.post("/v1/users", json=body, expect=201)
    created = answer.json()
    assert created["status"] == "pending"
    assert created["email_verified"] is False
    assert created["roles"] == ["user"]
    assert created["attributes"] == body["attributes"]
    assert answer.headers["location"].endswith(f"/v1/users/{created['id']}")
    assert answer.headers["etag"] == f'"{created["version"]}"'
    assert uuid.UUID(created["id"]).version == 7

    password = new_password()
    token = mailbox.wait_for(body["email"]).token
    site.anonymous.post("/v1/password/reset", json={"token": token, "password": password}, expect=200)
    me = site.enter(body["username"], password)
    assert me.id == created["id"]
    after = site.read(created["id"])
    assert after["status"] == "active" and after["email_verified"] is True


def test_r013_an_administrator_can_not_choose_a_password(admin: Session) -> None:
    body = {"email": new_address(), "password": new_password()}
    refused(admin.post("/v1/users", json=body), "/password", "unknown_field")
    created = admin.post("/v1/users", json={"email": body["email"]}, expect=201).json()
    refused(admin.patch(f"/v1/users/{created['id']}", json={"password": new_password()}), "/password", "unknown_field")


def test_r202_creating_takes_no_read_only_member(admin: Session) -> None:
    for member in ("id", "status", "email_verified", "version", "created_at", "is_admin", "locked_until", "deleted_at"):
        refused(admin.post("/v1/users", json={"email": new_address(), member: None}), f"/{member}", "unknown_field")


def test_a_taken_address_or_username_is_a_conflict(site: Site) -> None:
    first = site.create(username=unique("ann"))
    answer = site.admin.api.post("/v1/users", json={"email": first["email"].upper()})
    problem(answer, 409, "email_taken")
    answer = site.admin.api.post("/v1/users", json={"email": new_address(), "username": first["username"].upper()})
    problem(answer, 409, "username_taken")


def test_of_many_who_create_one_address_at_once_one_succeeds(site: Site) -> None:
    email = new_address()
    statuses = at_once([lambda: site.admin.api.post("/v1/users", json={"email": email}).status_code] * 6)
    assert sorted(statuses) == [201] + [409] * 5


def test_roles_can_be_given_at_once(site: Site) -> None:
    assert sorted(site.create(roles=["user", "manager"])["roles"]) == ["manager", "user"]


@pytest.mark.parametrize("attributes", [[], "text", 5, None])
def test_attributes_are_an_object(admin: Session, attributes: object) -> None:
    refused(admin.post("/v1/users", json={"email": new_address(), "attributes": attributes}), "/attributes")


# Idempotency


def test_r281_a_repeated_request_gets_the_first_answer(admin: Session) -> None:
    body, key = {"email": new_address()}, {"Idempotency-Key": unique("key")}
    first = admin.post("/v1/users", json=body, headers=key, expect=201)
    assert "idempotency-replayed" not in first.headers
    again = admin.post("/v1/users", json=body, headers=key, expect=201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    for header in ("location", "etag", "content-type"):
        assert again.headers[header] == first.headers[header]


def test_r281_the_first_answer_remains_also_after_a_change(site: Site) -> None:
    body, key = {"email": new_address()}, {"Idempotency-Key": unique("key")}
    first = site.admin.api.post("/v1/users", json=body, headers=key, expect=201).json()
    site.admin.api.patch(f"/v1/users/{first['id']}", json={"bio": "later"}, expect=200)
    assert site.admin.api.post("/v1/users", json=body, headers=key, expect=201).json() == first


def test_r281_a_key_with_another_body_is_refused(admin: Session) -> None:
    key = {"Idempotency-Key": unique("key")}
    admin.post("/v1/users", json={"email": new_address()}, headers=key, expect=201)
    problem(admin.post("/v1/users", json={"email": new_address()}, headers=key), 422, "idempotency_key_reused")


def test_r281_a_refused_request_does_not_use_its_key_up(site: Site) -> None:
    key, taken = {"Idempotency-Key": unique("key")}, site.create()["email"]
    problem(site.admin.api.post("/v1/users", json={"email": taken}, headers=key), 409, "email_taken")
    site.admin.api.post("/v1/users", json={"email": new_address()}, headers=key, expect=201)


def test_r281_keys_of_different_callers_are_different(site: Site, manager: Session) -> None:
    key = {"Idempotency-Key": unique("key")}
    first = site.admin.api.post("/v1/users", json={"email": new_address()}, headers=key, expect=201).json()
    second = manager.post("/v1/users", json={"email": new_address()}, headers=key, expect=201).json()
    assert first["id"] != second["id"]


def test_r281_the_same_request_many_times_at_once_creates_once(site: Site) -> None:
    body, key = {"email": new_address()}, {"Idempotency-Key": unique("key")}
    answers = at_once([lambda: site.admin.api.post("/v1/users", json=body, headers=key)] * 6)
    created = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert created and len(set(created)) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "idempotency_key_in_flight")


@pytest.mark.parametrize("key", ["", "a" * 256, "with space"])
def test_a_bad_idempotency_key_is_refused(admin: Session, key: str) -> None:
    answer = admin.post("/v1/users", json={"email": new_address()}, headers={"Idempotency-Key": key})
    body = problem(answer, 400, "malformed_request")
    assert body["errors"][0]["header"].lower() == "idempotency-key"


# Reading and changing


def test_an_entity_tag_names_the_version(site: Site) -> None:
    created = site.create()
    answer = site.admin.api.get(f"/v1/users/{created['id']}", expect=200)
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'


def test_a_change_with_a_stale_entity_tag_is_refused(site: Site) -> None:
    path = f"/v1/users/{site.create()['id']}"
    admin = site.admin.api
    stale = admin.get(path, expect=200).headers["etag"]
    changed = admin.patch(path, json={"display_name": "One"}, headers={"If-Match": stale}, expect=200)
    assert changed.headers["etag"] != stale
    problem(admin.patch(path, json={"display_name": "Two"}, headers={"If-Match": stale}), 412, "precondition_failed")
    problem(admin.delete(path, headers={"If-Match": stale}), 412, "precondition_failed")
    assert admin.get(path, expect=200).json()["display_name"] == "One"
    admin.patch(path, json={"display_name": "Two"}, headers={"If-Match": changed.headers["etag"]}, expect=200)
    admin.patch(path, json={"display_name": "Three"}, headers={"If-Match": "*"}, expect=200)
    admin.patch(path, json={"display_name": "Four"}, expect=200)


def test_one_of_several_entity_tags_is_enough(site: Site) -> None:
    path = f"/v1/users/{site.create()['id']}"
    admin = site.admin.api
    tag = admin.get(path, expect=200).headers["etag"]
    admin.patch(path, json={"bio": "x"}, headers={"If-Match": f'"999", {tag}'}, expect=200)


def test_a_weak_entity_tag_is_none(server: Usher, site: Site) -> None:
    """Nginx takes the mark off, since it puts it on."""
    admin = Bearer(server.base_url, site.admin.api.bearer())
    path = f"/v1/users/{site.create()['id']}"
    tag = admin.get(path, expect=200).headers["etag"]
    problem(admin.patch(path, json={"bio": "x"}, headers={"If-Match": f"W/{tag}"}), 412, "precondition_failed")


def test_a_malformed_entity_tag_is_refused(site: Site) -> None:
    answer = site.admin.api.patch(f"/v1/users/{site.create()['id']}", json={"bio": "x"}, headers={"If-Match": "7"})
    body = problem(answer, 400, "malformed_request")
    assert body["errors"][0]["header"].lower() == "if-match"


def test_changes_at_once_with_one_entity_tag_make_one_change(site: Site) -> None:
    path = f"/v1/users/{site.create()['id']}"
    headers = {"If-Match": site.admin.api.get(path, expect=200).headers["etag"]}
    statuses = at_once([lambda: site.admin.api.patch(path, json={"bio": "x"}, headers=headers).status_code] * 5)
    assert sorted(statuses) == [200, 412, 412, 412, 412]


def test_null_clears_and_attributes_are_merged(site: Site) -> None:
    created = site.create(display_name="Ann", attributes={"keep": 1, "drop": 2, "deep": {"a": 1, "b": 2}})
    patch = {"display_name": None, "attributes": {"drop": None, "add": [1, None], "deep": {"b": None}}}
    changed = site.admin.api.patch(f"/v1/users/{created['id']}", json=patch, expect=200).json()
    assert changed["display_name"] is None
    assert changed["attributes"] == {"keep": 1, "add": [1, None], "deep": {"a": 1}}, "RFC 7396"


@pytest.mark.parametrize(
    "member",
    ["id", "status", "roles", "email_verified", "version", "created_at", "deleted_at", "locked_until", "nonsense"],
)
def test_r202_a_change_of_what_has_its_own_operation_is_refused(site: Site, member: str) -> None:
    created = site.create()
    answer = site.admin.api.patch(f"/v1/users/{created['id']}", json={member: created.get(member, "x")})
    refused(answer, f"/{member}", "unknown_field")


@pytest.mark.parametrize(
    "identifier",
    [
        "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d",
        "nonsense",
        "1",
        "..%2f..",
        "0193e4a17c1e7b529d0c3f1f4a5b6c7d",
        "'",
        "a" * 500,
    ],
)
def test_an_unknown_user_is_not_found(admin: Session, identifier: str) -> None:
    problem(admin.get(f"/v1/users/{identifier}"), 404, "not_found")
    problem(admin.patch(f"/v1/users/{identifier}", json={"bio": "x"}), 404, "not_found")
    problem(admin.post(f"/v1/users/{identifier}/suspend"), 404, "not_found")
    problem(admin.delete(f"/v1/users/{identifier}"), 404, "not_found")


# Suspending


def test_r103_a_suspended_persons_token_is_refused_at_the_next_request(
    site: Site, person: Callable[..., Person]
) -> None:
    someone = person()
    token = Bearer(site.base_url, someone.api.tokens["access_token"])
    suspended = site.admin.api.post(f"/v1/users/{someone.id}/suspend", json={"reason": "a test"}, expect=200)
    assert suspended.json()["status"] == "suspended"
    problem(token.get("/v1/me"), 401, "unauthorized")
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")

    active = site.admin.api.post(f"/v1/users/{someone.id}/reactivate", expect=200).json()
    assert active["status"] == "active"
    someone.sign_in()
    problem(token.get("/v1/me"), 401, "unauthorized")


def test_suspending_and_reactivating_twice_is_as_good_as_once(site: Site, person: Callable[..., Person]) -> None:
    path = f"/v1/users/{person().id}"
    for action, status in (("suspend", "suspended"), ("reactivate", "active")):
        for _ in range(2):
            assert site.admin.api.post(f"{path}/{action}", expect=200).json()["status"] == status


def test_what_is_in_the_bin_can_not_be_suspended_or_changed(site: Site, person: Callable[..., Person]) -> None:
    path, admin = f"/v1/users/{person().id}", site.admin.api
    admin.delete(path, expect=204)
    for answer in (
        admin.post(f"{path}/suspend"),
        admin.post(f"{path}/reactivate"),
        admin.patch(path, json={"bio": "x"}),
        admin.put(f"{path}/roles", json={"roles": ["user"]}),
    ):
        assert answer.status_code in (404, 409), answer.text
    assert admin.post(f"{path}/restore", expect=200).json()["status"] == "active"


def test_reactivating_does_not_verify_a_pending_user(site: Site) -> None:
    created = site.create()
    site.admin.api.post(f"/v1/users/{created['id']}/suspend")
    site.admin.api.post(f"/v1/users/{created['id']}/reactivate")
    after = site.read(created["id"])
    assert after["email_verified"] is False
    assert after["status"] != "active"


def test_a_reason_is_text(site: Site) -> None:
    path = f"/v1/users/{site.create()['id']}/suspend"
    refused(site.admin.api.post(path, json={"reason": ["x"]}), "/reason", "type")
    refused(site.admin.api.post(path, json={"why": "x"}), "/why", "unknown_field")


# Professional status


def test_professional_status_is_given_and_taken(site: Site) -> None:
    created = site.create()
    path = f"/v1/users/{created['id']}/professional"
    given = site.admin.api.put(path, json={"professional": True}, expect=200).json()
    assert given["professional_at"]
    again = site.admin.api.put(path, json={"professional": True}, expect=200).json()
    assert again["professional_at"] == given["professional_at"], "giving it twice keeps the first time"
    taken = site.admin.api.put(path, json={"professional": False}, expect=200).json()
    assert taken["professional_at"] is None
    refused(site.admin.api.put(path, json={"professional": "yes"}), "/professional", "type")


# Deleting


def test_a_deleted_person_can_be_restored(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    admin, path = site.admin.api, f"/v1/users/{someone.id}"
    assert admin.delete(path, expect=204).content == b""
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    problem(
        site.anonymous.post("/v1/refresh", json={"refresh_token": someone.api.refresh_token}),
        401,
        "invalid_refresh_token",
    )
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")

    found = admin.get("/v1/users", params={"status": "deleted", "q": someone.email}, expect=200).json()["items"]
    assert [one["id"] for one in found] == [someone.id]
    assert found[0]["status"] == "deleted" and found[0]["deleted_at"]

    restored = admin.post(f"{path}/restore", expect=200).json()
    assert restored["status"] == "active" and restored["deleted_at"] is None
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    someone.sign_in()


def test_a_restored_user_is_what_they_were(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    admin, path = site.admin.api, f"/v1/users/{someone.id}"
    admin.post(f"{path}/suspend", expect=200)
    admin.delete(path, expect=204)
    assert admin.post(f"{path}/restore", expect=200).json()["status"] == "suspended"


def test_a_deleted_user_keeps_address_and_username(site: Site) -> None:
    created = site.create(username=unique("ann"))
    site.admin.api.delete(f"/v1/users/{created['id']}", expect=204)
    problem(site.admin.api.post("/v1/users", json={"email": created["email"]}), 409, "email_taken")
    body = {"email": new_address(), "username": created["username"]}
    problem(site.admin.api.post("/v1/users", json=body), 409, "username_taken")


def test_deleting_twice_is_as_good_as_once(site: Site) -> None:
    path, admin = f"/v1/users/{site.create()['id']}", site.admin.api
    assert set(at_once([lambda: admin.delete(path).status_code] * 4)) == {204}
    admin.delete(path, expect=204)
    assert admin.post(f"{path}/restore", expect=200).json()["status"] == "pending"


# Managers and administrators


def test_r203_a_manager_looks_after_ordinary_users(site: Site, manager: Session, person: Callable[..., Person]) -> None:
    someone = person()
    path = f"/v1/users/{someone.id}"
    manager.get(path, expect=200)
    manager.patch(path, json={"bio": "By a manager"}, expect=200)
    manager.post(f"{path}/suspend", expect=200)
    manager.post(f"{path}/reactivate", expect=200)
    manager.post(f"{path}/unlock", expect=200)
    manager.put(f"{path}/professional", json={"professional": True}, expect=200)
    problem(manager.delete(path), 403, "forbidden")
    problem(manager.put(f"{path}/roles", json={"roles": ["user"]}), 403, "forbidden")
    problem(manager.post(f"{path}/restore"), 403, "forbidden")


def test_r203_a_manager_does_not_touch_an_administrator(
    site: Site, manager: Session, person: Callable[..., Person]
) -> None:
    boss = person("admin")
    path = f"/v1/users/{boss.id}"
    problem(manager.get(path), 403, "target_outranks_caller")
    problem(manager.patch(path, json={"bio": "x"}), 403, "target_outranks_caller")
    for action in ("suspend", "reactivate", "unlock"):
        problem(manager.post(f"{path}/{action}"), 403, "target_outranks_caller")
    problem(manager.put(f"{path}/professional", json={"professional": True}), 403, "target_outranks_caller")
    assert site.read(boss.id)["status"] == "active"


def test_r203_lists_hide_who_outranks_the_caller(site: Site, manager: Session, person: Callable[..., Person]) -> None:
    marker = unique("rank")
    boss, other = person("admin", display_name=marker), person(display_name=marker)
    seen_by = {
        name: {one["id"] for one in api.get("/v1/users", params={"q": marker}, expect=200).json()["items"]}
        for name, api in (("manager", manager), ("admin", site.admin.api))
    }
    assert seen_by == {"manager": {other.id}, "admin": {other.id, boss.id}}
    assert manager.get("/v1/users", params={"role": "admin"}, expect=200).json()["items"] == []


def test_r203_a_manager_creates_no_administrator(manager: Session) -> None:
    answer = manager.post("/v1/users", json={"email": new_address(), "roles": ["admin"]})
    assert answer.status_code == 403
    assert answer.json()["code"] in ("grant_exceeds_caller", "forbidden")
    assert manager.post("/v1/users", json={"email": new_address()}, expect=201).json()["roles"] == ["user"]
