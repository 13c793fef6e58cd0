"""Pages in English and German: as the browser likes, as was chosen at a page, as the profile says; and problems in the words of who asks."""

import os
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from harness.canary import new_address, unique
from harness.faces import Faces
from harness.looks import LOOKS, WIDTHS
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.programs import keys_of, program, service_account


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def german(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Faces]:
    """A browser of somebody who likes German best."""
    context = browser.new_context(locale="de-AT", java_script_enabled=request.param)
    faces = Faces(context.new_page(), site.public_url)
    yield faces
    faces.end()
    context.close()


def language_of(page: Page) -> str | None:
    return page.locator("html").get_attribute("lang")


def test_a_page_comes_as_the_browser_likes_and_as_was_chosen_there(german: Faces) -> None:
    page = german.page
    german.open("/sign-in?return_to=/account/sessions")
    assert language_of(page) == "de"
    german.heading("Anmelden")
    german.press("English")
    german.at("/sign-in?return_to=%2Faccount%2Fsessions")
    assert language_of(page) == "en"
    german.heading("Sign in")
    german.open("/recover")
    assert language_of(page) == "en", "the choice holds for the next page"
    german.press("Deutsch")
    german.at("/recover")
    assert language_of(page) == "de"


def test_somebody_signs_in_and_out_in_german(german: Faces, site: Site) -> None:
    person = site.person("user")
    page = german.page
    german.open("/sign-in")
    german.field("identifier").fill(person.email)
    page.locator("main form[action='/sign-in'] button[type=submit]").click()
    german.field("password").fill("nicht das richtige Passwort")
    page.locator("main form[action='/sign-in'] button[type=submit]").click()
    expect(page.locator("#password-error")).to_contain_text("Fehler:")
    german.field("password").fill(person.password)
    page.locator("main form[action='/sign-in'] button[type=submit]").click()
    expect(page.get_by_role("navigation", name="Ihr Konto")).to_be_visible()
    assert language_of(page) == "de"
    for place in page.locator("nav.places a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
        german.open(place)
        assert language_of(page) == "de", place
        expect(page.get_by_role("heading", level=1)).not_to_have_text("")
    german.press("Abmelden")
    assert language_of(page) == "de"


def test_the_profile_says_where_nothing_was_chosen(browser: Browser, site: Site) -> None:
    person = site.person("user", locale="de")
    context = browser.new_context(locale="en-GB")
    faces = Faces(context.new_page(), site.public_url)
    faces.sign_in(person.email, person.password)
    expect(faces.page.get_by_role("navigation", name="Ihr Konto")).to_be_visible()
    faces.press("English")
    expect(faces.page.get_by_role("navigation", name="Your account")).to_be_visible()
    faces.end()
    context.close()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_german_pages_are_sound(browser: Browser, site: Site, width: int, scheme: str) -> None:
    """Words are longer there."""
    person = site.person("user")
    context = browser.new_context(locale="de", viewport={"width": width, "height": 900}, color_scheme=scheme)
    faces = Faces(context.new_page(), site.public_url)
    for path in ["/sign-in", "/register", "/recover", "/verify?token=x", "/no-such-page"]:
        faces.open(path)
        faces.is_sound()
    faces.open("/sign-in")
    faces.field("identifier").fill(person.email)
    faces.page.locator("main form[action='/sign-in'] button[type=submit]").click()
    faces.field("password").fill(person.password)
    faces.page.locator("main form[action='/sign-in'] button[type=submit]").click()
    for place in faces.page.locator("nav.places a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
        faces.open(place)
        faces.is_sound()
    faces.end()
    context.close()


# What no German page says. Words that both languages have, such as "Filter" and "System", are none of them.
ENGLISH = re.compile(
    r"\b(the|and|of|with|for|to|is|are|you|your|they|it|not|nothing|nobody|save|reason|remove|cancel|show|edit|delete|what|who|when|why"
    r"|none|never|sent|made|state|role|group|key|until|since|times|next page|older|first)\b",
    re.IGNORECASE,
)
# What a page says to those who see it and to those who are read it, but for what is marked as English, codes and what people have typed.
SAID = """main => {
  const copy = main.cloneNode(true);
  copy.querySelectorAll("[lang=en], code, pre, textarea, [translate=no]").forEach(found => found.remove());
  const names = ["aria-label", "placeholder", "title", "alt", "data-label"];
  const attributes = [...copy.querySelectorAll("*")].flatMap(found => names.map(name => found.getAttribute(name)));
  return [...attributes.filter(Boolean), ...[...copy.querySelectorAll("*")].flatMap(
    found => [...found.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim())
  )].filter(Boolean);
}"""


@pytest.fixture(scope="module")
def house(stage: Any, mailbox: Mailbox) -> Iterator[Site]:
    """A server of its own: it says what professional status takes, and where invitations lead to."""
    usher = stage.usher(USHER_INVITATION_FORWARD_TO="https://app.example.org", USHER_PROFESSIONAL_REQUIRES="display_name,bio")
    usher.start()
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    yield site
    usher.stop()
    usher.remove()


def enter_in_german(faces: Faces, person: Person, path: str) -> None:
    faces.open(f"/sign-in?return_to={path}")
    faces.field("identifier").fill(person.email)
    faces.page.locator("main form[action='/sign-in'] button[type=submit]").click()
    faces.field("password").fill(person.password)
    faces.page.locator("main form[action='/sign-in'] button[type=submit]").click()
    faces.at(path)


def furnish(site: Site) -> list[str]:
    """Something of everything that the console is about; where the pages about it are."""
    api = site.admin.api
    role, someone = unique("rolle"), site.person("user")
    api.post("/v1/roles", json={"name": role, "description": "Kassa", "permissions": ["users:read"]}, expect=201)
    upper, lower = (api.post("/v1/groups", json={"name": unique(name)}, expect=201).json()["id"] for name in ("Oben", "Unten"))
    api.put(f"/v1/groups/{upper}/roles", json={"roles": [role]}, expect=200)
    api.put(f"/v1/groups/{lower}/parents", json={"parents": [upper]}, expect=200)
    api.put(f"/v1/groups/{lower}/members/{someone.id}", json={}, expect=200)
    by_mail = api.post("/v1/invitations", json={"email": new_address(), "display_name": "Ben"}, expect=201).json()["id"]
    someone.api.patch("/v1/me", json={"display_name": "Anna", "bio": "Mag Tee."}, expect=200)
    asked = someone.api.post("/v1/me/approval-requests", json={"kind": "professional"}, expect=201).json()["id"]
    account = service_account(api, "users:read", name=unique("bericht"), description="Zählt nachts.")
    key = program(api, keys=keys_of(account), name="Nacht")
    rule = {"name": unique("Weg"), "action": "delete", "after_days": 90, "warned_days": 30, "exempt": 'roles eq "admin"'}
    rule = "/admin/inactivity/" + api.post("/v1/inactivity-rules", json=rule, expect=201).json()["id"]
    mail = api.get("/v1/mails", expect=200).json()["items"][0]["id"]
    group, invitation, request = f"/admin/groups/{lower}", f"/admin/invitations/{by_mail}", f"/admin/requests/{asked}"
    robot = f"/admin/service-accounts/{account['id']}"
    return [
        "/admin/roles", "/admin/roles/new", "/admin/roles/admin", "/admin/roles/admin/edit",
        *(f"/admin/roles/{role}{part}" for part in ("", "/edit", "/delete")),
        "/admin/permissions", "/admin/permissions/users:read",
        "/admin/groups", "/admin/groups/new", *(group + part for part in ("", "/edit", "/delete", "/roles", "/parents", "/members/add")),
        f"{group}/members/{someone.id}/remove",
        "/admin/invitations", "/admin/invitations?q=niemand", "/admin/invitations?state=x", "/admin/invitations/new",
        "/admin/invitations/many", *(invitation + part for part in ("", "/resend", "/revoke")),
        "/admin/requests", "/admin/requests?state=all", "/admin/requests?user=x", *(request + part for part in ("", "/approve", "/decline")),
        "/admin/imports", "/admin/imports/new", "/admin/export",
        "/admin/mails", "/admin/mails?status=held", f"/admin/mails/{mail}", "/admin/mails/texts", "/admin/mails/texts/welcome/de",
        "/admin/inactivity", "/admin/inactivity/new", *(rule + part for part in ("", "/edit", "/act/enable", "/act/delete")),
        "/admin/service-accounts", "/admin/service-accounts/new",
        *(robot + part for part in ("", "/edit", "/act/suspend", "/act/delete", "/keys/new", f"/keys/{key.id}/revoke")),
        "/admin/keys", "/admin/keys/rotate", "/admin/settings", "/admin/settings?show=changed", "/admin/system",
    ]  # fmt: skip


def is_german(page: Page, path: str) -> None:
    assert language_of(page) == "de", path
    said = page.locator("main").evaluate(SAID)
    found = [text for text in said if ENGLISH.search(text)]
    assert found == [], f"{path}: {found}"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_console_is_german(browser: Browser, house: Site, width: int) -> None:
    context = browser.new_context(locale="de", viewport={"width": width, "height": 900})
    faces = Faces(context.new_page(), house.public_url)
    page = faces.page
    paths = furnish(house)
    enter_in_german(faces, house.admin, "/admin/roles")
    for path in paths:
        faces.open(path)
        for summary in page.locator("main summary").all():
            summary.click()
        if folder := os.environ.get("E2E_PICTURES"):
            name = re.sub(r"[^a-z]+", "-", re.sub(r"[0-9a-f]{8}-[0-9a-f-]+", "", path))
            page.screenshot(path=Path(folder) / f"de{name}-{width}.png", full_page=True)
        is_german(page, path)
        faces.is_sound()
    faces.open("/admin/invitations/many")
    page.locator("textarea[name=people]").fill(f"{new_address()}, Anna\nniemand\n{house.admin.email}")
    page.locator("main form button[type=submit]").first.click()
    faces.heading("Was aus jeder Zeile wurde")
    is_german(page, "invited")
    faces.open("/admin/imports/new")
    page.locator("#file").set_input_files(
        {"name": "leute.csv", "mimeType": "text/csv", "buffer": f"email,Spalte\n{new_address()},x\n".encode()}
    )
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main [aria-invalid=true]")).to_be_visible()
    is_german(page, "columns")
    faces.is_sound()
    faces.open("/admin/imports/new")
    page.locator("#file").set_input_files(
        {"name": "leute.csv", "mimeType": "text/csv", "buffer": f"email,display_name\n{new_address()},Ida\nniemand,\n".encode()}
    )
    page.locator("main form button[type=submit]").click()
    expect(page.get_by_role("heading", name="Das würde daraus")).to_be_visible(timeout=30_000)
    is_german(page, "import")
    faces.is_sound()
    faces.end()
    context.close()


def test_nobody_is_led_to_another_site_by_the_choice_of_a_language(site: Site) -> None:
    def choose(language: str, return_to: str) -> httpx.Response:
        content = urllib.parse.urlencode({"language": language, "return_to": return_to})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return site.anonymous.post("/language", content=content, headers=headers, expect=303)

    assert choose("de", "https://evil.example/").headers["location"] == "/account"
    assert choose("de", "//evil.example/").headers["location"] == "/account"
    unknown = choose("xx", "/sign-in")
    assert unknown.headers["location"] == "/sign-in"
    assert "set-cookie" not in unknown.headers
