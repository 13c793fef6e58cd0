//! What is followed, and by how many.

use super::*;
use crate::clock::Clock;
use crate::id::new_uuid;
use crate::testing::TestApp;

#[test]
fn what_is_followed_is_written_as_it_is_read() {
    let id = new_uuid(Clock::system().now());
    for one in [Followed::Run(id), Followed::Runs, Followed::Import(id), Followed::Imports, Followed::Queues] {
        assert_eq!(Followed::parse(&one.to_string()), Some(one));
    }
    for text in ["", "bulk:", "bulk:x", "imports:", "queue", "user:x"] {
        assert_eq!(Followed::parse(text), None, "{text}");
    }
}

#[tokio::test]
async fn each_hears_how_it_stands_and_then_of_changes_only() {
    let mut app = TestApp::new().await;
    app.may_leave_jobs();
    let session = SessionId::new(app.now());
    let mut first = follow(&app.app, session, Followed::Queues).unwrap();
    let known = first.next().await.unwrap();
    assert_eq!((known.mark.as_str(), &known.progress), ("0-0-0-0-0", &None));
    // Who comes later is told what is known already.
    let mut second = follow(&app.app, session, Followed::Queues).unwrap();
    assert_eq!(second.next().await.unwrap(), known);
    let mut tx = app.tx().await;
    crate::jobs::enqueue(&mut tx, "nothing", &serde_json::json!({})).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(first.next().await.unwrap().mark, "1-0-0-0-0");
    assert_eq!(second.next().await.unwrap().mark, "1-0-0-0-0");
    let mut lists = [Followed::Runs, Followed::Imports].map(|list| follow(&app.app, session, list).unwrap());
    for list in &mut lists {
        assert!(list.next().await.unwrap().progress.is_none());
    }
    drop((first, second, lists));
    app.finish().await;
}

#[tokio::test]
async fn a_session_follows_six_things_at_the_most() {
    let app = TestApp::new().await;
    let session = SessionId::new(app.now());
    let mut kept: Vec<Following> = (0..PER_SESSION_MAX).map(|_| follow(&app.app, session, Followed::Runs).unwrap()).collect();
    let refused = follow(&app.app, session, Followed::Runs).err().unwrap();
    assert_eq!((refused.code, refused.retry_after_seconds), ("too_many_requests", Some(AGAIN_AFTER_SECONDS)));
    follow(&app.app, SessionId::new(app.now()), Followed::Runs).unwrap();
    kept.pop();
    kept.push(follow(&app.app, session, Followed::Imports).unwrap());
    drop(kept);
    assert!(app.app.kept::<Board>().open().sessions.is_empty());
    app.finish().await;
}
