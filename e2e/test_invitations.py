"""Invitations: over HTTP, at the command line, and by the page behind their link in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness import canary
from harness.canary import leaks, new_address, new_password
from harness.client import problem
from harness.faces import Faces
from harness.mailbox import Mailbox, token_of
from harness.people import Site
from harness.server import Usher

PATH = "/v1/invitations"
MESSAGE = "Hello Ann,\n\nwe would be glad to have you with us.\n<script>alert(1)</script> " + "x" * 80
FORWARD_TO = "https://app.example.org"


@pytest.fixture(scope="module")
def inviting(stage: Any, mailbox: Mailbox) -> Iterator[Usher]:
    """A server of its own: it says where invitations lead to, and nobody signs up there by themselves."""
    usher = stage.usher(USHER_INVITATION_FORWARD_TO=FORWARD_TO, USHER_REGISTRATION="invite")
    usher.start()
    yield usher
    usher.stop()
    usher.remove()


@pytest.fixture(scope="module")
def house(inviting: Usher, mailbox: Mailbox) -> Site:
    site = Site(inviting.base_url, mailbox, inviting.public_url)
    site.set_up(inviting.setup_token())
    return site


@pytest.fixture
def faces(page: Page, house: Site) -> Iterator[Faces]:
    faces = Faces(page, house.public_url)
    yield faces
    faces.end()


def invite(site: Site, **members: Any) -> dict[str, Any]:
    body = {"email": new_address(), **members}
    return site.admin.api.post(PATH, json=body, expect=201).json()


def accept(site: Site, token: str, password: str, **members: Any) -> Any:
    return site.anonymous.post(f"{PATH}/accept", json={"token": token, "password": password, **members})


def containing(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))


def test_somebody_is_invited_by_mail_and_comes(house: Site, mailbox: Mailbox) -> None:
    made = invite(house, display_name="Ann", message=MESSAGE)
    mail = mailbox.wait_for(made["email"])
    assert mail.subject == "You are invited to usher" and "> Hello Ann," in mail.text
    assert "<script>alert" not in mail.html
    assert house.admin.username in mail.text
    password = new_password()
    token = token_of(mail.link)
    user = accept(house, token, password)
    assert user.status_code == 201 and user.json()["status"] == "active" and user.json()["display_name"] == "Ann"
    problem(accept(house, token, password), 422, "invalid_token")
    entered = house.enter(made["email"], password)
    assert entered.id == user.json()["id"]
    shown = house.admin.api.get(f"{PATH}/{made['id']}", expect=200).json()
    assert (shown["state"], shown["accepted_by"], shown["times_sent"]) == ("accepted", entered.id, 1)
    problem(entered.api.get(PATH), 403, "forbidden")


def test_a_link_goes_by_the_inviter_and_the_address_is_verified(house: Site, mailbox: Mailbox) -> None:
    made = invite(house, delivery="link", roles=["user", "manager"])
    canary.note(token_of(made["link"]))
    assert made["qr_svg"].startswith("<svg") and "script" not in made["qr_svg"]
    password = new_password()
    user = accept(house, token_of(made["link"]), password).json()
    assert user["status"] == "pending"
    assert house.login(made["email"], password).status_code == 401
    house.verify(mailbox.wait_for(made["email"]).token, password)
    assert house.enter(made["email"], password).api.get("/v1/me", expect=200).json()["roles"] == ["manager", "user"]


def test_the_operator_invites_at_the_command_line(inviting: Usher, house: Site, mailbox: Mailbox) -> None:
    email = new_address()
    made = inviting.json("invitation", "create", "--email", email, "--display-name", "Ann", "--days", "3")
    assert made["invited_by"] == {"kind": "cli", "id": None, "name": None} and "link" not in made
    first = mailbox.wait_for(email)
    assert "You are invited to usher." in first.text
    problem(house.admin.api.post(PATH, json={"email": email}), 409, "already_invited")
    inviting.cli("invitation", "create", "--email", email, code=1)
    inviting.cli("invitation", "create", "--email", "nobody", code=2)
    inviting.cli("invitation", "create", "--email", new_address(), "--forward-to", "https://evil.example/", code=1)
    assert email in inviting.cli("invitation", "list", "--state", "waiting", "--q", email[:12]).stdout
    inviting.cli("invitation", "list", "--state", "lost", code=2)
    assert inviting.json("invitation", "revoke", made["id"])["state"] == "revoked"
    inviting.cli("invitation", "resend", made["id"], code=1)
    linked = inviting.cli("invitation", "create", "--email", email, "--link").stdout
    (link,) = re.findall(r"http\S+token=\S+", linked)
    canary.note(token_of(link))
    assert accept(house, token_of(link), new_password()).status_code == 201
    assert "the operator" in inviting.cli("invitation", "list", "--state", "accepted").stdout


def test_a_file_of_people_is_invited(inviting: Usher, mailbox: Mailbox, tmp_path: Path) -> None:
    ann, bob = new_address(), new_address()
    file = tmp_path / "people.csv"
    rows = ["email,display_name,roles,message", f'{ann},Ann,user manager,"Hello, Ann"', "nobody,,,", f"{bob},,,", f"{ann},,,"]
    file.write_text("\n".join(rows) + "\n")
    told = inviting.cli("invitation", "import", str(file), code=1)
    assert "line 3: nobody: email must" in told.stdout and "line 5:" in told.stdout and "2 invited, 2 not." in told.stdout
    assert "> Hello, Ann" in mailbox.wait_for(ann).text and mailbox.wait_for(bob)
    again = inviting.cli("invitation", "import", str(file), "--json", code=1)
    assert '"created": 0' in again.stdout
    file.write_text("email,colour\na@example.org,red\n")
    inviting.cli("invitation", "import", str(file), code=2)


def test_r043_the_page_leads_through_the_acceptance(faces: Faces, house: Site, mailbox: Mailbox) -> None:
    made = invite(house, display_name="Ann", message=MESSAGE, forward_to=f"{FORWARD_TO}/start?a=1&b=2")
    faces.page.goto(mailbox.wait_for(made["email"]).link)
    faces.heading("You are invited to usher")
    expect(faces.page.locator("blockquote")).to_have_text(MESSAGE)
    expect(faces.page.get_by_label("E-mail address")).to_have_value(made["email"])
    expect(faces.page.get_by_label("E-mail address")).not_to_be_editable()
    assert faces.page.evaluate("document.scripts.length") == 1
    shown = house.admin.api.get(f"{PATH}/{made['id']}", expect=200).json()
    assert shown["opened_at"] and shown["state"] == "waiting"
    faces.field("username").fill(house.admin.username)
    faces.field("password").fill(new_password())
    faces.press("Accept the invitation")
    said = "Error: This user name belongs to somebody else."
    expect(faces.field("username")).to_have_accessible_description(containing(said))
    faces.field("username").fill("")
    faces.field("password").fill("passwordpassword")
    faces.press("Accept the invitation")
    expect(faces.field("password")).to_have_accessible_description(containing("The password is one of the passwords"))
    password = new_password()
    faces.field("password").fill(password)
    faces.press("Accept the invitation")
    faces.heading("Welcome to usher")
    link = faces.page.get_by_role("link", name="app.example.org")
    assert link.get_attribute("href") == f"{FORWARD_TO}/start?a=1&b=2" and "noreferrer" in (link.get_attribute("rel") or "")
    faces.page.get_by_role("link", name="Sign in").click()
    faces.sign_in(made["email"], password)
    faces.at("/account")


def test_the_page_works_without_javascript(browser: Browser, house: Site, mailbox: Mailbox) -> None:
    context = browser.new_context(java_script_enabled=False)
    faces = Faces(context.new_page(), house.public_url)
    made = invite(house)
    faces.page.goto(mailbox.wait_for(made["email"]).link)
    faces.field("password").fill(new_password())
    faces.press("Accept the invitation")
    faces.heading("Welcome to usher")
    faces.page.goto(mailbox.wait_for(made["email"]).link)
    faces.heading("This invitation does not work")
    faces.end()
    context.close()


def test_r262_no_token_of_an_invitation_is_in_a_log(inviting: Usher, house: Site) -> None:
    made = invite(house, delivery="link")
    canary.note(token_of(made["link"]))
    accept(house, token_of(made["link"]), new_password())
    assert leaks(inviting.log()) == []
