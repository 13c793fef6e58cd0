"""Values that must never reach a log (R-262): every password, token and address that this run uses.

Passwords and addresses carry marks of the run, so one search finds them all, also those that a test made by hand.
Tokens are the server's own, so they are noted as they go by.
"""

import re
import secrets
import threading
from typing import Any

_RUN = secrets.token_hex(4)
PASSWORD_MARK = f"qz{_RUN}"
DOMAIN = f"mail-{_RUN}.example.org"

# Shorter values are not secrets that a server made or took.
_LENGTH_MIN = 20
_TOKEN_MEMBERS = ("token", "access_token", "refresh_token", "device_token")
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")
_WORDS = ("anchor", "canyon", "dahlia", "fjord", "kettle", "lantern", "meadow", "nectar", "raven", "velvet")

_noted: set[str] = set()
_lock = threading.Lock()


def unique(prefix: str) -> str:
    """A name that no other test uses; fit for a username, a role or a key."""
    return f"{prefix}-{secrets.token_hex(5)}"


def new_address(prefix: str = "ann") -> str:
    """An address that no other test uses, recognisable in a log."""
    return f"{unique(prefix)}@{DOMAIN}"


def new_password() -> str:
    """A good password that no other test uses, recognisable in a log."""
    words = "-".join(secrets.choice(_WORDS) for _ in range(3))
    return f"{words}-{PASSWORD_MARK}-{secrets.token_hex(3)}"


def note(token: str) -> None:
    """Remembers a token."""
    if len(token) >= _LENGTH_MIN:
        with _lock:
            _noted.add(token)


def note_members(body: Any) -> None:
    """Remembers the tokens of a request's or an answer's body."""
    if isinstance(body, dict):
        for name in _TOKEN_MEMBERS:
            if isinstance(body.get(name), str):
                note(body[name])


def leaks(log: str) -> list[str]:
    """The lines of a log that hold a secret, each with the kind of it."""
    with _lock:
        present = [token for token in _noted if token in log]
    marks = {PASSWORD_MARK: "a password", DOMAIN: "an address"} | dict.fromkeys(present, "a token")
    found = []
    for line in log.splitlines():
        kinds = {kind for mark, kind in marks.items() if mark in line}
        if _JWT.search(line):
            kinds.add("a signed token")
        if kinds:
            found.append(f"{', '.join(sorted(kinds))} in: {line[:600]}")
    return found
