//! The exports of other products, as they write them.

use serde_json::json;

use super::{apply, counts, fault, faults};
use crate::testing::{Answer, Client, TestApp};

const FIREBASE: &str = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,Bw==,8,4";

async fn preview(app: &TestApp, admin: &Client, preset: &str, media_type: &str, body: &str) -> Answer {
    let config = FIREBASE.replace('+', "%2B").replace('=', "%3D");
    let query = format!(
        "preset={preset}&keep_ids=true{}",
        if preset == "firebase" { format!("&hash_config={config}") } else { String::new() }
    );
    let headers = [("content-type", media_type)];
    let path = format!("/v1/imports?{query}");
    let import = admin.send_raw(http::Method::POST, &path, &headers, body.as_bytes().to_vec()).await.expect(201);
    assert!(!import.text.contains("jxspr8Ki"), "the signer key is a secret");
    app.run_jobs().await;
    admin.get(&format!("/v1/imports/{}", import.str("id"))).await.expect(200)
}

#[tokio::test]
async fn the_exports_of_other_products_are_read() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (csv, lines, json_type) = ("text/csv", "application/x-ndjson", "application/json");
    for (preset, media_type, body, expected) in [
        ("keycloak", json_type, include_str!("samples/keycloak.json"), json!({ "create": 1, "invalid": 1 })),
        ("auth0", lines, include_str!("samples/auth0.ndjson"), json!({ "create": 2 })),
        ("firebase", json_type, include_str!("samples/firebase.json"), json!({ "create": 2 })),
        ("supabase", csv, include_str!("samples/supabase.csv"), json!({ "create": 1 })),
        ("fastapi-users", csv, include_str!("samples/fastapi-users.csv"), json!({ "create": 2 })),
        ("django", csv, include_str!("samples/django.csv"), json!({ "create": 2 })),
        ("devise", csv, include_str!("samples/devise.csv"), json!({ "create": 1 })),
    ] {
        let shown = preview(&app, &admin, preset, media_type, body).await;
        assert_eq!(counts(&shown), expected, "{preset}: {:?}", faults(&admin, &shown).await);
        let done = apply(&app, &admin, &shown).await;
        assert_eq!(done.json["state"], "finished", "{preset}");
        let ann = admin.get("/v1/users?q=ann%40mail").await.expect(200).json["items"][0].clone();
        assert_eq!(ann["email_verified"], json!(preset != "django"), "{preset}");
        assert_eq!(ann["roles"], json!(["user"]), "{preset}");
        if preset != "fastapi-users" {
            assert!(ann["created_at"].as_str().unwrap().starts_with("2021-01-01T00:00:00.123"), "{preset}: {ann}");
            let named = ann["display_name"] == "Ann Baker" || (ann["given_name"] == "Ann" && ann["family_name"] == "Baker");
            assert!(named, "{preset}: {ann}");
        }
        if ["keycloak", "supabase", "firebase", "auth0"].contains(&preset) {
            assert_eq!(ann["attributes"], json!({ "team": "red" }), "{preset}");
        }
        if ["keycloak", "supabase", "fastapi-users"].contains(&preset) {
            assert_eq!(ann["id"], "3f1f4a5b-9d0c-4b52-8d0c-3f1f4a5b6c7d", "{preset}");
        }
        assert_eq!(
            app.count("select count(*) from password_credentials p join users u on u.id = p.user_id where u.username <> 'bob'")
                .await,
            if ["auth0", "fastapi-users"].contains(&preset) { 3 } else { 2 },
            "{preset}"
        );
        if expected["create"] == 2 {
            assert_eq!(app.count("select count(*) from users where status = 'suspended'").await, 1, "{preset}");
        }
        let mut tx = app.tx().await;
        tx.execute(
            "delete from users where not exists (select from emails e where e.user_id = users.id and e.address like 'root%')",
            &[],
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
    let no_config = "{\"email\": \"a@b.example\", \"passwordHash\": \"x\", \"salt\": \"y\"}";
    let body = format!("[{no_config}]");
    let headers = [("content-type", json_type)];
    let import = admin.send_raw(http::Method::POST, "/v1/imports?preset=firebase", &headers, body.into_bytes()).await.expect(201);
    app.run_jobs().await;
    assert_eq!(faults(&admin, &import).await, [fault(1, "invalid", "password_hash", "unusable_hash")]);
    app.finish().await;
}
