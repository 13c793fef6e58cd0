"""Pages in a real browser: how they are walked, and what must hold for each of them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Locator, Page, expect

from .docs_page import Watch

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_ASKED = {
    # Of what is right, nothing is told: to find words for it takes most of the time. Sounds and pictures from elsewhere there are none.
    "resultTypes": ["violations"],
    "preload": False,
}
_LOOK = """
asked => axe.run(asked).then(report => report.violations.map(fault => [fault.id, fault.nodes.map(node => node.html)]))
"""
# What is beside the screen, of a page that is too wide.
_BESIDE = """
() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter(it => {
    const { left, right } = it.getBoundingClientRect();
    return left < 0 || right > innerWidth;
  });
  return ["scrolls", ...wide.filter(it => !wide.some(other => it.contains(other) && it !== other)).map(it => it.outerHTML.slice(0, 200))];
}
"""


class Faces:
    """A browser's page, watched for errors on the way."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.watch = Watch()
        self.watch.on(page)
        # The password, and the code of who has a second factor, of somebody who walks for longer than a proof of who they are lasts.
        self.proof: Callable[[], tuple[str, str | None]] | None = None

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base_url}{path}")
        asks = re.match(f"{re.escape(self.base_url)}/reauthenticate[?]", self.page.url)
        if self.proof and asks and not path.startswith("/reauthenticate"):
            self.prove(*self.proof())
            expect(self.page).not_to_have_url(re.compile("/reauthenticate"))

    def prove(self, password: str, code: str | None) -> None:
        """At the page that asks who one is."""
        self.field("password").fill(password)
        if code:
            self.field("code").fill(code)
        self.press("Confirm")

    def field(self, name: str) -> Locator:
        return self.page.locator(f"main input[name={name}]")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def heading(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)

    def at(self, path: str) -> None:
        expect(self.page).to_have_url(f"{self.base_url}{path}")

    def sign_in(self, identifier: str, password: str, path: str = "/sign-in") -> None:
        """Goes the way of the sign-in, whatever comes of it."""
        self.open(path)
        self.field("identifier").fill(identifier)
        self.press("Continue")
        self.field("password").fill(password)
        self.press("Sign in")

    def cookies(self) -> dict[str, Any]:
        """usher's cookies by what they are for."""
        found = {cookie["name"]: cookie for cookie in self.page.context.cookies()}
        return {name.removeprefix("__Host-"): cookie for name, cookie in found.items()}

    def is_sound(self) -> None:
        """Readable for everybody, nothing beside the screen, nothing refused by the policy."""
        is_sound(self.page, [*WCAG, "best-practice"])

    def end(self) -> None:
        """What went wrong on the way."""
        assert self.watch.faults == []
        assert self.watch.foreign(self.base_url) == []


def is_sound(page: Page, tags: list[str]) -> None:
    """Readable for everybody by the rules with these tags, and nothing beside the screen."""
    page.evaluate(f"{_AXE}\nnull")
    # Where the system chooses the colours, what the page says of them counts for nothing.
    rules = {"color-contrast": {"enabled": not page.evaluate("matchMedia('(forced-colors: active)').matches")}}
    found = page.evaluate(_LOOK, {**_ASKED, "runOnly": {"type": "tag", "values": tags}, "rules": rules})
    assert found == [], f"{page.url}: {found}"
    beside = page.evaluate(_BESIDE)
    assert beside == [], f"{page.url} is too wide: {beside}"


def form_token(text: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="form_token" value="([A-Za-z0-9_-]{64})"', text)
    assert found, text
    return found[1]
