"""Who may call what: every operation of the document, by everybody (R-200).

What is expected is derived from what is declared: `public` lets all in, `signed_in` and `fresh` all who may act, and a permission
those whose roles hold it. A new operation is covered by being declared, once its rule is written down in EXPECTED_ACCESS; a new kind
of caller is a line in PRINCIPALS.
"""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from harness import operations
from harness.canary import new_address
from harness.client import Bearer, Client, outward, problem
from harness.operations import Operation
from harness.people import Person, Site

EXPECTED_ACCESS = {
    ("POST", "/v1/setup"): "public",
    ("POST", "/v1/register"): "public",
    ("POST", "/v1/verify-email"): "public",
    ("POST", "/v1/verify-email/resend"): "public",
    ("POST", "/v1/login"): "public",
    ("POST", "/v1/refresh"): "public",
    ("POST", "/v1/reauthenticate"): "signed_in",
    ("POST", "/v1/logout"): "signed_in",
    ("POST", "/v1/password/check"): "public",
    ("POST", "/v1/password/forgot"): "public",
    ("POST", "/v1/password/reset"): "public",
    ("POST", "/v1/report-sign-in"): "public",
    ("GET", "/v1/me"): "signed_in",
    ("PATCH", "/v1/me"): "signed_in",
    ("DELETE", "/v1/me"): "fresh",
    ("POST", "/v1/undo-deletion"): "public",
    ("PUT", "/v1/me/password"): "fresh",
    ("GET", "/v1/me/emails"): "signed_in",
    ("POST", "/v1/me/emails"): "fresh",
    ("POST", "/v1/me/emails/confirm"): "public",
    ("PUT", "/v1/me/emails/{id}/primary"): "fresh",
    ("DELETE", "/v1/me/emails/{id}"): "fresh",
    ("GET", "/v1/me/sessions"): "signed_in",
    ("DELETE", "/v1/me/sessions/{id}"): "signed_in",
    ("POST", "/v1/me/sessions/revoke-others"): "fresh",
    ("GET", "/v1/users"): "users:read",
    ("POST", "/v1/users"): "users:write",
    ("GET", "/v1/users/{id}"): "users:read",
    ("PATCH", "/v1/users/{id}"): "users:write",
    ("DELETE", "/v1/users/{id}"): "users:delete",
    ("POST", "/v1/users/{id}/suspend"): "users:write",
    ("POST", "/v1/users/{id}/reactivate"): "users:write",
    ("POST", "/v1/users/{id}/unlock"): "users:write",
    ("POST", "/v1/users/{id}/restore"): "users:delete",
    ("POST", "/v1/users/{id}/sign-out-everywhere"): "users:write",
    ("GET", "/v1/users/{id}/sessions"): "users:read",
    ("DELETE", "/v1/users/{id}/sessions/{session_id}"): "users:write",
    ("POST", "/v1/users/{id}/emails"): "users:write",
    ("PUT", "/v1/users/{id}/emails/{email_id}/primary"): "users:write",
    ("DELETE", "/v1/users/{id}/emails/{email_id}"): "users:write",
    ("PUT", "/v1/users/{id}/roles"): "roles:assign",
    ("PUT", "/v1/users/{id}/professional"): "users:write",
    ("GET", "/v1/roles"): "roles:read",
    ("POST", "/v1/roles"): "roles:write",
    ("GET", "/v1/roles/{name}"): "roles:read",
    ("PATCH", "/v1/roles/{name}"): "roles:write",
    ("DELETE", "/v1/roles/{name}"): "roles:write",
    ("GET", "/v1/permissions"): "roles:read",
    ("GET", "/v1/audit-events"): "audit:read",
    ("GET", "/v1/audit/checkpoint"): "audit:read",
    ("GET", "/.well-known/jwks.json"): "public",
    ("GET", "/livez"): "public",
    ("GET", "/readyz"): "public",
}
# What people do about themselves; `fresh` to those who have just signed in, as all do here.
PERSONAL = {"signed_in", "fresh"}
# Elsewhere when USHER_METRICS_LISTEN says so.
MAY_BE_THERE = {("GET", "/metrics"): "public"}
# Whoever walks would be deleted, or sign out the others who walk as the same person.
NOT_WALKED = {("DELETE", "/v1/me"), ("POST", "/v1/me/sessions/revoke-others")}


@dataclass(frozen=True)
class Principal:
    """A kind of caller."""

    make: Callable[[Site], Client]
    # The built-in role whose permissions they hold beside those of `user`; None of those whom nothing shall open.
    role: str | None


def with_token_of(change: Callable[[Site, Person], None]) -> Callable[[Site], Client]:
    """Somebody who held every permission when their token was made, until this happened to them."""

    def make(site: Site) -> Client:
        someone = site.person("admin")
        token = someone.api.tokens["access_token"]
        Bearer(site.base_url, token).get("/v1/users", expect=200)
        change(site, someone)
        return Bearer(site.base_url, token)

    return make


def suspend(site: Site, someone: Person) -> None:
    site.admin.api.post(f"/v1/users/{someone.id}/suspend", expect=200)


def delete(site: Site, someone: Person) -> None:
    site.admin.api.delete(f"/v1/users/{someone.id}", expect=204)


