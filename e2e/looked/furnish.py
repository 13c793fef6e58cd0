"""Something of everything. Whoever needs one more thing makes it here and gives it a name, which the tables have in braces."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from harness import canary, database, totp
from harness.canary import new_address, new_password, unique
from harness.client import Bearer, Client
from harness.looks import LONG_NAME
from harness.mailbox import Mailbox, token_of
from harness.people import Person, Site
from harness.programs import keys_of, program, service_account
from harness.server import Stage, Usher
from harness.waiting import until

FORWARD_TO = "https://app.example.org"
LONG_TEXT = f"{LONG_NAME}. " * 5
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänswitwe" * 4
MAIL_TEXT = "Subject: {0}\nHeading: {0}\nPreheader: {0}\nButton: {0}\n\n{0}\n\n{{{{ link }}}}\n"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
PNG = {"Content-Type": "image/png"}
OWN = {"visibility": "self", "selfEditable": True}
ATTRIBUTE = "a" * 63
PROPERTIES: dict[str, Any] = {
    ATTRIBUTE: {
        "type": "string",
        "title": LONG_NAME,
        "description": LONG_TEXT,
        "maxLength": 500,
        "enum": ["x" * 200, *map(str, range(20))],
        "searchable": True,
        "unique": True,
        "selfEditable": True,
        "visibility": "public",
        "pii": True,
        "claim": "https://id.example.com/claims/" + "b" * 70,
    },
    "level": {"type": "number", "minimum": 0, "exclusiveMaximum": 10, "multipleOf": 0.5, "searchable": True},
    "skills": {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": 5, "uniqueItems": True, **OWN},
    "since": {"type": "string", "format": "date-time", "visibility": "self"},
    "place": {"type": "object", "properties": {"city": {"type": "string"}}},
    "nickname": {"type": "string", "maxLength": 40, "title": "Nickname", "description": "Of your team.", **OWN},
    "vegetarian": {"type": "boolean", "title": "Vegetarian", **OWN},
    "born": {"type": "string", "format": "date", "title": "Born on", **OWN},
    "shift": {"type": "string", "format": "date-time", "title": "Next shift", **OWN},
    "shirt": {"type": "string", "enum": ["S", "M", "L"], "title": "Size", **OWN},
    "height": {"type": "integer", "maximum": 250, "title": "Height", **OWN},
    "department": {"type": "string", "visibility": "self", "title": "Department"},
}


@dataclass
class Furnished:
    """A server of these tests' own, what its things are known by, who looks at them, and their recovery codes."""

    usher: Usher
    site: Site
    ways: dict[str, str] = field(default_factory=dict)
    staff: Person = field(init=False)
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def api(self) -> Client:
        return self.site.admin.api


def furnish(usher: Usher, site: Site) -> Furnished:
    house = Furnished(usher, site)
    makers = (schema, people, roles_and_groups, programs, invitations, requests, imports, runs_in_bulk, rules, words, staff)
    for make in makers:
        make(house)
    return house


def picture(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "#8a1c5b").save(file, "PNG")
    return file.getvalue()


def schema(house: Furnished) -> None:
    schema = {"type": "object", "properties": PROPERTIES, "additionalProperties": True}
    house.api.put("/v1/attribute-schema", json=schema, expect=(200, 202))
    until("it is in force", lambda: house.api.get("/v1/attribute-schema").json()["pending"] is None)
    house.ways["attribute"] = ATTRIBUTE


