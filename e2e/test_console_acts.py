"""What is done to one user in the console, with JavaScript and without: they are created, their addresses change, each act, and the
ways out of the recycle bin."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from harness import database, totp
from harness.canary import new_address, new_password, unique
from harness.client import Client, problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Stage, Usher
from harness.waiting import until
from test_console import enter, opened
from test_second_factors import bind
from test_sign_in import FAILURES_MAX, fail

BIN = "/admin/recycle-bin"
PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def usher(stage: Stage) -> Iterator[Usher]:
    """A server of these tests' own: it keeps pictures, and nobody else deletes anybody."""
    usher = stage.usher(USHER_AVATARS=stage.new_folder().as_uri())
    try:
        usher.start()
        yield usher
    finally:
        usher.remove()


@pytest.fixture(scope="module")
def house(usher: Usher, mailbox: Mailbox) -> Site:
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    return site


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def scripted(request: pytest.FixtureRequest) -> bool:
    return request.param


@contextmanager
def seen(browser: Browser, house: Site, scripted: bool) -> Iterator[Faces]:
    faces = opened(browser, house, java_script_enabled=scripted)
    yield faces
    faces.end()
    faces.page.context.close()


@pytest.fixture
def faces(browser: Browser, house: Site, scripted: bool) -> Iterator[Faces]:
    """The browser of who uses the console."""
    with seen(browser, house, scripted) as faces:
        yield faces


@pytest.fixture
def own(browser: Browser, house: Site, scripted: bool) -> Iterator[Faces]:
    """The browser of the user whom it is about."""
    with seen(browser, house, scripted) as own:
        yield own


def said(faces: Faces, text: str) -> None:
    """The notice of what was done."""
    expect(faces.page.get_by_role("status").first).to_contain_text(text)


def is_offered(faces: Faces, button: str, offered: bool = True) -> None:
    expect(faces.page.get_by_role("link", name=f"{button} …", exact=True)).to_have_count(int(offered))


def act(faces: Faces, house: Site, user_id: str, button: str) -> None:
    """From the page about a user by the page that says what comes of it, and back; the reason is kept."""
    why = unique("since")
    faces.page.get_by_role("link", name=f"{button} …", exact=True).click()
    faces.heading(button)
    faces.page.get_by_label("Reason").fill(why)
    faces.press(button)
    faces.at(f"/admin/users/{user_id}")
    is_kept(house, user_id, why)


def is_kept(house: Site, user_id: str, why: str) -> None:
    """The reason of what was done to them last."""
    query = {"target_id": user_id, "actor_id": house.admin.id, "limit": "1"}
    (event,) = house.admin.api.get("/v1/audit-events", params=query, expect=200).json()["items"]
    assert event["reason"] == why


def is_finished(faces: Faces, scripted: bool) -> None:
    """A run in bulk: the page follows by itself, or has a link to look again."""
    finished = faces.page.get_by_role("heading", name="Finished", exact=True)
    again = faces.page.get_by_role("link", name="Look again")
    if not scripted:
        until("the run is finished", lambda: finished.count() or again.click())
    expect(finished).to_be_visible(timeout=20_000)


def choose_password(own: Faces, link: str) -> str:
    """What somebody does with a link that was mailed to them."""
    password = new_password()
    own.page.goto(link)
    own.field("password").fill(password)
    own.press("Set password")
    own.heading("Your password is set")
    return password


def is_told(house: Site, email: str, subject: str) -> None:
    until(f"a mail comes: {subject}", lambda: any(mail.subject.startswith(subject) for mail in house.mailbox.to(email)))


