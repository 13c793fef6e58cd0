"""The words of mails in the console, in a real browser: edited, drawn in a frame, sent, restored; with JavaScript and without."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from harness.canary import new_address
from harness.faces import WCAG, Faces, is_sound
from harness.looks import LOOKS
from harness.mailbox import Mailbox
from harness.people import Person, Site

LIST = "/admin/mails/texts"
HEAD = "Subject: {words}\nHeading: {words}\nPreheader: {words}\nButton: {words}\n\n"


def words(text: str) -> str:
    """A mail that says this wherever it says something."""
    return HEAD.format(words=text) + f"{text}\n\n{{{{ link }}}}\n"


@pytest.fixture(scope="module")
def staff(site: Site, mailbox: Mailbox) -> Person:
    return site.person("admin", display_name="Grace Hopper")


@pytest.fixture(autouse=True)
def restored(site: Site) -> Iterator[None]:
    """Mails are for the other tests too."""
    yield
    for entry in site.admin.api.get("/v1/mail-texts", expect=200).json()["items"]:
        if entry["edited"]:
            site.admin.api.delete(f"/v1/mail-texts/{entry['name']}/{entry['language']}", expect=204)


def opened(browser: Browser, site: Site, staff: Person, path: str, **options: Any) -> Faces:
    faces = Faces(browser.new_context(**options).new_page(), site.public_url)
    faces.sign_in(staff.email, staff.password, f"/sign-in?return_to={path}")
    faces.at(path)
    return faces


def end(faces: Faces) -> None:
    faces.end()
    faces.page.context.close()


def drawn(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[name=preview]")


@pytest.mark.parametrize("java_script", [True, False])
def test_a_text_is_edited_previewed_sent_and_restored(
    browser: Browser, site: Site, staff: Person, mailbox: Mailbox, java_script: bool
) -> None:
    faces = opened(browser, site, staff, LIST, java_script_enabled=java_script)
    page = faces.page
    if java_script:
        page.wait_for_load_state()
        page.keyboard.press("j")
        expect(page.locator("tbody th a").first).to_be_focused()
    page.get_by_role("link", name="English: Welcome").click()
    faces.heading("Welcome")
    expect(drawn(page).get_by_role("heading", name="Welcome to usher")).to_be_visible()
    assert drawn(page).get_by_role("heading", name="Welcome to usher").evaluate("it => getComputedStyle(it).fontSize") == "22px"

    text = page.locator("#text")
    text.fill("Subject: Moin\nHeading: Moin\n\nCome in, {{ nmae }}.\n\n{{ link }}")
    page.get_by_label("Reason").fill("friendlier")
    faces.press("As HTML")
    expect(drawn(page).get_by_text("Line 4: this mail has no value “nmae”.")).to_be_visible()
    faces.press("Save")
    expect(page.locator("#text-error")).to_contain_text("Line 4: this mail has no value “nmae”.")
    if java_script:
        faces.is_sound()
    expect(page.get_by_label("Reason")).to_have_value("friendlier")

    text.fill("Subject: Moin\nHeading: Moin\nPreheader: Soon\nButton: Come in\n\nCome in, {{ name }}.\n\n{{ link }}")
    faces.press("As HTML")
    expect(drawn(page).get_by_text("Come in, Ann Example.")).to_be_visible()
    expect(drawn(page).get_by_role("link", name="Come in", exact=True)).to_be_visible()
    faces.press("As plain text")
    expect(drawn(page).get_by_text("Come in, Ann Example.")).to_be_visible()
    expect(text).to_have_value("Subject: Moin\nHeading: Moin\nPreheader: Soon\nButton: Come in\n\nCome in, {{ name }}.\n\n{{ link }}")

    before = len(mailbox.to(staff.email))
    faces.press("Send me a test")
    expect(page.get_by_role("status")).to_contain_text(f"on its way to {staff.email}")
    assert mailbox.wait_for(staff.email, after=before).subject == "[Test] Moin"
    faces.press("Save")
    expect(page.get_by_role("status")).to_contain_text("It is saved.")
    expect(page.locator("mark").first).to_be_visible()
    mail = mailbox.wait_for(site.create(display_name="Ada")["email"])
    assert (mail.subject, mail.text.splitlines()[0]) == ("Moin", "Come in, Ada.")
    assert mail.token
    events = site.admin.api.get("/v1/audit-events?action=mail_text.edited&limit=1", expect=200).json()["items"]
    assert events[0]["reason"] == "friendlier"

    page.get_by_role("link", name="Mail texts").last.click()
    count = len(site.admin.api.get("/v1/mail-texts", expect=200).json()["items"])
    expect(page.get_by_text(f"1 of {count} says something else")).to_be_visible()
    page.get_by_role("link", name="English: Welcome, edited").click()
    page.get_by_role("link", name="Restore …").click()
    page.get_by_label("Reason").fill("enough")
    faces.press("Restore")
    faces.at(f"{LIST}/welcome/en")
    expect(page.get_by_text("As usher comes with it")).to_be_visible()
    assert mailbox.wait_for(site.create(display_name="Bea")["email"]).subject == "Your account at usher"
    end(faces)


def test_who_may_only_read_sees_mails_in_both_shapes(browser: Browser, site: Site, mailbox: Mailbox) -> None:
    role = new_address("watch").split("@")[0]
    site.admin.api.post("/v1/roles", json={"name": role, "permissions": ["system:read"]}, expect=201)
    faces = opened(browser, site, site.person(role), f"{LIST}/verify_email/de")
    assert faces.page.locator("textarea").count() == 0
    expect(drawn(faces.page).get_by_role("heading", name="Bestätigen Sie Ihre Adresse")).to_be_visible()
    faces.is_sound()
    faces.page.get_by_role("link", name="As plain text").click()
    expect(drawn(faces.page).get_by_text("Bestätigen Sie Ihre Adresse für usher")).to_be_visible()
    end(faces)


def turn(page: Page, width: int, scheme: Any) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)


def test_every_mail_is_readable_for_everybody(browser: Browser, site: Site, staff: Person) -> None:
    """In a page of its own: no script looks into the frame."""
    faces = opened(browser, site, staff, LIST)
    shown = browser.new_context().new_page()
    for entry in site.admin.api.get("/v1/mail-texts", expect=200).json()["items"]:
        path = f"{LIST}/{entry['name']}/{entry['language']}/preview"
        shown.set_content(faces.page.evaluate("path => fetch(path).then(answer => answer.text())", path))
        expect(shown.locator("html")).to_have_attribute("lang", entry["language"])
        for width, scheme in LOOKS[:2]:
            turn(shown, width, scheme)
            try:
                is_sound(shown, WCAG)
            except AssertionError as fault:
                raise AssertionError(f"{path}: {width}, {scheme}") from fault
    shown.context.close()
    end(faces)
