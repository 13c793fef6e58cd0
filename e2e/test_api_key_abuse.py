"""What is no API key, or is shown in another way than in the one header, opens nothing and tells nothing."""

from collections.abc import Iterator

import httpx
import pytest

from harness import tokens, wire
from harness.canary import new_address, new_password
from harness.client import Bearer, Client, Session, describe, problem
from harness.mailbox import Mailbox
from harness.people import Site
from harness.programs import OWN_KEYS, Program, program

PREFIX = "ush_key_"


@pytest.fixture
def key(admin: Session) -> Iterator[Program]:
    """A good API key, to be spoilt; it is as good at the end."""
    made = program(admin, "users:read")
    yield made
    assert made.whoami()["permissions"] == ["users:read"]
    admin.delete(f"{OWN_KEYS}/{made.id}", expect=204)


def ask(site: Site, key: str, path: str = "/v1/whoami") -> httpx.Response:
    return Bearer(site.base_url, key).get(path)


def refused(answer: httpx.Response) -> None:
    """Refused as a bad access token is, without a word about why."""
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="usher", error="invalid_token"', describe(answer)


def spoilt(key: str) -> dict[str, str]:
    """A key that is not quite one."""
    secret = key.removeprefix(PREFIX)
    # 32 bytes leave two unused bits in the last character: setting one changes no byte of the secret.
    twin = tokens.ALPHABET[tokens.ALPHABET.index(secret[-1]) ^ 1]
    other = "B" if secret[0] == "A" else "A"
    return {
        "another secret": f"{PREFIX}{tokens.encode(bytes(32))}",
        "another first character": f"{PREFIX}{other}{secret[1:]}",
        "another case": f"{PREFIX}{secret.swapcase()}",
        "not canonical": f"{PREFIX}{secret[:-1]}{twin}",
        "cut": key[:-1],
        "its beginning": key[: len(PREFIX) + 6],
        "the prefix": PREFIX,
        "half of the prefix": "ush_",
        "longer": f"{key}A",
        "twice": f"{key}{key}",
        "padded": f"{key}=",
        "with a dot": f"{key}.",
        "with a space": f"{PREFIX} {secret}",
        "standard alphabet": f"{PREFIX}+/{secret[2:]}",
        "percent-encoded": key.replace("_", "%5F"),
        "in hex": f"{PREFIX}{tokens.decode(secret).hex()}",
        "no prefix": secret,
        "prefix in upper case": f"{PREFIX.upper()}{secret}",
        "prefix in title case": f"{PREFIX.title()}{secret}",
        "prefix twice": f"{PREFIX}{key}",
        "quoted": f'"{key}"',
        "two keys": f"{key},{key}",
        "too long": f"{key}{'A' * 9000}",
        "a pattern": f"{PREFIX}{'%' * 43}",
        "a statement": f"{PREFIX}' or 1=1 --",
        **{f"of another kind, {kind}": f"ush_{kind}_{secret}" for kind in ("refresh", "reset", "setup", "device", "keys")},
    }


def test_what_is_not_quite_a_key_is_refused(site: Site, key: Program) -> None:
    """At an operation for anybody, for a permission, and for people: nothing is told of what the key would have been."""
    for name, value in spoilt(key.secret).items():
        for path in ("/v1/whoami", "/v1/users", "/v1/me"):
            try:
                refused(ask(site, value, path))
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None


def test_a_key_with_other_bytes_is_refused(entrance: str, key: Program) -> None:
    for end in ("é", "\xff", "\x80", "\t", "\x7f"):
        answer = wire.ask(entrance, "/v1/whoami", f"Authorization: Bearer {key.secret}{end}x")
        assert answer.status in (400, 401), f"{end!r}: {answer.status}"
    for end in ("é", "\xff"):
        answer = wire.ask(entrance, "/v1/whoami", f"Authorization: Bearer {key.secret[:-1]}{end}")
        assert answer.status == 401 and answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_r108_a_key_anywhere_else_is_not_looked_at(site: Site, anonymous: Client, key: Program) -> None:
    for name in ("access_token", "api_key", "key", "token"):
        problem(anonymous.get("/v1/whoami", params={name: key.secret}), 401, "unauthorized")
        problem(anonymous.get("/v1/whoami", headers={"Cookie": f"{name}={key.secret}"}), 401, "unauthorized")
    for name in ("X-Api-Key", "Api-Key", "X-Access-Token", "Proxy-Authorization"):
        problem(anonymous.get("/v1/whoami", headers={name: f"Bearer {key.secret}"}), 401, "unauthorized")
    for scheme in ("Basic", "Token", "ApiKey", "Key", ""):
        problem(anonymous.get("/v1/whoami", headers={"Authorization": f"{scheme} {key.secret}".strip()}), 401, "unauthorized")
    for auth in ((key.secret, ""), ("", key.secret), (site.admin.username, key.secret)):
        problem(anonymous.get("/v1/whoami", auth=auth), 401, "unauthorized")


def test_a_key_is_sent_in_one_authorization_header(entrance: str, admin: Session, key: Program) -> None:
    anonymous = Client(entrance)
    anonymous.get("/v1/whoami", headers={"Authorization": f"bearer {key.secret}"}, expect=200)
    for other in (key.secret, admin.bearer(), "nonsense"):
        for pair in ((key.secret, other), (other, key.secret)):
            lines = [f"Authorization: Bearer {value}" for value in pair]
            # Nginx 1.23 and later find it malformed.
            assert wire.ask(entrance, "/v1/whoami", *lines).status in (400, 401)
        both = {"Authorization": f"Bearer {key.secret}, Bearer {other}"}
        problem(anonymous.get("/v1/whoami", headers=both), 401, "unauthorized")


def test_a_key_is_no_other_kind_of_token(site: Site, key: Program) -> None:
    secret = key.secret.removeprefix(PREFIX)
    for value in (key.secret, f"ush_refresh_{secret}"):
        answer = site.anonymous.post("/v1/refresh", json={"refresh_token": value})
        problem(answer, 401, "invalid_refresh_token")
    ways = {"/v1/verify-email": "verify", "/v1/password/reset": "reset", "/v1/report-sign-in": "report"}
    for path, kind in ways.items():
        for value in (key.secret, f"ush_{kind}_{secret}"):
            password = {} if kind == "report" else {"password": new_password()}
            problem(site.anonymous.post(path, json={"token": value, **password}), 422, "invalid_token")


def test_no_other_kind_of_token_is_a_key(site: Site, mailbox: Mailbox) -> None:
    signed_in = site.admin.sign_in()
    address = new_address()
    site.create(email=address)
    others = [signed_in.refresh_token, signed_in.tokens["device_token"], mailbox.wait_for(address).token]
    refused(ask(site, f"{PREFIX}{signed_in.tokens['access_token']}"))
    for other in others:
        secret = other[-43:]
        assert tokens.encode(tokens.decode(secret)) == secret, "it is the secret of this token"
        for value in (other, f"{PREFIX}{secret}"):
            refused(ask(site, value))
