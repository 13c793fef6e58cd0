"""Access and refresh tokens: what they say, what is refused, and how they end."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness import tokens, wire
from harness.canary import new_password
from harness.client import Bearer, Client, Session, problem
from harness.people import Person, Site
from harness.waiting import at_once


@pytest.fixture(scope="module")
def jwks(site: Site) -> dict[str, Any]:
    return site.anonymous.get("/.well-known/jwks.json", expect=200).json()


@pytest.fixture
def token(admin: Session) -> str:
    """A good access token, to be spoilt."""
    token = admin.bearer()
    assert token
    return token


def ask(site: Site, token: str) -> httpx.Response:
    return Bearer(site.base_url, token).get("/v1/me")


def refresh(site: Site, token: object) -> httpx.Response:
    return site.anonymous.post("/v1/refresh", json={"refresh_token": token})


# What a token says


def test_r128_another_library_verifies_the_access_token(
    site: Site, jwks: dict[str, Any], person: Callable[..., Person]
) -> None:
    someone = person()
    token = someone.api.tokens["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "EdDSA"
    assert set(header) == {"typ", "alg", "kid"}, "R-121: nothing that names a key from elsewhere"
    key = jwt.PyJWKSet.from_dict(jwks)[header["kid"]]
    required = ["iss", "aud", "sub", "exp", "iat", "jti", "client_id", "auth_time"]
    claims = jwt.decode(
        token,
        key.key,
        algorithms=["EdDSA"],
        issuer=site.public_url,
        audience=site.public_url,
        options={"require": required},
    )
    assert claims["sub"] == someone.id
    assert claims["client_id"] == "usher"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["auth_time"] <= claims["iat"]
    assert claims["amr"] == ["pwd"]
    assert claims["roles"] == ["user"]
    assert claims["sid"]


def test_every_access_token_has_an_id_of_its_own(person: Callable[..., Person]) -> None:
    someone = person()
    first, second = (
        tokens.claims_of(session.tokens["access_token"]) for session in (someone.sign_in(), someone.sign_in())
    )
    assert first["jti"] != second["jti"]
    assert first["sid"] != second["sid"]


def test_r129_the_key_set_is_public_and_holds_public_members_only(jwks: dict[str, Any]) -> None:
    assert jwks["keys"]
    assert len({key["kid"] for key in jwks["keys"]}) == len(jwks["keys"])
    for key in jwks["keys"]:
        assert key["use"] == "sig"
        assert key["alg"] == "EdDSA"
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)


def test_the_key_set_may_be_cached(anonymous: Client) -> None:
    assert "max-age" in anonymous.get("/.well-known/jwks.json", expect=200).headers["cache-control"]


# What is refused


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("keep_signature", [True, False])
def test_r120_no_algorithm_is_no_token(site: Site, token: str, algorithm: str, keep_signature: bool) -> None:
    header = tokens.header_of(token) | {"alg": algorithm}
    signature = token.split(".")[2] if keep_signature else ""
    forged = f"{tokens.segment(header)}.{token.split('.')[1]}.{signature}"
    problem(ask(site, forged), 401, "unauthorized")


@pytest.mark.parametrize("form", ["raw", "base64url", "der", "pem", "jwk"])
def test_r120_a_public_key_is_no_shared_secret(site: Site, jwks: dict[str, Any], token: str, form: str) -> None:
    header = tokens.header_of(token)
    key = next(key for key in jwks["keys"] if key["kid"] == header["kid"])
    secret = tokens.public_forms(key)[form]
    forged = tokens.mac_signed(header | {"alg": "HS256"}, tokens.claims_of(token), secret)
    problem(ask(site, forged), 401, "unauthorized")


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "PS512", "Ed448", "dir"])
def test_r120_another_algorithm_is_refused(site: Site, token: str, algorithm: str) -> None:
    header = tokens.segment(tokens.header_of(token) | {"alg": algorithm})
    problem(ask(site, ".".join([header, *token.split(".")[1:]])), 401, "unauthorized")


@pytest.mark.parametrize("kind", ["JWT", "logout+jwt", "id+jwt", "dpop+jwt", "", None])
def test_r124_another_type_is_refused(site: Site, token: str, kind: str | None) -> None:
    header = tokens.header_of(token) | {"typ": kind}
    if kind is None:
        del header["typ"]
    problem(ask(site, ".".join([tokens.segment(header), *token.split(".")[1:]])), 401, "unauthorized")


@pytest.mark.parametrize("kid", ["foreign", None, "", "../../etc/passwd", "' or 1=1 --", "k" * 5000, 5])
def test_r122_a_key_that_is_not_ours_is_refused(site: Site, token: str, kid: object) -> None:
    header = tokens.header_of(token) | {"kid": kid}
    forged = tokens.signed(header, tokens.claims_of(token), Ed25519PrivateKey.generate())
    problem(ask(site, forged), 401, "unauthorized")


def test_a_foreign_signature_under_our_key_id_is_refused(site: Site, token: str) -> None:
    forged = tokens.signed(tokens.header_of(token), tokens.claims_of(token), Ed25519PrivateKey.generate())
    problem(ask(site, forged), 401, "unauthorized")


@pytest.mark.parametrize("own_kid", [True, False])
def test_r121_a_key_inside_the_token_is_ignored(site: Site, token: str, own_kid: bool) -> None:
    key = Ed25519PrivateKey.generate()
    header = tokens.header_of(token)
    kid = header["kid"] if own_kid else "mine"
    header |= {
        "kid": kid,
        "jwk": tokens.public_jwk(key, kid),
        "jku": "http://127.0.0.1:9/jwks.json",
        "x5u": "http://127.0.0.1:9/",
    }
    problem(ask(site, tokens.signed(header, tokens.claims_of(token), key)), 401, "unauthorized")


def test_r123_an_unknown_critical_header_is_refused(site: Site, token: str) -> None:
    header = tokens.header_of(token) | {"crit": ["b64"], "b64": False}
    problem(ask(site, ".".join([tokens.segment(header), *token.split(".")[1:]])), 401, "unauthorized")


def test_changed_claims_are_refused(site: Site, token: str, person: Callable[..., Person]) -> None:
    victim = tokens.claims_of(token)
    own = person().api.tokens["access_token"]
    header, _, signature = own.split(".")
    claims = tokens.claims_of(own)
    for change in ({"sub": victim["sub"]}, {"sid": victim["sid"]}, {"exp": claims["exp"] + 3600}, {"roles": ["admin"]}):
        problem(ask(site, f"{header}.{tokens.segment(claims | change)}.{signature}"), 401, "unauthorized")


def spoilt(token: str) -> dict[str, str]:
    """R-126: three segments of strict base64url, at most 8 KiB."""
    header, claims, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes leave four unused bits in the last character: setting one changes no byte of the signature.
    twin = alphabet[alphabet.index(signature[-1]) ^ 1]
    return {
        "stripped signature": f"{header}.{claims}.",
        "two segments": f"{header}.{claims}",
        "four segments": f"{token}.{signature}",
        "five segments": f"{token}..{signature}",
        "padded": f"{token}==",
        "not canonical": f"{header}.{claims}.{signature[:-1]}{twin}",
        "cut signature": token[:-4],
        "no header": f".{claims}.{signature}",
        "too long": f"{header}.{claims}.{signature}" + "A" * 9000,
        "a dot": ".",
        "json": '{"payload":"x"}',
        "standard alphabet": f"{header}.{claims}.+/{signature[2:]}",
    }


@pytest.mark.parametrize("kind", list(spoilt("a.b.cA")))
def test_r126_what_is_not_compact_and_strict_is_refused(site: Site, token: str, kind: str) -> None:
    problem(ask(site, spoilt(token)[kind]), 401, "unauthorized")


def test_r108_a_token_in_the_query_is_not_looked_at(anonymous: Client, token: str) -> None:
    problem(anonymous.get("/v1/me", params={"access_token": token}), 401, "unauthorized")


@pytest.mark.parametrize("value", ["Basic YWRtaW46YWRtaW4=", "Bearer", "Token abc", "Bearer a b c"])
def test_other_authorization_headers_are_refused(anonymous: Client, value: str) -> None:
    problem(anonymous.get("/v1/me", headers={"Authorization": value}), 401, "unauthorized")


def test_the_scheme_is_read_in_any_case(anonymous: Client, token: str) -> None:
    anonymous.get("/v1/me", headers={"Authorization": f"bearer {token}"}, expect=200)


def test_two_authorization_headers_are_refused(site: Site, token: str) -> None:
    lines = [f"Authorization: Bearer {token}", f"Authorization: Bearer {token}"]
    assert wire.ask(site.base_url, "/v1/me", *lines).status == 401


# Refreshing


def test_r147_a_refresh_token_is_rotated(site: Site, person: Callable[..., Person]) -> None:
    first = person().api.tokens
    second = refresh(site, first["refresh_token"])
    assert second.status_code == 200
    assert second.headers["cache-control"] == "no-store"
    renewed = second.json()
    assert renewed["refresh_token"] != first["refresh_token"]
    assert renewed["access_token"] != first["access_token"]
    assert ask(site, renewed["access_token"]).status_code == 200
    third = refresh(site, renewed["refresh_token"])
    assert third.status_code == 200


def test_a_refreshed_session_remains_the_same_session(site: Site, person: Callable[..., Person]) -> None:
    first = person().api.tokens
    before = tokens.claims_of(first["access_token"])
    after = tokens.claims_of(refresh(site, first["refresh_token"]).json()["access_token"])
    for claim in ("sid", "sub", "auth_time", "amr"):
        assert after[claim] == before[claim]
    assert after["jti"] != before["jti"]


def test_r147_reuse_of_a_rotated_token_ends_the_session(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    elsewhere = someone.sign_in()
    stolen = someone.api.refresh_token
    renewed = refresh(site, stolen).json()
    problem(refresh(site, stolen), 401, "invalid_refresh_token")
    problem(refresh(site, renewed["refresh_token"]), 401, "invalid_refresh_token")
    problem(ask(site, renewed["access_token"]), 401, "unauthorized")
    problem(ask(site, someone.api.tokens["access_token"]), 401, "unauthorized")
    elsewhere.get("/v1/me", expect=200)


def test_r147_of_parallel_refreshes_at_most_one_succeeds(site: Site, person: Callable[..., Person]) -> None:
    token = person().api.refresh_token
    statuses = at_once([lambda: refresh(site, token).status_code] * 8)
    assert statuses.count(200) == 1
    assert statuses.count(401) == 7


def test_the_kinds_of_tokens_are_not_mixed_up(site: Site, person: Callable[..., Person]) -> None:
    issued = person().api.tokens
    problem(refresh(site, issued["access_token"]), 401, "invalid_refresh_token")
    problem(ask(site, issued["refresh_token"]), 401, "unauthorized")
    body = {"token": issued["refresh_token"], "password": new_password()}
    problem(site.anonymous.post("/v1/verify-email", json=body), 422, "invalid_token")


@pytest.mark.parametrize("value", ["x", "a" * 4000, "' or 1=1 --", "é"])
def test_an_unknown_refresh_token_is_refused(site: Site, value: str) -> None:
    answer = refresh(site, value)
    assert answer.status_code in (401, 422)
    assert answer.json()["code"] in ("invalid_refresh_token", "invalid_body")


def test_a_refresh_token_is_text(site: Site) -> None:
    for value in (["x"], {"x": 1}, 5, None):
        problem(refresh(site, value), 422, "invalid_body")


def test_r103_a_suspended_person_can_not_refresh(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    site.admin.api.post(f"/v1/users/{someone.id}/suspend", expect=200)
    problem(refresh(site, someone.api.refresh_token), 401, "invalid_refresh_token")
    problem(ask(site, someone.api.tokens["access_token"]), 401, "unauthorized")


# Signing out


def test_r103_signing_out_ends_this_session_and_no_other(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    elsewhere = someone.sign_in()
    assert someone.api.post("/v1/logout", expect=204).content == b""
    problem(ask(site, someone.api.tokens["access_token"]), 401, "unauthorized")
    problem(refresh(site, someone.api.refresh_token), 401, "invalid_refresh_token")
    problem(someone.api.post("/v1/logout"), 401, "unauthorized")
    elsewhere.get("/v1/me", expect=200)


def test_signing_out_needs_a_session(anonymous: Client) -> None:
    problem(anonymous.post("/v1/logout"), 401, "unauthorized")


# Changes of rights


def test_r204_granted_and_taken_rights_count_at_the_next_request(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    token = someone.api.tokens["access_token"]
    held = Bearer(site.base_url, token)
    problem(held.get("/v1/users"), 403, "forbidden")
    site.grant(someone, "manager")
    held.get("/v1/users", expect=200)
    site.grant(someone)
    problem(held.get("/v1/users"), 403, "forbidden")
