//! The exports of other products, as they write them.

use serde_json::{Value, json};

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

#[tokio::test]
async fn of_the_bans_of_supabase_only_those_count_that_hold() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let hour = jiff::SignedDuration::from_hours(1);
    let (past, future) = (app.app.clock.now() - hour, app.app.clock.now() + hour);
    let file = format!(
        "email,email_confirmed_at,banned_until,deleted_at\n\
         free@mail.example,2021-01-01 00:00:00+00,NULL,NULL\n\
         over@mail.example,2021-01-01 00:00:00+00,{past},\n\
         holds@mail.example,2021-01-01 00:00:00+00,{future},\n\
         far@mail.example,2021-01-01 00:00:00+00,2126-01-01 00:00:00+00,NULL\n\
         ever@mail.example,2021-01-01 00:00:00+00,infinity,NULL\n\
         lapsed@mail.example,2021-01-01 00:00:00+00,-infinity,NULL\n\
         gone@mail.example,2021-01-01 00:00:00+00,{past},2022-01-01 00:00:00+00\n"
    );
    let shown = preview(&app, &admin, "supabase", "text/csv", &file).await;
    apply(&app, &admin, &shown).await;
    for (name, status) in [
        ("free", "active"),
        ("over", "active"),
        ("holds", "suspended"),
        ("far", "suspended"),
        ("ever", "suspended"),
        ("lapsed", "active"),
        ("gone", "suspended"),
    ] {
        let found = admin.get(&format!("/v1/users?q={name}%40mail.example")).await.expect(200);
        assert_eq!(found.json["items"][0]["status"], status, "{name}");
    }
    app.finish().await;
}

/// Hashes of the password below, as Auth0 describes them: of vectors.tsv, or made with hashlib of Python.
fn usable_hashes() -> Vec<Value> {
    let sha512 = "c2FsdHNhbHRzYWx0$CNr/pEDY7skGW5RsF+4ecfhSAiSU7OnZyVfBEhN3CzqG8Y76rkfJyVcZWENPVlKOg5DIC7Tbx5XZXViqTRKKTA";
    let argon2 = "$argon2id$v=19$m=32,t=2,p=1$a8YtPXKu5o4FDDlMMdGCPw$GgASP1oAPOVOpbDNls27VOdxvXpeCRe+FVP54mmmX3Y";
    let scrypt_url = "tqxwYIVuSbC2htAllt_kt6nEdl69n7t4KiRogeY_ce_RTpZIzcd8A8w-9KRxDJH_";
    let scrypt_hex = "3422E74D64BC4C4404FAAC94211C5ED65B905AEC49BA1FE66085216A67FB5A07";
    let whole = |algorithm: &str, value: &str| json!({ "algorithm": algorithm, "hash": { "value": value } });
    vec![
        json!({ "algorithm": "bcrypt", "password": { "encoding": "utf8" }, "hash": { "encoding": "utf8",
            "value": "$2b$05$oN1sK6e2rr/sww5s2xEDHujTnp4cKSyWzac8yI5SvGn19wqvIqPmO" } }),
        whole("argon2", argon2),
        whole("pbkdf2", "$pbkdf2-sha256$i=1000,l=20$c2FsdHNhbHRzYWx0$KQDle8SXZRa7sBUZQfkYQI6NXnY"),
        whole("pbkdf2", "$pbkdf2-sha1$l=20$c2FsdHNhbHRzYWx0$5hxMPd89cGAmuyii+dHuMUSyxzU"),
        whole("pbkdf2", &format!("$pbkdf2-sha512${sha512}")),
        json!({ "algorithm": "scrypt", "hash": { "value": scrypt_hex, "encoding": "hex" },
            "salt": { "value": "NaCl", "position": "prefix" }, "keylen": 32, "cost": 256 }),
        json!({ "algorithm": "scrypt", "hash": { "value": scrypt_url, "encoding": "base64" },
            "salt": { "value": "-vv8_f7_-__7__v_-_8=", "encoding": "base64" },
            "keylen": 48, "cost": 1024, "blockSize": 4, "parallelization": 2, "password": { "encoding": "ascii" } }),
    ]
}

