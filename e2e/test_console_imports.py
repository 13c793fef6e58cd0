"""Files of users in and out by the console: with JavaScript and without."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.canary import new_address
from harness.faces import Faces
from harness.people import Person, Site

ROWS = 200


@pytest.fixture(scope="module")
def staff(site: Site) -> Person:
    """Who imports and exports in the tests of this file."""
    return site.person("admin", display_name="Grace Hopper")


def opened(browser: Browser, site: Site, **options: Any) -> Faces:
    return Faces(browser.new_context(**options).new_page(), site.public_url)


def enter(faces: Faces, staff: Person, path: str) -> None:
    faces.sign_in(staff.email, staff.password, f"/sign-in?return_to={path}")
    faces.at(path)


def choose(page: Page, name: str, body: bytes) -> None:
    page.get_by_label("File", exact=True).set_input_files({"name": name, "mimeType": "text/csv", "buffer": body})


def wait_for(page: Page, heading: str, scripted: bool = True) -> None:
    """Until the page says so: by itself, or by its link to look again."""
    found = page.get_by_role("heading", name=heading)
    for _ in range(0 if scripted else 100):
        if found.count():
            break
        page.wait_for_timeout(200)
        page.get_by_role("link", name="Look again").click()
    expect(found).to_be_visible(timeout=30_000)


def tile(page: Page, name: str) -> Any:
    return page.locator(".tile a").filter(has_text=name)


@pytest.mark.parametrize("scripted", [True, False])
def test_a_file_with_bad_rows_is_judged_applied_and_undone(
    browser: Browser, site: Site, staff: Person, tmp_path: Path, scripted: bool
) -> None:
    faces = opened(browser, site, java_script_enabled=scripted, accept_downloads=True)
    page = faces.page
    domain = new_address("import").replace("@", "-")
    there = site.create(display_name="Old Name")
    rows = [f"p{at}@{domain},Person {at}" for at in range(ROWS)]
    bad = ROWS * 3 // 100
    for at in range(bad):
        rows[at * 30 + 7] = f"not an address {at},Nobody"
    body = "\n".join(["email,display_name", *rows, f"{there['email']},New Name"]) + "\n"
    enter(faces, staff, "/admin/imports")
    page.get_by_role("link", name="Import a file …").click()
    page.get_by_label("Rows whose user is there already").select_option(label="Change the user")
    page.get_by_label("Reason").fill("the new site")
    choose(page, "people.csv.gz", gzip.compress(body.encode()))
    faces.press("Upload")
    wait_for(page, "This would come of it", scripted)
    expect(tile(page, "To be created")).to_contain_text(str(ROWS - bad))
    expect(tile(page, "To be changed")).to_contain_text("1")
    tile(page, "Invalid").click()
    expect(page.locator("tbody tr")).to_have_count(bad)
    expect(page.locator("tbody tr").first).to_contain_text("Line 9")
    if scripted:
        faces.is_sound()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the report").click()
    report = list(csv.DictReader(Path(downloading.value.path()).open()))
    assert [(row["class"], row["field"]) for row in report] == [("invalid", "email")] * bad
    tile(page, "To be changed").click()
    expect(page.locator("tbody del")).to_have_text("from Old Name")
    expect(page.locator("tbody ins")).to_have_text("to New Name")
    page.get_by_role("link", name="show all").click()
    expect(page.locator("tbody tr")).to_have_count(25)
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("tbody tr").first).to_contain_text("Line 27")
    assert site.read(there["id"])["display_name"] == "Old Name", "nothing is done yet"

    faces.press(f"Apply {ROWS - bad + 1} rows")
    wait_for(page, "Finished", scripted)
    if scripted:
        faces.is_sound()
    expect(tile(page, "Done")).to_contain_text(str(ROWS - bad + 1))
    assert site.read(there["id"])["display_name"] == "New Name"
    page.get_by_role("link", name="Undo …").click()
    faces.press("Undo it")
    for _ in range(100):
        if site.read(there["id"])["display_name"] == "Old Name":
            break
        page.wait_for_timeout(200)
    assert site.read(there["id"])["display_name"] == "Old Name"
    faces.end()
    page.context.close()


@pytest.mark.parametrize("scripted", [True, False])
def test_columns_are_mapped_by_hand(browser: Browser, site: Site, staff: Person, scripted: bool) -> None:
    faces = opened(browser, site, java_script_enabled=scripted)
    page = faces.page
    email = new_address("mapped")
    body = f"Anschrift;Vorname;Schuhgröße\n{email};Ännchen;42\n".encode()
    enter(faces, staff, "/admin/imports/new")
    choose(page, "leute.csv", body)
    faces.press("Upload")
    expect(page.locator("#delimiter-error")).to_contain_text("Is there another sign between its cells?")
    page.locator("#delimiter").fill(";")
    choose(page, "leute.csv", body)
    faces.press("Upload")
    expect(page.locator("select[aria-invalid=true]")).to_have_count(3)
    if scripted:
        faces.is_sound()
    page.get_by_label("Anschrift").select_option(label="Email")
    page.get_by_label("Vorname").select_option(label="Given name")
    page.get_by_label("Schuhgröße").select_option(label="Leave it out")
    choose(page, "leute.csv", body)
    faces.press("Upload")
    wait_for(page, "This would come of it", scripted)
    expect(tile(page, "To be created")).to_contain_text("1")

    page.get_by_role("link", name="Map columns otherwise …").click()
    expect(page.locator("#map")).to_have_value("Anschrift = email\nSchuhgröße = -\nVorname = given_name")
    expect(page.locator("#delimiter")).to_have_value(";")
    choose(page, "leute.csv", body)
    faces.press("Upload")
    page.get_by_label("Vorname").select_option(label="Family name")
    choose(page, "leute.csv", body)
    faces.press("Upload")
    wait_for(page, "This would come of it", scripted)
    faces.press("Apply 1 row")
    wait_for(page, "Finished", scripted)
    found = site.admin.api.get("/v1/users", params={"filter": f'emails eq "{email}"'}, expect=200).json()["items"]
    assert [(user["given_name"], user["family_name"]) for user in found] == [(None, "Ännchen")]
    faces.end()
    page.context.close()


@pytest.mark.parametrize("scripted", [True, False])
def test_an_export_is_downloaded_and_read_back(browser: Browser, site: Site, staff: Person, scripted: bool) -> None:
    faces = opened(browser, site, java_script_enabled=scripted, accept_downloads=True)
    page = faces.page
    someone = site.create(display_name="Zoë, the \"quoted\"")
    enter(faces, staff, "/admin/export")
    faces.field("filter").fill("emails eq")
    faces.press("Download")
    expect(page.locator("#filter-error")).to_be_visible()
    expect(page.locator(".at-fault mark")).to_be_visible()
    if scripted:
        faces.is_sound()
    faces.field("filter").fill(f'emails eq "{someone["email"]}"')
    page.get_by_label("Reason").fill("for the board")

    def download(kind: str) -> bytes:
        page.get_by_label("Format").select_option(kind)
        with page.expect_download() as downloading:
            faces.press("Download")
        assert downloading.value.suggested_filename == f"users.{kind}"
        return Path(downloading.value.path()).read_bytes()

    rows = list(csv.DictReader(io.StringIO(download("csv").decode())))
    assert [(row["id"], row["display_name"]) for row in rows] == [(someone["id"], someone["display_name"])]
    assert json.loads(download("ndjson"))["email"] == someone["email"]
    assert download("parquet").startswith(b"PAR1")
    noted = site.admin.api.get("/v1/audit-events?action=users.exported&limit=1", expect=200).json()["items"][0]
    assert noted["reason"] == "for the board"
    page.get_by_label("With the hashes of passwords").check()
    faces.field("filter").fill(f'emails eq "{staff.email}"')
    assert json.loads(download("ndjson"))["password_hash"].startswith("$argon2id$")
    faces.end()
    page.context.close()
