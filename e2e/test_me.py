"""The signed-in person's own profile."""

import json
from collections.abc import Callable

import pytest

from harness.canary import unique
from harness.client import Client, Session, problem, refused
from harness.people import Person, Site
from harness.waiting import at_once

MEMBERS = {
    "id",
    "username",
    "status",
    "email",
    "email_verified",
    "emails",
    "avatar_url",
    "given_name",
    "family_name",
    "display_name",
    "bio",
    "picture_url",
    "website_url",
    "github_url",
    "linkedin_url",
    "locale",
    "time_zone",
    "professional_at",
    "attributes",
    "roles",
    "locked_until",
    "last_sign_in_at",
    "created_at",
    "updated_at",
    "deleted_at",
    "purge_after",
    "version",
}
READ_ONLY = {
    "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d",
    "status": "active",
    "roles": ["admin"],
    "email": "other@example.org",
    "email_verified": True,
    "emails": [],
    "professional_at": "2026-01-01T00:00:00Z",
    "locked_until": None,
    "last_sign_in_at": None,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "deleted_at": None,
    "purge_after": None,
    "version": 7,
    "password": "kettle zebra lamp 93",
    "is_admin": True,
    "tenant_id": 1,
}


def test_a_person_sees_their_whole_profile(person: Callable[..., Person]) -> None:
    someone = person()
    me = someone.api.get("/v1/me", expect=200).json()
    assert set(me) == MEMBERS
    assert me["id"] == someone.id
    kept = {name: me["emails"][0][name] for name in ("id", "verified_at")}
    assert me["emails"] == [{"address": someone.email, "primary": True, **kept}]
    assert me["emails"][0]["verified_at"]
    assert me["attributes"] == {}
    assert me["deleted_at"] is None and me["locked_until"] is None and me["professional_at"] is None


def test_nobody_sees_a_password(admin: Session) -> None:
    assert "password" not in admin.get("/v1/me", expect=200).text
    assert "argon2" not in admin.get("/v1/me", expect=200).text


def test_the_profile_is_for_those_who_are_signed_in(anonymous: Client) -> None:
    problem(anonymous.get("/v1/me"), 401, "unauthorized")
    problem(anonymous.patch("/v1/me", json={"bio": "x"}), 401, "unauthorized")


def test_a_change_is_kept_and_counted(person: Callable[..., Person]) -> None:
    someone = person()
    before = someone.api.get("/v1/me", expect=200).json()
    changes = {
        "given_name": "Ann",
        "family_name": "O'Hara-Øst",
        "display_name": "Ann <b>&amp; co</b> 🌿",
        "bio": "Gardener.\nSecond line.",
        "picture_url": "https://pictures.example.org/a.png?size=2",
        "website_url": "http://ann.example.org/",
        "github_url": "https://github.com/ann",
        "linkedin_url": "https://www.linkedin.com/in/ann",
        "locale": "de-CH",
        "time_zone": "Europe/Zurich",
        "username": unique("ann"),
    }
    changed = someone.api.patch("/v1/me", json=changes, expect=200).json()
    assert {name: changed[name] for name in changes} == changes
    assert changed["version"] > before["version"]
    assert changed["updated_at"] > before["updated_at"]
    assert someone.api.get("/v1/me", expect=200).json() == changed


def test_null_clears_and_absence_keeps(person: Callable[..., Person]) -> None:
    someone = person(display_name="Ann", given_name="Ann")
    changed = someone.api.patch("/v1/me", json={"display_name": None}, expect=200).json()
    assert changed["display_name"] is None
    assert changed["given_name"] == "Ann"


def test_the_username_can_not_be_cleared(person: Callable[..., Person]) -> None:
    assert person().api.patch("/v1/me", json={"username": None}).status_code == 422


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json; charset=utf-8"])
def test_a_merge_patch_is_taken_under_its_own_name(person: Callable[..., Person], media_type: str) -> None:
    patch = json.dumps({"bio": "As a merge patch"})
    answer = person().api.patch("/v1/me", content=patch, headers={"Content-Type": media_type}, expect=200)
    assert answer.json()["bio"] == "As a merge patch"


