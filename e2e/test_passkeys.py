"""Passkeys in a real browser, with the virtual authenticator of Chromium. They belong to a name, so the server has one."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from harness.client import problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Usher

HERE = "/account/second-factors"
NEW = "/account/passkeys/new"


class Authenticator:
    """It unlocks at once, unless told otherwise."""

    def __init__(self, page: Page) -> None:
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.id = self.add()

    def add(self) -> str:
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        return str(self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])

    def replace(self) -> None:
        """Another one, without passkeys."""
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
        self.id = self.add()

    def verifies(self, verified: bool) -> None:
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verified})


@pytest.fixture
def house(new_server: Callable[..., Usher], mailbox: Mailbox) -> Site:
    usher = new_server(start=False)
    usher.settings["USHER_PUBLIC_URL"] = f"http://localhost:{usher.port}"
    usher.start()
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    return site


@pytest.fixture
def faces(page: Page, house: Site) -> Iterator[Faces]:
    # A virtual authenticator answers the field of the name before anybody can press a button.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
    faces = Faces(page, house.public_url)
    yield faces
    faces.end()


def add(faces: Faces, name: str) -> None:
    faces.open(NEW)
    faces.heading("Add a passkey")
    faces.field("name").fill(name)
    faces.press("Add the passkey")


def test_passkeys_are_added_named_used_and_removed(faces: Faces, house: Site, mailbox: Mailbox) -> None:
    someone = house.person()
    device = Authenticator(faces.page)
    faces.sign_in(someone.email, someone.password)
    faces.open(HERE)
    faces.is_sound()
    faces.page.get_by_role("link", name="Add a passkey").click()
    faces.heading("Add a passkey")
    faces.is_sound()
    faces.field("name").fill("Phone")
    faces.press("Add the passkey")
    faces.heading("Your recovery codes")
    codes = faces.page.locator("ol code").all_inner_texts()
    assert len(set(codes)) == 10
    faces.is_sound()

    # The same device says that it has one already; another one makes the second.
    add(faces, "Phone again")
    expect(faces.page.get_by_role("alert")).to_contain_text("has a passkey for your account already")
    faces.is_sound()
    device.replace()
    faces.press("Add the passkey")
    expect(faces.page.get_by_role("status")).to_contain_text("Your passkey is added.")
    faces.is_sound()
    faces.page.get_by_role("link", name="Rename or remove the passkey Phone again").click()
    faces.heading("Your passkey")
    faces.is_sound()
    faces.field("name").fill("Blue key")
    faces.press("Save the name")
    expect(faces.page.get_by_role("status")).to_contain_text("has its new name")
    expect(faces.page.get_by_role("rowheader")).to_have_text([re.compile("Phone"), re.compile("Blue key")])

    # By itself, by the button.
    faces.press("Sign out")
    faces.at("/sign-in")
    faces.is_sound()
    faces.press("Sign in with a passkey")
    faces.at("/account")

    # In the place of the code, after the password.
    faces.press("Sign out")
    faces.sign_in(someone.email, someone.password, f"/sign-in?return_to={HERE}")
    faces.heading("Use your passkey")
    faces.is_sound()
    faces.press("Use a passkey")
    faces.at(HERE)

    # As a fresh proof.
    faces.open(f"/reauthenticate?return_to={HERE}")
    faces.page.get_by_role("link", name="Use a passkey instead").click()
    faces.heading("Confirm with a passkey")
    faces.is_sound()
    faces.press("Use a passkey")
    faces.at(HERE)

    for name in ("Phone", "Blue key"):
        faces.page.get_by_role("link", name=f"Rename or remove the passkey {name}").click()
        faces.press("Remove the passkey")
        expect(faces.page.get_by_role("status")).to_contain_text("Your passkey is removed.")
    faces.press("Sign out")
    faces.sign_in(someone.email, someone.password)
    faces.at("/account")


def test_what_does_not_open_an_account_is_refused_at_the_button(faces: Faces, house: Site, mailbox: Mailbox) -> None:
    someone = house.person()
    device = Authenticator(faces.page)
    faces.sign_in(someone.email, someone.password)
    add(faces, "Phone")
    faces.heading("Your recovery codes")
    listed = house.anonymous.post("/v1/login/passkey/options").json()
    assert listed["options"]["allowCredentials"] == []
    faces.press("Sign out")
    device.verifies(False)
    faces.press("Sign in with a passkey")
    expect(faces.page.get_by_role("alert")).to_contain_text("called off, took too long")
    faces.is_sound()


def test_the_field_of_the_name_offers_passkeys(browser: Browser, house: Site, mailbox: Mailbox) -> None:
    someone = house.person()
    context = browser.new_context()
    faces = Faces(context.new_page(), house.public_url)
    Authenticator(faces.page)
    faces.sign_in(someone.email, someone.password)
    add(faces, "Phone")
    faces.heading("Your recovery codes")
    faces.press("Sign out")
    faces.at("/account")
    faces.end()
    context.close()


def test_r080_an_answer_is_not_good_twice(faces: Faces, house: Site, mailbox: Mailbox) -> None:
    someone = house.person()
    Authenticator(faces.page)
    faces.sign_in(someone.email, someone.password)
    add(faces, "Phone")
    faces.heading("Your recovery codes")
    script = """async ({ ceremony, options }) => {
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
        return { ceremony, credential: (await navigator.credentials.get({ publicKey })).toJSON() };
    }"""
    answer = faces.page.evaluate(script, house.anonymous.post("/v1/login/passkey/options").json())
    house.anonymous.post("/v1/login/passkey", json=answer, expect=200)
    problem(house.anonymous.post("/v1/login/passkey", json=answer), 401, "invalid_credentials")


def test_without_javascript_nothing_of_passkeys_is_in_the_way(browser: Browser, house: Site, mailbox: Mailbox) -> None:
    someone = house.person()
    size: Any = {"width": 390, "height": 844}
    context = browser.new_context(java_script_enabled=False, viewport=size, color_scheme="dark")
    faces = Faces(context.new_page(), house.public_url)
    faces.open("/sign-in")
    expect(faces.page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    faces.sign_in(someone.email, someone.password)
    faces.open(NEW)
    expect(faces.page.get_by_text("Your browser makes no passkeys here")).to_be_visible()
    expect(faces.page.get_by_role("button", name="Add the passkey")).to_be_hidden()
    faces.end()
    context.close()
