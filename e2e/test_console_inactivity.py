"""Rules on inactivity in the console, with JavaScript and without: made, tried, run by hand, changed, enabled, disabled and deleted."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from harness.canary import unique
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Usher
from harness.waiting import until
from test_console import enter, opened
from test_inactivity import RULES, age

HERE = "/admin/inactivity"


@pytest.mark.parametrize("scripted", [True, False])
def test_a_rule_is_made_tried_changed_enabled_disabled_and_deleted(
    browser: Browser, new_server: Callable[..., Usher], mailbox: Mailbox, scripted: bool
) -> None:
    usher = new_server()
    site = Site(usher.public_url, mailbox)
    admin = site.set_up(usher.setup_token())
    gone, here = site.person(), site.person()
    faces = opened(browser, site, java_script_enabled=scripted)
    page, name = faces.page, unique("Away")
    enter(faces, admin, "/admin")
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Rules on inactivity").click()
    expect(page.get_by_text("There are none: who stays away stays as they are.")).to_be_visible()
    page.get_by_role("link", name="Make a rule …").click()
    faces.heading("Make a rule on inactivity")
    faces.field("name").fill(name)
    page.get_by_label("What becomes of them").select_option(label="They are suspended")
    faces.field("after_days").fill("soon")
    page.get_by_label("Exempt").fill('roles eq "admin')
    page.get_by_label("Reason").fill("as the board decided")
    faces.press("Make a rule")
    expect(faces.field("after_days")).to_have_accessible_description(re.compile("Error: Write a whole number."))
    expect(page.get_by_label("What becomes of them")).to_have_value("suspend")
    faces.field("after_days").fill("30")
    faces.press("Make a rule")
    expect(page.get_by_label("Exempt")).to_have_accessible_description(re.compile("Error: In the exemption"))
    page.get_by_label("Exempt").fill('roles eq "admin"')
    faces.press("Make a rule")
    faces.heading(name)
    expect(page.get_by_role("status")).to_have_text("It is made.")
    expect(page.get_by_text("Suspends whoever was not active for more than 30 days.")).to_be_visible()
    way = page.url.removeprefix(faces.base_url)
    path = f"{RULES}/{way.rpartition('/')[2]}"

    def read() -> dict[str, Any]:
        return admin.api.get(path, expect=200).json()

    def act(button: str) -> None:
        page.get_by_role("link", name=f"{button} …", exact=True).click()
        faces.heading(button)
        page.get_by_label("Reason").fill(f"to {button}")
        faces.press(button)

    made = read()
    assert (made["action"], made["after_days"], made["exempt"], made["enabled"]) == ("suspend", 30, 'roles eq "admin"', False)
    faces.press("Preview")
    expect(page.get_by_text("Today it has nothing to do.")).to_be_visible()
    age(usher, gone, 40)
    faces.open(way)
    faces.press("Preview")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody th a")).to_have_attribute("href", f"/admin/users/{gone.id}")
    assert site.read(gone.id)["status"] == "active"
    faces.press("Do it to 1 user")
    until("they are suspended", lambda: site.read(gone.id)["status"] == "suspended")

    faces.open(way)
    page.get_by_role("link", name="Edit …", exact=True).click()
    expect(faces.field("after_days")).to_have_value("30")
    page.get_by_label("What becomes of them").select_option(label="They are deleted, into the recycle bin")
    faces.field("after_days").fill("60")
    faces.press("Save")
    expect(faces.field("warned_days")).to_have_accessible_description(re.compile("nobody is deleted who was not"))
    faces.field("warned_days").fill("14")
    faces.press("Save")
    faces.at(way)
    expect(page.get_by_role("status")).to_have_text("It is saved.")
    changed = read()
    assert (changed["action"], changed["after_days"], changed["warned_days"], changed["enabled"]) == ("delete", 60, 14, False)

    for button, enabled in (("Enable", True), ("Disable", False)):
        act(button)
        faces.at(way)
        expect(page.get_by_role("status")).to_have_text("It is saved.")
        expect(page.locator(".heading-row .badge")).to_have_text(f"{button}d")
        assert read()["enabled"] is enabled
        expect(page.get_by_role("link", name=f"{button} …", exact=True)).to_have_count(0)
    act("Delete")
    faces.at(HERE)
    expect(page.get_by_role("status")).to_have_text("It is removed.")
    expect(page.get_by_text("There are none: who stays away stays as they are.")).to_be_visible()
    admin.api.get(path, expect=404)
    events = admin.api.get(f"/v1/audit-events?target_id={made['id']}", expect=200).json()["items"]
    assert [event["reason"] for event in events] == ["to Delete", "to Disable", "to Enable", None, "as the board decided"]
    assert site.read(here.id)["status"] == "active"
    faces.end()
    page.context.close()
