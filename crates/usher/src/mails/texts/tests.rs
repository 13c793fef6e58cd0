//! Edited texts: what is refused and why, what is sent, and what happens when one fails.

use http::Method;
use serde_json::{Value, json};

use super::{TEXT_MAX, Which, judge};
use crate::languages::Language;
use crate::mails::Template;
use crate::testing::{Answer, Client, TestApp};

const WELCOME: &str = "/v1/mail-texts/welcome/en";
const HEAD: &str = "Subject: Hi\nHeading: Hi there\nPreheader: Soon\nButton: Go\n";

fn with_body(body: &str) -> String {
    format!("{HEAD}\n{body}\n")
}

async fn put(client: &Client, way: &str, text: &str) -> Answer {
    client.put(way, json!({ "text": text })).await
}

/// What is said at the text of a refusal.
#[track_caller]
fn fault(answer: Answer) -> String {
    let answer = answer.expect_problem(422, "invalid_body");
    assert_eq!(answer.json["errors"][0]["pointer"], "/text", "{}", answer.text);
    answer.json["errors"][0]["detail"].as_str().unwrap().to_owned()
}

async fn invite(app: &TestApp, client: &Client, address: &str) -> crate::mail::Message {
    client.post("/v1/users", json!({ "email": address, "display_name": "Ann" })).await.expect(201);
    app.mails().await.pop().unwrap()
}

