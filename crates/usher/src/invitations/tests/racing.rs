//! Of those who want the same address, or want and do not want the same invitation, exactly one wins.

use futures_util::future::{join, join_all};
use jiff::SignedDuration;
use serde_json::json;

use super::{PATH, accept, token_of};
use crate::testing::{PASSWORD, TestApp, token_in};

const OF_ANN: &str = "select count(*) from emails where address_normal = 'ann@example.org'";

#[tokio::test]
async fn r040_of_acceptances_at_the_same_time_one_succeeds() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    boss.client.post(PATH, json!({ "email": "ann@example.org" })).await.expect(201);
    let token = app.mailed_token().await;
    let answers = join_all((0..6).map(|_| accept(&app, &token))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(done.len(), 1);
    for answer in refused {
        answer.expect_problem(422, "invalid_token");
    }
    assert_eq!(app.count(OF_ANN).await, 1);
    assert_eq!(app.count("select count(*) from invitations where accepted_by is not null").await, 1);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn of_an_acceptance_and_a_revocation_one_wins() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    for number in 0..6 {
        let wish = json!({ "email": format!("ann{number}@example.org"), "delivery": "link" });
        let made = boss.client.post(PATH, wish).await.expect(201);
        let (path, token) = (format!("{PATH}/{}", made.str("id")), token_of(&made));
        let (accepted, revoked) = join(accept(&app, &token), boss.client.delete(&path)).await;
        let state = boss.client.get(&path).await.expect(200).str("state");
        match (accepted.status.as_u16(), revoked.status.as_u16()) {
            (201, 409) => assert_eq!(state, "accepted"),
            (422, 204) => assert_eq!(state, "revoked"),
            other => panic!("{other:?}"),
        }
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn beside_a_sign_up_the_address_gets_one_user_who_is_the_invited_one() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    boss.client.post(PATH, json!({ "email": "ann@example.org" })).await.expect(201);
    let token = app.mailed_token().await;
    let sign_up = json!({ "email": "ann@example.org", "password": "seven quiet herons wading" });
    app.client().post("/v1/register", sign_up).await.expect(202);
    let (accepted, ()) = join(accept(&app, &token), app.run_jobs()).await;
    accepted.expect(201);
    app.advance(SignedDuration::from_mins(1));
    app.run_jobs().await;
    assert_eq!(app.count(OF_ANN).await, 1);
    app.sign_in("ann@example.org", PASSWORD).await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn of_invitations_and_users_made_for_one_address_at_the_same_time_one_is_made() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let answers = join_all((0..6).map(|_| boss.client.post(PATH, json!({ "email": "ann@example.org" })))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.json["code"] == "already_invited"));
    let token = token_in(&app.mails().await[0]);
    // Who is created meanwhile has the address, and the invitation is worth nothing.
    let created = boss.client.post("/v1/users", json!({ "email": "ann@example.org" }));
    let (accepted, created) = join(accept(&app, &token), created).await;
    match (accepted.status.as_u16(), created.status.as_u16()) {
        (201, 409) | (422, 201) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(app.count(OF_ANN).await, 1);
    app.mails().await;
    app.finish().await;
}
