"""Roles and who holds them: nobody grants more than they hold, and an administrator always remains (R-203)."""

from collections.abc import Callable, Iterator

import pytest

from harness.canary import unique
from harness.client import Bearer, Client, Session, faults, problem, refused
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Stage
from harness.waiting import at_once

PERMISSIONS = {
    "users:read",
    "users:write",
    "users:delete",
    "users:purge",
    "roles:read",
    "roles:write",
    "roles:assign",
    "audit:read",
    "service_accounts:read",
    "service_accounts:write",
    "signins:read",
    "attributes:write",
    "analytics:read",
    "inactivity:read",
    "inactivity:write",
    "second_factors:reset",
    "invitations:read",
    "invitations:write",
    "system:read",
    "system:write",
}
MANAGER = {"users:read", "users:write", "roles:read", "invitations:read", "invitations:write"}
BUILT_IN = {"admin": PERMISSIONS, "manager": MANAGER, "user": set()}


def role_body(*permissions: str, **members: object) -> dict[str, object]:
    return {"name": unique("role"), "description": "Made by a test.", "permissions": list(permissions), **members}


@pytest.fixture
def make_role(admin: Session) -> Callable[..., str]:
    """Makes a role with these permissions and returns its name."""

    def make(*permissions: str) -> str:
        return admin.post("/v1/roles", json=role_body(*permissions), expect=201).json()["name"]

    return make


# Roles


def test_the_built_in_roles_hold_what_they_should(admin: Session) -> None:
    items = admin.get("/v1/roles", expect=200).json()["items"]
    built_in = {role["name"]: role for role in items if role["built_in"]}
    assert {name: set(role["permissions"]) for name, role in built_in.items()} == BUILT_IN
    for role in built_in.values():
        about = {"name", "description", "permissions", "built_in", "second_factor", "version", "created_at", "updated_at"}
        assert set(role) == about
        assert role["description"]


def test_every_permission_is_described(admin: Session) -> None:
    items = admin.get("/v1/permissions", expect=200).json()["items"]
    assert {item["name"] for item in items} == PERMISSIONS
    assert all(item["description"] for item in items)


def test_a_role_is_created_changed_and_deleted(admin: Session) -> None:
    body = role_body("users:read")
    created = admin.post("/v1/roles", json=body, expect=201)
    path = f"/v1/roles/{body['name']}"
    assert created.headers["location"].endswith(path)
    assert created.json()["built_in"] is False
    read = admin.get(path, expect=200)
    assert read.json() == created.json()
    assert read.headers["etag"] == created.headers["etag"]

    changed = admin.patch(
        path, json={"permissions": ["users:read", "audit:read"]}, headers={"If-Match": read.headers["etag"]}, expect=200
    )
    assert set(changed.json()["permissions"]) == {"users:read", "audit:read"}
    assert changed.json()["description"] == body["description"]
    stale = {"If-Match": read.headers["etag"]}
    problem(admin.patch(path, json={"description": "x"}, headers=stale), 412, "precondition_failed")
    problem(admin.delete(path, headers=stale), 412, "precondition_failed")
    admin.delete(path, headers={"If-Match": changed.headers["etag"]}, expect=204)
    problem(admin.get(path), 404, "not_found")


def test_r281_creating_a_role_can_be_repeated(admin: Session) -> None:
    body, key = role_body("users:read"), {"Idempotency-Key": unique("key")}
    first = admin.post("/v1/roles", json=body, headers=key, expect=201)
    again = admin.post("/v1/roles", json=body, headers=key, expect=201)
    assert again.json() == first.json() and again.headers["idempotency-replayed"] == "true"
    problem(admin.post("/v1/roles", json=role_body(), headers=key), 422, "idempotency_key_reused")


def test_a_taken_name_is_a_conflict(admin: Session, make_role: Callable[..., str]) -> None:
    for name in (make_role(), "admin"):
        problem(admin.post("/v1/roles", json=role_body(name=name)), 409, "role_name_taken")


@pytest.mark.parametrize("name", ["", "Upper", "1digit", "with space", "a" * 64, "a/b", "é", "-dash"])
def test_a_bad_name_is_refused(admin: Session, name: str) -> None:
    refused(admin.post("/v1/roles", json=role_body(name=name)), "/name")


def test_only_known_permissions_can_be_in_a_role(admin: Session) -> None:
    answer = admin.post("/v1/roles", json=role_body("users:read", "users:everything"))
    problem(answer, 422, "invalid_body")
    assert any(pointer.startswith("/permissions") for pointer in faults(answer))


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_built_in_roles_are_protected(admin: Session, name: str) -> None:
    problem(admin.patch(f"/v1/roles/{name}", json={"description": "x"}), 409, "role_built_in")
    problem(admin.delete(f"/v1/roles/{name}"), 409, "role_built_in")


