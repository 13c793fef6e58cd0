//! Sign-ins that stop at the second factor, as those see them who help people in.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{pending, show, wrong};
use crate::audit::{self, Event};
use crate::testing::{Client, Person, TestApp};

/// All attempts, so many at a time.
async fn attempts(client: &Client, person: &Person, limit: u8) -> Vec<Value> {
    let path = format!("/v1/users/{}/sign-ins?limit={limit}", person.id);
    let (mut found, mut here) = (Vec::new(), path.clone());
    loop {
        let page = client.get(&here).await.expect(200).json;
        found.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { return found };
        here = format!("{path}&cursor={next}");
    }
}

/// What each failed at, and what came of the second factor if one was asked for.
fn told(attempts: &[Value]) -> Vec<(Value, Value)> {
    let shown = |attempt: &Value| {
        let last = attempt["decisions"].as_array().unwrap().last().unwrap().clone();
        if last["about"] == "second_factor" { last["result"].clone() } else { Value::Null }
    };
    attempts.iter().map(|attempt| (attempt["refusal"].clone(), shown(attempt))).collect()
}

#[tokio::test]
async fn an_attempt_stands_once_whether_or_not_something_was_shown() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let bound = app.with_second_factor(&ann).await;
    let before = (Value::Null, Value::Null);
    let missing = (json!("second_factor_missing"), json!("missing"));
    let mistyped = (json!("second_factor"), json!("wrong"));
    let right = (Value::Null, json!("right"));
    assert_eq!(told(&attempts(&admin, &ann, 50).await), std::slice::from_ref(&before));

    pending(&app, &ann).await;
    let found = attempts(&admin, &ann, 50).await;
    assert_eq!(told(&found), [missing.clone(), before.clone()]);
    assert_eq!((&found[0]["signed_in"], &found[0]["asked_at"]), (&json!(false), &found[0]["at"]));
    assert_eq!(found[0]["explanation"], "The password was right, and the second factor was asked for: none has been shown.");
    assert_eq!(found[0]["decisions"].as_array().unwrap().len(), 6);

    // Somebody types it wrong, and then right.
    app.advance(SignedDuration::from_mins(1));
    let token = pending(&app, &ann).await;
    show(&app, &token, &wrong(&app, &bound)).await.expect_problem(422, "wrong_code");
    assert_eq!(told(&attempts(&admin, &ann, 50).await), [mistyped.clone(), missing.clone(), before.clone()]);
    app.advance(SignedDuration::from_secs(1));
    show(&app, &token, &bound.code(&app)).await.expect(200);
    let found = attempts(&admin, &ann, 50).await;
    assert_eq!(told(&found), [right.clone(), mistyped.clone(), missing.clone(), before.clone()]);
    assert_eq!(found[0]["asked_at"], found[1]["asked_at"], "tries at one sign-in");
    assert_ne!(found[1]["asked_at"], found[2]["asked_at"]);
    assert_eq!(found[3]["asked_at"], Value::Null);

    // What can't be a code is none, and so is what comes too late.
    app.advance(SignedDuration::from_mins(1));
    let token = pending(&app, &ann).await;
    show(&app, &token, "x").await.expect_problem(422, "wrong_code");
    app.advance(SignedDuration::from_mins(5));
    show(&app, &token, &bound.code(&app)).await.expect_problem(401, "sign_in_over");
    let admin = app.sign_in("root@example.org", crate::testing::PASSWORD).await.client;
    let all = attempts(&admin, &ann, 50).await;
    assert_eq!(told(&all), [missing.clone(), right, mistyped, missing, before]);
    for limit in 1..=4 {
        assert_eq!(attempts(&admin, &ann, limit).await, all, "{limit} at a time");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_lock_of_the_code_is_told_and_what_earlier_releases_asked_for_stands_nowhere() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let bound = app.with_second_factor(&ann).await;
    let token = pending(&app, &ann).await;
    for _ in 0..11 {
        show(&app, &token, &wrong(&app, &bound)).await;
    }
    let found = told(&attempts(&admin, &ann, 50).await);
    assert_eq!(found[0], (json!("second_factor_locked"), json!("locked")));
    assert_eq!(found.len(), 12, "ten that were looked at, one that was not, and the sign-in of before: {found:?}");
    let mut tx = app.tx().await;
    audit::record(&mut tx, Event::success("second_factor.asked").on("user", &ann.id).detail("device", "known")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(told(&attempts(&admin, &ann, 5).await), found);
    app.run_jobs().await;
    app.finish().await;
}
