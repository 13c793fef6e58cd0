"""Access and refresh tokens: what they say, and how they end. What is refused is in test_token_abuse.py."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from harness import tokens
from harness.canary import new_password
from harness.client import Bearer, Client, problem
from harness.people import Person, Site
from harness.waiting import at_once


@pytest.fixture(scope="module")
def jwks(site: Site) -> dict[str, Any]:
    return site.anonymous.get("/.well-known/jwks.json", expect=200).json()


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
