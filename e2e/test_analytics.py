"""How many people sign up, come and stay: the real server's counts, and what they say of what has just happened."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.client import Session, problem
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Usher


@pytest.fixture
def usher(new_server: Callable[..., Usher]) -> Usher:
    """A server where nobody else does anything."""
    return new_server()


@pytest.fixture
def own_site(usher: Usher, mailbox: Mailbox) -> Site:
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.setup_token())
    return site


def last_two_days(counted: dict[str, Any]) -> dict[str, int]:
    """The sums of yesterday and today: the test may run at midnight."""
    rows = counted["periods"][-2:]
    return {
        "sign_ups": sum(row["sign_ups"] for row in rows),
        "active": max(row["active_users"] for row in rows),
        "succeeded": sum(row["sign_ins"]["succeeded"] for row in rows),
        "failed": sum(row["sign_ins"]["failed"] for row in rows),
    }


def test_what_happens_is_counted(usher: Usher, own_site: Site) -> None:
    admin = own_site.admin.api
    before = last_two_days(admin.get("/v1/analytics", expect=200).json())
    people = [own_site.person() for _ in range(2)]
    wrong = {"identifier": people[0].email, "password": "not the password of anybody"}
    problem(own_site.anonymous.post("/v1/login", json=wrong), 401, "invalid_credentials")
    counted = admin.get("/v1/analytics", expect=200).json()
    after = last_two_days(counted)
    assert after["sign_ups"] == before["sign_ups"] + 2
    assert after["active"] >= before["active"]
    assert after["succeeded"] >= before["succeeded"] + 2
    assert after["failed"] == before["failed"] + 1
    assert len(counted["periods"]) == 30
    assert counted["inactive"]["users"] == 3
    assert [since["users"] for since in counted["inactive"]["since"]] == [0] * 5
    (newest, *_) = reversed(counted["cohorts"])
    assert newest["active"] and newest["sign_ups"] <= 3

    # The command counts the same.
    told = usher.json("analytics", "--from", counted["from"], "--to", counted["to"])
    assert told["periods"] == counted["periods"] and told["cohorts"] == counted["cohorts"]
    assert "ACTIVE" in usher.cli("analytics", "--by", "month").stdout
    usher.cli("analytics", "--by", "year", code=2)


@pytest.mark.needs_mail
def test_only_those_who_may_count(site: Site) -> None:
    problem(site.anonymous.get("/v1/analytics"), 401, "unauthorized")
    problem(site.person("manager").api.get("/v1/analytics"), 403, "forbidden")


@pytest.mark.parametrize(
    ("query", "parameter", "code"),
    [
        ("from=2026-01-02&to=2026-01-01", "from", "after_to"),
        ("from=2020-01-01&to=2026-01-01&by=month", "from", "too_long"),
        ("from=2024-01-01&to=2025-12-31&by=day", "by", "too_many_periods"),
        ("to=9999-12-31", "to", "out_of_range"),
        ("from=yesterday", "from", "invalid"),
        ("by=year", "by", "enum"),
        ("of=me", "of", "unknown_parameter"),
    ],
)
def test_a_range_that_makes_no_sense_is_told(admin: Session, query: str, parameter: str, code: str) -> None:
    answer = problem(admin.get(f"/v1/analytics?{query}"), 422, "invalid_query")
    assert [(fault["parameter"], fault["code"]) for fault in answer["errors"]] == [(parameter, code)]


def test_a_week_begins_on_monday(admin: Session) -> None:
    rows = admin.get("/v1/analytics?by=week", expect=200).json()["periods"]
    starts = [datetime.fromisoformat(row["from"]).replace(tzinfo=UTC) for row in rows]
    assert all(start.weekday() == 0 for start in starts[1:])
    assert all(later - earlier == timedelta(days=7) for earlier, later in zip(starts[1:], starts[2:], strict=False))
