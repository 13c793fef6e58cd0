"""Parts of the console that follow what happens, and a choice of users that goes from page to page: with JavaScript and without."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from harness import connections, database
from harness.canary import DOMAIN, new_address, unique
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher
from harness.trap import LINES
from harness.waiting import until
from test_console import enter, opened

ROWS = 400
# Until a stream has noticed that it may not go on, and the browser with it.
NOTICED_MS = 20_000


@pytest.fixture(scope="module")
def staff(site: Site, mailbox: Mailbox) -> Person:
    """Who uses the console in the tests of this file."""
    return site.person("admin", display_name="Grace Hopper")


@pytest.fixture(scope="module")
def crowd(site: Site) -> tuple[str, list[dict[str, Any]]]:
    """More users than two pages hold, and how all of them are found."""
    mark = unique("herd")
    return mark, [site.create(display_name=f"{mark} {number:02}") for number in range(55)]


def mark(page: Page) -> None:
    """So that one can tell whether the page was opened anew meanwhile."""
    page.evaluate("document.documentElement.dataset.kept = 'yes'")


def is_kept(page: Page) -> bool:
    return page.evaluate("document.documentElement.dataset.kept") == "yes"


def follows(page: Page) -> None:
    expect(page.locator("#live[data-followed]")).to_be_attached(timeout=NOTICED_MS)


def choose_file(page: Page, body: str) -> None:
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": body.encode()}
    page.get_by_label("File", exact=True).set_input_files(file)


def test_an_import_and_a_run_are_followed_to_their_end(faces: Faces, site: Site, staff: Person) -> None:
    page = faces.page
    herd = unique("flock")
    domain = new_address("import").replace("@", "-")
    enter(faces, staff, "/admin/imports/new")
    choose_file(page, "email,display_name\n" + "".join(f"{herd}{at}@{domain},{herd} {at}\n" for at in range(ROWS)))
    faces.press("Upload")
    mark(page)
    expect(page.get_by_role("heading", name="This would come of it")).to_be_visible(timeout=60_000)
    expect(page.locator("tbody tr").first).to_contain_text("To be created")
    # What is typed stays, whatever else moves.
    page.get_by_label("Reason").fill("kept while it moves")
    assert is_kept(page), "nothing was opened anew"
    faces.press(f"Apply {ROWS} rows")
    expect(page.get_by_role("link", name="Imports").first).to_be_visible()
    mark(page)
    # Rows are shown as they are applied, before the end.
    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Done", timeout=60_000)
    expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=120_000)
    expect(page.locator(".tile").filter(has_text="Done")).to_contain_text(str(ROWS))
    expect(page.locator("p[role=status].visually-hidden")).to_have_text("Finished")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    assert is_kept(page), "nothing was opened anew"
    faces.is_sound()

    faces.open(f"/admin/bulk/new?filter=displayName+sw+%22{herd}%22")
    page.get_by_label("What is to be done").select_option(label="Suspend")
    faces.press("Preview")
    faces.press(f"Do it to {ROWS} users")
    mark(page)
    page.locator(".tile a").filter(has_text="Refused").focus()
    page.evaluate("window.scrollTo(0, 120)")
    expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=120_000)
    expect(page.locator(".tile a").filter(has_text="Refused")).to_be_focused()
    assert page.evaluate("window.scrollY") == 120
    expect(page.locator("tbody tr").first).to_contain_text("Done")
    expect(page.get_by_text("This page follows by itself.")).to_be_hidden()
    assert is_kept(page), "nothing was opened anew"
    faces.end()


def test_a_run_is_paused_and_resumed_elsewhere(faces: Faces, site: Site, staff: Person) -> None:
    page = faces.page
    who = site.create()
    preview = site.admin.api.post("/v1/bulk", json={"action": "suspend", "ids": [who["id"]]}, expect=201).json()
    enter(faces, staff, f"/admin/bulk/{preview['id']}")
    follows(page)
    mark(page)
    site.admin.api.post(f"/v1/bulk/{preview['id']}/run", json={"token": preview["token"]}, expect=202)
    expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=NOTICED_MS)
    assert is_kept(page)
    expect(page.get_by_role("link", name="Undo …")).to_be_visible()
    # The list of runs follows too, and so does the dashboard.
    faces.open("/admin/bulk")
    follows(page)
    mark(page)
    again = site.admin.api.post("/v1/bulk", json={"action": "reactivate", "ids": [who["id"]], }, expect=201).json()
    row = page.locator("tbody tr").filter(has=page.locator(f"a[href='/admin/bulk/{again['id']}']"))
    expect(row).to_contain_text("Previewed", timeout=NOTICED_MS)
    site.admin.api.post(f"/v1/bulk/{again['id']}/run", json={"token": again["token"]}, expect=202)
    expect(row).to_contain_text("Finished", timeout=NOTICED_MS)
    assert is_kept(page)
    faces.open("/admin")
    follows(page)
    faces.is_sound()
    faces.end()


def test_the_queues_on_the_dashboard_move_while_they_are_looked_at(
    browser: Browser, new_server: Callable[..., Usher], mailbox: Mailbox
) -> None:
    """There is one mail, which the mail server takes at the second try only."""
    alone = new_server()
    site = Site(alone.public_url, mailbox)
    admin = site.set_up(alone.setup_token())
    faces = opened(browser, site)
    page = faces.page
    enter(faces, admin, "/admin")
    waiting = page.locator("#live .tile").filter(has_text="Mails that wait").locator(".tile-number")
    follows(page)
    expect(waiting).to_have_text("0", timeout=NOTICED_MS)
    mark(page)
    waiting.locator("xpath=..").focus()
    domain = f"{unique('busy')}.{DOMAIN}"
    mailbox.refusals[domain] = "451 4.7.1 later"
    email = site.create(email=f"{unique('ann')}@{domain}")["email"]
    expect(waiting).to_have_text("1", timeout=NOTICED_MS)
    refused = "last_error is not null and claimed_until is null"
    until("it waits for its second try", lambda: database.sql(alone.data_dir, f"select id from jobs where {refused}"))
    del mailbox.refusals[domain]
    # Which comes now, and not in a while.
    database.sql(alone.data_dir, f"update jobs set run_at = now() where {refused}")
    mailbox.wait_for(email)
    expect(waiting).to_have_text("0", timeout=NOTICED_MS)
    expect(waiting.locator("xpath=..")).to_be_focused()
    assert is_kept(page), "nothing was opened anew"
    faces.end()
    page.context.close()


def test_a_page_that_nobody_sees_holds_no_stream(faces: Faces, staff: Person) -> None:
    enter(faces, staff, "/admin/bulk")
    follows(faces.page)
    for hidden in ("true", "false"):
        faces.page.evaluate(
            f"Object.defineProperty(document, 'hidden', {{ configurable: true, value: {hidden} }}); "
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        if hidden == "true":
            expect(faces.page.locator("#live[data-followed]")).to_have_count(0)
    follows(faces.page)
    faces.end()


def test_who_is_signed_out_elsewhere_is_led_to_the_sign_in(faces: Faces, site: Site) -> None:
    someone = site.person("admin")
    enter(faces, someone, "/admin/imports")
    follows(faces.page)
    site.admin.api.post(f"/v1/users/{someone.id}/sign-out-everywhere", expect=(200, 202, 204))
    expect(faces.page).to_have_url(re.compile(r"/sign-in\?return_to="), timeout=NOTICED_MS)


def test_who_may_not_see_it_any_more_is_told_so(faces: Faces, site: Site) -> None:
    someone = site.person("admin")
    enter(faces, someone, "/admin/imports")
    follows(faces.page)
    site.grant(someone)
    expect(faces.page.get_by_text("you hold no permission that opens a part of it")).to_be_visible(timeout=NOTICED_MS)


class Line:
    """A stream that is read as it comes."""

    def __init__(self, faces: Faces, follow: str) -> None:
        cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in faces.page.context.cookies())
        self._client = httpx.Client(base_url=faces.base_url, trust_env=False, timeout=40, transport=connections.to(faces.base_url))
        headers = {"Cookie": cookies, "Accept": "text/event-stream", "Accept-Encoding": "gzip, br", "Sec-Fetch-Mode": "cors"}
        request = self._client.build_request("GET", f"/admin/events?follow={follow}", headers=headers)
        self.answer = self._client.send(request, stream=True)
        self.lines: list[str] = []
        self.ended_at: float | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            for line in self.answer.iter_lines():
                self.lines.append(line)
        except (httpx.HTTPError, httpx.StreamError):
            self.lines.append("broken")
        self.ended_at = time.monotonic()

    def close(self) -> None:
        # Its connections are those of others too.
        self.answer.close()


@contextmanager
def line(faces: Faces, follow: str) -> Iterator[Line]:
    made = Line(faces, follow)
    try:
        yield made
    finally:
        made.close()


def test_events_come_at_once_through_the_proxy_with_signs_of_life(faces: Faces, site: Site, staff: Person) -> None:
    enter(faces, staff, "/admin/bulk")
    with line(faces, "bulk") as found:
        assert found.answer.status_code == 200
        headers = found.answer.headers
        assert headers["content-type"] == "text/event-stream"
        assert headers["cache-control"] == "no-store"
        assert "content-encoding" not in headers
        until("the first event", lambda: any(text.startswith("data: ") for text in found.lines), seconds=10)
        known = next(text.removeprefix("id: ") for text in found.lines if text.startswith("id: "))
        until("a sign of life", lambda: any(text.startswith(":") for text in found.lines), seconds=25)
        assert found.ended_at is None
    assert known


def test_a_process_that_is_to_stop_does_not_wait_for_streams(
    new_server: Callable[..., Usher], mailbox: Mailbox, browser: Browser
) -> None:
    alone = new_server()
    site = Site(alone.public_url, mailbox)
    site.set_up(alone.setup_token())
    faces = opened(browser, site)
    enter(faces, site.admin, "/admin")
    follows(faces.page)
    with line(faces, "queues") as found:
        until("the first event", lambda: any(text.startswith("data: ") for text in found.lines), seconds=15)
        began = time.monotonic()
        assert alone.stop() == 0
        took = time.monotonic() - began
        until("the stream has ended", lambda: found.ended_at is not None)
        assert "broken" not in found.lines, found.lines
    assert took < 8, f"it took {took:.1f} s to stop"
    faces.page.context.close()


def tick(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_label(f"Choose {name}", exact=True).check()


@pytest.mark.parametrize("scripted", [True, False])
def test_a_choice_over_three_pages_and_another_search_is_acted_on(
    browser: Browser, site: Site, staff: Person, crowd: tuple[str, list[dict[str, Any]]], scripted: bool
) -> None:
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    herd, people = crowd
    other = site.create(display_name=unique("other"))
    enter(faces, staff, f"/admin/users?q={herd}&sort=username")
    shown = page.locator("tbody tr")
    expect(shown).to_have_count(25)
    chosen: list[str] = []

    def tick_two() -> None:
        for box in page.locator("tbody input[type=checkbox]").all()[:2]:
            box.check()
            chosen.append(box.get_attribute("value") or "")

    def onward() -> None:
        # Links before anything is carried, buttons then.
        page.locator("main").get_by_text("Next", exact=True).click()

    tick_two()
    add = page.get_by_role("button", name="Add to the choice")
    if scripted:
        expect(add).to_be_hidden()
        expect(page.get_by_role("status")).to_have_text("2 chosen")
    else:
        add.click()
        expect(page.get_by_role("status")).to_have_text("2 chosen")
        expect(page.locator("tbody input:checked")).to_have_count(2)
    onward()
    tick_two()
    onward()
    expect(shown).to_have_count(5)
    tick_two()
    if not scripted:
        add.click()
    expect(page.get_by_role("status")).to_have_text("6 chosen")
    # Another search, and another order.
    page.get_by_label("Search", exact=False).last.fill(other["display_name"])
    page.get_by_label("Order").select_option(label="Oldest first")
    faces.press("Show")
    expect(shown).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("6 chosen")
    tick(page, other["display_name"])
    chosen.append(other["id"])
    if not scripted:
        add.click()
    expect(page.get_by_role("status")).to_have_text("7 chosen")
    # One is left out again, by name.
    page.locator("summary", has_text="Show who is chosen").click()
    gone = next(person for person in people if person["id"] == chosen[0])
    page.get_by_role("button", name=f"Leave {gone['display_name']} out").click()
    chosen.pop(0)
    expect(page.get_by_role("status")).to_have_text("6 chosen")
    if scripted:
        faces.is_sound()
    faces.press("Act on the chosen …")
    expect(page.get_by_text("6 users are chosen.")).to_be_visible()
    page.get_by_label("What is to be done").select_option(label="Suspend")
    faces.press("Preview")
    rows = page.locator("tbody th a")
    expect(rows).to_have_count(6)
    assert {row.get_attribute("href") for row in rows.all()} == {f"/admin/users/{one}" for one in chosen}
    expect(page.get_by_role("button", name="Do it to 6 users")).to_be_visible()
    faces.end()
    page.context.close()


def test_nobody_is_chosen_after_the_choice_is_cleared(faces: Faces, staff: Person, crowd: tuple[str, Any]) -> None:
    herd, _ = crowd
    enter(faces, staff, f"/admin/users?q={herd}")
    page = faces.page
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("status")).to_have_text("1 chosen")
    page.locator("main").get_by_text("Next", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("1 chosen")
    page.get_by_label("Choose everybody on this page").check()
    expect(page.get_by_role("status")).to_have_text("26 chosen")
    page.locator("main").get_by_text("First page", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("26 chosen")
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.locator("tbody input:checked")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("0 chosen")
    faces.end()


def test_hostile_names_run_nowhere(faces: Faces, site: Site, staff: Person) -> None:
    page = faces.page
    page.add_init_script("window.alert = () => { document.documentElement.dataset.hit = 'yes' }")
    name = unique("xss")
    for line in LINES:
        site.create(display_name=line, given_name=name)
    enter(faces, staff, f"/admin/users?filter=givenName+eq+%22{name}%22")
    page.get_by_label("Choose everybody on this page").check()
    faces.press("Show")
    page.locator("summary", has_text="Show who is chosen").click()
    expect(page.get_by_role("button", name="Leave ")).to_have_count(len(LINES))
    assert page.evaluate("document.documentElement.dataset.hit") is None
    assert page.evaluate("document.querySelectorAll('script:not([src^=\"/assets/\"]), main img:not(.face), iframe').length") == 0
    faces.end()
