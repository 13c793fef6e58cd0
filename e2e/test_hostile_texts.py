"""Every text that anybody can set, as 40 texts that would run something, on every page that shows it: nothing runs.

The tables say where each text of a request's body is shown, by which it is refused, or why no page shows it; one that is in none
of them fails. All 40 payloads are in `LINES`, a few in each, as many as a name has room for: of many things each has other lines in
its texts, so that in the end every text has had all of them.
"""

import csv
import io
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Error, Route, expect

from harness import database, operations
from harness.bodies import declared, put
from harness.canary import new_address, new_password, unique
from harness.client import Session
from harness.mailbox import Mailbox, token_of
from harness.operations import METHODS, PARAMETERS
from harness.people import Person, Site
from harness.programs import keys_of, service_account
from harness.server import Usher
from harness.looks import PAYLOADS
from harness.trap import LINES, WHOLE, Trap, packed
from harness.waiting import until
from test_passkeys import Authenticator, add

NAMES = "display_name given_name family_name bio"
URLS = "picture_url website_url github_url linkedin_url"
PROFILE = f"{NAMES} {URLS} attributes"
FRAME = "/account /account/username /account/avatar /account/addresses /account/addresses/new /account/sessions /account/password "
FRAME += "/account/professional /account/second-factors /account/data /account/delete /account/api-keys/new /admin"
USER = "/admin/users/{user} /admin/users/{user}/edit"
ACTS = "/admin/users/{user}/act/suspend /admin/users/{user}/act/delete /admin/users/{user}/roles/grant "
ACTS += "/admin/users/{user}/roles/user/take"
GROUP = "/admin/groups /admin/groups/{group} /admin/groups/{group}/edit /admin/groups/{group}/delete"
BELOW = "/admin/groups/{below} /admin/groups/{below}/parents /admin/users/{user} "
BELOW += "/admin/groups/{group}/members/add /admin/groups/{group}/members/{user}/remove"
ROLE = "/admin/roles /admin/roles/{role} /admin/roles/{role}/edit /admin/roles/{role}/delete /admin/groups/{group}/roles"
ACCOUNT = "/admin/service-accounts /admin/service-accounts/{account} /admin/service-accounts/{account}/edit"
KEYS = "/admin/service-accounts/{account} /admin/service-accounts/{account}/keys/{key}/revoke"
INVITATION = "/admin/invitations/{invitation}"
REQUEST = "/admin/requests/{request}"
EVENT = "/admin/audit/{event}"
CHANGE = "/admin/changes/{change} " + EVENT
TRAILS = "/admin/changes /admin/audit"
TEXT = "/admin/mails/texts/{name}/en"

