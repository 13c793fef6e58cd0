//! Undoing changes of the words of mails.

use serde_json::{Value, json};

use super::{newest_change, undo, undo_newest, written};
use crate::audit::Event;
use crate::testing::{Client, TestApp};

const WELCOME: &str = "/v1/mail-texts/welcome/en";

fn text(greeting: &str) -> String {
    format!("Subject: Hi\nHeading: Hi there\nPreheader: Soon\nButton: Go\n\n{greeting}\n\n{{{{ link }}}}\n")
}

async fn put(admin: &Client, greeting: &str) -> Value {
    admin.put(WELCOME, json!({ "text": text(greeting) })).await.expect(200);
    newest_change(admin).await
}

/// The text that counts, and whether it is an edited one.
async fn counts(admin: &Client) -> (String, bool) {
    let read = admin.get(WELCOME).await.expect(200);
    (read.str("text"), read.json["edited"].as_bool().unwrap())
}

#[tokio::test]
async fn a_text_becomes_the_one_before_or_that_which_usher_comes_with() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let shipped = counts(&admin).await;
    let first = put(&admin, "Moin.").await;
    assert_eq!(first["changes"]["edited"], json!({ "before": false, "after": true }));
    let second = put(&admin, "Servus.").await;
    assert_eq!(second["changes"]["edited"], Value::Null);

    undo(&admin, &second["id"], json!({})).await.expect(200);
    assert_eq!(counts(&admin).await, (text("Moin."), true));
    // The undoing is a change like any other.
    undo_newest(&admin).await.expect(200);
    assert_eq!(counts(&admin).await, (text("Servus."), true));

    // A text that was changed since is not overwritten.
    let refused = undo(&admin, &first["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/text"), Some("changed_since"));
    assert_eq!(counts(&admin).await, (text("Servus."), true));

    undo(&admin, &second["id"], json!({})).await.expect(200);
    undo(&admin, &first["id"], json!({})).await.expect(200);
    assert_eq!(counts(&admin).await, shipped);
    let again = undo(&admin, &first["id"], json!({})).await.expect(200);
    assert_eq!((&again.json["undone"], &again.json["unchanged"]), (&json!(0), &json!(1)));

    // What was restored is edited again, and once more restored.
    put(&admin, "Moin.").await;
    admin.delete(WELCOME).await.expect(204);
    undo_newest(&admin).await.expect(200);
    assert_eq!(counts(&admin).await, (text("Moin."), true));
    undo_newest(&admin).await.expect(200);
    assert_eq!(counts(&admin).await, shipped);
    app.finish().await;
}

#[tokio::test]
async fn the_text_that_usher_comes_with_is_known_in_events_that_do_not_name_it() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (shipped, _) = counts(&admin).await;
    put(&admin, "Moin.").await;
    let event = |before: &str| {
        let event = Event::success("mail_text.edited").on("mail_text", "welcome/en");
        event.changed(&json!({ "text": before }), &json!({ "text": text("Moin.") }))
    };
    let id = written(&app, &admin, event(&shipped), "mail_text.edited").await;
    undo(&admin, &id, json!({})).await.expect(200);
    assert_eq!(counts(&admin).await, (shipped, false));

    // One of which no mail can be made is not put back.
    put(&admin, "Moin.").await;
    let id = written(&app, &admin, event("Without a head.\n"), "mail_text.edited").await;
    let refused = undo(&admin, &id, json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/text"), Some("not_undoable"));
    assert_eq!(counts(&admin).await, (text("Moin."), true));

    let event = Event::success("mail_text.edited").on("mail_text", "farewell/en");
    let event = event.changed(&json!({ "text": "a" }), &json!({ "text": "b" }));
    let id = written(&app, &admin, event, "mail_text.edited").await;
    let refused = undo(&admin, &id, json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/"), Some("not_undoable"));
    app.finish().await;
}

#[tokio::test]
async fn r203_who_may_not_edit_texts_undoes_none() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await.client, app.manager().await.client);
    let edited = put(&admin, "Moin.").await;
    undo(&boss, &edited["id"], json!({})).await.expect_problem(403, "forbidden");
    assert_eq!(counts(&admin).await, (text("Moin."), true));
    app.finish().await;
}
