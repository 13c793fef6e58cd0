//! The addresses of a user, as staff change them.

use serde_json::json;

use super::{leads_to, signed_in, way, with};
use crate::testing::{Browser, Person, TestApp, token_in};

/// What the page about a user leads to for this act on an address.
async fn path_to(browser: &mut Browser, person: &Person, act: &str) -> String {
    let page = browser.open(&way(person)).await.expect(200);
    let id = page.text.split("/emails/").find_map(|part| part.split_once(&format!("/{act}\"")).map(|(id, _)| id.to_owned()));
    format!("{}/emails/{}/{act}", way(person), id.unwrap_or_else(|| panic!("no {act}: {}", page.text)))
}

#[tokio::test]
async fn an_address_is_added_confirmed_made_primary_and_another_removed() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let add = format!("{}/emails/add", way(&ann));
    assert!(browser.open(&way(&ann)).await.expect(200).text.contains("/emails/add\""));
    browser.open(&add).await.expect(200);
    app.mails().await;
    leads_to(&browser.submit(&add, &[("email", " ann@work.example "), ("reason", "she moved")]).await, &way(&ann));
    // It waits, and belongs to nobody.
    let page = browser.open(&way(&ann)).await.expect(200);
    assert!(page.text.contains("ann@work.example") && page.text.contains(">Waits<"), "{}", page.text);
    assert_eq!(app.count("select count(*) from emails where address = 'ann@work.example'").await, 0);
    let mails = app.mails().await;
    let mail = mails.iter().find(|mail| mail.to == "ann@work.example").unwrap();
    // Only the person confirms it.
    app.client().post("/v1/me/emails/confirm", json!({ "token": token_in(mail) })).await.expect(200);
    let primary = path_to(&mut browser, &ann, "primary").await;
    let page = browser.open(&primary).await.expect(200);
    assert!(page.text.contains("ann@work.example"), "{}", page.text);
    leads_to(&browser.submit(&primary, &[("reason", "she moved")]).await, &way(&ann));
    let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json;
    assert_eq!(read["email"], "ann@work.example");
    let remove = path_to(&mut browser, &ann, "remove").await;
    assert!(browser.open(&remove).await.expect(200).text.contains(&ann.email));
    leads_to(&browser.submit(&remove, &[("reason", "she moved")]).await, &way(&ann));
    // It is gone already: all is as it should be.
    leads_to(&browser.submit(&remove, &[]).await, &way(&ann));
    browser.open(&remove).await.expect(404);
    let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json;
    assert_eq!(read["emails"].as_array().unwrap().len(), 1);
    for action in ["email.requested", "email.primary_set", "email.removed"] {
        let events = admin.client.get(&format!("/v1/audit-events?action={action}")).await.expect(200).json;
        let event = &events["items"][0];
        assert_eq!((&event["reason"], &event["actor_id"]), (&json!("she moved"), &json!(admin.id)), "{action}");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_waits_is_withdrawn() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let add = format!("{}/emails/add", way(&ann));
    browser.open(&add).await.expect(200);
    app.mails().await;
    leads_to(&browser.submit(&add, &[("email", "ann@work.example")]).await, &way(&ann));
    let token = app.mails().await.iter().find(|mail| mail.to == "ann@work.example").map(token_in).unwrap();
    let remove = path_to(&mut browser, &ann, "remove").await;
    assert!(browser.open(&remove).await.expect(200).text.contains("Withdraw"));
    leads_to(&browser.submit(&remove, &[]).await, &way(&ann));
    assert!(!browser.open(&way(&ann)).await.expect(200).text.contains(">Waits<"));
    app.client().post("/v1/me/emails/confirm", json!({ "token": token })).await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn what_can_not_be_done_to_an_address_is_said_and_changes_nothing() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &admin).await;
    let add = format!("{}/emails/add", way(&ann));
    browser.open(&add).await.expect(200);
    let asked = "select count(*) from pending_emails";
    for address in ["", "nobody", ann.email.as_str(), ben.email.as_str(), "BEN@example.org"] {
        let page = browser.submit(&add, &[("email", address), ("reason", "because")]).await.expect(422);
        assert!(page.text.contains("id=\"email-error\"") && page.text.contains("value=\"because\""), "{address}: {}", page.text);
        assert_eq!(app.count(asked).await, 0, "{address}");
    }
    let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json;
    let own = format!("{}/emails/{}", way(&ann), read["emails"][0]["id"].as_str().unwrap());
    // The primary one stays, and what is primary stays so.
    let page = browser.submit(&format!("{own}/remove"), &[("reason", "because")]).await.expect(422);
    assert!(page.text.contains("id=\"reason-error\"") && page.text.contains("value=\"because\""), "{}", page.text);
    leads_to(&browser.submit(&format!("{own}/primary"), &[]).await, &way(&ann));
    let nothing = format!("{}/emails/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", way(&ann));
    browser.open(&format!("{nothing}/primary")).await.expect(404);
    browser.submit(&format!("{nothing}/primary"), &[]).await.expect(404);
    // Somebody else's.
    browser.open(&own.replace(&ann.id, &ben.id)).await.expect(404);
    browser.open(&format!("{}/primary", own.replace(&ann.id, &ben.id))).await.expect(404);
    admin.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    let page = browser.submit(&add, &[("email", "ann@work.example")]).await.expect(422);
    assert!(page.text.contains("Only an active user"), "{}", page.text);
    let after = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json;
    assert_eq!((app.count(asked).await, &after["emails"]), (0, &read["emails"]));
    // Who holds more than they do.
    let mut manager = signed_in(&app, &boss).await;
    manager.open("/admin/users").await.expect(200);
    manager.submit(&format!("{}/emails/add", way(&admin)), &[("email", "root@work.example")]).await.expect(403);
    // Who may only look sees no way to it.
    let reader = with(&app, &admin, "reader", &["users:read"]).await;
    let mut browser = signed_in(&app, &reader).await;
    assert!(!browser.open(&way(&ann)).await.expect(200).text.contains("/emails/"));
    app.run_jobs().await;
    app.finish().await;
}