PRINCIPALS = {
    "anonymous": Principal(lambda site: Client(site.base_url), None),
    "user": Principal(lambda site: site.person().api, "user"),
    "manager": Principal(lambda site: site.person("manager").api, "manager"),
    "admin": Principal(lambda site: site.admin.sign_in(), "admin"),
    "suspended": Principal(with_token_of(suspend), None),
    "deleted": Principal(with_token_of(delete), None),
}
# Those who are made without a mail.
BY_THEMSELVES = {"anonymous", "admin"}


@pytest.fixture(scope="module")
def declared(anonymous: Client) -> list[Operation]:
    return operations.declared(anonymous)


def test_r200_every_operation_declares_the_access_that_was_decided(declared: list[Operation]) -> None:
    found = {(operation.method, operation.path): operation.access for operation in declared}
    expected = EXPECTED_ACCESS | {name: access for name, access in MAY_BE_THERE.items() if name in found}
    assert found == expected


def test_the_document_marks_what_needs_a_token(declared: list[Operation]) -> None:
    for operation in declared:
        assert operation.has_security == (operation.access != "public"), operation


def held_by(site: Site, role: str | None) -> set[str]:
    """The permissions of a built-in role; test_roles.py says which they must be."""
    return set(site.admin.api.get(f"/v1/roles/{role}", expect=200).json()["permissions"]) if role else set()


def surprise(answer: httpx.Response, access: str, principal: Principal, held: set[str]) -> str | None:
    """What is wrong with an answer, by the rule of its operation."""
    code = answer.json()["code"] if answer.status_code >= 400 else None
    told = f"{answer.status_code} {code}"
    if access == "public":
        fits = answer.status_code not in (401, 403)
    elif principal.role is None:
        fits = answer.status_code == 401 and code == "unauthorized" and "www-authenticate" in answer.headers
    elif access in PERSONAL or access in held:
        fits = answer.status_code not in (401, 403)
    else:
        fits = answer.status_code == 403 and code == "forbidden"
    return None if fits else told


@pytest.mark.parametrize(
    "name",
    [name if name in BY_THEMSELVES else pytest.param(name, marks=pytest.mark.needs_mail) for name in PRINCIPALS],
)
def test_r200_every_operation_lets_in_exactly_whom_it_should(site: Site, declared: list[Operation], name: str) -> None:
    principal = PRINCIPALS[name]
    client, held = principal.make(site), held_by(site, principal.role)
    surprises = []
    for operation in declared:
        if principal.role is not None and (operation.method, operation.path) in NOT_WALKED:
            continue
        answer = client.request(operation.method, operation.target(), **operation.options())
        wrong = surprise(answer, operation.access, principal, held)
        if wrong:
            surprises.append(f"{name} {operation} ({operation.access}) -> {wrong}")
        # Signing out works, and so may others that end the session: go on as the same kind of caller.
        has_ended = operation.method != "GET" and answer.is_success and operation.access in PERSONAL
        if has_ended and client.get("/v1/me").status_code == 401:
            client = principal.make(site)
    assert surprises == []


# Another person's object

# What a change needs to get as far as the question whose object it is. Others are sent as they are in the walk above.
BODIES = {
    "/v1/users/{id}/roles": {"roles": ["user"]},
    "/v1/users/{id}/professional": {"professional": True},
    "/v1/users/{id}/emails": {"email": new_address()},
}
# Operations on things that belong to nobody: the permission decides alone.
COMMON = {"/v1/roles/{name}"}
# What is one's own is looked for among one's own only; test_account.py asks for that of others.
OWN = "/v1/me/"


@pytest.mark.needs_mail
@pytest.mark.parametrize("name", ["user", "manager"])
def test_r203_another_persons_object_is_out_of_reach(site: Site, declared: list[Operation], name: str) -> None:
    """A user reaches nobody, and a manager nobody who holds more."""
    principal = PRINCIPALS[name]
    client, held = principal.make(site), held_by(site, principal.role)
    victim = site.person("admin")
    before = site.read(victim.id)
    for operation in declared:
        if "{" not in operation.path or operation.path in COMMON or operation.path.startswith(OWN):
            continue
        assert operation.path.startswith("/v1/users/{id}"), f"whose object is that of {operation}? Say it here"
        options = {"json": BODIES[operation.path]} if operation.path in BODIES else operation.options()
        answer = client.request(operation.method, operation.target(id=victim.id), **options)
        problem(answer, 403, "target_outranks_caller" if operation.access in held else "forbidden")
    assert site.read(victim.id) == before
    victim.api.get("/v1/me", expect=200)


@pytest.mark.needs_mail
def test_r201_to_who_may_not_look_another_persons_object_is_like_one_that_is_missing(
    site: Site, declared: list[Operation]
) -> None:
    client, victim = PRINCIPALS["user"].make(site), site.person()
    for operation in declared:
        if "{id}" in operation.path and not operation.path.startswith(OWN):
            answers = [
                client.request(operation.method, operation.target(id=user_id), **operation.options())
                for user_id in (victim.id, operations.NOBODY)
            ]
            assert outward(answers[0]) == outward(answers[1]), f"{operation} tells what is there"
