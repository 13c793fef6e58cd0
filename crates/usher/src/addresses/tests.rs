//! Adding, confirming, choosing and removing addresses, through the front door.

mod administration;
mod pages;

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::emails;
use crate::mail::Message;
use crate::testing::{Answer, PASSWORD, Person, TestApp, token_in};

const CONFIRM: &str = "Add this address to your account at usher";
const NOTICE: &str = "A new address for your account at usher";
const IN_USE: &str = "Somebody tried to add your address at usher";

#[tokio::test]
async fn r046_an_address_counts_when_its_mailbox_has_confirmed_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let asked = add(&ann, "Ann@new.example.org").await.expect(202);
    assert_eq!(asked.json, json!({ "status": "confirmation_sent" }));
    let mails = app.mails().await;
    assert_eq!(told(&mails), [("Ann@new.example.org", CONFIRM), ("ann@example.org", NOTICE)]);
    // It waits, and belongs to nobody.
    let list = ann.client.get("/v1/me/emails").await.expect(200);
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(list.json["pending"]["address"], "Ann@new.example.org");
    login(&app, "ann@new.example.org").await.expect(401);
    let token = link_in(&mails);
    assert_eq!(confirm(&app, &token).await.expect(200).json, json!({ "status": "confirmed" }));
    confirm(&app, &token).await.expect_problem(422, "invalid_token");
    let added = ann.client.get("/v1/me/emails").await.expect(200);
    assert_eq!(added.json["pending"], Value::Null);
    assert_eq!(added.json["items"][1]["id"], list.json["pending"]["id"]);
    assert_eq!(added.json["items"][1]["verified_at"], app.now().to_string());
    assert_eq!(ann.client.get("/v1/me").await.expect(200).str("email"), "ann@example.org");
    login(&app, "ann@NEW.example.org").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r026_asking_for_somebody_s_address_is_answered_alike_and_they_are_told() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let eve = app.user("eve").await;
    app.user("taken").await;
    let deleted = app.user("deleted").await;
    boss.client.delete(&format!("/v1/users/{}", deleted.id)).await.expect(204);
    let free = add(&eve, "free@example.org").await.expect(202).sameness();
    assert_eq!(told(&app.mails().await), [("eve@example.org", NOTICE), ("free@example.org", CONFIRM)]);
    assert_eq!(add(&eve, "TAKEN@example.org").await.sameness(), free);
    let mails = app.mails().await;
    assert_eq!(told(&mails), [("eve@example.org", NOTICE), ("taken@example.org", IN_USE)]);
    assert!(!mails.iter().any(|mail| mail.text.contains("?token=")));
    // It looks as if it was waiting.
    let list = eve.client.get("/v1/me/emails").await.expect(200);
    assert_eq!(list.json["pending"]["address"], "TAKEN@example.org");
    assert_eq!(add(&eve, "deleted@example.org").await.sameness(), free);
    assert_eq!(app.count("select count(*) from emails where address_normal = 'taken@example.org'").await, 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r046_a_newer_request_takes_the_place_of_an_older_one_and_its_link() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    add(&ann, "mine@example.org").await.expect(202);
    let older = link_in(&app.mails().await);
    add(&ann, "victim@example.org").await.expect(202);
    // Before the new mail is even made (CVE-2026-32700).
    confirm(&app, &older).await.expect_problem(422, "invalid_token");
    let newer = link_in(&app.mails().await);
    confirm(&app, &older).await.expect_problem(422, "invalid_token");
    confirm(&app, &newer).await.expect(200);
    assert_eq!(addresses(&ann).await, ["ann@example.org", "victim@example.org"]);
    app.finish().await;
}

