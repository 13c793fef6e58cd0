"""The document of the API, and the pages that let people try it."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from playwright.sync_api import Page, expect

from harness.canary import new_address, unique
from harness.client import Client
from harness.docs_page import DocsPage
from harness.faces import WCAG, is_sound
from harness.looks import LOOKS
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site
from harness.programs import keys_of, program, service_account
from harness.server import Stage, Usher
from harness.walk import Step, Walk, steps

pytestmark = pytest.mark.first

ROOT = Path(__file__).resolve().parent.parent
# How many users the walk of docs/administration.md is done with.
ADMIN_USERS = int(os.environ.get("E2E_ADMIN_USERS") or 3000)

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document(anonymous: Client) -> dict[str, Any]:
    return anonymous.get("/openapi.json", expect=200).json()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": item[method]
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


# The document


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any], site: Site) -> None:
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/"}]
    assert document["info"]["version"] and document["info"]["license"]


def test_every_operation_says_what_it_does(operations: dict[str, dict[str, Any]]) -> None:
    identifiers = [operation["operationId"] for operation in operations.values()]
    assert len(set(identifiers)) == len(identifiers)
    for name, operation in operations.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]+", operation["operationId"]), name
        assert operation["summary"] and not operation["summary"].endswith("."), name
        assert operation["tags"], name
        assert operation["x-usher-access"], name


def test_every_tag_is_described(document: dict[str, Any], operations: dict[str, dict[str, Any]]) -> None:
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for operation in operations.values() for tag in operation["tags"]} <= described


def test_every_operation_documents_its_failures(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        responses = operation["responses"]
        access = operation["x-usher-access"]
        expected = {"500"}
        expected |= {"401"} if access != "public" else set()
        # Who lacks the permission, and a program where a person is asked for.
        expected |= {"403"} if access not in ("public", "recognised") else set()
        expected |= {"404"} if "{" in name else set()
        expected |= {"413", "415", "422"} if "requestBody" in operation else set()
        assert expected <= set(responses), name
        for status, response in responses.items():
            assert response["description"], f"{name} {status}"
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], f"{name} {status}"
        assert any(status.startswith("2") for status in responses), name


def test_every_parameter_and_body_is_described(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        for parameter in operation.get("parameters", []):
            assert parameter["schema"], name
            assert parameter.get("description") or parameter["in"] == "path", f"{name} {parameter['name']}"
        if "requestBody" in operation:
            assert operation["requestBody"]["content"], name


def test_headers_that_matter_are_documented(operations: dict[str, dict[str, Any]]) -> None:
    def parameters(name: str) -> set[str]:
        return {parameter["name"] for parameter in operations[name].get("parameters", [])}

    for name in (
        "PATCH /v1/me",
        "PATCH /v1/users/{id}",
        "DELETE /v1/users/{id}",
        "PATCH /v1/roles/{name}",
        "DELETE /v1/roles/{name}",
        "PATCH /v1/service-accounts/{id}",
    ):
        assert "If-Match" in parameters(name), name
        assert "412" in operations[name]["responses"], name
    for name in (
        "POST /v1/users",
        "POST /v1/roles",
        "POST /v1/register",
        "POST /v1/setup",
        "POST /v1/me/api-keys",
        "POST /v1/service-accounts",
        "POST /v1/service-accounts/{id}/keys",
    ):
        assert "Idempotency-Key" in parameters(name), name
    assert {"limit", "cursor", "sort", "q", "status", "role", "created_after", "created_before"} <= parameters(
        "GET /v1/users"
    )
    for name in ("GET /v1/audit-events", "GET /v1/changes"):
        assert {"limit", "cursor", "action", "occurred_after", "occurred_before"} <= parameters(name)


def test_bearer_authorization_is_declared(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert any(scheme["type"] == "http" and scheme["scheme"] == "bearer" for scheme in schemes.values())


def conforms(document: dict[str, Any], operation: dict[str, Any], status: str, body: Any) -> None:
    """Fails unless an answer's body fits the schema that the document gives for it."""
    media = next(iter(operation["responses"][status]["content"].values()))
    schema = {"components": document["components"], **media["schema"]}
    if "$ref" in media["schema"]:
        schema = {"components": document["components"], "$ref": media["schema"]["$ref"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(body)


def test_answers_are_what_the_document_says(
    document: dict[str, Any], operations: dict[str, dict[str, Any]], site: Site, person: Callable[..., Person]
) -> None:
    someone = person(display_name="Ann")
    admin = site.admin.api
    tokens = site.login(someone.email, someone.password, expect=200).json()
    conforms(document, operations["POST /v1/login"], "200", tokens)
    conforms(document, operations["GET /v1/me"], "200", someone.api.get("/v1/me", expect=200).json())
    conforms(document, operations["GET /v1/users/{id}"], "200", site.read(someone.id))
    for name in (
        "/v1/users",
        "/v1/roles",
        "/v1/permissions",
        "/v1/service-accounts",
        "/v1/audit-events",
        "/.well-known/jwks.json",
        "/livez",
        "/readyz",
    ):
        conforms(document, operations[f"GET {name}"], "200", admin.get(name, expect=200).json())
    created = admin.post("/v1/users", json={"email": new_address()}, expect=201).json()
    conforms(document, operations["POST /v1/users"], "201", created)
    role = admin.post(
        "/v1/roles", json={"name": unique("role"), "description": "x", "permissions": []}, expect=201
    ).json()
    conforms(document, operations["POST /v1/roles"], "201", role)
    account = service_account(admin, "users:read")
    made = program(admin, keys=keys_of(account))
    conforms(document, operations["POST /v1/service-accounts"], "201", account)
    conforms(document, operations["POST /v1/service-accounts/{id}/keys"], "201", made.told)
    conforms(document, operations["POST /v1/me/api-keys"], "201", program(someone.api).told)
    for api in (admin, made.api):
        conforms(document, operations["GET /v1/whoami"], "200", api.get("/v1/whoami", expect=200).json())
    refusal = admin.post("/v1/users", json={})
    conforms(document, operations["POST /v1/users"], "422", refusal.json())
    conforms(document, operations["GET /v1/me"], "401", site.anonymous.get("/v1/me").json())


def test_the_document_is_the_same_from_the_command_line(server: Usher, document: dict[str, Any]) -> None:
    printed = json.loads(server.cli("openapi").stdout)
    assert printed["paths"].keys() == document["paths"].keys()
    assert printed["components"]["schemas"] == document["components"]["schemas"]


# The pages


def test_the_pages_load_without_a_fault(site: Site, page: Page) -> None:
    docs = DocsPage(page, site.public_url)
    assert docs.watch.faults == []
    assert docs.watch.foreign(site.public_url) == []
    assert page.title()
    assert page.locator(".opblock-tag").count() >= 20


def test_the_pages_are_readable_for_everybody(site: Site, page: Page) -> None:
    """As `test_every_page.py` has it of all others, by the rules of WCAG 2.2 AA: of each method an operation, an answer, a schema, the
    dialog. Swagger UI breaks some of them; `assets/docs/docs.css` and `docs.js` mend that, and a new release of it may bring others."""
    docs = DocsPage(page, site.public_url)

    def look(part: str) -> None:
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            try:
                is_sound(page, WCAG)
            except AssertionError as fault:
                unsound.append(f"{part}, {width}, {scheme}: {str(fault).splitlines()[0]}")

    unsound: list[str] = []
    look("closed")
    block = docs.operation("POST", "/v1/login")
    # Its path is no link within the button.
    expect(page).to_have_url(re.compile("/docs#/Sign-in/login$"))
    block.locator("button.execute").click()
    block.locator(".live-responses-table").wait_for()
    for method, path in (("GET", "/v1/approval-requests"), ("PATCH", "/v1/me"), ("PUT", "/v1/me/avatar"), ("DELETE", "/v1/me/api-keys/{id}")):
        docs.operation(method, path)
    schemas = page.locator("section.models")
    schemas.locator(".models-control").click()
    schemas.locator(".json-schema-2020-12-accordion").first.click()
    look("open")
    page.locator(".auth-wrapper > button.authorize").click()
    page.locator(".dialog-ux .modal-ux").wait_for()
    look("dialog")
    assert unsound == [], "\n".join(unsound)


def test_no_page_is_needed_from_elsewhere(anonymous: Client) -> None:
    text = anonymous.get("/docs", expect=200).text
    for url in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert url.startswith("/"), url
        assert anonymous.get(url, expect=200).headers["content-type"] != "application/octet-stream"


def test_r108_a_token_in_the_authorize_dialog_is_sent_and_not_kept(
    site: Site, person: Callable[..., Person], page: Page
) -> None:
    someone = person()
    token = someone.api.tokens["access_token"]
    docs = DocsPage(page, site.public_url)
    docs.authorize(token)
    shown = docs.call("GET", "/v1/me")
    assert shown.status == 200 and shown.status_shown == "200"
    assert shown.body["id"] == someone.id
    assert docs.call("PATCH", "/v1/me", {"bio": "Written in the documentation"}).status == 200
    assert someone.api.get("/v1/me", expect=200).json()["bio"] == "Written in the documentation"
    kept = page.evaluate(
        "JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])"
    )
    assert token not in kept
    assert not any(token in url for url in docs.watch.requests)
    assert docs.watch.faults == []


def test_the_whole_walk_works_in_the_pages(new_server: Callable[..., Usher], mailbox: Mailbox, page: Page) -> None:
    """The README's walk, from an empty server, every step through the form of the documentation."""
    usher = new_server()
    docs = DocsPage(page, usher.base_url)
    boss, ann = Newcomer(email=new_address("grace")), Newcomer()

    setup = {"token": usher.setup_token(), "email": boss.email, "password": boss.password}
    assert docs.call("POST", "/v1/setup", setup).status == 201
    assert docs.call("POST", "/v1/register", {"email": ann.email, "password": ann.password}).status == 202
    token = mailbox.wait_for(ann.email).token
    assert docs.call("POST", "/v1/verify-email", {"token": token, "password": ann.password}).status == 200
    signed_in = docs.call("POST", "/v1/login", {"identifier": ann.email, "password": ann.password})
    docs.authorize(signed_in.body["access_token"])
    me = docs.call("GET", "/v1/me").body
    assert me["email"] == ann.email

    admin = docs.call("POST", "/v1/login", {"identifier": boss.email, "password": boss.password})
    docs.authorize(admin.body["access_token"])
    assert [one["email"] for one in docs.call("GET", "/v1/users").body["items"]] == [ann.email, boss.email]
    which = {"id": me["id"]}
    etag = docs.call("GET", "/v1/users/{id}", None, which).headers["etag"]
    change = {**which, "If-Match": etag}
    assert docs.call("PATCH", "/v1/users/{id}", {"display_name": "Ann"}, change).status == 200
    stale = docs.call("PATCH", "/v1/users/{id}", {"display_name": "Eve"}, change)
    assert stale.status == 412 and stale.body["code"] == "precondition_failed"
    assert docs.call("POST", "/v1/users/{id}/suspend", {"reason": "the walk"}, which).body["status"] == "suspended"

    docs.authorize(signed_in.body["access_token"])
    assert docs.call("GET", "/v1/me").status == 401
    docs.authorize(admin.body["access_token"])
    assert docs.call("DELETE", "/v1/users/{id}", None, which).status == 204
    assert docs.call("POST", "/v1/users/{id}/restore", None, which).body["status"] == "suspended"
    assert docs.watch.faults == []
    assert docs.watch.foreign(usher.base_url) == []


@pytest.mark.skipif(
    not shutil.which("cargo") or not shutil.which("jq"), reason="it needs cargo and jq, as a reader does"
)
def test_docs_administration_is_walked_as_it_is_printed(stage: Stage, tmp_path: Path) -> None:
    """docs/administration.md, with fewer users. Numbers, ids and times may differ from what is printed there."""
    usher = stage.usher(mail=False)
    (tmp_path / "usher").symlink_to(usher.binary)
    environment = usher.environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "base": usher.base_url}
    written = list(steps(ROOT / "docs/administration.md"))
    assert len(written) >= 14 and all(step.printed for step in written)
    try:
        with Walk(ROOT, environment) as walk:
            for step in written:
                shell = step.shell.replace("users=1000000 ", f"users={ADMIN_USERS} ").replace(
                    "/tmp/walk", str(tmp_path / "walk")
                )
                told = walk.take(Step(step.line, shell, step.printed), seconds=120 + ADMIN_USERS / 100)
                print(f"$ {shell}{told}")
    finally:
        # A walk that was broken off leaves its PostgreSQL.
        usher.remove()
