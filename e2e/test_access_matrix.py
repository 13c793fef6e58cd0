"""Who may call what: every operation of the document, by everybody (R-200)."""

from typing import Any

import pytest

from harness.client import Bearer, Client
from harness.people import Site

METHODS = ("get", "post", "put", "patch", "delete")
PERMISSIONS = {
    "anonymous": None,
    "user": set(),
    "manager": {"users:read", "users:write", "roles:read"},
    "admin": {"users:read", "users:write", "users:delete", "roles:read", "roles:write", "roles:assign", "audit:read"},
}
EXPECTED_ACCESS = {
    ("POST", "/v1/setup"): "public",
    ("POST", "/v1/register"): "public",
    ("POST", "/v1/verify-email"): "public",
    ("POST", "/v1/verify-email/resend"): "public",
    ("POST", "/v1/login"): "public",
    ("POST", "/v1/refresh"): "public",
    ("POST", "/v1/logout"): "signed_in",
    ("POST", "/v1/password/check"): "public",
    ("POST", "/v1/password/forgot"): "public",
    ("POST", "/v1/password/reset"): "public",
    ("GET", "/v1/me"): "signed_in",
    ("PATCH", "/v1/me"): "signed_in",
    ("GET", "/v1/users"): "users:read",
    ("POST", "/v1/users"): "users:write",
    ("GET", "/v1/users/{id}"): "users:read",
    ("PATCH", "/v1/users/{id}"): "users:write",
    ("DELETE", "/v1/users/{id}"): "users:delete",
    ("POST", "/v1/users/{id}/suspend"): "users:write",
    ("POST", "/v1/users/{id}/reactivate"): "users:write",
    ("POST", "/v1/users/{id}/unlock"): "users:write",
    ("POST", "/v1/users/{id}/restore"): "users:delete",
    ("PUT", "/v1/users/{id}/roles"): "roles:assign",
    ("PUT", "/v1/users/{id}/professional"): "users:write",
    ("GET", "/v1/roles"): "roles:read",
    ("POST", "/v1/roles"): "roles:write",
    ("GET", "/v1/roles/{name}"): "roles:read",
    ("PATCH", "/v1/roles/{name}"): "roles:write",
    ("DELETE", "/v1/roles/{name}"): "roles:write",
    ("GET", "/v1/permissions"): "roles:read",
    ("GET", "/v1/audit-events"): "audit:read",
    ("GET", "/.well-known/jwks.json"): "public",
    ("GET", "/livez"): "public",
    ("GET", "/readyz"): "public",
}
# Elsewhere when USHER_METRICS_LISTEN says so.
MAY_BE_THERE = {("GET", "/metrics"): "public"}


@pytest.fixture(scope="module")
def operations(anonymous: Client) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the served document, with what it says of it."""
    document = anonymous.get("/openapi.json", expect=200).json()
    return {
        (method.upper(), path): item[method]
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def test_r200_every_operation_declares_the_access_that_was_decided(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    declared = {name: operation.get("x-usher-access") for name, operation in operations.items()}
    expected = EXPECTED_ACCESS | {name: access for name, access in MAY_BE_THERE.items() if name in declared}
    assert declared == expected


def test_the_document_marks_what_needs_a_token(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    for name, operation in operations.items():
        needs_token = operation["x-usher-access"] != "public"
        assert bool(operation.get("security")) == needs_token, name


def caller(request: pytest.FixtureRequest, site: Site, role: str) -> Client:
    """Somebody with this role in a session of their own, since the walk signs out as well."""
    if role == "anonymous":
        return site.anonymous
    if role == "admin":
        return site.admin.sign_in()
    request.getfixturevalue("mailbox")
    return site.person("manager").api if role == "manager" else site.person().api


@pytest.mark.parametrize(
    "role",
    [
        "anonymous",
        pytest.param("user", marks=pytest.mark.needs_mail),
        pytest.param("manager", marks=pytest.mark.needs_mail),
        "admin",
    ],
)
def test_r200_every_operation_lets_in_exactly_whom_it_should(
    request: pytest.FixtureRequest, site: Site, operations: dict[tuple[str, str], dict[str, Any]], role: str
) -> None:
    client, held = caller(request, site, role), PERMISSIONS[role]
    surprises = []
    # Signing out comes last: it ends the session.
    for (method, path), operation in sorted(operations.items(), key=lambda item: item[0][1] == "/v1/logout"):
        access = operation["x-usher-access"]
        target = path.replace("{id}", "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").replace("{name}", "no-such-role")
        answer = client.request(method, target, **({} if method in ("GET", "DELETE") else {"json": {}}))
        code = answer.json()["code"] if answer.status_code >= 400 else None
        if access == "public":
            fits = answer.status_code not in (401, 403)
        elif held is None:
            fits = answer.status_code == 401 and code == "unauthorized" and "www-authenticate" in answer.headers
        elif access == "signed_in" or access in held:
            fits = answer.status_code not in (401, 403)
        else:
            fits = answer.status_code == 403 and code == "forbidden"
        if not fits:
            surprises.append(f"{role} {method} {path} ({access}) -> {answer.status_code} {code}")
    assert surprises == []


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "a" * 9000])
def test_r200_a_bad_token_opens_nothing(
    site: Site, operations: dict[tuple[str, str], dict[str, Any]], token: str
) -> None:
    client = Bearer(site.base_url, token)
    for (method, path), operation in operations.items():
        if operation["x-usher-access"] == "public":
            continue
        target = path.replace("{id}", "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").replace("{name}", "user")
        answer = client.request(method, target)
        assert answer.status_code == 401 and answer.json()["code"] == "unauthorized", f"{method} {path}"


def test_r200_a_bad_token_does_not_close_what_is_public(site: Site) -> None:
    client = Bearer(site.base_url, "nonsense")
    for path in ("/livez", "/readyz", "/.well-known/jwks.json", "/openapi.json", "/docs"):
        client.get(path, expect=200)
