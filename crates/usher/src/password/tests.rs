//! The policy, rule by rule.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::policy::{ContextWords, reasons};
use super::*;
use crate::password_filter::{self, FALSE_POSITIVE_RATE, Filter};
use crate::testing::{Answer, PASSWORD, TestApp};

/// The policy without the operator's filter: the first reason.
fn check_it(password: &str) -> Result<(), &'static str> {
    let mut words = ContextWords::of_service("id.example.com", &["Example Works".to_owned()]);
    words.add("ann.baker@example.com");
    words.add("Ann Baker");
    let password = normalised(&SecretText::new(password.to_owned()));
    match reasons(password.reveal(), 15, &words).first() {
        Some(reason) => Err(reason.code.strip_prefix("password_").unwrap()),
        None => Ok(()),
    }
}

#[test]
fn r001_fifteen_code_points_are_enough_and_fourteen_are_not() {
    for (fourteen, fifteen) in
        [("plum kettle or", "plum kettle orb"), ("🦦🌲🪵🛶🎣🐟🍂🍄🌙⭐🔥🏕🧭🗺", "🦦🌲🪵🛶🎣🐟🍂🍄🌙⭐🔥🏕🧭🗺🎒")]
    {
        assert_eq!(fourteen.chars().count(), 14);
        assert_eq!(check_it(fourteen), Err("too_short"));
        assert_eq!(check_it(fifteen), Ok(()));
    }
    // Composed and decomposed letters count the same.
    assert_eq!(check_it("e\u{301}plum kettle or"), Ok(()));
    assert_eq!(check_it("e\u{301}plum kettle o"), Err("too_short"));
}

#[test]
fn r002_up_to_1024_bytes_are_accepted_and_more_is_refused() {
    let varied: String = (0..1024_u32).map(|n| char::from(b'a' + u8::try_from(n * 7 % 26 + n / 300).unwrap() % 26)).collect();
    assert_eq!(check_it(&varied), Ok(()));
    assert_eq!(check_it(&format!("{varied}x")), Err("too_long"));
}

#[test]
fn r004_there_are_no_composition_rules() {
    assert_eq!(check_it("just some small words"), Ok(()));
    assert_eq!(check_it("  leading and trailing  "), Ok(()));
    assert_eq!(check_it("словосочетание не из списка"), Ok(()));
}

#[tokio::test]
async fn r004_a_password_is_good_a_year_later() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_hours(24 * 366));
    app.sign_in(&ann.email, PASSWORD).await;
    app.run_jobs().await;
    app.finish().await;
}

#[test]
fn r005_common_passwords_are_refused_whole_and_in_any_case() {
    for common in ["1234567890123456", "Passwordpassword", "aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc"] {
        assert_eq!(check_it(common), Err("common"), "{common}");
    }
    // Whole, not by substring.
    assert_eq!(check_it("passwordpassword is not my whole phrase"), Ok(()));
}

#[test]
fn r005_words_of_the_service_and_the_person_are_refused() {
    for word in [
        "usherusherusher",
        "ann.baker@example.com",
        "Ann Baker 1234567",
        "annbakerannbaker",
        "!!usher!!12345678",
        "Example-Works-2026",
    ] {
        assert_eq!(check_it(word), Err("context"), "{word}");
    }
    assert_eq!(check_it("ann keeps bees in the attic"), Ok(()));
}

#[test]
fn r003_composed_and_decomposed_spellings_are_one_password() {
    let composed = normalised(&SecretText::new("caf\u{e9} at the corner".to_owned()));
    let decomposed = normalised(&SecretText::new("cafe\u{301} at the corner".to_owned()));
    assert_eq!(composed.reveal(), decomposed.reveal());
}

#[test]
fn every_reason_is_given_at_once() {
    let words = ContextWords::of_service("id.example.com", &[]);
    let codes = |password: &str| reasons(password, 15, &words).iter().map(|reason| reason.code).collect::<Vec<_>>();
    assert_eq!(codes("password"), ["password_too_short", "password_common"]);
    assert_eq!(codes("usher12345"), ["password_too_short", "password_context"]);
    assert_eq!(codes(&"a".repeat(1025)), ["password_too_long"]);
    assert_eq!(codes(PASSWORD), [""; 0]);
}

