"""Values that must never be seen (R-262): every password, token, key and address that this run uses.

Passwords and addresses carry marks of the run, so one search finds them all, also those that a test made by hand. The
server's own secrets have a shape that nothing else has. They are noted as they go by too, in whatever member they come,
so that they can be looked for in other encodings.
"""

import base64
import binascii
import re
import secrets
import threading
from typing import Any

from . import blocklist

_RUN = secrets.token_hex(4)
PASSWORD_MARK = f"qz{_RUN}"
DOMAIN = f"mail-{_RUN}.example.org"

# Shorter values are not secrets that a server made or took.
_LENGTH_MIN = 20
_TOKEN_MEMBERS = ("token", "access_token", "refresh_token", "device_token", "pending_token", "secret")
# What every secret that usher makes begins with; a signed token begins with an object in base64url.
_TOKEN_BEGINNINGS = ("ush_", "eyJ")
_SHAPES = {
    "a signed token": re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a token": re.compile(r"ush_[a-z_]+_[A-Za-z0-9_-]{40}"),
}
_WORDS = ("anchor", "canyon", "dahlia", "fjord", "kettle", "lantern", "meadow", "nectar", "raven", "velvet")

# Each secret with the kind of it.
_noted: dict[str, str] = {}
_lock = threading.Lock()


def unique(prefix: str) -> str:
    """A name that no other test uses; fit for a username, a role or a key."""
    return f"{prefix}-{secrets.token_hex(5)}"


def new_address(prefix: str = "ann") -> str:
    """An address that no other test uses, recognisable in a log."""
    return f"{unique(prefix)}@{DOMAIN}"


def new_password() -> str:
    """A good password that no other test uses, recognisable in a log."""
    while True:
        words = "-".join(secrets.choice(_WORDS) for _ in range(3))
        password = f"{words}-{PASSWORD_MARK}-{secrets.token_hex(3)}"
        if not blocklist.lists(password):
            return password


def note(secret: str, kind: str = "a token") -> str:
    """Remembers a secret, and returns it."""
    if len(secret) >= _LENGTH_MIN:
        with _lock:
            _noted.setdefault(secret, kind)
    return secret


def note_members(body: Any) -> None:
    """Remembers the tokens of a request's or an answer's body, however deep they are."""
    if isinstance(body, list):
        for item in body:
            note_members(item)
    if isinstance(body, dict):
        for name, value in body.items():
            if isinstance(value, str) and (name in _TOKEN_MEMBERS or value.startswith(_TOKEN_BEGINNINGS)):
                note(value)
            if name == "recovery_codes" and isinstance(value, list):
                for code in value:
                    note(code, "a recovery code")
            note_members(value)


def encodings(secret: str) -> set[str]:
    """A secret's text, and the random bytes in it, as a careless program might keep them: in hex, or in base64 at any
    place of a longer text."""
    raw = [secret.encode()]
    for text in (secret, re.sub("^ush_[a-z_]*?_(?=[A-Za-z0-9_-]{43}$)", "", secret), secret.rpartition(".")[2]):
        try:
            decoded = base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "=" * (-len(text) % 4), validate=True)
        except binascii.Error:
            continue
        raw += [decoded] if len(decoded) >= _LENGTH_MIN else []
    found = set()
    for value in raw:
        found.add(value.hex())
        for before in range(3):
            # The characters at the edges hold bits of the neighbours too.
            text = base64.b64encode(bytes(before) + value).decode().rstrip("=")[(before * 8 + 5) // 6 : -1]
            found |= {text, text.translate(str.maketrans("+/", "-_"))}
    return found


def moment() -> int:
    """Now, among the secrets that are noted."""
    with _lock:
        return len(_noted)


def noted(since: int) -> list[str]:
    """The secrets that were noted since that moment."""
    with _lock:
        return list(_noted)[since:]


def leaks(text: str, *, addresses: bool = True, encoded_since: int | None = None) -> list[str]:
    """The lines of a text that hold a secret, each with the kind of it.

    With `encoded_since` also those that hold a password, or a secret noted since that moment, in another encoding.
    """
    with _lock:
        noted = list(_noted.items())
    marks = {PASSWORD_MARK: "a password"} | ({DOMAIN: "an address"} if addresses else {})
    needles = marks | {secret: kind for secret, kind in noted if not any(shape.search(secret) for shape in _SHAPES.values())}
    if encoded_since is not None:
        for secret, kind in [(PASSWORD_MARK, "a password"), *noted[encoded_since:]]:
            needles |= dict.fromkeys(encodings(secret), f"{kind} in another encoding")
    present = {needle: kind for needle, kind in needles.items() if needle in text}
    found = []
    for line in text.splitlines():
        kinds = {kind for needle, kind in present.items() if needle in line}
        kinds |= {kind for kind, shape in _SHAPES.items() if shape.search(line)}
        if kinds:
            found.append(f"{', '.join(sorted(kinds))} in: {line[:600]}")
    return found