def people(house: Furnished) -> None:
    """Somebody with a past, who is locked out; others who are suspended, deleted, or only there."""
    site, api = house.site, house.api
    for number in range(27):
        site.create(display_name=f"Crowd {number:02}")
    site.create(attributes={"fax": ["a", {"b": 1}], "level": 9.5})
    person = site.person("manager", display_name=LONG_NAME)
    own = f"/v1/users/{person.id}"
    # That ends all keys and sessions.
    for act in ("suspend", "reactivate"):
        api.post(f"{own}/{act}", json={"reason": LONG_TEXT}, expect=200)
    person = site.enter(person.email, person.password)
    fill(house, person)
    attributes = {"fax": "y" * 2000, "level": 1, ATTRIBUTE: "x" * 200}
    api.patch(own, json={"attributes": attributes}, headers={"X-Reason": LONG_NAME}, expect=200)
    change = api.get(f"/v1/changes?target_id={person.id}&limit=1", expect=200).json()["items"][0]["id"]
    keys = person.api.get("/v1/me/api-keys", expect=200).json()["items"]
    bind(site, person)
    sessions = api.get(f"{own}/sessions", expect=200).json()["items"]
    database.sql(house.usher.data_dir, f"update users set locked_until = now() + interval '1 hour' where id = '{person.id}'")
    suspended, gone = (site.create(display_name=LONG_NAME)["id"] for _ in range(2))
    api.post(f"/v1/users/{suspended}/suspend", json={"reason": LONG_TEXT}, expect=200)
    api.delete(f"/v1/users/{gone}", headers={"X-Reason": LONG_NAME}, expect=(200, 204))
    house.ways |= {"person": person.id, "session": sessions[0]["id"], "key": keys[0]["id"], "change": change}
    addresses = api.get(own, expect=200).json()["emails"]
    house.ways |= {"suspended": suspended, "gone": gone}
    house.ways["address"] = next(one["id"] for one in addresses if not one["primary"])
    house.ways["professional"] = site.create(display_name=LONG_NAME)["id"]
    api.put(f"/v1/users/{house.ways['professional']}/professional", json={"professional": True}, expect=200)


def fill(house: Furnished, person: Person) -> None:
    """An account with much of everything."""
    site = house.site
    attributes = {"nickname": "Hub", "shift": "2026-12-01T08:00:00Z", "skills": ["bees", "x" * 120]}
    profile = {"bio": "x" * 300, "website_url": f"https://example.org/{'a' * 200}", "time_zone": "Europe/Vienna"}
    person.api.patch("/v1/me", json={**profile, "attributes": attributes}, expect=200)
    person.api.put("/v1/me/avatar", content=picture((640, 480)), headers=PNG, expect=200)
    added = new_address("x" * 30)
    person.api.post("/v1/me/emails", json={"email": added}, expect=202)
    site.anonymous.post("/v1/me/emails/confirm", json={"token": site.mailbox.wait_for(added).token}, expect=200)
    person.api.post("/v1/me/emails", json={"email": new_address("y" * 30)}, expect=202)
    for name in ("Nightly report", LONG_NAME):
        body = {"name": name, "permissions": ["users:read", "users:write", "roles:read"]}
        person.api.post("/v1/me/api-keys", json=body, expect=201)
    site.login(person.email, "none of theirs", headers=FIREFOX)


def bind(site: Site, person: Person) -> list[str]:
    """An authenticator app; the recovery codes."""
    api = Bearer(site.base_url, site.login(person.email, person.password, expect=200).json()["access_token"])
    app = totp.App(api.post("/v1/me/second-factors/totp", expect=200).json()["secret"])
    return api.post("/v1/me/second-factors/totp/confirm", json={"code": app.code()}, expect=200).json()["recovery_codes"]


def roles_and_groups(house: Furnished) -> None:
    api, person = house.api, house.ways["person"]
    role = f"{unique('role')}-{'x' * 63}"[:63]
    api.post("/v1/roles", json={"name": role, "description": LONG_TEXT, "permissions": ["users:read"]}, expect=201)

    def group(name: str, *roles: str) -> str:
        made = api.post("/v1/groups", json={"name": name[:100], "description": LONG_TEXT}, expect=201).json()["id"]
        api.put(f"/v1/groups/{made}/roles", json={"roles": list(roles)}, expect=200)
        return made

    empty, full = group("Empty"), group(f"{LONG_NAME} and all who are with them", role, "user")
    api.put(f"/v1/groups/{full}/parents", json={"parents": [empty]}, expect=200)
    for member in (person, house.site.create()["id"]):
        api.put(f"/v1/groups/{full}/members/{member}", json={}, expect=200)
    api.put(f"/v1/users/{person}/roles", json={"roles": ["user", "manager", role]}, expect=200)
    house.ways |= {"role": role, "group": full, "empty": empty}


