//! Exports: who sees whom, and that what is imported again is exported as the same bytes.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Value, json};

use crate::app::App;
use crate::caller::Authority;
use crate::db::{Actor, Origin};
use crate::exports::{self, Format, Wanted};
use crate::imports::{self, FileFormat, Options, Step};
use crate::testing::TestApp;

/// Users whose texts are what breaks files.
fn odd_users() -> String {
    let hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let users = [
        json!({ "email": "\"a;b\"@mail.example", "email_verified": true, "given_name": "=1+1", "family_name": "'=1+1",
            "display_name": "O\"Neill, \"\"the\"\" first", "bio": "line one\nline two\r\nline \"three\", end\n", "roles": ["user"] }),
        json!({ "email": "+b@mail.example", "given_name": "-1", "bio": "\t=tab", "roles": [], "status": "pending",
            "attributes": { "=a": "'=b", "n": [1, 2.5, null, { "x": "\u{1f980}" }], "z": null } }),
        json!({ "email": "c@mail.example", "email_verified": true, "status": "suspended", "roles": ["manager", "user"],
            "role_ends": { "manager": "2999-01-02T03:04:05.123456Z" },
            "other_emails": ["z@mail.example", "\"c d\"@mail.example".replace(' ', ""), "a@mail.example"],
            "unverified_emails": ["y@mail.example"], "bio": "' =x", "website_url": "https://example.com/?a=1,2",
            "time_zone": "Europe/Vienna", "locale": "de-AT", "professional_at": "2021-01-02T03:04:05.123456Z" }),
        json!({ "email": "j\u{f6}rg@m\u{fc}nchen.example", "email_verified": true, "given_name": "\u{ff1d}x", "family_name": "''a",
            "display_name": "Zo\u{eb} \u{6f22}\u{5b57} \u{1f469}\u{200d}\u{1f680}", "username": "-".replace('-', "J.oerg-1_x"),
            "created_at": "2019-05-06T07:08:09.000001Z", "last_sign_in_at": "2020-05-06T07:08:09Z", "password_hash": hash }),
        json!({ "email": "e@mail.example", "password_hash": "$2b$04$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW" }),
    ];
    users.map(|user| user.to_string()).join("\n")
}

async fn import(app: &App, options: Options, file: Vec<u8>) {
    let origin = Origin::of(Actor::Cli);
    let id = imports::stage(app, Authority::operator(), &origin, options, "test", std::io::Cursor::new(file)).await.unwrap();
    while imports::classify_step(app, id).await.unwrap() == Step::More {}
    let mut tx = app.begin(&origin).await.unwrap();
    let ready = imports::read(&mut tx, Authority::operator(), id).await.unwrap();
    assert_eq!(
        (ready.counts.invalid, ready.counts.conflict),
        (0, 0),
        "{:#?}",
        imports::list_rows(&mut tx, id, None, 0, 50).await
    );
    imports::begin(&mut tx, Authority::operator(), id, &ready.token.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    while imports::apply_step(app, id).await.unwrap() == Step::More {}
}

async fn export(app: &App, format: Format, password_hashes: bool) -> String {
    String::from_utf8(export_bytes(app, format, password_hashes).await).unwrap()
}

async fn export_bytes(app: &App, format: Format, password_hashes: bool) -> Vec<u8> {
    let wanted = Wanted { format, password_hashes, ..Wanted::default() };
    let mut export = exports::begin(app, Authority::operator(), &Origin::of(Actor::Cli), wanted).await.unwrap();
    let mut file = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        file.extend(piece);
    }
    assert_eq!(u64::try_from(export.count).unwrap(), export.finish().await.unwrap());
    file
}

#[tokio::test]
async fn parquet_has_what_the_other_formats_have_over_several_row_groups() {
    let app = TestApp::new().await;
    let empty = export_bytes(&app.app, Format::Parquet, false).await;
    assert_eq!(rows(empty), Vec::<Value>::new());
    import(&app.app, Options { format: FileFormat::Ndjson, ..Options::default() }, odd_users().into_bytes()).await;
    let mut tx = app.tx().await;
    let more = "
        insert into users (id, username, status, created_at, updated_at)
        select md5('user' || at)::uuid, 'user' || at, 'active', '2026-01-01', '2026-01-01'
        from generate_series(1, 12000) as at";
    tx.execute(more, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let seen: Vec<Value> = rows(export_bytes(&app.app, Format::Parquet, true).await);
    let lines = export(&app.app, Format::Ndjson, true).await;
    let expected: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(seen.len(), 12_005);
    for (seen, expected) in seen.iter().zip(&expected) {
        for (name, value) in expected.as_object().unwrap() {
            let value = match (name.as_str(), value) {
                ("attributes", value) | ("role_ends", value @ Value::Object(_)) => json!(value.to_string()),
                ("created_at" | "last_sign_in_at" | "professional_at", Value::String(at)) => {
                    json!(at.parse::<jiff::Timestamp>().unwrap().as_microsecond())
                }
                _ => value.clone(),
            };
            assert_eq!(seen[name], value, "{name} of {expected}");
        }
    }
    app.finish().await;
}

/// The rows of a Parquet file.
fn rows(file: Vec<u8>) -> Vec<Value> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Str(text) => json!(text),
        Field::Bool(flag) => json!(flag),
        Field::TimestampMicros(at) => json!(at),
        Field::ListInternal(items) => items.elements().iter().map(|item| json!(text(item))).collect(),
        Field::Bytes(bytes) => json!(bytes.as_utf8().unwrap()),
        other => panic!("{other:?}"),
    };
    let row = |row: Row| row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect();
    reader.get_row_iter(None).unwrap().map(|found| row(found.unwrap())).collect()
}

