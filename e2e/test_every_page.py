"""Every page of docs/pages.md in a real browser, narrow and wide, in light and dark: readable for everybody, within the screen.

Most are addresses in `looked/tables.py`; those behind a form or a link in a mail are steps below. A page of docs/pages.md, or one that
some page links to, that was not looked at fails the test by its name. `/docs` is looked at in `test_docs.py`.
"""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness import canary, totp
from harness.canary import new_address, new_password
from harness.client import Client
from harness.faces import Faces
from harness.looks import LONG_NAME, LOOKS
from harness.mailbox import Mailbox, token_of
from harness.pages import general, not_among
from harness.server import Stage, Usher
from looked.furnish import FORWARD_TO, Furnished, furnished, invite
from looked.tables import ACCOUNT, BEFORE_THE_SIGN_IN, CONSOLE, MAIN, NO_PAGES, addresses
from test_passkeys import Authenticator

pytestmark = pytest.mark.first

LINKS = "[...document.querySelectorAll('main a[href^=\"/\"], nav a[href^=\"/\"]')].map(it => it.getAttribute('href'))"
# Behind these are files.
FILES = re.compile("/(docs|assets|avatars|[.]well-known)|/admin/imports/[^/]+/report")
# What has moved while nobody did anything, from the first moment of a page on. Two frames later everything of before has been noted.
SHIFTED = """() => new Promise(done => {
  let shifted = 0;
  new PerformanceObserver(list => {
    for (const it of list.getEntries()) if (!it.hadRecentInput) shifted += it.value;
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(shifted))));
})"""
SHIFT_MAX = 0.01
# In no place of the navigation.
NOWHERE = ["/account/professional"]


@pytest.fixture(scope="module")
def house(stage: Stage, mailbox: Mailbox) -> Iterator[Furnished]:
    yield from furnished(stage, mailbox)


class Look(Faces):
    """Keeps where it has been, and where links of those pages lead."""

    def __init__(self, page: Page, base_url: str) -> None:
        # A virtual authenticator answers the field of the name before anybody can press a button.
        page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
        super().__init__(page, base_url)
        self.seen: set[str] = set()
        self.linked: set[str] = set()
        self.unsound: list[str] = []
        self.turn(*LOOKS[0])

    def is_sound(self) -> None:
        """In all looks one after the other: to open a page takes longer than to look at it."""
        self.seen.add(general(self.page.url))
        self.linked |= {link for link in self.page.evaluate(LINKS) if not FILES.match(link)}
        for width, scheme in LOOKS:
            self.turn(width, scheme)
            # One run tells of all.
            try:
                super().is_sound()
            except AssertionError as fault:
                self.unsound.append(f"{width}, {scheme}: {str(fault).splitlines()[0]}")
        self.turn(*LOOKS[0])

    def turn(self, width: int, scheme: Any) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def end(self) -> None:
        assert not self.unsound, "\n".join(self.unsound)
        super().end()

    def look(self, path: str) -> None:
        self.open(path)
        self.stands_still()
        if not path.startswith("/account"):
            self.page.evaluate("for (const it of document.querySelectorAll('main details')) it.open = true")
        self.is_sound()

    def stands_still(self) -> None:
        shift = self.page.evaluate(SHIFTED)
        if shift > SHIFT_MAX:
            self.unsound.append(f"{self.page.url} moves by {shift:.3f} while it comes")

    def heads(self, text: str) -> None:
        """A step has led there."""
        self.heading(text)
        self.is_sound()

    def is_refused(self, button: str) -> None:
        """What is wrong is said at a field."""
        form = self.page.locator("main form").filter(has=self.page.get_by_role("button", name=button, exact=True)).first
        form.evaluate("form => { form.noValidate = true }")
        form.get_by_role("button", name=button, exact=True).click()
        expect(self.page.locator("main [aria-invalid=true]").first).to_be_visible()
        self.is_sound()

    def follow(self, link: str) -> None:
        self.page.goto(link)
        self.is_sound()


def test_every_page_is_sound(browser: Browser, house: Furnished) -> None:
    seen, linked = set[str](), set[str]()
    for walk in (before_the_sign_in, behind_mailed_links, invited, somebody_new, somebody_with_much):
        context = browser.new_context()
        face = Look(context.new_page(), house.site.public_url)
        walk(face, house)
        face.end()
        context.close()
        seen, linked = seen | face.seen, linked | face.linked
    unseen = [page for page in not_among(seen) if page not in NO_PAGES]
    assert unseen == [], "not looked at: each gets a line in looked/tables.py, or a step here"
    unknown = sorted({link for link in linked if general(link) not in seen})
    assert unknown == [], "links lead to these pages, which are not looked at, and are not in docs/pages.md"


