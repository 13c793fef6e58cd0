//! The stream of what moves.

use http::Method;
use serde_json::json;

use super::{signed_in, with};
use crate::id::SessionId;
use crate::live::{self, Followed};
use crate::testing::{Browser, Person, TestApp};

/// Begins to suspend somebody. Where the run is.
async fn run(admin: &Person, person: &Person) -> String {
    let body = json!({ "action": "suspend", "ids": [person.id] });
    let preview = admin.client.post("/v1/bulk", body).await.expect(201);
    let id = preview.str("id");
    let token = json!({ "token": preview.str("token") });
    admin.client.post(&format!("/v1/bulk/{id}/run"), token).await.expect(202);
    id
}

/// The session of the only browser in which somebody has signed in.
async fn session(app: &TestApp, person: &Person) -> SessionId {
    let mut tx = app.tx().await;
    let sql = "
        select s.id
        from sessions s
        join browser_sessions b on b.session_id = s.id
        where s.user_id::text = $1";
    let id = tx.query_one(sql, &[&person.id]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    id
}

fn cookies(browser: &Browser) -> String {
    let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    cookies.join("; ")
}

#[tokio::test]
async fn a_stream_says_how_far_it_is_and_ends_with_the_process() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let id = run(&admin, &ann).await;
    let page = browser.open(&format!("/admin/bulk/{id}")).await.expect(200);
    assert!(page.text.contains(&format!("data-follow=\"bulk:{id}\"")), "{}", page.text);
    let mut other = live::follow(&app.app, SessionId::new(app.now()), Followed::Run(id.parse().unwrap())).unwrap();
    let stop = async {
        let standing = other.next().await.unwrap();
        while live::count_followers(&app.app) < 2 {
            tokio::task::yield_now().await;
        }
        app.app.draining.begin();
        standing
    };
    let way = format!("/admin/events?follow=bulk:{id}");
    let (answer, standing) = tokio::join!(browser.open(&way), stop);
    let answer = answer.expect(200);
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(
        (&answer.headers["cache-control"], &answer.headers["x-accel-buffering"]),
        (&"no-store".parse().unwrap(), &"no".parse().unwrap())
    );
    for line in
        [format!("id: {}", standing.mark), "retry: 3000".to_owned(), "\"state\":\"running\"".to_owned(), "\"total\":1".to_owned()]
    {
        assert!(answer.text.contains(&line), "{line}: {}", answer.text);
    }
    // A process that is about to stop begins none.
    browser.open(&way).await.expect(503);
    app.run_jobs().await;
    let page = browser.open(&format!("/admin/bulk/{id}")).await.expect(200);
    assert!(!page.text.contains("data-follow="), "there is nothing more to come");
    app.finish().await;
}

#[tokio::test]
async fn a_stream_needs_what_its_page_needs() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let counts = with(&app, &admin, "counts", &["analytics:read"]).await;
    let writes = with(&app, &admin, "writes", &["users:read", "users:write"]).await;
    let id = run(&admin, &ann).await;
    let file = [("content-type", "text/csv")];
    let import = admin.client.send_raw(Method::POST, "/v1/imports", &file, b"email\nx@example.org\n".to_vec()).await.expect(201);
    let import = import.str("id");
    let mut browser = signed_in(&app, &counts).await;
    for (follow, status) in [
        ("bulk", 403),
        ("imports", 403),
        (&*format!("bulk:{id}"), 403),
        (&*format!("import:{import}"), 403),
        ("shoes", 404),
        ("", 404),
    ] {
        browser.open(&format!("/admin/events?follow={follow}")).await.expect(status);
    }
    let mut browser = signed_in(&app, &writes).await;
    let unknown = "019ac000-0000-7000-8000-000000000000";
    // What an import was allowed bounds who may see it.
    for (follow, status) in [
        ("queues".to_owned(), 403),
        (format!("import:{import}"), 403),
        (format!("import:{unknown}"), 404),
        (format!("bulk:{unknown}"), 404),
    ] {
        browser.open(&format!("/admin/events?follow={follow}")).await.expect(status);
    }
    let mine = session(&app, &writes).await;
    let kept: Vec<_> = (0..6).map(|_| live::follow(&app.app, mine, Followed::Runs).unwrap()).collect();
    let refused = browser.open("/admin/events?follow=bulk").await.expect(429);
    assert_eq!(refused.headers["retry-after"], "10");
    drop(kept);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_a_script_asks_for_by_itself_keeps_no_session_alive() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let browser = signed_in(&app, &admin).await;
    let cookies = cookies(&browser);
    app.advance(jiff::SignedDuration::from_mins(5));
    let seen = "select count(*) from sessions where last_seen_at >= '2026-01-01T00:04:00Z'";
    for (mode, count) in [("cors", 0), ("no-cors", 0), ("navigate", 1)] {
        let fields = [("cookie", cookies.as_str()), ("accept", "text/html"), ("sec-fetch-mode", mode)];
        app.client().send_raw(Method::GET, "/admin?part=queues", &fields, Vec::new()).await.expect(200);
        assert_eq!(app.count(seen).await, count, "{mode}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_dashboard_shows_its_queues_alone() {
    let app = TestApp::new().await;
    let mut browser = signed_in(&app, &app.admin().await).await;
    let page = browser.open("/admin?part=queues").await.expect(200);
    assert!(page.text.contains("data-follow=\"queues\"") && page.text.contains("Jobs that wait"), "{}", page.text);
    assert!(!page.text.contains("Sign-ups") && !page.text.contains("In the recycle bin"), "{}", page.text);
    app.finish().await;
}
