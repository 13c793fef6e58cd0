//! What access tokens carry of the attributes of their users.

use serde_json::{Value, json};

use super::{claims, claims_of, refresh};
use crate::testing::{Client, PASSWORD, Person, TestApp};

const TAGS: &str = "https://example.org/tags";

async fn set(admin: &Client, properties: Value) {
    let mut schema = json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": true });
    schema["properties"] = properties;
    admin.put("/v1/attribute-schema", schema).await.expect(200);
}

async fn put(admin: &Client, person: &Person, attributes: Value) {
    let mut body = json!({});
    body["attributes"] = attributes;
    admin.patch(&format!("/v1/users/{}", person.id), body).await.expect(200);
}

#[tokio::test]
async fn tokens_carry_the_attributes_that_name_a_claim_as_they_are_when_they_are_issued() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let properties = json!({
        "department": { "type": "string", "visibility": "self", "claim": "unit" },
        "tags": { "type": "array", "items": { "type": "string" }, "visibility": "public", "claim": TAGS },
        "rating": { "type": "integer" }
    });
    set(&admin, properties).await;
    put(&admin, &ann, json!({ "department": "Sales", "tags": ["a", "b"], "rating": 3, "other": "x" })).await;
    // Nothing changes a token that was issued before.
    assert!(claims_of(&ann).get("unit").is_none());
    let ann = app.sign_in(&ann.email, PASSWORD).await;
    let again = ann.client.post("/v1/reauthenticate", json!({ "password": PASSWORD })).await.expect(200);
    let ann = app.person_of(&again).await;
    let said = claims_of(&ann);
    assert_eq!((&said["unit"], &said[TAGS]), (&json!("Sales"), &json!(["a", "b"])));
    assert_eq!((&said["sub"], &said["roles"]), (&json!(ann.id), &json!(["user"])));
    for name in ["department", "tags", "rating", "other"] {
        assert!(said.get(name).is_none(), "{said}");
    }
    // What is empty is not there, whoever has emptied it.
    put(&admin, &ann, json!({ "department": "Support", "tags": [] })).await;
    let tokens = refresh(&app, &ann.refresh_token).await.expect(200);
    let said = claims(&tokens.str("access_token"));
    assert_eq!((&said["unit"], said.get(TAGS)), (&json!("Support"), None));
    put(&admin, &ann, json!({ "department": null })).await;
    let tokens = refresh(&app, &tokens.str("refresh_token")).await.expect(200);
    assert!(claims(&tokens.str("access_token")).get("unit").is_none());
    app.client_with(&tokens.str("access_token")).get("/v1/me").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_too_much_for_a_token_keeps_nobody_out() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let properties = json!({
        "story": { "type": "string", "visibility": "self", "claim": "story" },
        "car": { "type": "object", "visibility": "self", "claim": "car" },
        "desk": { "type": "string", "visibility": "self", "claim": "desk" }
    });
    set(&admin, properties).await;
    let mut deep = json!(1);
    for _ in 0..20 {
        deep = json!({ "a": deep });
    }
    for large in [json!({ "desk": "7", "story": "x".repeat(2100) }), json!({ "story": null, "car": deep })] {
        put(&admin, &ann, large).await;
        let said = claims_of(&app.sign_in(&ann.email, PASSWORD).await);
        assert!(["story", "car", "desk"].iter().all(|name| said.get(*name).is_none()), "{said}");
    }
    put(&admin, &ann, json!({ "car": null })).await;
    assert_eq!(claims_of(&app.sign_in(&ann.email, PASSWORD).await)["desk"], "7");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_bind_a_second_factor_has_a_token_that_says_no_more_than_that() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let role = json!({ "name": "careful", "permissions": [], "second_factor": { "required": true, "grace_days": 0 } });
    admin.post("/v1/roles", role).await.expect(201);
    let ann = app.person("ann", &["careful"]).await;
    set(&admin, json!({ "department": { "type": "string", "visibility": "self", "claim": "unit" } })).await;
    put(&admin, &ann, json!({ "department": "Sales" })).await;
    let said = claims_of(&app.sign_in(&ann.email, PASSWORD).await);
    assert_eq!((&said["roles"], said.get("unit")), (&json!([]), None));
    let bound = app.with_second_factor(&ann).await;
    assert_eq!(claims_of(&bound.person)["unit"], "Sales");
    app.run_jobs().await;
    app.finish().await;
}