# What is shown: of which things, which operation sets which texts of them (or where else they come from), and on which pages they
# are. A page without a name in braces shows all of the things.
SHOWN: dict[str, list[tuple[str, str, str]]] = {
    "setup": [("setup", "display_name", FRAME + " /admin/users/{user} /admin/audit /admin/changes")],
    "users": [
        ("create_user", PROFILE, CHANGE),
        ("update_user", PROFILE, f"{USER} {CHANGE}"),
        ("update_user", "display_name", f"/admin/users /admin/permissions/users:read {ACTS} {TRAILS}"),
        ("update_user", "attributes", "/admin/users?columns=attributes.note"),
        ("X-Reason", "", f"/admin?{{user}} /admin/users/{{user}} {CHANGE} {TRAILS}"),
    ],
    "sign-ups": [("register", f"{NAMES} {URLS}", USER), ("register", "display_name", "/admin/users?status=pending")],
    "acts": [
        ("create_user", "display_name", "/admin/users/{user}/act/restore /admin/recycle-bin"),
        *((f"{act}_user", "reason", "/admin/users/{user}") for act in ("suspend", "reactivate", "sign_out", "unlock", "restore")),
        ("X-Reason", "", "/admin/users/{user}"),
    ],
    "me": [
        ("update_me", PROFILE, "/account /account/profile"),
        ("create_my_api_key", "name", "/account/api-keys /account/activity"),
    ],
    "groups": [
        ("create_group", "name description", CHANGE),
        ("update_group", "name description", f"{GROUP} {CHANGE}"),
        ("update_group", "name", f"{BELOW} /admin/groups/{{group}}/roles /admin/groups/{{group}}/parents"),
        ("X-Reason", "", CHANGE),
    ],
    "roles": [
        ("create_role", "description", EVENT),
        ("update_role", "description", f"{ROLE} {EVENT}"),
        ("X-Reason", "", EVENT),
    ],
    "service accounts": [
        ("create_service_account", "description", EVENT),
        ("update_service_account", "description", f"{ACCOUNT} {EVENT}"),
        ("create_service_account_key", "name", KEYS),
        ("X-Reason", "", EVENT),
    ],
    "invitations": [
        ("create_invitation", "display_name message", f"{INVITATION} {{link}}"),
        ("create_invitation", "display_name", f"/admin/invitations {INVITATION}/resend {INVITATION}/revoke"),
        ("create_invitation", "forward_to", INVITATION),
        ("create_invitations", "invitations message", "/admin/invitations/{batch}"),
        ("accept_invitation", "display_name", "/admin/invitations/{accepted} /admin/users/{user}"),
        ("X-Reason", "", INVITATION),
    ],
    "requests": [
        ("update_me", "display_name", f"/admin/requests?{{request}} {REQUEST} {REQUEST}/approve {REQUEST}/decline"),
        ("update_me", "bio", REQUEST),
        ("create_my_request", "message", f"{REQUEST} /account/professional?{{request}}"),
        ("decline_request", "reason", "/admin/requests/{declined} /account/professional?{declined}"),
        ("approve_request", "reason", "/admin/requests/{approved} /account/professional?{approved}"),
    ],
    "runs in bulk": [
        ("preview_bulk", "filter", "/admin/bulk/{run} /admin/changes/{run}"),
        ("preview_bulk", "reason", "/admin/bulk/{run} /admin/changes/{run} /admin/users/{user}"),
        ("preview_bulk", "attributes", "/admin/changes/{run} /admin/users/{user}"),
        ("undo_change", "reason", "/admin/users/{user} /admin/changes/{undone}"),
    ],
    "imports": [
        ("create_import", "source", "/admin/imports /admin/imports/{import} /admin/imports/{applied}"),
        ("create_import", "map", "/admin/imports/{import} /admin/imports/{applied}"),
        ("a cell", "", "/admin/imports/{import} /admin/changes/{applied} /admin/users/{person}"),
        ("X-Reason", "", "/admin/imports/{import}"),
        ("apply_import", "reason", "/admin/imports /admin/imports/{applied} /admin/changes/{applied}"),
    ],
    "rules on inactivity": [
        ("create_inactivity_rule", "name filter exempt", EVENT),
        ("update_inactivity_rule", "name filter exempt", EVENT),
        ("X-Reason", "", EVENT),
    ],
    "schema": [
        ("set_attribute_schema", "properties.title", "/account /account/profile /admin/users/{user}/edit"),
        ("set_attribute_schema", "properties.description", "/account/profile"),
        ("set_attribute_schema", "title description", EVENT),
        ("migrate_attributes", "operations.remove", "/admin/audit/{migration}"),
        ("set_attribute_schema", "properties.enum", "/account /account/profile /admin/users/{user}/edit"),
    ],
    "programs": [("User-Agent", "", "/admin/audit/{begun} /admin/audit/{failed}")],
    "mail servers": [("what it says", "", "/admin/mails /admin/mails/{mail}")],
}
# The words of mails and the names of passkeys have tests of their own.
TRIED_BY_THEMSELVES = {
    "edit_mail_text": "text",
    "preview_mail_text": "text",
    "test_mail_text": "text",
    "add_passkey": "name",
    "rename_passkey": "name",
    # In test_branding.py.
    "choose_branding": "name links.label footer sign_in_text register_text account_text",
}
# What is no free text, and takes none of the payloads.
REFUSED = {
    "setup": "email username",
    "choose_branding": "color color_dark links.url",
    "register": "email username locale time_zone",
    "create_user": "email username locale time_zone roles",
    "update_user": "username locale time_zone",
    "update_me": "username locale time_zone",
    "accept_invitation": "username",
    "create_invitation": "email roles delivery",
    "add_my_email": "email",
    "add_user_email": "email",
    "forgot_password": "email",
    "resend_verification": "email",
    "set_user_roles": "roles",
    "grant_user_role": "expires_at",
    "set_group_roles": "roles",
    "set_group_parents": "parents",
    "put_group_member": "expires_at",
    "create_role": "name permissions",
    "update_role": "permissions",
    "create_service_account": "name permissions",
    "update_service_account": "name permissions",
    "create_service_account_key": "permissions expires_at",
    "create_my_api_key": "permissions expires_at",
    "create_my_request": "kind",
    "preview_bulk": "action ids role",
    "create_inactivity_rule": "action",
    "update_inactivity_rule": "action",
    "rotate_keys": "begin",
    "set_attribute_schema": "$schema type properties.type properties.format properties.visibility required",
    "migrate_attributes": "operations.rename.from operations.rename.to",
}
# What no page shows, and why.
SHOWN_NOWHERE = {
    "A secret: it is compared, or kept as a hash.": {
        "setup": "token password",
        "register": "password",
        "login": "password device_token",
        "sign_in_with_passkey": "ceremony credential device_token",
        "start_passkey_sign_in": "pending_token",
        "show_second_factor": "pending_token code",
        "reauthenticate": "password code",
        "reauthenticate_with_passkey": "ceremony credential",
        "refresh": "refresh_token",
        "verify_email": "token password new_password",
        "confirm_email": "token",
        "reset_password": "token password",
        "report_sign_in": "token",
        "undo_deletion": "token",
        "accept_invitation": "token password",
        "change_password": "current_password password",
        "check_password": "password",
        "confirm_totp": "code",
        "add_passkey": "ceremony credential",
        "run_bulk": "token",
        "apply_import": "token",
    },
    "It is only looked up or compared.": {
        "login": "identifier",
        "check_password": "email username given_name family_name display_name",
    },
    "It bounds attributes, or names a claim of tokens.": {
        "set_attribute_schema": "properties.pattern properties.claim properties.required",
    },
}


@dataclass
class Thing:
    """One of many alike: what was written to it, by what set it, and what stands in braces for it."""

    number: int
    texts: dict[str, str] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)

    def text(self, place: str) -> str:
        """The line that is put there."""
        line = LINES[(self.number + len(self.texts)) % len(LINES)]
        self.texts[place] = line
        return line

    def body(self, operation: str, members: str) -> dict[str, Any]:
        """A line for each of these members."""
        body: dict[str, Any] = {}
        for member in members.split():
            place = f"{operation}.{member}"
            body[member] = f"https://example.org/{self.text(place)}" if member in URLS.split() else self.text(place)
        return body

    def why(self) -> dict[str, bytes]:
        return {"X-Reason": self.text("X-Reason").encode()}

    def settle(self, operation: str, stored: dict[str, Any]) -> None:
        """Links are kept in their normal form."""
        self.texts |= {f"{operation}.{member}": stored[member] for member in URLS.split()}