def before_the_sign_in(face: Look, house: Furnished) -> None:
    for path in addresses(BEFORE_THE_SIGN_IN, house.ways):
        face.look(path)
    for path, button in (("/register", "Create account"), ("/recover", "Send me a link")):
        face.open(path)
        face.is_refused(button)
    face.field("email").fill(new_address())
    face.press("Send me a link")
    face.heads("Look into your mail")
    face.open("/sign-in")
    face.field("identifier").fill(f"{'a' * 60}@{'b' * 60}.example")
    face.press("Continue")
    face.is_sound()
    face.field("password").fill(new_password())
    face.is_refused("Sign in")
    # Ten wrong passwords are enough for an account.
    someone = house.site.create()["email"]
    for _ in range(10):
        house.site.login(someone, new_password(), expect=401)
    face.sign_in(someone, new_password())
    face.heads("Too many attempts")


def behind_mailed_links(face: Look, house: Furnished) -> None:
    mailbox, site, long = house.site.mailbox, house.site, new_address("l" * 40)
    face.open("/register")
    face.field("email").fill(long)
    face.field("password").fill(new_password())
    face.press("Create account")
    face.heads("Look into your mail")
    face.follow(mailbox.wait_for(long).link)
    face.field("password").fill(new_password())
    face.is_refused("Confirm my address")
    face.press("Choose a new password")
    face.heads("Choose a new password")
    face.field("new_password").fill("passwordpassword")
    face.is_refused("Set password and confirm")
    face.field("new_password").fill(new_password())
    face.press("Set password and confirm")
    face.heads("Your address is confirmed")

    someone = site.person(display_name=LONG_NAME)
    face.follow(site.forgot(someone.email).link)
    face.field("password").fill("passwordpassword")
    face.is_refused("Set password")
    someone.password = new_password()
    face.field("password").fill(someone.password)
    face.press("Set password")
    face.heads("Your password is set")
    # The link of who was made by somebody else says welcome.
    face.follow(mailbox.wait_for(site.create(display_name=LONG_NAME)["email"]).link)

    someone = site.enter(someone.email, someone.password)
    face.sign_in(someone.email, someone.password)
    face.at("/account")
    added = new_address("z" * 40)
    someone.api.post("/v1/me/emails", json={"email": added}, expect=202)
    link = mailbox.wait_for(added).link
    face.follow(link)
    face.press("Add this address")
    face.heads("The address is added")
    face.page.goto(link)
    face.press("Add this address")
    face.heads("This link does not work")

    seen = len(mailbox.to(someone.email))
    stranger = Client(site.base_url, headers={"User-Agent": canary.unique("program")})
    stranger.post("/v1/login", json={"identifier": someone.email, "password": someone.password}, expect=200)
    face.follow(mailbox.wait_for_link(someone.email, "/not-me", after=seen))
    face.press("It was not me")
    face.heads("Nobody is signed in any more")


def invited(face: Look, house: Furnished) -> None:
    message = "Hello,\n\n" + "x" * 120
    made = invite(house, display_name=LONG_NAME, message=message, delivery="link", forward_to=f"{FORWARD_TO}/start")
    canary.note(token_of(made["link"]))
    face.follow(made["link"])
    face.field("username").fill("a b")
    face.is_refused("Accept the invitation")
    face.field("username").fill("")
    face.field("password").fill(new_password())
    face.press("Accept the invitation")
    face.heads("Look into your mail")
    face.page.goto(made["link"])
    face.heads("This invitation does not work")
    mailed = invite(house, forward_to=f"{FORWARD_TO}/start")
    face.follow(house.site.mailbox.wait_for(mailed["email"]).link)
    face.field("password").fill(new_password())
    face.press("Accept the invitation")
    expect(face.page.get_by_role("main")).to_contain_text("Welcome")
    face.is_sound()


def account(face: Look) -> None:
    """The pages of an account; the navigation shows where one is."""
    for path in addresses(ACCOUNT, {}):
        face.look(path)
        face.at(path)
        if path.startswith("/account"):
            here = face.page.locator(".places [aria-current=page]")
            if path not in NOWHERE:
                expect(here, path).to_have_count(1)
                expect(here).to_be_in_viewport()
    for path, button in (("/profile", "Save"), ("/addresses/new", "Send the link"), ("/api-keys/new", "Make the key")):
        face.open(f"/account{path}")
        # As no browser would let it be typed.
        face.page.locator("main form input[maxlength]").first.evaluate("input => { input.value = 'x'.repeat(300) }")
        face.is_refused(button)


