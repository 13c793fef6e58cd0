"""The pages of one's account, in a real browser: profile, addresses, keys, what has happened, one's data, and leaving."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness import canary
from harness.canary import new_address
from harness.client import Bearer, problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher

FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}


@pytest.fixture
def own_site(new_server: Callable[..., Usher], mailbox: Mailbox) -> Site:
    """A server of the test's own, whose users have attributes of every type that a form has a field for: the schema is one for all."""
    usher = new_server()
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    own = {"visibility": "self", "selfEditable": True}
    properties = {
        "nickname": {"type": "string", "maxLength": 40, "title": "Nickname", "description": "Of your team.", **own},
        "vegetarian": {"type": "boolean", "title": "Vegetarian", **own},
        "born": {"type": "string", "format": "date", "title": "Born on", **own},
        "shift": {"type": "string", "format": "date-time", "title": "Next shift", **own},
        "shirt": {"type": "string", "enum": ["S", "M", "L"], "title": "Size", **own},
        "height": {"type": "integer", "maximum": 250, "title": "Height", **own},
        "skills": {"type": "array", "items": {"type": "string"}, "title": "Skills", **own},
        "department": {"type": "string", "visibility": "self", "title": "Department"},
        "rating": {"type": "integer", "title": "Rating of the boss"},
    }
    site.admin.api.put("/v1/attribute-schema", json={"type": "object", "properties": properties}, expect=200)
    return site


def sign_in(faces: Faces, person: Person) -> None:
    faces.sign_in(person.email, person.password)
    faces.at("/account")


def said(faces: Faces, text: str) -> None:
    """The notice of what was done, or the one fault."""
    expect(faces.page.get_by_role("status")).to_contain_text(text)


def show(faces: Faces, name: str) -> Any:
    """The field of this name, of whatever kind."""
    return faces.page.locator(f"[name='{name}']")


def test_somebody_edits_the_profile(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    sign_in(faces, someone)
    faces.page.get_by_role("link", name="Edit your profile").click()
    faces.at("/account/profile")
    faces.field("display_name").fill("Ann <b>Example</b>")
    show(faces, "bio").fill("Keeps bees.\nAnd a cat.")
    faces.field("locale").fill("en-GB")
    show(faces, "time_zone").select_option("Europe/Vienna")
    faces.page.locator("#profile").evaluate("form => { form.noValidate = true }")
    faces.field("website_url").fill("javascript:alert(1)")
    faces.press("Save")
    field = faces.field("website_url")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("must be a URL that begins with https://"))
    expect(show(faces, "bio")).to_have_value("Keeps bees.\nAnd a cat.")
    field.fill("https://ann.example.org/")
    faces.press("Save")
    faces.at("/account")
    said(faces, "Your profile is saved.")
    expect(faces.page.locator("dd", has_text="Ann <b>Example</b>")).to_be_visible()
    me = someone.api.get("/v1/me", expect=200).json()
    assert me["bio"] == "Keeps bees.\nAnd a cat." and me["website_url"] == "https://ann.example.org/"
    assert (me["locale"], me["time_zone"], me["family_name"]) == ("en-GB", "Europe/Vienna", None)
    # What was changed meanwhile is not overwritten unseen.
    faces.open("/account/profile")
    someone.api.patch("/v1/me", json={"display_name": "Elsewhere"}, expect=200)
    faces.field("display_name").fill("Here")
    faces.press("Save")
    expect(faces.page.get_by_role("alert")).to_contain_text("has changed since you opened this page")
    assert someone.api.get("/v1/me").json()["display_name"] == "Elsewhere"
    faces.press("Save")
    faces.at("/account")
    assert someone.api.get("/v1/me").json()["display_name"] == "Here"