@dataclass
class House:
    """A server of these tests' own, whose first administrator has a hostile name, too."""

    usher: Usher
    site: Site
    mailbox: Mailbox

    @property
    def admin(self) -> Person:
        return self.site.admin

    @property
    def api(self) -> Session:
        return self.site.admin.api

    def events(self, **query: Any) -> list[str]:
        """Ids of what has happened, the newest first."""
        found = self.api.get("/v1/audit-events", params={"limit": 10, **query}, expect=200).json()["items"]
        return [event["id"] for event in found]

    def newest(self, target: str) -> dict[str, str]:
        """The newest change of something, and its event."""
        change = self.api.get(f"/v1/changes?target_id={target}&limit=1", expect=200).json()["items"][0]["id"]
        return {"change": change, "event": self.events(target_id=target)[0]}


def quoted(text: str) -> str:
    """As filters have it."""
    return json.dumps(text, ensure_ascii=False)


def things() -> Iterator[Thing]:
    return (Thing(number) for number in range(len(LINES)))


def setup(house: House) -> Iterator[Thing]:
    yield Thing(0, {"setup.display_name": LINES[0]}, {"user": house.admin.id})


def users(house: House) -> Iterator[Thing]:
    for thing in things():
        body = thing.body("create_user", f"{NAMES} {URLS}") | {"attributes": {"note": thing.text("create_user.attributes")}}
        stored = house.site.create(**body)
        thing.settle("create_user", stored)
        made = stored["id"]
        body = thing.body("update_user", f"{NAMES} {URLS}") | {"attributes": {"note": thing.text("update_user.attributes")}}
        stored = house.api.patch(f"/v1/users/{made}", json=body, headers=thing.why(), expect=200).json()
        thing.settle("update_user", stored)
        thing.ways = {"user": made, **house.newest(made)}
        house.api.put(f"/v1/users/{made}/roles", json={"roles": ["user", "manager"]}, expect=200)
        yield thing


def sign_ups(house: House) -> Iterator[Thing]:
    for thing in things():
        newcomer = house.site.register(**thing.body("register", f"{NAMES} {URLS}"))
        asked = {"filter": f'emails eq "{newcomer.email}"'}
        (made,) = until("there is a user", lambda asked=asked: house.api.get("/v1/users", params=asked).json()["items"])
        thing.settle("register", made)
        thing.ways = {"user": made["id"]}
        yield thing


def acts(house: House) -> Iterator[Thing]:
    for thing in things():
        made = house.site.create(display_name=thing.text("create_user.display_name"))["id"]
        own = f"/v1/users/{made}"
        locked = f"update users set locked_until = now() + interval '1 hour' where id = '{made}'"
        database.sql(house.usher.data_dir, locked)
        for act, operation in {
            "unlock": "unlock_user",
            "suspend": "suspend_user",
            "reactivate": "reactivate_user",
            "sign-out-everywhere": "sign_out_user",
        }.items():
            house.api.post(f"{own}/{act}", json=thing.body(operation, "reason"), expect=(200, 204))
        house.api.delete(own, expect=(200, 204))
        house.api.post(f"{own}/restore", json=thing.body("restore_user", "reason"), expect=200)
        house.api.delete(own, headers=thing.why(), expect=(200, 204))
        thing.ways = {"user": made}
        yield thing


def me(house: House) -> Iterator[Thing]:
    for thing in things():
        body = thing.body("update_me", f"{NAMES} {URLS}") | {"attributes": {"nickname": thing.text("update_me.attributes")}}
        thing.settle("update_me", house.api.patch("/v1/me", json=body, expect=200).json())
        house.api.post("/v1/me/api-keys", json=thing.body("create_my_api_key", "name") | {"permissions": []}, expect=201)
        yield thing


def groups(house: House) -> Iterator[Thing]:
    someone = house.site.create()["id"]
    for thing in things():
        body = thing.body("create_group", "name description")
        made = house.api.post("/v1/groups", json=body, headers=thing.why(), expect=201).json()["id"]
        body = thing.body("update_group", "description")
        # No two have the same name.
        body["name"] = thing.texts["update_group.name"] = f"{thing.text('update_group.name')} {secrets.token_hex(2)}"
        house.api.patch(f"/v1/groups/{made}", json=body, headers=thing.why(), expect=200)
        thing.ways = {"group": made, "user": someone, **house.newest(made)}
        below = house.api.post("/v1/groups", json={"name": unique("~")}, expect=201).json()["id"]
        house.api.put(f"/v1/groups/{below}/parents", json={"parents": [made]}, expect=200)
        house.api.put(f"/v1/groups/{made}/members/{someone}", json={}, expect=200)
        thing.ways["below"] = below
        yield thing


def roles(house: House) -> Iterator[Thing]:
    group = house.api.post("/v1/groups", json={"name": unique("Carrier")}, expect=201).json()["id"]
    for thing in things():
        name = unique("role")
        body = {"name": name, "permissions": [], **thing.body("create_role", "description")}
        house.api.post("/v1/roles", json=body, expect=201)
        house.api.patch(f"/v1/roles/{name}", json=thing.body("update_role", "description"), headers=thing.why(), expect=200)
        thing.ways = {"role": name, "group": group, "event": house.events(target_id=name)[0]}
        yield thing


def service_accounts(house: House) -> Iterator[Thing]:
    for thing in things():
        account = service_account(house.api, **thing.body("create_service_account", "description"))
        own = f"/v1/service-accounts/{account['id']}"
        body = thing.body("update_service_account", "description")
        house.api.patch(own, json=body, headers=thing.why(), expect=200)
        thing.ways = {"account": account["id"], "event": house.events(target_id=account["id"])[0]}
        body = thing.body("create_service_account_key", "name") | {"permissions": []}
        thing.ways["key"] = house.api.post(keys_of(account), json=body, expect=201).json()["id"]
        yield thing


