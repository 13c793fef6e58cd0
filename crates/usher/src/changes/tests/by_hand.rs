//! What can't be undone is refused, and the refusal says what to do instead.

use serde_json::json;

use super::{undo, written};
use crate::audit::Event;
use crate::testing::TestApp;

#[tokio::test]
async fn what_can_not_be_undone_says_what_to_do_instead() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    for (action, field, instead) in [
        ("branding.logo_set", "logo", "upload the one that shall be there"),
        ("branding.logo_removed", "logo", "upload the one that shall be there"),
        ("user.avatar_set", "avatar_url", "upload the one that shall be there"),
        ("user.avatar_removed", "avatar_url", "upload the one that shall be there"),
        ("user.unlocked", "locked_until", "suspend the user"),
        ("user.sessions_ended", "sessions", "signs in again"),
        ("api_key.revoked", "revoked_at", "make another one"),
        ("a.novelty", "link", "There is nothing in it"),
    ] {
        let event = Event::success(action).changed(&json!({ field: "before" }), &json!({ field: "after" }));
        let event = if action.starts_with("user.") { event.on("user", &ann.id) } else { event };
        let id = written(&app, &admin, event, action).await;
        let refused = undo(&admin, &id, json!({})).await.expect_problem(409, "not_undoable");
        assert!(refused.json["detail"].as_str().unwrap().contains(instead), "{action}: {}", refused.text);
    }
    app.finish().await;
}
