//! Refreshes that come at the same time.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use super::{claims, refresh};
use crate::db::{Actor, Origin};
use crate::secret::SecretText;
use crate::sessions::refresh as refresh_of;
use crate::testing::{Person, TestApp};

async fn people(app: &TestApp, count: usize) -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..count {
        people.push(app.user(&format!("p{number}")).await);
    }
    people
}

#[tokio::test]
async fn everybody_gets_their_own_tokens_and_the_address_they_came_from_is_kept() {
    let app = TestApp::new().await;
    let people = people(&app, 24).await;
    // They were active yesterday.
    app.advance(SignedDuration::from_hours(24));
    let asked = people.iter().enumerate().map(|(number, person)| {
        let client = app.client().at(&format!("203.0.113.{number}"));
        let token = person.refresh_token.clone();
        async move { client.post("/v1/refresh", json!({ "refresh_token": token })).await.expect(200) }
    });
    let answers = join_all(asked).await;
    for (person, answer) in people.iter().zip(&answers) {
        let (before, after) = (claims(&person.access_token), claims(&answer.str("access_token")));
        assert_eq!((&before["sub"], &before["sid"], &before["roles"]), (&after["sub"], &after["sid"], &after["roles"]));
        app.client_with(&answer.str("access_token")).get("/v1/me").await.expect(200);
    }
    let seen = "select count(distinct address) from sessions where last_seen_at = (select max(last_seen_at) from sessions)";
    assert_eq!(app.count(seen).await, 24);
    assert_eq!(app.count("select count(*) from activity_days where day = '2026-01-02'").await, 24);
    assert_eq!(app.count("select count(*) from refresh_tokens where used_at is null").await, 24);
    // Each of the new ones works, and each of the old ones ends its session.
    let newer: Vec<String> = answers.iter().map(|answer| answer.str("refresh_token")).collect();
    let again = join_all(newer.iter().map(|token| refresh(&app, token))).await;
    assert!(again.iter().all(|answer| answer.status == 200));
    join_all(people.iter().map(|person| refresh(&app, &person.refresh_token))).await.iter().for_each(|answer| {
        assert_eq!(answer.status, 401, "{}", answer.text);
    });
    assert_eq!(app.count("select count(*) from sessions where ended_reason = 'refresh_token_reused'").await, 24);
    app.finish().await;
}

#[tokio::test]
async fn who_is_refused_or_has_to_wait_is_in_nobodys_way() {
    let app = TestApp::new().await;
    let people = people(&app, 6).await;
    let mut holder = app.app.begin_as(Actor::System).await.unwrap();
    holder.query("select id from sessions where user_id = $1::text::uuid for update", &[&people[0].id]).await.unwrap();
    let mut tx = app.tx().await;
    tx.execute("update users set status = 'suspended' where id = $1::text::uuid", &[&people[1].id]).await.unwrap();
    tx.commit().await.unwrap();
    let all = join_all(people.iter().map(|person| refresh(&app, &person.refresh_token)));
    let others = async {
        // All others have theirs while the first session is still held.
        while app.count("select count(*) from refresh_tokens where used_at is not null").await < 4 {
            tokio::task::yield_now().await;
        }
        holder.commit().await.unwrap();
    };
    let (answers, ()) = futures_util::join!(all, others);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [200, 401, 200, 200, 200, 200]);
    assert_eq!(
        app.count("select count(*) from audit_events where action = 'session.refreshed' and outcome = 'failure'").await,
        1
    );
    app.finish().await;
}

#[tokio::test]
async fn who_goes_away_while_they_wait_has_not_used_their_token() {
    let app = TestApp::new().await;
    let people = people(&app, 3).await;
    let tokens: Vec<SecretText> = people.iter().map(|person| SecretText::new(person.refresh_token.clone())).collect();
    let origin = Origin::of(Actor::Anonymous);
    // Nothing begins while all connections are in use: two work, and the third waits for them.
    let held = join_all((0..4).map(|_| app.tx())).await;
    let mut refreshes: Vec<_> = tokens.iter().map(|token| Box::pin(refresh_of(&app.app, &origin, token))).collect();
    for refresh in &mut refreshes {
        assert!(futures_util::poll!(refresh).is_pending());
        tokio::task::yield_now().await;
    }
    drop(refreshes.pop());
    drop(held);
    for refreshed in join_all(refreshes).await {
        refreshed.unwrap();
    }
    refresh(&app, &people[2].refresh_token).await.expect(200);
    app.finish().await;
}
