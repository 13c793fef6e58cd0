"""Pages in English and German: as the browser likes, as was chosen at a page, as the profile says; and problems in the words of who asks."""

import urllib.parse
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from harness.faces import Faces
from harness.people import Site


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
    german.at("/sign-in?return_to=/account/sessions")
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
    page.locator("form[action='/sign-in'] button[type=submit]").click()
    german.field("password").fill("nicht das richtige Passwort")
    page.locator("form[action='/sign-in'] button[type=submit]").click()
    expect(page.locator("#password-error")).to_contain_text("Fehler:")
    german.field("password").fill(person.password)
    page.locator("form[action='/sign-in'] button[type=submit]").click()
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


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")])
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
    faces.page.locator("form[action='/sign-in'] button[type=submit]").click()
    faces.field("password").fill(person.password)
    faces.page.locator("form[action='/sign-in'] button[type=submit]").click()
    for place in faces.page.locator("nav.places a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
        faces.open(place)
        faces.is_sound()
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
