//! Deciding in the console on what people ask for.

use serde_json::json;

use super::{signed_in, with};
use crate::testing::{Answer, Person, TestApp};

const HERE: &str = "/admin/requests";

async fn offering() -> TestApp {
    TestApp::with(&[("USHER_PROFESSIONAL_REQUIRES", "display_name, bio")]).await
}

/// Asks for professional status, and says where the page about it is.
async fn ask(person: &Person) -> String {
    person.client.patch("/v1/me", json!({ "display_name": "Ann", "bio": "A translator." })).await.expect(200);
    let body = json!({ "kind": "professional", "message": "Ten years." });
    format!("{HERE}/{}", person.client.post("/v1/me/approval-requests", body).await.expect(201).str("id"))
}

fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status.as_u16(), &answer.headers["location"]), (303, &path.parse().unwrap()), "{}", answer.text);
}

#[tokio::test]
async fn a_request_is_declined_with_a_reason_asked_again_and_approved() {
    let app = offering().await;
    let (boss, ann) = (app.manager().await, app.user("ann").await);
    let mut browser = signed_in(&app, &boss).await;
    assert!(browser.open(HERE).await.expect(200).text.contains("Nothing waits for a decision."));
    let first = ask(&ann).await;
    assert!(browser.open(HERE).await.expect(200).text.contains("Professional status"));
    let page = browser.open(&first).await.expect(200);
    let text = page.text.replace("&#x2f;", "/");
    for shown in ["Ten years.", "A translator.", "Approve …", "Approval requested", &format!("/admin/users/{}", ann.id)] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    let path = format!("{first}/decline");
    browser.open(&path).await.expect(200);
    let page = browser.submit(&path, &[("reason", " ")]).await.expect(422);
    assert!(page.text.contains("id=\"reason-error\"") && page.text.contains("Say why: they are told it."), "{}", page.text);
    let long = "x".repeat(1001);
    let page = browser.submit(&path, &[("reason", &long)]).await.expect(422);
    assert!(page.text.contains("The reason ") && page.text.contains(&long), "{}", page.text);
    leads_to(&browser.submit(&path, &[("reason", "Name your\r\nemployer.")]).await, &first);
    let page = browser.open(&first).await.expect(200);
    assert!(page.text.contains("Name your\nemployer.") && !page.text.contains("Approve …"), "{}", page.text);
    assert!(app.mails().await.iter().any(|mail| mail.text.contains("> Name your\n> employer.")));
    let page = browser.submit(&format!("{first}/approve"), &[]).await.expect(422);
    assert!(page.text.contains("It has been decided or withdrawn already."), "{}", page.text);

    let second = ask(&ann).await;
    let page = browser.open(&second).await.expect(200);
    assert!(page.text.contains("What else they have asked for") && page.text.replace("&#x2f;", "/").contains(&first));
    leads_to(&browser.submit(&format!("{second}/approve"), &[("reason", "")]).await, &second);
    assert!(browser.open(&second).await.expect(200).text.contains("It is saved."));
    assert!(ann.client.get("/v1/me").await.expect(200).json["professional_at"].is_string());
    let events = "select count(*) from audit_events where action like 'approval.%ed' and actor_id is not null";
    assert_eq!(app.count(events).await, 4);
    for (query, rows) in [("", 0), ("?state=all", 2), ("?state=declined", 1), ("?state=withdrawn", 0)] {
        let page = browser.open(&format!("{HERE}{query}")).await.expect(200);
        assert_eq!(page.text.matches("role=\"rowheader\"").count(), rows, "{query}");
    }
    for (query, status) in [(format!("?state=all&user={}", ann.id), 200), ("?state=lost".into(), 422), ("?user=ann".into(), 422)]
    {
        browser.open(&format!("{HERE}{query}")).await.expect(status);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_decides_on_their_own_nor_above_themselves_nor_without_the_permission() {
    let app = offering().await;
    let admin = app.admin().await;
    let (boss, ann) = (app.manager().await, app.user("ann").await);
    let reader = with(&app, &admin, "reader", &["users:read"]).await;
    let counts = with(&app, &admin, "counts", &["analytics:read"]).await;
    let (own, above, plain) = (ask(&boss).await, ask(&admin).await, ask(&ann).await);
    let mut browser = signed_in(&app, &boss).await;
    assert!(browser.open(&own).await.expect(200).text.contains("somebody else has to decide"));
    // It is in the list, and nothing of the profile is shown.
    let page = browser.open(&above).await.expect(200);
    assert!(!page.text.contains("Approve …") && !page.text.contains("A translator."), "{}", page.text);
    for way in [&own, &above] {
        browser.submit(&format!("{way}/approve"), &[]).await.expect(403);
        browser.submit(&format!("{way}/decline"), &[("reason", "No.")]).await.expect(403);
    }
    let mut browser = signed_in(&app, &reader).await;
    assert!(!browser.open(&plain).await.expect(200).text.contains("Approve …"));
    for decision in ["approve", "decline"] {
        browser.open(&format!("{plain}/{decision}")).await.expect(403);
        browser.open(HERE).await.expect(200);
        browser.submit(&format!("{plain}/{decision}"), &[("reason", "No.")]).await.expect(403);
    }
    let mut browser = signed_in(&app, &counts).await;
    browser.open(HERE).await.expect(403);
    browser.open(&plain).await.expect(403);
    assert_eq!(app.count("select count(*) from approval_requests where state = 'waiting'").await, 3);
    app.finish().await;
}
