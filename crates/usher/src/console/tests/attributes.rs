//! The schema of attributes in the console.

use serde_json::{Value, json};

use super::{leads_to, signed_in, version_of, with};
use crate::testing::{Answer, Browser, Client, TestApp};

const PATH: &str = "/v1/attribute-schema";
const LIST: &str = "/admin/attributes";
const NEW: &str = "/admin/attributes/new";
const WHOLE: &str = "/admin/attributes/schema";

async fn schema(admin: &Client) -> Value {
    admin.get(PATH).await.expect(200).json["in_force"]["schema"].clone()
}

/// A schema with these properties, and no others allowed.
async fn set(admin: &Client, properties: Value) {
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    schema["properties"] = properties;
    admin.put(PATH, schema).await.expect(200);
}

/// Links as a browser reads them.
fn read(page: &Answer) -> String {
    page.text.replace("&#x2f;", "/")
}

/// Sends the form that a page shows, with the version that it shows.
async fn send(browser: &mut Browser, way: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.open(way).await.expect(200);
    let (version, path) = (version_of(&page.text), way.split('?').next().unwrap_or_default());
    let fields: Vec<_> = fields.iter().copied().chain([("version", version.as_str())]).collect();
    browser.submit(path, &fields).await
}

#[tokio::test]
async fn an_attribute_is_added_by_a_form_and_changed_by_it() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(LIST).await.expect(200);
    assert!(page.text.contains("There are no attributes yet") && page.text.contains(NEW), "{}", page.text);
    let form = [
        ("name", "badge"),
        ("title", "Badge"),
        ("description", "On the\r\nfront."),
        ("kind", "text"),
        ("min_length", "6"),
        ("max_length", "6"),
        ("pattern", "^[0-9]+$"),
        ("searchable", "on"),
        ("unique", "on"),
        ("visibility", "self"),
        ("claim", "badge"),
        ("reason", "for the doors"),
    ];
    leads_to(&send(&mut browser, NEW, &form).await, LIST);
    app.run_jobs().await;
    let badge = json!({
        "type": "string", "title": "Badge", "description": "On the\nfront.", "minLength": 6, "maxLength": 6, "pattern": "^[0-9]+$",
        "searchable": true, "unique": true, "visibility": "self", "claim": "badge"
    });
    assert_eq!(schema(&admin.client).await["properties"], json!({ "badge": badge }));
    let events = admin.client.get("/v1/audit-events?action=attribute_schema.set").await.expect(200);
    assert_eq!(events.json["items"][0]["reason"], "for the doors");
    let page = browser.open(LIST).await.expect(200);
    for said in ["Badge", "Length 6", "Matches ^[0-9]+$", "Unique", "Claim badge", "Ready", "Seen by the person", "for the doors"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(read(&page).contains("/admin/users?filter=attributes.badge+pr"), "{}", page.text);

    let edit = format!("{LIST}/badge/edit");
    let page = browser.open(&edit).await.expect(200);
    for said in ["value=\"Badge\"", "On the\nfront.", "value=\"^[0-9]+$\"", "<option value=\"text\" selected>"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let list = [
        ("kind", "list"),
        ("options", "red\r\n\r\n green \r\n"),
        ("max_items", "2"),
        ("unique_items", "on"),
        ("visibility", "admin"),
        ("pii", "on"),
    ];
    leads_to(&send(&mut browser, &edit, &list).await, LIST);
    let badge = json!({
        "type": "array", "items": { "type": "string", "enum": ["red", "green"] }, "maxItems": 2, "uniqueItems": true, "pii": true
    });
    assert_eq!(schema(&admin.client).await["properties"]["badge"], badge);
    let number = [("kind", "number"), ("options", "1\r\n2.5"), ("minimum", "-1"), ("visibility", "admin"), ("required", "on")];
    let refused = send(&mut browser, &edit, &number).await.expect(422);
    assert!(refused.text.contains("One user does not fit"), "{}", refused.text);
    leads_to(&send(&mut browser, &edit, &number[..4]).await, LIST);
    assert_eq!(schema(&admin.client).await["properties"]["badge"], json!({ "type": "number", "enum": [1, 2.5], "minimum": -1 }));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_what_was_typed_stays() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let team = json!({ "team": { "type": "string", "visibility": "self", "claim": "team" } });
    set(&admin.client, team.clone()).await;
    let mut browser = signed_in(&app, &admin).await;
    for (form, field) in [
        (&[("name", ""), ("kind", "text")][..], "name"),
        (&[("name", "9lives"), ("kind", "text")], "name"),
        (&[("name", "team"), ("kind", "text")], "name"),
        (&[("name", "TEAM"), ("kind", "text")], "name"),
        (&[("name", "shoe"), ("kind", "")], "kind"),
        (&[("name", "shoe"), ("kind", "text"), ("max_length", "many")], "max_length"),
        (&[("name", "shoe"), ("kind", "text"), ("min_length", "9"), ("max_length", "3")], "min_length"),
        (&[("name", "shoe"), ("kind", "text"), ("searchable", "on")], "max_length"),
        (&[("name", "shoe"), ("kind", "text"), ("pattern", "(")], "pattern"),
        (&[("name", "shoe"), ("kind", "list"), ("pattern", "(")], "pattern"),
        (&[("name", "shoe"), ("kind", "integer"), ("min_length", "3")], "min_length"),
        (&[("name", "shoe"), ("kind", "integer"), ("options", "1\r\ntwo")], "options"),
        (&[("name", "shoe"), ("kind", "boolean"), ("unique", "on")], "unique"),
        (&[("name", "shoe"), ("kind", "date"), ("claim", "sub")], "claim"),
        (&[("name", "shoe"), ("kind", "date"), ("claim", "team")], "claim"),
        (&[("name", "shoe"), ("kind", "date"), ("visibility", "admin"), ("claim", "shoe")], "claim"),
        (&[("name", "shoe"), ("kind", "date"), ("visibility", "admin"), ("self_editable", "on")], "self_editable"),
        (&[("name", "shoe"), ("kind", "date"), ("visibility", "nobody")], "visibility"),
    ] {
        let form: Vec<_> = form.iter().copied().chain([("title", "A <b>title</b>"), ("reason", "just so")]).collect();
        let page = send(&mut browser, NEW, &form).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.text);
        assert!(page.text.contains("A &lt;b&gt;title") && page.text.contains("value=\"just so\""), "{}", page.text);
    }
    assert_eq!(schema(&admin.client).await["properties"], team);
    browser.open("/admin/attributes/shoe/edit").await.expect(404);
    assert_eq!(send(&mut browser, NEW, &[("name", "shoe"), ("kind", "date")]).await.status, 303);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_the_form_has_no_field_for_stays_as_it_is() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let place = json!({ "type": "object", "properties": { "city": { "type": "string" } }, "additionalProperties": false });
    let level = json!({ "type": "number", "multipleOf": 0.5, "exclusiveMinimum": 0 });
    set(&admin.client, json!({ "place": place, "level": level })).await;
    let mut browser = signed_in(&app, &admin).await;
    let edit = format!("{LIST}/place/edit");
    let page = browser.open(&edit).await.expect(200);
    assert!(page.text.contains("There are no fields for") && !page.text.contains("name=\"pattern\""), "{}", page.text);
    leads_to(&send(&mut browser, &edit, &[("kind", "object"), ("title", "Place"), ("visibility", "public")]).await, LIST);
    let edit = format!("{LIST}/level/edit");
    let page = browser.open(&edit).await.expect(200);
    assert!(page.text.contains("exclusiveMinimum, multipleOf"), "{}", page.text);
    leads_to(&send(&mut browser, &edit, &[("kind", "number"), ("maximum", "9.5")]).await, LIST);
    let properties = schema(&admin.client).await["properties"].clone();
    assert_eq!(properties["place"]["properties"], place["properties"]);
    assert_eq!((&properties["place"]["title"], &properties["place"]["visibility"]), (&json!("Place"), &json!("public")));
    assert_eq!(properties["level"], json!({ "type": "number", "multipleOf": 0.5, "exclusiveMinimum": 0, "maximum": 9.5 }));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn users_who_do_not_fit_are_named_and_nothing_is_changed() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    set(&admin.client, json!({ "floor": { "type": "integer" }, "fax": { "type": "string" } })).await;
    let body = json!({ "attributes": { "floor": 9, "fax": "1" } });
    admin.client.patch(&format!("/v1/users/{}", ann.id), body).await.expect(200);
    let before = schema(&admin.client).await;
    let mut browser = signed_in(&app, &admin).await;
    let edit = format!("{LIST}/floor/edit");
    let page = send(&mut browser, &edit, &[("kind", "integer"), ("maximum", "8"), ("title", "Storey")]).await.expect(422);
    let of_ann = format!("href=\"/admin/users/{}\"", ann.id);
    for said in
        ["One user does not fit. Nothing is changed.", &of_ann, "must be at most 8", "value=\"Storey\"", "id=\"violation\""]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let without = json!({ "type": "object", "properties": { "floor": { "type": "integer" } }, "additionalProperties": false });
    let page = send(&mut browser, WHOLE, &[("schema", &without.to_string())]).await.expect(422);
    assert!(page.text.contains(&of_ann) && read(&page).contains("/admin/attributes/remove?name=fax"), "{}", page.text);
    assert_eq!(schema(&admin.client).await, before);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_whole_schema_is_set_as_json() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = send(&mut browser, WHOLE, &[("schema", "{ \"type\": \"object\",\r\n}")]).await.expect(422);
    assert!(page.text.contains("line 2") && page.text.contains("id=\"schema-error\""), "{}", page.text);
    let bad = json!({ "type": "object", "properties": { "a": { "type": "text" }, "b": { "type": "string", "nullable": true } } });
    let page = send(&mut browser, WHOLE, &[("schema", &bad.to_string()), ("reason", "why")]).await.expect(422);
    for said in ["/properties/a/type", "/properties/b/nullable", "is unknown or can", "value=\"why\"", "&quot;nullable&quot;"] {
        assert!(read(&page).contains(said), "{said}: {}", page.text);
    }
    let good = json!({
        "type": "object", "title": "Staff", "properties": { "b": { "type": "string" }, "a": { "type": "string" } },
        "required": [], "additionalProperties": false
    });
    leads_to(&send(&mut browser, WHOLE, &[("schema", &serde_json::to_string_pretty(&good).unwrap())]).await, LIST);
    assert_eq!(schema(&admin.client).await.to_string(), good.to_string());
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn attributes_are_renamed_and_removed_after_a_preview() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    set(&admin.client, json!({ "unit": { "type": "string", "maxLength": 9, "searchable": true }, "team": { "type": "string" } }))
        .await;
    let user = format!("/v1/users/{}", ann.id);
    admin.client.patch(&user, json!({ "attributes": { "unit": "Sales" } })).await.expect(200);
    app.run_jobs().await;
    let mut browser = signed_in(&app, &admin).await;
    let rename = format!("{LIST}/rename?name=unit");
    assert!(!browser.open(&rename).await.expect(200).text.contains("What would come of it"));
    let taken = browser.open(&format!("{rename}&to=team")).await.expect(422);
    assert!(taken.text.contains("id=\"to-error\"") && taken.text.contains("is the name of a property already"), "{}", taken.text);
    let way = format!("{rename}&to=department");
    let page = browser.open(&way).await.expect(200);
    for said in ["One user has it.", "ann", "Sales", "<code>department</code>", "Rename the attribute"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(schema(&admin.client).await["properties"]["department"], Value::Null);
    let form = [("name", "unit"), ("to", "department"), ("reason", "as all say")];
    leads_to(&send(&mut browser, &way, &form).await, LIST);
    let page = browser.open(LIST).await.expect(200);
    assert!(page.text.contains("Attributes are being renamed or removed") && page.text.contains("id=\"live\""), "{}", page.text);
    let page = send(&mut browser, NEW, &[("name", "shoe"), ("kind", "date")]).await.expect(422);
    assert!(page.text.contains("Another change of the schema is under way."), "{}", page.text);
    browser.open(&format!("{LIST}/remove?name=team")).await.expect(422);
    app.run_jobs().await;
    assert_eq!(admin.client.get(&user).await.expect(200).json["attributes"], json!({ "department": "Sales" }));

    let way = format!("{LIST}/remove?name=department");
    let page = browser.open(&way).await.expect(200);
    assert!(page.text.contains("One user has it.") && page.text.contains("It stays in their histories"), "{}", page.text);
    leads_to(&send(&mut browser, &way, &[("name", "department"), ("reason", "enough")]).await, LIST);
    app.run_jobs().await;
    assert_eq!(admin.client.get(&user).await.expect(200).json["attributes"], json!({}));
    assert_eq!(schema(&admin.client).await["properties"], json!({ "team": { "type": "string" } }));
    let events = admin.client.get("/v1/audit-events?action=attribute_schema.migration_begun").await.expect(200);
    let reasons: Vec<_> = events.json["items"].as_array().unwrap().iter().map(|event| event["reason"].clone()).collect();
    assert_eq!(reasons, [json!("enough"), json!("as all say")]);
    for way in ["rename?name=shoe&to=boot", "rename", "remove"] {
        browser.open(&format!("{LIST}/{way}")).await.expect(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn somebody_elses_change_meanwhile_is_told_and_what_was_typed_holds_when_it_is_sent_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let version = version_of(&browser.open(NEW).await.expect(200).text);
    set(&admin.client, json!({ "team": { "type": "string" } })).await;
    let form = [("name", "shoe"), ("kind", "integer"), ("version", version.as_str())];
    let page = browser.submit(NEW, &form).await.expect(422);
    assert!(page.text.contains("Somebody has changed the schema since this form was shown."), "{}", page.text);
    let now = version_of(&page.text);
    assert_ne!(now, version);
    browser.submit(NEW, &[form[0], form[1], ("version", &now)]).await.expect(303);
    let there: Vec<String> = schema(&admin.client).await["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(there, ["team", "shoe"]);
    for way in [format!("{LIST}/rename"), format!("{LIST}/remove")] {
        let page = browser.submit(&way, &[("name", "team"), ("to", "unit"), ("version", &version)]).await.expect(422);
        assert!(page.text.contains("Somebody has changed the schema"), "{way}: {}", page.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_version_that_waits_shows_how_far_it_is_and_one_that_was_refused_says_why() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let client = app.app.db.dedicated().await.unwrap();
    let sql = "
        insert into users (id, username, status, attributes, created_at, updated_at)
        select gen_random_uuid(), 'bulk-' || n, 'active', jsonb_build_object('floor', n % 9), now(), now()
        from generate_series(1, 10001) as n";
    client.batch_execute(sql).await.unwrap();
    let mut browser = signed_in(&app, &admin).await;
    let form = [("name", "floor"), ("kind", "integer"), ("maximum", "7"), ("searchable", "on")];
    leads_to(&send(&mut browser, NEW, &form).await, LIST);
    let page = browser.open(LIST).await.expect(200);
    for said in ["A new version waits until all users are checked", "id=\"live\"", ">Waits<", "Being built"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    // What is added now is added to what waits.
    leads_to(&send(&mut browser, NEW, &[("name", "shoe"), ("kind", "integer")]).await, LIST);
    let waits = admin.client.get(PATH).await.expect(200).json["pending"]["schema"]["properties"].clone();
    assert_eq!(waits.as_object().unwrap().keys().collect::<Vec<_>>(), ["floor", "shoe"]);
    app.run_jobs().await;
    let page = browser.open(LIST).await.expect(200);
    for said in [
        "The last version did not come into force",
        "1,111 users do not fit it",
        "must be at most 7",
        "There are no attributes yet",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_index_that_could_not_be_built_is_tried_again_at_once() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    set(&admin.client, json!({ "floor": { "type": "integer", "searchable": true } })).await;
    app.run_jobs().await;
    let client = app.app.db.dedicated().await.unwrap();
    let sql = "
        update attribute_indexes
        set state = 'failed', detail = 'PostgreSQL refused it (53100)', changed_at = now() + interval '1 year'";
    client.batch_execute(sql).await.unwrap();
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(LIST).await.expect(200);
    assert!(page.text.contains("Not built") && page.text.contains("PostgreSQL refused it (53100)"), "{}", page.text);
    leads_to(&browser.submit(&format!("{LIST}/indexes"), &[]).await, LIST);
    app.run_jobs().await;
    let page = browser.open(LIST).await.expect(200);
    assert!(page.text.contains(">Ready<") && !page.text.contains("Not built"), "{}", page.text);
    assert_eq!(app.count("select count(*) from audit_events where action = 'attribute_schema.indexes_retried'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_look_sees_no_form_and_is_refused_by_each() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    set(&admin.client, json!({ "team": { "type": "string" } })).await;
    let looker = with(&app, &admin, "looker", &["users:read"]).await;
    let writer = with(&app, &admin, "writer", &["attributes:write"]).await;
    let forms = [NEW, WHOLE, "/admin/attributes/team/edit", "/admin/attributes/rename", "/admin/attributes/remove"];
    let mut browser = signed_in(&app, &looker).await;
    let page = browser.open(LIST).await.expect(200);
    assert!(page.text.contains("team") && !page.text.contains(NEW) && !page.text.contains("/edit"), "{}", page.text);
    for way in forms {
        let page = browser.open(&format!("{way}?name=team")).await.expect(403);
        assert!(page.text.contains("This needs the permission attributes:write."), "{way}: {}", page.text);
        browser.submit(way, &[("name", "team"), ("kind", "text")]).await.expect(403);
    }
    browser.submit(&format!("{LIST}/indexes"), &[]).await.expect(403);
    // What the forms show is for those who may see users.
    let mut browser = signed_in(&app, &writer).await;
    for way in [&[LIST][..], &forms].concat() {
        let page = browser.open(&format!("{way}?name=team")).await.expect(403);
        assert!(page.text.contains("This needs the permission users:read."), "{way}: {}", page.text);
    }
    assert_eq!(schema(&admin.client).await["properties"], json!({ "team": { "type": "string" } }));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_pages_speak_german() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    set(&admin.client, json!({ "floor": { "type": "integer", "minimum": 1, "enum": [1, 2] } })).await;
    admin.client.patch("/v1/me", json!({ "locale": "de" })).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(LIST).await.expect(200);
    for said in ["Ganze Zahl", "Eines von: 1, 2", "Wert mindestens 1"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    let form = [("name", "shoe"), ("kind", "text"), ("searchable", "on"), ("pattern", "(")];
    let page = send(&mut browser, NEW, &form).await.expect(422);
    for said in ["höchstens 500 Zeichen", "regulärer Ausdruck"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    app.run_jobs().await;
    app.finish().await;
}
