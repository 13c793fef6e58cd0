"""Groups, grants that end, and who may do what through what (R-203, R-204)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from harness.canary import unique
from harness.client import Session, problem, refused
from harness.people import Site
from harness.server import Usher
from harness.waiting import at_once, until

NOBODY = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"


@pytest.fixture
def make_role(admin: Session) -> Callable[..., str]:
    """Makes a role with these permissions and returns its name."""

    def make(*permissions: str) -> str:
        return admin.post("/v1/roles", json={"name": unique("role"), "permissions": list(permissions)}, expect=201).json()["name"]

    return make


@pytest.fixture
def make_group(admin: Session) -> Callable[..., str]:
    """Makes a group that carries these roles and returns its id."""

    def make(*roles: str, parents: tuple[str, ...] = ()) -> str:
        id = admin.post("/v1/groups", json={"name": unique("group")}, expect=201).json()["id"]
        admin.put(f"/v1/groups/{id}/roles", json={"roles": list(roles)}, expect=200)
        admin.put(f"/v1/groups/{id}/parents", json={"parents": list(parents)}, expect=200)
        return id

    return make


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.mark.needs_mail
def test_r204_what_a_group_gives_counts_at_the_next_request_and_is_explained(
    site: Site, admin: Session, make_role: Callable[..., str], make_group: Callable[..., str]
) -> None:
    ann, role = site.person(), make_role("users:read")
    staff = make_group(role)
    team = make_group(parents=(staff,))
    problem(ann.api.get("/v1/users"), 403, "forbidden")
    admin.put(f"/v1/groups/{team}/members/{ann.id}", expect=200)
    ann.api.get("/v1/users", expect=200)
    assert ann.api.get("/v1/me", expect=200).json()["roles"] == ["user"]
    assert ann.api.get("/v1/whoami", expect=200).json()["roles"] == sorted([role, "user"])

    explained = admin.get(f"/v1/users/{ann.id}/permissions?explain=true", expect=200).json()["items"]
    (reason,) = explained
    assert reason["permission"] == "users:read"
    (way,) = reason["through"]
    assert (way["role"], [group["id"] for group in way["groups"]], way["expires_at"]) == (role, [team, staff], None)
    assert admin.get(f"/v1/users/{ann.id}/permissions", expect=200).json() == {"items": [{"permission": "users:read"}]}

    holders, path = [], "/v1/permissions/users:read/holders?limit=1"
    while path:
        page = admin.get(path, expect=200)
        holders += page.json()["items"]
        path = page.links.get("next", {}).get("url")
    assert {holder["user"]["id"]: holder["through"] for holder in holders}[ann.id] == [way]

    admin.put(f"/v1/groups/{team}/parents", json={"parents": []}, expect=200)
    problem(ann.api.get("/v1/users"), 403, "forbidden")


@pytest.mark.needs_mail
def test_a_grant_and_a_membership_end_by_themselves(
    site: Site, admin: Session, make_role: Callable[..., str], make_group: Callable[..., str]
) -> None:
    ann, role = site.person(), make_role("users:read")
    group = make_group(role)
    for path in (f"/v1/users/{ann.id}/roles/{role}", f"/v1/groups/{group}/members/{ann.id}"):
        refused(admin.put(path, json={"expires_at": soon(-1)}), "/expires_at", "in_the_past")
        refused(admin.put(path, json={"expires_at": "tomorrow"}), "/expires_at", "format")
        admin.put(path, json={"expires_at": soon(3)}, expect=200)
        ann.api.get("/v1/users", expect=200)
        until("the grant ends", lambda: ann.api.get("/v1/users").status_code == 403)
        problem(admin.delete(path), 404, "not_found")


def test_groups_are_guarded_as_other_things_are(admin: Session, make_group: Callable[..., str]) -> None:
    group = make_group()
    path = f"/v1/groups/{group}"
    stale = {"If-Match": '"1"'}
    problem(admin.patch(path, json={"name": "x"}, headers=stale), 412, "precondition_failed")
    problem(admin.put(f"{path}/parents", json={"parents": [group]}), 409, "group_circle")
    refused(admin.put(f"{path}/parents", json={"parents": [NOBODY]}), "/parents/0", "unknown_group")
    refused(admin.put(f"{path}/roles", json={"roles": ["no-such-role"]}), "/roles/0", "unknown_role")
    problem(admin.put(f"{path}/members/{NOBODY}", json={}), 404, "not_found")
    below = make_group(parents=(group,))
    problem(admin.delete(path), 409, "group_in_use")
    admin.delete(f"/v1/groups/{below}", expect=204)
    admin.delete(path, expect=204)
    body, key = {"name": unique("group")}, {"Idempotency-Key": unique("key")}
    first = admin.post("/v1/groups", json=body, headers=key, expect=201)
    assert admin.post("/v1/groups", json=body, headers=key, expect=201).json() == first.json()
    problem(admin.post("/v1/groups", json=body), 409, "group_name_taken")


def test_of_nestings_that_close_a_circle_together_one_is_refused(admin: Session, make_group: Callable[..., str]) -> None:
    groups = [make_group() for _ in range(3)]
    around = [
        lambda below=below, above=above: admin.put(f"/v1/groups/{below}/parents", json={"parents": [above]})
        for below, above in zip(groups, groups[1:] + groups[:1], strict=True)
    ]
    answers = at_once(around)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409]


def test_an_operator_looks_after_groups(server: Usher, site: Site) -> None:
    name, user = unique("group"), site.create()
    made = server.json("group", "create", name, "--role", "manager", "--description", "Looks after people.")
    assert (made["name"], made["roles"]) == (name, ["manager"])
    assert made in server.json("group", "list")
    assert name in server.cli("group", "list").stdout
    said = server.cli("group", "add-member", name.upper(), user["username"], "--until", soon(3600)).stdout
    assert said.startswith(f"{user['username']} is in {name} until ")
    (membership,) = site.admin.api.get(f"/v1/users/{user['id']}/groups", expect=200).json()["items"]
    assert membership["group"] == {"id": made["id"], "name": name}
    server.cli("group", "remove-member", made["id"], user["id"], "--reason", "Left")
    assert "is not in" in server.cli("group", "remove-member", name, user["id"], code=1).stderr
    assert "there is no group" in server.cli("group", "add-member", unique("group"), user["id"], code=1).stderr
    assert "--until" in server.cli("group", "add-member", name, user["id"], "--until", "tomorrow", code=2).stderr