def test_attributes_are_edited_by_their_type(page: Page, own_site: Site) -> None:
    faces, someone = Faces(page, own_site.public_url), own_site.person()
    attributes = {"department": "Sales", "rating": 3}
    own_site.admin.api.patch(f"/v1/users/{someone.id}", json={"attributes": attributes}, expect=200)
    someone.api.patch("/v1/me", json={"time_zone": "Europe/Vienna"}, expect=200)
    sign_in(faces, someone)
    expect(faces.page.get_by_text("Sales")).to_be_visible()
    expect(faces.page.get_by_text("Rating of the boss")).to_have_count(0)
    faces.open("/account/profile")
    expect(show(faces, "attribute.department")).to_have_count(0)
    show(faces, "attribute.nickname").fill("Nan")
    show(faces, "attribute.vegetarian").select_option("false")
    show(faces, "attribute.born").fill("1990-02-03")
    show(faces, "attribute.shift").fill("2026-12-01T09:00")
    show(faces, "attribute.shirt").select_option("M")
    show(faces, "attribute.skills").fill("bees\n\n honey ")
    show(faces, "attribute.height").fill("tall")
    faces.press("Save")
    expect(show(faces, "attribute.height")).to_have_accessible_description(re.compile("Height must be integer"))
    expect(show(faces, "attribute.skills")).to_have_value("bees\n\n honey ")
    faces.is_sound()
    show(faces, "attribute.height").fill("170")
    faces.press("Save")
    faces.at("/account")
    assert someone.api.get("/v1/me").json()["attributes"] == {
        "department": "Sales",
        "nickname": "Nan",
        "vegetarian": False,
        "born": "1990-02-03",
        "shift": "2026-12-01T08:00:00.000000Z",
        "shirt": "M",
        "height": 170,
        "skills": ["bees", "honey"],
    }
    expect(faces.page.locator("dd", has_text="1 Dec 2026, 09:00")).to_be_visible()
    faces.end()