def somebody_new(face: Look, house: Furnished) -> None:
    """Who has nothing yet, gets an app and a passkey, and leaves."""
    someone = house.site.person()
    Authenticator(face.page)
    face.sign_in(someone.email, someone.password)
    account(face)
    face.open("/account/second-factors")
    face.press("Set up an authenticator app")
    face.heads("Set up an authenticator app")
    app = totp.App(face.page.locator("main code").inner_text())
    face.field("code").fill(app.wrong())
    face.is_refused("Turn it on")
    face.field("code").fill(app.code())
    face.press("Turn it on")
    face.heads("Your recovery codes")
    face.open("/account/passkeys/new")
    face.field("name").fill(LONG_NAME)
    face.press("Add the passkey")
    face.at("/account/second-factors")
    face.is_sound()
    face.page.get_by_role("link", name="Rename or remove the passkey").click()
    face.heads("Your passkey")
    face.look("/reauthenticate/passkey")
    face.look("/reauthenticate")
    face.open("/account")
    face.press("Sign out")
    face.sign_in(someone.email, someone.password)
    face.heads("Enter your code")
    face.press("Use a passkey")
    face.at("/account")

    face.open("/account/delete")
    face.press("Delete my account")
    face.heads("Your account is deleted")
    face.follow(house.site.mailbox.wait_for_link(someone.email, "/undo-deletion"))
    face.press("Keep my account")
    face.heads("Your account is back")


def enter(face: Look, house: Furnished, path: str) -> None:
    """With a recovery code, which nobody has to wait for."""
    staff = house.staff
    face.sign_in(staff.email, staff.password, f"/sign-in?return_to={path}")
    face.heads("Enter your code")
    face.field("code").fill("000000")
    face.is_refused("Sign in")
    face.page.get_by_role("link", name="Use a recovery code").click()
    face.heads("Enter a recovery code")
    face.field("code").fill(house.recovery_codes.pop())
    face.press("Sign in")
    face.at(path)
    face.proof = lambda: (staff.password, house.recovery_codes.pop())


def somebody_with_much(face: Look, house: Furnished) -> None:
    """An account that is full, and the whole console."""
    enter(face, house, "/account")
    account(face)
    face.open("/account/api-keys/new")
    face.field("name").fill(LONG_NAME)
    face.press("Make the key")
    face.heads("Your new API key")
    canary.note(face.page.locator(".secret code").inner_text())
    for path in addresses(CONSOLE, house.ways):
        face.look(path)
    for step in (users, rules, those_who_are_chosen, roles, invitations, imports, attributes, programs):
        step(face, house)


def users(face: Look, house: Furnished) -> None:
    face.open(f"/admin/users/{house.ways['person']}/edit")
    face.field("website_url").fill("javascript:alert(1)")
    face.is_refused("Save")
    face.open("/admin")
    face.page.keyboard.press("?")
    expect(face.page.get_by_role("dialog")).to_be_visible()
    face.is_sound()
    face.page.keyboard.press("Escape")
    menu = face.page.get_by_role("button", name="Menu")
    if menu.is_visible():
        menu.click()
        face.is_sound()


def rules(face: Look, house: Furnished) -> None:
    face.open(f"/admin/inactivity/{house.ways['rule']}")
    face.press("Preview")
    face.is_sound()
    face.open("/admin/inactivity/new")
    face.field("after_days").fill("never")
    face.is_refused("Make a rule")
    face.open("/admin/audit/seal")
    face.press("Verify the newest events")
    face.is_sound()


def those_who_are_chosen(face: Look, house: Furnished) -> None:
    face.open(f"/admin/users?filter=id+eq+%22{house.ways['person']}%22")
    face.page.get_by_label(f"Choose {LONG_NAME}").check()
    face.page.locator("main a", has_text="Show everybody").click()
    face.page.locator("summary", has_text="Show who is chosen").click()
    expect(face.page.get_by_role("button", name=f"Leave {LONG_NAME} out")).to_be_visible()
    face.is_sound()
    face.press("Act on the chosen …")
    expect(face.page.get_by_text("1 user is chosen.")).to_be_visible()
    face.is_sound()


