"""A page that is used with keys alone, as by who has no mouse: nothing is focused but by the keys that everybody has."""

from playwright.sync_api import Locator, Page, expect

# More than any page has to go through.
_PRESSES_MAX = 150


def to(goal: Locator, key: str = "Tab") -> None:
    """Goes on by this key until it is there, and sees where it is; fails if it can't be reached, or something does not let go."""
    page, passed = goal.page, []
    for _ in range(_PRESSES_MAX):
        page.keyboard.press(key)
        if goal.evaluate("it => it === document.activeElement"):
            assert goal.evaluate("it => it.matches(':focus-visible')"), f"nobody sees that {goal} has the focus"
            return
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 120)"))
        # A browser stops within a date at the day, the month, the year and the calendar.
        stuck = 5 if 'type="date"' in passed[-1] else 3
        assert len(passed) < stuck or len(set(passed[-stuck:])) > 1 or "<body" in passed[-1], f"{key} does not leave {passed[-1]}"
    raise AssertionError(f"{key} does not lead to {goal}, but to {list(dict.fromkeys(passed))}")


def skip(page: Page) -> None:
    """From the top of a page, which was just opened, past its navigation."""
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
