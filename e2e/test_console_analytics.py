"""Who comes and stays as the console shows it, with JavaScript and without: every number is that of the API."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from harness import database
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher
from test_console import enter, opened
from test_second_factors import bind


def came_earlier(usher: Usher, person: Person, days: int) -> None:
    """As if this one had signed up so many days ago, and been here then and today."""
    day = f"((now() at time zone 'UTC')::date - {days})"
    for statement in (
        f"update users set created_at = created_at - interval '{days} days' where id = '{person.id}'",
        f"insert into activity_days (day, user_id) values ({day}, '{person.id}')",
    ):
        database.sql(usher.data_dir, statement)


def cells(table: Locator) -> list[list[str]]:
    """What a table says, row by row, whatever of it is folded away."""
    read = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim().replace(/\\s+/g, ' ')))"
    return table.locator("tbody tr").evaluate_all(read)


def shown(cohorts: list[dict[str, Any]]) -> list[list[str]]:
    """The rows of the table: the share in percent, and below it how many they are."""
    rows = []
    for cohort in cohorts:
        joined = cohort["sign_ups"]
        counts = [f"{100 * count // joined} %{count}" if joined else "–" for count in cohort["active"]]
        rows.append([f"{date.fromisoformat(cohort['month'][:7] + '-01'):%B %Y}", str(joined), *counts, *[""] * (len(cohorts) - len(counts))])
    return rows


@pytest.mark.parametrize("scripted", [True, False])
def test_another_range_is_counted_as_the_api_does(
    browser: Browser, new_server: Callable[..., Usher], mailbox: Mailbox, scripted: bool
) -> None:
    usher = new_server()
    site = Site(usher.public_url, mailbox)
    admin = site.set_up(usher.setup_token())
    people = [site.person() for _ in range(4)]
    for person, days in zip(people, (70, 70, 40), strict=False):
        came_earlier(usher, person, days)
    bind(site, people[0])
    site.login(people[1].email, "not the password of anybody", expect=401)
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    enter(faces, admin, "/admin/analytics")
    today = datetime.now(UTC).date()

    for by, label, days in (("month", "Months", 100), ("week", "Weeks", 80), ("day", "Days", 45)):
        start = today - timedelta(days=days)
        faces.field("from").fill(start.isoformat())
        faces.field("to").fill(today.isoformat())
        page.get_by_label("In periods of").select_option(label=label)
        faces.press("Show")
        faces.at(f"/admin/analytics?from={start}&to={today}&by={by}")
        expect(faces.field("from")).to_have_value(start.isoformat())
        counted = admin.api.get(f"/v1/analytics?from={start}&to={today}&by={by}", expect=200).json()

        assert cells(page.locator("table.cohorts")) == shown(counted["cohorts"])
        if by == "month":
            assert sum(cohort["sign_ups"] for cohort in counted["cohorts"]) == 5
            assert any(cohort["active"][-1] for cohort in counted["cohorts"][:-1]), "somebody came back in a later month"
        charts = {
            "Sign-ups": [[row["sign_ups"]] for row in counted["periods"]],
            "Active users": [[row["active_users"]] for row in counted["periods"]],
            "Sign-ins": [[row["sign_ins"]["succeeded"], row["sign_ins"]["failed"]] for row in counted["periods"]],
        }
        for title, counts in charts.items():
            table = page.locator("figure").filter(has=page.get_by_role("heading", name=title, exact=True)).locator("table")
            days = [date.fromisoformat(row["from"]) for row in counted["periods"]]
            starts = [f"{day.day} {day:%B %Y}" for day in days]
            assert cells(table) == [[start, *map(str, row)] for start, row in zip(starts, counts, strict=True)], title
        factors = page.locator("figure").filter(has=page.get_by_role("heading", name="Second factors", exact=True)).locator("table")
        # An app, a passkey, either, neither.
        assert [row[1] for row in cells(factors)] == ["1", "0", "1", "4"]

    # What does not fit is said at its field, and nothing is shown for it.
    faces.field("from").fill(today.isoformat())
    faces.field("to").fill((today - timedelta(days=1)).isoformat())
    faces.press("Show")
    expect(page.locator("#from-error")).to_contain_text("The last day comes before the first.")
    expect(page.locator("table.cohorts")).to_have_count(0)
    faces.end()
    page.context.close()