def invitations(house: House) -> Iterator[Thing]:
    for thing in things():
        body = thing.body("create_invitation", "display_name message")
        forward_to = f"{FORWARD_TO}/{thing.text('create_invitation.forward_to')}"
        body |= {"email": new_address(), "delivery": "link", "forward_to": forward_to}
        made = house.api.post("/v1/invitations", json=body, headers=thing.why(), expect=201).json()
        thing.texts["create_invitation.forward_to"] = made["forward_to"]
        many = [{"email": new_address(), "display_name": thing.text("create_invitations.invitations")}]
        body = {"invitations": many, **thing.body("create_invitations", "message")}
        house.api.post("/v1/invitations/batch", json=body, expect=202)
        (batch,) = house.api.get("/v1/invitations", params={"q": many[0]["email"]}, expect=200).json()["items"]
        thing.ways = {"invitation": made["id"], "batch": batch["id"], "link": made["link"].removeprefix(house.site.public_url)}
        yield thing
        accepted = {"token": token_of(made["link"]), "password": new_password(), **thing.body("accept_invitation", "display_name")}
        house.site.anonymous.post("/v1/invitations/accept", json=accepted, expect=201)
        user = house.api.get("/v1/users", params={"filter": f'emails eq "{made["email"]}"'}, expect=200).json()["items"][0]["id"]
        thing.ways = {"accepted": made["id"], "user": user}
        yield thing


def requests(house: House) -> Iterator[Thing]:
    """Of the administrator, who sees what came of them; somebody else decides. Few are allowed, so each says much."""
    other = house.site.person("admin").api
    ask, all_of_them = {"kind": "professional"}, list(things())
    house.api.patch("/v1/me", json={"display_name": LINES[0], "bio": WHOLE}, expect=200)
    for decision, word in (("decline", "declined"), ("approve", "approved")):
        for half in packed(PAYLOADS, 900):
            thing = Thing(0, {"create_my_request.message": half, f"{decision}_request.reason": half})
            asked = house.api.post("/v1/me/approval-requests", json=ask | {"message": half}, expect=201).json()["id"]
            while all_of_them:
                named = all_of_them.pop()
                house.api.patch("/v1/me", json=named.body("update_me", "display_name bio"), expect=200)
                yield Thing(0, named.texts, {"request": asked})
            yield Thing(0, thing.texts, {"request": asked})
            other.post(f"/v1/approval-requests/{asked}/{decision}", json={"reason": half}, expect=200)
            yield Thing(0, thing.texts, {word: asked})
            other.put(f"/v1/users/{house.admin.id}/professional", json={"professional": False}, expect=200)


def runs_in_bulk(house: House) -> Iterator[Thing]:
    for thing in things():
        someone = house.site.create()
        asked = f"userName eq {quoted(someone['username'])} or displayName eq {quoted(thing.text('preview_bulk.filter'))}"
        thing.texts["preview_bulk.filter"] = asked
        body = {"action": "set_attributes", "filter": asked, "attributes": {"note": thing.text("preview_bulk.attributes")}}
        made = house.api.post("/v1/bulk", json=body | thing.body("preview_bulk", "reason"), expect=(200, 201)).json()
        own = f"/v1/bulk/{made['id']}"
        house.api.post(f"{own}/run", json={"token": made["token"]}, expect=(200, 202))
        until("it is done", lambda own=own: house.api.get(own).json()["state"] == "finished")
        undoing = thing.body("undo_change", "reason")
        undone = house.api.post(f"/v1/changes/{made['id']}/undo", json=undoing, expect=200).json()["change_id"]
        thing.ways = {"run": made["id"], "undone": undone, "user": someone["id"]}
        yield thing


def imports(house: House) -> Iterator[Thing]:
    for thing in things():
        there = house.site.create(display_name="Old")
        file, header = io.StringIO(), thing.text("create_import.map")
        rows = [["email", "display_name", header], [there["email"], thing.text("a cell"), ""], [WHOLE, "x", ""]]
        csv.writer(file).writerows(rows)
        query = {"mode": "upsert", "map": f"{header}=-", "source": thing.text("create_import.source")}
        headers = {"Content-Type": "text/csv", **thing.why()}
        content = file.getvalue().encode()
        made = house.api.post("/v1/imports", params=query, content=content, headers=headers, expect=201).json()
        own = f"/v1/imports/{made['id']}"
        until("the rows are judged", lambda own=own: house.api.get(own).json()["state"] == "ready")
        thing.texts["create_import.source"] = made["source"]
        thing.ways = {"import": made["id"]}
        yield thing
        body = thing.body("apply_import", "reason") | {"token": house.api.get(own).json()["token"]}
        house.api.post(f"{own}/apply", json=body, expect=202)
        until("it is applied", lambda own=own: house.api.get(own).json()["state"] == "finished")
        thing.ways = {"applied": made["id"], "person": there["id"]}
        yield thing


def rules(house: House) -> Iterator[Thing]:
    def said(thing: Thing, operation: str) -> dict[str, str]:
        body = thing.body(operation, "name filter exempt")
        for member in ("filter", "exempt"):
            body[member] = thing.texts[f"{operation}.{member}"] = f"displayName eq {quoted(body[member])}"
        return body

    for thing in things():
        body = {"after_days": 100, "action": "warn", **said(thing, "create_inactivity_rule")}
        made = house.api.post("/v1/inactivity-rules", json=body, expect=201).json()["id"]
        body = said(thing, "update_inactivity_rule")
        house.api.patch(f"/v1/inactivity-rules/{made}", json=body, headers=thing.why(), expect=200)
        thing.ways = {"event": house.events(target_id=made)[0]}
        yield thing
        house.api.delete(f"/v1/inactivity-rules/{made}", expect=204)


