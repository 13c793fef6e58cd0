"""Second factors, through the API and in a real browser: an authenticator app, and recovery codes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, expect

from harness import totp
from harness.canary import leaks
from harness.client import Bearer, Client, problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher

FACTORS = "/v1/me/second-factors"
HERE = "/account/second-factors"


@dataclass
class Bound:
    """Somebody with an authenticator app, in a session of two factors."""

    person: Person
    api: Client
    app: totp.App
    recovery_codes: list[str]


def bind(site: Site, person: Person) -> Bound:
    fresh = site.login(person.email, person.password, expect=200).json()["access_token"]
    api = Bearer(site.base_url, fresh)
    started = api.post(f"{FACTORS}/totp", expect=200).json()
    app = totp.App(started["secret"])
    assert started["uri"].startswith("otpauth://totp/") and f"secret={started['secret']}" in started["uri"]
    bound = api.post(f"{FACTORS}/totp/confirm", json={"code": app.code()}, expect=200).json()
    return Bound(person, Bearer(site.base_url, bound["access_token"]), app, bound["recovery_codes"])


def pending(site: Site, person: Person) -> str:
    answer = site.login(person.email, person.password, expect=202).json()
    assert answer["second_factor"] == "required" and "access_token" not in answer
    return answer["pending_token"]


def show(site: Site, token: str, code: str) -> Any:
    return site.anonymous.post("/v1/login/second-factor", json={"pending_token": token, "code": code})


# The API


def test_r065_a_sign_in_takes_both_factors(site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    old = someone.sign_in()
    bound = bind(site, someone)
    problem(old.get("/v1/me"), 401, "unauthorized")
    token = pending(site, someone)
    problem(Bearer(site.base_url, token).get("/v1/me"), 401, "unauthorized")
    problem(show(site, token, bound.app.wrong()), 422, "wrong_code")
    code = bound.app.code()
    tokens = show(site, token, code)
    assert tokens.status_code == 200
    api = Bearer(site.base_url, tokens.json()["access_token"])
    found = api.get(FACTORS, expect=200).json()
    assert found["totp_since"] and found["recovery_codes_left"] == 10
    methods = [session["amr"] for session in api.get("/v1/me/sessions", expect=200).json()["items"]]
    assert methods[0] == ["pwd", "otp", "mfa"]
    # neither the handle nor the code is good twice.
    problem(show(site, token, code), 401, "sign_in_over")
    problem(show(site, pending(site, someone), code), 422, "wrong_code")


def test_r063_a_recovery_code_stands_once_for_the_app(site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    bound = bind(site, someone)
    token = pending(site, someone)
    first, second = bound.recovery_codes[:2]
    tokens = show(site, token, first.upper())
    assert tokens.status_code == 200
    token = pending(site, someone)
    problem(show(site, token, first), 422, "wrong_code")
    api = Bearer(site.base_url, tokens.json()["access_token"])
    assert api.get(FACTORS, expect=200).json()["recovery_codes_left"] == 9
    renewed = api.post(f"{FACTORS}/recovery-codes", expect=200).json()["recovery_codes"]
    assert len(set(renewed)) == 10 and not set(renewed) & set(bound.recovery_codes)
    problem(show(site, token, second), 422, "wrong_code")
    assert show(site, token, renewed[0]).status_code == 200


def test_r066_a_proof_again_takes_both_factors(site: Site, mailbox: Mailbox) -> None:
    bound = bind(site, site.person())
    body = {"password": bound.person.password}
    answer = bound.api.post("/v1/reauthenticate", json=body)
    assert [error["pointer"] for error in problem(answer, 422, "invalid_body")["errors"]] == ["/code"]
    problem(bound.api.post("/v1/reauthenticate", json={**body, "code": bound.app.wrong()}), 422, "wrong_code")
    tokens = bound.api.post("/v1/reauthenticate", json={**body, "code": bound.app.code()}, expect=200).json()
    fresh = Bearer(site.base_url, tokens["access_token"])
    fresh.delete(f"{FACTORS}/totp", expect=204)
    bound.person.sign_in()


def test_a_lost_factor_is_reset_by_an_administrator_and_the_owner_is_told(site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    before = len(mailbox.to(someone.email))
    bound = bind(site, someone)
    assert "added" in mailbox.wait_for(someone.email, after=before).subject
    path = f"/v1/users/{someone.id}/second-factors"
    problem(site.person("manager").api.delete(path), 403, "forbidden")
    site.admin.api.delete(path, headers={"X-Reason": "lost the phone"}, expect=204)
    assert "removed" in mailbox.wait_for(someone.email, after=before + 1).subject
    someone.sign_in()
    problem(site.admin.api.delete(path), 409, "second_factor_not_bound")
    bound.api.get("/v1/me", expect=200)


def test_the_operator_resets_at_the_command_line(new_server: Callable[..., Usher]) -> None:
    server = new_server()
    site = Site(server.base_url)
    admin = site.set_up(server.setup_token())
    bind(site, admin)
    pending(site, admin)
    said = server.cli("user", "reset-second-factors", admin.email, "--reason", "lost the phone").stdout
    assert "removed" in said
    admin.sign_in()
    assert "no second factor" in server.cli("user", "reset-second-factors", admin.email, code=1).stderr
    assert leaks(server.log()) == []


# In the browser


def test_an_app_is_set_up_and_asked_for(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    faces.sign_in(someone.email, someone.password)
    faces.page.get_by_role("link", name="Second factors").click()
    faces.heading("Second factors")
    faces.is_sound()
    faces.press("Set up an authenticator app")
    faces.heading("Set up an authenticator app")
    faces.is_sound()
    picture = faces.page.get_by_role("img", name="QR code of the secret below")
    expect(picture).to_be_visible()
    app = totp.App(faces.page.locator("code").inner_text())
    field = faces.field("code")
    assert (field.get_attribute("autocomplete"), field.get_attribute("inputmode")) == ("one-time-code", "numeric")
    field.fill(app.wrong())
    faces.press("Turn it on")
    expect(field).to_have_accessible_description(re.compile("This code is wrong"))
    faces.is_sound()
    field.fill(app.code())
    faces.press("Turn it on")
    faces.heading("Your recovery codes")
    codes = faces.page.locator("ol code").all_inner_texts()
    assert len(set(codes)) == 10
    faces.is_sound()
    faces.page.emulate_media(media="print")
    expect(faces.page.locator("ol code").first).to_be_visible()
    expect(faces.page.get_by_role("link", name="I have kept them")).to_be_hidden()
    faces.page.emulate_media(media="screen")
    faces.page.get_by_role("link", name="I have kept them").click()
    expect(faces.page.get_by_text("10 are left.")).to_be_visible()
    faces.is_sound()
    faces.press("Sign out")
    faces.at("/sign-in")

    faces.sign_in(someone.email, someone.password, f"/sign-in?return_to={HERE}")
    faces.heading("Enter your code")
    faces.is_sound()
    cookie = faces.cookies()["usher-pending"]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    faces.field("code").fill(app.wrong())
    faces.press("Sign in")
    expect(faces.field("code")).to_be_focused()
    faces.is_sound()
    faces.page.get_by_role("link", name="Use a recovery code").click()
    faces.heading("Enter a recovery code")
    faces.is_sound()
    faces.field("code").fill(codes[0])
    faces.press("Sign in")
    faces.at(HERE)
    assert "usher-pending" not in faces.cookies()
    expect(faces.page.get_by_text("9 are left.")).to_be_visible()
    faces.open("/reauthenticate")
    faces.is_sound()
    faces.field("password").fill(someone.password)
    faces.field("code").fill(codes[1])
    faces.press("Confirm")
    faces.at("/account")
    faces.open(HERE)
    faces.press("Make new recovery codes")
    faces.heading("Your recovery codes")
    assert not set(faces.page.locator("ol code").all_inner_texts()) & set(codes)
    faces.open(HERE)
    faces.press("Remove the app")
    expect(faces.page.get_by_role("status")).to_contain_text("Your authenticator app is removed.")
    faces.press("Sign out")
    faces.at("/sign-in")
    faces.sign_in(someone.email, someone.password)
    faces.at("/account")


def test_two_factors_without_javascript_on_a_phone(browser: Browser, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    bound = bind(site, someone)
    size: Any = {"width": 390, "height": 844}
    context = browser.new_context(java_script_enabled=False, viewport=size, color_scheme="dark")
    faces = Faces(context.new_page(), site.public_url)
    faces.sign_in(someone.email, someone.password, f"/sign-in?return_to={HERE}")
    faces.heading("Enter your code")
    faces.field("code").fill(bound.app.code())
    faces.press("Sign in")
    faces.at(HERE)
    faces.press("Make new recovery codes")
    faces.heading("Your recovery codes")
    faces.press("Sign out")
    faces.at("/sign-in")
    faces.end()
    context.close()


def test_r064_the_page_of_the_code_opens_nothing_by_itself(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    bind(site, someone)
    faces.open("/sign-in/second-factor")
    faces.at("/sign-in")
    faces.sign_in(someone.email, someone.password)
    faces.heading("Enter your code")
    faces.open("/account")
    faces.at("/sign-in?return_to=%2Faccount")
    faces.open("/sign-in/second-factor?return_to=//evil.example")
    faces.heading("Enter your code")
    assert faces.page.locator("main input[name=return_to]").get_attribute("value") == ""
