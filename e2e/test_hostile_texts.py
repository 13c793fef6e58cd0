"""Hostile texts wherever they are shown; what is new in a request's body fails until a table of `hostile/` knows it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from harness.bodies import declared, put
from harness.canary import new_address, new_password
from harness.looks import PAYLOADS
from harness.operations import METHODS, PARAMETERS
from harness.trap import LINES, WHOLE, Trap, packed
from hostile.makers import MAKERS, House, things
from hostile.stage import house, trap  # noqa: F401
from hostile.tables import REFUSED, SHOWN, SHOWN_NOWHERE, TRIED_BY_THEMSELVES, pages
from test_passkeys import Authenticator, add

# Shown to who asks, thing by thing, though their address names none.
OWN = ("/account",)
# Lists are looked at after so many things: with all they make, these are on the first page.
LISTED = 10


@pytest.mark.parametrize("what", SHOWN)
def test_texts_are_no_more_than_texts_wherever_they_are_shown(house: House, trap: Trap, what: str) -> None:
    lists: dict[str, list[str]] = {}
    seen: set[tuple[str, str]] = set()

    def look_at_lists() -> None:
        for page, texts in lists.items():
            trap.look(page, texts)
        lists.clear()

    for number, thing in enumerate(MAKERS[what](house), 1):
        for page, places in pages(what).items():
            texts = {place: thing.texts[place] for place in places if place in thing.texts}
            names = set(re.findall(r"{(\w+)}", page))
            if not texts or not names <= set(thing.ways):
                continue
            if names or page.startswith(OWN):
                trap.look(page.format(**thing.ways), texts.values())
            else:
                lists.setdefault(page, []).extend(texts.values())
            seen |= {(page, place) for place in texts}
        if number % LISTED == 0:
            look_at_lists()
    look_at_lists()
    assert seen == {(page, place) for page, places in pages(what).items() for place in places}


def listed() -> list[str]:
    rows = [(source, texts) for all_rows in SHOWN.values() for source, texts, _ in all_rows]
    named = {(source, text) for source, texts in rows for text in texts.split()}
    tables = [TRIED_BY_THEMSELVES, REFUSED, *SHOWN_NOWHERE.values()]
    others = [(operation, text) for table in tables for operation, texts in table.items() for text in texts.split()]
    return [f"{operation}.{text}" for operation, text in [*named, *others]]


def test_every_text_that_the_api_takes_is_in_a_table(house: House) -> None:
    found = declared(house.site.anonymous.get("/openapi.json", expect=200).json())
    taken = {f"{operation}.{text}" for operation, texts in found.items() for text in texts}
    known = listed()
    assert taken - set(known) == set(), "say where these are shown, or why nowhere"
    assert {text for text in known if known.count(text) > 1} == set(), "these are in two tables"
    not_of_bodies = {"create_import.source", "create_import.map"}
    assert set(known) - taken - not_of_bodies == {"set_attribute_schema.properties.enum"}, "nothing takes these any more"


def test_what_is_no_free_text_takes_no_payload(house: House) -> None:
    document = house.site.anonymous.get("/openapi.json", expect=200).json()
    found = declared(document)
    fitting = {"email": new_address(), "password": new_password(), "username": "somebody"}
    taken = []
    for path, item in document["paths"].items():
        for method in [method for method in METHODS if method in item]:
            operation = item[method]
            name = operation["operationId"]
            for text in REFUSED.get(name, "").split():
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                for payload in PAYLOADS:
                    body = put(document, schema, found[name][text], payload)
                    body |= {member: value for member, value in fitting.items() if member in body and member != text}
                    answer = house.api.request(method, path.format(**PARAMETERS), json=body)
                    errors = answer.json().get("errors", []) if answer.content else []
                    pointers = [error.get("pointer", "") for error in errors]
                    told = {pointer.split("/")[1] for pointer in pointers if pointer}
                    if answer.status_code != 422 or text.split(".")[0] not in told:
                        taken.append((name, text, payload, answer.text[:200]))
    assert taken == []


HEAD = "Subject: {0}\nHeading: {0}\nPreheader: {0}\nButton: {0}\n\n{0}\n\n{{{{ link }}}}\n"
# Templates of mails are of a language of their own: what has its signs is a mistake there, or a value.
WORDS = [payload for payload in PAYLOADS if "{" not in payload]
EDITED = HEAD.format(" ".join(WORDS))


@pytest.fixture
def edited(house: House) -> Iterator[str]:
    """Where the words of a mail are that says all payloads but those that would be a mistake in it, wherever it says something."""
    own = "/v1/mail-texts/welcome/en"
    house.api.put(own, json={"text": EDITED}, expect=200)
    yield own
    house.api.delete(own, expect=204)


def test_the_words_of_mails_are_no_more_than_words(house: House, trap: Trap, edited: str) -> None:
    trap.look("/admin/mails/texts/welcome/en/restore")
    trap.look("/admin/mails/texts/welcome/en", [EDITED.strip()])
    page = trap.page
    buttons = page.locator("main button[formtarget=preview]")
    for at in range(buttons.count()):
        with page.expect_event("framenavigated"):
            buttons.nth(at).click()
        expect(page.frame_locator("iframe[name=preview]").locator("body")).to_contain_text(WORDS[0])
        trap.holds(WORDS)
    # What can't be read is told, and comes again as it was typed.
    page.locator("#text").fill(EDITED + WHOLE)
    page.locator("main button[type=submit]:not([formtarget])").first.click()
    expect(page.locator("#text-error")).to_be_visible()
    trap.holds([EDITED + WHOLE])
    shown = house.api.post(f"{edited}/preview", json={"text": EDITED}, expect=200).json()
    before = len(house.mailbox.to(house.admin.email))
    house.api.post(f"{edited}/test", json={"text": EDITED}, expect=202)
    sent = house.mailbox.wait_for(house.admin.email, after=before).html
    read_mails(trap, [(sent, WORDS), (shown["html"], WORDS)])


def read_mails(trap: Trap, mails: list[tuple[str, list[str]]]) -> None:
    """Opens each as a page without a policy, and without anything around it: worse than any program for mail."""
    at = f"{trap.base_url}/a-mail"

    def answer(route: Route) -> None:
        number = route.request.url.removeprefix(at)
        body = mails[int(number)][0].replace("cid:", "/assets/") if number.isdigit() else ""
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    trap.page.route(f"{at}*", answer)
    for number, (_, texts) in enumerate(mails):
        trap.page.goto(f"{at}{number}")
        trap.holds(texts)


def test_mails_are_no_more_than_text(house: House, trap: Trap) -> None:
    mails = []
    person = house.site.person()
    house.api.patch("/v1/me", json={"display_name": LINES[0]}, expect=200)
    for thing in things():
        body = thing.body("create_invitation", "display_name message") | {"email": new_address()}
        house.api.post("/v1/invitations", json=body, expect=201)
        mail = house.mailbox.wait_for(body["email"])
        mails.append((mail.html, [thing.texts["create_invitation.message"], LINES[0]]))
        made = house.site.create(display_name=thing.text("create_user.display_name"))
        mails.append((house.mailbox.wait_for(made["email"]).html, [thing.texts["create_user.display_name"]]))
    for half in packed(PAYLOADS, 900):
        person.api.patch("/v1/me", json={"display_name": "Ann", "bio": "x"}, expect=200)
        asked = person.api.post("/v1/me/approval-requests", json={"kind": "professional"}, expect=201).json()["id"]
        before = len(house.mailbox.to(person.email))
        house.api.post(f"/v1/approval-requests/{asked}/decline", json={"reason": half}, expect=200)
        mails.append((house.mailbox.wait_for(person.email, after=before).html, [half]))
    read_mails(trap, mails)


def test_names_of_passkeys_are_no_more_than_text(browser: Browser, house: House) -> None:
    someone = house.site.person()
    page = browser.new_context().new_page()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
    trap = Trap(page, house.site.public_url)
    Authenticator(page)
    trap.sign_in(someone.email, someone.password)
    trap.at("/account")
    add(trap, LINES[0])
    page.locator("ol code").first.wait_for()
    trap.look("/account/second-factors", [LINES[0]])
    way = page.locator("main a[href^='/account/passkeys/']:not([href$=new])").get_attribute("href")
    for line in LINES[1:]:
        trap.look(str(way))
        trap.field("name").fill(line)
        trap.field("name").press("Enter")
        trap.at("/account/second-factors")
        trap.holds([line])
        trap.look(str(way), [line])
    trap.end()
    page.context.close()


def test_what_runs_is_found(browser: Browser, house: House) -> None:
    """Each payload, put into a page as it is: the trap closes."""
    trap = Trap(browser.new_context().new_page(), house.site.public_url)
    at = f"{trap.base_url}/naked"
    careless = "<title>{0}</title><body><textarea>{0}</textarea><input value=\"{0}\"><input value='{0}'><p title={0}>{0}</p>"

    def answer(route: Route) -> None:
        number = route.request.url.removeprefix(at)
        body = careless.replace("{0}", PAYLOADS[int(number)]) if number.isdigit() else ""
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    trap.page.route("**/*", answer)
    for number, payload in enumerate(PAYLOADS):
        trap.watch.faults.clear()
        trap.page.goto(f"{at}{number}")
        with pytest.raises(AssertionError, match="more than text|ran"):
            trap.holds([payload])
    trap.page.context.close()