def schema(house: House) -> Iterator[Thing]:
    """The texts of a schema one after the other; then an attribute for each line, since there is one schema for all."""

    def put(properties: dict[str, Any], **around: str) -> None:
        house.api.put("/v1/attribute-schema", json={"type": "object", "properties": properties, **around}, expect=(200, 202))
        until("it is in force", lambda: house.api.get("/v1/attribute-schema").json()["pending"] is None)

    for thing in things():
        put(PROPERTIES, **thing.body("set_attribute_schema", "title description"))
        thing.ways = {"event": house.events(action="attribute_schema.set")[0]}
        yield thing
        migration = {"operations": [{"remove": thing.text(REMOVED)}]}
        house.api.post("/v1/attribute-schema/migrations", json=migration, expect=202)
        until("it is done", lambda: house.api.get("/v1/attribute-schema").json()["migration"] is None)
        # Lists are shown as JSON.
        thing.texts[REMOVED] = quoted(thing.texts[REMOVED])[1:-1]
        thing.ways = {"migration": house.events(action="attribute_schema.migration_begun")[0]}
        yield thing
    named, properties, chosen = list(things()), dict(PROPERTIES), {}
    for thing in named:
        title, about, value = (thing.text(f"set_attribute_schema.properties.{name}") for name in ("title", "description", "enum"))
        properties[f"chosen{thing.number}"] = {**OWN_TO_EDIT, "title": title, "description": about, "enum": [value, "other"]}
        chosen[f"chosen{thing.number}"] = value
        thing.ways = {"user": house.admin.id}
    put(properties)
    house.api.patch("/v1/me", json={"attributes": chosen}, expect=200)
    yield from named
    house.api.patch("/v1/me", json={"attributes": dict.fromkeys(chosen)}, expect=200)
    put(PROPERTIES)


def programs(house: House) -> Iterator[Thing]:
    for thing in things():
        # Whoever has to sign in again does so now, and not in between.
        house.api.bearer()
        line = thing.text("User-Agent").encode()
        # The address that a proxy tells is an address, or none.
        agent = {"User-Agent": line, "X-Forwarded-For": line}
        house.site.login(house.admin.email, house.admin.password, headers=agent, expect=200)
        someone = house.site.create()
        house.site.login(someone["email"], new_password(), headers=agent, expect=401)
        begun, failed = (house.events(action="sign_in", target_id=who)[0] for who in (house.admin.id, someone["id"]))
        thing.ways = {"begun": begun, "failed": failed}
        yield thing


def mail_servers(house: House) -> Iterator[Thing]:
    for thing in things():
        domain = f"{unique('hostile')}.example.org"
        # A line of SMTP is of ASCII.
        told = thing.text("what it says").encode("ascii", "ignore").decode()
        thing.texts["what it says"] = told
        house.mailbox.refusals[domain] = f"550 5.1.1 {told}"
        email = house.site.create(email=f"{unique('ann')}@{domain}")["email"]

        def tried(email: str = email) -> list[dict[str, Any]]:
            mails = house.api.get("/v1/mails?status=queued&limit=200", expect=200).json()["items"]
            return [mail for mail in mails if mail["recipient"] == email and mail["attempts"]]

        thing.ways = {"mail": until("the mail is tried", tried)[0]["id"]}
        del house.mailbox.refusals[domain]
        yield thing


MAKERS: dict[str, Callable[[House], Iterator[Thing]]] = {
    "setup": setup,
    "users": users,
    "sign-ups": sign_ups,
    "acts": acts,
    "me": me,
    "groups": groups,
    "roles": roles,
    "service accounts": service_accounts,
    "invitations": invitations,
    "requests": requests,
    "runs in bulk": runs_in_bulk,
    "imports": imports,
    "rules on inactivity": rules,
    "schema": schema,
    "programs": programs,
    "mail servers": mail_servers,
}
REMOVED = "migrate_attributes.operations.remove"
OWN_TO_EDIT = {"type": "string", "visibility": "self", "selfEditable": True}
PROPERTIES: dict[str, Any] = {"note": {"type": "string"}, "nickname": OWN_TO_EDIT}
FORWARD_TO = "https://app.example.org"
# Shown to who asks, thing by thing, though their address names none.
OWN = ("/account",)


@pytest.fixture(scope="module")
def house(stage: Any, mailbox: Mailbox) -> Iterator[House]:
    usher = stage.usher(
        USHER_TRUSTED_PROXIES="127.0.0.0/8",
        USHER_INVITATION_FORWARD_TO=FORWARD_TO,
        USHER_INVITATIONS_PER_DAY="1000",
        USHER_PROFESSIONAL_REQUIRES="display_name,bio",
        USHER_PASSWORD_BLOCKED_WORDS=",".join(line for line in LINES if "," not in line),
    )
    # Passkeys belong to a name.
    usher.settings["USHER_PUBLIC_URL"] = f"http://localhost:{usher.port}"
    try:
        usher.start()
        site = Site(usher.public_url, mailbox)
        email, password = new_address(), new_password()
        body = {"token": usher.setup_token(), "email": email, "password": password, "display_name": LINES[0]}
        site.anonymous.post("/v1/setup", json=body, expect=201)
        site.adopt_admin(email, password)
        site.admin.api.put("/v1/attribute-schema", json={"type": "object", "properties": PROPERTIES}, expect=200)
        yield House(usher, site, mailbox)
        usher.stop()
    finally:
        usher.remove()


