"""Tokens that must open nothing: forged, spoilt, foreign, of another kind, late, and of those who may not act any more.

API keys that are none are in test_api_key_abuse.py; here they are among what is tried at every operation.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness import operations, tokens, wire
from harness.canary import new_address
from harness.client import Bearer, Client, Session, describe, problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.programs import ACCOUNTS, OWN_KEYS, keys_of, program, service_account
from harness.server import Stage, Usher
from harness.waiting import until

pytestmark = pytest.mark.first

ALGORITHMS = ("HS256", "HS512", "RS256", "ES256", "PS512", "Ed448", "dir")
TYPES = ("JWT", "logout+jwt", "id+jwt", "dpop+jwt", "", None)
KEY_IDS = ("foreign", None, "", "../../etc/passwd", "' or 1=1 --", "k" * 5000, 5)
A_YEAR = 365 * 24 * 3600


@pytest.fixture(scope="module")
def jwks(site: Site) -> dict[str, Any]:
    return site.anonymous.get("/.well-known/jwks.json", expect=200).json()


@pytest.fixture
def token(admin: Session) -> str:
    """A good access token, to be spoilt."""
    token = admin.bearer()
    assert token
    return token


def ask(site: Site, token: str, path: str = "/v1/me") -> httpx.Response:
    return Bearer(site.base_url, token).get(path)


def refused(answer: httpx.Response) -> None:
    """Refused as RFC 6750 asks, and without a word about why."""
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="usher", error="invalid_token"', describe(answer)


# Forged from a good one


def without_algorithm(token: str) -> dict[str, str]:
    """R-120: `none`, in any case, with the signature and without."""
    _, claims, signature = token.split(".")
    forged = {}
    for algorithm in ("none", "None", "NONE", "nOnE", ""):
        header = tokens.segment(tokens.header_of(token) | {"alg": algorithm})
        forged[f"alg {algorithm!r}"] = f"{header}.{claims}.{signature}"
        forged[f"alg {algorithm!r}, stripped"] = f"{header}.{claims}."
    return forged


def with_public_key(token: str, jwks: dict[str, Any]) -> dict[str, str]:
    """R-120: our public key as an HMAC key, in each of its forms."""
    header = tokens.header_of(token)
    key = next(key for key in jwks["keys"] if key["kid"] == header["kid"])
    claims = tokens.claims_of(token)
    return {
        f"HS256 under the public key as {form}": tokens.mac_signed(header | {"alg": "HS256"}, claims, secret)
        for form, secret in tokens.public_forms(key).items()
    }


def with_other_header(token: str) -> dict[str, str]:
    """R-120 to R-124: headers that the signature does not cover, or that ask for another key."""
    header, (_, claims, signature) = tokens.header_of(token), token.split(".")
    changed: dict[str, dict[str, Any]] = {f"alg {name}": {"alg": name} for name in ALGORITHMS}
    changed |= {f"typ {name}": {"typ": name} for name in TYPES}
    changed["crit"] = {"crit": ["b64"], "b64": False}
    changed["zip"] = {"zip": "DEF"}
    forged = {}
    for name, change in changed.items():
        kept = {member: value for member, value in (header | change).items() if value is not None}
        forged[name] = f"{tokens.segment(kept)}.{claims}.{signature}"
    return forged


def with_other_key(token: str) -> dict[str, str]:
    """R-121, R-122: a true signature of a key that is not ours, under every name."""
    key = Ed25519PrivateKey.generate()
    header, claims = tokens.header_of(token), tokens.claims_of(token)
    forged = {f"kid {kid!r:.20}": tokens.signed(header | {"kid": kid}, claims, key) for kid in KEY_IDS}
    forged["our kid, another key"] = tokens.signed(header, claims, key)
    for kid in (header["kid"], "mine"):
        named = {"kid": kid, "jku": "http://127.0.0.1:9/jwks.json", "x5u": "http://127.0.0.1:9/"}
        named["jwk"] = tokens.public_jwk(key, kid)
        forged[f"its own key as {kid[:4]}"] = tokens.signed(header | named, claims, key)
    # Each of these is refused for its signature too: what they show is that no claim gets in before that is looked at.
    # What a good signature does not open is tried where the key can be had: crates/usher/src/sessions/tests/forging.rs.
    now = claims["iat"]
    changes: dict[str, dict[str, Any]] = {
        "expired": {"iat": now - A_YEAR, "exp": now - A_YEAR + 300},
        "issued in the future": {"iat": now + A_YEAR, "exp": now + A_YEAR + 300},
        "not valid yet": {"nbf": now + A_YEAR},
        "another audience": {"aud": "https://other.example"},
        "another issuer": {"iss": "https://other.example"},
        "times as texts": {"exp": str(claims["exp"])},
        "times beyond reason": {"exp": 1e300},
    }
    forged |= {name: tokens.signed(header, claims | change, key) for name, change in changes.items()}
    return forged


def with_other_claims(token: str, victim: dict[str, Any]) -> dict[str, str]:
    """Changed after signing."""
    header, _, signature = token.split(".")
    claims = tokens.claims_of(token)
    changes = ({"sub": victim["sub"]}, {"sid": victim["sid"]}, {"exp": claims["exp"] + 3600}, {"roles": ["admin"]})
    return {f"changed {next(iter(change))}": f"{header}.{tokens.segment(claims | change)}.{signature}" for change in changes}


def out_of_shape(token: str) -> dict[str, str]:
    """R-126, R-127: not three segments of strict base64url over plain JSON objects, at most 8 KiB."""
    header, claims, signature = token.split(".")
    # 64 bytes leave four unused bits in the last character: setting one changes no byte of the signature.
    twin = tokens.ALPHABET[tokens.ALPHABET.index(signature[-1]) ^ 1]
    key = Ed25519PrivateKey.generate()
    twice = tokens.decode(claims).decode()[:-1] + ',"sub":"x"}'
    header_twice = tokens.decode(header).decode()[:-1] + ',"alg":"none"}'
    deep = '{"a":' * 900 + "1" + "}" * 900
    return {
        "stripped signature": f"{header}.{claims}.",
        "two segments": f"{header}.{claims}",
        "four segments": f"{token}.{signature}",
        "five segments": f"{token}..{signature}",
        "padded": f"{token}==",
        "not canonical": f"{header}.{claims}.{signature[:-1]}{twin}",
        "cut signature": token[:-4],
        "no header": f".{claims}.{signature}",
        "too long": f"{header}.{claims}.{signature}".ljust(9000, "A"),
        "a dot": ".",
        "json": '{"payload":"x"}',
        "standard alphabet": f"{header}.{claims}.+/{signature[2:]}",
        "a member twice in the claims": f"{header}.{tokens.encode(twice.encode())}.{signature}",
        "a member twice in the header": f"{tokens.encode(header_twice.encode())}.{claims}.",
        "nested": tokens.signed(tokens.header_of(token) | {"cty": "JWT"}, {"jwt": token}, key),
        "nested as it is": f"{header}.{tokens.encode(token.encode())}.{signature}",
        "deep": f"{header}.{tokens.encode(deep.encode())}.{signature}",
        "no object": f"{header}.{tokens.encode(b'[]')}.{signature}",
        "not utf-8": f"{header}.{tokens.encode(bytes([255, 254]))}.{signature}",
    }


def assert_refused(site: Site, forged: dict[str, str]) -> None:
    for name, value in forged.items():
        try:
            refused(ask(site, value))
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


def test_r120_no_algorithm_is_no_token(site: Site, token: str) -> None:
    assert_refused(site, without_algorithm(token))


def test_r120_a_public_key_is_no_shared_secret(site: Site, jwks: dict[str, Any], token: str) -> None:
    assert_refused(site, with_public_key(token, jwks))


def test_r120_r123_r124_another_algorithm_type_or_critical_header_is_refused(site: Site, token: str) -> None:
    assert_refused(site, with_other_header(token))


def test_r121_r122_a_key_that_is_not_ours_is_refused(site: Site, token: str) -> None:
    assert_refused(site, with_other_key(token))


def test_changed_claims_are_refused(site: Site, token: str, person: Callable[..., Person]) -> None:
    own = person().api.tokens["access_token"]
    assert_refused(site, with_other_claims(own, tokens.claims_of(token)))


def test_r126_what_is_not_compact_and_strict_is_refused(site: Site, token: str) -> None:
    assert_refused(site, out_of_shape(token))


def test_r224_a_token_beyond_the_limit_of_headers_is_refused_before_it_is_read(site: Site) -> None:
    for size in (17_000, 60_000):
        problem(ask(site, "a" * size), 431, "headers_too_large")


def test_r126_the_library_agrees_that_the_good_one_is_good(site: Site, jwks: dict[str, Any], token: str) -> None:
    """What is refused above is refused for what was changed: as it came it opens, here and for another library."""
    key = jwt.PyJWKSet.from_dict(jwks)[tokens.header_of(token)["kid"]]
    jwt.decode(token, key.key, algorithms=["EdDSA"], issuer=site.public_url, audience=site.public_url)
    assert ask(site, token).status_code == 200


# Sent in another way


def test_r108_a_token_in_the_query_is_not_looked_at(anonymous: Client, token: str) -> None:
    problem(anonymous.get("/v1/me", params={"access_token": token}), 401, "unauthorized")


@pytest.mark.parametrize("value", ["Basic YWRtaW46YWRtaW4=", "Bearer", "Token abc", "Bearer a b c"])
def test_other_authorization_headers_are_refused(anonymous: Client, value: str) -> None:
    problem(anonymous.get("/v1/me", headers={"Authorization": value}), 401, "unauthorized")


def test_the_scheme_is_read_in_any_case(anonymous: Client, token: str) -> None:
    anonymous.get("/v1/me", headers={"Authorization": f"bearer {token}"}, expect=200)


def test_two_authorization_headers_are_refused(entrance: str, token: str) -> None:
    lines = [f"Authorization: Bearer {token}", f"Authorization: Bearer {token}"]
    # Nginx 1.23 and later find it malformed.
    assert wire.ask(entrance, "/v1/me", *lines).status in (400, 401)


# On every operation


def keys_that_have_ended(site: Site) -> dict[str, str]:
    """Keys that opened everything, and do no more."""
    admin = site.admin.api
    held = admin.get("/v1/whoami", expect=200).json()["permissions"]
    revoked, owner = program(admin, *held), site.person("admin")
    of_suspended = program(owner.api, *held)
    suspended, deleted = service_account(admin, *held), service_account(admin, *held)
    of_accounts = [program(admin, keys=keys_of(account)) for account in (suspended, deleted)]
    for one in (revoked, of_suspended, *of_accounts):
        one.api.get("/v1/users", expect=200)
    admin.delete(f"{OWN_KEYS}/{revoked.id}", expect=204)
    admin.post(f"/v1/users/{owner.id}/suspend", expect=200)
    admin.post(f"{ACCOUNTS}/{suspended['id']}/suspend", expect=200)
    admin.delete(f"{ACCOUNTS}/{deleted['id']}", expect=204)
    return {
        "an unknown key": f"ush_key_{tokens.encode(bytes(32))}",
        "a revoked key": revoked.secret,
        "a suspended person's key": of_suspended.secret,
        "a suspended account's key": of_accounts[0].secret,
        "a deleted account's key": of_accounts[1].secret,
    }


def of_those_who_may_not(site: Site) -> dict[str, str]:
    """Good signatures of people and sessions that are no more, and other kinds of tokens."""
    admin = site.admin.api
    suspended, deleted, gone = site.person("admin"), site.person("admin"), site.person("admin")
    found = {who: one.api.tokens["access_token"] for who, one in (("suspended", suspended), ("deleted", deleted))}
    admin.post(f"/v1/users/{suspended.id}/suspend", expect=200)
    admin.delete(f"/v1/users/{deleted.id}", expect=204)
    found["signed out"] = gone.api.tokens["access_token"]
    gone.api.post("/v1/logout", expect=204)
    found["a refresh token"] = site.admin.sign_in().refresh_token
    address = new_address()
    site.create(email=address)
    found["a one-time token"] = site.mailbox.wait_for(address).token
    return found


def test_r120_r126_no_operation_takes_a_token_that_is_none(
    site: Site, mailbox: Mailbox, jwks: dict[str, Any], token: str
) -> None:
    """One of each class at every operation that needs a token: no path has a verifier of its own."""
    bad = {"nonsense": "nonsense", "nothing": "", "too long": "a" * 9000}
    for family in (without_algorithm(token), with_public_key(token, jwks), with_other_key(token), out_of_shape(token)):
        name = next(iter(family))
        bad[name] = family[name]
    bad |= of_those_who_may_not(site) | keys_that_have_ended(site)
    needing = [operation for operation in operations.declared(site.anonymous) if operation.access != "public"]
    assert len(needing) > 20
    for name, value in bad.items():
        client = Bearer(site.base_url, value)
        for operation in needing:
            answer = client.request(operation.method, operation.target(id=site.admin.id), **operation.options())
            assert answer.status_code == 401, f"{name} at {operation}: {describe(answer)}"
            assert answer.json()["code"] == "unauthorized"
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_r200_a_bad_token_does_not_close_what_is_public(site: Site) -> None:
    client = Bearer(site.base_url, "nonsense")
    for path in ("/livez", "/readyz", "/.well-known/jwks.json", "/openapi.json", "/docs"):
        client.get(path, expect=200)


# Of another deployment, another name, another time


@pytest.fixture(scope="module")
def namesakes(stage: Stage, mailbox: Mailbox) -> Iterator[tuple[Site, Site, str]]:
    """Two servers on one database under two public URLs: the same keys and people, other issuers.

    The tokens of the first live half a minute; one is made at once, to be old in the end.
    """
    first = stage.usher(USHER_ACCESS_TOKEN_LIFETIME_SECONDS="30")
    second: Usher = stage.usher(USHER_DATA_DIR=str(first.data_dir))
    try:
        first.start()
        second.start()
        sites = Site(first.base_url, mailbox), Site(second.base_url, mailbox)
        admin = sites[0].set_up(first.setup_token())
        sites[1].adopt_admin(admin.email, admin.password)
        yield *sites, admin.sign_in().tokens["access_token"]
        assert (second.stop(), first.stop()) == (0, 0)
    finally:
        second.remove()
        first.remove()


def test_r125_a_token_under_another_name_is_refused(namesakes: tuple[Site, Site, str]) -> None:
    first, second, _ = namesakes
    own, foreign = (site.admin.sign_in().tokens["access_token"] for site in (first, second))
    assert tokens.header_of(own)["kid"] == tokens.header_of(foreign)["kid"], "one key signed both"
    assert tokens.claims_of(own)["sub"] == tokens.claims_of(foreign)["sub"]
    assert ask(first, own).status_code == ask(second, foreign).status_code == 200
    refused(ask(first, foreign))
    refused(ask(second, own))


def test_r122_a_token_of_another_deployment_is_refused(
    site: Site, namesakes: tuple[Site, Site, str], token: str
) -> None:
    refused(ask(namesakes[0], token))
    refused(ask(site, namesakes[0].admin.sign_in().tokens["access_token"]))


def test_r122_an_api_key_of_another_deployment_is_refused(site: Site, namesakes: tuple[Site, Site, str]) -> None:
    first, second, _ = namesakes
    refused(ask(first, program(site.admin.api).secret, "/v1/whoami"))
    made = program(first.admin.sign_in())
    assert ask(second, made.secret, "/v1/whoami").status_code == 200, "the servers of one deployment know the same keys"
    refused(ask(site, made.secret, "/v1/whoami"))


def test_r125_an_old_token_is_refused(namesakes: tuple[Site, Site, str]) -> None:
    site, _, old = namesakes
    claims = tokens.claims_of(old)
    assert claims["exp"] - claims["iat"] == 30
    answer = until("the token is too old", lambda: (found := ask(site, old)).status_code != 200 and found, seconds=60)
    refused(answer)
