//! Attributes of the schema in filters and runs.

use serde_json::json;

use super::filter::find;
use crate::testing::TestApp;

#[tokio::test]
async fn attributes_are_asked_for_as_the_schema_says() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let schema = json!({
        "type": "object",
        "properties": {
            "department": { "type": "string", "maxLength": 50, "searchable": true },
            "level": { "type": "number", "searchable": true },
            "start": { "type": "string", "format": "date-time", "searchable": true },
            "born": { "type": "string", "format": "date", "searchable": true },
            "remote": { "type": "boolean", "searchable": true },
            "tags": { "type": "array", "items": { "type": "string" }, "searchable": true },
            "note": { "type": "string" },
        },
        "required": [],
        "additionalProperties": false,
    });
    let put = admin.put("/v1/attribute-schema", schema).await;
    assert!([200, 202].contains(&put.status.as_u16()), "{}", put.text);
    app.run_jobs().await;
    for (name, attributes) in [
        (
            "ann",
            json!({ "department": "Sales", "level": 3, "start": "2026-01-01T01:00:00+01:00", "tags": ["a", "b"], "remote": true }),
        ),
        ("bob", json!({ "department": "sales", "level": 3.5, "born": "1990-05-06", "tags": ["b"] })),
        ("cid", json!({ "department": "Support", "level": -1, "remote": false, "note": "x" })),
        ("dan", json!({})),
    ] {
        let body = json!({ "email": format!("{name}@example.org"), "username": name, "attributes": attributes });
        admin.post("/v1/users", body).await.expect(201);
    }
    app.mails().await;
    for (filter, expected) in [
        ("attributes.department eq \"SALES\"", &["ann", "bob"][..]),
        ("attributes.department sw \"s\" and userName pr", &["ann", "bob", "cid"]),
        ("attributes.department ge \"su\"", &["cid"]),
        ("attributes.level gt 2 and attributes.level le 3.50", &["ann", "bob"]),
        ("attributes.level eq 3.0", &["ann"]),
        ("attributes.start eq \"2026-01-01T00:00:00Z\"", &["ann"]),
        ("attributes.born lt \"2000-01-01\"", &["bob"]),
        ("attributes.remote eq true", &["ann"]),
        ("not (attributes.remote eq true) and attributes.tags eq \"b\"", &["bob"]),
        ("attributes.tags eq \"b\"", &["ann", "bob"]),
        ("attributes.department eq null and userName sw \"d\"", &["dan"]),
        ("attributes.department ne \"sales\" and attributes.level pr", &["cid"]),
    ] {
        assert_eq!(find(&admin, filter).await, expected, "{filter}");
    }
    for (filter, detail) in [
        ("attributes.note eq \"x\"", "`note` is not searchable"),
        ("attributes.shoe eq 43", "the attribute schema has no `shoe`"),
        ("attributes.level eq \"3\"", "is compared with a number"),
        ("attributes.department co \"a\"", "can't be compared with a text by `co`"),
        ("attributes.start eq \"soon\"", "is compared with a time in quotes"),
        ("attributes.tags gt \"a\"", "can't be compared"),
    ] {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        let refused = admin.get(&format!("/v1/users?{query}")).await.expect_problem(422, "invalid_query");
        assert!(refused.json["errors"][0]["detail"].as_str().unwrap().contains(detail), "{filter}: {}", refused.text);
    }
    // A run sets them by the same rules: what fits nobody is refused at once.
    let body = json!({ "action": "set_attributes", "attributes": { "level": "high" }, "filter": "attributes.level pr" });
    let refused = admin.post("/v1/bulk", body).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.json["errors"][0]["pointer"], "/attributes/level");
    assert_eq!(app.count("select count(*) from bulk_runs").await, 0);
    app.finish().await;
}
