//! Imports: what comes of each class of rows, how files are read, and what applying and undoing them changes.

mod applying;
mod counting;
mod files;
mod presets;
mod refusals;

use http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Client, TestApp};

pub const BCRYPT: &str = "$2b$04$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";

/// Uploads a file.
pub async fn upload(client: &Client, query: &str, body: impl Into<Vec<u8>>) -> Answer {
    let media_type = if query.contains("ndjson") { "application/x-ndjson" } else { "text/csv" };
    let query = query.replace("ndjson&", "").replace("ndjson", "");
    client.send_raw(Method::POST, &format!("/v1/imports?{query}"), &[("content-type", media_type)], body.into()).await
}

/// Uploads a file and returns its finished preview.
pub async fn preview(app: &TestApp, client: &Client, query: &str, body: impl Into<Vec<u8>>) -> Answer {
    let import = upload(client, query, body).await.expect(201);
    app.run_jobs().await;
    let preview = client.get(&format!("/v1/imports/{}", import.str("id"))).await.expect(200);
    assert_eq!(preview.json["state"], "ready", "{}", preview.text);
    preview
}

/// Applies what was previewed, and returns what came of it.
pub async fn apply(app: &TestApp, client: &Client, preview: &Answer) -> Answer {
    let path = format!("/v1/imports/{}", preview.str("id"));
    client.post(&format!("{path}/apply"), json!({ "token": preview.str("token") })).await.expect(202);
    app.run_jobs().await;
    client.get(&path).await.expect(200)
}

/// The counts that are not zero.
pub fn counts(import: &Answer) -> Value {
    let counts = import.json["counts"].as_object().unwrap();
    counts.iter().filter(|(_, count)| **count != json!(0)).map(|(name, count)| (name.clone(), count.clone())).collect()
}

/// The codes of what is wrong with the rows, in their order.
pub async fn faults(client: &Client, preview: &Answer) -> Vec<(i64, String, String, String)> {
    let rows = client.get(&format!("/v1/imports/{}/rows?limit=200", preview.str("id"))).await.expect(200);
    let mut found = Vec::new();
    for row in rows.json["items"].as_array().unwrap() {
        for fault in row["faults"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            found.push((row["line"].as_i64().unwrap(), text(&row["class"]), text(&fault["field"]), text(&fault["code"])));
        }
    }
    found
}

pub fn fault(line: i64, class: &str, field: &str, code: &str) -> (i64, String, String, String) {
    (line, class.to_owned(), field.to_owned(), code.to_owned())
}
