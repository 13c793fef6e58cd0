"""Roles, permissions and groups in the console: made, looked at and given, with JavaScript and without."""


import pytest
from playwright.sync_api import Browser, expect

from harness.canary import unique
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from test_console import enter, opened


@pytest.fixture(scope="module")
def staff(site: Site, mailbox: Mailbox) -> Person:
    """Who uses the console in the tests of this file."""
    return site.person("admin", display_name="Grace Hopper")


def make_group(site: Site, name: str, *roles: str, description: str = "") -> str:
    made = site.admin.api.post("/v1/groups", json={"name": name, "description": description}, expect=201).json()["id"]
    site.admin.api.put(f"/v1/groups/{made}/roles", json={"roles": list(roles)}, expect=200)
    return made


@pytest.mark.parametrize("scripted", [True, False])
def test_a_role_is_made_given_by_a_group_explained_and_taken_away(
    browser: Browser, site: Site, staff: Person, scripted: bool
) -> None:
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    role, group = unique("role"), unique("Desk")
    someone = site.create(display_name=f"Clerk {role}")
    enter(faces, staff, "/admin")
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Roles", exact=True).click()
    page.get_by_role("link", name="New role …").click()
    faces.field("name").fill("Support")
    page.get_by_label("Description").fill("Answers questions.")
    page.get_by_label("users:read").check()
    page.get_by_label("signins:read").check()
    page.get_by_label("Ask for one").check()
    faces.field("grace_days").fill("91")
    faces.press("Make the role")
    expect(page.locator("#name-error")).to_contain_text("A name begins with a lower-case letter")
    expect(page.locator("#grace_days-error")).to_contain_text("at most 90")
    expect(page.get_by_label("users:read")).to_be_checked()
    faces.field("name").fill(role)
    faces.field("grace_days").fill("7")
    faces.press("Make the role")
    faces.at(f"/admin/roles/{role}")
    expect(page.get_by_role("status")).to_have_text("It is made.")
    expect(page.get_by_text("Asked for after 7 days")).to_be_visible()
    page.get_by_role("link", name="Edit …").click()
    page.get_by_label("signins:read").uncheck()
    faces.press("Save")
    assert site.admin.api.get(f"/v1/roles/{role}", expect=200).json()["permissions"] == ["users:read"]

    page.get_by_role("navigation", name="Console").get_by_role("link", name="Groups").click()
    page.get_by_role("link", name="New group …").click()
    faces.field("name").fill(group)
    faces.press("Make the group")
    page.get_by_role("link", name="Choose the roles").click()
    page.get_by_label(role).check()
    faces.press("Save")
    page.get_by_role("link", name="Add a member …").click()
    faces.field("user").fill("nobody-at-all")
    faces.press("Add to the group")
    expect(page.locator("#user-error")).to_contain_text("There is nobody of this name")
    faces.field("user").fill(someone["username"])
    faces.field("until").fill("2100-12-31")
    page.get_by_label("Reason").fill("over the holidays")
    faces.press("Add to the group")
    expect(page.get_by_role("row", name=someone["username"])).to_contain_text("1 Jan 2101")

    # Why they may it: from the user to the permission, and from there to the group.
    page.get_by_role("link", name=f"Clerk {role}", exact=True).click()
    page.locator("summary", has_text="What they may do, and why").click()
    page.get_by_role("link", name="users:read").click()
    faces.at("/admin/permissions/users:read")
    row = page.get_by_role("row", name=someone["username"])
    while not row.count():
        page.goto(f"{faces.base_url}{page.get_by_role('link', name='Next', exact=True).get_attribute('href')}")
    expect(row).to_contain_text(f"{role}, through {group} until 1 Jan 2101")
    row.get_by_role("link", name=role, exact=True).click()
    page.get_by_role("link", name="Delete …").click()
    faces.press("Delete the role")
    expect(page.locator("#reason-error")).to_contain_text("or a group carries it")
    page.get_by_role("link", name="groups", exact=True).click()
    faces.at("/admin/groups")

    found = site.admin.api.get(f"/v1/users/{someone['id']}/groups", expect=200).json()["items"][0]["group"]["id"]
    faces.open(f"/admin/groups/{found}")
    page.get_by_role("link", name=f"Remove Clerk {role}").click()
    faces.press("Remove from the group")
    expect(page.get_by_text("Nobody is in it.")).to_be_visible()
    page.get_by_role("link", name="Delete …").click()
    faces.press("Delete the group")
    faces.at("/admin/groups")
    expect(page.get_by_role("status")).to_have_text("It is removed.")
    faces.open(f"/admin/roles/{role}/delete")
    page.get_by_label("Reason").fill("it was a test")
    faces.press("Delete the role")
    faces.at("/admin/roles")
    site.admin.api.get(f"/v1/roles/{role}", expect=404)
    faces.end()
    page.context.close()


def test_two_who_change_a_group_at_once_are_told_so(faces: Faces, site: Site, staff: Person) -> None:
    upper, lower = unique("Upper"), unique("Lower")
    top, below = make_group(site, upper), make_group(site, lower)
    site.admin.api.put(f"/v1/groups/{below}/parents", json={"parents": [top]}, expect=200)
    enter(faces, staff, f"/admin/groups/{top}/parents")
    faces.page.get_by_label(lower).check()
    faces.press("Save")
    expect(faces.page.locator("#parents-error")).to_contain_text("below it")
    expect(faces.page.get_by_label(lower)).to_be_checked()
    faces.is_sound()
    faces.open(f"/admin/groups/{top}/edit")
    site.admin.api.patch(f"/v1/groups/{top}", json={"description": "Meanwhile."}, expect=200)
    faces.field("name").fill("Another")
    faces.press("Save")
    expect(faces.page.get_by_role("alert")).to_contain_text("Somebody has changed this group")
    faces.is_sound()
    faces.page.get_by_role("link", name="Open the form again", exact=True).click()
    expect(faces.page.get_by_label("Description")).to_have_value("Meanwhile.")
    faces.page.get_by_label("Reason").fill("now it is seen")
    faces.press("Save")
    faces.heading(upper)
