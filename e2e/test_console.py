"""The console in a real browser: used with keys alone, and without JavaScript."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from harness import keyboard
from harness.canary import new_address
from harness.faces import Faces
from harness.looks import LONG_NAME
from harness.mailbox import Mailbox
from harness.people import Person, Site


@pytest.fixture(scope="module")
def staff(site: Site, mailbox: Mailbox) -> Person:
    """Who uses the console in the tests of this file."""
    return site.person("admin", display_name="Grace Hopper")


@pytest.fixture(scope="module")
def crowd(site: Site) -> list[dict[str, Any]]:
    """More users than a page holds; one of them with a long name."""
    people = [site.create(display_name=f"Crowd {number:02}") for number in range(28)]
    return [*people, site.create(display_name=LONG_NAME, bio="A gardener.")]


def enter(faces: Faces, staff: Person, path: str) -> None:
    faces.sign_in(staff.email, staff.password, f"/sign-in?return_to={quote(path, safe='/')}")
    faces.at(path)


def opened(browser: Browser, site: Site, **options: Any) -> Faces:
    return Faces(browser.new_context(**options).new_page(), site.public_url)


def test_who_may_see_nothing_of_it_is_told_so(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    faces.open("/admin/users")
    faces.at("/sign-in?return_to=%2Fadmin%2Fusers")
    faces.sign_in(someone.email, someone.password, faces.page.url.removeprefix(faces.base_url))
    faces.at("/admin/users")
    expect(faces.page.get_by_text("you hold no permission that opens a part of it")).to_be_visible()
    faces.is_sound()


def test_with_keys_alone_users_are_found_suspended_and_brought_back(
    faces: Faces, site: Site, staff: Person, mailbox: Mailbox
) -> None:
    name = new_address("keys").split("@")[0]
    people = [site.create(display_name=f"{name} {number}") for number in range(3)]
    enter(faces, staff, "/admin")
    page, keys = faces.page, faces.page.keyboard
    keys.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keyboard.to(page.get_by_role("dialog").get_by_role("button"))
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    keys.press("/")
    keys.type(name)
    keys.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(3)
    for key in ("j", "x", "j", "x", "k"):
        keys.press(key)
    expect(page.locator("tbody input:checked")).to_have_count(2)
    expect(page.locator("tbody th a").first).to_be_focused()
    keys.press("Enter")
    faces.heading(f"{name} 2")
    page.go_back()

    for box in page.locator("tbody input[type=checkbox]").all():
        keyboard.to(box)
        if not box.is_checked():
            keys.press("Space")
    expect(page.get_by_label("Choose everybody on this page")).to_be_checked()
    keyboard.to(page.get_by_role("button", name="Act on the chosen …"), "Shift+Tab")
    keys.press("Enter")
    faces.heading("Act on many users")
    keyboard.skip(page)
    keyboard.to(page.get_by_label("What is to be done"))
    keys.type("Suspend")
    keyboard.to(page.get_by_label("Reason"))
    keys.type("tried with keys")
    keys.press("Enter")
    faces.heading("Suspend")
    expect(page.locator(".tile").filter(has_text="To be done")).to_contain_text("3")
    keyboard.skip(page)
    keyboard.to(page.get_by_role("button", name="Do it to 3 users"))
    keys.press("Enter")
    # The page looks by itself how far it is.
    expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=20_000)
    assert [site.read(person["id"])["status"] for person in people] == ["suspended"] * 3
    keyboard.to(page.get_by_role("link", name="Undo …"))
    keys.press("Enter")
    faces.heading("Undo a change")
    keyboard.skip(page)
    keyboard.to(page.get_by_role("button", name="Undo it"))
    keys.press("Space")
    expect(page.get_by_text("The change is undone.")).to_be_visible()
    assert [site.read(person["id"])["status"] for person in people] == ["pending"] * 3


def test_with_keys_alone_the_menu_of_a_phone_opens_leads_on_and_closes(browser: Browser, site: Site, staff: Person) -> None:
    faces = opened(browser, site, viewport={"width": 390, "height": 844})
    enter(faces, staff, "/admin")
    page, keys = faces.page, faces.page.keyboard
    menu = page.get_by_role("button", name="Menu")
    places = page.get_by_role("navigation", name="Console")
    expect(places).to_be_hidden()
    keyboard.to(menu)
    keys.press("Enter")
    expect(places).to_be_visible()
    keyboard.to(places.get_by_role("link", name="Roles", exact=True))
    keys.press("Escape")
    expect(places).to_be_hidden()
    expect(menu).to_be_focused()
    keys.press("Space")
    expect(places).to_be_visible()
    # Who does not want to go anywhere comes out at its end, and back in.
    keyboard.to(page.get_by_role("searchbox").first)
    keyboard.to(places.get_by_role("link", name="Health"), "Shift+Tab")
    keys.press("Enter")
    faces.at("/admin/system")
    expect(places).to_be_hidden()
    faces.end()
    page.context.close()


def test_everything_works_without_javascript(browser: Browser, site: Site, staff: Person) -> None:
    faces = opened(browser, site, java_script_enabled=False)
    page = faces.page
    name = new_address("plain").split("@")[0]
    people = [site.create(display_name=f"{name} {number}") for number in range(2)]
    enter(faces, staff, "/admin/users")
    assert not page.locator(".keys-button").is_visible(), "no button that does nothing"
    page.locator("summary", has_text="Build a filter").click()
    page.locator("#attribute1").select_option(label="Name")
    page.locator("#operator1").select_option(label="begins with")
    page.locator("#value1").fill(name)
    faces.press("Filter")
    expect(page.locator("#filter")).to_have_value(f'displayName sw "{name}"')
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Act on all 2").click()
    page.get_by_label("What is to be done").select_option(label="Suspend")
    page.get_by_label("Reason").fill("without a script")
    faces.press("Preview")
    faces.press("Do it to 2 users")
    for _ in range(50):
        if page.get_by_role("heading", name="Finished").count():
            break
        page.wait_for_timeout(200)
        page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()

    page.goto(f"{faces.base_url}/admin/users/{people[0]['id']}")
    page.get_by_role("link", name="Reactivate …").click()
    page.get_by_label("Reason").fill("it was a test")
    faces.press("Reactivate")
    expect(page.get_by_role("status")).to_contain_text("The change is made.")
    page.get_by_role("link", name="Edit …").click()
    faces.field("given_name").fill("Ada")
    page.locator("#bio").fill("One\nTwo")
    faces.press("Save")
    faces.at(f"/admin/users/{people[0]['id']}")
    assert site.read(people[0]["id"])["bio"] == "One\nTwo"
    page.get_by_role("link", name="Undo: User updated").first.click()
    faces.press("Undo it")
    assert site.read(people[0]["id"])["given_name"] is None
    page.goto(f"{faces.base_url}/admin/users/{people[1]['id']}/act/delete")
    faces.press("Delete")
    page.goto(f"{faces.base_url}/admin/recycle-bin")
    page.get_by_role("link", name=f"Purge {name} 1").click()
    faces.press("Preview")
    faces.press("Do it to 1 user")
    for _ in range(50):
        if page.get_by_role("heading", name="Finished").count():
            break
        page.wait_for_timeout(200)
        page.get_by_role("link", name="Look again").click()
    site.admin.api.get(f"/v1/users/{people[1]['id']}", expect=404)
    faces.end()
    page.context.close()


def test_the_list_goes_on_and_back(faces: Faces, staff: Person, crowd: list[dict[str, Any]]) -> None:
    enter(faces, staff, "/admin/users?q=Crowd")
    expect(faces.page.locator("tbody tr")).to_have_count(25)
    faces.page.get_by_role("link", name="Next", exact=True).click()
    expect(faces.page.locator("tbody tr")).to_have_count(3)
    faces.page.get_by_role("link", name="First page").click()
    expect(faces.page.locator("tbody tr")).to_have_count(25)