def programs(house: Furnished) -> None:
    permissions = ("users:read", "roles:read", "audit:read", "signins:read")
    account = service_account(house.api, *permissions, description=LONG_TEXT, name=f"a{unique('x' * 40)}"[:63])
    key = program(house.api, "users:read", keys=keys_of(account), name=LONG_NAME)
    bare = service_account(house.api)
    house.api.post(f"/v1/service-accounts/{bare['id']}/suspend", expect=200)
    house.ways |= {"account": account["id"], "account_key": key.id, "bare": bare["id"]}


def invite(house: Furnished, **members: Any) -> dict[str, Any]:
    return house.api.post("/v1/invitations", json={"email": new_address(), **members}, expect=201).json()


def invitations(house: Furnished) -> None:
    message = "Hello,\n\n" + "x" * 120
    long = invite(house, display_name=LONG_NAME, message=message, forward_to=f"{FORWARD_TO}/{'y' * 90}")
    revoked = invite(house, email=f"{'l' * 40}.{new_address()}")
    house.api.delete(f"/v1/invitations/{revoked['id']}", expect=204)
    accepted = invite(house, delivery="link", display_name="Ben")
    body = {"token": token_of(accepted["link"]), "password": new_password()}
    house.site.anonymous.post("/v1/invitations/accept", json=body, expect=201)
    house.ways |= {"invitation": long["id"], "revoked": revoked["id"], "accepted": accepted["id"]}


def requests(house: Furnished) -> None:
    def ask(message: str) -> str:
        body = {"kind": "professional", "message": message}
        return someone.api.post("/v1/me/approval-requests", json=body, expect=201).json()["id"]

    someone = house.site.person(display_name=LONG_NAME)
    someone.api.patch("/v1/me", json={"bio": LONG_TEXT}, expect=200)
    declined = ask(LONG_TEXT)
    house.api.post(f"/v1/approval-requests/{declined}/decline", json={"reason": LONG_TEXT}, expect=200)
    house.ways |= {"declined": declined, "request": ask("Ten years.\n" + "z" * 120)}


def imports(house: Furnished) -> None:
    def upload(rows: list[list[str]], source: str) -> dict[str, Any]:
        file = io.StringIO()
        csv.writer(file).writerows(rows)
        query = {"mode": "upsert", "source": source}
        headers = {"Content-Type": "text/csv", "X-Reason": LONG_NAME}
        content = file.getvalue().encode()
        made = house.api.post("/v1/imports", params=query, content=content, headers=headers, expect=201).json()["id"]
        return reached(f"/v1/imports/{made}", "ready")

    def reached(path: str, state: str) -> dict[str, Any]:
        return until("it is judged", lambda: (told := house.api.get(path).json())["state"] == state and told)

    there = house.site.create(display_name="Old", bio="A gardener of long standing, known well beyond the town.")
    rows = [[there["email"], LONG_NAME, "", "user"], [new_address(), "New", "", "user"], [new_address(), "New", "", "nothing"]]
    ready = upload([["email", "display_name", "bio", "roles"], *rows, ["nobody", "", "", "user"]], LONG_NAME)
    useless = upload([["email"], ["nobody"]], "nothing-to-do.csv")
    done = upload([["email"], [new_address()]], "done.csv")
    house.api.post(f"/v1/imports/{done['id']}/apply", json={"token": done["token"]}, expect=202)
    reached(f"/v1/imports/{done['id']}", "finished")
    house.ways |= {"import": ready["id"], "useless": useless["id"], "imported": done["id"]}