@pytest.fixture
def trap(browser: Browser, house: House) -> Iterator[Trap]:
    """The administrator's browser."""
    trap = Trap(browser.new_context().new_page(), house.site.public_url)
    trap.sign_in(house.admin.email, house.admin.password)
    trap.at("/account")
    yield trap
    trap.end()
    trap.page.context.close()


def pages(what: str) -> dict[str, list[str]]:
    """The pages that show something of these things, and what."""
    found: dict[str, list[str]] = {}
    for source, members, places in SHOWN[what]:
        for place in places.split():
            found.setdefault(place, []).extend([f"{source}.{member}" for member in members.split()] or [source])
    return found


@pytest.mark.parametrize("what", SHOWN)
def test_texts_are_no_more_than_texts_wherever_they_are_shown(house: House, trap: Trap, what: str) -> None:
    lists: dict[str, list[str]] = {}
    seen: set[tuple[str, str]] = set()
    for thing in MAKERS[what](house):
        for page, places in pages(what).items():
            texts = {place: thing.texts[place] for place in places if place in thing.texts}
            names = set(re.findall(r"{(\w+)}", page))
            if not texts or not names <= set(thing.ways):
                continue
            if names or page.startswith(OWN):
                trap.look(page.format(**thing.ways), texts.values())
            else:
                lists.setdefault(page, []).extend(texts.values())
            seen |= {(page, place) for place in texts}
    for page, all_texts in lists.items():
        trap.look(page, all_texts)
    assert seen == {(page, place) for page, places in pages(what).items() for place in places}


def listed() -> list[str]:
    rows = [(source, texts) for all_rows in SHOWN.values() for source, texts, _ in all_rows]
    named = {(source, text) for source, texts in rows for text in texts.split()}
    tables = [TRIED_BY_THEMSELVES, REFUSED, *SHOWN_NOWHERE.values()]
    others = [(operation, text) for table in tables for operation, texts in table.items() for text in texts.split()]
    return [f"{operation}.{text}" for operation, text in [*named, *others]]


def test_every_text_that_the_api_takes_is_in_a_table(house: House) -> None:
    found = declared(house.site.anonymous.get("/openapi.json", expect=200).json())
    taken = {f"{operation}.{text}" for operation, texts in found.items() for text in texts}
    known = listed()
    assert taken - set(known) == set(), "say where these are shown, or why nowhere"
    assert {text for text in known if known.count(text) > 1} == set(), "these are in two tables"
    not_of_bodies = {"create_import.source", "create_import.map"}
    assert set(known) - taken - not_of_bodies == {"set_attribute_schema.properties.enum"}, "nothing takes these any more"


def test_what_is_no_free_text_takes_no_payload(house: House) -> None:
    document = house.site.anonymous.get("/openapi.json", expect=200).json()
    found = declared(document)
    fitting = {"email": new_address(), "password": new_password(), "username": "somebody"}
    taken = []
    for path, item in document["paths"].items():
        for method in [method for method in METHODS if method in item]:
            operation = item[method]
            name = operation["operationId"]
            for text in REFUSED.get(name, "").split():
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                for payload in PAYLOADS:
                    body = put(document, schema, found[name][text], payload)
                    body |= {member: value for member, value in fitting.items() if member in body and member != text}
                    answer = house.api.request(method, path.format(**PARAMETERS), json=body)
                    errors = answer.json().get("errors", []) if answer.content else []
                    pointers = [error.get("pointer", "") for error in errors]
                    told = {pointer.split("/")[1] for pointer in pointers if pointer}
                    if answer.status_code != 422 or text.split(".")[0] not in told:
                        taken.append((name, text, payload, answer.text[:200]))
    assert taken == []


HEAD = "Subject: {0}\nHeading: {0}\nPreheader: {0}\nButton: {0}\n\n{0}\n\n{{{{ link }}}}\n"
# Templates of mails are of a language of their own: what has its signs is a mistake there, or a value.
WORDS = [payload for payload in PAYLOADS if "{" not in payload]
EDITED = HEAD.format(" ".join(WORDS))


@pytest.fixture
def edited(house: House) -> Iterator[str]:
    """Where the words of a mail are that says all payloads but those that would be a mistake in it, wherever it says something."""
    own = "/v1/mail-texts/welcome/en"
    house.api.put(own, json={"text": EDITED}, expect=200)
    yield own
    house.api.delete(own, expect=204)


def test_the_words_of_mails_are_no_more_than_words(house: House, trap: Trap, edited: str) -> None:
    trap.look("/admin/mails/texts/welcome/en/restore")
    trap.look("/admin/mails/texts/welcome/en", [EDITED.strip()])
    page = trap.page
    buttons = page.locator("main button[formtarget=preview]")
    for at in range(buttons.count()):
        with page.expect_event("framenavigated"):
            buttons.nth(at).click()
        expect(page.frame_locator("iframe[name=preview]").locator("body")).to_contain_text(WORDS[0])
        trap.holds(WORDS)
    # What can't be read is told, and comes again as it was typed.
    page.locator("#text").fill(EDITED + WHOLE)
    page.locator("main button[type=submit]:not([formtarget])").first.click()
    expect(page.locator("#text-error")).to_be_visible()
    trap.holds([EDITED + WHOLE])
    shown = house.api.post(f"{edited}/preview", json={"text": EDITED}, expect=200).json()
    before = len(house.mailbox.to(house.admin.email))
    house.api.post(f"{edited}/test", json={"text": EDITED}, expect=202)
    sent = house.mailbox.wait_for(house.admin.email, after=before).html
    read_mails(trap, [(sent, WORDS), (shown["html"], WORDS)])


