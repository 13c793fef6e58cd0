"""Things of each kind with hostile texts wherever they have one."""

import csv
import io
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from harness import database
from harness.canary import new_address, new_password, unique
from harness.client import Session
from harness.looks import PAYLOADS
from harness.mailbox import Mailbox, token_of
from harness.people import Person, Site
from harness.programs import keys_of, service_account
from harness.server import Usher
from harness.trap import LINES, WHOLE, packed
from harness.waiting import until

from .tables import NAMES, URLS


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
        body = thing.body("create_my_api_key", "name") | {"permissions": []}
        thing.ways = {"user": house.admin.id, "key": house.api.post("/v1/me/api-keys", json=body, expect=201).json()["id"]}
        yield thing


def groups(house: House) -> Iterator[Thing]:
    someone, role = house.site.create()["id"], unique("role")
    # Few have it, so all who do are on the first page.
    house.api.post("/v1/roles", json={"name": role, "permissions": ["system:read"]}, expect=201)
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
        house.api.put(f"/v1/groups/{made}/roles", json={"roles": [role]}, expect=200)
        house.api.put(f"/v1/groups/{made}/members/{someone}", json={}, expect=200)
        thing.ways["below"] = below
        yield thing


def roles(house: House) -> Iterator[Thing]:
    group = house.api.post("/v1/groups", json={"name": unique("Carrier")}, expect=201).json()["id"]
    someone = house.site.create()["id"]
    for thing in things():
        name = unique("role")
        body = {"name": name, "permissions": [], **thing.body("create_role", "description")}
        house.api.post("/v1/roles", json=body, expect=201)
        house.api.patch(f"/v1/roles/{name}", json=thing.body("update_role", "description"), headers=thing.why(), expect=200)
        thing.ways = {"role": name, "group": group, "user": someone, "event": house.events(target_id=name)[0]}
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
        thing.ways = {"event": house.events(target_id=made)[0], "rule": made}
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
