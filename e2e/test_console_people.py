"""Invitations and requests in the console: sent, handed over, pasted, decided on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.canary import new_address, new_password
from harness.faces import Faces
from harness.mailbox import Mailbox, token_of
from harness.people import Person, Site
from harness.server import Usher

FORWARD_TO = "https://app.example.org"


@pytest.fixture(scope="module")
def inviting(stage: Any, mailbox: Mailbox) -> Iterator[Usher]:
    """A server of its own: it says where invitations lead to, and what professional status takes."""
    usher = stage.usher(USHER_INVITATION_FORWARD_TO=FORWARD_TO, USHER_PROFESSIONAL_REQUIRES="display_name,bio")
    usher.start()
    yield usher
    usher.stop()
    usher.remove()


@pytest.fixture(scope="module")
def house(inviting: Usher, mailbox: Mailbox) -> Site:
    site = Site(inviting.public_url, mailbox)
    site.set_up(inviting.setup_token())
    return site


@pytest.fixture
def faces(page: Page, house: Site) -> Iterator[Faces]:
    faces = Faces(page, house.public_url)
    yield faces
    faces.end()


def opened(browser: Browser, site: Site, **options: Any) -> Faces:
    return Faces(browser.new_context(**options).new_page(), site.public_url)


def enter(faces: Faces, staff: Person, path: str) -> None:
    faces.sign_in(staff.email, staff.password, f"/sign-in?return_to={path}")
    faces.at(path)


def invite(site: Site, **members: Any) -> dict[str, Any]:
    body = {"email": new_address(), **members}
    return site.admin.api.post("/v1/invitations", json=body, expect=201).json()


def ask(person: Person, message: str | None = None, **profile: Any) -> str:
    """Asks for professional status; where the page about it is."""
    person.api.patch("/v1/me", json={"display_name": "Ann Baker", "bio": "A translator.", **profile}, expect=200)
    body = {"kind": "professional", "message": message}
    asked = person.api.post("/v1/me/approval-requests", json={k: v for k, v in body.items() if v}, expect=201).json()
    return f"/admin/requests/{asked['id']}"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_somebody_is_invited_by_mail_and_by_a_link(
    browser: Browser, house: Site, mailbox: Mailbox, script: bool
) -> None:
    faces = opened(browser, house, java_script_enabled=script)
    page = faces.page
    enter(faces, house.admin, "/admin")
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Invitations").click()
    faces.heading("Invitations")
    page.get_by_role("link", name="Invite somebody …").click()
    email = new_address()
    faces.field("email").fill(email)
    faces.field("display_name").fill("Ann Baker")
    page.locator("textarea[name=message]").fill("Hello,\nwelcome!")
    faces.field("forward_to").fill("https://evil.example/")
    page.get_by_label("Reason").fill("joins on Monday")
    faces.press("Invite")
    expect(faces.field("forward_to")).to_have_accessible_description(re.compile("Error: .*must be on a site"))
    expect(faces.field("email")).to_have_value(email)
    faces.field("forward_to").fill(f"{FORWARD_TO}/start")
    faces.press("Invite")
    faces.heading("Ann Baker")
    expect(page.get_by_role("status")).to_contain_text("It is on its way.")
    mail = mailbox.wait_for(email)
    assert "> Hello,\n> welcome!" in mail.text.replace("\r\n", "\n")
    page.get_by_role("link", name="Send again …").click()
    faces.press("Send again")
    again = mailbox.wait_for(email, after=1)
    assert token_of(again.link) != token_of(mail.link)

    page.goto(f"{house.public_url}/admin/invitations/new")
    handed = new_address()
    faces.field("email").fill(handed)
    page.get_by_label("You hand it over").check()
    faces.press("Invite")
    faces.heading("Hand this link over")
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the code as a picture").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG") and saved.value.suggested_filename == "invitation.png"
    token = token_of(page.locator(".secret").inner_text().strip())
    page.get_by_role("link", name="I have handed it over").click()
    faces.heading(handed)
    assert token not in page.content()
    password = new_password()
    house.anonymous.post("/v1/invitations/accept", json={"token": token, "password": password}, expect=201)
    page.goto(f"{house.public_url}/admin/invitations?state=waiting&q={email[:20]}")
    page.get_by_role("link", name=email).click()
    page.get_by_role("link", name="Revoke …").click()
    faces.press("Revoke")
    expect(page.get_by_role("status")).to_contain_text("It is revoked.")
    states = {one["email"]: one["state"] for one in house.admin.api.get("/v1/invitations", expect=200).json()["items"]}
    assert (states[email], states[handed]) == ("revoked", "accepted")
    faces.end()
    page.context.close()


def test_the_mail_brings_its_picture_along(house: Site, mailbox: Mailbox) -> None:
    made = invite(house, display_name="Ann")
    mail = mailbox.wait_for(made["email"])
    kinds = [part.get_content_type() for part in mail.message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    (png,) = [part for part in mail.message.walk() if part.get_content_type() == "image/png"]
    assert png.get_content_disposition() == "inline" and png["Content-ID"] == "<picture@usher>"
    assert png.get_content().startswith(b"\x89PNG") and len(mail.raw) < 32 * 1024
    assert 'src="cid:picture@usher"' in mail.html and "https://" not in re.sub(r'href="[^"]*"|>[^<]*<', "", mail.html)
    assert mail.link in mail.text
    reset = house.forgot(house.admin.email)
    assert [part.get_content_type() for part in reset.message.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_many_are_pasted_and_those_refused_are_mended(browser: Browser, house: Site, mailbox: Mailbox, script: bool) -> None:
    faces = opened(browser, house, java_script_enabled=script)
    page = faces.page
    enter(faces, house.admin, "/admin/invitations/many")
    ann, ben, cleo = new_address(), new_address(), new_address()
    page.locator("textarea[name=people]").fill(f"{ann}, Ann Baker\nnobody\n{house.admin.email}\n{ben}\n")
    page.locator("textarea[name=message]").fill("Welcome.")
    faces.press("Invite them")
    faces.heading("What became of each")
    expect(page.get_by_text("2 invitations are on their way.")).to_be_visible()
    expect(page.get_by_text("This address belongs to a user already.")).to_be_visible()
    if script:
        faces.is_sound()
        # The two that were refused have no page, and are passed over.
        for key, at in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            expect(page.locator("tbody th a").nth(at)).to_be_focused()
    assert "Hello Ann Baker" in mailbox.wait_for(ann).text and "> Welcome." in mailbox.wait_for(ben).text
    people = page.locator("textarea[name=people]")
    expect(people).to_have_value(f"nobody\n{house.admin.email}")
    people.fill(cleo)
    faces.press("Invite them")
    expect(page.get_by_text("1 invitation is on its way.")).to_be_visible()
    assert "> Welcome." in mailbox.wait_for(cleo).text
    faces.end()
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_many_are_invited_out_of_a_file(browser: Browser, house: Site, mailbox: Mailbox, script: bool) -> None:
    faces = opened(browser, house, java_script_enabled=script)
    page = faces.page
    enter(faces, house.admin, "/admin/invitations/many")
    ann, ben = new_address(), new_address()
    table = f"email;display_name\r\n{ann};Ann Baker\r\nnobody;\r\n{house.admin.email};\r\n"
    page.locator("#file").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": b"J\xf6rg"})
    page.locator("textarea[name=message]").fill("Welcome.")
    faces.press("Invite them")
    expect(page.locator("#file-error")).to_contain_text("The file is not UTF-8.")
    expect(page.locator("textarea[name=message]")).to_have_value("Welcome.")
    if script:
        faces.is_sound()
    page.locator("#file").set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": table.encode()})
    faces.press("Invite them")
    faces.heading("What became of each")
    expect(page.get_by_text("1 invitation is on its way.")).to_be_visible()
    expect(page.get_by_text("This address belongs to a user already.")).to_be_visible()
    text = mailbox.wait_for(ann).text
    assert "Hello Ann Baker" in text and "> Welcome." in text
    people = page.locator("textarea[name=people]")
    expect(people).to_have_value(f"email;display_name\nnobody;\n{house.admin.email};")
    people.fill(f"email;display_name\n{ben};")
    faces.press("Invite them")
    expect(page.get_by_text("1 invitation is on its way.")).to_be_visible()
    assert "> Welcome." in mailbox.wait_for(ben).text
    faces.end()
    page.context.close()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_request_is_declined_and_another_approved(browser: Browser, house: Site, mailbox: Mailbox, script: bool) -> None:
    someone = house.person()
    first = ask(someone, "Ten years.")
    faces = opened(browser, house, java_script_enabled=script)
    page = faces.page
    enter(faces, house.admin, f"/admin/users/{someone.id}")
    page.get_by_role("link", name="What they have asked for").click()
    page.get_by_role("link", name="Ann Baker", exact=True).click()
    faces.at(first)
    expect(page.get_by_text("A translator.")).to_be_visible()
    page.get_by_role("link", name="Decline …").click()
    page.locator("textarea[name=reason]").fill("   ")
    faces.press("Decline")
    reason = page.locator("textarea[name=reason]")
    expect(reason).to_have_accessible_description(re.compile("Error: Say why"))
    if script:
        faces.is_sound()
    reason.fill("Name your employer.")
    seen = len(mailbox.to(someone.email))
    faces.press("Decline")
    faces.at(first)
    expect(page.get_by_role("status")).to_contain_text("It is saved.")
    assert "> Name your employer." in mailbox.wait_for(someone.email, after=seen).text
    second = ask(someone)
    page.goto(f"{house.public_url}{second}")
    page.get_by_role("link", name="Approve …").click()
    faces.press("Approve")
    faces.at(second)
    assert house.read(someone.id)["professional_at"]
    expect(page.get_by_role("heading", name="What else they have asked for")).to_be_visible()
    faces.end()
    page.context.close()