const BLOCKLIST: &[u8] = include_bytes!("blocklist.filter");

#[test]
fn r005_the_blocklist_is_sound_and_what_its_description_says() {
    let filter = Filter::embedded(BLOCKLIST).unwrap();
    filter.verify().unwrap();
    let description = include_str!("blocklist.md");
    let checksum = crate::secret::sha256(BLOCKLIST).map(|byte| format!("{byte:02x}")).concat();
    assert!(description.contains(&checksum), "blocklist.md tells another SHA-256 than {checksum}");
    assert!(description.contains(&format!("{} passwords", filter.entries())), "{}", filter.entries());
    assert!(BLOCKLIST.len() < 3_000_000, "it is part of the program");
}

#[test]
fn r005_the_blocklist_misses_none_of_the_exact_list() {
    let filter = Filter::embedded(BLOCKLIST).unwrap();
    let exact = include_str!("blocklist.txt");
    assert_eq!(exact.lines().count(), 8500);
    for password in exact.lines() {
        assert!(filter.lists(password).unwrap(), "{password}");
    }
}

#[test]
fn r005_the_blocklist_refuses_few_good_passwords() {
    let filter = Filter::embedded(BLOCKLIST).unwrap();
    let mut refused = 0_u32;
    for _ in 0..200_000 {
        let random = format!("{:032x}", u128::from_be_bytes(crate::secret::random_bytes()));
        refused += u32::from(filter.lists(&random).unwrap());
    }
    // 3 are expected. 25 are so unlikely that nobody will see it.
    assert!(f64::from(refused) < 200_000.0 * FALSE_POSITIVE_RATE + 22.0, "{refused}");
}

/// An app with an operator's filter of these passwords.
async fn app_with_filter(folder: &TempDir, passwords: &str) -> TestApp {
    let path = folder.path().join("breached.filter");
    password_filter::build(passwords.as_bytes(), &path, |_| {}).unwrap();
    TestApp::with(&[("USHER_PASSWORD_FILTER", path.to_str().unwrap()), ("USHER_PASSWORD_BLOCKED_WORDS", "Acme, Blue Pumps")])
        .await
}

async fn check(app: &TestApp, body: Value) -> Answer {
    app.client().post("/v1/password/check", body).await
}

