"""How the service is called and how it looks: chosen with a live preview, shown everywhere, refused where it could not be read, restored."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from harness.client import Client, faults
from harness.looks import LONG_NAME, LOOKS, PAYLOADS
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher
from harness.waiting import until
from test_console import enter, opened

HERE = "/admin/branding"
PNG = {"Content-Type": "image/png"}
ACCENT = "rgb(138, 28, 91)"


def logo(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (width, height), "#8a1c5b").save(file, "PNG")
    return file.getvalue()


def everything(text: str) -> dict[str, Any]:
    """This, wherever something can be said."""
    return {
        "name": text[:60],
        "color": "#8a1c5b",
        "color_dark": "#f0a6cf",
        "links": [{"label": text[:40].strip(), "url": "https://example.org/imprint"}] * 6,
        "footer": text,
        "sign_in_text": text,
        "register_text": text,
        "account_text": text,
    }


@pytest.fixture(scope="module")
def staff(site: Site, mailbox: Mailbox) -> Person:
    return site.person("admin", display_name="Grace Hopper")


@pytest.fixture(autouse=True)
def restored(site: Site) -> Iterator[None]:
    """Pages are for the other tests too."""
    yield
    site.admin.api.delete("/v1/branding/logo", expect=204)
    site.admin.api.put("/v1/branding", json={}, expect=200)


@pytest.mark.parametrize("scripted", [True, False])
def test_all_is_chosen_seen_everywhere_and_restored(
    browser: Browser, site: Site, staff: Person, mailbox: Mailbox, scripted: bool
) -> None:
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    enter(faces, staff, "/admin")
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Branding").click()
    faces.heading("Branding")
    button = page.locator(".shown-light .button")
    faces.field("name").fill("Harbour")
    faces.field("color").fill("#8fbcbb")
    page.get_by_label("Text above the sign-in").fill("Members only.\nAsk the office.")
    page.locator('[name="links/0/label"]').fill("Imprint")
    page.locator('[name="links/0/url"]').fill("javascript:alert(1)")
    if scripted:
        # Before anything is sent.
        expect(page.locator(".shown-light .shown-name")).to_have_text("Harbour")
        expect(page.locator(".shown-light .monogram")).to_have_text("H")
        expect(button).to_have_css("background-color", "rgb(143, 188, 187)")
        expect(page.locator("#color-contrast")).to_have_text("Contrast 1.89:1, too low: 4.5:1 is needed to be read.")
        expect(page.locator(".shown-dark .site-links li")).to_have_text(["Imprint"])
        expect(page.get_by_role("button", name="Preview")).to_be_hidden()
    else:
        faces.press("Preview")
        expect(button).to_have_css("background-color", "rgb(143, 188, 187)")
    faces.press("Save")
    expect(page.locator("#color-error")).to_contain_text("reaches a contrast of 1.89:1 only, and needs 4.5:1 to be read")
    expect(page.locator('[id="links/0/url-error"]')).to_contain_text("must be an https:// or mailto: address")
    expect(faces.field("name")).to_have_value("Harbour")

    faces.field("color").fill("#8a1c5b")
    if scripted:
        # A picture of what can't be read is no sound page.
        faces.press("Save")
        expect(page.locator("#color-error")).to_have_count(0)
        faces.is_sound()
    page.locator('[name="links/0/url"]').fill("https://example.org/imprint")
    page.get_by_label("Notice in everybody").fill("Closed on Monday.")
    page.get_by_label("Reason").first.fill("new house")
    if not scripted:
        faces.press("Preview")
        expect(page.get_by_text("It is not saved yet.")).to_be_visible()
        expect(page.locator(".shown-light .shown-name")).to_have_text("Harbour")
    expect(button).to_have_css("background-color", ACCENT)
    faces.press("Save")
    expect(page.get_by_role("status")).to_have_text("It is saved.")
    expect(page).to_have_title("Branding · Harbour")
    page.locator("#logo").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": logo(64, 64)})
    faces.press("Upload")
    expect(page.get_by_role("status")).to_have_text("It is saved.")
    # The other process hears of it a moment later.
    until("the logo is shown", lambda: page.reload() and page.locator(".bar .logo").count() == 1)
    page.wait_for_load_state("load")
    assert page.locator(".bar .logo").evaluate("it => it.complete && it.naturalWidth") == 64

    faces.open("/account")
    expect(page.get_by_text("Closed on Monday.")).to_be_visible()
    expect(page.get_by_role("link", name="Imprint")).to_have_attribute("href", "https://example.org/imprint")
    guest = opened(browser, site, java_script_enabled=scripted)
    guest.open("/sign-in")
    expect(guest.page).to_have_title("Sign in · Harbour")
    expect(guest.page.locator(".notice")).to_have_text("Members only.\nAsk the office.")
    expect(guest.page.locator("main .button").first).to_have_css("background-color", ACCENT)
    guest.end()
    mail = mailbox.wait_for(site.create(display_name="Ada")["email"])
    assert mail.subject == "Your account at Harbour"
    assert "Harbour" in mail.text and "#8a1c5b" in mail.html
    event = site.admin.api.get("/v1/audit-events?action=branding.changed&limit=1", expect=200).json()["items"][0]
    assert event["reason"] == "new house"

    faces.open(HERE)
    page.get_by_role("link", name="Restore …").click()
    page.get_by_label("Reason").fill("enough")
    faces.press("Restore")
    faces.at(HERE)
    until("the other process has heard of it", lambda: page.reload() and page.title() == "Branding · usher")
    page.wait_for_load_state("load")
    expect(page.locator(".bar .logo")).to_have_count(0)
    assert "branding.css" not in site.anonymous.get("/sign-in").text
    faces.end()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_is_sound_in_the_colours_that_were_chosen(
    browser: Browser, site: Site, staff: Person, width: int, scheme: Any
) -> None:
    site.admin.api.put("/v1/branding", json=everything(LONG_NAME), expect=200)
    site.admin.api.put("/v1/branding/logo", content=logo(900, 200), headers=PNG, expect=200)
    faces = opened(browser, site, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ("/sign-in", "/register"):
        faces.open(path)
        faces.is_sound()
    enter(faces, staff, "/account")
    for path in ("/account", "/account/sessions", "/admin", "/admin/users", HERE, f"{HERE}/restore", f"{HERE}/logo/remove"):
        faces.open(path)
        faces.is_sound()
    site.admin.api.delete("/v1/branding/logo", expect=204)
    for path in (HERE, "/account"):
        faces.open(path)
        faces.is_sound()
    faces.end()


def test_who_asks_for_high_contrast_gets_none_of_the_colours(browser: Browser, site: Site) -> None:
    site.admin.api.put("/v1/branding", json={"color": "#8a1c5b"}, expect=200)
    for options in ({"contrast": "more"}, {"forced_colors": "active"}):
        faces = opened(browser, site, **options)
        faces.open("/sign-in")
        accent = faces.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")
        assert accent.strip() in ("#00434a", "#0b5f66")
        faces.end()


def test_colours_that_could_not_be_read_and_addresses_that_lead_elsewhere_are_refused(site: Site) -> None:
    for body, pointer in (
        ({"color": "#8fbcbb"}, "/color"),
        ({"color_dark": "#123456"}, "/color_dark"),
        ({"color": "#fff;}*{display:none}"}, "/color"),
        ({"links": [{"label": "A", "url": "javascript:alert(1)"}]}, "/links/0/url"),
        ({"links": [{"label": "A", "url": "data:text/html,x"}]}, "/links/0/url"),
    ):
        assert pointer in faults(site.admin.api.put("/v1/branding", json=body))
    assert site.admin.api.get("/v1/branding", expect=200).json()["in_force"]["color"] == "#0b5f66"


def test_hostile_texts_run_nowhere(browser: Browser, site: Site, staff: Person) -> None:
    faces = opened(browser, site)
    faces.page.add_init_script("window.alert = () => { document.documentElement.dataset.hit = 'yes' }")
    enter(faces, staff, HERE)
    loaded = "document.querySelectorAll('script:not([src^=\"/assets/\"]), main img:not(.face), iframe, base, object, embed').length"
    for payload in PAYLOADS:
        # What nobody can see is no text.
        text = payload.replace("\u2028", "")
        site.admin.api.put("/v1/branding", json=everything(text), expect=200)
        for path in (HERE, "/account"):
            faces.open(path)
            assert faces.page.evaluate("document.documentElement.dataset.hit") is None, payload
            assert faces.page.evaluate(loaded) == 0, payload
        expect(faces.page.locator("footer .lines")).to_have_text(text)
        guest = site.anonymous.get("/sign-in").text
        assert text not in guest or not any(sign in text for sign in "<>\"'"), payload
    faces.open("/admin/changes")
    assert faces.page.evaluate("document.documentElement.dataset.hit") is None
    faces.end()


def test_all_processes_agree_within_a_moment(site: Site, servers: list[Usher]) -> None:
    clients = [Client(server.base_url) for server in servers]
    for name in ("First", "Second"):
        site.admin.api.put("/v1/branding", json={"name": name, "color": "#8a1c5b"}, expect=200)
        for client in clients:
            until("its name", lambda client=client, name=name: f"· {name}</title>" in client.get("/sign-in").text, seconds=2)
    site.admin.api.put("/v1/branding/logo", content=logo(64, 64), headers=PNG, expect=200)
    url = site.admin.api.get("/v1/branding", expect=200).json()["logo_url"]
    for client in clients:
        until("its logo", lambda client=client: 'class="logo"' in client.get("/sign-in").text, seconds=2)
        assert client.get(url, expect=200).headers["cache-control"] == "public, max-age=31536000, immutable"
