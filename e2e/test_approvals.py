"""Professional status: asked for on a page, decided by somebody else, told by mail."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Usher

PAGE = "/account/professional"


@pytest.fixture
def own_site(new_server: Callable[..., Usher], mailbox: Mailbox) -> Site:
    usher = new_server(USHER_PROFESSIONAL_REQUIRES="display_name,bio")
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    return site


@pytest.fixture
def faces(page: Page, own_site: Site) -> Iterator[Faces]:
    faces = Faces(page, own_site.public_url)
    yield faces
    faces.end()


def look(faces: Faces) -> None:
    """At both widths and in both colours."""
    for width in (390, 1440):
        faces.page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            faces.page.emulate_media(color_scheme=scheme)
            faces.is_sound()


def test_a_person_asks_is_declined_asks_again_and_is_approved(faces: Faces, own_site: Site, mailbox: Mailbox) -> None:
    someone, admin = own_site.person(), own_site.admin.api
    someone.api.patch("/v1/me", json={"display_name": "Ann", "bio": None}, expect=200)
    faces.sign_in(someone.email, someone.password)
    faces.at("/account")
    faces.open(PAGE)
    look(faces)
    expect(faces.page.get_by_role("main")).to_contain_text("some lines about you")
    someone.api.patch("/v1/me", json={"bio": "A translator."}, expect=200)
    faces.open(PAGE)
    look(faces)
    faces.page.locator("textarea[name=message]").fill("Ten years <b>of it</b>")
    faces.press("Ask for professional status")
    faces.at(PAGE)
    look(faces)
    expect(faces.page.get_by_role("main")).to_contain_text("Ten years <b>of it</b>")
    seen = len(mailbox.to(someone.email))
    waiting = admin.get("/v1/approval-requests?state=waiting", expect=200).json()["items"]
    assert [request["user"]["id"] for request in waiting] == [someone.id]
    admin.post(f"/v1/approval-requests/{waiting[0]['id']}/decline", json={"reason": "Name your employer."}, expect=200)
    declined = mailbox.wait_for(someone.email, after=seen)
    assert "> Name your employer." in declined.text
    faces.open(PAGE)
    look(faces)
    expect(faces.page.get_by_role("main")).to_contain_text("Name your employer.")
    faces.press("Ask for professional status")
    faces.at(PAGE)
    waiting = admin.get("/v1/approval-requests?state=waiting", expect=200).json()["items"]
    admin.post(f"/v1/approval-requests/{waiting[0]['id']}/approve", json={}, expect=200)
    faces.open(PAGE)
    look(faces)
    expect(faces.page.get_by_role("main")).to_contain_text("You have professional status since")
    faces.open("/account")
    expect(faces.page.get_by_role("main")).to_contain_text("Professional status")