def read_mails(trap: Trap, mails: list[tuple[str, list[str]]]) -> None:
    """Opens each as a page without a policy, and without anything around it: worse than any program for mail."""
    at = f"{trap.base_url}/a-mail"

    def answer(route: Route) -> None:
        number = route.request.url.removeprefix(at)
        body = mails[int(number)][0].replace("cid:", "/assets/") if number.isdigit() else ""
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    trap.page.route(f"{at}*", answer)
    for number, (_, texts) in enumerate(mails):
        trap.page.goto(f"{at}{number}")
        trap.holds(texts)


def test_mails_are_no_more_than_text(house: House, trap: Trap) -> None:
    mails = []
    person = house.site.person()
    house.api.patch("/v1/me", json={"display_name": LINES[0]}, expect=200)
    for thing in things():
        body = thing.body("create_invitation", "display_name message") | {"email": new_address()}
        house.api.post("/v1/invitations", json=body, expect=201)
        mail = house.mailbox.wait_for(body["email"])
        mails.append((mail.html, [thing.texts["create_invitation.message"], LINES[0]]))
        made = house.site.create(display_name=thing.text("create_user.display_name"))
        mails.append((house.mailbox.wait_for(made["email"]).html, [thing.texts["create_user.display_name"]]))
    for half in packed(PAYLOADS, 900):
        person.api.patch("/v1/me", json={"display_name": "Ann", "bio": "x"}, expect=200)
        asked = person.api.post("/v1/me/approval-requests", json={"kind": "professional"}, expect=201).json()["id"]
        before = len(house.mailbox.to(person.email))
        house.api.post(f"/v1/approval-requests/{asked}/decline", json={"reason": half}, expect=200)
        mails.append((house.mailbox.wait_for(person.email, after=before).html, [half]))
    read_mails(trap, mails)


def test_names_of_passkeys_are_no_more_than_text(browser: Browser, house: House) -> None:
    someone = house.site.person()
    page = browser.new_context().new_page()
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
    trap = Trap(page, house.site.public_url)
    Authenticator(page)
    trap.sign_in(someone.email, someone.password)
    trap.at("/account")
    add(trap, LINES[0])
    page.locator("ol code").first.wait_for()
    trap.look("/account/second-factors", [LINES[0]])
    way = page.locator("main a[href^='/account/passkeys/']:not([href$=new])").get_attribute("href")
    for line in LINES[1:]:
        trap.look(str(way))
        trap.field("name").fill(line)
        trap.field("name").press("Enter")
        trap.at("/account/second-factors")
        trap.holds([line])
        trap.look(str(way), [line])
    trap.end()
    page.context.close()


def test_what_runs_is_found(browser: Browser, house: House) -> None:
    """Each payload, put into a page as it is: the trap closes."""
    trap = Trap(browser.new_context().new_page(), house.site.public_url)
    at = f"{trap.base_url}/naked"
    careless = "<title>{0}</title><body><textarea>{0}</textarea><input value=\"{0}\"><input value='{0}'><p title={0}>{0}</p>"

    def answer(route: Route) -> None:
        number = route.request.url.removeprefix(at)
        body = careless.replace("{0}", PAYLOADS[int(number)]) if number.isdigit() else ""
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    trap.page.route("**/*", answer)
    for number, payload in enumerate(PAYLOADS):
        trap.watch.faults.clear()
        trap.page.goto(f"{at}{number}")
        with pytest.raises(AssertionError, match="more than text|ran"):
            trap.holds([payload])
    trap.page.context.close()


ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# Parameters of pages and of the API; each gets a line.
QUERY = "q filter status role sort columns cursor state user actor action target from to by outcome class kind token return_to as with"
QUERY += " ids page language after fields format limit before created_before created_after count as_of explain permission source map"
HOSTILE_QUERY = urlencode({name: LINES[number % len(LINES)] for number, name in enumerate(QUERY.split())}, quote_via=quote)
PUBLIC = "/sign-in /sign-in/second-factor /register /recover /setup /invitation /verify /reset-password /not-me /confirm-email"
PUBLIC += " /undo-deletion /reauthenticate /docs"
# What a page may keep to itself: a secret, the values of which the list of users makes a filter, and a reason, which some ask for
# anew.
NOT_BACK = {"hash_config", "value1", "value2", "value3", "reason"}
# Pages that no link of the account or the console leads to: those behind links in mails, and what only who is not signed in sees.
ELSEWHERE = "/sign-in /register /recover /setup /invitation /verify /reset-password /not-me /confirm-email /undo-deletion "
ELSEWHERE += "/reauthenticate"
# Those that other tests of this file open, and those that only a script, the foot of a page or a mail in trouble leads to.
OTHERS = "/admin/requests/{id}/approve /admin/mails/texts/{name}/{language}/restore /admin/mails/{id}/retry /admin/mails/retry "
OTHERS += "/sign-in/second-factor /sign-in/passkey /reauthenticate/passkey /language /admin/events "
OTHERS += "/admin/branding/logo /admin/branding/logo/remove /admin/branding/restore"
FORMS = """
all => all.map(form => {
  const texts = [...form.elements].filter(it => /^(text|search|email|url|date|datetime-local|textarea)$/.test(it.type));
  return { method: form.method, names: texts.map(it => it.name).filter(name => name) };
})
"""
LINKS = """
() => [...document.querySelectorAll("main a[href^='/'], nav a[href^='/']")].map(it => it.getAttribute("href"))
"""
SEND = """
(form, text) => {
  for (const it of form.elements) {
    if (it.tagName == "SELECT" && !it.value && it.options.length > 1) it.selectedIndex = 1;
    if (!/^(text|search|email|url|date|datetime-local|textarea|password)$/.test(it.type)) continue;
    if (!/^(textarea|password)$/.test(it.type)) it.type = "text";
    it.value = text;
  }
  HTMLFormElement.prototype.submit.call(form);
}
"""


