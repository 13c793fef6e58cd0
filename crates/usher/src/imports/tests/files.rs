//! How files are read: their columns, their encodings, their limits.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::{counts, fault, faults, preview, upload};
use crate::testing::TestApp;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn the_same_rows_are_read_from_every_kind_of_file() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let csv = "email,bio\nann@mail.example,\"one\ntwo, three\"\n";
    for (query, body) in [
        ("", csv.into()),
        ("", csv.replace("\nann", "\r\nann").into_bytes()),
        ("", format!("\u{feff}{csv}").into_bytes()),
        ("delimiter=%3B", csv.replace("email,", "email;").replace("example,", "example;").into_bytes()),
        ("delimiter=tab", csv.replace("email,", "email\t").replace("example,", "example\t").into_bytes()),
        ("map=Mail%3Demail,Junk%3D-", csv.replace("email,bio", "Mail,bio,Junk").replace("three\"", "three\",x").into_bytes()),
        ("", csv.replace("email,bio", "E-Mail,Bio").replace("E-Mail", "Email").into_bytes()),
        ("", gzip(csv)),
        ("ndjson", b"{\"email\": \"ann@mail.example\", \"bio\": \"one\\ntwo, three\"}\n\n".to_vec()),
        ("ndjson", gzip("\u{feff}{\"email\": \"ann@mail.example\", \"bio\": \"one\\ntwo, three\"}")),
    ] {
        let shown = preview(&app, &admin, query, body).await;
        assert_eq!(counts(&shown), json!({ "create": 1 }), "{query}: {}", shown.text);
        let bio = "select count(*) from import_rows where record->'profile'->>'bio' = E'one\\ntwo, three'";
        assert_eq!(app.count(bio).await, 1, "{query}");
        let mut tx = app.tx().await;
        for table in ["import_rows", "import_keys", "imports"] {
            tx.execute(&format!("delete from {table}"), &[]).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    app.finish().await;
}

#[tokio::test]
async fn columns_that_nobody_knows_are_named_with_the_nearest_that_is_known() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let refused = upload(&admin, "", "email,first_nam,givn_name\na@b.example,x,y\n").await.expect_problem(422, "invalid_columns");
    assert!(
        refused.text.contains("givn_name=<field>") && refused.text.contains("Did you mean `given_name`?"),
        "{}",
        refused.text
    );
    assert_eq!(refused.json["errors"].as_array().unwrap().len(), 2);
    for (query, body, code) in [
        ("", "email;bio\na@b.example;x\n", "unknown_column"),
        ("", "email,email\na,b\n", "repeated_column"),
        ("map=Mail%3Demail", "email\na@b.example\n", "unknown_column"),
        ("map=email%3Dnothing", "email\na@b.example\n", "unknown_field"),
    ] {
        let refused = upload(&admin, query, body).await.expect_problem(422, "invalid_columns");
        assert_eq!(refused.json["errors"][0]["code"], code, "{}", refused.text);
    }
    upload(&admin, "map=email", "email\n").await.expect_problem(422, "invalid_query");
    upload(&admin, "delimiter=ab", "email\n").await.expect_problem(422, "invalid_query");
    upload(&admin, "", "").await.expect_problem(422, "unreadable_file");
    upload(&admin, "", [0xff, 0xfe, b'e', 0]).await.expect_problem(422, "unreadable_file");
    upload(&admin, "", [0x1f, 0x8b, 8, 0, 1, 2, 3]).await.expect_problem(422, "unreadable_file");
    let open_quote = format!("email,bio\na@b.example,\"{}", "x".repeat(400_000));
    upload(&admin, "", open_quote).await.expect_problem(422, "unreadable_file");
    admin.post("/v1/imports", json!({})).await.expect_problem(422, "unreadable_file");
    assert_eq!(app.count("select count(*) from imports").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn each_row_is_checked_by_the_parsers_of_the_api() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let long = "x".repeat(101);
    let mut file = format!(
        "email,given_name,website_url,time_zone,locale,status,email_verified,created_at,attributes,password_hash,id\n\
        nobody,,,,,,,,,,\n\
        a@b.example,{long},ftp://x.example,Mars/Base,!,,,,,,\n\
        b@b.example,,,,,active,no,,,,\n\
        c@b.example,,,,,away,perhaps,yesterday,\"[]\",,\n\
        d@b.example,,,,,,,,,secret,\n\
        e@b.example,,\n\
        ,,,,,,,,,,\n\
        g@b.example,nul\0,,,,,,,,,7\n"
    )
    .into_bytes();
    file.extend(b"h@b.example,\xff\xfe,,,,,,,,,\n");
    let shown = preview(&app, &admin, "", file).await;
    assert_eq!(counts(&shown), json!({ "invalid": 9 }));
    let faults = faults(&admin, &shown).await;
    for expected in [
        fault(2, "invalid", "email", "invalid"),
        fault(3, "invalid", "given_name", "max_length"),
        fault(3, "invalid", "website_url", "format"),
        fault(3, "invalid", "time_zone", "format"),
        fault(3, "invalid", "locale", "pattern"),
        fault(4, "invalid", "status", "inconsistent"),
        fault(5, "invalid", "email_verified", "invalid"),
        fault(5, "invalid", "created_at", "invalid"),
        fault(6, "invalid", "password_hash", "unusable_hash"),
        fault(7, "invalid", "", "columns"),
        fault(8, "invalid", "email", "required"),
        fault(9, "invalid", "given_name", "invalid"),
        fault(10, "invalid", "given_name", "not_utf8"),
    ] {
        assert!(faults.contains(&expected), "{expected:?} is not in {faults:#?}");
    }
    // What is wrong is told, what was written is not: it may be a password.
    let report = admin.get(&format!("/v1/imports/{}/report", shown.str("id"))).await.expect(200).text;
    assert!(report.starts_with("line,class,field,code,detail\r\n2,invalid,email,"), "{report}");
    assert!(!report.contains("secret"));
    app.finish().await;
}

#[tokio::test]
async fn a_line_that_ends_too_early_is_wrong_at_its_end() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for end in ["\n", "\r\n", ""] {
        let shown = preview(&app, &admin, "ndjson", format!("{{\"email\": \"a{end}")).await;
        let report = admin.get(&format!("/v1/imports/{}/report", shown.str("id"))).await.expect(200).text;
        assert!(report.contains("(column 12)"), "{end:?}: {report}");
    }
    app.finish().await;
}

