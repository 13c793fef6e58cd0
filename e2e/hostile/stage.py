"""A server whose first administrator has a hostile name, and that administrator's browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from harness.canary import new_address, new_password
from harness.mailbox import Mailbox
from harness.people import Site
from harness.trap import LINES, Trap

from .makers import FORWARD_TO, PROPERTIES, House


@pytest.fixture(scope="module")
def house(stage: Any, mailbox: Mailbox) -> Iterator[House]:
    usher = stage.usher(
        USHER_TRUSTED_PROXIES="127.0.0.0/8",
        USHER_INVITATION_FORWARD_TO=FORWARD_TO,
        USHER_INVITATIONS_PER_DAY="1000",
        USHER_PROFESSIONAL_REQUIRES="display_name,bio",
        USHER_PASSWORD_BLOCKED_WORDS=",".join(line for line in LINES if "," not in line),
    )
    # Passkeys belong to a name.
    usher.settings["USHER_PUBLIC_URL"] = f"http://localhost:{usher.port}"
    try:
        usher.start()
        site = Site(usher.public_url, mailbox)
        email, password = new_address(), new_password()
        body = {"token": usher.setup_token(), "email": email, "password": password, "display_name": LINES[0]}
        site.anonymous.post("/v1/setup", json=body, expect=201)
        site.adopt_admin(email, password)
        site.admin.api.put("/v1/attribute-schema", json={"type": "object", "properties": PROPERTIES}, expect=200)
        yield House(usher, site, mailbox)
        usher.stop()
    finally:
        usher.remove()


@pytest.fixture
def trap(browser: Browser, house: House) -> Iterator[Trap]:
    """The administrator's browser."""
    trap = Trap(browser.new_context().new_page(), house.site.public_url)
    trap.sign_in(house.admin.email, house.admin.password)
    trap.at("/account")
    trap.proof = lambda: (house.admin.password, None)
    yield trap
    trap.end()
    trap.page.context.close()
