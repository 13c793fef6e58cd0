"""Those of the made-up users who have a password, and the one who looks after all of them."""

import json
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

from .site import Site

PASSWORD = "plum kettle orbit lantern"
# One who signs in and holds every permission that there is.
_ADMIN = "bench-admin"

_GIVE_PASSWORDS = """
insert into password_credentials (user_id, hash, changed_at)
select u.id, p.hash, p.changed_at
from (select id from users where status = 'active' order by created_at limit %s) u
cross join (select c.hash, c.changed_at from password_credentials c join users a on a.id = c.user_id where a.username = %s) p
on conflict do nothing"""


class People:
    """Users who can sign in, each from a device that is known."""

    def __init__(self, site: Site, count: int) -> None:
        self._site = site
        words = ("--email", f"{_ADMIN}@example.com", "--username", _ADMIN, "--role", "admin", "--password-stdin")
        site.usher.cli("user", "create", *words, given=PASSWORD)
        # One hash for all: to verify it costs no less for that.
        with site.cluster.connect() as sql:
            sql.execute(_GIVE_PASSWORDS, (count, _ADMIN))
        found = site.cluster.rows(
            "select u.username from users u join password_credentials c on c.user_id = u.id where u.username <> %s order by u.created_at", (_ADMIN,)
        )
        self.names = [name for (name,) in found]
        self._devices = dict(zip(self.names, (begun["device_token"] for begun in self._sign_all_in(self.names)), strict=True))
        self._admin_device = sign_in(site.base_url, _ADMIN)["device_token"]
        site.settle()

    def _sign_all_in(self, names: Sequence[str], devices: dict[str, str] | None = None) -> list[dict]:
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(lambda name: sign_in(self._site.base_url, name, (devices or {}).get(name)), names))

    def access_token(self) -> str:
        """Of the administrator. It lives for five minutes."""
        return sign_in(self._site.base_url, _ADMIN, self._admin_device)["access_token"]

    def refresh_tokens(self, count: int) -> list[str]:
        return [begun["refresh_token"] for begun in self._sign_all_in(self.names[:count], self._devices)]

    def bodies(self) -> list[str]:
        """For `POST /v1/login`: what each sends."""
        return [_body(name, self._devices[name]) for name in self.names]


def _body(name: str, device: str | None) -> str:
    given = {"identifier": name, "password": PASSWORD}
    return json.dumps(given | ({"device_token": device} if device else {}))


def sign_in(base_url: str, name: str, device: str | None = None) -> dict:
    """Signs in, later where the server has too many passwords to check and says so."""
    while True:
        connection = HTTPConnection(urlsplit(base_url).netloc, timeout=60)
        try:
            connection.request("POST", "/v1/login", _body(name, device), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        if answer.status == 503 and answer.headers["Retry-After"]:
            sleep(int(answer.headers["Retry-After"]))
            continue
        assert answer.status == 200, read[:500]
        return json.loads(read)


def lines(folder: Path, words: Sequence[str]) -> str:
    """A file with these lines, for wrk."""
    path = folder / f"{secrets.token_hex(8)}.txt"
    path.write_text("".join(f"{word}\n" for word in words))
    return str(path)
