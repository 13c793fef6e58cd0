//! Filters by what other features keep of users: their groups, the day of their last activity, their second factors.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::filter::find;
use crate::testing::{Client, PASSWORD, Person, TestApp};

/// By the names that they were made with.
async fn who(client: &Client, filter: &str) -> Vec<String> {
    find(client, filter).await.iter().map(|name| name.trim_start_matches("zz-").to_owned()).collect()
}

async fn group(admin: &Client, name: &str, parent: Option<&str>) -> String {
    let id = admin.post("/v1/groups", json!({ "name": name })).await.expect(201).str("id");
    if let Some(parent) = parent {
        admin.put(&format!("/v1/groups/{id}/parents"), json!({ "parents": [parent] })).await.expect(200);
    }
    id
}

async fn join(admin: &Client, group: &str, person: &Person, body: Value) {
    admin.put(&format!("/v1/groups/{group}/members/{}", person.id), body).await.expect(200);
}

#[tokio::test]
async fn groups_are_asked_for_by_name_or_id_and_have_the_members_of_those_below() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob, eve) = (app.user("ann").await, app.user("bob").await, app.user("eve").await);
    let staff = group(&admin, "Staff", None).await;
    let press = group(&admin, "Press office", Some(&staff)).await;
    let interns = group(&admin, "Interns", Some(&press)).await;
    group(&admin, "Nobody", None).await;
    join(&admin, &staff, &ann, json!({})).await;
    join(&admin, &interns, &bob, json!({})).await;
    let soon = (app.now() + SignedDuration::from_secs(60)).to_string();
    join(&admin, &press, &eve, json!({ "expires_at": soon })).await;
    let by_id = format!("groups eq \"{}\"", staff.to_uppercase());
    for (filter, expected) in [
        ("groups eq \"STAFF\"", &["ann", "bob", "eve"][..]),
        (&by_id, &["ann", "bob", "eve"]),
        ("groups.value eq \"press office\"", &["bob", "eve"]),
        ("groups[value eq \"Staff\" and type eq \"direct\"]", &["ann"]),
        ("groups[display sw \"press\"]", &["bob", "eve"]),
        ("groups pr", &["ann", "bob", "eve"]),
        ("groups eq null", &["root"]),
        ("groups ne \"press office\"", &["ann", "root"]),
        ("not (groups eq \"Interns\" or userName eq \"zz-root\")", &["ann", "eve"]),
        ("groups eq \"Interns\" or userName eq \"zz-root\"", &["bob", "root"]),
        ("groups eq \"Nobody\" or groups eq \"no such group\"", &[]),
        ("not (groups eq \"Nobody\")", &["ann", "bob", "eve", "root"]),
    ] {
        assert_eq!(who(&admin, filter).await, expected, "{filter}");
    }
    app.advance(SignedDuration::from_secs(61));
    for (filter, expected) in [("groups eq \"Press office\"", &["bob"][..]), ("not (groups pr)", &["eve", "root"])] {
        assert_eq!(who(&admin, filter).await, expected, "{filter}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_last_day_is_the_one_that_analytics_count_by() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    app.advance(SignedDuration::from_hours(3 * 24));
    app.sign_in(&bob.email, PASSWORD).await;
    app.advance(SignedDuration::from_hours(6 * 24));
    let client = app.sign_in(&admin.email, PASSWORD).await.client;
    // Who came without being noted, and signed in where nobody noted it.
    let mut tx = app.tx().await;
    tx.execute("delete from last_active_days where user_id = $1::text::uuid", &[&ann.id]).await.unwrap();
    let sql = "
        insert into users (id, username, status, created_at, updated_at, last_sign_in_at)
        values (gen_random_uuid(), 'zz-eve', 'active', '2025-11-30', '2026-01-01', '2026-01-02T23:59:59Z')";
    tx.execute(sql, &[]).await.unwrap();
    tx.commit().await.unwrap();
    for (filter, expected) in [
        ("lastActiveOn lt \"2026-01-02\"", &["ann"][..]),
        ("lastActiveOn le \"2026-01-02\"", &["ann", "eve"]),
        ("lastActiveOn eq \"2026-01-02\"", &["eve"]),
        ("last_active_on ge \"2026-01-04\"", &["bob", "root"]),
        ("lastActiveOn gt \"2026-01-04\"", &["root"]),
        ("not (lastActiveOn gt \"2026-01-02\")", &["ann", "eve"]),
        ("lastActiveOn ne \"2026-01-01\" and lastActiveOn pr", &["bob", "eve", "root"]),
        ("lastActiveOn eq null", &[]),
        ("lastActiveOn lt \"9999-12-31\" and lastActiveOn gt \"0000-01-01\"", &["ann", "bob", "eve", "root"]),
        ("lastActiveOn gt \"9999-12-31\"", &[]),
    ] {
        assert_eq!(who(&client, filter).await, expected, "{filter}");
    }
    // Today is the tenth: more than so many whole days lie between.
    let counted = client.get("/v1/analytics").await.expect(200);
    let since = counted.json["inactive"]["since"].as_array().unwrap();
    for (days, before) in [(2, "2026-01-08"), (7, "2026-01-03")] {
        let entry = since.iter().find(|entry| entry["days"] == days).unwrap();
        let found = who(&client, &format!("lastActiveOn lt \"{before}\"")).await;
        assert_eq!(entry["users"], found.len(), "{days}: {found:?}");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn who_has_bound_a_second_factor_is_found_and_who_has_only_begun_is_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob, eve) = (app.user("ann").await, app.user("bob").await, app.user("eve").await);
    app.with_second_factor(&ann).await;
    bob.client.post("/v1/me/second-factors/totp", json!({})).await.expect(200);
    let mut tx = app.tx().await;
    let sql = "
        insert into passkeys (id, user_id, credential_id, credential, name, is_backed_up, created_at)
        values (gen_random_uuid(), $1::text::uuid, 'x', '{}', 'Phone', false, '2026-01-01')";
    tx.execute(sql, &[&eve.id]).await.unwrap();
    tx.commit().await.unwrap();
    for (filter, expected) in [
        ("secondFactors eq true", &["ann", "eve"][..]),
        ("second_factors.any ne false", &["ann", "eve"]),
        ("secondFactors eq false", &["bob", "root"]),
        ("not (secondFactors eq true) and roles eq \"user\"", &["bob", "root"]),
        ("secondFactors.app eq true", &["ann"]),
        ("secondFactors.passkey eq true", &["eve"]),
        ("secondFactors eq true and secondFactors.passkey eq false", &["ann"]),
        ("secondFactors.app eq true or userName eq \"zz-root\"", &["ann", "root"]),
    ] {
        assert_eq!(who(&admin, filter).await, expected, "{filter}");
    }
    app.run_jobs().await;
    app.finish().await;
}
