"""Lists of users: pages, order, search and filters."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.canary import unique
from harness.client import Session, faults, problem
from harness.people import Site

COUNT = 7


@pytest.fixture(scope="module")
def marker(site: Site) -> str:
    """A word in the display names of seven users made one after the other, whose usernames sort the other way round."""
    marker = unique("list")
    for number in range(COUNT):
        site.create(display_name=f"{marker} {number}", username=f"{marker}.u{COUNT - number}")
    return marker


def pages(admin: Session, **query: str) -> Iterator[dict[str, Any]]:
    """All pages, by following the cursor."""
    while True:
        page = admin.get("/v1/users", params=query, expect=200).json()
        yield page
        if page["next"] is None:
            return
        query["cursor"] = page["next"]


def names(admin: Session, **query: str) -> list[str]:
    return [item["display_name"].split()[-1] for page in pages(admin, **query) for item in page["items"]]


def test_pages_hold_everybody_once_the_newest_first(admin: Session, marker: str) -> None:
    assert names(admin, q=marker, limit="3") == [str(number) for number in reversed(range(COUNT))]
    assert [len(page["items"]) for page in pages(admin, q=marker, limit="3")] == [3, 3, 1]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("created_at", range(COUNT)), ("-username", range(COUNT)), ("username", range(COUNT - 1, -1, -1))],
)
def test_every_order_goes_over_pages(admin: Session, marker: str, sort: str, order: range) -> None:
    assert names(admin, q=marker, limit="2", sort=sort) == [str(number) for number in order]


def test_the_last_page_may_be_full_and_says_that_it_is_the_last(admin: Session, marker: str) -> None:
    page = admin.get("/v1/users", params={"q": marker, "limit": str(COUNT)}, expect=200)
    assert len(page.json()["items"]) == COUNT
    assert page.json()["next"] is None
    assert "link" not in page.headers


def test_the_link_header_leads_to_the_next_page(admin: Session, marker: str) -> None:
    first = admin.get("/v1/users", params={"q": marker, "limit": "4", "sort": "created_at"}, expect=200)
    link = re.fullmatch(r'<([^>]+)>; rel="next"', first.headers["link"])
    assert link
    target = urlsplit(link[1])
    query = parse_qs(target.query)
    assert query["cursor"] == [first.json()["next"]]
    assert query["q"] == [marker] and query["limit"] == ["4"] and query["sort"] == ["created_at"]
    second = admin.get(f"{target.path}?{target.query}", expect=200).json()
    assert [item["display_name"].split()[-1] for item in second["items"]] == ["4", "5", "6"]


def test_someone_new_does_not_shift_the_pages(site: Site) -> None:
    marker = unique("shift")
    for number in range(4):
        site.create(display_name=f"{marker} {number}")
    first = site.admin.api.get("/v1/users", params={"q": marker, "limit": "2"}, expect=200).json()
    site.create(display_name=f"{marker} new")
    rest = names(site.admin.api, q=marker, limit="2", cursor=first["next"])
    assert rest == ["1", "0"]


def test_a_search_looks_at_names_username_and_address(site: Site) -> None:
    marker = unique("needle")
    made = site.create(
        given_name=f"Given{marker}",
        family_name=f"Family{marker}",
        display_name=f"Display{marker}",
        username=f"u.{marker}",
    )
    for text in (
        f"given{marker}",
        f"FAMILY{marker}",
        f"splay{marker}",
        f"u.{marker}",
        made["email"],
        made["email"].upper(),
    ):
        found = site.admin.api.get("/v1/users", params={"q": text}, expect=200).json()["items"]
        assert [one["id"] for one in found] == [made["id"]], text


@pytest.mark.parametrize("text", ["%", "_", "\\", "' or '1'='1", "%%", "a%b_c\\"])
def test_r192_signs_of_patterns_are_searched_as_they_are(site: Site, text: str) -> None:
    marker = unique("pattern")
    plain = site.create(display_name=f"{marker} plain")
    special = site.create(display_name=f"{marker} {text} special")
    found = site.admin.api.get("/v1/users", params={"q": f"{marker} {text}"}, expect=200).json()["items"]
    assert [one["id"] for one in found] == [special["id"]]
    assert plain["id"] != special["id"]


def test_filters_narrow_and_combine(site: Site) -> None:
    marker = unique("filter")
    plain, managing, suspended = (
        site.create(display_name=marker),
        site.create(display_name=marker),
        site.create(display_name=marker),
    )
    site.admin.api.put(f"/v1/users/{managing['id']}/roles", json={"roles": ["user", "manager"]}, expect=200)
    site.admin.api.post(f"/v1/users/{suspended['id']}/suspend", expect=200)

    def found(**query: str) -> set[str]:
        answer = site.admin.api.get("/v1/users", params={"q": marker, **query}, expect=200)
        return {one["id"] for one in answer.json()["items"]}

    everybody = {plain["id"], managing["id"], suspended["id"]}
    assert found() == everybody
    assert found(role="manager") == {managing["id"]}
    assert found(role="user") == everybody
    assert found(status="suspended") == {suspended["id"]}
    assert found(status="pending") == {plain["id"], managing["id"]}
    assert found(status="pending", role="manager") == {managing["id"]}
    assert found(status="active") == set()
    assert found(created_after=plain["created_at"]) <= everybody
    assert found(created_before=plain["created_at"]) <= {plain["id"]}
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(created_before=tomorrow) == everybody
    assert found(created_after=tomorrow) == set()


def test_times_may_carry_an_offset(site: Site) -> None:
    created = site.create()
    query = {"q": created["email"], "created_before": "2100-01-01T00:00:00+02:00"}
    assert len(site.admin.api.get("/v1/users", params=query, expect=200).json()["items"]) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-1"),
        ("limit", "many"),
        ("limit", "1.5"),
        ("limit", "99999999999999999999"),
        ("cursor", "nonsense"),
        ("cursor", "eyJhIjoxfQ"),
        ("cursor", "a" * 3000),
        ("cursor", "%FF"),
        ("sort", "password"),
        ("sort", "created_at; drop table users"),
        ("status", "gone"),
        ("created_after", "yesterday"),
        ("created_before", "2026-13-45T00:00:00Z"),
        ("page", "2"),
        ("Q", "x"),
        ("q", "nul\u0000character"),
    ],
)
def test_a_bad_query_names_the_parameter(admin: Session, name: str, value: str) -> None:
    answer = admin.get("/v1/users", params={name: value})
    problem(answer, 422, "invalid_query")
    assert name in faults(answer, "parameter"), answer.text


def test_an_unknown_role_finds_nobody_or_is_refused(admin: Session) -> None:
    answer = admin.get("/v1/users", params={"role": "no-such-role"}, expect=(200, 422))
    assert answer.status_code == 422 or answer.json()["items"] == []


def test_a_repeated_parameter_is_refused(admin: Session) -> None:
    answer = admin.get("/v1/users?limit=1&limit=2")
    problem(answer, 422, "invalid_query")
    assert "limit" in faults(answer, "parameter")


def test_a_cursor_of_another_order_does_not_break_the_list(admin: Session, marker: str) -> None:
    cursor = admin.get("/v1/users", params={"q": marker, "limit": "2"}, expect=200).json()["next"]
    admin.get("/v1/users", params={"q": marker, "sort": "username", "cursor": cursor}, expect=(200, 422))


def test_the_longest_page_has_200_items_at_most(admin: Session) -> None:
    assert len(admin.get("/v1/users", params={"limit": "200"}, expect=200).json()["items"]) <= 200
    assert len(admin.get("/v1/users", expect=200).json()["items"]) <= 50


def test_text_of_any_script_can_be_searched(site: Site) -> None:
    marker = unique("script")
    made = site.create(display_name=f"{marker} Ωμέγα 東京 🌿")
    for text in (f"{marker} Ωμέγα", f"{marker} ΩΜΈΓΑ 東京", f"{marker} Ωμέγα 東京 🌿"):
        found = site.admin.api.get("/v1/users", params={"q": text}, expect=200).json()["items"]
        assert [one["id"] for one in found] == [made["id"]], text