def test_a_user_is_created_with_a_role_and_has_another_address(faces: Faces, own: Faces, house: Site) -> None:
    page = faces.page
    enter(faces, house.admin, "/admin/users")
    page.get_by_role("link", name="Create a user").click()
    name, first, second = unique("Clerk"), new_address(), new_address()
    manager = page.get_by_label("Looks after ordinary users.")
    faces.field("email").fill(house.admin.email)
    faces.field("display_name").fill(name)
    manager.check()
    page.get_by_label("Reason").fill("begins on Monday")
    faces.press("Create the user")
    expect(faces.field("email")).to_have_accessible_description(re.compile("Error: "))
    expect(manager).to_be_checked()
    faces.field("email").fill(first)
    faces.press("Create the user")
    faces.heading(name)
    said(faces, "The user is created.")
    here = page.url.removeprefix(f"{faces.base_url}")
    user_id = here.rpartition("/")[2]
    made = house.read(user_id)
    assert (made["status"], made["email"], made["roles"]) == ("pending", first, ["manager", "user"])
    is_kept(house, user_id, "begins on Monday")
    password = choose_password(own, house.mailbox.wait_for(first).link)
    person = house.enter(first, password)
    assert (person.id, house.read(user_id)["status"]) == (user_id, "active")

    faces.open(here)
    page.get_by_role("region", name="Addresses").get_by_role("link", name="Add …").click()
    faces.field("email").fill(first)
    faces.press("Send the link")
    expect(faces.field("email")).to_have_accessible_description(re.compile("Error: "))
    faces.field("email").fill(second)
    page.get_by_label("Reason").fill("moved")
    faces.press("Send the link")
    faces.at(here)
    said(faces, "It is on its way.")
    row = page.get_by_role("region", name="Addresses").get_by_role("listitem").filter(has_text=second)
    expect(row).to_contain_text("Waits")
    # Only the person confirms it.
    own.page.goto(house.mailbox.wait_for(second).link)
    own.press("Add this address")
    own.heading("The address is added")
    faces.open(here)
    expect(row).to_contain_text("Verified")
    page.get_by_role("link", name=f"Make {second} primary").click()
    faces.heading("Make primary")
    page.get_by_label("Reason").fill("moved")
    faces.press("Make primary")
    faces.at(here)
    said(faces, "It is saved.")
    expect(row).to_contain_text("Primary")
    page.get_by_role("link", name=f"Remove {first}").click()
    expect(page.get_by_role("main")).to_contain_text(first)
    page.get_by_label("Reason").fill("nobody reads it")
    faces.press("Remove")
    faces.at(here)
    said(faces, "It is removed.")
    is_kept(house, user_id, "nobody reads it")
    assert [(one["address"], one["primary"]) for one in house.read(user_id)["emails"]] == [(second, True)]
    problem(house.login(first, password), 401, "invalid_credentials")
    assert house.enter(second, password).id == user_id
    is_told(house, first, "This address was removed")


def test_a_lock_ends_and_a_link_for_a_new_password_is_mailed(faces: Faces, own: Faces, house: Site) -> None:
    someone = house.person()
    fail(house, someone.email, FAILURES_MAX)
    problem(house.login(someone.email, someone.password), 429, "too_many_requests")
    enter(faces, house.admin, f"/admin/users/{someone.id}")
    standing = faces.page.get_by_role("region", name="Standing")
    expect(standing).to_contain_text("Locked until")
    act(faces, house, someone.id, "Unlock")
    said(faces, "The change is made.")
    expect(standing).not_to_contain_text("Locked until")
    is_offered(faces, "Unlock", False)
    house.login(someone.email, someone.password, expect=200)

    act(faces, house, someone.id, "Mail a link for a new password")
    said(faces, "A link to choose a new password is on its way")
    link = house.mailbox.wait_for_link(someone.email, "/reset-password")
    # Nothing changes until they use it.
    house.login(someone.email, someone.password, expect=200)
    password = choose_password(own, link)
    problem(house.login(someone.email, someone.password), 401, "invalid_credentials")
    house.enter(someone.email, password)


def test_status_and_picture_are_taken_and_sessions_end(faces: Faces, house: Site) -> None:
    someone = house.person()
    file = io.BytesIO()
    Image.new("RGB", (300, 200), "navy").save(file, "PNG")
    someone.api.put("/v1/me/avatar", content=file.getvalue(), headers=PNG, expect=200)
    enter(faces, house.admin, f"/admin/users/{someone.id}")
    face = faces.page.get_by_role("main").locator("img.face")
    expect(face).not_to_have_attribute("src", re.compile("identicon"))

    is_offered(faces, "Take professional status", False)
    act(faces, house, someone.id, "Give professional status")
    said(faces, "It is saved.")
    assert house.read(someone.id)["professional_at"]
    is_told(house, someone.email, "You now have professional status")
    is_offered(faces, "Give professional status", False)
    act(faces, house, someone.id, "Take professional status")
    assert house.read(someone.id)["professional_at"] is None
    is_told(house, someone.email, "Your professional status")
    is_offered(faces, "Give professional status")

    act(faces, house, someone.id, "Remove the picture")
    said(faces, "It is removed.")
    expect(face).to_have_attribute("src", re.compile("identicon"))
    assert "identicon" in someone.api.get("/v1/me", expect=200).json()["avatar_url"]
    is_offered(faces, "Remove the picture", False)

    made = someone.api.post("/v1/me/api-keys", json={"name": "Nightly", "permissions": []}, expect=201).json()
    program = Client(house.base_url, headers={"Authorization": f"Bearer {made['key']}"})
    program.get("/v1/whoami", expect=200)
    act(faces, house, someone.id, "Sign out everywhere")
    said(faces, "The change is made.")
    expect(faces.page.get_by_text("They are signed in nowhere.")).to_be_visible()
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    problem(program.get("/v1/whoami"), 401, "unauthorized")
    someone.sign_in()


