"""What the other tests do with scripts, in a browser that runs none: setting up, the links in mails, and what ends or begins by a form."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from harness import totp
from harness.canary import new_address, new_password, unique
from harness.client import Client, problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Stage, Usher


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[Site]:
    """A server of these tests' own: it says what professional status takes."""
    usher: Usher = stage.usher(USHER_PROFESSIONAL_REQUIRES="display_name")
    try:
        usher.start()
        site = Site(usher.public_url, mailbox)
        site.set_up(usher.setup_token())
        yield site
    finally:
        usher.remove()


@pytest.fixture
def plain(browser: Browser, house: Site) -> Iterator[Faces]:
    """A browser without scripts, on a phone."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    faces = Faces(context.new_page(), house.public_url)
    yield faces
    faces.end()
    context.close()


def enter(faces: Faces, person: Person, path: str = "/account") -> None:
    faces.sign_in(person.email, person.password, f"/sign-in?return_to={path}")
    faces.at(path)


def said(faces: Faces, text: str) -> None:
    """The notice of what was done."""
    expect(faces.page.get_by_role("status")).to_contain_text(text)


def test_a_server_is_set_up(browser: Browser, new_server: Callable[..., Usher]) -> None:
    usher = new_server()
    context = browser.new_context(java_script_enabled=False)
    faces = Faces(context.new_page(), usher.public_url)
    email, password = new_address(), new_password()
    faces.open("/setup")
    faces.field("token").fill(f"{usher.setup_token()}x")
    faces.field("email").fill(email)
    faces.field("password").fill(password)
    faces.press("Create administrator")
    expect(faces.page.locator("#token-error")).to_contain_text("This setup token does not work")
    faces.field("token").fill(usher.setup_token())
    faces.field("password").fill(password)
    faces.press("Create administrator")
    faces.heading("Usher is set up")
    faces.sign_in(email, password, "/sign-in?return_to=/admin")
    faces.at("/admin")
    faces.end()
    context.close()


def test_r043_a_forgotten_password_is_chosen_anew(plain: Faces, house: Site) -> None:
    someone, password = house.person(), new_password()
    before = len(house.mailbox.to(someone.email))
    plain.open("/recover")
    plain.field("email").fill(someone.email)
    plain.press("Send me a link")
    plain.heading("Look into your mail")
    plain.page.goto(house.mailbox.wait_for(someone.email, after=before).link)
    plain.field("password").fill("too short")
    # A browser would say so by itself.
    plain.field("password").press("End")
    plain.field("password").fill("passwordpassword")
    plain.press("Set password")
    expect(plain.page.locator("#password-error")).to_be_visible()
    plain.field("password").fill(password)
    plain.press("Set password")
    plain.heading("Your password is set")
    problem(house.login(someone.email, someone.password), 401, "invalid_credentials")
    house.enter(someone.email, password)


def test_an_app_is_bound_and_removed(plain: Faces, house: Site) -> None:
    someone = house.person()
    enter(plain, someone, "/account/second-factors")
    plain.press("Set up an authenticator app")
    plain.heading("Set up an authenticator app")
    app = totp.App(plain.page.locator("main code").inner_text())
    plain.field("code").fill(app.wrong())
    plain.press("Turn it on")
    expect(plain.page.locator("#code-error")).to_contain_text("This code is wrong")
    plain.field("code").fill(app.code())
    plain.press("Turn it on")
    plain.heading("Your recovery codes")
    codes = plain.page.locator("ol code").all_inner_texts()
    assert len(set(codes)) == 10
    plain.press("Sign out")
    plain.sign_in(someone.email, someone.password, "/sign-in?return_to=/account/second-factors")
    plain.page.get_by_role("link", name="Use a recovery code").click()
    plain.field("code").fill(codes[0])
    plain.press("Sign in")
    plain.at("/account/second-factors")
    plain.press("Remove the app")
    said(plain, "Your authenticator app is removed.")
    house.login(someone.email, someone.password, expect=200)


def test_r104_sessions_are_ended(plain: Faces, house: Site) -> None:
    someone = house.person()
    others = [someone.sign_in() for _ in range(2)]
    enter(plain, someone, "/account/sessions")
    rows = plain.page.locator("tbody tr")
    expect(rows).to_have_count(4)
    rows.nth(1).get_by_role("button").click()
    said(plain, "The session is ended.")
    assert [other.get("/v1/me").status_code for other in others] == [200, 401]
    plain.press("Sign out everywhere else")
    expect(rows).to_have_count(1)
    assert [other.get("/v1/me").status_code for other in [someone.api, others[0]]] == [401] * 2


def test_r105_the_user_name_is_changed(plain: Faces, house: Site) -> None:
    someone, other = house.person(), house.person()
    enter(plain, someone, "/account/username")
    plain.field("username").fill(other.username)
    plain.press("Change user name")
    expect(plain.page.locator("#username-error")).to_contain_text("belongs to somebody else")
    wanted = unique("calm")
    plain.field("username").fill(wanted)
    plain.press("Change user name")
    said(plain, "Your user name is changed.")
    assert house.enter(wanted, someone.password).id == someone.id


def test_professional_status_is_asked_for_and_withdrawn(plain: Faces, house: Site) -> None:
    someone = house.person()
    enter(plain, someone, "/account/professional")
    plain.page.get_by_role("link", name="Fill in your profile").click()
    plain.field("display_name").fill("Ann Baker")
    plain.press("Save")
    for answer in ("Withdraw the request", None):
        plain.open("/account/professional")
        plain.page.locator("textarea[name=message]").fill("Ten years.")
        plain.press("Ask for professional status")
        expect(plain.page.get_by_role("main")).to_contain_text("Ten years.")
        if answer:
            plain.press(answer)
            expect(plain.page.get_by_role("main")).to_contain_text("Withdrawn by you")
    states = [one["state"] for one in house.admin.api.get(f"/v1/approval-requests?user_id={someone.id}", expect=200).json()["items"]]
    assert sorted(states) == ["waiting", "withdrawn"]


def test_r046_an_address_is_confirmed(plain: Faces, house: Site) -> None:
    someone, added = house.person(), new_address()
    enter(plain, someone, "/account/addresses/new")
    plain.field("email").fill(added)
    plain.press("Send the link")
    plain.page.goto(house.mailbox.wait_for(added).link)
    problem(house.login(added, someone.password), 401, "invalid_credentials")
    plain.press("Add this address")
    plain.heading("The address is added")
    assert house.enter(added, someone.password).id == someone.id


def test_r043_a_sign_in_by_somebody_else_is_undone(plain: Faces, house: Site) -> None:
    someone = house.person()
    stranger = Client(house.base_url, headers={"User-Agent": unique("program")})
    body = {"identifier": someone.email, "password": someone.password}
    stranger.post("/v1/login", json=body, expect=200)
    plain.page.goto(house.mailbox.wait_for_link(someone.email, "/not-me"))
    someone.api.get("/v1/me", expect=200)
    plain.press("It was not me")
    plain.heading("Nobody is signed in any more")
    # It is locked until a new password is chosen.
    problem(house.login(someone.email, someone.password), 429, "too_many_requests")
    problem(someone.api.get("/v1/me"), 401, "unauthorized")


def test_r105_somebody_leaves_and_comes_back(plain: Faces, house: Site) -> None:
    someone = house.person()
    enter(plain, someone, "/account/delete")
    plain.press("Delete my account")
    plain.heading("Your account is deleted")
    plain.page.goto(house.mailbox.wait_for_link(someone.email, "/undo-deletion"))
    assert house.read(someone.id)["status"] == "deleted"
    plain.press("Keep my account")
    plain.heading("Your account is back")
    assert house.read(someone.id)["status"] == "active"
    enter(plain, someone)


def test_in_the_console_a_role_is_granted_and_taken_and_a_key_and_a_session_end(plain: Faces, house: Site) -> None:
    page, someone = plain.page, house.person()
    made: dict[str, Any] = someone.api.post("/v1/me/api-keys", json={"name": "Nightly", "permissions": []}, expect=201).json()
    program = Client(house.base_url, headers={"Authorization": f"Bearer {made['key']}"})
    program.get("/v1/whoami", expect=200)
    here = f"/admin/users/{someone.id}"
    enter(plain, house.admin, here)
    page.get_by_role("link", name="Grant a role …").click()
    page.get_by_label("Role", exact=True).select_option("manager")
    plain.press("Grant the role")
    plain.at(here)
    assert "manager" in house.read(someone.id)["roles"]
    page.get_by_role("link", name="Take the role manager").click()
    page.get_by_label("Reason").fill("it was a test")
    plain.press("Take the role")
    plain.at(here)
    assert "manager" not in house.read(someone.id)["roles"]
    page.get_by_role("link", name="Revoke the key Nightly").click()
    page.locator("main form button[type=submit]").click()
    plain.at(here)
    problem(program.get("/v1/whoami"), 401, "unauthorized")
    someone.api.get("/v1/me", expect=200)
    page.locator(f"a[href^='{here}/sessions/']").click()
    page.locator("main form button[type=submit]").click()
    plain.at(here)
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
