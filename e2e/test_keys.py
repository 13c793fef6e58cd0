"""Signing keys: every algorithm, rotation under load with two servers on one database, and a new secret key."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest

from harness import tokens
from harness.client import Bearer, Client
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Stage, Usher
from harness.waiting import until

ROTATIONS = 4
CHECKERS = 4


@pytest.fixture(scope="module")
def pair(stage: Stage, mailbox: Mailbox) -> Iterator[tuple[Usher, Usher, Site]]:
    """Two servers on one database, under one public URL."""
    first = stage.usher()
    second = stage.usher(USHER_DATA_DIR=str(first.data_dir), USHER_PUBLIC_URL=first.base_url)
    try:
        first.start()
        second.start()
        site = Site(first.base_url, mailbox)
        site.set_up(first.setup_token())
        yield first, second, site
    finally:
        second.remove()
        first.remove()


@dataclass
class Verifier:
    """A service beside usher: it keeps the key set for as long as it may, and looks again for a key that it does not know."""

    base_urls: list[str]
    issuer: str
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    keep_until: float = 0
    looks: int = 0

    def look(self) -> None:
        answer = httpx.get(f"{random.choice(self.base_urls)}/.well-known/jwks.json", timeout=30, trust_env=False)
        assert answer.status_code == 200
        directives = dict(part.strip().partition("=")[::2] for part in answer.headers["cache-control"].split(","))
        self.keep_until = time.monotonic() + int(directives["max-age"])
        self.keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.json()).keys if key.key_id}
        self.looks += 1

    def verify(self, token: str) -> dict[str, Any]:
        kid = jwt.get_unverified_header(token)["kid"]
        if time.monotonic() > self.keep_until or kid not in self.keys:
            self.look()
        key = self.keys[kid]
        return jwt.decode(token, key.key, [key.algorithm_name], issuer=self.issuer, audience=self.issuer)


@dataclass
class Load:
    """Signs in at either server and shows the token to either, over and over."""

    base_urls: list[str]
    issuer: str
    identifier: str
    password: str
    over: threading.Event = field(default_factory=threading.Event)
    kids: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    checks: int = 0

    def run(self) -> None:
        verifier = Verifier(self.base_urls, self.issuer)
        clients = [Client(base_url) for base_url in self.base_urls]
        body = {"identifier": self.identifier, "password": self.password}
        refresh = clients[0].post("/v1/login", json=body, expect=200).json()["refresh_token"]
        while not self.over.is_set():
            try:
                issued = random.choice(clients).post("/v1/refresh", json={"refresh_token": refresh}, expect=200).json()
                refresh, token = issued["refresh_token"], issued["access_token"]
                self.kids.add(tokens.header_of(token)["kid"])
                verifier.verify(token)
                for client in clients:
                    client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}, expect=200)
                self.checks += 1
            except Exception as error:  # noqa: BLE001, whatever it is, it is a failed verification
                self.failures.append(repr(error))
                return


def under_load(pair: tuple[Usher, Usher, Site], between: Callable[[Load], None]) -> Load:
    first, second, site = pair
    load = Load([first.base_url, second.base_url], first.base_url, site.admin.email, site.admin.password)
    threads = [threading.Thread(target=load.run) for _ in range(CHECKERS)]
    for thread in threads:
        thread.start()
    try:
        until("the load is on", lambda: load.checks >= CHECKERS)
        between(load)
    finally:
        load.over.set()
        for thread in threads:
            thread.join(timeout=60)
    assert load.failures == []
    return load


def test_r130_rotation_at_once_fails_no_verification(pair: tuple[Usher, Usher, Site]) -> None:
    first, second, _ = pair

    def rotate(load: Load) -> None:
        for number in range(ROTATIONS):
            kid = json.loads((first, second)[number % 2].cli("keys", "rotate", "--now", "--json").stdout)["kid"]
            until("the new key signs", lambda kid=kid: kid in load.kids or load.failures)
            checked = load.checks
            until("tokens of it are checked", lambda checked=checked: load.checks > checked + 10 or load.failures)

    load = under_load(pair, rotate)
    assert len(load.kids) == ROTATIONS + 1


def test_r129_rotation_ahead_fails_no_verification(pair: tuple[Usher, Usher, Site]) -> None:
    """What is rotated ahead signs in minutes; here it is published by both servers, and what is there signs on."""
    first, second, _ = pair

    def kids(usher: Usher) -> set[str]:
        keys = Client(usher.base_url).get("/.well-known/jwks.json", expect=200).json()["keys"]
        return {key["kid"] for key in keys}

    def rotate(load: Load) -> None:
        for _ in range(3):
            kid = json.loads(first.cli("keys", "rotate", "--json").stdout)["kid"]
            until("both publish it", lambda kid=kid: (kid in kids(first) and kid in kids(second)) or load.failures)
            listed = {key["kid"]: key for key in first.json("keys", "list")}
            assert listed[kid]["duty"] == "next"
            assert kid not in load.kids

    under_load(pair, rotate)


@pytest.mark.parametrize(("algorithm", "members"), [("ES256", {"crv", "x", "y"}), ("RS256", {"n", "e"})])
def test_r129_another_library_verifies_every_algorithm(
    new_server: Callable[..., Usher], mailbox: Mailbox, algorithm: str, members: set[str]
) -> None:
    usher = new_server(USHER_SIGNING_ALGORITHM=algorithm)
    site = Site(usher.base_url, mailbox)
    token = site.set_up(usher.setup_token()).api.tokens["access_token"]
    assert tokens.header_of(token)["alg"] == algorithm
    [key] = site.anonymous.get("/.well-known/jwks.json", expect=200).json()["keys"]
    assert set(key) == {"kty", "use", "alg", "kid"} | members
    assert key["alg"] == algorithm
    public = jwt.PyJWK.from_dict(key)
    claims = jwt.decode(token, public.key, [algorithm], issuer=usher.base_url, audience=usher.base_url)
    assert claims["sub"] == site.admin.id
    if algorithm == "RS256":
        assert public.key.key_size == 3072
    # The algorithm is changed at the next start: a key of the other kind is published ahead, and the token stays good.
    assert usher.stop() == 0
    usher.settings["USHER_SIGNING_ALGORITHM"] = "EdDSA"
    usher.start()
    until("a new key is published", lambda: len(usher.json("keys", "list")) == 2)
    assert [(key["algorithm"], key["duty"]) for key in usher.json("keys", "list")] == [
        ("EdDSA", "next"),
        (algorithm, "signing"),
    ]
    Bearer(usher.base_url, token).get("/v1/me", expect=200)
    told = usher.cli("keys", "list").stdout
    assert "published, will sign" in told and "signs" in told


def verdicts(usher: Usher) -> dict[str, dict[str, str]]:
    return {finding["check"]: finding for finding in usher.json("doctor")}


def test_r130_the_generated_secret_key_is_replaced(new_server: Callable[..., Usher], mailbox: Mailbox) -> None:
    usher = new_server(mail=False)
    site = Site(usher.base_url)
    admin = site.set_up(usher.setup_token())
    site.create()
    until("a mail is held", lambda: usher.json("mail", "list"))
    present, previous = usher.data_dir / "secret-key", usher.data_dir / "secret-key.previous"
    old = present.read_text()
    usher.cli("keys", "new-secret-key")
    assert previous.read_text() == old != present.read_text()
    for path in (present, previous):
        assert path.stat().st_mode & 0o077 == 0
    assert "usher keys reseal" in usher.cli("keys", "new-secret-key", code=1).stderr, "a second change would lose a key"
    # The server still has the old key; killed and started again it has both.
    admin.api.get("/v1/me", expect=200)
    usher.kill()
    usher.start()
    admin.api.get("/v1/me", expect=200)
    assert verdicts(usher)["sealing"]["verdict"] == "warning"
    done = usher.json("keys", "reseal")
    assert done["resealed"] >= 2 and done["unopened"] == 0
    assert usher.json("keys", "reseal")["resealed"] == 0
    assert verdicts(usher)["sealing"]["verdict"] == "ok"
    previous.unlink()
    assert usher.stop() == 0
    usher.start()
    admin.api.get("/v1/me", expect=200)
    mail = usher.json("mail", "list")[0]
    assert "token=" in usher.cli("mail", "show", mail["id"]).stdout
    assert verdicts(usher)["keys"]["verdict"] == "ok"
    # Without the key that something was sealed under, a start is refused and says what is missing.
    present.write_text(old)
    assert "USHER_SECRET_KEY" in usher.cli("keys", "list", code=1).stderr