@pytest.mark.parametrize("member", list(READ_ONLY))
def test_r202_what_is_not_ones_own_to_change_is_refused(user: Session, member: str) -> None:
    before = user.get("/v1/me", expect=200).json()
    refused(user.patch("/v1/me", json={member: READ_ONLY[member]}), f"/{member}", "unknown_field")
    assert user.get("/v1/me", expect=200).json() == before


@pytest.mark.parametrize("member", ["picture_url", "website_url", "github_url", "linkedin_url"])
@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/",
        "//example.org",
        "example.org",
        "not a url",
        "http://",
        "",
    ],
)
def test_only_web_addresses_are_urls(user: Session, member: str, url: str) -> None:
    refused(user.patch("/v1/me", json={member: url}), f"/{member}")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("time_zone", "Mars/Phobos"),
        ("time_zone", "../../etc/passwd"),
        ("locale", "not a locale"),
        ("locale", "x" * 200),
        ("username", "a b"),
        ("username", "ab"),
        ("display_name", "x" * 20_000),
        ("bio", "x" * 60_000),
        ("given_name", ["Ann"]),
        ("given_name", 5),
        ("bio", {"text": "x"}),
        ("display_name", "nul\u0000character"),
    ],
)
def test_a_bad_value_is_refused_where_it_is(user: Session, member: str, value: object) -> None:
    refused(user.patch("/v1/me", json={member: value}), f"/{member}")


def test_nothing_changes_when_one_member_is_bad(person: Callable[..., Person]) -> None:
    someone = person(display_name="Before")
    refused(someone.api.patch("/v1/me", json={"display_name": "After", "time_zone": "Mars/Phobos"}), "/time_zone")
    assert someone.api.get("/v1/me", expect=200).json()["display_name"] == "Before"


def test_a_taken_username_is_a_conflict(person: Callable[..., Person]) -> None:
    first, second = person(), person()
    problem(second.api.patch("/v1/me", json={"username": first.username.upper()}), 409, "username_taken")


def test_of_two_who_want_a_username_at_once_one_gets_it(person: Callable[..., Person]) -> None:
    username = unique("wanted")
    people = [person() for _ in range(3)]
    statuses = at_once(
        [lambda api=one.api: api.patch("/v1/me", json={"username": username}).status_code for one in people]
    )
    assert sorted(statuses) == [200, 409, 409]


def test_the_own_username_may_change_its_case(person: Callable[..., Person]) -> None:
    someone = person(username=unique("ann"))
    changed = someone.api.patch("/v1/me", json={"username": someone.username.upper()}, expect=200).json()
    assert changed["username"] == someone.username.upper()


def test_a_stale_entity_tag_is_refused(person: Callable[..., Person]) -> None:
    api = person().api
    tag = api.get("/v1/me", expect=200).headers["etag"]
    api.patch("/v1/me", json={"bio": "one"}, headers={"If-Match": tag}, expect=200)
    problem(api.patch("/v1/me", json={"bio": "two"}, headers={"If-Match": tag}), 412, "precondition_failed")
    assert api.get("/v1/me", expect=200).json()["bio"] == "one"


def test_changes_at_once_with_one_entity_tag_do_not_overwrite_each_other(person: Callable[..., Person]) -> None:
    api = person().api
    headers = {"If-Match": api.get("/v1/me", expect=200).headers["etag"]}
    calls = [
        lambda text=f"{number}": api.patch("/v1/me", json={"bio": text}, headers=headers).status_code
        for number in range(4)
    ]
    statuses = at_once(calls)
    assert sorted(statuses) == [200, 412, 412, 412]


def test_what_a_person_changes_an_administrator_sees(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    someone.api.patch("/v1/me", json={"bio": "Seen"}, expect=200)
    assert site.read(someone.id)["bio"] == "Seen"


def test_a_body_that_is_no_object_is_refused(user: Session) -> None:
    for body in ([], "text", 5, None, True):
        answer = user.patch("/v1/me", content=json.dumps(body), headers={"Content-Type": "application/json"})
        problem(answer, 422, "invalid_body")
