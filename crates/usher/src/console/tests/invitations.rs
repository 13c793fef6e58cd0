//! Inviting in the console.

use http::Method;
use serde_json::json;

use super::{signed_in, way, with};
use crate::testing::{Answer, Browser, PASSWORD, TestApp, token_in};

const HERE: &str = "/admin/invitations";
const MANY: &str = "/admin/invitations/many";

/// Sends the form of many, for which no file was chosen.
async fn send_many(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    browser.upload_with(MANY, fields, ("file", ""), b"").await
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// A page with its addresses as they are.
async fn text(browser: &mut Browser, path: &str) -> String {
    browser.open(path).await.expect(200).text.replace("&#x2f;", "/")
}

/// The link that a page shows.
fn link_in(page: &Answer) -> String {
    let token = page.text.split("token=").nth(1).unwrap();
    token.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).next().unwrap().to_owned()
}

#[tokio::test]
async fn one_is_invited_by_mail_looked_at_sent_again_and_revoked() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&format!("{HERE}/new")).await.expect(200);
    assert!(page.text.contains("name=\"role.user\" value=\"on\" checked") && !page.text.contains("forward_to"), "{}", page.text);
    let wish = [
        ("email", "Ann@Example.org"),
        ("display_name", "Ann"),
        ("message", "Hello,\r\nAnn"),
        ("role.user", "on"),
        ("role.manager", "on"),
        ("delivery", "mail"),
        ("expires_in_days", "3"),
        ("reason", "new here"),
    ];
    let way = location(&browser.submit(&format!("{HERE}/new"), &wish).await);
    let page = browser.open(&way).await.expect(200);
    assert!(page.text.contains("It is on its way.") && page.text.contains("manager, user"), "{}", page.text);
    assert!(page.text.contains("new here") && page.text.contains("Send again …"), "{}", page.text);
    let mails = app.mails().await;
    assert!(mails[0].text.contains("> Hello,\n> Ann") && mails[0].text.contains("for 3 days"), "{}", mails[0].text);
    // It names its picture, and its picture comes with it.
    assert!(mails[0].html.contains("cid:picture@usher") && mails[0].picture.as_ref().unwrap().starts_with(b"\x89PNG"));

    browser.open(&format!("{way}/resend")).await.expect(200);
    assert_eq!(location(&browser.submit(&format!("{way}/resend"), &[]).await), way);
    assert_eq!(app.mails().await.len(), 1);
    browser.open(&format!("{way}/revoke")).await.expect(200);
    assert_eq!(location(&browser.submit(&format!("{way}/revoke"), &[("reason", "a mistake")]).await), way);
    let page = browser.open(&way).await.expect(200);
    assert!(page.text.contains("It is revoked.") && !page.text.contains("Send again …"), "{}", page.text);
    let refused = browser.submit(&format!("{way}/resend"), &[]).await.expect(422);
    assert!(refused.text.contains("The invitation was revoked: make another."), "{}", refused.text);
    let body = json!({ "token": token_in(&mails[0]), "password": PASSWORD });
    app.client().post("/v1/invitations/accept", body).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn a_link_is_shown_once_with_its_picture_and_works() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(&format!("{HERE}/new")).await.expect(200);
    let wish = [("email", "ann@example.org"), ("role.user", "on"), ("delivery", "link")];
    let page = browser.submit(&format!("{HERE}/new"), &wish).await.expect(200);
    assert!(page.text.contains("<svg class=\"picture\"") && page.text.contains("ann@example.org"), "{}", page.text);
    let first = link_in(&page);
    let way = page.text.split("class=\"button\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#x2f;", "/");
    let shown = browser.open(&way).await.expect(200);
    assert!(!shown.text.contains("ush_invite_") && shown.text.contains("Make a new link …"), "{}", shown.text);
    browser.open(&format!("{way}/resend")).await.expect(200);
    let second = link_in(&browser.submit(&format!("{way}/resend"), &[]).await.expect(200));
    let accept = |token: &str| json!({ "token": token, "password": PASSWORD });
    app.client().post("/v1/invitations/accept", accept(&first)).await.expect_problem(422, "invalid_token");
    let user = app.client().post("/v1/invitations/accept", accept(&second)).await.expect(201);
    let shown = browser.open(&way).await.expect(200);
    assert!(shown.text.contains(&user.str("id")) && shown.text.contains("Accepted"), "{}", shown.text);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_said_at_its_field_and_what_was_typed_stays() {
    let app = TestApp::with(&[("USHER_INVITATION_FORWARD_TO", "https://app.example.org")]).await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&format!("{HERE}/new")).await.expect(200);
    assert!(page.text.contains("https:&#x2f;&#x2f;app.example.org"), "{}", page.text);
    let user = ("role.user", "on");
    for (wish, field, said) in [
        (vec![("email", ""), user], "email", "Enter the e-mail address."),
        (vec![("email", "nobody"), user], "email", "The address "),
        (vec![("email", &admin.email), user], "email", "This address belongs to a user already."),
        (vec![("email", "ann@example.org")], "roles", "Choose a role"),
        (vec![("email", "ann@example.org"), ("role.nothing", "on")], "roles", "There is no role of this name."),
        (vec![("email", "ann@example.org"), user, ("forward_to", "https://evil.example/")], "forward_to", "must be on a site"),
        (vec![("email", "ann@example.org"), user, ("expires_in_days", "99")], "expires_in_days", "The number of days "),
    ] {
        let wish: Vec<_> = wish.into_iter().chain([("message", "<Kept>"), ("delivery", "link")]).collect();
        let page = browser.submit(&format!("{HERE}/new"), &wish).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")) && page.text.contains(said), "{field}: {}", page.text);
        assert!(page.text.contains("&lt;Kept&gt;</textarea>") && page.text.contains("value=\"link\" checked"), "{field}");
    }
    app.finish().await;
}

