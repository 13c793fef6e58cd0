"""The schema of the users' attributes: what it lets in, who sees what, and what becomes of users who do not fit."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.canary import new_address, unique
from harness.client import problem, refused
from harness.mailbox import Mailbox
from harness.people import Site
from harness.server import Usher
from harness.waiting import until

SCHEMA = "/v1/attribute-schema"


@pytest.fixture
def usher(new_server: Callable[..., Usher]) -> Usher:
    """A server of the test's own: the schema is one for all."""
    return new_server()


@pytest.fixture
def own(usher: Usher, mailbox: Mailbox) -> Iterator[Site]:
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    yield site


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [], "additionalProperties": False}


def create(site: Site, expect: int | None = 201, **attributes: Any) -> Any:
    body = {"email": new_address(), "username": unique("ann"), "attributes": attributes}
    return site.admin.api.post("/v1/users", json=body, **({"expect": expect} if expect else {}))


def settled(site: Site) -> dict[str, Any]:
    """The schema when nothing is left to be done about it."""

    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = site.admin.api.get(SCHEMA, expect=200).json()
        waits = status["pending"] and status["pending"]["state"] != "refused"
        builds = any(index["state"] == "building" for index in status["indexes"])
        return None if waits or builds or status["migration"] else status

    found: dict[str, Any] = until("the schema settles", look)
    return found


def test_r202_attributes_fit_their_schema(own: Site) -> None:
    badge = {"type": "string", "pattern": "^[0-9]{6}$", "maxLength": 6, "unique": True, "searchable": True}
    department = {"type": "string", "enum": ["Sales", "Support"], "searchable": True, "visibility": "self"}
    nickname = {"type": "string", "maxLength": 8, "visibility": "self", "selfEditable": True}
    schema = closed(badge=badge, department=department, nickname=nickname)
    answer = own.admin.api.put(SCHEMA, json=schema, expect=202)
    assert answer.json()["pending"]["state"] == "building_indexes"
    status = settled(own)
    assert status["in_force"]["schema"] == schema
    assert {index["property"]: index["state"] for index in status["indexes"]} == {"badge": "ready", "department": "ready"}

    refused(create(own, None, badge="x", department="Sales"), "/attributes/badge", "pattern")
    refused(create(own, None, fax="1"), "/attributes/fax", "unknown_field")
    first = create(own, badge="000001", department="Sales").json()
    taken = create(own, None, badge="000001")
    assert problem(taken, 409, "attribute_taken")["errors"][0]["pointer"] == "/attributes/badge"
    path = f"/v1/users/{first['id']}"
    refused(own.admin.api.patch(path, json={"attributes": {"department": "IT"}}), "/attributes/department", "enum")

    ann = own.person()
    own.admin.api.patch(f"/v1/users/{ann.id}", json={"attributes": {"badge": "000002", "department": "Support"}}, expect=200)
    assert ann.api.get("/v1/me", expect=200).json()["attributes"] == {"department": "Support"}
    changed = ann.api.patch("/v1/me", json={"attributes": {"nickname": "Annie"}}, expect=200).json()
    assert changed["attributes"] == {"department": "Support", "nickname": "Annie"}
    for name in ("badge", "department", "fax"):
        refused(ann.api.patch("/v1/me", json={"attributes": {name: "Sales"}}), f"/attributes/{name}", "unknown_field")


def test_users_who_do_not_fit_are_named_and_a_migration_mends_them(own: Site) -> None:
    user = create(own, department="Sales", fax="1").json()
    answer = own.admin.api.put(SCHEMA, json=closed(unit={"type": "string"}))
    violated = problem(answer, 409, "attribute_schema_violated")
    assert violated["violating"] == 1
    assert {(offender["user_id"], offender["pointer"]) for offender in violated["offenders"]} == {
        (user["id"], "/attributes/department"),
        (user["id"], "/attributes/fax"),
    }
    open_schema = closed(department={"type": "string"}) | {"additionalProperties": True}
    own.admin.api.put(SCHEMA, json=open_schema, expect=200)
    operations = [{"rename": {"from": "department", "to": "unit"}}, {"remove": "fax"}]
    migrations = f"{SCHEMA}/migrations"
    preview = own.admin.api.post(migrations, json={"operations": operations, "dry_run": True}, expect=200).json()
    assert [step["users"] for step in preview["operations"]] == [1, 1]
    own.admin.api.post(migrations, json={"operations": operations}, expect=202)
    settled(own)
    assert own.read(user["id"])["attributes"] == {"unit": "Sales"}
    own.admin.api.put(SCHEMA, json=closed(unit={"type": "string"}), expect=200)


def test_operators_set_the_schema_from_a_file(usher: Usher, own: Site, tmp_path: Path) -> None:
    user = create(own, fax="1").json()
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(closed(unit={"type": "string", "maxLength": 50, "searchable": True})))
    failed = usher.cli("attributes", "set", str(file), code=1)
    assert user["username"] in failed.stderr and "/attributes/fax" in failed.stderr
    own.admin.api.patch(f"/v1/users/{user['id']}", json={"attributes": None}, expect=200)
    usher.cli("attributes", "set", str(file))
    assert usher.json("attributes", "show") == json.loads(file.read_text())
    status = usher.json("attributes", "tend")
    assert [index["state"] for index in status["indexes"]] == ["ready"]
    assert "unit" in usher.cli("attributes", "status").stdout
    made = usher.json("user", "create", "--email", new_address(), "--attributes", '{"unit": "IT"}')
    assert made["attributes"] == {"unit": "IT"}
    file.write_text('{"type": "object", "properties": {"a": {"$ref": "https://example.com/"}}}')
    assert "is unknown" in usher.cli("attributes", "set", str(file), code=1).stderr


def test_an_operator_renames_and_removes_an_attribute_after_a_look(usher: Usher, own: Site) -> None:
    usher.cli("attributes", "set", "-", given='{"type": "object", "properties": {"unit": {"type": "string"}}}')
    user = create(own, unit="Sales").json()
    dry = usher.cli("attributes", "rename", "unit", "team", "--dry-run").stdout
    assert re.search(r"^users who have it +1$", dry, re.MULTILINE) and user["username"] in dry
    assert "nobody is there to be asked" in usher.cli("attributes", "rename", "unit", "team", code=2).stderr
    assert list(usher.json("attributes", "show")["properties"]) == ["unit"]
    usher.cli("attributes", "rename", "unit", "team", "--yes")
    usher.cli("attributes", "tend")
    assert own.read(user["id"])["attributes"] == {"team": "Sales"}
    assert "`unit` is no property of the schema" in usher.cli("attributes", "rename", "unit", "x", "--yes", code=1).stderr
    usher.cli("attributes", "remove", "team", "--yes", "--reason", "Not needed")
    usher.cli("attributes", "tend")
    assert own.read(user["id"])["attributes"] == {}
    assert "users who have it  0" in usher.cli("attributes", "remove", "team", "--dry-run").stdout


def test_a_schema_reaches_every_process_at_once(usher: Usher, own: Site) -> None:
    """What the command line sets is what the server that runs beside it enforces, with the next request."""
    assert usher.json("attributes", "status")["in_force"]["version"] == 1
    own.admin.api.get("/v1/me", expect=200)
    usher.cli("attributes", "set", "-", given=json.dumps(closed()))
    refused(create(own, None, fax="1"), "/attributes/fax", "unknown_field")