def test_r202_a_role_takes_no_read_only_member(admin: Session, make_role: Callable[..., str]) -> None:
    refused(admin.post("/v1/roles", json=role_body(built_in=True)), "/built_in", "unknown_field")
    refused(admin.patch(f"/v1/roles/{make_role()}", json={"built_in": True}), "/built_in", "unknown_field")


def test_a_role_that_somebody_holds_stays(site: Site, make_role: Callable[..., str]) -> None:
    name, holder = make_role("users:read"), site.create()
    path = f"/v1/users/{holder['id']}/roles"
    site.admin.api.put(path, json={"roles": ["user", name]}, expect=200)
    problem(site.admin.api.delete(f"/v1/roles/{name}"), 409, "role_in_use")
    site.admin.api.put(path, json={"roles": ["user"]}, expect=200)
    site.admin.api.delete(f"/v1/roles/{name}", expect=204)


def test_r204_a_changed_role_counts_at_the_next_request(
    site: Site, make_role: Callable[..., str], person: Callable[..., Person]
) -> None:
    name = make_role("roles:read")
    token = Bearer(site.base_url, person(name).api.tokens["access_token"])
    problem(token.get("/v1/users"), 403, "forbidden")
    site.admin.api.patch(f"/v1/roles/{name}", json={"permissions": ["users:read"]}, expect=200)
    token.get("/v1/users", expect=200)
    problem(token.get("/v1/roles"), 403, "forbidden")


@pytest.mark.parametrize("name", ["no-such-role", "..", "Admin", "a" * 300])
def test_an_unknown_role_is_not_found(admin: Session, name: str) -> None:
    problem(admin.get(f"/v1/roles/{name.replace('..', '%2e%2e')}"), 404, "not_found")


# Granting


def test_roles_are_replaced_as_a_whole(site: Site, make_role: Callable[..., str]) -> None:
    path = f"/v1/users/{site.create()['id']}/roles"
    own = make_role("users:read")
    given = site.admin.api.put(path, json={"roles": ["manager", own]}, expect=200).json()
    assert {"manager", own} <= set(given["roles"])
    taken = site.admin.api.put(path, json={"roles": ["user"]}, expect=200).json()
    assert taken["roles"] == ["user"]
    assert taken["version"] > given["version"]


@pytest.mark.parametrize("roles", ["admin", ["no-such-role"], [5], [["admin"]], {"0": "admin"}, None, ["user"] * 2000])
def test_bad_lists_of_roles_are_refused(site: Site, roles: object) -> None:
    answer = site.admin.api.put(f"/v1/users/{site.create()['id']}/roles", json={"roles": roles})
    problem(answer, 422, "invalid_body")


def test_a_role_named_twice_is_held_once_or_refused(site: Site) -> None:
    answer = site.admin.api.put(
        f"/v1/users/{site.create()['id']}/roles", json={"roles": ["user", "user"]}, expect=(200, 422)
    )
    assert answer.status_code == 422 or answer.json()["roles"] == ["user"]


def test_a_stale_entity_tag_changes_no_roles(site: Site) -> None:
    created = site.create()
    path = f"/v1/users/{created['id']}"
    stale = site.admin.api.get(path, expect=200).headers["etag"]
    site.admin.api.patch(path, json={"bio": "x"}, expect=200)
    answer = site.admin.api.put(f"{path}/roles", json={"roles": ["manager"]}, headers={"If-Match": stale})
    problem(answer, 412, "precondition_failed")


def test_r203_nobody_grants_more_than_they_hold(
    site: Site, make_role: Callable[..., str], person: Callable[..., Person]
) -> None:
    assigner = person(make_role("users:read", "roles:assign"))
    path = f"/v1/users/{site.create()['id']}/roles"
    for role in ("admin", "manager", make_role("users:delete")):
        problem(assigner.api.put(path, json={"roles": ["user", role]}), 403, "grant_exceeds_caller")
    assigner.api.put(path, json={"roles": ["user", make_role("users:read")]}, expect=200)


def test_r203_nobody_raises_themselves(make_role: Callable[..., str], person: Callable[..., Person]) -> None:
    assigner = person(make_role("users:read", "users:write", "roles:assign"))
    answer = assigner.api.put(f"/v1/users/{assigner.id}/roles", json={"roles": ["admin"]})
    problem(answer, 403, "grant_exceeds_caller")


