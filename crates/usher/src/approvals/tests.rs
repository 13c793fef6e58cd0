//! Asking, deciding, and the page.

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::testing::{Answer, Person, TestApp};

const OWN: &str = "/v1/me/approval-requests";
const ALL: &str = "/v1/approval-requests";
const PAGE: &str = "/account/professional";

async fn offering() -> TestApp {
    TestApp::with(&[("USHER_PROFESSIONAL_REQUIRES", "display_name, bio")]).await
}

/// Somebody whose profile has what it takes.
async fn complete(app: &TestApp, name: &str) -> Person {
    let person = app.user(name).await;
    person.client.patch("/v1/me", json!({ "display_name": "Ann <b>", "bio": "A translator." })).await.expect(200);
    person
}

async fn ask(person: &Person) -> Answer {
    person.client.post(OWN, json!({ "kind": "professional", "message": "Ten years <i>" })).await
}

async fn decide(by: &Person, request: &Answer, how: &str, reason: &str) -> Answer {
    by.client.post(&format!("{ALL}/{}/{how}", request.str("id")), json!({ "reason": reason })).await
}

#[tokio::test]
async fn what_is_approved_is_given_and_told() {
    let app = offering().await;
    let (boss, ann) = (app.manager().await, complete(&app, "ann").await);
    let asked = ask(&ann).await.expect(201);
    assert_eq!((asked.str("state").as_str(), &asked.json["user"]["id"]), ("waiting", &json!(ann.id)));
    let listed = boss.client.get(&format!("{ALL}?state=waiting&kind=professional")).await.expect(200);
    assert_eq!(listed.json["items"], json!([asked.json]));
    let approved = decide(&boss, &asked, "approve", "Welcome.").await.expect(200);
    assert_eq!((approved.str("state").as_str(), &approved.json["decided_by"]), ("approved", &json!(boss.id)));
    assert!(ann.client.get("/v1/me").await.expect(200).json["professional_at"].is_string());
    app.run_jobs().await;
    let mails = app.mails().await;
    let mail = mails.iter().find(|mail| mail.subject.starts_with("You now have professional")).unwrap();
    assert!(mail.text.contains("\n\n> Welcome.\n\n"), "{}", mail.text);
    // Who has decided is none of theirs.
    let own = ann.client.get(OWN).await.expect(200);
    assert_eq!((&own.json["items"][0]["decided_by"], &own.json["items"][0]["reason"]), (&json!(null), &json!("Welcome.")));
    assert_eq!(own.json["items"], ann.client.get("/v1/me/data").await.expect(200).json["approval_requests"]);
    ask(&ann).await.expect_problem(409, "already_granted");
    decide(&boss, &asked, "decline", "No.").await.expect_problem(409, "invalid_state");
    let events = "select count(*) from audit_events where action in ('approval.requested', 'approval.approved')";
    assert_eq!(app.count(events).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn what_is_declined_is_told_with_the_reason_and_may_be_asked_again() {
    let app = offering().await;
    let (boss, ann) = (app.manager().await, complete(&app, "ann").await);
    let asked = ask(&ann).await.expect(201);
    boss.client.post(&format!("{ALL}/{}/decline", asked.str("id")), json!({})).await.expect_problem(422, "invalid_body");
    let declined = decide(&boss, &asked, "decline", "Name your\nemployer <u>.").await.expect(200);
    assert_eq!(declined.str("state"), "declined");
    assert!(ann.client.get("/v1/me").await.expect(200).json["professional_at"].is_null());
    app.run_jobs().await;
    let mails = app.mails().await;
    let mail = mails.iter().find(|mail| mail.subject.starts_with("Your request for professional")).unwrap();
    assert!(mail.text.contains("\n\n> Name your\n> employer <u>.\n\n"), "{}", mail.text);
    ask(&ann).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn asking_takes_an_offer_a_profile_and_patience() {
    let app = TestApp::new().await;
    let ann = complete(&app, "ann").await;
    ask(&ann).await.expect_problem(409, "not_offered");
    app.finish().await;

    let app = offering().await;
    let bob = app.user("bob").await;
    bob.client.patch("/v1/me", json!({ "display_name": null })).await.expect(200);
    let refused = ask(&bob).await.expect_problem(409, "profile_incomplete");
    assert_eq!(refused.json["missing"], json!(["display_name", "bio"]));
    let ann = complete(&app, "ann").await;
    for body in [json!({}), json!({ "kind": "king" }), json!({ "kind": "professional", "message": "x".repeat(2001) })] {
        ann.client.post(OWN, body).await.expect_problem(422, "invalid_body");
    }
    for _ in 0..5 {
        let asked = ask(&ann).await.expect(201);
        ann.client.delete(&format!("{OWN}/{}", asked.str("id"))).await.expect(204);
        ann.client.delete(&format!("{OWN}/{}", asked.str("id"))).await.expect(204);
    }
    let refused = ask(&ann).await.expect_problem(429, "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    app.finish().await;
}

#[tokio::test]
async fn nobody_decides_on_themselves_or_on_who_outranks_them_and_others_see_nothing() {
    let app = offering().await;
    let boss = app.manager().await;
    boss.client.patch("/v1/me", json!({ "display_name": "Boss", "bio": "A boss." })).await.expect(200);
    let own = ask(&boss).await.expect(201);
    decide(&boss, &own, "approve", "Me.").await.expect_problem(403, "forbidden");
    let admin = app.admin().await;
    admin.client.patch("/v1/me", json!({ "display_name": "Root", "bio": "Root." })).await.expect(200);
    let above = ask(&admin).await.expect(201);
    decide(&boss, &above, "decline", "No.").await.expect_problem(403, "target_outranks_caller");
    decide(&admin, &own, "approve", "You.").await.expect(200);
    let eve = app.user("eve").await;
    eve.client.delete(&format!("{OWN}/{}", above.str("id"))).await.expect_problem(404, "not_found");
    decide(&eve, &above, "approve", "x").await.expect_problem(403, "forbidden");
    assert_eq!(eve.client.get(OWN).await.expect(200).json["items"], json!([]));
    let stale = [("if-match", "\"9\"")];
    let path = format!("{ALL}/{}/approve", above.str("id"));
    admin.client.send(http::Method::POST, &path, &stale, Some(json!({}))).await.expect(412);
    app.run_jobs().await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn of_decisions_and_of_requests_at_the_same_time_one_wins() {
    let app = offering().await;
    let (boss, ann) = (app.manager().await, complete(&app, "ann").await);
    let answers = join_all((0..4).map(|_| ask(&ann))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    let asked = answers.into_iter().find(|answer| answer.status == 201).unwrap();
    let own = format!("{OWN}/{}", asked.str("id"));
    let (approved, (declined, withdrawn)) =
        join(decide(&boss, &asked, "approve", "Yes."), join(decide(&boss, &asked, "decline", "No."), ann.client.delete(&own)))
            .await;
    let won = [approved.status == 200, declined.status == 200, withdrawn.status == 204];
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let has = ann.client.get("/v1/me").await.expect(200).json["professional_at"].is_string();
    assert_eq!(has, won[0]);
    app.run_jobs().await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn the_page_leads_from_the_profile_to_the_request_and_shows_what_became_of_it() {
    let app = offering().await;
    let boss = app.manager().await;
    let ann = app.user("ann").await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    let shown = browser.open(PAGE).await.expect(200);
    assert!(
        shown.text.contains("some lines about you")
            && !shown.text.contains("<form method=\"post\" action=\"/account/professional")
    );
    ann.client.patch("/v1/me", json!({ "display_name": "Ann", "bio": "A translator." })).await.expect(200);
    let shown = browser.open(PAGE).await.expect(200);
    assert!(shown.text.contains("Ask for professional status</button>"), "{}", shown.text);
    let long = "x".repeat(2001);
    let refused = browser.submit(PAGE, &[("message", &long)]).await.expect(422);
    assert!(refused.text.contains("The message must have at most 2000"), "{}", refused.text);
    let done = browser.submit(PAGE, &[("message", "<script>alert(1)</script>")]).await.expect(303);
    assert_eq!(done.headers["location"], PAGE);
    let shown = browser.open(PAGE).await.expect(200);
    assert!(
        shown.text.contains("A mail tells you") && shown.text.contains("&lt;script&gt;") && !shown.text.contains("<script>alert")
    );
    let listed = boss.client.get(ALL).await.expect(200);
    let id = listed.json["items"][0]["id"].as_str().unwrap().to_owned();
    browser.submit(&format!("{PAGE}/{id}/withdraw"), &[]).await.expect(303);
    let shown = browser.open(PAGE).await.expect(200);
    assert!(shown.text.contains("Withdrawn by you"), "{}", shown.text);
    browser.submit(PAGE, &[]).await.expect(303);
    let listed = boss.client.get(&format!("{ALL}?state=waiting")).await.expect(200);
    let id = listed.json["items"][0]["id"].as_str().unwrap().to_owned();
    boss.client.post(&format!("{ALL}/{id}/approve"), json!({})).await.expect(200);
    assert!(browser.open(PAGE).await.expect(200).text.contains("You have professional status since"));
    app.run_jobs().await;
    app.mails().await;
    app.finish().await;
}
