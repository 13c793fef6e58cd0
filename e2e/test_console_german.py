"""The console in German: its frame, and what it says of users, runs, changes and the audit trail."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from harness.faces import Faces
from harness.looks import LOOKS
from harness.people import Person, Site

# Words that no German sentence has.
ENGLISH = re.compile(
    r"\b(the|and|of|is|are|with|who|what|they|them|their|nobody|nothing|[Ss]ave|[Cc]ancel|[Rr]eason|[Rr]emove|[Ss]how|[Oo]lder|[Nn]ext"
    r"|[Ee]dit|[Dd]elete|[Rr]estore|[Pp]urge|[Uu]ndo|[Tt]ake|[Gg]rant|Users?|users|[Rr]oles?|[Ss]essions?|[Cc]hanges?|[Yy]es|[Dd]one|[Rr]efused"
    r"|[Ss]igned|[Cc]reated|[Nn]ever|[Nn]one|[Uu]nknown|optional)\b"
)
# A user name that usher has made up, of letters alone.
MADE_UP = re.compile(r"[a-z]+-[a-z]+-[a-z]{6}")
# What people and programs have written stays as it is.
WRITTEN = "code, input, .said, .diff dd, .events a, th .hint, .row-main strong, .box, #role, [name^=attribute] option, #filter-hint"


def is_german(faces: Faces) -> None:
    """Every word of the page that is usher's own."""
    page = faces.page
    assert page.locator("html").get_attribute("lang") == "de", page.url
    said = page.locator("body").evaluate(
        """(body, written) => {
            const copy = body.cloneNode(true);
            for (const it of copy.querySelectorAll(`${written}, footer, .bar-brand, .bar-person`)) it.remove();
            const labels = [...copy.querySelectorAll("[aria-label], [placeholder], [data-label]")];
            const names = ["aria-label", "placeholder", "data-label"];
            return [copy.textContent, ...labels.flatMap((it) => names.map((name) => it.getAttribute(name) ?? ""))].join("\\n");
        }""",
        WRITTEN,
    )
    assert not (found := ENGLISH.findall(said)), f"{page.url}: {found}"
    keys = [key for key in re.findall(r"\b[a-z]+(?:-[a-z]+){2,}\b", said) if not MADE_UP.fullmatch(key)]
    assert keys == [], page.url


@pytest.fixture(scope="module")
def told(site: Site) -> tuple[Person, str, str, str]:
    """Who uses the console; somebody with a past; somebody in the recycle bin; and a change."""
    staff, other = site.person("admin", display_name="Grete Hermann"), site.person(display_name="Emmy Noether")
    gone = site.create(display_name="Hypatia")["id"]
    api = staff.api
    site.login(other.email, "nicht das richtige Passwort", expect=401)
    api.delete(f"/v1/users/{gone}", expect=204)
    api.patch(f"/v1/users/{other.id}", json={"bio": "Algebra", "locale": "de"}, headers={"x-reason": "Bitte per Mail"}, expect=200)
    change = api.get(f"/v1/changes?actor_id={staff.id}&limit=1", expect=200).json()["items"][0]["id"]
    return staff, other.id, gone, change


def opened(browser: Browser, site: Site, staff: Person, **options: Any) -> Faces:
    faces = Faces(browser.new_context(**options).new_page(), site.public_url)
    faces.sign_in(staff.email, staff.password, "/sign-in?return_to=/admin")
    faces.press("Deutsch")
    return faces


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_german_pages_of_the_console_are_sound(
    browser: Browser, site: Site, told: tuple[Person, str, str, str], width: int, scheme: Any
) -> None:
    """Words are longer there."""
    staff, other, _, change = told
    faces = opened(browser, site, staff, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in ["", "/analytics", "/users", f"/users/{other}", f"/bulk/new?user={other}", f"/audit/{change}", "/recycle-bin"]:
        faces.open(f"/admin{path}")
        faces.is_sound()
    faces.end()
    faces.page.context.close()


def test_the_console_speaks_german(browser: Browser, site: Site, told: tuple[Person, str, str, str]) -> None:
    staff, other, gone, change = told
    faces = opened(browser, site, staff)
    page = faces.page
    user = f"/admin/users/{other}"
    names = "unlock mail-reset give-professional take-professional remove-picture sign-out reset-factors suspend reactivate delete"
    acts = [f"{user}/act/{act}" for act in names.split()]
    for path in [
        "/admin",
        "/admin?by=month",
        "/admin/analytics",
        "/admin/analytics?from=x",
        "/admin/users?q=Emmy&columns=email&columns=status&columns=created_at&columns=updated_at&columns=id",
        "/admin/users?filter=userName+sw",
        "/admin/users?q=niemand-heißt-so",
        user,
        f"/admin/users/{staff.id}",
        f"/admin/users/{gone}",
        "/admin/users/new",
        f"{user}/edit",
        f"{user}/picture",
        f"{user}/emails/add",
        *acts,
        f"/admin/users/{gone}/act/restore",
        f"{user}/roles/grant",
        f"{user}/roles/user/take",
        "/admin/bulk",
        f"/admin/bulk/new?filter=id+eq+%22{other}%22",
        f"/admin/changes?actor={staff.id}",
        "/admin/changes?actor=x",
        f"/admin/changes/{change}",
        f"/admin/changes/{change}/undo",
        f"/admin/audit?target={other}",
        "/admin/audit?from=x",
        f"/admin/audit/{change}",
        "/admin/audit/seal",
        "/admin/recycle-bin",
    ]:
        faces.open(path)
        is_german(faces)
    faces.open(f"{user}/edit")
    page.locator("main #locale").fill("so etwas gibt es nicht")
    faces.press("Speichern")
    expect(page.locator("#locale-error")).to_contain_text("Fehler:")
    is_german(faces)
    faces.open(f"/admin/bulk/new?user={other}&user={staff.id}")
    is_german(faces)
    page.locator("main #action").select_option("reactivate")
    faces.press("Vorschau")
    faces.heading("Reaktivieren")
    is_german(faces)
    faces.is_sound()
    faces.end()
    page.context.close()


def test_a_run_in_german_tells_how_far_it_is(browser: Browser, site: Site, told: tuple[Person, str, str, str]) -> None:
    staff, other, _, _ = told
    faces = opened(browser, site, staff)
    page = faces.page
    faces.open(f"/admin/bulk/new?user={other}&action=sign_out")
    faces.press("Vorschau")
    faces.press("Für 1 Benutzer ausführen")
    faces.heading("Überall abmelden")
    expect(page.get_by_role("heading", name="Fertig")).to_be_visible(timeout=30_000)
    is_german(faces)
    faces.is_sound()
    page.get_by_role("link", name="1 Erledigt").click()
    expect(page.get_by_role("heading", name="Benutzer: erledigt")).to_be_visible()
    is_german(faces)
    page.get_by_role("link", name="Rückgängig …").click()
    is_german(faces)
    faces.open("/admin/bulk")
    is_german(faces)
    faces.end()
    page.context.close()