def test_r203_nobody_demotes_who_outranks_them(
    site: Site, make_role: Callable[..., str], person: Callable[..., Person]
) -> None:
    assigner, boss = person(make_role("users:read", "roles:assign")), person("admin")
    answer = assigner.api.put(f"/v1/users/{boss.id}/roles", json={"roles": ["user"]})
    problem(answer, 403, "target_outranks_caller")
    assert "admin" in site.read(boss.id)["roles"]


def test_r203_nobody_writes_a_role_that_exceeds_them(
    site: Site, make_role: Callable[..., str], person: Callable[..., Person]
) -> None:
    writer = person(make_role("roles:read", "roles:write", "users:read"))
    problem(writer.api.post("/v1/roles", json=role_body("users:delete")), 403, "grant_exceeds_caller")
    own = writer.api.post("/v1/roles", json=role_body("users:read"), expect=201).json()
    raised = writer.api.patch(f"/v1/roles/{own['name']}", json={"permissions": ["users:read", "users:delete"]})
    problem(raised, 403, "grant_exceeds_caller")
    strong = make_role("users:delete")
    weakened = writer.api.patch(f"/v1/roles/{strong}", json={"permissions": []})
    problem(weakened, 403, "grant_exceeds_caller")
    assert site.admin.api.get(f"/v1/roles/{strong}", expect=200).json()["permissions"] == ["users:delete"]


# The last administrator


@pytest.fixture(scope="module")
def small_site(stage: Stage, mailbox: Mailbox) -> Iterator[Site]:
    """A server of this module's own, where the tests know every administrator."""
    usher = stage.usher()
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        yield site
    finally:
        usher.remove()


def removals(api: Client, user_id: str) -> dict[str, Callable[[], object]]:
    """Every way to take an administrator away."""
    path = f"/v1/users/{user_id}"
    return {
        "demoted": lambda: api.put(f"{path}/roles", json={"roles": ["user"]}),
        "suspended": lambda: api.post(f"{path}/suspend"),
        "deleted": lambda: api.delete(path),
    }


@pytest.mark.parametrize("way", ["demoted", "suspended", "deleted"])
def test_r203_the_last_administrator_stays(small_site: Site, way: str) -> None:
    admin = small_site.admin
    problem(removals(admin.api, admin.id)[way](), 409, "last_admin")
    me = admin.api.get("/v1/me", expect=200).json()
    assert "admin" in me["roles"] and me["status"] == "active"


@pytest.mark.parametrize("way", ["demoted", "suspended", "deleted"])
def test_r203_a_suspended_administrator_does_not_count(small_site: Site, way: str) -> None:
    other = small_site.person("admin")
    small_site.admin.api.post(f"/v1/users/{other.id}/suspend", expect=200)
    problem(removals(small_site.admin.api, small_site.admin.id)[way](), 409, "last_admin")
    small_site.grant(other)


@pytest.mark.parametrize("way", ["demoted", "suspended", "deleted"])
def test_r203_two_who_remove_each_other_at_once_do_not_both_succeed(small_site: Site, way: str) -> None:
    """The first administrator takes no part, so it is set aside: it holds the role, but is suspended."""
    keeper = small_site.admin
    for _ in range(3):
        pair = [small_site.person("admin"), small_site.person("admin")]
        pair[0].api.post(f"/v1/users/{keeper.id}/suspend", expect=200)
        answers = at_once([removals(pair[0].api, pair[1].id)[way], removals(pair[1].api, pair[0].id)[way]])
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] in (200, 204) and statuses[1] in (401, 403, 409), statuses
        survivor = pair[0] if answers[0].status_code in (200, 204) else pair[1]
        survivor.api.post(f"/v1/users/{keeper.id}/reactivate", expect=200)
        keeper.api = keeper.sign_in()
        small_site.grant(survivor)


@pytest.mark.parametrize("way", ["demoted", "suspended", "deleted"])
def test_r203_administrators_who_all_leave_at_once_leave_one(small_site: Site, way: str) -> None:
    keeper = small_site.admin
    leaving = [small_site.person("admin") for _ in range(3)]
    leaving[0].api.post(f"/v1/users/{keeper.id}/suspend", expect=200)
    answers = at_once([removals(one.api, one.id)[way] for one in leaving])
    statuses = [answer.status_code for answer in answers]
    assert sum(status in (200, 204) for status in statuses) == 2, statuses
    stays = next(one for one, status in zip(leaving, statuses, strict=True) if status == 409)
    stays.api.post(f"/v1/users/{keeper.id}/reactivate", expect=200)
    keeper.api = keeper.sign_in()
    small_site.grant(stays)
