"""The schema of attributes in the console, in a real browser: changed by forms and as JSON, users who do not fit, renamed and
removed; with JavaScript and without."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from harness.canary import new_address, unique
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Stage
from harness.trap import LINES, WHOLE
from harness.waiting import until

LIST = "/admin/attributes"
OPEN = {"type": "object", "properties": {}, "additionalProperties": True}


@pytest.fixture(scope="module")
def own_site(stage: Stage, mailbox: Mailbox) -> Iterator[Site]:
    """A server of these tests' own: the schema is one for all."""
    usher = stage.usher()
    try:
        usher.start()
        site = Site(usher.public_url, mailbox)
        site.set_up(usher.setup_token())
        yield site
    finally:
        usher.remove()


@pytest.fixture(scope="module")
def staff(own_site: Site) -> Person:
    return own_site.person("admin", display_name="Grace Hopper")


@pytest.fixture(autouse=True)
def empty(own_site: Site) -> Iterator[None]:
    """Each test begins without a schema, and with users who have no attributes."""
    settle(own_site)
    api = own_site.admin.api
    api.put("/v1/attribute-schema", json=OPEN, expect=200)
    for user in api.get("/v1/users?limit=200", expect=200).json()["items"]:
        if user["attributes"]:
            api.patch(f"/v1/users/{user['id']}", json={"attributes": None}, expect=200)
    yield


def opened(browser: Browser, site: Site, staff: Person, path: str = LIST, **options: Any) -> Faces:
    faces = Faces(browser.new_context(**options).new_page(), site.public_url)
    faces.sign_in(staff.email, staff.password, f"/sign-in?return_to={path}")
    faces.at(path)
    return faces


def end(faces: Faces) -> None:
    faces.end()
    faces.page.context.close()


def properties(site: Site) -> dict[str, Any]:
    return site.admin.api.get("/v1/attribute-schema", expect=200).json()["in_force"]["schema"]["properties"]


def settle(site: Site) -> None:
    """Waits until nothing of the schema waits any more."""

    def is_settled() -> bool:
        status = site.admin.api.get("/v1/attribute-schema", expect=200).json()
        is_built = all(index["state"] != "building" for index in status["indexes"])
        return is_built and status["migration"] is None and status["pending"] is None

    until("the schema settles", is_settled)


def row(faces: Faces, name: str) -> Locator:
    return faces.page.get_by_role("row").filter(has=faces.page.get_by_role("rowheader", name=name))


def save(faces: Faces) -> None:
    faces.page.locator("main form.property button[type=submit]").click()