#[tokio::test]
async fn who_had_a_custom_hash_at_auth0_signs_in_with_the_same_password() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let row = |(at, hash): (usize, Value)| {
        json!({ "email": format!("p{at}@mail.example"), "email_verified": true, "custom_password_hash": hash }).to_string()
    };
    let hashes = usable_hashes();
    let count = hashes.len();
    let file: Vec<String> = hashes.into_iter().enumerate().map(row).collect();
    let shown = preview(&app, &admin, "auth0", "application/x-ndjson", &file.join("\n")).await;
    assert_eq!(counts(&shown), json!({ "create": count }), "{:?}", faults(&admin, &shown).await);
    apply(&app, &admin, &shown).await;
    for at in 0..count {
        let body = json!({ "identifier": format!("p{at}@mail.example"), "password": "correct horse battery stapler" });
        app.client().post("/v1/login", body).await.expect(401);
        app.sign_in(&format!("p{at}@mail.example"), "correct horse battery staple").await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_custom_hash_of_auth0_that_would_open_nothing_is_refused_with_a_reason() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let bcrypt = "$2b$05$oN1sK6e2rr/sww5s2xEDHujTnp4cKSyWzac8yI5SvGn19wqvIqPmO";
    let scrypt = |more: Value| {
        let mut hash = json!({ "algorithm": "scrypt", "hash": { "value": "00".repeat(32), "encoding": "hex" },
            "salt": { "value": "NaCl" }, "keylen": 32 });
        hash.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hash
    };
    let cases = [
        (json!({ "hash": { "value": bcrypt } }), "names no `algorithm`"),
        (
            json!({ "algorithm": "bcrypt", "hash": { "value": bcrypt }, "salt": { "value": "abc", "position": "prefix" } }),
            "a `salt`",
        ),
        (json!({ "algorithm": "bcrypt", "hash": { "value": bcrypt, "encoding": "hex" } }), "must be utf8"),
        (
            json!({ "algorithm": "bcrypt", "hash": { "value": bcrypt }, "password": { "encoding": "utf16le" } }),
            "`password.encoding`",
        ),
        (json!({ "algorithm": "argon2", "hash": { "value": bcrypt } }), "no hash of its `algorithm`"),
        (json!({ "algorithm": "bcrypt", "hash": {} }), "no hash of its `algorithm`"),
        (
            json!({ "algorithm": "sha256", "hash": { "value": "d24e794f", "encoding": "hex" }, "salt": { "value": "a" } }),
            "none of argon2",
        ),
        (json!({ "algorithm": "ldap", "hash": { "value": "{SSHA}AAAA" } }), "none of argon2"),
        (
            json!({ "algorithm": "pbkdf2", "hash": { "value": "$pbkdf2-md5$i=1,l=16$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA" } }),
            "not complete",
        ),
        (scrypt(json!({ "keylen": 64 })), "`keylen`"),
        (scrypt(json!({ "keylen": null })), "`keylen`"),
        (scrypt(json!({ "cost": 1000 })), "`cost`"),
        (scrypt(json!({ "cost": 1 << 20 })), "costs more"),
        (scrypt(json!({ "blockSize": "8" })), "`blockSize`"),
        (scrypt(json!({ "salt": { "value": "xyz", "encoding": "hex" } })), "`salt.value`"),
        (scrypt(json!({ "salt": null })), "`salt.value`"),
        (scrypt(json!({ "hash": { "value": "00" } })), "`hash.encoding`"),
    ];
    let row = |(at, (hash, _)): (usize, &(Value, &str))| {
        json!({ "email": format!("p{at}@mail.example"), "custom_password_hash": hash }).to_string()
    };
    let file: Vec<String> = cases.iter().enumerate().map(row).collect();
    let shown = preview(&app, &admin, "auth0", "application/x-ndjson", &file.join("\n")).await;
    assert_eq!(counts(&shown), json!({ "invalid": cases.len() }));
    let rows = admin.get(&format!("/v1/imports/{}/rows?limit=200", shown.str("id"))).await.expect(200);
    for (row, (hash, reason)) in rows.json["items"].as_array().unwrap().iter().zip(&cases) {
        let fault = &row["faults"][0];
        assert_eq!((fault["field"].as_str(), fault["code"].as_str()), (Some("password_hash"), Some("unusable_hash")), "{hash}");
        assert!(fault["detail"].as_str().unwrap().contains(reason), "{hash}: {fault}");
    }
    app.finish().await;
}
