//! The schema of attributes, through the front door.

mod changes;
mod indexes;
mod migrations;
mod schemas;
mod writes;

use serde_json::{Value, json};

use crate::testing::{Answer, Client, TestApp};

const PATH: &str = "/v1/attribute-schema";

/// A schema with these properties, and no others allowed.
fn closed(properties: Value) -> Value {
    let mut schema = json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false });
    schema["properties"] = properties;
    schema
}

/// Sets a schema that comes into force at once.
async fn set(admin: &Client, properties: Value) -> Answer {
    admin.put(PATH, closed(properties)).await.expect(200)
}

async fn create(admin: &Client, name: &str, attributes: Value) -> Answer {
    let mut body = json!({ "email": format!("{name}@example.org"), "username": name });
    body["attributes"] = attributes;
    admin.post("/v1/users", body).await
}

fn path_of(user: &Answer) -> String {
    format!("/v1/users/{}", user.str("id"))
}

async fn put_attributes(admin: &Client, user: &Answer, attributes: Value) -> Answer {
    let mut body = json!({});
    body["attributes"] = attributes;
    admin.patch(&path_of(user), body).await
}

/// Many users that nobody has to sign up, with attributes as a SQL expression of their number `n`.
async fn many(app: &TestApp, count: i64, attributes: &str) {
    let client = app.app.db.dedicated().await.unwrap();
    let sql = format!(
        "insert into users (id, username, status, attributes, created_at, updated_at)
        select gen_random_uuid(), 'bulk-' || n, 'active', {attributes}, now(), now()
        from generate_series(1, {count}) as n"
    );
    client.batch_execute(&sql).await.unwrap();
}