#[tokio::test]
async fn r264_the_report_holds_no_formula_and_cells_that_were_neutralised_are_read_as_they_were() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let shown = preview(&app, &admin, "", "email,roles,bio\na@b.example,'=cmd,'=1+1\nb@b.example,,''=1\nc@b.example,,'a\n").await;
    let report = admin.get(&format!("/v1/imports/{}/report", shown.str("id"))).await.expect(200).text;
    assert!(report.contains("roles"), "{report}");
    assert!(!report.lines().any(|line| line.split(',').any(|cell| cell.trim_start_matches(['"', ' ']).starts_with(['=', '@']))));
    apply_clean(&app, &admin, &shown).await;
    assert_eq!(app.count("select count(*) from users where bio in ('''=1', '''a')").await, 2);
    app.finish().await;
}

async fn apply_clean(app: &TestApp, client: &crate::testing::Client, shown: &crate::testing::Answer) {
    assert_eq!(counts(&super::apply(app, client, shown).await)["done"], 2);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_staged_one_by_one() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let rows = (0..100_000).map(|at| format!("u{at}@mail.example\n"));
    let file: String = ["email\n".to_owned()].into_iter().chain(rows).collect();
    let import = upload(&admin, "", gzip(&file)).await.expect(201);
    assert_eq!((&import.json["total"], &import.json["state"]), (&json!(100_000), &json!("classifying")));
    let mut tx = app.tx().await;
    tx.execute("delete from imports", &[]).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    app.finish().await;
}
