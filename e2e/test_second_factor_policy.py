"""Roles that ask for a second factor, and devices that are spared it, through the API and in a real browser."""

import re
from typing import Any

from playwright.sync_api import Browser, expect

from harness import totp
from harness.canary import unique
from harness.client import Bearer, Session, problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site

FACTORS = "/v1/me/second-factors"
HERE = "/account/second-factors"


def asking(admin: Session, person: Person, **policy: Any) -> str:
    """A role that asks for a second factor, granted to somebody."""
    name = unique("careful")
    body = {"name": name, "permissions": [], "second_factor": {"required": True, **policy}}
    admin.post("/v1/roles", json=body, expect=201)
    assert admin.put(f"/v1/users/{person.id}/roles/{name}", json={}).is_success
    return name


def bind(site: Site, person: Person) -> totp.App:
    api = Bearer(site.base_url, site.login(person.email, person.password, expect=200).json()["access_token"])
    app = totp.App(api.post(f"{FACTORS}/totp", expect=200).json()["secret"])
    api.post(f"{FACTORS}/totp/confirm", json={"code": app.code()}, expect=200)
    return app


def test_r065_a_role_asks_for_a_second_factor_of_all_ways_in(site: Site, admin: Session, mailbox: Mailbox) -> None:
    someone = site.person()
    role = asking(admin, someone, grace_days=7)
    begun = site.login(someone.email, someone.password, expect=200).json()
    api = Bearer(site.base_url, begun["access_token"])
    assert api.get("/v1/me", expect=200).json()["second_factor_due_at"] == begun["second_factor_due_at"]
    api.get("/v1/me/sessions", expect=200)
    changed = admin.patch(f"/v1/roles/{role}", json={"second_factor": {"grace_days": 0}}, expect=200).json()
    assert changed["second_factor"] == {"required": True, "grace_days": 0}
    problem(api.get("/v1/me/sessions"), 403, "second_factor_required")
    tokens = site.anonymous.post("/v1/refresh", json={"refresh_token": begun["refresh_token"]}, expect=200).json()
    problem(Bearer(site.base_url, tokens["access_token"]).get("/v1/whoami"), 403, "second_factor_required")
    app = bind(site, someone)
    token = site.login(someone.email, someone.password, expect=202).json()["pending_token"]
    body = {"pending_token": token, "code": app.code()}
    api = Bearer(site.base_url, site.anonymous.post("/v1/login/second-factor", json=body, expect=200).json()["access_token"])
    assert "second_factor_due_at" not in api.get("/v1/me", expect=200).json()
    problem(api.delete(f"{FACTORS}/totp"), 409, "second_factor_required")


def test_r065_a_notice_in_the_grace_then_nothing_but_binding(faces: Faces, site: Site, admin: Session, mailbox: Mailbox) -> None:
    someone = site.person()
    role = asking(admin, someone, grace_days=14)
    faces.sign_in(someone.email, someone.password)
    faces.at("/account")
    notice = faces.page.get_by_text("A role of yours asks for a second factor.")
    expect(notice).to_be_visible()
    faces.is_sound()
    notice.get_by_role("link", name="Set one up").click()
    faces.at(HERE)
    faces.is_sound()

    admin.patch(f"/v1/roles/{role}", json={"second_factor": {"grace_days": 0}}, expect=200)
    for path in ["/account", "/account/sessions", "/account/data", "/admin", "/"]:
        faces.open(path)
        faces.at(HERE)
    expect(faces.page.get_by_text("until then nothing else opens")).to_be_visible()
    faces.is_sound()
    faces.press("Sign out")
    faces.sign_in(someone.email, someone.password, "/sign-in?return_to=/account/sessions")
    faces.at(HERE)
    faces.press("Set up an authenticator app")
    app = totp.App(faces.page.locator("code").inner_text())
    faces.field("code").fill(app.code())
    faces.press("Turn it on")
    faces.heading("Your recovery codes")
    faces.page.get_by_role("link", name="I have kept them").click()
    expect(faces.page.get_by_text("the app can't be removed")).to_be_visible()
    expect(faces.page.get_by_role("button", name="Remove the app")).to_have_count(0)
    faces.is_sound()
    faces.open("/account/sessions")
    faces.at("/account/sessions")
    expect(faces.page.get_by_text("A role of yours")).to_have_count(0)


def test_r067_a_trusted_device_is_not_asked_for_a_code(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    app = bind(site, someone)
    faces.sign_in(someone.email, someone.password)
    faces.heading("Enter your code")
    box = faces.page.get_by_label(re.compile("Do not ask again on this device"))
    expect(box).not_to_be_checked()
    box.check()
    faces.is_sound()
    faces.field("code").fill(app.wrong())
    faces.press("Sign in")
    expect(box).to_be_checked()
    faces.is_sound()
    faces.field("code").fill(app.code())
    faces.press("Sign in")
    faces.at("/account")
    faces.press("Sign out")
    faces.sign_in(someone.email, someone.password)
    faces.at("/account")

    faces.open(HERE)
    expect(faces.page.get_by_role("heading", name="Trusted devices")).to_be_visible()
    faces.is_sound()
    # What needs a fresh proof asks for the code.
    faces.press("Make new recovery codes")
    expect(faces.field("code")).to_be_visible()
    faces.field("password").fill(someone.password)
    faces.field("code").fill(app.code())
    faces.press("Confirm")
    faces.at(HERE)
    # A new password ends it.
    faces.open("/account/password")
    changed = "seven quiet herons wading by"
    faces.field("current_password").fill(someone.password)
    faces.field("password").fill(changed)
    faces.page.locator("main form button[type=submit]").click()
    faces.at("/account")
    faces.press("Sign out")
    faces.sign_in(someone.email, changed)
    faces.heading("Enter your code")


def test_r067_devices_are_forgotten_without_javascript_on_a_phone(browser: Browser, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    app = bind(site, someone)
    size: Any = {"width": 390, "height": 844}
    context = browser.new_context(java_script_enabled=False, viewport=size, color_scheme="dark")
    faces = Faces(context.new_page(), site.public_url)
    faces.sign_in(someone.email, someone.password, f"/sign-in?return_to={HERE}")
    faces.page.get_by_label(re.compile("Do not ask again on this device")).check()
    faces.field("code").fill(app.code())
    faces.press("Sign in")
    faces.at(HERE)
    faces.page.get_by_role("button", name=re.compile("^Forget ")).click()
    expect(faces.page.get_by_role("status")).to_contain_text("The device is forgotten.")
    expect(faces.page.get_by_role("heading", name="Trusted devices")).to_have_count(0)
    faces.press("Sign out")
    faces.sign_in(someone.email, someone.password)
    faces.heading("Enter your code")
    faces.end()
    context.close()
