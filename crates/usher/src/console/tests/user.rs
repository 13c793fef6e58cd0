//! The page about one user: attributes by their schema, and with what the user signs in.

use jiff::SignedDuration;
use serde_json::json;

use super::{signed_in, way};
use crate::testing::{Authenticator, PASSWORD, TestApp};

#[tokio::test]
async fn attributes_stand_by_their_titles_in_the_order_of_the_schema_and_what_lacks_is_seen() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&way(&ann)).await.expect(200);
    let part = |page: &str| page.split("id=\"attributes\"").nth(1).unwrap().split("</section>").next().unwrap().to_owned();
    assert!(part(&page.text).contains("None") && !part(&page.text).contains("<dt>"), "{}", page.text);
    let properties = json!({
        "team": { "type": "string" },
        "floor": { "type": "integer", "title": "Storey" },
        "shoe": { "type": "string", "title": "Size <EU>" },
    });
    admin.client.put("/v1/attribute-schema", json!({ "type": "object", "properties": properties })).await.expect(200);
    let attributes = json!({ "attributes": { "floor": 3, "locker": "B7" } });
    admin.client.patch(&format!("/v1/users/{}", ann.id), attributes).await.expect(200);
    let page = browser.open(&way(&ann)).await.expect(200);
    let part = part(&page.text);
    let each = |tag: &str| {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        part.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let names = [
        "team",
        "Storey <code class=\"hint\">floor</code>",
        "Size &lt;EU&gt; <code class=\"hint\">shoe</code>",
        "locker <span class=\"optional\">(not in the schema)</span>",
    ];
    assert_eq!(each("dt"), names);
    let nothing = "<span class=\"nothing\">–</span>";
    assert_eq!(each("dd"), [nothing, "3", nothing, "B7"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn passkeys_and_trusted_devices_are_listed_one_by_one() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&way(&ann)).await.expect(200);
    assert!(!page.text.contains("Trusted devices"), "{}", page.text);
    let asked = ann.client.post("/v1/me/passkeys/options", json!({})).await.expect(200);
    let credential = Authenticator::new(b"key").create(&asked.json["options"]);
    let wish = json!({ "ceremony": asked.str("ceremony"), "credential": credential, "name": "Blue <key>" });
    let added = ann.client.post("/v1/me/passkeys", wish).await.expect(200);
    let credentials = format!("/v1/users/{}/credentials", ann.id);
    let found = admin.client.get(&credentials).await.expect(200).json;
    assert_eq!((&found["passkeys"], &found["trusted_devices"]), (&json!(1), &json!([])));
    let passkey = &found["bound_passkeys"][0];
    assert_eq!((&passkey["name"], &passkey["last_used_at"]), (&json!("Blue <key>"), &json!(null)));

    let login = json!({ "identifier": ann.email, "password": PASSWORD });
    let pending = app.client().post("/v1/login", login).await.expect(202).str("pending_token");
    let proof = json!({ "pending_token": pending, "code": added.json["recovery_codes"][0], "trust_device": true });
    app.client().post("/v1/login/second-factor", proof).await.expect(200);
    let found = admin.client.get(&credentials).await.expect(200).json;
    let until = app.now() + SignedDuration::from_hours(30 * 24);
    assert_eq!(found["trusted_devices"][0]["expires_at"], until.to_string());
    assert_eq!(found["trusted_devices"].as_array().unwrap().len(), 1);
    let page = browser.open(&way(&ann)).await.expect(200);
    for said in ["Blue &lt;key&gt;<br>", ", never used</span>", "Trusted devices", ">31 Jan 2026, 00:00</time></span>"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_sign_in_that_stopped_at_the_second_factor_stands_among_the_others() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let bound = app.with_second_factor(&ann).await;
    let mut browser = signed_in(&app, &admin).await;
    let stopped = |page: &str| (page.matches(">Not finished<").count(), page.matches("second factor not shown").count());
    assert_eq!(stopped(&browser.open(&way(&ann)).await.expect(200).text), (0, 0));
    let login = json!({ "identifier": ann.email, "password": PASSWORD });
    let pending = app.client().post("/v1/login", login).await.expect(202).str("pending_token");
    let page = browser.open(&way(&ann)).await.expect(200);
    assert_eq!(stopped(&page.text), (1, 1));
    assert!(page.text.contains("The password was right, and the second factor was asked for"), "{}", page.text);
    let proof = json!({ "pending_token": pending, "code": bound.recovery_codes[0] });
    app.client().post("/v1/login/second-factor", proof).await.expect(200);
    let page = browser.open(&way(&ann)).await.expect(200);
    assert_eq!(stopped(&page.text), (0, 0));
    assert!(page.text.contains("second factor right"), "{}", page.text);
    app.run_jobs().await;
    app.finish().await;
}