#[tokio::test]
async fn many_are_judged_one_by_one_and_those_refused_stand_there_to_be_mended() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &boss).await;
    browser.open(MANY).await.expect(200);
    let people = "ann@example.org, Ann Baker\r\nnobody\r\n\r\nboss@example.org\r\nben@example.org\r\n";
    let page = send_many(&mut browser, &[("people", people), ("message", "Hello")]).await.expect(200);
    assert!(
        page.text.contains("2 invitations are on their way.") && page.text.contains("2 could not be invited."),
        "{}",
        page.text
    );
    assert!(page.text.contains("This address belongs to a user already.") && page.text.contains(">4</td>"), "{}", page.text);
    assert!(page.text.contains("\nnobody\nboss@example.org</textarea>"), "{}", page.text);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.text.contains("> Hello")) && mails.iter().any(|mail| mail.text.contains("Ann Baker")));
    // A manager gives no roles.
    let table = "email,roles\ncleo@example.org,user admin\n";
    let page = send_many(&mut browser, &[("people", table)]).await.expect(200);
    assert!(page.text.contains("roles:assign") && page.text.contains("\nemail,roles\ncleo@example.org,user admin</textarea>"));
    let crowd = (0..501).map(|number| format!("p{number}@example.org")).collect::<Vec<_>>().join("\n");
    for (people, said) in [
        (" \n", "Enter somebody to be invited, or choose a file."),
        ("email,colour\na@b.c,red", "The text has a column"),
        (crowd.as_str(), "These are 501 people."),
    ] {
        let page = send_many(&mut browser, &[("people", people)]).await.expect(422);
        assert!(page.text.contains("id=\"people-error\"") && page.text.contains(said), "{said}: {}", page.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_file_is_judged_as_what_is_pasted() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &boss).await;
    let page = browser.open(MANY).await.expect(200);
    assert!(page.text.contains("enctype=\"multipart/form-data\"") && page.text.contains("type=\"file\""), "{}", page.text);
    let table = "\u{feff}email;display_name\r\nann@example.org;Ann Baker\r\nnobody;\r\nboss@example.org;\r\nben@example.org;\r\n";
    let fields = [("people", " \r\n"), ("message", "Hello"), ("reason", "the new team")];
    let page = browser.upload_with(MANY, &fields, ("file", "people.csv"), table.as_bytes()).await.expect(200);
    for text in
        ["2 invitations are on their way.", "2 could not be invited.", "This address belongs to a user already.", ">4</td>"]
    {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(page.text.contains("\nemail;display_name\nnobody;\nboss@example.org;</textarea>"), "{}", page.text);
    let mails = app.mails().await;
    assert!(mails.len() == 2 && mails.iter().all(|mail| mail.text.contains("> Hello")));
    assert!(mails.iter().any(|mail| mail.text.contains("Ann Baker")));
    assert_eq!(
        app.count(
            "select count(*) from audit_events e join audit_details d on d.event_id = e.id
             where e.action = 'invitation.created' and d.content like '%the new team%'"
        )
        .await,
        2
    );
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_said_at_its_field_and_invites_nobody() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &boss).await;
    browser.open(MANY).await.expect(200);
    let crowd = (0..501).map(|number| format!("p{number}@example.org")).collect::<Vec<_>>().join("\n");
    let large = "ann@example.org\n".repeat(9000);
    for (people, file, said) in [
        ("", &b""[..], "The file names nobody."),
        ("", b"email,colour\na@b.c,red", "The text has a column"),
        ("", b"ann@example.org, J\xf6rg", "The file is not UTF-8."),
        ("", crowd.as_bytes(), "These are 501 people."),
        ("", large.as_bytes(), "The file is larger than 128 KiB."),
        ("ann@example.org", b"ben@example.org", "Enter them or choose a file, not both"),
    ] {
        let fields = [("people", people), ("message", "<Kept>")];
        let page = browser.upload_with(MANY, &fields, ("file", "people.csv"), file).await.expect(422);
        assert!(page.text.contains("id=\"file-error\"") && page.text.contains(said), "{said}: {}", page.text);
        assert!(page.text.contains("&lt;Kept&gt;</textarea>") && page.text.contains(&format!("{people}</textarea>")), "{said}");
    }
    browser.form_token = "stale".to_owned();
    browser.upload_with(MANY, &[], ("file", "people.csv"), b"ann@example.org").await.expect(403);
    assert_eq!(app.count("select count(*) from invitations").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_narrowed_and_goes_on() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let rows: Vec<_> = (0..27).map(|number| json!({ "email": format!("p{number:02}@example.org") })).collect();
    boss.client.post("/v1/invitations/batch", json!({ "invitations": rows })).await.expect(202);
    app.mails().await;
    let first = boss.client.get("/v1/invitations?q=p00").await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned();
    boss.client.send(Method::DELETE, &format!("/v1/invitations/{first}"), &[], None).await.expect(204);
    let mut browser = signed_in(&app, &boss).await;
    let rows = |page: &Answer| page.text.matches("role=\"rowheader\"").count();
    let page = browser.open(HERE).await.expect(200);
    assert_eq!(rows(&page), 25);
    assert!(page.text.contains("<span class=\"tile-number\">27</span> <span class=\"tile-name\">Sent"), "{}", page.text);
    assert!(page.text.contains("zz-boss") && page.text.contains("Older"));
    let next = page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let next = next.replace("&#x2f;", "/").replace("&amp;", "&");
    assert_eq!(rows(&browser.open(&next).await.expect(200)), 2);
    assert_eq!(rows(&browser.open(&format!("{HERE}?q=P1")).await.expect(200)), 10);
    assert_eq!(rows(&browser.open(&format!("{HERE}?state=revoked")).await.expect(200)), 1);
    assert!(browser.open(&format!("{HERE}?q=none")).await.expect(200).text.contains("No invitation fits."));
    browser.open(&format!("{HERE}?state=lost")).await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn who_invited_whom_is_found_from_both_ends() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    let id = boss.client.post("/v1/invitations", json!({ "email": "ann@example.org" })).await.expect(201).str("id");
    let acceptance = json!({ "token": app.mailed_token().await, "password": PASSWORD });
    let ann = app.client().post("/v1/invitations/accept", acceptance).await.expect(201).str("id");
    admin.client.post("/v1/invitations", json!({ "email": "ben@example.org" })).await.expect(201);
    let mut browser = signed_in(&app, &admin).await;
    let page = text(&mut browser, &format!("/admin/users/{ann}")).await;
    for found in [format!("<a href=\"{}\">zz-boss</a>", way(&boss)), format!("\"{HERE}/{id}\""), format!("?invited_by={ann}\"")] {
        assert!(page.contains("Invited by") && page.contains(&found), "{found}: {page}");
    }
    let page = text(&mut browser, &way(&boss)).await;
    assert!(!page.contains("Invited by") && page.contains(&format!("{HERE}?invited_by={}", boss.id)), "{page}");
    let page = text(&mut browser, &format!("{HERE}?invited_by={}&state=accepted", boss.id)).await;
    assert!(page.contains("ann@example.org") && !page.contains("ben@example.org"), "{page}");
    assert!(page.contains(&format!("Only those that <a href=\"{}\">zz-boss</a> has sent.", way(&boss))), "{page}");
    // A search keeps to them, and they can be let go.
    assert!(page.contains(&format!("name=\"invited_by\" value=\"{}\"", boss.id)), "{page}");
    assert!(page.contains(&format!("href=\"{HERE}?state=accepted\">Show those of everybody")), "{page}");
    let page = text(&mut browser, &format!("{HERE}?invited_by={ann}")).await;
    assert!(page.contains("No invitation fits.") && page.contains("Only those that <a"), "{page}");
    browser.open(&format!("{HERE}?invited_by=boss")).await.expect(404);
    let looker = with(&app, &admin, "looker", &["users:read"]).await;
    let mut browser = signed_in(&app, &looker).await;
    let page = text(&mut browser, &format!("/admin/users/{ann}")).await;
    assert!(!page.contains("Invited by") && !page.contains(HERE), "{page}");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_nobody_outranks_themselves() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let reader = with(&app, &admin, "reader", &["invitations:read"]).await;
    let boss = app.manager().await;
    let wish = json!({ "email": "ann@example.org", "roles": ["admin"], "delivery": "link" });
    let id = admin.client.post("/v1/invitations", wish).await.expect(201).str("id");
    let way = format!("{HERE}/{id}");
    let mut browser = signed_in(&app, &reader).await;
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("ann@example.org") && !page.text.contains("Invite somebody"), "{}", page.text);
    // They may not see users, so none is linked.
    assert!(page.text.contains("zz-root") && !page.text.contains("/admin/users"), "{}", page.text);
    let page = browser.open(&format!("{HERE}?invited_by={}", admin.id)).await.expect(200);
    assert!(page.text.contains("Only those that zz-root has sent.") && !page.text.contains("/admin/users"), "{}", page.text);
    assert!(!browser.open(&way).await.expect(200).text.contains("Revoke …"));
    for path in [format!("{HERE}/new"), format!("{way}/resend"), format!("{way}/revoke")] {
        browser.open(&path).await.expect(403);
        browser.open(HERE).await.expect(200);
        browser.submit(&path, &[("email", "ben@example.org")]).await.expect(403);
    }
    browser.open(MANY).await.expect(403);
    browser.open(HERE).await.expect(200);
    send_many(&mut browser, &[("people", "ben@example.org")]).await.expect(403);
    browser.upload_with(MANY, &[], ("file", "people.csv"), b"ben@example.org").await.expect(403);
    let mut browser = signed_in(&app, &boss).await;
    assert!(!browser.open(&way).await.expect(200).text.contains("Revoke …"), "a manager gives no admin");
    browser.submit(&format!("{way}/revoke"), &[]).await.expect(403);
    let page = browser.open(&format!("{HERE}/new")).await.expect(200);
    assert!(!page.text.contains("name=\"role.") && !page.text.contains("name=\"roles\""), "{}", page.text);
    browser.open(&format!("{HERE}/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d")).await.expect(404);
    assert_eq!(app.count("select count(*) from invitations").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn the_quota_of_a_day_is_a_page_that_says_when_to_come_back_and_is_noted() {
    let app = TestApp::with(&[("USHER_INVITATIONS_PER_DAY", "1")]).await;
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &boss).await;
    browser.open(&format!("{HERE}/new")).await.expect(200);
    browser.submit(&format!("{HERE}/new"), &[("email", "ann@example.org")]).await.expect(303);
    let refused = browser.submit(&format!("{HERE}/new"), &[("email", "ben@example.org")]).await.expect(429);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(app.count("select count(*) from audit_events where action = 'invitation.quota'").await, 1);
    app.mails().await;
    app.finish().await;
}
