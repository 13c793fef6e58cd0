"""The pages behind the links in mails, over HTTP and in a real browser."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from harness.canary import new_password
from harness.client import Client, problem
from harness.docs_page import Watch
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site


class Form(HTMLParser):
    """The forms of a page but for the choice of a language; they have one address, and everything the page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = self.method = self.within = ""
        self.hidden: dict[str, str] = {}
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.within = values.get("action", "")
            if self.within != "/language":
                self.action, self.method = self.within, values.get("method", "").upper()
        if tag == "input" and values.get("type") == "hidden" and self.within != "/language":
            self.hidden[values["name"]] = values.get("value", "")
        if tag in ("script", "style") and "src" not in values:
            self.inline.append(tag)
        self.inline += [name for name in values if name.startswith("on") or name == "style"]
        self.loaded += [values[name] for name in ("src", "srcset") if name in values]
        if tag == "link":
            self.loaded.append(values.get("href", ""))


def heading(page: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>([^<]+)</h1>", page.text)
    assert found, page.text
    return found[1]


def path_of(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
def verification(site: Site, mailbox: Mailbox) -> tuple[Newcomer, str]:
    """Somebody who has not verified the address, and the link."""
    newcomer = site.register()
    return newcomer, mailbox.wait_for(newcomer.email).link


def check_page(answer: httpx.Response, site: Site) -> None:
    """R-043: nothing of a page with a token reaches others."""
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy.split("style-src")[0]
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy
    form = Form(answer.text)
    assert form.inline == []
    for url in form.loaded:
        assert urlsplit(url).netloc in ("", urlsplit(site.public_url).netloc), url


def test_r043_looking_at_a_verification_link_changes_nothing(site: Site, verification: tuple[Newcomer, str]) -> None:
    newcomer, link = verification
    for method in ("GET", "HEAD", "GET"):
        site.anonymous.request(method, path_of(link), expect=200)
    page = site.anonymous.get(path_of(link), expect=200)
    check_page(page, site)
    problem(site.login(newcomer.email, newcomer.password), 401, "invalid_credentials")


def test_r043_the_form_of_the_page_verifies(site: Site, verification: tuple[Newcomer, str]) -> None:
    newcomer, link = verification
    form = Form(site.anonymous.get(path_of(link), expect=200).text)
    assert form.method == "POST"
    data = {**form.hidden, "password": newcomer.password}
    done = site.anonymous.post(form.action, data=data)
    assert done.status_code in (200, 303)
    site.enter(newcomer.email, newcomer.password)
    again = site.anonymous.post(form.action, data=data)
    assert again.headers["content-type"].startswith("text/html")
    assert heading(again) != heading(done), "the link worked once"


def test_r043_the_form_of_the_page_sets_a_password(site: Site, person: Callable[..., Person]) -> None:
    someone, password = person(), new_password()
    link = site.forgot(someone.email).link
    page = site.anonymous.get(path_of(link), expect=200)
    check_page(page, site)
    someone.api.get("/v1/me", expect=200)
    form = Form(page.text)
    weak = site.anonymous.post(form.action, data={**form.hidden, "password": "too short"})
    assert Form(weak.text).method == "POST", "the form comes again"
    site.enter(someone.email, someone.password)
    assert "too short" not in Form(weak.text).hidden.values()
    done = site.anonymous.post(form.action, data={**form.hidden, "password": password})
    assert done.status_code in (200, 303)
    problem(someone.api.get("/v1/me"), 401, "unauthorized")
    site.enter(someone.email, password)


@pytest.mark.parametrize("path", ["/verify", "/reset-password", "/confirm-email", "/undo-deletion"])
@pytest.mark.parametrize(
    "query",
    ["", "?token=", "?token=nonsense", "?token=<script>alert(1)</script>", "?token=a&token=b", "?x=1", "?token=%FF%00"],
)
def test_a_page_without_a_good_token_is_still_a_page(site: Site, path: str, query: str) -> None:
    answer = site.anonymous.get(f"{path}{query}")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("path", ["/verify", "/reset-password", "/confirm-email", "/undo-deletion"])
def test_r106_another_sites_page_can_not_submit_the_form(site: Site, path: str) -> None:
    data = {"token": "nonsense", "password": "kettle zebra lamp 93"}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    ):
        assert site.anonymous.post(path, data=data, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/verify", "/reset-password", "/confirm-email", "/undo-deletion"])
def test_a_page_takes_forms_only(anonymous: Client, path: str) -> None:
    answer = anonymous.post(path, content="token=x", headers={"Content-Type": "text/plain"})
    assert answer.status_code in (415, 422, 400)


def test_a_person_verifies_in_a_browser(site: Site, verification: tuple[Newcomer, str], page: Page) -> None:
    newcomer, link = verification
    watch = Watch()
    watch.on(page)
    page.goto(link)
    expect(page.locator("h1")).to_be_visible()
    field = page.locator("main #password")
    assert field.get_attribute("autocomplete") == "current-password", "R-006"
    field.fill(newcomer.password)
    page.get_by_role("button", name="Confirm my address").click()
    expect(page.locator("main form")).to_have_count(0)
    assert watch.faults == []
    assert watch.foreign(site.public_url) == []
    site.enter(newcomer.email, newcomer.password)
    page.goto(link)
    expect(page.locator("h1")).to_be_visible()


def test_r047_who_did_not_sign_up_chooses_a_password_in_a_browser(
    site: Site, verification: tuple[Newcomer, str], page: Page
) -> None:
    newcomer, link = verification
    password = new_password()
    page.goto(link)
    page.get_by_role("button", name="Choose a new password").click()
    page.get_by_label("New password").fill(password)
    page.locator("main button[type=submit]").click()
    expect(page.locator("main form")).to_have_count(0)
    problem(site.login(newcomer.email, newcomer.password), 401, "invalid_credentials")
    site.enter(newcomer.email, password)


def test_a_person_chooses_a_new_password_in_a_browser(site: Site, person: Callable[..., Person], page: Page) -> None:
    someone, password = person(), new_password()
    watch = Watch()
    watch.on(page)
    page.goto(site.forgot(someone.email).link)
    field = page.locator("main #password")
    assert field.get_attribute("type") == "password", "R-006"
    assert field.get_attribute("autocomplete") == "new-password", "R-006"
    field.fill("passwordpassword")
    page.locator("main button[type=submit]").click()
    expect(page.locator("main #password")).to_have_value("")
    page.locator("main #password").fill(password)
    page.locator("main button[type=submit]").click()
    expect(page.locator("main form")).to_have_count(0)
    assert watch.faults == []
    assert watch.foreign(site.public_url) == []
    site.enter(someone.email, password)
