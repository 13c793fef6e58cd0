"""Hostile texts typed into every form, put into every address, and in answers of the API: they come back as text, if they do."""

import csv
import io
import re
from urllib.parse import quote, urlencode

from playwright.sync_api import Browser, Error, expect

from harness import operations
from harness.canary import new_password
from harness.looks import PAYLOADS
from harness.pages import DOCUMENT, general
from harness.trap import LINES, WHOLE, Trap, packed
from hostile.makers import House, acts, groups, imports, invitations, quoted, requests, roles, rules, runs_in_bulk, service_accounts, users
from hostile.stage import house, trap  # noqa: F401
from hostile.tables import SHOWN, pages

# Parameters of pages and of the API; each gets a line.
QUERY = "q filter status role sort columns cursor state user actor action target from to by outcome class kind token return_to as with"
QUERY += " ids page language after fields format limit before created_before created_after count as_of explain permission source map"
QUERY += " occurred_before occurred_after until"
HOSTILE_QUERY = urlencode({name: LINES[number % len(LINES)] for number, name in enumerate(QUERY.split())}, quote_via=quote)
PUBLIC = "/sign-in /sign-in/second-factor /register /recover /setup /invitation /verify /reset-password /not-me /confirm-email"
PUBLIC += " /undo-deletion /reauthenticate /docs"
# What a page may keep to itself: a secret, the values of which the list of users makes a filter, a reason, which some ask for
# anew, and the end of a role where another action than to grant one is previewed.
NOT_BACK = {"hash_config", "value1", "value2", "value3", "value", "reason", "until"}
# Pages that no link of the account or the console leads to: those behind links in mails, and what only who is not signed in sees.
ELSEWHERE = "/sign-in /register /recover /setup /invitation /verify /reset-password /not-me /confirm-email /undo-deletion "
ELSEWHERE += "/reauthenticate"
# Those that the tables hold, and those that only a script, the foot of a page or a mail in trouble leads to.
OTHERS = "/admin/requests/{id}/approve /admin/mails/texts/{name}/{language}/restore /admin/mails/{id}/retry /admin/mails/retry "
OTHERS += "/sign-in/second-factor /sign-in/passkey /reauthenticate/passkey /language /admin/events "
OTHERS += "/admin/branding/logo /admin/branding/logo/remove /admin/branding/restore /admin/users/{id}/api-keys/{key}/revoke"
FORMS = """
all => all.map(form => {
  const texts = [...form.elements].filter(it => /^(text|search|email|url|date|datetime-local|textarea)$/.test(it.type));
  return { method: form.method, names: texts.map(it => it.name).filter(name => name) };
})
"""
LINKS = """
() => [...document.querySelectorAll("main a[href^='/'], nav a[href^='/']")].map(it => it.getAttribute("href"))
"""
SEND = """
(form, text) => {
  for (const it of form.elements) {
    if (it.tagName == "SELECT" && !it.value && it.options.length > 1) it.selectedIndex = 1;
    if (!/^(text|search|email|url|date|datetime-local|textarea|password)$/.test(it.type)) continue;
    if (!/^(textarea|password)$/.test(it.type)) it.type = "text";
    it.value = text;
  }
  HTMLFormElement.prototype.submit.call(form);
}
"""


def send_forms(trap: Trap, path: str) -> None:
    """Fills in every form of a page and sends it; what was typed comes again as text."""
    trap.look(path)
    for at, form in enumerate(trap.page.eval_on_selector_all("main form", FORMS)):
        # An act would be done. What becomes of a reason is in the table.
        if set(form["names"]) <= {"reason"}:
            continue
        # Addresses have an end.
        for text in packed(PAYLOADS, 500) if form["method"] == "get" else [WHOLE]:
            trap.open(path)
            with trap.page.expect_navigation():
                trap.page.locator("main form").nth(at).evaluate(SEND, text)
            trap.holds()
            values = trap.page.eval_on_selector_all("main input, main textarea", "all => all.map(it => [it.name, it.defaultValue])")
            back = {name for name, value in values if text in value}
            assert set(form["names"]) - back - NOT_BACK == set(), f"{path}: {trap.page.url} does not give them back"


