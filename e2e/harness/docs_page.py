"""The interactive documentation in a real browser, used as a person uses it."""

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

# A refusal by the API is no fault of the page, but browsers note every one.
_REFUSED_BY_API = "Failed to load resource: the server responded with a status of 4"
# A field for a day leaves a text out, and says so.
_NO_DAY = "does not conform to the required format"


@dataclass
class Watch:
    """What went wrong in the page, and where it went."""

    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        is_known = message.text.startswith(_REFUSED_BY_API) or _NO_DAY in message.text
        if message.type in ("error", "warning") and not is_known:
            self.faults.append(f"{message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # What the browser gave up itself: the page was left before its icon came, or before it was there.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} {request.failure}")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def foreign(self, origin: str) -> list[str]:
        """Requests that went elsewhere."""
        return [url for url in self.requests if not url.startswith((f"{origin}/", "data:", "blob:"))]


@dataclass(frozen=True)
class Shown:
    """An answer: as it came, and the status that the page shows."""

    status: int
    status_shown: str
    headers: dict[str, str]
    body: Any


class DocsPage:
    """Swagger UI at `/docs`."""

    def __init__(self, page: Page, base_url: str) -> None:
        self._page = page
        self.watch = Watch()
        self.watch.on(page)
        page.goto(f"{base_url}/docs")
        expect(page.locator(".opblock-tag").first).to_be_visible(timeout=20_000)
        self._paths = page.evaluate("fetch('/openapi.json').then(answer => answer.json())")["paths"]

    def operation(self, method: str, path: str) -> Locator:
        """An operation's block, opened, in the section of its tag."""
        (tag,) = self._paths[path][method.lower()]["tags"]
        section = self._page.locator(f'.opblock-tag[data-tag="{tag}"]')
        if section.get_attribute("data-is-open") == "false":
            section.click()
        summary = self._page.locator(f'.opblock-summary-path[data-path="{path}"]')
        block = self._page.locator(f".opblock.opblock-{method.lower()}").filter(has=summary)
        if block.locator(".opblock-body").count() == 0:
            block.locator(".opblock-summary-control").click()
        block.locator(".opblock-body").wait_for()
        try_it_out = block.locator("button.try-out__btn:not(.cancel)")
        if try_it_out.count():
            try_it_out.click()
        return block

    def authorize(self, token: str) -> None:
        """Puts an access token into the Authorize dialog."""
        self._page.locator(".auth-wrapper > button.authorize").click()
        dialog = self._page.locator(".dialog-ux .modal-ux")
        log_out = dialog.get_by_role("button", name="Remove authorization")
        if log_out.count():
            log_out.click()
        dialog.locator("input").fill(token)
        dialog.locator("button.authorize[type=submit]").click()
        expect(log_out).to_be_visible()
        dialog.locator("button.btn-done").click()
        expect(dialog).to_have_count(0)

    def call(self, method: str, path: str, body: Any = None, parameters: dict[str, str] | None = None) -> Shown:
        """Fills in the form of an operation, presses Execute and reads the answer."""
        block = self.operation(method, path)
        for name, value in (parameters or {}).items():
            block.locator(f'tr[data-param-name="{name}"] input').fill(value)
        if body is not None:
            block.locator("textarea.body-param__text").fill(json.dumps(body))
        with self._page.expect_response(lambda response: response.request.method == method.upper()) as caught:
            block.locator("button.execute").click()
        response = caught.value
        status = block.locator(".live-responses-table tbody .response-col_status").first
        expect(status).to_contain_text(str(response.status))
        text = response.text() if response.status != 204 else ""
        shown = status.inner_text().split()[0]
        # Every block that stays open slows the page down.
        block.locator(".opblock-summary-control").click()
        expect(block.locator(".opblock-body")).to_have_count(0)
        return Shown(response.status, shown, response.headers, json.loads(text) if text else None)