def roles(face: Look, _: Furnished) -> None:
    face.open("/admin/roles/new")
    face.field("name").fill("Not a name")
    face.field("grace_days").fill("never")
    face.is_refused("Make the role")


def invitations(face: Look, house: Furnished) -> None:
    face.open("/admin/invitations/new")
    face.field("email").fill(house.staff.email)
    face.is_refused("Invite")
    face.field("email").fill(new_address())
    face.page.get_by_label("You hand it over").check()
    face.press("Invite")
    face.heads("Hand this link over")
    token_of(face.page.locator(".secret").inner_text().strip())
    face.open("/admin/invitations/many")
    people = f"{new_address()}, Ann Baker\nnobody\n{'l' * 60}@{'m' * 60}\n{house.staff.email}"
    face.page.locator("textarea[name=people]").fill(people)
    face.press("Invite them")
    face.heads("What became of each")


def imports(face: Look, _: Furnished) -> None:
    content = b"Anschrift,display_name,A column with quite a long name that does not end,email\na@b.example,1,2,3\n"
    face.open("/admin/imports/new")
    face.page.locator("#file").set_input_files({"name": f"{LONG_NAME}.csv", "mimeType": "text/csv", "buffer": content})
    face.is_refused("Upload")
    expect(face.page.locator("select[aria-invalid=true]")).to_have_count(2)


def attributes(face: Look, _: Furnished) -> None:
    face.open("/admin/attributes/new")
    face.field("name").fill("9")
    face.page.get_by_label("What it holds").select_option("list")
    face.field("max_items").fill("many")
    face.field("pattern").fill("(")
    face.page.get_by_label("Searchable").check()
    face.is_refused("Add the attribute")
    face.open("/admin/attributes/schema")
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    face.page.locator("#schema").fill(json.dumps(schema))
    face.press("Save")
    expect(face.page.locator("#violation")).to_be_visible()
    face.is_sound()


def programs(face: Look, house: Furnished) -> None:
    face.open("/admin/service-accounts/new")
    face.field("name").fill("No Name")
    face.is_refused("Make it")
    face.open(f"/admin/service-accounts/{house.ways['account']}/keys/new")
    face.field("name").fill(LONG_NAME)
    face.press("Make the key")
    face.heads("The new key")
    canary.note(face.page.locator(".secret code").inner_text())
    # Those that are made here are no part of the next look.
    face.page.get_by_role("link", name="I have kept it").click()
    face.is_sound()


@pytest.mark.parametrize("options", [{"contrast": "more"}, {"forced_colors": "active"}], ids=["contrast", "forced"])
def test_the_main_pages_are_sound_in_high_contrast(browser: Browser, house: Furnished, options: dict[str, Any]) -> None:
    face = Look(browser.new_context(**options).new_page(), house.site.public_url)
    enter(face, house, "/account")
    for path in addresses(MAIN, house.ways):
        face.look(path)
    face.end()
    face.page.context.close()


def test_the_main_pages_are_sound_from_right_to_left(browser: Browser, house: Furnished) -> None:
    """No language is written so yet; one that is takes a folder and nothing else."""
    face = Look(browser.new_context().new_page(), house.site.public_url)
    enter(face, house, "/account")
    for path in addresses(MAIN, house.ways):
        face.open(path)
        face.page.evaluate("document.documentElement.dir = 'rtl'")
        face.is_sound()
    face.end()
    face.page.context.close()


def test_a_server_that_nobody_has_set_up_and_one_without_its_database(browser: Browser, new_server: Callable[..., Usher]) -> None:
    usher = new_server()
    face = Look(browser.new_context().new_page(), usher.public_url)
    face.look("/setup")
    face.field("token").fill("x" * 60)
    face.field("email").fill("nobody")
    face.is_refused("Create administrator")
    face.field("token").fill(usher.setup_token())
    face.field("email").fill(new_address())
    face.field("password").fill(new_password())
    face.press("Create administrator")
    face.heads("Usher is set up")
    face.open("/setup")
    face.heads("It is set up already")

    face.open("/recover")
    face.field("email").fill(new_address())
    pid = usher.postgres_pid()
    assert pid
    os.kill(pid, signal.SIGQUIT)
    with face.page.expect_response(lambda response: response.request.method == "POST") as answer:
        face.press("Send me a link")
    assert answer.value.status == 503
    face.is_sound()
    # The browser notes a status of 5xx as a fault.
    face.watch.faults = [fault for fault in face.watch.faults if "503" not in fault]
    face.end()
    face.page.context.close()
    # It would wait for its database before it ends.
    usher.kill()