fn codes(answer: &Answer) -> Vec<&str> {
    answer.json["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn r005_what_the_operators_filter_lists_is_refused_everywhere() {
    let folder = TempDir::new().unwrap();
    let app = app_with_filter(&folder, "Seven Green Kettles\n").await;
    for password in ["Seven Green Kettles", "seven green kettles"] {
        assert_eq!(codes(&check(&app, json!({ "password": password })).await.expect(200)), ["password_breached"]);
        let body = json!({ "email": "ann@example.org", "password": password });
        let refused = app.client().post("/v1/register", body).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/password"), Some("password_breached"));
        assert!(!refused.text.contains(password));
    }
    app.client().post("/v1/register", json!({ "email": "ann@example.org", "password": PASSWORD })).await.expect(202);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r005_without_its_filter_no_password_is_taken() {
    let folder = TempDir::new().unwrap();
    let app = app_with_filter(&folder, "Seven Green Kettles\n").await;
    app.expect_error("USHER_PASSWORD_FILTER");
    std::fs::File::create(folder.path().join("breached.filter")).unwrap();
    let body = json!({ "email": "ann@example.org", "password": PASSWORD });
    app.client().post("/v1/register", body).await.expect_problem(500, "internal");
    assert_eq!(app.count("select count(*) from users").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r005_the_operators_words_are_refused() {
    let folder = TempDir::new().unwrap();
    let app = app_with_filter(&folder, "x\n").await;
    for password in ["Acme 2026 Acme 2026", "--blue-pumps-2026--", "Acme 1234567890"] {
        assert_eq!(codes(&check(&app, json!({ "password": password })).await.expect(200)), ["password_context"], "{password}");
    }
    app.finish().await;
}

#[tokio::test]
async fn r005_a_check_says_what_the_sign_up_would_say_and_leaves_nothing() {
    let app = TestApp::new().await;
    let person = json!({ "email": "ann.baker@example.org", "display_name": "Ann Baker", "username": "calm-otter-of-graz" });
    let with = |password: &str| {
        let mut body = person.clone();
        body["password"] = json!(password);
        body
    };
    for password in ["too short", "Passwordpassword", "ann.baker@example.org", "Calm-Otter-of-Graz", &"x1".repeat(600), PASSWORD]
    {
        let answer = check(&app, with(password)).await.expect(200);
        let signed_up = app.client().post("/v1/register", with(password)).await;
        let faults = signed_up.json["errors"].as_array().cloned().unwrap_or_default();
        assert_eq!(answer.json["acceptable"], json!(faults.is_empty()), "{password}");
        let told: Vec<_> = faults.iter().map(|fault| fault["code"].as_str().unwrap()).collect();
        assert_eq!(codes(&answer), told, "{password}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(!answer.text.contains(password), "{}", answer.text);
    }
    app.mails().await;
    let before = app.count("select count(*) from audit_events").await;
    check(&app, with(PASSWORD)).await.expect(200);
    assert_eq!(app.count("select count(*) from audit_events").await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_check_speaks_the_language_of_the_request() {
    let app = TestApp::new().await;
    let headers = [("accept-language", "de-AT, en;q=0.5")];
    let weak = app
        .client()
        .send(Method::POST, "/v1/password/check", &headers, Some(json!({ "password": "password" })))
        .await
        .expect(200);
    let suggestions = &weak.json["suggestions"];
    assert_eq!(suggestions[0], "Das ist eines der zehn häufigsten Passwörter.");
    assert!(suggestions[1].as_str().unwrap().starts_with("Fügen Sie noch"), "{suggestions}");
    let details: Vec<_> =
        weak.json["reasons"].as_array().unwrap().iter().map(|reason| reason["detail"].as_str().unwrap()).collect();
    assert!(details.iter().any(|detail| detail.contains("15 Zeichen")), "{details:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_check_estimates_the_strength() {
    let app = TestApp::new().await;
    let weak = check(&app, json!({ "password": "password" })).await.expect(200);
    assert_eq!((&weak.json["acceptable"], &weak.json["strength"]["score"]), (&json!(false), &json!(0)));
    assert_eq!(weak.json["strength"]["crack_time"], "less than a second");
    let suggestions =
        json!(["This is one of the ten most common passwords.", "Add another word or two. Uncommon words are better."]);
    assert_eq!(weak.json["suggestions"], suggestions);
    let strong = check(&app, json!({ "password": PASSWORD })).await.expect(200);
    assert_eq!((&strong.json["acceptable"], &strong.json["strength"]["score"]), (&json!(true), &json!(4)));
    assert_eq!(strong.json["strength"]["crack_time"], "centuries");
    assert_eq!(strong.json["suggestions"], json!([]));
    // Words about the person count as guessed at once.
    let body = json!({ "password": "bartholomewfeatherstone", "display_name": "bartholomewfeatherstone" });
    assert_eq!(check(&app, body).await.expect(200).json["strength"]["score"], 0);
    // The strength is that of the first 100 characters.
    let long = check(&app, json!({ "password": format!("{}{PASSWORD}", "a".repeat(100)) })).await.expect(200);
    assert!(long.json["strength"]["guesses_log10"].as_f64().unwrap() < 6.0, "{}", long.text);
    app.finish().await;
}

#[tokio::test]
async fn a_check_takes_a_form_that_is_half_filled_in_and_no_more() {
    let app = TestApp::new().await;
    check(&app, json!({ "password": "x", "email": "ann@", "given_name": "", "family_name": null })).await.expect(200);
    for (body, pointer) in [
        (json!({}), "/password"),
        (json!({ "password": "" }), "/password"),
        (json!({ "password": 7 }), "/password"),
        (json!({ "password": "x".repeat(4097) }), "/password"),
        (json!({ "password": "x", "email": "x".repeat(255) }), "/email"),
        (json!({ "password": "x", "user_id": "x" }), "/user_id"),
    ] {
        let refused = check(&app, body).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at(pointer).is_some(), "{}", refused.text);
    }
    check(&app, json!({ "password": "x".repeat(70_000) })).await.expect_problem(413, "body_too_large");
    app.finish().await;
}
