"""A browser that comes for the first time, each time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import BrowserContext, StorageState, sync_playwright

from harness import chromium

from .pages import Page
from .people import Cast

# What the browser notes by itself of a page that it shows, from its first moment on. The protocol puts it in: the page's policy lets in no
# script that is not a file of its own.
_NOTE = """(() => {
    const noted = { first: 0, largest: 0, shift: 0, long: [] };
    const watch = (type, note) => new PerformanceObserver(list => list.getEntries().forEach(note)).observe({ type, buffered: true });
    watch('paint', entry => { if (entry.name === 'first-contentful-paint') noted.first = entry.startTime; });
    watch('largest-contentful-paint', entry => { noted.largest = entry.startTime; });
    watch('layout-shift', entry => { noted.shift += entry.value; });
    watch('longtask', entry => { noted.long.push([entry.startTime, entry.startTime + entry.duration]); });
    globalThis.noted = noted;
})()"""
_NOTED = """() => new Promise(resolve => {
    const [came] = performance.getEntriesByType('navigation');
    setTimeout(() => resolve({ ...noted, server: came.responseStart - came.requestStart }), 300);
})"""
# A press waits for a task that is not over; what is shorter nobody feels.
LONG_TASK = 50


@dataclass(frozen=True)
class Seen:
    # Over the wire, with headers.
    bytes: int
    requests: int
    # Milliseconds until the first byte of the page, until its first text or picture was painted, and until the largest.
    server: float
    first: float
    largest: float
    # Milliseconds in which it was there and did not answer: what each task took above LONG_TASK.
    blocked: float
    # The sum of layout shifts: 0 where nothing moves.
    shift: float


class Visitors:
    def __init__(self, url: str, cast: Cast) -> None:
        self._url = url
        self._cast = cast
        self._cookies: dict[str, StorageState] = {}

    def __enter__(self) -> Self:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=chromium.program(), args=chromium.ARGUMENTS)
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def see(self, page: Page, folder: Path) -> Seen:
        """Opens the page, writes its picture into the folder, and says what it took."""
        with self._context(page) as context:
            shown = context.new_page()
            shown.add_init_script(_NOTE)
            arrived: list[int] = []
            network = context.new_cdp_session(shown)
            network.send("Network.enable")
            network.on("Network.loadingFinished", lambda event: arrived.append(event["encodedDataLength"]))
            shown.goto(f"{self._url}{page.path.format(**self._cast.ways)}", wait_until="networkidle")
            noted = shown.evaluate(_NOTED)
            shown.screenshot(path=folder / f"{page.name}.png")
        first = noted["first"]
        blocked = sum(max(end - max(start, first) - LONG_TASK, 0) for start, end in noted["long"])
        return Seen(int(sum(arrived)), len(arrived), noted["server"], first, noted["largest"], blocked, noted["shift"])

    def _context(self, page: Page) -> BrowserContext:
        screen: dict[str, Any] = {"viewport": {"width": page.width, "height": page.height}, "color_scheme": page.scheme}
        if page.who is None:
            return self._browser.new_context(**screen)
        if page.who not in self._cookies:
            self._cookies[page.who] = self._sign_in(page.who)
        return self._browser.new_context(**screen, storage_state=self._cookies[page.who])

    def _sign_in(self, who: str) -> StorageState:
        person = self._cast.people[who]
        with self._browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{self._url}/sign-in")
            page.locator("input[name=identifier]").fill(person.email)
            page.get_by_role("button", name="Continue", exact=True).click()
            page.locator("input[name=password]").fill(person.password)
            page.get_by_role("button", name="Sign in", exact=True).click()
            page.wait_for_url(f"{self._url}/account")
            return context.storage_state()