fn text(field: &Field) -> &str {
    match field {
        Field::Str(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn r264_an_export_that_is_imported_elsewhere_is_exported_as_the_same_bytes() {
    let first = TestApp::new().await;
    let options = Options { format: FileFormat::Ndjson, ..Options::default() };
    import(&first.app, options, odd_users().into_bytes()).await;
    for (format, file_format) in [(Format::Csv, FileFormat::Csv), (Format::Ndjson, FileFormat::Ndjson)] {
        let file = export(&first.app, format, true).await;
        assert_eq!(file.lines().filter(|line| line.contains("@mail.example") || line.contains("xn--")).count(), 5, "{file}");
        let second = TestApp::new().await;
        let options = Options { format: file_format, keep_ids: true, ..Options::default() };
        import(&second.app, options.clone(), file.clone().into_bytes()).await;
        let again = export(&second.app, format, true).await;
        assert_eq!(again, file);
        let origin = Origin::of(Actor::Cli);
        let from = std::io::Cursor::new(file.into_bytes());
        let id = imports::stage(&second.app, Authority::operator(), &origin, options, "again", from).await.unwrap();
        while imports::classify_step(&second.app, id).await.unwrap() == Step::More {}
        let mut tx = second.tx().await;
        assert_eq!(imports::read(&mut tx, Authority::operator(), id).await.unwrap().counts.unchanged, 5);
        tx.commit().await.unwrap();
        second.finish().await;
    }
    // No cell of the CSV is a formula.
    let csv = export(&first.app, Format::Csv, true).await;
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    for record in reader.records() {
        for cell in &record.unwrap() {
            assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}']) && !cell.starts_with('\t'), "{cell:?}");
        }
    }
    first.finish().await;
}

#[tokio::test]
async fn r203_whom_the_caller_may_not_act_on_is_left_out_and_hashes_are_for_administrators() {
    let app = TestApp::new().await;
    let (admin, boss, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    ann.client.get("/v1/exports/users").await.expect_problem(403, "forbidden");
    let seen = boss.client.get("/v1/exports/users?format=ndjson&fields=email,roles").await.expect(200);
    assert_eq!(
        seen.text.lines().collect::<Vec<_>>(),
        [
            "{\"email\":\"boss@example.org\",\"roles\":[\"manager\",\"user\"]}",
            "{\"email\":\"ann@example.org\",\"roles\":[\"user\"]}"
        ]
    );
    assert_eq!(seen.headers["content-type"], "application/x-ndjson");
    boss.client.get("/v1/exports/users?include_password_hashes=true").await.expect_problem(403, "forbidden");
    let fault = boss.client.get("/v1/exports/users?fields=email,password_hash").await.expect_problem(422, "invalid_query");
    assert!(fault.text.contains("include_password_hashes"));
    boss.client.get("/v1/exports/users?filter=nonsense").await.expect_problem(422, "invalid_query");
    let path = "/v1/exports/users?filter=userName%20pr&include_password_hashes=true&fields=email,password_hash";
    let csv = admin.client.get(path).await.expect(200);
    assert!(csv.text.starts_with("email,password_hash\r\nroot@example.org,\"$argon2id$"), "{}", csv.text);
    assert_eq!(csv.text.lines().count(), 4);
    let events = admin.client.get("/v1/audit-events?action=users.exported").await;
    let event = &events.json["items"][0]["changes"];
    assert_eq!((&event["count"], &event["password_hashes"], &event["filter"]), (&json!(3), &json!(true), &json!("userName pr")));

    // Hashes need a sign-in that is not long ago; an export that was cut off goes on.
    app.advance(jiff::SignedDuration::from_mins(11));
    let tokens = app.client().post("/v1/refresh", json!({ "refresh_token": admin.refresh_token })).await.expect(200);
    let later = app.client_with(&tokens.str("access_token"));
    later.get(path).await.expect_problem(401, "fresh_authentication_required");
    let rest = later.get(&format!("/v1/exports/users?fields=email&after={}", boss.id)).await.expect(200);
    assert_eq!(rest.text, "ann@example.org\r\n");
    app.finish().await;
}