def test_r105_somebody_changes_the_user_name(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone, other = site.person(), site.person()
    wanted = f"calm-{someone.id[-8:]}"
    sign_in(faces, someone)
    faces.page.get_by_role("link", name="Change your user name").click()
    faces.field("username").fill(other.username)
    faces.press("Change user name")
    expect(faces.field("username")).to_have_accessible_description(re.compile("belongs to somebody else"))
    faces.field("username").fill(wanted)
    faces.press("Change user name")
    faces.at("/account")
    said(faces, "Your user name is changed.")
    assert site.enter(wanted, someone.password).id == someone.id


def test_r046_addresses_are_added_chosen_and_removed(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone, new = site.person(), new_address()
    sign_in(faces, someone)
    faces.page.get_by_role("link", name="Addresses", exact=True).click()
    expect(faces.page.locator("[aria-current=page]")).to_have_text("Addresses")
    faces.page.get_by_role("link", name="Add an address").click()
    faces.field("email").fill(someone.email.upper())
    faces.press("Send the link")
    expect(faces.field("email")).to_have_accessible_description(re.compile("already"))
    faces.field("email").fill(new)
    faces.press("Send the link")
    faces.at("/account/addresses")
    expect(faces.page.get_by_role("heading", name="Waits to be confirmed")).to_be_visible()
    first = mailbox.wait_for(new).link
    faces.press("Send a new link")
    said(faces, "We have sent a link")
    second = mailbox.wait_for(new, after=1).link
    for link, heading in ((first, "This link does not work"), (second, "The address is added")):
        faces.page.goto(link)
        faces.press("Add this address")
        faces.heading(heading)
    faces.open("/account/addresses")
    faces.press(f"Make {new} primary")
    said(faces, "Your primary address is changed.")
    faces.press(f"Remove {someone.email}")
    said(faces, "The address is removed.")
    expect(faces.page.locator("main .rows li")).to_have_count(1)
    faces.open("/account/activity")
    for told in (f"Added an address: {new}", f"Removed an address: {someone.email}"):
        expect(faces.page.get_by_text(told)).to_be_visible()
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")
    assert site.enter(new, someone.password).id == someone.id


def test_r203_a_key_is_made_shown_once_and_revoked(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person("manager")
    someone = site.enter(someone.email, someone.password)
    sign_in(faces, someone)
    faces.page.get_by_role("link", name="API keys").click()
    expect(faces.page.get_by_text("You have no keys.")).to_be_visible()
    faces.page.get_by_role("link", name="Make a key").click()
    expect(show(faces, "permission.users:purge")).to_have_count(0)
    faces.field("name").fill("Nightly <i>report</i>")
    show(faces, "permission.users:read").check()
    show(faces, "days").select_option("7")
    faces.press("Make the key")
    faces.heading("Your new API key")
    key = faces.page.locator(".secret code").inner_text()
    canary.note(key)
    program = Bearer(site.base_url, key)
    program.get("/v1/users", expect=200)
    problem(program.get("/v1/audit-events"), 403, "forbidden")
    faces.is_sound()
    faces.page.get_by_role("link", name="I have kept it").click()
    row = faces.page.locator("tbody tr")
    expect(row).to_contain_text("Nightly <i>report</i>")
    expect(row).to_contain_text("users:read")
    assert key not in faces.page.content()
    row.get_by_role("button").click()
    said(faces, "The key is revoked.")
    problem(program.get("/v1/users"), 401, "unauthorized")


def test_activity_tells_in_plain_words_what_has_happened(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    someone.api.patch("/v1/me", json={"time_zone": "Asia/Tokyo"}, expect=200)
    site.login(someone.email, "none of theirs", headers=FIREFOX)
    site.admin.api.post(f"/v1/users/{someone.id}/suspend", json={"reason": "a quarrel"}, expect=200)
    site.admin.api.post(f"/v1/users/{someone.id}/reactivate", json={}, expect=200)
    sign_in(faces, someone)
    faces.open("/account/activity")
    rows = faces.page.locator("tbody tr")
    expect(rows.first).to_contain_text("Signed in")
    expect(rows.first).to_contain_text("Chrom")
    refused = rows.filter(has_text="Sign-in refused: wrong password")
    expect(refused).to_contain_text("Firefox on Linux")
    expect(rows.filter(has_text="The account was suspended, by an administrator")).to_have_count(1)
    assert "quarrel" not in faces.page.content()
    expect(faces.page.get_by_text("Times are in Asia/Tokyo.")).to_be_visible()
    # Fifty are shown at once.
    someone = site.enter(someone.email, someone.password)
    for number in range(50):
        someone.api.patch("/v1/me", json={"bio": f"{number}"}, expect=200)
    faces.page.reload()
    expect(rows).to_have_count(50)
    faces.page.get_by_role("link", name="Older").click()
    expect(rows.last).to_contain_text("The account was made")
    faces.is_sound()


def test_somebody_takes_the_data_along(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    sign_in(faces, someone)
    faces.open("/account/data")
    with faces.page.expect_download() as downloaded:
        faces.press("Download")
    file = downloaded.value
    assert re.fullmatch(r"usher-data-\d{4}-\d{2}-\d{2}\.json", file.suggested_filename)
    data = json.loads(Path(file.path()).read_text())
    assert data["user"] == someone.api.get("/v1/me", expect=200).json()
    by_api = someone.api.get("/v1/me/data", expect=200).json()
    assert data.keys() == by_api.keys()
    assert by_api["history"][0]["action"] == "user.data_read", "that it was taken is known"


def test_r105_somebody_leaves_and_comes_back(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    sign_in(faces, someone)
    faces.open("/account/data")
    faces.page.get_by_role("link", name="Delete my account").click()
    faces.at("/account/delete")
    faces.press("Delete my account")
    faces.heading("Your account is deleted")
    faces.is_sound()
    assert "usher" not in faces.cookies()
    problem(site.login(someone.email, someone.password), 401, "invalid_credentials")
    faces.page.goto(mailbox.wait_for_link(someone.email, "/undo-deletion"))
    faces.press("Keep my account")
    faces.heading("Your account is back")
    sign_in(faces, someone)


def test_the_account_works_without_javascript(browser: Browser, site: Site, mailbox: Mailbox) -> None:
    context = browser.new_context(java_script_enabled=False)
    faces = Faces(context.new_page(), site.public_url)
    someone, new = site.person(), new_address()
    sign_in(faces, someone)
    faces.open("/account/profile")
    faces.field("display_name").fill("Ann")
    faces.press("Save")
    faces.at("/account")
    faces.open("/account/addresses/new")
    faces.field("email").fill(new)
    faces.press("Send the link")
    faces.at("/account/addresses")
    faces.press(f"Withdraw {new}")
    said(faces, "The new address is withdrawn.")
    faces.open("/account/api-keys/new")
    faces.field("name").fill("x")
    faces.press("Make the key")
    faces.heading("Your new API key")
    faces.open("/account/activity")
    expect(faces.page.locator("tbody tr").first).to_contain_text("Made the API key x")
    faces.open("/account/delete")
    faces.press("Delete my account")
    faces.heading("Your account is deleted")
    faces.end()
    context.close()