def test_r105_a_lost_app_is_taken_away_after_a_fresh_proof_and_bound_anew(
    faces: Faces, own: Faces, house: Site, usher: Usher
) -> None:
    someone = house.person()
    lost = bind(house, someone).app
    house.login(someone.email, someone.password, expect=202)
    here = f"/admin/users/{someone.id}"
    enter(faces, house.admin, here)
    # The administrator has signed in a while ago.
    browsers = "select session_id from browser_sessions"
    older = f"update sessions set created_at = created_at - interval '11 minutes' where id in ({browsers})"
    database.sql(usher.data_dir, f"{older} and user_id = '{house.admin.id}'")
    faces.page.get_by_role("link", name="Remove second factors …").click()
    faces.heading("Confirm that it is you")
    faces.prove(house.admin.password, None)
    faces.at(f"{here}/act/reset-factors")
    faces.page.get_by_role("link", name="Cancel").click()
    act(faces, house, someone.id, "Remove second factors")
    said(faces, "The change is made.")
    is_offered(faces, "Remove second factors", False)
    is_told(house, someone.email, "Your second factor was removed")

    own.sign_in(someone.email, someone.password, "/sign-in?return_to=/account/second-factors")
    own.at("/account/second-factors")
    own.press("Set up an authenticator app")
    found = totp.App(own.page.locator("main code").inner_text())
    own.field("code").fill(lost.code())
    own.press("Turn it on")
    expect(own.page.locator("#code-error")).to_contain_text("This code is wrong")
    own.field("code").fill(found.code())
    own.press("Turn it on")
    own.heading("Your recovery codes")
    house.login(someone.email, someone.password, expect=202)
    faces.open(here)
    is_offered(faces, "Remove second factors")


def test_a_new_password_is_required(faces: Faces, own: Faces, house: Site, scripted: bool) -> None:
    someone = house.person()
    enter(faces, house.admin, f"/admin/users/{someone.id}")
    faces.page.get_by_role("link", name="Require a new password …").click()
    faces.heading("Act on many users")
    expect(faces.page.get_by_label("What is to be done")).to_have_value("require_password_reset")
    faces.page.get_by_label("Reason").fill("it was on a list")
    faces.press("Preview")
    expect(faces.page.locator(".tile").filter(has_text="To be done")).to_contain_text("1")
    expect(faces.page.locator("tbody tr")).to_contain_text(someone.username)
    house.login(someone.email, someone.password, expect=200)
    faces.press("Do it to 1 user")
    is_finished(faces, scripted)
    # Its password is locked until another one is chosen.
    problem(house.login(someone.email, someone.password), 429, "too_many_requests")
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    password = choose_password(own, house.mailbox.wait_for_link(someone.email, "/reset-password"))
    house.enter(someone.email, password)


def test_who_was_deleted_is_restored_or_purged(faces: Faces, house: Site, scripted: bool) -> None:
    page, mark = faces.page, unique("gone")
    people = [house.create(display_name=f"{mark} {number}") for number in range(4)]
    for person in people:
        house.admin.api.delete(f"/v1/users/{person['id']}", expect=204)
    back, alone, *rest = people
    enter(faces, house.admin, "/admin")
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Recycle bin").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    page.get_by_role("link", name=f"Restore {back['display_name']}").click()
    faces.heading("Restore")
    page.get_by_label("Reason").fill("it was a mistake")
    faces.press("Restore")
    faces.at(f"/admin/users/{back['id']}")
    said(faces, "The change is made.")
    is_kept(house, back["id"], "it was a mistake")
    assert house.read(back["id"])["status"] == "pending"

    def purge(link: str, users: str, *whom: dict[str, Any]) -> None:
        """In two steps; nothing is done before the second."""
        faces.open(BIN)
        page.get_by_role("link", name=link, exact=True).click()
        expect(page.get_by_label("What is to be done")).to_have_value("purge")
        page.get_by_label("Reason").fill("asked for in writing")
        faces.press("Preview")
        expect(page.get_by_text("Who is purged is gone for good")).to_be_visible()
        assert {house.read(person["id"])["status"] for person in whom} == {"deleted"}
        faces.press(f"Do it to {users}")
        is_finished(faces, scripted)
        for person in whom:
            house.admin.api.get(f"/v1/users/{person['id']}", expect=404)

    purge(f"Purge {alone['display_name']}", "1 user", alone)
    purge("Purge all …", "2 users", *rest)
    faces.open(BIN)
    expect(page.get_by_text("It is empty.")).to_be_visible()
    expect(page.get_by_role("link", name="Purge all …")).to_have_count(0)
    assert house.read(back["id"])["status"] == "pending"