#[tokio::test]
async fn every_text_that_usher_comes_with_would_be_taken() {
    let app = TestApp::new().await;
    for template in Template::ALL {
        for language in Language::all() {
            let which = Which { template, language };
            let shipped = which.shipped().unwrap();
            assert_eq!(judge(&app.app, which, &shipped).unwrap().trim_end(), shipped.trim_end(), "{which:?}");
            let english = Which { template, language: Language::ENGLISH };
            assert_eq!(which.values().unwrap(), english.values().unwrap(), "{which:?}");
            let said = |begin: &str, name: &str| {
                let key = format!("mail-{begin}-{}", name.replace('_', "-"));
                let word = language.word(&key);
                assert_ne!(word, key);
                word
            };
            // The console says them in its languages.
            which.values().unwrap().iter().for_each(|value| drop(said("value", value)));
            said("title", template.name());
            let about = said("about", template.name());
            assert!(language != Language::ENGLISH || about == which.entry(None).about, "{which:?}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_text_without_a_mail_in_it_is_refused_with_its_line() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let link = "Go:\n\n{{ link }}";
    for (text, why) in [
        ("x".to_owned(), "The text as a whole: an empty line ends the head."),
        (format!("Subject: Hi\nHeading: Hi\n\n{link}"), "The text as a whole: the head needs a line “Preheader: …”."),
        (format!("Subject: Hi\nHeading: Hi\nPreheader: Hi\n\n{link}"), "the head needs a line “Button: …”."),
        (format!("Subject: Hi\nFrom: me\n\n{link}"), "Line 2: the head has a line each for"),
        (format!("Subject: Hi\nSubject: Hi\n\n{link}"), "the head has a line each for"),
        (format!("Subject: {{{{ link }}}}\nHeading: Hi\nPreheader: Hi\nButton: Go\n\n{link}"), "Line 1: the link can't stand"),
        (with_body("Hello."), "this mail needs its link: {{ link }}, in a paragraph of its own."),
        (with_body("Open this link.\n\nGo to {{ link }} now."), "Line 8: {{ link }} has to stand in a paragraph of its own."),
        (with_body("{{ link }}\n\nOr\n{{ link }}, please"), "Line 9: {{ link }} has to stand"),
        (with_body("{% if name %}{{ link }}{% endif %}"), "this mail needs its link"),
        (with_body(&format!("Hello {{{{ nmae }}}},\n\n{link}")), "Line 6: this mail has no value “nmae”."),
        (with_body(&format!("{{% if false %}}{{{{ event }}}}{{% endif %}}\n\n{link}")), "no value “event”"),
        (with_body(&format!("Hello\n\n{{{{ name\n\n{link}")), "Line 10: syntax error"),
        (with_body(&format!("Hello {{% if name %}}\n\n{link}")), "syntax error"),
        (with_body(&format!("{{{{ name|shout }}}}\n\n{link}")), "unknown filter"),
        (with_body(&format!("{{{{ name.first.last }}}}\n\n{link}")), "undefined value"),
        (with_body(&format!("{{% include \"layout.html\" %}}\n\n{link}")), "it can't take in another text"),
        (with_body(&format!("{{{{ debug() }}}}\n\n{link}")), "no value “debug”"),
        (with_body(&format!("{{% for i in range(9) %}}x{{% endfor %}}\n\n{link}")), "no value “range”"),
        (with_body(&format!("{{{{ 'x' * 9999999 }}}}\n\n{link}")), "it does too much"),
        (with_body(&format!("{{% macro m() %}}{{{{ m() }}}}{{% endmacro %}}{{{{ m() }}}}\n\n{link}")), "recursion limit"),
        (with_body(&format!("a\u{7}b\n\n{link}")), "Line 6: there is a character that nobody can see."),
        (with_body(&format!("{}\n\n{link}", "ä".repeat(TEXT_MAX / 2))), "The text has more than 16 KiB."),
    ] {
        let said = fault(put(&admin, WELCOME, &text).await);
        assert!(said.contains(why), "{said}\nand not\n{why}\nof\n{text}");
        fault(admin.post(&format!("{WELCOME}/preview"), json!({ "text": text })).await);
        fault(admin.post(&format!("{WELCOME}/test"), json!({ "text": text })).await);
    }
    // What a stranger may have typed goes to nobody else.
    assert!(
        fault(put(&admin, "/v1/mail-texts/verify_email/en", &with_body(&format!("{{{{ name }}}}\n\n{link}"))).await)
            .contains("“name”")
    );
    for many in [
        "{% set a = 'x' * 999 %}{% set b = a * 999 %}{{ b }}",
        "{% for a in 'x' * 9999 %}{% for b in 'x' * 9999 %}{% endfor %}{% endfor %}",
    ] {
        assert!(
            fault(put(&admin, WELCOME, &with_body(&format!("{many}\n\n{link}"))).await).contains("it does too much"),
            "{many}"
        );
    }
    admin.put(WELCOME, json!({ "text": "x".repeat(TEXT_MAX + 1) })).await.expect_problem(422, "invalid_body");
    assert_eq!(app.count("select count(*) from mail_texts").await, 0);
    assert!(app.mails().await.is_empty());
    for way in ["/v1/mail-texts/welcome/fr", "/v1/mail-texts/welcome/de-AT", "/v1/mail-texts/farewell/en"] {
        admin.get(way).await.expect_problem(404, "not_found");
        put(&admin, way, "x").await.expect_problem(404, "not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn mails_say_what_was_edited_until_it_is_restored() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let read = admin.client.get(WELCOME).await.expect(200);
    assert_eq!((&read.json["edited"], &read.json["version"], read.etag().as_str()), (&json!(false), &json!(0), "\"0\""));
    assert_eq!(read.json["text"], read.json["shipped"]);
    assert_eq!(read.json["values"], json!(["lifetime", "link", "name", "product", "public_url"]));
    let text = with_body("Moin{% if name %} {{ name }}{% endif %} & <b>all</b>,\r\n\r\n{{ link }}\r\n\r\n");
    let put_as = |tag: &'static str, text: String| {
        let client = admin.client.clone();
        async move {
            client
                .send(Method::PUT, WELCOME, &[("if-match", tag), ("x-reason", "friendlier")], Some(json!({ "text": text })))
                .await
        }
    };
    let edited = put_as("\"0\"", text.clone()).await.expect(200);
    assert_eq!((&edited.json["edited"], &edited.json["updated_by"]), (&json!(true), &json!(admin.id)));
    assert_eq!(edited.json["text"], with_body("Moin{% if name %} {{ name }}{% endif %} & <b>all</b>,\n\n{{ link }}"));
    put_as("\"0\"", text.clone()).await.expect_problem(412, "precondition_failed");
    // The same once more is no change.
    assert_eq!(put(&admin.client, WELCOME, &text).await.expect(200).etag(), edited.etag());
    let mail = invite(&app, &admin.client, "ann@example.org").await;
    assert_eq!(mail.subject, "Hi");
    assert!(mail.text.starts_with("Moin Ann & <b>all</b>,\n\nhttps://id.example.com/reset-password?token=ush_"), "{}", mail.text);
    assert!(mail.html.contains("Moin Ann &amp; &lt;b&gt;all&lt;&#x2f;b&gt;,") && mail.html.contains(">Go</a>"), "{}", mail.html);
    let list = admin.client.get("/v1/mail-texts").await.expect(200).json["items"].as_array().unwrap().clone();
    assert_eq!(list.len(), Template::ALL.len() * Language::all().count());
    let marked: Vec<&Value> = list.iter().filter(|entry| entry["edited"] == true).collect();
    assert_eq!((marked.len(), &marked[0]["name"], &marked[0]["language"]), (1, &json!("welcome"), &json!("en")));

    let stale = [("if-match", "\"0\"")];
    admin.client.send(Method::DELETE, WELCOME, &stale, None).await.expect_problem(412, "precondition_failed");
    for _ in 0..2 {
        admin.client.delete(WELCOME).await.expect(204);
    }
    assert_eq!(admin.client.get(WELCOME).await.expect(200).etag(), "\"0\"");
    assert!(invite(&app, &admin.client, "ben@example.org").await.subject.starts_with("Your account at"));
    // What was there before is never taken for what is there now.
    assert_ne!(put(&admin.client, WELCOME, &text).await.expect(200).etag(), edited.etag());
    let events = admin.client.get("/v1/audit-events?action=mail_text.edited").await.expect(200).json["items"].clone();
    let first = &events[1];
    assert_eq!((events.as_array().unwrap().len(), &first["target_id"]), (2, &json!("welcome/en")));
    assert_eq!((&first["reason"], &first["change_id"]), (&json!("friendlier"), &first["id"]));
    assert_eq!(first["changes"]["text"]["after"], edited.json["text"]);
    assert_eq!(app.count("select count(*) from audit_events where action = 'mail_text.restored'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_text_that_fails_all_the_same_is_passed_over() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for (number, text) in
        ["{{ link".to_owned(), with_body("Gone."), with_body("{{ of_yesterday }}\n\n{{ link }}")].iter().enumerate()
    {
        put(&admin, WELCOME, &with_body("Go:\n\n{{ link }}")).await.expect(200);
        let mut tx = app.tx().await;
        tx.execute("update mail_texts set text = $1", &[text]).await.unwrap();
        tx.commit().await.unwrap();
        let mail = invite(&app, &admin, &format!("ann{number}@example.org")).await;
        assert!(mail.subject.starts_with("Your account at") && mail.text.contains("?token=ush_"), "{text}: {}", mail.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_test_goes_to_oneself_and_twenty_in_an_hour() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let text = with_body("Dear {{ name }},\n\n{{ link }}");
    let preview = admin.client.post(&format!("{WELCOME}/preview"), json!({ "text": text })).await.expect(200);
    assert_eq!(preview.str("subject"), "Hi");
    assert!(
        preview.str("text").starts_with("Dear Ann Example,\n\nhttps://id.example.com/reset-password?token=example"),
        "{}",
        preview.text
    );
    assert!(preview.str("html").contains("<h1>Hi there</h1>"));
    assert!(app.mails().await.is_empty());
    let way = format!("{WELCOME}/test");
    let sent = admin.client.post(&way, json!({ "text": text })).await.expect(202);
    assert_eq!(sent.str("recipient"), admin.email);
    let mail = app.mails().await.pop().unwrap();
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), (admin.email.as_str(), "[Test] Hi"));
    assert!(mail.text.contains("?token=example"), "{}", mail.text);
    for _ in 1..20 {
        admin.client.send_raw(Method::POST, &way, &[], Vec::new()).await.expect(202);
    }
    let last = app.mails().await.pop().unwrap();
    assert!(last.subject.starts_with("[Test] Your account at"), "{}", last.subject);
    admin.client.post(&way, json!({})).await.expect_problem(429, "too_many_requests");
    assert_eq!(app.count("select count(*) from audit_events where action = 'mail_text.tested'").await, 20);
    // Of the mails that come in earnest none is used up.
    let mail = invite(&app, &admin.client, "ann@example.org").await;
    assert!(mail.subject.starts_with("Your account at"), "{}", mail.subject);
    app.finish().await;
}