def test_every_form_gives_back_what_was_typed_as_text(house: House, trap: Trap) -> None:
    """Goes wherever a link of the account or of the console leads, and sends every form that takes a text."""
    for make in (users, acts, groups, roles, service_accounts, invitations, requests, runs_in_bulk, rules, imports):
        next(make(house))
    waiting, known = ["/account", "/admin"], set[str]()
    while waiting:
        path = waiting.pop()
        if general(path) not in known:
            known.add(general(path))
            send_forms(trap, path)
            trap.open(path)
            waiting += [link for link in trap.page.evaluate(LINKS) if not re.match("/(docs|assets|avatars|.well-known)|.*/report", link)]
    rows = re.findall("^[|] `(/.*?) [|]", DOCUMENT.read_text(), re.M)
    named = {general(page) for row in rows for page in re.findall("`(/[^` ]+)`", f"`{row}")}
    shapes = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(page))) for page in named - set(f"{ELSEWHERE} {OTHERS}".split())]
    unseen = [shape.pattern for shape in shapes if not any(map(shape.fullmatch, known))]
    assert unseen == [], "no link leads to these pages of docs/pages.md"


def test_forms_before_the_sign_in_give_back_what_was_typed_as_text(house: House, browser: Browser) -> None:
    trap = Trap(browser.new_context().new_page(), house.site.public_url)
    invited = next(invitations(house)).ways["link"]
    for path in [*ELSEWHERE.split(), invited, f"/reset-password?token={new_password()}", f"/verify?token={new_password()}"]:
        send_forms(trap, path)
    trap.end()
    trap.page.context.close()


def test_addresses_are_given_back_as_text(house: House, trap: Trap) -> None:
    everywhere = quote(WHOLE, safe="")
    shown = [page for what in SHOWN for page in pages(what)]
    for page in {page.partition("?")[0] for page in [*shown, *PUBLIC.split(), "/{nothing}", "/account/{nothing}", "/admin/{nothing}"]}:
        if page == "{link}":
            continue
        filled = re.sub(r"{\w+}", everywhere, page)
        trap.look(filled if filled != page else f"{page}?{HOSTILE_QUERY}")


def test_answers_of_the_api_are_no_pages(house: House, browser: Browser) -> None:
    """As if somebody could lead a browser to them with a key in it."""
    thing = next(users(house))
    headers = {"Authorization": f"Bearer {house.api.bearer()}"}
    trap = Trap(browser.new_context(extra_http_headers=headers).new_page(), house.site.public_url)
    values = {"id": thing.ways["user"], "role": quote(LINES[0], safe=""), "name": quote(LINES[1], safe="")}
    for operation in operations.declared(house.site.anonymous):
        if operation.method != "GET" or operation.path in ("/metrics",):
            continue
        for query in ("", f"?{HOSTILE_QUERY}"):
            path = operation.target(**values) + query
            try:
                answer = trap.page.goto(f"{trap.base_url}{path}")
            except Error as error:
                assert "Download is starting" in str(error), error
                continue
            if answer is None:
                continue
            kind = answer.headers.get("content-type", "")
            is_no_page = answer.status == 204 or "json" in kind or kind.startswith(("image/", "text/csv", "text/plain"))
            assert is_no_page, f"{path}: {kind}"
            assert answer.headers["x-content-type-options"] == "nosniff"
            trap.holds()
    trap.look(f"/v1/users/{thing.ways['user']}", [quoted(thing.texts["update_user.bio"])])
    trap.page.context.close()


def test_what_is_wrong_with_files_and_lists_is_told_as_text(trap: Trap) -> None:
    """What nobody takes for a user, and columns that nobody knows: they come again, to be mended."""
    page = trap.page
    file = io.StringIO()
    csv.writer(file).writerows([["email", *LINES], ["x", *LINES]])
    trap.open("/admin/imports/new")
    name = f"{LINES[0].replace('/', '_')}.csv"
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": file.getvalue().encode()})
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".mapping label").first).to_be_visible()
    trap.holds(LINES)
    people = io.StringIO()
    csv.writer(people, quoting=csv.QUOTE_ALL).writerows([line] for line in LINES)
    trap.open("/admin/invitations/many")
    page.locator("[name=people]").fill(people.getvalue())
    page.locator("[name=message]").fill(LINES[0])
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main table, main .rows").first).to_be_visible()
    trap.holds(line.replace('"', '""') for line in LINES)