#[tokio::test]
async fn r046_requests_and_confirmations_at_the_same_time_confirm_what_the_link_was_sent_to() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for round in 0..5 {
        let mine = format!("mine{round}@example.org");
        add(&ann, &mine).await.expect(202);
        let link = link_in(&app.mails().await);
        let other = add(&ann, "victim@example.org");
        let (confirmed, asked) = tokio::join!(confirm(&app, &link), other);
        asked.expect(202);
        let list = addresses(&ann).await;
        assert_eq!(list.contains(&mine), confirmed.status == 200);
        assert!(!list.contains(&"victim@example.org".to_owned()), "its mailbox has confirmed nothing");
        app.run_jobs().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn r040_of_confirmations_at_the_same_time_one_succeeds_also_of_two_people_s() {
    let app = TestApp::new().await;
    let people = [app.user("ann").await, app.user("bob").await];
    let mut links = Vec::new();
    for person in &people {
        add(person, "shared@example.org").await.expect(202);
        links.push(link_in(&app.mails().await));
    }
    let answers = join_all((0..8).map(|number| confirm(&app, &links[number % 2]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert!(["invalid_token", "email_taken"].contains(&answer.json["code"].as_str().unwrap()), "{}", answer.text);
    }
    assert_eq!(app.count("select count(*) from emails where address_normal = 'shared@example.org'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r047_an_unverified_sign_up_does_not_keep_its_address_from_who_confirms_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.client().post("/v1/register", json!({ "email": "new@example.org", "password": PASSWORD })).await.expect(202);
    let sign_up = app.mailed_token().await;
    add(&ann, "new@example.org").await.expect(202);
    let link = link_in(&app.mails().await);
    confirm(&app, &link).await.expect(200);
    let body = json!({ "token": sign_up, "password": PASSWORD });
    app.client().post("/v1/verify-email", body).await.expect_problem(422, "invalid_token");
    assert_eq!(app.count("select count(*) from users").await, 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r041_r042_a_link_dies_with_time_a_new_password_and_suspension() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    for (name, kill) in [("late", 0), ("changed", 1), ("suspended", 2)] {
        let person = app.user(name).await;
        add(&person, &format!("{name}@new.example.org")).await.expect(202);
        let link = link_in(&app.mails().await);
        match kill {
            0 => app.advance(SignedDuration::from_hours(24)),
            1 => {
                let body = json!({ "current_password": PASSWORD, "password": "seven quiet herons wading" });
                person.client.put("/v1/me/password", body).await.expect(200);
            }
            _ => {
                let boss = app.sign_in(&boss.email, PASSWORD).await;
                boss.client.post(&format!("/v1/users/{}/suspend", person.id), json!({})).await.expect(200);
            }
        }
        confirm(&app, &link).await.expect_problem(422, "invalid_token");
        app.run_jobs().await;
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn the_primary_address_is_chosen_among_confirmed_ones_and_both_are_told() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let second = added(&app, &ann, "second@example.org").await;
    app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    let reset = app.mailed_token().await;
    let path = format!("/v1/me/emails/{second}/primary");
    let user = ann.client.put(&path, json!({})).await.expect(200);
    assert_eq!((user.str("email"), &user.json["email_verified"]), ("second@example.org".to_owned(), &json!(true)));
    let subject = "Mail from usher goes to another address";
    assert_eq!(told(&app.mails().await), [("ann@example.org", subject), ("second@example.org", subject)]);
    // a link that lies in the old mailbox is dead.
    let body = json!({ "token": reset, "password": "seven quiet herons wading" });
    app.client().post("/v1/password/reset", body).await.expect_problem(422, "invalid_token");
    // Once more changes nothing, and the old one still opens the account.
    ann.client.put(&path, json!({})).await.expect(200);
    assert!(app.mails().await.is_empty());
    login(&app, "ann@example.org").await.expect(200);
    let stale = [("if-match", "\"1\"")];
    ann.client.send(Method::PUT, &path, &stale, Some(json!({}))).await.expect_problem(412, "precondition_failed");
    app.finish().await;
}

#[tokio::test]
async fn an_address_is_removed_and_free_again_but_not_the_primary_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let eve = app.user("eve").await;
    let second = added(&app, &ann, "second@example.org").await;
    let primary = ann.client.get("/v1/me/emails").await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned();
    ann.client.delete(&format!("/v1/me/emails/{primary}")).await.expect_problem(409, "invalid_state");
    for method in ["delete", "primary"] {
        let refused = match method {
            "delete" => eve.client.delete(&format!("/v1/me/emails/{second}")).await,
            _ => eve.client.put(&format!("/v1/me/emails/{second}/primary"), json!({})).await,
        };
        refused.expect_problem(404, "not_found");
    }
    ann.client.delete(&format!("/v1/me/emails/{second}")).await.expect(204);
    assert_eq!(told(&app.mails().await), [("second@example.org", "This address was removed at usher")]);
    login(&app, "second@example.org").await.expect(401);
    added(&app, &eve, "second@example.org").await;
    let names = "select count(*) from audit_events where action in ('email.requested', 'email.added', 'email.removed')";
    assert_eq!(app.count(names).await, 5);
    app.finish().await;
}

#[tokio::test]
async fn what_waits_can_be_withdrawn() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    add(&ann, "new@example.org").await.expect(202);
    let link = link_in(&app.mails().await);
    let id = ann.client.get("/v1/me/emails").await.expect(200).json["pending"]["id"].as_str().unwrap().to_owned();
    ann.client.put(&format!("/v1/me/emails/{id}/primary"), json!({})).await.expect_problem(404, "not_found");
    ann.client.delete(&format!("/v1/me/emails/{id}")).await.expect(204);
    confirm(&app, &link).await.expect_problem(422, "invalid_token");
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_was_never_confirmed_is_forgotten() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    add(&ann, "new@example.org").await.expect(202);
    app.run_jobs().await;
    for (hours, left) in [(23, 1), (1, 0)] {
        app.advance(SignedDuration::from_hours(hours));
        let mut tx = app.tx().await;
        emails::forget_expired(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(app.count("select count(*) from pending_emails").await, left);
    }
    app.finish().await;
}

#[tokio::test]
async fn r105_addresses_are_changed_after_a_fresh_sign_in_and_read_without() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let second = added(&app, &ann, "second@example.org").await;
    app.advance(SignedDuration::from_mins(10));
    let tokens = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let client = app.client_with(&tokens.str("access_token"));
    client.get("/v1/me/emails").await.expect(200);
    let path = format!("/v1/me/emails/{second}");
    for answer in [
        client.post("/v1/me/emails", json!({ "email": "new@example.org" })).await,
        client.put(&format!("{path}/primary"), json!({})).await,
        client.delete(&path).await,
    ] {
        answer.expect_problem(401, "fresh_authentication_required");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_user_has_ten_addresses_at_most_and_each_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for number in 2..=10 {
        added(&app, &ann, &format!("ann{number}@example.org")).await;
    }
    add(&ann, "ann11@example.org").await.expect_problem(409, "too_many_emails");
    let own = add(&ann, "ANN@example.org").await.expect_problem(409, "email_taken");
    assert_eq!(own.fault_at("/email"), Some("email_taken"));
    for bad in [json!("nonsense"), json!(["a@example.org"]), json!("a@example.org\r\nBcc: x@example.org"), json!(null)] {
        ann.client.post("/v1/me/emails", json!({ "email": bad })).await.expect_problem(422, "invalid_body");
    }
    let verified = json!({ "email": "x@example.org", "verified_at": "2026-01-01T00:00:00Z" });
    let refused = ann.client.post("/v1/me/emails", verified).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/verified_at"), Some("unknown_field"));
    app.finish().await;
}

#[tokio::test]
async fn r043_opening_the_page_changes_nothing_and_its_button_adds_the_address() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    add(&ann, "new@example.org").await.expect(202);
    let token = link_in(&app.mails().await);
    let page = app.client().get(&format!("/confirm-email?token={token}")).await.expect(200);
    assert!(page.text.contains("Add this address") && page.text.contains(&token));
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(addresses(&ann).await.len(), 1);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let form = format!("token={token}").into_bytes();
    let done = app.client().send_raw(Method::POST, "/confirm-email", &headers, form.clone()).await.expect(200);
    assert!(done.text.contains("The address is added"));
    assert_eq!(addresses(&ann).await.len(), 2);
    let failed = app.client().send_raw(Method::POST, "/confirm-email", &headers, form).await.expect(200);
    assert!(failed.text.contains("This link does not work"));
    app.finish().await;
}

/// An address of this person, confirmed; its id.
async fn added(app: &TestApp, person: &Person, email: &str) -> String {
    add(person, email).await.expect(202);
    confirm(app, &link_in(&app.mails().await)).await.expect(200);
    let list = person.client.get("/v1/me/emails").await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    items.iter().find(|item| item["address"] == email).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn addresses(person: &Person) -> Vec<String> {
    let list = person.client.get("/v1/me/emails").await.expect(200);
    list.json["items"].as_array().unwrap().iter().map(|item| item["address"].as_str().unwrap().to_owned()).collect()
}

async fn add(person: &Person, email: &str) -> Answer {
    person.client.post("/v1/me/emails", json!({ "email": email })).await
}

async fn confirm(app: &TestApp, token: &str) -> Answer {
    app.client().post("/v1/me/emails/confirm", json!({ "token": token })).await
}

async fn login(app: &TestApp, identifier: &str) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": identifier, "password": PASSWORD })).await
}

fn link_in(mails: &[Message]) -> String {
    token_in(mails.iter().find(|mail| mail.subject == CONFIRM).expect("a mail that confirms"))
}

/// To whom mails went, and about what, in the order of addresses.
fn told(mails: &[Message]) -> Vec<(&str, &str)> {
    let mut found: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
    found.sort_unstable();
    found
}