def general(path: str) -> str:
    """A page's address as one of many: without what it is about."""
    place = ID.sub("{id}", urlsplit(path).path)
    place = re.sub("/mails/texts/[^/]+/[^/]+", "/mails/texts/{name}/{language}", place)
    return re.sub("/(roles|permissions)/(?!new|grant)[^/]+", r"/\1/{name}", place)


def send_forms(trap: Trap, path: str) -> None:
    """Fills in every form of a page and sends it; what was typed comes again as text."""
    trap.look(path)
    for at, form in enumerate(trap.page.eval_on_selector_all("main form", FORMS)):
        # An act would be done. What becomes of a reason is in the table.
        if set(form["names"]) <= {"reason"}:
            continue
        # Addresses have an end.
        for text in packed(PAYLOADS, 500) if form["method"] == "get" else [WHOLE]:
            trap.open(path)
            with trap.page.expect_navigation():
                trap.page.locator("main form").nth(at).evaluate(SEND, text)
            trap.holds()
            values = trap.page.eval_on_selector_all("main input, main textarea", "all => all.map(it => [it.name, it.defaultValue])")
            back = {name for name, value in values if text in value}
            assert set(form["names"]) - back - NOT_BACK == set(), f"{path}: {trap.page.url} does not give them back"


def test_every_form_gives_back_what_was_typed_as_text(house: House, trap: Trap) -> None:
    """Goes wherever a link of the account or of the console leads, and sends every form that takes a text."""
    for make in (users, acts, groups, roles, service_accounts, invitations, requests, runs_in_bulk, imports):
        next(make(house))
    waiting, known = ["/account", "/admin"], set[str]()
    while waiting:
        path = waiting.pop()
        if general(path) not in known:
            known.add(general(path))
            send_forms(trap, path)
            trap.open(path)
            waiting += [link for link in trap.page.evaluate(LINKS) if not re.match("/(docs|assets|avatars|.well-known)|.*/report", link)]
    rows = re.findall("^[|] `(/.*?) [|]", (Path(__file__).parent.parent / "docs/pages.md").read_text(), re.M)
    named = {general(page) for row in rows for page in re.findall("`(/[^` ]+)`", f"`{row}")}
    shapes = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(page))) for page in named - set(f"{ELSEWHERE} {OTHERS}".split())]
    unseen = [shape.pattern for shape in shapes if not any(map(shape.fullmatch, known))]
    assert unseen == [], "no link leads to these pages of docs/pages.md"


def test_forms_before_the_sign_in_give_back_what_was_typed_as_text(house: House, browser: Browser) -> None:
    trap = Trap(browser.new_context().new_page(), house.site.public_url)
    invited = next(invitations(house)).ways["link"]
    for path in [*ELSEWHERE.split(), invited, f"/reset-password?token={new_password()}", f"/verify?token={new_password()}"]:
        send_forms(trap, path)
    trap.end()
    trap.page.context.close()


def test_addresses_are_given_back_as_text(house: House, trap: Trap) -> None:
    everywhere = quote(WHOLE, safe="")
    shown = [page for what in SHOWN for page in pages(what)]
    for page in {page.partition("?")[0] for page in [*shown, *PUBLIC.split(), "/{nothing}", "/account/{nothing}", "/admin/{nothing}"]}:
        if page == "{link}":
            continue
        filled = re.sub(r"{\w+}", everywhere, page)
        trap.look(filled if filled != page else f"{page}?{HOSTILE_QUERY}")


def test_answers_of_the_api_are_no_pages(house: House, browser: Browser) -> None:
    """As if somebody could lead a browser to them with a key in it."""
    thing = next(users(house))
    headers = {"Authorization": f"Bearer {house.api.bearer()}"}
    trap = Trap(browser.new_context(extra_http_headers=headers).new_page(), house.site.public_url)
    values = {"id": thing.ways["user"], "role": quote(LINES[0], safe=""), "name": quote(LINES[1], safe="")}
    for operation in operations.declared(house.site.anonymous):
        if operation.method != "GET" or operation.path in ("/metrics",):
            continue
        for query in ("", f"?{HOSTILE_QUERY}"):
            path = operation.target(**values) + query
            try:
                answer = trap.page.goto(f"{trap.base_url}{path}")
            except Error as error:
                assert "Download is starting" in str(error), error
                continue
            if answer is None:
                continue
            kind = answer.headers.get("content-type", "")
            is_no_page = answer.status == 204 or "json" in kind or kind.startswith(("image/", "text/csv", "text/plain"))
            assert is_no_page, f"{path}: {kind}"
            assert answer.headers["x-content-type-options"] == "nosniff"
            trap.holds()
    trap.look(f"/v1/users/{thing.ways['user']}", [quoted(thing.texts["update_user.bio"])])
    trap.page.context.close()


def test_what_is_wrong_with_files_and_lists_is_told_as_text(trap: Trap) -> None:
    """What nobody takes for a user, and columns that nobody knows: they come again, to be mended."""
    page = trap.page
    file = io.StringIO()
    csv.writer(file).writerows([["email", *LINES], ["x", *LINES]])
    trap.open("/admin/imports/new")
    name = f"{LINES[0].replace('/', '_')}.csv"
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": file.getvalue().encode()})
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".mapping label").first).to_be_visible()
    trap.holds(LINES)
    people = io.StringIO()
    csv.writer(people, quoting=csv.QUOTE_ALL).writerows([line] for line in LINES)
    trap.open("/admin/invitations/many")
    page.locator("[name=people]").fill(people.getvalue())
    page.locator("[name=message]").fill(LINES[0])
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main table, main .rows").first).to_be_visible()
    trap.holds(line.replace('"', '""') for line in LINES)
