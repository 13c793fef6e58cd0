"""Signing in, signing up, recovery, setup and the account by pages, in a real browser and against one that cheats."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from harness import connections
from harness.canary import new_address, new_password
from harness.faces import Faces, form_token
from harness.looks import LONG_NAME
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher


@pytest.fixture(scope="module")
def someone(site: Site, mailbox: Mailbox) -> Person:
    """Whom the tests of this file share. Nobody changes their password."""
    return site.person(display_name=LONG_NAME)


@pytest.fixture
def plain(site: Site) -> Iterator[httpx.Client]:
    """A client that keeps cookies and forges the rest."""
    with client_of(site) as client:
        yield client


def client_of(site: Site) -> httpx.Client:
    transport = connections.to(site.public_url)
    return httpx.Client(base_url=site.public_url, headers={"Accept": "text/html"}, trust_env=False, transport=transport)


def containing(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))


def enter(plain: httpx.Client, person: Person) -> str:
    """Signs somebody in without a browser. Returns the form token of their account."""
    token = form_token(plain.get("/sign-in").text)
    form = {"form_token": token, "identifier": person.email, "password": person.password}
    assert plain.post("/sign-in", data=form).headers["location"] == "/account"
    return form_token(plain.get("/account").text)


def test_r100_a_person_signs_in_and_out(faces: Faces, someone: Person) -> None:
    faces.open("/account/sessions")
    faces.at("/sign-in?return_to=%2Faccount%2Fsessions")
    assert faces.field("identifier").get_attribute("autocomplete") == "username webauthn"
    faces.field("identifier").fill(someone.email)
    faces.press("Continue")
    assert faces.field("identifier").get_attribute("autocomplete") == "username"
    assert faces.field("password").get_attribute("autocomplete") == "current-password", "R-006"
    faces.field("password").fill(new_password())
    faces.press("Sign in")
    field = faces.field("password")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    said = "Error: Address or user name and password do not fit together"
    expect(field).to_have_accessible_description(containing(said))
    field.fill(someone.password)
    faces.press("Sign in")
    faces.at("/account/sessions")
    cookies = faces.cookies()
    assert {"usher", "usher-device"} <= set(cookies)
    for name, cookie in cookies.items():
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/", name
        https = faces.base_url.startswith("https:")
        assert cookie["secure"] == https and cookie["name"].startswith("__Host-") == https, name
        assert len(cookie["value"]) <= 200 and someone.email not in cookie["value"]
    assert faces.page.evaluate("document.cookie") == ""
    faces.open("/account")
    expect(faces.page.get_by_text(someone.email)).to_be_visible()
    faces.press("Sign out")
    faces.at("/sign-in")
    faces.open("/account")
    faces.at("/sign-in?return_to=%2Faccount")


def test_a_session_that_is_ended_elsewhere_throws_the_browser_out(faces: Faces, someone: Person) -> None:
    faces.sign_in(someone.username, someone.password)
    faces.at("/account")
    (newest, *_) = someone.api.get("/v1/me/sessions", expect=200).json()["items"]
    assert newest["device"].startswith("Chrom"), "it is listed as any other"
    someone.api.delete(f"/v1/me/sessions/{newest['id']}", expect=204)
    faces.page.reload()
    faces.at("/sign-in?return_to=%2Faccount")


def test_r104_people_end_sessions_in_the_browser(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone = site.person()
    others = [someone.sign_in() for _ in range(3)]
    faces.sign_in(someone.email, someone.password)
    faces.open("/account/sessions")
    rows = faces.page.locator("tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.filter(has_text="This browser")).to_have_count(1)
    rows.nth(1).get_by_role("button").click()
    expect(faces.page.get_by_role("status")).to_have_text("The session is ended. Nobody can go on with it.")
    expect(rows).to_have_count(4)
    assert others[2].get("/v1/me").status_code == 401
    faces.press("Sign out everywhere else")
    expect(rows).to_have_count(1)
    assert [other.get("/v1/me").status_code for other in [someone.api, *others]] == [401] * 4
    expect(faces.page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    faces.is_sound()


def test_somebody_signs_up_verifies_and_changes_the_password(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    email, password, changed = new_address(), new_password(), new_password()
    faces.open("/sign-in")
    faces.page.get_by_role("link", name="Create one").click()
    faces.field("email").fill(email)
    faces.field("display_name").fill("Ann <b>Example</b>")
    faces.field("password").fill("passwordpassword")
    expect(faces.page.locator(".strength p")).to_contain_text("It is one of the passwords that are tried first")
    faces.press("Create account")
    expect(faces.field("password")).to_have_accessible_description(containing("The password is one of the passwords"))
    expect(faces.field("email")).to_have_value(email)
    faces.field("password").fill(password)
    faces.page.get_by_role("button", name="Show the password").click()
    assert faces.field("password").get_attribute("type") == "text"
    faces.press("Create account")
    faces.heading("Look into your mail")
    faces.page.goto(mailbox.wait_for(email).link)
    faces.page.get_by_label("The password you signed up with").fill(password)
    faces.press("Confirm my address")
    faces.heading("Your address is confirmed")
    faces.sign_in(email, password)
    faces.at("/account")
    expect(faces.page.locator(".bar-person")).to_have_text("Signed in as Ann <b>Example</b>")

    other = site.enter(email, password)
    faces.open("/.well-known/change-password")
    faces.at("/account/password")
    for current, expected in ((new_password(), "/account/password"), (password, "/account")):
        faces.field("current_password").fill(current)
        faces.field("password").fill(changed)
        faces.press("Change password")
        faces.at(expected)
    expect(faces.page.get_by_role("status").first).to_contain_text("Your password is changed")
    assert other.api.get("/v1/me").status_code == 401
    faces.press("Sign out")
    faces.at("/sign-in")
    faces.sign_in(email, changed)
    faces.at("/account")


def test_a_forgotten_password(faces: Faces, site: Site, mailbox: Mailbox) -> None:
    someone, password = site.person(), new_password()
    before = len(mailbox.to(someone.email))
    faces.open("/sign-in")
    faces.field("identifier").fill(someone.email)
    faces.press("Continue")
    faces.page.get_by_role("link", name="Forgot your password?").click()
    faces.field("email").fill(someone.email)
    faces.press("Send me a link")
    faces.heading("Look into your mail")
    faces.page.goto(mailbox.wait_for(someone.email, after=before).link)
    faces.page.get_by_label("New password").fill(password)
    faces.press("Set password")
    faces.heading("Your password is set")
    faces.sign_in(someone.email, someone.password)
    faces.heading("Enter your password")
    faces.field("password").fill(password)
    faces.press("Sign in")
    faces.at("/account")


def test_r014_a_new_server_is_set_up_in_the_browser(browser: Browser, new_server: Callable[..., Usher]) -> None:
    server = new_server()
    email, password = new_address(), new_password()
    context = browser.new_context()
    faces = Faces(context.new_page(), server.public_url)
    faces.open("/setup")
    faces.is_sound()
    faces.field("token").fill(server.setup_token())
    faces.field("email").fill(email)
    faces.field("password").fill(password)
    faces.press("Create administrator")
    faces.heading("Usher is set up")
    faces.page.get_by_role("link", name="Sign in").click()
    faces.field("identifier").fill(email)
    faces.press("Continue")
    faces.field("password").fill(password)
    faces.press("Sign in")
    faces.at("/account")
    faces.open("/setup")
    faces.heading("It is set up already")
    faces.end()
    context.close()


def test_everything_works_without_javascript(browser: Browser, site: Site, mailbox: Mailbox) -> None:
    context = browser.new_context(java_script_enabled=False)
    faces = Faces(context.new_page(), site.public_url)
    email, password, changed = new_address(), new_password(), new_password()
    faces.open("/register")
    faces.field("email").fill(email)
    faces.field("password").fill(password)
    faces.press("Create account")
    faces.heading("Look into your mail")
    faces.page.goto(mailbox.wait_for(email).link)
    faces.page.get_by_label("The password you signed up with").fill(password)
    faces.press("Confirm my address")
    faces.heading("Your address is confirmed")
    faces.sign_in(email, password)
    faces.at("/account")
    faces.page.get_by_role("link", name="Change your password").click()
    assert faces.page.locator(".reveal").count() == 0, "no button that does nothing"
    faces.field("current_password").fill(password)
    faces.field("password").fill(changed)
    faces.press("Change password")
    faces.at("/account")
    faces.press("Sign out")
    faces.at("/sign-in")
    faces.sign_in(email, changed, "/sign-in?return_to=/account/sessions")
    faces.at("/account/sessions")
    faces.end()
    context.close()


def test_r106_forms_are_bound_to_who_was_shown_them(plain: httpx.Client, site: Site, someone: Person) -> None:
    of_nobody = form_token(plain.get("/sign-in").text)
    token = enter(plain, someone)
    other = site.person()
    with client_of(site) as second:
        of_another = enter(second, other)
    new = new_password()
    for bad in ("", "x", of_nobody, of_another, token[:-1], token[::-1]):
        for path in ("/sign-out", "/account/sessions/end-others", "/account/password"):
            form = {"form_token": bad, "current_password": someone.password, "password": new}
            assert plain.post(path, data=form).status_code == 403, (path, bad)
    assert plain.post("/sign-out").status_code == 415
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert plain.post("/sign-out", data={"form_token": token}, headers=elsewhere).status_code == 403
    assert plain.get("/account").status_code == 200
    assert someone.api.get("/v1/me").status_code == 200
    assert plain.post("/sign-out", data={"form_token": token}).headers["location"] == "/sign-in"
    assert plain.get("/account").status_code == 303


def test_r109_a_tossed_cookie_is_refused_and_the_session_stays(
    plain: httpx.Client, site: Site, someone: Person
) -> None:
    enter(plain, someone)
    (cookie,) = [cookie for cookie in plain.cookies.jar if cookie.name.removeprefix("__Host-") == "usher"]
    pair = f"{cookie.name}={cookie.value}"
    with client_of(site) as bare:
        for tossed in (f"{pair}; {cookie.name}=x", f"{cookie.name}=x; {pair}", f"{pair}; {pair}"):
            answer = bare.get("/account", headers={"Cookie": tossed, "Accept": "text/html"})
            assert answer.status_code == 400 and "set-cookie" not in answer.headers, tossed
        assert bare.get("/account", headers={"Cookie": pair}).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "javascript:alert(1)", "/%0d%0a"],
)
def test_nobody_is_led_to_another_site(faces: Faces, someone: Person, wanted: str) -> None:
    query = str(httpx.QueryParams({"return_to": wanted}))
    faces.sign_in(someone.email, someone.password, f"/sign-in?{query}")
    expect(faces.page).not_to_have_url(containing("/sign-in"))
    assert faces.page.url.startswith(f"{faces.base_url}/")


def test_r026_the_pages_tell_nothing_of_accounts(plain: httpx.Client, site: Site, someone: Person) -> None:
    def walk(identifier: str) -> list[Any]:
        token = form_token(plain.get("/sign-in").text)
        form = {"form_token": token, "identifier": identifier}
        answers = [
            plain.post("/sign-in", data=form),
            plain.post("/sign-in", data={**form, "password": new_password()}),
            plain.post("/recover", data={"form_token": token, "email": identifier}),
        ]
        return [seen(answer, identifier) for answer in answers]

    def seen(answer: httpx.Response, identifier: str) -> Any:
        left = {"date", "x-request-id", "content-length", "ratelimit", "connection"}
        headers = [(name, value) for name, value in answer.headers.items() if name not in left]
        text = answer.text.replace(identifier, "")
        return answer.status_code, headers, re.sub(r'name="form_token" value="[^"]*"', "", text)

    assert walk(someone.email) == walk(new_address())