@pytest.mark.parametrize("java_script", [True, False])
def test_an_attribute_is_added_changed_renamed_and_removed(
    browser: Browser, own_site: Site, staff: Person, java_script: bool
) -> None:
    faces = opened(browser, own_site, staff, "/admin", java_script_enabled=java_script)
    page = faces.page
    page.get_by_role("navigation", name="Console").get_by_role("link", name="Attributes").click()
    expect(page.get_by_role("heading", name="There are no attributes yet")).to_be_visible()
    page.get_by_role("link", name="New attribute …").first.click()
    faces.field("name").fill("size of shoes")
    page.get_by_label("What it holds").select_option(label="Whole number")
    expect(page.get_by_label("Least value")).to_be_visible()
    expect(page.get_by_label("Pattern")).to_be_hidden()
    page.get_by_label("Least value").fill("thirty")
    page.get_by_label("Searchable").check()
    page.get_by_label("Reason").fill("for the boots")
    save(faces)
    expect(page.locator("#minimum-error")).to_contain_text("Write a number.")
    if java_script:
        faces.is_sound()
    page.get_by_label("Least value").fill("30")
    save(faces)
    expect(page.locator("#name-error")).to_be_visible()
    expect(page.get_by_label("Searchable")).to_be_checked()
    faces.field("name").fill("shoe")
    page.get_by_label("Greatest value").fill("50")
    save(faces)
    faces.at(LIST)
    expect(page.get_by_role("status").first).to_have_text("It is made.")
    assert properties(own_site) == {"shoe": {"type": "integer", "minimum": 30, "maximum": 50, "searchable": True}}
    expect(row(faces, "shoe")).to_contain_text("Value 30 to 50")
    expect(page.get_by_text("“for the boots”").first).to_be_visible()

    someone = own_site.create(attributes={"shoe": 50}, display_name=unique("Foot"))
    row(faces, "shoe").get_by_role("link", name="shoe", exact=True).click()
    expect(page.get_by_label("Least value")).to_have_value("30")
    page.get_by_label("Title").fill("Size of shoes")
    page.get_by_label("Greatest value").fill("49")
    save(faces)
    expect(page.get_by_role("alert")).to_contain_text("One user does not fit. Nothing is changed.")
    expect(page.get_by_label("Greatest value")).to_have_value("49")
    expect(page.locator("#violation")).to_contain_text("must be at most 49")
    link = page.locator("#violation").get_by_role("link", name=someone["username"])
    expect(link).to_have_attribute("href", f"/admin/users/{someone['id']}")
    if java_script:
        faces.is_sound()
    assert properties(own_site)["shoe"]["maximum"] == 50
    page.get_by_label("Greatest value").fill("51")
    save(faces)
    faces.at(LIST)

    page.get_by_role("link", name="Size of shoes").click()
    page.get_by_role("link", name="Rename …").click()
    page.get_by_label("New name").fill("shoe")
    faces.press("Preview")
    expect(page.locator("#to-error")).to_contain_text("is the name of a property already")
    page.get_by_label("New name").fill("shoe_size")
    faces.press("Preview")
    expect(page.get_by_text("One user has it.")).to_be_visible()
    expect(row(faces, someone["display_name"])).to_contain_text("shoe_size 50")
    if java_script:
        faces.is_sound()
    page.get_by_label("Reason").fill("as the shop says")
    faces.press("Rename the attribute")
    faces.at(LIST)
    user = f"/v1/users/{someone['id']}"
    settle(own_site)
    assert own_site.admin.api.get(user, expect=200).json()["attributes"] == {"shoe_size": 50}

    faces.open(LIST)
    page.get_by_role("link", name="Size of shoes").click()
    page.get_by_role("link", name="Remove …").click()
    expect(row(faces, someone["display_name"])).to_contain_text("50")
    page.get_by_label("Reason").fill("not our business")
    faces.press("Remove the attribute")
    faces.at(LIST)
    settle(own_site)
    assert own_site.admin.api.get(user, expect=200).json()["attributes"] == {}
    faces.open(LIST)
    expect(page.get_by_role("heading", name="There are no attributes yet")).to_be_visible()
    expect(page.get_by_text("“not our business”").first).to_be_visible()
    events = own_site.admin.api.get("/v1/audit-events?action=attribute_schema.migration_begun&limit=2", expect=200).json()["items"]
    assert [event["reason"] for event in events] == ["not our business", "as the shop says"]
    end(faces)


