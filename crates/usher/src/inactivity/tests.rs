//! Rules on inactivity: what they may say, whom they find, and what comes of it night after night.

mod finding;
mod turns;
mod warnings;
mod writing;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Turn;
use crate::id::InactivityRuleId;
use crate::testing::{Answer, Client, PASSWORD, TestApp};

const RULES: &str = "/v1/inactivity-rules";

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

/// The administrator, signed in anew: access tokens live five minutes.
async fn root(app: &TestApp) -> Client {
    app.sign_in("root@example.org", PASSWORD).await.client
}

async fn make(client: &Client, body: Value) -> Answer {
    client.post(RULES, body).await.expect(201)
}

/// A rule of this kind that is enabled, for all but the administrator.
async fn enabled(client: &Client, action: &str, after_days: i64, warned_days: Option<i64>) -> Answer {
    let body = json!({
        "name": format!("{action} after {after_days}"), "action": action, "after_days": after_days, "warned_days": warned_days,
        "exempt": "roles eq \"admin\"", "enabled": true,
    });
    make(client, body).await
}

async fn preview(client: &Client, rule: &Answer) -> Answer {
    client.post(&format!("{RULES}/{}/preview", rule.str("id")), json!({})).await.expect(201)
}

/// What usher does every day, and all that follows from it but the mails, which are kept.
async fn night(app: &TestApp) {
    app.run_turn("apply_inactivity_rules").await;
}

async fn turn(app: &TestApp, rule: &Answer) -> Turn {
    super::apply(&app.app, rule_id(rule)).await.unwrap()
}

fn rule_id(rule: &Answer) -> InactivityRuleId {
    rule.str("id").parse().unwrap()
}

async fn status(app: &TestApp, id: &str) -> String {
    let mut tx = app.tx().await;
    let row = tx.query_one("select status from users where id = $1::text::uuid", &[&id]).await.unwrap();
    tx.commit().await.unwrap();
    row.get(0)
}

/// The names of those in the set of a run, by what came of them.
async fn names(client: &Client, run: &str, outcome: &str) -> Vec<String> {
    let items = client.get(&format!("/v1/bulk/{run}/items?outcome={outcome}&limit=200")).await.expect(200).json;
    let id = |item: &Value| item["user_id"].as_str().unwrap().to_owned();
    items["items"].as_array().unwrap().iter().map(id).collect()
}
