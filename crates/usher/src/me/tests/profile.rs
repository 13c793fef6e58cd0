//! The pages of profile and user name.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, Browser, Person, TestApp};

const PROFILE: &str = "/account/profile";
const USERNAME: &str = "/account/username";

/// A browser in which Ann has signed in.
async fn signed_in(app: &TestApp) -> (Person, Browser) {
    let ann = app.user("ann").await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    (ann, browser)
}

/// The version that the form was shown for.
fn version(page: &Answer) -> String {
    page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Opens the form and sends it with these fields.
async fn save(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let version = version(&browser.open(PROFILE).await.expect(200));
    let fields = [&[("version", version.as_str())], fields].concat();
    browser.submit(PROFILE, &fields).await
}

async fn me(ann: &Person) -> Value {
    ann.client.get("/v1/me").await.expect(200).json
}

#[track_caller]
fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status.as_u16(), answer.headers.get("location").map(|to| to.to_str().unwrap())), (303, Some(path)));
}

#[tokio::test]
async fn a_profile_is_saved_as_by_the_api_and_what_is_emptied_is_cleared() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    let fields = [
        ("display_name", "Ann B."),
        ("bio", "Keeps bees.\r\nAnd a cat."),
        ("locale", "de-AT"),
        ("time_zone", "Europe/Vienna"),
        ("website_url", "https://ann.example.org/"),
        ("family_name", ""),
    ];
    leads_to(&save(&mut browser, &fields).await, "/account");
    let page = browser.open("/account").await.expect(200);
    assert!(page.text.contains("Ihr Profil ist gespeichert.") && page.text.contains("Keeps bees.\nAnd a cat."), "{}", page.text);
    assert!(!browser.open("/account").await.expect(200).text.contains("Ihr Profil ist gespeichert."), "once");
    let saved = me(&ann).await;
    assert_eq!(saved["bio"], "Keeps bees.\nAnd a cat.");
    assert_eq!((&saved["locale"], &saved["time_zone"]), (&json!("de-AT"), &json!("Europe/Vienna")));
    assert_eq!(saved["family_name"], Value::Null);
    let page = browser.open(PROFILE).await.expect(200);
    assert!(page.text.contains("<option value=\"Europe&#x2f;Vienna\" selected>Vienna</option>"));
    leads_to(&save(&mut browser, &[("display_name", " "), ("website_url", "")]).await, "/account");
    let cleared = me(&ann).await;
    assert_eq!((&cleared["display_name"], &cleared["website_url"]), (&Value::Null, &Value::Null));
    assert_eq!(cleared["bio"], "Keeps bees.\nAnd a cat.", "what a form does not send stays");
    let sql = format!("select count(*) from audit_events where action = 'user.updated' and actor_id::text = '{}'", ann.id);
    assert_eq!(app.count(&sql).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn pages_speak_the_language_that_was_saved_until_another_is_chosen() {
    let app = TestApp::new().await;
    let (_, mut browser) = signed_in(&app).await;
    browser.submit("/language", &[("language", "en")]).await.expect(303);
    leads_to(&save(&mut browser, &[("locale", "de-AT")]).await, "/account");
    let page = browser.open("/account").await.expect(200).text;
    for said in ["Ihr Profil ist gespeichert.", "Über Sie", "Hier seit", "1. Januar 2026", "aria-label=\"Profil bearbeiten\""] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let refused = save(&mut browser, &[("locale", "de_AT")]).await.expect(422).text;
    assert!(refused.contains("Die Sprache muss ein Kürzel wie en oder de-AT sein."), "{refused}");
    browser.submit("/language", &[("language", "en")]).await.expect(303);
    leads_to(&save(&mut browser, &[("locale", "de-AT"), ("bio", "Keeps bees.")]).await, "/account");
    assert!(browser.open("/account").await.expect(200).text.contains("Your profile is saved."));
    leads_to(&save(&mut browser, &[("locale", "xx")]).await, "/account");
    assert!(browser.open("/account").await.expect(200).text.contains("Your profile is saved."), "usher does not speak it");
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_said_at_its_field_and_nothing_changes() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    let before = me(&ann).await;
    let long = "x".repeat(101);
    for (name, value, said) in [
        ("display_name", long.as_str(), "The name must have at most 100 characters."),
        ("website_url", "javascript:alert(1)", "The address of the website must be a URL that begins with"),
        ("time_zone", "Europe/Nowhere", "The time zone must be a time zone of the IANA database"),
        ("locale", "en_GB", "The language must be a tag such as en or de-AT."),
    ] {
        let refused = save(&mut browser, &[("given_name", "Kept <b>"), (name, value)]).await.expect(422);
        let at = format!("id=\"{name}-error\"");
        assert!(refused.text.contains(&at) && refused.text.contains(said), "{name}: {}", refused.text);
        assert!(refused.text.contains("value=\"Kept &lt;b&gt;\""), "what was typed is shown again: {}", refused.text);
    }
    assert_eq!(me(&ann).await, before);
    browser.submit(PROFILE, &[("display_name", "x")]).await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_not_overwritten_unseen() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    let shown = version(&browser.open(PROFILE).await.expect(200));
    ann.client.patch("/v1/me", json!({ "display_name": "Elsewhere" })).await.expect(200);
    let fields = |version: &'static str| [("version", version), ("display_name", "Here")];
    let refused = browser.submit(PROFILE, &[("version", &shown), ("display_name", "Here")]).await.expect(422);
    assert!(refused.text.contains("has changed since you opened this page"), "{}", refused.text);
    assert_eq!(me(&ann).await["display_name"], "Elsewhere");
    browser.submit(PROFILE, &fields("x")).await.expect(422);
    let seen = version(&refused);
    leads_to(&browser.submit(PROFILE, &[("version", &seen), ("display_name", "Here")]).await, "/account");
    assert_eq!(me(&ann).await["display_name"], "Here");
    app.finish().await;
}

#[tokio::test]
async fn r202_attributes_that_are_the_person_s_to_change_are_fields_by_their_type_and_others_are_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, mut browser) = signed_in(&app).await;
    let own = |mut rule: Value| {
        rule["visibility"] = json!("self");
        rule["selfEditable"] = json!(true);
        rule
    };
    let schema = json!({ "type": "object", "additionalProperties": false, "properties": {
        "rating": { "type": "integer", "title": "Secret rating" },
        "department": { "type": "string", "visibility": "self", "title": "Department" },
        "nickname": own(json!({ "type": "string", "maxLength": 5, "title": "Nickname" })),
        "height": own(json!({ "type": "integer", "maximum": 250 })),
        "vegetarian": own(json!({ "type": "boolean" })),
        "born": own(json!({ "type": "string", "format": "date" })),
        "size": own(json!({ "type": "string", "enum": ["S", "M"] })),
        "car": own(json!({ "type": "object" })),
    } });
    admin.put("/v1/attribute-schema", schema).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    admin.patch(&path, json!({ "attributes": { "rating": 3, "department": "Sales" } })).await.expect(200);
    let form = browser.open(PROFILE).await.expect(200).text;
    for name in ["nickname", "height", "vegetarian", "born", "size"] {
        assert!(form.contains(&format!("name=\"attribute.{name}\"")), "{name}: {form}");
    }
    assert!(!form.contains("attribute.department") && !form.contains("attribute.rating") && !form.contains("attribute.car"));
    let fields = [
        ("attribute.nickname", "Nan"),
        ("attribute.height", "170"),
        ("attribute.vegetarian", "false"),
        ("attribute.born", "1990-02-03"),
        ("attribute.size", "M"),
    ];
    leads_to(&save(&mut browser, &fields).await, "/account");
    let kept = json!({ "department": "Sales", "nickname": "Nan", "height": 170, "vegetarian": false, "born": "1990-02-03", "size": "M" });
    assert_eq!(me(&ann).await["attributes"], kept);
    let page = browser.open("/account").await.expect(200).text;
    assert!(page.contains("Sales") && page.contains("<dd>No</dd>") && !page.contains("Secret rating"), "{page}");
    for (name, value, said) in [
        ("attribute.nickname", "too long", "Nickname must have at most 5 characters."),
        ("attribute.height", "tall", "height must be integer."),
        ("attribute.height", "251", "height must be at most 250."),
        ("attribute.size", "XL", "size must be one of"),
    ] {
        let refused = save(&mut browser, &[(name, value)]).await.expect(422);
        assert!(
            refused.text.contains(&format!("id=\"{name}-error\"")) && refused.text.contains(said),
            "{name}: {}",
            refused.text
        );
    }
    // What has no field there can't be set by a forged one.
    leads_to(
        &save(&mut browser, &[("attribute.department", "Boss"), ("attribute.rating", "5"), ("attribute.size", "")]).await,
        "/account",
    );
    let left = admin.get(&path).await.expect(200).json;
    assert_eq!((&left["attributes"]["department"], &left["attributes"]["rating"]), (&json!("Sales"), &json!(3)));
    assert!(left["attributes"].get("size").is_none(), "{left}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_a_user_name_is_changed_in_the_browser_after_a_fresh_proof_only() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    let bob = app.user("bob").await;
    bob.client.patch("/v1/me", json!({ "username": "calm-otter" })).await.expect(200);
    browser.open(USERNAME).await.expect(200);
    for (name, said) in [
        ("", "Choose a user name."),
        ("a b", "The user name must have 3 to 64 letters, digits"),
        ("CALM-otter", "This user name belongs to somebody else."),
    ] {
        let refused = browser.submit(USERNAME, &[("username", name)]).await.expect(422);
        assert!(refused.text.contains(said), "{name}: {}", refused.text);
    }
    leads_to(&browser.submit(USERNAME, &[("username", "brisk-heron")]).await, "/account");
    assert!(browser.open("/account").await.expect(200).text.contains("Your user name is changed."));
    assert_eq!(me(&ann).await["username"], "brisk-heron");
    app.advance(SignedDuration::from_mins(11));
    browser.open("/account").await.expect(200);
    let proof = "/reauthenticate?return_to=%2Faccount%2Fusername";
    leads_to(&browser.open(USERNAME).await, proof);
    leads_to(&browser.submit(USERNAME, &[("username", "late-wren")]).await, proof);
    // The profile itself asks for none.
    leads_to(&save(&mut browser, &[("display_name", "Ann")]).await, "/account");
    app.run_jobs().await;
    app.finish().await;
}