@pytest.mark.parametrize("java_script", [True, False])
def test_the_whole_schema_is_edited_as_json(browser: Browser, own_site: Site, staff: Person, java_script: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"fax": {"type": "string"}, "place": {"type": "object", "properties": {"city": {"type": "string"}}}},
        "required": [],
        "additionalProperties": False,
    }
    own_site.admin.api.put("/v1/attribute-schema", json=schema, expect=200)
    someone = own_site.create(attributes={"fax": "1"})
    faces = opened(browser, own_site, staff, java_script_enabled=java_script)
    page = faces.page
    page.get_by_role("link", name="Whole schema …").click()
    text = page.get_by_role("textbox", name="Schema")
    assert json.loads(text.input_value()) == schema
    text.fill(text.input_value().replace(",", "", 1))
    faces.press("Save")
    expect(page.locator("#schema-error")).to_contain_text("This is not well-formed JSON: look at line 3")
    text.fill(json.dumps({**schema, "properties": {"fax": {"type": "fax", "color": 1}}}, indent=2))
    page.get_by_label("Reason").fill("nobody faxes")
    faces.press("Save")
    expect(page.locator("#schema-places")).to_contain_text("/properties/fax/type")
    expect(page.locator("#schema-places")).to_contain_text("/properties/fax/color is unknown")
    expect(page.get_by_label("Reason")).to_have_value("nobody faxes")
    if java_script:
        faces.is_sound()
    del schema["properties"]["fax"]
    text.fill(json.dumps(schema))
    faces.press("Save")
    expect(page.locator("#violation").get_by_role("link", name=someone["username"])).to_be_visible()
    page.get_by_role("link", name="Remove fax …").click()
    page.get_by_label("Reason").fill("nobody faxes")
    faces.press("Remove the attribute")
    faces.at(LIST)
    settle(own_site)
    assert list(properties(own_site)) == ["place"]
    faces.open(LIST)
    expect(row(faces, "place")).to_contain_text("With city")
    page.get_by_role("link", name="place", exact=True).click()
    expect(page.get_by_text("There are no fields for what this one may hold")).to_be_visible()
    page.get_by_label("Title").fill("Where")
    save(faces)
    faces.at(LIST)
    assert properties(own_site)["place"] == {"type": "object", "title": "Where", "properties": {"city": {"type": "string"}}}
    end(faces)


def test_who_may_only_look_sees_no_form(browser: Browser, own_site: Site) -> None:
    role = new_address("look").split("@")[0]
    own_site.admin.api.post("/v1/roles", json={"name": role, "permissions": ["users:read"]}, expect=201)
    properties = {"team": {"type": "string", "title": "Team"}}
    own_site.admin.api.put("/v1/attribute-schema", json={**OPEN, "properties": properties}, expect=200)
    faces = opened(browser, own_site, own_site.person(role))
    expect(faces.page.get_by_role("rowheader", name="Team")).to_be_visible()
    expect(faces.page.get_by_role("main").locator("form, a[href*='/edit'], a[href*='/new']")).to_have_count(0)
    faces.is_sound()
    end(faces)


def test_hostile_texts_run_nowhere(browser: Browser, own_site: Site, staff: Person) -> None:
    faces = opened(browser, own_site, staff)
    faces.page.add_init_script("window.alert = () => { document.documentElement.dataset.hit = 'yes' }")

    def is_unhurt(text: str) -> None:
        assert faces.page.evaluate("document.documentElement.dataset.hit") is None, text
        loaded = "document.querySelectorAll('script:not([src^=\"/assets/\"]), main img, iframe').length"
        assert faces.page.evaluate(loaded) == 0, text

    for line in LINES:
        rule = {"type": "string", "title": line, "description": line, "enum": [line, "b"]}
        own_site.admin.api.put("/v1/attribute-schema", json={**OPEN, "properties": {"note": rule}}, expect=200)
        someone = own_site.create(display_name=line, attributes={"note": line})
        for path in ("", "/note/edit", "/schema", "/rename?name=note&to=other", "/remove?name=note"):
            faces.open(f"{LIST}{path}")
            is_unhurt(line)
        own_site.admin.api.patch(f"/v1/users/{someone['id']}", json={"attributes": {"note": None}}, expect=200)
    own_site.admin.api.put("/v1/attribute-schema", json=OPEN, expect=200)
    # What is refused comes again.
    faces.open(f"{LIST}/new")
    for field in faces.page.locator("main form.property :is(input[type=text], textarea):visible").all():
        # However little room it has.
        field.evaluate("(it, text) => { it.value = text }", WHOLE)
    faces.page.locator("#kind").select_option("text")
    with faces.page.expect_navigation():
        save(faces)
    is_unhurt("a form of an attribute")
    faces.open(f"{LIST}/schema")
    faces.page.locator("#schema").fill(WHOLE)
    faces.press("Save")
    expect(faces.page.locator("#schema-error")).to_be_visible()
    is_unhurt("the whole schema")
    end(faces)
