"""An authenticator app: RFC 6238, with nothing but the standard library."""

import base64
import hashlib
import hmac
import struct
import time

STEP_SECONDS = 30


def code(secret: str, at: float | None = None, away: int = 0) -> str:
    """What the app shows for a secret in base 32, now or so many steps away."""
    step = int((time.time() if at is None else at) // STEP_SECONDS) + away
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    mac = hmac.new(key, struct.pack(">q", step), hashlib.sha1).digest()
    (truncated,) = struct.unpack_from(">I", mac, mac[-1] & 0x0F)
    return f"{(truncated & 0x7FFFFFFF) % 1_000_000:06}"


class App:
    """Shows codes, and none twice: it waits for no clock, but takes the next step's, which is good a step ahead."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._last = 0

    def code(self) -> str:
        here = int(time.time() // STEP_SECONDS)
        self._last = max(here, self._last + 1)
        if self._last > here + 1:
            time.sleep((self._last - 1) * STEP_SECONDS - time.time() + 0.2)
        return code(self.secret, at=self._last * STEP_SECONDS)

    def wrong(self) -> str:
        """A code that is none of those around now."""
        near = {code(self.secret, away=away) for away in range(-3, 4)}
        return next(text for text in map("{:06}".format, range(10)) if text not in near)