def runs_in_bulk(house: Furnished) -> None:
    def preview(action: str, *people: str) -> dict[str, Any]:
        body = {"action": action, "ids": list(people), "reason": LONG_TEXT}
        return house.api.post("/v1/bulk", json=body, expect=201).json()

    def someone() -> str:
        return house.site.create(display_name=LONG_NAME)["id"]

    previewed, paused, purge = preview("suspend", someone()), preview("suspend", someone()), preview("purge", house.ways["gone"])
    # Too soon over to be paused by anybody.
    database.sql(house.usher.data_dir, f"update bulk_runs set state = 'paused', started_at = now() where id = '{paused['id']}'")
    run = preview("suspend", someone(), house.ways["suspended"])
    own = f"/v1/bulk/{run['id']}"
    house.api.post(f"{own}/run", json={"token": run["token"]}, expect=202)
    until("it is done", lambda: house.api.get(own).json()["state"] == "finished")
    house.ways |= {"previewed": previewed["id"], "paused": paused["id"], "purge": purge["id"], "finished": run["id"]}


def rules(house: Furnished) -> None:
    """Rules on inactivity: one that does nothing yet, about everybody, and one that is enabled."""
    body = {"action": "suspend", "after_days": 3650, "filter": f'userName sw "{"x" * 120}"'}
    for way, members in (("rule", {"exempt": 'roles eq "admin"'}), ("enabled", {"enabled": True})):
        body |= {"name": f"{LONG_NAME}, {way}"}
        house.ways[way] = house.api.post("/v1/inactivity-rules", json=body | members, expect=201).json()["id"]


def words(house: Furnished) -> None:
    """The words of mails and of the service, and a mail that the mail server refuses, in words that are no good."""
    house.api.put("/v1/mail-texts/invitation/de", json={"text": MAIL_TEXT.format(LONG_WORD)}, expect=200)
    links = [{"label": LONG_NAME[:40].strip(), "url": "https://example.org/imprint"}] * 6
    texts = dict.fromkeys(("footer", "sign_in_text", "register_text", "account_text"), LONG_NAME)
    house.api.put("/v1/branding", json={"name": LONG_NAME[:60].strip(), "links": links, **texts}, expect=200)
    house.api.put("/v1/branding/logo", content=picture((900, 200)), headers=PNG, expect=200)
    domain = f"{unique('refused')}.{canary.DOMAIN}"
    house.site.mailbox.refusals[domain] = "550 5.1.1 <nobody> of this name"
    email = house.site.create(email=f"{unique('ann')}@{domain}")["email"]

    def tried() -> str | None:
        mails = house.api.get("/v1/mails?status=queued&limit=200", expect=200).json()["items"]
        return next((one["id"] for one in mails if one["recipient"] == email and one["attempts"]), None)

    house.ways["mail"] = until("the mail is tried", tried)


def staff(house: Furnished) -> None:
    """Who looks at all of it: an administrator with much of everything."""
    house.staff = house.site.person("admin", display_name=LONG_NAME)
    house.staff = house.site.enter(house.staff.email, house.staff.password)
    fill(house, house.staff)
    house.ways["staff"] = house.staff.id
    house.recovery_codes = bind(house.site, house.staff)


def furnished(stage: Stage, mailbox: Mailbox, **settings: str) -> Iterator[Furnished]:
    folder = stage.new_folder()
    usher = stage.usher(
        USHER_INVITATION_FORWARD_TO=FORWARD_TO,
        USHER_PROFESSIONAL_REQUIRES="display_name,bio",
        USHER_AVATARS=folder.as_uri(),
        **settings,
    )
    # Passkeys belong to a name.
    usher.settings["USHER_PUBLIC_URL"] = f"http://localhost:{usher.port}"
    try:
        usher.start()
        site = Site(usher.public_url, mailbox)
        site.set_up(usher.setup_token())
        yield furnish(usher, site)
    finally:
        usher.remove()
