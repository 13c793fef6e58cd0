"""Who may call what: every operation of the document, by everybody (R-200).

What is expected is derived from what is declared: `public` lets all in, `recognised` all who may act, `signed_in` and `fresh`
those of them who are people in a session, and a permission those who hold it. A new operation is covered by being declared,
once its rule is written down in EXPECTED_ACCESS; a new kind of caller is a line in PRINCIPALS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from harness import operations
from harness.canary import new_address
from harness.client import Bearer, Client, outward, problem
from harness.operations import Operation
from harness.people import Person, Site
from harness.programs import ACCOUNTS, OWN_KEYS, Program, keys_of, program, service_account

EXPECTED_ACCESS = {
    ("POST", "/v1/setup"): "public",
    ("POST", "/v1/register"): "public",
    ("POST", "/v1/verify-email"): "public",
    ("POST", "/v1/verify-email/resend"): "public",
    ("POST", "/v1/login"): "public",
    ("POST", "/v1/login/second-factor"): "public",
    ("POST", "/v1/login/passkey"): "public",
    ("POST", "/v1/login/passkey/options"): "public",
    ("POST", "/v1/refresh"): "public",
    ("POST", "/v1/reauthenticate"): "signed_in",
    ("POST", "/v1/logout"): "signed_in",
    ("POST", "/v1/password/check"): "public",
    ("POST", "/v1/password/forgot"): "public",
    ("POST", "/v1/password/reset"): "public",
    ("POST", "/v1/report-sign-in"): "public",
    ("GET", "/v1/me"): "signed_in",
    ("PATCH", "/v1/me"): "signed_in",
    ("GET", "/v1/me/data"): "signed_in",
    ("DELETE", "/v1/me"): "fresh",
    ("POST", "/v1/undo-deletion"): "public",
    ("PUT", "/v1/me/password"): "fresh",
    ("PUT", "/v1/me/avatar"): "signed_in",
    ("DELETE", "/v1/me/avatar"): "signed_in",
    ("GET", "/v1/me/emails"): "signed_in",
    ("POST", "/v1/me/emails"): "fresh",
    ("POST", "/v1/me/emails/confirm"): "public",
    ("PUT", "/v1/me/emails/{id}/primary"): "fresh",
    ("DELETE", "/v1/me/emails/{id}"): "fresh",
    ("GET", "/v1/me/sessions"): "signed_in",
    ("DELETE", "/v1/me/sessions/{id}"): "signed_in",
    ("POST", "/v1/me/sessions/revoke-others"): "fresh",
    ("GET", "/v1/me/passkeys"): "signed_in",
    ("POST", "/v1/me/passkeys"): "fresh",
    ("POST", "/v1/me/passkeys/options"): "fresh",
    ("PATCH", "/v1/me/passkeys/{id}"): "signed_in",
    ("DELETE", "/v1/me/passkeys/{id}"): "fresh",
    ("POST", "/v1/reauthenticate/passkey"): "signed_in",
    ("GET", "/v1/me/second-factors"): "signed_in",
    ("POST", "/v1/me/second-factors/totp"): "fresh",
    ("POST", "/v1/me/second-factors/totp/confirm"): "fresh",
    ("DELETE", "/v1/me/second-factors/totp"): "fresh",
    ("POST", "/v1/me/second-factors/recovery-codes"): "fresh",
    ("GET", "/v1/me/trusted-devices"): "signed_in",
    ("DELETE", "/v1/me/trusted-devices"): "signed_in",
    ("DELETE", "/v1/me/trusted-devices/{id}"): "signed_in",
    ("GET", "/v1/me/api-keys"): "signed_in",
    ("POST", "/v1/me/api-keys"): "fresh",
    ("DELETE", "/v1/me/api-keys/{id}"): "signed_in",
    ("GET", "/v1/whoami"): "recognised",
    ("GET", "/v1/authz/forward"): "recognised",
    ("GET", "/v1/users"): "users:read",
    ("PUT", "/v1/users/{id}/avatar"): "users:write",
    ("DELETE", "/v1/users/{id}/avatar"): "users:write",
    ("POST", "/v1/users"): "users:write",
    ("GET", "/v1/users/{id}"): "users:read",
    ("PATCH", "/v1/users/{id}"): "users:write",
    ("DELETE", "/v1/users/{id}"): "users:delete",
    ("POST", "/v1/users/{id}/suspend"): "users:write",
    ("POST", "/v1/users/{id}/reactivate"): "users:write",
    ("POST", "/v1/users/{id}/unlock"): "users:write",
    ("POST", "/v1/users/{id}/restore"): "users:delete",
    ("POST", "/v1/users/{id}/sign-out-everywhere"): "users:write",
    ("POST", "/v1/users/{id}/reset-password"): "users:write",
    ("GET", "/v1/users/{id}/sessions"): "users:read",
    ("DELETE", "/v1/users/{id}/sessions/{session_id}"): "users:write",
    ("GET", "/v1/users/{id}/api-keys"): "users:read",
    ("GET", "/v1/users/{id}/credentials"): "users:read",
    ("GET", "/v1/users/{id}/mails"): "users:read",
    ("DELETE", "/v1/users/{id}/api-keys/{key_id}"): "users:write",
    ("DELETE", "/v1/users/{id}/second-factors"): "second_factors:reset",
    ("POST", "/v1/users/{id}/emails"): "users:write",
    ("PUT", "/v1/users/{id}/emails/{email_id}/primary"): "users:write",
    ("DELETE", "/v1/users/{id}/emails/{email_id}"): "users:write",
    ("PUT", "/v1/users/{id}/roles"): "roles:assign",
    ("GET", "/v1/users/{id}/roles"): "users:read",
    ("PUT", "/v1/users/{id}/roles/{role}"): "roles:assign",
    ("DELETE", "/v1/users/{id}/roles/{role}"): "roles:assign",
    ("GET", "/v1/users/{id}/groups"): "users:read",
    ("GET", "/v1/users/{id}/permissions"): "users:read",
    ("PUT", "/v1/users/{id}/professional"): "users:write",
    ("GET", "/v1/users/{id}/history"): "users:read",
    ("GET", "/v1/users/{id}/sign-ins"): "signins:read",
    ("GET", "/v1/changes"): "audit:read",
    ("GET", "/v1/changes/{id}"): "audit:read",
    ("GET", "/v1/changes/{id}/members"): "audit:read",
    ("POST", "/v1/changes/{id}/undo"): "users:write",
    ("POST", "/v1/bulk"): "users:read",
    ("GET", "/v1/bulk"): "users:read",
    ("GET", "/v1/bulk/{id}"): "users:read",
    ("GET", "/v1/bulk/{id}/items"): "users:read",
    ("POST", "/v1/bulk/{id}/run"): "users:read",
    ("POST", "/v1/bulk/{id}/pause"): "users:read",
    ("POST", "/v1/bulk/{id}/resume"): "users:read",
    ("GET", "/v1/attribute-schema"): "users:read",
    ("PUT", "/v1/attribute-schema"): "attributes:write",
    ("POST", "/v1/attribute-schema/migrations"): "attributes:write",
    ("POST", "/v1/imports"): "users:write",
    ("GET", "/v1/imports"): "users:write",
    ("GET", "/v1/imports/{id}"): "users:write",
    ("GET", "/v1/imports/{id}/rows"): "users:write",
    ("GET", "/v1/imports/{id}/report"): "users:write",
    ("POST", "/v1/imports/{id}/apply"): "users:write",
    ("POST", "/v1/imports/{id}/pause"): "users:write",
    ("POST", "/v1/imports/{id}/resume"): "users:write",
    ("GET", "/v1/exports/users"): "users:read",
    ("GET", "/v1/analytics"): "analytics:read",
    ("GET", "/v1/inactivity-rules"): "inactivity:read",
    ("POST", "/v1/inactivity-rules"): "inactivity:write",
    ("GET", "/v1/inactivity-rules/{id}"): "inactivity:read",
    ("PATCH", "/v1/inactivity-rules/{id}"): "inactivity:write",
    ("DELETE", "/v1/inactivity-rules/{id}"): "inactivity:write",
    ("POST", "/v1/inactivity-rules/{id}/preview"): "inactivity:read",
    ("GET", "/v1/invitations"): "invitations:read",
    ("POST", "/v1/invitations"): "invitations:write",
    ("POST", "/v1/invitations/batch"): "invitations:write",
    ("GET", "/v1/invitations/counts"): "invitations:read",
    ("POST", "/v1/invitations/accept"): "public",
    ("GET", "/v1/invitations/{id}"): "invitations:read",
    ("POST", "/v1/invitations/{id}/resend"): "invitations:write",
    ("DELETE", "/v1/invitations/{id}"): "invitations:write",
    ("GET", "/v1/me/approval-requests"): "signed_in",
    ("POST", "/v1/me/approval-requests"): "signed_in",
    ("DELETE", "/v1/me/approval-requests/{id}"): "signed_in",
    ("GET", "/v1/approval-requests"): "users:read",
    ("GET", "/v1/approval-requests/{id}"): "users:read",
    ("POST", "/v1/approval-requests/{id}/approve"): "users:write",
    ("POST", "/v1/approval-requests/{id}/decline"): "users:write",
    ("GET", "/v1/roles"): "roles:read",
    ("POST", "/v1/roles"): "roles:write",
    ("GET", "/v1/roles/{name}"): "roles:read",
    ("PATCH", "/v1/roles/{name}"): "roles:write",
    ("DELETE", "/v1/roles/{name}"): "roles:write",
    ("GET", "/v1/permissions"): "roles:read",
    ("GET", "/v1/permissions/{permission}/holders"): "users:read",
    ("GET", "/v1/groups"): "roles:read",
    ("POST", "/v1/groups"): "roles:write",
    ("GET", "/v1/groups/{id}"): "roles:read",
    ("PATCH", "/v1/groups/{id}"): "roles:write",
    ("DELETE", "/v1/groups/{id}"): "roles:write",
    ("PUT", "/v1/groups/{id}/roles"): "roles:assign",
    ("PUT", "/v1/groups/{id}/parents"): "roles:assign",
    ("GET", "/v1/groups/{id}/members"): "users:read",
    ("PUT", "/v1/groups/{id}/members/{user_id}"): "roles:assign",
    ("DELETE", "/v1/groups/{id}/members/{user_id}"): "roles:assign",
    ("GET", "/v1/service-accounts"): "service_accounts:read",
    ("POST", "/v1/service-accounts"): "service_accounts:write",
    ("GET", "/v1/service-accounts/{id}"): "service_accounts:read",
    ("PATCH", "/v1/service-accounts/{id}"): "service_accounts:write",
    ("DELETE", "/v1/service-accounts/{id}"): "service_accounts:write",
    ("POST", "/v1/service-accounts/{id}/suspend"): "service_accounts:write",
    ("POST", "/v1/service-accounts/{id}/reactivate"): "service_accounts:write",
    ("GET", "/v1/service-accounts/{id}/keys"): "service_accounts:read",
    ("POST", "/v1/service-accounts/{id}/keys"): "service_accounts:write",
    ("DELETE", "/v1/service-accounts/{id}/keys/{key_id}"): "service_accounts:write",
    ("GET", "/v1/settings"): "system:read",
    ("GET", "/v1/checks"): "system:read",
    ("GET", "/v1/keys"): "system:read",
    ("POST", "/v1/keys/rotate"): "system:write",
    ("GET", "/v1/mails"): "system:read",
    ("GET", "/v1/mails/{id}"): "system:read",
    ("POST", "/v1/mails/{id}/retry"): "system:write",
    ("GET", "/v1/audit-events"): "audit:read",
    ("GET", "/v1/audit/checkpoint"): "audit:read",
    ("GET", "/v1/branding"): "system:read",
    ("PUT", "/v1/branding"): "system:write",
    ("PUT", "/v1/branding/logo"): "system:write",
    ("DELETE", "/v1/branding/logo"): "system:write",
    ("GET", "/v1/mail-texts"): "system:read",
    ("GET", "/v1/mail-texts/{name}/{language}"): "system:read",
    ("PUT", "/v1/mail-texts/{name}/{language}"): "system:write",
    ("DELETE", "/v1/mail-texts/{name}/{language}"): "system:write",
    ("POST", "/v1/mail-texts/{name}/{language}/preview"): "system:read",
    ("POST", "/v1/mail-texts/{name}/{language}/test"): "system:write",
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
    # A program has none: what people do about themselves is not for it.
    has_session: bool = True


def held_by(site: Site, role: str | None) -> set[str]:
    """The permissions of a built-in role; test_roles.py says which they must be."""
    return set(site.admin.api.get(f"/v1/roles/{role}", expect=200).json()["permissions"]) if role else set()


def with_token_of(change: Callable[[Site, Person], None]) -> Callable[[Site], Client]:
    """Somebody who held every permission when their token was made, until this happened to them."""

    def make(site: Site) -> Client:
        someone = site.person("admin")
        token = someone.api.tokens["access_token"]
        Bearer(site.base_url, token).get("/v1/users", expect=200)
        change(site, someone)
        return Bearer(site.base_url, token)

    return make


def users_key(site: Site, role: str) -> tuple[Person, Program]:
    """A key for all that its owner may."""
    owner = site.person(role)
    return owner, program(owner.api, *held_by(site, role))


def accounts_key(site: Site, role: str) -> tuple[dict[str, Any], Program]:
    """A key for all that its service account may, which is what the role may."""
    account = service_account(site.admin.api, *held_by(site, role))
    return account, program(site.admin.api, keys=keys_of(account))


def revoked_key(site: Site) -> Client:
    """A key that opened everything until its owner revoked it."""
    owner, made = users_key(site, "admin")
    made.api.get("/v1/users", expect=200)
    owner.api.delete(f"{OWN_KEYS}/{made.id}", expect=204)
    return made.api


def key_of_suspended_account(site: Site) -> Client:
    """A key that opened everything until its service account was suspended."""
    account, made = accounts_key(site, "admin")
    made.api.get("/v1/users", expect=200)
    site.admin.api.post(f"{ACCOUNTS}/{account['id']}/suspend", expect=200)
    return made.api


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
    "user's key": Principal(lambda site: users_key(site, "manager")[1].api, "manager", has_session=False),
    "service account": Principal(lambda site: accounts_key(site, "manager")[1].api, "manager", has_session=False),
    "revoked key": Principal(revoked_key, None, has_session=False),
    "suspended service account": Principal(key_of_suspended_account, None, has_session=False),
}
# Those who are made without a mail.
BY_THEMSELVES = {"anonymous", "admin", "service account", "suspended service account"}


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


def surprise(answer: httpx.Response, access: str, principal: Principal, held: set[str]) -> str | None:
    """What is wrong with an answer, by the rule of its operation."""
    code = answer.json()["code"] if answer.status_code >= 400 else None
    told = f"{answer.status_code} {code}"
    if access == "public":
        fits = answer.status_code not in (401, 403)
    elif principal.role is None:
        fits = answer.status_code == 401 and code == "unauthorized" and "www-authenticate" in answer.headers
    elif access in PERSONAL and not principal.has_session:
        fits = answer.status_code == 403 and code == "session_required"
    elif access in PERSONAL or access == "recognised" or access in held:
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
    "/v1/imports/{id}/apply": {"token": "of nobody"},
}
# Operations on things that belong to nobody: the permission decides alone. Whom a change or a run may touch is judged user by user:
# test_administration.py.
COMMON = {
    "/v1/changes/{id}",
    "/v1/changes/{id}/members",
    "/v1/changes/{id}/undo",
    "/v1/bulk/{id}",
    "/v1/bulk/{id}/items",
    "/v1/bulk/{id}/run",
    "/v1/bulk/{id}/pause",
    "/v1/bulk/{id}/resume",
    "/v1/inactivity-rules/{id}",
    "/v1/inactivity-rules/{id}/preview",
    "/v1/approval-requests/{id}",
    "/v1/approval-requests/{id}/approve",
    "/v1/approval-requests/{id}/decline",
    "/v1/invitations/{id}",
    "/v1/invitations/{id}/resend",
    "/v1/mails/{id}",
    "/v1/mails/{id}/retry",
    "/v1/mail-texts/{name}/{language}",
    "/v1/mail-texts/{name}/{language}/preview",
    "/v1/mail-texts/{name}/{language}/test",
    "/v1/roles/{name}",
    "/v1/permissions/{permission}/holders",
    "/v1/groups/{id}",
    "/v1/groups/{id}/roles",
    "/v1/groups/{id}/parents",
    "/v1/groups/{id}/members",
    "/v1/groups/{id}/members/{user_id}",
}
# What is one's own is looked for among one's own only. Keys of others are asked for in test_api_keys.py; their sessions, addresses,
# trusted devices, passkeys and requests in the tests beside the code.
OWN = "/v1/me/"


def victims(site: Site) -> dict[str, dict[str, str]]:
    """Somebody who holds everything, a service account that does, each with a key, and an import that was allowed everything; by the
    beginning of their paths."""
    victim, of_victim = users_key(site, "admin")
    account, of_account = accounts_key(site, "admin")
    csv = {"Content-Type": "text/csv"}
    theirs = site.admin.api.post("/v1/imports", content="email\n", headers=csv, expect=201).json()
    return {
        "/v1/users/{id}": {"id": victim.id, "key_id": of_victim.id},
        "/v1/service-accounts/{id}": {"id": account["id"], "key_id": of_account.id},
        "/v1/imports/{id}": {"id": theirs["id"]},
    }


def whose(operation: Operation, found: dict[str, dict[str, str]]) -> dict[str, str]:
    """The victim of an operation."""
    fitting = [values for beginning, values in found.items() if operation.path.startswith(beginning)]
    assert len(fitting) == 1, f"whose object is that of {operation}? Say it here"
    return fitting[0]


def standing(site: Site, found: dict[str, dict[str, str]]) -> list[Any]:
    """What is there of the victims. The import is judged meanwhile."""
    people = {beginning: values for beginning, values in found.items() if not beginning.startswith("/v1/imports")}
    paths = [beginning.format(**values) for beginning, values in people.items()]
    keys = [f"{path}/{name}" for path, name in zip(paths, ("api-keys", "keys"), strict=True)]
    return [site.admin.api.get(path, expect=200).json() for path in (*paths, *keys)]


@pytest.mark.needs_mail
@pytest.mark.parametrize("name", ["user", "manager", "user's key", "service account"])
def test_r203_another_persons_object_is_out_of_reach(site: Site, declared: list[Operation], name: str) -> None:
    """A user reaches nobody, and a manager nobody who holds more; their programs neither."""
    principal = PRINCIPALS[name]
    client, held = principal.make(site), held_by(site, principal.role)
    found = victims(site)
    before = standing(site, found)
    for operation in declared:
        if "{" not in operation.path or operation.path in COMMON or operation.path.startswith(OWN):
            continue
        if (operation.method, operation.path) == ("PUT", "/v1/users/{id}/avatar"):
            # What is sent is no picture, and that is said first. avatars/tests.rs sends one.
            continue
        options = {"json": BODIES[operation.path]} if operation.path in BODIES else operation.options()
        answer = client.request(operation.method, operation.target(**whose(operation, found)), **options)
        problem(answer, 403, "target_outranks_caller" if operation.access in held else "forbidden")
    assert standing(site, found) == before


@pytest.mark.needs_mail
def test_r201_to_who_may_not_look_another_persons_object_is_like_one_that_is_missing(
    site: Site, declared: list[Operation]
) -> None:
    client, found = PRINCIPALS["user"].make(site), victims(site)
    for operation in declared:
        if "{id}" in operation.path and operation.path not in COMMON and not operation.path.startswith(OWN):
            answers = [
                client.request(operation.method, operation.target(**values), **operation.options())
                for values in (whose(operation, found), {})
            ]
            assert outward(answers[0]) == outward(answers[1]), f"{operation} tells what is there"
