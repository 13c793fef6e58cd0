"""The audit trail in the console: found by filter, one event, its seal; with JavaScript and without."""

import datetime
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from harness import database
from harness.canary import new_address
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Usher
from harness.waiting import until


@pytest.mark.parametrize("scripted", [True, False])
def test_an_event_is_found_by_filter_and_opened(browser: Browser, site: Site, scripted: bool) -> None:
    auditor = site.person("admin")
    someone = site.create(display_name=new_address("audited").split("@")[0])
    why = f"seen {new_address('why')}"
    site.admin.api.post(f"/v1/users/{someone['id']}/suspend", headers={"X-Reason": why}, json={}, expect=200)
    faces = Faces(browser.new_context(java_script_enabled=scripted).new_page(), site.public_url)
    page = faces.page
    faces.sign_in(auditor.email, auditor.password, "/sign-in?return_to=/admin/audit")
    faces.heading("Audit trail")

    today = datetime.datetime.now(datetime.UTC).date()
    faces.field("target").fill(someone["id"])
    faces.field("action").fill("user.suspended")
    faces.field("from").fill((today - datetime.timedelta(days=1)).isoformat())
    faces.field("to").fill((today + datetime.timedelta(days=1)).isoformat())
    faces.press("Show")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text(why)
    page.get_by_role("link", name="User suspended").click()
    faces.heading("User suspended")
    expect(page.locator("main")).to_contain_text(why)
    expect(page.locator("main del").first).to_be_visible()
    for _ in range(50):
        if page.get_by_text("counted from 0").count():
            break
        page.wait_for_timeout(200)
        page.reload()
    expect(page.get_by_text("counted from 0")).to_be_visible()

    page.get_by_role("link", name="All of the same").click()
    expect(faces.field("target")).to_have_value(someone["id"])
    expect(page.locator("tbody")).to_contain_text("User created")
    page.get_by_role("link", name="Its seal").click()
    faces.heading("The seal")
    expect(page.locator("code.checkpoint")).to_contain_text("— ")
    faces.end()
    page.context.close()


def test_days_that_do_not_fit_are_said_at_their_field(faces: Faces, site: Site) -> None:
    auditor = site.person("admin")
    faces.sign_in(auditor.email, auditor.password, "/sign-in?return_to=/admin/audit")
    faces.open("/admin/audit?from=2026-02-02&to=2026-02-01")
    expect(faces.page.locator("#to[aria-invalid=true]")).to_be_visible()
    expect(faces.page.locator("#to-error")).to_contain_text("The last day comes before the first.")
    faces.is_sound()


@pytest.mark.parametrize("scripted", [True, False])
def test_r261_the_seal_is_verified_and_a_changed_event_is_named(
    browser: Browser, new_server: Callable[..., Usher], mailbox: Mailbox, scripted: bool
) -> None:
    usher = new_server()
    site = Site(usher.public_url, mailbox)
    admin = site.set_up(usher.setup_token())
    someone = site.create()["id"]
    admin.api.post(f"/v1/users/{someone}/suspend", expect=200)
    faces = Faces(browser.new_context(java_script_enabled=scripted).new_page(), site.public_url)
    page, found = faces.page, faces.page.locator("#found")
    faces.sign_in(admin.email, admin.password, "/sign-in?return_to=/admin/audit/seal")
    faces.heading("The seal")

    def sql(statement: str) -> str:
        """Whoever owns the database can switch its triggers off."""
        (row,) = database.sql(usher.data_dir, f"set session_replication_role = replica; {statement}")
        return row

    until("all is sealed", lambda: sql("select count(*) from audit_unsealed") == "0")
    faces.press("Verify the newest events")
    expect(found).to_contain_text("This part is good.")
    size = int(sql("select max(tree_size) from audit_checkpoints"))
    assert size > 3
    expect(found).to_contain_text(f"Events 0 to {size - 1} of {size}, counted from 0, are as they were sealed, under")
    expect(found).to_contain_text("Whether the end was cut off")
    expect(page.get_by_role("button", name="Verify those before")).to_have_count(0)

    event = admin.api.get(f"/v1/audit-events?action=user.suspended&target_id={someone}", expect=200).json()["items"][0]["id"]
    sql(f"update audit_events set action = 'user.reactivated' where id = '{event}' returning id")
    faces.open("/admin/audit/seal")
    faces.press("Verify the newest events")
    expect(found).to_contain_text("Something is not as it was sealed.")
    expect(found).not_to_contain_text("This part is good.")
    expect(found).to_contain_text(f"event {event} is not as it was sealed")
    found.get_by_role("link", name="The event as it is there now").click()
    faces.at(f"/admin/audit/{event}")
    faces.heading("User reactivated")
    faces.end()
    page.context.close()
