"""The console in a real browser: looked at in light and dark, used with keys alone, and without JavaScript."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from harness.canary import new_address
from harness.faces import Faces
from harness.looks import LONG_NAME, LOOKS
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


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_is_sound(
    browser: Browser, site: Site, staff: Person, crowd: list[dict[str, Any]], width: int, scheme: Any
) -> None:
    faces = opened(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    enter(faces, staff, "/admin")
    long = crowd[-1]["id"]
    site.admin.api.patch(f"/v1/users/{long}", json={"bio": f"Seen at {width} in {scheme}."}, expect=200)
    change = site.admin.api.get("/v1/changes?limit=1", expect=200).json()["items"][0]["id"]
    keys = [{"name": LONG_NAME, "permissions": ["users:read", "users:write"]}, {"name": "Nightly report", "permissions": []}]
    key = [staff.api.post("/v1/me/api-keys", json=body, expect=201).json()["id"] for body in keys][0]
    for path in (
        "/admin",
        "/admin?by=month",
        "/admin/users",
        "/admin/users?q=nobody-is-called-so",
        "/admin/users?filter=shoe+eq+1",
        "/admin/users?columns=email&columns=username&columns=created_at&columns=updated_at&columns=id&columns=roles",
        f"/admin/users/{long}",
        f"/admin/users/{staff.id}",
        f"/admin/users/{staff.id}/api-keys/{key}/revoke",
        "/admin/users/new",
        f"/admin/users/{long}/edit",
        f"/admin/users/{long}/emails/add",
        f"/admin/users/{long}/act/suspend",
        f"/admin/users/{long}/roles/grant",
        f"/admin/users/{long}/roles/user/take",
        f"/admin/bulk/new?user={long}",
        "/admin/bulk/new?filter=id+pr",
        "/admin/bulk",
        "/admin/changes",
        "/admin/changes?actor=nobody",
        f"/admin/changes/{change}",
        f"/admin/changes/{change}/undo",
        "/admin/audit",
        "/admin/audit?actor=nobody",
        f"/admin/audit/{change}",
        "/admin/audit/seal",
        "/admin/recycle-bin",
    ):
        faces.open(path)
        for summary in faces.page.locator("main summary").all():
            summary.click()
        faces.is_sound()
    faces.open(f"/admin/users/{long}/edit")
    faces.field("website_url").fill("javascript:alert(1)")
    faces.press("Save")
    expect(faces.page.locator("[aria-invalid=true]")).to_be_visible()
    faces.is_sound()
    faces.end()
    faces.page.context.close()


def test_with_keys_alone_users_are_found_suspended_and_brought_back(
    faces: Faces, site: Site, staff: Person, mailbox: Mailbox
) -> None:
    name = new_address("keys").split("@")[0]
    people = [site.create(display_name=f"{name} {number}") for number in range(3)]
    enter(faces, staff, "/admin")
    keyboard = faces.page.keyboard
    keyboard.press("?")
    expect(faces.page.get_by_role("dialog")).to_be_visible()
    faces.is_sound()
    keyboard.press("Escape")
    keyboard.press("/")
    keyboard.type(name)
    keyboard.press("Enter")
    expect(faces.page.locator("tbody tr")).to_have_count(3)
    for key in ("j", "x", "j", "x", "k"):
        keyboard.press(key)
    expect(faces.page.locator("tbody input:checked")).to_have_count(2)
    expect(faces.page.locator("tbody th a").first).to_be_focused()
    keyboard.press("Enter")
    faces.heading(f"{name} 2")
    faces.page.go_back()

    boxes = faces.page.locator("tbody input[type=checkbox]")
    boxes.first.focus()
    for box in boxes.all():
        box.focus()
        if not box.is_checked():
            keyboard.press("Space")
    expect(faces.page.get_by_label("Choose everybody on this page")).to_be_checked()
    faces.page.get_by_role("button", name="Act on the chosen …").focus()
    keyboard.press("Enter")
    faces.page.get_by_label("What is to be done").focus()
    keyboard.type("Suspend")
    faces.page.get_by_label("Reason").focus()
    keyboard.type("tried with keys")
    keyboard.press("Enter")
    faces.heading("Suspend")
    expect(faces.page.locator(".tile").filter(has_text="To be done")).to_contain_text("3")
    faces.is_sound()
    faces.page.get_by_role("button", name="Do it to 3 users").focus()
    keyboard.press("Enter")
    # The page looks by itself how far it is.
    expect(faces.page.get_by_role("heading", name="Finished")).to_be_visible(timeout=20_000)
    assert [site.read(person["id"])["status"] for person in people] == ["suspended"] * 3
    faces.is_sound()
    faces.page.get_by_role("link", name="Undo …").focus()
    keyboard.press("Enter")
    faces.heading("Undo a change")
    faces.page.get_by_role("button", name="Undo it").focus()
    keyboard.press("Enter")
    expect(faces.page.get_by_text("The change is undone.")).to_be_visible()
    assert [site.read(person["id"])["status"] for person in people] == ["pending"] * 3
    faces.is_sound()


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
