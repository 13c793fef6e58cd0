"""What looks after the server in the console: service accounts and keys, signing keys, mails, settings, health."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from harness.canary import unique
from harness.client import Bearer, problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher
from harness.waiting import until

WHOLE = "Counts sign-ups of each night and mails them to those who look after the newsletter of the Schweinfurt-Oberndorf branch."


@pytest.fixture(scope="module")
def staff(site: Site, mailbox: Mailbox) -> Person:
    """Who uses the console in the tests of this file."""
    return site.person("admin", display_name="Grace Hopper")


def opened(browser: Browser, site: Site, **options: Any) -> Faces:
    return Faces(browser.new_context(**options).new_page(), site.public_url)


def enter(faces: Faces, staff: Person, path: str) -> None:
    faces.sign_in(staff.email, staff.password, f"/sign-in?return_to={path}")
    faces.at(path)


@pytest.mark.parametrize("scripted", [True, False])
def test_a_program_gets_an_account_and_a_key_and_loses_them(browser: Browser, site: Site, staff: Person, scripted: bool) -> None:
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    name = unique("nightly")
    enter(faces, staff, "/admin/service-accounts")
    page.get_by_role("link", name="Make one …").click()
    faces.field("name").fill(name)
    page.get_by_label("Description").fill(WHOLE)
    page.get_by_label("users:read").check()
    page.get_by_label("Reason").fill("the report is ours now")
    faces.press("Make it")
    faces.heading(name)
    expect(page.get_by_role("status")).to_have_text("It is made.")

    page.get_by_role("link", name="Make a key …").click()
    faces.field("name").fill("cron")
    page.get_by_label("Ends").select_option(label="In 30 days")
    faces.press("Make the key")
    faces.heading("The new key")
    key = page.locator(".secret code").inner_text()
    bearer = Bearer(site.base_url, key)
    assert bearer.get("/v1/whoami", expect=200).json()["permissions"] == ["users:read"]
    if scripted:
        faces.is_sound()
    page.get_by_role("link", name="I have kept it").click()
    expect(page.locator("tbody")).to_contain_text("cron")
    assert key not in page.content(), "it is shown once"

    page.get_by_role("link", name="Edit …").click()
    page.get_by_label("roles:read").check()
    faces.press("Save")
    expect(page.get_by_role("status")).to_have_text("It is saved.")
    page.get_by_role("link", name="Suspend …").click()
    faces.press("Suspend")
    expect(page.get_by_text("It is suspended: its keys open nothing.")).to_be_visible()
    problem(bearer.get("/v1/whoami"), 401, "unauthorized")
    page.get_by_role("link", name="Reactivate …").click()
    faces.press("Reactivate")
    bearer.get("/v1/whoami", expect=200)
    page.get_by_role("link", name="Revoke cron").click()
    faces.press("Revoke the key")
    expect(page.get_by_text("It has no keys, so nothing can act in its name.")).to_be_visible()
    problem(bearer.get("/v1/whoami"), 401, "unauthorized")
    page.get_by_role("link", name="Delete …").click()
    page.get_by_label("Reason").fill("done with it")
    faces.press("Delete")
    faces.at("/admin/service-accounts")
    expect(page.get_by_role("status")).to_have_text("It is removed.")
    expect(page.get_by_role("link", name=name)).to_have_count(0)
    faces.end()
    page.context.close()


@pytest.mark.parametrize("scripted", [True, False])
def test_the_signing_key_is_rotated(browser: Browser, site: Site, staff: Person, scripted: bool) -> None:
    before = {key["kid"] for key in site.anonymous.get("/.well-known/jwks.json", expect=200).json()["keys"]}
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    enter(faces, staff, "/admin/keys")
    page.get_by_role("link", name="Rotate …").click()
    page.get_by_label("In 6 minutes").check()
    page.get_by_label("Reason").fill("once a year")
    faces.press("Rotate")
    faces.at("/admin/keys")
    expect(page.locator("tbody tr").first).to_contain_text("Signs next")

    def published() -> set[str]:
        return {key["kid"] for key in site.anonymous.get("/.well-known/jwks.json", expect=200).json()["keys"]} - before

    new = until("the new key is published", published)
    expect(page.locator("tbody tr").first).to_contain_text(new.pop())
    faces.end()
    page.context.close()


def test_settings_and_health_are_read(faces: Faces, site: Site, staff: Person) -> None:
    page = faces.page
    enter(faces, staff, "/admin")
    page.get_by_role("link", name="Settings").click()
    faces.heading("Settings")
    everything = page.locator("tbody tr").count()
    page.get_by_role("link", name="Changed").click()
    expect(page.locator("tr", has_text="USHER_PUBLIC_URL").first).to_contain_text(site.public_url)
    assert 0 < page.locator("tbody tr").count() < everything
    page.get_by_role("link", name="Health").click()
    faces.heading("Health")
    expect(page.locator("tr", has_text="Migrations")).to_contain_text("all are applied")
    found = {one["check"]: one for one in site.admin.api.get("/v1/checks", expect=200).json()["items"]}
    assert found["database"]["verdict"] == "ok" and found["database"]["advice"] is None


def test_held_mails_are_sent_from_the_console(
    browser: Browser, new_server: Callable[..., Usher], server: Usher, mailbox: Mailbox
) -> None:
    usher = new_server(mail=False)
    site = Site(usher.base_url, mailbox)
    admin = site.set_up(usher.setup_token())
    newcomers = [site.register() for _ in range(2)]

    def held() -> bool:
        return len(admin.api.get("/v1/mails?status=held", expect=200).json()["items"]) == 2

    until("the mails are held", held)
    faces = opened(browser, site)
    page = faces.page
    enter(faces, admin, "/admin")
    page.get_by_role("link", name="Mails held without a mail server").click()
    expect(page.get_by_text("There is no mail server")).to_be_visible()
    for newcomer in newcomers:
        expect(page.locator("tbody tr", has_text=newcomer.email)).to_be_visible()
    page.get_by_role("link", name="Send all again …").click()
    faces.press("Send all again")
    expect(page.locator("#reason-error")).to_contain_text("USHER_SMTP_URL")
    assert usher.stop() == 0
    for name in ("USHER_SMTP_URL", "USHER_MAIL_FROM"):
        usher.settings[name] = server.settings[name]
    usher.start()
    faces.open("/admin/mails?status=held")
    page.locator("tbody tr", has_text=newcomers[0].email).get_by_role("link").click()
    page.get_by_role("link", name="Send again …").click()
    page.get_by_label("Reason").fill("there is a server now")
    faces.press("Send again")
    expect(page.get_by_role("status")).to_have_text("It is on its way.")
    faces.open("/admin/mails")
    page.get_by_role("link", name="Send all again …").click()
    faces.press("Send all again")
    faces.at("/admin/mails")
    for newcomer in newcomers:
        site.verify(mailbox.wait_for(newcomer.email).token, newcomer.password)
    faces.end()
    page.context.close()
