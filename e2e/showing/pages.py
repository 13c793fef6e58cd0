"""Which pages are shown, to whom, and on which screen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    name: str
    # What stands in braces is made by `people.py`.
    path: str
    # Of the cast; nobody who is signed in when left out.
    who: str | None = None
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    # Over the wire, at the first visit, with style, script and icon.
    bytes_max: int = 60_000


PHONE = {"width": 390, "height": 844}
# Lists and charts.
CONSOLE = {"who": "grace", "bytes_max": 110_000}

PAGES = [
    Page("sign-in", "/sign-in"),
    Page("sign-in-phone", "/sign-in", **PHONE, scheme="dark"),
    Page("register", "/register"),
    Page("account", "/account", who="ada"),
    Page("activity", "/account/activity", who="ada", scheme="dark"),
    # Passkeys are at its end.
    Page("second-factors", "/account/second-factors", who="ada", width=390, height=920),
    Page("dashboard", "/admin", **CONSOLE),
    Page("users", "/admin/users?filter=attributes.department%20eq%20%22Sales%22", **CONSOLE),
    Page("users-phone", "/admin/users", **CONSOLE, **PHONE),
    Page("user", "/admin/users/{ada}", **CONSOLE),
    Page("bulk", "/admin/bulk/{bulk}", **CONSOLE),
    # What would come of each row is at its end.
    Page("import", "/admin/imports/{import}", **CONSOLE, height=1400),
    Page("changes", "/admin/changes", **CONSOLE, scheme="dark"),
    Page("audit", "/admin/audit", **CONSOLE),
    Page("group", "/admin/groups/{group}", **CONSOLE),
    Page("invitations", "/admin/invitations", **CONSOLE),
]
