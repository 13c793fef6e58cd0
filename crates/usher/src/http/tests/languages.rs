//! Problems and faults in the language of who asks.

use http::{Method, header};
use serde_json::json;

use crate::error::Rejection;
use crate::html::{Faults, Field};
use crate::languages::{Language, speaking};
use crate::testing::TestApp;

const GERMAN: (&str, &str) = ("accept-language", "de-AT, en;q=0.5");

#[tokio::test]
async fn a_problem_speaks_the_language_of_who_asks() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let english = anyone.get("/v1/nothing").await.expect_problem(404, "not_found");
    assert_eq!(english.str("title"), "Not Found");
    assert_eq!(english.str("detail"), "There is nothing at this address.");
    assert!(!english.headers.contains_key(header::CONTENT_LANGUAGE));
    let german = anyone.send(Method::GET, "/v1/nothing", &[GERMAN], None).await.expect_problem(404, "not_found");
    assert_eq!(german.str("title"), "Nicht gefunden");
    assert_eq!(german.str("detail"), "Unter dieser Adresse gibt es nichts.");
    assert_eq!(german.headers[header::CONTENT_LANGUAGE], "de");
    let unspoken = anyone.send(Method::GET, "/v1/nothing", &[("accept-language", "xx")], None).await;
    assert_eq!(unspoken.str("detail"), "There is nothing at this address.");
    app.finish().await;
}

#[tokio::test]
async fn faults_of_fields_do_too() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({ "email": "ann", "nonsense": 1 });
    let english = admin.post("/v1/users", body.clone()).await.expect_problem(422, "invalid_body");
    let german = admin.send(Method::POST, "/v1/users", &[GERMAN], Some(body)).await.expect_problem(422, "invalid_body");
    assert_eq!(german.str("title"), "Inhalt nicht verarbeitbar");
    assert_eq!(german.str("detail"), "Der Inhalt der Anfrage passt nicht; `errors` sagt, wo und warum.");
    let (said, words) = (english.json["errors"].as_array().unwrap(), german.json["errors"].as_array().unwrap());
    assert_eq!(said.len(), words.len());
    for (one, other) in said.iter().zip(words) {
        assert_eq!((&one["pointer"], &one["code"]), (&other["pointer"], &other["code"]));
        assert_ne!(one["detail"], other["detail"]);
    }
    assert!(words.iter().any(|fault| fault["detail"] == "Das ist unbekannt oder kann hier nicht gesetzt werden."), "{words:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_page_says_a_fault_as_one_sentence() {
    let fields = [Field { name: "email", subject: "The address", missing: "Enter it." }];
    let said = |code: &'static str, detail: &str| {
        let faults = Faults::of(Rejection::invalid_field("/email", code, detail).into(), &fields).unwrap();
        faults.said("email").unwrap().to_owned()
    };
    let detail = "must be an e-mail address, such as ann@example.com";
    assert_eq!(said("invalid", detail), "The address must be an e-mail address, such as ann@example.com.");
    speaking(Language::of("de").unwrap(), async {
        assert_eq!(said("invalid", detail), "Geben Sie eine E-Mail-Adresse an, etwa anna@example.com.");
        assert_eq!(said("no_such_code", "has a fault"), "The address has a fault.");
        assert_eq!(said("required", "is missing"), "Enter it.");
    })
    .await;
}
